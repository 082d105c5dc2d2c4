//! Weights of the pallet's calls and hooks. A runtime measures them with the pallet's benchmarks.

use frame_support::weights::Weight;

/// Weights of the pallet's calls and hooks.
pub trait WeightInfo {
	/// Weight of [`reconcile`](crate::Pallet::reconcile).
	fn reconcile() -> Weight;
	/// Weight of its authorization, with a header of `h` bytes.
	fn authorize_position(h: u32) -> Weight;
	/// Weight of a checkpoint in a header's digest.
	fn checkpoint() -> Weight;
	/// Weight of the search for positions that were not stated in time, if `e` are found.
	fn sweep(e: u32) -> Weight;
	/// Weight of appending a record to a log with `p` peaks.
	fn append(p: u32) -> Weight;
}

/// Weights of zero, for tests.
impl WeightInfo for () {
	fn reconcile() -> Weight {
		Weight::zero()
	}
	fn authorize_position(_: u32) -> Weight {
		Weight::zero()
	}
	fn checkpoint() -> Weight {
		Weight::zero()
	}
	fn sweep(_: u32) -> Weight {
		Weight::zero()
	}
	fn append(_: u32) -> Weight {
		Weight::zero()
	}
}
