//! A chain of the sample runtime without nodes: real blocks, executed natively, authored by whoever a test lets live.

use codec::Encode;
use frame_support::traits::UnfilteredDispatchable;
use frame_system::offchain::CreateAuthorizedTransaction;
use pallet_heartbeat::Heartbeat as Payload;
use sp_consensus_aura::{Slot, AURA_ENGINE_ID};
use sp_core::Pair;
use sp_keyring::Sr25519Keyring;
use sp_runtime::{
	traits::Header as _, ApplyExtrinsicResult, BuildStorage, Digest, DigestItem, DispatchResult,
};
use understudy_primitives::{crypto::AuthorityPair, Entry};
use understudy_runtime::{
	constants::SLOT_DURATION, genesis_config_presets, AccountId, BlockNumber, Executive, Failover, Hash,
	Header, Heartbeat, Runtime, RuntimeCall, RuntimeGenesisConfig, RuntimeOrigin, Session, System,
	TxExtension, UncheckedExtrinsic, ValidatorRotation,
};

pub use Sr25519Keyring::{Alice, Bob, Charlie, Dave, Eve, Ferdie};

/// All members of the local network.
pub const MEMBERS: [Sr25519Keyring; 6] = [Alice, Bob, Charlie, Dave, Eve, Ferdie];

/// A chain under construction.
pub struct Chain {
	parent: Header,
	/// The next slot.
	pub slot: u64,
	/// Who does nothing at all.
	pub dead: Vec<Sr25519Keyring>,
	/// Who authors nothing, but lives and sends heartbeats.
	pub lame: Vec<Sr25519Keyring>,
}

/// Runs a test on a fresh chain of the preset `local`, and checks every pallet's invariants after it.
pub fn run(test: impl FnOnce(&mut Chain)) {
	let preset = genesis_config_presets::get_preset(&sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET.into())
		.expect("the preset is there");
	let mut genesis = serde_json::to_value(RuntimeGenesisConfig::default()).expect("the default is JSON");
	merge(&mut genesis, serde_json::from_slice(&preset).expect("the preset is JSON"));
	let genesis: RuntimeGenesisConfig = serde_json::from_value(genesis).expect("the preset fits");
	let storage = genesis.build_storage().expect("the genesis can be built");
	sp_io::TestExternalities::from(storage).execute_with(|| {
		let parent = Header::new(0, Hash::zero(), Hash::zero(), Hash::zero(), Digest::default());
		test(&mut Chain { parent, slot: 1_000, dead: Vec::new(), lame: Vec::new() });
		check();
	});
}

fn merge(base: &mut serde_json::Value, patch: serde_json::Value) {
	match (base, patch) {
		(serde_json::Value::Object(base), serde_json::Value::Object(patch)) => {
			for (key, value) in patch {
				merge(base.entry(key).or_insert(serde_json::Value::Null), value);
			}
		},
		(base, patch) => *base = patch,
	}
}

/// The invariants of the three pallets, and that consensus, session and suite have the same set in the same order.
pub fn check() {
	Heartbeat::do_try_state().expect("heartbeat's invariants hold");
	ValidatorRotation::do_try_state().expect("rotation's invariants hold");
	Failover::do_try_state().expect("the log's invariants hold");

	let active = ValidatorRotation::active();
	assert_eq!(Session::validators(), active);
	let keys = |who: &AccountId| Session::load_keys(who).expect("every validator has keys");
	let aura: Vec<_> = active.iter().map(|who| keys(who).aura).collect();
	assert_eq!(pallet_aura::Authorities::<Runtime>::get().into_inner(), aura);
	let grandpa: Vec<_> = active.iter().map(|who| keys(who).grandpa).collect();
	let voters: Vec<_> =
		understudy_runtime::Grandpa::grandpa_authorities().into_iter().map(|(id, _)| id).collect();
	assert_eq!(voters, grandpa);
	let roster = pallet_heartbeat::Roster::<Runtime>::get();
	assert_eq!(roster.active as usize, active.len());
	let members: Vec<_> = (0..roster.total).filter_map(pallet_heartbeat::Members::<Runtime>::get).collect();
	assert_eq!(members, [active, ValidatorRotation::reserve()].concat());
}

impl Chain {
	/// Goes on for so many slots. Slots of the dead stay empty.
	pub fn slots(&mut self, count: u64) {
		(0..count).for_each(|_| {
			self.next_slot();
		});
	}

