//! Implementations of the suite's traits for pallets that most Substrate runtimes have.
//!
//! The README has the table of types. Each takes the runtime as its parameter.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod aura;
mod grandpa;
mod randomness;
mod session;

pub use aura::{AuraSlots, AuthorSeat, AuthorsByTurns, SlotTime};
pub use grandpa::{ForceGrandpa, GrandpaKeys, NoChangePending, ReportedEquivocations};
pub use randomness::LastBlockHash;
pub use session::{CurrentSession, SessionHeartbeatKeys, SessionSeats};
// The node library stores it.
pub use understudy_primitives::offchain::ObservedHead;
