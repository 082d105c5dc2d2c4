//! The pallets' configurations, by topic.

mod consensus;
mod governance;
mod money;
mod staking;
mod system;
mod understudy;
