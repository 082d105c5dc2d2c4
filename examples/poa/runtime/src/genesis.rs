//! Genesis preset: a network of four validators and two standbys, with well-known keys.

use alloc::vec::Vec;
use frame_support::build_struct_json_patch;
use pallet_heartbeat::registration::Profile;
use sp_genesis_builder::{PresetId, LOCAL_TESTNET_RUNTIME_PRESET};
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};

use crate::*;

/// Number of validators; the others are standbys.
const SEATS: usize = 4;

fn local() -> serde_json::Value {
	use {Ed25519Keyring as Ed, Sr25519Keyring as Sr};
	let members = [
		(Sr::Alice, Ed::Alice),
		(Sr::Bob, Ed::Bob),
		(Sr::Charlie, Ed::Charlie),
		(Sr::Dave, Ed::Dave),
		(Sr::Eve, Ed::Eve),
		(Sr::Ferdie, Ed::Ferdie),
	];
	let accounts: Vec<AccountId> = members.iter().map(|(key, _)| key.to_account_id()).collect();
	let keyed: Vec<(AccountId, AccountId, SessionKeys)> = members
		.iter()
		.map(|(key, grandpa)| {
			let (account, key) = (key.to_account_id(), key.public());
			let keys =
				SessionKeys { aura: key.into(), grandpa: grandpa.public().into(), heartbeat: key.into() };
			(account.clone(), account, keys)
		})
		.collect();
	let (active, reserve) = keyed.split_at(SEATS);
	let profile = Profile { endpoint: None, region: Default::default(), operator: Default::default() };
	let registrations: Vec<(AccountId, Profile)> =
		accounts.iter().map(|account| (account.clone(), profile.clone())).collect();
	build_struct_json_patch!(RuntimeGenesisConfig {
		balances: BalancesConfig {
			balances: accounts.iter().map(|account| (account.clone(), 1 << 60)).collect(),
		},
		sudo: SudoConfig { key: accounts.first().cloned() },
		validator_list: ValidatorListConfig { validators: accounts.clone() },
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
