//! From the attestations to the seated set.

use super::*;

#[test]
fn who_was_there_long_ago_is_asked_again() {
	build_and_execute(|| {
		degrade();
		gather(&[11, 15, 16]);
		standing(ROUND_LENGTH.into(), 18);
		assert_eq!(Recovery::status().present, 0);
		// With those three it would be enough.
		gather(&[12]);
		standing(3, 18);
		assert_eq!((Recovery::status().present, Recovery::status().proposal), (1, None));
	});
}

/// Any account could submit an attestation of an earlier round again when the member is
/// unresponsive.
#[test]
fn an_attestation_of_an_earlier_round_does_not_count() {
	build_and_execute(|| {
		degrade();
		let stale: Vec<_> = [11, 15, 16].map(|who| there(who, anchor())).into();
		gather(&[11, 15, 16]);
		standing(ROUND_LENGTH.into(), 18);
		assert_eq!((Recovery::status().present, Status::<Runtime>::get().round), (0, 1));
		for signed in stale {
			unheard(signed, rejection::WRONG_ROUND);
		}
		gather(&[11, 12, 15, 16]);
		// A new stall begins with round 0.
		healthy(40);
		assert_eq!((mode(), Status::<Runtime>::get().round), (Mode::Safe, 0));
	});
}

#[test]
fn nothing_is_proposed_or_forced_while_consensus_or_the_set_is_changing() {
	build_and_execute(|| {
		degrade();
		gather(&[11, 12, 15, 16]);
		let hindrances: [fn(bool); 2] = [Changing::set, |hindered| MayForce::set(!hindered)];
		for hinder in hindrances {
			hinder(true);
			standing(2, 18);
			assert_eq!(Recovery::status().proposal, None);
		}
		hindrances.iter().for_each(|hinder| hinder(false));
		propose(&[]);
		[11, 12, 15, 16].into_iter().for_each(vote);
		for hinder in hindrances {
			hinder(true);
			standing(2, 18);
			assert_eq!(mode(), Mode::DegradedSafe);
		}
		hindrances.iter().for_each(|hinder| hinder(false));
		standing(1, 18);
		assert_eq!(mode(), Mode::RecoveryInProgress);
	});
}

#[test]
fn what_was_voted_for_is_seated_whatever_moves_meanwhile() {
	build_and_execute(|| {
		degrade();
		propose(&[11, 12, 15, 16]);
		let set = crate::Proposed::<Runtime>::get().expect("it was proposed").into_inner();
		[11, 12, 15].into_iter().for_each(vote);
		// Rotation would now propose another set, for whatever reason.
		Active::set(vec![11, 13, 14]);
		Reserve::set(vec![15, 16]);
		let present = Present::<Runtime>::get();
		assert_ne!(<TestSeats as understudy_primitives::Seats<u64>>::reseated(&present), set);
		vote(16);
		standing(1, 18);
		assert_eq!(mode(), Mode::RecoveryInProgress);
		assert_eq!(Reseated::get(), [set]);
	});
}

#[test]
fn who_was_there_must_vote_too() {
	build_and_execute(|| {
		seat(&(11..18).collect::<Vec<_>>(), &[]);
		degrade();
		propose(&[11, 12, 13, 14, 15]);
		// Four of seven are more than half, but not more than two thirds of the seats.
		(11..15).for_each(vote);
		standing(5, 18);
		assert_eq!(mode(), Mode::DegradedSafe);
		vote(16);
		standing(1, 18);
		assert_eq!(mode(), Mode::RecoveryInProgress);
	});
}

#[test]
fn too_few_living_for_the_seats_wait() {
	build_and_execute(|| {
		// Without a reserve, four of seven are more than half, but not more than two thirds.
		seat(&(11..18).collect::<Vec<_>>(), &[]);
		degrade();
		gather(&[11, 12, 13, 14]);
		standing(5, 18);
		assert_eq!(Recovery::status().proposal, None);
		propose(&[15]);
		assert_eq!(mode(), Mode::DegradedSafe);
	});
}

#[test]
fn votes_must_be_enough_of_every_roster_in_flight() {
	build_and_execute(|| {
		healthy(19);
		SetId::set(1);
		// 11 and 12 lose their seats, and that is not final when finality stops.
		seat(&[15, 16, 13, 14], &[]);
		while mode() == Mode::Safe {
			block(18);
		}
		standing(1, 18);
		assert_eq!(Recovery::status().members, 4);
		// These are all members of the new roster but one, but only half of the old one.
		gather(&[15, 16, 13]);
		standing(5, 18);
		assert_eq!(Recovery::status().proposal, None);
		propose(&[11]);
		[15, 16, 13, 11].into_iter().for_each(vote);
		standing(1, 18);
		assert_eq!(mode(), Mode::RecoveryInProgress);
		Recovery::on_activation();
		// The change to set 1 is not final, and is dropped.
		assert_eq!(Forced::get(), [(4, 18, 0)]);
	});
}

#[test]
fn a_rotation_that_is_final_is_not_in_flight() {
	build_and_execute(|| {
		healthy(10);
		SetId::set(1);
		seat(&[15, 16, 13, 14], &[]);
		degrade();
		propose(&[15, 16, 13]);
		[15, 16, 13].into_iter().for_each(vote);
		standing(1, 18);
		Recovery::on_activation();
		assert_eq!(Forced::get(), [(4, 18, 1)]);
	});
}

#[test]
fn the_base_is_what_an_honest_voter_has_finalized() {
	build_and_execute(|| {
		degrade();
		propose(&[11, 12, 15, 16]);
		for (who, base) in [(11, 18), (12, 17), (15, 16), (16, 10)] {
			assert_ok!(Recovery::vote(authorized(), signed(who, proposal(), base)));
		}
		standing(1, 18);
		Recovery::on_activation();
		assert_eq!(Forced::get(), [(4, 17, 0)]);
	});
}
