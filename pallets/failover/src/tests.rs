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

/// A head is what its records make: reference, slow and plain.
fn plain_root(hashes: &[H256]) -> H256 {
	fn tree(hashes: &[H256]) -> H256 {
		match hashes {
			[only] => *only,
			_ => {
				let (left, right) = hashes.split_at(hashes.len() / 2);
				mmr::hash(Domain::Node, &(tree(left), tree(right)))
			},
		}
	}
	let mut rest = hashes;
	let mut peaks = Vec::new();
	while !rest.is_empty() {
		let largest = 1usize << rest.len().ilog2();
		let (peak, others) = rest.split_at(largest);
		peaks.push(tree(peak));
		rest = others;
	}
	let bagged = peaks.into_iter().rev().reduce(|right, left| mmr::hash(Domain::Peaks, &(right, left)));
	bagged.unwrap_or_default()
}

/// I5 over random sequences: contiguous, chained, and the root commits to exactly the records; every one of them is found in the
/// index and proven, at the end as at every moment before.
#[test]
fn random_sequences_of_appends_are_committed_to_exactly() {
	KeepLast::set(7);
	for seed in 0..60u64 {
		let mut rng = ChaCha8Rng::seed_from_u64(seed);
		let count = rng.gen_range(1..80u64);
		let hashes = std::cell::RefCell::new(Vec::new());
		build_with_node(
			&[],
			|| {
				for seq in 0..count {
					let incident = match rng.gen_range(0..3) {
						0 => 0,
						1 => Failover::open_incident(),
						_ => LastIncident::<Runtime>::get(),
					};
					System::set_block_number(System::block_number() + rng.gen_range(0..3));
					let new = NewRecord { kind: any_kind(&mut rng), ..replaced(incident, seq, rng.gen()) };
					assert_eq!(Failover::append(new), seq);
					let head = Failover::head();
					hashes.borrow_mut().push(head.hash);
					assert_eq!((head.count, head.root), (seq + 1, plain_root(&hashes.borrow())));
				}
				Failover::do_try_state().expect("the log's invariants hold");
			},
			|_| {
				let (head, hashes) = (Failover::head(), hashes.borrow());
				for seq in 0..head.count {
					let entry = Failover::records(&[seq]).expect("it is indexed").remove(0);
					assert_eq!((entry.record.seq, entry.record.hash()), (seq, hashes[seq as usize]));
					let before = seq.checked_sub(1).map_or(H256::zero(), |before| hashes[before as usize]);
					assert_eq!(entry.record.previous, before);
					let proof = Failover::prove(&[seq]).expect("it is indexed");
					let root = mmr::root_of(head.count, vec![(seq, hashes[seq as usize])], proof);
					assert_eq!(root, Some(head.root));
				}
				// At every moment before it was a beginning of what it is now.
				for before in 1..head.count {
					let then = plain_root(&hashes[..before as usize]);
					let ancestry = Failover::ancestry(before).expect("it is indexed");
					assert_eq!(ancestry.roots(head.count), Some((then, head.root)));
				}
			},
		);
	}
}

fn any_kind(rng: &mut ChaCha8Rng) -> RecordKind {
	use RecordKind::*;
	let all =
		[Elected, Suspected, Attributed, Cleared, Replaced, Removed, Cancelled, Held, Penalized, RolledBack];
	all[rng.gen_range(0..all.len())]
}

#[test]
fn what_cannot_be_read_from_the_index_has_a_named_error() {
	build_with_node(
		&[],
		|| append(9),
		|_| {
			assert_eq!(Failover::records(&[9]), Err(ReadError::NoSuchRecord));
			assert_eq!(Failover::records(&[]), Err(ReadError::BadCount));
			assert_eq!(Failover::records(&vec![0; 101]), Err(ReadError::BadCount));
			assert_eq!(Failover::prove(&[u64::MAX]), Err(ReadError::NoSuchRecord));
			// Written in the block that is being built, and not in the index yet.
			append_more(9);
			assert_eq!(Failover::records(&[9]), Err(ReadError::NotIndexed));
			assert_eq!(Failover::prove(&[8]), Err(ReadError::NotIndexed));
			assert_eq!(Failover::ancestry(9), Err(ReadError::NotIndexed));
			for count in [0, 10, u64::MAX] {
				assert_eq!(Failover::ancestry(count), Err(ReadError::NoSuchRecord));
			}
			assert_eq!(Failover::records(&[3]).map(|entries| entries.len()), Ok(1));
		},
	);
}

