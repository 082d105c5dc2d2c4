//! Reseating in a recovery from excessive faults: responsive members replace all others at once,
//! beyond the cap.
//!
//! The set is computed once, when it is proposed. Exactly the set that the members voted for is
//! seated: a standby that retires, is jailed or loses its registration in between is seated all the
//! same, and leaves in the ordinary way when the chain is safe again.

use alloc::{collections::BTreeSet, vec::Vec};
use frame_support::traits::{Get, ValidatorRegistration};
use understudy_primitives::{IncidentId, Initiator, Seats};

use crate::{
	selection::{self, Leaving, Limits, Swap},
	Active, Cause, Change, Config, Event, Imposed, MembersOf, Pallet, Pending, Planned, Progress, Reserve,
	Stage,
};

impl<T: Config> Pallet<T> {
	/// Returns the swaps after which only these members are active, as far as floor and reserve
	/// allow.
	fn reseating(living: &[T::AccountId]) -> Vec<Swap<T::AccountId>> {
		// The session pallet drops members without keys.
		let living: BTreeSet<&T::AccountId> =
			living.iter().filter(|who| T::SessionKeys::is_registered(who)).collect();
		let active = Active::<T>::get();
		let leaving: Vec<_> = active
			.iter()
			.filter(|who| !living.contains(who))
			.map(|who| Leaving { who: who.clone(), allow_vacancy: true })
			.collect();
		let staying: Vec<_> = active.iter().filter(|who| living.contains(who)).cloned().collect();
		let fit = |who: &T::AccountId| living.contains(who);
		let standbys = Self::best_standbys(&staying, leaving.len(), &Reserve::<T>::get(), fit);
		let limits = Limits { allowed: u32::MAX, floor: T::Floor::get() };
		selection::swaps(active.len() as u32, &leaving, &standbys, limits)
	}
}

impl<T: Config> Seats<T::AccountId> for Pallet<T> {
	/// Returns `true` if a set is queued already, which becomes active with the next session.
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
		// Changes that were decided before the stall are cancelled.
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
