//! Types of the recovery from excessive faults: the mode, blocks, the stall and the status.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

use crate::{IncidentId, Moment};

/// Safety mode of the chain.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
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
pub enum Mode {
	/// Finality advances.
	#[default]
	Safe,
	/// Finality has stalled. Elections and rotation are frozen, the intake gate limits ordinary
	/// transactions, and the members vote.
	DegradedSafe,
	/// More than half of the members have voted for a recovery. Responsive members replace
	/// unresponsive ones.
	RecoveryInProgress,
	/// Finality advances again, and must do so for a while before normal operation resumes.
	SafeResumed,
}

/// Number and hash of a block.
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
pub struct BlockId<Hash> {
	/// Number of the block.
	pub number: u32,
	/// Hash of the block.
	pub hash: Hash,
}

/// Stall of finality, as the chain noticed it. Proofs of a forced change show this value.
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
pub struct Stall {
	/// Last block that the finality view had as final.
	pub finalized: u32,
	/// Moment at which the finality view rose to that block.
	pub since: Moment,
	/// Moment at which the chain noticed the stall.
	pub noticed: Moment,
	/// Number of active members that had reported by then that no later block is final.
	pub reports: u32,
}

/// Status of a recovery: the mode, its reasons, and the progress towards the next mode.
#[derive(Clone, PartialEq, Eq, Default, Debug, Encode, Decode, TypeInfo, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecoveryStatus<Hash> {
	/// Mode of the chain.
	pub mode: Mode,
	/// Moment at which the mode began.
	pub since: Moment,
	/// Incident in the log; 0 while the chain is safe.
	pub incident: IncidentId,
	/// Last block that the finality view has as final.
	pub finalized: u32,
	/// Stall anchor: block that noticed the stall. Members attest their presence for it.
	pub anchor: Option<BlockId<Hash>>,
	/// Proposal: block in which the set to be seated was fixed. Members vote for it.
	pub proposal: Option<BlockId<Hash>>,
	/// Number of members that have attested their presence.
	pub present: u32,
	/// Number of members that have voted.
	pub votes: u32,
	/// Number of members of the newest roster that must be present, and that must vote.
	pub needed: u32,
	/// Number of members of the newest roster.
	pub members: u32,
	/// `true` if so many members have voted that no other block can gather enough votes.
	pub rules_out_others: bool,
	/// `true` if a change of authorities is forced for the proposal.
	pub forced: bool,
	/// `true` if the guardians have vetoed a recovery.
	pub vetoed: bool,
	/// Resume height: block that finality must pass for the chain to be safe again, if one is
	/// known.
	pub resume_height: Option<u32>,
}