fn append_more(seq: u64) {
	assert_eq!(Failover::append(replaced(0, 1, 2)), seq);
}

#[test]
fn the_first_block_indexes_what_genesis_wrote() {
	for indexed in [false, true] {
		build_with_node(
			&[],
			|| {
				append(3);
				// As if there had been no index so far.
				let hashes: Vec<H256> =
					(0..3).filter_map(Entries::<Runtime>::get).map(|entry| entry.record.hash()).collect();
				for hash in &hashes {
					sp_io::offchain_index::clear(&[b"understudy/log/record/", hash.as_bytes()].concat());
				}
				let node = mmr::hash(Domain::Node, &(hashes[0], hashes[1]));
				sp_io::offchain_index::clear(&[b"understudy/log/node/", node.as_bytes()].concat());
				if indexed {
					Failover::on_initialize(1);
				}
			},
			|_| {
				assert_eq!(Failover::prove(&[0]).is_ok(), indexed);
				assert_eq!(Failover::records(&[2]).is_ok(), indexed);
			},
		);
	}
}

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
		// A record of one that is gone is a record all the same.
		Failover::append(replaced(1, 1, 2));
		assert_eq!(Failover::incident(1), None);
	});
}

fn reconcile(incident: u64, who: u64, block: u64, hash: H256) -> DispatchResult {
	let position = Position { incident, who, block, hash, state_root: H256::zero() };
	let signature = sign(who, &position);
	Failover::reconcile(frame_system::RawOrigin::Authorized.into(), position, bounded_vec![], signature)
}

/// Member 11 sits since block 10, by incident 1; the chain is at block 20.
fn seated() {
	System::set_block_number(10);
	let id = Failover::open_incident();
	Failover::append(NewRecord { kind: RecordKind::Seated, ..replaced(id, 10, 11) });
	System::set_block_number(20);
}

fn header(number: u64, state_root: H256) -> Header {
	Header::new(number, H256::zero(), state_root, H256::zero(), Default::default())
}

/// A position of member 11 at block 15, which the chain agrees with.
fn agreed() -> (PositionOf<Runtime>, Vec<u8>) {
	let header = header(15, H256::repeat_byte(9));
	frame_system::BlockHash::<Runtime>::insert(15, header.hash());
	let position =
		Position { incident: 1, who: 11, block: 15, hash: header.hash(), state_root: H256::repeat_byte(9) };
	(position, header.encode())
}

fn authorize(position: PositionOf<Runtime>, header: Vec<u8>, signer: u64) -> Result<(), u8> {
	authorize_from(TransactionSource::InBlock, position, header, signer)
}

fn authorize_from(
	source: TransactionSource,
	position: PositionOf<Runtime>,
	header: Vec<u8>,
	signer: u64,
) -> Result<(), u8> {
	let signature = sign(signer, &position);
	let header = header.try_into().expect("it is short");
	let call = crate::Call::<Runtime>::reconcile { position, header, signature };
	match call.authorize(source).expect("it authorizes itself") {
		Ok(_) => Ok(()),
		Err(TransactionValidityError::Invalid(InvalidTransaction::Custom(code))) => Err(code),
		Err(other) => panic!("refused for {other:?}"),
	}
}

#[test]
fn an_agreed_position_is_let_in_and_closes_the_incident() {
	build_and_execute(|| {
		seated();
		let (position, header) = agreed();
		assert_eq!(authorize(position.clone(), header.clone(), 11), Ok(()));
		assert_ok!(reconcile(1, 11, 15, position.hash));
		assert!(Divergences::get().is_empty());
		let incident = Failover::incident(1).expect("it is kept");
		assert_eq!(incident.phase, Phase::Reconciled);
		assert_eq!(authorize(position.clone(), header, 11), Err(rejection::NOT_AWAITED));
		assert_noop!(reconcile(1, 11, 15, position.hash), Error::<Runtime>::NotAwaited);
	});
}

