//! Tests of rotation on the sample runtime, with the real session, historical, staking and offences
//! pallets: the suite of tests that other chains run too, and tests that only staking has.

mod chain;
#[path = "../../pallets/validator-rotation/tests/suite/mod.rs"]
mod suite;

use chain::{as_root, log, Chain, MORE_MEMBERS};
use codec::Encode;
use frame_support::traits::{Get, KeyOwnerProofSystem};
use pallet_session::SessionInterface;
use pallet_validator_rotation::{lifecycle::Absence, Call};
use sp_consensus_slots::{EquivocationProof, Slot};
use sp_core::{ed25519, sr25519};
use sp_runtime::{
	transaction_validity::{InvalidTransaction, TransactionValidityError},
	Perbill,
};
use sp_staking::StakingInterface;
use suite::Chain as _;
use understudy_primitives::{Evidence, RecordKind};
use understudy_runtime::{
	configs::staking::SLASH_DEFER_DURATION,
	constants::{ERA_LENGTH, SESSIONS_PER_ERA, SESSION_LENGTH},
	parameters::{dynamic_params::rotation, RuntimeParameters},
	AccountId, Balance, Historical, Runtime, RuntimeOrigin, Session, SessionKeys, Staking, ValidatorRotation,
};

impl suite::Chain for Chain {
	type Runtime = Runtime;

	fn run(test: impl FnOnce(&mut Self)) {
		chain::run_with_more(|chain| {
			Chain::blocks(chain, 20);
			test(chain);
		});
	}

	fn account(who: usize) -> AccountId {
		MORE_MEMBERS[who].to_account_id()
	}

	fn kill(&mut self, who: usize) {
		self.dead.push(MORE_MEMBERS[who]);
	}

	fn revive(&mut self, who: usize) {
		self.dead.retain(|dead| *dead != MORE_MEMBERS[who]);
	}

	fn block(&mut self) {
		Chain::blocks(self, 1);
	}

	fn purge_keys(&mut self, who: usize) {
		Session::purge_keys(RuntimeOrigin::signed(Self::account(who))).expect("it has keys");
	}

	fn seat(&mut self, target: u32) {
		pallet_staking::MinimumValidatorCount::<Runtime>::put(target);
		self.election();
	}

	fn election(&mut self) {
		let era = Staking::current_era();
		for _ in 0..SESSIONS_PER_ERA * SESSION_LENGTH + 1 {
			if Staking::current_era() != era {
				break;
			}
			self.block();
		}
		assert_ne!(Staking::current_era(), era);
		Chain::blocks(self, SESSION_LENGTH + 1);
	}

	fn authorities() -> Vec<usize> {
		Self::numbers(&Session::validators())
	}
}

suite!(Chain:
	a_member_that_dies_is_replaced_by_the_best_standby,
	who_comes_back_is_seated_again_after_jail_and_probation,
	in_a_systemic_outage_nobody_loses_a_seat,
	where_nobody_stands_by_the_floor_holds,
	who_retires_hands_over_without_a_penalty,
	an_election_does_not_seat_who_is_jailed,
	a_standby_that_purges_its_keys_is_not_seated,
	two_that_fall_together_are_replaced_together,
	the_guardians_evict_and_seat,
);

fn stake(who: usize) -> Balance {
	Staking::stake(&Chain::account(who)).expect("it is bonded").active
}

fn kinds() -> Vec<RecordKind> {
	log().iter().map(|entry| entry.record.kind).collect()
}

/// Kills member 1, waits until it has lost its seat, returned and been seated again, and kills it
/// again. Returns the penalty of the second time.
fn two_outages(chain: &mut Chain) -> Perbill {
	chain.kill(1);
	chain.wait_for("the first eviction", || !Chain::active().contains(&1));
	suite::Chain::blocks(chain, 6);
	chain.revive(1);
	chain.wait_for("re-admission", || Chain::absence(1).is_none());
	assert!(!kinds().contains(&RecordKind::Penalized), "the first outage costs no stake");
	let seat = Call::force_seat { who: Chain::account(1), instead_of: Chain::account(4) };
	Chain::call(None, seat).expect("it can be seated");
	chain.wait_for("the order", || Chain::active().contains(&1));
	suite::Chain::blocks(chain, 20);
	chain.kill(1);
	chain.wait_for("the second eviction", || !Chain::active().contains(&1));
	chain.settle();
	let penalties: Vec<_> = log()
		.into_iter()
		.filter_map(|entry| match entry.evidence[..] {
			[Evidence::Penalty { outages, at_once, fraction }] => Some((outages, at_once, fraction)),
			_ => None,
		})
		.collect();
	assert_eq!(penalties, [(2, 1, rotation::Penalties::get().step)]);
	penalties[0].2
}

