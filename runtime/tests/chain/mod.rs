//! Chain of the sample runtime without nodes: real blocks, executed natively, and authored by the
//! members that a test keeps running.

// Each test binary uses only a part of this module.
#![allow(dead_code)]

use codec::Encode;
use frame_support::traits::UnfilteredDispatchable;
use frame_system::offchain::CreateAuthorizedTransaction;
use pallet_heartbeat::{
	chunks::Mark, rejection, statement::Statement, Heartbeat as Payload, Report, ReportKind,
};
use sp_consensus_aura::{Slot, AURA_ENGINE_ID};
use sp_core::Pair;
use sp_keyring::Sr25519Keyring;
use sp_runtime::{
	traits::Header as _,
	transaction_validity::{InvalidTransaction, TransactionValidityError},
	ApplyExtrinsicResult, BuildStorage, Digest, DigestItem, DispatchResult,
};
use understudy_primitives::{
	crypto::{AuthorityPair, AuthoritySignature},
	Entry,
};
use understudy_runtime::{
	constants::SLOT_DURATION, genesis_config_presets, parameters::RuntimeParameters, AccountId, BlockNumber,
	Equivocation, Executive, Failover, Hash, Header, Heartbeat, Runtime, RuntimeCall, RuntimeGenesisConfig,
	RuntimeOrigin, Session, System, UncheckedExtrinsic, ValidatorRotation,
};

use understudy_test_support::merge;

pub use Sr25519Keyring::{Alice, Bob, Charlie, Dave, Eve, Ferdie, One, Two};

/// Members of the local network.
pub const MEMBERS: [Sr25519Keyring; 6] = [Alice, Bob, Charlie, Dave, Eve, Ferdie];
/// Members of a larger network.
pub const MORE_MEMBERS: [Sr25519Keyring; 8] = [Alice, Bob, Charlie, Dave, Eve, Ferdie, One, Two];

/// Chain under construction.
pub struct Chain {
	parent: Header,
	/// Next slot.
	pub slot: u64,
	/// Members that do nothing at all.
	pub dead: Vec<Sr25519Keyring>,
	/// Members that author nothing, but run and send heartbeats.
	pub lame: Vec<Sr25519Keyring>,
	/// Members on whose blocks no other member builds, although all nodes see the blocks.
	pub orphaned: Vec<Sr25519Keyring>,
	/// Members that cast no votes, but do everything else.
	pub mute: Vec<Sr25519Keyring>,
	/// Members that no node can reach, but that do all of their work.
	pub hidden: Vec<Sr25519Keyring>,
	/// Members that, once seated, state a position on another chain.
	pub astray: Vec<Sr25519Keyring>,
	/// `true` if no node probes another.
	pub blind: bool,
	/// `true` if no node watches the votes.
	pub deaf: bool,
}

/// Runs a test on a fresh chain of the preset `local`, and checks the invariants of every pallet
/// after it.
pub fn run(test: impl FnOnce(&mut Chain)) {
	let preset = genesis_config_presets::get_preset(&sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET.into())
		.expect("the preset exists");
	run_on(serde_json::from_slice(&preset).expect("the preset is JSON"), test);
}

/// Runs a test in the same way with [`MORE_MEMBERS`], the first four of which are active.
pub fn run_with_more(test: impl FnOnce(&mut Chain)) {
	run_with_seats(4, test);
}

/// Runs a test in the same way with [`MORE_MEMBERS`], the first `seats` of which are active.
pub fn run_with_seats(seats: usize, test: impl FnOnce(&mut Chain)) {
	use sp_keyring::Ed25519Keyring as Ed;
	let grandpa = [Ed::Alice, Ed::Bob, Ed::Charlie, Ed::Dave, Ed::Eve, Ed::Ferdie, Ed::One, Ed::Two];
	let candidates: Vec<_> = MORE_MEMBERS
		.into_iter()
		.zip(grandpa)
		.map(|(who, grandpa)| genesis_config_presets::Candidate::known(who, grandpa))
		.collect();
	run_on(genesis_config_presets::network(&candidates, seats), test);
}

