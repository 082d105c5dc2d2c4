//! Decides after each judgement which seats change, within the limits of rotation, and carries the
//! decision out.

use alloc::vec::Vec;
use frame_support::{traits::Get, weights::Weight, BoundedVec};
use sp_runtime::traits::Saturating;
use understudy_primitives::{
	Evidence, FailoverLog, Health, IncidentId, Initiator, Judgement, JudgementHandler, RecoveryControl,
	Verdict,
};

use crate::{
	breaker::Eviction,
	roster_view::{fails_in_seat, RosterView},
	selection::{self, Leaving, Limits, Swap},
	suspicion::is_suspected,
	weights::WeightInfo as _,
	Active, Cases, Cause, Change, Conducts, Config, Event, Evictions, Held, Pallet, Pending, Planned,
	Progress, Retiring, Stage, Suspended, Suspicions,
};

impl<T: Config> JudgementHandler for Pallet<T> {
	fn on_judgement(judgement: &Judgement) -> Weight {
		let known = (Conducts::<T>::decode_len().unwrap_or_default())
			.saturating_add(Cases::<T>::decode_len().unwrap_or_default())
			.saturating_add(Evictions::<T>::decode_len().unwrap_or_default())
			.saturating_add(Suspicions::<T>::decode_len().unwrap_or_default()) as u32;
		let failing = judgement.unhealthy.iter().filter(|judged| fails_in_seat(judged)).count();
		let noted = Self::track_systemic_outage(judgement, failing as u32);
		let suspects = judgement.unhealthy.iter().filter(|judged| is_suspected(judged)).count() as u32;
		if known == 0 && suspects == 0 && !noted && !Retiring::<T>::exists() {
			return T::WeightInfo::quiet();
		}
		let mut weight = T::WeightInfo::follow(known.saturating_add(suspects));
		let records = T::Log::count();
		let view = RosterView::<T>::of(judgement);
		Self::follow_suspicions(&view);
		let diverged = Self::diverged();
		Self::follow_conducts(&view);
		Self::find_unnecessary(&view);
		Self::review_cases(&view);
		let written = T::Log::count().saturating_sub(records).saturating_add(noted.into());
		weight.saturating_accrue(T::WeightInfo::record(written.try_into().unwrap_or(u32::MAX)));
		// One batch at a time: a new decision must not overtake one that is not in effect yet.
		let may_act =
			!Held::<T>::exists() && Progress::<T>::get() == Stage::Idle && !T::Recovery::is_frozen();
		let expelled = Self::expulsions(&view.active);
		let leaving = failing
			.saturating_add(diverged.len())
			.saturating_add(expelled.len())
			.saturating_add(Retiring::<T>::decode_len().unwrap_or(0));
		if may_act && leaving > 0 {
			let members = view.active.len().saturating_add(view.reserve.len()) as u32;
			weight.saturating_accrue(T::WeightInfo::decide(members, leaving as u32));
			Self::decide(&view, diverged, expelled);
		}
		weight
	}
}

/// Order to take a member's seat, before the limits are applied.
pub(crate) struct Order<AccountId> {
	pub who: AccountId,
	pub cause: Cause,
	pub initiator: Initiator,
	/// Incident that the order belongs to, such as that of the member's case; `None` if there is
	/// none yet.
	pub incident: Option<IncidentId>,
	pub evidence: Vec<Evidence>,
}

impl<AccountId> Order<AccountId> {
	/// Returns the order for a member that fails with this verdict.
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
	/// Decides which members are replaced, by which standbys, and which cases are opened.
	///
	/// Orders for `expelled` members come first, and do not depend on automation.
	pub(crate) fn decide(
		view: &RosterView<T>,
		diverged: Vec<(T::AccountId, Option<IncidentId>)>,
		expelled: Vec<Order<T::AccountId>>,
	) {
		let cases = Cases::<T>::get();
		let automation = !Suspended::<T>::exists();
		let threshold = T::AutomationThreshold::get();
		let mut orders = expelled;
		for (who, verdict) in view.failing() {
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
		// An unhealthy member must not evade its eviction by retiring.
		let unhealthy_set = view.unhealthy_set();
		for who in asked.into_iter().filter(|who| !unhealthy_set.contains(who)) {
			orders.push(Order {
				who,
				cause: Cause::Retirement,
				initiator: Initiator::Member,
				incident: None,
				evidence: Vec::new(),
			});
		}
		Self::carry_out(orders, view, Self::automatic_limits(&view.active));
		Self::check_breaker();
	}

	/// Returns the limits of rotation on this set without the guardians: cap, floor, and the rest
	/// of the breaker's bound for the period.
	pub(crate) fn automatic_limits(seated: &[T::AccountId]) -> Limits {
		let mut limits = Self::limits(seated);
		let (evictions, bounds) = Self::breaker();
		let automatic = evictions.iter().filter(|eviction| eviction.automatic).count() as u32;
		limits.allowed = limits.allowed.min(bounds.evictions.saturating_sub(automatic));
		limits
	}

	/// Takes seats within the limits, records the changes, and makes the session end. Returns the
	/// number of seats taken.
	pub(crate) fn carry_out(orders: Vec<Order<T::AccountId>>, view: &RosterView<T>, limits: Limits) -> usize {
		// If a set is planned already, the changes apply to that one.
		let base = Planned::<T>::get().map_or_else(|| view.active.clone(), |planned| planned.into_inner());
		let orders: Vec<_> = orders.into_iter().filter(|order| base.contains(&order.who)).collect();
		if orders.is_empty() {
			return 0;
		}
		let leaving: Vec<_> = orders
			.iter()
			.map(|order| Leaving { who: order.who.clone(), allow_vacancy: order.cause != Cause::Retirement })
			.collect();
		let stays = |who: &T::AccountId| !orders.iter().any(|order| order.who == *who);
		let staying: Vec<_> = base.iter().filter(|who| stays(who)).cloned().collect();
		let standbys = Self::standbys(&staying, leaving.len(), view);
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

	/// Takes one seat: writes the record, and adds the pending change.
	pub(crate) fn take_seat(order: &Order<T::AccountId>, to: Option<T::AccountId>) {
		let Order { who, cause, initiator, incident, evidence } = order;
		let incident = incident.or_else(|| Self::incident_of(who)).unwrap_or_else(T::Log::open_incident);
		let swap = Swap { from: who.clone(), to: to.clone() };
		Self::record(incident, swap.decision(), *initiator, &swap, evidence.clone());
		Self::deposit_event(Event::Decided { incident, from: who.clone(), to: to.clone() });
		// Orders of the guardians do not count towards the cap, unless they rest on evidence.
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
				unnecessary: false,
				counts_until: at.saturating_add(T::CoolOff::get()),
			});
			Evictions::<T>::put(BoundedVec::truncate_from(evictions));
		}
		Cases::<T>::mutate(|cases| cases.retain(|case| case.who != *who));
		Self::push_pending(Change { incident, from: who.clone(), to, cause: *cause }, Stage::Decided);
	}

	/// Adds a pending change and sets the progress of all.
	pub(crate) fn push_pending(change: Change<T::AccountId>, stage: Stage) {
		let mut all = Pending::<T>::get().into_inner();
		all.push(change);
		Pending::<T>::put(BoundedVec::truncate_from(all));
		Progress::<T>::put(stage);
	}
}
