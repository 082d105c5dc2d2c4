//! Reseating for a recovery from excessive faults.

use frame_support::{assert_noop, assert_ok};
use understudy_primitives::{RecordKind, Seats};

use crate::{mock::*, Error, MembersOf, Pending, Planned, Progress, Stage};

fn kinds() -> Vec<RecordKind> {
	told().iter().map(|(kind, ..)| *kind).collect()
}

#[test]
fn the_living_take_the_seats_of_all_others_at_once() {
	build_and_execute(|| {
		Frozen::set(true);
		let living = [11, 14, 15, 16];
		assert_eq!(Rotation::reseated(&living), [11, 15, 16, 14]);
		Reseating::set(true);
		Activations::set(0);
		let incident = 5;
		Incidents::set(incident);
		Rotation::reseat(&Rotation::reseated(&living), incident);
		blocks(2);
		assert_eq!(Session::validators(), [11, 15, 16, 14]);
		assert_eq!(Activations::get(), 1);
		use RecordKind::*;
		assert_eq!(kinds(), [Replaced, Replaced, Seated, Seated]);
		assert!(Records::get().iter().all(|record| record.incident == incident));
		assert!(Charges::get().is_empty());
		assert!(Rotation::conduct(12).is_none());
	});
}

/// In the proposed set one standby retires, one is jailed and one has an expired registration. The
/// members voted for this set, so it is seated all the same.
#[test]
fn what_was_voted_for_is_seated_whatever_happens_to_its_members() {
	build_with(&[11, 12, 13, 14, 15, 16, 17, 18], || {
		ActiveTarget::set(4);
		Frozen::set(true);
		let set = Rotation::reseated(&[11, 15, 16, 17]);
		assert_eq!(set, [11, 15, 16, 17]);
		assert_ok!(Rotation::retire(RuntimeOrigin::signed(15)));
		Rotation::with_conduct(&16, |conduct| {
			conduct.fall(1, true, &Times::get());
		});
		Expired::set(vec![17]);
		// A set proposed now would be another one.
		assert_ne!(Rotation::reseated(&[11, 15, 16, 17, 18]), set);
		Reseating::set(true);
		Rotation::reseat(&set, 1);
		blocks(2);
		assert_eq!(Session::validators(), [11, 15, 16, 17]);
		assert_eq!(kinds().iter().filter(|kind| **kind == RecordKind::Seated).count(), 3);
		assert!(!kinds().contains(&RecordKind::Cancelled));
	});
}

#[test]
fn who_has_no_session_keys_is_not_proposed() {
	build_and_execute(|| {
		Frozen::set(true);
		assert_ok!(Session::purge_keys(RuntimeOrigin::signed(12)));
		assert_eq!(Rotation::reseated(&[11, 12, 13, 15]), [11, 15, 13, 14]);
	});
}

#[test]
fn where_no_seat_changes_hands_consensus_hears_of_it_all_the_same() {
	build_and_execute(|| {
		Frozen::set(true);
		Reseating::set(true);
		Activations::set(0);
		Rotation::reseat(&[11, 12, 13, 14], 1);
		blocks(1);
		assert_eq!(Activations::get(), 0);
		blocks(1);
		assert_eq!(Activations::get(), 1);
		assert_eq!(Session::validators(), [11, 12, 13, 14]);
		assert!(Records::get().is_empty());
	});
}

#[test]
fn seats_without_a_living_standby_go_but_for_the_floor() {
	build_with(&[11, 12, 13, 14, 15, 16, 17], || {
		ActiveTarget::set(4);
		Floor::set(3);
		// One standby is responsive, and three active members are not.
		assert_eq!(Rotation::reseated(&[11, 16]), [11, 16, 14]);
		assert_eq!(Rotation::reseated(&[11, 12, 16]), [11, 12, 16]);
		assert_eq!(Rotation::reseated(&[]), [12, 13, 14]);
	});
}

#[test]
fn while_finality_does_not_follow_everything_holds_still() {
	build_and_execute(|| {
		Frozen::set(true);
		ail(12, down());
		windows(5);
		Winners::set(Some(vec![11, 13, 14, 15, 16]));
		blocks(200);
		assert_eq!(Session::validators(), [11, 12, 13, 14]);
		assert_eq!(Progress::<Runtime>::get(), Stage::Idle);
		assert_noop!(Rotation::enforce(RuntimeOrigin::signed(1), 12), Error::<Runtime>::Frozen);
		assert_noop!(Rotation::force_evict(RuntimeOrigin::root(), 12), Error::<Runtime>::Frozen);
		assert_noop!(Rotation::force_seat(RuntimeOrigin::root(), 15, 12), Error::<Runtime>::Frozen);
		// Rotation resumes when the set is not frozen any more.
		Winners::set(None);
		Frozen::set(false);
		judged_block();
		blocks(1);
		assert_eq!(Session::validators()[1], 15);
	});
}

#[test]
fn what_was_queued_before_becomes_active_first() {
	build_and_execute(|| {
		Winners::set(Some(vec![11, 12, 13, 15, 16]));
		next_session();
		assert!(Rotation::is_changing());
		Frozen::set(true);
		blocks(1);
		assert!(!Rotation::is_changing());
		assert_eq!(Session::validators(), [11, 12, 13, 15]);
	});
}

#[test]
fn what_was_decided_before_comes_to_nothing() {
	build_and_execute(|| {
		MayRotate::set(false);
		ail(12, down());
		judged_block();
		assert_eq!(Progress::<Runtime>::get(), Stage::Decided);
		Frozen::set(true);
		MayRotate::set(true);
		blocks(20);
		assert_eq!(Session::validators(), [11, 12, 13, 14]);
		Reseating::set(true);
		Rotation::reseat(&[11, 12, 16, 14], 1);
		assert_eq!(Pending::<Runtime>::get().len(), 1);
		blocks(2);
		assert_eq!(Session::validators(), [11, 12, 16, 14]);
		use RecordKind::*;
		assert_eq!(kinds(), [Replaced, Cancelled, Replaced, Seated]);
		assert_ok!(Rotation::do_try_state());
	});
}

/// The rosters that finality has not passed are bounded: sessions wait, and a recovery does not.
#[test]
fn no_session_ends_while_finality_lags_behind_too_many_rosters() {
	build_and_execute(|| {
		HasRoom::set(false);
		let session = Session::current_index();
		ail(12, down());
		judged_block();
		blocks(3 * Period::get());
		assert_eq!((Session::current_index(), Progress::<Runtime>::get()), (session, Stage::Decided));
		assert_eq!(Session::validators(), [11, 12, 13, 14]);
		Frozen::set(true);
		Reseating::set(true);
		blocks(1);
		assert!(Session::current_index() > session);
		Reseating::set(false);
		// A set that was queued before a stall becomes active in it; otherwise no recovery could
		// begin.
		let session = Session::current_index();
		Planned::<Runtime>::put(MembersOf::<Runtime>::truncate_from(vec![11, 12, 13, 14]));
		blocks(1);
		assert!(Session::current_index() > session);
		Frozen::set(false);
		let session = Session::current_index();
		blocks(3 * Period::get());
		assert_eq!(Session::current_index(), session);
		HasRoom::set(true);
		blocks(1);
		assert!(Session::current_index() > session);
	});
}
