//! Mock of a chain with the heartbeat pallet alone. Tests set slots, keys and the roster.

use frame_support::{derive_impl, parameter_types, traits::Hooks, weights::Weight};
use sp_runtime::{BuildStorage, Perbill};
use understudy_primitives::{
	crypto::{AuthorityId, AuthoritySignature},
	HeartbeatKeys, Judgement, JudgementHandler, MemberIndex, RosterHandler, Slots,
};
use understudy_test_support::{Pool, World};

use crate as pallet_heartbeat;
use crate::{statement::Statement, Thresholds};

pub use understudy_test_support::{key, sign_payload};

understudy_test_support::authorized_transactions!();

#[frame_support::runtime]
mod runtime {
	#[runtime::runtime]
	#[runtime::derive(
		RuntimeCall,
		RuntimeEvent,
		RuntimeError,
		RuntimeOrigin,
		RuntimeTask,
		RuntimeViewFunction
	)]
	pub struct Runtime;

	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type Heartbeat = pallet_heartbeat;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Runtime {
	type Block = Block;
}

parameter_types! {
	/// Number of notifications of changed keys. [`ReadinessChanges`] counts those of changed
	/// readiness.
	pub static KeyChanges: u32 = 0;
	pub static ReadinessChanges: u32 = 0;
	pub static CurrentSlot: Option<u64> = None;
	pub static Judgements: Vec<Judgement> = Vec::new();
	/// Accounts without a key.
	pub static Keyless: Vec<u64> = Vec::new();
	/// Accounts whose key was changed to that of the account that is higher by [`NEW_KEY`].
	pub static Rekeyed: Vec<u64> = Vec::new();
	pub static WindowLength: u64 = 4;
	pub static GraceWindows: u8 = 2;
	pub static MaxMembers: u32 = 3_000;
	pub static SystemicThreshold: Perbill = Perbill::from_parts(333_333_333);
	pub static HeartbeatQuota: u32 = 5_000;
	pub static Probes: u32 = 5;
	pub static FinalityLag: u32 = 20;
	pub static VoteSilence: u32 = 17;
	pub static RegistrationLifetime: u64 = 160;
	/// Randomness from which the assignment of probes is drawn.
	pub static Seed: sp_core::H256 = sp_core::H256::repeat_byte(7);
	pub static Limits: Thresholds = THRESHOLDS;
}

/// Thresholds of which no two detectors share a count or a weight, so that none can be mistaken for
/// another.
pub const THRESHOLDS: Thresholds = Thresholds {
	slots: 3,
	windows: 2,
	peers: 1,
	votes: 4,
	longer: 2,
	slots_weight: Perbill::from_percent(31),
	windows_weight: Perbill::from_percent(26),
	peers_weight: Perbill::from_percent(22),
	votes_weight: Perbill::from_percent(14),
	peers_quorum: Perbill::from_percent(50),
	votes_quorum: Perbill::from_percent(50),
};

/// Randomness that always returns [`Seed`].
pub struct FixedDraw;

impl frame_support::traits::Randomness<sp_core::H256, u64> for FixedDraw {
	fn random(_: &[u8]) -> (sp_core::H256, u64) {
		(Seed::get(), 0)
	}
}

/// The vote key of account `n` is 32 bytes of `n`.
pub struct TestVoteKeys;

impl understudy_primitives::VoteKeys<u64> for TestVoteKeys {
	fn voter(key: &[u8]) -> Option<u64> {
		key.first().map(|who| u64::from(*who))
	}
}

/// Slots whose authors take turns, as in Aura.
pub struct RoundRobin;

impl Slots for RoundRobin {
	fn current() -> Option<u64> {
		CurrentSlot::get()
	}
	fn duration() -> u64 {
		3_000
	}
	fn author_of(slot: u64, active: u32) -> Option<MemberIndex> {
		slot.checked_rem(active.into()).map(|index| index as MemberIndex)
	}
}

/// Distance to the account whose key an account in [`Rekeyed`] has.
pub const NEW_KEY: u64 = 100;

pub struct TestKeys;

impl HeartbeatKeys<u64, AuthorityId> for TestKeys {
	fn key_of(who: &u64) -> Option<AuthorityId> {
		let now = if Rekeyed::get().contains(who) { who + NEW_KEY } else { *who };
		(!Keyless::get().contains(who)).then(|| key(now))
	}
	fn owner_of(wanted: &AuthorityId) -> Option<u64> {
		(10..60).find(|who| Self::key_of(who).as_ref() == Some(wanted))
	}
}

pub struct Recorder;

impl JudgementHandler for Recorder {
	fn on_judgement(judgement: &Judgement) -> Weight {
		Judgements::mutate(|all| all.push(judgement.clone()));
		Weight::from_parts(7, 7)
	}
}

/// Weights that differ from each other; a quiet block has that of one noted slot.
pub struct TestWeights;

