//! Authors of the last sessions, by the keys in force.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{ensure, traits::Get};
use frame_system::pallet_prelude::BlockNumberFor;
use scale_info::TypeInfo;
use sp_core::H256;
use sp_io::hashing::blake2_256;
use sp_runtime::{
	traits::{One, Saturating, Zero},
	TryRuntimeError,
};
use sp_staking::SessionIndex;

use crate::{AuthorsOf, Config, LastSession, Lists, Pallet, Spans};

/// Session, with the data that determines the authors of its blocks.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Span<BlockNumber> {
	/// First block after which this session was current. Its authors make the blocks that build on
	/// that block.
	pub since: BlockNumber,
	/// Index of the session.
	pub session: SessionIndex,
	/// Hash of the list of authors.
	pub authors: H256,
}

impl<T: Config> Pallet<T> {
	/// Stores the authors of a session that has begun, and drops those of sessions out of reach.
	/// Returns `true` if a session has begun.
	pub(crate) fn follow_session(now: BlockNumberFor<T>) -> bool {
		let session = T::Session::get();
		if LastSession::<T>::get() == Some(session) {
			return false;
		}
		LastSession::<T>::put(session);
		let authors = AuthorsOf::<T>::truncate_from(T::Authors::get());
		let hash = H256(blake2_256(&authors.encode()));
		if !Lists::<T>::contains_key(hash) {
			Lists::<T>::insert(hash, authors);
		}
		// Only genesis is older than block 1, and the authors at genesis have made block 1.
		let since = if now.is_one() { Zero::zero() } else { now };
		let span = Span { since, session, authors: hash };
		let reach = Self::reach();
		Spans::<T>::mutate(|spans| {
			// At most two spans are dropped for each new one: none stays forever, and the cost of a
			// session is bounded. A span is out of reach when the next one began before the reach.
			for _ in 0..2 {
				let is_far = spans.get(1).is_some_and(|next| next.since.saturating_add(reach) < now);
				if !is_far && !spans.is_full() {
					break;
				}
				let oldest = spans.remove(0);
				let is_used = |other: &Span<_>| other.authors == oldest.authors;
				if !spans.iter().any(is_used) && oldest.authors != hash {
					Lists::<T>::remove(oldest.authors);
				}
			}
			// There is room now.
			let _ = spans.try_push(span);
		});
		true
	}

	/// Returns the session at the end of a block.
	pub(crate) fn span_of(block: BlockNumberFor<T>) -> Option<Span<BlockNumberFor<T>>> {
		Spans::<T>::get().into_iter().rev().find(|span| span.since <= block)
	}

	/// Checks the invariants of the storage.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let spans = Spans::<T>::get();
		let in_order = |pair: &[Span<_>]| pair[0].since < pair[1].since && pair[0].session < pair[1].session;
		ensure!(spans.windows(2).all(in_order), "the sessions are not in order");
		let last = spans.last().map(|span| span.session);
		ensure!(last == LastSession::<T>::get(), "the last session is not stored");
		let lists: alloc::collections::BTreeSet<H256> = Lists::<T>::iter_keys().collect();
		let used: alloc::collections::BTreeSet<H256> = spans.iter().map(|span| span.authors).collect();
		ensure!(lists == used, "a list of authors is missing, or left over");
		let reported = crate::Reported::<T>::get();
		let authors: alloc::collections::BTreeSet<_> = reported.iter().map(|(who, _)| who).collect();
		ensure!(authors.len() == reported.len(), "an author was reported twice");
		Ok(())
	}
}
