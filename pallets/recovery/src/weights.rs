//! What the pallet's calls and hooks take. A runtime measures them with the pallet's benchmarks.

use frame_support::weights::Weight;

/// The weights of the pallet's calls and hooks. `n` is how many members the roster has.
pub trait WeightInfo {
	/// [`note_finality`](crate::Pallet::note_finality).
	fn note_finality() -> Weight;
	/// [`vote`](crate::Pallet::vote).
	fn vote() -> Weight;
	/// The checks before it.
	fn authorize_vote(n: u32) -> Weight;
	/// [`present`](crate::Pallet::present).
	fn present() -> Weight;
	/// The checks before it.
	fn authorize_present(n: u32) -> Weight;
	/// [`report_finality`](crate::Pallet::report_finality).
	fn report_finality() -> Weight;
	/// The checks before it.
	fn authorize_report(n: u32) -> Weight;
	/// [`report_double_vote`](crate::Pallet::report_double_vote).
	fn report_double_vote() -> Weight;
	/// [`veto`](crate::Pallet::veto).
	fn veto() -> Weight;
	/// [`want`](crate::Pallet::want).
	fn want() -> Weight;
	/// What the gate adds to each transaction.
	fn gate() -> Weight;
	/// Looking whether the mode changes.
	fn tick() -> Weight;
	/// Taking in the keys and the readiness of all members.
	fn refresh(n: u32) -> Weight;
	/// Counting the votes of all members beside, over all rosters that can be in flight.
	fn tally(n: u32) -> Weight;
	/// Changing the mode, to one in which all seats change hands.
	fn change(n: u32) -> Weight;
}

/// For tests: everything is free.
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
	fn present() -> Weight {
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
	fn want() -> Weight {
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
