//! What happens when the evidence was judged: who is down, whether rotation may act, and the record of it.

use alloc::{
	collections::{BTreeMap, BTreeSet},
	vec::Vec,
};
use frame_support::{traits::Get, traits::ValidatorRegistration, weights::Weight, BoundedVec};
use understudy_primitives::{
	Evidence, FailoverLog, Initiator, Judged, Judgement, JudgementHandler, MemberIndex, NewRecord,
	RecordKind, Registrations, Seat, Verdict,
};

use crate::{
	selection, Active, Change, Config, Elected, Event, Evictions, Held, Pallet, Pending, Planned, Progress,
	Reserve, Stage,
};

impl<T: Config> JudgementHandler for Pallet<T> {
	fn on_judgement(judgement: &Judgement) -> Weight {
		let weight = T::DbWeight::get().reads_writes(2, 0);
		Self::hold_or_resume(judgement.systemic);
		let somebody_fails = judgement.unhealthy.iter().any(Judged::is_failing);
		// One batch at a time: what is decided now must not overtake what is on its way.
		if judgement.systemic || !somebody_fails || Progress::<T>::get() != Stage::Idle {
			return weight;
		}
		Self::decide(judgement);
		// The lists, the log and, for each candidate, its keys.
		let members = Elected::<T>::decode_len().unwrap_or_default() as u64;
		weight.saturating_add(T::DbWeight::get().reads_writes(8 + members, 8))
	}
}

impl<T: Config> Pallet<T> {
	/// Records when a systemic outage begins to hold rotation still, and when it ends.
	fn hold_or_resume(systemic: bool) {
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
			_ => return,
		};
		T::Log::append(NewRecord {
			incident,
			kind,
			initiator: Initiator::Automation,
			subject: None,
			from: None,
			to: None,
			evidence: Evidence::None,
		});
	}

	/// Decides who is replaced by whom, records it, and asks for the session to end.
	fn decide(judgement: &Judgement) {
		let (active, reserve) = (Active::<T>::get(), Reserve::<T>::get());
		// A set that is planned already is the one to mend.
		let base = Planned::<T>::get().unwrap_or_else(|| active.clone());

		let threshold = T::AutomationThreshold::get();
		let failing: BTreeMap<&T::AccountId, Verdict> = judgement
			.unhealthy
			.iter()
			.filter(|judged| judged.seat == Seat::Active && judged.is_failing())
			.filter(|judged| judged.verdict.confidence >= threshold)
			.filter_map(|judged| Some((active.get(judged.index as usize)?, judged.verdict)))
			.collect();
		let order: Vec<T::AccountId> = base.iter().filter(|who| failing.contains_key(who)).cloned().collect();

		let standbys = Self::standbys(&base, &reserve, active.len() as MemberIndex, judgement);
		let swaps = selection::swaps(base.len() as u32, &order, &standbys, Self::limits(&base));
		for left in order.iter().skip(swaps.len()) {
			Self::deposit_event(Event::NotReplaced { who: left.clone() });
		}
		if swaps.is_empty() {
			return;
		}

		let now = frame_system::Pallet::<T>::block_number();
		let mut evictions = Self::recent_evictions();
		let mut pending = Vec::new();
		for swap in swaps {
			let incident = T::Log::open_incident();
			let kind = if swap.to.is_some() { RecordKind::Replaced } else { RecordKind::Removed };
			T::Log::append(NewRecord {
				incident,
				kind,
				initiator: Initiator::Automation,
				subject: Some(swap.from.clone()),
				from: Some(swap.from.clone()),
				to: swap.to.clone(),
				evidence: failing
					.get(&swap.from)
					.map_or(Evidence::None, |verdict| Evidence::Verdict(*verdict)),
			});
			evictions.push(now);
			Self::deposit_event(Event::Decided { incident, from: swap.from.clone(), to: swap.to.clone() });
			pending.push(Change { incident, from: swap.from, to: swap.to });
		}
		Evictions::<T>::put(BoundedVec::truncate_from(evictions));
		Pending::<T>::put(BoundedVec::truncate_from(pending));
		Progress::<T>::put(Stage::Decided);
	}

	/// Whether somebody who does not sit can be seated: it has session keys, and its node has said lately that it stands
	/// ready.
	pub(crate) fn can_be_seated(who: &T::AccountId) -> bool {
		T::SessionKeys::is_registered(who) && T::Registrations::is_current(who)
	}

	/// Who of the reserve can be seated now, best first: healthy, still elected, able, and not in the set `base`.
	/// `first` is the roster index of the first standby.
	pub(crate) fn standbys(
		base: &[T::AccountId],
		reserve: &[T::AccountId],
		first: MemberIndex,
		judgement: &Judgement,
	) -> Vec<T::AccountId> {
		let unhealthy: BTreeSet<MemberIndex> =
			judgement.unhealthy.iter().map(|judged| judged.index).collect();
		let healthy: BTreeSet<&T::AccountId> = (first..)
			.zip(reserve)
			.filter(|(index, _)| !unhealthy.contains(index))
			.map(|(_, who)| who)
			.collect();
		let seated: BTreeSet<&T::AccountId> = base.iter().collect();
		Elected::<T>::get()
			.iter()
			.filter(|who| healthy.contains(who) && !seated.contains(who) && Self::can_be_seated(who))
			.cloned()
			.collect()
	}
}
