//! Errors of the methods `failover_*`.

use jsonrpsee::types::{ErrorObject, ErrorObjectOwned};
use understudy_primitives::api::{ReadError, TIMELINE_LIMIT};

use crate::finality::history::Error as HistoryError;

/// Reasons for which a method fails, as codes of JSON-RPC errors.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Refusal {
	UnknownBlock = 9_101,
	NotFinalized = 9_102,
	StateDiscarded = 9_103,
	NoSuchRecord = 9_104,
	BadCount = 9_105,
	NotIndexed = 9_106,
	NoSuchIncident = 9_107,
	NoJustification = 9_108,
	TooManyHandOffs = 9_109,
	UnknownSet = 9_110,
	ForcedChange = 9_111,
	BadDisclosure = 9_112,
	Internal = 9_199,
}

impl Refusal {
	/// Returns the JSON-RPC error with this reason. `why` includes a remedy for the caller.
	pub(super) fn because(self, why: impl AsRef<str>) -> ErrorObjectOwned {
		ErrorObject::owned(self as i32, format!("{self:?}: {}", why.as_ref()), None::<()>)
	}

	pub(super) fn internal(why: impl std::fmt::Display) -> ErrorObjectOwned {
		Self::Internal.because(why.to_string())
	}
}

/// Returns the error of a failed read of the offchain index.
pub(super) fn unreadable(why: ReadError) -> ErrorObjectOwned {
	match why {
		ReadError::NoSuchRecord => Refusal::NoSuchRecord.because(
			"the log has fewer records as of this block; failover_head returns \
			 their number",
		),
		ReadError::BadCount => {
			Refusal::BadCount.because(format!("request 1 to {TIMELINE_LIMIT} records at once"))
		},
		ReadError::NotIndexed => Refusal::NotIndexed.because(
			"this node did not execute the blocks that wrote the record, as after a warp sync; query a node \
			 that was synced in full",
		),
	}
}

/// Returns the error of a hand-off that cannot be shown.
pub(super) fn hand_off_error(why: HistoryError) -> ErrorObjectOwned {
	match why {
		HistoryError::UnknownSet(set) => Refusal::UnknownSet.because(format!(
			"this node does not know the hand-off of authority set {set}: it has not happened yet, or the \
			 node skipped it in a warp sync"
		)),
		HistoryError::NotKept(set, why) => Refusal::ForcedChange.because(format!(
			"the change after authority set {set} was forced, and this node cannot prove it: {why}; query a \
			 node that was running when it happened, or one that keeps all states (--state-pruning archive)"
		)),
		HistoryError::Internal(why) => Refusal::internal(why),
	}
}
