//! # Validator rotation pallet
//!
//! A `SessionManager` around any other one: it seats the best of the elected, keeps the rest as a reserve, and gives the
//! seat of a member that is down to a standby, in the block after the evidence sufficed.
//!
//! ## Overview
//!
//! The inner manager elects `active + reserve` members. From those the pallet seats [`Config::ActiveTarget`], so every
//! standby is already bonded, exposed to slashing and keyed; failover seats a *different* validator and never copies a
//! key (I10).
//!
//! The evidence is judged elsewhere, at the end of each window and when a missed slot decides; the pallet hears of
//! it through [`JudgementHandler`](understudy_primitives::JudgementHandler). An active member that fails with a confidence of
//! at least [`Config::AutomationThreshold`] is replaced by the healthy standby with the most backing; below that, its case
//! waits for the guardians. What [`selection`] decides is recorded first, then takes effect:
//!
//! ```text
//!   judgement ── decide, write the record ── session ends: set queued ── session ends: set active, recorded
//!    block b                block b                     block b                      block b + 1
//! ```
//!
//! Who lost its seat goes through jail and probation back into the reserve by itself, see [`lifecycle`]; what a repeated
//! outage costs is said by [`penalty`]. A member that wants to be away [`Pallet::retire`]s first, and pays nothing.
//!
//! ## What bounds it
//!
//! - In one [`Config::CoolOff`] at most ⌊(n−1)/3⌋ members lose their seats, and the set never shrinks below
//!   [`Config::Floor`] (I1).
//! - In a systemic outage nobody does, and nobody is charged (I3).
//! - Too many evictions in a period, or too many of members that were up, suspend automation, see [`breaker`]: then the
//!   guardians are asked.
//! - While [`Config::MayRotate`] says no, no session ends, the periodic ones included: a consensus change is pending.
//! - An unchanged set is `None` to the session pallet (I7), so consensus sees no change where there is none.
//!
//! ## Low level
//!
//! The pallet stands in three places of the runtime: as `pallet_session::Config::SessionManager` (inside of
//! `NoteHistoricalRoot` where there is a historical pallet), as its `ShouldEndSession`, and as the heartbeat pallet's
//! `OnJudgement`. Where sessions cannot end on demand (BABE), it is not their `ShouldEndSession`, and a decided change takes
//! effect at the epochs' ends. See [`session_manager`] for what happens at a session's end, [`decision`] for what happens when
//! evidence was judged, and [`intervention`] for what people can do.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking;
pub mod breaker;
pub mod decision;
pub mod expulsion;
pub mod intervention;
pub mod lifecycle;
pub mod migrations;
pub mod penalty;
pub mod poa;
pub mod reseat;
pub mod selection;
pub mod session_manager;
pub mod suspicion;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use pallet::*;

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
use sp_runtime::{traits::Saturating, Perbill};
use suspicion::Suspicion;
use understudy_primitives::{
	Backing, DisableSeat, FailoverLog, IncidentId, RecoveryControl, Registrations, RosterHandler, Unfit,
	Verdict, Verdicts,
};

/// The most cases that wait for the guardians at once. Beyond it none is opened until one is closed.
pub const MAX_CASES: u32 = 64;

/// Why a member loses its seat.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Cause {
	/// It is down: jailed, and charged if it was not the first time.
	Down,
	/// It is impaired: jailed, and that is all.
	Impaired,
	/// It asked for it.
	Retirement,
	/// The guardians evicted it: jailed, and that is all.
	Evicted,
	/// The guardians seated somebody else in its place, or it has no session keys any more; it stays in the reserve.
	Displaced,
	/// It equivocated in consensus: expelled. What that costs is charged by whom the proof was
	/// reported to.
	Equivocated,
}

impl Cause {
	/// Whether it rests on evidence, so that it comes to nothing if the member recovers in time.
	pub fn is_failure(self) -> bool {
		matches!(self, Cause::Down | Cause::Impaired)
	}
}

/// A decided change that is not in effect yet.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Change<AccountId> {
	/// The incident that it belongs to.
	pub incident: IncidentId,
	/// Who loses the seat.
	pub from: AccountId,
	/// Who gets it; `None` where the set shrinks.
	pub to: Option<AccountId>,
	/// Why.
	pub cause: Cause,
}

