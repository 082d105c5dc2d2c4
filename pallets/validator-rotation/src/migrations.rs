//! Migrations of the pallet's storage.
//!
//! | version | changes |
//! |---|---|
//! | 0 | the first layout |
//! | 1 | each eviction has the block from which it does not count towards the cap any more |

use alloc::vec::Vec;
use codec::{Decode, Encode};
use core::marker::PhantomData;
use frame_support::{
	migrations::VersionedMigration,
	pallet_prelude::*,
	storage::unhashed,
	traits::{Get, UncheckedOnRuntimeUpgrade},
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::traits::Saturating;
use understudy_primitives::IncidentId;

use crate::{breaker::Eviction, Cause, Config, Evictions, Pallet};

/// First layout.
pub mod v0 {
	use super::*;

	/// A seat that ordinary rotation took.
	#[derive(Encode, Decode)]
	pub struct Eviction<AccountId, BlockNumber> {
		/// See [`crate::breaker::Eviction`], also for the other fields.
		pub incident: IncidentId,
		/// The member.
		pub who: AccountId,
		/// Block of the decision.
		pub at: BlockNumber,
		/// Block in which the seat was lost.
		pub gone: Option<BlockNumber>,
		/// Size of the active set at the decision.
		pub seated: u32,
		/// Reason for the eviction.
		pub cause: Cause,
		/// `true` if automation took the seat.
		pub automatic: bool,
		/// `true` if the eviction was unnecessary.
		pub unnecessary: bool,
	}
}

/// Returns the evictions in the first layout.
fn first_evictions<T: Config>() -> Vec<v0::Eviction<T::AccountId, BlockNumberFor<T>>> {
	unhashed::get(&Evictions::<T>::hashed_key()).unwrap_or_default()
}

/// Migrates from version 0 to 1 without checking the version, see [`MigrateV0ToV1`].
pub struct UncheckedV0ToV1<T>(PhantomData<T>);

impl<T: Config> UncheckedOnRuntimeUpgrade for UncheckedV0ToV1<T> {
	fn on_runtime_upgrade() -> Weight {
		let cool_off = T::CoolOff::get();
		let migrate = |old: v0::Eviction<T::AccountId, BlockNumberFor<T>>| {
			let v0::Eviction { incident, who, at, gone, seated, cause, automatic, unnecessary } = old;
			let counts_until = at.saturating_add(cool_off);
			Eviction { incident, who, at, gone, seated, cause, automatic, unnecessary, counts_until }
		};
		let all: Vec<_> = first_evictions::<T>().into_iter().map(migrate).collect();
		if !all.is_empty() {
			Evictions::<T>::put(BoundedVec::truncate_from(all));
		}
		T::DbWeight::get().reads_writes(2, 1)
	}

	#[cfg(feature = "try-runtime")]
	fn pre_upgrade() -> Result<Vec<u8>, sp_runtime::TryRuntimeError> {
		Ok((first_evictions::<T>().len() as u32).encode())
	}

	#[cfg(feature = "try-runtime")]
	fn post_upgrade(before: Vec<u8>) -> Result<(), sp_runtime::TryRuntimeError> {
		let before = u32::decode(&mut &before[..]).map_err(|_| "the state before cannot be read")?;
		ensure!(Evictions::<T>::get().len() as u32 == before, "the migration lost evictions");
		Pallet::<T>::do_try_state()
	}
}

/// Migrates from version 0 to 1, once.
pub type MigrateV0ToV1<T> =
	VersionedMigration<0, 1, UncheckedV0ToV1<T>, Pallet<T>, <T as frame_system::Config>::DbWeight>;
