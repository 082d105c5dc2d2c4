//! The sample runtime's parameters, as they are at genesis.

use pallet_heartbeat::Thresholds;
use sp_runtime::{traits::Get, Perbill};
use understudy_runtime::{
	constants::SLOT_DURATION,
	parameters::{self, dynamic_params::detection},
	RuntimeOrigin, Settings,
};

/// What governance could change.
#[derive(Clone, Copy, Debug)]
pub struct Parameters {
	/// When a detector fires, and what its word weighs.
	pub thresholds: Thresholds,
	/// Blocks per window.
	pub window: u32,
	/// Seconds per slot.
	pub slot: f64,
	/// Members that each one probes.
	pub probes: u32,
	/// Members that are asked for a heartbeat in one window as a matter of routine.
	pub quota: u32,
	/// Seconds without a vote after which a node reports a member.
	pub vote_silence: f64,
	/// The share of the set under suspicion above which an outage is systemic.
	pub systemic: Perbill,
}

impl Parameters {
	/// The runtime's, as they are at genesis, or those for a real network.
	pub fn of_the_runtime(production: bool) -> Self {
		// The parameters are read from a chain's storage; an empty one has the defaults.
		sp_io::TestExternalities::default().execute_with(|| {
			if production {
				let changes = parameters::production().try_into().expect("so few fit");
				Settings::set(RuntimeOrigin::root(), changes).expect("they fit together");
			}
			Self::of_the_chain()
		})
	}

	fn of_the_chain() -> Self {
		Self {
			thresholds: detection::Rules::get(),
			window: detection::WindowLength::get(),
			slot: SLOT_DURATION as f64 / 1_000.0,
			probes: detection::Probes::get(),
			quota: detection::HeartbeatQuota::get(),
			vote_silence: detection::VoteSilence::get().into(),
			systemic: detection::SystemicThreshold::get(),
		}
	}
}
