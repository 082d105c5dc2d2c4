//! What happens when the evidence was judged: what time and good conduct bring about, who fails, whether rotation may act, and
//! the record of it.

use alloc::{collections::BTreeSet, vec::Vec};
use frame_support::{
	traits::{Get, ValidatorRegistration},
	weights::Weight,
	BoundedVec,
};
use sp_runtime::traits::Saturating;
use understudy_primitives::{
	Evidence, FailoverLog, Health, IncidentId, Initiator, Judged, Judgement, JudgementHandler, MemberIndex,
	NewRecord, RecordKind, RecoveryControl, Registrations, Seat, Tags, Verdict,
};

use crate::{
	breaker::{self, Bounds, Eviction, Suspension},
	lifecycle::{Absence, Conduct, Step},
	selection::{self, Candidate, Leaving, Limits, Standing, Swap},
	suspicion::is_suspected,
	weights::WeightInfo as _,
	Active, BreakerRules, Case, Cases, Cause, Change, ConductOf, Conducts, Config, Elected, Event, Evictions,
	Held, Pallet, Pending, Planned, Progress, Reserve, Retiring, Stage, Suspended, Suspicions,
};

impl<T: Config> JudgementHandler for Pallet<T> {
	fn on_judgement(judgement: &Judgement) -> Weight {
		let known = (Conducts::<T>::decode_len().unwrap_or_default())
			.saturating_add(Cases::<T>::decode_len().unwrap_or_default())
			.saturating_add(Evictions::<T>::decode_len().unwrap_or_default())
			.saturating_add(Suspicions::<T>::decode_len().unwrap_or_default()) as u32;
		let noted = Self::hold_or_resume(judgement.systemic);
		let fails = |judged: &Judged| judged.seat == Seat::Active && judged.is_failing();
		let failing = judgement.unhealthy.iter().filter(|judged| fails(judged)).count();
		let suspects = judgement.unhealthy.iter().filter(|judged| is_suspected(judged)).count() as u32;
		if known == 0 && suspects == 0 && !noted && !Retiring::<T>::exists() {
			return T::WeightInfo::quiet();
		}
		let mut weight = T::WeightInfo::follow(known.saturating_add(suspects));
		let records = T::Log::count();
		let scene = Scene::<T>::of(judgement);
		Self::follow_suspicions(&scene);
		let diverged = Self::diverged();
		Self::follow_conducts(&scene);
		Self::find_unneeded(&scene);
		Self::review_cases(&scene);
		let written = T::Log::count().saturating_sub(records).saturating_add(noted.into());
		weight.saturating_accrue(T::WeightInfo::record(written.try_into().unwrap_or(u32::MAX)));
		// One batch at a time: what is decided now must not overtake what is on its way.
		let may_act = !judgement.systemic && Progress::<T>::get() == Stage::Idle && !T::Recovery::is_frozen();
		let expelled = Self::expulsions(&scene.active);
		let leaving = failing
			.saturating_add(diverged.len())
			.saturating_add(expelled.len())
			.saturating_add(Retiring::<T>::decode_len().unwrap_or(0));
		if may_act && leaving > 0 {
			let members = scene.active.len().saturating_add(scene.reserve.len()) as u32;
			weight.saturating_accrue(T::WeightInfo::decide(members, leaving as u32));
			Self::decide(&scene, diverged, expelled);
		}
		weight
	}
}

/// The roster, and what the evidence says of it.
pub(crate) struct Scene<'a, T: Config> {
	pub active: Vec<T::AccountId>,
	pub reserve: Vec<T::AccountId>,
	pub judgement: &'a Judgement,
}

impl<'a, T: Config> Scene<'a, T> {
	pub fn of(judgement: &'a Judgement) -> Self {
		let (active, reserve) = (Active::<T>::get().into_inner(), Reserve::<T>::get().into_inner());
		Self { active, reserve, judgement }
	}

	fn account(&self, index: MemberIndex) -> Option<&T::AccountId> {
		let index = index as usize;
		self.active.get(index).or_else(|| self.reserve.get(index.checked_sub(self.active.len())?))
	}

