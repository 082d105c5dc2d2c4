//! What recovery from excessive faults asks of rotation: the living take the seats of all others at once, beyond the cap.

use alloc::{collections::BTreeSet, vec::Vec};
use frame_support::traits::Get;
use understudy_primitives::{IncidentId, Initiator, Seats};

use crate::{
	selection::{self, Leaving, Limits, Swap},
	Active, Cause, Change, Config, Event, Pallet, Pending, Planned, Progress, Reserve, Stage,
};

impl<T: Config> Pallet<T> {
	/// The swaps after which nobody sits but the living, as far as floor and reserve allow.
	fn reseating(living: &[T::AccountId]) -> Vec<Swap<T::AccountId>> {
		let living: BTreeSet<&T::AccountId> = living.iter().collect();
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

	fn reseat(living: &[T::AccountId], incident: IncidentId) {
		// What was decided before the stall comes to nothing.
		for Change { incident, from, to, .. } in Pending::<T>::take() {
			Self::cancel(incident, Swap { from, to });
		}
		for swap in Self::reseating(living) {
			Self::record(incident, swap.decision(), Initiator::Automation, &swap, Vec::new());
			let Swap { from, to } = swap;
			Self::deposit_event(Event::Decided { incident, from: from.clone(), to: to.clone() });
			Self::push_pending(Change { incident, from, to, cause: Cause::Displaced }, Stage::Decided);
		}
	}
}
