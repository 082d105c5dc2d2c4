//! Tests of the suite on a parachain: real blocks with proofs of the relay chain's state, sealed,
//! and executed again as the relay chain's validators do.

mod chain;

use chain::*;
use codec::{Decode, Encode};
use understudy_parachain::HeaderBytes;
use understudy_parachain_runtime::{Failover, Header, Runtime, Session, ValidatorRotation};
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
fn an_included_header_settles_after_some_blocks() {
	let mut chain = Chain::new();
	chain.slots(6);
	let settled = |chain: &mut Chain| {
		let bytes = chain.state(understudy_parachain::Settled::<Runtime>::get);
		bytes.map(|bytes| Header::decode(&mut &bytes[..]).expect("it is a header"))
	};
	assert_eq!(settled(&mut chain), None);
	for _ in 0..20 {
		chain.slots(1);
		let header = settled(&mut chain).expect("one has settled");
		// It has waited for six blocks at least, and less than twice as many.
		assert!((6..14).contains(&(chain.number() - header.number)), "{}", header.number);
		assert_eq!(header, *chain.header(header.number));
	}
}

/// A header of another fork, that the relay chain included for a moment, never settles.
#[test]
fn a_header_of_another_fork_does_not_settle() {
	let mut chain = Chain::new();
	chain.slots(WARM);
	let mut other = chain.head().clone();
	other.state_root = Default::default();
	let noted: HeaderBytes = other.encode().try_into().expect("a header is short");
	chain.tamper(|| understudy_parachain::Noted::<Runtime>::put(noted.clone()));
	for _ in 0..30 {
		chain.slots(1);
		let settled = chain.state(understudy_parachain::Settled::<Runtime>::get).expect("one has settled");
		assert!(settled.into_inner() != other.encode());
	}
}

#[test]
fn a_killed_collator_is_replaced_and_its_successor_reconciles() {
	for offset in 0..8 {
		let mut chain = Chain::new();
		chain.slots(WARM + offset);
		chain.dead = vec![Bob];
		let took = chain.until(|| collators() == [Ferdie, Dave, Alice, Charlie]);
		assert!(took <= 12, "{took} blocks, killed {offset} slots later");
		// The successor's node states the block that the relay chain has included.
		chain.until(|| has(RecordKind::Reconciled));
		assert!(chain.state(|| Failover::incident(1).is_some_and(|one| one.phase == Phase::Reconciled)));
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
fn a_collator_that_retires_hands_over() {
	let mut chain = Chain::new();
	chain.slots(WARM);
	chain.dispatch(Dave, pallet_validator_rotation::Call::retire {});
	chain.until(|| collators() == [Ferdie, Alice, Bob, Charlie]);
}

/// The relay chain drops the block of one slot in ten, of different authors in turn.
#[test]
fn dropped_blocks_cost_nobody_the_seat() {
	let mut chain = Chain::new();
	chain.dropped = |slot| slot.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32 & 0xff < 26;
	chain.slots(600);
	assert!(chain.number() < 580, "no block was dropped");
	assert_eq!(chain.state(collators), [Ferdie, Dave, Bob, Charlie]);
	assert!(chain.state(|| !has(RecordKind::Replaced)));
	// A failure is found out all the same.
	chain.dead = vec![Charlie];
	let took = chain.until(|| !collators().contains(&Charlie));
	assert!(took <= 20, "{took} blocks");
}

/// Any two of four collators are cut off, and return one after the other, within a window.
#[test]
fn members_that_return_from_a_systemic_outage_keep_their_seats() {
	let seats = [Ferdie, Dave, Bob, Charlie];
	let pairs = (0..4).flat_map(|one| (one + 1..4).map(move |other| (seats[one], seats[other])));
	for ((one, other), apart) in pairs.flat_map(|pair| [0, 2, 5].map(|apart| (pair, apart))) {
		let mut chain = Chain::new();
		chain.slots(WARM);
		chain.dead = vec![one, other];
		chain.slots(60);
		assert!(chain.state(|| has(RecordKind::Held) && !has(RecordKind::Replaced)), "{one} and {other}");
		chain.dead = vec![other];
		chain.slots(apart);
		chain.dead = vec![];
		chain.slots(40);
		assert!(chain.state(|| has(RecordKind::Resumed)));
		assert_eq!(chain.state(collators), seats, "{one} and {other}, {apart} slots apart");
	}
}