	/// Those of the roster that are not healthy.
	pub fn unhealthy(&self) -> impl Iterator<Item = (&T::AccountId, &Judged)> {
		self.judgement.unhealthy.iter().filter_map(|judged| Some((self.account(judged.index)?, judged)))
	}

	/// The same, to look somebody up.
	pub fn unwell(&self) -> BTreeSet<&T::AccountId> {
		self.unhealthy().map(|(who, _)| who).collect()
	}

	/// The active members that fail, with the verdicts on them.
	pub fn failing(&self) -> impl Iterator<Item = (&T::AccountId, Verdict)> {
		self.unhealthy()
			.filter(|(_, judged)| judged.seat == Seat::Active && judged.is_failing())
			.map(|(who, judged)| (who, judged.verdict))
	}

	/// What the evidence says of an active member that fails.
	pub fn failure(&self, who: &T::AccountId) -> Option<&Judged> {
		let fails = |judged: &Judged| judged.seat == Seat::Active && judged.is_failing();
		self.unhealthy().find(|(other, judged)| *other == who && fails(judged)).map(|(_, judged)| judged)
	}
}

/// A member that is to lose its seat, before it is known whether it will.
pub(crate) struct Order<AccountId> {
	pub who: AccountId,
	pub cause: Cause,
	pub initiator: Initiator,
	/// That of its case, if there is one.
	pub incident: Option<IncidentId>,
	pub evidence: Vec<Evidence>,
}

impl<AccountId> Order<AccountId> {
	/// For failing with this verdict.
	pub fn failure(
		who: AccountId,
		verdict: Verdict,
		initiator: Initiator,
		incident: Option<IncidentId>,
	) -> Self {
		let cause = if verdict.health == Health::Down { Cause::Down } else { Cause::Impaired };
		Self { who, cause, initiator, incident, evidence: alloc::vec![Evidence::Verdict(verdict)] }
	}
}

