//! Keys of the failover log in the nodes' offchain index: all records with their evidence, and all
//! inner nodes of the MMR, each under its own hash.

use alloc::vec::Vec;
use sp_core::H256;

/// Prefix of a record's hash.
const RECORD: &[u8] = b"understudy/log/record/";
/// Prefix of a node's hash.
const NODE: &[u8] = b"understudy/log/node/";

/// Returns the key of an entry, by the hash of its record.
pub fn record_key(hash: &H256) -> Vec<u8> {
	[RECORD, hash.as_bytes()].concat()
}

/// Returns the key of the children of an inner node, by its hash.
pub fn node_key(hash: &H256) -> Vec<u8> {
	[NODE, hash.as_bytes()].concat()
}
