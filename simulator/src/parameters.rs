//! Parameters of the sample runtime, as at genesis.

use pallet_heartbeat::Thresholds;
use sp_runtime::{traits::Get, Perbill};
use understudy_runtime::{
	constants::SLOT_DURATION,
	parameters::{self, dynamic_params::detection},
	RuntimeOrigin, Settings,
};

/// Parameters that governance can change, and the slot duration.
#[derive(Clone, Copy, Debug)]
pub struct Parameters {
	/// Thresholds and weights of the detectors.
	pub thresholds: Thresholds,
	/// Blocks per window.
	pub window: u32,
	/// Seconds per slot.
	pub slot: f64,
	/// Number of members that each member probes.
	pub probes: u32,
	/// Number of members whose heartbeat is due by turns in one window.
	pub quota: u32,
	/// Seconds without a vote after which a node reports a member.
	pub vote_silence: f64,
	/// Share of the set under suspicion above which an outage is systemic.
	pub systemic: Perbill,
	/// `true` if nodes see finality votes. Collators of a parachain cast none.
	pub votes: bool,
	/// Share of blocks that the relay chain drops.
	pub dropped: f64,
}

/// Seconds per slot of a parachain.
const PARACHAIN_SLOT: f64 = 6.0;

impl Parameters {
	/// Returns the runtime's parameters at genesis, or those for a real network if `production`.
	pub fn of_the_runtime(production: bool) -> Self {
		// The parameters are read from storage; an empty one yields the defaults.
		sp_io::TestExternalities::default().execute_with(|| {
			if production {
				let changes = parameters::production().try_into().expect("the changes fit into one call");
				Settings::set(RuntimeOrigin::root(), changes).expect("production parameters fit together");
			}
			Self::of_the_chain()
		})
	}

	/// Returns these parameters on a parachain whose relay chain drops this share of its blocks.
	pub fn on_a_parachain(self, dropped: f64) -> Self {
		Self { slot: PARACHAIN_SLOT, votes: false, dropped, ..self }
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
			votes: true,
			dropped: 0.0,
		}
	}
}