/// Returns the initial state of a chain, from a patch of the default genesis.
pub fn genesis(patch: serde_json::Value) -> sp_io::TestExternalities {
	let mut genesis = serde_json::to_value(RuntimeGenesisConfig::default()).expect("the default is JSON");
	merge(&mut genesis, patch);
	let genesis: RuntimeGenesisConfig = serde_json::from_value(genesis).expect("the preset fits");
	genesis.build_storage().expect("the genesis can be built").into()
}

fn run_on(patch: serde_json::Value, test: impl FnOnce(&mut Chain)) {
	genesis(patch).execute_with(|| {
		let parent = Header::new(0, Hash::zero(), Hash::zero(), Hash::zero(), Digest::default());
		test(&mut Chain::after(parent, 1_000));
		check();
		check_keys();
	});
}

/// Checks the invariants of the pallets, and that consensus, session and suite have the same set in
/// the same order.
pub fn check() {
	Heartbeat::do_try_state().expect("heartbeat's invariants hold");
	ValidatorRotation::do_try_state().expect("rotation's invariants hold");
	Failover::do_try_state().expect("the log's invariants hold");
	Equivocation::do_try_state().expect("the invariants of reports hold");

	let active = ValidatorRotation::active();
	assert_eq!(Session::validators(), active);
	// A member that purged its keys keeps its seat, with the keys that it had, until the end of the
	// next session.
	let keys: Option<Vec<_>> = active.iter().map(Session::load_keys).collect();
	// New keys take effect some sessions later.
	let queued: std::collections::BTreeMap<_, _> =
		pallet_session::QueuedKeys::<Runtime>::get().into_iter().collect();
	let moves = |who: &AccountId| queued.get(who) != Session::load_keys(who).as_ref();
	let moving = pallet_session::QueuedChanged::<Runtime>::get() || active.iter().any(moves);
	if let Some(keys) = keys.filter(|_| !moving) {
		let aura: Vec<_> = keys.iter().map(|keys| keys.aura.clone()).collect();
		assert_eq!(pallet_aura::Authorities::<Runtime>::get().into_inner(), aura);
		let grandpa: Vec<_> = keys.into_iter().map(|keys| keys.grandpa).collect();
		let voters: Vec<_> =
			understudy_runtime::Grandpa::grandpa_authorities().into_iter().map(|(id, _)| id).collect();
		// A forced change is enacted some blocks later.
		assert!(voters == grandpa || understudy_runtime::Grandpa::pending_change().is_some());
	}
	let roster = pallet_heartbeat::Window::<Runtime>::get().roster;
	assert_eq!(roster.active as usize, active.len());
	let members: Vec<_> = (0..roster.total).filter_map(pallet_heartbeat::Members::<Runtime>::get).collect();
	assert_eq!(members, [active, ValidatorRotation::reserve()].concat());

	// Rotation has taken the backings that the election left, and they are those that staking
	// exposes.
	assert!(!understudy_runtime::configs::staking::LatestBackings::exists());
	let era = pallet_staking::CurrentEra::<Runtime>::get().unwrap_or_default();
	for winner in pallet_validator_rotation::Elected::<Runtime>::get() {
		let exposed = pallet_staking::ErasStakersOverview::<Runtime>::get(era, winner.who);
		assert_eq!(exposed.map(|exposure| exposure.total), Some(winner.backing));
	}
}

/// Checks that the chain expects heartbeats to be signed with the keys that the members have set.
/// Keys that are set after others were purged take effect from the next session.
fn check_keys() {
	let roster = pallet_heartbeat::Window::<Runtime>::get().roster;
	for index in 0..roster.total {
		let who = pallet_heartbeat::Members::<Runtime>::get(index).expect("a member");
		let noted = pallet_heartbeat::MemberKeys::<Runtime>::get(index);
		if let Some((keys, noted)) = Session::load_keys(&who).zip(noted) {
			assert_eq!(noted, keys.heartbeat);
		}
	}
}

