//! Members that equivocated in consensus.

use frame_support::{assert_noop, assert_ok};
use sp_core::H256;
use understudy_primitives::{EquivocationHandler, Evidence, Initiator, RecordKind};

use crate::{lifecycle::Absence, mock::*, Error};

fn proof(round: u64) -> Evidence {
	Evidence::Equivocation { session: 0, set: 0, round, proof: H256::repeat_byte(7) }
}

fn equivocate(who: u64) {
	Rotation::on_equivocation(&who, proof(1));
}

fn kinds() -> Vec<RecordKind> {
	told().iter().map(|(kind, ..)| *kind).collect()
}

#[test]
fn an_equivocator_loses_its_seat_at_once_and_for_good() {
	build_and_execute(|| {
		equivocate(12);
		let record = Records::get()[0].clone();
		assert_eq!((record.kind, record.subject), (RecordKind::Equivocated, Some(12)));
		assert_eq!((record.initiator, record.evidence), (Initiator::Anyone, vec![proof(1)]));
		// The next block judges, the one after it seats the standby.
		blocks(2);
		assert_eq!(Session::validators(), [11, 15, 13, 14]);
		use RecordKind::*;
		assert_eq!(kinds(), [Equivocated, Replaced, Seated]);
		assert!(Records::get().iter().all(|other| other.incident == record.incident));
		// The offences pallet has charged it already, and no time brings it back.
		assert!(Charges::get().is_empty());
		windows(2_000);
		assert_eq!(Rotation::conduct(12).and_then(|conduct| conduct.absence), Some(Absence::Expelled));
		for who in [11, 13] {
			ail(who, down());
			windows(30);
		}
		assert!(!Session::validators().contains(&12));
		assert_noop!(Rotation::rejoin(RuntimeOrigin::signed(12)), Error::<Runtime>::NotRetired);
		assert_noop!(Rotation::retire(RuntimeOrigin::signed(12)), Error::<Runtime>::InJail);
	});
}

#[test]
fn suspended_automation_and_a_veto_do_not_keep_an_equivocator_in_its_seat() {
	build_and_execute(|| {
		assert_ok!(Rotation::suspend_automation(RuntimeOrigin::root()));
		equivocate(12);
		blocks(2);
		assert_eq!(Session::validators(), [11, 15, 13, 14]);
	});
}

/// The session pallet enables all members when the set changes.
#[test]
fn an_equivocator_that_must_sit_stays_disabled_whatever_changes() {
	build_with(&[11, 12, 13, 14], || {
		equivocate(12);
		blocks(3);
		assert_eq!(Session::validators(), [11, 12, 13, 14], "12 stays to hold the floor");
		next_session();
		let session = Session::current_index();
		assert!(Disabled::get().contains(&(session, 1)));
		// Another member has more backing now, and the set changes.
		Stakes::set([(15, 5_000)].into());
		System::inc_providers(&15);
		assert_ok!(Session::set_keys(
			RuntimeOrigin::signed(15),
			sp_runtime::testing::UintAuthorityId(15),
			vec![]
		));
		Floor::set(5);
		ActiveTarget::set(5);
		Winners::set(Some(vec![11, 12, 13, 14, 15]));
		next_session();
		next_session();
		let session = Session::current_index();
		let seat = Session::validators().iter().position(|who| *who == 12).expect("it sits") as u32;
		assert!(Session::validators().contains(&15));
		assert!(Disabled::get().contains(&(session, seat)));
	});
}

#[test]
fn no_more_seats_are_disabled_than_the_set_bears() {
	build_with(&[11, 12, 13, 14], || {
		[12, 13, 14].into_iter().for_each(equivocate);
		next_session();
		let session = Session::current_index();
		assert_eq!(Disabled::get().iter().filter(|(at, _)| *at == session).count(), 1);
	});
}

#[test]
fn a_systemic_outage_and_a_stall_hold_an_expulsion_up_and_no_more() {
	build_and_execute(|| {
		Frozen::set(true);
		equivocate(12);
		windows(10);
		assert_eq!(Session::validators(), [11, 12, 13, 14]);
		Frozen::set(false);
		SystemicAbove::set(0);
		ail(13, down());
		windows(10);
		assert_eq!(Session::validators(), [11, 12, 13, 14]);
		heal(13);
		windows(3);
		assert_eq!(Session::validators(), [11, 15, 13, 14]);
	});
}

#[test]
fn a_standby_that_equivocates_is_not_seated() {
	build_and_execute(|| {
		equivocate(15);
		ail(12, down());
		judged_block();
		blocks(2);
		assert_eq!(Session::validators(), [11, 16, 13, 14]);
		assert_noop!(Rotation::force_seat(RuntimeOrigin::root(), 15, 11), Error::<Runtime>::CannotBeSeated);
	});
}

#[test]
fn further_proofs_of_an_expelled_member_change_nothing() {
	build_and_execute(|| {
		equivocate(12);
		let records = Records::get().len();
		(2..100).for_each(|round| Rotation::on_equivocation(&12, proof(round)));
		assert_eq!(Records::get().len(), records);
	});
}

#[test]
fn the_guardians_pardon_an_expelled_member() {
	build_and_execute(|| {
		assert_noop!(Rotation::pardon(RuntimeOrigin::root(), 12), Error::<Runtime>::NotExpelled);
		equivocate(12);
		blocks(2);
		assert_noop!(Rotation::pardon(RuntimeOrigin::signed(12), 12), sp_runtime::DispatchError::BadOrigin);
		assert_ok!(Rotation::pardon(RuntimeOrigin::root(), 12));
		windows(5);
		assert_eq!(Rotation::conduct(12), None);
		ail(11, down());
		windows(30);
		assert!(Session::validators().contains(&12));
	});
}

#[test]
fn planned_hand_overs_are_bounded_in_sum() {
	build_with(&[11, 12, 13, 14, 15, 16, 17, 18], || {
		ActiveTarget::set(4);
		Breaker::mutate(|rules| rules.evictions = 2);
		for _ in 0..2 {
			let who = Session::validators()[0];
			assert_ok!(Rotation::retire(RuntimeOrigin::signed(who)));
			windows(30);
			assert!(!Session::validators().contains(&who));
		}
		let who = Session::validators()[0];
		let refused = Rotation::retire(RuntimeOrigin::signed(who));
		assert_noop!(refused, Error::<Runtime>::TooManyRetirements);
		windows(600);
		assert_ok!(Rotation::retire(RuntimeOrigin::signed(who)));
	});
}
