//! Replacement of a member that is down by a standby.

use frame_support::{assert_ok, traits::ValidatorRegistration};
use pallet_session::historical;
use sp_runtime::Perbill;
use understudy_primitives::{Evidence, Initiator, JudgementHandler, RecordKind, Verdict, Verdicts};

use crate::{mock::*, Event, Planned, Progress, Stage};

#[test]
fn the_best_of_the_elected_sit_and_the_rest_wait() {
	build_and_execute(|| {
		assert_eq!(Rotation::active(), [11, 12, 13, 14]);
		assert_eq!(Rotation::reserve(), [15, 16]);
	});
}

#[test]
fn a_member_that_is_down_is_replaced_one_block_after_the_decision() {
	build_and_execute(|| {
		ail(12, down());
		judged_block();
		assert_eq!(Session::validators(), [11, 12, 13, 14]);
		assert_eq!(Progress::<Runtime>::get(), Stage::Queued);
		blocks(1);
		assert_eq!(Session::validators(), [11, 15, 13, 14]);
		assert_eq!(Rotation::reserve(), [12, 16]);
		assert_eq!(Progress::<Runtime>::get(), Stage::Idle);
		assert_eq!(Rosters::get(), [(vec![11, 15, 13, 14], vec![12, 16])]);
		System::assert_has_event(Event::Decided { incident: 1, from: 12, to: Some(15) }.into());
		System::assert_has_event(Event::Activated { active: 4, reserve: 2 }.into());
	});
}

#[test]
fn the_record_is_written_before_the_change_takes_effect() {
	build_and_execute(|| {
		ail(12, down());
		judged_block();
		let records = Records::get();
		assert_eq!(records.len(), 1);
		assert_eq!((records[0].kind, records[0].initiator), (RecordKind::Replaced, Initiator::Automation));
		assert_eq!((records[0].subject, records[0].from, records[0].to), (Some(12), Some(12), Some(15)));
		assert_eq!(records[0].evidence, [Evidence::Verdict(down())]);
		assert_eq!(Session::validators(), [11, 12, 13, 14]);
		blocks(1);
		let records = Records::get();
		assert_eq!(records.len(), 2);
		assert_eq!((records[1].kind, records[1].incident), (RecordKind::Seated, records[0].incident));
	});
}

#[test]
fn a_change_is_seen_by_consensus_once() {
	build_and_execute(|| {
		let before = Changes::get();
		ail(12, down());
		judged_block();
		blocks(10);
		assert_eq!(Changes::get(), before + 1);
	});
}

#[test]
fn sessions_without_a_change_are_none_to_consensus() {
	build_and_execute(|| {
		let before = Changes::get();
		(0..3).for_each(|_| next_session());
		assert_eq!(Changes::get(), before);
		assert!(Records::get().is_empty());
		assert_eq!(Planned::<Runtime>::get(), None);
	});
}

#[test]
fn who_is_only_suspect_keeps_the_seat() {
	build_and_execute(|| {
		ail(12, suspect());
		(0..50).for_each(|_| judged_block());
		assert_eq!(Session::validators(), [11, 12, 13, 14]);
		assert!(Records::get().is_empty());
	});
}

#[test]
fn below_the_automation_threshold_nothing_happens() {
	build_and_execute(|| {
		ail(12, Verdict { confidence: Perbill::from_percent(79), ..down() });
		judged_block();
		blocks(2);
		assert_eq!(Session::validators(), [11, 12, 13, 14]);
		ail(12, Verdict { confidence: Perbill::from_percent(80), ..down() });
		judged_block();
		blocks(2);
		assert_eq!(Session::validators(), [11, 15, 13, 14]);
	});
}

#[test]
fn an_ill_standby_is_passed_over() {
	build_and_execute(|| {
		ail(12, down());
		ail(15, suspect());
		judged_block();
		blocks(1);
		assert_eq!(Session::validators(), [11, 16, 13, 14]);
	});
}

#[test]
fn a_standby_that_was_never_heard_is_passed_over() {
	build_and_execute(|| {
		ail(12, down());
		ail(15, unheard());
		judged_block();
		blocks(1);
		assert_eq!(Session::validators(), [11, 16, 13, 14]);
	});
}

#[test]
fn the_standby_with_the_most_backing_is_first() {
	Stakes::set([(16, 900), (15, 800)].into());
	build_and_execute(|| {
		ail(12, down());
		judged_block();
		blocks(1);
		assert_eq!(Session::validators(), [11, 16, 13, 14]);
	});
}

#[test]
fn a_standby_without_keys_is_passed_over() {
	build_and_execute(|| {
		assert_ok!(Session::purge_keys(RuntimeOrigin::signed(15)));
		assert!(!<Session as ValidatorRegistration<u64>>::is_registered(&15));
		ail(12, down());
		judged_block();
		blocks(1);
		assert_eq!(Session::validators(), [11, 16, 13, 14]);
	});
}

#[test]
fn a_standby_that_loses_its_keys_at_the_last_moment_cancels_the_change() {
	build_and_execute(|| {
		// No session may end between the decision and the loss of the keys.
		MayRotate::set(false);
		ail(12, down());
		judged_block();
		assert_eq!(Progress::<Runtime>::get(), Stage::Decided);
		assert_ok!(Session::purge_keys(RuntimeOrigin::signed(15)));
		MayRotate::set(true);
		blocks(2);
		assert_eq!(Session::validators(), [11, 12, 13, 14]);
		assert_eq!(
			told(),
			[(RecordKind::Replaced, Some(12), Some(15)), (RecordKind::Cancelled, Some(12), Some(15))]
		);
		System::assert_has_event(Event::Cancelled { incident: 1, from: 12, to: Some(15) }.into());
		// A cancelled change does not count towards the cap: the next judgement seats the other
		// standby.
		assert_eq!(Rotation::evictions_left(), 1);
		judged_block();
		blocks(1);
		assert_eq!(Session::validators(), [11, 16, 13, 14]);
	});
}

