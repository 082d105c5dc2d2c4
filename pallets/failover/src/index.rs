//! Offchain index of every node: all records with their evidence, and all nodes of the MMR.
//!
//! Both are stored under their own hash, and found from the peaks in state downwards. Entries of
//! blocks on another fork therefore never interfere, a corrupted database is noticed, and queries
//! can be answered as of any block whose state the node has.

use alloc::{collections::BTreeMap, vec::Vec};
use core::cell::RefCell;

use codec::{Decode, Encode};
use sp_core::{offchain::StorageKind, H256};
use understudy_primitives::{
	api::{ReadError, TIMELINE_LIMIT},
	index::{node_key, record_key},
	mmr::{Ancestry, Nodes},
	Entry, RecordSeq,
};

/// Stores an entry.
pub(crate) fn keep_entry<AccountId: Encode, BlockNumber: Encode>(
	hash: &H256,
	entry: &Entry<AccountId, BlockNumber>,
) {
	sp_io::offchain_index::set(&record_key(hash), &entry.encode());
}

/// Stores an inner node with its children.
pub(crate) fn keep_node(node: H256, left: H256, right: H256) {
	sp_io::offchain_index::set(&node_key(&node), &(left, right).encode());
}

fn read<V: Decode>(key: &[u8]) -> Option<V> {
	let value = sp_io::offchain::local_storage_get(StorageKind::PERSISTENT, key)?;
	V::decode(&mut &value[..]).ok()
}

/// Calls `ask` with the MMR of `count` records with these peaks. Nodes are cached for the call,
/// because the paths down to two records begin alike.
fn with_nodes<R>(count: u64, peaks: &[H256], ask: impl FnOnce(&Nodes) -> R) -> R {
	let known = RefCell::new(BTreeMap::new());
	let children = |node: &H256| {
		if let Some(found) = known.borrow().get(node) {
			return Some(*found);
		}
		let found: (H256, H256) = read(&node_key(node))?;
		known.borrow_mut().insert(*node, found);
		Some(found)
	};
	ask(&Nodes::new(count, peaks, &children))
}

fn check(seqs: &[RecordSeq], count: u64) -> Result<(), ReadError> {
	if seqs.is_empty() || seqs.len() > TIMELINE_LIMIT as usize {
		return Err(ReadError::BadCount);
	}
	if seqs.iter().any(|seq| *seq >= count) {
		return Err(ReadError::NoSuchRecord);
	}
	Ok(())
}

/// Returns these entries of a log of `count` records with these peaks.
pub(crate) fn entries<AccountId: Decode + Encode, BlockNumber: Decode + Encode>(
	seqs: &[RecordSeq],
	count: u64,
	peaks: &[H256],
) -> Result<Vec<Entry<AccountId, BlockNumber>>, ReadError> {
	check(seqs, count)?;
	let entry = |nodes: &Nodes, seq: RecordSeq| {
		let hash = nodes.leaf(seq)?;
		let entry: Entry<AccountId, BlockNumber> = read(&record_key(&hash))?;
		(entry.record.hash() == hash).then_some(entry)
	};
	with_nodes(count, peaks, |nodes| {
		seqs.iter().map(|seq| entry(nodes, *seq).ok_or(ReadError::NotIndexed)).collect()
	})
}

/// Returns the proof that these records are in a log of `count` records with these peaks.
pub(crate) fn prove(seqs: &[RecordSeq], count: u64, peaks: &[H256]) -> Result<Vec<H256>, ReadError> {
	check(seqs, count)?;
	with_nodes(count, peaks, |nodes| nodes.prove(seqs)).ok_or(ReadError::NotIndexed)
}

/// Returns the proof that the log with its first `before` records is a prefix of the log of `count`
/// records with these peaks.
pub(crate) fn ancestry(before: u64, count: u64, peaks: &[H256]) -> Result<Ancestry, ReadError> {
	if before == 0 || before >= count {
		return Err(ReadError::NoSuchRecord);
	}
	with_nodes(count, peaks, |nodes| nodes.ancestry(before)).ok_or(ReadError::NotIndexed)
}
