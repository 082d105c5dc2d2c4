//! Probes: requests to other nodes, evaluation of the answers, and the resulting reports.

use codec::{Decode, Encode};
use frame_support::traits::Hooks;
use sp_core::offchain::{testing::PendingRequest, OffchainStorage, Timestamp};
use understudy_primitives::offchain::{
	FinalityView, NodeVersion, Probing, FINALITY_VIEW, NODE_VERSION, PROBING,
};
use understudy_test_support::{Pool, World as Node};

use crate::{
	chunks::{self, Mark},
	mock::*,
	registration::{Endpoint, Profile},
	Call, Counters, Registrations, Renewal, Report, ReportKind, Window,
};

const PUBLIC: Endpoint = Endpoint::V4([1, 1, 1, 1], 9944);
const PRIVATE: Endpoint = Endpoint::V4([127, 0, 0, 1], 9944);

/// Runs a test on the node of account 15, the last member of the reserve, which probes all others.
/// Member 12, which has index 2, has this endpoint.
fn node_of_15(endpoint: Option<Endpoint>, test: impl FnOnce(&Pool, &Node)) {
	build_with_offchain(&[15], |pool, node| {
		run(1..21, &[]);
		let profile = Profile { endpoint, ..Default::default() };
		Heartbeat::do_register(12, profile).expect("it has keys");
		test(pool, node);
	});
}

/// Takes the calls from the pool, without heartbeats, and checks that each one is accepted.
fn sent(pool: &Pool) -> Vec<Call<Runtime>> {
	let transactions = core::mem::take(&mut pool.write().transactions);
	transactions
		.into_iter()
		.filter_map(|bytes| {
			let extrinsic = Extrinsic::decode(&mut &bytes[..]).expect("the transaction decodes");
			match extrinsic.function {
				RuntimeCall::Heartbeat(Call::heartbeat { .. }) => None,
				RuntimeCall::Heartbeat(call) => {
					use frame_support::pallet_prelude::{Authorize, TransactionSource};
					let authorized = call.authorize(TransactionSource::Local).expect("it is authorizable");
					assert!(authorized.is_ok(), "the node sent a call that is rejected: {authorized:?}");
					Some(call)
				},
				_ => None,
			}
		})
		.collect()
}

fn reported(pool: &Pool) -> Vec<(ReportKind, Vec<u32>)> {
	let calls = sent(pool).into_iter();
	calls
		.filter_map(|call| match call {
			Call::report { report: Report { kind, targets, .. }, .. } => Some((kind, targets.into_inner())),
			_ => None,
		})
		.collect()
}

fn keep(node: &Node, key: &[u8], value: impl Encode) {
	node.write().persistent_storage.set(b"", key, &value.encode());
}

fn answer(finalized: sp_core::H256, syncing: bool) -> String {
	format!(
		r#"[{{"jsonrpc":"2.0","id":1,"result":{{"peers":5,"isSyncing":{syncing},"shouldHavePeers":true}}}},
		{{"jsonrpc":"2.0","id":2,"result":"{finalized:?}"}}]"#
	)
}

/// Makes the mock expect this many requests to the address, and give this answer.
fn expect(node: &Node, uri: &str, times: u32, answer: &str) {
	for _ in 0..times {
		node.write().expect_request(PendingRequest {
			method: "POST".into(),
			uri: uri.into(),
			headers: vec![("content-type".into(), "application/json".into())],
			body: concat!(
				r#"[{"jsonrpc":"2.0","id":1,"method":"system_health","params":[]},"#,
				r#"{"jsonrpc":"2.0","id":2,"method":"chain_getFinalizedHead","params":[]}]"#
			)
			.into(),
			sent: true,
			response: Some(answer.into()),
			..Default::default()
		});
	}
}

/// Proceeds to the first block of the next window, and runs the offchain worker.
fn first_block_of_a_window() {
	let window = Window::<Runtime>::get().index;
	let mut slot = CurrentSlot::get().unwrap_or_default() + 1;
	while Window::<Runtime>::get().index == window {
		run(slot..slot + 1, &[]);
		slot += 1;
	}
	Heartbeat::offchain_worker(System::block_number());
}

fn view(now: u64, advanced: u64, silent: Vec<(u8, u32)>) -> FinalityView {
	let silent = silent.into_iter().map(|(who, seconds)| ([who; 32], seconds)).collect();
	FinalityView {
		at: now,
		advanced,
		finalized: 100,
		header: vec![],
		set: 0,
		prevoted: Vec::new(),
		silent,
		authors: 4,
		idle: Vec::new(),
	}
}

