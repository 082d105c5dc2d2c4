//! The types and the small traits through which Understudy's pallets meet.
//!
//! No pallet of the suite depends on another one. What one of them offers to the others is a trait of this crate, and
//! the runtime alone says who implements it for whom:
//!
//! | trait | offered by | used by | for |
//! |---|---|---|---|
//! | [`Slots`] | the runtime, from its consensus | heartbeat | who should have authored, who did |
//! | [`HeartbeatKeys`] | the runtime, from `pallet-session` | heartbeat | a member's heartbeat key, a key's owner |
//! | [`VoteKeys`] | the runtime, from `pallet-session` | heartbeat | whose finality votes are missing |
//! | [`Registrations`] | heartbeat | rotation | who may be seated |
//! | [`RosterHandler`] | heartbeat | rotation | a new roster took effect |
//! | [`Verdicts`] | heartbeat | rotation | what the evidence says of every member |
//! | [`JudgementHandler`] | rotation | heartbeat | a window was judged |
//! | [`Backing`] | the runtime, from its election | rotation | whom to seat first |
//! | [`Electorate`] | heartbeat | recovery | who decides on a recovery, with which keys |
//! | [`ElectorateHandler`] | recovery | heartbeat | keys or the readiness of standbys changed |
//! | [`Seats`] | rotation | recovery | which set can be seated, and seating it |
//! | [`RecoveryControl`] | recovery | rotation | whether the set may change |
//! | [`ForceFinality`] | the runtime, from its finality gadget | recovery | force a change of authorities |
//! | [`FailoverLog`] | failover | rotation, recovery | write a record before the change takes effect |
//! | [`EquivocationHandler`] | rotation | the runtime, where equivocations are reported | who equivocated is expelled |
//! | [`DisableSeat`] | the runtime, from `pallet-session` | rotation | who is expelled and sits still authors nothing |
//! | [`DivergenceHandler`] | rotation | failover | who was seated stands elsewhere than the chain |
//!
//! The runtime APIs, which nodes and programs call, are in [`api`]; what a node leaves for its offchain worker is in
//! [`offchain`], what members sign in [`statement`], how the log is committed to in [`mmr`],
//! how many votes a recovery takes in [`quorum`].

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod api;
pub mod crypto;
mod incident;
mod log;
pub mod mmr;
pub mod offchain;
pub mod quorum;
mod recovery;
mod roster;
pub mod statement;
mod unfit;
mod verdict;
pub mod vote;

pub use incident::{DivergenceHandler, Incident, Phase, Times, MAX_RECORDS};
pub use log::{
	equivocation_key, keep_equivocation, Checkpoint, Entry, Evidence, FailoverLog, IncidentId, Initiator,
	LogHead, MemberBits, Moment, NewRecord, NodeBytes, Record, RecordKind, RecordSeq, ENGINE_ID,
	MAX_EVIDENCE,
};
pub use recovery::{
	BlockId, Electorate, ElectorateHandler, ForceFinality, Mode, RecoveryControl, RecoveryStatus, Seats,
	Stall,
};
pub use roster::{
	tolerated_faults, Backing, DisableSeat, EquivocationHandler, HeartbeatKeys, MemberIndex, Registrations,
	RosterHandler, RosterId, Seat, Slots, Tag, Tags, VoteKeys,
};
pub use unfit::Unfit;
pub use verdict::{Detectors, Health, Judged, Judgement, JudgementHandler, Verdict, Verdicts, WindowIndex};
