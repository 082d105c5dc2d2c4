//! Parachain without nodes: real blocks, executed natively, with proofs of a relay chain's state.
//!
//! Each block is built as a collator builds it: inherents from the relay chain's state, and the
//! transactions that the offchain workers of the running nodes have submitted. It is sealed by its
//! author, and executed again on a second state by the executor that the relay chain's validators
//! run, which checks the seal and the state root.

use std::collections::BTreeMap;

use codec::{Decode, Encode};
use cumulus_pallet_weight_reclaim::StorageWeightReclaim;
use cumulus_primitives_core::{relay_chain::HeadData, ParaId, PersistedValidationData};
use cumulus_primitives_parachain_inherent::ParachainInherentData;
use cumulus_test_relay_sproof_builder::RelayStateSproofBuilder;
use frame_support::traits::ExecuteBlock;
use frame_system::offchain::CreateAuthorizedTransaction;
use pallet_heartbeat::{statement::Statement, Report, ReportKind};
use sp_block_builder::runtime_decl_for_block_builder::BlockBuilder;
use sp_consensus_aura::{Slot, AURA_ENGINE_ID};
use sp_core::{offchain::testing::TestPersistentOffchainDB, Pair};
use sp_inherents::InherentData;
use sp_keyring::Sr25519Keyring;
use sp_runtime::{
	generic::{Era, SignedPayload},
	traits::{Block as _, Header as _},
	BuildStorage, Digest, DigestItem, TransactionOutcome,
};
use understudy_parachain_runtime::{
	chain::SLOT,
	genesis::{self, MEMBERS, PARA_ID},
	AccountId, Block, BlockNumber, Executive, Failover, Hash, Header, Heartbeat, Runtime, RuntimeCall,
	RuntimeGenesisConfig, Session, System, UncheckedExtrinsic, ValidatorRotation,
};
use understudy_primitives::{
	crypto::{AuthorityPair, AuthoritySignature},
	Entry,
};
use understudy_test_support::{merge, Node};

pub use Sr25519Keyring::{Alice, Bob, Charlie, Dave, Eve, Ferdie};

type Verified = cumulus_pallet_aura_ext::BlockExecutor<Runtime, Executive>;

/// Parachain under construction.
pub struct Chain {
	/// State of the collators.
	ext: sp_io::TestExternalities,
	/// State of the relay chain's validators.
	validators: sp_io::TestExternalities,
	/// Headers of all blocks since genesis, with their seals.
	headers: Vec<Header>,
	/// Next slot of the relay chain, and of the parachain.
	slot: u64,
	nodes: BTreeMap<Sr25519Keyring, Node>,
	/// Transactions that the nodes have submitted.
	pool: Vec<UncheckedExtrinsic>,
	/// Collators that do nothing at all.
	pub dead: Vec<Sr25519Keyring>,
	/// Slots whose blocks the relay chain drops.
	pub dropped: fn(u64) -> bool,
}

fn genesis() -> sp_io::TestExternalities {
	let preset = genesis::get_preset(&sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET.into())
		.expect("the preset exists");
	let mut config = serde_json::to_value(RuntimeGenesisConfig::default()).expect("the default is JSON");
	merge(&mut config, serde_json::from_slice(&preset).expect("the preset is JSON"));
	let config: RuntimeGenesisConfig = serde_json::from_value(config).expect("the preset fits");
	config.build_storage().expect("the genesis can be built").into()
}

impl Chain {
	/// Creates the chain of the preset.
	pub fn new() -> Self {
		let mut ext = genesis();
		let root = ext.execute_with(|| sp_io::storage::root(sp_runtime::StateVersion::V1));
		let root = Hash::decode(&mut &root[..]).expect("a root is a hash");
		let first = Header::new(0, Hash::zero(), root, Hash::zero(), Digest::default());
		let node = |who: &Sr25519Keyring| {
			(*who, Node::with_seeds(TestPersistentOffchainDB::new(), [format!("//{who}")]))
		};
		Self {
			ext,
			validators: genesis(),
			headers: vec![first],
			slot: 1_000,
			nodes: MEMBERS.iter().map(node).collect(),
			pool: Vec::new(),
			dead: Vec::new(),
			dropped: |_| false,
		}
	}

	/// Runs code on the state of the last block.
	pub fn state<R>(&mut self, read: impl FnOnce() -> R) -> R {
		self.ext.execute_with(read)
	}

	/// Changes the state of the collators, and that of the relay chain's validators.
	pub fn tamper(&mut self, change: impl Fn()) {
		self.ext.execute_with(&change);
		self.validators.execute_with(change);
	}