	/// Goes on until so many blocks are there.
	pub fn blocks(&mut self, count: u32) {
		let until = self.number() + count;
		while self.number() < until {
			self.next_slot();
		}
	}

	/// Goes on until `done`, for 100 blocks at most; says how many it took.
	pub fn until(&mut self, done: impl Fn() -> bool) -> u32 {
		let start = self.number();
		while !done() {
			assert!(self.number() < start + 100, "what is waited for does not happen");
			self.next_slot();
		}
		self.number() - start
	}

	/// The last block.
	pub fn number(&self) -> BlockNumber {
		self.parent.number
	}

	fn next_slot(&mut self) {
		let slot = self.slot;
		self.slot += 1;
		let authors = Session::validators();
		let author = &authors[(slot % authors.len() as u64) as usize];
		if self.dead.iter().chain(&self.lame).any(|mute| mute.to_account_id() == *author) {
			return;
		}
		let digest = Digest { logs: vec![DigestItem::PreRuntime(AURA_ENGINE_ID, Slot::from(slot).encode())] };
		let header =
			Header::new(self.parent.number + 1, Hash::zero(), Hash::zero(), self.parent.hash(), digest);
		Executive::initialize_block(&header);
		let timestamp = RuntimeCall::Timestamp(pallet_timestamp::Call::set { now: slot * SLOT_DURATION });
		apply(UncheckedExtrinsic::new_bare(timestamp)).expect("the timestamp is valid").expect("it is set");
		self.heartbeats();
		self.parent = Executive::finalize_block();
		check();
	}

	/// What the nodes of living standbys send, and those of authors whose slots stay empty.
	fn heartbeats(&self) {
		for who in MEMBERS {
			let standby = ValidatorRotation::reserve().contains(&who.to_account_id());
			if (standby && !self.dead.contains(&who)) || self.lame.contains(&who) {
				let payload = payload(who);
				if !pallet_heartbeat::evidence::is_seen::<Runtime>(payload.index) {
					apply(signed(who, payload)).expect("it is authorized").expect("it is dispatched");
				}
			}
		}
	}
}

/// Applies an extrinsic to the block that is being built.
pub fn apply(extrinsic: UncheckedExtrinsic) -> ApplyExtrinsicResult {
	Executive::apply_extrinsic(extrinsic)
}

/// What a member's heartbeat says now.
pub fn payload(who: Sr25519Keyring) -> Payload {
	let roster = pallet_heartbeat::Roster::<Runtime>::get();
	let index = (0..roster.total)
		.find(|index| pallet_heartbeat::Members::<Runtime>::get(index) == Some(who.to_account_id()))
		.expect("it is a member");
	Payload { roster: roster.id, window: pallet_heartbeat::Window::<Runtime>::get().index, index }
}

/// A heartbeat as a node sends it.
pub fn signed(who: Sr25519Keyring, heartbeat: Payload) -> UncheckedExtrinsic {
	let genesis = System::block_hash(0);
	let pair = AuthorityPair::from_string(&format!("//{who}"), None).expect("a well-known seed");
	let call =
		pallet_heartbeat::Call::heartbeat { heartbeat, signature: pair.sign(&heartbeat.payload(&genesis)) };
	type Create = dyn Fn() -> TxExtension;
	let extension: &Create =
		&<Runtime as CreateAuthorizedTransaction<pallet_heartbeat::Call<Runtime>>>::create_extension;
	UncheckedExtrinsic::new_transaction(call.into(), extension())
}

/// Dispatches as governance does.
pub fn as_root(call: impl Into<RuntimeCall>) -> DispatchResult {
	call.into().dispatch_bypass_filter(RuntimeOrigin::root()).map(|_| ()).map_err(|error| error.error)
}

/// The names of the validators.
pub fn validators() -> Vec<Sr25519Keyring> {
	named(Session::validators())
}

/// Accounts by their names.
pub fn named(accounts: Vec<AccountId>) -> Vec<Sr25519Keyring> {
	accounts
		.iter()
		.filter_map(|who| MEMBERS.into_iter().find(|member| member.to_account_id() == *who))
		.collect()
}

/// The log so far.
pub fn log() -> Vec<Entry<AccountId, BlockNumber>> {
	Failover::timeline(0, u32::MAX)
}
