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
//! it through [`JudgementHandler`]. An
//! active member that is [`Health::Down`] or [`Health::Impaired`] with a confidence of at least [`Config::AutomationThreshold`] is replaced by
//! the healthy standby with the most backing. What [`selection`] decides is recorded first, then takes effect:
//!
//! ```text
//!   judgement ── decide, write the record ── session ends: set queued ── session ends: set active, recorded
//!    block b                block b                     block b                      block b + 1
//! ```
//!
//! ## What bounds it
//!
//! - In one [`Config::CoolOff`] at most ⌊(n−1)/3⌋ members lose their seats, and the set never shrinks below
//!   [`Config::Floor`] (I1).
//! - In a systemic outage nobody does (I3).
//! - While [`Config::MayRotate`] says no, no session ends, the periodic ones included: a consensus change is pending.
//! - An unchanged set is `None` to the session pallet (I7), so consensus sees no change where there is none.
//!
//! ## Low level
//!
//! The pallet stands in three places of the runtime: as `pallet_session::Config::SessionManager` (inside of
//! `NoteHistoricalRoot` where there is a historical pallet), as its `ShouldEndSession`, and as the heartbeat pallet's
//! `OnJudgement`. See [`session_manager`] for what happens at a session's end and [`decision`] for what happens at a
//! window's.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod decision;
pub mod selection;
pub mod session_manager;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use pallet::*;

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{traits::Get, BoundedVec};
use frame_system::pallet_prelude::BlockNumberFor;
use scale_info::TypeInfo;
use sp_runtime::{traits::Saturating, Perbill};
use understudy_primitives::{Backing, FailoverLog, IncidentId, Registrations, RosterHandler, Verdicts};

/// A decided change that is not in effect yet.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Change<AccountId> {
	/// The incident that it belongs to.
	pub incident: IncidentId,
	/// Who loses the seat.
	pub from: AccountId,
	/// Who gets it; `None` where the set shrinks.
	pub to: Option<AccountId>,
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

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use frame_support::{pallet_prelude::*, traits::ValidatorRegistration};

	#[pallet::pallet]
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

		/// The confidence from which on rotation acts by itself.
		type AutomationThreshold: Get<Perbill>;
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
	}

	/// The last election's winners, most backing first.
	#[pallet::storage]
	pub type Elected<T: Config> = StorageValue<_, MembersOf<T>, ValueQuery>;

	/// The active set, in the order of the authorities.
	#[pallet::storage]
	pub type Active<T: Config> = StorageValue<_, MembersOf<T>, ValueQuery>;

	/// The reserve, best first. With [`Active`] before it, this is the roster.
	#[pallet::storage]
	pub type Reserve<T: Config> = StorageValue<_, MembersOf<T>, ValueQuery>;

	/// The set that the next session end makes active.
	#[pallet::storage]
	pub type Planned<T: Config> = StorageValue<_, MembersOf<T>, OptionQuery>;

	/// The changes that are decided and not in effect yet.
	#[pallet::storage]
	pub type Pending<T: Config> =
		StorageValue<_, BoundedVec<Change<T::AccountId>, T::MaxMembers>, ValueQuery>;

	/// How far [`Pending`] is on its way.
	#[pallet::storage]
	pub type Progress<T: Config> = StorageValue<_, Stage, ValueQuery>;

	/// The blocks at which a member lost its seat, those of the last [`Config::CoolOff`].
	#[pallet::storage]
	pub type Evictions<T: Config> = StorageValue<_, BoundedVec<BlockNumberFor<T>, T::MaxMembers>, ValueQuery>;

	/// The incident of the systemic outage that holds rotation still, while there is one.
	#[pallet::storage]
	pub type Held<T: Config> = StorageValue<_, IncidentId, OptionQuery>;

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
	}
}

impl<T: Config> Pallet<T> {
	/// How far rotation of this set may go now.
	pub(crate) fn limits(seated: &[T::AccountId]) -> selection::Limits {
		let spent = Self::recent_evictions().len() as u32;
		let cap = selection::cap(seated.len() as u32);
		selection::Limits { allowed: cap.saturating_sub(spent), floor: T::Floor::get() }
	}

	/// The evictions within the cool-off that ends now.
	pub(crate) fn recent_evictions() -> Vec<BlockNumberFor<T>> {
		let now = frame_system::Pallet::<T>::block_number();
		let all = Evictions::<T>::get();
		all.into_iter().filter(|at| now.saturating_sub(*at) < T::CoolOff::get()).collect()
	}

	/// Checks what must hold between blocks: nobody sits twice, the roster is within the pallet's bounds, changes are
	/// pending only while there is something on its way, and no more members lost their seats in the cool-off than the
	/// cap allows (I1).
	pub fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
		use frame_support::ensure;
		let (active, reserve) = (Active::<T>::get(), Reserve::<T>::get());
		let accounts: alloc::collections::BTreeSet<_> = active.iter().chain(reserve.iter()).collect();
		ensure!(accounts.len() == active.len().saturating_add(reserve.len()), "somebody sits twice");
		let idle = Progress::<T>::get() == Stage::Idle;
		ensure!(
			idle == Pending::<T>::get().is_empty(),
			"changes are pending and nothing is on its way, or not"
		);
		let recent = Self::recent_evictions().len();
		let largest = active.len().saturating_add(recent) as u32;
		ensure!(
			recent as u32 <= selection::cap(largest),
			"more members lost their seats than the cap allows"
		);
		let elected = Elected::<T>::get();
		let unique: alloc::collections::BTreeSet<_> = elected.iter().collect();
		ensure!(unique.len() == elected.len(), "somebody was elected twice");
		Ok(())
	}
}