/// A failing member that automation does not act on, and the guardians are asked about.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Case<AccountId, BlockNumber> {
	/// The incident; names the case.
	pub incident: IncidentId,
	/// The member.
	pub who: AccountId,
	/// The evidence against it when the case was opened.
	pub verdict: Verdict,
	/// The block from which on the case is closed.
	pub expires: BlockNumber,
	/// Whether the guardians want the member to keep its seat until then.
	pub vetoed: bool,
}

/// When automation stops by itself, and over what time that is reckoned.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct BreakerRules<BlockNumber> {
	/// Blocks of a period.
	pub period: BlockNumber,
	/// How many members automation evicts in a period.
	pub evictions: u32,
	/// The share of them that may prove unneeded; of [`breaker::LEAST`] evictions at least.
	pub unneeded: Perbill,
	/// Who was evicted as down, and is found healthy within so many blocks of losing its seat, was evicted without need. The proof
	/// is on chain: a sign of life of the member is in a block after the change. Whoever was really gone is not back that soon.
	/// Not less than the blocks until the silence in the new roster's first window is settled, else nobody can show it.
	pub reprieve: BlockNumber,
}

impl<BlockNumber: Copy + Ord + From<u32>> BreakerRules<BlockNumber> {
	/// Checks the rules, where the silence of a new roster's first window is settled after this
	/// many blocks, the cool-off is this long, and a day has this many blocks.
	pub fn check(&self, settled: u32, cool_off: BlockNumber, day: u32) -> Result<(), Unfit> {
		let month = BlockNumber::from(day.saturating_mul(30));
		ensure!(self.period >= cool_off && self.period <= month, Unfit::BreakerPeriod);
		ensure!(self.evictions >= 1, Unfit::BreakerEvictions);
		let shares = Perbill::from_percent(1)..=Perbill::from_percent(50);
		ensure!(shares.contains(&self.unneeded), Unfit::BreakerUnnecessary);
		let lasts = self.reprieve >= settled.into() && self.reprieve < self.period;
		ensure!(lasts, Unfit::BreakerReprieve);
		Ok(())
	}
}

/// An elected member and what stands behind it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Winner<AccountId> {
	/// The account.
	pub who: AccountId,
	/// Its backing in the election.
	pub backing: u128,
}

/// How far a decided change is on its way into the set.
#[derive(
	Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Stage {
	/// Nothing is decided.
	#[default]
	Idle,
	/// Decided; the next session end queues it.
	Decided,
	/// Queued; the next session end makes it active.
	Queued,
}

/// A list of members, at most [`Config::MaxMembers`].
pub type MembersOf<T> = BoundedVec<<T as frame_system::Config>::AccountId, <T as Config>::MaxMembers>;
/// A list of suspicions, at most [`Config::MaxMembers`].
pub type SuspicionsOf<T> =
	BoundedVec<Suspicion<<T as frame_system::Config>::AccountId>, <T as Config>::MaxMembers>;
