//! Checks of members' statements, from cheap to expensive, the signature last.
//!
//! The pool accepts a statement about a block that this node does not have yet after a check of its
//! signature. Otherwise, a node that lags a block or two behind would refuse and ban valid
//! statements of its peers. A block does not accept such a statement.

use frame_support::{pallet_prelude::TransactionSource, traits::Get};
use sp_runtime::transaction_validity::{
	InvalidTransaction, TransactionValidityError, TransactionValidityWithRefund,
};
use understudy_primitives::{
	crypto::AuthorityId,
	statement::{admit, reject, Statement},
	FailoverLog,
};

use crate::{
	rejection, BlockId, Config, FinalityReport, Mode, Pallet, Presence, Present, Proposed, Reports, Rosters,
	Signed, SignedPresence, SignedReport, SignedVote, StateOf, Status, Vote, Votes,
};

/// Number of blocks by which a statement in the pool may be ahead of the node that checks it.
const AHEAD: u32 = 4;

/// A statement of a member in a stall.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Submission {
	/// Attests presence, for this round.
	Present(u32),
	/// Votes for the proposed set.
	Vote,
}

/// Returns `true` if a statement is checked for the pool, not for a block.
fn is_for_pool(source: TransactionSource) -> bool {
	source != TransactionSource::InBlock
}

/// Returns `true` if a statement about this block is checked for the pool of a node that does not
/// have the block yet.
fn is_ahead<T: Config>(source: TransactionSource, about: u32) -> bool {
	let now = T::Log::now().block;
	is_for_pool(source) && about >= now && about <= now.saturating_add(AHEAD)
}

/// Returns the block by which the pool distinguishes statements of a member. Of the blocks that the
/// node does not have, only the height counts, so that no account can fill the pool with statements
/// about blocks that do not exist.
fn tagged<T: Config>(source: TransactionSource, about: &BlockId<T::Hash>) -> BlockId<T::Hash> {
	let hash = if is_ahead::<T>(source, about.number) { T::Hash::default() } else { about.hash };
	BlockId { hash, ..*about }
}

/// Refuses a statement. A statement that is only too early is refused as `Future`: pools keep such
/// transactions, and ban the others.
fn refuse<R>(code: u8) -> Result<R, TransactionValidityError> {
	if code == rejection::TOO_EARLY {
		return Err(InvalidTransaction::Future.into());
	}
	reject(code)
}

impl<T: Config> Pallet<T> {
	/// Checks whether a member may make this statement about the block `about` now. The error is a
	/// code of [`rejection`].
	pub(crate) fn check_submission(
		state: &StateOf<T>,
		who: &T::AccountId,
		about: &BlockId<T::Hash>,
		submission: Submission,
	) -> Result<(), u8> {
		if state.mode != Mode::DegradedSafe {
			return Err(rejection::NOT_DEGRADED);
		}
		let wanted = match submission {
			Submission::Present(_) => state.anchor,
			Submission::Vote => state.proposal,
		};
		if wanted != Some(*about) {
			return Err(rejection::WRONG_BLOCK);
		}
		// Short forks are resolved by then, and no vote is lost with one.
		let from = about.number.saturating_add(T::Rules::get().vote_after);
		match submission {
			Submission::Present(_) if Proposed::<T>::exists() => return Err(rejection::TOO_LATE),
			Submission::Present(round) if round != state.round => return Err(rejection::WRONG_ROUND),
			Submission::Vote if T::Log::now().block < from => return Err(rejection::TOO_EARLY),
			_ => {},
		}
		if !Self::rosters(state).has(who) {
			return Err(rejection::NOT_A_MEMBER);
		}
		let submitted = match submission {
			Submission::Present(_) => Present::<T>::get().contains(who),
			Submission::Vote => Votes::<T>::get().iter().any(|cast| cast.who == *who),
		};
		if submitted {
			return Err(rejection::ALREADY_SUBMITTED);
		}
		Ok(())
	}

	/// Checks the same for the pool, or for a block. The pool also accepts a member's statement
	/// that is only too early.
	fn check_for(
		source: TransactionSource,
		state: &StateOf<T>,
		who: &T::AccountId,
		about: &BlockId<T::Hash>,
		submission: Submission,
	) -> Result<(), u8> {
		let checked = Self::check_submission(state, who, about, submission);
		let next_round = Submission::Present(state.round.saturating_add(1));
		let is_early = |code| match code {
			rejection::TOO_EARLY => is_for_pool(source),
			rejection::WRONG_ROUND if submission == next_round => is_for_pool(source),
			// A stall begins with round 0, and no node lags behind by the length of a round.
			_ => !matches!(submission, Submission::Present(1..)) && is_ahead::<T>(source, about.number),
		};
		match checked {
			Err(code) if is_early(code) && Self::rosters(state).has(who) => Ok(()),
			other => other,
		}
	}