/// Returns the digest of a block of this slot.
pub fn of_slot(slot: Slot) -> Digest {
	Digest { logs: vec![DigestItem::PreRuntime(AURA_ENGINE_ID, slot.encode())] }
}

/// Returns a block after `parent`, sealed by its author. `content` distinguishes blocks.
pub fn sealed(author: Sr25519Keyring, slot: Slot, parent: (BlockNumber, Hash), content: u8) -> Header {
	let root = Hash::repeat_byte(content);
	let mut header = Header::new(parent.0.saturating_add(1), root, root, parent.1, of_slot(slot));
	let seal = author.pair().sign(header.hash().as_ref());
	header.digest_mut().push(DigestItem::Seal(AURA_ENGINE_ID, seal.encode()));
	header
}

/// Returns `true` if the member has purged its keys, and so cannot sign anything.
fn is_mute(who: Sr25519Keyring) -> bool {
	Session::load_keys(&who.to_account_id()).is_none()
}

impl Chain {
	/// Creates a chain after this block, with this next slot.
	pub fn after(parent: Header, slot: u64) -> Self {
		Self {
			parent,
			slot,
			dead: vec![],
			lame: vec![],
			orphaned: vec![],
			mute: vec![],
			hidden: vec![],
			astray: vec![],
			blind: false,
			deaf: false,
		}
	}

	/// Advances by `count` slots. The slots of dead members stay empty.
	pub fn slots(&mut self, count: u64) {
		(0..count).for_each(|_| {
			self.next_slot();
		});
	}

	/// Advances by `count` blocks.
	pub fn blocks(&mut self, count: u32) {
		let until = self.number() + count;
		while self.number() < until {
			self.next_slot();
		}
	}

	/// Advances until `done`, by 100 blocks at most. Returns the number of blocks that it took.
	pub fn until(&mut self, done: impl Fn() -> bool) -> u32 {
		let start = self.number();
		while !done() {
			assert!(self.number() < start + 100, "the awaited condition does not occur within 100 blocks");
			self.next_slot();
		}
		self.number() - start
	}

	/// Returns the number of the last block.
	pub fn number(&self) -> BlockNumber {
		self.parent.number
	}

	/// Returns the header of the last block.
	pub fn head(&self) -> Header {
		self.parent.clone()
	}

	fn next_slot(&mut self) {
		self.slot_with(|| ());
	}

	/// Advances by one slot. `inside` runs in its block, if there is one.
	pub fn slot_with(&mut self, inside: impl FnOnce()) {
		let slot = self.slot;
		self.slot += 1;
		let authors = Session::validators();
		let seat = (slot % authors.len() as u64) as usize;
		let author = &authors[seat];
		let mut without = self.dead.iter().chain(&self.lame).chain(&self.orphaned);
		// Disabled members cannot author.
		let disabled = Session::disabled_validators().contains(&(seat as u32));
		if disabled || without.any(|who| who.to_account_id() == *author) {
			return;
		}
		let header = Header::new(
			self.parent.number + 1,
			Hash::zero(),
			Hash::zero(),
			self.parent.hash(),
			of_slot(slot.into()),
		);
		Executive::initialize_block(&header);
		let timestamp = RuntimeCall::Timestamp(pallet_timestamp::Call::set { now: slot * SLOT_DURATION });
		apply(UncheckedExtrinsic::new_bare(timestamp)).expect("the timestamp is valid").expect("it is set");
		self.heartbeats();
		self.reports();
		self.positions();
		inside();
		self.parent = Executive::finalize_block();
		check();
	}