#[test]
fn another_position_is_an_alarm_and_takes_the_seat_back() {
	build_and_execute(|| {
		seated();
		let (agreed, _) = agreed();
		let elsewhere = header(15, H256::repeat_byte(66));
		let position = Position { hash: elsewhere.hash(), state_root: H256::repeat_byte(66), ..agreed };
		assert_eq!(authorize(position.clone(), elsewhere.encode(), 11), Ok(()));
		assert_ok!(reconcile(1, 11, 15, position.hash));
		assert_eq!(Divergences::get(), [(1, 11)]);
		System::assert_has_event(Event::Diverged { incident: 1, who: 11 }.into());
		assert_eq!(Failover::incident(1).map(|incident| incident.phase), Some(Phase::Diverged));
	});
}

#[test]
fn every_code_has_its_reason() {
	build_and_execute(|| {
		seated();
		let (good, bytes) = agreed();
		let refused = |position: PositionOf<Runtime>, code| {
			assert_eq!(authorize(position, bytes.clone(), 11), Err(code));
		};
		refused(Position { who: 12, ..good.clone() }, rejection::NOT_AWAITED);
		refused(Position { incident: 2, ..good.clone() }, rejection::NOT_AWAITED);
		refused(Position { block: 9, ..good.clone() }, rejection::PAST_BLOCK);
		refused(Position { block: 16, ..good.clone() }, rejection::PAST_BLOCK);
		refused(Position { block: 20, ..good.clone() }, rejection::FUTURE_BLOCK);
		refused(Position { hash: H256::zero(), ..good.clone() }, rejection::BAD_HEADER);
		refused(Position { state_root: H256::zero(), ..good.clone() }, rejection::BAD_HEADER);
		assert_eq!(authorize(good.clone(), b"no header".to_vec(), 11), Err(rejection::BAD_HEADER));
		assert_eq!(
			authorize(good.clone(), [bytes.clone(), vec![0]].concat(), 11),
			Err(rejection::BAD_HEADER)
		);
		assert_eq!(authorize(good.clone(), bytes.clone(), 12), Err(rejection::BAD_SIGNATURE));
		Keyless::set(vec![11]);
		assert_eq!(authorize(good.clone(), bytes.clone(), 11), Err(rejection::NO_KEY));
		Keyless::set(vec![]);
		// In the pool, a node that lags a little takes what is not there yet.
		let ahead = header(22, H256::zero());
		let position = Position { block: 22, hash: ahead.hash(), state_root: H256::zero(), ..good };
		let pool = |position: PositionOf<Runtime>| {
			authorize_from(TransactionSource::External, position, ahead.encode(), 11)
		};
		assert_eq!(pool(position.clone()), Ok(()));
		assert_eq!(pool(Position { block: 24, ..position }), Err(rejection::FUTURE_BLOCK));
	});
}

#[test]
fn a_position_in_a_signed_transaction_is_refused() {
	build_and_execute(|| {
		seated();
		let (position, _) = agreed();
		let signature = sign(11, &position);
		let origin = frame_system::RawOrigin::Signed(11).into();
		assert_noop!(
			Failover::reconcile(origin, position, bounded_vec![], signature),
			sp_runtime::DispatchError::BadOrigin
		);
	});
}

/// What members sign never changes unnoticed.
#[test]
fn the_payload_of_a_position_is_pinned() {
	let position = Position {
		incident: 1u64,
		who: 2u64,
		block: 3u32,
		hash: H256::repeat_byte(4),
		state_root: H256::repeat_byte(5),
	};
	let payload = position.payload(&H256::repeat_byte(6));
	let expected = [
		b"understudy/position/1".to_vec(),
		vec![6; 32],
		vec![1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0],
		vec![4; 32],
		vec![5; 32],
	];
	assert_eq!(payload, expected.concat());
}

#[test]
fn who_says_nothing_in_time_is_given_up() {
	build_and_execute(|| {
		seated();
		// Not every block looks.
		assert_eq!(Failover::on_initialize(31), Weight::zero());
		ReconcileWithin::set(22);
		assert_eq!(Failover::on_initialize(32), Weight::from_parts(400, 4));
		assert_eq!(Failover::incident(1).map(|incident| incident.phase), Some(Phase::Seated));
		ReconcileWithin::set(21);
		System::set_block_number(32);
		assert_eq!(Failover::on_initialize(32), Weight::from_parts(800, 8));
		assert_eq!(Failover::incident(1).map(|incident| incident.phase), Some(Phase::Unconfirmed));
		assert!(Awaiting::<Runtime>::get().is_empty());
	});
}

