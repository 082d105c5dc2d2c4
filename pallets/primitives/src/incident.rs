//! Incidents: the course of an outage from its first evidence on, and the duration of each part.
//!
//! ```text
//!  Suspected ─▶ Attributed ─▶ Decided ─▶ Seated ─▶ Reconciled
//!                  │   ▲         │          └─────▶ Diverged ─▶ Decided (loss of the new seat)
//!                  │   └─────────┘ cancelled
//!                  ├─▶ Waiting ─▶ Decided, Vetoed, Dismissed
//!                  └─▶ Dismissed
//!  any of them ─▶ RolledBack
//! ```
//!
//! The state of an incident follows from its records alone, so that anybody with these can check
//! it.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_core::{bounded::BoundedVec, ConstU32};

use crate::{Evidence, Moment, Record, RecordKind, RecordSeq};

/// Maximum number of records that an incident links, the first ones. Later records still name the
/// incident, and are counted.
pub const MAX_RECORDS: u32 = 32;

/// Phase of an incident.
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
pub enum Phase {
	/// There is evidence against the member.
	Suspected,
	/// The evidence suffices to act.
	Attributed,
	/// The case waits for the guardians.
	Waiting,
	/// A set without the member is decided, and not active yet.
	Decided,
	/// That set is active. The newly seated member has not stated its position yet.
	Seated,
	/// Closed: the position of the newly seated member agrees with the chain, or the seat is
	/// vacant.
	Reconciled,
	/// The position of the newly seated member contradicts the chain. It is to lose the seat again.
	Diverged,
	/// Closed: the newly seated member did not state its position in time.
	Unconfirmed,
	/// Closed: the member no longer failed before it lost its seat, or the guardians did not
	/// answer.
	Dismissed,
	/// The guardians let the member keep its seat.
	Vetoed,
	/// Closed: the eviction was an error, and is undone.
	RolledBack,
	/// Ordinary rotation is suspended: more members failed at once than it may replace, or finality
	/// has stalled.
	Held,
}

impl Phase {
	/// Returns the phase of an incident that begins with a record of this kind.
	pub fn first(kind: RecordKind) -> Self {
		Phase::Attributed.after(kind, false)
	}

	/// Returns the phase after another record of this kind. `vacant` is `true` if no member gets
	/// the seat.
	pub fn after(self, kind: RecordKind, vacant: bool) -> Self {
		use RecordKind::*;
		match kind {
			// A rollback is final, whatever records follow.
			_ if self == Phase::RolledBack => self,
			Suspected => Phase::Suspected,
			Attributed | Equivocated => Phase::Attributed,
			CaseOpened => Phase::Waiting,
			Replaced | Removed => Phase::Decided,
			Seated if vacant => Phase::Reconciled,
			Seated => Phase::Seated,
			Held | Degraded => Phase::Held,
			Recovering => Phase::Decided,
			FinalityResumed => Phase::Seated,
			Reconciled | NormalOperationResumed => Phase::Reconciled,
			Diverged => Phase::Diverged,
			Unconfirmed => Phase::Unconfirmed,
			CaseVetoed => Phase::Vetoed,
			Cleared | Resumed => Phase::Dismissed,
			RolledBack => Phase::RolledBack,
			// The evidence may still hold; a record of its own clears it.
			Cancelled if self == Phase::Decided => Phase::Attributed,
			CaseClosed if matches!(self, Phase::Waiting | Phase::Vetoed) => Phase::Dismissed,
			Cancelled | CaseClosed | Elected | Penalized | Readmitted | AutomationSuspended
			| AutomationResumed => self,
		}
	}

	/// Returns `true` if the incident is closed.
	pub fn is_closed(self) -> bool {
		use Phase::*;
		matches!(self, Reconciled | Unconfirmed | Dismissed | RolledBack)
	}
}