#[test]
fn the_second_outage_is_slashed_by_exactly_its_fraction_after_the_deferral() {
	Chain::run(|chain| {
		let bonded = stake(1);
		let fraction = two_outages(chain);
		assert_eq!(fraction, Perbill::from_parts(1_000_000), "a thousandth");
		for _ in 0..SLASH_DEFER_DURATION {
			assert_eq!(stake(1), bonded, "not before the deferral is over");
			chain.election();
		}
		chain.election();
		assert_eq!(stake(1), bonded - fraction * bonded);
		// The slash applies once (I8).
		chain.election();
		assert_eq!(stake(1), bonded - fraction * bonded);
		assert_eq!(kinds().iter().filter(|kind| **kind == RecordKind::Penalized).count(), 1);
	});
}

#[test]
fn governance_cancels_a_slash_before_it_applies() {
	Chain::run(|chain| {
		let bonded = stake(1);
		two_outages(chain);
		let (era, slashes) = pallet_staking::UnappliedSlashes::<Runtime>::iter()
			.find(|(_, slashes)| !slashes.is_empty())
			.expect("it waits");
		assert_eq!(slashes.len(), 1);
		as_root(pallet_staking::Call::<Runtime>::cancel_deferred_slash { era, slash_indices: vec![0] })
			.expect("root may");
		for _ in 0..SLASH_DEFER_DURATION + 2 {
			chain.election();
		}
		assert_eq!(stake(1), bonded);
	});
}

#[test]
fn a_systemic_outage_costs_nobody_stake() {
	Chain::run(|chain| {
		let before: Vec<_> = (0..4).map(stake).collect();
		chain.kill(1);
		chain.kill(2);
		suite::Chain::blocks(chain, 100);
		assert_eq!(Chain::active(), [0, 1, 2, 3]);
		assert!(kinds().contains(&RecordKind::Held) && !kinds().contains(&RecordKind::Penalized));
		assert_eq!(before, (0..4).map(stake).collect::<Vec<_>>());
	});
}

#[test]
fn an_era_that_changes_while_somebody_is_jailed_frees_nobody() {
	Chain::run(|chain| {
		let parameter = rotation::Parameters::Times(
			rotation::Times,
			Some(pallet_validator_rotation::lifecycle::Durations { jail: 2_000, ..rotation::Times::get() }),
		);
		let key_value = RuntimeParameters::Rotation(parameter);
		chain::set(vec![key_value]).expect("root may");
		chain.kill(1);
		chain.wait_for("the eviction", || !Chain::active().contains(&1));
		suite::Chain::blocks(chain, 6);
		chain.revive(1);
		// The member is healthy, and staking elects it again.
		chain.election();
		assert!(Chain::reserve().contains(&1));
		assert!(matches!(Chain::absence(1), Some(Absence::Jailed { .. })));
		assert_eq!(Chain::active(), [0, 4, 2, 3]);
	});
}

#[test]
fn the_guardians_body_reaches_every_call() {
	use frame_support::traits::EnsureOrigin;
	use understudy_runtime::OriginCaller;
	Chain::run(|chain| {
		let body =
			|yes| RuntimeOrigin::from(OriginCaller::Guardians(pallet_collective::RawOrigin::Members(yes, 3)));
		type Guardians = <Runtime as pallet_validator_rotation::Config>::GuardianOrigin;
		assert!(Guardians::try_origin(body(1)).is_err() && Guardians::try_origin(body(2)).is_ok());
		ValidatorRotation::suspend_automation(body(2)).expect("two of three");
		chain.kill(1);
		chain.wait_for("the case", || !ValidatorRotation::cases().is_empty());
		let incident = ValidatorRotation::cases()[0].incident;
		ValidatorRotation::veto(body(2), incident).expect("two of three");
		ValidatorRotation::resume_automation(body(2)).expect("two of three");
		ValidatorRotation::force_evict(body(2), Chain::account(1)).expect("two of three");
		chain.wait_for("the order", || !Chain::active().contains(&1));
	});
}

#[test]
fn who_was_up_shows_it_right_after_its_eviction() {
	Chain::run(|chain| {
		chain.kill(1);
		chain.wait_for("the eviction", || !Chain::active().contains(&1));
		// It was never down: its heartbeats get through again.
		chain.revive(1);
		chain.wait_for("the proof", || kinds().contains(&RecordKind::RolledBack));
		assert!(matches!(Chain::absence(1), Some(Absence::Probation { .. })));
		let conduct = ValidatorRotation::conduct(Chain::account(1)).expect("its conduct is remembered");
		assert_eq!(conduct.outages, 0);
	});
}

/// The historical pallet notes keys with each set that it receives.
#[test]
fn an_offence_by_keys_that_were_set_while_the_set_stays_can_be_proven() {
	<Chain as suite::Chain>::run(|chain| {
		let who = <Chain as suite::Chain>::account(1);
		let grandpa = ed25519::Public::from_raw([7; 32]);
		let keys = SessionKeys {
			aura: sr25519::Public::from_raw([7; 32]).into(),
			grandpa: grandpa.into(),
			heartbeat: chain::heartbeat_key(MORE_MEMBERS[1]),
		};
		<Session as SessionInterface>::set_keys(&who, keys).expect("no account has these keys");
		let (set, session) = (Session::validators(), Session::current_index());
		while Session::current_index() < session + 2 {
			Chain::blocks(chain, 1);
		}
		assert_eq!(Session::validators(), set);
		let key = (sp_consensus_grandpa::KEY_TYPE, grandpa.to_vec());
		let proof = Historical::prove(key.clone()).expect("it is active with that key");
		let owner = Historical::check_proof(key, proof).map(|(owner, ())| owner);
		assert_eq!(owner, Some(who));
	});
}

