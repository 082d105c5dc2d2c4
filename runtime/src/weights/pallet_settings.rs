//! The weights of `pallet_settings`, reckoned until `scripts/benchmark` measures them: a read and a write for each change, and a read
//! for each parameter that is checked.

#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(unused_parens, missing_docs)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// As reckoned, with the runtime's database weights.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_settings::WeightInfo for WeightInfo<T> {
	fn set(n: u32, ) -> Weight {
		Weight::from_parts(60_000_000, 50_000)
			.saturating_add(Weight::from_parts(10_000_000, 2_600).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(18))
			.saturating_add(T::DbWeight::get().reads((1_u64).saturating_mul(n.into())))
			.saturating_add(T::DbWeight::get().writes((1_u64).saturating_mul(n.into())))
	}
}
