//! An inner manager for chains without staking: a list of validators that governance keeps, in
//! order of preference.
//!
//! Optional. It is a separate pallet, for [`crate::Config::Inner`] and [`crate::Config::Backing`].
//! The list holds the active set and the reserve, which rotation tells apart. A change of the list
//! is an election, at the end of the next session.

pub use pallet::*;

use alloc::{collections::BTreeMap, vec::Vec};
use frame_support::{traits::Get, weights::Weight};
use sp_staking::SessionIndex;
use understudy_primitives::Backing;

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use frame_support::pallet_prelude::*;
	use frame_system::pallet_prelude::OriginFor;

	#[pallet::pallet]
	pub struct Pallet<T>(_);

	/// # Requirements
	///
	/// The rotation pallet, whose [`crate::Config::MaxMembers`] bounds the list.
	#[pallet::config]
	pub trait Config: frame_system::Config + crate::Config {
		/// Origin that may change the list.
		type ListOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// Weights of the calls.
		type ListWeightInfo: WeightInfo;
	}

	/// List of validators, in order of preference.
	#[pallet::storage]
	pub type List<T: Config> = StorageValue<_, crate::MembersOf<T>, ValueQuery>;

	/// `true` if the list has changed since the end of the last session.
	#[pallet::storage]
	pub type Changed<T> = StorageValue<_, bool, ValueQuery>;

	/// List for the first session.
	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// Validators in order of preference: the first ones are seated, the rest is the reserve.
		pub validators: Vec<T::AccountId>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			let list = self.validators.clone().try_into().expect("the list fits MaxMembers");
			List::<T>::put::<crate::MembersOf<T>>(list);
			Changed::<T>::put(true);
		}
	}

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A validator was added to the list; it can be seated from the next session on.
		Added {
			/// Added validator.
			who: T::AccountId,
		},
		/// A validator was removed from the list; it loses its seat, if it has one, at the end of
		/// the next session.
		Removed {
			/// Removed validator.
			who: T::AccountId,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// The validator is on the list already.
		AlreadyListed,
		/// The validator is not on the list.
		NotListed,
		/// The list is full.
		TooMany,
		/// The list would be shorter than the floor.
		AtFloor,
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Adds a validator at the end of the list.
		///
		/// ## Errors
		///
		/// - [`Error::AlreadyListed`], [`Error::TooMany`].
		#[pallet::call_index(0)]
		#[pallet::weight(T::ListWeightInfo::add())]
		pub fn add(origin: OriginFor<T>, who: T::AccountId) -> DispatchResult {
			T::ListOrigin::ensure_origin(origin)?;
			List::<T>::try_mutate(|list| {
				ensure!(!list.contains(&who), Error::<T>::AlreadyListed);
				list.try_push(who.clone()).map_err(|_| Error::<T>::TooMany)
			})?;
			Changed::<T>::put(true);
			Self::deposit_event(Event::Added { who });
			Ok(())
		}

		/// Removes a validator from the list. The list does not get shorter than
		/// [`crate::Config::Floor`].
		///
		/// ## Errors
		///
		/// - [`Error::NotListed`], [`Error::AtFloor`].
		#[pallet::call_index(1)]
		#[pallet::weight(T::ListWeightInfo::remove())]
		pub fn remove(origin: OriginFor<T>, who: T::AccountId) -> DispatchResult {
			T::ListOrigin::ensure_origin(origin)?;
			List::<T>::try_mutate(|list| {
				let place = list.iter().position(|listed| *listed == who).ok_or(Error::<T>::NotListed)?;
				ensure!(list.len() as u32 > <T as crate::Config>::Floor::get(), Error::<T>::AtFloor);
				list.remove(place);
				Ok::<_, Error<T>>(())
			})?;
			Changed::<T>::put(true);
			Self::deposit_event(Event::Removed { who });
			Ok(())
		}
	}
}

/// Weights of the calls, with a full list.
pub trait WeightInfo {
	/// Weight of [`Pallet::add`].
	fn add() -> Weight;
	/// Weight of [`Pallet::remove`].
	fn remove() -> Weight;
}

impl WeightInfo for () {
	fn add() -> Weight {
		Weight::zero()
	}
	fn remove() -> Weight {
		Weight::zero()
	}
}

#[cfg(feature = "runtime-benchmarks")]
#[frame_benchmarking::v2::benchmarks]
mod benchmarks {
	use super::*;
	use frame_benchmarking::v2::*;
	use frame_support::traits::EnsureOrigin;

	fn full<T: Config>(least: usize) -> Vec<T::AccountId> {
		let all = (0..<T as crate::Config>::MaxMembers::get()).map(|index| account("listed", index, 0));
		let all: Vec<T::AccountId> = all.collect();
		List::<T>::put(crate::MembersOf::<T>::truncate_from(all[least..].to_vec()));
		all
	}

	#[benchmark]
	fn add() -> Result<(), BenchmarkError> {
		let who = full::<T>(1).remove(0);
		let origin = T::ListOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, who.clone());
		assert!(List::<T>::get().contains(&who));
		Ok(())
	}

	#[benchmark]
	fn remove() -> Result<(), BenchmarkError> {
		let who = full::<T>(0).pop().expect("there are some");
		let origin = T::ListOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, who.clone());
		assert!(!List::<T>::get().contains(&who));
		Ok(())
	}
}

impl<T: Config> pallet_session::SessionManager<T::AccountId> for Pallet<T> {
	fn new_session(_: SessionIndex) -> Option<Vec<T::AccountId>> {
		Changed::<T>::take().then(|| List::<T>::get().into_inner())
	}

	fn start_session(_: SessionIndex) {}

	fn end_session(_: SessionIndex) {}
}

impl<T: Config> Backing<T::AccountId> for Pallet<T> {
	/// Returns more backing for validators nearer to the beginning of the list, and 0 for others.
	fn backings(of: &[T::AccountId]) -> Vec<u128> {
		let list = List::<T>::get();
		let places: BTreeMap<_, u128> = list.iter().rev().zip(1..).collect();
		of.iter().map(|who| places.get(who).copied().unwrap_or_default()).collect()
	}
}
