//! Random sequences of all actions on the suite. All invariants are checked after each step.

use crate::chain::*;
use frame_support::traits::{Get, UnfilteredDispatchable};
use pallet_heartbeat::{
	registration::{Endpoint, Profile, Tag},
	Heartbeat as Payload, Renewal, Report, ReportKind, Thresholds,
};
use pallet_settings::CheckSettings as _;
use pallet_validator_rotation::{lifecycle::Durations, penalty::Curve, BreakerRules};
use rand::{seq::SliceRandom, Rng};

use sp_consensus_slots::{EquivocationProof, Slot};
use sp_keyring::Sr25519Keyring;
use sp_runtime::Perbill;
use sp_staking::offence::OffenceSeverity;
use understudy_primitives::{offchain::NodeVersion, EquivocationHandler, Evidence};
use understudy_runtime::{
	parameters::{
		dynamic_params::{self, detection},
		Checks, RuntimeParameters,
	},
	Equivocation, Failover, Heartbeat, Recovery, Runtime, RuntimeCall, RuntimeOrigin, Session, SessionKeys,
	System, UncheckedExtrinsic, ValidatorRotation,
};

/// Source of the choices of a sequence.
pub trait Choices: Rng {
	/// Returns `true` if there are no more choices.
	fn are_over(&self) -> bool {
		false
	}
}

/// Outcome of a sequence.
#[derive(Default)]
pub struct Outcome {
	/// Number of actions.
	pub steps: u64,
	/// Number of actions that were accepted, or succeeded.
	pub let_in: u64,
}

/// Plays one sequence of this many slots, or until the choices are over, on a fresh chain. Panics
/// if an invariant is broken.
pub fn play(choices: &mut impl Choices, slots: u32) -> Outcome {
	let mut outcome = Outcome::default();
	run(|chain| {
		for _ in 0..slots {
			if choices.are_over() {
				break;
			}
			happen(chain, choices);
			let actions = choices.gen_range(0..6);
			chain.slot_with(|| {
				for _ in 0..actions {
					outcome.let_in += u64::from(act(choices));
					outcome.steps += 1;
					Heartbeat::do_try_state().expect("heartbeat's invariants hold");
					ValidatorRotation::do_try_state().expect("rotation's invariants hold");
					Failover::do_try_state().expect("the log's invariants hold");
					Recovery::do_try_state().expect("recovery's invariants hold");
					Equivocation::do_try_state().expect("the invariants of reports hold");
					Checks::check().expect("all parameters fit together");
				}
			});
		}
	});
	outcome
}

/// Changes the state of one member's node, now and then.
fn happen(chain: &mut Chain, rng: &mut impl Rng) {
	if rng.gen_bool(0.9) {
		return;
	}
	// A chain needs authors.
	chain.dead.truncate(2);
	chain.lame.truncate(1);
	let list = match rng.gen_range(0..4) {
		0 => &mut chain.dead,
		1 => &mut chain.lame,
		2 => &mut chain.mute,
		_ => &mut chain.hidden,
	};
	let who = *MEMBERS.choose(rng).expect("the list is not empty");
	match list.iter().position(|other| *other == who) {
		Some(place) => drop(list.remove(place)),
		None => list.push(who),
	}
	chain.blind = rng.gen_bool(0.1);
	chain.deaf = rng.gen_bool(0.1);
}

/// Returns a number that is often right, or off by one.
fn about(rng: &mut impl Rng, right: u32) -> u32 {
	match rng.gen_range(0..8) {
		0 => rng.gen(),
		1 => right.wrapping_sub(1),
		2 => right.wrapping_add(1),
		3 => 0,
		_ => right,
	}
}

fn anybody(rng: &mut impl Rng) -> Sr25519Keyring {
	*[Alice, Bob, Charlie, Dave, Eve, Ferdie, Sr25519Keyring::One].choose(rng).expect("the list is not empty")
}

