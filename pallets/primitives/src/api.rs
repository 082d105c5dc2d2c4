//! Runtime APIs through which nodes, programs and people read the state of the suite.

use crate::{
	mmr::Ancestry, vote::CarriedOut, Entry, Incident, IncidentId, Judged, LogHead, RecordSeq, RecoveryStatus,
	RosterId, WindowIndex,
};
use alloc::vec::Vec;
use codec::{Codec, Decode, Encode};
use scale_info::TypeInfo;
use sp_core::H256;

/// Maximum number of entries in one call of [`FailoverApi::timeline`], [`FailoverApi::records`] or
/// [`FailoverApi::prove`].
pub const TIMELINE_LIMIT: u32 = 100;

/// Roster, with the verdict on every member.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct RosterStatus<AccountId> {
	/// Id of the roster, to which the indices belong.
	pub roster: RosterId,
	/// Running window.
	pub window: WindowIndex,
	/// `true` in a systemic outage: more of the active set is suspected than the systemic threshold
	/// allows.
	pub systemic: bool,
	/// Members in index order, each with the present verdict.
	pub members: Vec<(AccountId, Judged)>,
}

/// Reason for which something cannot be read from the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub enum ReadError {
	/// The log does not have that many records as of this block.
	NoSuchRecord,
	/// More than [`TIMELINE_LIMIT`] entries were requested at once, or none.
	BadCount,
	/// The offchain index of this node lacks the entry: the node did not execute the blocks that
	/// wrote it with offchain indexing enabled.
	NotIndexed,
}

sp_api::decl_runtime_apis! {
	/// Verdicts of the heartbeat pallet.
	pub trait HeartbeatApi<AccountId> where AccountId: Codec {
		/// Returns every member of the roster with the present verdict on it.
		fn roster_status() -> RosterStatus<AccountId>;
	}

	/// Failover log.
	///
	/// Functions that read the offchain index trap if the caller provides no offchain database
	/// (`OffchainDbExt`), for example when called by `state_call`.
	pub trait FailoverApi<AccountId, BlockNumber> where AccountId: Codec, BlockNumber: Codec {
		/// Returns the number of records, the hash of the last one, and the root over all of them.
		fn log_head() -> LogHead;
		/// Returns the entries with `seq >= from` that are still in state, oldest first, at most
		/// `limit` and never more than [`TIMELINE_LIMIT`].
		fn timeline(from: RecordSeq, limit: u32) -> Vec<Entry<AccountId, BlockNumber>>;
		/// Returns an incident, if it is still in state.
		fn incident(id: IncidentId) -> Option<Incident<AccountId>>;
		/// Returns the incidents below `before` that are still in state, newest first, at most
		/// `limit` and never more than [`TIMELINE_LIMIT`].
		fn incidents(before: IncidentId, limit: u32) -> Vec<(IncidentId, Incident<AccountId>)>;
		/// Returns these entries from the offchain index, whatever their age.
		fn records(seqs: Vec<RecordSeq>) -> Result<Vec<Entry<AccountId, BlockNumber>>, ReadError>;
		/// Returns the MMR proof that these records are in the log as of this block, from the
		/// offchain index.
		fn prove(seqs: Vec<RecordSeq>) -> Result<Vec<H256>, ReadError>;
		/// Returns the proof that the log with its first `count` records is a prefix of the log as
		/// of this block, from the offchain index. Only for fewer records than the log has.
		fn ancestry(count: RecordSeq) -> Result<Ancestry, ReadError>;
	}

	/// Recovery from excessive faults.
	#[api_version(2)]
	pub trait RecoveryApi<AccountId>
	where
		AccountId: codec::Codec,
	{
		/// Returns the mode, its reasons, and the progress towards the next mode.
		fn recovery_status() -> RecoveryStatus<Block::Hash>;
		/// Returns the proposal that members have voted for, and the keys of those members. A node
		/// with such a key is bound by the proposal, whatever its database contains.
		#[api_version(2)]
		fn bound() -> Option<(crate::BlockId<Block::Hash>, Vec<crate::crypto::AuthorityId>)>;
		/// Returns the signed votes that forced the change to this authority set, from the offchain
		/// index. `None` if the change was not forced.
		fn recovery_votes(set: u64) -> Option<CarriedOut<AccountId, Block::Hash>>;
	}
}
