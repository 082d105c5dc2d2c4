//! Evictions that count, and the limits of rotation that follow from them.

use alloc::vec::Vec;
use frame_support::traits::Get;
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::traits::Saturating;

use crate::{breaker, selection, Config, EvictionOf, Evictions, Pallet};

impl<T: Config> Pallet<T> {
	/// Returns the limits of rotation on this set as of now.
	pub(crate) fn limits(seated: &[T::AccountId]) -> selection::Limits {
		let spent = Self::counted_evictions().len() as u32;
		let cap = selection::cap(seated.len() as u32);
		selection::Limits { allowed: cap.saturating_sub(spent), floor: T::Floor::get() }
	}

	/// Returns the evictions within the `period` that ends now.
	pub(crate) fn recent_evictions(period: BlockNumberFor<T>) -> Vec<EvictionOf<T>> {
		breaker::recent(Evictions::<T>::get(), frame_system::Pallet::<T>::block_number(), period)
	}

	/// Returns the evictions that count towards the cap: each for the length that the cool-off had
	/// when the seat was taken.
	pub(crate) fn counted_evictions() -> Vec<EvictionOf<T>> {
		let now = frame_system::Pallet::<T>::block_number();
		Evictions::<T>::get().into_iter().filter(|eviction| now < eviction.counts_until).collect()
	}

	/// Returns the evictions that are kept: those that count towards the cap, and those of the
	/// breaker's period.
	pub(crate) fn kept_evictions() -> Vec<EvictionOf<T>> {
		let (now, period) = (frame_system::Pallet::<T>::block_number(), T::Breaker::get().period);
		let keeps = |eviction: &EvictionOf<T>| {
			now < eviction.counts_until || now < eviction.at.saturating_add(period)
		};
		Evictions::<T>::get().into_iter().filter(keeps).collect()
	}
}
