//! A chain with nothing but the log: keys, session and time are set by the tests.

use std::sync::Arc;

use frame_support::{derive_impl, parameter_types};
use parking_lot::RwLock;
use sp_core::{
	offchain::{
		testing::{PoolState, TestOffchainExt, TestTransactionPoolExt},
		OffchainDbExt, OffchainWorkerExt, TransactionPoolExt,
	},
	Pair,
};
use sp_keystore::{testing::MemoryKeystore, Keystore, KeystoreExt};
use sp_runtime::{generic::UncheckedExtrinsic, testing::UintAuthorityId, BuildStorage};
use understudy_primitives::{
	crypto::{AuthorityId, AuthoritySignature, KEY_TYPE},
	statement::Statement,
	DivergenceHandler, HeartbeatKeys, IncidentId,
};

use crate as pallet_failover;

pub type TxExtension = frame_system::AuthorizeCall<Runtime>;
pub type Extrinsic = UncheckedExtrinsic<u64, RuntimeCall, UintAuthorityId, TxExtension>;
pub type Header = sp_runtime::generic::Header<u64, sp_runtime::traits::BlakeTwo256>;
type Block = sp_runtime::generic::Block<Header, Extrinsic>;

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

impl<LocalCall> frame_system::offchain::CreateTransactionBase<LocalCall> for Runtime
where
	RuntimeCall: From<LocalCall>,
{
	type RuntimeCall = RuntimeCall;
	type Extrinsic = Extrinsic;
}

impl<LocalCall> frame_system::offchain::CreateTransaction<LocalCall> for Runtime
where
	RuntimeCall: From<LocalCall>,
{
	type Extension = TxExtension;
	fn create_transaction(call: RuntimeCall, extension: Self::Extension) -> Extrinsic {
		Extrinsic::new_transaction(call, extension)
	}
}

impl<LocalCall> frame_system::offchain::CreateAuthorizedTransaction<LocalCall> for Runtime
where
	RuntimeCall: From<LocalCall>,
{
	fn create_extension() -> Self::Extension {
		TxExtension::new()
	}
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
	/// Whose seat was taken back.
	pub static Divergences: Vec<(IncidentId, u64)> = Vec::new();
}

/// The key of account `n`, derived from the seed `//n`.
pub fn key(who: u64) -> AuthorityId {
	pair(who).public()
}

fn pair(who: u64) -> understudy_primitives::crypto::AuthorityPair {
	understudy_primitives::crypto::AuthorityPair::from_string(&format!("//{who}"), None)
		.expect("a number is a valid seed")
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

/// Every one of them is different.
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

/// A fresh chain at block 1, on a node with the keys of `local`.
fn new_chain(local: &[u64]) -> (sp_io::TestExternalities, Arc<RwLock<PoolState>>) {
	let storage = frame_system::GenesisConfig::<Runtime>::default().build_storage();
	let mut ext: sp_io::TestExternalities = storage.expect("the default genesis is valid").into();
	let (pool, pool_state) = TestTransactionPoolExt::new();
	let keystore = MemoryKeystore::new();
	for who in local {
		keystore
			.sr25519_generate_new(KEY_TYPE, Some(&format!("//{who}")))
			.expect("the memory keystore takes every key");
	}
	// The worker's database and the index are one, as on a node.
	let (offchain, _) = TestOffchainExt::with_offchain_db(ext.offchain_db());
	ext.register_extension(OffchainDbExt::new(offchain.clone()));
	ext.register_extension(OffchainWorkerExt::new(offchain));
	ext.register_extension(TransactionPoolExt::new(pool));
	ext.register_extension(KeystoreExt::new(keystore));
	ext.execute_with(|| System::set_block_number(1));
	(ext, pool_state)
}

/// Runs a test at block 1 of a fresh chain, and checks the log's invariants after it.
pub fn build_and_execute(test: impl FnOnce()) {
	build_and_index(&[], |ext, _| ext.execute_with(test));
}

/// The same on a node with the keys of `local`. The second part of the test sees what the first one left in the offchain index,
/// and gets the transaction pool.
pub fn build_with_node(local: &[u64], first: impl FnOnce(), then: impl FnOnce(&Arc<RwLock<PoolState>>)) {
	build_and_index(local, |ext, pool| {
		ext.execute_with(first);
		ext.persist_offchain_overlay();
		ext.execute_with(|| then(pool));
	});
}

fn build_and_index(local: &[u64], test: impl FnOnce(&mut sp_io::TestExternalities, &Arc<RwLock<PoolState>>)) {
	let (mut ext, pool) = new_chain(local);
	test(&mut ext, &pool);
	ext.execute_with(|| Failover::do_try_state().expect("the log's invariants hold"));
}

/// Signs a statement with an account's key.
pub fn sign(who: u64, statement: &impl Statement) -> AuthoritySignature {
	pair(who).sign(&statement.payload(&System::block_hash(0)))
}
