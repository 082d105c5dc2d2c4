//! Judgements that follow from blocks and silence.

use frame_support::{assert_err, hypothetically, traits::Hooks, weights::Weight};
use sp_runtime::Perbill;
use understudy_primitives::{Electorate, Health, Judged, RosterHandler, Seat, Verdicts};

use crate::{
	chunks::{self, Mark},
	counters,
	mock::*,
	Counters, Event, LastSlot, Marks, Members, Window,
};

/// Returns the last judgement's verdict on a member; `None` if it was healthy.
fn last(index: u32) -> Option<Judged> {
	let all = Judgements::get();
	all.last().expect("a window was judged").unhealthy.iter().find(|judged| judged.index == index).copied()
}

fn health(index: u32) -> Health {
	last(index).map_or(Health::Healthy, |judged| judged.verdict.health)
}

#[test]
fn a_missed_slot_that_makes_a_member_down_is_judged_at_once() {
	build_and_execute(|| {
		run(1..21, &[]);
		run(21..33, &[2]);
		// Four windows of silence and five slots are counted already; the sixth slot decides, in
		// the middle of a window.
		Counters::<Runtime>::mutate(0, |chunk| chunk[2].missed_windows = 4);
		Counters::<Runtime>::mutate(0, |chunk| chunk[2].missed_slots = 5);
		WindowLength::set(40);
		let (judged, window) = (Judgements::get().len(), Window::<Runtime>::get());
		Window::<Runtime>::mutate(|window| window.started = System::block_number());
		run(33..36, &[2]);
		assert_eq!(Window::<Runtime>::get().index, window.index);
		assert_eq!(Judgements::get().len(), judged + 1);
		assert_eq!(health(2), Health::Down);
	});
}

#[test]
fn a_network_where_all_author_is_healthy() {
	build_and_execute(|| {
		run(1..41, &[]);
		assert_eq!(Judgements::get().last().map(|last| last.unhealthy.clone()), Some(vec![]));
		assert!(Judgements::get().iter().all(|judgement| !judgement.systemic));
	});
}

#[test]
fn a_dead_author_is_down_after_longer_on_slots_and_silence_alone() {
	build_and_execute(|| {
		run(1..21, &[]);
		run(21..50, &[2]);
		let judged = last(2).expect("it is not healthy");
		assert_eq!((judged.seat, judged.verdict.health), (Seat::Active, Health::Down));
		assert!(judged.verdict.detectors.slots && judged.verdict.detectors.heartbeats);
		assert_eq!([health(0), health(1), health(3)], [Health::Healthy; 3]);
	});
}

#[test]
fn a_member_that_comes_back_is_healthy_again() {
	build_and_execute(|| {
		run(1..21, &[]);
		run(21..36, &[2]);
		run(36..48, &[]);
		assert_eq!(health(2), Health::Healthy);
	});
}

#[test]
fn an_author_that_heartbeats_but_misses_slots_is_not_down() {
	build_and_execute(|| {
		run(1..21, &[]);
		for round in 5..15u64 {
			run(round * 4 + 1..round * 4 + 5, &[2]);
			chunks::mark::<Runtime>(Mark::Seen, 2);
		}
		let judged = last(2).expect("it is not healthy");
		assert_eq!(judged.verdict.health, Health::Suspect);
		assert!(judged.verdict.detectors.slots && !judged.verdict.detectors.heartbeats);
	});
}

#[test]
fn a_silent_standby_is_suspect_and_no_more() {
	build_and_execute(|| {
		run(1..101, &[5]);
		let judged = last(5).expect("it is not healthy");
		assert_eq!((judged.seat, judged.verdict.health), (Seat::Reserve, Health::Suspect));
		assert!(judged.verdict.detectors.heartbeats);
	});
}

#[test]
fn silence_during_the_grace_is_not_counted() {
	GraceWindows::set(4);
	build_and_execute(|| {
		run(1..17, &[2]);
		let judged = last(2).expect("it was never heard");
		assert_eq!((judged.verdict.missed_slots, judged.verdict.missed_windows), (0, 0));
		run(17..61, &[2]);
		assert_eq!(health(2), Health::Down);
	});
}

#[test]
fn more_than_a_third_at_once_is_systemic() {
	build_and_execute(|| {
		run(1..21, &[]);
		run(21..41, &[1, 2]);
		let judgement = Judgements::get().pop().expect("a window was judged");
		assert!(judgement.systemic);
		assert!(System::events().iter().any(|record| matches!(
			record.event,
			RuntimeEvent::Heartbeat(Event::SystemicOutageBegan { suspects: 2, .. })
		)));
		run(41..61, &[]);
		assert!(!Judgements::get().pop().expect("a window was judged").systemic);
		assert!(System::events().iter().any(|record| matches!(
			record.event,
			RuntimeEvent::Heartbeat(Event::SystemicOutageEnded { .. })
		)));
	});
}

