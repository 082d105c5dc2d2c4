//! Parts of the suite that a parachain needs in place of GRANDPA and staking.
//!
//! A parachain has no finality gadget: the relay chain includes its blocks. The [pallet] stores the
//! header of the last included block, as the relay chain's state proves it to each block, so that a
//! newly seated collator can state its position (see `pallet-failover`'s reconciliation).
//! [`NoteIncluded`] is the consensus hook that fills it. [`CollatorBacking`] orders collators for
//! the rotation pallet.
//!
//! An included block is not final before the relay chain's block is. A collator that states one has
//! the relay chain's word of some seconds ago, not its last word.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod backing;

pub use backing::CollatorBacking;
pub use pallet::*;

use alloc::vec::Vec;
use core::marker::PhantomData;
use cumulus_pallet_parachain_system::{
	consensus_hook::UnincludedSegmentCapacity, ConsensusHook, RelayChainStateProof,
};
use frame_support::{pallet_prelude::*, traits::Get, weights::Weight};
use understudy_primitives::FinalHead;

/// Maximum size, in bytes, of a header that is stored. A longer one is not: a later one will be
/// shorter.
pub const MAX_HEADER: u32 = 2_048;

#[frame_support::pallet]
pub mod pallet {
	use super::*;

	/// Version of the storage layout.
	const STORAGE_VERSION: StorageVersion = StorageVersion::new(0);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// # Requirements
	///
	/// [`NoteIncluded`] is the consensus hook of the parachain-system pallet.
	#[pallet::config]
	pub trait Config: frame_system::Config + cumulus_pallet_parachain_system::Config {}

	/// Header, in SCALE, of the last block that the relay chain had included when this block was
	/// built.
	#[pallet::storage]
	pub type Included<T> = StorageValue<_, BoundedVec<u8, ConstU32<MAX_HEADER>>, OptionQuery>;
}

/// Position of a collator: the last block that the relay chain has included, as of the block on
/// which its offchain worker runs.
impl<T: Config> FinalHead for Pallet<T> {
	fn header() -> Option<Vec<u8>> {
		Some(Included::<T>::get()?.into_inner())
	}
}

/// Consensus hook that stores the last included header, and leaves the rest to `Inner`.
pub struct NoteIncluded<T, Inner>(PhantomData<(T, Inner)>);

impl<T: Config, Inner: ConsensusHook> ConsensusHook for NoteIncluded<T, Inner> {
	fn on_state_proof(proof: &RelayChainStateProof) -> (Weight, UnincludedSegmentCapacity) {
		let (weight, capacity) = Inner::on_state_proof(proof);
		// The relay chain knows no head before the parachain's first session.
		if let Ok(head) = proof.read_included_para_head() {
			if let Ok(header) = BoundedVec::try_from(head.0) {
				Included::<T>::put(header);
			}
		}
		(weight.saturating_add(T::DbWeight::get().writes(1)), capacity)
	}
}
