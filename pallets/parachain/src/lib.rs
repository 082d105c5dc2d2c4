//! Parts of the suite that a parachain needs in place of GRANDPA and staking.
//!
//! A parachain has no finality gadget: the relay chain includes its blocks, as its state proves to
//! each block. The [pallet] stores a header that was included some blocks ago, so that a newly
//! seated collator can state its position (see `pallet-failover`'s reconciliation). [`NoteIncluded`]
//! is the consensus hook that fills it. [`CollatorBacking`] orders collators for the rotation
//! pallet.
//!
//! An included block is final as soon as the relay chain's block is, which the parachain does not
//! learn. After [`Config::SettleAfter`] blocks, the header is taken as final if it is an ancestor of
//! the block that is being built. A collator on a fork that the relay chain left therefore states
//! no position, and a fork that the relay chain leaves costs no collator its seat.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod backing;

pub use backing::CollatorBacking;
pub use pallet::*;

use alloc::vec::Vec;
use codec::DecodeAll;
use core::marker::PhantomData;
use cumulus_pallet_parachain_system::{
	consensus_hook::UnincludedSegmentCapacity, ConsensusHook, RelayChainStateProof,
};
use frame_support::{pallet_prelude::*, traits::Get, weights::Weight};
use frame_system::pallet_prelude::{BlockNumberFor, HeaderFor};
use sp_runtime::traits::{Hash, Header, Saturating};
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
	pub trait Config: frame_system::Config + cumulus_pallet_parachain_system::Config {
		/// Number of blocks after which a header that the relay chain included is taken as final.
		/// Longer than the relay chain takes to finalize a block.
		#[pallet::constant]
		type SettleAfter: Get<BlockNumberFor<Self>>;
	}

	/// Block that noted the header in [`Noted`].
	#[pallet::storage]
	pub type NotedAt<T> = StorageValue<_, BlockNumberFor<T>, OptionQuery>;

	/// Header, in SCALE, of a block that the relay chain had included then.
	#[pallet::storage]
	pub type Noted<T> = StorageValue<_, HeaderBytes, ValueQuery>;

	/// Header, in SCALE, of the last block that is taken as final.
	#[pallet::storage]
	pub type Settled<T> = StorageValue<_, HeaderBytes, OptionQuery>;
}

/// Header in SCALE.
pub type HeaderBytes = BoundedVec<u8, ConstU32<MAX_HEADER>>;

/// Position of a collator: the last block that is taken as final, as of the block on which its
/// offchain worker runs.
impl<T: Config> FinalHead for Pallet<T> {
	fn header() -> Option<Vec<u8>> {
		Some(Settled::<T>::get()?.into_inner())
	}
}

impl<T: Config> Pallet<T> {
	/// Takes the noted header as final if it is due, and notes the next one.
	fn note(included: Vec<u8>) {
		let now = frame_system::Pallet::<T>::block_number();
		let due = |since: BlockNumberFor<T>| now >= since.saturating_add(T::SettleAfter::get());
		if !NotedAt::<T>::get().is_none_or(due) {
			return;
		}
		let noted = Noted::<T>::get();
		if Self::is_ancestor(&noted) {
			Settled::<T>::put(noted);
		}
		if let Ok(header) = HeaderBytes::try_from(included) {
			Noted::<T>::put(header);
			NotedAt::<T>::put(now);
		}
	}

	/// Returns `true` if the block with this header is among the last ones of this chain.
	fn is_ancestor(bytes: &[u8]) -> bool {
		let header = HeaderFor::<T>::decode_all(&mut &bytes[..]);
		header.is_ok_and(|header| {
			frame_system::Pallet::<T>::block_hash(header.number()) == T::Hashing::hash(bytes)
		})
	}
}

/// Consensus hook that notes included headers, and leaves the rest to `Inner`.
pub struct NoteIncluded<T, Inner>(PhantomData<(T, Inner)>);

impl<T: Config, Inner: ConsensusHook> ConsensusHook for NoteIncluded<T, Inner> {
	fn on_state_proof(proof: &RelayChainStateProof) -> (Weight, UnincludedSegmentCapacity) {
		let (weight, capacity) = Inner::on_state_proof(proof);
		if let Ok(head) = proof.read_included_para_head() {
			Pallet::<T>::note(head.0);
		}
		let own = T::DbWeight::get().reads_writes(3, 3);
		let proof_size = u64::from(MAX_HEADER).saturating_mul(2);
		(weight.saturating_add(own.saturating_add(Weight::from_parts(0, proof_size))), capacity)
	}
}
