//! Weights of the pallet's calls. A runtime measures them with the pallet's benchmarks.

use frame_support::weights::Weight;

/// Weights of the pallet's calls. `n` is a number of authorities, `b` the size of a proof in bytes,
/// `k` a number of heads.
pub trait WeightInfo {
	/// Weight of registering or recovering a client.
	fn set_client(n: u32) -> Weight;
	/// Weight of [`remove_client`](crate::Pallet::remove_client).
	fn remove_client(k: u32) -> Weight;
	/// Weight of [`submit_head`](crate::Pallet::submit_head).
	fn submit_head(b: u32) -> Weight;
	/// Weight of [`submit_hand_off`](crate::Pallet::submit_hand_off).
	fn submit_hand_off(b: u32) -> Weight;
	/// Weight of [`report_misbehaviour`](crate::Pallet::report_misbehaviour).
	fn report_misbehaviour(b: u32) -> Weight;
}

/// Zero weights, for tests.
impl WeightInfo for () {
	fn set_client(_: u32) -> Weight {
		Weight::zero()
	}
	fn remove_client(_: u32) -> Weight {
		Weight::zero()
	}
	fn submit_head(_: u32) -> Weight {
		Weight::zero()
	}
	fn submit_hand_off(_: u32) -> Weight {
		Weight::zero()
	}
	fn report_misbehaviour(_: u32) -> Weight {
		Weight::zero()
	}
}
