//! Genesis presets: a chain with one validator, and networks with four and with seven, each with
//! two standbys.

use alloc::{collections::BTreeSet, string::String, vec::Vec};
use frame_support::build_struct_json_patch;
use pallet_heartbeat::registration::Profile;
use pallet_staking::StakerStatus;
use serde_json::Value;
use sp_core::{ed25519, sr25519};
use sp_genesis_builder::{PresetId, DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET};
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};
use sp_runtime::Perbill;

use crate::{constants::UNIT, AccountId, Balance, *};

/// Balance of every well-known account at genesis.
const ENDOWMENT: Balance = 10_000_000 * UNIT;
/// Bond of the best-backed validator. Each next one bonds [`BOND_STEP`] less, so that no tie
/// decides between the active set and the reserve.
const FIRST_BOND: Balance = 1_000_000 * UNIT;
const BOND_STEP: Balance = 50_000 * UNIT;

/// Candidate for election that keeps the keys of its node itself.
#[derive(Clone)]
pub struct Candidate {
	account: AccountId,
	/// Operator of the node.
	operator: String,
	keys: SessionKeys,
}

impl Candidate {
	/// Creates a candidate with well-known keys.
	pub fn known(who: Sr25519Keyring, grandpa: Ed25519Keyring) -> Self {
		Self::new(&alloc::format!("{who}"), who.public(), grandpa.public())
	}

	/// Creates a candidate with this sr25519 key for its account, Aura and heartbeats, and this
	/// ed25519 key for GRANDPA.
	pub fn new(operator: &str, key: sr25519::Public, grandpa: ed25519::Public) -> Self {
		let keys = SessionKeys { aura: key.into(), grandpa: grandpa.into(), heartbeat: key.into() };
		Self { account: key.0.into(), operator: operator.into(), keys }
	}

	/// Returns the candidate `//Grace`, which is not among the well-known keys.
	fn grace() -> Self {
		let key = sp_core::hex2array!("3639103416b054f3362b835dded8ca33c11f11d4360a6f434034e9b46662693d");
		let grandpa = sp_core::hex2array!("917157e13324cf89bd62d4db9111b50f4b6abee955badde6f1d6698b2e25fdc9");
		Self::new("Grace", sr25519::Public::from_raw(key), ed25519::Public::from_raw(grandpa))
	}
}

/// Returns a genesis in which `candidates` are bonded, in order of preference, and the first
/// `active` of them form the active set.
pub fn network(candidates: &[Candidate], active: usize) -> Value {
	let keyed: Vec<(AccountId, AccountId, SessionKeys)> = candidates
		.iter()
		.map(|candidate| (candidate.account.clone(), candidate.account.clone(), candidate.keys.clone()))
		.collect();
	let (authorities, reserve) = keyed.split_at(active);
	let stakers = candidates
		.iter()
		.enumerate()
		.map(|(place, Candidate { account, .. })| {
			let bond = FIRST_BOND.saturating_sub(BOND_STEP * place as Balance).max(BOND_STEP);
			(account.clone(), account.clone(), bond, StakerStatus::Validator)
		})
		.collect();
	let tag = |text: &str| pallet_heartbeat::registration::Tag::truncate_from(text.as_bytes().to_vec());
	let registrations = candidates
		.iter()
		.map(|Candidate { account, operator, .. }| {
			(account.clone(), Profile { endpoint: None, region: tag("local"), operator: tag(operator) })
		})
		.collect();
	let candidates = candidates.iter().map(|candidate| candidate.account.clone());
	let endowed: BTreeSet<AccountId> =
		Sr25519Keyring::well_known().map(|who| who.to_account_id()).chain(candidates).collect();
	let guardians = [Sr25519Keyring::Alice, Sr25519Keyring::Bob, Sr25519Keyring::Charlie];

	build_struct_json_patch!(RuntimeGenesisConfig {
		balances: BalancesConfig { balances: endowed.into_iter().map(|who| (who, ENDOWMENT)).collect() },
		staking: StakingConfig {
			validator_count: keyed.len() as u32,
			// Also the number of seats, see `SeatsToElect`.
			minimum_validator_count: active as u32,
			slash_reward_fraction: Perbill::from_percent(10),
			stakers,
		},
		session: SessionConfig { keys: authorities.to_vec(), non_authority_keys: reserve.to_vec() },
		// Operators announce their nodes' endpoints later, by `heartbeat.update`.
		heartbeat: HeartbeatConfig { registrations },
		guardians: GuardiansConfig { members: guardians.map(|who| who.to_account_id()).to_vec() },
	})
}

/// Preset for the benchmarks of evidence, including those of im-online: a thousand validators with
/// their session keys.
#[cfg(feature = "runtime-benchmarks")]
pub const THOUSAND_RUNTIME_PRESET: &str = "thousand";

#[cfg(feature = "runtime-benchmarks")]
fn thousand() -> Value {
	use pallet_heartbeat::benchmarking::{member, MEMBERS};
	let keys = (0..MEMBERS).map(|index| {
		let (account, key) = member::<AccountId>(index);
		(account.clone(), account, benchmarks::session_keys(key))
	});
	build_struct_json_patch!(RuntimeGenesisConfig { session: SessionConfig { keys: keys.collect() } })
}

/// Preset with seven validators and two standbys.
pub const SEVEN_RUNTIME_PRESET: &str = "seven";

/// Returns the JSON patch of a preset.
pub fn get_preset(id: &PresetId) -> Option<Vec<u8>> {
	use {Ed25519Keyring as Ed, Sr25519Keyring as Sr};
	let six = [
		Candidate::known(Sr::Alice, Ed::Alice),
		Candidate::known(Sr::Bob, Ed::Bob),
		Candidate::known(Sr::Charlie, Ed::Charlie),
		Candidate::known(Sr::Dave, Ed::Dave),
		Candidate::known(Sr::Eve, Ed::Eve),
		Candidate::known(Sr::Ferdie, Ed::Ferdie),
	];
	let three = [Candidate::known(Sr::One, Ed::One), Candidate::known(Sr::Two, Ed::Two), Candidate::grace()];
	let patch = match id.as_ref() {
		DEV_RUNTIME_PRESET => network(&six[..1], 1),
		LOCAL_TESTNET_RUNTIME_PRESET => network(&six, 4),
		SEVEN_RUNTIME_PRESET => network(&[&six[..], &three[..]].concat(), 7),
		#[cfg(feature = "runtime-benchmarks")]
		THOUSAND_RUNTIME_PRESET => thousand(),
		_ => return None,
	};
	serde_json::to_vec(&patch).ok()
}

/// Returns the names of the presets.
pub fn preset_names() -> Vec<PresetId> {
	[DEV_RUNTIME_PRESET, LOCAL_TESTNET_RUNTIME_PRESET, SEVEN_RUNTIME_PRESET].map(PresetId::from).to_vec()
}
