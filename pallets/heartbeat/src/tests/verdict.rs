//! Tests of the table of `verdict.rs`, row by row. In the mock, S fires at 3 slots, H at 2 windows,
//! P at 1 and V at 4, and `longer` is 2.

use sp_runtime::Perbill;
use understudy_primitives::{Detectors, Health, Judged, Seat, Verdict};

use crate::{
	counters::{MemberCounters, Tally},
	mock::THRESHOLDS,
	verdict::{self, suspects, systemic},
	Thresholds,
};

/// Counts of S, H, P and V.
type Counts = (u8, u8, u8, u8);

fn member((missed_slots, missed_windows, peers, votes): Counts) -> MemberCounters {
	MemberCounters {
		missed_slots,
		missed_windows,
		peers: Tally { reports: 0, windows: peers },
		votes: Tally { reports: 0, windows: votes },
		heard: true,
		answered: false,
		..MemberCounters::newcomer(0, 0)
	}
}

/// Returns the verdict in a roster of four active members and two standbys, with windows of four
/// blocks.
fn verdict(member: &MemberCounters, seat: Seat, thresholds: &Thresholds) -> Verdict {
	verdict::verdict(member, seat, thresholds, &thresholds.quorums(4, 6, 5, 4))
}

fn judge(seat: Seat, counts: Counts) -> Verdict {
	verdict(&member(counts), seat, &THRESHOLDS)
}

fn active(counts: Counts) -> Health {
	judge(Seat::Active, counts).health
}

#[test]
fn a_member_that_nothing_speaks_against_is_healthy() {
	let clean = judge(Seat::Active, (0, 0, 0, 0));
	assert_eq!((clean.health, clean.confidence), (Health::Healthy, Perbill::zero()));
	assert!(!clean.detectors.any());
}

#[test]
fn a_member_that_was_never_heard_is_suspect_without_confidence() {
	let new = verdict(&MemberCounters::newcomer(5, 0), Seat::Reserve, &THRESHOLDS);
	assert_eq!((new.health, new.confidence), (Health::Suspect, Perbill::zero()));
}

#[test]
fn a_single_detector_never_means_down() {
	for count in 0..=u8::MAX {
		for counts in [(count, 0, 0, 0), (0, count, 0, 0), (0, 0, count, 0), (0, 0, 0, count)] {
			assert_ne!(active(counts), Health::Down);
			assert_ne!(judge(Seat::Reserve, counts).health, Health::Down);
		}
	}
}

#[test]
fn reports_alone_never_mean_down() {
	for count in 0..=u8::MAX {
		assert_ne!(active((0, 0, count, count)), Health::Down);
		// One short of their thresholds, the member's own omissions do not confirm the reports.
		assert_ne!(active((2, 1, count, count)), Health::Down);
	}
}

#[test]
fn its_own_silence_and_others_word_mean_down() {
	for counts in [(3, 0, 1, 0), (3, 2, 0, 4), (0, 2, 1, 0), (0, 2, 0, 4), (9, 9, 9, 9)] {
		assert_eq!(active(counts), Health::Down, "{counts:?}");
	}
	// Its silence is not counted yet, so H has not fired.
	assert_eq!(active((3, 0, 0, 4)), Health::Suspect);
}

/// The member votes, sends heartbeats and answers, and none of its blocks is seen.
#[test]
fn a_member_that_lives_and_never_authors_is_impaired_and_not_down() {
	let lives = |counts| {
		let member = MemberCounters { answered: true, ..member(counts) };
		verdict(&member, Seat::Active, &THRESHOLDS).health
	};
	assert_eq!([lives((3, 0, 0, 4)), lives((255, 0, 0, 255)), lives((255, 1, 0, 7))], [Health::Impaired; 3]);
	// Between two of its signs of life as well, after longer.
	assert_eq!(active((255, 0, 0, 8)), Health::Impaired);
	// Its neighbours can keep its blocks out of the chain, but not out of the sight of all members.
	assert_eq!([lives((255, 0, 0, 0)), lives((255, 0, 255, 3))], [Health::Suspect; 2]);
}

