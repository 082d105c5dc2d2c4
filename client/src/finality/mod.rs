//! Finality: what this node observes of it, when it votes, and how authority sets changed.

mod forced_change;
pub mod history;
pub mod observer;
mod silence;
pub mod voting_rule;
