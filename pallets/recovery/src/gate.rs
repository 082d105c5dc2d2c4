//! The intake gate: while finality stands still, little is let in.
//!
//! What waits to become final must not grow faster than finality will be able to take in. So in each block the transactions of the
//! normal class may take a share of what they could otherwise ([`Rules::intake`](crate::Rules)); those of the operational class, and
//! what the runtime calls urgent, pass, and what changes who can be elected or how members sign does not.
//!
//! What finds no room in a block waits in the pool. When a block has taken in more than half of the share, nodes' pools take nothing until the next one, and let go of
//! what they have, so that they do not grow either: who sent it sends it again.
//!
//! | code of `UnknownTransaction::Custom` | what is wrong | what the sender does |
//! |---|---|---|
//! | 100 [`FROZEN`] | it changes what holds still: stakes, session keys, registrations | wait until the mode is `Safe` |
//! | 101 [`CROWDED`] | the chain takes in little, and that is used up | send it again some blocks later |
//!
//! Both are `Unknown` and not `Invalid`: the transaction is a good one at another time, and a node that calls it invalid bans it.

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

/// It changes what holds still: stakes, session keys, registrations.
pub const FROZEN: u8 = 100;
/// The chain takes in little, and that is used up.
pub const CROWDED: u8 = 101;

/// A call of the chain.
type CallOf<T> = <T as frame_system::Config>::RuntimeCall;

/// The gate, among a runtime's transaction extensions: after `CheckWeight`, which counts what a block has taken in.
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
	/// The gate. It adds nothing to a transaction.
	pub fn new() -> Self {
		Self(PhantomData)
	}
}

/// What passes freely, what holds still, and what takes a share.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Intake {
	Free,
	Frozen,
	Limited {
		/// The last block had little room left.
		crowded: bool,
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
		Intake::Limited { crowded: state.crowded }
	}

	/// What transactions of the normal class may take of a block while finality stands still, and what they have taken.
	fn intake() -> (Weight, Weight) {
		let limits = T::BlockWeights::get();
		let most = limits.get(DispatchClass::Normal).max_total.unwrap_or(limits.max_block);
		let share = T::Rules::get().intake;
		let room = Weight::from_parts(share * most.ref_time(), share * most.proof_size());
		(room, *frame_system::Pallet::<T>::block_weight().get(DispatchClass::Normal))
	}

	/// At the end of a block: whether it has taken in so much that others may have found no room.
	pub(crate) fn look_back() {
		let state = Status::<T>::get();
		let crowded = state.mode != Mode::Safe && {
			let (room, taken) = Self::intake();
			taken.saturating_add(taken).any_gt(room)
		};
		if crowded != state.crowded {
			Status::<T>::put(State { crowded, ..state });
		}
	}
}

/// Lets pass what does not hold still: for `frame_system::Config::BaseCallFilter`, which sees the calls within calls, too.
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
			Intake::Limited { crowded: true } if source != TransactionSource::InBlock => {
				return refuse(CROWDED)
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
			// Block authors leave it in their pool.
			return Err(InvalidTransaction::ExhaustsResources.into());
		}
		Ok(())
	}
}

/// Whether a transaction takes of the share.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limited(bool);