/// Incident: one outage, as its records describe it.
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
pub struct Incident<AccountId> {
	/// Member that the incident is about; `None` if it is about the set as a whole.
	pub subject: Option<AccountId>,
	/// Phase of the incident.
	pub phase: Phase,
	/// Last sign of life of the subject, as far as the chain can tell. If no member failed: the
	/// moment at which the incident was opened.
	pub began: Moment,
	/// First evidence.
	pub suspected: Moment,
	/// Moment at which the evidence sufficed, or at which a change was decided without it.
	pub attributed: Option<Moment>,
	/// Moment at which the set without the subject became active.
	pub seated: Option<Moment>,
	/// Moment at which the newly seated member was reconciled with the chain.
	pub reconciled: Option<Moment>,
	/// Number of records, saturating.
	pub count: u32,
	/// Sequence numbers of the records, oldest first; the first [`MAX_RECORDS`] of them.
	pub records: BoundedVec<RecordSeq, ConstU32<MAX_RECORDS>>,
}

/// Durations of the parts of a failover, in blocks and milliseconds. Their sum is the time until
/// the set converged safely.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct Times {
	/// From the last sign of life to the first evidence.
	pub detect: Moment,
	/// From then until the evidence sufficed.
	pub attribute: Moment,
	/// From then until the new set was active.
	pub reconfigure: Moment,
	/// From then until the newly seated member was reconciled.
	pub resync: Moment,
}

impl Times {
	/// Returns the sum of all parts: from the last sign of life to reconciliation.
	pub fn total(&self) -> Moment {
		[self.detect, self.attribute, self.reconfigure, self.resync].iter().fold(
			Moment::default(),
			|sum, part| Moment {
				block: sum.block.saturating_add(part.block),
				time: sum.time.saturating_add(part.time),
			},
		)
	}
}

impl<AccountId: Clone> Incident<AccountId> {
	/// Creates the incident that a record opens in block `block`.
	pub fn open<BlockNumber>(record: &Record<AccountId, BlockNumber>, block: u32) -> Self {
		let now = Moment { block, time: record.time };
		Self {
			subject: record.subject.clone(),
			phase: Phase::first(record.kind),
			began: now,
			suspected: now,
			attributed: None,
			seated: None,
			reconciled: None,
			count: 0,
			records: BoundedVec::new(),
		}
	}

	/// Updates the incident by one of its records, written in block `block`. Each moment keeps its
	/// first value.
	pub fn follow<BlockNumber>(
		&mut self,
		record: &Record<AccountId, BlockNumber>,
		evidence: &[Evidence],
		block: u32,
	) {
		let now = Moment { block, time: record.time };
		self.phase = self.phase.after(record.kind, record.to.is_none());
		for piece in evidence {
			if let (RecordKind::Suspected, Evidence::Onset { last_sign, first }) = (record.kind, piece) {
				(self.began, self.suspected) = (*last_sign, *first);
			}
		}
		use RecordKind::*;
		match record.kind {
			Attributed | Replaced | Removed | CaseOpened | Held | Degraded | Equivocated => {
				self.attributed.get_or_insert(now);
			},
			Seated => {
				self.seated.get_or_insert(now);
				if record.to.is_none() {
					self.reconciled.get_or_insert(now);
				}
			},
			Reconciled => {
				self.reconciled.get_or_insert(now);
			},
			_ => (),
		}
		// A full list keeps its first records.
		let _ = self.records.try_push(record.seq);
		self.count = self.count.saturating_add(1);
	}