#[test]
fn a_healthy_node_is_asked_once_and_not_reported() {
	node_of_15(Some(PUBLIC), |pool, node| {
		expect(node, "http://1.1.1.1:9944/", 1, &answer(sp_core::H256::repeat_byte(9), false));
		first_block_of_a_window();
		assert!(reported(pool).is_empty());
	});
}

/// Anybody may keep the member's RPC server busy, so a probe would prove nothing.
#[test]
fn a_member_whose_votes_are_seen_is_not_asked() {
	// The mock expects no request: a probe would panic.
	node_of_15(Some(PUBLIC), |pool, node| {
		keep(node, FINALITY_VIEW, view(0, 0, vec![(12, 5), (13, 60)]));
		first_block_of_a_window();
		assert!(reported(pool).iter().all(|(kind, _)| *kind != ReportKind::Peers));
		Counters::<Runtime>::mutate(0, |chunk| chunk[2].missed_slots = 9);
		Heartbeat::offchain_worker(System::block_number());
		assert!(reported(pool).iter().all(|(kind, _)| *kind != ReportKind::Peers));
	});
}

#[test]
fn a_member_of_which_no_vote_is_seen_is_asked_once_and_at_once() {
	node_of_15(Some(PUBLIC), |pool, node| {
		keep(node, PROBING, Probing::Off);
		first_block_of_a_window();
		keep(node, PROBING, Probing::Public);
		keep(node, FINALITY_VIEW, view(0, 0, vec![(12, 6)]));
		// In the middle of a window, without evidence against it on the chain.
		let slot = CurrentSlot::get().unwrap_or_default();
		run(slot + 1..slot + 2, &[]);
		expect(node, "http://1.1.1.1:9944/", 1, "");
		Heartbeat::offchain_worker(System::block_number());
		assert_eq!(reported(pool), [(ReportKind::Peers, vec![2])]);
	});
}

#[test]
fn who_fails_twice_is_reported() {
	let syncing = answer(sp_core::H256::zero(), true);
	for failure in ["", "{}", "Bad gateway", "[]", r#"[{"id":1,"result":null}]"#, &syncing] {
		node_of_15(Some(PUBLIC), |pool, node| {
			expect(node, "http://1.1.1.1:9944/", 2, failure);
			first_block_of_a_window();
			assert_eq!(reported(pool), [(ReportKind::Peers, vec![2])], "{failure}");
			// Without other evidence against it, it is not probed again in the next block.
			let slot = CurrentSlot::get().unwrap_or_default();
			run(slot + 1..slot + 2, &[]);
			Heartbeat::offchain_worker(System::block_number());
		});
	}
}

#[test]
fn an_answer_that_has_no_end_is_cut_off() {
	node_of_15(Some(PUBLIC), |pool, node| {
		let endless = format!("{}{}", answer(sp_core::H256::zero(), false), " ".repeat(5_000) + "x");
		let long = answer(sp_core::H256::zero(), false) + &" ".repeat(5_000);
		expect(node, "http://1.1.1.1:9944/", 1, &long);
		first_block_of_a_window();
		assert!(reported(pool).is_empty());
		expect(node, "http://1.1.1.1:9944/", 1, &endless);
		first_block_of_a_window();
		assert!(reported(pool).is_empty(), "nothing beyond the bound is read");
	});
}

#[test]
fn who_was_slow_once_is_not_reported() {
	node_of_15(Some(PUBLIC), |pool, node| {
		expect(node, "http://1.1.1.1:9944/", 1, "");
		expect(node, "http://1.1.1.1:9944/", 1, &answer(sp_core::H256::zero(), false));
		first_block_of_a_window();
		assert!(reported(pool).is_empty());
	});
}

#[test]
fn private_addresses_are_asked_only_where_the_operator_allows_it() {
	// The mock expects no request: a probe would panic.
	node_of_15(Some(PRIVATE), |_, _| first_block_of_a_window());
	node_of_15(Some(PUBLIC), |_, node| {
		keep(node, PROBING, Probing::Off);
		first_block_of_a_window();
	});
	node_of_15(None, |_, node| {
		keep(node, PROBING, Probing::Any);
		first_block_of_a_window();
	});
	node_of_15(Some(PRIVATE), |_, node| {
		keep(node, PROBING, Probing::Any);
		expect(node, "http://127.0.0.1:9944/", 1, &answer(sp_core::H256::zero(), false));
		first_block_of_a_window();
	});
}

