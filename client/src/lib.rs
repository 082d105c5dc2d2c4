//! Adds the Understudy suite to a Substrate node.
//!
//! The pallets run in any FRAME runtime. Some of their work needs the node: finality votes and
//! blocks have to be observed, the votes that bind a node must survive the loss of its database,
//! and proofs need justifications. This library has all of it, for any node with GRANDPA.
//! `docs/how-to/node.md` shows the changes to a `service.rs`.
//!
//! | part | purpose | used by |
//! |---|---|---|
//! | [`finality::observer`] | writes silent voters, idle authors and the finalized block for the offchain worker | `pallet-heartbeat`, `pallet-recovery` |
//! | [`finality::voting_rule`] | keeps a node that voted for a recovery from finalizing | `pallet-recovery` |
//! | [`finality::history`] | hand-offs between authority sets, and the evidence of forced ones | proofs |
//! | [`durable`] | offchain storage whose binding entries are on disk when a write returns | `pallet-recovery` |
//! | [`equivocation`] (feature `aura`) | reports authors that sign two blocks for one slot | `pallet-equivocation` |
//! | [`rpc`] | `failover_*` and `recovery_*` | people, `understudy-verify` |
//! | `monitor` | metrics, and alarms in the log when no block arrives | operators |
//! | [`checkpoint`] | start from the head of a proof instead of a warp sync | new nodes |
//! | [`take_back_vote`] | subcommand that takes back a vote for a recovery that cannot succeed | operators |
//! | [`cli`] | options of the command line | |
//!
//! A node names its types in an implementation of [`Node`], opens a [`Suite`] before it builds the
//! network, and starts it after that:
//!
//! ```ignore
//! let suite = Suite::<Sample>::open(&mut config, &client, &backend, options)?;
//! // OffchainWorkerOptions { offchain_db: Some(suite.storage()), .. }
//! let (rule, rpc) = suite.start(&task_manager.spawn_handle(), parts)?;
//! // GrandpaParams { voting_rule: VotingRulesBuilder::default().add(rule).build(), .. }
//! // module.merge(rpc.clone())?;
//! ```
//!
//! The author's inherents need [`FinalityInherent`], and GRANDPA's block import and voter
//! [`JUSTIFICATION_PERIOD`].

pub mod authors;
pub mod checkpoint;
pub mod cli;
pub mod durable;
#[cfg(feature = "aura")]
pub mod equivocation;
pub mod finality;
mod index;
mod monitor;
mod node;
pub mod rpc;
mod suite;
pub mod take_back_vote;

pub use index::with_index;
pub use node::{AccountId, BlockNumber, Hash, Header, Node, OffchainStore, RecoveryNode};
#[cfg(feature = "aura")]
pub use node::{AuraNode, EquivocationNode};
pub use pallet_recovery::inherent::FinalityInherent;
pub use suite::{Options, Parts, Suite, JUSTIFICATION_PERIOD};
