//! Computation of the genesis authority set from a raw chain specification, which contains the
//! state and therefore determines the genesis hash.

use std::collections::BTreeMap;

use anyhow::{bail, ensure, Context};
use codec::{Decode, DecodeAll};
use sp_consensus_grandpa::AuthorityList;
use sp_core::{Blake2Hasher, H256};
use sp_runtime::traits::Header as _;
use sp_trie::{empty_trie_root, LayoutV1, TrieConfiguration};
use understudy_verifier::{item, Header, Parachain, TrustedSet};

/// Key prefix of child tries, which a supported genesis state does not have.
const CHILDREN: &[u8] = b":child_storage:";

/// Genesis state.
type State = BTreeMap<Vec<u8>, Vec<u8>>;

/// Returns the genesis state in a raw chain specification.
fn state(spec: &serde_json::Value) -> anyhow::Result<State> {
	let top = spec["genesis"]["raw"]["top"]
		.as_object()
		.context("it has no genesis.raw.top: export it with --raw")?;
	let mut state = BTreeMap::new();
	for (key, value) in top {
		let value = value.as_str().context("a value of the state is not a string")?;
		state.insert(bytes(key)?, bytes(value)?);
	}
	ensure!(!state.keys().any(|key| key.starts_with(CHILDREN)), "its state has child tries");
	if spec["genesis"]["raw"]["childrenDefault"].as_object().is_some_and(|children| !children.is_empty()) {
		bail!("its state has child tries");
	}
	Ok(state)
}

/// Returns the genesis hash. The state is hashed as by a runtime with `system_version` 1 or later.
fn hash(state: &State) -> H256 {
	let root = LayoutV1::<Blake2Hasher>::trie_root(state.iter());
	Header::new(0, empty_trie_root::<LayoutV1<Blake2Hasher>>(), root, H256::zero(), Default::default()).hash()
}

/// Returns the prefix with which the chain's clients print accounts.
fn ss58_prefix(spec: &serde_json::Value) -> u16 {
	let prefix = spec["properties"]["ss58Format"].as_u64().and_then(|prefix| prefix.try_into().ok());
	prefix.unwrap_or(understudy_verifier::SS58_PREFIX)
}

/// Computes the genesis hash of a parachain. Its id is that of the pallet `ParachainInfo`. Returns
/// the prefix of its addresses as well.
pub fn parachain(spec: &[u8]) -> anyhow::Result<(Parachain, u16)> {
	let spec: serde_json::Value = serde_json::from_slice(spec).context("it is not JSON")?;
	let state = state(&spec)?;
	let id = state.get(&item("ParachainInfo", "ParachainId")).context("its state has no parachain id")?;
	let id = u32::decode_all(&mut &id[..]).context("its parachain id cannot be decoded")?;
	Ok((Parachain { id, genesis: hash(&state) }, ss58_prefix(&spec)))
}

/// Computes the genesis authority set.
pub fn trusted_set(spec: &[u8], pallet: String, recovery: String) -> anyhow::Result<TrustedSet> {
	let spec: serde_json::Value = serde_json::from_slice(spec).context("it is not JSON")?;
	let state = state(&spec)?;

	let authorities =
		state.get(&item("Grandpa", "Authorities")).context(
		"its state has no GRANDPA authorities; a chain that adopted GRANDPA later needs a trusted set from another \
		 source, see docs/proofs.md",
	)?;
	let authorities = AuthorityList::decode_all(&mut &authorities[..])
		.context("its GRANDPA authorities cannot be decoded")?;
	let set_id = state.get(&item("Grandpa", "CurrentSetId")).map_or(Ok(0), |id| u64::decode(&mut &id[..]))?;
	let ss58_prefix = ss58_prefix(&spec);
	let period = match &spec["properties"]["trustingPeriod"] {
		serde_json::Value::Null => understudy_verifier::TRUSTING_PERIOD,
		period => period.as_u64().context("its trustingPeriod is not a number of seconds")?,
	};
	ensure!(
		period <= understudy_verifier::MAX_TRUSTING_PERIOD,
		"its trustingPeriod of {period} seconds is more than 28 days"
	);
	Ok(TrustedSet {
		genesis: hash(&state),
		set_id,
		since: 0,
		as_of: 0,
		trusting_period: period,
		authorities,
		parachain: None,
		pallet,
		recovery,
		ss58_prefix,
	})
}

fn bytes(text: &str) -> anyhow::Result<Vec<u8>> {
	sp_core::bytes::from_hex(text).map_err(|why| anyhow::anyhow!("{text} is not hexadecimal: {why}"))
}