impl crate::WeightInfo for TestWeights {
	fn heartbeat(_: u32) -> Weight {
		Weight::from_parts(100, 1)
	}
	fn authorize_heartbeat(_: u32) -> Weight {
		Weight::from_parts(200, 2)
	}
	fn report(t: u32) -> Weight {
		Weight::from_parts(300, 3) * u64::from(t)
	}
	fn authorize_report(t: u32) -> Weight {
		Weight::from_parts(400, 4) * u64::from(t)
	}
	fn renew() -> Weight {
		Weight::from_parts(500, 5)
	}
	fn authorize_renewal() -> Weight {
		Weight::from_parts(600, 6)
	}
	fn register() -> Weight {
		Weight::from_parts(700, 7)
	}
	fn update() -> Weight {
		Weight::from_parts(800, 8)
	}
	fn deregister() -> Weight {
		Weight::from_parts(900, 9)
	}
	fn quiet_block() -> Weight {
		Weight::from_parts(1_000, 10)
	}
	fn note_slots(m: u32) -> Weight {
		Weight::from_parts(1_000, 10) * u64::from(m)
	}
	fn close_window(n: u32) -> Weight {
		Weight::from_parts(2_000, 20) * u64::from(n)
	}
	fn judge(n: u32) -> Weight {
		Weight::from_parts(3_000, 30) * u64::from(n)
	}
}

#[cfg(feature = "runtime-benchmarks")]
pub struct NoBenchmarks;

#[cfg(feature = "runtime-benchmarks")]
impl crate::benchmarking::BenchmarkHelper<u64> for NoBenchmarks {
	fn set_key(_: &u64, _: AuthorityId) {}
	fn set_slot(_: u64) {}
}

/// Counts notifications about the electorate.
pub struct Listener;

impl understudy_primitives::ElectorateHandler for Listener {
	fn on_keys() {
		KeyChanges::mutate(|count| *count += 1);
	}
	fn on_readiness() {
		ReadinessChanges::mutate(|count| *count += 1);
	}
}

impl pallet_heartbeat::Config for Runtime {
	type Keys = TestKeys;
	type Slots = RoundRobin;
	type OnJudgement = Recorder;
	type OnElectorate = Listener;
	type MaxMembers = MaxMembers;
	type WindowLength = WindowLength;
	type Thresholds = Limits;
	type GraceWindows = GraceWindows;
	type SystemicThreshold = SystemicThreshold;
	type HeartbeatQuota = HeartbeatQuota;
	type Probes = Probes;
	type FinalityLag = FinalityLag;
	type VoteSilence = VoteSilence;
	type Randomness = FixedDraw;
	type VoteKeys = TestVoteKeys;
	type Consideration = ();
	type RegistrationLifetime = RegistrationLifetime;
	type HeartbeatPriority = frame_support::traits::ConstU64<77>;
	type WeightInfo = TestWeights;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = NoBenchmarks;
}

/// Runs a test after the genesis block, with members 10 to 13 active and 14 and 15 in reserve, and
/// checks the pallet's invariants after it.
pub fn build_and_execute(test: impl FnOnce()) {
	build_with_node(&[], |_| test());
}

/// Runs a test as [`build_and_execute`] does, on a validator's node with the keys of `local` in its
/// keystore. The test gets the node's transaction pool.
pub fn build_with_node(local: &[u64], test: impl FnOnce(&Pool)) {
	build_with_offchain(local, |pool, _| test(pool));
}

/// Runs a test as [`build_with_node`] does. The test also gets the node's offchain environment.
pub fn build_with_offchain(local: &[u64], test: impl FnOnce(&Pool, &World)) {
	let storage = frame_system::GenesisConfig::<Runtime>::default().build_storage();
	let mut ext: sp_io::TestExternalities = storage.expect("the default genesis is valid").into();
	let (pool, world) = understudy_test_support::surround(&mut ext, local);
	ext.execute_with(|| {
		Heartbeat::on_roster(&[10, 11, 12, 13], &[14, 15]);
		test(&pool, &world);
		Heartbeat::do_try_state().expect("the pallet's invariants hold");
	});
}

/// Signs a statement with an account's key.
pub fn sign(who: u64, statement: &impl Statement) -> AuthoritySignature {
	understudy_test_support::sign(who, statement, &Heartbeat::genesis())
}

/// Starts a session, as the session pallet does, in which these keys of the active set are in
/// force. `changed` is `true` if any of them differs from before.
pub fn new_session(changed: bool, in_force: &[(u64, AuthorityId)]) {
	use frame_support::traits::OneSessionHandler;
	let keys = || in_force.iter().map(|(who, key)| (who, key.clone()));
	Heartbeat::on_new_session(changed, keys(), keys());
}

/// Moves to the next block, in slot `slot`.
pub fn next_block(slot: u64) -> Weight {
	CurrentSlot::set(Some(slot));
	System::set_block_number(System::block_number() + 1);
	Heartbeat::on_initialize(System::block_number())
}

/// Authors blocks in the slots `slots`, except those of the members `dead`, which are indices.
/// Standbys are seen in each block unless they are in `dead`.
pub fn run(slots: core::ops::Range<u64>, dead: &[MemberIndex]) {
	for slot in slots {
		let roster = crate::Window::<Runtime>::get().roster;
		if !dead.contains(&((slot % u64::from(roster.active)) as MemberIndex)) {
			next_block(slot);
		}
		for index in roster.active..roster.total {
			if !dead.contains(&index) {
				crate::chunks::mark::<Runtime>(crate::chunks::Mark::Seen, index);
			}
		}
	}
}
