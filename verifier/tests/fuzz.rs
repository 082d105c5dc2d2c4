//! Fuzzing of the verifier: no input makes it panic, and no changed bundle holds. The tests run
//! this for some seconds, `scripts/fuzz verifier` for longer.

mod forge;

use std::time::{Duration, Instant};

use codec::Encode;
use forge::{any_age, parachain, public, recovered, usual, PARA_ID};
use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use understudy_verifier::{check, Bundle, HandOff};

fn setting(name: &str, default: u64) -> u64 {
	std::env::var(name).map_or(default, |value| value.parse().expect("the setting is a number"))
}

/// Changes some bytes at random: flips, cuts, repeats, inserts, or sets lengths to their extremes.
fn mutate(bytes: &mut Vec<u8>, rng: &mut ChaCha8Rng) {
	for _ in 0..rng.gen_range(1..4) {
		if bytes.is_empty() {
			return;
		}
		let at = rng.gen_range(0..bytes.len());
		match rng.gen_range(0..6) {
			0 => bytes[at] ^= 1 << rng.gen_range(0..8),
			1 => bytes[at] = [0, 1, 2, 3, 0x7f, 0x80, 0xfc, 0xfe, 0xff][rng.gen_range(0..9)],
			2 => bytes.truncate(at),
			3 => {
				let until = (at + rng.gen_range(1..64)).min(bytes.len());
				let part = bytes[at..until].to_vec();
				let to = rng.gen_range(0..bytes.len());
				bytes.splice(to..to, part);
			},
			4 => {
				let until = (at + rng.gen_range(1..64)).min(bytes.len());
				bytes.drain(at..until);
			},
			_ => {
				let mut part = [0; 8];
				rng.fill_bytes(&mut part);
				let until = (at + 8).min(bytes.len());
				bytes.splice(at..until, part);
			},
		}
	}
}

/// Changes the parts that are encoded as bytes within bytes, where a change passes the first
/// decoding.
fn mutate_inside(bundle: &mut Bundle, rng: &mut ChaCha8Rng) {
	let hand_offs = bundle.hand_offs.len();
	let (header, justification, state) = match rng.gen_range(0..=hand_offs) {
		nth if nth == hand_offs => {
			let inclusion = bundle.inclusion.as_mut().filter(|_| rng.gen());
			let state = inclusion.map_or(&mut bundle.state, |inclusion| &mut inclusion.state);
			(&mut bundle.head.header, &mut bundle.head.justification, state)
		},
		nth => match &mut bundle.hand_offs[nth] {
			HandOff::Scheduled(last) => (&mut last.header, &mut last.justification, &mut bundle.state),
			HandOff::Forced(change) => match rng.gen_range(0..3) {
				0 => (&mut change.anchor.header, &mut change.anchor_justification, &mut change.anchor.state),
				1 => (
					&mut change.proposal.header,
					&mut change.anchor_justification,
					&mut change.proposal.state,
				),
				_ => {
					(&mut change.enacted.header, &mut change.enacted_justification, &mut change.enacted.state)
				},
			},
		},
	};
	match rng.gen_range(0..3) {
		0 => mutate(header, rng),
		1 => mutate(justification, rng),
		_ => {
			let nth = rng.gen_range(0..state.len());
			mutate(&mut state[nth], rng);
		},
	}
}

#[test]
fn no_input_makes_the_verifier_panic() {
	let (seconds, seed) = (setting("UNDERSTUDY_FUZZ_SECONDS", 15), setting("UNDERSTUDY_FUZZ_SEED", 1));
	let (forge, trusted) = usual();
	let (chain, relay, of_the_relay) = parachain();
	let seeds = [
		(recovered().0.bundle(Some(3), &[], public), &trusted),
		(Bundle { ancestry: Some(forge.ancestry(5)), ..forge.bundle(Some(1), &[], public) }, &trusted),
		(forge.bundle(None, &[0, 4, 10], |_| true), &trusted),
		(chain.included(&relay, PARA_ID, chain.bundle(Some(1), &[], public)), &of_the_relay),
	];
	let started = Instant::now();
	let (mut tried, mut decoded) = (0u64, 0u64);
	let mut rng = ChaCha8Rng::seed_from_u64(seed);
	while started.elapsed() < Duration::from_secs(seconds) {
		let (whole, trusted) = &seeds[rng.gen_range(0..seeds.len())];
		let mut changed = whole.clone();
		if rng.gen() {
			mutate_inside(&mut changed, &mut rng);
		} else {
			let mut bytes = whole.encode();
			mutate(&mut bytes, &mut rng);
			tried += 1;
			let Ok(read) = Bundle::from_scale(&bytes) else { continue };
			changed = read;
		}
		tried += 1;
		decoded += 1;
		let outcome = check(&changed, trusted, &any_age());
		assert!(outcome.is_err() || changed == *whole, "seed {seed}, input {tried} holds: {changed:?}");
	}
	println!("{tried} inputs, {decoded} of them decoded, from seed {seed}");
	assert!(decoded > 100);
}
