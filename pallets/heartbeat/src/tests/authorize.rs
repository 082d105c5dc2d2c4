//! Authorization of heartbeats: each reason to reject one, and acceptance.

use codec::Encode;
use frame_support::{
	assert_noop, assert_ok,
	dispatch::RawOrigin,
	pallet_prelude::{Authorize, InvalidTransaction, TransactionSource, ValidTransaction},
};
use sp_runtime::{
	traits::{Applyable, Checkable},
	transaction_validity::TransactionValidityError,
	DispatchError,
};
use understudy_primitives::{crypto::AuthoritySignature, RosterHandler};

use crate::{
	chunks::{self, CounterTable, Mark},
	mock::*,
	rejection,
	statement::Statement,
	Call, Counters, Error, Heartbeat as Payload, Window,
};

fn valid(who: u64) -> Payload {
	Payload {
		roster: Window::<Runtime>::get().roster.id,
		window: Window::<Runtime>::get().index,
		index: (who - 10) as u32,
	}
}

fn authorize(
	source: TransactionSource,
	heartbeat: Payload,
	signature: AuthoritySignature,
) -> Result<ValidTransaction, TransactionValidityError> {
	Call::<Runtime>::heartbeat { heartbeat, signature }
		.authorize(source)
		.expect("the call is authorizable")
		.map(|(valid, _)| valid)
}

fn rejected(heartbeat: Payload, code: u8) {
	let signature = sign(14, &heartbeat);
	for source in [TransactionSource::External, TransactionSource::Local, TransactionSource::InBlock] {
		assert_eq!(
			authorize(source, heartbeat, signature.clone()),
			Err(InvalidTransaction::Custom(code).into())
		);
	}
}

#[test]
fn a_signed_heartbeat_is_let_in_from_everywhere() {
	build_and_execute(|| {
		let heartbeat = valid(14);
		for source in [TransactionSource::External, TransactionSource::Local, TransactionSource::InBlock] {
			let transaction = authorize(source, heartbeat, sign(14, &heartbeat)).expect("it is valid");
			assert_eq!((transaction.priority, transaction.longevity, transaction.propagate), (77, 64, true));
			assert_eq!(transaction.provides, [("understudy/heartbeat", heartbeat).encode()]);
			assert!(transaction.requires.is_empty());
		}
	});
}

#[test]
fn two_heartbeats_of_a_member_and_window_exclude_each_other_in_the_pool() {
	build_and_execute(|| {
		let provides = |heartbeat: Payload, who| {
			authorize(TransactionSource::External, heartbeat, sign(who, &heartbeat))
				.expect("it is valid")
				.provides
		};
		// Signatures differ each time, and so do the hashes of the transactions.
		assert_eq!(provides(valid(14), 14), provides(valid(14), 14));
		assert_ne!(provides(valid(14), 14), provides(valid(15), 15));
	});
}

#[test]
fn another_roster_is_rejected() {
	build_and_execute(|| {
		let roster = valid(14).roster;
		rejected(Payload { roster: roster + 1, ..valid(14) }, rejection::STALE_ROSTER);
		rejected(Payload { roster: roster - 1, ..valid(14) }, rejection::STALE_ROSTER);
		let old = valid(14);
		Heartbeat::on_roster(&[10, 11], &[14]);
		rejected(old, rejection::STALE_ROSTER);
	});
}

#[test]
fn a_past_window_is_rejected_after_one_more() {
	build_and_execute(|| {
		let heartbeat = valid(14);
		Window::<Runtime>::mutate(|window| window.index += 1);
		Counters::<Runtime>::mutate(0, |chunk| chunk[4].missed_windows = 1);
		assert_ok!(authorize(TransactionSource::InBlock, heartbeat, sign(14, &heartbeat)));
		Window::<Runtime>::mutate(|window| window.index += 1);
		rejected(heartbeat, rejection::PAST_WINDOW);
	});
}

#[test]
fn a_future_window_is_rejected() {
	build_and_execute(|| {
		let window = valid(14).window;
		rejected(Payload { window: window + 2, ..valid(14) }, rejection::FUTURE_WINDOW);
		rejected(Payload { window: u32::MAX, ..valid(14) }, rejection::FUTURE_WINDOW);
	});
}

#[test]
fn the_next_window_is_let_into_the_pool_but_not_into_a_block() {
	build_and_execute(|| {
		let next = Payload { window: valid(14).window + 1, ..valid(14) };
		chunks::mark::<Runtime>(Mark::Seen, 4);
		assert_ok!(authorize(TransactionSource::External, next, sign(14, &next)));
		assert_eq!(
			authorize(TransactionSource::InBlock, next, sign(14, &next)),
			Err(InvalidTransaction::Custom(rejection::FUTURE_WINDOW).into())
		);
	});
}

