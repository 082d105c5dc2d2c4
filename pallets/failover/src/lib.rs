//! # Failover log pallet
//!
//! The append-only, hash-chained, Merkle-committed log of everything that changes the validator set.
//!
//! ## Overview
//!
//! Other pallets write through [`FailoverLog`], always before the change takes effect. A [`Record`] names its block,
//! time, session and incident, what happened to whom on whose word, the root over the evidence, and the hash of the record
//! before it: whoever holds the head can check the whole history, and nothing in it can be changed, left out or
//! reordered without changing the head.
//!
//! The head commits to all records by the root of a Merkle Mountain Range, so that one of a million is proven by some twenty
//! hashes (see [`understudy_primitives::mmr`]). Finality over the state root is the quorum's signature on it: what convinces
//! somebody who trusts nothing but an authority set is specified in `docs/proof-format.md`, and checked by `understudy-verify`.
//!
//! In state are the head, the peaks, the last [`Config::KeepLast`] entries with their evidence, and the last
//! [`Config::KeepIncidents`] [`Incident`]s, whose state follows from their records. Everything, however old, is in every
//! node's offchain index (see [`index`]). From time to time a header's digest tells the head, see [`Checkpoint`].
//!
//! Whoever was seated says where it stands, and the chain compares; see [`reconciliation`].
//!
//! ## Low level
//!
//! [`Head`] is the one storage item a proof of a record stands on; a proof of an incident also stands on [`Incidents`].
//! [`Entries`] is a ring: appending record `n` removes record `n - KeepLast`. Both cost the same however long the log is, but
//! for the hashing of the peaks.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking;
pub mod index;
#[cfg(test)]
mod mock;
pub mod reconciliation;
pub mod rejection;
#[cfg(test)]
mod tests;
pub mod weights;

pub use pallet::*;
pub use reconciliation::{Position, PositionOf};
pub use weights::WeightInfo;

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
	traits::{ConstU32, Get},
	BoundedVec,
};
use frame_system::pallet_prelude::BlockNumberFor;
use scale_info::TypeInfo;
use sp_core::H256;
use sp_runtime::{
	traits::{UniqueSaturatedInto, Zero},
	DigestItem,
};
use sp_staking::SessionIndex;
use understudy_primitives::{
	api::{ReadError, TIMELINE_LIMIT},
	crypto::{AuthorityId, AuthoritySignature},
	mmr::{self, Ancestry, Domain, Peaks as Range},
	Checkpoint, DivergenceHandler, Entry, FailoverLog, HeartbeatKeys, Incident, IncidentId, LogHead, Moment,
	NewRecord, Record, RecordKind, RecordSeq, ENGINE_ID,
};

/// The log's entry type on a chain.
pub type EntryOf<T> = Entry<<T as frame_system::Config>::AccountId, BlockNumberFor<T>>;
/// The incident type on a chain.
pub type IncidentOf<T> = Incident<<T as frame_system::Config>::AccountId>;

/// The most peaks that a log can have: one for each bit of its count.
pub const MAX_PEAKS: u32 = 64;

/// Every so many blocks it is looked whether somebody did not say in time where it stands: a quiet block reads nothing.
pub const SWEEP: u32 = 16;

/// The most bytes that the header in a [`reconcile`](Pallet::reconcile) can have.
pub const MAX_HEADER: u32 = 2_048;