#[test]
fn between_windows_only_those_are_asked_whom_something_speaks_against() {
	node_of_15(Some(PUBLIC), |pool, node| {
		keep(node, PROBING, Probing::Off);
		first_block_of_a_window();
		keep(node, PROBING, Probing::Public);
		let slot = CurrentSlot::get().unwrap_or_default();
		run(slot + 1..slot + 2, &[]);
		chunks::mark::<Runtime>(Mark::Seen, 2);
		Heartbeat::offchain_worker(System::block_number());
		Counters::<Runtime>::mutate(0, |chunk| chunk[2].missed_slots = 1);
		expect(node, "http://1.1.1.1:9944/", 2, "");
		Heartbeat::offchain_worker(System::block_number());
		assert_eq!(reported(pool), [(ReportKind::Peers, vec![2])]);
	});
}

#[test]
fn who_falls_behind_in_finality_is_reported_by_those_who_follow_it() {
	let genesis = sp_core::H256::repeat_byte(0x45);
	node_of_15(Some(PUBLIC), |pool, node| {
		frame_system::BlockHash::<Runtime>::insert(0, genesis);
		// A prober without a view of finality does not report it.
		expect(node, "http://1.1.1.1:9944/", 1, &answer(genesis, false));
		first_block_of_a_window();
		assert!(reported(pool).is_empty());
		keep(node, FINALITY_VIEW, FinalityView { finalized: 20, ..view(0, 0, vec![(12, 6)]) });
		expect(node, "http://1.1.1.1:9944/", 1, &answer(genesis, false));
		first_block_of_a_window();
		assert!(reported(pool).is_empty());
		keep(node, FINALITY_VIEW, FinalityView { finalized: 21, ..view(0, 0, vec![(12, 6)]) });
		expect(node, "http://1.1.1.1:9944/", 1, &answer(genesis, false));
		first_block_of_a_window();
		assert_eq!(reported(pool), [(ReportKind::Peers, vec![2])]);
	});
}

#[test]
fn who_casts_no_votes_for_long_enough_is_reported() {
	node_of_15(None, |pool, node| {
		keep(node, FINALITY_VIEW, view(0, 0, vec![(10, 16), (12, 17), (13, 99), (14, 99), (59, 99)]));
		first_block_of_a_window();
		assert_eq!(reported(pool), [(ReportKind::Votes, vec![2, 3])]);
	});
}

#[test]
fn who_does_not_follow_finality_accuses_nobody() {
	// The view is older than ten seconds; finality has stalled for longer than half of the 17
	// seconds of silence.
	for (now, at, advanced) in [(40_000, 29_999, 40_000), (40_000, 40_000, 31_499)] {
		node_of_15(None, |pool, node| {
			node.write().timestamp = Timestamp::from_unix_millis(now);
			keep(node, FINALITY_VIEW, view(at, advanced, vec![(12, 99)]));
			first_block_of_a_window();
			assert!(reported(pool).is_empty());
		});
	}
}

#[test]
fn a_node_renews_its_registration_when_that_is_due() {
	build_with_offchain(&[15], |pool, node| {
		run(1..21, &[]);
		Heartbeat::do_register(15, Profile::default()).expect("it has keys");
		let version = NodeVersion { major: 3, minor: 2, patch: 1 };
		keep(node, NODE_VERSION, version);
		let renewals = || {
			Heartbeat::offchain_worker(System::block_number());
			let calls = sent(pool).into_iter();
			calls
				.filter_map(|call| match call {
					Call::renew { renewal, .. } => Some(renewal),
					_ => None,
				})
				.collect::<Vec<_>>()
		};
		run(21..22, &[]);
		let now = System::block_number();
		assert_eq!(renewals(), [Renewal { who: 15, block: now, runtime: 0, node: version }]);
		Registrations::<Runtime>::mutate(15, |registration| {
			let registration = registration.as_mut().expect("it is registered");
			(registration.runtime, registration.node, registration.renewed) = (1, version, now);
		});
		System::set_block_number(now + 79);
		assert!(renewals().is_empty());
		System::set_block_number(now + 80);
		assert_eq!(renewals().len(), 1);
	});
}
