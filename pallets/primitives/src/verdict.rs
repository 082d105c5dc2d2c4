//! Verdicts: the conclusion of all detectors on a member.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_runtime::Perbill;

use crate::{MemberIndex, Seat};

/// Number of a window, after which evidence is judged. Grows by one per window, whatever the length
/// of a window is.
pub type WindowIndex = u32;

/// Condition of a member, from best to worst.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
pub enum Health {
	/// There is no evidence against it, and it has shown a sign of life.
	Healthy,
	/// There is some evidence against it, or no sign of life yet: not enough to act on.
	Suspect,
	/// It is up, but does not do all of its duties.
	Impaired,
	/// Independent sources agree that it does not work.
	Down,
}

/// Detectors, the independent sources of evidence: `true` for each one that fired.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Default,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
pub struct Detectors {
	/// S: its own slots, missed in a row.
	pub slots: bool,
	/// H: windows in a row without a heartbeat or a block.
	pub heartbeats: bool,
	/// P: windows in a row in which enough peers found it unreachable, syncing, or lagging in
	/// finality.
	pub peers: bool,
	/// V: windows in a row in which enough members saw it take no part in consensus: no finality
	/// vote of it, or no block in its slots.
	pub votes: bool,
}

impl Detectors {
	/// Returns `true` if any detector fired.
	pub fn any(&self) -> bool {
		self.own() || self.others()
	}

	/// Returns `true` if a detector fired that rests on the member's own conduct on the chain: S or
	/// H.
	pub fn own(&self) -> bool {
		self.slots || self.heartbeats
	}

	/// Returns `true` if a detector fired that rests on reports of other members: P or V.
	pub fn others(&self) -> bool {
		self.peers || self.votes
	}
}

/// Verdict on one member.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
pub struct Verdict {
	/// Condition of the member.
	pub health: Health,
	/// Strength of the verdict.
	pub confidence: Perbill,
	/// Detectors that fired.
	pub detectors: Detectors,
	/// Own slots missed in a row, saturating.
	pub missed_slots: u8,
	/// Windows in a row without a sign of life, saturating.
	pub missed_windows: u8,
	/// Windows in a row in which a quorum of its probers reported a failure, saturating.
	pub unreachable_windows: u8,
	/// Windows in a row in which a quorum of the members reported that it takes no part in
	/// consensus: it casts no finality votes, or no block in its slots is seen on any branch.
	/// Saturating.
	pub voteless_windows: u8,
}

/// Verdict, and the member that it is about.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Judged {
	/// Index of the member in the current roster.
	pub index: MemberIndex,
	/// Part of the roster that the member belongs to.
	pub seat: Seat,
	/// Verdict on the member.
	pub verdict: Verdict,
	/// Number of further windows in which nothing is counted against the member.
	pub grace: u8,
	/// Number of the block since which the member has had the health of its last judgement,
	/// saturating.
	pub since: u32,
}

impl Judged {
	/// Returns `true` if the verdict is [`Health::Down`].
	pub fn is_down(&self) -> bool {
		self.verdict.health == Health::Down
	}

	/// Returns `true` if the verdict costs the seat: [`Health::Impaired`] or [`Health::Down`].
	pub fn is_failing(&self) -> bool {
		self.verdict.health >= Health::Impaired
	}

	/// Returns `true` if the chain knows nothing of the member: it has shown no sign of life yet,
	/// and there is no evidence against it.
	pub fn is_unheard(&self) -> bool {
		self.verdict.health == Health::Suspect && self.verdict.confidence.is_zero()
	}
}

/// Verdicts on the whole roster, at the end of a window, or as soon as a missed slot or a report is
/// decisive.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct Judgement {
	/// Window that was running.
	pub window: WindowIndex,
	/// Members that are not [`Health::Healthy`], in index order.
	pub unhealthy: Vec<Judged>,
	/// `true` in a systemic outage: more of the active set is suspected at once than the systemic
	/// threshold allows. The cause is larger than one validator, and no member may be evicted or
	/// slashed for it (I3).
	pub systemic: bool,
}
