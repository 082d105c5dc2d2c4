//! Governance can set parameters only to values that fit together.

mod chain;

use chain::*;
use frame_support::{assert_noop, assert_ok, traits::Get};
use pallet_heartbeat::Thresholds;
use pallet_recovery::{Mode, Rules};
use pallet_settings::{Error, Rule};
use pallet_validator_rotation::{lifecycle::Durations, penalty::Curve, BreakerRules};
use sp_runtime::{DispatchError, Perbill};
use understudy_primitives::Unfit;
use understudy_runtime::{
	constants::{DAYS, HOURS, MINUTES},
	parameters::{
		dynamic_params::{
			detection::{self, Parameters as Detection},
			recovery::{self, Parameters as Recovering},
			rotation::{self, Parameters as Rotation},
		},
		RuntimeParameters,
	},
	Recovery, Runtime, RuntimeOrigin,
};

fn refused(change: impl Into<RuntimeParameters>, rule: Unfit) {
	let changes = vec![change.into()].try_into().expect("one fits");
	let outcome = pallet_settings::Pallet::<Runtime>::set(RuntimeOrigin::root(), changes);
	assert_noop!(outcome, DispatchError::from(Error::<Runtime>::Unfit(Rule(rule))));
}

struct Wrapped(RuntimeParameters);

impl From<Wrapped> for RuntimeParameters {
	fn from(wrapped: Wrapped) -> Self {
		wrapped.0
	}
}

fn detection(parameter: Detection) -> Wrapped {
	Wrapped(RuntimeParameters::Detection(parameter))
}

fn rotation(parameter: Rotation) -> Wrapped {
	Wrapped(RuntimeParameters::Rotation(parameter))
}

fn timing(change: impl FnOnce(&mut Rules)) -> Wrapped {
	let mut rules = recovery::Timing::get();
	change(&mut rules);
	Wrapped(RuntimeParameters::Recovery(Recovering::Timing(recovery::Timing, Some(rules))))
}

fn thresholds(change: impl FnOnce(&mut Thresholds)) -> Wrapped {
	let mut rules = detection::Rules::get();
	change(&mut rules);
	detection(Detection::Rules(detection::Rules, Some(rules)))
}

fn breaker(change: impl FnOnce(&mut BreakerRules<u32>)) -> Wrapped {
	let mut rules = rotation::Breaker::get();
	change(&mut rules);
	rotation(Rotation::Breaker(rotation::Breaker, Some(rules)))
}

fn times(change: impl FnOnce(&mut Durations<u32>)) -> Wrapped {
	let mut rules = rotation::Times::get();
	change(&mut rules);
	rotation(Rotation::Times(rotation::Times, Some(rules)))
}

#[test]
fn values_that_do_not_fit_are_refused_by_name() {
	run(|_| {
		let share = Perbill::from_percent;
		for window in [0, 1, HOURS + 1, u32::MAX] {
			refused(
				detection(Detection::WindowLength(detection::WindowLength, Some(window))),
				Unfit::WindowLength,
			);
		}
		for grace in [0, 101] {
			refused(
				detection(Detection::GraceWindows(detection::GraceWindows, Some(grace))),
				Unfit::GraceWindows,
			);
		}
		for threshold in [0, 9, 51, 100] {
			let threshold = Some(share(threshold));
			refused(
				detection(Detection::SystemicThreshold(detection::SystemicThreshold, threshold)),
				Unfit::SystemicThreshold,
			);
		}
		for number in [0, u32::MAX] {
			let quota = Detection::HeartbeatQuota(detection::HeartbeatQuota, Some(number));
			refused(detection(quota), Unfit::HeartbeatQuota);
			refused(detection(Detection::Probes(detection::Probes, Some(number))), Unfit::Probes);
			refused(
				detection(Detection::FinalityLag(detection::FinalityLag, Some(number))),
				Unfit::FinalityLag,
			);
			refused(
				detection(Detection::VoteSilence(detection::VoteSilence, Some(number))),
				Unfit::VoteSilence,
			);
			refused(rotation(Rotation::Floor(rotation::Floor, Some(number))), Unfit::Floor);
			refused(rotation(Rotation::CoolOff(rotation::CoolOff, Some(number))), Unfit::CoolOff);
			refused(
				rotation(Rotation::CaseLifetime(rotation::CaseLifetime, Some(number))),
				Unfit::CaseLifetime,
			);
		}
		for lifetime in [0, 10 * MINUTES - 1, u32::MAX] {
			let lifetime = Detection::RegistrationLifetime(detection::RegistrationLifetime, Some(lifetime));
			refused(detection(lifetime), Unfit::RegistrationLifetime);
		}
		refused(thresholds(|rules| rules.slots = 0), Unfit::DetectorCount);
		refused(thresholds(|rules| rules.votes = 101), Unfit::DetectorCount);
		refused(thresholds(|rules| rules.longer = 1), Unfit::DetectorLonger);
		refused(thresholds(|rules| rules.peers_weight = share(0)), Unfit::DetectorWeight);
		refused(thresholds(|rules| rules.votes_quorum = share(33)), Unfit::DetectorQuorum);
		let threshold = Rotation::AutomationThreshold(rotation::AutomationThreshold, Some(share(49)));
		refused(rotation(threshold), Unfit::AutomationThreshold);
		for jail in [0, 30 * DAYS + 1] {
			refused(times(|times| times.jail = jail), Unfit::Jail);
		}
		refused(times(|times| times.probation = 0), Unfit::Probation);
		refused(times(|times| times.forgiveness = times.jail - 1), Unfit::Forgiveness);
		for (step, cap) in [(5, 4), (1, 11)] {
			let curve = Curve { step: share(step), cap: share(cap) };
			refused(rotation(Rotation::Penalties(rotation::Penalties, Some(curve))), Unfit::Penalties);
		}
		refused(breaker(|rules| rules.period = 1), Unfit::BreakerPeriod);
		refused(breaker(|rules| rules.evictions = 0), Unfit::BreakerEvictions);
		for unnecessary in [0, 51] {
			refused(breaker(|rules| rules.unnecessary = share(unnecessary)), Unfit::BreakerUnnecessary);
		}
		refused(breaker(|rules| rules.reprieve = 1), Unfit::BreakerReprieve);
		for stall_time in [0, 8_999, 3_600_001, u64::MAX] {
			refused(timing(|rules| rules.stall_time = stall_time), Unfit::StallTime);
		}
		for blocks in [0, 2, u32::MAX] {
			refused(timing(|rules| rules.stall_blocks = blocks), Unfit::StallBlocks);
		}
		for number in [0, u32::MAX] {
			refused(timing(|rules| rules.vote_after = number), Unfit::VoteAfter);
			refused(timing(|rules| rules.delay = number), Unfit::Delay);
			refused(timing(|rules| rules.patience = number), Unfit::Patience);
			refused(timing(|rules| rules.resume_after = number), Unfit::ResumeAfter);
			refused(timing(|rules| rules.cool_off = number), Unfit::RecoveryCoolOff);
		}
		refused(timing(|rules| rules.intake = share(0)), Unfit::Intake);
		for fraction in [0, 51] {
			let fraction =
				Recovering::DoubleVoteFraction(recovery::DoubleVoteFraction, Some(share(fraction)));
			refused(Wrapped(RuntimeParameters::Recovery(fraction)), Unfit::DoubleVoteFraction);
		}
	});
}

