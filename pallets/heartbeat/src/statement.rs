//! Statements that members sign with their heartbeat key, and their signing domains.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{traits::ConstU32, BoundedVec};
use scale_info::TypeInfo;
pub use understudy_primitives::statement::Statement;
use understudy_primitives::{offchain::NodeVersion, MemberIndex, RosterId, WindowIndex};

use crate::chunks::Mark;

/// Largest number of members that one report can name.
pub const MAX_TARGETS: u32 = 64;

/// Sign of life of one member in one window.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Heartbeat {
	/// Roster that `index` belongs to.
	pub roster: RosterId,
	/// Window that was running when the heartbeat was signed.
	pub window: WindowIndex,
	/// Index of the member.
	pub index: MemberIndex,
}

impl Statement for Heartbeat {
	const DOMAIN: &'static [u8] = b"understudy/heartbeat/1";
}

/// Subject of a report.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum ReportKind {
	/// The targets, which the reporter was assigned to probe, are unreachable, syncing, or behind
	/// in finality.
	Peers,
	/// The reporter, which follows finality itself, sees no finality votes of the targets, or no
	/// blocks of their slots on any branch.
	Votes,
}

impl ReportKind {
	/// Returns the mark of members that have made such a report in the running window.
	pub fn mark(self) -> Mark {
		match self {
			ReportKind::Peers => Mark::ReportedPeers,
			ReportKind::Votes => Mark::ReportedVotes,
		}
	}

	/// Returns the mark of members that have made such a report for the window before.
	pub fn mark_before(self) -> Mark {
		match self {
			ReportKind::Peers => Mark::ReportedPeersBefore,
			ReportKind::Votes => Mark::ReportedVotesBefore,
		}
	}
}

/// Report of one member about others in one window.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Report {
	/// Roster that the indices belong to.
	pub roster: RosterId,
	/// Window that was running when the report was made, and for which the assignment was drawn.
	pub window: WindowIndex,
	/// Index of the reporting member.
	pub reporter: MemberIndex,
	/// Subject of the report.
	pub kind: ReportKind,
	/// Indices of the reported members, in ascending order.
	pub targets: BoundedVec<MemberIndex, ConstU32<MAX_TARGETS>>,
}

impl Statement for Report {
	const DOMAIN: &'static [u8] = b"understudy/report/1";
}

/// Statement of a registered account's node that it still runs.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Renewal<AccountId, BlockNumber> {
	/// Account whose registration is renewed.
	pub who: AccountId,
	/// Best block that the node knew when it signed.
	pub block: BlockNumber,
	/// `spec_version` of the runtime that the node executes.
	pub runtime: u32,
	/// Release of the node.
	pub node: NodeVersion,
}

impl<AccountId: Encode, BlockNumber: Encode> Statement for Renewal<AccountId, BlockNumber> {
	const DOMAIN: &'static [u8] = b"understudy/renewal/1";
}
