//! Effect of a new roster on the counters.

use understudy_primitives::{Health, RosterHandler, Verdicts};

use crate::{
	chunks::{self, CounterTable, Mark},
	counters::MemberCounters,
	mock::*,
	Marks, MemberKeys, Members, Window,
};

fn evidence_of(index: u32) -> MemberCounters {
	*CounterTable::<Runtime>::read(&Window::<Runtime>::get().roster).get(index).expect("a member")
}

#[test]
fn evidence_follows_the_member_to_its_new_index() {
	build_and_execute(|| {
		run(1..21, &[]);
		run(21..31, &[2]);
		let before = evidence_of(2);
		assert!(before.missed_slots > 0);
		Heartbeat::on_roster(&[12, 10, 11, 13], &[14]);
		assert_eq!(evidence_of(0), before);
	});
}

#[test]
fn who_is_seated_gets_grace_and_who_is_unseated_keeps_its_silence() {
	build_and_execute(|| {
		run(1..21, &[]);
		run(21..53, &[2]);
		assert_eq!(evidence_of(2).health, Health::Down);
		Heartbeat::on_roster(&[10, 11, 14, 13], &[12, 15]);
		let seated = evidence_of(2);
		assert_eq!((seated.grace, seated.missed_slots, seated.heard), (2, 0, true));
		let unseated = evidence_of(4);
		assert_eq!(unseated.missed_slots, 0);
		assert!(unseated.missed_windows > 0);
		// The silence that is kept prevents it from being mistaken for a healthy standby.
		assert!(Heartbeat::judgement().unhealthy.iter().any(|judged| judged.index == 4));
	});
}

#[test]
fn a_newcomer_must_be_heard_before_it_counts_as_healthy() {
	build_and_execute(|| {
		Heartbeat::on_roster(&[10, 11, 12, 13], &[14, 15, 16]);
		let suspect = |index| Heartbeat::judgement().unhealthy.iter().any(|judged| judged.index == index);
		run(1..21, &[6]);
		assert!(suspect(6) && !suspect(5));
		run(21..41, &[]);
		assert!(!suspect(6));
	});
}

#[test]
fn a_smaller_roster_leaves_nothing_behind() {
	build_and_execute(|| {
		let many: Vec<u64> = (100..2_600).collect();
		Heartbeat::on_roster(&many[..2_000], &many[2_000..]);
		chunks::mark::<Runtime>(Mark::Seen, 2_499);
		Heartbeat::do_try_state().expect("the pallet's invariants hold");
		Heartbeat::on_roster(&[10], &[]);
		assert_eq!(Members::<Runtime>::iter().count(), 1);
		assert_eq!(MemberKeys::<Runtime>::iter().count(), 1);
		assert_eq!(Marks::<Runtime>::iter().count(), 0);
		assert_eq!(crate::Counters::<Runtime>::iter().count(), 1);
	});
}

#[test]
fn members_beyond_the_bound_are_not_watched() {
	MaxMembers::set(3);
	build_and_execute(|| {
		let roster = Window::<Runtime>::get().roster;
		assert_eq!((roster.active, roster.total), (3, 3));
		Heartbeat::on_roster(&[10, 11], &[12, 13]);
		let roster = Window::<Runtime>::get().roster;
		assert_eq!((roster.active, roster.total), (2, 3));
	});
}

#[test]
fn each_roster_has_an_id_of_its_own() {
	build_and_execute(|| {
		let first = Window::<Runtime>::get().roster.id;
		Heartbeat::on_roster(&[10, 11, 12, 13], &[14, 15]);
		assert_eq!(Window::<Runtime>::get().roster.id, first + 1);
	});
}

#[test]
fn bits_of_different_members_do_not_touch() {
	build_and_execute(|| {
		let many: Vec<u64> = (100..2_600).collect();
		Heartbeat::on_roster(&many, &[]);
		for index in [0, 7, 8, 1_023, 1_024, 2_499] {
			assert!(!chunks::is_marked::<Runtime>(Mark::Seen, index));
			assert!(chunks::mark::<Runtime>(Mark::Seen, index));
			assert!(!chunks::mark::<Runtime>(Mark::Seen, index));
		}
		chunks::turn_marks::<Runtime>(&Window::<Runtime>::get().roster);
		let mut marks = chunks::MarkTable::<Runtime>::default();
		let all: Vec<u32> = (0..2_500).filter(|index| marks.has(Mark::SeenBefore, *index)).collect();
		assert_eq!(all, [0, 7, 8, 1_023, 1_024, 2_499]);
		assert!(!(0..2_500).any(|index| marks.has(Mark::Seen, index)));
	});
}
