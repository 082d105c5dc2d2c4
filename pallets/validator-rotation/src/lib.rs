//! # Validator rotation pallet
//!
//! Wraps another `SessionManager` ([`Config::Inner`]). It seats the best of the elected members,
//! keeps the rest as a reserve, and gives the seat of a member that is down to a standby, one block
//! after the evidence suffices.
//!
//! ## Overview
//!
//! The inner manager elects `active + reserve` members. From those the pallet seats
//! [`Config::ActiveTarget`], so every standby is already bonded, exposed to slashing and keyed.
//! Failover seats a *different* validator and never copies a key (I10).
//!
//! The heartbeat pallet judges the roster: at the end of each window, when the silence in a window
//! counts, and when a missed slot or a report makes a member down. This pallet receives each
//! judgement through
//! [`JudgementHandler`](understudy_primitives::JudgementHandler). An active member that fails with
//! a confidence of at least [`Config::AutomationThreshold`] is replaced by the healthy standby with
//! the most backing; below that, its case waits for the guardians. Each decision of [`selection`]
//! is recorded before it takes effect:
//!
//! ```text
//!   judgement ── decide, write the record ── session ends: set queued ── session ends: set active, recorded
//!    block b                block b                     block b                      block b + 1
//! ```
//!
//! A member that lost its seat returns to the reserve through jail and probation without a
//! transaction, see [`lifecycle`]. A repeated outage is charged by the curve of [`penalty`]. A
//! member that plans an absence calls [`Pallet::retire`] first, and is not charged.
//!
//! ## Bounds
//!
//! - In one [`Config::CoolOff`] at most ⌊(n−1)/3⌋ members lose their seats to ordinary rotation,
//!   and the set never shrinks below [`Config::Floor`] (I1).
//! - In a systemic outage ordinary rotation takes no seat, and no member is charged (I3).
//! - Too many evictions in a period, or too many unnecessary ones, suspend automation, see
//!   [`breaker`]. The guardians then decide.
//! - While [`Config::MayRotate`] is `false`, because a consensus change is pending, no session
//!   ends, not even a periodic one.
//! - For an unchanged set the session pallet gets `None` (I7), so consensus sees no change.
//!
//! ## Low level
//!
//! The runtime uses the pallet in three places: as `pallet_session::Config::SessionManager` (inside
//! `NoteHistoricalRoot` on a chain with a historical pallet), as
//! `pallet_session::Config::ShouldEndSession`, and as the heartbeat pallet's `OnJudgement`. On a
//! chain whose sessions cannot end on demand (BABE) it is not the `ShouldEndSession`, and a decided
//! change takes effect at the ends of epochs. See [`session_manager`] for the end of a session,
//! [`decision`] for the handling of a judgement, and [`intervention`] for the calls of members and
//! guardians.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking;
pub mod breaker;
mod cases;
mod change;
mod conduct;
pub mod decision;
pub mod expulsion;
pub mod intervention;
mod invariants;
pub mod lifecycle;
mod limits;
pub mod migrations;
pub mod penalty;
pub mod poa;
mod record;
pub mod reseat;
pub mod roster_view;
pub mod selection;
pub mod session_manager;
mod standby;
mod suspension;
pub mod suspicion;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use breaker::BreakerRules;
pub use cases::Case;
pub use change::{Cause, Change, Stage};
pub use pallet::*;
pub use suspension::Resumption;
pub use weights::WeightInfo;

use alloc::vec::Vec;
use breaker::{Eviction, Suspension};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
	ensure,
	traits::{ConstU32, Get},
	BoundedVec,
};
use frame_system::pallet_prelude::BlockNumberFor;
use lifecycle::{Conduct, Durations};
use scale_info::TypeInfo;
use sp_runtime::Perbill;
use suspicion::Suspicion;
use understudy_primitives::{
	Backing, DisableSeat, FailoverLog, IncidentId, RecoveryControl, Registrations, RosterHandler, Verdict,
	Verdicts,
};