	/// Returns the header of the last block.
	pub fn head(&self) -> &Header {
		self.headers.last().expect("there is the genesis block")
	}

	/// Returns the number of the last block.
	pub fn number(&self) -> BlockNumber {
		self.head().number
	}

	/// Returns the header of a block.
	pub fn header(&self, number: BlockNumber) -> &Header {
		&self.headers[number as usize]
	}

	/// Puts a call, signed by this account, into the next block.
	pub fn dispatch(&mut self, who: Sr25519Keyring, call: impl Into<RuntimeCall>) {
		let call = call.into();
		let transaction = self.state(|| signed(who, call));
		self.pool.push(transaction);
	}

	/// Advances by this many slots.
	pub fn slots(&mut self, count: u64) {
		(0..count).for_each(|_| self.next_slot());
	}

	/// Advances until `done`, by 100 slots at most. Returns the number of blocks that it took.
	pub fn until(&mut self, done: impl Fn() -> bool) -> u32 {
		let (start, slot) = (self.number(), self.slot);
		while !self.state(&done) {
			assert!(self.slot < slot + 100, "the awaited condition does not occur within 100 slots");
			self.next_slot();
		}
		self.number() - start
	}

	/// Returns the header of the last block that the relay chain has included when the next block is
	/// built: the blocks since then, at most two, are the unincluded segment.
	fn included(&self) -> &Header {
		self.header(self.number().saturating_sub(1))
	}

	fn inherent_data(&self, slot: u64) -> InherentData {
		let relay = RelayStateSproofBuilder {
			para_id: ParaId::from(PARA_ID),
			current_slot: slot.into(),
			included_para_head: Some(HeadData(self.included().encode())),
			..Default::default()
		};
		let (root, proof) = relay.into_state_root_and_proof();
		let data = ParachainInherentData {
			validation_data: PersistedValidationData {
				parent_head: HeadData(self.head().encode()),
				relay_parent_number: slot as u32,
				relay_parent_storage_root: root,
				max_pov_size: 10_000_000,
			},
			relay_chain_state: proof,
			downward_messages: Vec::new(),
			horizontal_messages: BTreeMap::new(),
			relay_parent_descendants: Vec::new(),
			collator_peer_id: None,
		};
		let mut inherents = InherentData::new();
		inherents.put_data(sp_timestamp::INHERENT_IDENTIFIER, &(slot * SLOT)).expect("there is none yet");
		inherents
			.put_data(cumulus_primitives_parachain_inherent::INHERENT_IDENTIFIER, &data)
			.expect("there is none yet");
		inherents
	}

	/// Advances by one slot. If its author is dead, or the relay chain drops the block, there is no
	/// block.
	fn next_slot(&mut self) {
		let slot = self.slot;
		self.slot += 1;
		let authors = self.state(Session::validators);
		let author = keyring(&authors[(slot % authors.len() as u64) as usize]);
		if self.dead.contains(&author) || (self.dropped)(slot) {
			return;
		}
		let inherents = self.inherent_data(slot);
		let transactions: Vec<_> = std::mem::take(&mut self.pool).into_iter().chain(self.reports()).collect();
		let digest = Digest { logs: vec![DigestItem::PreRuntime(AURA_ENGINE_ID, Slot::from(slot).encode())] };
		let head = self.head();
		let blank = Header::new(head.number + 1, Hash::zero(), Hash::zero(), head.hash(), digest);
		let (mut header, extrinsics) = self.state(|| {
			Executive::initialize_block(&blank);
			let mut extrinsics = <Runtime as BlockBuilder<Block>>::inherent_extrinsics(inherents);
			for inherent in &extrinsics {
				Executive::apply_extrinsic(inherent.clone()).expect("it is valid").expect("it is applied");
			}
			for transaction in transactions {
				// A statement may have become obsolete since it was submitted.
				if apply(transaction.clone()) {
					extrinsics.push(transaction);
				}
			}
			(Executive::finalize_block(), extrinsics)
		});
		let seal = author.pair().sign(header.hash().as_ref());
		header.digest_mut().push(DigestItem::Seal(AURA_ENGINE_ID, seal.encode()));
		let block = Block::new(header.clone(), extrinsics);
		self.validators.execute_with(|| Verified::execute_block(block.into()));
		self.headers.push(header);
		self.state(check);
		self.work();
	}

	/// Runs the offchain workers of the running nodes on the last block.
	fn work(&mut self) {
		let header = self.head().clone();
		for (_, node) in self.nodes.iter().filter(|(who, _)| !self.dead.contains(who)) {
			node.enter(&mut self.ext);
			self.ext.execute_with(|| Executive::offchain_worker(&header));
			for transaction in std::mem::take(&mut node.pool.write().transactions) {
				let decoded = UncheckedExtrinsic::decode(&mut &transaction[..]);
				self.pool.push(decoded.expect("a node submits transactions of the runtime"));
			}
		}
	}

