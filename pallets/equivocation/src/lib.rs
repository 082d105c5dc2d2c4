//! # Equivocation pallet
//!
//! Accepts reports of authors that signed two blocks for one slot of Aura.
//!
//! ## Overview
//!
//! Aura's import queue notices that an author has signed two blocks for one slot, but does not
//! report it. With this pallet anybody can: [`Pallet::report`] takes the two headers. The author is
//! charged as an offender, and [`Config::OnEquivocation`] is notified, with the evidence. The two
//! headers are stored in the offchain index, under
//! [`equivocation_key`](understudy_primitives::equivocation_key).
//!
//! ## Low level
//!
//! Aura's signature covers a header but not its chain: otherwise, headers from two chains with the
//! same keys would pass as an equivocation. So the parents of both headers must be among the last
//! `BlockHashCount` blocks of this chain. Two seals of one header are one block.
//!
//! The pallet stores the authors of each session within that reach, by the keys in force.
//! Key-ownership proofs of the session pallet cover only the keys that are set, so an author could
//! escape by setting new keys first. So the author is the one to whom the slot was assigned, and
//! the offence belongs to the session of the block's parent.
//!
//! An author is reported only once while older blocks of it are within reach: each further report
//! would prove nothing new, and reports are free.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod api;
#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking;
#[cfg(test)]
mod mock;
pub mod offence;
pub mod proof;
pub mod rejection;
mod sessions;
#[cfg(test)]
mod tests;
pub mod weights;

pub use offence::AuthorEquivocation;
pub use pallet::*;
pub use sessions::Span;
pub use weights::WeightInfo;

use alloc::{boxed::Box, vec::Vec};
use codec::Encode;
use frame_support::traits::Get;
use frame_system::{
	offchain::{CreateAuthorizedTransaction, SubmitTransaction},
	pallet_prelude::{BlockNumberFor, HeaderFor},
};
use sp_consensus_slots::EquivocationProof;
use sp_core::{crypto::KeyTypeId, H256};
use sp_io::hashing::blake2_256;
use sp_runtime::{
	traits::{Convert, Header, One, Saturating, Zero},
	transaction_validity::{
		InvalidTransaction, TransactionPriority, TransactionSource, TransactionValidityWithRefund,
		UnknownTransaction,
	},
	BoundedVec,
};
use sp_staking::{offence::ReportOffence, SessionIndex};
use understudy_primitives::{
	keep_equivocation,
	statement::{admit, reject},
	EquivocationHandler, Evidence,
};

/// Key type of Aura's session keys.
pub const KEY_TYPE: KeyTypeId = sp_core::crypto::key_types::AURA;
/// Maximum size of a proof in SCALE, in bytes. Headers that announce a new set of a thousand
/// authorities take some 70 KiB each.
pub const MAX_BYTES: u32 = 256 * 1_024;
/// Maximum number of sessions whose authors are stored, the last ones.
pub const MAX_SPANS: u32 = 256;

/// Two headers that one author has signed for one slot.
pub type ProofOf<T> = EquivocationProof<HeaderFor<T>, <T as Config>::AuthorityId>;
/// Authors of a session by turns: the key of each, and its account.
pub type AuthorsOf<T> = BoundedVec<
	(<T as Config>::AuthorityId, <T as frame_system::Config>::AccountId),
	<T as Config>::MaxAuthors,
>;

/// Reported authors, each with the block of the report.
pub type ReportedOf<T> =
	BoundedVec<(<T as frame_system::Config>::AccountId, BlockNumberFor<T>), <T as Config>::MaxAuthors>;

