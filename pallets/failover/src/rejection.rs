//! Why a position is turned away: stable codes of `InvalidTransaction::Custom`. A code keeps its meaning for ever.
//!
//! | code | name | what is wrong | what the sender does |
//! |---|---|---|---|
//! | 1 | [`NOT_AWAITED`] | nobody waits for this member to say where it stands, or not for this incident | nothing |
//! | 2 | [`BAD_HEADER`] | the header is not that of the block, or its state root is another | mend the node |
//! | 3 | [`PAST_BLOCK`] | the block is older than the seat, or so old that the chain does not know its hash any more | sign for a newer one |
//! | 4 | [`FUTURE_BLOCK`] | the chain is not there yet | wait |
//! | 5 | [`NO_KEY`] | the member has no heartbeat key | set session keys |
//! | 6 | [`BAD_SIGNATURE`] | signed by another key, or for another chain or content | check the keystore against the session keys |

/// Nobody waits for this member to say where it stands, or not for this incident.
pub const NOT_AWAITED: u8 = 1;
/// The header is not that of the block, or its state root is another.
pub const BAD_HEADER: u8 = 2;
/// The block is older than the seat, or than what the chain knows of itself.
pub const PAST_BLOCK: u8 = 3;
/// The chain is not there yet.
pub const FUTURE_BLOCK: u8 = 4;
/// The member has no heartbeat key.
pub const NO_KEY: u8 = 5;
/// Signed by another key, or for another chain or content.
pub const BAD_SIGNATURE: u8 = 6;