/// Who is to say where it stands.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Awaited<AccountId, BlockNumber> {
	/// The incident by which it got its seat.
	pub incident: IncidentId,
	/// The member.
	pub who: AccountId,
	/// The block since which it has the seat.
	pub since: BlockNumber,
}

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use frame_support::pallet_prelude::*;
	use frame_system::{
		offchain::CreateAuthorizedTransaction,
		pallet_prelude::{ensure_authorized, OriginFor},
	};

	/// The version of the storage's layout.
	const STORAGE_VERSION: StorageVersion = StorageVersion::new(0);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// # Requirements
	///
	/// `frame_system::AuthorizeCall` is among the runtime's transaction extensions, and the nodes run with offchain indexing
	/// on.
	#[pallet::config]
	pub trait Config: CreateAuthorizedTransaction<Call<Self>> + frame_system::Config {
		/// The session of the current block.
		type Session: Get<SessionIndex>;

		/// The time of the current block, in milliseconds since the Unix epoch, as early in the block as possible: where
		/// there are slots, the slot's begin. The timestamp pallet has that of the block before, until its inherent is
		/// applied.
		type Now: Get<u64>;

		/// Where a member's heartbeat key is looked up.
		type Keys: HeartbeatKeys<Self::AccountId, AuthorityId>;

		/// Who takes a seat back from a member that stands elsewhere than the chain.
		type OnDivergence: DivergenceHandler<Self::AccountId>;

		/// How many of the last entries stay in state. At least 1.
		#[pallet::constant]
		type KeepLast: Get<u32>;

		/// How many of the last incidents stay in state. At least 1.
		#[pallet::constant]
		type KeepIncidents: Get<u32>;

		/// How many members can be waited for at once to say where they stand. At least 1.
		#[pallet::constant]
		type MaxAwaiting: Get<u32>;

		/// For how many blocks a member is waited for.
		#[pallet::constant]
		type ReconcileWithin: Get<BlockNumberFor<Self>>;

		/// After so many records the head is told in the header's digest. 0: never.
		#[pallet::constant]
		type CheckpointRecords: Get<u64>;

		/// Every so many blocks the head is told in the header's digest. 0: never.
		#[pallet::constant]
		type CheckpointBlocks: Get<BlockNumberFor<Self>>;

		/// The priority of positions in the transaction pool.
		#[pallet::constant]
		type Priority: Get<TransactionPriority>;

		/// The weights of the pallet's calls and hooks.
		type WeightInfo: WeightInfo;

		/// What the benchmarks need.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: benchmarking::BenchmarkHelper<Self::AccountId>;
	}

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A record was appended to the log.
		Recorded {
			/// The record and its evidence.
			entry: EntryOf<T>,
			/// The record's hash.
			hash: H256,
		},
		/// A member that was seated has signed that it stands elsewhere than the chain: look at its node. It loses the seat.
		Diverged {
			/// The incident by which it got the seat.
			incident: IncidentId,
			/// The member.
			who: T::AccountId,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// Nobody waits for this member to say where it stands.
		NotAwaited,
	}

	/// How many records there are, the last one's hash, and the root over all of them.
	#[pallet::storage]
	pub type Head<T> = StorageValue<_, LogHead, ValueQuery>;

	/// The peaks of the Merkle Mountain Range over the records, from the left to the right.
	#[pallet::storage]
	pub type Peaks<T> = StorageValue<_, BoundedVec<H256, ConstU32<MAX_PEAKS>>, ValueQuery>;

	/// What the salts of the evidence are drawn from. Changes with each record.
	#[pallet::storage]
	pub type Seed<T> = StorageValue<_, H256, ValueQuery>;

	/// The last [`Config::KeepLast`] entries by their `seq`.
	#[pallet::storage]
	pub type Entries<T: Config> = StorageMap<_, Twox64Concat, RecordSeq, EntryOf<T>, OptionQuery>;

	/// How many incidents were ever opened; the last one's id.
	#[pallet::storage]
	pub type LastIncident<T> = StorageValue<_, IncidentId, ValueQuery>;

	/// The last [`Config::KeepIncidents`] incidents by their id.
	#[pallet::storage]
	pub type Incidents<T: Config> = StorageMap<_, Twox64Concat, IncidentId, IncidentOf<T>, OptionQuery>;

	/// Who is to say where it stands, longest first.
	#[pallet::storage]
	pub type Awaiting<T: Config> =
		StorageValue<_, BoundedVec<Awaited<T::AccountId, BlockNumberFor<T>>, T::MaxAwaiting>, ValueQuery>;

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// States where a member stands that was just seated, signed by its heartbeat key.
		///
		/// Sent by the node's offchain worker, once per seat. Free of charge, and operational. The chain compares the block with
		/// its own: where they agree the incident is closed, where they do not the member loses the seat again. Accepted as a
		/// general transaction only, see [`rejection`] for why one is turned away.
		///
		/// ## Errors
		///
		/// - [`Error::NotAwaited`]: nobody waits for it any more since the transaction was authorized.
		#[pallet::call_index(0)]
		#[pallet::weight((T::WeightInfo::reconcile(), DispatchClass::Operational))]
		#[pallet::weight_of_authorize(T::WeightInfo::authorize_position(header.len() as u32))]
		#[pallet::authorize(|source, position, header, signature| {
			Self::authorize_position(source, position, header, signature)
		})]
		pub fn reconcile(
			origin: OriginFor<T>,
			position: PositionOf<T>,
			// Both checked by `authorize_position`, the only way to the origin that this call asks for.
			header: BoundedVec<u8, ConstU32<MAX_HEADER>>,
			signature: AuthoritySignature,
		) -> DispatchResult {
			ensure_authorized(origin)?;
			let _ = (header, signature);
			Self::do_reconcile(position).ok_or(Error::<T>::NotAwaited)?;
			Ok(())
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_initialize(now: BlockNumberFor<T>) -> Weight {
			if now == 1u32.into() {
				Self::index_genesis();
			}
			let mut weight = Weight::zero();
			let every = T::CheckpointBlocks::get();
			if !every.is_zero() && (now % every).is_zero() {
				Self::checkpoint(&Head::<T>::get());
				weight.saturating_accrue(T::WeightInfo::checkpoint());
			}
			if (now % SWEEP.into()).is_zero() {
				weight.saturating_accrue(T::WeightInfo::sweep(Self::expire_positions(now)));
			}
			weight
		}

		fn offchain_worker(now: BlockNumberFor<T>) {
			Self::state_positions(now);
		}

		fn integrity_test() {
			assert!(
				T::KeepLast::get() > 0,
				"KeepLast must be at least 1, for the chain is checked against it"
			);
			assert!(T::KeepIncidents::get() > 0, "KeepIncidents must be at least 1");
			assert!(T::MaxAwaiting::get() > 0, "MaxAwaiting must be at least 1");
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// How many records there are, the last one's hash, and the root over all of them.
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

		/// One incident, if it is still in state.
		pub fn incident(id: IncidentId) -> Option<IncidentOf<T>> {
			Incidents::<T>::get(id)
		}

		/// The incidents from the last one back, below `before`, that are still in state, at most `limit` and never more than
		/// [`TIMELINE_LIMIT`].
		pub fn incidents(before: IncidentId, limit: u32) -> Vec<(IncidentId, IncidentOf<T>)> {
			let last = LastIncident::<T>::get().min(before.saturating_sub(1));
			(1..=last)
				.rev()
				.take(limit.min(TIMELINE_LIMIT) as usize)
				.filter_map(|id| Some((id, Incidents::<T>::get(id)?)))
				.collect()
		}
	}
}

