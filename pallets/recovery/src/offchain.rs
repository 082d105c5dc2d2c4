//! Offchain worker: reports the block that the node has finalized where the chain lacks it, attests
//! presence in a stall, votes for one proposal, and stores each vote before it sends it.
//!
//! The stored data is in the node's offchain storage, which neither forks of the chain nor restarts
//! change. A second node with the same keys does not have it: keys must never be on two nodes
//! (I10).

use frame_support::traits::Get;
use frame_system::{
	offchain::SubmitTransaction,
	pallet_prelude::{BlockNumberFor, HeaderFor},
};
use sp_application_crypto::RuntimeAppPublic;
use sp_core::offchain::StorageKind;
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
	offchain::{claim, released, vote_key, FinalityView, Lock, LOCK, PREVOTED},
	statement::Statement,
	FailoverLog,
};

use crate::{
	in_flight::Voter,
	submission::Submission,
	vote::{self, Next},
	BlockId, Call, Config, FinalityReport, Mode, Pallet, Presence, Reports, Rosters, Signed, SignedVote,
	StateOf, Status, Vote, VoteOf, Votes,
};

const LOG_TARGET: &str = "understudy::recovery";
/// Maximum age of the node's finality view, in milliseconds. An older one may be from before a
/// restart.
const FRESH: u64 = 15_000;
/// Time after which the lock for the decision on a vote expires, in milliseconds. One worker at a
/// time decides. If it dies, the others wait for this time.
const DECIDING: u64 = 5_000;

impl<T: Config> Pallet<T> {
	/// Submits the statements that are due from members whose keys the local node has.
	pub(crate) fn submit_due_statements(now: BlockNumberFor<T>) {
		let state = Status::<T>::get();
		let Some((view, last)) = Self::seen() else { return };
		let local_keys = AuthorityId::all();
		if Self::lacks_report(&state, &view) {
			// The last roster alone decides: reports count by its seats, even while no votes count.
			let rosters = Rosters::<T>::get();
			let sitting = rosters.last().into_iter().flat_map(|roster| roster.sitting());
			for (Voter { who, key, .. }, seat) in sitting.zip(0..) {
				if let Some(key) = key.as_ref().filter(|key| local_keys.contains(key)) {
					Self::report(&state, seat, who, key, last, now);
				}
			}
		}
		if state.mode != Mode::DegradedSafe {
			return;
		}
		let rosters = Self::rosters(&state);
		let owned = |key| rosters.owners_of(key).map(move |who| (key, who));
		let standstill = view.at.saturating_sub(view.advanced) >= T::Rules::get().stall_time;
		// For a node that has finalized a later block, the stall is over.
		let concerns = |about: &BlockId<T::Hash>| standstill && last.number < about.number;
		for (key, who) in local_keys.iter().flat_map(owned) {
			if let Some(anchor) = state.anchor.filter(concerns) {
				let round = state.round;
				let may = Self::check_submission(&state, who, &anchor, Submission::Present(round)).is_ok();
				if may && claim("present", key, (anchor, round), now) {
					let presence = Presence { who: who.clone(), anchor, round };
					if let Some(signed) = Self::signed(presence, key) {
						Self::submit(Call::attest_presence { signed });
					}
				}
			}
			let Some(proposal) = state.proposal else { continue };
			if Votes::<T>::get().iter().any(|cast| cast.who == *who) {
				Self::learn_lock(&state, proposal, &view);
			} else if concerns(&proposal) {
				let may = Self::check_submission(&state, who, &proposal, Submission::Vote).is_ok();
				let vote = Vote { who: who.clone(), proposal, base: Self::base(&state, last) };
				if let Some(signed) = may.then(|| Self::signed_once(key, vote, &view, now)).flatten() {
					Self::submit(Call::vote { signed });
				}
			}
		}
	}

	/// Returns the node's finality view and the last block that it has finalized, if the view is
	/// fresh and that block is on this branch. A node makes no statement on a branch that
	/// contradicts its finalized block.
	fn seen() -> Option<(FinalityView, BlockId<T::Hash>)> {
		let view = FinalityView::read()?;
		let age = sp_io::offchain::timestamp().unix_millis().saturating_sub(view.at);
		let header = view.last::<HeaderFor<T>>().filter(|_| age <= FRESH)?;
		let number = (*header.number()).unique_saturated_into();
		let last = BlockId { number, hash: header.hash() };
		Self::is_here(&last).then_some((view, last))
	}

