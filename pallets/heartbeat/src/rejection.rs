//! Why a heartbeat, a report or a renewal is turned away: stable codes of `InvalidTransaction::Custom`.
//!
//! They are part of the wire format: a code keeps its meaning for ever, and a meaning its code. A signed or unsigned
//! transaction that carries one of these calls is refused with `BadOrigin` instead: they are general transactions.
//!
//! | code | name | of | what is wrong | what the sender does |
//! |---|---|---|---|---|
//! | 1 | [`STALE_ROSTER`] | heartbeat, report | names another roster than the current one | sign again for the current roster |
//! | 2 | [`PAST_WINDOW`] | heartbeat, report | its window is over for longer than one window | sign again for the running window |
//! | 3 | [`FUTURE_WINDOW`] | heartbeat, report | its window has not begun | wait |
//! | 4 | [`NOT_A_MEMBER`] | heartbeat, report | the roster has no such index | nothing, it is no member |
//! | 5 | [`ALREADY_SEEN`] | heartbeat | the member was seen in this window, or in the one that the heartbeat is for | nothing, it is known to be alive |
//! | 6 | [`NO_KEY`] | all | the member has no heartbeat key | set session keys; they count from the next session |
//! | 7 | [`BAD_SIGNATURE`] | all | signed by another key, or for another chain or content | check the keystore against `MemberKeys`, or for a renewal against the session keys |
//! | 8 | [`NOT_DUE`] | renewal | the registration is fresh enough | wait |
//! | 9 | [`ALREADY_REPORTED`] | report | the member made such a report in this window, or for the one that this report is for | wait for the next window |
//! | 10 | [`BAD_TARGETS`] | report | the list of targets is empty, not in ascending order, or names the reporter | mend the node |
//! | 11 | [`TOO_MANY_TARGETS`] | report | it names more than the reporter probes | mend the node |
//! | 12 | [`UNASSIGNED_TARGET`] | report | it names somebody whom the reporter was not assigned, or who casts no votes | sign again for the running window |
//! | 13 | [`NOTHING_NEW`] | report | a quorum has reported every target, or their grace is not over | nothing |
//! | 14 | [`NOT_REGISTERED`] | renewal | the account is not registered | register |
//! | 15 | [`FUTURE_BLOCK`] | renewal | its block is not there yet | wait |
//! | 16 | [`PAST_BLOCK`] | renewal | its block is too old, or not newer than the last renewal's | sign again |
//! | 17 | [`WRONG_RUNTIME`] | renewal | names another runtime than the chain has: it was upgraded meanwhile | sign again |

/// Names another roster than the current one.
pub const STALE_ROSTER: u8 = 1;
/// Its window is over for longer than one window.
pub const PAST_WINDOW: u8 = 2;
/// Its window has not begun.
pub const FUTURE_WINDOW: u8 = 3;
/// The roster has no such index.
pub const NOT_A_MEMBER: u8 = 4;
/// The member was seen in this window already.
pub const ALREADY_SEEN: u8 = 5;
/// The member has no heartbeat key.
pub const NO_KEY: u8 = 6;
/// Signed by another key, or for another chain or content.
pub const BAD_SIGNATURE: u8 = 7;
/// The registration is fresh enough.
pub const NOT_DUE: u8 = 8;
/// The member made such a report in this window.
pub const ALREADY_REPORTED: u8 = 9;
/// The list of targets is empty, not in ascending order, or names the reporter.
pub const BAD_TARGETS: u8 = 10;
/// More targets than the reporter probes.
pub const TOO_MANY_TARGETS: u8 = 11;
/// Names somebody whom the reporter was not assigned, or who casts no votes.
pub const UNASSIGNED_TARGET: u8 = 12;
/// It would change nothing.
pub const NOTHING_NEW: u8 = 13;
/// The account is not registered.
pub const NOT_REGISTERED: u8 = 14;
/// Its block is not there yet.
pub const FUTURE_BLOCK: u8 = 15;
/// Its block is too old, or not newer than the last renewal's.
pub const PAST_BLOCK: u8 = 16;
/// Names another runtime than the chain has.
pub const WRONG_RUNTIME: u8 = 17;
