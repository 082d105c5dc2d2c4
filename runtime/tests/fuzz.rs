//! Random sequences of all actions on the suite, with all invariants checked after each step.
//!
//! Runs for `UNDERSTUDY_FUZZ_SECONDS` (15), from the seed `UNDERSTUDY_FUZZ_SEED` (1) on: one
//! sequence per seed, the same on every machine. A failure prints its seed; a run from that seed
//! repeats it. `scripts/fuzz` runs the sequences for longer.

mod chain;
mod sequences;

use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use sequences::{play, Choices, Outcome};

/// Number of slots of one sequence.
const SLOTS: u32 = 120;

impl Choices for ChaCha8Rng {}

/// Guard that prints the seed of a sequence that fails.
struct Seed(u64);

impl Drop for Seed {
	fn drop(&mut self) {
		if std::thread::panicking() {
			eprintln!("the failed sequence: UNDERSTUDY_FUZZ_SEED={}", self.0);
		}
	}
}

fn setting(name: &str, default: u64) -> u64 {
	std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

#[test]
fn random_sequences_break_no_invariant() {
	let until = Instant::now() + Duration::from_secs(setting("UNDERSTUDY_FUZZ_SECONDS", 15));
	let first = setting("UNDERSTUDY_FUZZ_SEED", 1);
	let (mut sequences, mut all) = (0, Outcome::default());
	for seed in first.. {
		let guard = Seed(seed);
		let Outcome { steps, let_in } = play(&mut ChaCha8Rng::seed_from_u64(seed), SLOTS);
		drop(guard);
		(all.steps, all.let_in) = (all.steps + steps, all.let_in + let_in);
		sequences += 1;
		if Instant::now() >= until {
			break;
		}
	}
	let Outcome { steps, let_in } = all;
	println!("{sequences} sequences from seed {first}, {steps} actions, {let_in} of them accepted");
	assert!(let_in > steps / 20, "hardly any action was accepted: {let_in} of {steps}");
}
