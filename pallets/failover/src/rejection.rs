//! Reasons for the rejection of a position: stable codes of `InvalidTransaction::Custom`. The
//! meaning of a code never changes.
//!
//! | code | name | reason | action of the sender |
//! |---|---|---|---|
//! | 31 | [`NOT_AWAITED`] | no position of this member is awaited, or not for this incident | none |
//! | 32 | [`BAD_HEADER`] | the header is not that of the block, or its state root differs | repair the node |
//! | 33 | [`PAST_BLOCK`] | the block is older than the seat, or so old that the chain no longer knows its hash | sign for a newer block |
//! | 34 | [`FUTURE_BLOCK`] | the chain has not reached the block yet | wait |
//! | 35 | [`NO_KEY`] | the member has no heartbeat key | set session keys |
//! | 36 | [`BAD_SIGNATURE`] | signed by another key, or for another chain or content | compare the keystore with the session keys |

/// No position of this member is awaited, or not for this incident.
pub const NOT_AWAITED: u8 = 31;
/// The header is not that of the block, or its state root differs.
pub const BAD_HEADER: u8 = 32;
/// The block is older than the seat, or so old that the chain no longer knows its hash.
pub const PAST_BLOCK: u8 = 33;
/// The chain has not reached the block yet.
pub const FUTURE_BLOCK: u8 = 34;
/// The member has no heartbeat key.
pub const NO_KEY: u8 = 35;
/// The position is signed by another key, or for another chain or content.
pub const BAD_SIGNATURE: u8 = 36;