	/// Returns the reports of running nodes on dead ones, once the grace of these is over.
	fn reports(&mut self) -> Vec<UncheckedExtrinsic> {
		let dead = self.dead.clone();
		self.state(|| {
			let judged = |who: &Sr25519Keyring| Heartbeat::member_status(who.to_account_id());
			let failing: Vec<u32> = dead
				.iter()
				.filter_map(judged)
				.filter(|judged| judged.grace == 0)
				.map(|judged| judged.index)
				.collect();
			if failing.is_empty() {
				return Vec::new();
			}
			let reporters = MEMBERS.into_iter().filter(|who| !dead.contains(who));
			reporters
				.filter_map(|who| {
					let window = pallet_heartbeat::Window::<Runtime>::get();
					let mut targets = failing.clone();
					targets.sort_unstable();
					let report = Report {
						roster: window.roster.id,
						window: window.index,
						reporter: judged(&who)?.index,
						kind: ReportKind::Peers,
						targets: targets.try_into().ok()?,
					};
					let signature = sign(who, &report);
					Some(general(pallet_heartbeat::Call::report { report, signature }))
				})
				.collect()
		})
	}
}

/// Applies a transaction as a block builder does: nothing remains of an invalid one. Returns `true`
/// if it is valid.
fn apply(transaction: UncheckedExtrinsic) -> bool {
	frame_support::storage::with_transaction_unchecked(|| match Executive::apply_extrinsic(transaction) {
		Ok(_) => TransactionOutcome::Commit(true),
		Err(_) => TransactionOutcome::Rollback(false),
	})
}

/// Checks the invariants of the pallets, and that consensus, session and suite have the same set.
fn check() {
	Heartbeat::do_try_state().expect("heartbeat's invariants hold");
	ValidatorRotation::do_try_state().expect("rotation's invariants hold");
	Failover::do_try_state().expect("the log's invariants hold");
	let active = ValidatorRotation::active();
	assert_eq!(Session::validators(), active);
	let keys: Vec<_> =
		active.iter().map(|who| Session::load_keys(who).expect("a collator has keys").aura).collect();
	assert_eq!(pallet_aura::Authorities::<Runtime>::get().into_inner(), keys);
}

fn sign(who: Sr25519Keyring, statement: &impl Statement) -> AuthoritySignature {
	let pair = AuthorityPair::from_string(&format!("//{who}"), None).expect("a well-known seed");
	pair.sign(&statement.payload(&System::block_hash(0)))
}

fn general(call: impl Into<RuntimeCall>) -> UncheckedExtrinsic {
	let extension =
		<Runtime as CreateAuthorizedTransaction<pallet_heartbeat::Call<Runtime>>>::create_extension();
	UncheckedExtrinsic::new_transaction(call.into(), extension)
}

fn signed(who: Sr25519Keyring, call: RuntimeCall) -> UncheckedExtrinsic {
	let account = who.to_account_id();
	let nonce = System::account_nonce(&account);
	let extension = StorageWeightReclaim::new((
		frame_system::AuthorizeCall::new(),
		frame_system::CheckNonZeroSender::new(),
		frame_system::CheckSpecVersion::new(),
		frame_system::CheckTxVersion::new(),
		frame_system::CheckGenesis::new(),
		frame_system::CheckEra::from(Era::Immortal),
		frame_system::CheckNonce::from(nonce),
		frame_system::CheckWeight::new(),
		pallet_transaction_payment::ChargeTransactionPayment::from(0),
	));
	let payload = SignedPayload::new(call, extension).expect("the extension has its implicit part");
	let signature = payload.using_encoded(|payload| who.sign(payload));
	let (call, extension, _) = payload.deconstruct();
	UncheckedExtrinsic::new_signed(call, account.into(), signature.into(), extension)
}

fn keyring(account: &AccountId) -> Sr25519Keyring {
	MEMBERS.into_iter().find(|who| who.to_account_id() == *account).expect("a well-known collator")
}

/// Returns the names of accounts.
pub fn named(accounts: Vec<AccountId>) -> Vec<Sr25519Keyring> {
	accounts.iter().map(keyring).collect()
}

/// Returns the names of the collators that author blocks.
pub fn collators() -> Vec<Sr25519Keyring> {
	named(Session::validators())
}

/// Returns the log so far.
pub fn log() -> Vec<Entry<AccountId, BlockNumber>> {
	Failover::timeline(0, u32::MAX)
}
