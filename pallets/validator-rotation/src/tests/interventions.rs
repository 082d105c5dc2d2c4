//! Decisions of members and guardians, and the breaker.

use frame_support::{assert_noop, assert_ok, dispatch::Pays};
use sp_runtime::{DispatchError, Perbill};
use understudy_primitives::{Initiator, RecordKind, Verdict};

use crate::{breaker::Suspension, lifecycle::Absence, mock::*, Cases, Error, Event};

fn unsure() -> Verdict {
	Verdict { confidence: Perbill::from_percent(79), ..down() }
}

fn root() -> RuntimeOrigin {
	RuntimeOrigin::root()
}

/// Opens a case about 12, and returns its incident.
fn case() -> u64 {
	ail(12, unsure());
	judged_block();
	Rotation::cases()[0].incident
}

#[test]
fn a_case_waits_and_is_acted_on_when_it_is_approved() {
	build_and_execute(|| {
		let incident = case();
		windows(5);
		assert_eq!(Rotation::cases().len(), 1);
		assert_eq!(Rotation::cases()[0].verdict, unsure());
		assert_eq!(Rotation::active(), [11, 12, 13, 14]);
		System::assert_has_event(Event::CaseOpened { incident, who: 12, verdict: unsure() }.into());
		assert_noop!(Rotation::approve(RuntimeOrigin::signed(1), incident), DispatchError::BadOrigin);
		assert_noop!(Rotation::approve(root(), incident + 1), Error::<Runtime>::NoSuchCase);
		assert_ok!(Rotation::approve(root(), incident));
		assert!(Rotation::cases().is_empty());
		blocks(2);
		assert_eq!(Rotation::active(), [11, 15, 13, 14]);
		let kinds = [RecordKind::CaseOpened, RecordKind::Replaced, RecordKind::Seated];
		assert_eq!(told().iter().map(|(kind, ..)| *kind).collect::<Vec<_>>(), kinds);
		assert_eq!(Records::get()[1].initiator, Initiator::Guardians);
		assert!(Records::get().iter().all(|record| record.incident == incident));
	});
}

#[test]
fn who_was_vetoed_keeps_its_seat_until_the_veto_expires() {
	build_and_execute(|| {
		let incident = case();
		assert_noop!(Rotation::veto(RuntimeOrigin::signed(1), incident), DispatchError::BadOrigin);
		assert_ok!(Rotation::veto(root(), incident));
		assert_noop!(Rotation::veto(root(), incident), Error::<Runtime>::NoSuchCase);
		assert_noop!(Rotation::approve(root(), incident), Error::<Runtime>::NoSuchCase);
		// Even with a higher confidence.
		ail(12, down());
		windows(CaseLifetime::get() - 1);
		assert_eq!(Rotation::active(), [11, 12, 13, 14]);
		assert_noop!(Rotation::enforce(RuntimeOrigin::signed(1), 12), Error::<Runtime>::Vetoed);
		windows(1);
		System::assert_has_event(Event::CaseClosed { incident }.into());
		blocks(1);
		assert_eq!(Rotation::active(), [11, 15, 13, 14]);
	});
}

#[test]
fn a_case_that_nobody_answers_expires_and_is_opened_anew() {
	build_and_execute(|| {
		let incident = case();
		windows(CaseLifetime::get());
		let opened = told().iter().filter(|(kind, ..)| *kind == RecordKind::CaseOpened).count();
		assert_eq!((opened, Rotation::cases()[0].incident), (2, incident), "it is the same outage");
		let closed = (RecordKind::CaseClosed, None, None);
		assert!(told().contains(&closed));
	});
}

#[test]
fn a_case_of_who_recovers_is_closed() {
	build_and_execute(|| {
		let incident = case();
		heal(12);
		assert_noop!(Rotation::approve(root(), incident), Error::<Runtime>::NotFailing);
		judged_block();
		assert!(Rotation::cases().is_empty());
		System::assert_has_event(Event::CaseClosed { incident }.into());
	});
}

