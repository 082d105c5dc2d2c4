//! Why a recovery vote is turned away: stable codes of `InvalidTransaction::Custom`. A code keeps its meaning for ever.
//!
//! | code | name | what is wrong | what the sender does |
//! |---|---|---|---|
//! | 1 | [`NOT_DEGRADED`] | finality does not stand still, or is coming back | nothing |
//! | 2 | [`WRONG_ANCHOR`] | the vote is for another branch, or an earlier stall | nothing: a member votes for one branch |
//! | 3 | [`TOO_EARLY`] | short forks may not be settled yet | wait |
//! | 4 | [`NOT_A_MEMBER`] | the voter is neither active nor in reserve | nothing |
//! | 5 | [`ALREADY_VOTED`] | the voter's vote is there | nothing |
//! | 6 | [`WRONG_BASE`] | the base is not a block of this chain, or not below the anchor | mend the node |
//! | 7 | [`NO_KEY`] | the voter has no heartbeat key | set session keys |
//! | 8 | [`BAD_SIGNATURE`] | signed by another key, or for another chain or content | check the keystore against the session keys |

/// Finality does not stand still, or is coming back.
pub const NOT_DEGRADED: u8 = 1;
/// The vote is for another branch, or an earlier stall.
pub const WRONG_ANCHOR: u8 = 2;
/// Short forks may not be settled yet.
pub const TOO_EARLY: u8 = 3;
/// The voter is neither active nor in reserve.
pub const NOT_A_MEMBER: u8 = 4;
/// The voter's vote is there.
pub const ALREADY_VOTED: u8 = 5;
/// The base is not a block of this chain, or not below the anchor.
pub const WRONG_BASE: u8 = 6;
/// The voter has no heartbeat key.
pub const NO_KEY: u8 = 7;
/// Signed by another key, or for another chain or content.
pub const BAD_SIGNATURE: u8 = 8;