#[test]
fn the_first_missed_slot_counts_towards_a_systemic_outage() {
	build_and_execute(|| {
		run(1..21, &[]);
		// Member 1 misses one slot, member 2 all of them. When 2 is down, 1 must already count.
		run(21..33, &[2]);
		run(33..37, &[1, 2]);
		let judgement = Heartbeat::judgement();
		let both: Vec<u32> = judgement.unhealthy.iter().map(|judged| judged.index).collect();
		assert_eq!(both, [1, 2]);
		assert!(judgement.systemic);
	});
}

#[test]
fn verdicts_are_told_when_they_change_and_only_then() {
	build_and_execute(|| {
		run(1..21, &[]);
		System::reset_events();
		run(21..61, &[2]);
		let told: Vec<Health> = System::events()
			.into_iter()
			.filter_map(|record| match record.event {
				RuntimeEvent::Heartbeat(Event::VerdictChanged { who: 12, judged }) => {
					Some(judged.verdict.health)
				},
				_ => None,
			})
			.collect();
		assert_eq!(told, [Health::Suspect, Health::Down]);
	});
}

#[test]
fn a_new_roster_starts_a_new_window() {
	build_and_execute(|| {
		run(1..21, &[]);
		run(21..23, &[]);
		let before = Window::<Runtime>::get();
		Heartbeat::on_roster(&[10, 11, 12, 13], &[15]);
		let after = Window::<Runtime>::get();
		assert_eq!((after.index, after.started), (before.index + 1, System::block_number() + 1));
		// A whole window passes before any member is judged for its silence.
		run(23..27, &[4]);
		assert_eq!(Window::<Runtime>::get().index, after.index);
		run(27..28, &[4]);
		assert_eq!(Window::<Runtime>::get().index, after.index + 1);
		assert_eq!(Judgements::get().last().map(|last| last.window), Some(after.index + 1));
	});
}

#[test]
fn a_long_halt_charges_one_round_at_most() {
	build_and_execute(|| {
		run(1..21, &[]);
		next_block(1_000_000);
		for index in 0..4 {
			let table = chunks::CounterTable::<Runtime>::read(&Window::<Runtime>::get().roster);
			assert!(table.get(index).expect("a member").missed_slots <= 1);
		}
	});
}

#[test]
fn the_first_block_charges_nobody() {
	GraceWindows::set(0);
	build_and_execute(|| {
		assert_eq!(LastSlot::<Runtime>::get(), None);
		next_block(999);
		assert_eq!(LastSlot::<Runtime>::get(), Some(999));
		let table = chunks::CounterTable::<Runtime>::read(&Window::<Runtime>::get().roster);
		assert!(table.iter().all(|(_, member)| member.missed_slots == 0));
	});
}

#[test]
fn a_chain_without_named_authors_still_judges_heartbeats() {
	build_and_execute(|| {
		CurrentSlot::set(None);
		for _ in 0..30 {
			System::set_block_number(System::block_number() + 1);
			Heartbeat::on_initialize(System::block_number());
			for index in [0, 1, 3, 4, 5] {
				chunks::mark::<Runtime>(Mark::Seen, index);
			}
		}
		let judged = last(2).expect("it is silent");
		assert_eq!(judged.verdict.health, Health::Suspect);
		assert!(judged.verdict.detectors.heartbeats && !judged.verdict.detectors.slots);
		assert_eq!(health(0), Health::Healthy);
	});
}

#[test]
fn a_chain_without_a_roster_does_not_panic() {
	build_and_execute(|| {
		Heartbeat::on_roster(&[], &[]);
		(1..20).for_each(|slot| {
			next_block(slot);
		});
		assert!(Judgements::get().iter().all(|judgement| judgement.unhealthy.is_empty()));
	});
}

#[test]
fn a_window_length_of_zero_is_taken_as_one() {
	WindowLength::set(0);
	build_and_execute(|| {
		let before = Window::<Runtime>::get().index;
		run(1..6, &[]);
		// The first of the five blocks belongs to the window that was running.
		assert_eq!(Window::<Runtime>::get().index, before + 4);
	});
}

