//! The weights that the pallet asks for. A runtime takes them from its own benchmarks: `scripts/benchmark` runs those in
//! `benchmarking` and writes `runtime/src/weights/pallet_validator_rotation.rs` for the sample one.

use frame_support::weights::Weight;

/// The weights of the calls, and of what is done when evidence was judged. `n` is how many members the roster has.
pub trait WeightInfo {
	/// [`crate::Pallet::retire`].
	fn retire() -> Weight;
	/// [`crate::Pallet::rejoin`].
	fn rejoin() -> Weight;
	/// [`crate::Pallet::enforce`].
	fn enforce(n: u32) -> Weight;
	/// [`crate::Pallet::approve`].
	fn approve(n: u32) -> Weight;
	/// [`crate::Pallet::veto`].
	fn veto() -> Weight;
	/// [`crate::Pallet::force_evict`].
	fn force_evict(n: u32) -> Weight;
	/// [`crate::Pallet::force_seat`].
	fn force_seat(n: u32) -> Weight;
	/// [`crate::Pallet::suspend_automation`].
	fn suspend_automation() -> Weight;
	/// [`crate::Pallet::resume_automation`].
	fn resume_automation() -> Weight;
	/// A judgement where nobody fails and nothing is remembered.
	fn quiet() -> Weight;
	/// A judgement with `k` conducts, cases, evictions and suspicions remembered, beside what it records.
	fn follow(k: u32) -> Weight;
	/// Recording `r` things of members, with their evidence.
	fn record(r: u32) -> Weight;
	/// Deciding on a roster of `n`, of which `f` fail or want to leave, with all that is recorded of it.
	fn decide(n: u32, f: u32) -> Weight;
	/// Planning a session with `n` elected members, without an election. Not charged: the block in which a session ends takes
	/// a whole block's weight.
	fn plan(n: u32) -> Weight;
	/// The same from an election of `n`.
	fn plan_election(n: u32) -> Weight;
}

impl WeightInfo for () {
	fn retire() -> Weight {
		Weight::zero()
	}
	fn rejoin() -> Weight {
		Weight::zero()
	}
	fn enforce(_: u32) -> Weight {
		Weight::zero()
	}
	fn approve(_: u32) -> Weight {
		Weight::zero()
	}
	fn veto() -> Weight {
		Weight::zero()
	}
	fn force_evict(_: u32) -> Weight {
		Weight::zero()
	}
	fn force_seat(_: u32) -> Weight {
		Weight::zero()
	}
	fn suspend_automation() -> Weight {
		Weight::zero()
	}
	fn resume_automation() -> Weight {
		Weight::zero()
	}
	fn quiet() -> Weight {
		Weight::zero()
	}
	fn follow(_: u32) -> Weight {
		Weight::zero()
	}
	fn record(_: u32) -> Weight {
		Weight::zero()
	}
	fn plan_election(_: u32) -> Weight {
		Weight::zero()
	}
	fn decide(_: u32, _: u32) -> Weight {
		Weight::zero()
	}
	fn plan(_: u32) -> Weight {
		Weight::zero()
	}
}
