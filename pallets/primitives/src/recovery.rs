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
	/// Its number.
	pub number: u32,
	/// Its hash.
	pub hash: Hash,
}

/// A stall of finality as the chain noticed it. What proofs of a forced change show it by.
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
	/// The block up to which finality had come.
	pub finalized: u32,
	/// Time of the last rise.
	pub since: Moment,
	/// Time at which the chain noticed.
	pub noticed: Moment,
	/// Number of active members that had reported by then that nothing later is final.
	pub reports: u32,
}

/// The mode, why it is what it is, and what is waited for.
#[derive(Clone, PartialEq, Eq, Default, Debug, Encode, Decode, TypeInfo, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecoveryStatus<Hash> {
	/// The mode.
	pub mode: Mode,
	/// When it began.
	pub since: Moment,
	/// The incident in the log; 0 while the chain is safe.
	pub incident: IncidentId,
	/// Up to which block finality has come, as the last authors see it.
	pub finalized: u32,
	/// The block in which it was noticed that finality stands still; members say that they are there for it.
	pub anchor: Option<BlockId<Hash>>,
	/// The block in which the set to be seated was fixed; members vote for it.
	pub proposal: Option<BlockId<Hash>>,
	/// How many members have said that they are there.
	pub present: u32,
	/// How many have voted.
	pub votes: u32,
	/// How many must be there, and must vote, of the newest roster.
	pub needed: u32,
	/// How many members it has.
	pub members: u32,
	/// Whether so many have voted that no other block can gather enough votes any more.
	pub rules_out_others: bool,
	/// Whether a change of authorities is forced, for the proposal.
	pub forced: bool,
	/// Whether the guardians do not want a recovery.
	pub vetoed: bool,
	/// The block that finality must pass for the chain to be safe again, if one is known.
	pub mark: Option<u32>,
}

/// What rotation has to know of the mode.
pub trait RecoveryControl {
	/// Whether everything that may change the set by itself holds still.
	fn is_frozen() -> bool;

	/// Whether the living are to take the seats of the dead, and have not yet.
	fn is_reseating() -> bool {
		false
	}

	/// Returns whether another roster may take effect. Too many that finality has not reached leave
	/// no votes that suffice for all of them.
	fn has_room() -> bool {
		true
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

/// Replaces unresponsive members by responsive ones.
pub trait Seats<AccountId> {
	/// Whether a change is queued that becomes active when the session ends.
	fn is_changing() -> bool;

	/// The set in which these replace all others, as far as they can be seated.
	fn reseated(living: &[AccountId]) -> Vec<AccountId>;

	/// Seats exactly this set, whatever has changed since it was proposed. The changes are recorded
	/// under the incident, and the session ends as soon as may be.
	fn reseat(set: &[AccountId], incident: IncidentId);
}

/// Members that decide on a recovery.
pub trait Electorate<AccountId, Key> {
	/// The members of the current roster in the order of their indices, each with the heartbeat key
	/// in force.
	fn members() -> Vec<(AccountId, Option<Key>)>;

	/// Returns for each of them, by index, whether it counts: the active ones do, and of the
	/// reserve those that have shown lately that they are ready.
	fn ready() -> Vec<bool>;
}

/// Hears of changes of the [`Electorate`] that come without a new roster.
pub trait ElectorateHandler {
	/// A heartbeat key came into force.
	fn on_keys() {}

	/// A standby became ready, or is so no more.
	fn on_readiness() {}
}

impl ElectorateHandler for () {}

/// The finality gadget.
pub trait ForceFinality<BlockNumber> {
	/// Whether a change of authorities can be forced now.
	fn may_force() -> bool;

	/// The id of the authority set, as the chain counts.
	fn set_id() -> u64;

	/// Forces the change that this block signals: enacted after `delay` blocks, with finality going on from `base`. Changes that
	/// are not final by then come to nothing: `set_id` is the one that the forced change follows.
	fn force(delay: BlockNumber, base: BlockNumber, set_id: u64);
}
