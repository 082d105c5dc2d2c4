//! How recovery from excessive faults meets rotation, consensus and the log.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

use crate::{IncidentId, Moment};

/// The mode the chain is in.
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
	/// Finality follows.
	#[default]
	Safe,
	/// It stands still. Elections and rotation hold still, few transactions are let in, and the members vote.
	DegradedSafe,
	/// More than half of the members want it, and the living take the seats of the dead.
	RecoveryInProgress,
	/// It is back, and must go on for a while before everything else goes on.
	SafeResumed,
}

/// A block, by its number and hash.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct BlockId<Hash> {
	/// Its number.
	pub number: u32,
	/// Its hash.
	pub hash: Hash,
}

/// The mode, why it is what it is, and what is waited for.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct RecoveryStatus<Hash> {
	/// The mode.
	pub mode: Mode,
	/// When it began.
	pub since: Moment,
	/// The incident in the log; 0 while the chain is safe.
	pub incident: IncidentId,
	/// Up to which block finality has come, as the last authors see it.
	pub finalized: u32,
	/// What votes are for, while there are any.
	pub anchor: Option<BlockId<Hash>>,
	/// How many members have voted.
	pub votes: u32,
	/// How many must have.
	pub needed: u32,
	/// How many members there are.
	pub members: u32,
	/// Whether the guardians do not want a recovery.
	pub vetoed: bool,
	/// The block that finality must pass for the chain to be safe again, if one is known.
	pub mark: Option<u32>,
}

impl<Hash: PartialEq> RecoveryStatus<Hash> {
	/// Whether so many members have voted for this branch that no other one can gather enough any more.
	pub fn rules_out_others(&self) -> bool {
		self.anchor.is_some() && self.votes.saturating_add(self.needed) > self.members
	}
}

/// What rotation has to know of the mode.
pub trait RecoveryControl {
	/// Whether everything that may change the set by itself holds still.
	fn is_frozen() -> bool;

	/// Whether the living are to take the seats of the dead, and have not yet.
	fn is_reseating() -> bool {
		false
	}

	/// A set becomes active in this block, and consensus has not heard of it yet.
	fn on_activation() {}
}

/// No recovery: nothing is ever frozen.
impl RecoveryControl for () {
	fn is_frozen() -> bool {
		false
	}
}

/// Who sits, and how the living take the seats of the dead.
pub trait Seats<AccountId> {
	/// The active set, and the reserve, each in its order.
	fn members() -> (Vec<AccountId>, Vec<AccountId>);

	/// Whether a change is queued that becomes active when the session ends.
	fn is_changing() -> bool;

	/// How many seats there would be, and how many of them would be of the living, if these took the seats of all others as far
	/// as they can be seated.
	fn reseated(living: &[AccountId]) -> (u32, u32);

	/// Does it: the changes are recorded under the incident, and the session ends as soon as may be.
	fn reseat(living: &[AccountId], incident: IncidentId);
}

/// The finality gadget.
pub trait ForceFinality<BlockNumber> {
	/// Whether a change of authorities can be forced now.
	fn may_force() -> bool;

	/// Forces the change that this block signals: enacted after `delay` blocks, with finality going on from `base`.
	fn force(delay: BlockNumber, base: BlockNumber);
}
