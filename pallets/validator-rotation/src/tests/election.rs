//! Effects of elections, and their limits.

use frame_support::assert_ok;
use understudy_primitives::{Evidence, Initiator, RecordKind};

use crate::{mock::*, Elected};

fn elected() -> Vec<u64> {
	Elected::<Runtime>::get().into_iter().map(|winner| winner.who).collect()
}

fn elect(winners: &[u64]) {
	Winners::set(Some(winners.to_vec()));
	next_session();
}

fn give_keys(who: u64) {
	System::inc_providers(&who);
	assert_ok!(Session::set_keys(
		RuntimeOrigin::signed(who),
		sp_runtime::testing::UintAuthorityId(who),
		vec![]
	));
}

#[test]
fn an_election_is_recorded_and_takes_effect_a_session_later() {
	build_and_execute(|| {
		elect(&[11, 12, 13, 15, 16]);
		assert_eq!(Session::validators(), [11, 12, 13, 14]);
		assert_eq!(told(), [(RecordKind::Elected, None, None)]);
		assert_eq!(Records::get()[0].initiator, Initiator::Election);
		assert!(matches!(Records::get()[0].evidence[..], [Evidence::Set(_)]));
		next_session();
		assert_eq!(Session::validators(), [11, 12, 13, 15]);
		assert_eq!(Rotation::reserve(), [16]);
	});
}

#[test]
fn the_same_election_again_changes_nothing() {
	build_and_execute(|| {
		let before = Changes::get();
		elect(&[11, 12, 13, 14, 15, 16]);
		next_session();
		assert_eq!(Changes::get(), before);
		assert!(Records::get().is_empty());
		assert!(Rosters::get().is_empty());
	});
}

#[test]
fn another_reserve_is_another_roster_and_the_same_set() {
	build_and_execute(|| {
		let before = Changes::get();
		elect(&[11, 12, 13, 14, 16]);
		assert_eq!(Rotation::reserve(), [15, 16]);
		next_session();
		assert_eq!(Rotation::reserve(), [16]);
		assert_eq!(Rosters::get(), [(vec![11, 12, 13, 14], vec![16])]);
		assert_eq!(Changes::get(), before);
	});
}

#[test]
fn more_backing_wins_a_seat_at_an_election() {
	build_and_execute(|| {
		Stakes::set([(15, 5_000)].into());
		elect(&[11, 12, 13, 14, 15, 16]);
		next_session();
		assert_eq!(Session::validators(), [11, 12, 13, 15]);
		assert_eq!(Rotation::reserve(), [14, 16]);
	});
}

#[test]
fn who_is_new_waits_in_the_reserve_however_much_backs_it() {
	build_and_execute(|| {
		give_keys(10);
		elect(&[10, 11, 12, 13, 14]);
		next_session();
		assert_eq!(Session::validators(), [11, 12, 13, 14]);
		assert_eq!(Rotation::reserve(), [10]);
		// With a sign of life, the next election seats it.
		elect(&[10, 11, 12, 13, 14]);
		next_session();
		assert_eq!(Session::validators(), [11, 12, 13, 10]);
	});
}

#[test]
fn an_ill_standby_is_elected_but_not_seated() {
	build_and_execute(|| {
		Stakes::set([(15, 5_000)].into());
		ail(15, suspect());
		elect(&[11, 12, 13, 14, 15, 16]);
		next_session();
		assert_eq!(Session::validators(), [11, 12, 13, 14]);
	});
}

#[test]
fn an_election_does_not_unseat_for_being_ill() {
	build_and_execute(|| {
		ail(12, down());
		ail(13, down());
		elect(&[11, 12, 13, 14, 15, 16]);
		next_session();
		assert_eq!(Session::validators(), [11, 12, 13, 14]);
	});
}

#[test]
fn an_election_that_drops_a_member_while_it_is_being_replaced_does_both() {
	build_and_execute(|| {
		ail(12, down());
		blocks(48);
		MayRotate::set(false);
		judged_block();
		MayRotate::set(true);
		elect(&[11, 13, 14, 15, 16]);
		next_session();
		assert_eq!(Session::validators(), [11, 15, 13, 14]);
		let kinds: Vec<RecordKind> = told().iter().map(|(kind, ..)| *kind).collect();
		assert_eq!(kinds, [RecordKind::Replaced, RecordKind::Elected, RecordKind::Cancelled]);
	});
}

#[test]
fn who_was_elected_without_keys_is_not_seated() {
	build_and_execute(|| {
		elect(&[1, 11, 12, 13]);
		next_session();
		// 14 was not elected, and stays to hold the floor; 1 gets no place in the reserve either.
		assert_eq!(Session::validators(), [11, 12, 13, 14]);
		assert!(Rotation::reserve().is_empty());
	});
}

#[test]
fn an_election_never_goes_below_the_floor_as_long_as_members_sit() {
	build_with(&[11, 12, 13, 14, 15, 16], || {
		Floor::set(4);
		elect(&[1, 2, 15, 13]);
		next_session();
		assert_eq!(Session::validators(), [11, 12, 13, 15]);
		// Above the floor an election may shrink the set, and does.
		Floor::set(2);
		elect(&[1, 2, 15, 13]);
		next_session();
		assert_eq!(Session::validators(), [13, 15]);
	});
}

#[test]
fn an_election_without_a_single_key_keeps_the_set() {
	build_and_execute(|| {
		elect(&[1, 2, 3]);
		next_session();
		assert_eq!(Session::validators(), [11, 12, 13, 14]);
		assert!(Records::get().is_empty());
	});
}

#[test]
fn winners_beyond_the_bound_are_cut_off_by_backing() {
	MaxMembers::set(5);
	build_with(&[16, 15, 14, 13, 12, 11], || {
		assert_eq!(elected(), [11, 12, 13, 14, 15]);
	});
}

#[test]
fn an_account_that_is_elected_twice_counts_once() {
	build_and_execute(|| {
		elect(&[11, 11, 12, 13, 14, 14]);
		assert_eq!(elected(), [11, 12, 13, 14]);
	});
}

#[test]
fn an_empty_election_keeps_the_set() {
	build_and_execute(|| {
		elect(&[]);
		next_session();
		assert_eq!(Session::validators(), [11, 12, 13, 14]);
	});
}

#[test]
fn an_election_seats_nobody_whose_registration_expired_but_keeps_who_sits() {
	build_and_execute(|| {
		Expired::set(vec![12, 17]);
		Winners::set(Some(vec![11, 12, 13, 14, 17, 15]));
		Stakes::set([(17, 5_000)].into());
		next_session();
		next_session();
		assert_eq!(Rotation::active(), [11, 12, 13, 14]);
	});
}
