//! Records of the failover log, and the evidence attached to them.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_core::{bounded::BoundedVec, ConstU32, H256};

use crate::{
	mmr::{hash, Domain, Salt},
	Evidence, MAX_EVIDENCE,
};

/// Sequence number of a record in the log, from 0, without gaps.
pub type RecordSeq = u64;

/// Id of an incident: one outage from first evidence to resolution. 0 means none: a change without
/// an outage.
pub type IncidentId = u64;

/// Event that a record states.
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
	/// An election changed the future active set.
	Elected,
	/// An incident began: the first evidence against a member of the active set.
	///
	/// Written when the outage is attributed, because a suspicion that comes to nothing changes
	/// nothing. Its evidence has the time of the first evidence.
	Suspected,
	/// The evidence suffices to conclude that the member fails.
	Attributed,
	/// The incident ended without more consequences: the member no longer fails, or lost its seat
	/// in another way.
	Cleared,
	/// A member that is down, or no longer has keys, loses its seat to a standby. Not in effect
	/// yet.
	Replaced,
	/// The same, but the seat becomes vacant, because there is no healthy standby. Not in effect
	/// yet.
	Removed,
	/// A decided change was withdrawn: the standby can no longer be seated, or the member came back
	/// in time.
	Cancelled,
	/// The decided change is in effect.
	Seated,
	/// More members failed at once than the systemic threshold allows: ordinary rotation is
	/// suspended.
	Held,
	/// Fewer members are suspected than the systemic threshold again: ordinary rotation resumes.
	Resumed,
	/// The evidence against a member does not suffice for automation, or automation is suspended:
	/// the case is put to the guardians. Without a subject: the guardians permit a recovery.
	CaseOpened,
	/// The guardians let the member keep its seat. Without a subject: they veto a recovery.
	CaseVetoed,
	/// The guardians did not answer in time, the member no longer fails, or the guardians pardoned
	/// an expelled member.
	CaseClosed,
	/// The member was charged with an offence.
	Penalized,
	/// A member that lost its seat may be seated again.
	Readmitted,
	/// A member that was evicted as down showed right after its eviction that it was up: the outage
	/// does not count, and its jail is lifted.
	RolledBack,
	/// Rotation no longer acts by itself.
	AutomationSuspended,
	/// Rotation acts by itself again.
	AutomationResumed,
	/// The newly seated member has signed its position, and the position agrees with the chain.
	Reconciled,
	/// The newly seated member has signed a position that contradicts the chain. It loses the seat
	/// again.
	Diverged,
	/// The newly seated member did not sign its position in time.
	Unconfirmed,
	/// Finality has stalled: elections and rotation are frozen, and the members vote.
	Degraded,
	/// More than half of the members voted that responsive members replace unresponsive ones, and
	/// that the change of authorities is forced.
	Recovering,
	/// Finality advances again.
	FinalityResumed,
	/// Finality has advanced for long enough: normal operation resumes.
	#[serde(alias = "Thawed")]
	NormalOperationResumed,
	/// The member signed two conflicting statements in consensus. It loses its seat, and is not
	/// seated again until the guardians pardon it.
	Equivocated,
}

/// Party that caused an event.
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
	/// Any account, on evidence that already sufficed.
	Anyone,
}

/// Point in time.
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
	/// Block number, saturating.
	pub block: u32,
	/// Time in milliseconds since the Unix epoch.
	pub time: u64,
}

impl Moment {
	/// Returns the blocks and milliseconds that have passed since `earlier`, saturating.
	pub fn since(&self, earlier: &Moment) -> Moment {
		Moment {
			block: self.block.saturating_sub(earlier.block),
			time: self.time.saturating_sub(earlier.time),
		}
	}
}

/// Record: one entry of the append-only failover log.
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
	/// Sequence number in the log.
	pub seq: RecordSeq,
	/// [`Record::hash`] of the record before; zero for the first record.
	pub previous: H256,
	/// Block that wrote the record.
	pub block: BlockNumber,
	/// Time of that block, in milliseconds since the Unix epoch, as precisely as the chain knows
	/// it.
	pub time: u64,
	/// Session of that block.
	pub session: u32,
	/// Incident that the record belongs to; 0 if to none.
	pub incident: IncidentId,
	/// Event that the record states.
	pub kind: RecordKind,
	/// Party that caused the event.
	pub initiator: Initiator,
	/// Member that the record is about.
	pub subject: Option<AccountId>,
	/// Member that loses a seat.
	pub from: Option<AccountId>,
	/// Member that gets that seat.
	pub to: Option<AccountId>,
	/// Root over the pieces of evidence, see [`evidence_root`](crate::mmr::evidence_root); zero if
	/// there are none.
	pub evidence_root: H256,
}

impl<AccountId: Encode, BlockNumber: Encode> Record<AccountId, BlockNumber> {
	/// Returns the identity of the record, which is its leaf in the MMR and the `previous` of the
	/// next record: blake2-256 of the domain byte and the SCALE encoding.
	pub fn hash(&self) -> H256 {
		hash(Domain::Record, self)
	}
}

/// Record, with the evidence that its root commits to.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Entry<AccountId, BlockNumber> {
	/// The record.
	pub record: Record<AccountId, BlockNumber>,
	/// Pieces of evidence that `record.evidence_root` commits to.
	pub evidence: BoundedVec<Evidence, ConstU32<MAX_EVIDENCE>>,
	/// Salt that hides the pieces that are not shown.
	pub salt: Salt,
}

/// Head of the log: the commitment that proofs lead to.
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
	/// Number of records that were ever written, which is the `seq` of the next one.
	pub count: RecordSeq,
	/// Hash of the last record; zero while there is none.
	pub hash: H256,
	/// Root of the MMR over all records; zero while there is none.
	pub root: H256,
}

/// Consensus engine id of the checkpoints in header digests.
pub const ENGINE_ID: sp_runtime::ConsensusEngineId = *b"undy";

/// Checkpoint of the log. The digests of some headers have one, so that a witness that keeps
/// headers pins the log.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Checkpoint {
	/// Number of records.
	pub count: RecordSeq,
	/// Root of the MMR over them.
	pub root: H256,
}

/// Part of a record that its writer supplies. The log adds the rest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewRecord<AccountId> {
	/// Incident that the record belongs to; 0 if to none.
	pub incident: IncidentId,
	/// Event that the record states.
	pub kind: RecordKind,
	/// Party that caused the event.
	pub initiator: Initiator,
	/// Member that the record is about.
	pub subject: Option<AccountId>,
	/// Member that loses a seat.
	pub from: Option<AccountId>,
	/// Member that gets that seat.
	pub to: Option<AccountId>,
	/// Pieces of evidence. Those beyond [`MAX_EVIDENCE`] are left out.
	pub evidence: Vec<Evidence>,
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

	/// Proofs rest on the hash, so this test must be the first to notice a change of the encoding.
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