#[test]
fn better_evidence_turns_a_case_into_an_eviction() {
	build_and_execute(|| {
		let incident = case();
		ail(12, down());
		judged_block();
		blocks(1);
		assert_eq!(Rotation::active(), [11, 15, 13, 14]);
		assert!(Rotation::cases().is_empty());
		assert_eq!(Records::get()[1].incident, incident);
	});
}

#[test]
fn an_approval_is_bound_by_the_cap_and_by_systemic_outages() {
	build_and_execute(|| {
		let incident = case();
		ail(13, unsure());
		assert_noop!(Rotation::approve(root(), incident), Error::<Runtime>::Systemic);
		heal(13);
		assert_ok!(Rotation::approve(root(), incident));
		blocks(2);
		ail(13, unsure());
		judged_block();
		let incident = Rotation::cases()[0].incident;
		assert_noop!(Rotation::approve(root(), incident), Error::<Runtime>::NoReplacement);
	});
}

#[test]
fn while_automation_is_suspended_each_failure_is_a_case() {
	build_and_execute(|| {
		assert_noop!(Rotation::suspend_automation(RuntimeOrigin::signed(1)), DispatchError::BadOrigin);
		assert_ok!(Rotation::suspend_automation(root()));
		assert_noop!(Rotation::suspend_automation(root()), Error::<Runtime>::NothingToDo);
		assert_eq!(Rotation::suspended(), Some(Suspension::Guardians));
		ail(12, down());
		windows(3);
		assert_eq!(Rotation::active(), [11, 12, 13, 14]);
		assert_eq!(Rotation::cases().len(), 1);
		assert_noop!(Rotation::enforce(RuntimeOrigin::signed(1), 12), Error::<Runtime>::Suspended);
		assert_noop!(Rotation::resume_automation(RuntimeOrigin::signed(1)), DispatchError::BadOrigin);
		assert_ok!(Rotation::resume_automation(root()));
		assert_noop!(Rotation::resume_automation(root()), Error::<Runtime>::NothingToDo);
		judged_block();
		blocks(1);
		assert_eq!(Rotation::active(), [11, 15, 13, 14]);
		let kinds: Vec<_> = told().iter().map(|(kind, ..)| *kind).collect();
		use RecordKind::*;
		assert_eq!(kinds, [AutomationSuspended, CaseOpened, AutomationResumed, Replaced, Seated]);
	});
}

#[test]
fn anybody_enforces_what_the_evidence_suffices_for() {
	build_and_execute(|| {
		ail(12, unsure());
		assert_noop!(Rotation::enforce(RuntimeOrigin::signed(1), 12), Error::<Runtime>::NotFailing);
		ail(12, down());
		ail(13, down());
		assert_noop!(Rotation::enforce(RuntimeOrigin::signed(1), 12), Error::<Runtime>::Systemic);
		heal(13);
		assert_noop!(Rotation::enforce(RuntimeOrigin::signed(1), 11), Error::<Runtime>::NotFailing);
		let paid = Rotation::enforce(RuntimeOrigin::signed(1), 12).expect("the evidence suffices");
		assert_eq!(paid.pays_fee, Pays::No);
		assert_noop!(Rotation::enforce(RuntimeOrigin::signed(1), 12), Error::<Runtime>::Busy);
		blocks(2);
		assert_eq!(Rotation::active(), [11, 15, 13, 14]);
		assert_eq!(Records::get()[0].initiator, Initiator::Anyone);
	});
}

