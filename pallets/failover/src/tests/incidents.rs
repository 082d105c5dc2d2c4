//! Incidents, which follow from their records.

use super::*;

#[test]
fn an_incident_follows_from_its_records() {
	build_and_execute(|| {
		let id = Failover::open_incident();
		let at = |block: u64, time| {
			System::set_block_number(block);
			Now::set(time);
		};
		let onset = Evidence::Onset {
			last_sign: Moment { block: 10, time: 30_000 },
			first: Moment { block: 13, time: 39_000 },
		};
		at(15, 45_000);
		let suspected =
			NewRecord { kind: RecordKind::Suspected, evidence: vec![onset], ..replaced(id, 10, 11) };
		Failover::append(suspected);
		Failover::append(NewRecord { kind: RecordKind::Attributed, ..replaced(id, 10, 11) });
		Failover::append(replaced(id, 10, 11));
		at(16, 48_000);
		Failover::append(NewRecord { kind: RecordKind::Seated, ..replaced(id, 10, 11) });
		let incident = Failover::incident(id).expect("it is kept");
		assert_eq!((incident.phase, incident.subject), (Phase::Seated, Some(10)));
		assert_eq!(incident.records[..], [0, 1, 2, 3]);
		assert_eq!(incident.times(), None);

		let hash = H256::repeat_byte(4);
		at(17, 51_000);
		frame_system::BlockHash::<Runtime>::insert(16, hash);
		assert_ok!(reconcile(id, 11, 16, hash));
		let incident = Failover::incident(id).expect("it is kept");
		assert_eq!(incident.phase, Phase::Reconciled);
		let times = incident.times().expect("it is reconciled");
		let parts = [times.detect, times.attribute, times.reconfigure, times.resync];
		assert_eq!(
			parts.map(|part| (part.block, part.time)),
			[(3, 9_000), (2, 6_000), (1, 3_000), (1, 3_000)]
		);
		assert_eq!(times.total(), Moment { block: 7, time: 21_000 });
		assert_eq!(Failover::incidents(u64::MAX, 5).len(), 1);
		assert!(Failover::incidents(id, 5).is_empty());
	});
}

#[test]
fn only_the_last_incidents_stay_in_state() {
	KeepIncidents::set(3);
	build_and_execute(|| {
		append(5);
		let kept: Vec<u64> = Failover::incidents(u64::MAX, 100).iter().map(|(id, _)| *id).collect();
		assert_eq!(kept, [5, 4, 3]);
		// An incident that is no longer in state can still have records.
		Failover::append(replaced(1, 1, 2));
		assert_eq!(Failover::incident(1), None);
	});
}
