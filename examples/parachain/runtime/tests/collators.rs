//! Tests of the suite on a parachain: real blocks with proofs of the relay chain's state, sealed,
//! and executed again as the relay chain's validators do.

mod chain;

use chain::*;
use codec::Encode;
use understudy_parachain_runtime::{
	genesis::MEMBERS, Balances, Failover, Heartbeat, Runtime, Session, ValidatorRotation,
};
use understudy_primitives::{Phase, RecordKind};

/// Number of slots after which no member has grace left.
const WARM: u64 = 20;

fn kinds() -> Vec<RecordKind> {
	log().into_iter().map(|entry| entry.record.kind).collect()
}

fn has(kind: RecordKind) -> bool {
	kinds().contains(&kind)
}

#[test]
fn genesis_seats_the_first_four_and_keeps_two() {
	let mut chain = Chain::new();
	chain.slots(3);
	assert_eq!(chain.state(collators), [Ferdie, Dave, Bob, Charlie]);
	assert_eq!(named(chain.state(ValidatorRotation::reserve)), [Alice, Eve]);
}

#[test]
fn blocks_note_the_header_that_the_relay_chain_included() {
	let mut chain = Chain::new();
	chain.slots(5);
	let included = chain.header(chain.number() - 2).encode();
	let noted = chain.state(understudy_parachain::Included::<Runtime>::get);
	assert_eq!(noted.map(|header| header.into_inner()), Some(included));
}

#[test]
fn a_killed_collator_is_replaced_and_its_successor_reconciles() {
	for offset in 0..8 {
		let mut chain = Chain::new();
		chain.slots(WARM + offset);
		chain.dead = vec![Bob];
		let took = chain.until(|| collators() == [Ferdie, Dave, Alice, Charlie]);
		assert!(took <= 8, "{took} blocks, killed {offset} slots later");
		// The successor's node states the block that the relay chain has included.
		chain.until(|| has(RecordKind::Reconciled));
		assert!(chain.state(|| Failover::incident(1).is_some_and(|one| one.phase == Phase::Reconciled)));
		assert!(chain.state(|| !has(RecordKind::Penalized)));
	}
}

/// The new set is active one block after the decision, which takes two session ends in consecutive
/// blocks. Every block is sealed by the author that the block before it names: the validators'
/// executor checks that.
#[test]
fn sessions_end_in_consecutive_blocks() {
	let mut chain = Chain::new();
	chain.slots(WARM);
	chain.dead = vec![Bob];
	let (mut sessions, mut before) = (Vec::new(), chain.state(Session::current_index));
	while chain.state(|| collators().contains(&Bob)) {
		chain.slots(1);
		let now = chain.state(Session::current_index);
		if now > before {
			sessions.push((chain.number(), now));
		}
		before = now;
		assert!(sessions.len() <= 2, "{sessions:?}");
	}
	let [(first, one), (second, two)] = sessions[..] else { panic!("two session ends: {sessions:?}") };
	assert_eq!((second, two), (first + 1, one + 1));
	chain.slots(40);
}

#[test]
fn a_restarted_collator_comes_back_to_the_reserve() {
	let mut chain = Chain::new();
	chain.slots(WARM);
	chain.dead = vec![Bob];
	chain.until(|| !collators().contains(&Bob));
	chain.dead = vec![];
	chain.until(|| has(RecordKind::Readmitted));
	assert!(chain.state(|| !has(RecordKind::AutomationSuspended)));
}

#[test]
fn a_planned_hand_over_is_not_charged() {
	let mut chain = Chain::new();
	chain.slots(WARM);
	chain.dispatch(Dave, pallet_validator_rotation::Call::retire {});
	chain.slots(1);
	// Less the fee of the call.
	let free = chain.state(|| Balances::free_balance(Dave.to_account_id()));
	chain.until(|| !collators().contains(&Dave));
	assert!(chain.state(|| !has(RecordKind::Penalized)));
	assert_eq!(chain.state(|| Balances::free_balance(Dave.to_account_id())), free);
}

/// The relay chain drops the block of one slot in ten, of different authors in turn.
#[test]
fn dropped_blocks_cost_nobody_the_seat() {
	let mut chain = Chain::new();
	chain.dropped = |slot| slot.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32 & 0xff < 26;
	chain.slots(600);
	assert!(chain.number() < 580, "no block was dropped");
	assert_eq!(chain.state(collators), [Ferdie, Dave, Bob, Charlie]);
	assert!(chain.state(|| !has(RecordKind::Replaced) && !has(RecordKind::Held)));
	// A failure is found out all the same.
	chain.dead = vec![Charlie];
	let took = chain.until(|| !collators().contains(&Charlie));
	assert!(took <= 12, "{took} blocks");
}

#[test]
fn a_lost_slot_makes_no_systemic_outage() {
	let mut chain = Chain::new();
	chain.slots(WARM);
	// Two slots in a row, of two authors: more than may fail in a set of four.
	chain.dropped = |slot| slot == 1_020 || slot == 1_021;
	chain.slots(3);
	let status = chain.state(Heartbeat::roster_status);
	let missed = status.members.iter().filter(|(_, judged)| judged.verdict.missed_slots > 0).count();
	assert_eq!((missed, status.systemic), (2, false));
	assert_eq!(MEMBERS.len(), status.members.len());
}

/// Two of four collators are cut off, and return one after the other, within a window.
#[test]
fn members_that_return_from_a_systemic_outage_keep_their_seats() {
	for apart in 0..6 {
		let mut chain = Chain::new();
		chain.slots(WARM);
		chain.dead = vec![Bob, Dave];
		chain.slots(60);
		assert!(chain.state(|| has(RecordKind::Held) && !has(RecordKind::Replaced)));
		chain.dead = vec![Dave];
		chain.slots(apart);
		chain.dead = vec![];
		chain.slots(40);
		assert!(chain.state(|| has(RecordKind::Resumed)));
		assert_eq!(chain.state(collators), [Ferdie, Dave, Bob, Charlie], "{apart} slots apart");
	}
}
