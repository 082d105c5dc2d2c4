//! Updates the histories of members: outages, jail, probation and retirement.

use alloc::{collections::BTreeSet, vec::Vec};
use frame_support::{traits::Get, BoundedVec};
use understudy_primitives::{IncidentId, RecordKind};

use crate::{
	lifecycle::{Absence, Conduct, Step},
	roster_view::RosterView,
	Cause, ConductOf, Conducts, Config, Event, Held, Pallet,
};

impl<T: Config> Pallet<T> {
	/// Changes the outage history of a member. When there is no room, the oldest one is dropped:
	/// first those of members that may be seated, last those of expelled ones.
	pub(crate) fn with_conduct<R>(who: &T::AccountId, change: impl FnOnce(&mut ConductOf<T>) -> R) -> R {
		let now = frame_system::Pallet::<T>::block_number();
		let mut all = Conducts::<T>::get().into_inner();
		let forgiveness = T::Durations::get().forgiveness;
		all.retain(|(known, conduct)| known == who || !conduct.is_forgotten(now, forgiveness));
		let place = all.iter().position(|(known, _)| known == who).unwrap_or_else(|| {
			if all.len() >= T::MaxMembers::get() as usize {
				let age = |(_, (_, conduct)): &(usize, &(_, ConductOf<T>))| {
					let is_expelled = conduct.absence == Some(Absence::Expelled);
					(is_expelled, conduct.absence.is_some(), conduct.last)
				};
				let oldest = all.iter().enumerate().min_by_key(age).map(|(place, _)| place);
				oldest.map(|place| all.remove(place));
			}
			all.push((who.clone(), Conduct::clean(now)));
			all.len().saturating_sub(1)
		});
		let result = change(&mut all[place].1);
		if all[place].1.is_forgotten(now, forgiveness) {
			all.remove(place);
		}
		Conducts::<T>::put(BoundedVec::truncate_from(all));
		result
	}

	/// Advances jail, probation and forgiveness of all members with an outage history.
	pub(crate) fn follow_conducts(view: &RosterView<T>) {
		let now = frame_system::Pallet::<T>::block_number();
		let mut all = Conducts::<T>::get();
		if all.is_empty() {
			return;
		}
		let before = all.clone();
		let durations = T::Durations::get();
		let unhealthy_set = view.unhealthy_set();
		let roster: BTreeSet<&T::AccountId> = view.active.iter().chain(&view.reserve).collect();
		for (who, conduct) in all.iter_mut() {
			// A member that is not elected is not judged, and cannot show that it is healthy.
			let healthy = roster.contains(who) && !unhealthy_set.contains(who);
			match conduct.step(now, view.judgement.window, healthy, &durations) {
				Some(Step::Probation) => Self::deposit_event(Event::OnProbation { who: who.clone() }),
				Some(Step::Readmitted) => {
					Self::note_of(conduct.incident, RecordKind::Readmitted, who, Vec::new());
					Self::deposit_event(Event::Readmitted { who: who.clone() });
				},
				None => (),
			}
		}
		all.retain(|(_, conduct)| !conduct.is_forgotten(now, durations.forgiveness));
		if all != before {
			Conducts::<T>::put(all);
		}
	}

	/// Returns the members that are jailed, on probation, retired or expelled.
	pub(crate) fn absent() -> BTreeSet<T::AccountId> {
		let conducts = Conducts::<T>::get();
		conducts.into_iter().filter(|(_, conduct)| conduct.absence.is_some()).map(|(who, _)| who).collect()
	}

	/// Updates the outage history of a member that lost its seat for this cause. Returns the number
	/// of its outages that are not forgiven; 0 if the cause does not jail it.
	pub(crate) fn depart(who: &T::AccountId, incident: IncidentId, cause: Cause) -> u8 {
		let now = frame_system::Pallet::<T>::block_number();
		match cause {
			Cause::Down | Cause::Impaired | Cause::Evicted => {
				let outages = Self::with_conduct(who, |conduct| {
					let counts = cause == Cause::Down && !Held::<T>::exists();
					conduct.incident = incident;
					conduct.fall(now, counts, &T::Durations::get())
				});
				Self::deposit_event(Event::Jailed { who: who.clone(), outages });
				outages
			},
			Cause::Retirement => {
				Self::with_conduct(who, |conduct| {
					if !matches!(conduct.absence, Some(Absence::Jailed { .. } | Absence::Expelled)) {
						conduct.incident = incident;
						conduct.absence = Some(Absence::Retired);
					}
				});
				Self::deposit_event(Event::Retired { who: who.clone() });
				0
			},
			Cause::Displaced | Cause::Equivocated => 0,
		}
	}
}
