//! Weights of the pallet's call and hook. A runtime measures them with the pallet's benchmarks.

use frame_support::weights::Weight;

/// The weights of the pallet's call and hook. `b` is the number of a proof's bytes.
pub trait WeightInfo {
	/// [`report`](crate::Pallet::report).
	fn report(b: u32) -> Weight;
	/// The checks before it.
	fn authorize_report(b: u32) -> Weight;
	/// Looking whether a session has begun.
	fn follow_session() -> Weight;
	/// Noting the authors of a session, as many as there can be.
	fn new_session() -> Weight;
}

/// For tests: everything is free.
impl WeightInfo for () {
	fn report(_: u32) -> Weight {
		Weight::zero()
	}
	fn authorize_report(_: u32) -> Weight {
		Weight::zero()
	}
	fn follow_session() -> Weight {
		Weight::zero()
	}
	fn new_session() -> Weight {
		Weight::zero()
	}
}
