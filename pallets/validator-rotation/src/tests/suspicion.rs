//! Active members with evidence against them, and their incidents.

use frame_support::assert_ok;
use sp_runtime::Perbill;
use understudy_primitives::{DivergenceHandler, Evidence, Moment, RecordKind, Verdict};

use crate::{mock::*, Suspicions};

fn found() -> Vec<(RecordKind, u64)> {
	Findings::get().iter().map(|record| (record.kind, record.incident)).collect()
}

#[test]
fn an_incident_reaches_the_log_with_the_moment_of_its_first_evidence() {
	build_and_execute(|| {
		ail(12, suspect());
		judged_block();
		assert!(Findings::get().is_empty());
		let first = Suspicions::<Runtime>::get()[0].first;
		blocks(3);
		ail(12, Verdict { missed_slots: 5, ..down() });
		judged_block();
		assert_eq!(found(), [(RecordKind::Suspected, 1), (RecordKind::Attributed, 1)]);
		let now = System::block_number() as u32;
		let last_sign = Moment { block: now - 5, time: u64::from(now - 5) * 3_000 }.min(first);
		assert_eq!(Findings::get()[0].evidence, [Evidence::Onset { last_sign, first }]);
		assert!(first.block < now);
		// The decision belongs to the same incident, and the suspicion is dropped once it is in
		// effect.
		assert!(Records::get().iter().all(|record| record.incident == 1));
		blocks(1);
		judged_block();
		assert!(Suspicions::<Runtime>::get().is_empty());
		assert_eq!(found().len(), 2);
	});
}

#[test]
fn a_suspicion_that_passes_leaves_nothing_behind() {
	build_and_execute(|| {
		ail(12, suspect());
		judged_block();
		heal(12);
		judged_block();
		assert!(Suspicions::<Runtime>::get().is_empty());
		assert!(Findings::get().is_empty());
		assert_eq!(Incidents::get(), 0);
	});
}

#[test]
fn who_recovers_after_the_evidence_sufficed_is_cleared_on_record() {
	build_and_execute(|| {
		// The confidence is too low for automation: a case is opened.
		ail(12, Verdict { confidence: Perbill::from_percent(10), ..down() });
		judged_block();
		heal(12);
		judged_block();
		let expected = [RecordKind::Suspected, RecordKind::Attributed, RecordKind::Cleared];
		assert_eq!(found().iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), expected);
		assert!(Records::get().iter().all(|record| record.incident == 1));
	});
}

#[test]
fn in_a_systemic_outage_nothing_is_attributed() {
	build_and_execute(|| {
		ail(11, down());
		ail(12, down());
		judged_block();
		assert!(Findings::get().is_empty());
		assert_eq!(Suspicions::<Runtime>::get().len(), 2);
		// The outage is not systemic any more: the failure of the other member is attributed, with
		// the moment of its first evidence.
		let first = Suspicions::<Runtime>::get()[1].first;
		heal(11);
		judged_block();
		assert!(
			matches!(Findings::get()[0].evidence[..], [Evidence::Onset { first: then, .. }] if then == first)
		);
	});
}

#[test]
fn who_stands_elsewhere_loses_its_seat_however_healthy_it_is() {
	build_and_execute(|| {
		ail(12, down());
		judged_block();
		blocks(1);
		assert_eq!(Rotation::active(), [11, 15, 13, 14]);
		let incident = Records::get()[0].incident;
		Rotation::on_divergence(incident, &15);
		// The cap of the cool-off applies to it as well.
		blocks(CoolOff::get());
		judged_block();
		blocks(1);
		assert_eq!(Rotation::active(), [11, 16, 13, 14]);
		let taken = Records::get().into_iter().find(|record| record.from == Some(15));
		assert_eq!(
			taken.map(|record| (record.kind, record.incident)),
			Some((RecordKind::Replaced, incident))
		);
		assert!(Charges::get().is_empty());
		judged_block();
		assert!(Suspicions::<Runtime>::get().is_empty());
		assert_ok!(Rotation::do_try_state());
	});
}

