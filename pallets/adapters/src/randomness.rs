//! Randomness that assigns probers to members.

use core::marker::PhantomData;
use frame_support::traits::Randomness;
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::traits::{Hash, One, Saturating};

/// Randomness from the hash of the last block.
///
/// The author of that block may try many blocks until it likes the assignment. That gains it
/// nothing, because a quorum of reports is more than may collude, whatever the assignment.
pub struct LastBlockHash<T>(PhantomData<T>);

impl<T: frame_system::Config> Randomness<T::Hash, BlockNumberFor<T>> for LastBlockHash<T> {
	fn random(subject: &[u8]) -> (T::Hash, BlockNumberFor<T>) {
		let hash = T::Hashing::hash_of(&(subject, frame_system::Pallet::<T>::parent_hash()));
		(hash, frame_system::Pallet::<T>::block_number().saturating_sub(One::one()))
	}
}
