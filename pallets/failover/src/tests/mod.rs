//! Tests by topic.

mod checkpoints;
mod incidents;
mod index;
mod log;
mod reconciliation;

use codec::{Decode, Encode};
use frame_support::{
	assert_err, assert_noop, assert_ok, hypothetically,
	pallet_prelude::{InvalidTransaction, TransactionSource, TransactionValidityError},
	traits::{Authorize, Hooks},
	weights::Weight,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sp_core::{bounded_vec, offchain::StorageKind, H256};
use sp_runtime::{traits::Header as _, DigestItem, DispatchResult};
use understudy_primitives::{
	api::ReadError,
	mmr::{self, Domain},
	offchain::{FinalityView, FINALITY_VIEW},
	statement::Statement,
	Checkpoint, Detectors, Entry, Evidence, FailoverLog, Health, Initiator, LogHead, Moment, NewRecord,
	Phase, RecordKind, Verdict, ENGINE_ID,
};

use crate::{
	mock::*, rejection, Awaiting, Entries, Error, Event, Head, Incidents, LastIncident, Peaks, Position,
	PositionOf,
};

fn replaced(incident: u64, from: u64, to: u64) -> NewRecord<u64> {
	NewRecord {
		incident,
		kind: RecordKind::Replaced,
		initiator: Initiator::Automation,
		subject: Some(from),
		from: Some(from),
		to: Some(to),
		evidence: vec![Evidence::Verdict(Verdict {
			health: Health::Down,
			confidence: sp_runtime::Perbill::from_percent(90),
			detectors: Detectors { slots: true, peers: true, ..Default::default() },
			missed_slots: 2,
			missed_windows: 1,
			unreachable_windows: 1,
			voteless_windows: 0,
		})],
	}
}

fn append(count: u64) {
	for i in 0..count {
		assert_eq!(Failover::append(replaced(Failover::open_incident(), i, i + 100)), i);
	}
}

fn reconcile(incident: u64, who: u64, block: u64, hash: H256) -> DispatchResult {
	let position = Position { incident, who, block, hash, state_root: H256::zero() };
	let signature = sign(who, &position);
	Failover::reconcile(frame_system::RawOrigin::Authorized.into(), position, bounded_vec![], signature)
}
