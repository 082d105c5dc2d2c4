//! Intake gate: limits ordinary transactions while the mode is not `Safe`.
//!
//! The blocks that wait for finality must not grow faster than finality can catch up. So in each
//! block the transactions of the normal class may take a share of their usual limit
//! ([`Rules::intake`](crate::Rules)). Transactions of the operational class and calls that the
//! runtime declares urgent pass. Calls that change the candidates for election, or the keys by
//! which members sign, are frozen.
//!
//! A transaction that finds no room in a block waits in the pool. After a block that took more than
//! half of the share, nodes' pools refuse ordinary transactions until the next block and drop those
//! that they hold, so that the pools do not grow either. The sender sends them again.
//!
//! | code of `UnknownTransaction::Custom` | reason | action of the sender |
//! |---|---|---|
//! | 100 [`FROZEN`] | the call is frozen: it changes stakes, session keys or registrations | wait until the mode is `Safe` |
//! | 101 [`CONGESTED`] | the share of ordinary transactions is used up | send it again some blocks later |
//!
//! Both are `Unknown` and not `Invalid`: the transaction can be valid later, and a node bans a
//! transaction that it finds invalid.

use codec::{Decode, DecodeWithMemTracking, Encode};
use core::marker::PhantomData;
use frame_support::{
	dispatch::{DispatchClass, DispatchInfo},
	pallet_prelude::{TransactionSource, Weight},
	traits::{Contains, ContainsPair, Get},
	CloneNoBound, DebugNoBound, DefaultNoBound, EqNoBound, PartialEqNoBound,
};
use scale_info::TypeInfo;
use sp_runtime::{
	traits::{DispatchInfoOf, Dispatchable, TransactionExtension, ValidateResult},
	transaction_validity::{InvalidTransaction, TransactionValidityError, UnknownTransaction},
};
use understudy_primitives::Mode;

use crate::{Config, Pallet, State, Status, WeightInfo};

/// The call is frozen: it changes stakes, session keys or registrations.
pub const FROZEN: u8 = 100;
/// The share of ordinary transactions is used up.
pub const CONGESTED: u8 = 101;

/// Call of the chain.
type CallOf<T> = <T as frame_system::Config>::RuntimeCall;

/// Transaction extension that applies the gate. It comes after `CheckWeight`, which counts the
/// weight that a block has taken.
#[derive(
	Encode,
	Decode,
	DecodeWithMemTracking,
	CloneNoBound,
	EqNoBound,
	PartialEqNoBound,
	DebugNoBound,
	DefaultNoBound,
	TypeInfo,
)]
#[scale_info(skip_type_params(T))]
pub struct IntakeGate<T: Config + Send + Sync>(PhantomData<T>);

impl<T: Config + Send + Sync> IntakeGate<T> {
	/// Creates the gate. It adds no bytes to a transaction.
	pub fn new() -> Self {
		Self(PhantomData)
	}
}

/// Treatment of a call: it passes, is frozen, or takes from the share.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Intake {
	Free,
	Frozen,
	Limited {
		/// `true` if the last block took more than half of the share.
		congested: bool,
	},
}

impl<T: Config> Pallet<T> {
	fn intake_of(origin: &T::RuntimeOrigin, call: &CallOf<T>, class: DispatchClass) -> Intake {
		let state = Status::<T>::get();
		if state.mode == Mode::Safe {
			return Intake::Free;
		}
		if T::Frozen::contains(call) {
			return Intake::Frozen;
		}
		let is_urgent =
			|| frame_system::ensure_signed(origin.clone()).is_ok_and(|who| T::Urgent::contains(&who, call));
		if class != DispatchClass::Normal || is_urgent() {
			return Intake::Free;
		}
		Intake::Limited { congested: state.congested }
	}

	/// Returns the weight that the normal class may take of a block while the mode is not `Safe`,
	/// and the weight that it has taken.
	fn intake() -> (Weight, Weight) {
		let limits = T::BlockWeights::get();
		let most = limits.get(DispatchClass::Normal).max_total.unwrap_or(limits.max_block);
		let share = T::Rules::get().intake;
		let room = Weight::from_parts(share * most.ref_time(), share * most.proof_size());
		(room, *frame_system::Pallet::<T>::block_weight().get(DispatchClass::Normal))
	}

	/// Updates [`State::congested`] at the end of a block: `true` if the block took so much of the
	/// share that other transactions may have found no room.
	pub(crate) fn look_back() {
		let state = Status::<T>::get();
		let congested = state.mode != Mode::Safe && {
			let (room, taken) = Self::intake();
			taken.saturating_add(taken).any_gt(room)
		};
		if congested != state.congested {
			Status::<T>::put(State { congested, ..state });
		}
	}
}

/// Call filter that rejects frozen calls while the mode is not `Safe`. For
/// `frame_system::Config::BaseCallFilter`, which also filters calls within calls.
pub struct NotFrozen<T>(PhantomData<T>);

impl<T: Config> Contains<CallOf<T>> for NotFrozen<T> {
	fn contains(call: &CallOf<T>) -> bool {
		!T::Frozen::contains(call) || Status::<T>::get().mode == Mode::Safe
	}
}

impl<T: Config + Send + Sync> TransactionExtension<CallOf<T>> for IntakeGate<T>
where
	CallOf<T>: Dispatchable<Info = DispatchInfo>,
{
	const IDENTIFIER: &'static str = "IntakeGate";
	type Implicit = ();
	type Val = Limited;
	type Pre = ();

	fn weight(&self, _: &CallOf<T>) -> Weight {
		T::WeightInfo::gate()
	}

	fn validate(
		&self,
		origin: T::RuntimeOrigin,
		call: &CallOf<T>,
		info: &DispatchInfoOf<CallOf<T>>,
		_len: usize,
		_: (),
		_inherited_implication: &impl Encode,
		source: TransactionSource,
	) -> ValidateResult<Limited, CallOf<T>> {
		let intake = Pallet::<T>::intake_of(&origin, call, info.class);
		let refuse = |code| Err(UnknownTransaction::Custom(code).into());
		match intake {
			Intake::Frozen => return refuse(FROZEN),
			Intake::Limited { congested: true } if source != TransactionSource::InBlock => {
				return refuse(CONGESTED)
			},
			_ => {},
		}
		Ok((Default::default(), Limited(matches!(intake, Intake::Limited { .. })), origin))
	}

	fn prepare(
		self,
		Limited(limited): Limited,
		_origin: &T::RuntimeOrigin,
		_call: &CallOf<T>,
		_info: &DispatchInfoOf<CallOf<T>>,
		_len: usize,
	) -> Result<(), TransactionValidityError> {
		let has_room = || {
			let (room, taken) = Pallet::<T>::intake();
			taken.all_lte(room)
		};
		if limited && !has_room() {
			// Block authors keep a transaction with this error in their pool.
			return Err(InvalidTransaction::ExhaustsResources.into());
		}
		Ok(())
	}
}

/// `true` if a transaction takes from the share.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limited(bool);
