//! The failover log's records.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_core::{bounded::BoundedVec, ConstU32, H256};
use sp_runtime::Perbill;

use crate::{
	mmr::{hash, Domain, Salt},
	MemberIndex, Verdict, WindowIndex,
};

/// A record's place in the log, from 0, without gaps.
pub type RecordSeq = u64;

/// Names one outage from first evidence to resolution. 0 stands for "none": a change without an outage.
pub type IncidentId = u64;

/// What a record tells.
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
pub enum RecordKind {
	/// An election changed who will be active.
	Elected,
	/// An incident began: the first evidence against a member that sits. Written when it is attributed, for what comes to
	/// nothing changes nothing; its evidence says when that was.
	Suspected,
	/// The evidence suffices to say that the member fails.
	Attributed,
	/// Nothing more comes of the incident: the member does not fail any more, or lost its seat in another way.
	Cleared,
	/// A member that is down, or has no keys any more, loses its seat to a standby; not in effect yet.
	Replaced,
	/// The same, but nobody takes the seat, for there is no healthy standby; not in effect yet.
	Removed,
	/// A decided change will not happen: the standby can no longer be seated, or the member came back in time.
	Cancelled,
	/// The decided change is in effect.
	Seated,
	/// More members fell at once than the systemic threshold: ordinary rotation holds still.
	Held,
	/// Fewer members are under suspicion than the systemic threshold again: ordinary rotation goes on.
	Resumed,
	/// The evidence against a member does not suffice for automation, or automation is suspended: the guardians are asked.
	CaseOpened,
	/// The guardians want the member to keep its seat.
	CaseVetoed,
	/// The guardians did not answer in time, or the member does not fail any more.
	CaseClosed,
	/// The failed member was charged with an offence.
	Penalized,
	/// A member that lost its seat may be seated again.
	Readmitted,
	/// A member that was evicted as down showed right after it that it was up: the outage does not count, and its jail is lifted.
	RolledBack,
	/// Rotation does not act by itself any more.
	AutomationSuspended,
	/// Rotation acts by itself again.
	AutomationResumed,
	/// The member that got the seat has signed where it stands, and that is where the chain stands.
	Reconciled,
	/// The member that got the seat has signed that it stands elsewhere. It loses the seat again.
	Diverged,
	/// The member that got the seat did not say in time where it stands.
	Unconfirmed,
	/// Finality stands still: elections and rotation hold still, and the members vote.
	Degraded,
	/// More than half of the members want the living to take the seats of the dead, and the change of authorities to be forced.
	Recovering,
	/// Finality is back.
	FinalityResumed,
	/// It went on for long enough: everything else goes on.
	Thawed,
	/// A member signed two conflicting statements in consensus. It loses its seat, and is not
	/// seated again until the guardians pardon it.
	Equivocated,
}

/// On whose word something happened.
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
pub enum Initiator {
	/// The pallets, on evidence at or above the thresholds.
	Automation,
	/// The inner session manager: an election, or a governed list.
	Election,
	/// The member itself.
	Member,
	/// The guardians, or governance.
	Guardians,
	/// Anybody, on evidence that sufficed already.
	Anyone,
}

/// A point in time.
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
pub struct Moment {
	/// The block's number, saturating.
	pub block: u32,
	/// Milliseconds since the Unix epoch.
	pub time: u64,
}

impl Moment {
	/// What passed since an earlier one, in blocks and milliseconds, saturating.
	pub fn since(&self, earlier: &Moment) -> Moment {
		Moment {
			block: self.block.saturating_sub(earlier.block),
			time: self.time.saturating_sub(earlier.time),
		}
	}
}

/// The most pieces of evidence that a record has.
pub const MAX_EVIDENCE: u32 = 8;

/// What an account says of its node, as bytes.
pub type NodeBytes = BoundedVec<u8, ConstU32<96>>;

/// A bit per member of the roster, the lowest first, of at most so many members.
pub type MemberBits = BoundedVec<u8, ConstU32<128>>;

