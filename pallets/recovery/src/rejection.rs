//! Reasons to reject a member's statement: stable codes of `InvalidTransaction::Custom`. A code
//! keeps its meaning forever.
//!
//! | code | name | reason | action of the sender |
//! |---|---|---|---|
//! | 51 | [`NOT_DEGRADED`] | the mode is not `DegradedSafe`: finality has not stalled, is resuming, or a recovery is in progress | nothing |
//! | 52 | [`WRONG_BLOCK`] | the statement is about a block of another branch, or of an earlier stall | nothing: the node submits a statement about the next block |
//! | 53 | [`TOO_EARLY`] | short forks may not be resolved yet; transactions are refused with `Future`, so pools do not ban them | wait |
//! | 54 | [`NOT_A_MEMBER`] | the sender is neither active nor a ready standby; for a finality report, it is not active | nothing |
//! | 55 | [`ALREADY_SUBMITTED`] | the sender has submitted the statement already, or a report changes nothing | nothing |
//! | 56 | [`WRONG_BASE`] | the vote's base is not a final block of this chain, or the reported block is not one of its blocks | repair the node |
//! | 57 | [`NO_KEY`] | the sender has no heartbeat key in force, or it changed since the last final block | set session keys, or wait until finality goes on |
//! | 58 | [`BAD_SIGNATURE`] | signed by another key, or for another chain or content | check the keystore against the session keys |
//! | 59 | [`TOO_LATE`] | a set has been proposed | nothing: the node votes for the proposal |
//! | 60 | [`WRONG_ROUND`] | the attestation is for another round | nothing: the node attests its presence for the new round |
//! | 61 | [`STALE_VIEW`] | the chain's finality view rose since the report | nothing: the node reports again if necessary |

/// The mode is not `DegradedSafe`: finality has not stalled, is resuming, or a recovery is in
/// progress.
pub const NOT_DEGRADED: u8 = 51;
/// The statement is about a block of another branch, or of an earlier stall.
pub const WRONG_BLOCK: u8 = 52;
/// Short forks may not be resolved yet.
pub const TOO_EARLY: u8 = 53;
/// The sender is neither active nor a ready standby; for a finality report, it is not active.
pub const NOT_A_MEMBER: u8 = 54;
/// The sender has submitted the statement already, or a report changes nothing.
pub const ALREADY_SUBMITTED: u8 = 55;
/// The vote's base is not a final block of this chain, or the reported block is not one of its
/// blocks.
pub const WRONG_BASE: u8 = 56;
/// The sender has no heartbeat key in force, or it changed since the last final block.
pub const NO_KEY: u8 = 57;
/// Signed by another key, or for another chain or content.
pub const BAD_SIGNATURE: u8 = 58;
/// A set has been proposed.
pub const TOO_LATE: u8 = 59;
/// The attestation is for another round.
pub const WRONG_ROUND: u8 = 60;
/// The chain's finality view rose since the report.
pub const STALE_VIEW: u8 = 61;
