//! From evidence to a verdict: pure functions, no storage.
//!
//! Four detectors, each of which *fires* at its threshold:
//!
//! | detector | counts | rests on |
//! |---|---|---|
//! | S, slots | own slots missed in a row | what the member itself left undone |
//! | H, heartbeats | windows in a row without a sign of life that was due | what the member itself left undone |
//! | P, peers | windows in a row in which a quorum of its probers, more than may collude, reported it | others' reports |
//! | V, votes | windows in a row in which a quorum of all members reported that it takes no part in consensus: it casts no finality votes, or no block of its slots is seen on any branch | others' reports |
//!
//! The first row that fits is the verdict. *For longer* means: at [`Thresholds::longer`] times the threshold; for H, at
//! [`Bars::silence`], which is that at least.
//!
//! | seat | evidence | verdict | why |
//! |---|---|---|---|
//! | active | S or H, and P, and no sign of life since | **down** | its own silence, and its peers' word |
//! | active | H, and V | **down** | its own silence, and everybody's word |
//! | active | S and H, both for longer | **down** | it does nothing at all, whatever others say: they may not probe |
//! | active | S and V, and a sign of life since the last slot that it missed | **impaired** | it lives, and its blocks do not come, which is not the work of its neighbours: they could keep its blocks out of the chain, and not out of everybody's sight |
//! | active | V for longer | **impaired** | it lives, and does not vote, or does not author |
//! | reserve | H and P, and no sign of life since | **down** | as above; a standby has neither slots nor votes |
//! | any | anything that counts more than 0, or never heard | suspect | not enough to act on |
//! | any | nothing | healthy | |
//!
//! So no single detector makes a member *down*, and reports alone do not either: a member that
//! authors or sends heartbeats cannot be charged by them, and loses its seat by the word of a
//! quorum only (I2). Nor can ⌊(n−1)/3⌋ colluders make up what the first four rows need. Colluding
//! authors, if they follow each other, can refuse to build on a member's blocks (S), and keep its
//! heartbeats out for as long as their run of slots lasts (H); but their reports are never a
//! quorum, of either kind, and their run is shorter than the silence of the third row. What they
//! can do is make so many members suspects for a while that the outage counts as systemic: then
//! nobody is evicted.
//!
//! The **confidence** is the sum, at most 1, of each detector's weight times its count in thresholds, at most `longer` of
//! them: a detector that has fired for longer is surer than one that just did. With the sample's weights (S 45 %, others
//! 40 %, longer 2) two detectors that just fired give 80 % or more, and so does V alone for longer.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::ensure;
use scale_info::TypeInfo;
use sp_runtime::{traits::Saturating, Perbill};
use understudy_primitives::{tolerated_faults, Detectors, Health, Judged, Seat, Unfit, Verdict};

use crate::evidence::{Bars, MemberEvidence};

/// From which counts on a detector fires, and what its word weighs.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Thresholds {
	/// Own slots missed in a row at which S fires. 0 is taken as 1, here and below.
	pub slots: u8,
	/// Windows in a row without a sign of life at which H fires.
	pub windows: u8,
	/// Windows in a row with a quorum of probers at which P fires.
	pub peers: u8,
	/// Windows in a row with a quorum of members at which V fires.
	pub votes: u8,
	/// How many times its threshold a detector must have reached where it needs no other one.
	pub longer: u8,
	/// The confidence that S brings when it fires.
	pub slots_weight: Perbill,
	/// The confidence that H brings when it fires.
	pub windows_weight: Perbill,
	/// The confidence that P brings when it fires.
	pub peers_weight: Perbill,
	/// The confidence that V brings when it fires.
	pub votes_weight: Perbill,
	/// The share of a member's probers whose reports make a quorum.
	pub peers_quorum: Perbill,
	/// The share of all members whose reports make a quorum.
	pub votes_quorum: Perbill,
}

impl Thresholds {
	/// Checks that the thresholds make sense: no count of zero, none that is never reached, and no
	/// quorum that a third could make.
	pub fn check(&self) -> Result<(), Unfit> {
		let counts = [self.slots, self.windows, self.peers, self.votes];
		ensure!(counts.iter().all(|count| (1..=100).contains(count)), Unfit::DetectorCount);
		ensure!((2..=10).contains(&self.longer), Unfit::DetectorLonger);
		let weights = [self.slots_weight, self.windows_weight, self.peers_weight, self.votes_weight];
		ensure!(weights.iter().all(|weight| !weight.is_zero()), Unfit::DetectorWeight);
		let third = Perbill::from_parts(333_333_333);
		ensure!(self.peers_quorum >= third && self.votes_quorum >= third, Unfit::DetectorQuorum);
		Ok(())
	}

