//! Authorizes heartbeats, reports and renewals. The checks are ordered from cheap to expensive,
//! with the signature last.
//!
//! A heartbeat or a report of the window before the running one is late, and is accepted: it takes
//! time to find out that a node does not answer. The pool also accepts statements of the window
//! after the running one, because a node that lags a block behind would otherwise reject, and ban,
//! valid transactions of its peers. A block does not accept them.

use frame_support::pallet_prelude::*;
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{
	traits::{Saturating, Zero},
	transaction_validity::TransactionValidityWithRefund,
};
use understudy_primitives::{
	crypto::{AuthorityId, AuthoritySignature},
	statement::{admit, reject},
	HeartbeatKeys, MemberIndex, RosterId, Seat, WindowIndex,
};

use crate::{
	chunks::{self, CounterTable, Mark},
	rejection,
	statement::{Heartbeat, Report, ReportKind, Statement},
	Config, MemberKeys, Pallet, Registrations, RenewalOf, Window, WindowInfo, WindowOf,
};

/// Number of blocks by which a renewal may be ahead of a node that checks it for its pool.
const AHEAD: u32 = 4;

type Checked<T> = Result<T, TransactionValidityError>;

impl<T: Config> Pallet<T> {
	/// Authorizes a heartbeat for the pool or a block: one in a window, or a late one of a member
	/// that was not seen in its window.
	///
	/// Only the nodes observe turns. A heartbeat out of turn is still the only one of its member in
	/// the window, and the chain has room for one of every member in every window.
	pub(crate) fn authorize_heartbeat(
		source: TransactionSource,
		heartbeat: &Heartbeat,
		signature: &AuthoritySignature,
	) -> TransactionValidityWithRefund {
		let Heartbeat { roster, window, index } = *heartbeat;
		let running = Self::check_member(source, roster, window, index)?;
		let seen = |mark| chunks::is_marked::<T>(mark, index);
		if window <= running.index && seen(Mark::Seen) || window < running.index && seen(Mark::SeenBefore) {
			return reject(rejection::ALREADY_SEEN);
		}
		Self::check_member_signature(&running, index, heartbeat, signature)?;
		admit("understudy/heartbeat", heartbeat, T::HeartbeatPriority::get())
	}

	/// Authorizes a report for the pool or a block.
	pub(crate) fn authorize_report(
		source: TransactionSource,
		report: &Report,
		signature: &AuthoritySignature,
	) -> TransactionValidityWithRefund {
		let Report { roster, window, reporter, kind, ref targets } = *report;
		let running_window = Self::check_member(source, roster, window, reporter)?;
		let WindowInfo { index: running, roster: info, .. } = running_window;
		let ascending = targets.windows(2).all(|pair| pair[0] < pair[1]);
		if targets.is_empty() || !ascending || targets.contains(&reporter) {
			return reject(rejection::BAD_TARGETS);
		}
		let assignment = Self::assignment(&running_window, window);
		if kind == ReportKind::Peers && targets.len() as u32 > assignment.probes() {
			return reject(rejection::TOO_MANY_TARGETS);
		}
		// The assignment of a window that has not begun is not known yet.
		if window <= running {
			let may_report = |target: &MemberIndex| match kind {
				ReportKind::Peers => assignment.is_assigned(reporter, *target),
				ReportKind::Votes => *target < info.total && info.seat(*target) == Seat::Active,
			};
			if !targets.iter().all(may_report) {
				return reject(rejection::UNASSIGNED_TARGET);
			}
			if Self::has_reported(kind, reporter, window < running) {
				return reject(rejection::ALREADY_REPORTED);
			}
			let quorums = Self::quorums(&info);
			let mut table = CounterTable::<T>::lazy(&info);
			let mut adds = |target: &MemberIndex| {
				table.load(*target).is_some_and(|member| {
					member.grace == 0
						&& match kind {
							ReportKind::Peers => !member.peers.has(quorums.peers),
							ReportKind::Votes => !member.votes.has(quorums.votes),
						}
				})
			};
			if !targets.iter().any(&mut adds) {
				return reject(rejection::NOTHING_NEW);
			}
		}
		Self::check_member_signature(&running_window, reporter, report, signature)?;
		admit("understudy/report", &(roster, window, reporter, kind), T::HeartbeatPriority::get())
	}

	/// Authorizes a renewal for the pool or a block.
	pub(crate) fn authorize_renewal(
		source: TransactionSource,
		renewal: &RenewalOf<T>,
		signature: &AuthoritySignature,
	) -> TransactionValidityWithRefund {
		let now = frame_system::Pallet::<T>::block_number();
		let ahead = if source == TransactionSource::InBlock { 0 } else { AHEAD };
		if renewal.block > now.saturating_add(ahead.into()) {
			return reject(rejection::FUTURE_BLOCK);
		}
		let lifetime = T::RegistrationLifetime::get();
		if renewal.block.saturating_add(lifetime / 4u32.into()) < now {
			return reject(rejection::PAST_BLOCK);
		}
		if renewal.runtime != <T::Version as Get<sp_version::RuntimeVersion>>::get().spec_version {
			return reject(rejection::WRONG_RUNTIME);
		}
		let Some(registration) = Registrations::<T>::get(&renewal.who) else {
			return reject(rejection::NOT_REGISTERED);
		};
		if renewal.block <= registration.renewed {
			return reject(rejection::PAST_BLOCK);
		}
		if !registration.is_due(now, lifetime, renewal.node) {
			return reject(rejection::NOT_DUE);
		}
		let Some(key) = T::Keys::key_of(&renewal.who) else { return reject(rejection::NO_KEY) };
		check_signature(&key, renewal, &Self::genesis(), signature)?;
		// The pool needs only one renewal per account.
		admit("understudy/renewal", &renewal.who, T::HeartbeatPriority::get())
	}

	/// Checks the fields that heartbeats and reports have in common: the roster, the member, and
	/// the window, which may be the one before. Returns the running window.
	fn check_member(
		source: TransactionSource,
		roster: RosterId,
		window: WindowIndex,
		index: MemberIndex,
	) -> Checked<WindowOf<T>> {
		let running = Window::<T>::get();
		if roster != running.roster.id {
			return reject(rejection::STALE_ROSTER);
		}
		if index >= running.roster.total {
			return reject(rejection::NOT_A_MEMBER);
		}
		if window.saturating_add(1) < running.index {
			return reject(rejection::PAST_WINDOW);
		}
		let ahead = if source == TransactionSource::InBlock { 0 } else { 1 };
		if window > running.index.saturating_add(ahead) {
			return reject(rejection::FUTURE_WINDOW);
		}
		Ok(running)
	}

	fn check_member_signature(
		window: &WindowOf<T>,
		index: MemberIndex,
		statement: &impl Statement,
		signature: &AuthoritySignature,
	) -> Checked<()> {
		let Some(key) = MemberKeys::<T>::get(index) else { return reject(rejection::NO_KEY) };
		let known = window.genesis != T::Hash::default();
		let genesis = if known { window.genesis } else { Self::genesis() };
		check_signature(&key, statement, &genesis, signature)
	}

	/// Returns the genesis hash, which the system pallet never prunes.
	pub(crate) fn genesis() -> T::Hash {
		frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero())
	}
}

fn check_signature(
	key: &AuthorityId,
	statement: &impl Statement,
	genesis: &impl Encode,
	signature: &AuthoritySignature,
) -> Checked<()> {
	if !statement.is_signed_by(key, genesis, signature) {
		return reject(rejection::BAD_SIGNATURE);
	}
	Ok(())
}
