//! Who may say what in a stall, and what a double vote costs.

use frame_support::{ensure, pallet_prelude::DispatchResult, traits::Get};
use sp_runtime::{traits::Convert, transaction_validity::TransactionValidityWithRefund};
use sp_staking::offence::ReportOffence;
use understudy_primitives::{
	statement::{admit, reject, Statement},
	Evidence, FailoverLog, HeartbeatKeys, Initiator, RecordKind,
};

use crate::{
	offence::DoubleVote, rejection, BlockId, Config, Error, Event, Mode, Pallet, Presence, Present, Proposed,
	Rosters, Signed, SignedPresence, SignedVote, StateOf, Status, Vote, Votes,
};

/// What a member can say in a stall.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
	/// That it is there.
	Present,
	/// That it wants the proposed set.
	Vote,
}

impl<T: Config> Pallet<T> {
	/// Whether a member may say something of the block `about` now; or the code of why not.
	pub(crate) fn check_member(
		state: &StateOf<T>,
		who: &T::AccountId,
		about: &BlockId<T::Hash>,
		stage: Stage,
	) -> Result<(), u8> {
		if state.mode != Mode::DegradedSafe {
			return Err(rejection::NOT_DEGRADED);
		}
		let wanted = match stage {
			Stage::Present => state.anchor,
			Stage::Vote => state.proposal,
		};
		if wanted != Some(*about) {
			return Err(rejection::WRONG_BLOCK);
		}
		// Short forks are settled by then, and no vote is lost with one.
		let from = about.number.saturating_add(T::Rules::get().vote_after);
		match stage {
			Stage::Present if Proposed::<T>::exists() => return Err(rejection::TOO_LATE),
			Stage::Vote if T::Log::now().block < from => return Err(rejection::TOO_EARLY),
			_ => {},
		}
		if !Self::rosters(state).has(who) {
			return Err(rejection::NOT_A_MEMBER);
		}
		let said = match stage {
			Stage::Present => Present::<T>::get().contains(who),
			Stage::Vote => Votes::<T>::get().iter().any(|cast| cast.who == *who),
		};
		if said {
			return Err(rejection::ALREADY_SAID);
		}
		Ok(())
	}

	/// Whether a member signed this; or the code of why not.
	fn check_signature<What: Statement>(who: &T::AccountId, signed: &Signed<What>) -> Result<(), u8> {
		let key = T::Keys::key_of(who).ok_or(rejection::NO_KEY)?;
		if !signed.statement.is_signed_by(&key, &Self::genesis(), &signed.signature) {
			return Err(rejection::BAD_SIGNATURE);
		}
		Ok(())
	}

	/// Whether a member's word that it is there may enter the pool, or a block. The signature is checked last.
	pub(crate) fn authorize_present(signed: &SignedPresence<T>) -> TransactionValidityWithRefund {
		let Presence { who, anchor } = &signed.statement;
		Self::check_member(&Status::<T>::get(), who, anchor, Stage::Present)
			.and_then(|()| Self::check_signature(who, signed))
			.or_else(reject)?;
		admit("understudy/present", &(who, anchor), T::Priority::get())
	}

	/// Whether a vote may enter the pool, or a block. The signature is checked last.
	pub(crate) fn authorize_vote(signed: &SignedVote<T>) -> TransactionValidityWithRefund {
		let Vote { who, proposal, base } = &signed.statement;
		let state = Status::<T>::get();
		Self::check_member(&state, who, proposal, Stage::Vote).or_else(reject)?;
		let own = Self::hash_of(base.number);
		// In a long stall the chain has forgotten the hash of what was final.
		if base.number > state.view.finalized || (own != base.hash && own != T::Hash::default()) {
			return reject(rejection::WRONG_BASE);
		}
		Self::check_signature(who, signed).or_else(reject)?;
		admit("understudy/recovery", &(who, proposal), T::Priority::get())
	}

	/// Charges a member that has signed two votes of which no honest node signs both.
	pub(crate) fn do_report(
		reporter: T::AccountId,
		one: SignedVote<T>,
		other: SignedVote<T>,
	) -> DispatchResult {
		ensure!(one.statement.conflicts_with(&other.statement), Error::<T>::NoConflict);
		let who = one.statement.who.clone();
		for signed in [&one, &other] {
			ensure!(Self::check_signature(&who, signed).is_ok(), Error::<T>::BadSignature);
		}
		let offender = T::OffenderOf::convert(who.clone()).ok_or(Error::<T>::UnknownOffender)?;
		let (one, other) = (one.statement.proposal.number, other.statement.proposal.number);
		let proposals = (one.min(other), one.max(other));
		let double = DoubleVote {
			session: T::Session::get(),
			validators: Rosters::<T>::get().last().map_or(0, |roster| roster.active),
			proposals,
			offender,
			fraction: T::DoubleVoteFraction::get(),
		};
		T::Offences::report_offence(alloc::vec![reporter], double)
			.map_err(|_| Error::<T>::AlreadyReported)?;
		let incident = T::Log::open_incident();
		let evidence = alloc::vec![Evidence::DoubleVote { proposals }];
		Self::note(incident, RecordKind::Penalized, Initiator::Anyone, Some(who.clone()), evidence);
		Self::deposit_event(Event::DoubleVoted { who });
		Ok(())
	}
}
