//! Why what a member says in a stall is turned away: stable codes of `InvalidTransaction::Custom`. A code keeps its meaning for ever.
//!
//! | code | name | what is wrong | what the sender does |
//! |---|---|---|---|
//! | 1 | [`NOT_DEGRADED`] | finality does not stand still, or is coming back | nothing |
//! | 2 | [`WRONG_BLOCK`] | it is about a block of another branch, or of an earlier stall | nothing: the node says it of the next block |
//! | 3 | [`TOO_EARLY`] | short forks may not be settled yet; transactions are refused with `Future`, so pools do not ban them | wait |
//! | 4 | [`NOT_A_MEMBER`] | the sender is neither active nor a standby that has shown lately that it is ready | nothing |
//! | 5 | [`ALREADY_SAID`] | the sender has submitted it already, or a report changes nothing | nothing |
//! | 6 | [`WRONG_BASE`] | the vote's base is not a final block of this chain | mend the node |
//! | 7 | [`NO_KEY`] | the sender has no heartbeat key in force, or it changed since the last final block | set session keys, or wait until finality goes on |
//! | 8 | [`BAD_SIGNATURE`] | signed by another key, or for another chain or content | check the keystore against the session keys |
//! | 9 | [`TOO_LATE`] | the set to be seated is fixed | nothing: vote for it |
//! | 10 | [`WRONG_ROUND`] | those present were asked anew since | nothing: the node attests it for the new round |
//! | 11 | [`STALE_VIEW`] | the chain's view of finality rose since the report | nothing: the node reports again if that is needed |

/// Finality does not stand still, or is coming back.
pub const NOT_DEGRADED: u8 = 1;
/// It is about a block of another branch, or of an earlier stall.
pub const WRONG_BLOCK: u8 = 2;
/// Short forks may not be settled yet.
pub const TOO_EARLY: u8 = 3;
/// The sender is neither active nor a standby that has shown lately that it is ready.
pub const NOT_A_MEMBER: u8 = 4;
/// The sender has said so already.
pub const ALREADY_SAID: u8 = 5;
/// The vote's base is not a final block of this chain.
pub const WRONG_BASE: u8 = 6;
/// The sender has no heartbeat key in force, or it changed since the last final block.
pub const NO_KEY: u8 = 7;
/// Signed by another key, or for another chain or content.
pub const BAD_SIGNATURE: u8 = 8;
/// The set to be seated is fixed.
pub const TOO_LATE: u8 = 9;
/// Those present were asked anew since.
pub const WRONG_ROUND: u8 = 10;
/// The chain's view of finality rose since the report.
pub const STALE_VIEW: u8 = 11;
