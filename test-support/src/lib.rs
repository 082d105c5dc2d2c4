//! Common parts of the pallets' mocks: accounts with keys, a node around the chain, and
//! transactions that authorize themselves. For tests only.

use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

use codec::Encode;
use parking_lot::RwLock;
use sp_core::{
	offchain::{
		testing::{OffchainState, PoolState, TestOffchainExt, TestPersistentOffchainDB},
		OffchainDbExt, OffchainWorkerExt, TransactionPool, TransactionPoolExt,
	},
	Pair,
};
use sp_keystore::{testing::MemoryKeystore, Keystore, KeystoreExt};
use understudy_primitives::{
	crypto::{AuthorityId, AuthorityPair, AuthoritySignature, KEY_TYPE},
	statement::Statement,
};

#[doc(hidden)]
pub use {frame_system, sp_runtime};

/// Transaction pool of a node.
pub type Pool = Arc<RwLock<PoolState>>;
/// Environment of a node's offchain worker.
pub type World = Arc<RwLock<OffchainState>>;

fn seed(who: u64) -> String {
	format!("//{who}")
}

/// Returns the heartbeat key pair of an account. Cached, because the derivation takes longer than
/// everything that a test does with the pair.
fn pair(who: u64) -> AuthorityPair {
	thread_local!(static KNOWN: RefCell<BTreeMap<u64, AuthorityPair>> = RefCell::default());
	let derive = || AuthorityPair::from_string(&seed(who), None).expect("a number is a valid seed");
	KNOWN.with_borrow_mut(|known| known.entry(who).or_insert_with(derive).clone())
}

/// Returns the heartbeat key of account `n`, derived from the seed `//n`.
pub fn key(who: u64) -> AuthorityId {
	pair(who).public()
}

/// Signs any bytes with an account's key.
pub fn sign_payload(who: u64, payload: &[u8]) -> AuthoritySignature {
	pair(who).sign(payload)
}

/// Signs a statement with an account's key, for the chain with this genesis hash.
pub fn sign(who: u64, statement: &impl Statement, genesis: &impl Encode) -> AuthoritySignature {
	sign_payload(who, &statement.payload(genesis))
}

/// Merges a patch of a genesis into the default one, as JSON.
pub fn merge(base: &mut serde_json::Value, patch: serde_json::Value) {
	match (base, patch) {
		(serde_json::Value::Object(base), serde_json::Value::Object(patch)) => {
			for (key, value) in patch {
				merge(base.entry(key).or_insert(serde_json::Value::Null), value);
			}
		},
		(base, patch) => *base = patch,
	}
}

/// Puts submitted transactions into a shared pool. The type of the SDK cannot be shared.
struct Submits(Pool);

impl TransactionPool for Submits {
	fn submit_transaction(&mut self, extrinsic: Vec<u8>) -> Result<(), ()> {
		self.0.write().transactions.push(extrinsic);
		Ok(())
	}
}

/// Node with a pool, a database, keys, and the environment of its offchain worker.
pub struct Node {
	/// Transaction pool.
	pub pool: Pool,
	/// Environment of the offchain worker.
	pub world: World,
	offchain: TestOffchainExt,
	keystore: Arc<MemoryKeystore>,
}

impl Node {
	/// Creates a node with this database, and the keys of `local` in its keystore.
	pub fn new(database: TestPersistentOffchainDB, local: &[u64]) -> Self {
		Self::with_seeds(database, local.iter().map(|who| seed(*who)))
	}

	/// Creates a node with this database, and the heartbeat keys of these seeds in its keystore.
	pub fn with_seeds(database: TestPersistentOffchainDB, seeds: impl IntoIterator<Item = String>) -> Self {
		let keystore = MemoryKeystore::new();
		for seed in seeds {
			keystore
				.sr25519_generate_new(KEY_TYPE, Some(&seed))
				.expect("the memory keystore accepts every key");
		}
		let (offchain, world) = TestOffchainExt::with_offchain_db(database);
		Self { pool: Pool::default(), world, offchain, keystore: Arc::new(keystore) }
	}

	/// Makes the chain's code call this node from now on.
	pub fn enter(&self, ext: &mut sp_io::TestExternalities) {
		ext.register_extension(OffchainDbExt::new(self.offchain.clone()));
		ext.register_extension(OffchainWorkerExt::new(self.offchain.clone()));
		ext.register_extension(TransactionPoolExt::new(Submits(self.pool.clone())));
		ext.register_extension(KeystoreExt::from(self.keystore.clone()));
	}
}

/// Puts a node around a chain, with the keys of `local` in its keystore. The node's database is the
/// chain's offchain index.
pub fn surround(ext: &mut sp_io::TestExternalities, local: &[u64]) -> (Pool, World) {
	let node = Node::new(ext.offchain_db(), local);
	node.enter(ext);
	(node.pool, node.world)
}

/// Defines the blocks and transactions of a mock whose runtime is called `Runtime` and its calls
/// `RuntimeCall`. Transactions authorize themselves, and have no other requirement.
#[macro_export]
macro_rules! authorized_transactions {
	() => {
		pub type TxExtension = $crate::frame_system::AuthorizeCall<Runtime>;
		pub type Extrinsic = $crate::sp_runtime::generic::UncheckedExtrinsic<
			u64,
			RuntimeCall,
			$crate::sp_runtime::testing::UintAuthorityId,
			TxExtension,
		>;
		pub type Header = $crate::sp_runtime::generic::Header<u64, $crate::sp_runtime::traits::BlakeTwo256>;
		type Block = $crate::sp_runtime::generic::Block<Header, Extrinsic>;

		impl<LocalCall> $crate::frame_system::offchain::CreateTransactionBase<LocalCall> for Runtime
		where
			RuntimeCall: From<LocalCall>,
		{
			type RuntimeCall = RuntimeCall;
			type Extrinsic = Extrinsic;
		}

		impl<LocalCall> $crate::frame_system::offchain::CreateTransaction<LocalCall> for Runtime
		where
			RuntimeCall: From<LocalCall>,
		{
			type Extension = TxExtension;
			fn create_transaction(call: RuntimeCall, extension: Self::Extension) -> Extrinsic {
				Extrinsic::new_transaction(call, extension)
			}
		}

		impl<LocalCall> $crate::frame_system::offchain::CreateAuthorizedTransaction<LocalCall> for Runtime
		where
			RuntimeCall: From<LocalCall>,
		{
			fn create_extension() -> Self::Extension {
				TxExtension::new()
			}
		}
	};
}