#[test]
fn a_sitting_member_without_keys_gives_its_seat_to_a_standby() {
	build_and_execute(|| {
		assert_ok!(Session::purge_keys(RuntimeOrigin::signed(13)));
		next_session();
		assert_eq!(told(), [(RecordKind::Replaced, Some(13), Some(15))]);
		assert_eq!(Records::get()[0].initiator, Initiator::Member);
		next_session();
		assert_eq!(Session::validators(), [11, 12, 15, 14]);
	});
}

#[test]
fn nothing_changes_while_consensus_has_a_change_pending() {
	build_and_execute(|| {
		MayRotate::set(false);
		ail(12, down());
		judged_block();
		let session = Session::current_index();
		blocks(120);
		assert_eq!(Session::current_index(), session);
		MayRotate::set(true);
		blocks(2);
		assert_eq!(Session::validators(), [11, 15, 13, 14]);
	});
}

#[test]
fn who_came_back_before_the_session_could_end_keeps_the_seat() {
	build_and_execute(|| {
		MayRotate::set(false);
		ail(12, down());
		judged_block();
		heal(12);
		MayRotate::set(true);
		blocks(2);
		assert_eq!(Session::validators(), [11, 12, 13, 14]);
		assert_eq!(told()[1], (RecordKind::Cancelled, Some(12), Some(15)));
	});
}

#[test]
fn an_outage_that_became_systemic_before_the_session_could_end_evicts_nobody() {
	build_and_execute(|| {
		MayRotate::set(false);
		ail(12, down());
		judged_block();
		ail(13, down());
		MayRotate::set(true);
		blocks(2);
		assert_eq!(Session::validators(), [11, 12, 13, 14]);
	});
}

#[test]
fn what_is_on_its_way_is_not_overtaken() {
	build_and_execute(|| {
		MayRotate::set(false);
		SystemicAbove::set(9);
		CoolOff::set(1);
		ail(12, down());
		judged_block();
		ail(13, down());
		(0..5).for_each(|_| judged_block());
		assert_eq!(told(), [(RecordKind::Replaced, Some(12), Some(15))]);
	});
}

#[test]
fn a_replaced_member_that_recovered_is_a_standby_again() {
	build_and_execute(|| {
		ail(12, down());
		judged_block();
		blocks(CoolOff::get());
		heal(12);
		windows(4);
		ail(11, down());
		judged_block();
		blocks(1);
		// It has more backing than the other standby.
		assert_eq!(Session::validators(), [12, 15, 13, 14]);
	});
}

#[test]
fn a_replaced_member_that_is_still_silent_is_not_seated_again() {
	build_and_execute(|| {
		ail(12, down());
		judged_block();
		ail(12, suspect());
		blocks(CoolOff::get());
		ail(11, down());
		judged_block();
		blocks(1);
		assert_eq!(Session::validators(), [16, 15, 13, 14]);
	});
}

#[test]
fn the_historical_manager_is_the_same_manager() {
	build_and_execute(|| {
		type Historical = dyn Fn(u32) -> Option<Vec<(u64, ())>>;
		let plan: &Historical = &<Rotation as historical::SessionManager<u64, ()>>::new_session;
		assert_eq!(plan(9), None);
		Winners::set(Some(vec![11, 12, 13, 16]));
		assert_eq!(plan(10), Some(vec![(11, ()), (12, ()), (13, ()), (16, ())]));
		<Rotation as historical::SessionManager<u64, ()>>::start_session(10);
		assert_eq!(Rotation::active(), [11, 12, 13, 16]);
		Winners::set(Some(vec![11, 12, 13, 14]));
		let genesis = <Rotation as historical::SessionManager<u64, ()>>::new_session_genesis(11);
		assert_eq!(genesis.map(|set| set.len()), Some(4));
		<Rotation as historical::SessionManager<u64, ()>>::end_session(10);
		<Rotation as historical::SessionManager<u64, ()>>::start_session(11);
	});
}

#[test]
fn who_is_impaired_is_replaced_like_who_is_down() {
	build_and_execute(|| {
		ail(12, impaired());
		judged_block();
		blocks(2);
		assert_eq!(Rotation::active(), [11, 15, 13, 14]);
	});
}

#[test]
fn a_standby_whose_registration_expired_is_not_seated() {
	build_and_execute(|| {
		Expired::set(vec![15]);
		ail(12, down());
		judged_block();
		blocks(2);
		assert_eq!(Rotation::active(), [11, 16, 13, 14]);
	});
}

#[test]
fn a_standby_whose_registration_expires_before_it_sits_is_not_seated() {
	build_and_execute(|| {
		System::set_block_number(System::block_number() + 1);
		ail(12, down());
		Rotation::on_judgement(&Judge::judgement());
		Expired::set(vec![15]);
		blocks(3);
		assert_eq!(Rotation::active(), [11, 12, 13, 14]);
		assert_eq!(told().last().map(|(kind, ..)| *kind), Some(RecordKind::Cancelled));
	});
}
