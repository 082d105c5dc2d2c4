//! State proofs: the trie nodes from the root to each value, and no others.

use alloc::{vec, vec::Vec};
use codec::Encode;
use sp_core::{crypto::KeyTypeId, H256};
use sp_io::hashing::{twox_128, twox_64};
use sp_runtime::traits::BlakeTwo256;
use sp_trie::{accessed_nodes_tracker::AccessedNodesTracker, LayoutV1, StorageProof, Trie, TrieDBBuilder};
use understudy_primitives::{IncidentId, LogHead};

use crate::{Fault, ProvenIncident};

/// Storage keys of the values that a bundle proves.
pub struct StateKeys {
	/// Key of the genesis hash, which identifies the chain.
	pub genesis: Vec<u8>,
	/// Key of the time of the block.
	pub time: Vec<u8>,
	/// Key of the head of the log.
	pub head: Vec<u8>,
	/// Key of the incident, if one is proven.
	pub incident: Option<Vec<u8>>,
}

impl StateKeys {
	/// Returns all keys.
	pub fn all(&self) -> Vec<Vec<u8>> {
		let mut all = vec![self.genesis.clone(), self.time.clone(), self.head.clone()];
		all.extend(self.incident.clone());
		all
	}
}

/// Returns the storage key of a value of a pallet, or the prefix of a map.
pub fn item(pallet: &str, item: &str) -> Vec<u8> {
	[twox_128(pallet.as_bytes()), twox_128(item.as_bytes())].concat()
}

/// Returns the part of a storage key of a map that hashes its keys with `Twox64Concat`.
pub fn twox_64_concat(key: impl Encode) -> Vec<u8> {
	key.using_encoded(|key| [&twox_64(key)[..], key].concat())
}

/// Storage keys of the values that a forced change proves.
pub struct RecoveryKeys {
	/// Key of the genesis hash, which identifies the chain.
	pub genesis: Vec<u8>,
	/// Key of the rosters over which votes are counted.
	pub rosters: Vec<u8>,
	/// Key of the proposed set.
	pub proposed: Vec<u8>,
	/// Key of the stall.
	pub stalled: Vec<u8>,
	/// Key of the last forced change and its proposal.
	pub forced: Vec<u8>,
}

/// Returns the keys on a chain whose recovery pallet is called `pallet`.
pub fn recovery_keys(pallet: &str) -> RecoveryKeys {
	RecoveryKeys {
		genesis: genesis_key(),
		rosters: item(pallet, "Rosters"),
		proposed: item(pallet, "Proposed"),
		stalled: item(pallet, "Stalled"),
		forced: item(pallet, "Forced"),
	}
}

/// Returns the storage key of the owner of a session key.
pub fn owner_key(key_type: KeyTypeId, key: &H256) -> Vec<u8> {
	[item("Session", "KeyOwner"), twox_64_concat((key_type, &key[..]))].concat()
}

/// Returns the storage key of the genesis hash.
pub(crate) fn genesis_key() -> Vec<u8> {
	[item("System", "BlockHash"), twox_64_concat(0u32)].concat()
}

/// Returns the storage key of the time of a block.
pub(crate) fn time_key() -> Vec<u8> {
	item("Timestamp", "Now")
}

/// Returns the keys on a chain whose failover pallet is called `pallet`.
pub fn keys(pallet: &str, incident: Option<IncidentId>) -> StateKeys {
	StateKeys {
		genesis: genesis_key(),
		time: time_key(),
		head: item(pallet, "Head"),
		incident: incident.map(|id| [item(pallet, "Incidents"), twox_64_concat(id)].concat()),
	}
}

/// Reads the values under these keys from a proof of the state with this root. `None` for an absent
/// value. Every node of the proof must be needed.
pub fn values(root: H256, nodes: &[Vec<u8>], keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, Fault> {
	let proof = StorageProof::new(nodes.iter().cloned());
	// The proof is a set: a node that is present twice is superfluous.
	if proof.len() != nodes.len() {
		return Err(Fault::UnusedNode);
	}
	let db = proof.into_memory_db::<BlakeTwo256>();
	let mut tracker = AccessedNodesTracker::<H256>::new(nodes.len());
	let mut found = Vec::new();
	{
		let trie =
			TrieDBBuilder::<LayoutV1<BlakeTwo256>>::new(&db, &root).with_recorder(&mut tracker).build();
		for key in keys {
			found.push(trie.get(key).map_err(|_| Fault::Unproven)?);
		}
	}
	tracker.ensure_no_unused_nodes().map_err(|_| Fault::UnusedNode)?;
	Ok(found)
}

/// Checks that the state has the values of a bundle.
pub(crate) fn check(
	root: H256,
	nodes: &[Vec<u8>],
	pallet: &str,
	genesis: &H256,
	time: u64,
	log: &LogHead,
	incident: Option<&ProvenIncident>,
) -> Result<(), Fault> {
	let keys = keys(pallet, incident.map(|proven| proven.id));
	let mut expected = vec![genesis.encode(), time.encode(), log.encode()];
	expected.extend(incident.map(|proven| proven.incident.encode()));
	let found = values(root, nodes, &keys.all())?;
	// The state of another chain has a fault of its own.
	if found.first() != Some(&Some(genesis.encode())) {
		return Err(Fault::WrongChain);
	}
	let expected: Vec<_> = expected.into_iter().map(Some).collect();
	if found == expected {
		Ok(())
	} else {
		Err(Fault::WrongValue)
	}
}
