//! Parameters that governance can change without a runtime upgrade: of detection, rotation and
//! recovery.
//!
//! The defaults are those of a sample network with 3-second blocks and few validators, for
//! demonstrations. A production chain uses longer windows and a far longer cool-off: see
//! [`production`].

use alloc::vec::Vec;
use frame_support::dynamic_params::{dynamic_pallet_params, dynamic_params};
use frame_support::{ensure, traits::Get};
use pallet_heartbeat::Thresholds;
use pallet_settings::CheckSettings;
use pallet_validator_rotation::{lifecycle::Durations, penalty::Curve, BreakerRules};
use sp_runtime::Perbill;
use understudy_primitives::Unfit;

use crate::{
	configs::understudy::MaxMembers,
	constants::{DAYS, HOURS, MINUTES, SLOT_DURATION},
	BlockNumber, Runtime,
};

#[dynamic_params(RuntimeParameters, pallet_parameters::Parameters::<Runtime>)]
pub mod dynamic_params {
	use super::*;

	/// Parameters of detection.
	#[dynamic_pallet_params]
	#[codec(index = 0)]
	pub mod detection {
		/// Length of a window, in blocks.
		#[codec(index = 0)]
		pub static WindowLength: BlockNumber = 4;
		/// Counts from which on a detector fires, and the weights of the detectors. A single value,
		/// so that one read fetches all of them.
		#[codec(index = 1)]
		pub static Rules: Thresholds = Thresholds::DEMONSTRATION;
		/// Number of windows in which nothing is counted against a new member.
		#[codec(index = 2)]
		pub static GraceWindows: u8 = 3;
		/// Share of the active set under suspicion at once above which an outage is systemic.
		#[codec(index = 3)]
		pub static SystemicThreshold: Perbill = Perbill::from_parts(333_333_333);
		/// Number of members whose heartbeat is due by turn in one window.
		#[codec(index = 4)]
		pub static HeartbeatQuota: u32 = 4;
		/// Number of members that each member probes.
		#[codec(index = 5)]
		pub static Probes: u32 = 100;
		/// Number of blocks by which a node's finality may be behind that of its prober.
		#[codec(index = 6)]
		pub static FinalityLag: u32 = 20;
		/// Number of seconds without a vote after which a node reports a member.
		#[codec(index = 7)]
		pub static VoteSilence: u32 = 20;
		/// Number of blocks for which a registration is valid without a renewal.
		#[codec(index = 8)]
		pub static RegistrationLifetime: BlockNumber = DAYS;
	}

	/// Parameters of rotation.
	#[dynamic_pallet_params]
	#[codec(index = 1)]
	pub mod rotation {
		/// Size of the active set below which rotation does not shrink it.
		#[codec(index = 0)]
		pub static Floor: u32 = 4;
		/// Number of blocks in which at most a third of the members lose their seats.
		#[codec(index = 1)]
		pub static CoolOff: BlockNumber = MINUTES;
		/// Confidence from which on rotation acts without the guardians.
		#[codec(index = 2)]
		pub static AutomationThreshold: Perbill = Perbill::from_percent(80);
		/// Durations of jail and probation, and time for which an outage is remembered.
		#[codec(index = 3)]
		pub static Times: Durations<BlockNumber> =
			Durations { jail: MINUTES / 2, probation: 2, forgiveness: DAYS };
		/// Penalties for repeated outages.
		#[codec(index = 4)]
		pub static Penalties: Curve =
			Curve { step: Perbill::from_parts(1_000_000), cap: Perbill::from_percent(1) };
		/// Bounds beyond which automation is suspended.
		#[codec(index = 5)]
		pub static Breaker: BreakerRules<BlockNumber> =
			BreakerRules { period: DAYS, evictions: 24, unnecessary: Perbill::from_percent(25), reprieve: 4 };
		/// Number of blocks for which a case waits for the guardians, and for which a veto is in
		/// force.
		#[codec(index = 6)]
		pub static CaseLifetime: BlockNumber = 10 * MINUTES;
	}

	/// Parameters of recovery, after more than a third of the validators have failed.
	#[dynamic_pallet_params]
	#[codec(index = 2)]
	pub mod recovery {
		/// Times and limits of recovery. If a block with a forced change is re-organized, GRANDPA's
		/// voters stay paused: chains with long forks need a longer delay.
		#[codec(index = 0)]
		pub static Timing: pallet_recovery::Rules = pallet_recovery::Rules {
			stall_time: 30_000,
			stall_blocks: 5,
			vote_after: 2,
			delay: 4,
			patience: 2 * MINUTES,
			resume_after: MINUTES / 2,
			cool_off: 5 * MINUTES,
			intake: Perbill::from_percent(10),
		};
		/// Share of its stake that a member is charged for voting for two branches.
		#[codec(index = 1)]
		pub static DoubleVoteFraction: Perbill = Perbill::from_percent(10);
	}
}

