//! Electorate: the rosters over which votes are counted, with the keys in force and the ready
//! standbys.
//!
//! Every change takes effect like a new roster, because branches that diverged since the last final
//! block may differ in it. A new roster is added at once, and so are keys while some places are
//! free. Readiness waits until the chain is safe and few rosters are in flight, so that a standby
//! that repeatedly becomes ready and unready cannot fill the list. Sessions leave the last places
//! to recoveries.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{traits::DefensiveTruncateFrom, weights::Weight, BoundedVec};
use scale_info::TypeInfo;
use understudy_primitives::{Electorate, ElectorateHandler, FailoverLog, Moment, RosterHandler};

use crate::{
	in_flight::{Roster, Voter, FOR_RECOVERIES, MOST},
	Config, Mode, Pallet, Reports, Rosters, RostersOf, StateOf, Status, WeightInfo,
};

/// Kind of change that [`Rosters`] does not contain yet, the most urgent last.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Default,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub enum Refresh {
	/// No change.
	#[default]
	Done,
	/// Standbys became ready, or are no longer ready.
	Readiness,
	/// Keys came into force.
	Keys,
	/// A new roster took effect.
	Roster,
}

impl Refresh {
	/// Returns the number of places in flight that this change leaves to more urgent ones.
	fn leaves(self) -> u32 {
		match self {
			Refresh::Done | Refresh::Readiness => MOST - 3,
			Refresh::Keys => FOR_RECOVERIES + 1,
			Refresh::Roster => 0,
		}
	}
}

impl<T: Config> Pallet<T> {
	/// Adds the changes of the last block to [`Rosters`]. Returns the weight.
	pub(crate) fn refresh(state: &mut StateOf<T>, now: Moment) -> Weight {
		let refresh = state.refresh;
		let waits = refresh == Refresh::Readiness && state.mode != Mode::Safe;
		if refresh == Refresh::Done || waits {
			return Weight::zero();
		}
		let mut rosters = Self::rosters(state);
		let known = if refresh == Refresh::Readiness { rosters.last().cloned() } else { None };
		if refresh == Refresh::Roster || rosters.has_room(refresh.leaves()) {
			let ready = Self::ready(state, refresh, &rosters);
			let mut members = known.map_or_else(Self::members_in_force, |roster| roster.members);
			let ready = ready.into_iter().chain(core::iter::repeat(false)).zip(0..);
			// At genesis no standby can have shown its readiness.
			let all = now.block == 0;
			members.iter_mut().zip(ready).for_each(|(voter, (ready, index))| {
				voter.counts = all || ready || index < state.seats;
			});
			let roster = Roster { active: state.seats, members };
			if rosters.last() != Some(&roster) {
				// The roster takes effect in this block: an earlier hook may have changed
				// readiness.
				rosters.push(now.block, roster, state.view.finalized);
				Rosters::<T>::put(&rosters);
			}
			let is_held = state.mode != Mode::Safe && refresh == Refresh::Keys;
			state.refresh = if is_held { Refresh::Readiness } else { Refresh::Done };
		}
		T::WeightInfo::refresh(rosters.last().map_or(0, |roster| roster.members.len() as u32))
	}

	/// Returns for each member, by index, whether it is ready. While the mode is not `Safe`,
	/// readiness is frozen unless a new roster takes effect.
	fn ready(state: &StateOf<T>, refresh: Refresh, rosters: &RostersOf<T>) -> Vec<bool> {
		let last = rosters.last().filter(|_| state.mode != Mode::Safe && refresh == Refresh::Keys);
		match last {
			Some(roster) => roster.members.iter().map(|voter| voter.counts).collect(),
			None => T::Electorate::ready(),
		}
	}

	fn members_in_force() -> BoundedVec<Voter<T::AccountId>, T::MaxMembers> {
		let members = T::Electorate::members().into_iter();
		let voters = members.map(|(who, key)| Voter { who, key, counts: false });
		BoundedVec::defensive_truncate_from(voters.collect())
	}

	fn request_refresh(refresh: Refresh) {
		Status::<T>::mutate(|state| state.refresh = state.refresh.max(refresh));
	}
}

impl<T: Config> RosterHandler<T::AccountId> for Pallet<T> {
	/// Counts votes over the new roster from now on, and over the last one until this block is
	/// final. Reports of members that keep a seat remain.
	fn on_roster(active: &[T::AccountId], _: &[T::AccountId]) {
		let rosters = Rosters::<T>::get();
		let old: Vec<T::AccountId> = rosters.last().map_or_else(Default::default, |roster| {
			roster.sitting().map(|voter| voter.who.clone()).collect()
		});
		let now = T::Log::now();
		Status::<T>::mutate(|state| {
			(state.seats, state.refresh) = (active.len() as u32, Refresh::Roster);
			Reports::<T>::mutate(|reports| reports.reseat(&mut state.view, &old, active, now));
			// Later, the keys of newly seated members come into force after this call, and the next
			// block reads them. At genesis there are no other keys, and proofs begin with its
			// state.
			if now.block == 0 {
				Self::refresh(state, now);
			}
		});
	}
}

impl<T: Config> ElectorateHandler for Pallet<T> {
	fn on_keys() {
		Self::request_refresh(Refresh::Keys);
	}

	fn on_readiness() {
		Self::request_refresh(Refresh::Readiness);
	}
}