	/// Submits the positions of newly seated members.
	fn positions(&self) {
		for awaited in pallet_failover::Awaiting::<Runtime>::get() {
			let member = MORE_MEMBERS.into_iter().find(|who| who.to_account_id() == awaited.who);
			let Some(who) = member.filter(|who| !self.dead.contains(who)) else { continue };
			if is_mute(who) || self.parent.number < awaited.since {
				continue;
			}
			let mut header = self.parent.clone();
			if self.astray.contains(&who) {
				header.state_root = Hash::repeat_byte(66);
			}
			let position = pallet_failover::Position {
				incident: awaited.incident,
				who: awaited.who,
				block: header.number,
				hash: header.hash(),
				state_root: header.state_root,
			};
			let signature = sign(who, &position);
			let header = header.encode().try_into().expect("a header is short");
			let call = pallet_failover::Call::reconcile { position, header, signature };
			apply(general(call)).expect("a position is accepted").expect("the position is awaited");
		}
	}

	/// Submits the heartbeats of running standbys, and of authors whose slots stay empty.
	fn heartbeats(&self) {
		for who in MORE_MEMBERS {
			let standby = ValidatorRotation::reserve().contains(&who.to_account_id()) && !is_mute(who);
			let unseen = is_member(who) && (self.lame.contains(&who) || self.orphaned.contains(&who));
			if (standby && !self.dead.contains(&who)) || unseen {
				let payload = payload(who);
				if !pallet_heartbeat::chunks::is_marked::<Runtime>(Mark::Seen, payload.index) {
					send(signed(who, payload));
				}
			}
		}
	}
}

impl Chain {
	/// Submits the reports of running nodes on members that are dead, hidden, mute or lame, once
	/// the grace of these is over.
	fn reports(&self) {
		let grace = |who: &Sr25519Keyring| {
			let status = Heartbeat::member_status(who.to_account_id());
			status.is_none_or(|judged| judged.grace > 0)
		};
		let sits = |who: &Sr25519Keyring| validators().contains(who);
		let unanswering = self.dead.iter().chain(&self.hidden).copied();
		let unreachable: Vec<_> = unanswering.filter(|who| !grace(who)).collect();
		// For lame members no block is seen on any branch, for the others no vote.
		let unheard = self.dead.iter().chain(&self.mute).chain(&self.lame).copied();
		let voteless: Vec<_> = unheard.filter(|who| !grace(who) && sits(who)).collect();
		let lives = |who: &Sr25519Keyring| is_member(*who) && !self.dead.contains(who);
		for who in MORE_MEMBERS.into_iter().filter(lives) {
			for (kind, of) in [(ReportKind::Peers, &unreachable), (ReportKind::Votes, &voteless)] {
				let listed = |target: &Sr25519Keyring| *target != who && of.contains(target);
				let targets: Vec<_> = MORE_MEMBERS.into_iter().filter(listed).collect();
				let nobody = if kind == ReportKind::Peers { self.blind } else { self.deaf };
				if targets.is_empty() || nobody {
					continue;
				}
				send(report(who, kind, &targets));
			}
		}
	}
}

/// Applies an extrinsic of a node. It is accepted, unless it has become obsolete meanwhile, or
/// parameters set by governance have made it invalid.
fn send(extrinsic: UncheckedExtrinsic) {
	match apply(extrinsic) {
		Ok(dispatched) => dispatched.expect("an accepted extrinsic succeeds"),
		Err(TransactionValidityError::Invalid(InvalidTransaction::Custom(
			rejection::ALREADY_REPORTED
			| rejection::NO_KEY
			| rejection::NOTHING_NEW
			| rejection::NOT_DUE
			| rejection::UNASSIGNED_TARGET
			| rejection::TOO_MANY_TARGETS,
		))) => (),
		Err(other) => panic!("an extrinsic of a node is rejected: {other:?}"),
	}
}

