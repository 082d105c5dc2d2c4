//! The runtime APIs that nodes, programs and people read the suite through.

use crate::{Entry, IncidentId, Judged, LogHead, RecordSeq, RosterId, WindowIndex};
use alloc::vec::Vec;
use codec::{Codec, Decode, Encode};
use scale_info::TypeInfo;

/// The most entries that [`FailoverApi::timeline`] returns at once.
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

sp_api::decl_runtime_apis! {
	/// The liveness evidence.
	pub trait HeartbeatApi<AccountId> where AccountId: Codec {
		/// Every member of the roster with the verdict on it as of now.
		fn roster_status() -> RosterStatus<AccountId>;
	}

	/// The failover log.
	pub trait FailoverApi<AccountId, BlockNumber> where AccountId: Codec, BlockNumber: Codec {
		/// How many records there are, and the last one's hash.
		fn log_head() -> LogHead;
		/// The entries with `seq >= from` that are still in state, oldest first, at most `limit` and never more than
		/// [`TIMELINE_LIMIT`].
		fn timeline(from: RecordSeq, limit: u32) -> Vec<Entry<AccountId, BlockNumber>>;
		/// The entries of one incident that are still in state, oldest first, at most [`TIMELINE_LIMIT`].
		fn incident(id: IncidentId) -> Vec<Entry<AccountId, BlockNumber>>;
	}
}