#[test]
fn an_index_beyond_the_roster_is_rejected() {
	build_and_execute(|| {
		rejected(Payload { index: 6, ..valid(14) }, rejection::NOT_A_MEMBER);
		rejected(Payload { index: u32::MAX, ..valid(14) }, rejection::NOT_A_MEMBER);
	});
}

#[test]
fn a_replay_is_rejected() {
	build_and_execute(|| {
		chunks::mark::<Runtime>(Mark::Seen, 4);
		rejected(valid(14), rejection::ALREADY_SEEN);
	});
}

#[test]
fn a_heartbeat_that_was_counted_is_not_counted_again_in_the_next_window() {
	build_and_execute(|| {
		let heartbeat = valid(14);
		assert_ok!(Heartbeat::heartbeat(RawOrigin::Authorized.into(), heartbeat, sign(14, &heartbeat)));
		run(1..6, &[4]);
		assert_eq!(Window::<Runtime>::get().index, heartbeat.window + 1);
		rejected(heartbeat, rejection::ALREADY_SEEN);
	});
}

#[test]
fn a_heartbeat_ends_the_silence_at_once() {
	build_and_execute(|| {
		Counters::<Runtime>::mutate(0, |chunk| chunk[4].missed_windows = 3);
		let heartbeat = valid(14);
		assert_ok!(Heartbeat::heartbeat(RawOrigin::Authorized.into(), heartbeat, sign(14, &heartbeat)));
		let table = CounterTable::<Runtime>::read(&Window::<Runtime>::get().roster);
		let member = table.get(4).expect("a member");
		assert_eq!((member.missed_windows, member.heard), (0, true));
	});
}

#[test]
fn who_misses_a_slot_after_it_was_seen_may_be_gone_and_was_not_silent() {
	build_and_execute(|| {
		run(1..22, &[]);
		chunks::mark::<Runtime>(Mark::Seen, 2);
		run(22..24, &[2]);
		let member = || {
			let table = CounterTable::<Runtime>::read(&Window::<Runtime>::get().roster);
			*table.get(2).expect("a member")
		};
		assert_eq!((member().missed_slots, member().answered), (1, false));
		let window = Window::<Runtime>::get().index;
		let mut slots = 24..;
		while Window::<Runtime>::get().index == window {
			let slot = slots.next().expect("they do not end");
			run(slot..slot + 1, &[2]);
		}
		assert_eq!((member().missed_windows, member().overdue), (0, false));
		// In the next window it shows a sign of life.
		let heartbeat = valid(12);
		assert_ok!(Heartbeat::heartbeat(RawOrigin::Authorized.into(), heartbeat, sign(12, &heartbeat)));
		assert!(member().answered);
	});
}

#[test]
fn a_late_heartbeat_counts_for_who_was_not_seen_in_its_window() {
	build_and_execute(|| {
		let heartbeat = valid(14);
		let window = heartbeat.window;
		run(1..6, &[4]);
		assert_eq!(Window::<Runtime>::get().index, window + 1);
		assert_ok!(authorize(TransactionSource::InBlock, heartbeat, sign(14, &heartbeat)));
	});
}

#[test]
fn a_member_without_a_key_is_rejected() {
	Keyless::set(vec![14]);
	build_and_execute(|| rejected(valid(14), rejection::NO_KEY));
}

/// Returns `true`, for each of two keys, if a heartbeat of `who` signed with it is accepted: the
/// key of `who`, and the key that it has when it is rekeyed.
fn let_in(who: u64) -> (bool, bool) {
	let heartbeat = valid(who);
	let by = |key| authorize(TransactionSource::InBlock, heartbeat, sign(key, &heartbeat)).is_ok();
	(by(who), by(who + NEW_KEY))
}

#[test]
fn an_active_members_new_key_counts_with_the_session_that_changes_keys() {
	build_and_execute(|| {
		Rekeyed::set(vec![12]);
		assert_eq!(let_in(12), (true, false));
		new_session(false, &[(12, key(12 + NEW_KEY))]);
		assert_eq!(let_in(12), (true, false));
		// Keys have changed, but not that of 12.
		new_session(true, &[(12, key(12))]);
		assert_eq!(let_in(12), (true, false));
		new_session(true, &[(12, key(12 + NEW_KEY))]);
		assert_eq!(let_in(12), (false, true));
	});
}

#[test]
fn a_standbys_new_key_counts_with_the_next_session() {
	build_and_execute(|| {
		Rekeyed::set(vec![15]);
		assert_eq!(let_in(15), (true, false));
		new_session(false, &[]);
		assert_eq!(let_in(15), (false, true));
	});
}

