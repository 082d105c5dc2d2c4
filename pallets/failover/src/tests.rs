use frame_support::{assert_err, hypothetically};
use sp_core::H256;
use understudy_primitives::{
	Detectors, Entry, Evidence, FailoverLog, Health, Initiator, LogHead, NewRecord, RecordKind, Verdict,
};

use crate::{mock::*, Entries, Event, Head, Incidents};

fn replaced(incident: u64, from: u64, to: u64) -> NewRecord<u64> {
	NewRecord {
		incident,
		kind: RecordKind::Replaced,
		initiator: Initiator::Automation,
		subject: Some(from),
		from: Some(from),
		to: Some(to),
		evidence: Evidence::Verdict(Verdict {
			health: Health::Down,
			confidence: sp_runtime::Perbill::from_percent(90),
			detectors: Detectors { slots: true, peers: true, ..Default::default() },
			missed_slots: 2,
			missed_windows: 1,
			unreachable_windows: 1,
			voteless_windows: 0,
		}),
	}
}

fn append(count: u64) {
	for i in 0..count {
		assert_eq!(Failover::append(replaced(Failover::open_incident(), i, i + 100)), i);
	}
}

#[test]
fn an_empty_log_has_an_empty_head() {
	build_and_execute(|| {
		assert_eq!(Failover::head(), LogHead::default());
		assert!(Failover::timeline(0, 10).is_empty());
	});
}

#[test]
fn a_record_carries_block_session_and_evidence() {
	build_and_execute(|| {
		System::set_block_number(42);
		Session::set(7);
		let new = replaced(Failover::open_incident(), 11, 12);
		assert_eq!(Failover::append(new.clone()), 0);

		let Entry { record, evidence } = Entries::<Runtime>::get(0).expect("it was just written");
		assert_eq!((record.seq, record.block, record.session, record.incident), (0, 42, 7, 1));
		assert_eq!((record.subject, record.from, record.to), (Some(11), Some(11), Some(12)));
		assert_eq!(record.previous, H256::zero());
		assert_eq!(evidence, new.evidence);
		assert_eq!(record.evidence_root, new.evidence.root());
		assert_eq!(Failover::head(), LogHead { count: 1, hash: record.hash() });
		System::assert_last_event(
			Event::Recorded { hash: record.hash(), entry: Entry { record, evidence } }.into(),
		);
	});
}

#[test]
fn each_record_names_the_hash_of_the_one_before() {
	build_and_execute(|| {
		append(3);
		let entries = Failover::timeline(0, 10);
		assert_eq!(entries[1].record.previous, entries[0].record.hash());
		assert_eq!(entries[2].record.previous, entries[1].record.hash());
		assert_eq!(Failover::head().hash, entries[2].record.hash());
	});
}

#[test]
fn only_the_last_entries_stay_in_state() {
	build_and_execute(|| {
		append(10);
		assert_eq!(Failover::head().count, 10);
		let kept: Vec<u64> = Failover::timeline(0, 100).iter().map(|entry| entry.record.seq).collect();
		assert_eq!(kept, [6, 7, 8, 9]);
	});
}

#[test]
fn a_timeline_starts_and_ends_where_it_is_told_to() {
	build_and_execute(|| {
		append(4);
		let seqs = |from, limit| -> Vec<u64> {
			Failover::timeline(from, limit).iter().map(|entry| entry.record.seq).collect()
		};
		assert_eq!(seqs(1, 2), [1, 2]);
		assert_eq!(seqs(3, 100), [3]);
		assert!(seqs(4, 100).is_empty());
		assert!(seqs(u64::MAX, u32::MAX).is_empty());
		assert!(seqs(0, 0).is_empty());
	});
}

#[test]
fn a_timeline_never_exceeds_its_limit() {
	KeepLast::set(1_000);
	build_and_execute(|| {
		append(150);
		assert_eq!(Failover::timeline(0, u32::MAX).len(), 100);
		let again = Failover::open_incident();
		(0..120).for_each(|_| {
			Failover::append(replaced(again, 1, 2));
		});
		assert_eq!(Failover::incident(again).len(), 100);
	});
}

#[test]
fn an_incident_has_its_own_records_only() {
	build_and_execute(|| {
		let (first, second) = (Failover::open_incident(), Failover::open_incident());
		assert_ne!(first, 0);
		assert_ne!(first, second);
		for incident in [first, second, first] {
			Failover::append(replaced(incident, 1, 2));
		}
		let seqs: Vec<u64> = Failover::incident(first).iter().map(|entry| entry.record.seq).collect();
		assert_eq!(seqs, [0, 2]);
		assert!(Failover::incident(99).is_empty());
	});
}

#[test]
fn try_state_notices_every_kind_of_tampering() {
	build_and_execute(|| {
		append(6);
		let tamper = |change: fn(&mut Entry<u64, u64>)| {
			Entries::<Runtime>::mutate(4, |entry| change(entry.as_mut().expect("entry 4 is kept")));
			Failover::do_try_state()
		};
		hypothetically!(assert_err!(
			tamper(|entry| entry.record.to = Some(66)),
			"the chain of hashes is broken"
		));
		hypothetically!(assert_err!(
			tamper(|entry| entry.record.seq = 3),
			"a record is in another one's place"
		));
		hypothetically!(assert_err!(
			tamper(|entry| entry.evidence = Evidence::None),
			"the evidence is not what the record commits to"
		));
		hypothetically!(assert_err!(
			tamper(|entry| entry.record.incident = 1_000),
			"a record of an incident that was never opened"
		));
		hypothetically!({
			Entries::<Runtime>::remove(4);
			assert_err!(Failover::do_try_state(), "entries are kept that should not be, or some are missing");
		});
		hypothetically!({
			let entry = Entries::<Runtime>::take(4).expect("entry 4 is kept");
			Entries::<Runtime>::insert(99, entry);
			assert_err!(Failover::do_try_state(), "the log has a gap");
		});
		hypothetically!({
			Head::<Runtime>::mutate(|head| head.hash = H256::zero());
			assert_err!(Failover::do_try_state(), "the head is not the last record");
		});
		assert_eq!(Incidents::<Runtime>::get(), 6);
	});
}

#[test]
#[should_panic(expected = "KeepLast must be at least 1")]
fn a_log_that_keeps_nothing_is_refused() {
	KeepLast::set(0);
	<Failover as frame_support::traits::Hooks<u64>>::integrity_test();
}
