//! Tests with proofs of a remote chain with real keys and votes, and a real state trie.

// The chain of the verifier's tests.
#[path = "../../../../verifier/tests/forge/mod.rs"]
mod forge;

use codec::Encode;
use forge::{authorities, header, justified, vote, Forge, Recovery};
use frame_support::{assert_noop, assert_ok, dispatch::Pays};
use sp_core::H256;
use understudy_primitives::{HeadSource, RecordKind, RemoteHead};
use understudy_verifier::{HandOff, Justified};

use crate::{mock::*, Clients, Error, Event, Status, TrustedOf};

/// Id of the remote chain.
const A: u32 = 7;
/// Trusting period, in milliseconds.
const PERIOD: u64 = 100_000;

type Refusal = Error<Runtime>;

fn remote() -> Forge {
	let mut forge = Forge::new(42, &[1, 2, 3, 4]);
	forge.append(0, RecordKind::Elected, vec![]);
	forge
}

fn trusted(forge: &Forge) -> TrustedOf<Runtime> {
	TrustedOf::<Runtime> {
		genesis: forge.genesis,
		set_id: 0,
		since: 0,
		as_of: Now::get(),
		trusting_period: PERIOD,
		authorities: authorities(&[1, 2, 3, 4]).try_into().expect("four fit"),
		recovery: b"Recovery".to_vec().try_into().expect("it fits"),
	}
}

fn register(forge: &Forge) {
	assert_ok!(LightClient::register_client(RuntimeOrigin::root(), A, trusted(forge)));
}

/// Returns the proof of the remote chain's newest block.
fn head(forge: &Forge) -> Vec<u8> {
	forge.light_head().encode()
}

fn submit(proof: Vec<u8>) -> frame_support::dispatch::DispatchResultWithPostInfo {
	LightClient::submit_head(RuntimeOrigin::signed(1), A, proof.try_into().expect("it fits"))
}

fn hand_off(forge: &Forge, nth: usize) -> frame_support::dispatch::DispatchResultWithPostInfo {
	let proof = forge.hand_offs[nth].encode().try_into().expect("it fits");
	LightClient::submit_hand_off(RuntimeOrigin::signed(1), A, proof)
}

fn misbehaviour(one: &Justified, other: &Justified) -> frame_support::dispatch::DispatchResultWithPostInfo {
	let proof = (one, other).encode().try_into().expect("it fits");
	LightClient::report_misbehaviour(RuntimeOrigin::signed(1), A, proof)
}

fn client() -> crate::ClientOf<Runtime> {
	Clients::<Runtime>::get(A).expect("it is followed")
}

#[test]
fn heads_are_accepted_in_order_and_the_last_ones_kept() {
	run(|| {
		let mut forge = remote();
		register(&forge);
		assert_eq!(LightClient::best(A).map(|best| best.number), Some(0));
		let mut numbers = Vec::new();
		for _ in 0..5 {
			forge.failover(1 + numbers.len() as u64);
			let expected = forge.head();
			assert_ok!(submit(head(&forge)));
			let best = LightClient::best(A).expect("it has one");
			assert_eq!((best.number, best.hash), (expected.number, expected.hash()));
			assert_eq!((best.state_root, best.time), (expected.state_root, forge.time()));
			System::assert_last_event(Event::HeadAccepted { remote: A, head: best }.into());
			numbers.push(best.number);
			LightClient::do_try_state().expect("the invariants hold");
		}
		let kept: Vec<bool> = numbers.iter().map(|number| LightClient::head(A, *number).is_some()).collect();
		assert_eq!(kept, [false, false, true, true, true]);
	});
}

#[test]
fn a_head_is_free_if_it_is_newer_by_the_interval() {
	run(|| {
		let mut forge = remote();
		register(&forge);
		let paid = submit(head(&forge)).expect("it is accepted");
		assert_eq!(paid.pays_fee, Pays::Yes);
		forge.failover(1);
		let free = submit(head(&forge)).expect("it is accepted");
		assert_eq!(free.pays_fee, Pays::No);
	});
}

#[test]
fn stale_heads_are_refused_before_their_votes_are_checked() {
	run(|| {
		let forge = remote();
		register(&forge);
		assert_ok!(submit(head(&forge)));
		assert_noop!(submit(head(&forge)), Refusal::Stale);
		// The votes are not valid, but they are not looked at.
		let (mut block, state) = forge.light_head();
		block.justification = vec![1, 2, 3];
		assert_noop!(submit((block, state).encode()), Refusal::Stale);
	});
}

