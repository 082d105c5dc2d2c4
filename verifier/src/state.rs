//! What is proven of the state: the trie's nodes from the root to each value, and not one more.

use alloc::{vec, vec::Vec};
use codec::Encode;
use sp_core::{crypto::KeyTypeId, H256};
use sp_io::hashing::{twox_128, twox_64};
use sp_runtime::traits::BlakeTwo256;
use sp_trie::{accessed_nodes_tracker::AccessedNodesTracker, LayoutV1, StorageProof, Trie, TrieDBBuilder};
use understudy_primitives::{IncidentId, LogHead};

use crate::{Fault, ProvenIncident};

/// Where the state has what a bundle proves.
pub struct StateKeys {
	/// The genesis hash, by which it is known which chain's state it is.
	pub genesis: Vec<u8>,
	/// The time of the block.
	pub time: Vec<u8>,
	/// The log's head.
	pub head: Vec<u8>,
	/// The incident.
	pub incident: Option<Vec<u8>>,
}

impl StateKeys {
	/// All of them.
	pub fn all(&self) -> Vec<Vec<u8>> {
		let mut all = vec![self.genesis.clone(), self.time.clone(), self.head.clone()];
		all.extend(self.incident.clone());
		all
	}
}

fn item(pallet: &str, item: &str) -> Vec<u8> {
	[twox_128(pallet.as_bytes()), twox_128(item.as_bytes())].concat()
}

fn twox_64_concat(key: impl Encode) -> Vec<u8> {
	key.using_encoded(|key| [&twox_64(key)[..], key].concat())
}

/// Where the state has what a forced change proves.
pub struct RecoveryKeys {
	/// The genesis hash, by which it is known which chain's state it is.
	pub genesis: Vec<u8>,
	/// The rosters over which votes are counted.
	pub rosters: Vec<u8>,
	/// The set that is proposed.
	pub proposed: Vec<u8>,
	/// The stall.
	pub stalled: Vec<u8>,
	/// The last change that was forced, and for which proposal.
	pub forced: Vec<u8>,
}

/// The keys, where the recovery pallet is called `pallet`.
pub fn recovery_keys(pallet: &str) -> RecoveryKeys {
	RecoveryKeys {
		genesis: genesis_key(),
		rosters: item(pallet, "Rosters"),
		proposed: item(pallet, "Proposed"),
		stalled: item(pallet, "Stalled"),
		forced: item(pallet, "Forced"),
	}
}

/// Where the state has whose session key this is.
pub fn owner_key(key_type: KeyTypeId, key: &H256) -> Vec<u8> {
	[item("Session", "KeyOwner"), twox_64_concat((key_type, &key[..]))].concat()
}

fn genesis_key() -> Vec<u8> {
	[item("System", "BlockHash"), twox_64_concat(0u32)].concat()
}

/// The keys, where the failover pallet is called `pallet`.
pub fn keys(pallet: &str, incident: Option<IncidentId>) -> StateKeys {
	StateKeys {
		genesis: genesis_key(),
		time: item("Timestamp", "Now"),
		head: item(pallet, "Head"),
		incident: incident.map(|id| [item(pallet, "Incidents"), twox_64_concat(id)].concat()),
	}
}

/// Reads values from a proof of a state with this root, all of whose nodes must be needed.
pub fn values(root: H256, nodes: &[Vec<u8>], keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, Fault> {
	let proof = StorageProof::new(nodes.iter().cloned());
	// The same node twice is one too many.
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

/// Checks what a bundle says of the state.
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
	// Another chain's state is named as what it is.
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
