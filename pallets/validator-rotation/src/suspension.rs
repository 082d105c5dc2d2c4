//! Suspends automation when the breaker trips, and records systemic outages, which freeze rotation.

use alloc::{collections::BTreeSet, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{traits::Get, BoundedVec};
use scale_info::TypeInfo;
use sp_runtime::traits::Saturating;
use understudy_primitives::{tolerated_faults, FailoverLog, Initiator, Judgement, RecordKind, WindowIndex};

use crate::{
	breaker::{self, Bounds, Eviction, Suspension},
	roster_view::RosterView,
	Active, BreakerRules, Cause, Config, Event, EvictionOf, Evictions, Held, Pallet, ResumeAfter, Suspended,
};

/// End of a systemic outage in which more members failed than may.
///
/// More failures than consensus tolerates are likely to have one cause, such as a partition. When
/// it is over, the members return one after the other. The outage therefore lasts for one more
/// whole window, so that the last ones do not lose their seats because others returned first.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Resumption {
	/// Last window in which rotation is frozen in any case.
	pub through: WindowIndex,
	/// `true` once the outage has ended for a moment: it is not prolonged again. Otherwise a member
	/// that fails every other window would freeze rotation for ever.
	pub is_final: bool,
}

impl Resumption {
	/// Returns what is known of the end after a judgement in `window`, by which the outage is
	/// `systemic` and `failing` of `active` members fail. `None` in a calm judgement: the outage is
	/// over.
	pub fn after(
		before: Option<Self>,
		systemic: bool,
		failing: u32,
		active: u32,
		window: WindowIndex,
	) -> Option<Self> {
		let may_prolong = !before.is_some_and(|before| before.is_final);
		if !systemic {
			let lasts = before.filter(|before| window <= before.through)?;
			Some(Self { is_final: true, ..lasts })
		} else if failing > tolerated_faults(active) && may_prolong {
			Some(Self { through: window.saturating_add(1), is_final: false })
		} else {
			before
		}
	}
}

impl<T: Config> Pallet<T> {
	/// Records the beginning and the end of a systemic outage, which freezes rotation. `failing` is
	/// the number of active members that fail. Returns `true` if a record was written.
	pub(crate) fn track_systemic_outage(judgement: &Judgement, failing: u32) -> bool {
		let held = Held::<T>::get();
		if held.is_none() && !judgement.systemic {
			return false;
		}
		let active = Active::<T>::decode_len().unwrap_or_default() as u32;
		let before = ResumeAfter::<T>::get();
		let after = Resumption::after(before, judgement.systemic, failing, active, judgement.window);
		if after != before {
			ResumeAfter::<T>::set(after);
		}
		let (incident, kind) = match (held, judgement.systemic || after.is_some()) {
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
