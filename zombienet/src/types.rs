//! Types of the chain, with the fields that the drills read. They mirror those of
//! `understudy-primitives` by name, as in the chain's metadata.

use zombienet_sdk::subxt::{
	ext::scale_decode::DecodeAsType,
	utils::{AccountId32, H256},
};

/// `understudy_primitives::Record`: the fields that the drills read.
#[derive(Clone, Debug, DecodeAsType)]
#[decode_as_type(crate_path = "zombienet_sdk::subxt::ext::scale_decode")]
pub struct Record {
	pub seq: u64,
	pub block: u32,
	pub incident: u64,
	pub kind: RecordKind,
	pub initiator: Initiator,
	pub subject: Option<AccountId32>,
	pub from: Option<AccountId32>,
	pub to: Option<AccountId32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, DecodeAsType)]
#[decode_as_type(crate_path = "zombienet_sdk::subxt::ext::scale_decode")]
pub enum RecordKind {
	Elected,
	Suspected,
	Attributed,
	Cleared,
	Replaced,
	Removed,
	Cancelled,
	Seated,
	Held,
	Resumed,
	CaseOpened,
	CaseVetoed,
	CaseClosed,
	Penalized,
	Readmitted,
	RolledBack,
	AutomationSuspended,
	AutomationResumed,
	Reconciled,
	Diverged,
	Unconfirmed,
	Degraded,
	Recovering,
	FinalityResumed,
	NormalOperationResumed,
	Equivocated,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, DecodeAsType)]
#[decode_as_type(crate_path = "zombienet_sdk::subxt::ext::scale_decode")]
pub enum Initiator {
	Automation,
	Election,
	Member,
	Guardians,
	Anyone,
}

#[derive(Clone, Debug, DecodeAsType)]
#[decode_as_type(crate_path = "zombienet_sdk::subxt::ext::scale_decode")]
pub enum Evidence {
	Verdict(Verdict),
	Set(H256),
	Penalty {
		outages: u8,
		at_once: u32,
		/// Parts per thousand million.
		fraction: u32,
	},
	Onset {
		last_sign: Moment,
		first: Moment,
	},
	// The details of a verdict, which the drills do not read.
	Slots {},
	Signs {},
	Peers {},
	Votes {},
	Node(#[allow(dead_code)] Vec<u8>),
	State {
		block: u32,
		hash: H256,
	},
	Finality {
		finalized: u32,
	},
	Quorum {
		votes: u32,
		members: u32,
		base: u32,
	},
	DoubleVote {},
	Equivocation {},
	AuthorEquivocation {
		slot: u64,
	},
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, DecodeAsType)]
#[decode_as_type(crate_path = "zombienet_sdk::subxt::ext::scale_decode")]
pub struct Moment {
	pub block: u32,
	/// Milliseconds since the Unix epoch.
	pub time: u64,
}

/// `understudy_primitives::Incident`: the fields that the drills read.
#[derive(Clone, Debug, DecodeAsType)]
#[decode_as_type(crate_path = "zombienet_sdk::subxt::ext::scale_decode")]
pub struct Incident {
	pub began: Moment,
	pub suspected: Moment,
	pub attributed: Option<Moment>,
	pub seated: Option<Moment>,
	pub reconciled: Option<Moment>,
}

/// `pallet_validator_rotation::lifecycle::Conduct`: the fields that the drills read.
#[derive(Clone, Debug, DecodeAsType)]
#[decode_as_type(crate_path = "zombienet_sdk::subxt::ext::scale_decode")]
pub struct Conduct {
	pub outages: u8,
	pub absence: Option<Absence>,
}

#[derive(Clone, Debug, DecodeAsType)]
#[decode_as_type(crate_path = "zombienet_sdk::subxt::ext::scale_decode")]
pub enum Absence {
	Jailed { until: u32 },
	Probation { left: u8 },
	Retired,
	Expelled,
}

impl std::fmt::Display for Absence {
	fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
		match self {
			Absence::Jailed { until } => write!(f, "in jail until #{until}"),
			Absence::Probation { left } => write!(f, "on probation for {left} windows"),
			Absence::Retired => write!(f, "retired"),
			Absence::Expelled => write!(f, "expelled"),
		}
	}
}

#[derive(Clone, Debug, DecodeAsType)]
#[decode_as_type(crate_path = "zombienet_sdk::subxt::ext::scale_decode")]
pub struct Entry {
	pub record: Record,
	pub evidence: Vec<Evidence>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, DecodeAsType)]
#[decode_as_type(crate_path = "zombienet_sdk::subxt::ext::scale_decode")]
pub enum Health {
	Healthy,
	Suspect,
	Impaired,
	Down,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, DecodeAsType)]
#[decode_as_type(crate_path = "zombienet_sdk::subxt::ext::scale_decode")]
pub struct Detectors {
	pub slots: bool,
	pub heartbeats: bool,
	pub peers: bool,
	pub votes: bool,
}

impl Detectors {
	/// Returns the letters of the detectors that fired.
	pub fn letters(&self) -> String {
		let all = [(self.slots, 'S'), (self.heartbeats, 'H'), (self.peers, 'P'), (self.votes, 'V')];
		all.into_iter().filter(|(fired, _)| *fired).map(|(_, letter)| letter).collect()
	}
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, DecodeAsType)]
#[decode_as_type(crate_path = "zombienet_sdk::subxt::ext::scale_decode")]
pub struct Verdict {
	pub health: Health,
	/// Parts per thousand million.
	pub confidence: u32,
	pub detectors: Detectors,
	pub missed_slots: u8,
	pub missed_windows: u8,
	pub unreachable_windows: u8,
	pub voteless_windows: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, DecodeAsType)]
#[decode_as_type(crate_path = "zombienet_sdk::subxt::ext::scale_decode")]
pub struct Judged {
	pub verdict: Verdict,
	/// Number of windows in which nothing is counted against the member.
	pub grace: u8,
}

#[derive(Clone, Debug, DecodeAsType)]
#[decode_as_type(crate_path = "zombienet_sdk::subxt::ext::scale_decode")]
pub struct RosterStatus {
	pub systemic: bool,
	pub members: Vec<(AccountId32, Judged)>,
}

#[derive(Clone, Copy, Debug, DecodeAsType)]
#[decode_as_type(crate_path = "zombienet_sdk::subxt::ext::scale_decode")]
pub struct LogHead {
	pub count: u64,
}
