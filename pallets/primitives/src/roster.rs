//! The roster: the active set and the reserve, with an index per member that is stable within one
//! roster id.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::{bounded::BoundedVec, ConstU32};

/// Id of a roster. Grows by one whenever a roster takes effect.
pub type RosterId = u32;

/// Index of a member in one roster: the active set in its order, then the reserve in its order.
pub type MemberIndex = u32;

/// Returns the number of faults that Byzantine agreement among n members tolerates: ⌊(n−1)/3⌋.
pub fn tolerated_faults(members: u32) -> u32 {
	members.saturating_sub(1) / 3
}

/// Part of the roster that a member belongs to.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Seat {
	/// Authors and finalizes now.
	Active,
	/// Elected, bonded and keyed; waits for a seat.
	Reserve,
}

/// Label that an operator chooses. Printable ASCII, at most 32 bytes.
pub type Tag = BoundedVec<u8, ConstU32<32>>;

/// Failure domains of a node: nodes that share one might fail together.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Tags {
	/// Region in which the node is hosted.
	pub region: Tag,
	/// Operator that runs the node.
	pub operator: Tag,
}