#[test]
fn the_weight_of_a_judgement_is_charged() {
	build_and_execute(|| {
		run(1..41, &[]);
		let fresh = |change: fn(&mut crate::WindowInfo<u64, sp_core::H256>)| {
			Window::<Runtime>::mutate(|window| {
				(window.started, window.troubled) = (System::block_number(), false);
				change(window);
			});
		};
		fresh(|_| ());
		assert_eq!(next_block(41), Weight::from_parts(1_000, 10));
		// Six members, and no verdict changes; the recorder returns a weight of 7.
		fresh(|window| window.started -= 3);
		assert_eq!(next_block(42), Weight::from_parts(1_000 + 6 * 2_000 + 7, 10 + 6 * 20 + 7));
		fresh(|window| window.alarm = true);
		assert_eq!(next_block(43), Weight::from_parts(1_000 + 6 * 3_000 + 7, 10 + 6 * 30 + 7));
		// Two missed slots, and the author: three members.
		fresh(|_| ());
		assert_eq!(next_block(46), Weight::from_parts(4 * 1_000, 4 * 10));
	});
}

#[test]
fn the_status_tells_who_is_how() {
	build_and_execute(|| {
		run(1..21, &[]);
		run(21..50, &[2]);
		let status = Heartbeat::roster_status();
		assert_eq!(status.roster, Window::<Runtime>::get().roster.id);
		let accounts: Vec<u64> = status.members.iter().map(|(who, _)| *who).collect();
		assert_eq!(accounts, [10, 11, 12, 13, 14, 15]);
		assert_eq!(status.members[2].1.verdict.health, Health::Down);
		assert_eq!(status.members[2].1.verdict.confidence, Perbill::one());
		assert!(!status.systemic);
	});
}

#[test]
fn try_state_notices_what_must_not_be() {
	build_and_execute(|| {
		run(1..10, &[]);
		hypothetically!({
			Window::<Runtime>::mutate(|window| window.roster.active = 7);
			assert_err!(Heartbeat::do_try_state(), "more active members than members");
		});
		hypothetically!({
			MaxMembers::set(5);
			assert_err!(Heartbeat::do_try_state(), "more members than MaxMembers");
			MaxMembers::set(3_000);
		});
		hypothetically!({
			Members::<Runtime>::insert(3, 10);
			assert_err!(Heartbeat::do_try_state(), "a member is missing or listed twice");
		});
		hypothetically!({
			Members::<Runtime>::insert(6, 16);
			assert_err!(Heartbeat::do_try_state(), "members beyond the roster");
		});
		hypothetically!({
			Counters::<Runtime>::remove(0);
			assert_err!(Heartbeat::do_try_state(), "counters for more or fewer members than the roster has");
		});
		hypothetically!({
			let chunk = Counters::<Runtime>::take(0);
			Counters::<Runtime>::insert(1, chunk);
			assert_err!(Heartbeat::do_try_state(), "the counters have a gap");
		});
		hypothetically!({
			chunks::mark::<Runtime>(Mark::Seen, 1_000);
			assert_err!(Heartbeat::do_try_state(), "an account that is no member is marked");
		});
	});
}

#[test]
fn silence_counts_when_it_cannot_be_late_any_more() {
	use crate::judgement::settling;
	// Windows of 4, 20 and 1 blocks.
	assert_eq!([0, 1, 2, 3].map(|age| settling(age, 4)), [None, Some(false), Some(true), None]);
	assert_eq!([4, 5, 10, 11].map(|age| settling(age, 20)), [None, Some(false), Some(true), None]);
	assert_eq!([0, 1].map(|age| settling(age, 1)), [None, Some(false)]);
	build_and_execute(|| {
		run(1..21, &[]);
		// Standby 4 is silent for a window.
		let missed = || Counters::<Runtime>::get(0)[4].missed_windows;
		let mut slot = 21;
		for dead in [&[][..], &[4]] {
			let window = Window::<Runtime>::get().index;
			while Window::<Runtime>::get().index == window {
				run(slot..slot + 1, dead);
				slot += 1;
			}
			// The first block of the next window has marked it already.
			Marks::<Runtime>::remove(0);
		}
		assert!(Counters::<Runtime>::get(0)[4].overdue && Window::<Runtime>::get().troubled);
		assert_eq!(missed(), 0);
		hypothetically!({
			run(slot..slot + 1, &[4]);
			assert_eq!(missed(), 1);
		});
		hypothetically!({
			// The sign of life was late.
			Counters::<Runtime>::mutate(0, |chunk| chunk[4].show_life());
			run(slot..slot + 3, &[4]);
			assert_eq!(missed(), 0);
		});
	});
}

