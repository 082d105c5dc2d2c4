//! Writes records of the failover log.

use alloc::vec::Vec;
use understudy_primitives::{Evidence, FailoverLog, IncidentId, Initiator, NewRecord, RecordKind};

use crate::{selection::Swap, Config, Pallet};

impl<T: Config> Pallet<T> {
	/// Writes a record that changes no seat.
	pub(crate) fn note(
		incident: IncidentId,
		kind: RecordKind,
		initiator: Initiator,
		subject: Option<T::AccountId>,
		evidence: Vec<Evidence>,
	) {
		T::Log::append(NewRecord { incident, kind, initiator, subject, from: None, to: None, evidence });
	}

	/// Writes a record about one member that changes no seat, initiated by automation.
	pub(crate) fn note_of(
		incident: IncidentId,
		kind: RecordKind,
		who: &T::AccountId,
		evidence: Vec<Evidence>,
	) {
		Self::note(incident, kind, Initiator::Automation, Some(who.clone()), evidence);
	}

	/// Writes a record of a change of a seat.
	pub(crate) fn record(
		incident: IncidentId,
		kind: RecordKind,
		initiator: Initiator,
		swap: &Swap<T::AccountId>,
		evidence: Vec<Evidence>,
	) {
		let Swap { from, to } = swap.clone();
		let subject = Some(from.clone());
		T::Log::append(NewRecord { incident, kind, initiator, subject, from: Some(from), to, evidence });
	}
}