#[test]
fn a_new_roster_leaves_the_keys_in_force_as_they_are() {
	build_and_execute(|| {
		Rekeyed::set(vec![12, 14, 16]);
		Keyless::set(vec![15]);
		Heartbeat::on_roster(&[10, 11, 12, 13], &[14, 15, 16]);
		assert_eq!([let_in(12), let_in(14), let_in(15)], [(true, false); 3]);
		assert_eq!(let_in(16), (false, true), "it was not in the roster before");
		new_session(false, &[]);
		assert_eq!([let_in(12), let_in(14), let_in(15)], [(true, false), (false, true), (false, false)]);
	});
}

#[test]
fn what_is_signed_is_bound_to_the_genesis_that_block_1_knows() {
	build_and_execute(|| {
		let before = Heartbeat::genesis();
		frame_system::BlockHash::<Runtime>::insert(0, sp_core::H256::repeat_byte(3));
		next_block(0);
		let check = || {
			let heartbeat = valid(14);
			let by = |genesis| {
				let signature = understudy_test_support::sign(14, &heartbeat, &genesis);
				authorize(TransactionSource::InBlock, heartbeat, signature)
			};
			assert_eq!(by(before), Err(InvalidTransaction::Custom(rejection::BAD_SIGNATURE).into()));
			assert_ok!(by(Heartbeat::genesis()));
		};
		check();
		// The next window keeps the genesis hash.
		run(1..6, &[4]);
		assert_eq!(Window::<Runtime>::get().genesis, Heartbeat::genesis());
		check();
	});
}

#[test]
fn a_foreign_signature_is_rejected() {
	build_and_execute(|| {
		let heartbeat = valid(15);
		// `rejected` signs with the key of 14.
		rejected(heartbeat, rejection::BAD_SIGNATURE);
		let other = Payload { window: heartbeat.window + 1, ..heartbeat };
		assert_eq!(
			authorize(TransactionSource::External, heartbeat, sign(15, &other)),
			Err(InvalidTransaction::Custom(rejection::BAD_SIGNATURE).into())
		);
	});
}

#[test]
fn a_heartbeat_for_another_chain_is_rejected() {
	build_and_execute(|| {
		let heartbeat = valid(14);
		let signature = sign_payload(14, &heartbeat.payload(&sp_core::H256::repeat_byte(9)));
		assert_eq!(
			authorize(TransactionSource::External, heartbeat, signature),
			Err(InvalidTransaction::Custom(rejection::BAD_SIGNATURE).into())
		);
	});
}

#[test]
fn the_signed_payload_is_pinned() {
	let payload = Payload { roster: 1, window: 0x0203, index: 4 }.payload(&sp_core::H256::repeat_byte(0xaa));
	let mut expected = b"understudy/heartbeat/1".to_vec();
	expected.extend([0xaa; 32]);
	expected.extend([1, 0, 0, 0, 3, 2, 0, 0, 4, 0, 0, 0]);
	assert_eq!(payload, expected);
}

#[test]
fn an_authorized_heartbeat_marks_the_member_as_seen() {
	build_and_execute(|| {
		let heartbeat = valid(14);
		let call = Call::<Runtime>::heartbeat { heartbeat, signature: sign(14, &heartbeat) };
		let transaction = Extrinsic::new_transaction(RuntimeCall::from(call), TxExtension::new());
		let checked = transaction
			.check(&frame_system::ChainContext::<Runtime>::default())
			.expect("a general transaction needs no signature");
		let info = frame_support::dispatch::DispatchInfo::default();
		assert_ok!(checked.apply::<Runtime>(&info, 100).expect("it is authorized"));
		assert!(chunks::is_marked::<Runtime>(Mark::Seen, 4));
	});
}

#[test]
fn nobody_else_may_call() {
	build_and_execute(|| {
		let heartbeat = valid(14);
		let call = |origin| Heartbeat::heartbeat(origin, heartbeat, sign(14, &heartbeat));
		assert_noop!(call(RawOrigin::Signed(14).into()), DispatchError::BadOrigin);
		assert_noop!(call(RawOrigin::None.into()), DispatchError::BadOrigin);
		assert_noop!(call(RawOrigin::Root.into()), DispatchError::BadOrigin);
		assert_ok!(call(RawOrigin::Authorized.into()));
	});
}

#[test]
fn what_changed_after_the_authorization_is_an_error() {
	build_and_execute(|| {
		let heartbeat = valid(14);
		let call = || Heartbeat::heartbeat(RawOrigin::Authorized.into(), heartbeat, sign(14, &heartbeat));
		chunks::mark::<Runtime>(Mark::Seen, 4);
		assert_noop!(call(), Error::<Runtime>::AlreadySeen);
	});
}