#[test]
fn who_answered_its_peers_word_by_a_sign_of_life_is_not_down() {
	let answered = |counts| {
		let member = MemberCounters { answered: true, ..member(counts) };
		verdict(&member, Seat::Active, &THRESHOLDS).health
	};
	assert_eq!([answered((3, 0, 9, 0)), answered((0, 2, 9, 0))], [Health::Suspect; 2]);
	// Heartbeats do not answer missing votes.
	assert_eq!(answered((0, 2, 0, 4)), Health::Down);
}

#[test]
fn slots_and_silence_mean_down_only_for_longer() {
	assert_eq!(active((6, 4, 0, 0)), Health::Down);
	for counts in [(3, 2, 0, 0), (5, 4, 0, 0), (6, 3, 0, 0), (255, 1, 0, 0), (1, 255, 0, 0)] {
		assert_eq!(active(counts), Health::Suspect, "{counts:?}");
	}
}

#[test]
fn who_authors_and_does_not_vote_is_impaired_after_longer() {
	assert_eq!(active((0, 0, 0, 7)), Health::Suspect);
	assert_eq!(active((0, 0, 0, 8)), Health::Impaired);
	assert_eq!(active((2, 1, 1, 8)), Health::Impaired);
	assert_eq!(judge(Seat::Reserve, (0, 0, 0, 8)).health, Health::Healthy);
}

#[test]
fn a_standby_is_down_on_silence_and_its_peers_word() {
	assert_eq!(judge(Seat::Reserve, (9, 2, 1, 9)).health, Health::Down);
	assert_eq!(judge(Seat::Reserve, (9, 9, 0, 9)).health, Health::Suspect);
	assert_eq!(judge(Seat::Reserve, (9, 0, 9, 9)).health, Health::Suspect);
}

#[test]
fn slots_and_votes_say_nothing_of_the_reserve() {
	let standby = judge(Seat::Reserve, (9, 0, 0, 9));
	assert_eq!((standby.health, standby.missed_slots, standby.voteless_windows), (Health::Healthy, 0, 0));
	assert_eq!((standby.confidence, standby.detectors), (Perbill::zero(), Detectors::default()));
}

#[test]
fn a_detector_fires_at_its_threshold_and_not_before() {
	let fired = |counts| judge(Seat::Active, counts).detectors;
	let none = Detectors::default();
	assert_eq!(fired((2, 1, 0, 3)), none);
	assert_eq!(fired((3, 0, 0, 0)), Detectors { slots: true, ..none });
	assert_eq!(fired((0, 2, 0, 0)), Detectors { heartbeats: true, ..none });
	assert_eq!(fired((0, 0, 1, 0)), Detectors { peers: true, ..none });
	assert_eq!(fired((0, 0, 0, 4)), Detectors { votes: true, ..none });
}

#[test]
fn confidence_grows_with_the_counts() {
	let percent = |counts| judge(Seat::Active, counts).confidence;
	assert_eq!(percent((0, 1, 0, 0)), Perbill::from_percent(13));
	assert_eq!(percent((3, 0, 0, 0)), Perbill::from_percent(31));
	assert_eq!(percent((3, 0, 1, 0)), Perbill::from_percent(53));
	assert_eq!(percent((0, 2, 0, 2)), Perbill::from_percent(33));
	assert_eq!(percent((255, 0, 0, 0)), Perbill::from_percent(62));
	assert_eq!(percent((255, 255, 255, 255)), Perbill::one());
}

#[test]
fn thresholds_of_zero_are_taken_as_one() {
	let zero = Thresholds { slots: 0, windows: 0, peers: 0, votes: 0, longer: 0, ..THRESHOLDS };
	let judge = |counts| verdict(&member(counts), Seat::Active, &zero).health;
	assert_eq!(judge((0, 0, 0, 0)), Health::Healthy);
	assert_eq!(judge((1, 0, 1, 0)), Health::Down);
	assert_eq!(judge((1, 3, 0, 0)), Health::Down);
	assert_eq!(judge((0, 0, 0, 1)), Health::Impaired);
	assert_eq!(judge((1, 0, 0, 0)), Health::Suspect);
}

