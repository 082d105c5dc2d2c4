//! The pallet's calls: for members, for guardians, and for any account that sees sufficient
//! evidence against a member.

use alloc::vec::Vec;
use frame_support::{ensure, pallet_prelude::DispatchResult, traits::Get};
use sp_runtime::traits::Saturating;
use understudy_primitives::{IncidentId, Initiator, RecordKind, RecoveryControl, Verdicts};

use crate::{
	decision::Order, lifecycle::Absence, roster_view::RosterView, selection::Limits, Active, Case, Cases,
	Cause, Config, Elected, Error, Event, Evictions, Held, Pallet, Progress, Retiring, Stage, Suspended,
};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_retire(who: T::AccountId) -> DispatchResult {
		let elected = Elected::<T>::get().iter().any(|winner| winner.who == who);
		let sits = Active::<T>::get().contains(&who);
		ensure!(elected || sits, Error::<T>::NotAMember);
		match Self::conduct(who.clone()).and_then(|conduct| conduct.absence) {
			Some(Absence::Retired) => return Err(Error::<T>::AlreadyRetiring.into()),
			// Otherwise a jailed member could retire and rejoin, and so leave jail early.
			Some(Absence::Jailed { .. }) if !sits => return Err(Error::<T>::InJail.into()),
			Some(Absence::Expelled) => return Err(Error::<T>::InJail.into()),
			_ => (),
		}
		let recent = Self::recent_evictions(T::Breaker::get().period);
		let before = recent.iter().any(|taken| taken.who == who && taken.cause == Cause::Retirement);
		ensure!(!before, Error::<T>::TooSoon);
		if sits {
			let mut retiring = Retiring::<T>::get();
			ensure!(!retiring.contains(&who), Error::<T>::AlreadyRetiring);
			let retired = recent.iter().filter(|taken| taken.cause == Cause::Retirement).count();
			let all = retired.saturating_add(retiring.len()) as u32;
			ensure!(all < T::Breaker::get().evictions, Error::<T>::TooManyRetirements);
			ensure!(retiring.try_push(who.clone()).is_ok(), Error::<T>::Busy);
			Retiring::<T>::put(retiring);
			Self::deposit_event(Event::Retiring { who });
		} else {
			Self::depart(&who, 0, Cause::Retirement);
		}
		Ok(())
	}

	pub(crate) fn do_rejoin(who: T::AccountId) -> DispatchResult {
		let mut retiring = Retiring::<T>::get();
		if retiring.contains(&who) {
			retiring.retain(|other| *other != who);
			Self::put_retiring(retiring);
		} else {
			let absence = Self::conduct(who.clone()).and_then(|conduct| conduct.absence);
			ensure!(absence == Some(Absence::Retired), Error::<T>::NotRetired);
			let window = T::Verdicts::window();
			Self::with_conduct(&who, |conduct| conduct.begin_probation(window, &T::Durations::get()));
		}
		Self::deposit_event(Event::Rejoined { who });
		Ok(())
	}

	/// Stores the retiring members; removes the item if there are none, which quiet blocks check.
	pub(crate) fn put_retiring(retiring: crate::MembersOf<T>) {
		if retiring.is_empty() {
			Retiring::<T>::kill();
		} else {
			Retiring::<T>::put(retiring);
		}
	}

	pub(crate) fn do_enforce(who: T::AccountId) -> DispatchResult {
		ensure!(!Suspended::<T>::exists(), Error::<T>::Suspended);
		let case = Cases::<T>::get().into_iter().find(|case| case.who == who);
		ensure!(!case.as_ref().is_some_and(|case| case.vetoed), Error::<T>::Vetoed);
		let incident = case.map(|case| case.incident);
		Self::act_on_evidence(who, Initiator::Anyone, incident, |confidence| {
			confidence >= T::AutomationThreshold::get()
		})
	}

	pub(crate) fn do_approve(incident: IncidentId) -> DispatchResult {
		let case = Cases::<T>::get().into_iter().find(|case| case.incident == incident && !case.vetoed);
		let Case { who, .. } = case.ok_or(Error::<T>::NoSuchCase)?;
		Self::act_on_evidence(who, Initiator::Guardians, Some(incident), |_| true)
	}

	/// Returns an error if no seat can be taken now.
	fn ensure_free() -> DispatchResult {
		ensure!(!T::Recovery::is_frozen(), Error::<T>::Frozen);
		ensure!(Progress::<T>::get() == Stage::Idle, Error::<T>::Busy);
		Ok(())
	}

	/// Takes the seat of a member that fails as of now, within cap and floor.
	fn act_on_evidence(
		who: T::AccountId,
		initiator: Initiator,
		incident: Option<IncidentId>,
		suffices: impl FnOnce(sp_runtime::Perbill) -> bool,
	) -> DispatchResult {
		Self::ensure_free()?;
		let judgement = T::Verdicts::judgement();
		ensure!(!judgement.systemic && !Held::<T>::exists(), Error::<T>::Systemic);
		let view = RosterView::<T>::of(&judgement);
		let judged = view.failure(&who).ok_or(Error::<T>::NotFailing)?;
		ensure!(suffices(judged.verdict.confidence), Error::<T>::NotFailing);
		Self::suspect_now(&who, judged);
		let order = Order::failure(who, judged.verdict, initiator, incident);
		let guardians = initiator == Initiator::Guardians;
		let limits = if guardians { Self::limits } else { Self::automatic_limits };
		let taken = Self::carry_out(alloc::vec![order], &view, limits(&view.active));
		ensure!(taken == 1, Error::<T>::NoReplacement);
		if !guardians {
			Self::check_breaker();
		}
		Ok(())
	}

	pub(crate) fn do_veto(incident: IncidentId) -> DispatchResult {
		Cases::<T>::try_mutate(|cases| {
			let open = cases.iter_mut().find(|case| case.incident == incident && !case.vetoed);
			let case = open.ok_or(Error::<T>::NoSuchCase)?;
			case.vetoed = true;
			case.expires = frame_system::Pallet::<T>::block_number().saturating_add(T::CaseLifetime::get());
			let who = Some(case.who.clone());
			Self::note(incident, RecordKind::CaseVetoed, Initiator::Guardians, who, Vec::new());
			Self::deposit_event(Event::CaseVetoed { incident });
			Ok(())
		})
	}

	pub(crate) fn do_force_evict(who: T::AccountId) -> DispatchResult {
		Self::ensure_free()?;
		let judgement = T::Verdicts::judgement();
		let view = RosterView::<T>::of(&judgement);
		ensure!(view.active.contains(&who), Error::<T>::NotActive);
		let order = Self::guardians_order(who, Cause::Evicted);
		let limits = Limits { allowed: 1, floor: T::Floor::get() };
		ensure!(Self::carry_out(alloc::vec![order], &view, limits) == 1, Error::<T>::NoReplacement);
		Ok(())
	}

	pub(crate) fn do_force_seat(who: T::AccountId, instead_of: T::AccountId) -> DispatchResult {
		Self::ensure_free()?;
		ensure!(Elected::<T>::get().iter().any(|winner| winner.who == who), Error::<T>::NotAMember);
		let active = crate::Planned::<T>::get().unwrap_or_else(Active::<T>::get);
		ensure!(!active.contains(&who), Error::<T>::AlreadyActive);
		ensure!(active.contains(&instead_of), Error::<T>::NotActive);
		ensure!(Self::can_be_seated(&who), Error::<T>::CannotBeSeated);
		// Expelled members have to be pardoned first.
		ensure!(!Self::expelled().contains_key(&who), Error::<T>::CannotBeSeated);
		Self::with_conduct(&who, |conduct| conduct.absence = None);
		Self::take_seat(&Self::guardians_order(instead_of, Cause::Displaced), Some(who));
		Ok(())
	}

	fn guardians_order(who: T::AccountId, cause: Cause) -> Order<T::AccountId> {
		Order { who, cause, initiator: Initiator::Guardians, incident: None, evidence: Vec::new() }
	}

	pub(crate) fn do_resume() -> DispatchResult {
		ensure!(Suspended::<T>::take().is_some(), Error::<T>::NothingToDo);
		// The evictions still count towards the cap, and not towards the breaker any more.
		Evictions::<T>::mutate(|evictions| {
			evictions.iter_mut().for_each(|eviction| eviction.automatic = false);
		});
		Self::note(0, RecordKind::AutomationResumed, Initiator::Guardians, None, Vec::new());
		Self::deposit_event(Event::AutomationResumed);
		Ok(())
	}
}
