//! Reasons to reject a report: stable codes of `InvalidTransaction::Custom`. A code keeps its
//! meaning forever.
//!
//! | code | name | reason |
//! |---|---|---|
//! | 71 | [`TOO_LARGE`] | the proof has more bytes than [`MAX_BYTES`](crate::MAX_BYTES) |
//! | 72 | [`UNKNOWN_PARENT`] | a header's parent is not one of this chain's last blocks; the pool returns `CannotLookup` instead, and does not ban the transaction |
//! | 73 | [`TOO_EARLY`] | a header's parent is a block that this node does not have yet; as above |
//! | 74 | [`NO_EQUIVOCATION`] | the headers are one block, or not both of the proof's slot |
//! | 75 | [`NOT_THE_AUTHOR`] | the slot was the turn of another key, or the author cannot be charged |
//! | 76 | [`BAD_SEAL`] | a header is not sealed by the key |
//! | 77 | [`ALREADY_REPORTED`] | the author was reported within reach, or the chain knows the offence |
//! | 78 | [`TOO_MANY`] | the maximum number of authors was reported within reach |

/// The chain accepts the report, but the pool refuses it: the pool has the report, or a similar
/// one.
pub const IN_POOL: u8 = 0;
/// The proof has more bytes than [`MAX_BYTES`](crate::MAX_BYTES).
pub const TOO_LARGE: u8 = 71;
/// A header's parent is not one of this chain's last blocks.
pub const UNKNOWN_PARENT: u8 = 72;
/// A header's parent is a block that this node does not have yet.
pub const TOO_EARLY: u8 = 73;
/// The headers are one block, or not both of the proof's slot.
pub const NO_EQUIVOCATION: u8 = 74;
/// The slot was the turn of another key, or the author cannot be charged.
pub const NOT_THE_AUTHOR: u8 = 75;
/// A header is not sealed by the key.
pub const BAD_SEAL: u8 = 76;
/// The author was reported within reach, or the chain knows the offence.
pub const ALREADY_REPORTED: u8 = 77;
/// The maximum number of authors was reported within reach.
pub const TOO_MANY: u8 = 78;
