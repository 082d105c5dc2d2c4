//! Reasons to reject a member's statement: stable codes of `InvalidTransaction::Custom`. A code
//! keeps its meaning forever.
//!
//! | code | name | reason | action of the sender |
//! |---|---|---|---|
//! | 1 | [`NOT_DEGRADED`] | the mode is not `DegradedSafe`: finality has not stalled, is resuming, or a recovery is in progress | nothing |
//! | 2 | [`WRONG_BLOCK`] | the statement is about a block of another branch, or of an earlier stall | nothing: the node submits a statement about the next block |
//! | 3 | [`TOO_EARLY`] | short forks may not be resolved yet; transactions are refused with `Future`, so pools do not ban them | wait |
//! | 4 | [`NOT_A_MEMBER`] | the sender is neither active nor a ready standby; for a finality report, it is not active | nothing |
//! | 5 | [`ALREADY_SUBMITTED`] | the sender has submitted the statement already, or a report changes nothing | nothing |
//! | 6 | [`WRONG_BASE`] | the vote's base is not a final block of this chain, or the reported block is not one of its blocks | repair the node |
//! | 7 | [`NO_KEY`] | the sender has no heartbeat key in force, or it changed since the last final block | set session keys, or wait until finality goes on |
//! | 8 | [`BAD_SIGNATURE`] | signed by another key, or for another chain or content | check the keystore against the session keys |
//! | 9 | [`TOO_LATE`] | a set has been proposed | nothing: the node votes for the proposal |
//! | 10 | [`WRONG_ROUND`] | the attestation is for another round | nothing: the node attests its presence for the new round |
//! | 11 | [`STALE_VIEW`] | the chain's finality view rose since the report | nothing: the node reports again if necessary |

/// The mode is not `DegradedSafe`: finality has not stalled, is resuming, or a recovery is in
/// progress.
pub const NOT_DEGRADED: u8 = 1;
/// The statement is about a block of another branch, or of an earlier stall.
pub const WRONG_BLOCK: u8 = 2;
/// Short forks may not be resolved yet.
pub const TOO_EARLY: u8 = 3;
/// The sender is neither active nor a ready standby; for a finality report, it is not active.
pub const NOT_A_MEMBER: u8 = 4;
/// The sender has submitted the statement already, or a report changes nothing.
pub const ALREADY_SUBMITTED: u8 = 5;
/// The vote's base is not a final block of this chain, or the reported block is not one of its
/// blocks.
pub const WRONG_BASE: u8 = 6;
/// The sender has no heartbeat key in force, or it changed since the last final block.
pub const NO_KEY: u8 = 7;
/// Signed by another key, or for another chain or content.
pub const BAD_SIGNATURE: u8 = 8;
/// A set has been proposed.
pub const TOO_LATE: u8 = 9;
/// The attestation is for another round.
pub const WRONG_ROUND: u8 = 10;
/// The chain's finality view rose since the report.
pub const STALE_VIEW: u8 = 11;