#[test]
fn heads_of_another_chain_or_without_enough_votes_are_refused() {
	run(|| {
		let forge = remote();
		register(&forge);
		// A chain with the same keys, whose state shows another genesis.
		let mut twin = Forge::new(43, &[1, 2, 3, 4]);
		twin.append(0, RecordKind::Elected, vec![]);
		assert_noop!(submit(head(&twin)), Refusal::WrongChain);

		let (block, state) = forge.light_head();
		let target = forge.head();
		let two = [1, 2].map(|seed| vote(seed, 0, (target.hash(), target.number))).to_vec();
		let weak = justified(&target, two, vec![]);
		assert_noop!(submit((weak, state.clone()).encode()), Refusal::NotFinal);
		// Votes of the next set.
		let later = [1, 2, 3, 4].map(|seed| vote(seed, 1, (target.hash(), target.number))).to_vec();
		assert_noop!(submit((justified(&target, later, vec![]), state.clone()).encode()), Refusal::NotFinal);
		let mut lacking = state.clone();
		lacking.pop();
		assert_noop!(submit((block.clone(), lacking).encode()), Refusal::BadState);
		let longer = [state.clone(), vec![vec![1, 2, 3]]].concat();
		assert_noop!(submit((block.clone(), longer).encode()), Refusal::BadState);
		assert_noop!(submit(vec![1, 2, 3]), Refusal::Malformed);
		let long = [(block, state).encode(), vec![0]].concat();
		assert_noop!(submit(long), Refusal::Malformed);
		assert_noop!(
			LightClient::submit_head(RuntimeOrigin::signed(1), 8, Default::default()),
			Refusal::NoClient
		);
	});
}

#[test]
fn heads_from_the_future_or_older_than_the_best_are_refused() {
	run(|| {
		let mut forge = remote();
		forge.number = 1_000;
		Now::set(forge.time() - crate::DRIFT - 1);
		register(&forge);
		assert_noop!(submit(head(&forge)), Refusal::BadTime);
		Now::set(forge.time() - crate::DRIFT);
		assert_ok!(submit(head(&forge)));
		// A newer block that says that it is older.
		Clients::<Runtime>::mutate(A, |client| {
			if let Some(client) = client {
				client.best.number -= 1;
				client.best.time += 1;
			}
		});
		assert_noop!(submit(head(&forge)), Refusal::BadTime);
		Clients::<Runtime>::mutate(A, |client| {
			if let Some(client) = client {
				client.best.number += 1;
				client.best.time -= 1;
			}
		});
	});
}

#[test]
fn scheduled_and_forced_hand_offs_are_followed() {
	run(|| {
		let mut forge = remote();
		register(&forge);
		forge.hand_over(&[1, 2, 3, 5]);
		forge.recover(Recovery { voters: &[1, 2, 8, 9], seats: &[1, 2, 8, 9], is_justified: true });
		forge.failover(1);
		// The head is final by a set that is not known yet.
		assert_noop!(submit(head(&forge)), Refusal::NotFinal);
		let scheduled = hand_off(&forge, 0).expect("it is followed");
		assert_eq!(scheduled.pays_fee, Pays::No);
		System::assert_last_event(Event::HandedOff { remote: A, set_id: 1, forced: false }.into());
		assert_noop!(hand_off(&forge, 0), Refusal::OutOfOrder);
		assert_ok!(hand_off(&forge, 1));
		System::assert_last_event(Event::HandedOff { remote: A, set_id: 2, forced: true }.into());
		assert_ok!(submit(head(&forge)));
		assert_eq!((client().set_id, client().authorities.len()), (2, 4));
	});
}

#[test]
fn forced_changes_without_enough_votes_or_a_stall_are_refused() {
	run(|| {
		let forge = remote();
		register(&forge);
		let mut few = remote();
		few.recover(Recovery { voters: &[1, 8], seats: &[1, 2, 8, 9], is_justified: true });
		assert_noop!(hand_off(&few, 0), Refusal::BadForcedChange);
		let mut hidden = remote();
		hidden.hidden = vec!["Stalled"];
		hidden.recover(Recovery { voters: &[1, 2, 8, 9], seats: &[1, 2, 8, 9], is_justified: true });
		assert_noop!(hand_off(&hidden, 0), Refusal::BadForcedChange);
		let block = header(20, H256::zero(), vec![]);
		let none = HandOff::Scheduled(justified(&block, forge.all_votes(&block), vec![]));
		let proof = none.encode().try_into().expect("it fits");
		assert_noop!(LightClient::submit_hand_off(RuntimeOrigin::signed(1), A, proof), Refusal::NoHandOff);
		let mut many = remote();
		many.hand_over(&[1, 2, 3, 4, 5, 6, 7, 8, 9]);
		assert_noop!(hand_off(&many, 0), Refusal::BadSet);
	});
}