#[test]
fn re_admission_belongs_to_the_incident_that_cost_the_seat() {
	build_and_execute(|| {
		ail(12, down());
		judged_block();
		blocks(1);
		heal(12);
		blocks(Times::get().jail + 1);
		for _ in 0..6 {
			judged_block();
		}
		let readmitted = Records::get().into_iter().find(|record| record.kind == RecordKind::Readmitted);
		assert_eq!(readmitted.map(|record| (record.subject, record.incident)), Some((Some(12), 1)));
	});
}

/// Returns the kinds of the records of an incident, those of its evidence first.
fn of(incident: u64) -> Vec<RecordKind> {
	let all = Findings::get().into_iter().chain(Records::get());
	all.filter(|record| record.incident == incident).map(|record| record.kind).collect()
}

#[test]
fn an_incident_ends_when_an_election_drops_the_member() {
	build_and_execute(|| {
		// The confidence is too low for automation.
		ail(12, Verdict { confidence: Perbill::from_percent(10), ..down() });
		judged_block();
		Winners::set(Some(vec![11, 13, 14, 15, 16]));
		next_session();
		next_session();
		assert!(!Rotation::active().contains(&12));
		judged_block();
		assert!(Suspicions::<Runtime>::get().is_empty());
		assert!(of(1).contains(&RecordKind::Cleared));
	});
}

#[test]
fn what_is_cancelled_without_evidence_ends() {
	build_and_execute(|| {
		MayRotate::set(false);
		assert_ok!(Rotation::retire(RuntimeOrigin::signed(13)));
		judged_block();
		assert_ok!(Rotation::rejoin(RuntimeOrigin::signed(13)));
		MayRotate::set(true);
		blocks(2);
		assert!(Rotation::active().contains(&13));
		assert_eq!(of(1), [RecordKind::Cleared, RecordKind::Replaced, RecordKind::Cancelled]);
	});
}

#[test]
fn who_purges_its_keys_leaves_by_the_incident_that_it_has() {
	build_and_execute(|| {
		ail(13, Verdict { confidence: Perbill::from_percent(10), ..down() });
		judged_block();
		assert_ok!(Session::purge_keys(RuntimeOrigin::signed(13)));
		next_session();
		next_session();
		assert_eq!(Rotation::active(), [11, 12, 15, 14]);
		use RecordKind::*;
		assert_eq!(of(1), [Suspected, Attributed, CaseOpened, Replaced, Seated]);
		judged_block();
		assert!(Suspicions::<Runtime>::get().is_empty());
		assert_eq!(Incidents::get(), 1);
	});
}

#[test]
fn divergence_settles_what_else_speaks_against_a_member() {
	build_and_execute(|| {
		ail(12, Verdict { confidence: Perbill::from_percent(10), ..down() });
		judged_block();
		let first = Suspicions::<Runtime>::get()[0].first;
		Incidents::set(7);
		Rotation::on_divergence(7, &12);
		assert_eq!(of(1).last(), Some(&RecordKind::CaseOpened));
		assert!(of(1).contains(&RecordKind::Cleared));
		assert_eq!(Suspicions::<Runtime>::get()[0].first, first);
		// While automation is suspended, the guardians decide.
		assert_ok!(Rotation::suspend_automation(RuntimeOrigin::root()));
		judged_block();
		blocks(1);
		assert!(Rotation::active().contains(&12));
		assert_ok!(Rotation::resume_automation(RuntimeOrigin::root()));
		judged_block();
		blocks(1);
		assert_eq!(Rotation::active(), [11, 15, 13, 14]);
		assert_eq!(of(7), [RecordKind::Replaced, RecordKind::Seated]);
	});
}

#[test]
fn divergence_of_who_leaves_already_ends_with_its_seat() {
	build_and_execute(|| {
		MayRotate::set(false);
		ail(12, down());
		judged_block();
		Incidents::set(7);
		Rotation::on_divergence(7, &12);
		MayRotate::set(true);
		blocks(2);
		assert_eq!(Rotation::active(), [11, 15, 13, 14]);
		assert_eq!(of(7), [RecordKind::Cleared]);
		assert_eq!(of(1).last(), Some(&RecordKind::Seated));
		assert!(Suspicions::<Runtime>::get().is_empty());
	});
}
