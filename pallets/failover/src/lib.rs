//! # Failover log pallet
//!
//! Append-only, hash-chained, Merkle-committed log of everything that changes the validator set.
//!
//! ## Overview
//!
//! Other pallets write through [`FailoverLog`], always before the change takes effect. A [`Record`]
//! has its block, time, session and incident, the event with its subject and its initiator, the
//! root over the evidence, and the hash of the record before it. With the head, anybody can check
//! the whole history: nothing in it can be changed, left out or reordered without changing the
//! head.
//!
//! The head commits to all records by the root of a Merkle Mountain Range, so that some twenty
//! hashes prove one record of a million (see [`understudy_primitives::mmr`]). A GRANDPA
//! justification covers the state root, and so the log head. `docs/proof-format.md` specifies the
//! proof; its verifier, `understudy-verify`, trusts only one authority set.
//!
//! The state has the head, the peaks, the last [`Config::KeepLast`] entries with their evidence,
//! and the last [`Config::KeepIncidents`] [`Incident`]s, whose phase follows from their records.
//! The offchain index of every node has all records, whatever their age (see [`index`]). The
//! digests of some headers have the head as a [`Checkpoint`].
//!
//! A newly seated member signs its position, and the chain compares it with its own state; see
//! [`reconciliation`].
//!
//! ## Low level
//!
//! A proof of a record rests on a single storage item, [`Head`]; a proof of an incident also rests
//! on [`Incidents`]. [`Entries`] is a ring: appending record `n` removes record `n - KeepLast`. The
//! cost of both does not depend on the length of the log, except for the hashing of the peaks.

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
	Checkpoint, DivergenceHandler, Entry, FailoverLog, FinalHead, HeartbeatKeys, Incident, IncidentId,
	LogHead, Moment, NewRecord, Record, RecordKind, RecordSeq, ENGINE_ID,
};

/// Entry of the log on a chain.
pub type EntryOf<T> = Entry<<T as frame_system::Config>::AccountId, BlockNumberFor<T>>;
/// Incident on a chain.
pub type IncidentOf<T> = Incident<<T as frame_system::Config>::AccountId>;

/// Maximum number of peaks of a log: one for each bit of its count.
pub const MAX_PEAKS: u32 = 64;

/// Number of blocks between two searches for members that did not sign their position in time.
pub const EXPIRY_INTERVAL: u32 = 16;

/// Maximum size, in bytes, of the header in a [`reconcile`](Pallet::reconcile) call.
pub const MAX_HEADER: u32 = 2_048;

