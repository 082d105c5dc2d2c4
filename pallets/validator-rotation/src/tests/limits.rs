//! Limits of rotation, and systemic outages.

use frame_support::{assert_err, hypothetically, BoundedVec};
use understudy_primitives::RecordKind;

use crate::{
	breaker::Eviction, lifecycle::Conduct, mock::*, Active, Case, Cases, Cause, Change, Conducts, Elected,
	Event, Evictions, Pending, Retiring, Winner,
};

fn winner(who: u64, backing: u128) -> Winner<u64> {
	Winner { who, backing }
}

#[test]
fn at_most_a_third_lose_their_seats_in_one_cool_off() {
	SystemicAbove::set(9);
	ActiveTarget::set(7);
	build_with(&[11, 12, 13, 14, 15, 16, 17, 18, 19, 20], || {
		assert_eq!(Rotation::evictions_left(), 2);
		for who in [11, 12, 13] {
			ail(who, down());
		}
		judged_block();
		blocks(1);
		assert_eq!(Session::validators(), [18, 19, 13, 14, 15, 16, 17]);
		assert_eq!(Rotation::evictions_left(), 0);
		System::assert_has_event(Event::NotReplaced { who: 13 }.into());

		judged_block();
		blocks(CoolOff::get() - 3);
		assert_eq!(Session::validators(), [18, 19, 13, 14, 15, 16, 17]);
		judged_block();
		assert_eq!(Rotation::evictions_left(), 1);
		blocks(1);
		assert_eq!(Session::validators(), [18, 19, 20, 14, 15, 16, 17]);
	});
}

#[test]
fn the_cool_off_slides_with_each_eviction() {
	SystemicAbove::set(9);
	ActiveTarget::set(7);
	build_with(&[11, 12, 13, 14, 15, 16, 17, 18, 19, 20], || {
		ail(11, down());
		judged_block();
		blocks(9);
		ail(12, down());
		judged_block();
		assert_eq!(Rotation::evictions_left(), 0);
		blocks(10);
		assert_eq!(Rotation::evictions_left(), 1);
		blocks(10);
		assert_eq!(Rotation::evictions_left(), 2);
	});
}

#[test]
fn in_a_systemic_outage_nobody_loses_a_seat() {
	build_and_execute(|| {
		ail(12, down());
		ail(13, down());
		(0..30).for_each(|_| judged_block());
		assert_eq!(Session::validators(), [11, 12, 13, 14]);
		assert_eq!(told(), [(RecordKind::Held, None, None)]);

		// More members failed than may. The outage lasts for one more window, in which the others can
		// return.
		heal(13);
		judged_block();
		assert_eq!(told(), [(RecordKind::Held, None, None)]);
		assert_err!(Rotation::enforce(RuntimeOrigin::signed(1), 12), crate::Error::<Runtime>::Systemic);
		judged_block();
		assert_eq!(told()[1], (RecordKind::Resumed, None, None));
		assert_eq!(Records::get()[0].incident, Records::get()[1].incident);
		blocks(1);
		assert_eq!(Session::validators(), [11, 15, 13, 14]);
	});
}

#[test]
fn a_member_that_comes_and_goes_does_not_freeze_rotation_for_ever() {
	build_and_execute(|| {
		ail(12, down());
		for _ in 0..3 {
			ail(13, down());
			judged_block();
			heal(13);
			judged_block();
		}
		blocks(1);
		assert_eq!(Session::validators(), [11, 15, 13, 14]);
	});
}

#[test]
fn suspects_that_do_not_fail_hold_rotation_no_longer_than_they_are_suspects() {
	build_and_execute(|| {
		ail(12, down());
		ail(13, suspect());
		judged_block();
		heal(13);
		judged_block();
		assert_eq!(told()[1], (RecordKind::Resumed, None, None));
		blocks(1);
		assert_eq!(Session::validators(), [11, 15, 13, 14]);
	});
}

#[test]
fn three_bear_no_fault_and_evict_nobody() {
	ActiveTarget::set(3);
	Floor::set(0);
	build_with(&[11, 12, 13, 14], || {
		ail(11, down());
		(0..5).for_each(|_| judged_block());
		assert_eq!(Session::validators(), [11, 12, 13]);
		assert_eq!(Rotation::evictions_left(), 0);
	});
}

