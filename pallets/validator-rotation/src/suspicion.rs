//! Whom something speaks against: when that began, and to which incident it leads.
//!
//! The first evidence against a member that sits opens an incident here. It reaches the log when the evidence suffices to
//! attribute the failure, with the moment of the first evidence: what comes to nothing before that changes nothing, and a log
//! that told every hiccup of a network would tell nobody anything.

use alloc::{collections::BTreeSet, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::BoundedVec;
use scale_info::TypeInfo;
use understudy_primitives::{
	DivergenceHandler, Evidence, FailoverLog, IncidentId, Judged, Moment, RecordKind, Seat, Verdicts,
};

use crate::{decision::Scene, Config, Pallet, Pending, Suspicions, SuspicionsOf};

/// A member of the active set that something speaks against.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Suspicion<AccountId> {
	/// The member.
	pub who: AccountId,
	/// When the first evidence was seen.
	pub first: Moment,
	/// The incident in the log, once the evidence suffices.
	pub incident: Option<IncidentId>,
	/// Whether it stands elsewhere than the chain: then it loses its seat, however healthy it is.
	pub diverged: bool,
}

/// Whether something speaks against an active member.
pub(crate) fn is_suspected(judged: &Judged) -> bool {
	judged.seat == Seat::Active && !judged.is_unheard()
}

impl<T: Config> Pallet<T> {
	/// The incident that the evidence against a member belongs to, if it suffices.
	pub(crate) fn incident_of(who: &T::AccountId) -> Option<IncidentId> {
		Suspicions::<T>::get().into_iter().find(|suspicion| suspicion.who == *who)?.incident
	}

	/// Those that stand elsewhere than the chain, and the incidents that seated them.
	pub(crate) fn diverged() -> Vec<(T::AccountId, Option<IncidentId>)> {
		let all = Suspicions::<T>::get().into_iter();
		all.filter(|suspicion| suspicion.diverged)
			.map(|suspicion| (suspicion.who, suspicion.incident))
			.collect()
	}

	/// Notes whom something speaks against since when, records the incidents of those that fail, and forgets those whom nothing
	/// speaks against any more.
	pub(crate) fn follow_suspicions(scene: &Scene<T>) {
		let now = T::Log::now();
		let before = Suspicions::<T>::get();
		let mut all = before.clone();
		let suspects: Vec<_> = scene.unhealthy().filter(|(_, judged)| is_suspected(judged)).collect();
		for (who, judged) in &suspects {
			Self::suspect(&mut all, who, judged, !scene.judgement.systemic, now);
		}
		let suspected: BTreeSet<&T::AccountId> = suspects.iter().map(|(who, _)| *who).collect();
		let leaving: BTreeSet<T::AccountId> =
			Pending::<T>::get().into_iter().map(|change| change.from).collect();
		all.retain(|Suspicion { who, incident, diverged, .. }| {
			let sits = scene.active.contains(who);
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

	/// The same of one member that fails, as of now.
	pub(crate) fn suspect_now(who: &T::AccountId, judged: &Judged) {
		let mut all = Suspicions::<T>::get();
		Self::suspect(&mut all, who, judged, true, T::Log::now());
		Suspicions::<T>::put(all);
	}

	/// Notes that something speaks against a member, and attributes its failure if that suffices.
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

	/// Opens the incident of a member that fails, and records since when and on which evidence.
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
	/// A member lost its seat by this incident: nothing more comes of what else spoke against it.
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
	/// Acts with the next judgement, for a change may be on its way.
	fn on_divergence(incident: IncidentId, who: &T::AccountId) {
		let leaves = Pending::<T>::get().iter().any(|change| change.from == *who);
		let mut all = Suspicions::<T>::get().into_inner();
		let place = all.iter().position(|suspicion| suspicion.who == *who);
		let before = place.map(|place| all.remove(place));
		// What it is accused of beside that is settled with this, unless it loses its seat for it already.
		if let Some(other) = before.as_ref().and_then(|before| before.incident).filter(|_| !leaves) {
			Self::note_of(other, RecordKind::Cleared, who, Vec::new());
		}
		let first = before.map_or_else(T::Log::now, |before| before.first);
		// Before all others: there is always room for it.
		all.insert(0, Suspicion { who: who.clone(), first, incident: Some(incident), diverged: true });
		Suspicions::<T>::put(BoundedVec::truncate_from(all));
	}
}