/// Newly seated member whose position is awaited.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Awaited<AccountId, BlockNumber> {
	/// Incident by which the member got its seat.
	pub incident: IncidentId,
	/// The member.
	pub who: AccountId,
	/// Block since which the member has had the seat.
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

	/// Version of the storage layout.
	const STORAGE_VERSION: StorageVersion = StorageVersion::new(0);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// # Requirements
	///
	/// `frame_system::AuthorizeCall` is among the runtime's transaction extensions, and the nodes
	/// run with offchain indexing enabled.
	#[pallet::config]
	pub trait Config: CreateAuthorizedTransaction<Call<Self>> + frame_system::Config {
		/// Session of the current block.
		type Session: Get<SessionIndex>;

		/// Time of the current block, in milliseconds since the Unix epoch.
		///
		/// Must be known as early in the block as possible: on a chain with slots, the beginning of
		/// the slot. The timestamp pallet has the time of the block before until its inherent is
		/// applied.
		type Now: Get<u64>;

		/// Source of members' heartbeat keys.
		type Keys: HeartbeatKeys<Self::AccountId, AuthorityId>;

		/// Last final block, as the local node knows it: the position that a newly seated member
		/// states. `understudy_primitives::offchain::ObservedHead` on a chain with GRANDPA.
		type FinalHead: FinalHead;

		/// Handler that takes a seat back from a member whose position contradicts the chain.
		type OnDivergence: DivergenceHandler<Self::AccountId>;

		/// Number of the last entries that stay in state. At least 1.
		#[pallet::constant]
		type KeepLast: Get<u32>;

		/// Number of the last incidents that stay in state. At least 1.
		#[pallet::constant]
		type KeepIncidents: Get<u32>;

		/// Maximum number of members whose positions are awaited at once. At least 1.
		#[pallet::constant]
		type MaxAwaiting: Get<u32>;

		/// Number of blocks for which a position is awaited.
		#[pallet::constant]
		type ReconcileWithin: Get<BlockNumberFor<Self>>;

		/// Interval, in records, of the checkpoints in header digests. 0: never.
		#[pallet::constant]
		type CheckpointRecords: Get<u64>;

		/// Interval, in blocks, of the checkpoints in header digests. 0: never.
		#[pallet::constant]
		type CheckpointBlocks: Get<BlockNumberFor<Self>>;

		/// Priority of positions in the transaction pool.
		#[pallet::constant]
		type Priority: Get<TransactionPriority>;

		/// Weights of the pallet's calls and hooks.
		type WeightInfo: WeightInfo;

		/// Set-up that the benchmarks need.
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
		/// The position of a newly seated member contradicts the chain. It loses the seat; its
		/// operator must check the node.
		Diverged {
			/// Incident by which the member got the seat.
			incident: IncidentId,
			/// The member.
			who: T::AccountId,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// No position of this member is awaited.
		NotAwaited,
	}

	/// Number of records, hash of the last one, and root over all of them.
	#[pallet::storage]
	pub type Head<T> = StorageValue<_, LogHead, ValueQuery>;

	/// Peaks of the Merkle Mountain Range over the records, from the left to the right.
	#[pallet::storage]
	pub type Peaks<T> = StorageValue<_, BoundedVec<H256, ConstU32<MAX_PEAKS>>, ValueQuery>;

	/// Seed from which the salts of the evidence are drawn. Changes with each record.
	#[pallet::storage]
	pub type Seed<T> = StorageValue<_, H256, ValueQuery>;

	/// Last [`Config::KeepLast`] entries, by their `seq`.
	#[pallet::storage]
	pub type Entries<T: Config> = StorageMap<_, Twox64Concat, RecordSeq, EntryOf<T>, OptionQuery>;

	/// Number of incidents that were ever opened, which is the id of the last one.
	#[pallet::storage]
	pub type LastIncident<T> = StorageValue<_, IncidentId, ValueQuery>;

	/// Last [`Config::KeepIncidents`] incidents, by their id.
	#[pallet::storage]
	pub type Incidents<T: Config> = StorageMap<_, Twox64Concat, IncidentId, IncidentOf<T>, OptionQuery>;

	/// Members whose positions are awaited, the oldest first.
	#[pallet::storage]
	pub type Awaiting<T: Config> =
		StorageValue<_, BoundedVec<Awaited<T::AccountId, BlockNumberFor<T>>, T::MaxAwaiting>, ValueQuery>;

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// States the position of a newly seated member, signed by its heartbeat key.
		///
		/// Sent by the node's offchain worker, once per seat. Free of charge, and operational. The
		/// chain compares the block with its own. If they agree, the incident is closed; otherwise
		/// the member loses the seat again. Accepted as a general transaction only; [`rejection`]
		/// lists the reasons for a rejection.
		///
		/// ## Errors
		///
		/// - [`Error::NotAwaited`]: the position is no longer awaited since the transaction was
		///   authorized.
		#[pallet::call_index(0)]
		#[pallet::weight((T::WeightInfo::reconcile(), DispatchClass::Operational))]
		#[pallet::weight_of_authorize(T::WeightInfo::authorize_position(header.len() as u32))]
		#[pallet::authorize(|source, position, header, signature| {
			Self::authorize_position(source, position, header, signature)
		})]
		pub fn reconcile(
			origin: OriginFor<T>,
			position: PositionOf<T>,
			// `authorize_position` checks both. There is no other way to the origin of this call.
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
			if (now % EXPIRY_INTERVAL.into()).is_zero() {
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
				"KeepLast must be at least 1: the hash chain is checked from the kept entries"
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
		/// Returns the number of records, the hash of the last one, and the root over all of them.
		pub fn head() -> LogHead {
			Head::<T>::get()
		}

		/// Returns the entries with `seq >= from` that are still in state, oldest first, at most
		/// `limit` and never more than [`TIMELINE_LIMIT`].
		pub fn timeline(from: RecordSeq, limit: u32) -> Vec<EntryOf<T>> {
			Self::kept()
				.skip_while(|seq| *seq < from)
				.take(limit.min(TIMELINE_LIMIT) as usize)
				.filter_map(Entries::<T>::get)
				.collect()
		}

		/// Returns an incident, if it is still in state.
		pub fn incident(id: IncidentId) -> Option<IncidentOf<T>> {
			Incidents::<T>::get(id)
		}

		/// Returns the incidents below `before` that are still in state, newest first, at most
		/// `limit` and never more than [`TIMELINE_LIMIT`].
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
	/// Returns these entries, whatever their age. Reads the offchain index: for offchain contexts
	/// only.
	pub fn records(seqs: &[RecordSeq]) -> Result<Vec<EntryOf<T>>, ReadError> {
		index::entries(seqs, Head::<T>::get().count, &Peaks::<T>::get())
	}

	/// Returns the MMR proof that these records are in the log. Reads the offchain index: for
	/// offchain contexts only.
	pub fn prove(seqs: &[RecordSeq]) -> Result<Vec<H256>, ReadError> {
		index::prove(seqs, Head::<T>::get().count, &Peaks::<T>::get())
	}

	/// Returns the proof that the log with its first `count` records is a prefix of this one. Reads
	/// the offchain index: for offchain contexts only.
	pub fn ancestry(count: RecordSeq) -> Result<Ancestry, ReadError> {
		index::ancestry(count, Head::<T>::get().count, &Peaks::<T>::get())
	}

	/// Returns the range of `seq` of the entries in state.
	fn kept() -> core::ops::Range<RecordSeq> {
		let count = Head::<T>::get().count;
		count.saturating_sub(T::KeepLast::get().into())..count
	}

	fn block() -> u32 {
		frame_system::Pallet::<T>::block_number().unique_saturated_into()
	}

	/// Deposits the head in the header's digest. Genesis has no digest.
	fn checkpoint(head: &LogHead) {
		let LogHead { count, root, .. } = *head;
		if count > 0 && Self::block() > 0 {
			let item = DigestItem::Consensus(ENGINE_ID, Checkpoint { count, root }.encode());
			frame_system::Pallet::<T>::deposit_log(item);
		}
	}

	/// Indexes the records of genesis, in the first block. Genesis is built without an offchain
	/// index.
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

	/// Updates the incident of a record, and opens it if it is new.
	fn follow_incident(entry: &EntryOf<T>) {
		let Entry { record, evidence, .. } = entry;
		let (id, last) = (record.incident, LastIncident::<T>::get());
		let keep = u64::from(T::KeepIncidents::get());
		// Older incidents are no longer in state.
		if id == 0 || id > last || id <= last.saturating_sub(keep) {
			return;
		}
		let block = Self::block();
		let mut incident = Incidents::<T>::get(id).unwrap_or_else(|| Incident::open(record, block));
		incident.follow(record, evidence, block);
		Incidents::<T>::insert(id, incident);
	}

	/// Checks invariant I5 as far as the state shows it, and that the incidents match their
	/// records.
	///
	/// The kept entries are contiguous, each has the hash of the one before it and commits to its
	/// evidence, the head has the hash of the last one, there are no other entries, and the root
	/// follows from the peaks.
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
		// With all records since genesis in state, the root can be recomputed.
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
			// The peaks always match the count, which would have to reach 2^62.
			frame_support::defensive!("the log's peaks do not match its count");
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