/// Author of a slot, as of the session of a block's parent.
struct Author<AccountId> {
	who: AccountId,
	session: SessionIndex,
	/// Number of authors in that session.
	validators: u32,
}

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use frame_support::pallet_prelude::*;
	use frame_system::{ensure_authorized, pallet_prelude::OriginFor};
	use sp_application_crypto::RuntimeAppPublic;

	#[pallet::pallet]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
		/// Key that seals Aura's blocks.
		type AuthorityId: Parameter + RuntimeAppPublic + MaxEncodedLen;

		/// Authors by turns after the current block: keys in force, and accounts.
		type Authors: Get<Vec<(Self::AuthorityId, Self::AccountId)>>;

		/// Maximum number of authors of a session.
		#[pallet::constant]
		type MaxAuthors: Get<u32>;

		/// Session of the current block.
		type Session: Get<SessionIndex>;

		/// Author, as the offences pallet identifies it.
		type Offender: Clone;

		/// Converts an account to an offender.
		type OffenderOf: Convert<Self::AccountId, Option<Self::Offender>>;

		/// Receiver of the offences.
		type Offences: ReportOffence<Self::AccountId, Self::Offender, AuthorEquivocation<Self::Offender>>;

		/// Handler that is notified of each equivocation, with its evidence.
		type OnEquivocation: EquivocationHandler<Self::AccountId>;

		/// Weight of charging an offender. It depends on the chain's staking.
		type OffenceWeight: Get<Weight>;

		/// Priority of reports in the pool.
		#[pallet::constant]
		type Priority: Get<TransactionPriority>;

		/// Weights of the pallet's call and hook.
		type WeightInfo: WeightInfo;
	}

	/// Session of the last block.
	#[pallet::storage]
	pub type LastSession<T: Config> = StorageValue<_, SessionIndex>;

	/// Sessions whose blocks can be reported, in order.
	#[pallet::storage]
	pub type Spans<T: Config> =
		StorageValue<_, BoundedVec<Span<BlockNumberFor<T>>, ConstU32<MAX_SPANS>>, ValueQuery>;

	/// Authors of these sessions, by the hash of their list: most sessions share one.
	#[pallet::storage]
	pub type Lists<T: Config> = StorageMap<_, Identity, H256, AuthorsOf<T>>;

	/// Reported authors and the block of the report, while older blocks of them can be reported.
	#[pallet::storage]
	pub type Reported<T: Config> = StorageValue<_, ReportedOf<T>, ValueQuery>;

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// An author was proven to have signed two blocks for one slot.
		Equivocated {
			/// Author of both blocks.
			who: T::AccountId,
			/// Slot of both blocks.
			slot: u64,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// The author has been reported since the transaction was authorized.
		AlreadyReported,
		/// The report has become invalid since the transaction was authorized.
		Invalid,
		/// The list of reported authors is full.
		TooMany,
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Charges an author that has signed two blocks for one slot.
		///
		/// Sent by nodes that see both blocks. Free of charge, and operational. See [`rejection`]
		/// for the reasons of a rejection.
		///
		/// ## Errors
		///
		/// - [`Error::AlreadyReported`], [`Error::Invalid`], [`Error::TooMany`]: the chain's state
		///   has changed since the transaction was authorized.
		#[pallet::call_index(0)]
		#[pallet::weight((
			T::WeightInfo::report(proof.encoded_size() as u32).saturating_add(T::OffenceWeight::get()),
			DispatchClass::Operational
		))]
		#[pallet::weight_of_authorize(T::WeightInfo::authorize_report(proof.encoded_size() as u32))]
		#[pallet::authorize(|source, proof| Self::authorize_report(source, proof))]
		pub fn report(origin: OriginFor<T>, proof: Box<ProofOf<T>>) -> DispatchResult {
			ensure_authorized(origin)?;
			let slot = u64::from(proof.slot);
			let (who, offence) = Self::check_report(&proof).map_err(|code| match code {
				rejection::ALREADY_REPORTED => Error::<T>::AlreadyReported,
				rejection::TOO_MANY => Error::<T>::TooMany,
				_ => Error::<T>::Invalid,
			})?;
			let session = offence.session;
			T::Offences::report_offence(Default::default(), offence)
				.map_err(|_| Error::<T>::AlreadyReported)?;
			let mut reported = Self::reported();
			let now = frame_system::Pallet::<T>::block_number();
			reported.try_push((who.clone(), now)).map_err(|_| Error::<T>::TooMany)?;
			Reported::<T>::put(reported);
			let evidence = Evidence::AuthorEquivocation { session, slot, proof: keep_equivocation(&proof) };
			T::OnEquivocation::on_equivocation(&who, evidence);
			Self::deposit_event(Event::Equivocated { who, slot });
			Ok(())
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_initialize(_: BlockNumberFor<T>) -> Weight {
			// Weight of `on_finalize`.
			T::WeightInfo::follow_session()
		}

		/// Runs at the end of the block, so that the pallet may be before or after the session
		/// pallet.
		fn on_finalize(now: BlockNumberFor<T>) {
			if Self::follow_session(now) {
				let weight = T::WeightInfo::new_session();
				frame_system::Pallet::<T>::register_extra_weight_unchecked(weight, DispatchClass::Mandatory);
			}
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}
}

impl<T: Config> Pallet<T> {
	/// Returns the number of past blocks that can be reported.
	fn reach() -> BlockNumberFor<T> {
		<T as frame_system::Config>::BlockHashCount::get()
	}

	/// Checks that a header builds on a block of this chain that is within reach. The error is a
	/// code of [`rejection`].
	fn check_parent(header: &HeaderFor<T>) -> Result<(), u8> {
		let now = frame_system::Pallet::<T>::block_number();
		let parent = header.number().saturating_sub(One::one());
		if parent >= now {
			return Err(rejection::TOO_EARLY);
		}
		// The hash of genesis is stored forever.
		let is_near = parent.saturating_add(Self::reach()) >= now && !header.number().is_zero();
		if !is_near || frame_system::Pallet::<T>::block_hash(parent) != *header.parent_hash() {
			return Err(rejection::UNKNOWN_PARENT);
		}
		Ok(())
	}