/// An eviction on this chain.
pub type EvictionOf<T> = Eviction<<T as frame_system::Config>::AccountId, BlockNumberFor<T>>;
/// A case on this chain.
pub type CaseOf<T> = Case<<T as frame_system::Config>::AccountId, BlockNumberFor<T>>;
/// A member's conduct on this chain.
pub type ConductOf<T> = Conduct<BlockNumberFor<T>>;

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use frame_support::{pallet_prelude::*, traits::ValidatorRegistration};
	use frame_system::{ensure_signed, pallet_prelude::OriginFor};
	use sp_runtime::traits::Convert;
	use sp_staking::offence::ReportOffence;

	/// The version of the storage's layout.
	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: frame_system::Config {
		/// Elects the active set and the reserve: staking, or a governed list. Returning a set is an election; `None`
		/// keeps the last one.
		type Inner: pallet_session::SessionManager<Self::AccountId>;

		/// When sessions end if nothing happens.
		type Periodic: pallet_session::ShouldEndSession<BlockNumberFor<Self>>;

		/// Whether the set may change now. False while consensus has a change pending that another one would get lost
		/// behind.
		type MayRotate: Get<bool>;

		/// Who has session keys, and so can be seated.
		type SessionKeys: ValidatorRegistration<Self::AccountId>;

		/// Whose node has said lately that it stands ready. Others are not seated; who sits already stays.
		type Registrations: Registrations<Self::AccountId>;

		/// What stands behind an elected member; more is seated first.
		type Backing: Backing<Self::AccountId>;

		/// What holds rotation still while finality does not follow; `()` where nothing does.
		type Recovery: RecoveryControl;

		/// What the evidence says of the roster.
		type Verdicts: Verdicts;

		/// Who hears of each new roster.
		type Roster: RosterHandler<Self::AccountId>;

		/// Where every change is recorded before it takes effect.
		type Log: FailoverLog<Self::AccountId>;

		/// The most members an election can bring; those with the least backing are cut off.
		#[pallet::constant]
		type MaxMembers: Get<u32>;

		/// How many members to seat.
		type ActiveTarget: Get<u32>;

		/// The size below which rotation does not let the active set shrink.
		type Floor: Get<u32>;

		/// In so many blocks at most ⌊(n−1)/3⌋ members lose their seats to rotation.
		type CoolOff: Get<BlockNumberFor<Self>>;

		/// The confidence from which on rotation acts by itself. Below it the guardians are asked.
		type AutomationThreshold: Get<Perbill>;

		/// How long jail and probation are, and how long an outage is remembered.
		type Durations: Get<Durations<BlockNumberFor<Self>>>;

		/// What repeated outages cost.
		type Penalties: Get<penalty::Curve>;

		/// When automation stops by itself.
		type Breaker: Get<BreakerRules<BlockNumberFor<Self>>>;

		/// For how many blocks a case waits for the guardians, and a veto holds.
		type CaseLifetime: Get<BlockNumberFor<Self>>;

		/// Keeps members that are expelled, and sit still, from authoring; `()` where nothing does.
		type Disable: DisableSeat;

		/// The guardians: who approves, vetoes, forces, suspends and resumes.
		type GuardianOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// A member as the offences pallet knows it.
		type Offender: Clone;

		/// Who that is; `None` where it cannot be charged.
		type OffenderOf: Convert<Self::AccountId, Option<Self::Offender>>;

		/// Where outages that cost something are reported; `()` where nothing is staked.
		type Offences: ReportOffence<Self::AccountId, Self::Offender, penalty::Outage<Self::Offender>>;

		/// The weights of the pallet's calls and of what it does when evidence was judged.
		type WeightInfo: WeightInfo;

		/// What the benchmarks need.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: benchmarking::BenchmarkHelper<Self::AccountId>;
	}

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// It is decided that a member loses its seat; the record is written, the change follows.
		Decided {
			/// The incident.
			incident: IncidentId,
			/// Who loses the seat.
			from: T::AccountId,
			/// Who gets it, if anybody.
			to: Option<T::AccountId>,
		},
		/// A decided change will not happen, for the set changed otherwise in between.
		Cancelled {
			/// The incident.
			incident: IncidentId,
			/// Who was to lose the seat.
			from: T::AccountId,
			/// Who was to get it.
			to: Option<T::AccountId>,
		},
		/// A new roster is in effect.
		Activated {
			/// How many members are active.
			active: u32,
			/// How many are in reserve.
			reserve: u32,
		},
		/// A member is down, and rotation may not or cannot replace it: the cap of this cool-off is reached, or there is no
		/// healthy standby and the set is at its floor.
		NotReplaced {
			/// The member.
			who: T::AccountId,
		},
		/// A member that lost its seat is in jail.
		Jailed {
			/// The member.
			who: T::AccountId,
			/// Which of its outages it was, of those that are not forgiven.
			outages: u8,
		},
		/// A member's jail is over; it has to be healthy for a while.
		OnProbation {
			/// The member.
			who: T::AccountId,
		},
		/// A member may be seated again.
		Readmitted {
			/// The member.
			who: T::AccountId,
		},
		/// A member was charged with an outage.
		Penalized {
			/// The incident.
			incident: IncidentId,
			/// The member.
			who: T::AccountId,
			/// The share of what stands behind it.
			fraction: Perbill,
		},
		/// A member equivocated in consensus. It loses its seat, and gets none until the guardians
		/// pardon it.
		Expelled {
			/// The incident.
			incident: IncidentId,
			/// The member.
			who: T::AccountId,
		},
		/// The guardians pardoned an expelled member: it has to be healthy for a while.
		Pardoned {
			/// The member.
			who: T::AccountId,
		},
		/// A member asked to leave; it has to go on until somebody has its seat.
		Retiring {
			/// The member.
			who: T::AccountId,
		},
		/// A member that asked to leave has no seat any more, and may stop.
		Retired {
			/// The member.
			who: T::AccountId,
		},
		/// A retired member wants to be seated again, or one that wanted to retire does not any more.
		Rejoined {
			/// The member.
			who: T::AccountId,
		},
		/// The guardians are asked about a failing member.
		CaseOpened {
			/// The incident, by which they name the case.
			incident: IncidentId,
			/// The member.
			who: T::AccountId,
			/// The evidence.
			verdict: Verdict,
		},
		/// The guardians let a failing member keep its seat for now.
		CaseVetoed {
			/// The incident.
			incident: IncidentId,
		},
		/// A case came to nothing: nobody answered, or the member does not fail any more, or does not sit any more.
		CaseClosed {
			/// The incident.
			incident: IncidentId,
		},
		/// A member that was evicted as down was up.
		EvictionUnneeded {
			/// The incident.
			incident: IncidentId,
			/// The member.
			who: T::AccountId,
		},
		/// Rotation does not act by itself any more. Alert on this.
		AutomationSuspended {
			/// Why.
			reason: Suspension,
		},
		/// Rotation acts by itself again.
		AutomationResumed,
	}

	#[pallet::error]
	pub enum Error<T> {
		/// The account is not an elected member.
		NotAMember,
		/// The account does not sit in the active set.
		NotActive,
		/// The account sits in the active set already.
		AlreadyActive,
		/// The member has asked to leave already.
		AlreadyRetiring,
		/// The member has not asked to leave.
		NotRetired,
		/// The member has handed its seat over in this period already: each hand-over ends two sessions.
		TooSoon,
		/// The member is in jail or expelled, and is not seated anyway.
		InJail,
		/// There is no open case of this incident.
		NoSuchCase,
		/// The evidence does not, or not any more, suffice.
		NotFailing,
		/// The guardians let this member keep its seat for now.
		Vetoed,
		/// A change is on its way; try again in the next block.
		Busy,
		/// Finality does not follow: everything holds still until it does.
		Frozen,
		/// The outage is systemic: ordinary rotation holds still.
		Systemic,
		/// Automation is suspended: the guardians decide.
		Suspended,
		/// The cap of this cool-off is reached, or there is no healthy standby and the set is at its floor.
		NoReplacement,
		/// The account has no session keys, or its registration is not current.
		CannotBeSeated,
		/// Automation is suspended already, or is not suspended.
		NothingToDo,
		/// The member is not expelled.
		NotExpelled,
		/// As many members as may in this period have retired already: each hand-over ends two
		/// sessions.
		TooManyRetirements,
	}

	/// The last election's winners, most backing first.
	#[pallet::storage]
	pub type Elected<T: Config> =
		StorageValue<_, BoundedVec<Winner<T::AccountId>, T::MaxMembers>, ValueQuery>;

	/// The active set, in the order of the authorities.
	#[pallet::storage]
	pub type Active<T: Config> = StorageValue<_, MembersOf<T>, ValueQuery>;

	/// The reserve, best first. With [`Active`] before it, this is the roster.
	#[pallet::storage]
	pub type Reserve<T: Config> = StorageValue<_, MembersOf<T>, ValueQuery>;

	/// The set that the next session end makes active.
	#[pallet::storage]
	pub type Planned<T: Config> = StorageValue<_, MembersOf<T>, OptionQuery>;

	/// The set that a recovery seats with the next session end, whatever else happens.
	#[pallet::storage]
	pub type Imposed<T: Config> = StorageValue<_, MembersOf<T>, OptionQuery>;

	/// The changes that are decided and not in effect yet.
	#[pallet::storage]
	pub type Pending<T: Config> =
		StorageValue<_, BoundedVec<Change<T::AccountId>, T::MaxMembers>, ValueQuery>;

	/// How far [`Pending`] is on its way.
	#[pallet::storage]
	pub type Progress<T: Config> = StorageValue<_, Stage, ValueQuery>;

	/// The seats that ordinary rotation took, those of the last [`Config::CoolOff`] and of the breaker's last period.
	#[pallet::storage]
	pub type Evictions<T: Config> = StorageValue<_, BoundedVec<EvictionOf<T>, T::MaxMembers>, ValueQuery>;

	/// What is remembered of members that had an outage or retired. Where there are more than fit, the oldest is forgotten.
	#[pallet::storage]
	pub type Conducts<T: Config> =
		StorageValue<_, BoundedVec<(T::AccountId, ConductOf<T>), T::MaxMembers>, ValueQuery>;

	/// The active members that asked to leave.
	#[pallet::storage]
	pub type Retiring<T: Config> = StorageValue<_, MembersOf<T>, ValueQuery>;

	/// The cases that wait for the guardians, and those that they vetoed.
	#[pallet::storage]
	pub type Cases<T: Config> = StorageValue<_, BoundedVec<CaseOf<T>, ConstU32<MAX_CASES>>, ValueQuery>;

	/// The active members that something speaks against, and those that stand elsewhere than the chain.
	#[pallet::storage]
	pub type Suspicions<T: Config> = StorageValue<_, SuspicionsOf<T>, ValueQuery>;

	/// Why rotation does not act by itself, if it does not.
	#[pallet::storage]
	pub type Suspended<T: Config> = StorageValue<_, Suspension, OptionQuery>;

	/// The incident of the systemic outage that holds rotation still, while there is one.
	#[pallet::storage]
	pub type Held<T: Config> = StorageValue<_, IncidentId, OptionQuery>;

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Asks for a hand-over: a standby takes the caller's seat, free of any penalty, as soon as the cap of the cool-off
		/// allows it, and the caller may stop when [`Event::Retired`] says so. From the reserve it is retired at once.
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

		/// Takes [`Pallet::retire`] back. Who is retired already gets through probation into the reserve.
		///
		/// ## Errors
		///
		/// - [`Error::NotRetired`].
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::rejoin())]
		pub fn rejoin(origin: OriginFor<T>) -> DispatchResult {
			Self::do_rejoin(ensure_signed(origin)?)
		}

		/// Acts on a member that fails with all the confidence that automation asks for, where automation has not, say because
		/// the cap of the cool-off was reached. Anybody may call it; the fee is returned if it was right.
		///
		/// ## Errors
		///
		/// - [`Error::NotFailing`], [`Error::Vetoed`], [`Error::Systemic`], [`Error::Suspended`], [`Error::Busy`], [`Error::Frozen`],
		///   [`Error::NoReplacement`].
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::enforce(T::MaxMembers::get()))]
		pub fn enforce(origin: OriginFor<T>, who: T::AccountId) -> DispatchResultWithPostInfo {
			ensure_signed(origin)?;
			Self::do_enforce(who)?;
			Ok(Pays::No.into())
		}

		/// Lets rotation act on a case. For the guardians. Cap and floor hold, and if the member recovers in time it keeps its
		/// seat.
		///
		/// ## Errors
		///
		/// - [`Error::NoSuchCase`], [`Error::NotFailing`], [`Error::Systemic`], [`Error::Busy`], [`Error::Frozen`], [`Error::NoReplacement`].
		#[pallet::call_index(3)]
		#[pallet::weight((T::WeightInfo::approve(T::MaxMembers::get()), DispatchClass::Operational))]
		pub fn approve(origin: OriginFor<T>, incident: IncidentId) -> DispatchResult {
			T::GuardianOrigin::ensure_origin(origin)?;
			Self::do_approve(incident)
		}

		/// Lets the member of a case keep its seat, whatever the evidence says, until the case expires. For the guardians.
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

		/// Gives an active member's seat to the best standby, without evidence and beyond the cap; the floor holds. The member
		/// goes through jail and probation, and is not charged. For the guardians.
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

		/// Seats an elected member in the place of an active one, whatever the evidence and its conduct say. The other one stays
		/// in the reserve. For the guardians.
		///
		/// ## Errors
		///
		/// - [`Error::NotAMember`], [`Error::AlreadyActive`], [`Error::NotActive`], [`Error::CannotBeSeated`],
		///   [`Error::Busy`], [`Error::Frozen`].
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

		/// Stops rotation from acting by itself: each failing member becomes a case. For the guardians.
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

		/// Lets rotation act by itself again; what happened before does not count towards the breaker any more. For the
		/// guardians.
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

		/// Lets a member that was expelled for an equivocation get back into the reserve, through
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
		/// The active set, in the order of the authorities.
		pub fn active() -> Vec<T::AccountId> {
			Active::<T>::get().into_inner()
		}

		/// The reserve, best first.
		pub fn reserve() -> Vec<T::AccountId> {
			Reserve::<T>::get().into_inner()
		}

		/// How many more members may lose their seats to rotation in this cool-off.
		pub fn evictions_left() -> u32 {
			Self::limits(&Active::<T>::get()).allowed
		}

		/// What is remembered of a member's outages, and why it is not seated, if it is not to be.
		pub fn conduct(who: T::AccountId) -> Option<ConductOf<T>> {
			Conducts::<T>::get().into_iter().find(|(known, _)| *known == who).map(|(_, conduct)| conduct)
		}

		/// The cases that wait for the guardians, and those that they vetoed, oldest first.
		pub fn cases() -> Vec<CaseOf<T>> {
			Cases::<T>::get().into_inner()
		}

		/// Why rotation does not act by itself; `None` where it does.
		pub fn suspended() -> Option<Suspension> {
			Suspended::<T>::get()
		}
	}
}

