//! Jail, probation, retirement and penalties.

use frame_support::{assert_noop, assert_ok};
use sp_runtime::Perbill;
use understudy_primitives::{Evidence, Initiator, RecordKind};

use crate::{lifecycle::Absence, mock::*, Error, Event, Retiring};

fn absence(who: u64) -> Option<Absence<u64>> {
	Rotation::conduct(who).and_then(|conduct| conduct.absence)
}

/// Makes a member down, and waits until its standby is seated.
fn fall(who: u64) {
	ail(who, down());
	judged_block();
	blocks(1);
	assert!(!Rotation::active().contains(&who));
}

#[test]
fn who_was_evicted_is_jailed_and_on_probation_before_it_is_a_standby() {
	build_and_execute(|| {
		fall(12);
		assert_eq!(absence(12), Some(Absence::Jailed { until: 13 }));
		System::assert_has_event(Event::Jailed { who: 12, outages: 1 }.into());
		blocks(5);
		heal(12);
		windows(4);
		assert!(matches!(absence(12), Some(Absence::Jailed { .. })));
		windows(1);
		System::assert_has_event(Event::OnProbation { who: 12 }.into());
		// It is the standby with more backing, and is passed over while it is on probation.
		blocks(CoolOff::get());
		ail(11, down());
		judged_block();
		blocks(1);
		assert_eq!(Rotation::active(), [16, 15, 13, 14]);
		windows(2);
		System::assert_has_event(Event::Readmitted { who: 12 }.into());
		assert_eq!(absence(12), None);
		assert!(told().contains(&(RecordKind::Readmitted, None, None)));
		blocks(CoolOff::get());
		ail(13, down());
		judged_block();
		blocks(1);
		assert_eq!(Rotation::active(), [16, 15, 12, 14]);
	});
}

#[test]
fn an_election_does_not_seat_who_is_jailed() {
	build_and_execute(|| {
		fall(12);
		heal(12);
		Winners::set(Some(vec![11, 12, 13, 14, 15, 16]));
		next_session();
		next_session();
		assert_eq!(Rotation::active(), [11, 15, 13, 14]);
		assert_eq!(Rotation::reserve(), [12, 16]);
		// Jail passes with time alone; probation needs judgements.
		windows(3);
		assert_eq!(absence(12), None);
		Winners::set(Some(vec![11, 12, 13, 14, 15, 16]));
		next_session();
		next_session();
		assert_eq!(Rotation::active(), [11, 12, 13, 14]);
	});
}

#[test]
fn the_second_outage_is_charged_and_the_first_is_not() {
	build_and_execute(|| {
		fall(12);
		assert!(Charges::get().is_empty());
		blocks(CoolOff::get());
		heal(12);
		windows(5);
		assert_ok!(Rotation::force_seat(RuntimeOrigin::root(), 12, 15));
		blocks(2);
		let session = Session::current_index();
		fall(12);
		assert_eq!(Charges::get(), [(12, Perbill::from_percent(1), session + 1, 3)]);
		System::assert_has_event(
			Event::Penalized { incident: 3, who: 12, fraction: Perbill::from_percent(1) }.into(),
		);
		let penalized = Records::get().into_iter().find(|record| record.kind == RecordKind::Penalized);
		let expected = Evidence::Penalty { outages: 2, at_once: 1, fraction: Perbill::from_percent(1) };
		assert_eq!(penalized.map(|record| record.evidence), Some(vec![expected]));
		assert_eq!(absence(12), Some(Absence::Jailed { until: System::block_number() + 20 }));
	});
}

#[test]
fn who_falls_with_another_one_pays_for_both() {
	SystemicAbove::set(9);
	ActiveTarget::set(7);
	build_with(&[11, 12, 13, 14, 15, 16, 17, 18, 19, 20], || {
		for who in [11, 12] {
			Rotation::with_conduct(&who, |conduct| conduct.outages = 1);
			ail(who, down());
		}
		judged_block();
		blocks(1);
		let fractions: Vec<_> = Charges::get().iter().map(|charge| (charge.0, charge.1)).collect();
		assert_eq!(fractions, [(11, Perbill::from_percent(2)), (12, Perbill::from_percent(2))]);
	});
}

#[test]
fn who_is_impaired_is_jailed_and_never_charged() {
	build_and_execute(|| {
		Rotation::with_conduct(&12, |conduct| conduct.outages = 5);
		ail(12, impaired());
		judged_block();
		blocks(1);
		assert!(matches!(absence(12), Some(Absence::Jailed { .. })));
		assert_eq!(Rotation::conduct(12).map(|conduct| conduct.outages), Some(5));
		assert!(Charges::get().is_empty());
	});
}

#[test]
fn who_retires_hands_over_and_pays_nothing() {
	build_and_execute(|| {
		assert_ok!(Rotation::retire(RuntimeOrigin::signed(13)));
		assert_noop!(Rotation::retire(RuntimeOrigin::signed(13)), Error::<Runtime>::AlreadyRetiring);
		System::assert_has_event(Event::Retiring { who: 13 }.into());
		judged_block();
		blocks(1);
		assert_eq!(Rotation::active(), [11, 12, 15, 14]);
		assert_eq!(absence(13), Some(Absence::Retired));
		System::assert_has_event(Event::Retired { who: 13 }.into());
		assert_eq!(Records::get()[0].initiator, Initiator::Member);
		assert!(Charges::get().is_empty() && !Retiring::<Runtime>::exists());
		assert_noop!(Rotation::retire(RuntimeOrigin::signed(13)), Error::<Runtime>::AlreadyRetiring);
		// It is not seated again until it rejoins.
		windows(50);
		assert_eq!(absence(13), Some(Absence::Retired));
		assert_ok!(Rotation::rejoin(RuntimeOrigin::signed(13)));
		windows(2);
		assert_eq!(absence(13), None);
		assert_eq!(Rotation::conduct(13), None, "its history is dropped");
	});
}

