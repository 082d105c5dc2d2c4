//! The weights of `pallet_equivocation`, reckoned until `scripts/benchmark` measures them: two lists of a thousand authors, two
//! signatures, and hashes.

#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(unused_parens, missing_docs)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// As reckoned, with the runtime's database weights.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_equivocation::WeightInfo for WeightInfo<T> {
	fn report(b: u32, ) -> Weight {
		Weight::from_parts(1_000_000_000, 170_000)
			.saturating_add(Weight::from_parts(8_000, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(9))
			.saturating_add(T::DbWeight::get().writes(6))
	}
	fn authorize_report(b: u32, ) -> Weight {
		Weight::from_parts(800_000_000, 170_000)
			.saturating_add(Weight::from_parts(8_000, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(7))
	}
	fn follow_session() -> Weight {
		Weight::from_parts(10_000_000, 3_500)
			.saturating_add(T::DbWeight::get().reads(2))
	}
	fn new_session() -> Weight {
		Weight::from_parts(900_000_000, 250_000)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(5))
	}
}