impl<T: Config> Pallet<T> {
	/// These entries, however old. Reads the offchain index: in an offchain context only.
	pub fn records(seqs: &[RecordSeq]) -> Result<Vec<EntryOf<T>>, ReadError> {
		index::entries(seqs, Head::<T>::get().count, &Peaks::<T>::get())
	}

	/// The MMR proof that these records are in the log. Reads the offchain index: in an offchain context only.
	pub fn prove(seqs: &[RecordSeq]) -> Result<Vec<H256>, ReadError> {
		index::prove(seqs, Head::<T>::get().count, &Peaks::<T>::get())
	}

	/// What shows that the log with its first `count` records was a beginning of this one. Reads the offchain index: in an
	/// offchain context only.
	pub fn ancestry(count: RecordSeq) -> Result<Ancestry, ReadError> {
		index::ancestry(count, Head::<T>::get().count, &Peaks::<T>::get())
	}

	/// The `seq` of the entries that are in state.
	fn kept() -> core::ops::Range<RecordSeq> {
		let count = Head::<T>::get().count;
		count.saturating_sub(T::KeepLast::get().into())..count
	}

	fn block() -> u32 {
		frame_system::Pallet::<T>::block_number().unique_saturated_into()
	}

	/// Tells the head in the header's digest. Genesis has none.
	fn checkpoint(head: &LogHead) {
		let LogHead { count, root, .. } = *head;
		if count > 0 && Self::block() > 0 {
			let item = DigestItem::Consensus(ENGINE_ID, Checkpoint { count, root }.encode());
			frame_system::Pallet::<T>::deposit_log(item);
		}
	}

	/// Genesis is built where there is no offchain index: the first block makes up for it.
	fn index_genesis() {
		let mut peaks = Vec::new();
		for seq in Self::kept().filter(|_| Self::kept().start == 0) {
			let Some(entry) = Entries::<T>::get(seq) else { return };
			let hash = entry.record.hash();
			index::keep_entry(&hash, &entry);
			let Some((next, _)) = Range::new(seq, peaks, &mut index::keep_node).push(hash) else { return };
			peaks = next;
		}
	}

	/// Follows the record's incident, opening it if it is new.
	fn follow_incident(entry: &EntryOf<T>) {
		let Entry { record, evidence, .. } = entry;
		let (id, last) = (record.incident, LastIncident::<T>::get());
		let keep = u64::from(T::KeepIncidents::get());
		// Who is that old is not in state any more.
		if id == 0 || id > last || id <= last.saturating_sub(keep) {
			return;
		}
		let block = Self::block();
		let mut incident = Incidents::<T>::get(id).unwrap_or_else(|| Incident::open(record, block));
		incident.follow(record, evidence, block);
		Incidents::<T>::insert(id, incident);
	}

