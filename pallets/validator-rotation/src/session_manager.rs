//! The session manager: at the end of a session it queues the set that was decided or elected, and
//! activates the set that was queued.

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
use sp_runtime::traits::Convert;
use sp_staking::{offence::ReportOffence, SessionIndex};
use understudy_primitives::{
	Backing, Evidence, FailoverLog, Health, IncidentId, Initiator, Judged, RecordKind, RecoveryControl,
	RosterHandler, Verdict, Verdicts,
};

use codec::Encode;
use pallet_session::{historical, Config as SessionConfig, SessionManager, ShouldEndSession};

use crate::{
	penalty::{self, Outage},
	roster_view::RosterView,
	selection::{self, Candidate, Eligibility, Swap},
	Active, Cause, Change, Config, Elected, Event, Evictions, Held, Imposed, MembersOf, Pallet, Pending,
	Planned, Progress, Reserve, Retiring, Stage, Winner,
};

impl<T: Config> Pallet<T> {
	/// Stores an election's winners, most backing first.
	fn take_election(winners: Vec<T::AccountId>) {
		let mut seen = BTreeSet::new();
		let winners: Vec<_> = winners.into_iter().filter(|who| seen.insert(who.clone())).collect();
		let backings = T::Backing::backings(&winners);
		let mut backed: Vec<_> =
			winners.into_iter().zip(backings).map(|(who, backing)| Winner { who, backing }).collect();
		// The sort is stable: equals keep the order of the election.
		backed.sort_by_key(|winner| core::cmp::Reverse(winner.backing));
		Elected::<T>::put(BoundedVec::truncate_from(backed));
	}

	/// Returns the set that the last election seats, from the present state of its winners.
	fn elect(view: &RosterView<T>) -> Vec<T::AccountId> {
		let active: BTreeSet<&T::AccountId> = view.active.iter().collect();
		let reserve: BTreeSet<&T::AccountId> = view.reserve.iter().collect();
		let unhealthy: BTreeMap<&T::AccountId, &Judged> = view.unhealthy().collect();
		let (absent, retiring) = (Self::absent(), Retiring::<T>::get());
		let eligibility = |who: &T::AccountId, sits: bool| {
			if (!sits && absent.contains(who)) || retiring.contains(who) {
				return Eligibility::Unfit;
			}
			if sits {
				return Eligibility::Proven;
			}
			match unhealthy.get(who) {
				None if reserve.contains(who) => Eligibility::Proven,
				None => Eligibility::Unknown,
				Some(judged) if judged.is_unheard() => Eligibility::Unknown,
				Some(_) => Eligibility::Unfit,
			}
		};
		let candidates = Elected::<T>::get()
			.into_iter()
			.map(|Winner { who, backing }| {
				let sits = active.contains(&who);
				Candidate { eligibility: eligibility(&who, sits), who, backing, sits }
			})
			.collect();
		// `replace_unkeyed` replaces active members without keys when the session is planned.
		let able =
			|candidate: &Candidate<T::AccountId>| candidate.sits || Self::can_be_seated(&candidate.who);
		let (target, floor) = (T::ActiveTarget::get(), T::Floor::get());
		let elected = selection::elect(&view.active, candidates, target, floor, able, Self::tags);
		let expelled = Self::expelled();
		let keeps = |who: &T::AccountId| !expelled.contains_key(who) && T::SessionKeys::is_registered(who);
		selection::hold_floor(&view.active, elected, floor, keeps)
	}

	/// Plans the set of the session after the one that starts now. Returns `None` if it equals the
	/// active set (I7).
	pub(crate) fn plan(winners: Option<Vec<T::AccountId>>) -> Option<Vec<T::AccountId>> {
		// An election without winners has failed: the last one stays in force.
		let winners = winners.filter(|winners| !winners.is_empty());
		let frozen = T::Recovery::is_frozen();
		let election = winners.is_some();
		if let Some(winners) = winners {
			Self::take_election(winners);
		}
		let active = Active::<T>::get();
		// Evaluated only if needed: it reads all evidence.
		let judgement = core::cell::LazyCell::new(T::Verdicts::judgement);
		let view = core::cell::LazyCell::new(|| RosterView::<T>::of(&judgement));

		let mut set = if election { Self::elect(&view) } else { active.clone().into_inner() };
		if set.is_empty() {
			return None;
		}
		if election && set != *active {
			let hash = H256(set.using_encoded(blake2_256));
			Self::note(0, RecordKind::Elected, Initiator::Election, None, alloc::vec![Evidence::Set(hash)]);
		}
		match Imposed::<T>::take() {
			Some(imposed) => {
				set = imposed.into_inner();
				let changes = Pending::<T>::decode_len().unwrap_or_default();
				Progress::<T>::put(if changes == 0 { Stage::Idle } else { Stage::Queued });
			},
			None => {
				// Before keys are looked at, so that no member escapes its eviction by purging
				// them.
				if Progress::<T>::get() == Stage::Decided && !frozen {
					Self::queue(&mut set, &view);
				}
				Self::replace_unkeyed(&mut set, &view);
			},
		}
		let set = MembersOf::<T>::truncate_from(set);
		let changed = set != active;
		// If no seat changes, a recovery forces the present set: it is activated all the same.
		if changed || election || T::Recovery::is_reseating() {
			Planned::<T>::put(&set);
		}
		changed.then(|| set.into_inner())
	}