#[test]
fn without_a_standby_nobody_retires() {
	ActiveTarget::set(5);
	build_with(&[11, 12, 13, 14, 15], || {
		assert_ok!(Rotation::retire(RuntimeOrigin::signed(13)));
		windows(3);
		assert_eq!(Rotation::active(), [11, 12, 13, 14, 15]);
		System::assert_has_event(Event::NotReplaced { who: 13 }.into());
		assert_ok!(Rotation::rejoin(RuntimeOrigin::signed(13)));
		assert_noop!(Rotation::rejoin(RuntimeOrigin::signed(13)), Error::<Runtime>::NotRetired);
		assert!(!Retiring::<Runtime>::exists());
	});
}

#[test]
fn a_standby_retires_at_once_and_a_stranger_does_not() {
	build_and_execute(|| {
		assert_ok!(Rotation::retire(RuntimeOrigin::signed(15)));
		assert_eq!(absence(15), Some(Absence::Retired));
		assert_noop!(Rotation::retire(RuntimeOrigin::signed(99)), Error::<Runtime>::NotAMember);
		fall(12);
		assert_eq!(Rotation::active(), [11, 16, 13, 14]);
	});
}

#[test]
fn who_is_in_jail_does_not_get_out_by_retiring() {
	build_and_execute(|| {
		fall(12);
		assert_noop!(Rotation::retire(RuntimeOrigin::signed(12)), Error::<Runtime>::InJail);
		assert_noop!(Rotation::rejoin(RuntimeOrigin::signed(12)), Error::<Runtime>::NotRetired);
	});
}

#[test]
fn who_takes_its_wish_back_in_time_keeps_the_seat() {
	build_and_execute(|| {
		MayRotate::set(false);
		assert_ok!(Rotation::retire(RuntimeOrigin::signed(13)));
		judged_block();
		assert_ok!(Rotation::rejoin(RuntimeOrigin::signed(13)));
		MayRotate::set(true);
		blocks(2);
		assert_eq!(Rotation::active(), [11, 12, 13, 14]);
		assert_eq!(told().last().map(|(kind, ..)| *kind), Some(RecordKind::Cancelled));
		assert_eq!(Rotation::evictions_left(), 1);
	});
}

#[test]
fn an_election_unseats_who_wants_to_retire() {
	build_and_execute(|| {
		CoolOff::set(1_000);
		fall(12);
		assert_ok!(Rotation::retire(RuntimeOrigin::signed(13)));
		windows(2);
		assert!(Rotation::active().contains(&13), "the cap of the cool-off is reached");
		Winners::set(Some(vec![11, 13, 14, 15, 16]));
		next_session();
		next_session();
		assert!(!Rotation::active().contains(&13));
		assert_eq!(absence(13), Some(Absence::Retired));
	});
}

#[test]
fn what_is_remembered_is_bounded_and_the_oldest_goes_first() {
	build_and_execute(|| {
		for who in 100..100 + u64::from(MaxMembers::get()) + 3 {
			System::set_block_number(System::block_number() + 1);
			Rotation::with_conduct(&who, |conduct| conduct.fall(System::block_number(), true, &Times::get()));
		}
		assert_eq!(Rotation::conduct(102), None);
		assert!(Rotation::conduct(103).is_some());
	});
}

#[test]
fn among_equal_standbys_the_region_with_fewest_seats_comes_first() {
	Stakes::set([(15, 7), (16, 7), (17, 7)].into());
	Regions::set([(11, 1), (12, 2), (13, 1), (14, 3), (15, 1), (16, 3), (17, 2)].into());
	build_with(&[11, 12, 13, 14, 15, 16, 17], || {
		// Without 12 no active member is in region 2.
		fall(12);
		assert_eq!(Rotation::active(), [11, 17, 13, 14]);
	});
}

#[test]
fn nobody_escapes_its_eviction_by_purging_its_keys() {
	build_and_execute(|| {
		MayRotate::set(false);
		ail(12, down());
		judged_block();
		assert_ok!(Session::purge_keys(RuntimeOrigin::signed(12)));
		MayRotate::set(true);
		blocks(2);
		assert_eq!(Rotation::active(), [11, 15, 13, 14]);
		assert!(matches!(absence(12), Some(Absence::Jailed { .. })));
	});
}

#[test]
fn nobody_retires_while_something_speaks_against_it() {
	build_and_execute(|| {
		ail(13, suspect());
		assert_ok!(Rotation::retire(RuntimeOrigin::signed(13)));
		windows(3);
		assert!(Rotation::active().contains(&13));
		ail(13, down());
		judged_block();
		blocks(1);
		assert!(matches!(absence(13), Some(Absence::Jailed { .. })));
		assert_eq!(Rotation::conduct(13).map(|conduct| conduct.outages), Some(1));
	});
}

#[test]
fn a_seat_is_handed_over_once_in_a_period() {
	build_and_execute(|| {
		assert_ok!(Rotation::retire(RuntimeOrigin::signed(13)));
		judged_block();
		blocks(1);
		assert_ok!(Rotation::rejoin(RuntimeOrigin::signed(13)));
		windows(3);
		assert_ok!(Rotation::force_seat(RuntimeOrigin::root(), 13, 15));
		blocks(2);
		assert_noop!(Rotation::retire(RuntimeOrigin::signed(13)), Error::<Runtime>::TooSoon);
		blocks(Breaker::get().period);
		assert_ok!(Rotation::retire(RuntimeOrigin::signed(13)));
	});
}
