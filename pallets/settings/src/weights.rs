//! Weight of the pallet's call. A runtime measures it with the pallet's benchmarks.

use frame_support::weights::Weight;

/// Weights of the pallet's calls. `n` is the number of parameters that are changed.
pub trait WeightInfo {
	/// Weight of [`set`](crate::Pallet::set).
	fn set(n: u32) -> Weight;
}

/// Zero weights, for tests.
impl WeightInfo for () {
	fn set(_: u32) -> Weight {
		Weight::zero()
	}
}
