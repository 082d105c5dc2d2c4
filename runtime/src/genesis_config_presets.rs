//! Genesis presets: a chain of one, and a network of four with two in reserve.

use alloc::{collections::BTreeSet, vec, vec::Vec};
use frame_support::build_struct_json_patch;
use pallet_heartbeat::registration::Profile;
use pallet_staking::StakerStatus;
use serde_json::Value;
use sp_genesis_builder::{PresetId, DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET};
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};
use sp_runtime::Perbill;

use crate::{constants::UNIT, AccountId, Balance, *};

/// What every well-known account has at genesis.
const ENDOWMENT: Balance = 10_000_000 * UNIT;
/// What the best-backed validator bonds; each next one a little less, so that who is active and who is in reserve does
/// not hang on ties.
const FIRST_BOND: Balance = 1_000_000 * UNIT;
const BOND_STEP: Balance = 50_000 * UNIT;

fn session_keys(who: Sr25519Keyring, grandpa: Ed25519Keyring) -> SessionKeys {
	SessionKeys {
		aura: who.public().into(),
		grandpa: grandpa.public().into(),
		heartbeat: who.public().into(),
	}
}

/// A genesis where `candidates` are bonded, in order of preference, and the first `active` of them sit.
pub fn network(candidates: &[(Sr25519Keyring, Ed25519Keyring)], active: usize) -> Value {
	let keyed: Vec<(AccountId, AccountId, SessionKeys)> = candidates
		.iter()
		.map(|(who, grandpa)| (who.to_account_id(), who.to_account_id(), session_keys(*who, *grandpa)))
		.collect();
	let (authorities, reserve) = keyed.split_at(active);
	let stakers = candidates
		.iter()
		.enumerate()
		.map(|(place, (who, _))| {
			let bond = FIRST_BOND - BOND_STEP * place as Balance;
			(who.to_account_id(), who.to_account_id(), bond, StakerStatus::Validator)
		})
		.collect();
	let tag = |text: &str| pallet_heartbeat::registration::Tag::truncate_from(text.as_bytes().to_vec());
	let registrations = candidates
		.iter()
		.map(|(who, _)| {
			let operator = tag(&alloc::format!("{who}"));
			(who.to_account_id(), Profile { endpoint: None, region: tag("local"), operator })
		})
		.collect();
	let candidates = candidates.iter().map(|(who, _)| *who);
	let endowed: BTreeSet<AccountId> =
		Sr25519Keyring::well_known().chain(candidates).map(|who| who.to_account_id()).collect();
	let guardians = [Sr25519Keyring::Alice, Sr25519Keyring::Bob, Sr25519Keyring::Charlie];

	build_struct_json_patch!(RuntimeGenesisConfig {
		balances: BalancesConfig { balances: endowed.into_iter().map(|who| (who, ENDOWMENT)).collect() },
		staking: StakingConfig {
			validator_count: keyed.len() as u32,
			minimum_validator_count: 1,
			slash_reward_fraction: Perbill::from_percent(10),
			stakers,
		},
		session: SessionConfig { keys: authorities.to_vec(), non_authority_keys: reserve.to_vec() },
		// Where a node listens is for its operator to say: `heartbeat.update`.
		heartbeat: HeartbeatConfig { registrations },
		guardians: GuardiansConfig { members: guardians.map(|who| who.to_account_id()).to_vec() },
	})
}

/// The JSON patch of a preset.
pub fn get_preset(id: &PresetId) -> Option<Vec<u8>> {
	use {Ed25519Keyring as Ed, Sr25519Keyring as Sr};
	let patch = match id.as_ref() {
		DEV_RUNTIME_PRESET => network(&[(Sr::Alice, Ed::Alice)], 1),
		LOCAL_TESTNET_RUNTIME_PRESET => network(
			&[
				(Sr::Alice, Ed::Alice),
				(Sr::Bob, Ed::Bob),
				(Sr::Charlie, Ed::Charlie),
				(Sr::Dave, Ed::Dave),
				(Sr::Eve, Ed::Eve),
				(Sr::Ferdie, Ed::Ferdie),
			],
			4,
		),
		_ => return None,
	};
	serde_json::to_vec(&patch).ok()
}

/// The presets there are.
pub fn preset_names() -> Vec<PresetId> {
	vec![PresetId::from(DEV_RUNTIME_PRESET), PresetId::from(LOCAL_TESTNET_RUNTIME_PRESET)]
}
