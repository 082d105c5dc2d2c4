//! Members over which votes are counted, and their keys.

use understudy_primitives::ElectorateHandler;

use super::*;

#[test]
fn standbys_that_never_showed_themselves_do_not_hold_a_recovery_up() {
	build_and_execute(|| {
		Unready::set(vec![15, 16]);
		Recovery::on_readiness();
		degrade();
		// Three of the four active members are more than half, and more than two thirds can
		// finalize.
		assert_eq!((Recovery::status().members, Recovery::status().needed), (4, 3));
		unheard(there(15, anchor()), rejection::NOT_A_MEMBER);
		propose(&[11, 12, 13]);
		[11, 12, 13].into_iter().for_each(vote);
		standing(1, 18);
		assert_eq!(mode(), Mode::RecoveryInProgress);
	});
}

#[test]
fn a_change_of_readiness_in_flight_does_not_lower_the_quorum() {
	build_and_execute(|| {
		healthy(20);
		Unready::set(vec![15, 16]);
		Recovery::on_readiness();
		// Block 18 is final, and later changes are in flight: more than half of all six members
		// must be present, too.
		while mode() == Mode::Safe {
			block(18);
		}
		standing(1, 18);
		assert_eq!(Recovery::status().members, 4);
		gather(&[11, 12, 13]);
		standing(5, 18);
		assert_eq!(Recovery::status().proposal, None);
	});
}

#[test]
fn in_a_stall_readiness_holds_still_and_keys_do_not() {
	build_and_execute(|| {
		degrade();
		Unready::set(vec![15, 16]);
		Recovery::on_readiness();
		Moved::set(vec![(11, 19)]);
		Recovery::on_keys();
		standing(3, 18);
		assert_eq!(Recovery::status().members, 6);
		// One server has the key that was in force, and another one has the key that is: statements
		// of neither count until the change is final.
		unheard(there(11, anchor()), rejection::NO_KEY);
		gather(&[12]);
		// Readiness counts when the chain is safe again.
		healthy(40);
		assert_eq!((mode(), Recovery::status().members), (Mode::Safe, 4));
	});
}

/// A validator moves to another server: the new one has keys that come into force with the next
/// session, and the old one has those in force, including that of GRANDPA.
#[test]
fn a_member_that_moves_between_servers_votes_with_the_key_in_force() {
	build_and_execute(|| {
		healthy(20);
		Moved::set(vec![(11, 19)]);
		// The key is set but not in force: the chain has not been notified.
		while mode() == Mode::Safe {
			block(18);
		}
		standing(1, 18);
		let by_new = Signed { signature: sign(19, &there(11, anchor()).statement), ..there(11, anchor()) };
		unheard(by_new, rejection::BAD_SIGNATURE);
		gather(&[11]);
	});
}

#[test]
fn a_key_that_came_into_force_in_flight_is_nobodys() {
	build_and_execute(|| {
		healthy(20);
		Moved::set(vec![(11, 19)]);
		Recovery::on_keys();
		while mode() == Mode::Safe {
			block(18);
		}
		standing(1, 18);
		// One branch could accept a statement of one server, and another branch one of the other.
		unheard(there(11, anchor()), rejection::NO_KEY);
		let by_new = Signed { signature: sign(19, &there(11, anchor()).statement), ..there(11, anchor()) };
		unheard(by_new, rejection::NO_KEY);
		assert_eq!(Recovery::status().members, 6, "the member counts towards the quorum");
	});
}

#[test]
fn a_standby_that_comes_and_goes_does_not_fill_the_list() {
	build_and_execute(|| {
		healthy(20);
		for turn in 0..40 {
			Unready::set(if turn % 2 == 0 { vec![16] } else { vec![] });
			Recovery::on_readiness();
			block(18);
		}
		// Votes can be counted all the same.
		assert_eq!(mode(), Mode::DegradedSafe);
		gather(&[11, 12, 13]);
	});
}