#[test]
fn the_floor_holds_where_there_is_no_standby() {
	build_with(&[11, 12, 13, 14], || {
		ail(11, down());
		(0..5).for_each(|_| judged_block());
		assert_eq!(Session::validators(), [11, 12, 13, 14]);
		System::assert_has_event(Event::NotReplaced { who: 11 }.into());
		assert!(Records::get().is_empty());
	});
}

#[test]
fn above_the_floor_the_set_shrinks_where_there_is_no_standby() {
	ActiveTarget::set(5);
	build_with(&[11, 12, 13, 14, 15], || {
		ail(12, down());
		judged_block();
		blocks(1);
		assert_eq!(Session::validators(), [11, 13, 14, 15]);
		assert_eq!(told(), [(RecordKind::Removed, Some(12), None), (RecordKind::Seated, Some(12), None)]);
		assert_eq!(Rotation::reserve(), [12]);
	});
}

#[test]
fn two_members_that_fall_in_one_window_are_replaced_together() {
	SystemicAbove::set(9);
	ActiveTarget::set(7);
	build_with(&[11, 12, 13, 14, 15, 16, 17, 18, 19], || {
		let before = Changes::get();
		ail(12, down());
		ail(15, down());
		judged_block();
		blocks(1);
		assert_eq!(Session::validators(), [11, 18, 13, 14, 19, 16, 17]);
		assert_eq!(Changes::get(), before + 1);
		let incidents: Vec<u64> = Records::get().iter().map(|record| record.incident).collect();
		assert_eq!(incidents, [1, 2, 1, 2]);
	});
}

#[test]
fn try_state_notices_what_must_not_be() {
	build_and_execute(|| {
		hypothetically!({
			Active::<Runtime>::put(BoundedVec::truncate_from(vec![11, 12, 13, 15]));
			assert_err!(Rotation::do_try_state(), "somebody sits twice");
		});
		hypothetically!({
			Pending::<Runtime>::put(BoundedVec::truncate_from(vec![Change {
				incident: 1,
				from: 11,
				to: None,
				cause: Cause::Down,
			}]));
			assert_err!(Rotation::do_try_state(), "changes are pending and nothing is on its way, or not");
		});
		hypothetically!({
			let eviction = Eviction {
				incident: 1,
				who: 11,
				at: 1,
				gone: None,
				seated: 4,
				cause: Cause::Down,
				automatic: true,
				unnecessary: false,
				counts_until: 100,
			};
			Evictions::<Runtime>::put(BoundedVec::truncate_from(vec![eviction; 3]));
			assert_err!(Rotation::do_try_state(), "more members lost their seats than the cap allows");
		});
		hypothetically!({
			Elected::<Runtime>::put(BoundedVec::truncate_from(vec![winner(11, 1), winner(11, 1)]));
			assert_err!(Rotation::do_try_state(), "somebody was elected twice");
		});
		hypothetically!({
			Elected::<Runtime>::put(BoundedVec::truncate_from(vec![winner(11, 1), winner(12, 2)]));
			assert_err!(Rotation::do_try_state(), "the elected are not in the order of their backing");
		});
		hypothetically!({
			let conduct = Conduct::clean(1);
			Conducts::<Runtime>::put(BoundedVec::truncate_from(vec![(11, conduct), (11, conduct)]));
			assert_err!(Rotation::do_try_state(), "of somebody two things are remembered");
		});
		hypothetically!({
			let case = Case { incident: 1, who: 11, verdict: down(), expires: 9, vetoed: false };
			Cases::<Runtime>::put(BoundedVec::truncate_from(vec![case.clone(), case]));
			assert_err!(Rotation::do_try_state(), "somebody has two cases");
		});
		hypothetically!({
			Retiring::<Runtime>::put(BoundedVec::truncate_from(vec![15]));
			assert_err!(Rotation::do_try_state(), "somebody retires twice, or from no seat");
		});
	});
}