/// Performs one action. Returns `true` if it was accepted, or succeeded.
fn act(rng: &mut impl Rng) -> bool {
	let roster = pallet_heartbeat::Window::<Runtime>::get().roster;
	let window = pallet_heartbeat::Window::<Runtime>::get().index;
	let signer = anybody(rng);
	let index = rng.gen_range(0..roster.total + 1);
	match rng.gen_range(0..16) {
		8 => rotate(rng, signer),
		9 => govern_rotation(rng),
		10 => rotation_parameter(rng),
		11 => recovery_parameter(rng),
		12 | 13 => recover(rng, signer),
		14 => change_keys(rng, signer),
		15 if rng.gen() => misbehave(rng, signer),
		15 => sign_twice(rng),
		0 => {
			let heartbeat = Payload { roster: about(rng, roster.id), window: about(rng, window), index };
			let signature = sign(anybody(rng), &heartbeat);
			apply(general(pallet_heartbeat::Call::heartbeat { heartbeat, signature })).is_ok()
		},
		1 => {
			// A valid heartbeat, if the signer is still a member.
			let member = *MEMBERS.choose(rng).expect("the list is not empty");
			is_member(member) && apply(signed(member, payload(member))).is_ok()
		},
		2 | 3 => {
			let mut targets: Vec<u32> = (0..rng.gen_range(0..8)).map(|_| rng.gen_range(0..8)).collect();
			if rng.gen_bool(0.8) {
				targets.sort();
				targets.dedup();
			}
			let report = Report {
				roster: about(rng, roster.id),
				window: about(rng, window),
				reporter: index,
				kind: if rng.gen() { ReportKind::Peers } else { ReportKind::Votes },
				targets: targets.try_into().expect("this many targets fit"),
			};
			let honest = pallet_heartbeat::Members::<Runtime>::get(index).map(|who| named(vec![who]));
			let signer = honest.and_then(|names| names.first().copied()).unwrap_or(signer);
			let signature = sign(signer, &report);
			apply(general(pallet_heartbeat::Call::report { report, signature })).is_ok()
		},
		4 => {
			let renewal = Renewal {
				who: signer.to_account_id(),
				block: about(rng, System::block_number()),
				runtime: about(rng, understudy_runtime::VERSION.spec_version),
				node: NodeVersion { major: rng.gen_range(0..2), minor: 0, patch: 0 },
			};
			let signature = sign(if rng.gen_bool(0.8) { signer } else { anybody(rng) }, &renewal);
			apply(general(pallet_heartbeat::Call::renew { renewal, signature })).is_ok()
		},
		5 | 6 => {
			let ip = *[[0; 4], [127, 0, 0, 1], [1, 2, 3, 4]].choose(rng).expect("the list is not empty");
			let tag = (0..rng.gen_range(0..33)).map(|_| rng.gen_range(20..130)).collect();
			let profile = Profile {
				endpoint: rng.gen::<bool>().then(|| Endpoint::V4(ip, rng.gen_range(0..3))),
				region: if rng.gen_bool(0.8) { Tag::default() } else { Tag::truncate_from(tag) },
				operator: Tag::default(),
			};
			let call: RuntimeCall = match rng.gen_range(0..3) {
				0 => pallet_heartbeat::Call::register { profile }.into(),
				1 => pallet_heartbeat::Call::update { profile }.into(),
				_ => pallet_heartbeat::Call::deregister {}.into(),
			};
			call.dispatch_bypass_filter(RuntimeOrigin::signed(signer.to_account_id())).is_ok()
		},
		_ => {
			if rng.gen_bool(0.8) {
				return false;
			}
			let number = *[0, 1, 2, 3, 5, 100, 255].choose(rng).expect("the list is not empty");
			let share = Perbill::from_percent(rng.gen_range(0..101));
			use detection::Parameters::*;
			let rules = Thresholds {
				slots: number as u8,
				windows: rng.gen_range(0..3),
				peers: rng.gen_range(0..3),
				votes: rng.gen_range(0..3),
				longer: rng.gen(),
				peers_quorum: share,
				votes_quorum: share,
				..detection::Rules::get()
			};
			let parameter = match rng.gen_range(0..7) {
				0 => WindowLength(detection::WindowLength, Some(number.min(20))),
				1 => Rules(detection::Rules, Some(rules)),
				2 => GraceWindows(detection::GraceWindows, Some(number as u8)),
				3 => SystemicThreshold(detection::SystemicThreshold, Some(share)),
				4 => HeartbeatQuota(detection::HeartbeatQuota, Some(number)),
				5 => Probes(detection::Probes, Some(number)),
				_ => RegistrationLifetime(detection::RegistrationLifetime, Some(number * 5)),
			};
			let key_value = RuntimeParameters::Detection(parameter);
			set(vec![key_value]).is_ok()
		},
	}
}

