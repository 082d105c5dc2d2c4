//! What governance can change without an upgrade: how evidence is judged, and how far rotation goes.
//!
//! The values are those of a sample network with 3-second blocks and few validators, where one wants to see something
//! happen. A production chain takes longer windows and a far longer cool-off.

use frame_support::dynamic_params::{dynamic_pallet_params, dynamic_params};
use sp_runtime::Perbill;

use crate::{constants::MINUTES, BlockNumber, Runtime};

#[dynamic_params(RuntimeParameters, pallet_parameters::Parameters::<Runtime>)]
pub mod dynamic_params {
	use super::*;

	/// How evidence is judged.
	#[dynamic_pallet_params]
	#[codec(index = 0)]
	pub mod detection {
		/// Blocks per window.
		#[codec(index = 0)]
		pub static WindowLength: BlockNumber = 4;
		/// Own slots missed in a row at which detector S fires.
		#[codec(index = 1)]
		pub static SlotThreshold: u8 = 2;
		/// Windows in a row without a sign of life at which detector H fires.
		#[codec(index = 2)]
		pub static WindowThreshold: u8 = 1;
		/// The confidence that S brings.
		#[codec(index = 3)]
		pub static SlotWeight: Perbill = Perbill::from_percent(45);
		/// The confidence that H brings.
		#[codec(index = 4)]
		pub static WindowWeight: Perbill = Perbill::from_percent(40);
		/// Windows in which nothing is counted against a newcomer.
		#[codec(index = 5)]
		pub static GraceWindows: u8 = 3;
		/// The share of the active set under suspicion at once above which an outage is systemic.
		#[codec(index = 6)]
		pub static SystemicThreshold: Perbill = Perbill::from_parts(333_333_333);
		/// Windows in a row with a quorum of probers at which detector P fires.
		#[codec(index = 7)]
		pub static PeerThreshold: u8 = 1;
		/// Windows in a row with a quorum of members at which detector V fires.
		#[codec(index = 8)]
		pub static VoteThreshold: u8 = 2;
		/// How many times its threshold a detector must have reached where it needs no other one.
		#[codec(index = 9)]
		pub static Longer: u8 = 2;
		/// The confidence that P brings.
		#[codec(index = 10)]
		pub static PeerWeight: Perbill = Perbill::from_percent(40);
		/// The confidence that V brings.
		#[codec(index = 11)]
		pub static VoteWeight: Perbill = Perbill::from_percent(40);
		/// The share of a member's probers whose reports make a quorum.
		#[codec(index = 12)]
		pub static PeerQuorum: Perbill = Perbill::from_percent(60);
		/// The share of all members whose reports make a quorum.
		#[codec(index = 13)]
		pub static VoteQuorum: Perbill = Perbill::from_percent(50);
		/// Members that are asked for a heartbeat in one window as a matter of routine.
		#[codec(index = 14)]
		pub static HeartbeatQuota: u32 = 128;
		/// Members that each one probes.
		#[codec(index = 15)]
		pub static Probes: u32 = 100;
		/// Blocks that a node's finality may be behind that of the node that probes it.
		#[codec(index = 16)]
		pub static FinalityLag: u32 = 20;
		/// Seconds without a vote after which a node reports a member.
		#[codec(index = 17)]
		pub static VoteSilence: u32 = 20;
		/// Blocks for which a registration is good without a renewal.
		#[codec(index = 18)]
		pub static RegistrationLifetime: BlockNumber = 60 * MINUTES;
	}

	/// How far rotation goes.
	#[dynamic_pallet_params]
	#[codec(index = 1)]
	pub mod rotation {
		/// Members to seat; the rest of the elected are the reserve.
		#[codec(index = 0)]
		pub static ActiveTarget: u32 = 4;
		/// The size below which rotation does not let the set shrink.
		#[codec(index = 1)]
		pub static Floor: u32 = 4;
		/// In so many blocks at most a third of the members lose their seats.
		#[codec(index = 2)]
		pub static CoolOff: BlockNumber = MINUTES;
		/// The confidence from which on rotation acts by itself.
		#[codec(index = 3)]
		pub static AutomationThreshold: Perbill = Perbill::from_percent(80);
	}
}

#[cfg(feature = "runtime-benchmarks")]
impl Default for RuntimeParameters {
	fn default() -> Self {
		RuntimeParameters::Detection(dynamic_params::detection::Parameters::WindowLength(
			dynamic_params::detection::WindowLength,
			Some(4),
		))
	}
}