impl<T: Config> Pallet<T> {
	/// How far rotation of this set may go now.
	pub(crate) fn limits(seated: &[T::AccountId]) -> selection::Limits {
		let spent = Self::counted_evictions().len() as u32;
		let cap = selection::cap(seated.len() as u32);
		selection::Limits { allowed: cap.saturating_sub(spent), floor: T::Floor::get() }
	}

	/// The evictions within the `period` that ends now.
	pub(crate) fn recent_evictions(period: BlockNumberFor<T>) -> Vec<EvictionOf<T>> {
		breaker::recent(Evictions::<T>::get(), frame_system::Pallet::<T>::block_number(), period)
	}

	/// The evictions that count towards the cap: each for as long as the cool-off was when the seat
	/// was taken.
	pub(crate) fn counted_evictions() -> Vec<EvictionOf<T>> {
		let now = frame_system::Pallet::<T>::block_number();
		Evictions::<T>::get().into_iter().filter(|eviction| now < eviction.counts_until).collect()
	}

	/// The evictions that are remembered: those that count towards the cap, and those of the
	/// breaker's period.
	pub(crate) fn kept_evictions() -> Vec<EvictionOf<T>> {
		let (now, period) = (frame_system::Pallet::<T>::block_number(), T::Breaker::get().period);
		let keeps = |eviction: &EvictionOf<T>| {
			now < eviction.counts_until || now < eviction.at.saturating_add(period)
		};
		Evictions::<T>::get().into_iter().filter(keeps).collect()
	}

