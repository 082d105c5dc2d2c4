//! Order of collators.

use alloc::vec::Vec;
use core::marker::PhantomData;
use sp_runtime::traits::UniqueSaturatedInto;
use understudy_primitives::Backing;

/// Collators of the collator-selection pallet: first the invulnerable ones in their order, then the
/// candidates by their deposits.
pub struct CollatorBacking<T>(PhantomData<T>);

impl<T: pallet_collator_selection::Config> Backing<T::AccountId> for CollatorBacking<T> {
	fn backings(of: &[T::AccountId]) -> Vec<u128> {
		let invulnerables = pallet_collator_selection::Invulnerables::<T>::get();
		let candidates = pallet_collator_selection::CandidateList::<T>::get();
		let backing = |who: &T::AccountId| {
			if let Some(place) = invulnerables.iter().position(|listed| listed == who) {
				return u128::MAX.saturating_sub(place as u128);
			}
			let found = candidates.iter().find(|candidate| candidate.who == *who);
			found.map_or(0, |candidate| candidate.deposit.unique_saturated_into())
		};
		of.iter().map(backing).collect()
	}
}