impl<T: Config> Pallet<T> {
	/// Records when a systemic outage begins to hold rotation still, and when it ends. Says whether there was something to
	/// record.
	fn hold_or_resume(systemic: bool) -> bool {
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

	/// Writes a record that moves no seat.
	pub(crate) fn note(
		incident: IncidentId,
		kind: RecordKind,
		initiator: Initiator,
		subject: Option<T::AccountId>,
		evidence: Vec<Evidence>,
	) {
		T::Log::append(NewRecord { incident, kind, initiator, subject, from: None, to: None, evidence });
	}

	/// The same of a member, by automation.
	pub(crate) fn note_of(
		incident: IncidentId,
		kind: RecordKind,
		who: &T::AccountId,
		evidence: Vec<Evidence>,
	) {
		Self::note(incident, kind, Initiator::Automation, Some(who.clone()), evidence);
	}

	/// Writes a record of a seat that changes hands.
	pub(crate) fn record(
		incident: IncidentId,
		kind: RecordKind,
		initiator: Initiator,
		swap: &Swap<T::AccountId>,
		evidence: Vec<Evidence>,
	) {
		let Swap { from, to } = swap.clone();
		let subject = Some(from.clone());
		T::Log::append(NewRecord { incident, kind, initiator, subject, from: Some(from), to, evidence });
	}

	/// Changes what is remembered of a member. Where there is no room, the oldest is forgotten, first
	/// of those that nothing keeps from being seated, and last of those that are expelled.
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

	/// Lets time and good conduct do their work on those that lost their seats.
	fn follow_conducts(scene: &Scene<T>) {
		let now = frame_system::Pallet::<T>::block_number();
		let mut all = Conducts::<T>::get();
		if all.is_empty() {
			return;
		}
		let before = all.clone();
		let durations = T::Durations::get();
		let unwell = scene.unwell();
		let roster: BTreeSet<&T::AccountId> = scene.active.iter().chain(&scene.reserve).collect();
		for (who, conduct) in all.iter_mut() {
			// Who is not elected is not watched, and shows nothing.
			let healthy = roster.contains(who) && !unwell.contains(who);
			match conduct.step(now, scene.judgement.window, healthy, &durations) {
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

	/// Finds those that were evicted as down and were up, gives them their way back, and trips the breaker if they are too many.
	fn find_unneeded(scene: &Scene<T>) {
		let now = frame_system::Pallet::<T>::block_number();
		let kept = Evictions::<T>::get();
		if kept.is_empty() {
			return;
		}
		let reprieve = T::Breaker::get().reprieve;
		let mut evictions = Self::kept_evictions();
		let unwell = scene.unwell();
		// Once per member and period: who comes and goes is not up.
		let unneeded = evictions.iter().filter(|eviction| eviction.unneeded);
		let mut cleared: BTreeSet<T::AccountId> = unneeded.map(|eviction| eviction.who.clone()).collect();
		for eviction in &mut evictions {
			let Eviction { ref who, gone, cause, automatic, incident, .. } = *eviction;
			let soon = gone.is_some_and(|gone| now <= gone.saturating_add(reprieve));
			let up = scene.reserve.contains(who) && !unwell.contains(who);
			let counts = automatic && cause == Cause::Down;
			if !counts || !soon || !up || !cleared.insert(who.clone()) {
				continue;
			}
			let window = scene.judgement.window;
			Self::with_conduct(who, |conduct| conduct.clear(window, &T::Durations::get()));
			Self::note_of(incident, RecordKind::RolledBack, who, Vec::new());
			Self::deposit_event(Event::EvictionUnneeded { incident, who: who.clone() });
			eviction.unneeded = true;
		}
		if evictions[..] != kept[..] {
			Evictions::<T>::put(BoundedVec::truncate_from(evictions));
			Self::check_breaker();
		}
	}

	/// The evictions of the breaker's period, and its bounds.
	fn breaker() -> (Vec<crate::EvictionOf<T>>, Bounds) {
		let BreakerRules { period, evictions, unneeded, .. } = T::Breaker::get();
		(Self::recent_evictions(period), Bounds { evictions, unneeded })
	}

	pub(crate) fn check_breaker() {
		let (evictions, bounds) = Self::breaker();
		if let Some(reason) = breaker::trips(&evictions, &bounds) {
			if !Suspended::<T>::exists() {
				Self::suspend(reason);
			}
		}
	}

	/// Suspends automation.
	pub(crate) fn suspend(reason: Suspension) {
		Suspended::<T>::put(reason);
		let by = if reason == Suspension::Guardians { Initiator::Guardians } else { Initiator::Automation };
		Self::note(0, RecordKind::AutomationSuspended, by, None, Vec::new());
		Self::deposit_event(Event::AutomationSuspended { reason });
	}

	/// Closes the cases that have come to nothing: nobody answered in time, or the member recovered or lost its seat. A veto
	/// holds until it expires.
	fn review_cases(scene: &Scene<T>) {
		let now = frame_system::Pallet::<T>::block_number();
		let failing: BTreeSet<&T::AccountId> = scene.failing().map(|(who, _)| who).collect();
		let mut cases = Cases::<T>::get();
		let before = cases.len();
		cases.retain(|Case { incident, who, expires, vetoed, .. }| {
			let stays = now < *expires && scene.active.contains(who) && (*vetoed || failing.contains(who));
			if !stays {
				Self::note_of(*incident, RecordKind::CaseClosed, who, Vec::new());
				Self::deposit_event(Event::CaseClosed { incident: *incident });
			}
			stays
		});
		if cases.len() != before {
			Cases::<T>::put(cases);
		}
	}

	/// Asks the guardians about a failing member, if they are not asked yet.
	fn open_case(who: &T::AccountId, verdict: Verdict) {
		let mut cases = Cases::<T>::get();
		if cases.is_full() || cases.iter().any(|case| case.who == *who) {
			return;
		}
		let incident = Self::incident_of(who).unwrap_or_else(T::Log::open_incident);
		let expires = frame_system::Pallet::<T>::block_number().saturating_add(T::CaseLifetime::get());
		let evidence = alloc::vec![Evidence::Verdict(verdict)];
		Self::note_of(incident, RecordKind::CaseOpened, who, evidence);
		Self::deposit_event(Event::CaseOpened { incident, who: who.clone(), verdict });
		let case = Case { incident, who: who.clone(), verdict, expires, vetoed: false };
		if cases.try_push(case).is_ok() {
			Cases::<T>::put(cases);
		}
	}

	/// Decides who is replaced by whom, and whom the guardians are asked about.
	///
	/// Those who are `expelled` come first, and need no automation.
	pub(crate) fn decide(
		scene: &Scene<T>,
		diverged: Vec<(T::AccountId, Option<IncidentId>)>,
		expelled: Vec<Order<T::AccountId>>,
	) {
		let cases = Cases::<T>::get();
		let automation = !Suspended::<T>::exists();
		let threshold = T::AutomationThreshold::get();
		let mut orders = expelled;
		for (who, verdict) in scene.failing() {
			if orders.iter().any(|order| order.who == *who) {
				continue;
			}
			let case = cases.iter().find(|case| case.who == *who);
			if case.is_some_and(|case| case.vetoed) {
				continue;
			}
			if automation && verdict.confidence >= threshold {
				let incident = case.map(|case| case.incident);
				orders.push(Order::failure(who.clone(), verdict, Initiator::Automation, incident));
			} else {
				Self::open_case(who, verdict);
			}
		}
		for (who, incident) in diverged.into_iter().filter(|_| automation) {
			let (cause, initiator) = (Cause::Evicted, Initiator::Automation);
			let vetoed = cases.iter().any(|case| case.who == who && case.vetoed);
			if !vetoed && !orders.iter().any(|order: &Order<_>| order.who == who) {
				orders.push(Order { who, cause, initiator, incident, evidence: Vec::new() });
			}
		}
		let asked = Retiring::<T>::get();
		// Whoever something speaks against does not get away by asking to leave.
		let unwell = scene.unwell();
		for who in asked.into_iter().filter(|who| !unwell.contains(who)) {
			orders.push(Order {
				who,
				cause: Cause::Retirement,
				initiator: Initiator::Member,
				incident: None,
				evidence: Vec::new(),
			});
		}
		Self::carry_out(orders, scene, Self::automatic_limits(&scene.active));
		Self::check_breaker();
	}

	/// How far rotation of this set may go now without the guardians: cap, floor, and what is left of the breaker's period.
	pub(crate) fn automatic_limits(seated: &[T::AccountId]) -> Limits {
		let mut limits = Self::limits(seated);
		let (evictions, bounds) = Self::breaker();
		let automatic = evictions.iter().filter(|eviction| eviction.automatic).count() as u32;
		limits.allowed = limits.allowed.min(bounds.evictions.saturating_sub(automatic));
		limits
	}

	/// Takes seats as far as the limits allow, records it, and asks for the session to end. Says how many.
	pub(crate) fn carry_out(orders: Vec<Order<T::AccountId>>, scene: &Scene<T>, limits: Limits) -> usize {
		// A set that is planned already is the one to mend.
		let base = Planned::<T>::get().map_or_else(|| scene.active.clone(), |planned| planned.into_inner());
		let orders: Vec<_> = orders.into_iter().filter(|order| base.contains(&order.who)).collect();
		if orders.is_empty() {
			return 0;
		}
		let leaving: Vec<_> = orders
			.iter()
			.map(|order| Leaving { who: order.who.clone(), anyway: order.cause != Cause::Retirement })
			.collect();
		let stays = |who: &T::AccountId| !orders.iter().any(|order| order.who == *who);
		let staying: Vec<_> = base.iter().filter(|who| stays(who)).cloned().collect();
		let standbys = Self::standbys(&staying, leaving.len(), scene);
		let swaps = selection::swaps(base.len() as u32, &leaving, &standbys, limits);
		for order in &orders {
			if !swaps.iter().any(|swap| swap.from == order.who) {
				Self::deposit_event(Event::NotReplaced { who: order.who.clone() });
			}
		}
		let taken = swaps.len();
		for swap in swaps {
			let Some(order) = orders.iter().find(|order| order.who == swap.from) else { continue };
			Self::take_seat(order, swap.to);
		}
		taken
	}

	/// Takes one seat: the record, and all that follows from it.
	pub(crate) fn take_seat(order: &Order<T::AccountId>, to: Option<T::AccountId>) {
		let Order { who, cause, initiator, incident, evidence } = order;
		let incident = incident.or_else(|| Self::incident_of(who)).unwrap_or_else(T::Log::open_incident);
		let swap = Swap { from: who.clone(), to: to.clone() };
		Self::record(incident, swap.decision(), *initiator, &swap, evidence.clone());
		Self::deposit_event(Event::Decided { incident, from: who.clone(), to: to.clone() });
		// What the guardians order is beyond the cap.
		let guardians = *initiator == Initiator::Guardians;
		if cause.is_failure() || !guardians {
			let at = frame_system::Pallet::<T>::block_number();
			let mut evictions = Self::kept_evictions();
			if evictions.len() >= T::MaxMembers::get() as usize {
				evictions.remove(0);
			}
			let automatic = !guardians && !matches!(cause, Cause::Retirement | Cause::Equivocated);
			let cause = *cause;
			let seated = Active::<T>::decode_len().unwrap_or_default() as u32;
			evictions.push(Eviction {
				incident,
				who: who.clone(),
				at,
				gone: None,
				seated,
				cause,
				automatic,
				unneeded: false,
				counts_until: at.saturating_add(T::CoolOff::get()),
			});
			Evictions::<T>::put(BoundedVec::truncate_from(evictions));
		}
		Cases::<T>::mutate(|cases| cases.retain(|case| case.who != *who));
		Self::push_pending(Change { incident, from: who.clone(), to, cause: *cause }, Stage::Decided);
	}

	/// Adds a change to those on their way.
	pub(crate) fn push_pending(change: Change<T::AccountId>, stage: Stage) {
		let mut all = Pending::<T>::get().into_inner();
		all.push(change);
		Pending::<T>::put(BoundedVec::truncate_from(all));
		Progress::<T>::put(stage);
	}

	/// Whether somebody who does not sit can be seated: it has session keys, and its node has said lately that it stands
	/// ready.
	pub(crate) fn can_be_seated(who: &T::AccountId) -> bool {
		T::SessionKeys::is_registered(who) && T::Registrations::is_current(who)
	}

	/// What a member says of its node.
	pub(crate) fn tags(who: &T::AccountId) -> Tags {
		T::Registrations::current(who).unwrap_or_default()
	}

	/// The best `seats` of the reserve that can be seated now: healthy, still elected, able, neither in jail nor on probation
	/// nor retired, and not among those who are `staying`.
	pub(crate) fn standbys(staying: &[T::AccountId], seats: usize, scene: &Scene<T>) -> Vec<T::AccountId> {
		let unwell = scene.unwell();
		let fit = |who: &T::AccountId| !unwell.contains(who) && !staying.contains(who);
		Self::best_standbys(staying, seats, &scene.reserve, fit)
	}

	/// The best `seats` of the reserve that are `fit`, still elected, able, and neither in jail nor on probation nor retired.
	pub(crate) fn best_standbys(
		staying: &[T::AccountId],
		seats: usize,
		reserve: &[T::AccountId],
		fit: impl Fn(&T::AccountId) -> bool,
	) -> Vec<T::AccountId> {
		let absent = Self::absent();
		let ready: BTreeSet<&T::AccountId> =
			reserve.iter().filter(|who| fit(who) && !absent.contains(who)).collect();
		let candidates = Elected::<T>::get()
			.into_iter()
			.filter(|winner| ready.contains(&winner.who))
			.map(|winner| Candidate {
				who: winner.who,
				backing: winner.backing,
				standing: Standing::Proven,
				sits: false,
			})
			.collect();
		selection::best(
			staying,
			candidates,
			seats,
			0,
			|candidate| Self::can_be_seated(&candidate.who),
			Self::tags,
		)
	}

	/// Those who are in jail, on probation, or retired.
	pub(crate) fn absent() -> BTreeSet<T::AccountId> {
		let conducts = Conducts::<T>::get();
		conducts.into_iter().filter(|(_, conduct)| conduct.absence.is_some()).map(|(who, _)| who).collect()
	}

	/// A member lost its seat for this cause.
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