	/// Replaces active members that have purged their keys. The session pallet would drop them, and
	/// change the order of the others.
	fn replace_unkeyed(set: &mut Vec<T::AccountId>, view: &RosterView<T>) {
		let unkeyed: Vec<T::AccountId> =
			set.iter().filter(|who| !T::SessionKeys::is_registered(who)).cloned().collect();
		for from in unkeyed {
			let to = Self::standbys(set, 1, view).into_iter().next();
			let swap = Swap { from: from.clone(), to: to.clone() };
			selection::apply(set, &swap);
			let incident = Self::incident_of(&from).unwrap_or_else(T::Log::open_incident);
			Self::record(incident, swap.decision(), Initiator::Member, &swap, Vec::new());
			Self::push_pending(Change { incident, from, to, cause: Cause::Displaced }, Stage::Queued);
		}
	}

	/// Applies the decided changes to `set`, and cancels those that do not fit any more: the
	/// standby cannot be seated or is active already, the member does not fail any more or has
	/// taken its retirement back, or the outage has become systemic. A cancelled change does not
	/// count towards the cap, and the next judgement decides again.
	fn queue(set: &mut Vec<T::AccountId>, view: &RosterView<T>) {
		let elected = Elected::<T>::get();
		let failing: BTreeMap<&T::AccountId, Verdict> = view.failing().collect();
		let retiring = Retiring::<T>::get();
		let mut queued = Vec::new();
		for mut change in Pending::<T>::take() {
			let Change { incident, from, to, cause } = change.clone();
			let failure = failing.get(&from);
			let stands = match cause {
				Cause::Down | Cause::Impaired => !view.judgement.systemic && failure.is_some(),
				Cause::Retirement => {
					!view.judgement.systemic && retiring.contains(&from) && failure.is_none()
				},
				Cause::Evicted | Cause::Displaced | Cause::Equivocated => true,
			};
			// The charge follows the verdict as of now.
			if cause == Cause::Down && failure.is_some_and(|verdict| verdict.health == Health::Impaired) {
				change.cause = Cause::Impaired;
			}
			let swap = Swap { from, to };
			let able = match &swap.to {
				Some(to) => elected.iter().any(|winner| winner.who == *to) && Self::can_be_seated(to),
				None => set.len() as u32 > T::Floor::get(),
			};
			if able && stands && selection::apply(set, &swap) {
				queued.push(change);
			} else {
				Self::cancel(incident, swap);
			}
		}
		Progress::<T>::put(if queued.is_empty() { Stage::Idle } else { Stage::Queued });
		Pending::<T>::put(BoundedVec::truncate_from(queued));
	}

	/// Records that a decided change will not happen.
	pub(crate) fn cancel(incident: IncidentId, swap: Swap<T::AccountId>) {
		Evictions::<T>::mutate(|evictions| {
			evictions.retain(|eviction| eviction.incident != incident || eviction.who != swap.from)
		});
		Self::record(incident, RecordKind::Cancelled, Initiator::Automation, &swap, Vec::new());
		// An incident with evidence stays open, and is cleared when the evidence no longer holds.
		if Self::incident_of(&swap.from) != Some(incident) {
			Self::note_of(incident, RecordKind::Cleared, &swap.from, Vec::new());
		}
		Self::deposit_event(Event::Cancelled { incident, from: swap.from, to: swap.to });
	}

	/// Activates the planned set, if there is one, and passes the new roster on. `session` is the
	/// one that starts.
	fn activate(session: SessionIndex) {
		let Some(active) = Planned::<T>::take() else { return };
		T::Recovery::on_activation();
		let seated: BTreeSet<&T::AccountId> = active.iter().collect();
		let reserve: Vec<T::AccountId> = Elected::<T>::get()
			.into_iter()
			.map(|winner| winner.who)
			// Accounts without session keys cannot be seated, and get no place in the reserve.
			.filter(|who| !seated.contains(who) && T::SessionKeys::is_registered(who))
			.collect();
		let reserve = MembersOf::<T>::truncate_from(reserve);
		let before = Active::<T>::get();
		if Progress::<T>::get() == Stage::Queued {
			let changes = Pending::<T>::take();
			let at_once = changes.iter().filter(|change| change.cause == Cause::Down).count() as u32;
			for Change { incident, from, to, cause } in changes {
				let swap = Swap { from, to };
				Self::record(incident, RecordKind::Seated, Initiator::Automation, &swap, Vec::new());
				let now = frame_system::Pallet::<T>::block_number();
				Evictions::<T>::mutate(|evictions| {
					let of = |eviction: &&mut crate::EvictionOf<T>| {
						eviction.incident == incident && eviction.who == swap.from
					};
					evictions.iter_mut().filter(of).for_each(|eviction| eviction.gone = Some(now));
				});
				Self::settle_suspicion(&swap.from, incident);
				let outages = Self::depart(&swap.from, incident, cause);
				if cause == Cause::Down {
					let last = session.saturating_sub(1);
					Self::charge(incident, swap.from, outages, at_once, last, before.len() as u32);
				}
			}
			Progress::<T>::put(Stage::Idle);
		}
		// A retiring member that has lost its seat, in whichever way, is retired.
		let mut retiring = Retiring::<T>::get();
		let asked = retiring.len();
		retiring.retain(|who| {
			let sits = seated.contains(who);
			if !sits && !Self::absent().contains(who) {
				Self::depart(who, 0, Cause::Retirement);
			}
			sits
		});
		if retiring.len() != asked {
			Self::put_retiring(retiring);
		}
		if before == active && Reserve::<T>::get() == reserve {
			return;
		}
		Active::<T>::put(&active);
		Reserve::<T>::put(&reserve);
		T::Roster::on_roster(&active, &reserve);
		Self::deposit_event(Event::Activated { active: active.len() as u32, reserve: reserve.len() as u32 });
	}

