//! Derives a verdict from the liveness counters of a member. Pure functions, no storage.
//!
//! Four detectors, each of which *fires* at its threshold:
//!
//! | detector | counts | rests on |
//! |---|---|---|
//! | S, slots | own slots missed in a row | the member's own omissions |
//! | H, heartbeats | windows in a row in which a sign of life was due and did not come | the member's own omissions |
//! | P, peers | windows in a row in which a quorum of its probers, more than may collude, reported it | reports of others |
//! | V, votes | windows in a row in which a quorum of all members reported that it takes no part in consensus: it casts no finality votes, or no block of its slots is seen on any branch | reports of others |
//!
//! The first row that fits is the verdict. *For longer* means: at [`Thresholds::longer`] times the
//! threshold; for H, at [`Quorums::silence`], which is at least that.
//!
//! | seat | condition | verdict | reason |
//! |---|---|---|---|
//! | active | S or H, and P, and no sign of life since; without votes, only H, for [`Quorums::silent`] windows | **down** | the member's own silence, and the reports of its peers |
//! | active | H, and V | **down** | the member's own silence, and the reports of all members |
//! | active | S and H, both for longer | **down** | the member does nothing at all; reports are not required, because it is possible that no other node probes it |
//! | active | S and V, and a sign of life since the last slot that it missed | **impaired** | its node runs, and its blocks do not appear; its neighbours cannot cause that, since they could keep its blocks out of the chain, but not out of the sight of all members |
//! | active | V for longer | **impaired** | its node runs, and does not vote, or does not author |
//! | reserve | H and P, and no sign of life since | **down** | as above; a standby has neither slots nor votes |
//! | any | any count above 0, or never heard | suspect | not enough to act on |
//! | any | no count above 0 | healthy | |
//!
//! Therefore no single detector makes a member *down*, and neither do reports alone: they cannot
//! charge a member that authors or sends heartbeats, and only the reports of a quorum cost such a
//! member its seat (I2). Nor can ⌊(n−1)/3⌋ colluders bring about the conditions of the first four
//! rows. Colluding authors with consecutive slots can refuse to build on a member's blocks (S), and
//! keep its heartbeats out for the length of their run of slots (H). But their reports are never a
//! quorum, of either kind, and their run is shorter than the silence of the third row. They can
//! make so many members suspects for a while that the outage counts as systemic: then nobody is
//! evicted.
//!
//! On a chain whose votes nobody sees, a parachain, even members that author are probed. Colluding
//! neighbours and an RPC server that an outsider keeps busy would then be S and P. There, S does not
//! count beside P, and H counts only if it has lasted for longer than a run of f colluding authors
//! can keep a heartbeat out.
//!
//! The **confidence** is the sum, at most 1, of each detector's weight times the ratio of its count
//! to its threshold, which is capped at `longer`: a detector that has fired for longer gives more
//! confidence than one that has just fired. With the sample's weights (S 45 %, others 40 %, longer
//! 2) two detectors that have just fired give 80 % or more, and so does V alone for longer.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::ensure;
use scale_info::TypeInfo;
use sp_runtime::{traits::Saturating, Perbill};
use understudy_primitives::{tolerated_faults, Detectors, Health, Judged, Seat, Unfit, Verdict};

use crate::counters::{MemberCounters, Quorums};

/// Counts at which the detectors fire, their weights in the confidence, and the shares that make a
/// quorum.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Thresholds {
	/// Own slots missed in a row at which S fires. 0 is taken as 1, here and below.
	pub slots: u8,
	/// Windows in a row without a sign of life at which H fires.
	pub windows: u8,
	/// Windows in a row with reports by a quorum of probers at which P fires.
	pub peers: u8,
	/// Windows in a row with reports by a quorum of all members at which V fires.
	pub votes: u8,
	/// Multiple of its threshold that a detector must have reached to have fired *for longer*.
	pub longer: u8,
	/// Confidence that S adds when it fires.
	pub slots_weight: Perbill,
	/// Confidence that H adds when it fires.
	pub windows_weight: Perbill,
	/// Confidence that P adds when it fires.
	pub peers_weight: Perbill,
	/// Confidence that V adds when it fires.
	pub votes_weight: Perbill,
	/// Share of a member's probers whose reports make a quorum.
	pub peers_quorum: Perbill,
	/// Share of all members whose reports make a quorum.
	pub votes_quorum: Perbill,
}

impl Thresholds {
	/// Values for a demonstration, with windows of some seconds: a killed validator is down after
	/// two own slots or one silent window.
	pub const DEMONSTRATION: Self = Self {
		slots: 2,
		windows: 1,
		peers: 1,
		votes: 2,
		longer: 2,
		slots_weight: Perbill::from_percent(45),
		windows_weight: Perbill::from_percent(40),
		peers_weight: Perbill::from_percent(40),
		votes_weight: Perbill::from_percent(40),
		peers_quorum: Perbill::from_percent(60),
		votes_quorum: Perbill::from_percent(50),
	};