/// Largest number of cases at once. When it is reached, no case is opened until one is closed.
pub const MAX_CASES: u32 = 64;

/// An elected member and its backing.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Winner<AccountId> {
	/// Elected account.
	pub who: AccountId,
	/// Backing in the election.
	pub backing: u128,
}

/// List of members, at most [`Config::MaxMembers`].
pub type MembersOf<T> = BoundedVec<<T as frame_system::Config>::AccountId, <T as Config>::MaxMembers>;
/// List of suspicions, at most [`Config::MaxMembers`].
pub type SuspicionsOf<T> =
	BoundedVec<Suspicion<<T as frame_system::Config>::AccountId>, <T as Config>::MaxMembers>;
/// Eviction with the types of the runtime.
pub type EvictionOf<T> = Eviction<<T as frame_system::Config>::AccountId, BlockNumberFor<T>>;
/// Case with the types of the runtime.
pub type CaseOf<T> = Case<<T as frame_system::Config>::AccountId, BlockNumberFor<T>>;
/// Outage history of a member with the types of the runtime.
pub type ConductOf<T> = Conduct<BlockNumberFor<T>>;

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use frame_support::{pallet_prelude::*, traits::ValidatorRegistration};
	use frame_system::{ensure_signed, pallet_prelude::OriginFor};
	use sp_runtime::traits::Convert;
	use sp_staking::offence::ReportOffence;

	/// Version of the storage layout.
	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: frame_system::Config {
		/// Elects the active set and the reserve: staking, or a governed list. Returning a set is
		/// an election; `None` keeps the last one.
		type Inner: pallet_session::SessionManager<Self::AccountId>;

		/// Decides on the ends of sessions while no change is decided.
		type Periodic: pallet_session::ShouldEndSession<BlockNumberFor<Self>>;

		/// `true` if the set may change now; `false` while consensus has a pending change because
		/// of which another one would be lost.
		type MayRotate: Get<bool>;

		/// Accounts with session keys. Only these can be seated.
		type SessionKeys: ValidatorRegistration<Self::AccountId>;

		/// Accounts whose nodes have renewed their registration in time. Only these are newly
		/// seated; an active member keeps its seat without a current registration.
		type Registrations: Registrations<Self::AccountId>;

		/// Backing of the elected members. Those with more are seated first.
		type Backing: Backing<Self::AccountId>;

		/// Freezes rotation while finality has stalled; `()` on a chain without recovery.
		type Recovery: RecoveryControl;

		/// Source of the verdicts on the roster.
		type Verdicts: Verdicts;

		/// Receives each new roster.
		type Roster: RosterHandler<Self::AccountId>;

		/// Log in which every change is recorded before it takes effect.
		type Log: FailoverLog<Self::AccountId>;

		/// Largest number of members of an election; those with the least backing are cut off.
		#[pallet::constant]
		type MaxMembers: Get<u32>;

		/// Number of members to seat.
		type ActiveTarget: Get<u32>;

		/// Size below which rotation does not let the active set shrink.
		type Floor: Get<u32>;

		/// Cool-off, in blocks. Within it at most ⌊(n−1)/3⌋ members lose their seats to rotation.
		type CoolOff: Get<BlockNumberFor<Self>>;

		/// Smallest confidence at which rotation acts by itself. Below it the guardians decide.
		type AutomationThreshold: Get<Perbill>;

		/// Lengths of jail and probation, and the time after which an outage is forgiven.
		type Durations: Get<Durations<BlockNumberFor<Self>>>;

		/// Penalty curve of repeated outages.
		type Penalties: Get<penalty::Curve>;

		/// Bounds on evictions that suspend automation.
		type Breaker: Get<BreakerRules<BlockNumberFor<Self>>>;

		/// Number of blocks for which a case waits for the guardians, and for which a veto holds.
		type CaseLifetime: Get<BlockNumberFor<Self>>;

		/// Keeps expelled members that are still active from authoring; `()` disables no seat.
		type Disable: DisableSeat;

		/// Origin of the guardians, which approve, veto, force, suspend and resume.
		type GuardianOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// Identification of a member for the offences pallet.
		type Offender: Clone;

		/// Converts an account into that identification; `None` if it cannot be charged.
		type OffenderOf: Convert<Self::AccountId, Option<Self::Offender>>;

		/// Receives the outages that are charged; `()` on a chain without stake.
		type Offences: ReportOffence<Self::AccountId, Self::Offender, penalty::Outage<Self::Offender>>;

		/// Weights of the calls, and of the handling of judgements.
		type WeightInfo: WeightInfo;

		/// Set-up for the benchmarks.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: benchmarking::BenchmarkHelper<Self::AccountId>;
	}

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A change of a seat is decided and recorded; it takes effect at the ends of the next
		/// sessions.
		Decided {
			/// Incident of the change.
			incident: IncidentId,
			/// Member that loses the seat.
			from: T::AccountId,
			/// Member that gets the seat; `None` if the set shrinks.
			to: Option<T::AccountId>,
		},
		/// A decided change will not happen: it does not fit any more, or a recovery has replaced
		/// it.
		Cancelled {
			/// Incident of the change.
			incident: IncidentId,
			/// Member that was to lose the seat.
			from: T::AccountId,
			/// Member that was to get the seat.
			to: Option<T::AccountId>,
		},
		/// A new roster is in effect.
		Activated {
			/// Number of active members.
			active: u32,
			/// Number of standbys.
			reserve: u32,
		},
		/// A member is to lose its seat and keeps it for now: the cap of this cool-off or the
		/// breaker's bound is reached, or there is no healthy standby and the set is at its floor.
		/// A retirement always waits for a standby.
		NotReplaced {
			/// Member that keeps its seat.
			who: T::AccountId,
		},
		/// A member that lost its seat is in jail.
		Jailed {
			/// Jailed member.
			who: T::AccountId,
			/// Number of its outages that are not forgiven, the last one included.
			outages: u8,
		},
		/// The jail of a member is over; it has to be healthy for the windows of its probation.
		OnProbation {
			/// Member on probation.
			who: T::AccountId,
		},
		/// A member may be seated again.
		Readmitted {
			/// Readmitted member.
			who: T::AccountId,
		},
		/// A member was charged for an outage.
		Penalized {
			/// Incident of the outage.
			incident: IncidentId,
			/// Charged member.
			who: T::AccountId,
			/// Share of its backing that is charged.
			fraction: Perbill,
		},
		/// A member equivocated in consensus. It loses its seat, and gets none until the guardians
		/// pardon it.
		Expelled {
			/// Incident of the equivocation.
			incident: IncidentId,
			/// Expelled member.
			who: T::AccountId,
		},
		/// The guardians pardoned an expelled member; it is on probation.
		Pardoned {
			/// Pardoned member.
			who: T::AccountId,
		},
		/// A member asked to retire; its node has to run until a standby has its seat.
		Retiring {
			/// Retiring member.
			who: T::AccountId,
		},
		/// A retiring member has no seat any more, and its node may stop.
		Retired {
			/// Retired member.
			who: T::AccountId,
		},
		/// A retired member asked to be seated again, or a retiring one took its request back.
		Rejoined {
			/// Member that rejoined.
			who: T::AccountId,
		},
		/// A failing member is submitted to the guardians.
		CaseOpened {
			/// Incident, which identifies the case.
			incident: IncidentId,
			/// Failing member.
			who: T::AccountId,
			/// Verdict on the member.
			verdict: Verdict,
		},
		/// The guardians let a failing member keep its seat for now.
		CaseVetoed {
			/// Incident of the case.
			incident: IncidentId,
		},
		/// A case was closed without effect: it or its veto expired, or the member
		/// recovered or lost its seat.
		CaseClosed {
			/// Incident of the case.
			incident: IncidentId,
		},
		/// The eviction of a member as down was unnecessary: the member was up.
		UnnecessaryEviction {
			/// Incident of the eviction.
			incident: IncidentId,
			/// Evicted member.
			who: T::AccountId,
		},
		/// Rotation does not act by itself any more. Alert on this event.
		AutomationSuspended {
			/// Reason for the suspension.
			reason: Suspension,
		},
		/// Rotation acts by itself again.
		AutomationResumed,
	}

	#[pallet::error]
	pub enum Error<T> {
		/// The account is not an elected member.
		NotAMember,
		/// The account is not in the active set.
		NotActive,
		/// The account is in the active set already.
		AlreadyActive,
		/// The member has asked to retire already, or is retired.
		AlreadyRetiring,
		/// The member is neither retiring nor retired.
		NotRetired,
		/// The member has given up its seat by retirement in this period already: each retirement
		/// ends two sessions.
		TooSoon,
		/// The member is in jail without a seat, or is expelled.
		InJail,
		/// There is no open case of this incident.
		NoSuchCase,
		/// The evidence does not suffice, or does not suffice any more.
		NotFailing,
		/// The guardians let this member keep its seat for now.
		Vetoed,
		/// A change is not in effect yet; try again in the next block.
		Busy,
		/// Finality has stalled: rotation is frozen until it advances.
		Frozen,
		/// The outage is systemic: ordinary rotation is frozen.
		Systemic,
		/// Automation is suspended: the guardians decide.
		Suspended,
		/// The cap of this cool-off is reached, or there is no healthy standby and the set is at
		/// its floor.
		NoReplacement,
		/// The account has no session keys, its registration is not current, or it is expelled.
		CannotBeSeated,
		/// Automation is in the requested state already.
		NothingToDo,
		/// The member is not expelled.
		NotExpelled,
		/// No more retirements are accepted in this period: each retirement ends two sessions.
		TooManyRetirements,
	}

	/// Winners of the last election, most backing first.
	#[pallet::storage]
	pub type Elected<T: Config> =
		StorageValue<_, BoundedVec<Winner<T::AccountId>, T::MaxMembers>, ValueQuery>;

	/// Active set, in the order of the authorities.
	#[pallet::storage]
	pub type Active<T: Config> = StorageValue<_, MembersOf<T>, ValueQuery>;

	/// Reserve, in order of preference. The roster is [`Active`] followed by this.
	#[pallet::storage]
	pub type Reserve<T: Config> = StorageValue<_, MembersOf<T>, ValueQuery>;

	/// Set that the next session end makes active.
	#[pallet::storage]
	pub type Planned<T: Config> = StorageValue<_, MembersOf<T>, OptionQuery>;

	/// Set that a recovery seats with the next session end, whatever else happens.
	#[pallet::storage]
	pub type Imposed<T: Config> = StorageValue<_, MembersOf<T>, OptionQuery>;

	/// Changes that are decided and not in effect yet.
	#[pallet::storage]
	pub type Pending<T: Config> =
		StorageValue<_, BoundedVec<Change<T::AccountId>, T::MaxMembers>, ValueQuery>;

	/// Progress of [`Pending`].
	#[pallet::storage]
	pub type Progress<T: Config> = StorageValue<_, Stage, ValueQuery>;

	/// Seats that ordinary rotation took, of the last [`Config::CoolOff`] and of the
	/// breaker's last period.
	#[pallet::storage]
	pub type Evictions<T: Config> = StorageValue<_, BoundedVec<EvictionOf<T>, T::MaxMembers>, ValueQuery>;

	/// Outage histories of members that had an outage or retired. When there is no room, the oldest
	/// is dropped.
	#[pallet::storage]
	pub type Conducts<T: Config> =
		StorageValue<_, BoundedVec<(T::AccountId, ConductOf<T>), T::MaxMembers>, ValueQuery>;

	/// Active members that asked to retire.
	#[pallet::storage]
	pub type Retiring<T: Config> = StorageValue<_, MembersOf<T>, ValueQuery>;

	/// Cases that wait for the guardians, and those that they vetoed.
	#[pallet::storage]
	pub type Cases<T: Config> = StorageValue<_, BoundedVec<CaseOf<T>, ConstU32<MAX_CASES>>, ValueQuery>;

	/// Active members with evidence against them, and those whose position diverges from the chain.
	#[pallet::storage]
	pub type Suspicions<T: Config> = StorageValue<_, SuspicionsOf<T>, ValueQuery>;

	/// Reason for which automation is suspended; `None` while it is not.
	#[pallet::storage]
	pub type Suspended<T: Config> = StorageValue<_, Suspension, OptionQuery>;

	/// Incident of the systemic outage that freezes rotation, while it lasts.
	#[pallet::storage]
	pub type Held<T: Config> = StorageValue<_, IncidentId, OptionQuery>;

	/// End of the systemic outage, if more members failed in it than may; see [`Resumption`].
	#[pallet::storage]
	pub type ResumeAfter<T: Config> = StorageValue<_, Resumption, OptionQuery>;

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Asks for retirement. A standby takes the caller's seat, without a penalty, as soon as
		/// the cap of the cool-off allows it; the caller's node may stop after [`Event::Retired`].
		/// A standby retires at once.
		///
		/// ## Errors
		///
		/// - [`Error::NotAMember`], [`Error::AlreadyRetiring`], [`Error::InJail`],
		///   [`Error::TooSoon`], [`Error::TooManyRetirements`].
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::retire())]
		pub fn retire(origin: OriginFor<T>) -> DispatchResult {
			Self::do_retire(ensure_signed(origin)?)
		}

		/// Takes [`Pallet::retire`] back. A member that is retired already returns to the reserve
		/// through probation.
		///
		/// ## Errors
		///
		/// - [`Error::NotRetired`].
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::rejoin())]
		pub fn rejoin(origin: OriginFor<T>) -> DispatchResult {
			Self::do_rejoin(ensure_signed(origin)?)
		}

		/// Acts on a member that fails with at least the confidence that automation requires, if
		/// automation has not acted, for example because the cap of the cool-off was reached. Any
		/// account may call it; the fee is returned if the call succeeds.
		///
		/// ## Errors
		///
		/// - [`Error::NotFailing`], [`Error::Vetoed`], [`Error::Systemic`], [`Error::Suspended`],
		///   [`Error::Busy`], [`Error::Frozen`], [`Error::NoReplacement`].
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::enforce(T::MaxMembers::get()))]
		pub fn enforce(origin: OriginFor<T>, who: T::AccountId) -> DispatchResultWithPostInfo {
			ensure_signed(origin)?;
			Self::do_enforce(who)?;
			Ok(Pays::No.into())
		}

		/// Lets rotation act on a case. For the guardians. Cap and floor apply, and a member that
		/// recovers in time keeps its seat.
		///
		/// ## Errors
		///
		/// - [`Error::NoSuchCase`], [`Error::NotFailing`], [`Error::Systemic`], [`Error::Busy`],
		///   [`Error::Frozen`], [`Error::NoReplacement`].
		#[pallet::call_index(3)]
		#[pallet::weight((T::WeightInfo::approve(T::MaxMembers::get()), DispatchClass::Operational))]
		pub fn approve(origin: OriginFor<T>, incident: IncidentId) -> DispatchResult {
			T::GuardianOrigin::ensure_origin(origin)?;
			Self::do_approve(incident)
		}

		/// Lets the member of a case keep its seat, whatever the evidence, until the case expires.
		/// For the guardians.
		///
		/// ## Errors
		///
		/// - [`Error::NoSuchCase`].
		#[pallet::call_index(4)]
		#[pallet::weight((T::WeightInfo::veto(), DispatchClass::Operational))]
		pub fn veto(origin: OriginFor<T>, incident: IncidentId) -> DispatchResult {
			T::GuardianOrigin::ensure_origin(origin)?;
			Self::do_veto(incident)
		}

		/// Gives an active member's seat to the best standby, without evidence and beyond the cap;
		/// the floor applies. The member goes through jail and probation, and is not charged. For
		/// the guardians.
		///
		/// ## Errors
		///
		/// - [`Error::NotActive`], [`Error::Busy`], [`Error::Frozen`], [`Error::NoReplacement`].
		#[pallet::call_index(5)]
		#[pallet::weight((T::WeightInfo::force_evict(T::MaxMembers::get()), DispatchClass::Operational))]
		pub fn force_evict(origin: OriginFor<T>, who: T::AccountId) -> DispatchResult {
			T::GuardianOrigin::ensure_origin(origin)?;
			Self::do_force_evict(who)
		}

		/// Seats an elected member in the place of an active one, whatever the evidence against it
		/// and its outage history. The replaced member stays in the reserve. For the guardians.
		///
		/// ## Errors
		///
		/// - [`Error::NotAMember`], [`Error::AlreadyActive`], [`Error::NotActive`],
		///   [`Error::CannotBeSeated`], [`Error::Busy`], [`Error::Frozen`].
		#[pallet::call_index(6)]
		#[pallet::weight((T::WeightInfo::force_seat(T::MaxMembers::get()), DispatchClass::Operational))]
		pub fn force_seat(
			origin: OriginFor<T>,
			who: T::AccountId,
			instead_of: T::AccountId,
		) -> DispatchResult {
			T::GuardianOrigin::ensure_origin(origin)?;
			Self::do_force_seat(who, instead_of)
		}

		/// Suspends automation: each failing member becomes a case. For the guardians.
		///
		/// ## Errors
		///
		/// - [`Error::NothingToDo`]: it is suspended already.
		#[pallet::call_index(7)]
		#[pallet::weight((T::WeightInfo::suspend_automation(), DispatchClass::Operational))]
		pub fn suspend_automation(origin: OriginFor<T>) -> DispatchResult {
			T::GuardianOrigin::ensure_origin(origin)?;
			ensure!(!Suspended::<T>::exists(), Error::<T>::NothingToDo);
			Self::suspend(Suspension::Guardians);
			Ok(())
		}

		/// Resumes automation; evictions before this do not count towards the breaker any more. For
		/// the guardians.
		///
		/// ## Errors
		///
		/// - [`Error::NothingToDo`]: it is not suspended.
		#[pallet::call_index(8)]
		#[pallet::weight((T::WeightInfo::resume_automation(), DispatchClass::Operational))]
		pub fn resume_automation(origin: OriginFor<T>) -> DispatchResult {
			T::GuardianOrigin::ensure_origin(origin)?;
			Self::do_resume()
		}

		/// Lets a member that was expelled for an equivocation return to the reserve, through
		/// probation. For the guardians.
		///
		/// ## Errors
		///
		/// - [`Error::NotExpelled`].
		#[pallet::call_index(9)]
		#[pallet::weight((T::WeightInfo::rejoin(), DispatchClass::Operational))]
		pub fn pardon(origin: OriginFor<T>, who: T::AccountId) -> DispatchResult {
			T::GuardianOrigin::ensure_origin(origin)?;
			Self::do_pardon(who)
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// Returns the active set, in the order of the authorities.
		pub fn active() -> Vec<T::AccountId> {
			Active::<T>::get().into_inner()
		}

		/// Returns the reserve, in order of preference.
		pub fn reserve() -> Vec<T::AccountId> {
			Reserve::<T>::get().into_inner()
		}

		/// Returns the number of members that may still lose their seats to rotation in this
		/// cool-off.
		pub fn evictions_left() -> u32 {
			Self::limits(&Active::<T>::get()).allowed
		}

		/// Returns the outage history of a member, with the reason for which it is not seated, if
		/// there is one.
		pub fn conduct(who: T::AccountId) -> Option<ConductOf<T>> {
			Conducts::<T>::get().into_iter().find(|(known, _)| *known == who).map(|(_, conduct)| conduct)
		}

		/// Returns the cases that wait for the guardians, and those that they vetoed, oldest first.
		pub fn cases() -> Vec<CaseOf<T>> {
			Cases::<T>::get().into_inner()
		}

		/// Returns the reason for which automation is suspended; `None` while it is not.
		pub fn suspended() -> Option<Suspension> {
			Suspended::<T>::get()
		}
	}
}
