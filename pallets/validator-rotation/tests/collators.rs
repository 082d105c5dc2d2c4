//! The suite on a parachain: `pallet-collator-selection` chooses the collators, rotation seats the
//! best of them.
//!
//! Every session is an election there. Collators of the reserve author nothing, so the selection's
//! own `KickThreshold` has to be disabled: rotation replaces the collators that do not work.

// The runtime macros generate public items without documentation.
#![allow(missing_docs)]

mod suite;

use frame_support::{
	assert_ok, derive_impl, parameter_types,
	traits::{ConstU32, Hooks},
	PalletId,
};
use frame_system::EnsureRoot;
use sp_runtime::{
	testing::UintAuthorityId,
	traits::{ConvertInto, OpaqueKeys},
	BuildStorage, KeyTypeId, RuntimeAppPublic,
};
use suite::{judge, parameters::*, Chain, MEMBERS};
use understudy_parachain::CollatorBacking;
use understudy_primitives::{JudgementHandler, Verdicts};

#[frame_support::runtime]
mod runtime {
	#[runtime::runtime]
	#[runtime::derive(
		RuntimeCall,
		RuntimeEvent,
		RuntimeError,
		RuntimeOrigin,
		RuntimeHoldReason,
		RuntimeFreezeReason,
		RuntimeTask
	)]
	pub struct Runtime;

	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type Balances = pallet_balances;
	#[runtime::pallet_index(2)]
	pub type CollatorSelection = pallet_collator_selection;
	#[runtime::pallet_index(5)]
	pub type Authorship = pallet_authorship;
	#[runtime::pallet_index(3)]
	pub type Rotation = pallet_validator_rotation;
	#[runtime::pallet_index(4)]
	pub type Session = pallet_session;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Runtime {
	type Block = frame_system::mocking::MockBlock<Runtime>;
	type AccountData = pallet_balances::AccountData<u64>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Runtime {
	type AccountStore = System;
}

parameter_types! {
	pub const Period: u64 = 50;
	pub const Offset: u64 = 0;
}

impl pallet_authorship::Config for Runtime {
	type FindAuthor = ();
	type EventHandler = CollatorSelection;
}

parameter_types! {
	pub const PotId: PalletId = PalletId(*b"PotStake");
	/// Never kicks: rotation replaces collators that do not work.
	pub const KickThreshold: u64 = u64::MAX;
}

impl pallet_collator_selection::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type Currency = Balances;
	type UpdateOrigin = EnsureRoot<u64>;
	type PotId = PotId;
	type MaxCandidates = MaxMembers;
	type MinEligibleCollators = ConstU32<4>;
	type MaxInvulnerables = MaxMembers;
	type KickThreshold = KickThreshold;
	type ValidatorId = u64;
	type ValidatorIdOf = ConvertInto;
	type ValidatorRegistration = Session;
	type WeightInfo = ();
}

impl pallet_validator_rotation::Config for Runtime {
	type Inner = CollatorSelection;
	type Backing = CollatorBacking<Runtime>;
	type Periodic = pallet_session::PeriodicSessions<Period, Offset>;
	type MayRotate = frame_support::traits::ConstBool<true>;
	type Recovery = ();
	type SessionKeys = Session;
	type Registrations = ();
	type Verdicts = judge::Judge<Runtime>;
	type Roster = ();
	type Log = ();
	type MaxMembers = MaxMembers;
	type ActiveTarget = ActiveTarget;
	type Floor = Floor;
	type CoolOff = CoolOff;
	type AutomationThreshold = AutomationThreshold;
	type Durations = Times;
	type Penalties = Penalties;
	type Breaker = Breaker;
	type CaseLifetime = CaseLifetime;
	type Disable = ();
	type GuardianOrigin = EnsureRoot<u64>;
	type Offender = u64;
	type OffenderOf = Nobody;
	type Offences = ();
	type WeightInfo = ();
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = ();
}

