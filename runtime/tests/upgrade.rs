//! Tests that chains of the first release, `fa0aad0`, continue with this runtime. `fixtures/` has
//! the complete states of two such chains: one after a failover, with a member in jail and a
//! retired one, and one in a stall, with votes for a recovery.

mod chain;

use std::collections::BTreeMap;

use chain::*;
use frame_support::{
	storage::unhashed,
	traits::{GetStorageVersion, OnRuntimeUpgrade, StorageVersion},
	weights::Weight,
};
use pallet_recovery::Mode;
use sp_runtime::traits::Header as _;
use understudy_primitives::RecordKind;
use understudy_runtime::{
	AccountId, Aura, Executive, Failover, Grandpa, Hash, Header, Heartbeat, Recovery, Runtime, Session,
	SessionKeys, System, ValidatorRotation,
};

/// Returns the state of a chain of the first release.
fn state(name: &str) -> sp_io::TestExternalities {
	let path = format!("tests/fixtures/{name}-fa0aad0.json");
	let json = std::fs::read(path).expect("the fixture exists");
	let items: BTreeMap<String, String> = serde_json::from_slice(&json).expect("the fixture is JSON");
	let bytes = |hex: &str| sp_core::bytes::from_hex(hex).expect("the value is hexadecimal");
	let mut ext = sp_io::TestExternalities::default();
	ext.execute_with(|| {
		for (key, value) in &items {
			sp_io::storage::set(&bytes(key), &bytes(value));
		}
	});
	ext
}

fn versions() -> [StorageVersion; 4] {
	[
		Heartbeat::on_chain_storage_version(),
		ValidatorRotation::on_chain_storage_version(),
		Failover::on_chain_storage_version(),
		Recovery::on_chain_storage_version(),
	]
}

/// Upgrades a chain as the first block after `set_code` does, and runs a test on the chain after
/// it.
fn upgrade(name: &str, test: impl FnOnce(&mut Chain)) {
	state(name).execute_with(|| {
		assert_eq!(versions(), [0; 4].map(StorageVersion::new));
		Executive::execute_on_runtime_upgrade();
		assert_eq!(versions(), [0, 1, 0, 1].map(StorageVersion::new));
		Recovery::do_try_state().expect("recovery's invariants hold");
		check();
		let number = System::block_number();
		let parent =
			Header::new(number, Hash::zero(), Hash::zero(), System::parent_hash(), Default::default());
		let slot = u64::from(pallet_aura::CurrentSlot::<Runtime>::get()) + 1;
		test(&mut Chain::after(parent, slot));
		// The pallets' migrations run once: run again, they change nothing.
		let root = || sp_io::storage::root(sp_core::storage::StateVersion::V1);
		let before = root();
		understudy_runtime::configs::system::Migrations::on_runtime_upgrade();
		assert_eq!((root(), versions()), (before, [0, 1, 0, 1].map(StorageVersion::new)));
	});
}

#[test]
fn a_chain_after_a_failover_goes_on() {
	upgrade("failover", |chain| {
		let known = log().len();
		assert!(known > 3);
		assert!(ValidatorRotation::conduct(Bob.to_account_id()).is_some());
		assert!(ValidatorRotation::conduct(Ferdie.to_account_id()).is_some());
		assert_eq!(pallet_validator_rotation::Evictions::<Runtime>::get().len(), 1);
		let status = Recovery::status();
		assert_eq!((status.mode, status.finalized > 20), (Mode::Safe, true));
		// The next member fails, and is replaced.
		chain.dead = vec![Bob];
		chain.blocks(30);
		assert!(Recovery::status().members >= 4);
		let victim = validators()[0];
		chain.dead.push(victim);
		chain.until(|| !validators().contains(&victim));
		assert!(log().len() > known);
	});
}

#[test]
fn votes_of_a_stall_are_not_lost_and_carry_the_recovery_out() {
	upgrade("stall", |chain| {
		let status = Recovery::status();
		assert_eq!(status.mode, Mode::DegradedSafe);
		assert!(status.votes >= 2 && status.proposal.is_some());
		let proposal = status.proposal.expect("a set is proposed");
		let ballots = pallet_recovery::Ballots::<Runtime>::get();
		assert_eq!(ballots.last().map(|ballot| ballot.proposal), Some(proposal));
		assert_eq!(pallet_recovery::BallotKeys::<Runtime>::iter().count() as u32, status.votes);
		assert!(pallet_recovery::Stalled::<Runtime>::exists());
		// Dead members stay dead; the others vote.
		let (_, voted) = Recovery::participants();
		let present: Vec<_> = named(Recovery::participants().0);
		chain.dead = MORE_MEMBERS.into_iter().filter(|who| !present.contains(who)).collect();
		let mut recovering = false;
		for _ in 0..20 {
			let present = present.clone();
			chain.slot_with(|| {
				let status = Recovery::status();
				for who in present.iter().filter(|who| !voted.contains(&who.to_account_id())) {
					let base = pallet_recovery::BlockId {
						number: status.finalized,
						hash: System::block_hash(status.finalized),
					};
					let statement = pallet_recovery::Vote { who: who.to_account_id(), proposal, base };
					let signature = sign(*who, &statement);
					let signed = pallet_recovery::Signed { statement, signature };
					apply(general(pallet_recovery::Call::vote { signed })).ok();
				}
			});
			recovering |= log().iter().any(|entry| entry.record.kind == RecordKind::Recovering);
		}
		assert!(recovering, "{:?}", Recovery::status());
	});
}

