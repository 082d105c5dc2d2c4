//! # Settings pallet
//!
//! Changes governed parameters only to values that fit together.
//!
//! ## Overview
//!
//! `pallet-parameters` stores any value that it is given: a careless vote can set a stall time of
//! zero or a cool-off of a year. This pallet is the only way to its storage. [`Pallet::set`]
//! changes several parameters at once, checks with [`Config::Check`] that all parameters fit
//! together, and reverts all changes if they do not. The error names the violated rule, see
//! [`Unfit`].
//!
//! ## Low level
//!
//! The runtime sets `pallet_parameters::Config::AdminOrigin` to [`EnsureChecked`], an origin that
//! only this pallet creates. So `parameters.set_parameter` by root or a referendum is refused. Root
//! can bypass the check by dispatching as this very origin.

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

/// Maximum number of parameters that are changed at once.
pub const MAX_CHANGES: u32 = 16;

/// List of parameters with their new values. A parameter without a value is reset to its default.
pub type ChangesOf<T> =
	BoundedVec<<T as pallet_parameters::Config>::RuntimeParameters, ConstU32<MAX_CHANGES>>;

/// Violated rule, as the field of an error.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Rule(pub Unfit);

impl PalletError for Rule {
	/// Size of a variant without fields.
	const MAX_ENCODED_SIZE: usize = 1;
}

/// Rules that all parameters together must satisfy, as they are stored now.
pub trait CheckSettings {
	/// Returns the first violated rule as the error.
	fn check() -> Result<(), Unfit>;
}

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use frame_support::pallet_prelude::*;
	use frame_system::pallet_prelude::*;

	#[pallet::pallet]
	pub struct Pallet<T>(_);

	/// Origin of checked changes.
	#[pallet::origin]
	#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
	pub enum Origin {
		/// Created by [`Pallet::set`].
		Checked,
	}

	#[pallet::config]
	pub trait Config: frame_system::Config<RuntimeOrigin: From<Origin>> + pallet_parameters::Config {
		/// Origin that may change parameters.
		type AdminOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// Rules that the parameters must satisfy.
		type Check: CheckSettings;

		/// Weights of the pallet's calls.
		type WeightInfo: WeightInfo;

		/// Change for the benchmarks that satisfies the rules and has an effect.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: Get<<Self as pallet_parameters::Config>::RuntimeParameters>;
	}

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// Parameters were changed; the events of `pallet-parameters` list them.
		Changed {
			/// Number of changed parameters.
			count: u32,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// The parameters would not fit together. Nothing is changed.
		Unfit(Rule),
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Changes several parameters at once, if all parameters fit together afterwards.
		///
		/// ## Errors
		///
		/// - [`Error::Unfit`], with the rule that would be violated.
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
			T::Check::check().map_err(|_| "the parameters do not fit together".into())
		}
	}
}

/// Accepts the changes that [`Pallet::set`] makes, and no others.
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
