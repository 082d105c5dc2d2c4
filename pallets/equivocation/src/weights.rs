//! Weights of the pallet's call and hook. A runtime measures them with the pallet's benchmarks.

use frame_support::weights::Weight;

/// Weights of the pallet's call and hook. `b` is the size of a proof, in bytes.
pub trait WeightInfo {
	/// Weight of [`report`](crate::Pallet::report).
	fn report(b: u32) -> Weight;
	/// Weight of the authorization of [`report`](crate::Pallet::report).
	fn authorize_report(b: u32) -> Weight;
	/// Weight of the check for a new session.
	fn follow_session() -> Weight;
	/// Weight of storing the authors of a session, for the maximum number of authors.
	fn new_session() -> Weight;
}

/// Zero weights, for tests.
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
