//! Incidents: what becomes of an outage, from its first evidence on, and how long each part of it took.
//!
//! ```text
//!  Suspected ─▶ Attributed ─▶ Decided ─▶ Seated ─▶ Reconciled
//!                  │   ▲         │          └─────▶ Diverged ─▶ Decided (the seat is taken back)
//!                  │   └─────────┘ cancelled
//!                  ├─▶ Waiting ─▶ Decided, Vetoed, Dismissed
//!                  └─▶ Dismissed
//!  any of them ─▶ RolledBack
//! ```
//!
//! An incident's state follows from its records alone, so that who has these can check it.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_core::{bounded::BoundedVec, ConstU32};

use crate::{Evidence, IncidentId, Moment, Record, RecordKind, RecordSeq};

/// The most records that an incident links: the first ones. Later ones name it still, and are counted.
pub const MAX_RECORDS: u32 = 32;

/// Where an incident stands.
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
	/// There is evidence.
	Suspected,
	/// The evidence suffices.
	Attributed,
	/// The guardians are asked.
	Waiting,
	/// A set without the member is on its way.
	Decided,
	/// That set is active; who got the seat has not shown yet where it stands.
	Seated,
	/// Closed: who got the seat stands where the chain stands, or nobody got it.
	Reconciled,
	/// Who got the seat stands elsewhere, and is to lose it again.
	Diverged,
	/// Closed: who got the seat did not say in time where it stands.
	Unconfirmed,
	/// Closed: the member failed no more before it lost its seat, or nobody answered.
	Dismissed,
	/// The guardians let the member keep its seat.
	Vetoed,
	/// Closed: what was done was an error, and undone.
	RolledBack,
	/// More fell at once than ordinary rotation may deal with: it holds still.
	Held,
}

impl Phase {
	/// Where an incident stands that begins with such a record.
	pub fn first(kind: RecordKind) -> Self {
		Phase::Attributed.after(kind, false)
	}

	/// Where it stands after another record; `vacant` says whether nobody gets the seat.
	pub fn after(self, kind: RecordKind, vacant: bool) -> Self {
		use RecordKind::*;
		match kind {
			// What is undone stays so, whatever is heard of it later.
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
			Reconciled | Thawed => Phase::Reconciled,
			Diverged => Phase::Diverged,
			Unconfirmed => Phase::Unconfirmed,
			CaseVetoed => Phase::Vetoed,
			Cleared | Resumed => Phase::Dismissed,
			RolledBack => Phase::RolledBack,
			// The evidence may still stand; it is cleared apart.
			Cancelled if self == Phase::Decided => Phase::Attributed,
			CaseClosed if matches!(self, Phase::Waiting | Phase::Vetoed) => Phase::Dismissed,
			Cancelled | CaseClosed | Elected | Penalized | Readmitted | AutomationSuspended
			| AutomationResumed => self,
		}
	}

	/// Whether nothing is to happen any more.
	pub fn is_closed(self) -> bool {
		use Phase::*;
		matches!(self, Reconciled | Unconfirmed | Dismissed | RolledBack)
	}
}

/// One outage, as its records tell it.
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
	/// Whom it is about; none where it is about the set as a whole.
	pub subject: Option<AccountId>,
	/// Where it stands.
	pub phase: Phase,
	/// The subject's last sign of life, as far as the chain can tell; where nobody failed, when it was opened.
	pub began: Moment,
	/// The first evidence.
	pub suspected: Moment,
	/// When the evidence sufficed, or when people wanted it so.
	pub attributed: Option<Moment>,
	/// When the set without the subject became active.
	pub seated: Option<Moment>,
	/// When it was known that who got the seat stands where the chain stands.
	pub reconciled: Option<Moment>,
	/// How many records it has, saturating.
	pub count: u32,
	/// Its records, oldest first; the first [`MAX_RECORDS`] of them.
	pub records: BoundedVec<RecordSeq, ConstU32<MAX_RECORDS>>,
}

/// How long the parts of a failover took, in blocks and milliseconds. Their sum is the time until the set converged safely.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct Times {
	/// From the last sign of life to the first evidence.
	pub detect: Moment,
	/// From there until the evidence sufficed.
	pub attribute: Moment,
	/// From there until the new set was active.
	pub reconfigure: Moment,
	/// From there until who got the seat had shown where it stands.
	pub resync: Moment,
}

impl Times {
	/// From the last sign of life to the end.
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
	/// The incident that a record opens, by block number `block`.
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

	/// Follows one of its records, written in block number `block`. What was reached first counts.
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
		// A full list keeps what it has.
		let _ = self.records.try_push(record.seq);
		self.count = self.count.saturating_add(1);
	}

	/// How long its parts took; `None` before it is reconciled.
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

/// Told when a member that was seated has signed that it stands elsewhere than the chain.
pub trait DivergenceHandler<AccountId> {
	/// Takes the seat of `who` back. The incident is the one by which it got it.
	fn on_divergence(incident: IncidentId, who: &AccountId);
}

impl<AccountId> DivergenceHandler<AccountId> for () {
	fn on_divergence(_: IncidentId, _: &AccountId) {}
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
