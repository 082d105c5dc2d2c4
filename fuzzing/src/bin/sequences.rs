//! Plays sequences on the sample runtime whose choices are the fuzzer's bytes. Panics where an invariant
//! is broken.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rand::RngCore;

#[path = "../../../runtime/tests/chain/mod.rs"]
mod chain;
#[path = "../../../runtime/tests/sequences/mod.rs"]
mod sequences;

/// Most slots of one sequence.
const SLOTS: u32 = 120;

/// A byte for each choice.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
	/// The next byte; 0 where there is none.
	fn next(&mut self) -> u8 {
		let Some((first, rest)) = self.0.split_first() else { return 0 };
		self.0 = rest;
		*first
	}
}

/// The highest bits decide what a number comes to in its range, and the lowest ones what a byte is.
impl RngCore for Bytes<'_> {
	fn next_u32(&mut self) -> u32 {
		u32::from_ne_bytes([self.next(); 4])
	}

	fn next_u64(&mut self) -> u64 {
		u64::from_ne_bytes([self.next(); 8])
	}

	fn fill_bytes(&mut self, bytes: &mut [u8]) {
		bytes.iter_mut().for_each(|byte| *byte = self.next());
	}

	fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand::Error> {
		self.fill_bytes(bytes);
		Ok(())
	}
}

impl sequences::Choices for Bytes<'_> {
	fn are_over(&self) -> bool {
		self.0.is_empty()
	}
}

fuzz_target!(|bytes: &[u8]| {
	sequences::play(&mut Bytes(bytes), SLOTS);
});
