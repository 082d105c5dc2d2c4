//! Active members with evidence against them: the moment of the first evidence, and the incident.
//!
//! The first evidence against an active member is noted here. When the evidence suffices to
//! attribute the failure, the incident is opened in the log, with the moment of the first evidence.
//! Evidence that passes before that leaves no record: a log of every short disturbance of a network
//! would be of no use.

use alloc::{collections::BTreeSet, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::BoundedVec;
use scale_info::TypeInfo;
use understudy_primitives::{
	DivergenceHandler, Evidence, FailoverLog, IncidentId, Judged, Moment, RecordKind, Seat, Verdicts,
};

use crate::{roster_view::RosterView, Config, Pallet, Pending, Suspicions, SuspicionsOf};

/// An active member with evidence against it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Suspicion<AccountId> {
	/// The member.
	pub who: AccountId,
	/// Moment of the first evidence.
	pub first: Moment,
	/// Incident in the log; `None` until the evidence suffices.
	pub incident: Option<IncidentId>,
	/// `true` if its position diverges from the chain. It then loses its seat, even if it is
	/// healthy.
	pub diverged: bool,
}

/// Returns `true` if there is evidence against an active member.
pub(crate) fn is_suspected(judged: &Judged) -> bool {
	judged.seat == Seat::Active && !judged.is_unheard()
}

impl<T: Config> Pallet<T> {
	/// Returns the incident of the evidence against a member; `None` until the evidence suffices.
	pub(crate) fn incident_of(who: &T::AccountId) -> Option<IncidentId> {
		Suspicions::<T>::get().into_iter().find(|suspicion| suspicion.who == *who)?.incident
	}

	/// Returns the members whose position diverges from the chain, each with the incident that
	/// seated it.
	pub(crate) fn diverged() -> Vec<(T::AccountId, Option<IncidentId>)> {
		let all = Suspicions::<T>::get().into_iter();
		all.filter(|suspicion| suspicion.diverged)
			.map(|suspicion| (suspicion.who, suspicion.incident))
			.collect()
	}

	/// Notes the active members with evidence against them, records the incidents of those that
	/// fail, and drops those against which there is no evidence any more.
	pub(crate) fn follow_suspicions(view: &RosterView<T>) {
		let now = T::Log::now();
		let before = Suspicions::<T>::get();
		let mut all = before.clone();
		let suspects: Vec<_> = view.unhealthy().filter(|(_, judged)| is_suspected(judged)).collect();
		for (who, judged) in &suspects {
			Self::suspect(&mut all, who, judged, !view.judgement.systemic, now);
		}
		let suspected: BTreeSet<&T::AccountId> = suspects.iter().map(|(who, _)| *who).collect();
		let leaving: BTreeSet<T::AccountId> =
			Pending::<T>::get().into_iter().map(|change| change.from).collect();
		all.retain(|Suspicion { who, incident, diverged, .. }| {
			let sits = view.active.contains(who);
			let stays = sits && (suspected.contains(who) || *diverged) || leaving.contains(who);
			if let (false, Some(incident)) = (stays, incident) {
				Self::note_of(*incident, RecordKind::Cleared, who, Vec::new());
			}
			stays
		});
		if all != before {
			Suspicions::<T>::put(all);
		}
	}

	/// Does the same for one failing member, as of now.
	pub(crate) fn suspect_now(who: &T::AccountId, judged: &Judged) {
		let mut all = Suspicions::<T>::get();
		Self::suspect(&mut all, who, judged, true, T::Log::now());
		Suspicions::<T>::put(all);
	}

	/// Notes that there is evidence against a member, and attributes its failure if the evidence
	/// suffices.
	fn suspect(
		all: &mut SuspicionsOf<T>,
		who: &T::AccountId,
		judged: &Judged,
		attributes: bool,
		now: Moment,
	) {
		let place = all.iter().position(|suspicion| suspicion.who == *who).or_else(|| {
			let new = Suspicion { who: who.clone(), first: now, incident: None, diverged: false };
			all.try_push(new).ok()?;
			all.len().checked_sub(1)
		});
		let Some(suspicion) = place.and_then(|place| all.get_mut(place)) else { return };
		if judged.is_failing() && attributes && suspicion.incident.is_none() {
			suspicion.incident = Some(Self::attribute(suspicion, judged, now));
		}
	}

	/// Opens the incident of a member that fails, and records its onset and the evidence.
	fn attribute(suspicion: &Suspicion<T::AccountId>, judged: &Judged, now: Moment) -> IncidentId {
		let incident = T::Log::open_incident();
		let first = suspicion.first;
		let last_sign = now.since(&T::Verdicts::silent_for(judged)).min(first);
		let onset = Evidence::Onset { last_sign, first };
		Self::note_of(incident, RecordKind::Suspected, &suspicion.who, alloc::vec![onset]);
		Self::note_of(incident, RecordKind::Attributed, &suspicion.who, T::Verdicts::evidence(judged));
		incident
	}
}

impl<T: Config> Pallet<T> {
	/// Drops the suspicion of a member that lost its seat in this incident. Its own incident, if it
	/// is another one, is cleared.
	pub(crate) fn settle_suspicion(who: &T::AccountId, by: IncidentId) {
		let mut all = Suspicions::<T>::get();
		let Some(place) = all.iter().position(|suspicion| suspicion.who == *who) else { return };
		let Suspicion { incident, .. } = all.remove(place);
		Suspicions::<T>::put(all);
		if let Some(other) = incident.filter(|incident| *incident != by) {
			Self::note_of(other, RecordKind::Cleared, who, Vec::new());
		}
	}
}

impl<T: Config> DivergenceHandler<T::AccountId> for Pallet<T> {
	/// Notes the divergence for the next judgement to act on, because a change may not be in effect
	/// yet.
	fn on_divergence(incident: IncidentId, who: &T::AccountId) {
		let leaves = Pending::<T>::get().iter().any(|change| change.from == *who);
		let mut all = Suspicions::<T>::get().into_inner();
		let place = all.iter().position(|suspicion| suspicion.who == *who);
		let before = place.map(|place| all.remove(place));
		// The divergence takes over from other evidence, unless that is costing the member its seat
		// already.
		if let Some(other) = before.as_ref().and_then(|before| before.incident).filter(|_| !leaves) {
			Self::note_of(other, RecordKind::Cleared, who, Vec::new());
		}
		let first = before.map_or_else(T::Log::now, |before| before.first);
		// In front of all others: there is always room for it.
		all.insert(0, Suspicion { who: who.clone(), first, incident: Some(incident), diverged: true });
		Suspicions::<T>::put(BoundedVec::truncate_from(all));
	}
}