	/// Returns `true` if finality has not advanced for half of a stall, for the chain or for the
	/// node: authors may not report it.
	fn lacks_report(state: &StateOf<T>, view: &FinalityView) -> bool {
		let (time, blocks) = T::Rules::get().half_stall();
		let stands = view.at.saturating_sub(view.advanced) >= time;
		stands || state.view.is_overdue(T::Log::now(), time, blocks)
	}

	/// Reports the block that the node has finalized, if the chain lacks that report of the active
	/// member with this seat.
	fn report(
		state: &StateOf<T>,
		seat: u32,
		who: &T::AccountId,
		key: &AuthorityId,
		finalized: BlockId<T::Hash>,
		now: BlockNumberFor<T>,
	) {
		let since = state.view.since.block;
		let by = Self::least_distance(state);
		let lacks = Reports::<T>::get().lacks(&state.view, seat, finalized.number, by);
		if lacks && claim("final", key, (since, finalized.number), now) {
			let report = FinalityReport { who: who.clone(), finalized, since };
			if let Some(signed) = Self::signed(report, key) {
				Self::submit(Call::report_finality { signed });
			}
		}
	}

	/// Returns the last block that the node has finalized, but none later than the chain's finality
	/// view.
	fn base(state: &StateOf<T>, last: BlockId<T::Hash>) -> BlockId<T::Hash> {
		if last.number <= state.view.finalized {
			return last;
		}
		let number = state.view.finalized;
		BlockId { number, hash: Self::hash_of(number) }
	}

	/// Binds the node by a vote of its own that is on the chain but not in its offchain storage:
	/// the storage was lost.
	fn learn_lock(state: &StateOf<T>, proposal: BlockId<T::Hash>, view: &FinalityView) {
		let lock = StorageValueRef::persistent(LOCK);
		let is_released = Self::is_taken_back(&proposal);
		// A lock of an earlier stall that no longer binds does not count.
		let is_kept = match lock.get::<Lock<T::Hash>>() {
			Ok(Some(kept)) => kept.proposal == proposal || !vote::is_released(&kept.proposal, view.finalized),
			Ok(None) => false,
			Err(_) => true,
		};
		if is_kept || state.forced || is_released == Ok(true) {
			return;
		}
		log::warn!(
			target: LOG_TARGET,
			"the chain has a vote of this node for the recovery that #{} proposes: the database was lost, and it is bound again",
			proposal.number
		);
		lock.set(&Lock { proposal, set: view.set });
	}

	fn signed<What: Statement>(statement: What, key: &AuthorityId) -> Option<Signed<What>> {
		let signature = statement.sign(key, &Self::genesis())?;
		Some(Signed { statement, signature })
	}

	/// Returns `true` if the node's GRANDPA voter has prevoted for no block that this proposal does
	/// not build on. Such a block could have been finalized unknown to this branch.
	fn builds_on_prevote(proposal: &BlockId<T::Hash>, base: u32, view: &FinalityView) -> bool {
		let prevoted = match StorageValueRef::persistent(PREVOTED).get::<BlockId<T::Hash>>() {
			Ok(None) => return true,
			Ok(Some(prevoted)) => prevoted,
			Err(_) => return false,
		};
		let is_here = |block: &BlockId<T::Hash>| Self::hash_of(block.number) == block.hash;
		// The chain no longer has the hashes of older blocks; the node has them.
		let is_below_one_here = || {
			let seen = view.prevoted::<BlockId<T::Hash>>();
			seen.is_some_and(|(below, block)| below == prevoted && is_here(&block))
		};
		let is_on_branch = || is_here(&prevoted) || is_below_one_here();
		prevoted.number <= base || (prevoted.number <= proposal.number && is_on_branch())
	}

