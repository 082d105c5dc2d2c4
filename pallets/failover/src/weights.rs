//! What the pallet's calls and hooks take. A runtime measures them with the pallet's benchmarks.

use frame_support::weights::Weight;

/// The weights of the pallet's calls and hooks.
pub trait WeightInfo {
	/// [`reconcile`](crate::Pallet::reconcile).
	fn reconcile() -> Weight;
	/// The checks before it, with a header of `h` bytes.
	fn authorize_position(h: u32) -> Weight;
	/// Telling the head in a header's digest.
	fn checkpoint() -> Weight;
	/// Looking for members that did not say in time where they stand, and finding `e` of them.
	fn sweep(e: u32) -> Weight;
	/// Appending a record to a log with `p` peaks.
	fn append(p: u32) -> Weight;
}

/// For tests: everything is free.
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
