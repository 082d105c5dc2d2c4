//! The suite on a BABE chain: sessions are epochs, which do not end on demand, so that a decided
//! change takes effect at the ends of epochs.

// The runtime macros generate public items without documentation.
#![allow(missing_docs)]

mod suite;

use codec::Encode;
use frame_support::{
	assert_ok, derive_impl,
	traits::{ConstU32, ConstU64, Hooks},
};
use frame_system::EnsureRoot;
use pallet_validator_rotation::poa;
use sp_consensus_babe::{
	digests::{PreDigest, SecondaryPlainPreDigest},
	BABE_ENGINE_ID,
};
use sp_runtime::{
	impl_opaque_keys,
	traits::{ConvertInto, OpaqueKeys},
	BuildStorage, Digest, DigestItem,
};
use suite::{judge, parameters::*, Chain, MEMBERS};
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
	#[runtime::pallet_index(6)]
	pub type Timestamp = pallet_timestamp;
	#[runtime::pallet_index(5)]
	pub type Babe = pallet_babe;
	#[runtime::pallet_index(1)]
	pub type Balances = pallet_balances;
	#[runtime::pallet_index(2)]
	pub type ValidatorList = poa;
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

impl pallet_timestamp::Config for Runtime {
	type Moment = u64;
	type OnTimestampSet = Babe;
	type MinimumPeriod = ConstU64<1>;
	type WeightInfo = ();
}

impl pallet_babe::Config for Runtime {
	type EpochDuration = ConstU64<EPOCH>;
	type ExpectedBlockTime = ConstU64<1>;
	type EpochChangeTrigger = pallet_babe::ExternalTrigger;
	type DisabledValidators = Session;
	type WeightInfo = ();
	type MaxAuthorities = MaxMembers;
	type MaxNominators = ConstU32<0>;
	type KeyOwnerProof = sp_core::Void;
	type EquivocationReportSystem = ();
}

/// Slots in an epoch.
const EPOCH: u64 = 10;

impl_opaque_keys! {
	pub struct SessionKeys {
		pub babe: Babe,
	}
}

fn keys(who: u64) -> SessionKeys {
	SessionKeys { babe: sp_core::sr25519::Public::from_raw([who as u8; 32]).into() }
}

impl poa::Config for Runtime {
	type ListOrigin = EnsureRoot<u64>;
	type ListWeightInfo = ();
}

impl pallet_validator_rotation::Config for Runtime {
	type Inner = ValidatorList;
	type Backing = ValidatorList;
	// Not used: epochs end when BABE ends them.
	type Periodic = Babe;
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
	type ShouldEndSession = Babe;
	type SessionManager = Rotation;
	type SessionHandler = <SessionKeys as OpaqueKeys>::KeyTypeIdProviders;
	type ValidatorId = u64;
	type ValidatorIdOf = ConvertInto;
	type Keys = SessionKeys;
	type RuntimeEvent = RuntimeEvent;
	type NextSessionRotation = Babe;
	type DisablingStrategy = ();
	type WeightInfo = ();
	type Currency = Balances;
	type KeyDeposit = ();
}

struct BabeChain;

impl Chain for BabeChain {
	type Runtime = Runtime;

	fn run(test: impl FnOnce(&mut Self)) {
		judge::reset();
		let genesis = RuntimeGenesisConfig {
			validator_list: poa::GenesisConfig { validators: (0..MEMBERS).map(Self::account).collect() },
			session: pallet_session::GenesisConfig {
				keys: (0..4)
					.map(|who| (Self::account(who), Self::account(who), keys(Self::account(who))))
					.collect(),
				non_authority_keys: (4..MEMBERS)
					.map(|who| (Self::account(who), Self::account(who), keys(Self::account(who))))
					.collect(),
			},
			..Default::default()
		};
		let storage = genesis.build_storage().expect("the genesis is right");
		sp_io::TestExternalities::from(storage).execute_with(|| {
			let mut chain = BabeChain;
			chain.blocks(10);
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
		let number = System::block_number() + 1;
		Babe::on_finalize(number - 1);
		let parent = if number > 2 { System::finalize().hash() } else { System::parent_hash() };
		let pre_digest = PreDigest::SecondaryPlain(SecondaryPlainPreDigest {
			authority_index: 0,
			slot: sp_consensus_babe::Slot::from(number),
		});
		let logs = vec![DigestItem::PreRuntime(BABE_ENGINE_ID, pre_digest.encode())];
		System::initialize(&number, &parent, &Digest { logs });
		Babe::on_initialize(number);
		if number.is_multiple_of(4) {
			judge::next_window();
			Rotation::on_judgement(&judge::Judge::<Runtime>::judgement());
		}
		Session::on_initialize(number);
	}

	fn purge_keys(&mut self, who: usize) {
		assert_ok!(Session::purge_keys(RuntimeOrigin::signed(Self::account(who))));
	}

	fn seat(&mut self, target: u32) {
		ActiveTarget::set(target);
		self.election();
	}

	fn election(&mut self) {
		// A change of the list, which is taken back after it.
		assert_ok!(ValidatorList::add(RuntimeOrigin::root(), 99));
		self.blocks(100);
		assert_ok!(ValidatorList::remove(RuntimeOrigin::root(), 99));
		self.blocks(100);
	}

	fn authorities() -> Vec<usize> {
		let member = |key: &_| (0..MEMBERS).find(|who| keys(Self::account(*who)).babe == *key);
		// The current authors are the validators of the session: at its beginning BABE received the
		// current and the next set.
		pallet_babe::Authorities::<Runtime>::get().iter().filter_map(|(key, _)| member(key)).collect()
	}
}

suite!(BabeChain:
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

#[test]
fn a_change_takes_effect_two_epochs_after_the_decision_at_most() {
	BabeChain::run(|chain| {
		BabeChain::kill(chain, 1);
		let start = System::block_number();
		chain.wait_for("the eviction", || !BabeChain::active().contains(&1));
		// The end of a window, the rest of the epoch, and another epoch.
		assert!(System::block_number() - start <= 4 + 2 * EPOCH);
	});
}
