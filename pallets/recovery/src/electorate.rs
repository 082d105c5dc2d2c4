//! Over whom votes are counted: the rosters with the keys in force and the standbys that are ready,
//! as they change.
//!
//! Every change takes effect like a new roster, for branches that parted since the last final block
//! may differ in it. A new roster is followed in every mode. Changes of keys and of readiness can
//! wait: they are taken in while the chain is safe and few rosters are in flight, so no standby
//! that comes and goes can fill the list.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
	traits::{DefensiveTruncateFrom, Get},
	weights::Weight,
	BoundedVec,
};
use scale_info::TypeInfo;
use understudy_primitives::{Electorate, ElectorateHandler, FailoverLog, Moment, RosterHandler};

use crate::{
	in_flight::{Roster, Voter},
	Config, Mode, Pallet, Reports, Rosters, StateOf, Status, WeightInfo,
};

/// The kind of change that [`Rosters`] does not have yet, the most urgent last.
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
	/// It has everything.
	#[default]
	Done,
	/// Standbys became ready, or are so no more.
	Readiness,
	/// Keys came into force.
	Keys,
	/// A new roster took effect.
	Roster,
}

impl<T: Config> Pallet<T> {
	/// Takes in the changes that the last block has brought. Returns what that weighs.
	pub(crate) fn refresh(state: &mut StateOf<T>, now: Moment) -> Weight {
		let refresh = state.refresh;
		let waits = refresh != Refresh::Roster && state.mode != Mode::Safe;
		if refresh == Refresh::Done || waits {
			return Weight::zero();
		}
		let mut rosters = Self::rosters(state);
		let known = if refresh == Refresh::Readiness { rosters.last().cloned() } else { None };
		if refresh == Refresh::Roster || rosters.has_room() {
			let ready = T::Electorate::ready();
			let mut members = known.map_or_else(Self::members_in_force, |roster| roster.members);
			let ready = ready.into_iter().chain(core::iter::repeat(false)).zip(0..);
			members.iter_mut().zip(ready).for_each(|(voter, (ready, index))| {
				voter.counts = ready || index < state.seats;
			});
			let roster = Roster { active: state.seats, members };
			if rosters.last() != Some(&roster) {
				rosters.push(now.block.saturating_sub(1), roster, state.view.finalized);
				Rosters::<T>::put(rosters);
			}
			state.refresh = Refresh::Done;
		}
		T::WeightInfo::refresh(T::MaxMembers::get())
	}

	fn members_in_force() -> BoundedVec<Voter<T::AccountId>, T::MaxMembers> {
		let members = T::Electorate::members().into_iter();
		let voters = members.map(|(who, key)| Voter { who, key, counts: false });
		BoundedVec::defensive_truncate_from(voters.collect())
	}

	fn want_refresh(refresh: Refresh) {
		Status::<T>::mutate(|state| state.refresh = state.refresh.max(refresh));
	}
}

impl<T: Config> RosterHandler<T::AccountId> for Pallet<T> {
	/// Votes are counted over it from now on, and over the last one until this block is final.
	/// Reports of those that keep a seat stay.
	fn on_roster(active: &[T::AccountId], _: &[T::AccountId]) {
		let rosters = Rosters::<T>::get();
		let old: alloc::vec::Vec<T::AccountId> = rosters.last().map_or_else(Default::default, |roster| {
			roster.sitting().map(|voter| voter.who.clone()).collect()
		});
		let now = T::Log::now();
		Status::<T>::mutate(|state| {
			(state.seats, state.refresh) = (active.len() as u32, Refresh::Roster);
			Reports::<T>::mutate(|reports| reports.reseat(&mut state.view, &old, active));
			// Later on, the keys of those that are seated come into force after this, and the next
			// block takes them in. At genesis there are no others, and proofs begin with its state.
			if now.block == 0 {
				Self::refresh(state, now);
			}
		});
	}
}

impl<T: Config> ElectorateHandler for Pallet<T> {
	fn on_keys() {
		Self::want_refresh(Refresh::Keys);
	}

	fn on_readiness() {
		Self::want_refresh(Refresh::Readiness);
	}
}