/// Applies an extrinsic to the block under construction.
pub fn apply(extrinsic: UncheckedExtrinsic) -> ApplyExtrinsicResult {
	Executive::apply_extrinsic(extrinsic)
}

/// Returns `true` if an account is in the roster.
pub fn is_member(who: Sr25519Keyring) -> bool {
	Heartbeat::member_status(who.to_account_id()).is_some()
}

/// Returns a member's index in the roster.
fn index(who: Sr25519Keyring) -> u32 {
	let total = pallet_heartbeat::Window::<Runtime>::get().roster.total;
	let mut all = 0..total;
	all.find(|index| pallet_heartbeat::Members::<Runtime>::get(index) == Some(who.to_account_id()))
		.expect("the account is a member")
}

/// Returns the current content of a member's heartbeat.
pub fn payload(who: Sr25519Keyring) -> Payload {
	let roster = pallet_heartbeat::Window::<Runtime>::get().roster.id;
	Payload { roster, window: pallet_heartbeat::Window::<Runtime>::get().index, index: index(who) }
}

/// Returns a heartbeat as a node sends it.
pub fn signed(who: Sr25519Keyring, heartbeat: Payload) -> UncheckedExtrinsic {
	let signature = sign(who, &heartbeat);
	general(pallet_heartbeat::Call::heartbeat { heartbeat, signature })
}

/// Returns a report as a node sends it.
pub fn report(who: Sr25519Keyring, kind: ReportKind, of: &[Sr25519Keyring]) -> UncheckedExtrinsic {
	let Payload { roster, window, index: reporter } = payload(who);
	let mut targets: Vec<u32> = of.iter().map(|target| index(*target)).collect();
	targets.sort();
	let targets = targets.try_into().expect("this many members fit");
	let report = Report { roster, window, reporter, kind, targets };
	let signature = sign(who, &report);
	general(pallet_heartbeat::Call::report { report, signature })
}

/// Signs a statement with a member's heartbeat key.
pub fn sign(who: Sr25519Keyring, statement: &impl Statement) -> AuthoritySignature {
	let pair = AuthorityPair::from_string(&format!("//{who}"), None).expect("a well-known seed");
	pair.sign(&statement.payload(&System::block_hash(0)))
}

/// Returns a member's heartbeat key.
pub fn heartbeat_key(who: Sr25519Keyring) -> understudy_primitives::crypto::AuthorityId {
	AuthorityPair::from_string(&format!("//{who}"), None).expect("a well-known seed").public()
}

/// Returns a general transaction, which authorizes itself.
pub fn general(call: impl Into<RuntimeCall>) -> UncheckedExtrinsic {
	let extension =
		<Runtime as CreateAuthorizedTransaction<pallet_heartbeat::Call<Runtime>>>::create_extension();
	UncheckedExtrinsic::new_transaction(call.into(), extension)
}

/// Dispatches a call as root, as governance does.
pub fn as_root(call: impl Into<RuntimeCall>) -> DispatchResult {
	call.into().dispatch_bypass_filter(RuntimeOrigin::root()).map(|_| ()).map_err(|error| error.error)
}

/// Sets parameters as governance does.
pub fn set(changes: Vec<RuntimeParameters>) -> DispatchResult {
	as_root(pallet_settings::Call::set { changes: changes.try_into().expect("this many changes fit") })
}

/// Returns the names of the validators.
pub fn validators() -> Vec<Sr25519Keyring> {
	named(Session::validators())
}

/// Returns the names of accounts.
pub fn named(accounts: Vec<AccountId>) -> Vec<Sr25519Keyring> {
	accounts
		.iter()
		.filter_map(|who| MORE_MEMBERS.into_iter().find(|member| member.to_account_id() == *who))
		.collect()
}

/// Returns the log so far.
pub fn log() -> Vec<Entry<AccountId, BlockNumber>> {
	Failover::timeline(0, u32::MAX)
}