#[test]
fn who_lost_its_slot_has_longer() {
	let mut author = counters::MemberCounters {
		overdue: true,
		missed_slots: 1,
		..counters::MemberCounters::newcomer(0, 0)
	};
	assert!(!author.overdue_ends(false));
	assert!(author.overdue_ends(true));
	assert_eq!((author.missed_windows, author.overdue), (1, false));
}

#[test]
fn a_quiet_window_is_judged_once() {
	build_and_execute(|| {
		run(1..21, &[]);
		let judged = Judgements::get().len();
		run(21..41, &[]);
		assert_eq!(Judgements::get().len(), judged + 5);
	});
}

#[test]
fn where_nobody_is_troubled_blocks_do_not_touch_the_counters() {
	build_and_execute(|| {
		run(1..41, &[]);
		assert!(!Window::<Runtime>::get().troubled);
		hypothetically!({
			// The flag is right: a sign of life would change nothing.
			let table = chunks::CounterTable::<Runtime>::read(&Window::<Runtime>::get().roster);
			assert!(table.iter().all(|(_, member)| !member.clone().author() && !member.clone().show_life()));
		});
		run(41..42, &[2]);
		run(42..44, &[2]);
		assert!(Window::<Runtime>::get().troubled);
	});
}

#[test]
fn the_author_of_a_windows_first_block_is_not_overdue() {
	build_and_execute(|| {
		run(1..21, &[]);
		Window::<Runtime>::mutate(|window| window.started = System::block_number() - 3);
		Marks::<Runtime>::remove(0);
		let author = 21 % 4;
		next_block(21);
		let chunk = Counters::<Runtime>::get(0);
		assert!(!chunk[author].overdue && chunk[author + 1].overdue);
	});
}

/// Active members always count in a recovery, standbys once they have shown that they are ready.
#[test]
fn standbys_are_ready_when_heard_and_until_they_are_silent() {
	build_and_execute(|| {
		assert_eq!(Heartbeat::ready(), [true, true, true, true, false, false], "nobody was heard yet");
		run(1..21, &[]);
		assert_eq!(Heartbeat::ready(), [true; 6]);
		let told = ReadinessChanges::get();
		run(21..41, &[]);
		assert_eq!(ReadinessChanges::get(), told, "nothing changed");
		// One author and one standby have failed.
		run(41..81, &[2, 5]);
		assert_eq!(Heartbeat::ready(), [true, true, true, true, true, false]);
		assert_eq!(ReadinessChanges::get(), told + 1);
		run(81..101, &[]);
		assert_eq!((Heartbeat::ready(), ReadinessChanges::get()), (vec![true; 6], told + 2));
	});
}

/// The handler of readiness is notified that the newcomer is ready, although no judgement has ever
/// found it unready.
#[test]
fn a_newcomer_that_is_heard_before_the_first_judgement_is_told() {
	build_and_execute(|| {
		run(1..21, &[]);
		let told = ReadinessChanges::get();
		Heartbeat::on_roster(&[10, 11, 12, 13], &[14, 15, 16]);
		assert_eq!(Heartbeat::ready(), [true, true, true, true, true, true, false]);
		run(21..41, &[]);
		assert_eq!((Heartbeat::ready(), ReadinessChanges::get()), (vec![true; 7], told + 1));
	});
}

#[test]
fn a_standby_that_was_never_heard_is_not_ready() {
	build_and_execute(|| {
		run(1..21, &[4]);
		assert_eq!(Heartbeat::ready(), [true, true, true, true, false, true]);
	});
}

#[test]
fn keys_that_come_into_force_are_told() {
	build_and_execute(|| {
		let members = Heartbeat::members();
		assert_eq!(members.len(), 6);
		assert!(members.iter().all(|(who, key)| *key == Some(understudy_test_support::key(*who))));
		Rekeyed::set(vec![11, 14]);
		// The key of 11 is set, and not in force.
		new_session(false, &[]);
		let key_of = |index: usize| Heartbeat::members()[index].1.clone();
		assert_eq!(key_of(1), Some(understudy_test_support::key(11)));
		assert_eq!((key_of(4), KeyChanges::get()), (Some(understudy_test_support::key(14 + NEW_KEY)), 1));
		new_session(true, &[(11, understudy_test_support::key(11 + NEW_KEY))]);
		assert_eq!((key_of(1), KeyChanges::get()), (Some(understudy_test_support::key(11 + NEW_KEY)), 2));
		new_session(true, &[(11, understudy_test_support::key(11 + NEW_KEY))]);
		assert_eq!(KeyChanges::get(), 2);
	});
}
