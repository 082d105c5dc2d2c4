//! Double votes: the data that is stored of each vote so that its voter can be charged later, and
//! the report.
//!
//! A vote counts on the chain that included it. The voter's key, the session and the size of the
//! set are stored from then on, for the last [`KEPT`] proposals. So a double voter can be charged
//! by the data of its vote, despite new session keys, a lost election or the end of the stall. The
//! chain must have counted one of two conflicting votes: two votes for other branches do it no
//! harm.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{ensure, pallet_prelude::DispatchResult, traits::Get};
use scale_info::TypeInfo;
use sp_core::H256;
use sp_io::hashing::blake2_256;
use sp_runtime::traits::Convert;
use sp_staking::{offence::ReportOffence, SessionIndex};
use understudy_primitives::{statement::Statement, Evidence, FailoverLog, Initiator, RecordKind};

use crate::{
	offence::{DoubleVote, Votes},
	BallotKeys, Ballots, BlockId, Config, Error, Event, Pallet, SignedVote, StateOf,
};

/// Number of the last proposals whose voters are accountable. There is at least a cool-off between
/// two recoveries.
pub const KEPT: u32 = 16;

/// Proposal that members vote for, as it is stored.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Ballot<Hash> {
	/// Block of the proposal.
	pub proposal: BlockId<Hash>,
	/// Session in which the proposal was made.
	pub session: SessionIndex,
	/// Number of seats of the active set at that time.
	pub validators: u32,
}

impl<T: Config> Pallet<T> {
	/// Opens the ballot of the current proposal, so that the keys of its voters are stored. Drops
	/// those of the oldest proposal if there are more than [`KEPT`].
	pub(crate) fn open_ballot(state: &StateOf<T>) {
		let Some(proposal) = state.proposal else { return };
		let ballot = Ballot { proposal, session: T::Session::get(), validators: state.seats };
		Ballots::<T>::mutate(|ballots| {
			if ballots.is_full() {
				let oldest = ballots.remove(0);
				let _ = BallotKeys::<T>::clear_prefix(oldest.proposal.number, T::MaxMembers::get(), None);
			}
			// There is room now.
			let _ = ballots.try_push(ballot);
		});
	}

	/// Stores the key by which a counted vote is signed.
	pub(crate) fn keep_key(state: &StateOf<T>, who: &T::AccountId, proposal: &BlockId<T::Hash>) {
		if let Some(key) = Self::rosters(state).key_of(who) {
			BallotKeys::<T>::insert(proposal.number, who, (key, false));
		}
	}

	/// Charges a member that has signed two votes of which an honest node signs at most one.
	pub(crate) fn do_report(
		reporter: T::AccountId,
		one: SignedVote<T>,
		other: SignedVote<T>,
	) -> DispatchResult {
		ensure!(one.statement.conflicts_with(&other.statement), Error::<T>::NoConflict);
		let who = one.statement.who.clone();
		let proposals = [one.statement.proposal, other.statement.proposal];
		let ballots = Ballots::<T>::get();
		let mut counted = ballots
			.iter()
			.filter(|ballot| proposals.contains(&ballot.proposal))
			.filter_map(|ballot| Some((ballot, BallotKeys::<T>::get(ballot.proposal.number, &who)?)));
		let (ballot, (key, charged)) = counted.next().ok_or(Error::<T>::UnknownOffender)?;
		ensure!(!charged, Error::<T>::AlreadyReported);
		for signed in [&one, &other] {
			let by_key = signed.statement.is_signed_by(&key, &Self::genesis(), &signed.signature);
			ensure!(by_key, Error::<T>::BadSignature);
		}
		let offender = T::OffenderOf::convert(who.clone()).ok_or(Error::<T>::UnknownOffender)?;
		let [one, other] = proposals.map(|proposal| proposal.number);
		let proposals = (one.min(other), one.max(other));
		let votes = Votes { proposals, voter: H256(who.using_encoded(blake2_256)) };
		let double = DoubleVote {
			session: ballot.session,
			validators: ballot.validators,
			votes,
			offender,
			fraction: T::DoubleVoteFraction::get(),
		};
		T::Offences::report_offence(alloc::vec![reporter], double)
			.map_err(|_| Error::<T>::AlreadyReported)?;
		BallotKeys::<T>::insert(ballot.proposal.number, &who, (key, true));
		let incident = T::Log::open_incident();
		let evidence = alloc::vec![Evidence::DoubleVote { proposals }];
		Self::note(incident, RecordKind::Penalized, Initiator::Anyone, Some(who.clone()), evidence);
		Self::deposit_event(Event::DoubleVoted { who });
		Ok(())
	}

	/// Checks that keys are stored for known proposals only.
	pub(crate) fn try_ballots() -> Result<(), sp_runtime::TryRuntimeError> {
		let ballots = Ballots::<T>::get();
		let known = |number: u32| ballots.iter().any(|ballot| ballot.proposal.number == number);
		ensure!(
			BallotKeys::<T>::iter_keys().all(|(number, _)| known(number)),
			"a voter's key is stored for a dropped proposal"
		);
		Ok(())
	}
}
