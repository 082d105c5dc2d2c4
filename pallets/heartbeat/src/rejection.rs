//! Codes of `InvalidTransaction::Custom` with which a heartbeat, a report or a renewal is rejected.
//!
//! They are part of the wire format: a code keeps its meaning forever, and a meaning its code. A
//! signed or unsigned transaction that carries one of these calls is rejected with `BadOrigin`
//! instead: the calls are for general transactions.
//!
//! | code | name | applies to | reason | action of the sender |
//! |---|---|---|---|---|
//! | 1 | [`STALE_ROSTER`] | heartbeat, report | names another roster than the current one | sign again for the current roster |
//! | 2 | [`PAST_WINDOW`] | heartbeat, report | its window ended more than one window ago | sign again for the running window |
//! | 3 | [`FUTURE_WINDOW`] | heartbeat, report | its window has not begun | wait |
//! | 4 | [`NOT_A_MEMBER`] | heartbeat, report | the roster has no such index | none: it is no member |
//! | 5 | [`ALREADY_SEEN`] | heartbeat | the member was seen in the running window, or in the one that the heartbeat is for | none: its sign of life is recorded |
//! | 6 | [`NO_KEY`] | all | the member has no heartbeat key | set session keys; they take effect with the next session |
//! | 7 | [`BAD_SIGNATURE`] | all | signed with another key, or for another chain or content | check the keystore against `MemberKeys`, or for a renewal against the session keys |
//! | 8 | [`NOT_DUE`] | renewal | the registration is recent enough | wait |
//! | 9 | [`ALREADY_REPORTED`] | report | the member made such a report in the running window, or for the one that this report is for | wait for the next window |
//! | 10 | [`BAD_TARGETS`] | report | the list of targets is empty, not in ascending order, or names the reporter | fix the node |
//! | 11 | [`TOO_MANY_TARGETS`] | report | names more targets than the reporter probes | fix the node |
//! | 12 | [`UNASSIGNED_TARGET`] | report | names a target that the reporter was not assigned, or that casts no votes | sign again for the running window |
//! | 13 | [`NOTHING_NEW`] | report | a quorum has reported every target, or they are in grace | none |
//! | 14 | [`NOT_REGISTERED`] | renewal | the account is not registered | register |
//! | 15 | [`FUTURE_BLOCK`] | renewal | its block does not exist yet | wait |
//! | 16 | [`PAST_BLOCK`] | renewal | its block is too old, or not newer than the last renewal's | sign again |
//! | 17 | [`WRONG_RUNTIME`] | renewal | names another runtime than the chain's, which was upgraded meanwhile | sign again |

/// The statement names another roster than the current one.
pub const STALE_ROSTER: u8 = 1;
/// The window of the statement ended more than one window ago.
pub const PAST_WINDOW: u8 = 2;
/// The window of the statement has not begun.
pub const FUTURE_WINDOW: u8 = 3;
/// The roster has no such index.
pub const NOT_A_MEMBER: u8 = 4;
/// The member was seen in the running window, or in the one that the heartbeat is for.
pub const ALREADY_SEEN: u8 = 5;
/// The member has no heartbeat key.
pub const NO_KEY: u8 = 6;
/// The statement is signed with another key, or for another chain or content.
pub const BAD_SIGNATURE: u8 = 7;
/// The registration is recent enough.
pub const NOT_DUE: u8 = 8;
/// The member made such a report in the running window, or for the one that this report is for.
pub const ALREADY_REPORTED: u8 = 9;
/// The list of targets is empty, not in ascending order, or names the reporter.
pub const BAD_TARGETS: u8 = 10;
/// The report names more targets than the reporter probes.
pub const TOO_MANY_TARGETS: u8 = 11;
/// The report names a target that the reporter was not assigned, or that casts no votes.
pub const UNASSIGNED_TARGET: u8 = 12;
/// The report would change nothing: a quorum has reported every target, or they are in grace.
pub const NOTHING_NEW: u8 = 13;
/// The account is not registered.
pub const NOT_REGISTERED: u8 = 14;
/// The block of the renewal does not exist yet.
pub const FUTURE_BLOCK: u8 = 15;
/// The block of the renewal is too old, or not newer than the last renewal's.
pub const PAST_BLOCK: u8 = 16;
/// The renewal names another runtime than the chain's.
pub const WRONG_RUNTIME: u8 = 17;
