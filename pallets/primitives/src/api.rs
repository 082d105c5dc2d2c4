//! The runtime APIs that nodes, programs and people read the suite through.

use crate::{
	mmr::Ancestry, vote::CarriedOut, Entry, Incident, IncidentId, Judged, LogHead, RecordSeq, RecoveryStatus,
	RosterId, WindowIndex,
};
use alloc::vec::Vec;
use codec::{Codec, Decode, Encode};
use scale_info::TypeInfo;
use sp_core::H256;

/// The most entries that [`FailoverApi::timeline`], [`FailoverApi::records`] and [`FailoverApi::prove`] deal with at once.
pub const TIMELINE_LIMIT: u32 = 100;

/// Who sits where, and how every member does.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct RosterStatus<AccountId> {
	/// The roster that the indices are of.
	pub roster: RosterId,
	/// The running window.
	pub window: WindowIndex,
	/// More of the active set is under suspicion than the systemic threshold allows.
	pub systemic: bool,
	/// Every member in index order, with the verdict on it as of now.
	pub members: Vec<(AccountId, Judged)>,
}

/// Why something cannot be read from the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub enum ReadError {
	/// There are not that many records as of this block.
	NoSuchRecord,
	/// More than [`TIMELINE_LIMIT`] were asked for at once, or none.
	BadCount,
	/// This node's offchain index lacks it: the node did not execute the blocks that wrote it with indexing on.
	NotIndexed,
}

sp_api::decl_runtime_apis! {
	/// The liveness evidence.
	pub trait HeartbeatApi<AccountId> where AccountId: Codec {
		/// Every member of the roster with the verdict on it as of now.
		fn roster_status() -> RosterStatus<AccountId>;
	}

	/// The failover log.
	///
	/// What reads the offchain index traps where the caller gives it no offchain database (`OffchainDbExt`), as by `state_call`.
	pub trait FailoverApi<AccountId, BlockNumber> where AccountId: Codec, BlockNumber: Codec {
		/// How many records there are, the last one's hash, and the root over all of them.
		fn log_head() -> LogHead;
		/// The entries with `seq >= from` that are still in state, oldest first, at most `limit` and never more than
		/// [`TIMELINE_LIMIT`].
		fn timeline(from: RecordSeq, limit: u32) -> Vec<Entry<AccountId, BlockNumber>>;
		/// One incident, if it is still in state.
		fn incident(id: IncidentId) -> Option<Incident<AccountId>>;
		/// The incidents from the last one back, below `before`, that are still in state, at most `limit` and never more than
		/// [`TIMELINE_LIMIT`].
		fn incidents(before: IncidentId, limit: u32) -> Vec<(IncidentId, Incident<AccountId>)>;
		/// These entries, however old, from the offchain index.
		fn records(seqs: Vec<RecordSeq>) -> Result<Vec<Entry<AccountId, BlockNumber>>, ReadError>;
		/// The MMR proof that these records are in the log as of this block, from the offchain index.
		fn prove(seqs: Vec<RecordSeq>) -> Result<Vec<H256>, ReadError>;
		/// What shows that the log with its first `count` records was a beginning of what it is as of this block, from the
		/// offchain index. For fewer records than there are.
		fn ancestry(count: RecordSeq) -> Result<Ancestry, ReadError>;
	}

	/// Recovery from excessive faults.
	#[api_version(2)]
	pub trait RecoveryApi<AccountId>
	where
		AccountId: codec::Codec,
	{
		/// The mode, why it is what it is, and what is waited for.
		fn recovery_status() -> RecoveryStatus<Block::Hash>;
		/// The proposal that members have voted for, and the keys of those who have. A node with
		/// such a key is bound by it, whatever its database says.
		#[api_version(2)]
		fn bound() -> Option<(crate::BlockId<Block::Hash>, Vec<crate::crypto::AuthorityId>)>;
		/// The signed votes that forced the change to this authority set, from the offchain index; if it was forced.
		fn recovery_votes(set: u64) -> Option<CarriedOut<AccountId, Block::Hash>>;
	}
}
