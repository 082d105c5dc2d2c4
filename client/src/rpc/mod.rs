//! JSON-RPC of the suite.

pub mod failover;
pub mod recovery;
mod refusal;
