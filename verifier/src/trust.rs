//! What somebody who checks a proof brings along.

use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};
use sp_consensus_grandpa::AuthorityId;
use sp_core::H256;

/// A GRANDPA authority set that is trusted, and the chain that it is of. That of genesis follows from the chain's specification.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedSet {
	/// The hash of the chain's first block.
	pub genesis: H256,
	/// The set's id. 0 at genesis.
	pub set_id: u64,
	/// The last block that the set before it finalized; where the change was forced, the block that proposed the set. 0 at genesis.
	pub since: u32,
	/// Time at which it was known to be the chain's authority set, in milliseconds since the Unix
	/// epoch. 0 where nobody has said: it may be of any age.
	#[serde(default, skip_serializing_if = "is_undated")]
	pub as_of: u64,
	/// Trusting period: time in seconds for which the set is trusted from then on. Shorter than the
	/// time for which the chain's stake stays bonded.
	#[serde(default = "trusting_period")]
	pub trusting_period: u64,
	/// Its members' keys, and their weights.
	pub authorities: Vec<(AuthorityId, u64)>,
	/// The name of the failover pallet in the chain's runtime.
	#[serde(default = "failover")]
	pub pallet: String,
	/// The name of the recovery pallet.
	#[serde(default = "recovery")]
	pub recovery: String,
	/// The SS58 prefix by which the chain's clients print accounts.
	#[serde(default = "ss58_prefix")]
	pub ss58_prefix: u16,
}

/// Trusting period, in seconds, of chains that name none: 14 days. Half of the 28 days for which
/// stake is bonded on the relay chains.
pub const TRUSTING_PERIOD: u64 = 14 * 24 * 60 * 60;

/// The longest trusting period that is taken, in seconds: 28 days, for which the relay chains' stake is
/// bonded.
pub const MAX_TRUSTING_PERIOD: u64 = 2 * TRUSTING_PERIOD;

fn trusting_period() -> u64 {
	TRUSTING_PERIOD
}

/// The SS58 prefix of chains that name none.
pub const SS58_PREFIX: u16 = 42;

fn is_undated(as_of: &u64) -> bool {
	*as_of == 0
}

fn ss58_prefix() -> u16 {
	SS58_PREFIX
}

impl TrustedSet {
	/// The set of genesis, of a chain whose pallets have their usual names.
	pub fn of_genesis(genesis: H256, authorities: Vec<(AuthorityId, u64)>) -> Self {
		Self {
			genesis,
			set_id: 0,
			since: 0,
			as_of: 0,
			trusting_period: TRUSTING_PERIOD,
			authorities,
			pallet: failover(),
			recovery: recovery(),
			ss58_prefix: SS58_PREFIX,
		}
	}
}

fn failover() -> String {
	"Failover".into()
}

fn recovery() -> String {
	"Recovery".into()
}

/// How new a proof must be. By default it may be of any age: then it says what was so at its head, not what is so.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Policy {
	/// The head must not be before this block.
	pub min_block: u32,
	/// The log must have so many records at least, as somebody has seen it with.
	pub min_records: u64,
	/// The head must not be older than this, in milliseconds since the Unix epoch.
	pub not_before: u64,
	/// The trusted set must be known from this time or later, in milliseconds since the Unix epoch:
	/// members of older ones may have unbonded, and given their keys away. A checkpoint of as many
	/// records as the log has stands in for it: it pins each of them.
	pub trusted_not_before: u64,
	/// A checkpoint of the log that a witness has kept: its count, and its root. The bundle must show that its log continues
	/// that one.
	pub checkpoint: Option<(u64, H256)>,
}
