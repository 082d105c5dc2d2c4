//! What every node keeps in its offchain index: all records with their evidence, and all nodes of the MMR.
//!
//! Both are kept under their own hash, and found from the peaks in state downwards. So what the blocks of another fork wrote is
//! never in the way, a corrupted database is noticed, and any block whose state the node has can be answered for.

use alloc::{collections::BTreeMap, vec::Vec};
use core::cell::RefCell;

use codec::{Decode, Encode};
use sp_core::{offchain::StorageKind, H256};
use understudy_primitives::{
	api::{ReadError, TIMELINE_LIMIT},
	mmr::{Ancestry, Nodes},
	Entry, RecordSeq,
};

/// Before a record's hash.
const RECORD: &[u8] = b"understudy/log/record/";
/// Before a node's hash.
const NODE: &[u8] = b"understudy/log/node/";

fn key(prefix: &[u8], hash: &H256) -> Vec<u8> {
	[prefix, hash.as_bytes()].concat()
}

/// Keeps an entry.
pub(crate) fn keep_entry<AccountId: Encode, BlockNumber: Encode>(
	hash: &H256,
	entry: &Entry<AccountId, BlockNumber>,
) {
	sp_io::offchain_index::set(&key(RECORD, hash), &entry.encode());
}

/// Keeps a node that joins two others.
pub(crate) fn keep_node(node: H256, left: H256, right: H256) {
	sp_io::offchain_index::set(&key(NODE, &node), &(left, right).encode());
}

fn read<V: Decode>(prefix: &[u8], hash: &H256) -> Option<V> {
	let value = sp_io::offchain::local_storage_get(StorageKind::PERSISTENT, &key(prefix, hash))?;
	V::decode(&mut &value[..]).ok()
}

/// The MMR of `count` records with these peaks, for what is asked of it. What is read is remembered meanwhile: the ways down to
/// two records have their beginning in common.
fn with_nodes<R>(count: u64, peaks: &[H256], ask: impl FnOnce(&Nodes) -> R) -> R {
	let known = RefCell::new(BTreeMap::new());
	let children = |node: &H256| {
		if let Some(found) = known.borrow().get(node) {
			return Some(*found);
		}
		let found: (H256, H256) = read(NODE, node)?;
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

/// These entries of a log of `count` records with these peaks.
pub(crate) fn entries<AccountId: Decode + Encode, BlockNumber: Decode + Encode>(
	seqs: &[RecordSeq],
	count: u64,
	peaks: &[H256],
) -> Result<Vec<Entry<AccountId, BlockNumber>>, ReadError> {
	check(seqs, count)?;
	let entry = |nodes: &Nodes, seq: RecordSeq| {
		let hash = nodes.leaf(seq)?;
		let entry: Entry<AccountId, BlockNumber> = read(RECORD, &hash)?;
		(entry.record.hash() == hash).then_some(entry)
	};
	with_nodes(count, peaks, |nodes| {
		seqs.iter().map(|seq| entry(nodes, *seq).ok_or(ReadError::NotIndexed)).collect()
	})
}

/// The proof that these records are in a log of `count` records with these peaks.
pub(crate) fn prove(seqs: &[RecordSeq], count: u64, peaks: &[H256]) -> Result<Vec<H256>, ReadError> {
	check(seqs, count)?;
	with_nodes(count, peaks, |nodes| nodes.prove(seqs)).ok_or(ReadError::NotIndexed)
}

/// What shows that a log of `before` records was a beginning of one of `count` records with these peaks.
pub(crate) fn ancestry(before: u64, count: u64, peaks: &[H256]) -> Result<Ancestry, ReadError> {
	if before == 0 || before >= count {
		return Err(ReadError::NoSuchRecord);
	}
	with_nodes(count, peaks, |nodes| nodes.ancestry(before)).ok_or(ReadError::NotIndexed)
}