/// Regression test: a vote for these values made the chain degrade at once and permanently.
#[test]
fn a_stall_time_of_zero_changes_nothing() {
	run(|chain| {
		refused(timing(|rules| (rules.stall_time, rules.intake) = (0, Perbill::zero())), Unfit::StallTime);
		chain.blocks(30);
		assert_eq!(Recovery::status().mode, Mode::Safe);
	});
}

#[test]
fn not_even_root_sets_a_parameter_past_the_check() {
	run(|_| {
		let key_value = detection(Detection::Probes(detection::Probes, Some(7))).into();
		let past = as_root(pallet_parameters::Call::set_parameter { key_value });
		assert_eq!(past, Err(DispatchError::BadOrigin));
		let changes: pallet_settings::ChangesOf<Runtime> = Default::default();
		let signed = RuntimeOrigin::signed(Alice.to_account_id());
		let by_anybody = pallet_settings::Pallet::<Runtime>::set(signed, changes);
		assert_noop!(by_anybody, DispatchError::BadOrigin);
	});
}

#[test]
fn what_only_fits_together_is_set_together() {
	run(|chain| {
		let window = || detection(Detection::WindowLength(detection::WindowLength, Some(40))).into();
		let cool_off = || rotation(Rotation::CoolOff(rotation::CoolOff, Some(200))).into();
		let breaker = || breaker(|rules| rules.reprieve = 20).into();
		refused(Wrapped(window()), Unfit::CoolOff);
		assert_ok!(set(vec![window(), cool_off(), breaker()]));
		assert_eq!((detection::WindowLength::get(), rotation::CoolOff::get()), (40, 200));
		chain.blocks(10);
		// Back to the defaults.
		let defaults = [
			detection(Detection::WindowLength(detection::WindowLength, None)).into(),
			rotation(Rotation::CoolOff(rotation::CoolOff, None)).into(),
		];
		assert_ok!(set(defaults.into()));
		assert_eq!(rotation::CoolOff::get(), MINUTES);
	});
}

#[test]
fn the_parameters_for_a_real_network_fit() {
	run(|chain| {
		assert_ok!(set(understudy_runtime::parameters::production()));
		chain.blocks(60);
		assert_eq!(Recovery::status().mode, Mode::Safe);
	});
}

/// Two evictions more than one cool-off apart, followed by a longer cool-off.
#[test]
fn a_longer_cool_off_breaks_nothing_that_was_done_before() {
	run_with_more(|chain| {
		chain.blocks(20);
		for _ in 0..2 {
			let who = validators()[0];
			chain.dead.push(who);
			chain.until(|| !validators().contains(&who));
			chain.blocks(MINUTES + 5);
		}
		assert_ok!(set(vec![rotation(Rotation::CoolOff(rotation::CoolOff, Some(HOURS))).into()]));
		check();
		chain.blocks(5);
		assert_ok!(set(vec![rotation(Rotation::CoolOff(rotation::CoolOff, Some(8))).into()]));
		check();
	});
}
