//! Suspends automation when the breaker trips, and records systemic outages, which freeze rotation.

use alloc::{collections::BTreeSet, vec::Vec};
use frame_support::{traits::Get, BoundedVec};
use sp_runtime::traits::Saturating;
use understudy_primitives::{FailoverLog, Initiator, RecordKind};

use crate::{
	breaker::{self, Bounds, Eviction, Suspension},
	roster_view::RosterView,
	BreakerRules, Cause, Config, Event, EvictionOf, Evictions, Held, Pallet, Suspended,
};

impl<T: Config> Pallet<T> {
	/// Records the beginning and the end of a systemic outage, which freezes rotation. Returns
	/// `true` if a record was written.
	pub(crate) fn track_systemic_outage(systemic: bool) -> bool {
		let (incident, kind) = match (Held::<T>::get(), systemic) {
			(None, true) => {
				let incident = T::Log::open_incident();
				Held::<T>::put(incident);
				(incident, RecordKind::Held)
			},
			(Some(incident), false) => {
				Held::<T>::kill();
				(incident, RecordKind::Resumed)
			},
			_ => return false,
		};
		Self::note(incident, kind, Initiator::Automation, None, Vec::new());
		true
	}

	/// Finds unnecessary evictions, begins the probation of their members, and trips the breaker if
	/// there are too many.
	pub(crate) fn find_unnecessary(view: &RosterView<T>) {
		let now = frame_system::Pallet::<T>::block_number();
		let kept = Evictions::<T>::get();
		if kept.is_empty() {
			return;
		}
		let reprieve = T::Breaker::get().reprieve;
		let mut evictions = Self::kept_evictions();
		let unhealthy_set = view.unhealthy_set();
		// Once per member and period: a member that comes and goes is not up.
		let unnecessary = evictions.iter().filter(|eviction| eviction.unnecessary);
		let mut cleared: BTreeSet<T::AccountId> = unnecessary.map(|eviction| eviction.who.clone()).collect();
		for eviction in &mut evictions {
			let Eviction { ref who, gone, cause, automatic, incident, .. } = *eviction;
			let soon = gone.is_some_and(|gone| now <= gone.saturating_add(reprieve));
			let up = view.reserve.contains(who) && !unhealthy_set.contains(who);
			let counts = automatic && cause == Cause::Down;
			if !counts || !soon || !up || !cleared.insert(who.clone()) {
				continue;
			}
			let window = view.judgement.window;
			Self::with_conduct(who, |conduct| conduct.clear(window, &T::Durations::get()));
			Self::note_of(incident, RecordKind::RolledBack, who, Vec::new());
			Self::deposit_event(Event::UnnecessaryEviction { incident, who: who.clone() });
			eviction.unnecessary = true;
		}
		if evictions[..] != kept[..] {
			Evictions::<T>::put(BoundedVec::truncate_from(evictions));
			Self::check_breaker();
		}
	}

	/// Returns the evictions of the breaker's period, and its bounds.
	pub(crate) fn breaker() -> (Vec<EvictionOf<T>>, Bounds) {
		let BreakerRules { period, evictions, unnecessary, .. } = T::Breaker::get();
		(Self::recent_evictions(period), Bounds { evictions, unnecessary })
	}

	pub(crate) fn check_breaker() {
		let (evictions, bounds) = Self::breaker();
		if let Some(reason) = breaker::trips(&evictions, &bounds) {
			if !Suspended::<T>::exists() {
				Self::suspend(reason);
			}
		}
	}

	pub(crate) fn suspend(reason: Suspension) {
		Suspended::<T>::put(reason);
		let by = if reason == Suspension::Guardians { Initiator::Guardians } else { Initiator::Automation };
		Self::note(0, RecordKind::AutomationSuspended, by, None, Vec::new());
		Self::deposit_event(Event::AutomationSuspended { reason });
	}
}
