//! The failover log's records.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::H256;
use sp_io::hashing::blake2_256;
use sp_runtime::Perbill;

use crate::Verdict;

/// A record's place in the log, from 0, without gaps.
pub type RecordSeq = u64;

/// Names one outage from first evidence to resolution. 0 stands for "none": a change without an outage.
pub type IncidentId = u64;

/// What a record tells.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum RecordKind {
	/// An election changed who will be active.
	Elected,
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
	/// A member that was evicted as down showed right after it that it was up.
	Unneeded,
	/// Rotation does not act by itself any more.
	AutomationSuspended,
	/// Rotation acts by itself again.
	AutomationResumed,
}

/// On whose word something happened.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
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

/// What a record's `evidence_root` commits to.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Evidence {
	/// No evidence is needed for this kind of record.
	None,
	/// The verdict on the subject.
	Verdict(Verdict),
	/// Hash of the SCALE-encoded new active set, for changes of more than one seat.
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
}

impl Evidence {
	/// The commitment: blake2-256 of the SCALE encoding, zero for [`Evidence::None`].
	pub fn root(&self) -> H256 {
		match self {
			Evidence::None => H256::zero(),
			some => H256(some.using_encoded(blake2_256)),
		}
	}
}

/// One entry of the append-only failover log.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Record<AccountId, BlockNumber> {
	/// Place in the log.
	pub seq: RecordSeq,
	/// [`Record::hash`] of the record before; zero for the first one.
	pub previous: H256,
	/// The block that wrote it.
	pub block: BlockNumber,
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
	/// [`Evidence::root`] of the evidence.
	pub evidence_root: H256,
}

impl<AccountId: Encode, BlockNumber: Encode> Record<AccountId, BlockNumber> {
	/// The record's identity and the next one's `previous`: blake2-256 of the SCALE encoding.
	pub fn hash(&self) -> H256 {
		H256(self.using_encoded(blake2_256))
	}
}

/// A record with the evidence that its root commits to.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Entry<AccountId, BlockNumber> {
	/// The record.
	pub record: Record<AccountId, BlockNumber>,
	/// What `record.evidence_root` commits to.
	pub evidence: Evidence,
}

/// The state of the log as a whole.
#[derive(
	Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct LogHead {
	/// How many records were ever written, and the next one's `seq`.
	pub count: RecordSeq,
	/// Hash of the last record, zero while there is none.
	pub hash: H256,
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
	/// On what evidence.
	pub evidence: Evidence,
}

/// The append-only log, as its writers see it.
pub trait FailoverLog<AccountId> {
	/// A fresh incident's id, never 0.
	fn open_incident() -> IncidentId;
	/// Appends a record and says where it stands. Cannot fail: the log has no bound on its length, only on what of it is
	/// kept in state.
	fn append(record: NewRecord<AccountId>) -> RecordSeq;
}

impl<AccountId> FailoverLog<AccountId> for () {
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
			session: 3,
			incident: 2,
			kind: RecordKind::Replaced,
			initiator: Initiator::Automation,
			subject: Some(11),
			from: Some(11),
			to: Some(12),
			evidence_root: Evidence::None.root(),
		}
	}

	/// The hash is what a proof stands on: a change of the encoding must be noticed here first.
	#[test]
	fn the_hash_of_a_record_is_pinned() {
		assert_eq!(record().encode().len(), 8 + 32 + 4 + 4 + 8 + 1 + 1 + 3 * 9 + 32);
		assert_eq!(
			alloc::format!("{:?}", record().hash()),
			"0x58531bf36edf8a884f8af6efaffc2f9d3e5135b5b9fc2ed5611f517c5345fea3"
		);
	}

	#[test]
	fn each_field_changes_the_hash() {
		let base = record();
		let others = [
			Record { seq: 8, ..base.clone() },
			Record { previous: H256::repeat_byte(2), ..base.clone() },
			Record { block: 43, ..base.clone() },
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

	#[test]
	fn only_evidence_has_a_root() {
		assert_eq!(Evidence::None.root(), H256::zero());
		assert_ne!(Evidence::Set(H256::zero()).root(), H256::zero());
	}
}
