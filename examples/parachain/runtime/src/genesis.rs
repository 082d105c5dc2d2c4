//! Genesis preset: four collators and two standbys, with well-known keys.

use alloc::vec::Vec;
use frame_support::build_struct_json_patch;
use pallet_heartbeat::registration::Profile;
use sp_genesis_builder::{PresetId, LOCAL_TESTNET_RUNTIME_PRESET};
use sp_keyring::Sr25519Keyring::{self, Alice, Bob, Charlie, Dave, Eve, Ferdie};

use crate::*;

/// Id of the parachain.
pub const PARA_ID: u32 = 2_000;

/// Number of collators; the others are standbys.
pub const SEATS: usize = 4;

/// Members in the order of their accounts, in which the collator-selection pallet keeps the
/// invulnerable collators.
pub const MEMBERS: [Sr25519Keyring; 6] = [Ferdie, Dave, Bob, Charlie, Alice, Eve];

fn local() -> serde_json::Value {
	let accounts: Vec<AccountId> = MEMBERS.iter().map(|key| key.to_account_id()).collect();
	let keyed: Vec<(AccountId, AccountId, SessionKeys)> = MEMBERS
		.iter()
		.map(|key| {
			let (account, key) = (key.to_account_id(), key.public());
			(account.clone(), account, SessionKeys { aura: key.into(), heartbeat: key.into() })
		})
		.collect();
	let (active, reserve) = keyed.split_at(SEATS);
	let profile = Profile { endpoint: None, region: Default::default(), operator: Default::default() };
	let registrations: Vec<(AccountId, Profile)> =
		accounts.iter().map(|account| (account.clone(), profile.clone())).collect();
	build_struct_json_patch!(RuntimeGenesisConfig {
		parachain_info: ParachainInfoConfig { parachain_id: PARA_ID.into() },
		balances: BalancesConfig {
			balances: accounts.iter().map(|account| (account.clone(), 1 << 60)).collect(),
		},
		sudo: SudoConfig { key: Some(Alice.to_account_id()) },
		collator_selection: CollatorSelectionConfig {
			invulnerables: accounts.clone(),
			candidacy_bond: 1 << 40,
			desired_candidates: 8,
		},
		heartbeat: HeartbeatConfig { registrations },
		session: SessionConfig { keys: active.to_vec(), non_authority_keys: reserve.to_vec() },
	})
}

/// Returns the JSON patch of a preset.
pub fn get_preset(id: &PresetId) -> Option<Vec<u8>> {
	if *id != LOCAL_TESTNET_RUNTIME_PRESET {
		return None;
	}
	serde_json::to_vec(&local()).ok()
}

/// Returns the names of the presets.
pub fn preset_names() -> Vec<PresetId> {
	alloc::vec![PresetId::from(LOCAL_TESTNET_RUNTIME_PRESET)]
}