/// Changes a parameter of recovery, as governance does.
fn recovery_parameter(rng: &mut impl Rng) -> bool {
	use dynamic_params::recovery::{self, Parameters::*};
	let number = rng.gen_range(0..60);
	let share = Perbill::from_percent(rng.gen_range(0..=100));
	let mut rules = recovery::Timing::get();
	match rng.gen_range(0..9) {
		0 => rules.stall_time = u64::from(number) * 1_000,
		1 => rules.stall_blocks = number,
		2 => rules.vote_after = number,
		3 => rules.delay = number,
		4 => rules.patience = number,
		5 => rules.resume_after = number,
		6 => rules.cool_off = number,
		7 => rules.intake = share,
		_ => {
			let fraction = DoubleVoteFraction(recovery::DoubleVoteFraction, Some(share));
			return set(vec![RuntimeParameters::Recovery(fraction)]).is_ok();
		},
	}
	set(vec![RuntimeParameters::Recovery(Timing(recovery::Timing, Some(rules)))]).is_ok()
}

/// Submits a statement of an author or member on finality or presence, or a vote, or calls as the
/// guardians.
fn recover(rng: &mut impl Rng, signer: Sr25519Keyring) -> bool {
	use pallet_recovery::{BlockId, Call, FinalityReport, Presence, Signed, Vote};
	let who = signer.to_account_id();
	let status = Recovery::status();
	let now = System::block_number();
	let block = |number: u32| BlockId { number, hash: System::block_hash(number) };
	let late = rng.gen_range(1..40);
	let last = block(about(rng, now.saturating_sub(late)));
	macro_rules! say {
		($call:ident, $statement:expr) => {{
			let statement = $statement;
			let signature = sign(if rng.gen_bool(0.9) { signer } else { anybody(rng) }, &statement);
			apply(general(Call::$call { signed: Signed { statement, signature } })).is_ok()
		}};
	}
	match rng.gen_range(0..8) {
		0 | 1 => {
			let call = Call::note_finality { finalized: last.number };
			apply(UncheckedExtrinsic::new_bare(call.into())).is_ok_and(|dispatched| dispatched.is_ok())
		},
		2 | 3 => {
			let since = about(rng, pallet_recovery::Status::<Runtime>::get().view.since.block);
			say!(report_finality, FinalityReport { who, finalized: last, since })
		},
		4 | 5 => {
			let anchor = status.anchor.unwrap_or(last);
			let round = pallet_recovery::Status::<Runtime>::get().round;
			say!(attest_presence, Presence { who, anchor, round: about(rng, round) })
		},
		6 => {
			let (proposal, base) = (status.proposal.unwrap_or(last), block(about(rng, status.finalized)));
			say!(vote, Vote { who, proposal, base })
		},
		_ => {
			let call: Call<Runtime> = if rng.gen() { Call::veto {} } else { Call::permit_recovery {} };
			as_root(call).is_ok()
		},
	}
}

/// Sets other session keys of a member, or purges them.
fn change_keys(rng: &mut impl Rng, signer: Sr25519Keyring) -> bool {
	use pallet_session::SessionInterface;
	if rng.gen_bool(0.8) {
		return false;
	}
	let who = signer.to_account_id();
	if rng.gen_bool(0.3) {
		return Session::purge_keys(RuntimeOrigin::signed(who)).is_ok();
	}
	let raw = sp_core::sr25519::Public::from_raw(rng.gen());
	let grandpa = sp_core::ed25519::Public::from_raw(rng.gen());
	let keys = SessionKeys {
		aura: raw.into(),
		grandpa: grandpa.into(),
		// A known key, so that the member is still heard.
		heartbeat: heartbeat_key(signer),
	};
	<Session as SessionInterface>::set_keys(&who, keys).is_ok()
}

