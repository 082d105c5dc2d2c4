//! Positions of newly seated members.

use super::*;

/// Seats member 11 in block 10, by incident 1, and moves the chain to block 20.
fn seated() {
	System::set_block_number(10);
	let id = Failover::open_incident();
	Failover::append(NewRecord { kind: RecordKind::Seated, ..replaced(id, 10, 11) });
	System::set_block_number(20);
}

fn header(number: u64, state_root: H256) -> Header {
	Header::new(number, H256::zero(), state_root, H256::zero(), Default::default())
}

/// Returns a position of member 11 at block 15, which agrees with the chain, and its header.
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
		Err(other) => panic!("rejected for another reason: {other:?}"),
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
		// The pool of a node that lags a little accepts blocks that the node does not have yet.
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

/// The signed bytes never change unnoticed.
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
		// Only some blocks search.
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
		assert!(pool.read().transactions.is_empty(), "the finalized block is older than the seat");
		finality(15);
		Failover::offchain_worker(20);
		Failover::offchain_worker(21);
		assert_eq!(pool.read().transactions.len(), 1);
		let sent = Extrinsic::decode(&mut &pool.read().transactions[0][..]).expect("it is one of ours");
		let RuntimeCall::Failover(call) = sent.function else { panic!("not one of ours") };
		frame_system::BlockHash::<Runtime>::insert(15, header(15, H256::repeat_byte(9)).hash());
		assert!(call.authorize(TransactionSource::Local).expect("it authorizes itself").is_ok());
		// No block has included it, so it is sent again.
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