impl pallet_session::Config for Runtime {
	type ShouldEndSession = Rotation;
	type SessionManager = Rotation;
	type SessionHandler = Consensus;
	type ValidatorId = u64;
	type ValidatorIdOf = ConvertInto;
	type Keys = UintAuthorityId;
	type RuntimeEvent = RuntimeEvent;
	type NextSessionRotation = pallet_session::PeriodicSessions<Period, Offset>;
	type DisablingStrategy = ();
	type WeightInfo = ();
	type Currency = Balances;
	type KeyDeposit = ();
}

/// Consensus, with the authorities that the session pallet passes to it.
pub struct Consensus;

parameter_types! {
	pub static Authorities: Vec<u64> = Vec::new();
}

impl pallet_session::SessionHandler<u64> for Consensus {
	const KEY_TYPE_IDS: &'static [KeyTypeId] = &[UintAuthorityId::ID];
	fn on_genesis_session<Ks: OpaqueKeys>(all: &[(u64, Ks)]) {
		Authorities::set(all.iter().map(|(who, _)| *who).collect());
	}
	fn on_new_session<Ks: OpaqueKeys>(changed: bool, all: &[(u64, Ks)], _: &[(u64, Ks)]) {
		if changed {
			Authorities::set(all.iter().map(|(who, _)| *who).collect());
		}
	}
	fn on_disabled(_: u32) {}
}

struct Parachain;

impl Chain for Parachain {
	type Runtime = Runtime;

	fn run(test: impl FnOnce(&mut Self)) {
		judge::reset();
		let genesis = RuntimeGenesisConfig {
			balances: pallet_balances::GenesisConfig {
				balances: (0..MEMBERS).map(|who| (Self::account(who), 1_000)).collect(),
				..Default::default()
			},
			collator_selection: pallet_collator_selection::GenesisConfig {
				// Two invulnerables; the other members bid below.
				invulnerables: (0..2).map(Self::account).collect(),
				candidacy_bond: 10,
				desired_candidates: 100,
			},
			session: pallet_session::GenesisConfig {
				keys: (0..4)
					.map(|who| (Self::account(who), Self::account(who), UintAuthorityId(who as u64)))
					.collect(),
				non_authority_keys: (4..MEMBERS)
					.map(|who| (Self::account(who), Self::account(who), UintAuthorityId(who as u64)))
					.collect(),
			},
			..Default::default()
		};
		let storage = genesis.build_storage().expect("the genesis is right");
		sp_io::TestExternalities::from(storage).execute_with(|| {
			let mut chain = Parachain;
			for who in 2..MEMBERS {
				let origin = || RuntimeOrigin::signed(Self::account(who));
				assert_ok!(CollatorSelection::register_as_candidate(origin()));
				assert_ok!(CollatorSelection::update_bond(origin(), 100 - who as u64));
			}
			chain.blocks(110);
			test(&mut chain);
			chain.settle();
		});
	}

	fn account(who: usize) -> u64 {
		who as u64 + 1
	}

	fn kill(&mut self, who: usize) {
		judge::kill(Self::account(who));
	}

	fn revive(&mut self, who: usize) {
		judge::revive(Self::account(who));
	}

	fn block(&mut self) {
		System::set_block_number(System::block_number() + 1);
		if System::block_number().is_multiple_of(4) {
			judge::next_window();
			Rotation::on_judgement(&judge::Judge::<Runtime>::judgement());
		}
		Session::on_initialize(System::block_number());
	}

	fn purge_keys(&mut self, who: usize) {
		assert_ok!(Session::purge_keys(RuntimeOrigin::signed(Self::account(who))));
	}

	fn seat(&mut self, target: u32) {
		ActiveTarget::set(target);
		self.election();
	}

	fn election(&mut self) {
		// Each session is an election.
		self.blocks(110);
	}

	fn authorities() -> Vec<usize> {
		Self::numbers(&Authorities::get())
	}
}

suite!(Parachain:
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