	/// Returns the durations of the parts; `None` before the incident is reconciled.
	pub fn times(&self) -> Option<Times> {
		let (attributed, seated, reconciled) = (self.attributed?, self.seated?, self.reconciled?);
		Some(Times {
			detect: self.suspected.since(&self.began),
			attribute: attributed.since(&self.suspected),
			reconfigure: seated.since(&attributed),
			resync: reconciled.since(&seated),
		})
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::Initiator;
	use sp_core::H256;

	fn follow(incident: &mut Incident<u64>, seq: u64, kind: RecordKind, at: u32, evidence: &[Evidence]) {
		incident.follow(&record(seq, kind, at), evidence, at);
	}

	fn record(seq: u64, kind: RecordKind, at: u32) -> Record<u64, u32> {
		Record {
			seq,
			previous: H256::zero(),
			block: at,
			time: u64::from(at) * 3_000,
			session: 0,
			incident: 1,
			kind,
			initiator: Initiator::Automation,
			subject: Some(1),
			from: Some(1),
			to: Some(2),
			evidence_root: H256::zero(),
		}
	}

	fn at(block: u32) -> Moment {
		Moment { block, time: u64::from(block) * 3_000 }
	}

	#[test]
	fn the_four_times_add_up_from_the_last_sign_of_life_to_reconciliation() {
		use RecordKind::*;
		let mut incident = Incident::open(&record(7, Suspected, 17), 17);
		assert_eq!(incident.phase, Phase::Suspected);
		let onset = Evidence::Onset { last_sign: at(10), first: at(15) };
		let expected = [
			(Suspected, 17, Phase::Suspected),
			(Attributed, 17, Phase::Attributed),
			(Replaced, 18, Phase::Decided),
			(Seated, 20, Phase::Seated),
			(Penalized, 20, Phase::Seated),
		];
		for (seq, (kind, block, phase)) in (7..).zip(expected) {
			follow(&mut incident, seq, kind, block, core::slice::from_ref(&onset));
			assert_eq!(incident.phase, phase);
		}
		assert_eq!(incident.times(), None);
		follow(&mut incident, 12, Reconciled, 24, &[]);
		follow(&mut incident, 13, Readmitted, 90, &[]);
		assert!(incident.phase.is_closed());
		let times = incident.times().expect("it is reconciled");
		let blocks = [times.detect, times.attribute, times.reconfigure, times.resync].map(|part| part.block);
		assert_eq!(blocks, [5, 2, 3, 4]);
		assert_eq!(times.total(), Moment { block: 14, time: 42_000 });
		assert_eq!(incident.records[..], [7, 8, 9, 10, 11, 12, 13]);
	}

	#[test]
	fn a_cancelled_decision_leaves_the_evidence_standing() {
		use RecordKind::*;
		let phase = Phase::Decided.after(Cancelled, false);
		assert_eq!(phase, Phase::Attributed);
		assert_eq!(phase.after(Cleared, false), Phase::Dismissed);
		assert_eq!(Phase::Dismissed.after(Cancelled, false), Phase::Dismissed);
	}

	#[test]
	fn a_case_waits_and_ends() {
		use RecordKind::*;
		let waiting = Phase::Attributed.after(CaseOpened, true);
		assert_eq!(waiting, Phase::Waiting);
		assert_eq!(waiting.after(CaseVetoed, true), Phase::Vetoed);
		assert_eq!(waiting.after(CaseClosed, true), Phase::Dismissed);
		assert_eq!(waiting.after(Replaced, false), Phase::Decided);
		assert_eq!(Phase::Decided.after(CaseClosed, true), Phase::Decided);
	}

	#[test]
	fn a_seat_that_nobody_gets_needs_no_reconciliation() {
		let mut incident = Incident::open(&record(0, RecordKind::Removed, 5), 5);
		let vacant = |kind| Record { to: None, ..record(0, kind, 5) };
		incident.follow(&vacant(RecordKind::Removed), &[], 5);
		incident.follow(&vacant(RecordKind::Seated), &[], 6);
		assert_eq!(incident.phase, Phase::Reconciled);
		assert_eq!(incident.times().map(|times| times.total().block), Some(1));
	}

	#[test]
	fn divergence_takes_the_seat_back_and_errors_are_rolled_back() {
		use RecordKind::*;
		assert_eq!(Phase::Seated.after(Diverged, true), Phase::Diverged);
		assert_eq!(Phase::Diverged.after(Replaced, false), Phase::Decided);
		assert_eq!(Phase::Reconciled.after(RolledBack, true), Phase::RolledBack);
		assert_eq!(Phase::RolledBack.after(Reconciled, false), Phase::RolledBack);
		assert!(!Phase::Diverged.is_closed());
	}

	#[test]
	fn the_list_of_records_is_bounded() {
		let mut incident = Incident::open(&record(0, RecordKind::Held, 1), 1);
		for seq in 0..100 {
			follow(&mut incident, seq, RecordKind::Penalized, 1, &[]);
		}
		assert_eq!(incident.records.len(), MAX_RECORDS as usize);
		assert_eq!(incident.count, 100);
	}
}
