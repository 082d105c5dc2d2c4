//! State of the recovery, and its types on a chain.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::BoundedVec;
use scale_info::TypeInfo;
use understudy_primitives::{
	vote::{FinalityReport, Presence, Signed, Vote},
	BlockId, IncidentId, Mode, Moment,
};

use crate::{
	electorate::Refresh,
	in_flight::{InFlight, Roster},
	view::View,
	Config,
};

/// Mode and everything that determines it, except the votes.
#[derive(
	Clone, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct State<Hash> {
	/// Current mode.
	pub mode: Mode,
	/// Moment at which the mode began.
	pub since: Moment,
	/// Finality view, from the members' reports.
	pub view: View,
	/// Block in which an author last reported finality.
	pub last_report: u32,
	/// Number of seats of the active set.
	pub seats: u32,
	/// Most urgent kind of change that [`Rosters`](crate::Rosters) does not contain yet.
	pub refresh: Refresh,
	/// Incident of the stall in the log; 0 while the chain is safe.
	pub incident: IncidentId,
	/// Stall anchor: the block in which the mode degraded, once its hash is known. Members attest
	/// their presence for it.
	pub anchor: Option<BlockId<Hash>>,
	/// Block in which a set was proposed, once its hash is known. Members vote for it.
	pub proposal: Option<BlockId<Hash>>,
	/// Number of earlier rounds of presence attestations for this anchor.
	pub round: u32,
	/// Number of members that were present when the last block began.
	pub present: u32,
	/// `true` if the authority-set change of the proposal is forced.
	pub forced: bool,
	/// Block that finality must pass for the chain to be safe again, without regard to the
	/// proposal; see [`Facts`](crate::mode::Facts).
	pub resume_height: Option<u32>,
	/// Finality base of the last recovery: the block on which its authorities build finality.
	pub base: u32,
	/// Ids of GRANDPA's authority sets in flight.
	pub sets: InFlight<u64>,
	/// `true` if the guardians have vetoed a recovery from this stall.
	pub vetoed: bool,
	/// Block in which the last recovery began.
	pub recovered: Option<u32>,
	/// `true` if the last block took more than half of what the gate admits while the mode is not
	/// `Safe`.
	pub congested: bool,
}

/// [`State`] with the chain's types.
pub type StateOf<T> = State<<T as frame_system::Config>::Hash>;
/// [`Vote`] with the chain's types.
pub type VoteOf<T> = Vote<<T as frame_system::Config>::AccountId, <T as frame_system::Config>::Hash>;

/// [`Presence`] with the chain's types.
pub type PresenceOf<T> = Presence<<T as frame_system::Config>::AccountId, <T as frame_system::Config>::Hash>;
/// Rosters in flight, with the chain's types.
pub type RostersOf<T> = InFlight<Roster<<T as frame_system::Config>::AccountId, <T as Config>::MaxMembers>>;
/// List of members, with the chain's types.
pub type MembersOf<T> = BoundedVec<<T as frame_system::Config>::AccountId, <T as Config>::MaxMembers>;

/// [`FinalityReport`] with the chain's types.
pub type FinalityReportOf<T> =
	FinalityReport<<T as frame_system::Config>::AccountId, <T as frame_system::Config>::Hash>;
/// Finality report with its signature.
pub type SignedReport<T> = Signed<FinalityReportOf<T>>;
/// Recovery vote with its signature.
pub type SignedVote<T> = Signed<VoteOf<T>>;
/// Presence attestation with its signature.
pub type SignedPresence<T> = Signed<PresenceOf<T>>;

/// Counted recovery vote, as it is stored.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Cast<AccountId> {
	/// Member that voted.
	pub who: AccountId,
	/// Number of the last block that the member's node has finalized, as the vote states it.
	pub base: u32,
}

/// Length of a round, in blocks. While no set is proposed, members must attest their presence again
/// after this many blocks, because those that attested before may have become unresponsive.
pub const ROUND_LENGTH: u32 = 10;
