//! Input of the user of a verifier: the trusted set, and the policy.

use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};
use sp_consensus_grandpa::AuthorityId;
use sp_core::H256;

/// Parachain of a relay chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parachain {
	/// Its id on the relay chain.
	pub id: u32,
	/// Hash of its first block.
	pub genesis: H256,
}

/// Trusted GRANDPA authority set, and its chain. The set of genesis follows from the chain
/// specification.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedSet {
	/// Hash of the chain's first block.
	pub genesis: H256,
	/// Id of the set. 0 at genesis.
	pub set_id: u64,
	/// Last block that the set before it finalized; after a forced change, the block that proposed
	/// the set. 0 at genesis.
	pub since: u32,
	/// Time at which it was known to be the chain's authority set, in milliseconds since the Unix
	/// epoch. 0 if unknown: the set may be of any age.
	#[serde(default, skip_serializing_if = "is_undated")]
	pub as_of: u64,
	/// Trusting period: time in seconds for which the set is trusted from then on. Shorter than the
	/// time for which the chain's stake stays bonded.
	#[serde(default = "trusting_period")]
	pub trusting_period: u64,
	/// Keys of its members, and their weights.
	pub authorities: Vec<(AuthorityId, u64)>,
	/// Parachain whose log is proven. The set is then that of its relay chain.
	#[serde(default, skip_serializing_if = "Option::is_none")]
	pub parachain: Option<Parachain>,
	/// Name of the failover pallet in the runtime of the log's chain.
	#[serde(default = "failover")]
	pub pallet: String,
	/// Name of the recovery pallet in the chain's runtime.
	#[serde(default = "recovery")]
	pub recovery: String,
	/// SS58 prefix with which the chain's clients print accounts.
	#[serde(default = "ss58_prefix")]
	pub ss58_prefix: u16,
}

/// Trusting period, in seconds, of chains that specify none: 14 days. Half of the 28 days for which
/// stake is bonded on the relay chains.
pub const TRUSTING_PERIOD: u64 = 14 * 24 * 60 * 60;

/// Maximum trusting period, in seconds: 28 days, for which stake is bonded on the relay chains.
pub const MAX_TRUSTING_PERIOD: u64 = 2 * TRUSTING_PERIOD;

fn trusting_period() -> u64 {
	TRUSTING_PERIOD
}

/// SS58 prefix of chains that specify none.
pub const SS58_PREFIX: u16 = 42;

fn is_undated(as_of: &u64) -> bool {
	*as_of == 0
}

fn ss58_prefix() -> u16 {
	SS58_PREFIX
}

impl TrustedSet {
	/// Returns the hash of the first block of the chain whose log is proven.
	pub fn log_genesis(&self) -> H256 {
		self.parachain.map_or(self.genesis, |parachain| parachain.genesis)
	}

	/// Creates the set of genesis of a chain whose pallets have their default names.
	pub fn of_genesis(genesis: H256, authorities: Vec<(AuthorityId, u64)>) -> Self {
		Self {
			genesis,
			set_id: 0,
			since: 0,
			as_of: 0,
			trusting_period: TRUSTING_PERIOD,
			authorities,
			parachain: None,
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

/// Policy on the age of a proof. By default any age is accepted: a proof then shows the state at
/// its head, not the present one.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Policy {
	/// Lowest number of the head.
	pub min_block: u32,
	/// Least number of records in the log, for example one that was seen before.
	pub min_records: u64,
	/// Earliest time of the head, in milliseconds since the Unix epoch.
	pub not_before: u64,
	/// Earliest date of the trusted set, in milliseconds since the Unix epoch: members of an older
	/// set may have unbonded, and given their keys away. A checkpoint of as many records as the log
	/// has replaces this requirement, because it pins each of them.
	pub trusted_not_before: u64,
	/// Checkpoint of the log that a witness has kept: its record count, and its root. The bundle
	/// must show that its log continues that of the checkpoint.
	pub checkpoint: Option<(u64, H256)>,
}
