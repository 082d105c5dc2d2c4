//! Weights of the pallet. A runtime takes them from its own benchmarks: `scripts/benchmark` runs
//! those in `benchmarking` and writes `runtime/src/weights/pallet_validator_rotation.rs` for the
//! sample runtime.

use frame_support::weights::Weight;

/// Weights of the calls, and of the handling of judgements. `n` is the number of members of the
/// roster.
pub trait WeightInfo {
	/// Weight of [`crate::Pallet::retire`].
	fn retire() -> Weight;
	/// Weight of [`crate::Pallet::rejoin`].
	fn rejoin() -> Weight;
	/// Weight of [`crate::Pallet::enforce`].
	fn enforce(n: u32) -> Weight;
	/// Weight of [`crate::Pallet::approve`].
	fn approve(n: u32) -> Weight;
	/// Weight of [`crate::Pallet::veto`].
	fn veto() -> Weight;
	/// Weight of [`crate::Pallet::force_evict`].
	fn force_evict(n: u32) -> Weight;
	/// Weight of [`crate::Pallet::force_seat`].
	fn force_seat(n: u32) -> Weight;
	/// Weight of [`crate::Pallet::suspend_automation`].
	fn suspend_automation() -> Weight;
	/// Weight of [`crate::Pallet::resume_automation`].
	fn resume_automation() -> Weight;
	/// Weight of a judgement without evidence against an active member, while no outage history,
	/// case, eviction or suspicion is stored.
	fn quiet() -> Weight;
	/// Weight of a judgement with `k` outage histories, cases, evictions and suspicions, without
	/// the records that it writes.
	fn follow(k: u32) -> Weight;
	/// Weight of `r` records about members, with their evidence.
	fn record(r: u32) -> Weight;
	/// Weight of a decision on a roster of `n` members, of which `f` fail or want to retire, with
	/// its records.
	fn decide(n: u32, f: u32) -> Weight;
	/// Weight of planning a session with `n` elected members, without an election. Not charged: the
	/// block in which a session ends takes a whole block's weight.
	fn plan(n: u32) -> Weight;
	/// Weight of planning a session with an election of `n` members. Not charged either.
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
