//! The weights of the pallet's call and hooks.
//!
//! Counted by hand from the storage that each one touches and a signature check measured by others (60 µs for sr25519);
//! the benchmarks will replace them.

use core::marker::PhantomData;
use frame_support::weights::Weight;

use crate::evidence::{COUNTERS_PER_CHUNK, SEEN_PER_CHUNK};

/// The weights that the pallet asks for.
pub trait WeightInfo {
	/// Dispatching [`crate::Pallet::heartbeat`].
	fn heartbeat() -> Weight;
	/// Authorizing it, which happens in the pool too.
	fn authorize_heartbeat() -> Weight;
	/// Accounting for `m` missed slots and the author of the block.
	fn note_slots(m: u32) -> Weight;
	/// Ending a window with `n` members.
	fn close_window(n: u32) -> Weight;
}

/// Weights in terms of the runtime's database weights.
pub struct CountedWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for CountedWeight<T> {
	fn heartbeat() -> Weight {
		counted::<T>(12, 3, 2, 1_100)
	}
	fn authorize_heartbeat() -> Weight {
		counted::<T>(72, 6, 0, 1_600)
	}
	fn note_slots(m: u32) -> Weight {
		let chunks = u64::from(m.div_ceil(COUNTERS_PER_CHUNK)) + 1;
		counted::<T>(10 + u64::from(m) / 4, 3 + chunks, 2 + chunks, 300 + 800 * chunks)
	}
	fn close_window(n: u32) -> Weight {
		let chunks = u64::from(n.div_ceil(COUNTERS_PER_CHUNK)) + u64::from(n.div_ceil(SEEN_PER_CHUNK));
		// Each unhealthy member's account is read for its event; all of them at worst.
		let n = u64::from(n);
		counted::<T>(10 + n / 2, 3 + chunks + n, 3 + chunks, 300 + 800 * chunks + 100 * n)
	}
}

fn counted<T: frame_system::Config>(micros: u64, reads: u64, writes: u64, proof: u64) -> Weight {
	use frame_support::traits::Get;
	Weight::from_parts(micros.saturating_mul(1_000_000), proof)
		.saturating_add(T::DbWeight::get().reads_writes(reads, writes))
}