/// Returns the proof of two blocks of an author for the next slot of its own, on the last block.
fn two_blocks(chain: &Chain, author: usize) -> pallet_equivocation::ProofOf<Runtime> {
	let who = MORE_MEMBERS[author];
	let validators = Session::validators();
	let place = validators.iter().position(|who| *who == <Chain as suite::Chain>::account(author));
	let (place, count) = (place.expect("it is an active member") as u64, validators.len() as u64);
	let slot = (chain.slot..).find(|slot| slot % count == place).map(Slot::from).expect("it has turns");
	let parent = chain.head();
	let block = |content| chain::sealed(who, slot, (parent.number, parent.hash()), content);
	let offender = who.public().into();
	EquivocationProof { offender, slot, first_header: block(1), second_header: block(2) }
}

fn report(
	proof: &pallet_equivocation::ProofOf<Runtime>,
) -> Result<sp_runtime::DispatchResult, TransactionValidityError> {
	let call = pallet_equivocation::Call::<Runtime>::report { proof: Box::new(proof.clone()) };
	chain::apply(chain::general(call))
}

#[test]
fn an_author_that_signs_two_blocks_for_a_slot_loses_its_seat_and_is_charged() {
	<Chain as suite::Chain>::run(|chain| {
		let (proof, session) = (two_blocks(chain, 1), Session::current_index());
		let (slot, mut taken) = (u64::from(proof.slot), false);
		while !taken {
			chain.slot_with(|| {
				report(&proof).expect("the report is accepted").expect("the report succeeds");
				let again = report(&proof);
				let code = pallet_equivocation::rejection::ALREADY_REPORTED;
				assert_eq!(again, Err(InvalidTransaction::Custom(code).into()));
				taken = true;
			});
		}
		let hash = sp_core::H256(sp_io::hashing::blake2_256(&proof.encode()));
		let evidence = Evidence::AuthorEquivocation { session, slot, proof: hash };
		let told = log().into_iter().find(|entry| entry.record.kind == RecordKind::Equivocated);
		assert_eq!(told.expect("the equivocation is in the log").evidence.into_inner(), [evidence]);
		chain.wait_for("the expulsion", || !Chain::active().contains(&1));
		assert_eq!(Chain::absence(1), Some(Absence::Expelled));
		let slashes: usize =
			pallet_staking::UnappliedSlashes::<Runtime>::iter().map(|(_, slashes)| slashes.len()).sum();
		assert_eq!(slashes, 1);
		// An election does not seat it again.
		chain.election();
		assert!(!Chain::active().contains(&1));
	});
}

/// The keys that it sets take effect some sessions later, and the keys of the next session are not
/// those of the blocks.
#[test]
fn an_author_that_sets_other_keys_first_is_reported_by_those_in_force_in_a_later_session_too() {
	<Chain as suite::Chain>::run(|chain| {
		let who = <Chain as suite::Chain>::account(1);
		let keys = SessionKeys {
			aura: sr25519::Public::from_raw([7; 32]).into(),
			grandpa: ed25519::Public::from_raw([7; 32]).into(),
			heartbeat: chain::heartbeat_key(MORE_MEMBERS[1]),
		};
		<Session as SessionInterface>::set_keys(&who, keys).expect("no account has these keys");
		Chain::blocks(chain, 1);
		let (proof, session) = (two_blocks(chain, 1), Session::current_index());
		while Session::current_index() < session + 2 {
			Chain::blocks(chain, 1);
		}
		// The new key is in force by now, and the old one was in force then.
		chain.slot_with(|| report(&proof).expect("the report is accepted").expect("the report succeeds"));
		chain.wait_for("the expulsion", || !Chain::active().contains(&1));
	});
}

/// Each retirement ends two sessions.
#[test]
fn sessions_that_end_early_do_not_shorten_eras() {
	<Chain as suite::Chain>::run(|chain| {
		chain.election();
		let (era, first, start) = (Staking::current_era(), Session::current_index(), chain.number());
		let mut retired = Vec::new();
		while Session::current_index() < first + SESSIONS_PER_ERA + 2 {
			// A member can retire once a day.
			let fresh = <Chain as suite::Chain>::active().into_iter().find(|who| !retired.contains(who));
			let who = fresh.expect("eight members are enough");
			retired.push(who);
			Chain::call(Some(who), Call::retire {}).expect("it is an active member");
			chain.wait_for("the retirement", || !<Chain as suite::Chain>::active().contains(&who));
			Chain::call(Some(who), Call::rejoin {}).expect("it has retired");
			suite::Chain::blocks(chain, 2);
		}
		assert!(chain.number() < start + ERA_LENGTH, "an era has passed: {}", chain.number() - start);
		assert_eq!(Staking::current_era(), era);
	});
}
