//! Benchmark of the only call, with the number of changed parameters as a component.

use alloc::vec;
use frame_benchmarking::v2::*;
use frame_support::traits::{EnsureOrigin, Get};

use crate::*;

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn set(n: Linear<1, MAX_CHANGES>) -> Result<(), BenchmarkError> {
		let origin =
			<T as Config>::AdminOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
		let changes = ChangesOf::<T>::truncate_from(vec![T::BenchmarkHelper::get(); n as usize]);
		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, changes);
		Ok(())
	}
}
