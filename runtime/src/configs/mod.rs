//! Configurations of the pallets, by topic.

pub(crate) mod consensus;
mod governance;
mod money;
pub mod staking;
pub mod system;
pub mod understudy;
