//! Mock of a chain with nothing but the log. The tests set keys, session and time.

use frame_support::{derive_impl, parameter_types};
use sp_runtime::BuildStorage;
use understudy_primitives::{
	crypto::{AuthorityId, AuthoritySignature},
	offchain::ObservedHead,
	statement::Statement,
	DivergenceHandler, HeartbeatKeys, IncidentId,
};
use understudy_test_support::Pool;

use crate as pallet_failover;

pub use understudy_test_support::key;

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
	pub type Failover = pallet_failover;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Runtime {
	type Block = Block;
	type BlockHashCount = frame_support::traits::ConstU64<50>;
}

parameter_types! {
	pub static Session: u32 = 5;
	pub static Now: u64 = 1_000;
	pub static KeepLast: u32 = 4;
	pub static KeepIncidents: u32 = 200;
	pub static MaxAwaiting: u32 = 3;
	pub static ReconcileWithin: u64 = 20;
	pub static CheckpointRecords: u64 = 0;
	pub static CheckpointBlocks: u64 = 0;
	/// Accounts without a key.
	pub static Keyless: Vec<u64> = Vec::new();
	/// Members that lost their new seat again, with the incident.
	pub static Divergences: Vec<(IncidentId, u64)> = Vec::new();
}

pub struct TestKeys;

impl HeartbeatKeys<u64, AuthorityId> for TestKeys {
	fn key_of(who: &u64) -> Option<AuthorityId> {
		(!Keyless::get().contains(who)).then(|| key(*who))
	}
	fn owner_of(wanted: &AuthorityId) -> Option<u64> {
		(10..20).find(|who| key(*who) == *wanted)
	}
}

pub struct Rotation;

impl DivergenceHandler<u64> for Rotation {
	fn on_divergence(incident: IncidentId, who: &u64) {
		Divergences::mutate(|all| all.push((incident, *who)));
	}
}

/// Weights that all differ, so that tests can tell them apart.
pub struct TestWeights;

impl crate::WeightInfo for TestWeights {
	fn reconcile() -> frame_support::weights::Weight {
		frame_support::weights::Weight::from_parts(100, 1)
	}
	fn authorize_position(h: u32) -> frame_support::weights::Weight {
		frame_support::weights::Weight::from_parts(h.into(), 2)
	}
	fn checkpoint() -> frame_support::weights::Weight {
		frame_support::weights::Weight::from_parts(300, 3)
	}
	fn sweep(e: u32) -> frame_support::weights::Weight {
		frame_support::weights::Weight::from_parts(400, 4) * u64::from(1 + e)
	}
	fn append(_: u32) -> frame_support::weights::Weight {
		frame_support::weights::Weight::from_parts(500, 5)
	}
}

#[cfg(feature = "runtime-benchmarks")]
pub struct NoBenchmarks;

#[cfg(feature = "runtime-benchmarks")]
impl crate::benchmarking::BenchmarkHelper<u64> for NoBenchmarks {
	fn set_key(_: &u64, _: AuthorityId) {}
}

impl pallet_failover::Config for Runtime {
	type Session = Session;
	type Now = Now;
	type Keys = TestKeys;
	type FinalHead = ObservedHead;
	type OnDivergence = Rotation;
	type KeepLast = KeepLast;
	type KeepIncidents = KeepIncidents;
	type MaxAwaiting = MaxAwaiting;
	type ReconcileWithin = ReconcileWithin;
	type CheckpointRecords = CheckpointRecords;
	type CheckpointBlocks = CheckpointBlocks;
	type Priority = frame_support::traits::ConstU64<77>;
	type WeightInfo = TestWeights;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = NoBenchmarks;
}

/// Creates a fresh chain at block 1, on a node with the keys of `local`.
fn new_chain(local: &[u64]) -> (sp_io::TestExternalities, Pool) {
	let storage = frame_system::GenesisConfig::<Runtime>::default().build_storage();
	let mut ext: sp_io::TestExternalities = storage.expect("the default genesis is valid").into();
	let (pool, _) = understudy_test_support::surround(&mut ext, local);
	ext.execute_with(|| System::set_block_number(1));
	(ext, pool)
}

/// Runs a test at block 1 of a fresh chain, and checks the log's invariants afterwards.
pub fn build_and_execute(test: impl FnOnce()) {
	build_and_index(&[], |ext, _| ext.execute_with(test));
}

/// Runs a test in the same way, on a node with the keys of `local`. The second part of the test
/// sees the entries that the first one left in the offchain index, and gets the transaction pool.
pub fn build_with_node(local: &[u64], first: impl FnOnce(), then: impl FnOnce(&Pool)) {
	build_and_index(local, |ext, pool| {
		ext.execute_with(first);
		ext.persist_offchain_overlay();
		ext.execute_with(|| then(pool));
	});
}

fn build_and_index(local: &[u64], test: impl FnOnce(&mut sp_io::TestExternalities, &Pool)) {
	let (mut ext, pool) = new_chain(local);
	test(&mut ext, &pool);
	ext.execute_with(|| Failover::do_try_state().expect("the log's invariants hold"));
}

/// Signs a statement with an account's key.
pub fn sign(who: u64, statement: &impl Statement) -> AuthoritySignature {
	understudy_test_support::sign(who, statement, &System::block_hash(0))
}
