//! # Settings pallet
//!
//! Changes governed parameters only to values that fit together.
//!
//! ## Overview
//!
//! `pallet-parameters` stores what it is given: a careless vote can set a stall time of zero or a
//! cool-off of a year. This pallet is the only way to its storage: [`Pallet::set`] changes some
//! parameters at once, asks [`Config::Check`] whether all parameters together are fit, and takes
//! everything back if they are not. The error names the rule, see
//! [`Unfit`](understudy_primitives::Unfit).
//!
//! ## Low level
//!
//! The runtime sets `pallet_parameters::Config::AdminOrigin` to [`EnsureChecked`], an origin that
//! only this pallet makes. So `parameters.set_parameter` by root or a referendum is refused. Root
//! that dispatches as this very origin gets past it.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking;
pub mod weights;

pub use pallet::*;
pub use weights::WeightInfo;

use core::marker::PhantomData;

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
	traits::{ConstU32, EnsureOriginWithArg, OriginTrait, PalletError},
	BoundedVec,
};
use scale_info::TypeInfo;
use understudy_primitives::Unfit;

/// The most parameters that are changed at once.
pub const MAX_CHANGES: u32 = 16;

/// A list of parameters with their new values; those without one get their defaults back.
pub type ChangesOf<T> =
	BoundedVec<<T as pallet_parameters::Config>::RuntimeParameters, ConstU32<MAX_CHANGES>>;

/// The rule that does not hold, in an error.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Rule(pub Unfit);

impl PalletError for Rule {
	/// A variant without fields.
	const MAX_ENCODED_SIZE: usize = 1;
}

/// The rules that all parameters together must keep, as they are stored now.
pub trait CheckSettings {
	/// Returns the first rule that does not hold.
	fn check() -> Result<(), Unfit>;
}

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use frame_support::pallet_prelude::*;
	use frame_system::pallet_prelude::*;

	#[pallet::pallet]
	pub struct Pallet<T>(_);

	/// The origin of changes that are checked.
	#[pallet::origin]
	#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
	pub enum Origin {
		/// Made by [`Pallet::set`].
		Checked,
	}

	#[pallet::config]
	pub trait Config: frame_system::Config<RuntimeOrigin: From<Origin>> + pallet_parameters::Config {
		/// The origin that may change parameters.
		type AdminOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// The rules that they must keep.
		type Check: CheckSettings;

		/// The weights of the pallet's calls.
		type WeightInfo: WeightInfo;

		/// A change for the benchmarks that is fit, and changes something.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: Get<<Self as pallet_parameters::Config>::RuntimeParameters>;
	}

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// This many parameters were changed; `pallet-parameters` tells which.
		Changed {
			/// Number of parameters.
			count: u32,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// The parameters would not fit together: nothing is changed.
		Unfit(Rule),
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Changes some parameters at once, if all of them are fit afterwards.
		///
		/// ## Errors
		///
		/// - [`Error::Unfit`], with the rule that would not hold.
		#[pallet::call_index(0)]
		#[pallet::weight(<T as Config>::WeightInfo::set(changes.len() as u32))]
		pub fn set(origin: OriginFor<T>, changes: ChangesOf<T>) -> DispatchResult {
			<T as Config>::AdminOrigin::ensure_origin(origin)?;
			let count = changes.len() as u32;
			for change in changes {
				pallet_parameters::Pallet::<T>::set_parameter(Origin::Checked.into(), change)?;
			}
			// A call that fails changes nothing.
			T::Check::check().map_err(|rule| Error::<T>::Unfit(Rule(rule)))?;
			Self::deposit_event(Event::Changed { count });
			Ok(())
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			T::Check::check().map_err(|_| "the parameters are not fit".into())
		}
	}
}

/// Lets the changes pass that [`Pallet::set`] makes, and no others.
pub struct EnsureChecked<T>(PhantomData<T>);

impl<T, Key> EnsureOriginWithArg<T::RuntimeOrigin, Key> for EnsureChecked<T>
where
	T: frame_system::Config<
		RuntimeOrigin: OriginTrait + From<Origin> + Into<Result<Origin, T::RuntimeOrigin>>,
	>,
{
	type Success = ();

	fn try_origin(origin: T::RuntimeOrigin, _: &Key) -> Result<(), T::RuntimeOrigin> {
		origin.into().map(|Origin::Checked| ())
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn try_successful_origin(_: &Key) -> Result<T::RuntimeOrigin, ()> {
		Ok(Origin::Checked.into())
	}
}