#[test]
fn two_final_blocks_of_one_height_freeze_the_client() {
	run(|| {
		let forge = remote();
		register(&forge);
		assert_ok!(submit(head(&forge)));
		let blocks = [9u8, 8].map(|root| {
			let block = header(30, H256::repeat_byte(root), vec![]);
			justified(&block, forge.all_votes(&block), vec![])
		});
		let [one, other] = &blocks;
		assert_noop!(misbehaviour(one, one), Refusal::NoMisbehaviour);
		let mut weak = other.clone();
		weak.justification = one.justification.clone();
		assert_noop!(misbehaviour(one, &weak), Refusal::NotFinal);
		assert_ok!(misbehaviour(one, other));
		System::assert_last_event(Event::ClientFrozen { remote: A, number: 30 }.into());
		assert_eq!((client().status, LightClient::best(A)), (Status::Frozen, None));
		assert_noop!(submit(head(&forge)), Refusal::Frozen);
		assert_noop!(hand_off_of(&forge), Refusal::Frozen);
		assert_noop!(misbehaviour(one, other), Refusal::Frozen);
	});
}

fn hand_off_of(forge: &Forge) -> frame_support::dispatch::DispatchResultWithPostInfo {
	let block = header(40, H256::zero(), vec![forge::change(&[1, 2], 0)]);
	let proof = HandOff::Scheduled(justified(&block, forge.all_votes(&block), vec![]));
	LightClient::submit_hand_off(RuntimeOrigin::signed(1), A, proof.encode().try_into().expect("it fits"))
}

#[test]
fn a_client_expires_and_is_recovered_by_governance_alone() {
	run(|| {
		let mut forge = remote();
		register(&forge);
		forge.failover(1);
		assert_ok!(submit(head(&forge)));
		let best = client().best;
		assert_noop!(
			LightClient::recover_client(RuntimeOrigin::root(), A, trusted(&forge)),
			Refusal::NotBroken
		);
		// The date of the trusted set counts too: the heads of this chain are young by their clock.
		Now::set(Now::get() + PERIOD);
		assert!(!client().is_expired(Now::get()));
		Now::set(Now::get() + 1);
		forge.failover(2);
		assert_noop!(submit(head(&forge)), Refusal::Expired);
		assert_noop!(hand_off_of(&forge), Refusal::Expired);

		let fresh = trusted(&forge);
		assert_noop!(
			LightClient::recover_client(RuntimeOrigin::signed(1), A, fresh.clone()),
			sp_runtime::DispatchError::BadOrigin
		);
		let other = TrustedOf::<Runtime> { genesis: H256::zero(), ..fresh.clone() };
		assert_noop!(LightClient::recover_client(RuntimeOrigin::root(), A, other), Refusal::WrongChain);
		assert_ok!(LightClient::recover_client(RuntimeOrigin::root(), A, fresh));
		// No head below the best one is accepted afterwards.
		assert_eq!(client().best, best);
		assert_noop!(submit(head(&remote())), Refusal::Stale);
		assert_ok!(submit(head(&forge)));
	});
}

#[test]
fn an_impossible_trusted_set_is_refused() {
	run(|| {
		let forge = remote();
		let good = trusted(&forge);
		let key = good.authorities[0].clone();
		let bad = [
			TrustedOf::<Runtime> { authorities: Default::default(), ..good.clone() },
			TrustedOf::<Runtime> {
				authorities: vec![key.clone(), key.clone()].try_into().expect("two fit"),
				..good.clone()
			},
			TrustedOf::<Runtime> {
				authorities: vec![(key.0, 0)].try_into().expect("one fits"),
				..good.clone()
			},
			TrustedOf::<Runtime> { trusting_period: 0, ..good.clone() },
			TrustedOf::<Runtime> { trusting_period: u64::MAX, ..good.clone() },
			TrustedOf::<Runtime> { as_of: 0, ..good.clone() },
			TrustedOf::<Runtime> { as_of: Now::get() - PERIOD - 1, ..good.clone() },
			TrustedOf::<Runtime> { as_of: Now::get() + crate::DRIFT + 1, ..good.clone() },
			TrustedOf::<Runtime> { recovery: vec![0xff].try_into().expect("it fits"), ..good.clone() },
		];
		for trusted in bad {
			assert_noop!(LightClient::register_client(RuntimeOrigin::root(), A, trusted), Refusal::BadTrust);
		}
	});
}

#[test]
fn clients_are_counted_and_removed_with_their_heads() {
	run(|| {
		let forge = remote();
		register(&forge);
		assert_noop!(
			LightClient::register_client(RuntimeOrigin::root(), A, trusted(&forge)),
			Refusal::AlreadyFollowed
		);
		assert_ok!(LightClient::register_client(RuntimeOrigin::root(), 8, trusted(&forge)));
		assert_noop!(
			LightClient::register_client(RuntimeOrigin::root(), 9, trusted(&forge)),
			Refusal::TooManyClients
		);
		assert_ok!(submit(head(&forge)));
		assert_ok!(LightClient::remove_client(RuntimeOrigin::root(), A));
		assert_eq!(LightClient::head(A, forge.head().number), None::<RemoteHead>);
		assert_noop!(LightClient::remove_client(RuntimeOrigin::root(), A), Refusal::NoClient);
		assert_ok!(LightClient::register_client(RuntimeOrigin::root(), 9, trusted(&forge)));
	});
}
