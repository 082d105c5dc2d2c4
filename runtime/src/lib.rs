//! Sample solo-chain runtime: Aura, GRANDPA, staking with an elected reserve, governance, and
//! Understudy's pallets.
//!
//! It is the only crate that knows all of the pallets, and the example of how to configure them:
//! see [`configs`], by topic, and `configs/understudy.rs` for the suite itself.

#![cfg_attr(not(feature = "std"), no_std)]
#![recursion_limit = "512"]
// The runtime macros generate public items without documentation.
#![allow(missing_docs)]

#[cfg(feature = "std")]
include!(concat!(env!("OUT_DIR"), "/wasm_binary.rs"));

extern crate alloc;

pub mod apis;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarks;
pub mod configs;
pub mod constants;
pub mod genesis_config_presets;
pub mod parameters;
pub mod types;
pub mod weights;

pub use types::*;

use alloc::{borrow::Cow, vec::Vec};
use sp_runtime::impl_opaque_keys;
use sp_version::{runtime_version, RuntimeVersion};

impl_opaque_keys! {
	/// Keys of a validator: block production, finality, and signs of life.
	pub struct SessionKeys {
		pub aura: Aura,
		pub grandpa: Grandpa,
		pub heartbeat: Heartbeat,
	}
}

/// Version of this runtime.
#[runtime_version]
pub const VERSION: RuntimeVersion = RuntimeVersion {
	spec_name: Cow::Borrowed("understudy"),
	impl_name: Cow::Borrowed("understudy-node"),
	authoring_version: 1,
	spec_version: 101,
	impl_version: 1,
	apis: apis::RUNTIME_API_VERSIONS,
	transaction_version: 1,
	system_version: 1,
};

// Hooks run in this order. Heartbeat comes after Aura, which notes the slot, and before Session,
// which changes the set that missed slots belong to; see the heartbeat pallet's documentation.
#[frame_support::runtime]
mod runtime {
	#[runtime::runtime]
	#[runtime::derive(
		RuntimeCall,
		RuntimeEvent,
		RuntimeError,
		RuntimeOrigin,
		RuntimeFreezeReason,
		RuntimeHoldReason,
		RuntimeSlashReason,
		RuntimeLockId,
		RuntimeTask,
		RuntimeViewFunction
	)]
	pub struct Runtime;

	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type Timestamp = pallet_timestamp;
	#[runtime::pallet_index(2)]
	pub type Aura = pallet_aura;
	#[runtime::pallet_index(3)]
	pub type Authorship = pallet_authorship;

	#[runtime::pallet_index(10)]
	pub type Heartbeat = pallet_heartbeat;
	#[runtime::pallet_index(11)]
	pub type ValidatorRotation = pallet_validator_rotation;
	#[runtime::pallet_index(12)]
	pub type Failover = pallet_failover;
	// Before the session pallet, so that a decision of recovery ends the session in the same block.
	#[runtime::pallet_index(13)]
	pub type Recovery = pallet_recovery;

	#[runtime::pallet_index(15)]
	pub type Equivocation = pallet_equivocation;

	#[runtime::pallet_index(20)]
	pub type Balances = pallet_balances;
	#[runtime::pallet_index(21)]
	pub type TransactionPayment = pallet_transaction_payment;

	#[runtime::pallet_index(30)]
	pub type Staking = pallet_staking;
	#[runtime::pallet_index(31)]
	pub type Offences = pallet_offences;
	#[runtime::pallet_index(32)]
	pub type Historical = pallet_session::historical;
	#[runtime::pallet_index(33)]
	pub type Session = pallet_session;
	#[runtime::pallet_index(34)]
	pub type Grandpa = pallet_grandpa;

	#[runtime::pallet_index(40)]
	pub type Parameters = pallet_parameters;
	// The only pallet whose origin can set parameters.
	#[runtime::pallet_index(14)]
	pub type Settings = pallet_settings;
	#[runtime::pallet_index(41)]
	pub type Preimage = pallet_preimage;
	#[runtime::pallet_index(42)]
	pub type Scheduler = pallet_scheduler;
	#[runtime::pallet_index(43)]
	pub type Referenda = pallet_referenda;
	#[runtime::pallet_index(44)]
	pub type ConvictionVoting = pallet_conviction_voting;
	#[runtime::pallet_index(45)]
	pub type Guardians = pallet_collective<Instance1>;
	#[runtime::pallet_index(46)]
	pub type Utility = pallet_utility;

	// Only as the reference for the benchmarks of heartbeats.
	#[cfg(feature = "runtime-benchmarks")]
	#[runtime::pallet_index(100)]
	pub type ImOnline = pallet_im_online;
	// Only in benchmarks: its weights are for chains that use it.
	#[cfg(feature = "runtime-benchmarks")]
	#[runtime::pallet_index(101)]
	pub type ListedValidators = pallet_validator_rotation::poa;
}
