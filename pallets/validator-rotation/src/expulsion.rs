//! Expels members that were proven to have equivocated in consensus: they lose their seats, and get
//! none until the guardians pardon them.
//!
//! The proof is the evidence, so an expulsion depends on no detector, no threshold and no
//! automation. The cap, the floor, a systemic outage and a stall can delay it. While an expelled
//! member is active for one of these reasons, its seat is disabled at the start of each session:
//! the session pallet enables all members when the set, or a single key, changes.

use alloc::{collections::BTreeMap, vec::Vec};
use frame_support::{ensure, pallet_prelude::DispatchResult, traits::Get};
use understudy_primitives::{
	tolerated_faults, DisableSeat, EquivocationHandler, Evidence, FailoverLog, IncidentId, Initiator,
	RecordKind, Verdicts,
};

use crate::{decision::Order, lifecycle::Absence, Active, Cause, Conducts, Config, Error, Event, Pallet};

impl<T: Config> Pallet<T> {
	/// Returns the expelled members, each with the incident.
	pub(crate) fn expelled() -> BTreeMap<T::AccountId, IncidentId> {
		let conducts = Conducts::<T>::get().into_iter();
		let expelled = conducts.filter(|(_, conduct)| conduct.absence == Some(Absence::Expelled));
		expelled.map(|(who, conduct)| (who, conduct.incident)).collect()
	}

	/// Returns the orders to take the seats of expelled members that are active.
	pub(crate) fn expulsions(active: &[T::AccountId]) -> Vec<Order<T::AccountId>> {
		let expelled = Self::expelled();
		let sitting = active.iter().filter_map(|who| expelled.get_key_value(who));
		let order = |(who, incident): (&T::AccountId, &IncidentId)| Order {
			who: who.clone(),
			cause: Cause::Equivocated,
			initiator: Initiator::Automation,
			incident: Some(*incident),
			evidence: Vec::new(),
		};
		sitting.map(order).collect()
	}

	/// Disables the seats of expelled members, but no more than the faults that the set tolerates:
	/// each disabled seat wastes its slots.
	pub(crate) fn disable_expelled() {
		let active = Active::<T>::get();
		let expelled = Self::expelled();
		let most = tolerated_faults(active.len() as u32) as usize;
		let seats = active.iter().zip(0u32..).filter(|(who, _)| expelled.contains_key(who));
		seats.take(most).for_each(|(_, seat)| T::Disable::disable(seat));
	}

	pub(crate) fn do_pardon(who: T::AccountId) -> DispatchResult {
		let conduct = Self::conduct(who.clone()).filter(|conduct| conduct.absence == Some(Absence::Expelled));
		let conduct = conduct.ok_or(Error::<T>::NotExpelled)?;
		let window = T::Verdicts::window();
		Self::with_conduct(&who, |conduct| conduct.begin_probation(window, &T::Durations::get()));
		let subject = Some(who.clone());
		Self::note(conduct.incident, RecordKind::CaseClosed, Initiator::Guardians, subject, Vec::new());
		Self::deposit_event(Event::Pardoned { who });
		Ok(())
	}

	/// Checks that no pending change seats an expelled member.
	pub(crate) fn try_expelled() -> Result<(), sp_runtime::TryRuntimeError> {
		let expelled = Self::expelled();
		let joins = crate::Pending::<T>::get().into_iter().filter_map(|change| change.to);
		ensure!(
			joins.into_iter().all(|who| !expelled.contains_key(&who)),
			"an expelled member is about to be seated"
		);
		Ok(())
	}
}

impl<T: Config> EquivocationHandler<T::AccountId> for Pallet<T> {
	/// Expels the member. Further proofs against an expelled member change nothing.
	fn on_equivocation(who: &T::AccountId, evidence: Evidence) {
		if Self::expelled().contains_key(who) {
			return;
		}
		let incident = T::Log::open_incident();
		let evidence = alloc::vec![evidence];
		Self::note(incident, RecordKind::Equivocated, Initiator::Anyone, Some(who.clone()), evidence);
		Self::with_conduct(who, |conduct| {
			conduct.incident = incident;
			conduct.absence = Some(Absence::Expelled);
		});
		Self::deposit_event(Event::Expelled { incident, who: who.clone() });
		T::Verdicts::request_judgement();
	}
}