	/// Checks invariant I5 as far as state shows it: the kept entries are contiguous, each names the hash of the one
	/// before it and commits to its evidence, the last one's hash is the head, there are no others, and the peaks make the root;
	/// and that the incidents are what their records say.
	pub fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
		use frame_support::ensure;
		let head = Head::<T>::get();
		let kept = Self::kept();
		ensure!(
			Entries::<T>::iter_keys().count() as u64 == kept.end.saturating_sub(kept.start),
			"entries are kept that should not be, or some are missing"
		);
		let peaks = Peaks::<T>::get();
		ensure!(peaks.len() as u32 == head.count.count_ones(), "there are too few peaks, or too many");
		let bagged =
			peaks.iter().rev().copied().reduce(|right, left| mmr::hash(Domain::Peaks, &(right, left)));
		ensure!(bagged.unwrap_or_default() == head.root, "the root is not that of the peaks");
		let mut previous = None;
		// From genesis on the root can be made anew.
		let mut anew = (kept.start == 0).then(|| (Vec::new(), H256::zero()));
		for seq in kept {
			let Entry { record, evidence, salt } = Entries::<T>::get(seq).ok_or("the log has a gap")?;
			ensure!(record.seq == seq, "a record is in another one's place");
			let expected = if seq == 0 { Some(H256::zero()) } else { previous };
			ensure!(expected.is_none_or(|hash| record.previous == hash), "the chain of hashes is broken");
			ensure!(
				record.evidence_root == mmr::evidence_root(&salt, &evidence),
				"the evidence is not what the record commits to"
			);
			ensure!(
				record.incident <= LastIncident::<T>::get(),
				"a record of an incident that was never opened"
			);
			if let Some(incident) = Incidents::<T>::get(record.incident) {
				ensure!(
					incident.records.contains(&seq) || incident.records.is_full(),
					"an incident does not link its record"
				);
			}
			anew = anew.and_then(|(peaks, _)| Range::new(seq, peaks, &mut |_, _, _| ()).push(record.hash()));
			previous = Some(record.hash());
		}
		ensure!(previous.unwrap_or_default() == head.hash, "the head is not the last record");
		ensure!(anew.is_none_or(|(_, root)| root == head.root), "the root is not that of the records");

		let last = LastIncident::<T>::get();
		for (id, incident) in Incidents::<T>::iter() {
			ensure!(
				id > last.saturating_sub(T::KeepIncidents::get().into()) && id <= last,
				"an incident is kept that should not be"
			);
			for seq in &incident.records {
				ensure!(*seq < head.count, "an incident links a record that is not there");
				let entry = Entries::<T>::get(seq);
				ensure!(
					entry.is_none_or(|entry| entry.record.incident == id),
					"an incident links another one's record"
				);
			}
		}
		Ok(())
	}
}

impl<T: Config> FailoverLog<T::AccountId> for Pallet<T> {
	fn now() -> Moment {
		Moment { block: Self::block(), time: T::Now::get() }
	}

	fn count() -> RecordSeq {
		Head::<T>::get().count
	}

	fn open_incident() -> IncidentId {
		let id = LastIncident::<T>::mutate(|last| {
			*last = last.saturating_add(1);
			*last
		});
		if let Some(old) = id.checked_sub(T::KeepIncidents::get().into()) {
			Incidents::<T>::remove(old);
		}
		id
	}

	fn append(new: NewRecord<T::AccountId>) -> RecordSeq {
		let head = Head::<T>::get();
		let NewRecord { incident, kind, initiator, subject, from, to, evidence } = new;
		let evidence = BoundedVec::truncate_from(evidence);
		let drawn = (Seed::<T>::get(), frame_system::Pallet::<T>::parent_hash(), head.count, &evidence);
		let salt = mmr::hash(Domain::Salt, &drawn);
		Seed::<T>::put(mmr::hash(Domain::Salt, &salt));
		let record = Record {
			seq: head.count,
			previous: head.hash,
			block: frame_system::Pallet::<T>::block_number(),
			time: T::Now::get(),
			session: T::Session::get(),
			incident,
			kind,
			initiator,
			subject,
			from: from.clone(),
			to: to.clone(),
			evidence_root: mmr::evidence_root(&salt, &evidence),
		};
		let hash = record.hash();
		let entry = Entry { record, evidence, salt };
		let peaks = Peaks::<T>::get().into_inner();
		let Some((peaks, root)) = Range::new(head.count, peaks, &mut index::keep_node).push(hash) else {
			// The peaks are always those of the count, which would have to reach 2^62.
			frame_support::defensive!("the log's peaks are not those of its count");
			return head.count;
		};
		index::keep_entry(&hash, &entry);
		Peaks::<T>::put(BoundedVec::truncate_from(peaks));
		let count = head.count.saturating_add(1);
		let head = LogHead { count, hash, root };
		Head::<T>::put(head);
		Entries::<T>::insert(entry.record.seq, &entry);
		if let Some(old) = entry.record.seq.checked_sub(T::KeepLast::get().into()) {
			Entries::<T>::remove(old);
		}
		Self::follow_incident(&entry);
		let every = T::CheckpointRecords::get();
		if every > 0 && count.is_multiple_of(every) {
			Self::checkpoint(&head);
		}
		let seq = entry.record.seq;
		Self::deposit_event(Event::Recorded { entry, hash });
		if kind == RecordKind::Seated {
			Self::expect_position(incident, from.as_ref(), to);
		}
		seq
	}
}
