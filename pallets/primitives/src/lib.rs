//! Types and traits through which Understudy's pallets meet.
//!
//! No pallet of the suite depends on another one. A pallet offers its services to the others by the
//! traits of this crate ([`traits`]), and the runtime alone wires them:
//!
//! | trait | implemented by | used by | purpose |
//! |---|---|---|---|
//! | [`Slots`] | the runtime, from its consensus | heartbeat | authors of slots, for missed ones |
//! | [`HeartbeatKeys`] | the runtime, from `pallet-session` | heartbeat, failover | heartbeat key of an account, and the reverse |
//! | [`VoteKeys`] | the runtime, from `pallet-session` | heartbeat | account behind a finality vote |
//! | [`Registrations`] | heartbeat | rotation | accounts whose node stands by |
//! | [`RosterHandler`] | heartbeat, recovery | rotation | hand on each new roster |
//! | [`Verdicts`] | heartbeat | rotation | verdicts on all members, and their evidence |
//! | [`JudgementHandler`] | rotation | heartbeat | act on a judgement |
//! | [`Backing`] | the runtime, from its election | rotation | order of candidates |
//! | [`Electorate`] | heartbeat | recovery | members, keys in force, readiness |
//! | [`ElectorateHandler`] | recovery | heartbeat | hand on changes of keys and readiness |
//! | [`Seats`] | rotation | recovery | propose and seat a set |
//! | [`RecoveryControl`] | recovery | rotation | freeze the set in a stall |
//! | [`ForceFinality`] | the runtime, from its finality gadget | recovery | force a change of authorities |
//! | [`FinalHead`] | the node library, or `pallets/parachain` | failover | last final block as the local node knows it |
//! | [`HeadSource`] | the light client | pallets that watch another chain | final blocks of remote chains |
//! | [`FailoverLog`] | failover | rotation, recovery | record a change before it takes effect |
//! | [`EquivocationHandler`] | rotation | the runtime, from its reports of equivocations | expel the offender |
//! | [`DisableSeat`] | the runtime, from `pallet-session` | rotation | keep an expelled member from authoring |
//! | [`DivergenceHandler`] | rotation | failover | take a seat back |
//!
//! The runtime APIs, which nodes and programs call, are in [`api`]. Other modules hold what a node
//! keeps for its offchain worker ([`offchain`]), the statements that members sign ([`statement`]),
//! the commitment to the log ([`mmr`]), and the quorum of a recovery ([`quorum`]).

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod api;
pub mod crypto;
mod evidence;
mod incident;
pub mod index;
mod log;
pub mod mmr;
pub mod offchain;
pub mod quorum;
mod recovery;
mod remote;
mod roster;
pub mod statement;
pub mod traits;
mod unfit;
mod verdict;
pub mod vote;

pub use evidence::{equivocation_key, keep_equivocation, Evidence, MemberBits, NodeBytes, MAX_EVIDENCE};
pub use incident::{Incident, Phase, Times, MAX_RECORDS};
pub use log::{
	Checkpoint, Entry, IncidentId, Initiator, LogHead, Moment, NewRecord, Record, RecordKind, RecordSeq,
	ENGINE_ID,
};
pub use recovery::{BlockId, Mode, RecoveryStatus, Stall};
pub use remote::{RemoteHead, RemoteId};
pub use roster::{tolerated_faults, MemberIndex, RosterId, Seat, Tag, Tags};
pub use traits::{
	Backing, DisableSeat, DivergenceHandler, Electorate, ElectorateHandler, EquivocationHandler, FailoverLog,
	FinalHead, ForceFinality, HeadSource, HeartbeatKeys, JudgementHandler, RecoveryControl, Registrations,
	RosterHandler, Seats, Slots, Verdicts, VoteKeys,
};
pub use unfit::Unfit;
pub use verdict::{Detectors, Health, Judged, Judgement, Verdict, WindowIndex};