	/// Charges a member that was down for its outage, if the penalty is not zero. The member is not
	/// active any more, so that the offence does not disable its successor.
	fn charge(
		incident: IncidentId,
		who: T::AccountId,
		outages: u8,
		at_once: u32,
		session: SessionIndex,
		validators: u32,
	) {
		let systemic = Held::<T>::exists();
		let fraction = penalty::fraction(outages, at_once, systemic, &T::Penalties::get());
		let Some(offender) = T::OffenderOf::convert(who.clone()) else { return };
		if fraction.is_zero() {
			return;
		}
		let outage = Outage { session, validators, incident, offender, fraction };
		if T::Offences::report_offence(Vec::new(), outage).is_ok() {
			let evidence = alloc::vec![Evidence::Penalty { outages, at_once, fraction }];
			Self::note_of(incident, RecordKind::Penalized, &who, evidence);
			Self::deposit_event(Event::Penalized { incident, who, fraction });
		}
	}
}

impl<T: Config> SessionManager<T::AccountId> for Pallet<T> {
	/// Plans a session. There are no elections while the set is frozen.
	fn new_session(index: SessionIndex) -> Option<Vec<T::AccountId>> {
		let winners = if T::Recovery::is_frozen() { None } else { T::Inner::new_session(index) };
		Self::plan(winners)
	}

	fn new_session_genesis(index: SessionIndex) -> Option<Vec<T::AccountId>> {
		Self::plan(T::Inner::new_session_genesis(index))
	}

	fn start_session(index: SessionIndex) {
		T::Inner::start_session(index);
		Self::activate(index);
		// The session pallet has enabled all members if the set or a key changed.
		Self::disable_expelled();
	}

	fn end_session(index: SessionIndex) {
		T::Inner::end_session(index);
	}
}

/// Returns the active set if a member of it has set session keys other than those in use. A
/// historical pallet notes keys with each set that it gets, and an offence by keys that it has not
/// noted cannot be proven. The session pallet takes changed keys for a changed set in any case.
fn rekeyed<T>() -> Option<Vec<T::AccountId>>
where
	T: Config + SessionConfig<ValidatorId = <T as frame_system::Config>::AccountId>,
{
	let used = pallet_session::QueuedKeys::<T>::get();
	let is_other =
		|(who, keys): &(_, _)| pallet_session::NextKeys::<T>::get(who).is_some_and(|next| next != *keys);
	used.iter().any(is_other).then(|| used.into_iter().map(|(who, _)| who).collect())
}

/// Session manager for chains with a historical pallet. The identification is the default one, as
/// in `pallet-staking`: exposures are looked up by era when an offence is reported.
impl<T, FullIdentification> historical::SessionManager<T::AccountId, FullIdentification> for Pallet<T>
where
	T: Config + SessionConfig<ValidatorId = <T as frame_system::Config>::AccountId>,
	FullIdentification: Default,
{
	fn new_session(index: SessionIndex) -> Option<Vec<(T::AccountId, FullIdentification)>> {
		let set = <Self as SessionManager<_>>::new_session(index).or_else(rekeyed::<T>)?;
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
	/// Returns `true` if a periodic session ends or a change is not in effect yet. Never while the
	/// set must not change, nor, except for a recovery, while finality lags behind too many
	/// rosters. When the set is frozen, a queued set still becomes active: a recovery waits for
	/// that.
	fn should_end_session(now: BlockNumberFor<T>) -> bool {
		let frozen = T::Recovery::is_frozen();
		let changes = if frozen {
			Planned::<T>::exists() || T::Recovery::is_reseating()
		} else {
			T::Periodic::should_end_session(now) || Progress::<T>::get() != Stage::Idle
		};
		changes && T::MayRotate::get() && (frozen || T::Recovery::has_room())
	}
}
