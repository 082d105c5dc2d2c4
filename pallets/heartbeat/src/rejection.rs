//! Why a heartbeat is turned away: stable codes of `InvalidTransaction::Custom`.
//!
//! They are part of the wire format: a code keeps its meaning for ever, and a meaning its code.
//!
//! | code | name | what is wrong | what the sender does |
//! |---|---|---|---|
//! | 1 | [`STALE_ROSTER`] | names another roster than the current one | sign again for the current roster |
//! | 2 | [`PAST_WINDOW`] | its window is over for longer than one window | sign again for the running window |
//! | 3 | [`FUTURE_WINDOW`] | its window has not begun | wait |
//! | 4 | [`NOT_A_MEMBER`] | the roster has no such index | nothing, it is no member |
//! | 5 | [`ALREADY_SEEN`] | the member was seen in this window, or in the one that the heartbeat is for | nothing, it is known to be alive |
//! | 6 | [`NO_KEY`] | the member has no heartbeat key | set session keys |
//! | 7 | [`BAD_SIGNATURE`] | signed by another key, or for another chain or content | check the keystore against the session keys |

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