/// A value that the current layout cannot decode reads as absent or as the default, so all values
/// must be readable.
#[test]
fn all_of_the_state_can_be_read_after_the_upgrade() {
	for name in ["failover", "stall"] {
		state(name).execute_with(|| {
			Executive::execute_on_runtime_upgrade();
			for (pallet, items) in understudy_items() {
				for (item, read) in items {
					let key = frame_support::storage::storage_prefix(pallet.as_bytes(), item.as_bytes());
					let there = sp_io::storage::get(&key).is_some();
					assert_eq!(there, read(), "{pallet}::{item} of {name}");
				}
			}
		});
	}
}

/// Storage items of a pallet, each with a function that returns `true` if it can be read.
type Items = Vec<(&'static str, fn() -> bool)>;

/// Returns the single storage values of the suite's pallets.
fn understudy_items() -> [(&'static str, Items); 4] {
	macro_rules! items {
		($pallet:ident: $($item:ident),*) => {
			vec![$((stringify!($item), || {
				let key = $pallet::$item::<Runtime>::hashed_key();
				sp_io::storage::get(&key).is_some_and(|_| {
					$pallet::$item::<Runtime>::try_get().is_ok()
				})
			})),*]
		};
	}
	[
		("Heartbeat", items!(pallet_heartbeat: Window, LastSlot, Systemic)),
		(
			"ValidatorRotation",
			items!(pallet_validator_rotation: Elected, Active, Reserve, Planned, Pending, Progress, Evictions,
				Conducts, Retiring, Cases, Suspicions, Suspended, Held),
		),
		("Failover", items!(pallet_failover: Head, Peaks, Seed, LastIncident, Awaiting)),
		(
			"Recovery",
			items!(pallet_recovery: Status, Rosters, Present, Proposed, Votes, Forced, Stalled, Ballots),
		),
	]
}

sp_runtime::impl_opaque_keys! {
	/// Session keys of a chain without heartbeat keys.
	pub struct OldSessionKeys {
		/// Authors' keys.
		pub aura: Aura,
		/// Voters' keys.
		pub grandpa: Grandpa,
	}
}

/// Adds heartbeat keys to the session keys of a chain that lacks them. Runs once, in the block that
/// brings the suite.
#[docify::export]
struct AddHeartbeatKeys;

#[docify::export(add_heartbeat_keys)]
impl OnRuntimeUpgrade for AddHeartbeatKeys {
	fn on_runtime_upgrade() -> Weight {
		Session::upgrade_keys::<OldSessionKeys, _>(|_, OldSessionKeys { aura, grandpa }| {
			// The Aura key is unique, and so is the heartbeat key taken from it. Each validator
			// sets a key of its own later.
			let heartbeat = sp_core::sr25519::Public::from(aura.clone()).into();
			SessionKeys { aura, grandpa, heartbeat }
		});
		<Runtime as frame_system::Config>::BlockWeights::get().max_block
	}
}

#[test]
fn session_keys_that_lack_ours_get_one() {
	use pallet_session::{KeyOwner, NextKeys, QueuedKeys};
	use understudy_primitives::crypto::KEY_TYPE;
	run(|chain| {
		chain.blocks(3);
		let (keys, queued): (Vec<_>, _) =
			(NextKeys::<Runtime>::iter().collect(), QueuedKeys::<Runtime>::get());
		assert_eq!(keys.len(), 6);
		let old = |keys: SessionKeys| OldSessionKeys { aura: keys.aura, grandpa: keys.grandpa };
		let owner_key = |keys: &SessionKeys| {
			let raw = sp_core::sr25519::Public::from(keys.heartbeat.clone()).0.to_vec();
			(KEY_TYPE, raw)
		};
		// As if there had never been a heartbeat key.
		for (who, keys) in keys.clone() {
			KeyOwner::<Runtime>::remove(owner_key(&keys));
			unhashed::put(&NextKeys::<Runtime>::hashed_key_for(&who), &old(keys));
		}
		let queued_before: Vec<(AccountId, OldSessionKeys)> =
			queued.clone().into_iter().map(|(who, keys)| (who, old(keys))).collect();
		unhashed::put(&QueuedKeys::<Runtime>::hashed_key(), &queued_before);
		AddHeartbeatKeys::on_runtime_upgrade();
		for (who, keys) in keys {
			assert_eq!(KeyOwner::<Runtime>::get(owner_key(&keys)), Some(who.clone()));
			assert_eq!(NextKeys::<Runtime>::get(&who), Some(keys));
		}
		assert_eq!(QueuedKeys::<Runtime>::get(), queued);
		let before = validators();
		chain.blocks(30);
		assert_eq!(validators(), before);
	});
}