/// One piece of what a record rests on. Each is a salted leaf under the record's `evidence_root`, so that one can be shown
/// without the others.
#[derive(
	Clone,
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
pub enum Evidence {
	/// The verdict on the subject.
	Verdict(Verdict),
	/// The set after the change, where more than one seat changes: blake2-256 of its SCALE encoding.
	Set(H256),
	/// What a penalty was reckoned from.
	Penalty {
		/// Which outage of the member it is, of those that are not forgiven yet.
		outages: u8,
		/// How many members fell at once.
		at_once: u32,
		/// The share of its stake that it is charged.
		fraction: Perbill,
	},
	/// When the failure began.
	Onset {
		/// The subject's last sign of life, as far as the chain can tell.
		last_sign: Moment,
		/// The first evidence against it.
		first: Moment,
	},
	/// Detector S: the subject's own slots.
	Slots {
		/// The slot of the block that judged.
		current: u64,
		/// How many of its own it missed in a row, saturating.
		missed: u8,
	},
	/// Detector H: signs of life in the running window, by heartbeat or block.
	Signs {
		/// The running window.
		window: WindowIndex,
		/// Whether there was one in it.
		seen: bool,
		/// Whether there was one in the window before.
		seen_before: bool,
		/// How many windows in a row lacked one that was due, saturating.
		missed: u8,
	},
	/// Detector P: what those who probe the subject say.
	Peers {
		/// The running window.
		window: WindowIndex,
		/// How many of those who are assigned to it have reported somebody in that window.
		reports: u16,
		/// Those; of a large roster, the first of them.
		reporters: BoundedVec<MemberIndex, ConstU32<16>>,
		/// In how many windows in a row a quorum did, saturating.
		windows: u8,
	},
	/// Detector V: who sees no finality votes of the subject.
	Votes {
		/// The running window.
		window: WindowIndex,
		/// How many have reported, in that window, that they see no votes of somebody.
		reports: u16,
		/// Those.
		reporters: MemberBits,
		/// In how many windows in a row a quorum did, saturating.
		windows: u8,
	},
	/// What the subject says of its node, in SCALE: where its health is asked for, where it stands, and who runs it. Private.
	Node(NodeBytes),
	/// Where the member that got the seat stands, as it has signed.
	State {
		/// A block that it has seen finalized since it has the seat.
		block: u32,
		/// That block's hash.
		hash: H256,
		/// The state root in that block's header.
		state_root: H256,
	},
	/// Finality, as the last authors see it.
	Finality {
		/// Up to which block it came.
		finalized: u32,
		/// When it came there.
		since: Moment,
	},
	/// The votes for a recovery.
	Quorum {
		/// How many.
		votes: u32,
		/// Of how many members.
		members: u32,
		/// The block from which finality is to go on.
		base: u32,
	},
	/// A member has voted for two proposals.
	DoubleVote {
		/// Their blocks' numbers, the smaller one first.
		proposals: (u32, u32),
	},
	/// A member has signed two votes in one round of GRANDPA, and the chain has accepted the proof.
	Equivocation {
		/// Session of the votes.
		session: u32,
		/// Id of the authority set.
		set: u64,
		/// The round.
		round: u64,
		/// blake2-256 of the proof in SCALE, a `sp_consensus_grandpa::EquivocationProof`. The proof
		/// is in the offchain index under [`equivocation_key`].
		proof: H256,
	},
	/// A member has signed two blocks for one slot, and the chain has accepted the proof.
	AuthorEquivocation {
		/// Session of the slot.
		session: u32,
		/// The slot.
		slot: u64,
		/// blake2-256 of the proof in SCALE, a `sp_consensus_slots::EquivocationProof`. The proof is
		/// in the offchain index under [`equivocation_key`].
		proof: H256,
	},
}

/// The key of an equivocation proof in the offchain index, by its hash.
pub fn equivocation_key(proof: &H256) -> Vec<u8> {
	(&b"understudy/equivocation"[..], proof).encode()
}

/// Keeps an equivocation proof in the offchain index, under [`equivocation_key`]. Returns its hash, for
/// the evidence.
pub fn keep_equivocation(proof: &impl Encode) -> H256 {
	let bytes = proof.encode();
	let hash = H256(sp_io::hashing::blake2_256(&bytes));
	sp_io::offchain_index::set(&equivocation_key(&hash), &bytes);
	hash
}

impl Evidence {
	/// Whether it is shown only to whom its owner wants to show it.
	pub fn is_private(&self) -> bool {
		matches!(self, Evidence::Node(_))
	}
}

/// One entry of the append-only failover log.
#[derive(
	Clone,
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
pub struct Record<AccountId, BlockNumber> {
	/// Place in the log.
	pub seq: RecordSeq,
	/// [`Record::hash`] of the record before; zero for the first one.
	pub previous: H256,
	/// The block that wrote it.
	pub block: BlockNumber,
	/// When that was, in milliseconds since the Unix epoch, as precisely as the chain knows.
	pub time: u64,
	/// The session of that block.
	pub session: u32,
	/// The outage it belongs to, 0 if to none.
	pub incident: IncidentId,
	/// What it tells.
	pub kind: RecordKind,
	/// On whose word.
	pub initiator: Initiator,
	/// Whom it is about.
	pub subject: Option<AccountId>,
	/// Who loses a seat.
	pub from: Option<AccountId>,
	/// Who gets that seat.
	pub to: Option<AccountId>,
	/// The root over the pieces of evidence, see [`evidence_root`](crate::mmr::evidence_root); zero where there are none.
	pub evidence_root: H256,
}

