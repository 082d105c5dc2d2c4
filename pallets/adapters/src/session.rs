//! The session pallet: keys, session index, and disabled seats.

use core::marker::PhantomData;
use frame_support::traits::Get;
use sp_application_crypto::RuntimeAppPublic;
use sp_runtime::traits::OpaqueKeys;
use sp_staking::SessionIndex;
use understudy_primitives::{
	crypto::{AuthorityId, KEY_TYPE},
	DisableSeat, HeartbeatKeys,
};

/// Heartbeat keys from the session pallet, whose keys include the heartbeat pallet's.
pub struct SessionHeartbeatKeys<T>(PhantomData<T>);

impl<T> HeartbeatKeys<T::AccountId, AuthorityId> for SessionHeartbeatKeys<T>
where
	T: pallet_session::Config<ValidatorId = <T as frame_system::Config>::AccountId>,
{
	fn key_of(who: &T::AccountId) -> Option<AuthorityId> {
		pallet_session::Pallet::<T>::load_keys(who)?.get(KEY_TYPE)
	}

	fn owner_of(key: &AuthorityId) -> Option<T::AccountId> {
		pallet_session::Pallet::<T>::key_owner(KEY_TYPE, &key.to_raw_vec())
	}
}

/// Session of the current block.
pub struct CurrentSession<T>(PhantomData<T>);

impl<T: pallet_session::Config> Get<SessionIndex> for CurrentSession<T> {
	fn get() -> SessionIndex {
		pallet_session::Pallet::<T>::current_index()
	}
}

/// Seats that the session pallet can disable.
pub struct SessionSeats<T>(PhantomData<T>);

impl<T: pallet_session::Config> DisableSeat for SessionSeats<T> {
	fn disable(seat: u32) {
		pallet_session::Pallet::<T>::disable_index(seat);
	}
}