	/// Checks what must hold between blocks: nobody sits twice, the roster is within the pallet's bounds, changes are
	/// pending only while there is something on its way, no more members lost their seats in the cool-off than the
	/// cap allows (I1), of one member one thing is remembered and one case is open, and only who sits is about to retire.
	pub fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
		use alloc::collections::BTreeSet;
		let (active, reserve) = (Active::<T>::get(), Reserve::<T>::get());
		let accounts: BTreeSet<_> = active.iter().chain(reserve.iter()).collect();
		ensure!(accounts.len() == active.len().saturating_add(reserve.len()), "somebody sits twice");
		let idle = Progress::<T>::get() == Stage::Idle;
		ensure!(
			idle == Pending::<T>::get().is_empty(),
			"changes are pending and nothing is on its way, or not"
		);
		let recent = Self::counted_evictions();
		ensure!(
			recent.last().is_none_or(|last| recent.len() as u32 <= selection::cap(last.seated)),
			"more members lost their seats than the cap allows"
		);
		let elected = Elected::<T>::get();
		let unique: BTreeSet<_> = elected.iter().map(|winner| &winner.who).collect();
		ensure!(unique.len() == elected.len(), "somebody was elected twice");
		ensure!(
			elected.windows(2).all(|pair| pair[0].backing >= pair[1].backing),
			"the elected are not in the order of their backing"
		);
		let conducts = Conducts::<T>::get();
		let unique: BTreeSet<_> = conducts.iter().map(|(who, _)| who).collect();
		ensure!(unique.len() == conducts.len(), "of somebody two things are remembered");
		let cases = Cases::<T>::get();
		let unique: BTreeSet<_> = cases.iter().map(|case| &case.who).collect();
		ensure!(unique.len() == cases.len(), "somebody has two cases");
		let suspicions = Suspicions::<T>::get();
		let unique: BTreeSet<_> = suspicions.iter().map(|suspicion| &suspicion.who).collect();
		ensure!(unique.len() == suspicions.len(), "somebody is suspected twice");
		let retiring = Retiring::<T>::get();
		let unique: BTreeSet<_> = retiring.iter().filter(|who| active.contains(who)).collect();
		ensure!(unique.len() == retiring.len(), "somebody retires twice, or from no seat");
		Self::try_expelled()
	}
}
