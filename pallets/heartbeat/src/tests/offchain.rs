//! Heartbeats that the node sends, and their times.

use codec::Decode;
use frame_support::{pallet_prelude::Authorize, traits::Hooks};
use sp_runtime::transaction_validity::TransactionSource;
use understudy_primitives::Seat;

use crate::{
	chunks::{self, Mark},
	mock::*,
	offchain::due,
	Call, Heartbeat as Payload, Window,
};

/// Takes the heartbeats from the pool, and checks that each one is accepted.
fn sent(pool: &understudy_test_support::Pool) -> Vec<Payload> {
	let transactions = core::mem::take(&mut pool.write().transactions);
	transactions
		.into_iter()
		.map(|bytes| {
			let extrinsic = Extrinsic::decode(&mut &bytes[..]).expect("the transaction decodes");
			let RuntimeCall::Heartbeat(call) = extrinsic.function else {
				panic!("the transaction calls another pallet")
			};
			let authorized = call.authorize(TransactionSource::Local).expect("the call is authorizable");
			assert!(authorized.is_ok(), "the node sent a call that is rejected: {authorized:?}");
			let Call::heartbeat { heartbeat, .. } = call else { panic!("the call is no heartbeat") };
			heartbeat
		})
		.collect()
}

#[test]
fn who_will_author_sends_nothing() {
	assert!(!due(Seat::Active, 0, false, 0, 3, |ahead| ahead == 3));
	assert!(due(Seat::Active, 0, false, 0, 3, |ahead| ahead == 4));
	assert!(due(Seat::Reserve, 0, false, 0, 3, |_| true));
	// A member that missed its last slot waits neither for the next one nor for its turn to send.
	assert!(due(Seat::Active, 1, true, 0, 3, |_| true));
}

#[test]
fn senders_spread_over_the_first_half() {
	let first =
		|index| (0..20).find(|elapsed| due(Seat::Reserve, index, false, *elapsed, 19 - elapsed, |_| false));
	assert_eq!([first(0), first(1), first(9), first(10)], [Some(0), Some(1), Some(9), Some(0)]);
	assert!(due(Seat::Reserve, 5, false, 0, 0, |_| false));
}

#[test]
fn a_standby_sends_one_heartbeat_per_window() {
	build_with_node(&[14], |pool| {
		run(1..5, &[4, 5]);
		Heartbeat::offchain_worker(System::block_number());
		let expected = Payload {
			roster: Window::<Runtime>::get().roster.id,
			window: Window::<Runtime>::get().index,
			index: 4,
		};
		assert_eq!(sent(pool), [expected]);
		Heartbeat::offchain_worker(System::block_number());
		assert!(sent(pool).is_empty());
	});
}

#[test]
fn a_node_signs_with_the_key_that_the_chain_expects() {
	build_with_node(&[14, 14 + NEW_KEY], |pool| {
		Rekeyed::set(vec![14]);
		for session in [false, true] {
			if session {
				new_session(false, &[]);
			}
			run(System::block_number() + 1..System::block_number() + 5, &[4]);
			Heartbeat::offchain_worker(System::block_number());
			// `sent` checks that they are accepted.
			assert_eq!(sent(pool).iter().map(|heartbeat| heartbeat.index).collect::<Vec<_>>(), [4]);
		}
	});
}

#[test]
fn a_heartbeat_that_got_lost_is_sent_again() {
	WindowLength::set(10);
	build_with_node(&[15], |pool| {
		next_block(1);
		Heartbeat::offchain_worker(System::block_number());
		assert_eq!(sent(pool).len(), 1);
		next_block(2);
		Heartbeat::offchain_worker(System::block_number());
		assert!(sent(pool).is_empty());
		next_block(3);
		Heartbeat::offchain_worker(System::block_number());
		assert_eq!(sent(pool).len(), 1);
	});
}

#[test]
fn who_was_seen_sends_nothing() {
	build_with_node(&[14], |pool| {
		next_block(1);
		chunks::mark::<Runtime>(Mark::Seen, 4);
		Heartbeat::offchain_worker(System::block_number());
		assert!(sent(pool).is_empty());
	});
}

#[test]
fn authors_send_nothing_while_all_is_well() {
	build_with_node(&[10, 11, 12, 13], |pool| {
		for slot in 1..81 {
			run(slot..slot + 1, &[]);
			Heartbeat::offchain_worker(System::block_number());
		}
		assert!(sent(pool).is_empty());
	});
}

#[test]
fn an_author_that_lost_its_slot_sends() {
	build_with_node(&[12], |pool| {
		run(1..21, &[]);
		let mut heartbeats = Vec::new();
		for slot in 21..33 {
			run(slot..slot + 1, &[2]);
			Heartbeat::offchain_worker(System::block_number());
			heartbeats.extend(sent(pool));
		}
		assert!(!heartbeats.is_empty());
		assert!(heartbeats.iter().all(|heartbeat| heartbeat.index == 2));
	});
}

#[test]
fn a_node_without_a_members_key_sends_nothing() {
	build_with_node(&[59], |pool| {
		run(1..21, &[]);
		Heartbeat::offchain_worker(System::block_number());
		assert!(sent(pool).is_empty());
	});
}

#[test]
fn a_node_of_many_members_sends_for_each() {
	build_with_node(&[14, 15], |pool| {
		run(1..6, &[4, 5]);
		Heartbeat::offchain_worker(System::block_number());
		next_block(6);
		Heartbeat::offchain_worker(System::block_number());
		let mut indices: Vec<u32> = sent(pool).iter().map(|heartbeat| heartbeat.index).collect();
		indices.sort();
		assert_eq!(indices, [4, 5]);
	});
}
