//! Example runtime: a parachain whose collators fail over, for an unmodified `polkadot-omni-node`.
//!
//! The suite's part is in [`suite`]. `docs/how-to/parachain.md` explains it.

#![cfg_attr(not(feature = "std"), no_std)]
#![recursion_limit = "256"]
// The runtime macros generate public items without documentation.
#![allow(missing_docs)]

#[cfg(feature = "std")]
include!(concat!(env!("OUT_DIR"), "/wasm_binary.rs"));

extern crate alloc;

pub mod apis;
pub mod chain;
pub mod genesis;
pub mod suite;

use alloc::{borrow::Cow, vec::Vec};
use sp_runtime::{
	generic, impl_opaque_keys,
	traits::{BlakeTwo256, IdentifyAccount, Verify},
	MultiAddress, MultiSignature,
};
use sp_version::{runtime_version, RuntimeVersion};

/// Number of a block.
pub type BlockNumber = u32;
/// Account: the public key of its owner.
pub type AccountId = <<MultiSignature as Verify>::Signer as IdentifyAccount>::AccountId;
/// Amount of currency.
pub type Balance = u128;
/// Nonce of an account's transaction.
pub type Nonce = u32;
/// Hash of a block.
pub type Hash = sp_core::H256;
/// Header of a block.
pub type Header = generic::Header<BlockNumber, BlakeTwo256>;
/// Block.
pub type Block = generic::Block<Header, UncheckedExtrinsic>;
/// Transaction.
pub type UncheckedExtrinsic =
	generic::UncheckedExtrinsic<MultiAddress<AccountId, ()>, RuntimeCall, MultiSignature, chain::TxExtension>;
/// Executes blocks.
pub type Executive = frame_executive::Executive<
	Runtime,
	Block,
	frame_system::ChainContext<Runtime>,
	Runtime,
	AllPalletsWithSystem,
>;

impl_opaque_keys! {
	/// Session keys of a collator.
	pub struct SessionKeys {
		pub aura: Aura,
		pub heartbeat: Heartbeat, // +
	}
}

/// Prefix of addresses in text, as the verifier prints them.
pub const SS58_PREFIX: u16 = 42;

/// Version of this runtime.
#[runtime_version]
pub const VERSION: RuntimeVersion = RuntimeVersion {
	spec_name: Cow::Borrowed("understudy-parachain"),
	impl_name: Cow::Borrowed("understudy-parachain"),
	authoring_version: 1,
	spec_version: 1,
	impl_version: 1,
	apis: apis::RUNTIME_API_VERSIONS,
	transaction_version: 1,
	system_version: 1,
};

// Heartbeat comes after Aura, which notes the slot, and before Session, which changes the set.
// AuraExt comes after both: it keeps the authorities that the next block is sealed by.
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
		RuntimeTask,
		RuntimeViewFunction
	)]
	pub struct Runtime;

	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type ParachainSystem = cumulus_pallet_parachain_system;
	#[runtime::pallet_index(2)]
	pub type Timestamp = pallet_timestamp;
	#[runtime::pallet_index(3)]
	pub type ParachainInfo = staging_parachain_info;
	#[runtime::pallet_index(4)]
	pub type WeightReclaim = cumulus_pallet_weight_reclaim;
	#[runtime::pallet_index(5)]
	pub type Balances = pallet_balances;
	#[runtime::pallet_index(6)]
	pub type TransactionPayment = pallet_transaction_payment;

	#[runtime::pallet_index(10)]
	pub type Authorship = pallet_authorship;
	#[runtime::pallet_index(11)]
	pub type CollatorSelection = pallet_collator_selection;
	#[runtime::pallet_index(12)]
	pub type Aura = pallet_aura;

	// +{
	#[runtime::pallet_index(20)]
	pub type Heartbeat = pallet_heartbeat;
	#[runtime::pallet_index(21)]
	pub type ValidatorRotation = pallet_validator_rotation;
	#[runtime::pallet_index(22)]
	pub type Failover = pallet_failover;
	#[runtime::pallet_index(23)]
	pub type IncludedHead = understudy_parachain;
	// +}

	#[runtime::pallet_index(30)]
	pub type Session = pallet_session;
	#[runtime::pallet_index(31)]
	pub type AuraExt = cumulus_pallet_aura_ext;
	// Root: the invulnerable collators, and the guardians.
	#[runtime::pallet_index(32)]
	pub type Sudo = pallet_sudo;
}

cumulus_pallet_parachain_system::register_validate_block! {
	Runtime = Runtime,
	BlockExecutor = cumulus_pallet_aura_ext::BlockExecutor::<Runtime, Executive>,
}
