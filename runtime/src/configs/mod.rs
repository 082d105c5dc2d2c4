//! The pallets' configurations, by topic.

pub(crate) mod consensus;
mod governance;
mod money;
mod staking;
mod system;
pub mod understudy;
