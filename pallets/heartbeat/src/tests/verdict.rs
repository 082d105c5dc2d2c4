use sp_runtime::Perbill;
use understudy_primitives::{Detectors, Health, Judged, Seat, Verdict};

use crate::{
	evidence::MemberEvidence,
	mock::THRESHOLDS,
	verdict::{suspects, systemic, verdict},
	Thresholds,
};

fn judge(seat: Seat, missed_slots: u8, missed_windows: u8) -> Verdict {
	let member = MemberEvidence { missed_slots, missed_windows, heard: true, ..MemberEvidence::newcomer(0) };
	verdict(&member, seat, &THRESHOLDS)
}

#[test]
fn a_member_that_misses_nothing_is_healthy() {
	let clean = judge(Seat::Active, 0, 0);
	assert_eq!((clean.health, clean.confidence), (Health::Healthy, Perbill::zero()));
	assert!(!clean.detectors.any());
}

#[test]
fn a_member_that_was_never_heard_is_suspect_without_confidence() {
	let new = verdict(&MemberEvidence::newcomer(5), Seat::Reserve, &THRESHOLDS);
	assert_eq!((new.health, new.confidence), (Health::Suspect, Perbill::zero()));
}

#[test]
fn a_single_detector_never_means_down() {
	for count in 0..=u8::MAX {
		assert_ne!(judge(Seat::Active, count, 0).health, Health::Down);
		assert_ne!(judge(Seat::Active, 0, count).health, Health::Down);
		assert_ne!(judge(Seat::Reserve, count, count).health, Health::Down);
	}
}

#[test]
fn both_detectors_mean_down() {
	let down = judge(Seat::Active, 3, 2);
	assert_eq!(down.health, Health::Down);
	assert_eq!(down.detectors, Detectors { slots: true, heartbeats: true });
	assert_eq!(down.confidence, Perbill::from_percent(90));
}

#[test]
fn a_detector_fires_at_its_threshold_and_not_before() {
	assert_eq!(judge(Seat::Active, 2, 2).health, Health::Suspect);
	assert_eq!(judge(Seat::Active, 3, 1).health, Health::Suspect);
	assert!(!judge(Seat::Active, 2, 0).detectors.slots);
	assert!(!judge(Seat::Active, 0, 1).detectors.heartbeats);
}

#[test]
fn confidence_grows_with_the_share_of_the_threshold() {
	assert_eq!(judge(Seat::Active, 0, 1).confidence, Perbill::from_percent(20));
	assert_eq!(judge(Seat::Active, 3, 0).confidence, Perbill::from_percent(50));
	assert_eq!(judge(Seat::Active, 3, 1).confidence, Perbill::from_percent(70));
	assert_eq!(judge(Seat::Active, 255, 255).confidence, Perbill::from_percent(90));
}

#[test]
fn slots_say_nothing_of_the_reserve() {
	let standby = judge(Seat::Reserve, 9, 0);
	assert_eq!((standby.health, standby.missed_slots), (Health::Healthy, 0));
}

#[test]
fn thresholds_of_zero_are_taken_as_one() {
	let zero = Thresholds { slots: 0, windows: 0, ..THRESHOLDS };
	let member = |missed| MemberEvidence {
		missed_slots: missed,
		missed_windows: missed,
		heard: true,
		..MemberEvidence::newcomer(0)
	};
	assert_eq!(verdict(&member(0), Seat::Active, &zero).health, Health::Healthy);
	assert_eq!(verdict(&member(1), Seat::Active, &zero).health, Health::Down);
}

#[test]
fn weights_above_one_do_not_overflow() {
	let heavy = Thresholds { slots_weight: Perbill::one(), windows_weight: Perbill::one(), ..THRESHOLDS };
	let member =
		MemberEvidence { missed_slots: 9, missed_windows: 9, heard: true, ..MemberEvidence::newcomer(0) };
	assert_eq!(verdict(&member, Seat::Active, &heavy).confidence, Perbill::one());
}

#[test]
fn suspects_are_active_members_with_something_against_them() {
	let judged =
		|index, seat, slots, windows| Judged { index, seat, verdict: judge(seat, slots, windows), grace: 0 };
	let newcomer = Judged {
		index: 9,
		seat: Seat::Active,
		verdict: verdict(&MemberEvidence::newcomer(1), Seat::Active, &THRESHOLDS),
		grace: 1,
	};
	let all = [
		judged(0, Seat::Active, 1, 0),
		judged(1, Seat::Active, 0, 1),
		judged(5, Seat::Reserve, 0, 9),
		newcomer,
	];
	assert_eq!(suspects(&all), 2);
}

#[test]
fn an_outage_is_systemic_above_the_threshold_only() {
	let third = Perbill::from_rational(1u32, 3);
	assert!(systemic(1, 3, third));
	assert!(!systemic(1, 4, third));
	assert!(systemic(2, 6, third));
	assert!(!systemic(2, 7, Perbill::one()));
	assert!(systemic(3, 7, Perbill::one()));
	assert!(systemic(2, 4, third));
	assert!(systemic(1, 1, third));
	assert!(!systemic(33, 100, third));
	assert!(systemic(34, 100, third));
	assert!(!systemic(0, 0, Perbill::zero()));
	assert!(systemic(1, 0, third));
	assert!(!systemic(0, 4, third));
}
