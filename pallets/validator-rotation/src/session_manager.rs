//! What happens at a session's end: the set that was decided or elected is queued, and the one that was queued becomes
//! active.

use alloc::{
	collections::{BTreeMap, BTreeSet},
	vec::Vec,
};
use frame_support::{
	traits::{Get, ValidatorRegistration},
	BoundedVec,
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_core::H256;
use sp_io::hashing::blake2_256;
use sp_staking::SessionIndex;
use understudy_primitives::{
	Backing, Evidence, FailoverLog, Initiator, Judged, Judgement, MemberIndex, NewRecord, RecordKind,
	RosterHandler, Verdicts,
};

use codec::Encode;
use pallet_session::{historical, SessionManager, ShouldEndSession};

use crate::{
	selection::{self, Candidate, Standing, Swap},
	Active, Change, Config, Elected, Event, Evictions, MembersOf, Pallet, Pending, Planned, Progress,
	Reserve, Stage,
};

impl<T: Config> Pallet<T> {
	/// Takes over an election's winners, most backing first.
	fn take_election(winners: Vec<T::AccountId>) {
		let mut seen = BTreeSet::new();
		let mut backed: Vec<(u128, T::AccountId)> = winners
			.into_iter()
			.filter(|who| seen.insert(who.clone()))
			.map(|who| (T::Backing::backing(&who), who))
			.collect();
		// Stable: among equals, the election's own order stays.
		backed.sort_by_key(|(backing, _)| core::cmp::Reverse(*backing));
		let elected = backed.into_iter().map(|(_, who)| who).collect();
		Elected::<T>::put(MembersOf::<T>::truncate_from(elected));
	}

	/// The set that the last election seats, from what is known of its winners now.
	fn elect(active: &[T::AccountId], reserve: &[T::AccountId], judgement: &Judgement) -> Vec<T::AccountId> {
		let roster: BTreeMap<&T::AccountId, MemberIndex> = active.iter().chain(reserve).zip(0..).collect();
		let unhealthy: BTreeMap<MemberIndex, &Judged> =
			judgement.unhealthy.iter().map(|judged| (judged.index, judged)).collect();
		let standing = |who: &T::AccountId| match roster.get(who) {
			None => Standing::Unknown,
			Some(index) if (*index as usize) < active.len() => Standing::Proven,
			Some(index) => match unhealthy.get(index) {
				None => Standing::Proven,
				Some(judged) if judged.is_unheard() => Standing::Unknown,
				Some(_) => Standing::Unfit,
			},
		};
		let candidates = Elected::<T>::get()
			.into_iter()
			.filter(|who| {
				let sits = active.contains(who) && T::SessionKeys::is_registered(who);
				sits || Self::can_be_seated(who)
			})
			.map(|who| Candidate { backing: T::Backing::backing(&who), standing: standing(&who), who })
			.collect();
		selection::elect(active, candidates, T::ActiveTarget::get())
	}

	/// Plans the set of the session after the one that starts now. `None` where it is the one that is active (I7).
	fn plan(winners: Option<Vec<T::AccountId>>) -> Option<Vec<T::AccountId>> {
		// An election without winners is a failed one: the last one stands.
		let winners = winners.filter(|winners| !winners.is_empty());
		let election = winners.is_some();
		if let Some(winners) = winners {
			Self::take_election(winners);
		}
		let (active, reserve) = (Active::<T>::get(), Reserve::<T>::get());
		// Only where it is needed: it reads all evidence.
		let judgement = core::cell::LazyCell::new(T::Verdicts::judgement);

		let mut set =
			if election { Self::elect(&active, &reserve, &judgement) } else { active.clone().into_inner() };
		if set.is_empty() {
			return None;
		}
		if election && set != *active {
			Self::record(0, RecordKind::Elected, Initiator::Election, None, Some(&set));
		}
		// Who purged its keys while it sits would be dropped by the session pallet, and the order with it.
		let unkeyed: Vec<T::AccountId> =
			set.iter().filter(|who| !T::SessionKeys::is_registered(who)).cloned().collect();
		for from in unkeyed {
			let to =
				Self::standbys(&set, &reserve, active.len() as MemberIndex, &judgement).into_iter().next();
			let swap = Swap { from, to };
			selection::apply(&mut set, &swap);
			let kind = if swap.to.is_some() { RecordKind::Replaced } else { RecordKind::Removed };
			let incident = T::Log::open_incident();
			Self::record(incident, kind, Initiator::Member, Some(&swap), None);
		}
		if Progress::<T>::get() == Stage::Decided {
			Self::queue(&mut set, &active, &judgement);
		}

		let set = MembersOf::<T>::truncate_from(set);
		let changed = set != active;
		if changed || election {
			Planned::<T>::put(&set);
		}
		changed.then(|| set.into_inner())
	}

	/// Applies the decided changes to `set`, and cancels those that do not fit any more: the standby cannot be seated or sits
	/// already, the member does not fail any more, or the outage has become systemic. What is cancelled does not count
	/// towards the cap, and the next judgement decides anew.
	fn queue(set: &mut Vec<T::AccountId>, active: &[T::AccountId], judgement: &Judgement) {
		let elected = Elected::<T>::get();
		let failing: BTreeSet<&T::AccountId> = judgement
			.unhealthy
			.iter()
			.filter(|judged| judged.is_failing() && !judgement.systemic)
			.filter_map(|judged| active.get(judged.index as usize))
			.collect();
		let mut queued = Vec::new();
		for change in Pending::<T>::take() {
			let Change { incident, from, to } = change.clone();
			let swap = Swap { from, to };
			let able = match &swap.to {
				Some(to) => elected.contains(to) && Self::can_be_seated(to),
				None => set.len() > 1,
			};
			if able && failing.contains(&swap.from) && selection::apply(set, &swap) {
				queued.push(change);
			} else {
				Evictions::<T>::mutate(|evictions| evictions.pop());
				Self::record(incident, RecordKind::Cancelled, Initiator::Automation, Some(&swap), None);
				Self::deposit_event(Event::Cancelled { incident, from: swap.from, to: swap.to });
			}
		}
		Progress::<T>::put(if queued.is_empty() { Stage::Idle } else { Stage::Queued });
		Pending::<T>::put(BoundedVec::truncate_from(queued));
	}

	/// Makes the planned set active, if there is one, and tells of the new roster.
	fn activate() {
		let Some(active) = Planned::<T>::take() else { return };
		let seated: BTreeSet<&T::AccountId> = active.iter().collect();
		let reserve: Vec<T::AccountId> =
			Elected::<T>::get().into_iter().filter(|who| !seated.contains(who)).collect();
		let reserve = MembersOf::<T>::truncate_from(reserve);
		if Progress::<T>::get() == Stage::Queued {
			for Change { incident, from, to } in Pending::<T>::take() {
				let swap = Swap { from, to };
				Self::record(incident, RecordKind::Seated, Initiator::Automation, Some(&swap), None);
			}
			Progress::<T>::put(Stage::Idle);
		}
		if Active::<T>::get() == active && Reserve::<T>::get() == reserve {
			return;
		}
		Active::<T>::put(&active);
		Reserve::<T>::put(&reserve);
		T::Roster::on_roster(&active, &reserve);
		Self::deposit_event(Event::Activated { active: active.len() as u32, reserve: reserve.len() as u32 });
	}

	fn record(
		incident: u64,
		kind: RecordKind,
		initiator: Initiator,
		swap: Option<&Swap<T::AccountId>>,
		set: Option<&[T::AccountId]>,
	) {
		T::Log::append(NewRecord {
			incident,
			kind,
			initiator,
			subject: swap.map(|swap| swap.from.clone()),
			from: swap.map(|swap| swap.from.clone()),
			to: swap.and_then(|swap| swap.to.clone()),
			evidence: set.map_or(Evidence::None, |set| Evidence::Set(H256(set.using_encoded(blake2_256)))),
		});
	}
}

impl<T: Config> SessionManager<T::AccountId> for Pallet<T> {
	fn new_session(index: SessionIndex) -> Option<Vec<T::AccountId>> {
		Self::plan(T::Inner::new_session(index))
	}

	fn new_session_genesis(index: SessionIndex) -> Option<Vec<T::AccountId>> {
		Self::plan(T::Inner::new_session_genesis(index))
	}

	fn start_session(index: SessionIndex) {
		T::Inner::start_session(index);
		Self::activate();
	}

	fn end_session(index: SessionIndex) {
		T::Inner::end_session(index);
	}
}

/// For chains with a historical pallet. The identification is the default one, as `pallet-staking` has it: exposures are
/// looked up by era when an offence is reported.
impl<T: Config, FullIdentification: Default> historical::SessionManager<T::AccountId, FullIdentification>
	for Pallet<T>
{
	fn new_session(index: SessionIndex) -> Option<Vec<(T::AccountId, FullIdentification)>> {
		let set = <Self as SessionManager<_>>::new_session(index)?;
		Some(set.into_iter().map(|who| (who, Default::default())).collect())
	}

	fn new_session_genesis(index: SessionIndex) -> Option<Vec<(T::AccountId, FullIdentification)>> {
		let set = <Self as SessionManager<_>>::new_session_genesis(index)?;
		Some(set.into_iter().map(|who| (who, Default::default())).collect())
	}

	fn start_session(index: SessionIndex) {
		<Self as SessionManager<_>>::start_session(index)
	}

	fn end_session(index: SessionIndex) {
		<Self as SessionManager<_>>::end_session(index)
	}
}

impl<T: Config> ShouldEndSession<BlockNumberFor<T>> for Pallet<T> {
	/// When it is time anyway or a decided change is on its way; never while the set must not change.
	fn should_end_session(now: BlockNumberFor<T>) -> bool {
		let due = T::Periodic::should_end_session(now) || Progress::<T>::get() != Stage::Idle;
		due && T::MayRotate::get()
	}
}