#[test]
fn where_too_many_are_awaited_the_oldest_is_given_up() {
	build_and_execute(|| {
		for who in 11..15 {
			let id = Failover::open_incident();
			Failover::append(NewRecord { kind: RecordKind::Seated, ..replaced(id, 10, who) });
		}
		assert_eq!(Failover::incident(1).map(|incident| incident.phase), Some(Phase::Unconfirmed));
		assert_eq!(
			Awaiting::<Runtime>::get().iter().map(|awaited| awaited.who).collect::<Vec<_>>(),
			[12, 13, 14]
		);
	});
}

#[test]
fn who_lost_its_seat_again_is_not_waited_for() {
	build_and_execute(|| {
		for (id, from, who) in [(1, 10, 11), (2, 11, 12)] {
			assert_eq!(Failover::open_incident(), id);
			Failover::append(NewRecord { kind: RecordKind::Seated, ..replaced(id, from, who) });
		}
		assert_eq!(Failover::incident(1).map(|incident| incident.phase), Some(Phase::Unconfirmed));
		assert_eq!(Awaiting::<Runtime>::get().iter().map(|awaited| awaited.who).collect::<Vec<_>>(), [12]);
	});
}

fn finality(number: u64) {
	let header = header(number, H256::repeat_byte(9)).encode();
	let view = FinalityView {
		at: 0,
		advanced: 0,
		finalized: number as u32,
		header,
		set: 0,
		prevoted: Vec::new(),
		silent: Vec::new(),
		authors: 0,
		idle: Vec::new(),
	};
	sp_io::offchain::local_storage_set(StorageKind::PERSISTENT, FINALITY_VIEW, &view.encode());
}

#[test]
fn the_worker_says_where_it_stands_once_it_has_seen_a_block_finalized_since_it_sits() {
	build_with_node(&[11, 12], seated, |pool| {
		finality(9);
		Failover::offchain_worker(20);
		assert!(pool.read().transactions.is_empty(), "the block is older than the seat");
		finality(15);
		Failover::offchain_worker(20);
		Failover::offchain_worker(21);
		assert_eq!(pool.read().transactions.len(), 1);
		let sent = Extrinsic::decode(&mut &pool.read().transactions[0][..]).expect("it is one of ours");
		let RuntimeCall::Failover(call) = sent.function else { panic!("not one of ours") };
		frame_system::BlockHash::<Runtime>::insert(15, header(15, H256::repeat_byte(9)).hash());
		assert!(call.authorize(TransactionSource::Local).expect("it authorizes itself").is_ok());
		// Nobody heard it: again.
		Failover::offchain_worker(22);
		assert_eq!(pool.read().transactions.len(), 2);
	});
}

#[test]
fn who_was_not_seated_says_nothing() {
	build_with_node(&[12], seated, |pool| {
		finality(15);
		Failover::offchain_worker(20);
		assert!(pool.read().transactions.is_empty());
	});
}

fn checkpoints() -> Vec<Checkpoint> {
	let digest = System::digest();
	let of = |item: &DigestItem| match item {
		DigestItem::Consensus(ENGINE_ID, bytes) => Checkpoint::decode(&mut &bytes[..]).ok(),
		_ => None,
	};
	digest.logs.iter().filter_map(of).collect()
}

#[test]
fn the_head_is_told_in_digests_from_time_to_time() {
	CheckpointRecords::set(4);
	CheckpointBlocks::set(10);
	build_and_execute(|| {
		Failover::on_initialize(10);
		assert!(checkpoints().is_empty(), "there is nothing to tell");
		append(5);
		assert_eq!(checkpoints().iter().map(|checkpoint| checkpoint.count).collect::<Vec<_>>(), [4]);
		Failover::on_initialize(19);
		Failover::on_initialize(20);
		let last = Checkpoint { count: 5, root: Failover::head().root };
		assert_eq!(checkpoints().last(), Some(&last));
		assert_eq!(checkpoints().len(), 2);
	});
}