/// Returns the parameters for a production network, to be set by `settings.set` before it opens. A
/// node that restarts for an upgrade within a minute keeps its seat, and a validator that fails for
/// good loses it after some three minutes; `understudy-simulator --production` prints the figures.
/// All other parameters keep their values.
pub fn production() -> Vec<RuntimeParameters> {
	use dynamic_params::{detection, recovery, rotation};
	use RuntimeParameters::{Detection, Recovery, Rotation};
	let times = Durations { jail: HOURS, probation: 10, forgiveness: 30 * DAYS };
	let breaker = BreakerRules {
		period: DAYS,
		evictions: 8,
		unnecessary: Perbill::from_percent(25),
		reprieve: MINUTES,
	};
	let timing = pallet_recovery::Rules {
		// Longer than a restart of many nodes at once.
		stall_time: 180_000,
		stall_blocks: 30,
		vote_after: 4,
		delay: 10,
		patience: 10 * MINUTES,
		resume_after: 5 * MINUTES,
		cool_off: HOURS,
		intake: Perbill::from_percent(10),
	};
	alloc::vec![
		Detection(detection::Parameters::WindowLength(detection::WindowLength, Some(MINUTES))),
		Detection(detection::Parameters::Rules(detection::Rules, Some(Thresholds::PRODUCTION))),
		Detection(detection::Parameters::VoteSilence(detection::VoteSilence, Some(90))),
		Detection(detection::Parameters::FinalityLag(detection::FinalityLag, Some(2 * MINUTES))),
		Rotation(rotation::Parameters::CoolOff(rotation::CoolOff, Some(HOURS))),
		Rotation(rotation::Parameters::Times(rotation::Times, Some(times))),
		Rotation(rotation::Parameters::Breaker(rotation::Breaker, Some(breaker))),
		Rotation(rotation::Parameters::CaseLifetime(rotation::CaseLifetime, Some(6 * HOURS))),
		Recovery(recovery::Parameters::Timing(recovery::Timing, Some(timing))),
	]
}

/// Rules that all parameters together must satisfy.
pub struct Checks;

impl CheckSettings for Checks {
	fn check() -> Result<(), Unfit> {
		use dynamic_params::{detection, recovery, rotation};
		let members = MaxMembers::get();
		let window = detection::WindowLength::get();
		ensure!((2..=HOURS).contains(&window), Unfit::WindowLength);
		detection::Rules::get().check()?;
		ensure!((1..=100).contains(&detection::GraceWindows::get()), Unfit::GraceWindows);
		let systemic = Perbill::from_percent(10)..=Perbill::from_percent(50);
		ensure!(systemic.contains(&detection::SystemicThreshold::get()), Unfit::SystemicThreshold);
		ensure!((1..=members).contains(&detection::HeartbeatQuota::get()), Unfit::HeartbeatQuota);
		ensure!((1..=members).contains(&detection::Probes::get()), Unfit::Probes);
		ensure!((4..=HOURS).contains(&detection::FinalityLag::get()), Unfit::FinalityLag);
		let two_slots = (2 * SLOT_DURATION / 1_000) as u32;
		ensure!((two_slots..=3_600).contains(&detection::VoteSilence::get()), Unfit::VoteSilence);
		let lifetime = detection::RegistrationLifetime::get();
		let lasts = lifetime >= (20 * window).max(10 * MINUTES) && lifetime <= 366 * DAYS;
		ensure!(lasts, Unfit::RegistrationLifetime);

		ensure!((1..=members).contains(&rotation::Floor::get()), Unfit::Floor);
		let cool_off = rotation::CoolOff::get();
		ensure!((2 * window..=30 * DAYS).contains(&cool_off), Unfit::CoolOff);
		let half = Perbill::from_percent(50);
		ensure!(rotation::AutomationThreshold::get() >= half, Unfit::AutomationThreshold);
		rotation::Times::get().check(DAYS)?;
		rotation::Penalties::get().check()?;
		// Number of blocks after which the silence in a window is settled for all members, see
		// `settling` in the heartbeat pallet.
		let settled = 2 * window.div_ceil(4).max(1);
		rotation::Breaker::get().check(settled, cool_off, DAYS)?;
		let lifetime = MINUTES..=30 * DAYS;
		ensure!(lifetime.contains(&rotation::CaseLifetime::get()), Unfit::CaseLifetime);

		recovery::Timing::get().check(SLOT_DURATION)?;
		let fraction = Perbill::from_percent(1)..=half;
		ensure!(fraction.contains(&recovery::DoubleVoteFraction::get()), Unfit::DoubleVoteFraction);
		Ok(())
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
