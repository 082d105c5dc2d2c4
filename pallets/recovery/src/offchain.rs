//! The node's part: it votes for the branch that it stands on, once, and keeps its vote before it sends it.
//!
//! What it keeps is in the node's database, which no fork of the chain and no restart changes. A second node with the same keys
//! knows nothing of it: keys are never on two nodes (I10).

use frame_support::{pallet_prelude::*, traits::Get};
use frame_system::{
	offchain::SubmitTransaction,
	pallet_prelude::{BlockNumberFor, HeaderFor},
};
use sp_application_crypto::RuntimeAppPublic;
use sp_runtime::{
	offchain::storage::{StorageRetrievalError, StorageValueRef},
	traits::{Header as _, UniqueSaturatedInto},
};
use understudy_primitives::{
	crypto::AuthorityId,
	offchain::{claim, FinalityView, VOTED_FOR},
	statement::Statement,
	HeartbeatKeys,
};

use crate::{
	vote::{self, Next},
	BlockId, Call, Config, Mode, Pallet, Signed, SignedOf, Status, Vote,
};

const LOG_TARGET: &str = "understudy::recovery";

impl<T: Config> Pallet<T> {
	/// Votes for those whose keys the local node has.
	pub(crate) fn cast_votes(now: BlockNumberFor<T>) {
		let state = Status::<T>::get();
		let (Mode::DegradedSafe, Some(anchor)) = (state.mode, state.anchor) else { return };
		let Some(base) = Self::finalized() else { return };
		for key in AuthorityId::all() {
			let Some(who) = T::Keys::owner_of(&key) else { continue };
			if Self::check_voter(&state, &who, &anchor).is_err() {
				continue;
			}
			if let Some(signed) = Self::signed_once(&key, Vote { who, anchor, base }, now) {
				Self::submit(signed);
			}
		}
	}

	/// The last block that the node has finalized, if it sees for itself that finality stands still there.
	fn finalized() -> Option<BlockId<T::Hash>> {
		let view = FinalityView::read()?;
		if view.at.saturating_sub(view.advanced) < T::Rules::get().stall_time {
			return None;
		}
		let header = view.last::<HeaderFor<T>>()?;
		Some(BlockId { number: (*header.number()).unique_saturated_into(), hash: header.hash() })
	}

	/// The member's vote for this anchor, if the node may sign one, or has.
	fn signed_once(
		key: &AuthorityId,
		vote: Vote<T::AccountId, T::Hash>,
		now: BlockNumberFor<T>,
	) -> Option<SignedOf<T>> {
		// By the member, not by its key: another key is no other vote.
		let name = (&b"understudy/recovery/vote"[..], &vote.who).encode();
		let storage = StorageValueRef::persistent(&name);
		// What cannot be read might be a vote.
		let kept = storage.get::<SignedOf<T>>().ok()?;
		// What is below the last finalized block is final or dead; the chain remembers the hashes of the last blocks only.
		let is_final = |block: &BlockId<T::Hash>| {
			let own = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::from(block.number));
			block.number <= vote.base.number && (own == block.hash || own == T::Hash::default())
		};
		// The node's GRANDPA voter stays with this branch from now on, and with no other one as long as this one could recover.
		// Written before the vote is sent, however often.
		let stay = || StorageValueRef::persistent(VOTED_FOR).set(&vote.anchor);
		match vote::next(kept.as_ref().map(|kept| &kept.vote.anchor), &vote.anchor, is_final) {
			Next::Sign => {
				let signature = vote.sign(key, &Self::genesis())?;
				let signed = Signed { vote: vote.clone(), signature };
				// Kept before it is sent; unless a worker of another block was faster.
				let keep = |found: Result<Option<SignedOf<T>>, StorageRetrievalError>| match found {
					Ok(found) if found == kept => Ok(signed.clone()),
					_ => Err(()),
				};
				storage.mutate(keep).ok()?;
				stay();
				log::warn!(
					target: LOG_TARGET,
					"finality stands still: voting for a recovery of the branch with #{} {:?}",
					signed.vote.anchor.number,
					signed.vote.anchor.hash
				);
				Some(signed)
			},
			Next::Resend => {
				stay();
				claim("recovery", key, vote.anchor, now).then_some(kept).flatten()
			},
			Next::Locked => {
				log::warn!(
					target: LOG_TARGET,
					"not voting for the branch with #{}: this node has voted for another one, which is not final",
					vote.anchor.number
				);
				None
			},
		}
	}

	fn submit(signed: SignedOf<T>) {
		let transaction = T::create_authorized_transaction(Call::vote { signed }.into());
		if SubmitTransaction::<T, Call<T>>::submit_transaction(transaction).is_err() {
			log::debug!(target: LOG_TARGET, "the transaction pool refused the vote for a recovery");
		}
	}
}
