//! Weight of the pallet's call. A runtime measures it with the pallet's benchmarks.

use frame_support::weights::Weight;

/// The weights of the pallet's calls. `n` is the number of parameters that are changed.
pub trait WeightInfo {
	/// [`set`](crate::Pallet::set).
	fn set(n: u32) -> Weight;
}

/// For tests: everything is free.
impl WeightInfo for () {
	fn set(_: u32) -> Weight {
		Weight::zero()
	}
}
