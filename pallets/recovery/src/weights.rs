//! Weights of the pallet's calls and hooks. A runtime measures them with the pallet's benchmarks.

use frame_support::weights::Weight;

/// Weights of the pallet's calls and hooks. `n` is the number of members of the roster.
pub trait WeightInfo {
	/// Weight of [`note_finality`](crate::Pallet::note_finality).
	fn note_finality() -> Weight;
	/// Weight of [`vote`](crate::Pallet::vote).
	fn vote() -> Weight;
	/// Weight of the authorization of [`vote`](crate::Pallet::vote).
	fn authorize_vote(n: u32) -> Weight;
	/// Weight of [`attest_presence`](crate::Pallet::attest_presence).
	fn attest_presence() -> Weight;
	/// Weight of the authorization of [`attest_presence`](crate::Pallet::attest_presence).
	fn authorize_present(n: u32) -> Weight;
	/// Weight of [`report_finality`](crate::Pallet::report_finality).
	fn report_finality() -> Weight;
	/// Weight of the authorization of [`report_finality`](crate::Pallet::report_finality).
	fn authorize_report(n: u32) -> Weight;
	/// Weight of [`report_double_vote`](crate::Pallet::report_double_vote).
	fn report_double_vote() -> Weight;
	/// Weight of [`veto`](crate::Pallet::veto).
	fn veto() -> Weight;
	/// Weight of [`permit_recovery`](crate::Pallet::permit_recovery).
	fn permit_recovery() -> Weight;
	/// Weight that the gate adds to each transaction.
	fn gate() -> Weight;
	/// Weight of the check for a change of the mode.
	fn tick() -> Weight;
	/// Weight of reading the keys and the readiness of all members.
	fn refresh(n: u32) -> Weight;
	/// Additional weight of counting the votes of all members, over the maximum number of rosters
	/// in flight.
	fn tally(n: u32) -> Weight;
	/// Weight of a change of the mode in which all seats are replaced.
	fn change(n: u32) -> Weight;
}

/// Zero weights, for tests.
impl WeightInfo for () {
	fn note_finality() -> Weight {
		Weight::zero()
	}
	fn vote() -> Weight {
		Weight::zero()
	}
	fn authorize_vote(_: u32) -> Weight {
		Weight::zero()
	}
	fn attest_presence() -> Weight {
		Weight::zero()
	}
	fn authorize_present(_: u32) -> Weight {
		Weight::zero()
	}
	fn report_finality() -> Weight {
		Weight::zero()
	}
	fn authorize_report(_: u32) -> Weight {
		Weight::zero()
	}
	fn report_double_vote() -> Weight {
		Weight::zero()
	}
	fn veto() -> Weight {
		Weight::zero()
	}
	fn permit_recovery() -> Weight {
		Weight::zero()
	}
	fn gate() -> Weight {
		Weight::zero()
	}
	fn tick() -> Weight {
		Weight::zero()
	}
	fn refresh(_: u32) -> Weight {
		Weight::zero()
	}
	fn tally(_: u32) -> Weight {
		Weight::zero()
	}
	fn change(_: u32) -> Weight {
		Weight::zero()
	}
}