impl<AccountId: Encode, BlockNumber: Encode> Record<AccountId, BlockNumber> {
	/// The record's identity, its leaf in the MMR, and the next one's `previous`: blake2-256 of the SCALE encoding, behind the
	/// domain's byte.
	pub fn hash(&self) -> H256 {
		hash(Domain::Record, self)
	}
}

/// A record with the evidence that its root commits to.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Entry<AccountId, BlockNumber> {
	/// The record.
	pub record: Record<AccountId, BlockNumber>,
	/// What `record.evidence_root` commits to, piece by piece.
	pub evidence: BoundedVec<Evidence, ConstU32<MAX_EVIDENCE>>,
	/// What hides the pieces that are not shown.
	pub salt: Salt,
}

/// The state of the log as a whole: what a proof stands on.
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
pub struct LogHead {
	/// How many records were ever written, and the next one's `seq`.
	pub count: RecordSeq,
	/// Hash of the last record, zero while there is none.
	pub hash: H256,
	/// The MMR's root over all of them, zero while there is none.
	pub root: H256,
}

/// The engine under which checkpoints are in headers' digests.
pub const ENGINE_ID: sp_runtime::ConsensusEngineId = *b"undy";

/// What a header's digest tells from time to time, so that a witness who keeps headers pins the log.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Checkpoint {
	/// How many records there were.
	pub count: RecordSeq,
	/// The MMR's root over them.
	pub root: H256,
}

/// What the writer of a record knows; the log adds the rest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewRecord<AccountId> {
	/// The outage it belongs to, 0 if to none.
	pub incident: IncidentId,
	/// What it tells.
	pub kind: RecordKind,
	/// On whose word.
	pub initiator: Initiator,
	/// Whom it is about.
	pub subject: Option<AccountId>,
	/// Who loses a seat.
	pub from: Option<AccountId>,
	/// Who gets that seat.
	pub to: Option<AccountId>,
	/// On what evidence; what is beyond [`MAX_EVIDENCE`] is left out.
	pub evidence: Vec<Evidence>,
}

/// The append-only log, as its writers see it.
pub trait FailoverLog<AccountId> {
	/// When it is, as the log has it.
	fn now() -> Moment;
	/// How many records there are.
	fn count() -> RecordSeq;
	/// A fresh incident's id, never 0.
	fn open_incident() -> IncidentId;
	/// Appends a record and says where it stands. Cannot fail: the log has no bound on its length, only on what of it is
	/// kept in state.
	fn append(record: NewRecord<AccountId>) -> RecordSeq;
}

impl<AccountId> FailoverLog<AccountId> for () {
	fn now() -> Moment {
		Moment::default()
	}
	fn count() -> RecordSeq {
		0
	}
	fn open_incident() -> IncidentId {
		1
	}
	fn append(_: NewRecord<AccountId>) -> RecordSeq {
		0
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn record() -> Record<u64, u32> {
		Record {
			seq: 7,
			previous: H256::repeat_byte(1),
			block: 42,
			time: 1_700_000_000_000,
			session: 3,
			incident: 2,
			kind: RecordKind::Replaced,
			initiator: Initiator::Automation,
			subject: Some(11),
			from: Some(11),
			to: Some(12),
			evidence_root: H256::zero(),
		}
	}

	/// The hash is what a proof stands on: a change of the encoding must be noticed here first.
	#[test]
	fn the_hash_of_a_record_is_pinned() {
		assert_eq!(record().encode().len(), 8 + 32 + 4 + 8 + 4 + 8 + 1 + 1 + 3 * 9 + 32);
		assert_eq!(
			alloc::format!("{:?}", record().hash()),
			"0xf5c75f3863ba2c997b8a31e418ca01af0fa119db028d680bc8428834b33f7c5a"
		);
	}

	#[test]
	fn each_field_changes_the_hash() {
		let base = record();
		let others = [
			Record { seq: 8, ..base.clone() },
			Record { previous: H256::repeat_byte(2), ..base.clone() },
			Record { block: 43, ..base.clone() },
			Record { time: 0, ..base.clone() },
			Record { session: 4, ..base.clone() },
			Record { incident: 3, ..base.clone() },
			Record { kind: RecordKind::Removed, ..base.clone() },
			Record { initiator: Initiator::Election, ..base.clone() },
			Record { subject: None, ..base.clone() },
			Record { from: Some(12), ..base.clone() },
			Record { to: None, ..base.clone() },
			Record { evidence_root: H256::repeat_byte(9), ..base.clone() },
		];
		for other in others {
			assert_ne!(other.hash(), base.hash());
		}
	}
}
