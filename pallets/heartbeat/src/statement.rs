//! What members sign with their heartbeat key, and the bytes that are signed.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{traits::ConstU32, BoundedVec};
use scale_info::TypeInfo;
pub use understudy_primitives::statement::Statement;
use understudy_primitives::{offchain::NodeVersion, MemberIndex, RosterId, WindowIndex};

use crate::evidence::Mark;

/// The most members that one report can name.
pub const MAX_TARGETS: u32 = 64;

/// A sign of life of one member in one window.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Heartbeat {
	/// The roster that `index` is of.
	pub roster: RosterId,
	/// The window that was running when it was signed.
	pub window: WindowIndex,
	/// The member.
	pub index: MemberIndex,
}

impl Statement for Heartbeat {
	const DOMAIN: &'static [u8] = b"understudy/heartbeat/1";
}

/// What a report is about.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum ReportKind {
	/// The targets, whom the reporter was assigned to probe, are unreachable, syncing, or behind in finality.
	Peers,
	/// The reporter, which follows finality itself, sees no votes of the targets.
	Votes,
}

impl ReportKind {
	/// The mark of those who have made such a report in the running window.
	pub fn mark(self) -> Mark {
		match self {
			ReportKind::Peers => Mark::ReportedPeers,
			ReportKind::Votes => Mark::ReportedVotes,
		}
	}

	/// The mark of those who have made such a report for the window before.
	pub fn mark_before(self) -> Mark {
		match self {
			ReportKind::Peers => Mark::ReportedPeersBefore,
			ReportKind::Votes => Mark::ReportedVotesBefore,
		}
	}
}

/// What one member says against others in one window.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Report {
	/// The roster that the indices are of.
	pub roster: RosterId,
	/// The window that was running when it was made, and for which the assignment was drawn.
	pub window: WindowIndex,
	/// The member that reports.
	pub reporter: MemberIndex,
	/// What it reports.
	pub kind: ReportKind,
	/// Whom, in ascending order.
	pub targets: BoundedVec<MemberIndex, ConstU32<MAX_TARGETS>>,
}

impl Statement for Report {
	const DOMAIN: &'static [u8] = b"understudy/report/1";
}

/// A registered account's node states that it still stands ready.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Renewal<AccountId, BlockNumber> {
	/// Whose registration is renewed.
	pub who: AccountId,
	/// The best block that the node knew when it signed.
	pub block: BlockNumber,
	/// The `spec_version` of the runtime that the node executes.
	pub runtime: u32,
	/// The node's release.
	pub node: NodeVersion,
}

impl<AccountId: Encode, BlockNumber: Encode> Statement for Renewal<AccountId, BlockNumber> {
	const DOMAIN: &'static [u8] = b"understudy/renewal/1";
}
