//! Appending records, and reading them.

use super::*;

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

		let Entry { record, evidence, salt } = Entries::<Runtime>::get(0).expect("it was just written");
		assert_eq!((record.seq, record.block, record.session, record.incident), (0, 42, 7, 1));
		assert_eq!((record.subject, record.from, record.to), (Some(11), Some(11), Some(12)));
		assert_eq!(record.previous, H256::zero());
		assert_eq!(evidence[..], new.evidence);
		assert_eq!(record.evidence_root, mmr::evidence_root(&salt, &new.evidence));
		assert_eq!(record.time, 1_000);
		let (hash, root) = (record.hash(), record.hash());
		assert_eq!(Failover::head(), LogHead { count: 1, hash, root });
		System::assert_last_event(
			Event::Recorded { hash: record.hash(), entry: Entry { record, evidence, salt } }.into(),
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
		assert_eq!(Failover::incident(first).map(|incident| incident.records.into_inner()), Some(vec![0, 2]));
		assert_eq!(Failover::incident(99), None);
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
			tamper(|entry| entry.evidence = bounded_vec![]),
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
		hypothetically!({
			Head::<Runtime>::mutate(|head| head.root = H256::zero());
			assert_err!(Failover::do_try_state(), "the root is not that of the peaks");
		});
		hypothetically!({
			Peaks::<Runtime>::mutate(|peaks| peaks.truncate(1));
			assert_err!(Failover::do_try_state(), "there are too few peaks, or too many");
		});
		let tamper = |change: fn(&mut crate::IncidentOf<Runtime>)| {
			Incidents::<Runtime>::mutate(5, |incident| change(incident.as_mut().expect("it is kept")));
			Failover::do_try_state()
		};
		hypothetically!(assert_err!(
			tamper(|incident| incident.records = bounded_vec![]),
			"an incident does not link its record"
		));
		hypothetically!(assert_err!(
			tamper(|incident| incident.records.force_push(3)),
			"an incident links another one's record"
		));
		hypothetically!(assert_err!(
			tamper(|incident| incident.records.force_push(99)),
			"an incident links a record that is not there"
		));
		hypothetically!({
			let incident = Incidents::<Runtime>::get(5).expect("it is kept");
			Incidents::<Runtime>::insert(77, incident);
			assert_err!(Failover::do_try_state(), "an incident is kept that should not be");
		});
		assert_eq!(LastIncident::<Runtime>::get(), 6);
	});
}

#[test]
#[should_panic(expected = "KeepLast must be at least 1")]
fn a_log_that_keeps_nothing_is_refused() {
	KeepLast::set(0);
	<Failover as frame_support::traits::Hooks<u64>>::integrity_test();
}
