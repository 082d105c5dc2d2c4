//! Runs sequences of actions on the sample runtime. The fuzzer's bytes are the choices. Panics if
//! an invariant is violated.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rand::RngCore;

#[path = "../../../runtime/tests/chain/mod.rs"]
mod chain;
#[path = "../../../runtime/tests/sequences/mod.rs"]
mod sequences;

/// Maximum number of slots in one sequence.
const SLOTS: u32 = 120;

/// Source of choices: one byte each.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
	/// Returns the next byte, or 0 at the end.
	fn next(&mut self) -> u8 {
		let Some((first, rest)) = self.0.split_first() else { return 0 };
		self.0 = rest;
		*first
	}
}

/// One byte is repeated in each number: `rand` takes a number in a range from the highest bits, and
/// a byte from the lowest ones.
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