	/// Values for a real network, with windows of a minute. A node that restarts within a minute
	/// keeps its seat: eight own slots are more than a minute with four validators or more, at
	/// three seconds each, and two windows of silence or of failed probes are longer than the
	/// restart.
	pub const PRODUCTION: Self = Self { slots: 8, windows: 2, peers: 2, ..Self::DEMONSTRATION };

	/// Checks the bounds of the thresholds: no count of zero, none that is never reached, no weight
	/// of zero, and no quorum below a third.
	///
	/// Returns the first bound that is violated.
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

	/// Returns the quorums in a roster of `members`, of which the first `active` author and each is
	/// probed by `probers`, with windows of `window` blocks.
	///
	/// A quorum is the configured share, and always more than the ⌊(n−1)/3⌋ members that may
	/// collude, whichever members are drawn as probers. If fewer probers than that are drawn, P
	/// never fires. The silence must outlast a run of that many colluding authors: among more
	/// authors than may collude, one is honest and includes the heartbeat.
	pub fn quorums(&self, active: u32, members: u32, probers: u32, window: u32) -> Quorums {
		let more = tolerated_faults(members).saturating_add(1);
		let quorum = |share: Perbill, among: u32| share.mul_ceil(among).max(more);
		let longer = u32::from(self.windows.max(1)) * u32::from(self.longer.max(1));
		// The windows in which the run begins and ends may have been quiet outside the run as well.
		let run = tolerated_faults(active).div_ceil(window.max(1)).saturating_add(2);
		Quorums {
			peers: quorum(self.peers_quorum, probers),
			votes: quorum(self.votes_quorum, members),
			// As far as it is counted.
			silence: longer.max(run).min(u8::MAX.into()),
			silent: None,
		}
	}

	/// Returns the quorums in the same way on a chain whose votes nobody sees.
	pub fn quorums_without_votes(&self, active: u32, members: u32, probers: u32, window: u32) -> Quorums {
		// The windows that lie within a run of colluding authors as a whole, and the one at whose end
		// the run begins: a heartbeat may be sent late in it.
		let run = tolerated_faults(active).checked_div(window).unwrap_or(0).saturating_add(1);
		let silent = u32::from(self.windows.max(1)).max(run.saturating_add(1)).min(u8::MAX.into());
		Quorums { silent: Some(silent), ..self.quorums(active, members, probers, window) }
	}
}

/// Returns the verdict on a member, by the table above.
pub fn verdict(member: &MemberCounters, seat: Seat, thresholds: &Thresholds, quorums: &Quorums) -> Verdict {
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
		for_longer(missed_slots, thresholds.slots) && u32::from(missed_windows) >= quorums.silence;
	let voteless_for_longer = for_longer(voteless_windows, thresholds.votes);
	let nothing =
		missed_slots == 0 && missed_windows == 0 && unreachable_windows == 0 && voteless_windows == 0;
	// A node that was restarted misses a slot, does not answer for a moment, and then shows a sign
	// of life.
	let unreachable = detectors.peers && !member.answered;
	let silent = detectors.heartbeats && detectors.votes;
	let lame = detectors.slots && detectors.votes && member.answered;
	let own = match quorums.silent {
		Some(windows) => u32::from(missed_windows) >= windows,
		None => detectors.own(),
	};
	let health = if own && unreachable || silent || silent_for_longer {
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

/// Returns a detector's weight times the ratio of its count to its threshold, capped at `longer`.
fn share(count: u8, threshold: u8, longer: u8, weight: Perbill) -> Perbill {
	let threshold = u64::from(threshold.max(1));
	let count = u64::from(count).min(threshold * u64::from(longer.max(1)));
	let parts = u64::from(weight.deconstruct()) * count / threshold;
	Perbill::from_parts(parts.min(1_000_000_000) as u32)
}

/// Returns the number of active members under suspicion: with missed slots, missed windows, or
/// reports by a quorum of all members. Members that are merely new, or merely unreachable, do not
/// count.
pub fn suspects(unhealthy: &[Judged]) -> u32 {
	let speaks = |judged: &&Judged| {
		let verdict = &judged.verdict;
		judged.seat == Seat::Active
			&& (verdict.missed_slots > 0 || verdict.missed_windows > 0 || verdict.voteless_windows > 0)
	};
	unhealthy.iter().filter(speaks).count() as u32
}

/// Returns `true` if this many suspects among this many active members are more than the failure of
/// one validator: their share is above the threshold, or they exceed the ⌊(n−1)/3⌋ faults that
/// consensus tolerates, so that finality may stall.
pub fn systemic(suspects: u32, active: u32, threshold: Perbill) -> bool {
	suspects > tolerated_faults(active) || Perbill::from_rational(suspects, active.max(1)) > threshold
}
