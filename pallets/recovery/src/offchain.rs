//! The node's part: it says that it is there, votes for one proposal, and keeps its vote before it sends it.
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
	offchain::{
		storage::StorageValueRef,
		storage_lock::{StorageLock, Time},
		Duration,
	},
	traits::{Header as _, UniqueSaturatedInto},
};
use understudy_primitives::{
	crypto::AuthorityId,
	offchain::{claim, FinalityView, Lock, LOCK, PREVOTED, RELEASED},
	statement::Statement,
	HeartbeatKeys,
};

use crate::{
	ballot::Stage,
	vote::{self, Next},
	BlockId, Call, Config, Mode, Pallet, Presence, Signed, SignedVote, StateOf, Status, Vote, VoteOf,
};

const LOG_TARGET: &str = "understudy::recovery";
/// What the node has seen of finality counts for so many milliseconds: it may be from before a restart.
const FRESH: u64 = 15_000;
/// One worker at a time decides on a vote. If it dies, the others wait so many milliseconds.
const DECIDING: u64 = 5_000;

impl<T: Config> Pallet<T> {
	/// Speaks for those whose keys the local node has.
	pub(crate) fn speak(now: BlockNumberFor<T>) {
		let state = Status::<T>::get();
		if state.mode != Mode::DegradedSafe {
			return;
		}
		let Some((view, base)) = Self::standstill(&state) else { return };
		for key in AuthorityId::all() {
			let Some(who) = T::Keys::owner_of(&key) else { continue };
			if let Some(anchor) = state.anchor {
				let may = Self::check_member(&state, &who, &anchor, Stage::Present).is_ok();
				if may && claim("present", &key, anchor, now) {
					let presence = Presence { who: who.clone(), anchor };
					if let Some(signed) = Self::signed(presence, &key) {
						Self::submit(Call::present { signed });
					}
				}
			}
			if let Some(proposal) = state.proposal {
				let may = Self::check_member(&state, &who, &proposal, Stage::Vote).is_ok();
				let vote = Vote { who, proposal, base };
				if let Some(signed) = may.then(|| Self::signed_once(&key, vote, &view, now)).flatten() {
					Self::submit(Call::vote { signed });
				}
			}
		}
	}

	/// The last block that the node has finalized, as far as the chain knows of it; if the node sees for itself that finality
	/// stands still.
	fn standstill(state: &StateOf<T>) -> Option<(FinalityView, BlockId<T::Hash>)> {
		let view = FinalityView::read()?;
		let age = sp_io::offchain::timestamp().unix_millis().saturating_sub(view.at);
		if age > FRESH || view.at.saturating_sub(view.advanced) < T::Rules::get().stall_time {
			return None;
		}
		let header = view.last::<HeaderFor<T>>()?;
		let last: u32 = (*header.number()).unique_saturated_into();
		let base = if last <= state.view.finalized {
			BlockId { number: last, hash: header.hash() }
		} else {
			let number = state.view.finalized;
			BlockId { number, hash: Self::hash_of(number) }
		};
		Some((view, base))
	}

	fn signed<What: Statement>(statement: What, key: &AuthorityId) -> Option<Signed<What>> {
		let signature = statement.sign(key, &Self::genesis())?;
		Some(Signed { statement, signature })
	}

	/// Whether the node's GRANDPA voter has prevoted for nothing but what this proposal builds on. What it has prevoted for could
	/// have been finalized without anybody here knowing.
	fn builds_on_prevote(proposal: &BlockId<T::Hash>, base: u32, view: &FinalityView) -> bool {
		let prevoted = match StorageValueRef::persistent(PREVOTED).get::<BlockId<T::Hash>>() {
			Ok(None) => return true,
			Ok(Some(prevoted)) => prevoted,
			Err(_) => return false,
		};
		let is_here = |block: &BlockId<T::Hash>| Self::hash_of(block.number) == block.hash;
		// The chain has forgotten older hashes; the node has not.
		let is_below_one_here = || {
			let seen = view.prevoted::<BlockId<T::Hash>>();
			seen.is_some_and(|(below, block)| below == prevoted && is_here(&block))
		};
		let is_on_branch = || is_here(&prevoted) || is_below_one_here();
		prevoted.number <= base || (prevoted.number <= proposal.number && is_on_branch())
	}

	/// The member's vote for this proposal, if the node may sign one, or has.
	fn signed_once(
		key: &AuthorityId,
		vote: VoteOf<T>,
		view: &FinalityView,
		now: BlockNumberFor<T>,
	) -> Option<SignedVote<T>> {
		let mut guard = StorageLock::<Time>::with_deadline(
			b"understudy/recovery/deciding",
			Duration::from_millis(DECIDING),
		);
		let _guard = guard.try_lock().ok()?;
		// By the member, not by its key: another key is no other vote.
		let name = (&b"understudy/recovery/vote"[..], &vote.who).encode();
		let storage = StorageValueRef::persistent(&name);
		// What cannot be read might be a vote.
		let kept = storage.get::<SignedVote<T>>().ok()?;
		let Vote { proposal, base, .. } = vote;
		if StorageValueRef::persistent(RELEASED).get::<BlockId<T::Hash>>().ok()? == Some(proposal) {
			log::warn!(
				target: LOG_TARGET,
				"not voting for the recovery that #{} proposes: the operator has taken the vote back",
				proposal.number
			);
			return None;
		}
		match vote::next(kept.as_ref().map(|kept| &kept.statement.proposal), &proposal, base.number) {
			Next::Sign => {
				// First the lock, which the voter reads after it has written what it is about to prevote for; then that: whichever
				// comes first, one of the two sees the other.
				let mut lock = StorageValueRef::persistent(LOCK);
				let before = lock.get::<Lock<T::Hash>>().ok()?;
				let is_other = |lock: &Lock<T::Hash>| {
					lock.proposal != proposal && !vote::is_released(&lock.proposal, base.number)
				};
				if before.as_ref().is_some_and(is_other) {
					log::warn!(target: LOG_TARGET, "not voting: another member's vote binds this node");
					return None;
				}
				lock.set(&Lock { proposal, set: view.set });
				if !Self::builds_on_prevote(&proposal, base.number, view) {
					log::warn!(
						target: LOG_TARGET,
						"not voting for a recovery from #{}: this node has prevoted for a block that is not below it",
						proposal.number
					);
					match before {
						Some(before) => lock.set(&before),
						None => lock.clear(),
					}
					return None;
				}
				// Kept before it is sent, by the worker of a later block: the database writes in the background.
				storage.set(&Self::signed(vote, key)?);
				log::warn!(
					target: LOG_TARGET,
					"finality stands still: voting for the recovery that #{} {:?} proposes",
					proposal.number,
					proposal.hash
				);
				None
			},
			Next::Resend => claim("recovery", key, proposal, now).then_some(kept).flatten(),
			Next::Locked => {
				log::warn!(
					target: LOG_TARGET,
					"not voting for a recovery from #{}: this node's vote for another one still binds it",
					proposal.number
				);
				None
			},
		}
	}

	fn submit(call: Call<T>) {
		let transaction = T::create_authorized_transaction(call.into());
		if SubmitTransaction::<T, Call<T>>::submit_transaction(transaction).is_err() {
			log::debug!(target: LOG_TARGET, "the transaction pool refused what a member says in a stall");
		}
	}
}