	/// Returns the author whose turn a header's slot was, if the proof's key is its own. The error
	/// is a code of [`rejection`].
	fn author(proof: &ProofOf<T>, header: &HeaderFor<T>) -> Result<Author<T::AccountId>, u8> {
		let parent = header.number().saturating_sub(One::one());
		let span = Self::span_of(parent).ok_or(rejection::UNKNOWN_PARENT)?;
		let authors = Lists::<T>::get(span.authors).ok_or(rejection::UNKNOWN_PARENT)?;
		let place = u64::from(proof.slot).checked_rem(authors.len() as u64).unwrap_or_default();
		let author = authors.get(place as usize).filter(|(key, _)| *key == proof.offender);
		let (_, who) = author.ok_or(rejection::NOT_THE_AUTHOR)?;
		Ok(Author { who: who.clone(), session: span.session, validators: authors.len() as u32 })
	}

	/// Checks a report, from cheap to expensive: the seals are verified only for the key of an
	/// author. Returns the author and its offence. The error is a code of [`rejection`].
	fn check_report(proof: &ProofOf<T>) -> Result<(T::AccountId, AuthorEquivocation<T::Offender>), u8> {
		if proof.encoded_size() > MAX_BYTES as usize {
			return Err(rejection::TOO_LARGE);
		}
		let (first, second) = (&proof.first_header, &proof.second_header);
		Self::check_parent(first)?;
		Self::check_parent(second)?;
		let (earlier, later) =
			if first.number() <= second.number() { (first, second) } else { (second, first) };
		let Author { who, session, validators } = Self::author(proof, earlier)?;
		if Self::author(proof, later)?.who != who {
			return Err(rejection::NOT_THE_AUTHOR);
		}
		let offender = T::OffenderOf::convert(who.clone()).ok_or(rejection::NOT_THE_AUTHOR)?;
		let time = (u64::from(proof.slot), H256(who.using_encoded(blake2_256)));
		let reported = Self::reported();
		let is_known = T::Offences::is_known_offence(core::slice::from_ref(&offender), &time);
		if is_known || reported.iter().any(|(other, _)| *other == who) {
			return Err(rejection::ALREADY_REPORTED);
		}
		if reported.is_full() {
			return Err(rejection::TOO_MANY);
		}
		let hashes = proof::pre_hashes(proof).ok_or(rejection::NO_EQUIVOCATION)?;
		if !proof::are_sealed(proof, hashes) {
			return Err(rejection::BAD_SEAL);
		}
		Ok((who, AuthorEquivocation { session, validators, time, offender }))
	}

	/// Returns the authors that were reported within reach. Older reports are dropped: the blocks
	/// that they cover can no longer be reported.
	fn reported() -> ReportedOf<T> {
		let now = frame_system::Pallet::<T>::block_number();
		let mut reported = Reported::<T>::get();
		reported.retain(|(_, at)| at.saturating_add(Self::reach()) >= now);
		reported
	}

	/// Checks a report for the pool, or for a block.
	pub(crate) fn authorize_report(
		source: TransactionSource,
		proof: &ProofOf<T>,
	) -> TransactionValidityWithRefund {
		match Self::check_report(proof) {
			Ok((who, _)) => admit("UnderstudyAuthorEquivocation", &who, T::Priority::get()),
			// Pools ban invalid transactions. A node that lags, or is on another branch, must not
			// ban valid reports of its peers, nor reports that it could not include in a block of
			// its own.
			Err(rejection::TOO_EARLY | rejection::UNKNOWN_PARENT) => match source {
				TransactionSource::InBlock => Err(InvalidTransaction::Future.into()),
				_ => Err(UnknownTransaction::CannotLookup.into()),
			},
			Err(code) => reject(code),
		}
	}

	/// Submits a report to the pool of the calling node. The error is a code of [`rejection`], or
	/// [`IN_POOL`](rejection::IN_POOL) if the pool refuses a report that the chain would accept.
	pub fn submit(proof: ProofOf<T>) -> Result<(), u8>
	where
		T: CreateAuthorizedTransaction<Call<T>>,
	{
		Self::check_report(&proof)?;
		let call = Call::report { proof: Box::new(proof) };
		let transaction = T::create_authorized_transaction(call.into());
		SubmitTransaction::<T, Call<T>>::submit_transaction(transaction).map_err(|()| rejection::IN_POOL)
	}
}
