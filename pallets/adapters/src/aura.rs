//! Aura: slots, and the authors that they belong to in turn.

use alloc::vec::Vec;
use core::marker::PhantomData;
use frame_support::traits::Get;
use sp_runtime::{traits::Convert, SaturatedConversion};
use understudy_primitives::{MemberIndex, Slots};

/// Slots of Aura, whose authors take turns.
pub struct AuraSlots<T>(PhantomData<T>);

impl<T: pallet_aura::Config> Slots for AuraSlots<T> {
	fn current() -> Option<u64> {
		Some(pallet_aura::CurrentSlot::<T>::get().into())
	}

	fn duration() -> u64 {
		pallet_aura::Pallet::<T>::slot_duration().saturated_into()
	}

	fn author_of(slot: u64, active: u32) -> Option<MemberIndex> {
		slot.checked_rem(active.into()).map(|index| index as MemberIndex)
	}
}

/// Seat of the block's author: Aura's slots cycle through the active set.
pub struct AuthorSeat<T>(PhantomData<T>);

impl<T: pallet_aura::Config> Convert<u32, u32> for AuthorSeat<T> {
	fn convert(seats: u32) -> u32 {
		let author = AuraSlots::<T>::current().and_then(|slot| AuraSlots::<T>::author_of(slot, seats));
		author.unwrap_or_default()
	}
}

/// Start of the current slot, in milliseconds. Aura knows it before anything else in the block
/// happens.
pub struct SlotTime<T>(PhantomData<T>);

impl<T: pallet_aura::Config> Get<u64> for SlotTime<T> {
	fn get() -> u64 {
		u64::from(pallet_aura::CurrentSlot::<T>::get()).saturating_mul(AuraSlots::<T>::duration())
	}
}

/// Authors in the order of their turns: Aura's authorities are the session's validators, in their
/// order.
pub struct AuthorsByTurns<T>(PhantomData<T>);

impl<T: pallet_aura::Config + pallet_session::Config> Get<Vec<(T::AuthorityId, T::ValidatorId)>>
	for AuthorsByTurns<T>
{
	fn get() -> Vec<(T::AuthorityId, T::ValidatorId)> {
		let validators = pallet_session::Validators::<T>::get();
		pallet_aura::Authorities::<T>::get().into_iter().zip(validators).collect()
	}
}