#[test]
fn the_guardians_evict_and_seat_without_evidence() {
	build_and_execute(|| {
		assert_noop!(Rotation::force_evict(RuntimeOrigin::signed(1), 12), DispatchError::BadOrigin);
		assert_noop!(Rotation::force_evict(root(), 15), Error::<Runtime>::NotActive);
		assert_ok!(Rotation::force_evict(root(), 12));
		assert_noop!(Rotation::force_evict(root(), 13), Error::<Runtime>::Busy);
		blocks(2);
		assert_eq!(Rotation::active(), [11, 15, 13, 14]);
		assert!(matches!(Rotation::conduct(12).and_then(|c| c.absence), Some(Absence::Jailed { .. })));
		assert!(Charges::get().is_empty());
		// The guardians are not bound by the cap of the cool-off.
		assert_eq!(Rotation::evictions_left(), 1);
		assert_ok!(Rotation::force_evict(root(), 13));
		blocks(2);
		assert_eq!(Rotation::active(), [11, 15, 16, 14]);
		assert_noop!(Rotation::force_evict(root(), 11), Error::<Runtime>::NoReplacement);
		// From jail directly to a seat.
		assert_ok!(Rotation::force_seat(root(), 12, 14));
		blocks(2);
		assert_eq!(Rotation::active(), [11, 15, 16, 12]);
		assert_eq!(Rotation::conduct(14), None);
		let by: Vec<_> = Records::get().iter().map(|record| record.initiator).collect();
		assert!(by.iter().step_by(2).all(|initiator| *initiator == Initiator::Guardians));
	});
}

#[test]
fn who_cannot_sit_is_not_seated_by_force_either() {
	build_and_execute(|| {
		assert_noop!(Rotation::force_seat(RuntimeOrigin::signed(1), 15, 12), DispatchError::BadOrigin);
		assert_noop!(Rotation::force_seat(root(), 99, 12), Error::<Runtime>::NotAMember);
		assert_noop!(Rotation::force_seat(root(), 11, 12), Error::<Runtime>::AlreadyActive);
		assert_noop!(Rotation::force_seat(root(), 15, 16), Error::<Runtime>::NotActive);
		Expired::set(vec![15]);
		assert_noop!(Rotation::force_seat(root(), 15, 12), Error::<Runtime>::CannotBeSeated);
	});
}

#[test]
fn who_shows_right_after_its_eviction_that_it_was_up_is_cleared() {
	build_and_execute(|| {
		ail(12, down());
		judged_block();
		blocks(1);
		heal(12);
		judged_block();
		System::assert_has_event(Event::UnnecessaryEviction { incident: 1, who: 12 }.into());
		let conduct = Rotation::conduct(12).expect("it is on probation");
		assert_eq!(conduct.outages, 0);
		assert!(matches!(conduct.absence, Some(Absence::Probation { .. })));
		assert_eq!(told().last().map(|(kind, ..)| *kind), Some(RecordKind::RolledBack));
		assert_eq!(Rotation::suspended(), None);
	});
}

#[test]
fn who_is_back_later_was_gone() {
	build_and_execute(|| {
		ail(12, down());
		judged_block();
		blocks(Breaker::get().reprieve + 1);
		heal(12);
		windows(3);
		assert!(!told().iter().any(|(kind, ..)| *kind == RecordKind::RolledBack));
	});
}

#[test]
fn too_many_unneeded_evictions_suspend_automation() {
	CoolOff::set(1);
	build_and_execute(|| {
		for who in [11, 12, 13] {
			assert_eq!(Rotation::suspended(), None, "before {who}");
			ail(who, down());
			judged_block();
			blocks(1);
			heal(who);
			// Long enough for the probation.
			windows(4);
		}
		assert_eq!(Rotation::suspended(), Some(Suspension::TooManyUnnecessary));
		System::assert_has_event(
			Event::AutomationSuspended { reason: Suspension::TooManyUnnecessary }.into(),
		);
		// After it is resumed, earlier evictions do not count any more.
		assert_ok!(Rotation::resume_automation(root()));
		windows(3);
		assert_eq!(Rotation::suspended(), None);
	});
}

#[test]
fn too_many_evictions_in_a_period_suspend_automation() {
	CoolOff::set(1);
	Breaker::set(crate::BreakerRules { evictions: 2, ..Breaker::get() });
	build_and_execute(|| {
		ail(11, down());
		judged_block();
		blocks(2);
		ail(12, down());
		judged_block();
		blocks(2);
		assert_eq!(Rotation::active(), [15, 16, 13, 14]);
		assert_eq!(Rotation::suspended(), Some(Suspension::TooMany));
		ail(13, down());
		windows(2);
		assert_eq!(Rotation::active(), [15, 16, 13, 14]);
		assert_eq!(Cases::<Runtime>::get().len(), 1);
	});
}
