//! What the detectors together say of a member.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_runtime::Perbill;
use sp_weights::Weight;

use crate::{Evidence, MemberIndex, Moment, Seat};

/// Numbers the windows after which evidence is judged. Grows by one per window, whatever a window's length is.
pub type WindowIndex = u32;

/// How well a member does.
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
	/// Nothing speaks against it, and it has been heard.
	Healthy,
	/// Something speaks against it, or it was not heard yet; not enough to act on.
	Suspect,
	/// It is up, but does not do all of its work.
	Impaired,
	/// Independent sources agree that it does not work.
	Down,
}

/// Which independent sources of evidence fired.
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
	/// P: windows in a row in which enough peers found it unreachable, syncing, or behind in finality.
	pub peers: bool,
	/// V: windows in a row in which enough members saw it take no part in consensus: no finality
	/// vote of it, or no block of its slots.
	pub votes: bool,
}

impl Detectors {
	/// Whether any of them fired.
	pub fn any(&self) -> bool {
		self.own() || self.others()
	}

	/// Whether one that rests on what the member itself did or left undone on the chain fired: S or H.
	pub fn own(&self) -> bool {
		self.slots || self.heartbeats
	}

	/// Whether one that rests on what other members report fired: P or V.
	pub fn others(&self) -> bool {
		self.peers || self.votes
	}
}

/// The verdict on one member.
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
	/// What to make of the member.
	pub health: Health,
	/// How sure that is.
	pub confidence: Perbill,
	/// On whose word.
	pub detectors: Detectors,
	/// Own slots missed in a row, saturating.
	pub missed_slots: u8,
	/// Windows in a row without a sign of life, saturating.
	pub missed_windows: u8,
	/// Windows in a row in which a quorum of the peers that probe it reported a failure, saturating.
	pub unreachable_windows: u8,
	/// Windows in a row in which a quorum of the members reported that it takes no part in
	/// consensus: it casts no finality votes, or no block of its slots is seen on any branch.
	/// Saturating.
	pub voteless_windows: u8,
}

/// A verdict and whom it is about.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Judged {
	/// The member's index in the current roster.
	pub index: MemberIndex,
	/// Where it sits.
	pub seat: Seat,
	/// What the evidence says.
	pub verdict: Verdict,
	/// For how many more windows nothing is counted against it.
	pub grace: u8,
	/// The number of the block since which its health is what it was when it was judged last, saturating.
	pub since: u32,
}

impl Judged {
	/// Whether the verdict is [`Health::Down`].
	pub fn is_down(&self) -> bool {
		self.verdict.health == Health::Down
	}

	/// Whether the verdict is one that costs the seat: [`Health::Impaired`] or [`Health::Down`].
	pub fn is_failing(&self) -> bool {
		self.verdict.health >= Health::Impaired
	}

	/// Whether nothing is known of the member: it was not heard yet, and nothing speaks against it.
	pub fn is_unheard(&self) -> bool {
		self.verdict.health == Health::Suspect && self.verdict.confidence.is_zero()
	}
}

/// What the evidence says of the whole roster, at a window's end, or when a missed slot or a report decides.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct Judgement {
	/// The window that was running.
	pub window: WindowIndex,
	/// Every member that is not [`Health::Healthy`], in index order.
	pub unhealthy: Vec<Judged>,
	/// More of the active set is under suspicion at once than the systemic threshold allows: something bigger than one
	/// validator is wrong, and nobody may be evicted or slashed for it (I3).
	pub systemic: bool,
}

/// Told at the end of each window, and in between when a missed slot or a report makes a member [`Health::Down`].
pub trait JudgementHandler {
	/// Acts on what the evidence shows. Runs in `on_initialize`, before the session pallet's. Returns the weight that it took.
	fn on_judgement(judgement: &Judgement) -> Weight;
}

impl JudgementHandler for () {
	fn on_judgement(_: &Judgement) -> Weight {
		Weight::zero()
	}
}

/// What the evidence says of the roster right now.
pub trait Verdicts {
	/// The judgement as of now; `window` is the running one. Reads the evidence of the whole roster.
	fn judgement() -> Judgement;

	/// The running window. One read.
	fn window() -> WindowIndex;

	/// How long ago a member showed its last sign of life, in blocks and milliseconds, as far as the chain can tell from what
	/// is counted against it.
	fn silent_for(judged: &Judged) -> Moment;

	/// What the detectors have against a member, piece by piece: all that the verdict on it rests on.
	fn evidence(judged: &Judged) -> Vec<Evidence>;

	/// Asks for a judgement with the next block instead of the window's end.
	fn hasten() {}
}
