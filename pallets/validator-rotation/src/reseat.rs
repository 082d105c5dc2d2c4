//! Reseating for a recovery from excessive faults: responsive members replace all others at once,
//! beyond the cap.
//!
//! The set is computed once, when it is proposed. What the members have voted for is what is
//! seated: a standby that retires, goes to jail or loses its registration in between is seated all
//! the same, and leaves by the ordinary way when the chain is safe again.

use alloc::{collections::BTreeSet, vec::Vec};
use frame_support::traits::{Get, ValidatorRegistration};
use understudy_primitives::{IncidentId, Initiator, Seats};

use crate::{
	selection::{self, Leaving, Limits, Swap},
	Active, Cause, Change, Config, Event, Imposed, MembersOf, Pallet, Pending, Planned, Progress, Reserve,
	Stage,
};

impl<T: Config> Pallet<T> {
	/// The swaps after which none but these sit, as far as floor and reserve allow.
	fn reseating(living: &[T::AccountId]) -> Vec<Swap<T::AccountId>> {
		// The session pallet drops members without keys.
		let living: BTreeSet<&T::AccountId> =
			living.iter().filter(|who| T::SessionKeys::is_registered(who)).collect();
		let active = Active::<T>::get();
		let leaving: Vec<_> = active
			.iter()
			.filter(|who| !living.contains(who))
			.map(|who| Leaving { who: who.clone(), anyway: true })
			.collect();
		let staying: Vec<_> = active.iter().filter(|who| living.contains(who)).cloned().collect();
		let fit = |who: &T::AccountId| living.contains(who);
		let standbys = Self::best_standbys(&staying, leaving.len(), &Reserve::<T>::get(), fit);
		let limits = Limits { allowed: u32::MAX, floor: T::Floor::get() };
		selection::swaps(active.len() as u32, &leaving, &standbys, limits)
	}
}

impl<T: Config> Seats<T::AccountId> for Pallet<T> {
	/// A set is queued already, and becomes active with the next session.
	fn is_changing() -> bool {
		Planned::<T>::exists() || Progress::<T>::get() == Stage::Queued
	}

	fn reseated(living: &[T::AccountId]) -> Vec<T::AccountId> {
		let mut set = Active::<T>::get().into_inner();
		for swap in Self::reseating(living) {
			selection::apply(&mut set, &swap);
		}
		set
	}

	fn reseat(set: &[T::AccountId], incident: IncidentId) {
		// What was decided before the stall comes to nothing.
		for Change { incident, from, to, .. } in Pending::<T>::take() {
			Self::cancel(incident, Swap { from, to });
		}
		let active = Active::<T>::get();
		let mut joining = set.iter().filter(|who| !active.contains(who)).cloned();
		for from in active.iter().filter(|who| !set.contains(who)).cloned() {
			let swap = Swap { from, to: joining.next() };
			Self::record(incident, swap.decision(), Initiator::Automation, &swap, Vec::new());
			let Swap { from, to } = swap;
			Self::deposit_event(Event::Decided { incident, from: from.clone(), to: to.clone() });
			Self::push_pending(Change { incident, from, to, cause: Cause::Displaced }, Stage::Decided);
		}
		Imposed::<T>::put(MembersOf::<T>::truncate_from(set.to_vec()));
	}
}