	/// Checks a statement's signature by this key, the one by which the member's statements count.
	/// The error is a code of [`rejection`].
	fn check_signature<What: Statement>(key: Option<&AuthorityId>, signed: &Signed<What>) -> Result<(), u8> {
		let key = key.ok_or(rejection::NO_KEY)?;
		if !signed.statement.is_signed_by(key, &Self::genesis(), &signed.signature) {
			return Err(rejection::BAD_SIGNATURE);
		}
		Ok(())
	}

	/// Checks whether a presence attestation may enter the pool, or a block.
	pub(crate) fn authorize_present(
		source: TransactionSource,
		signed: &SignedPresence<T>,
	) -> TransactionValidityWithRefund {
		let Presence { who, anchor, round } = &signed.statement;
		let state = Status::<T>::get();
		Self::check_for(source, &state, who, anchor, Submission::Present(*round))
			.and_then(|()| Self::check_signature(Self::rosters(&state).key_of(who), signed))
			.or_else(refuse)?;
		admit("understudy/present", &(who, tagged::<T>(source, anchor), round), T::Priority::get())
	}

	/// Checks whether a vote may enter the pool, or a block.
	pub(crate) fn authorize_vote(
		source: TransactionSource,
		signed: &SignedVote<T>,
	) -> TransactionValidityWithRefund {
		let Vote { who, proposal, base } = &signed.statement;
		let state = Status::<T>::get();
		Self::check_for(source, &state, who, proposal, Submission::Vote).or_else(refuse)?;
		let lags = is_for_pool(source) && base.number > state.view.finalized;
		if !lags {
			Self::check_base(&state, base)?;
		}
		Self::check_signature(Self::rosters(&state).key_of(who), signed).or_else(reject)?;
		admit("understudy/recovery", &(who, tagged::<T>(source, proposal)), T::Priority::get())
	}

	/// Checks that a vote's base is final in the chain's finality view.
	fn check_base(state: &StateOf<T>, base: &BlockId<T::Hash>) -> Result<(), TransactionValidityError> {
		if base.number > state.view.finalized || !Self::is_here(base) {
			return reject(rejection::WRONG_BASE);
		}
		Ok(())
	}

	/// Returns `true` if a block is on this branch, or so old that the chain no longer has its
	/// hash.
	pub(crate) fn is_here(block: &BlockId<T::Hash>) -> bool {
		let own = Self::hash_of(block.number);
		own == block.hash || own == T::Hash::default()
	}

	/// Returns the number of blocks by which a report must exceed its member's last one: 0 while
	/// the mode is not `Safe` or the view is overdue, else half of a stall's blocks, because
	/// reports are free of charge.
	pub(crate) fn least_distance(state: &StateOf<T>) -> u32 {
		let (time, blocks) = T::Rules::get().half_stall();
		if state.mode != Mode::Safe || state.view.is_overdue(T::Log::now(), time, blocks) {
			0
		} else {
			blocks
		}
	}

	/// Checks whether a finality report may enter the pool, or a block.
	pub(crate) fn authorize_report(
		source: TransactionSource,
		signed: &SignedReport<T>,
	) -> TransactionValidityWithRefund {
		let FinalityReport { who, finalized, since } = &signed.statement;
		let state = Status::<T>::get();
		let risen =
			is_for_pool(source) && (state.view.since.block + 1..=T::Log::now().block + AHEAD).contains(since);
		let ahead = risen || is_ahead::<T>(source, finalized.number);
		if !ahead {
			// A report that no later block is final expires when the view rises. A report of a
			// later block does not.
			if finalized.number <= state.view.finalized && *since != state.view.since.block {
				return reject(rejection::STALE_VIEW);
			}
			if finalized.number >= T::Log::now().block || !Self::is_here(finalized) {
				return reject(rejection::WRONG_BASE);
			}
		}
		let rosters = Rosters::<T>::get();
		let seat = rosters.last().and_then(|roster| roster.seat_of(who));
		let Some((seat, voter)) = seat else { return reject(rejection::NOT_A_MEMBER) };
		let by = Self::least_distance(&state);
		if !ahead && !Reports::<T>::get().lacks(&state.view, seat, finalized.number, by) {
			return reject(rejection::ALREADY_SUBMITTED);
		}
		Self::check_signature(voter.key.as_ref(), signed).or_else(reject)?;
		// The pool holds one report of a member at a time.
		admit("understudy/final", who, T::Priority::get())
	}
}
