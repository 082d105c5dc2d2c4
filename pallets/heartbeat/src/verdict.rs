//! From evidence to a verdict: pure functions, no storage.
//!
//! | seat | S (own slots missed in a row) | H (windows in a row without a sign of life) | verdict | confidence |
//! |---|---|---|---|---|
//! | any | 0 | 0, heard before | healthy | 0 |
//! | any | 0 | 0, never heard | suspect | 0 |
//! | any | below the threshold, or H is | | suspect | each detector's weight times the share of its threshold |
//! | active | fired | fired | **down** | both weights |
//! | active | fired | not fired | suspect | weight of S, plus H's share |
//! | active | not fired | fired | suspect | weight of H, plus S's share |
//! | reserve | (has no slots) | fired | suspect | weight of H |
//!
//! No single detector makes a member *down* (I2), whatever it weighs. A standby, which has one detector only, is never
//! *down*; it need not be, for only a healthy one is seated.

use codec::{Decode, Encode};
use sp_runtime::{traits::Saturating, Perbill};
use understudy_primitives::{tolerated_faults, Detectors, Health, Judged, Seat, Verdict};

use crate::evidence::MemberEvidence;

/// From which counts on a detector fires, and what its word weighs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Thresholds {
	/// Own slots missed in a row at which S fires. 0 is taken as 1.
	pub slots: u8,
	/// Windows in a row without a sign of life at which H fires. 0 is taken as 1.
	pub windows: u8,
	/// The confidence that S brings when it fires.
	pub slots_weight: Perbill,
	/// The confidence that H brings when it fires.
	pub windows_weight: Perbill,
}

/// What the evidence says of a member, see the table above.
pub fn verdict(member: &MemberEvidence, seat: Seat, thresholds: &Thresholds) -> Verdict {
	let missed_slots = if seat == Seat::Active { member.missed_slots } else { 0 };
	let missed_windows = member.missed_windows;
	let detectors = Detectors {
		slots: missed_slots >= thresholds.slots.max(1),
		heartbeats: missed_windows >= thresholds.windows.max(1),
	};
	let health = match detectors {
		Detectors { slots: true, heartbeats: true } => Health::Down,
		_ if missed_slots > 0 || missed_windows > 0 || !member.heard => Health::Suspect,
		_ => Health::Healthy,
	};
	let confidence = share(missed_slots, thresholds.slots, thresholds.slots_weight).saturating_add(share(
		missed_windows,
		thresholds.windows,
		thresholds.windows_weight,
	));
	Verdict { health, confidence, detectors, missed_slots, missed_windows }
}

/// A detector's weight, in proportion where its count is below the threshold.
fn share(count: u8, threshold: u8, weight: Perbill) -> Perbill {
	let threshold = threshold.max(1);
	Perbill::from_rational(u32::from(count.min(threshold)), u32::from(threshold)) * weight
}

/// How many active members something speaks against. Those that are merely new are not among them.
pub fn suspects(unhealthy: &[Judged]) -> u32 {
	unhealthy
		.iter()
		.filter(|judged| {
			judged.seat == Seat::Active
				&& (judged.verdict.missed_slots > 0 || judged.verdict.missed_windows > 0)
		})
		.count() as u32
}

/// Whether so many suspects among so many active members are more than one validator's trouble: their share is above the
/// threshold, or they are more than the ⌊(n−1)/3⌋ faults that agreement bears, so that finality may stand still.
pub fn systemic(suspects: u32, active: u32, threshold: Perbill) -> bool {
	suspects > tolerated_faults(active) || Perbill::from_rational(suspects, active.max(1)) > threshold
}