	/// The bars in a roster of `members`, the first `active` of whom author, each of whom is probed by `probers`, with windows
	/// of so many blocks.
	///
	/// A quorum is the share that is asked for, and always more than the ⌊(n−1)/3⌋ members that may collude, whoever is drawn
	/// to probe. Where fewer are drawn than that, P never fires. Silence must outlast a run of as many authors: among more
	/// than that, one is honest and takes the heartbeat.
	pub fn bars(&self, active: u32, members: u32, probers: u32, window: u32) -> Bars {
		let more = tolerated_faults(members).saturating_add(1);
		let quorum = |share: Perbill, among: u32| share.mul_ceil(among).max(more);
		let longer = u32::from(self.windows.max(1)) * u32::from(self.longer.max(1));
		// The window in which the run begins may have been quiet before it, and so may the one in which it ends.
		let run = tolerated_faults(active).div_ceil(window.max(1)).saturating_add(2);
		Bars {
			peers: quorum(self.peers_quorum, probers),
			votes: quorum(self.votes_quorum, members),
			// As far as it is counted.
			silence: longer.max(run).min(u8::MAX.into()),
		}
	}
}

/// What the evidence says of a member, see the table above.
pub fn verdict(member: &MemberEvidence, seat: Seat, thresholds: &Thresholds, bars: &Bars) -> Verdict {
	let active = seat == Seat::Active;
	let missed_slots = if active { member.missed_slots } else { 0 };
	let missed_windows = member.missed_windows;
	let unreachable_windows = member.peers.windows;
	let voteless_windows = if active { member.votes.windows } else { 0 };

	let fired = |count: u8, threshold: u8| count >= threshold.max(1);
	let for_longer = |count: u8, threshold: u8| {
		u16::from(count) >= u16::from(threshold.max(1)) * u16::from(thresholds.longer.max(1))
	};
	let detectors = Detectors {
		slots: fired(missed_slots, thresholds.slots),
		heartbeats: fired(missed_windows, thresholds.windows),
		peers: fired(unreachable_windows, thresholds.peers),
		votes: fired(voteless_windows, thresholds.votes),
	};
	let silent_for_longer =
		for_longer(missed_slots, thresholds.slots) && u32::from(missed_windows) >= bars.silence;
	let voteless_for_longer = for_longer(voteless_windows, thresholds.votes);
	let nothing =
		missed_slots == 0 && missed_windows == 0 && unreachable_windows == 0 && voteless_windows == 0;
	// Who was restarted misses a slot, does not answer for a moment, and then shows that it lives.
	let unreachable = detectors.peers && !member.answered;
	let silent = detectors.heartbeats && detectors.votes;
	let lame = detectors.slots && detectors.votes && member.answered;
	let health = if detectors.own() && unreachable || silent || silent_for_longer {
		Health::Down
	} else if voteless_for_longer || lame {
		Health::Impaired
	} else if !nothing || !member.heard {
		Health::Suspect
	} else {
		Health::Healthy
	};

	let share = |count, threshold, weight| share(count, threshold, thresholds.longer, weight);
	let confidence = share(missed_slots, thresholds.slots, thresholds.slots_weight)
		.saturating_add(share(missed_windows, thresholds.windows, thresholds.windows_weight))
		.saturating_add(share(unreachable_windows, thresholds.peers, thresholds.peers_weight))
		.saturating_add(share(voteless_windows, thresholds.votes, thresholds.votes_weight));
	Verdict {
		health,
		confidence,
		detectors,
		missed_slots,
		missed_windows,
		unreachable_windows,
		voteless_windows,
	}
}

/// A detector's weight times its count in thresholds, at most `longer` of them.
fn share(count: u8, threshold: u8, longer: u8, weight: Perbill) -> Perbill {
	let threshold = u64::from(threshold.max(1));
	let count = u64::from(count).min(threshold * u64::from(longer.max(1)));
	let parts = u64::from(weight.deconstruct()) * count / threshold;
	Perbill::from_parts(parts.min(1_000_000_000) as u32)
}

/// How many active members something speaks against: missed slots, silence, or the word of a quorum of all members. Those
/// that are merely new are not among them, nor those that are merely unreachable.
pub fn suspects(unhealthy: &[Judged]) -> u32 {
	let speaks = |judged: &&Judged| {
		let verdict = &judged.verdict;
		judged.seat == Seat::Active
			&& (verdict.missed_slots > 0 || verdict.missed_windows > 0 || verdict.voteless_windows > 0)
	};
	unhealthy.iter().filter(speaks).count() as u32
}

/// Whether so many suspects among so many active members are more than one validator's trouble: their share is above the
/// threshold, or they are more than the ⌊(n−1)/3⌋ faults that agreement bears, so that finality may stand still.
pub fn systemic(suspects: u32, active: u32, threshold: Perbill) -> bool {
	suspects > tolerated_faults(active) || Perbill::from_rational(suspects, active.max(1)) > threshold
}
