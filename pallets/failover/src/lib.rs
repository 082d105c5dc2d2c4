//! # Failover log pallet
//!
//! The append-only, hash-chained log of everything that changes the validator set.
//!
//! ## Overview
//!
//! Other pallets write through [`FailoverLog`], always before the change takes effect. A [`Record`] names its block,
//! session and incident, what happened to whom on whose word, the root of the evidence, and the hash of the record before
//! it: whoever holds the head's hash can check the whole history, and nothing in it can be changed, left out or
//! reordered without changing the head.
//!
//! In state are the head and the last [`Config::KeepLast`] entries, with their evidence. Every append is told by
//! [`Event::Recorded`], which carries the entry, so that archives have all of them; but for the record of genesis, where there
//! are no events.
//!
//! The pallet has no calls and no errors: appending cannot fail, and people cannot write.
//!
//! ## Low level
//!
//! [`Head`] is the one storage item a proof stands on. [`Entries`] is a ring: appending record `n` removes record
//! `n - KeepLast`. Both cost the same however long the log is.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use pallet::*;

use alloc::vec::Vec;
use frame_support::traits::Get;
use frame_system::pallet_prelude::BlockNumberFor;
use sp_staking::SessionIndex;
use understudy_primitives::{
	api::TIMELINE_LIMIT, Entry, FailoverLog, IncidentId, LogHead, NewRecord, Record, RecordSeq,
};

/// The log's entry type on a chain.
pub type EntryOf<T> = Entry<<T as frame_system::Config>::AccountId, BlockNumberFor<T>>;

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use frame_support::pallet_prelude::*;

	#[pallet::pallet]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: frame_system::Config {
		/// The session of the current block.
		type Session: Get<SessionIndex>;

		/// How many of the last entries stay in state. At least 1.
		#[pallet::constant]
		type KeepLast: Get<u32>;
	}

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A record was appended to the log.
		Recorded {
			/// The record and its evidence.
			entry: EntryOf<T>,
			/// The record's hash, the log's new head.
			hash: sp_core::H256,
		},
	}

	/// How many records there are, and the last one's hash.
	#[pallet::storage]
	pub type Head<T> = StorageValue<_, LogHead, ValueQuery>;

	/// The last [`Config::KeepLast`] entries by their `seq`.
	#[pallet::storage]
	pub type Entries<T: Config> = StorageMap<_, Twox64Concat, RecordSeq, EntryOf<T>, OptionQuery>;

	/// How many incidents were ever opened; the last one's id.
	#[pallet::storage]
	pub type Incidents<T> = StorageValue<_, IncidentId, ValueQuery>;

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			assert!(
				T::KeepLast::get() > 0,
				"KeepLast must be at least 1, for the chain is checked against it"
			);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// How many records there are, and the last one's hash.
		pub fn head() -> LogHead {
			Head::<T>::get()
		}

		/// The entries with `seq >= from` that are still in state, oldest first, at most `limit` and never more than
		/// [`TIMELINE_LIMIT`].
		pub fn timeline(from: RecordSeq, limit: u32) -> Vec<EntryOf<T>> {
			Self::kept()
				.skip_while(|seq| *seq < from)
				.take(limit.min(TIMELINE_LIMIT) as usize)
				.filter_map(Entries::<T>::get)
				.collect()
		}

		/// The entries of one incident that are still in state, oldest first, at most [`TIMELINE_LIMIT`].
		pub fn incident(id: IncidentId) -> Vec<EntryOf<T>> {
			Self::kept()
				.filter_map(Entries::<T>::get)
				.filter(|entry| entry.record.incident == id)
				.take(TIMELINE_LIMIT as usize)
				.collect()
		}
	}
}

impl<T: Config> Pallet<T> {
	/// The `seq` of the entries that are in state.
	fn kept() -> core::ops::Range<RecordSeq> {
		let count = Head::<T>::get().count;
		count.saturating_sub(T::KeepLast::get().into())..count
	}

	/// Checks invariant I5 as far as state shows it: the kept entries are contiguous, each names the hash of the one
	/// before it and commits to its evidence, the last one's hash is the head, and there are no others.
	pub fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
		use frame_support::ensure;
		let head = Head::<T>::get();
		ensure!(
			Entries::<T>::iter_keys().count() as u64 == Self::kept().end.saturating_sub(Self::kept().start),
			"entries are kept that should not be, or some are missing"
		);
		let mut previous = None;
		for seq in Self::kept() {
			let Entry { record, evidence } = Entries::<T>::get(seq).ok_or("the log has a gap")?;
			ensure!(record.seq == seq, "a record is in another one's place");
			let expected = if seq == 0 { Some(sp_core::H256::zero()) } else { previous };
			ensure!(expected.is_none_or(|hash| record.previous == hash), "the chain of hashes is broken");
			ensure!(
				record.evidence_root == evidence.root(),
				"the evidence is not what the record commits to"
			);
			ensure!(
				record.incident <= Incidents::<T>::get(),
				"a record of an incident that was never opened"
			);
			previous = Some(record.hash());
		}
		ensure!(previous.unwrap_or_default() == head.hash, "the head is not the last record");
		Ok(())
	}
}

impl<T: Config> FailoverLog<T::AccountId> for Pallet<T> {
	fn open_incident() -> IncidentId {
		Incidents::<T>::mutate(|last| {
			*last = last.saturating_add(1);
			*last
		})
	}

	fn append(new: NewRecord<T::AccountId>) -> RecordSeq {
		let head = Head::<T>::get();
		let NewRecord { incident, kind, initiator, subject, from, to, evidence } = new;
		let record = Record {
			seq: head.count,
			previous: head.hash,
			block: frame_system::Pallet::<T>::block_number(),
			session: T::Session::get(),
			incident,
			kind,
			initiator,
			subject,
			from,
			to,
			evidence_root: evidence.root(),
		};
		let hash = record.hash();
		let entry = Entry { record, evidence };
		Entries::<T>::insert(head.count, &entry);
		if let Some(old) = head.count.checked_sub(T::KeepLast::get().into()) {
			Entries::<T>::remove(old);
		}
		Head::<T>::put(LogHead { count: head.count.saturating_add(1), hash });
		Self::deposit_event(Event::Recorded { entry, hash });
		head.count
	}
}