/// Proves an equivocation of a member, or disables one, or pardons one as the guardians.
fn misbehave(rng: &mut impl Rng, signer: Sr25519Keyring) -> bool {
	if rng.gen_bool(0.9) {
		return false;
	}
	let who = signer.to_account_id();
	match rng.gen_range(0..3) {
		0 => {
			let evidence =
				Evidence::Equivocation { session: 0, set: 0, round: rng.gen(), proof: Default::default() };
			ValidatorRotation::on_equivocation(&who, evidence);
			true
		},
		1 => as_root(pallet_validator_rotation::Call::pardon { who }).is_ok(),
		_ => {
			// As many as the set tolerates, by staking's strategy.
			Session::report_offence(who, OffenceSeverity(Perbill::from_percent(rng.gen_range(0..100))));
			true
		},
	}
}

/// Reports two blocks for a slot, which are sometimes a valid equivocation.
fn sign_twice(rng: &mut impl Rng) -> bool {
	if rng.gen_bool(0.5) {
		return false;
	}
	let (author, now) = (anybody(rng), System::block_number());
	let slot = Slot::from(u64::from(pallet_aura::CurrentSlot::<Runtime>::get()) + rng.gen_range(0..8));
	let mut block = || {
		let late = rng.gen_range(0..3);
		let parent = about(rng, now.saturating_sub(1 + late));
		sealed(author, slot, (parent, System::block_hash(parent)), rng.gen_range(0..2))
	};
	let (first_header, second_header) = (block(), block());
	let proof = EquivocationProof { offender: author.public().into(), slot, first_header, second_header };
	apply(general(pallet_equivocation::Call::report { proof: Box::new(proof) })).is_ok()
}

/// Submits a call of rotation that is open to any account.
fn rotate(rng: &mut impl Rng, signer: Sr25519Keyring) -> bool {
	use pallet_validator_rotation::Call;
	let call: Call<Runtime> = match rng.gen_range(0..3) {
		0 => Call::retire {},
		1 => Call::rejoin {},
		_ => Call::enforce { who: anybody(rng).to_account_id() },
	};
	let origin = RuntimeOrigin::signed(signer.to_account_id());
	RuntimeCall::from(call).dispatch_bypass_filter(origin).is_ok()
}

/// Submits a call of rotation that is open to the guardians.
fn govern_rotation(rng: &mut impl Rng) -> bool {
	use pallet_validator_rotation::Call;
	let cases = ValidatorRotation::cases();
	let case = cases.choose(rng).map_or(1, |case| case.incident);
	let who = anybody(rng).to_account_id();
	let call: Call<Runtime> = match rng.gen_range(0..8) {
		0 | 1 => Call::approve { incident: case },
		2 => Call::veto { incident: case },
		3 => Call::force_evict { who },
		4 => Call::force_seat { who, instead_of: anybody(rng).to_account_id() },
		5 => Call::suspend_automation {},
		_ => Call::resume_automation {},
	};
	as_root(call).is_ok()
}

/// Changes a parameter of rotation, as governance does.
fn rotation_parameter(rng: &mut impl Rng) -> bool {
	use dynamic_params::rotation::{self, Parameters::*};
	let number = rng.gen_range(0..40);
	let share = Perbill::from_percent(rng.gen_range(0..=100));
	let parameter = match rng.gen_range(0..7) {
		0 => AutomationThreshold(rotation::AutomationThreshold, Some(share)),
		1 => CoolOff(rotation::CoolOff, Some(number * 3)),
		2 => CaseLifetime(rotation::CaseLifetime, Some(number * 2)),
		3 => Floor(rotation::Floor, Some(rng.gen_range(2..6))),
		4 => Penalties(rotation::Penalties, Some(Curve { step: share, cap: Perbill::from_percent(10) })),
		5 => Times(
			rotation::Times,
			Some(Durations { jail: number, probation: rng.gen_range(0..4), forgiveness: number * 9 }),
		),
		_ => Breaker(
			rotation::Breaker,
			Some(BreakerRules {
				period: number * 9,
				evictions: rng.gen_range(0..10),
				unnecessary: share,
				reprieve: rng.gen_range(0..20),
			}),
		),
	};
	set(vec![RuntimeParameters::Rotation(parameter)]).is_ok()
}