	/// Binds the node to this proposal, durably. Returns `true` if the node may send its vote. It
	/// may not if it is bound to another proposal, or has prevoted for a block that this one does
	/// not build on. In the latter case, a node that has signed before stays bound, because the
	/// vote may have been sent.
	fn bind(proposal: BlockId<T::Hash>, finalized: u32, view: &FinalityView, has_signed: bool) -> bool {
		// The lock is written first, and the prevote is read after it. The voter writes its prevote
		// first, and reads the lock after it. So in either order, at least one of the two sees the
		// other.
		let mut storage = StorageValueRef::persistent(LOCK);
		let Ok(before) = storage.get::<Lock<T::Hash>>() else { return false };
		let is_other =
			|lock: &Lock<T::Hash>| lock.proposal != proposal && !vote::is_released(&lock.proposal, finalized);
		if before.as_ref().is_some_and(is_other) {
			log::warn!(target: LOG_TARGET, "not voting: another member's vote binds this node");
			return false;
		}
		let lock = Lock { proposal, set: view.set };
		storage.set(&lock);
		// A failed write shows only when the entry is read.
		if storage.get() != Ok(Some(lock)) {
			log::error!(target: LOG_TARGET, "not voting: the node cannot store the lock that binds it");
			return false;
		}
		if Self::builds_on_prevote(&proposal, finalized, view) {
			return true;
		}
		log::warn!(
			target: LOG_TARGET,
			"not voting for the proposal #{}: it does not build on a block that this node has prevoted for",
			proposal.number
		);
		match before {
			_ if has_signed => (),
			Some(before) => storage.set(&before),
			None => storage.clear(),
		}
		false
	}

	/// Returns `true` if the operator has taken back the vote for this proposal.
	fn is_taken_back(proposal: &BlockId<T::Hash>) -> Result<bool, codec::Error> {
		let read = |key: &[u8]| sp_io::offchain::local_storage_get(StorageKind::PERSISTENT, key);
		Ok(released(read)?.contains(proposal))
	}

	/// Returns the member's stored vote for this proposal, if the node may send it now. If no
	/// earlier vote binds the node, signs and stores one, which a later block's worker sends.
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
		let name = vote_key(&vote.who);
		let storage = StorageValueRef::persistent(&name);
		// An entry that cannot be read might be a vote.
		let kept = storage.get::<SignedVote<T>>().ok()?;
		let Vote { proposal, base, .. } = vote;
		if Self::is_taken_back(&proposal).ok()? {
			log::warn!(
				target: LOG_TARGET,
				"not voting for the recovery that #{} proposes: the operator has taken the vote back",
				proposal.number
			);
			return None;
		}
		match vote::next(kept.as_ref().map(|kept| &kept.statement.proposal), &proposal, base.number) {
			Next::Sign => {
				Self::bind(proposal, base.number, view, false).then_some(())?;
				// The vote is stored before a later block's worker sends it: a vote that could not
				// be stored is not sent.
				storage.set(&Self::signed(vote, key)?);
				log::warn!(
					target: LOG_TARGET,
					"finality has stalled: voting for the recovery that #{} {:?} proposes",
					proposal.number,
					proposal.hash
				);
				None
			},
			// Signed again: pools ban the bytes of refused transactions, and an earlier one may
			// have come too early.
			Next::Resend if claim("recovery", key, proposal, now) => {
				let lock = StorageValueRef::persistent(LOCK).get::<Lock<T::Hash>>().ok()?;
				// Without the lock the node may have prevoted meanwhile: unless it can be bound
				// again, nothing is sent.
				let is_bound = lock.is_some_and(|lock| lock.proposal == proposal)
					|| Self::bind(proposal, base.number, view, true);
				is_bound.then(|| Self::signed(kept?.statement, key)).flatten()
			},
			Next::Resend => None,
			Next::Locked => {
				log::warn!(
					target: LOG_TARGET,
					"not voting for the proposal #{}: this node is still bound by its vote for another one",
					proposal.number
				);
				None
			},
		}
	}

	fn submit(call: Call<T>) {
		let transaction = T::create_authorized_transaction(call.into());
		if SubmitTransaction::<T, Call<T>>::submit_transaction(transaction).is_err() {
			log::debug!(target: LOG_TARGET, "the transaction pool refused a member's statement");
		}
	}
}
