//! Invariants of the storage.

use alloc::collections::BTreeSet;
use frame_support::ensure;
use frame_support::traits::Get;

use crate::{chunks, Config, MemberKeys, Members, Pallet, Registrations, Window};

impl<T: Config> Pallet<T> {
	/// Checks the invariants that hold between blocks: the roster, its members and their counters
	/// agree in size, no account is a member twice, no member, key, counter or mark is stored
	/// beyond the roster, and registrations are well-formed.
	pub fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
		let roster = Window::<T>::get().roster;
		ensure!(roster.active <= roster.total, "more active members than members");
		ensure!(roster.total <= T::MaxMembers::get(), "more members than MaxMembers");
		let accounts: BTreeSet<_> = (0..roster.total).filter_map(Members::<T>::get).collect();
		ensure!(accounts.len() as u32 == roster.total, "a member is missing or listed twice");
		ensure!(Members::<T>::iter().count() as u32 == roster.total, "members beyond the roster");
		ensure!(MemberKeys::<T>::iter_keys().all(|index| index < roster.total), "keys beyond the roster");
		for registration in Registrations::<T>::iter_values() {
			ensure!(Self::check_profile(&registration.profile).is_ok(), "a malformed registration");
			let now = frame_system::Pallet::<T>::block_number();
			ensure!(registration.renewed <= now, "a registration was renewed in the future");
		}
		chunks::try_state::<T>(&roster)
	}
}