#[test]
fn weights_above_one_do_not_overflow() {
	let one = Perbill::one();
	let heavy = Thresholds {
		slots_weight: one,
		windows_weight: one,
		peers_weight: one,
		votes_weight: one,
		longer: 255,
		..THRESHOLDS
	};
	assert_eq!(verdict(&member((255, 255, 255, 255)), Seat::Active, &heavy).confidence, one);
}

#[test]
fn a_quorum_is_more_than_may_collude() {
	let lax = Thresholds { peers_quorum: Perbill::zero(), votes_quorum: Perbill::zero(), ..THRESHOLDS };
	for members in 1..200u32 {
		let quorums = lax.quorums(members, members, 5.min(members - 1), 4);
		assert!(quorums.votes > (members - 1) / 3);
		assert!(quorums.peers > (members - 1) / 3);
	}
	let quorums = THRESHOLDS.quorums(20, 31, 30, 4);
	assert_eq!((quorums.peers, quorums.votes), (15, 16));
	// Five are drawn and eleven are needed: P never fires.
	assert_eq!(THRESHOLDS.quorums(20, 31, 5, 4).peers, 11);
}

#[test]
fn silence_outlasts_a_run_of_colluding_authors() {
	let silence = |active, window| THRESHOLDS.quorums(active, active, 5, window).silence;
	assert_eq!(
		[silence(1, 4), silence(4, 4), silence(10, 4), silence(31, 4), silence(100, 0)],
		[4, 4, 4, 5, 35]
	);
	for active in 1..500u32 {
		for window in 1..30 {
			// The run of f blocks may start anywhere in a window. `spoilt` is the largest number of
			// windows that it touches.
			let run = (active - 1) / 3;
			let spoilt = (0..window).map(|start| (start + run).div_ceil(window)).max();
			assert!(Some(silence(active, window)) > spoilt, "{active} members, windows of {window}");
		}
	}
	let large = THRESHOLDS.quorums(100, 100, 5, 4);
	let judge = |counts| verdict::verdict(&member(counts), Seat::Active, &THRESHOLDS, &large).health;
	assert_eq!((judge((255, 10, 0, 0)), judge((255, 11, 0, 0))), (Health::Suspect, Health::Down));
}

#[test]
fn suspects_are_active_members_with_something_against_them_that_is_no_hearsay() {
	let judged =
		|index, seat, counts| Judged { index, seat, verdict: judge(seat, counts), grace: 0, since: 0 };
	let newcomer = Judged {
		verdict: verdict(&MemberCounters::newcomer(1, 0), Seat::Active, &THRESHOLDS),
		..judged(9, Seat::Active, (0, 0, 0, 0))
	};
	let all = [
		judged(0, Seat::Active, (1, 0, 0, 0)),
		judged(1, Seat::Active, (0, 1, 0, 0)),
		judged(2, Seat::Active, (0, 0, 0, 1)),
		// Reports of so few peers may come from colluders.
		judged(3, Seat::Active, (0, 0, 9, 0)),
		judged(5, Seat::Reserve, (0, 9, 0, 0)),
		newcomer,
	];
	assert_eq!(suspects(&all), 3);
}

#[test]
fn without_votes_colluding_neighbours_and_a_busy_server_make_nobody_down() {
	let judge = |active, counts| {
		let quorums = THRESHOLDS.quorums_without_votes(active, active, 5, 4);
		let member = MemberCounters { answered: false, ..member(counts) };
		verdict::verdict(&member, Seat::Active, &THRESHOLDS, &quorums).health
	};
	// S and P, which suffice where votes are seen.
	assert_eq!(judge(4, (9, 0, 9, 0)), Health::Suspect);
	assert_eq!(judge(4, (9, 1, 9, 0)), Health::Suspect);
	assert_eq!(judge(4, (9, 2, 9, 0)), Health::Down);
	// A run of 10 colluding authors covers two whole windows of four blocks.
	assert_eq!(judge(31, (9, 3, 9, 0)), Health::Suspect);
	assert_eq!(judge(31, (9, 4, 9, 0)), Health::Down);
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
