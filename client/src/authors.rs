//! Authors that produce no block in their slots, as this node sees it.
//!
//! Blocks count that no other block builds on: an author whose neighbours keep its blocks out of
//! the chain is not idle.

use sp_runtime::traits::Block as BlockT;

use crate::Hash;

/// Number of slots without any block after which the node judges no author.
const BLIND: u64 = 10;

/// Authors of slots, as a consensus has them.
pub trait Authors<Block: BlockT>: Send + Sync + 'static {
	/// Key of an author.
	type Key: Clone + PartialEq + Send;

	/// Returns the length of a slot in milliseconds. `None` if the consensus does not assign slots
	/// to authors in turn; then no author is ever idle.
	fn slot_duration(&self) -> Option<u64>;

	/// Returns the slot of a block.
	fn slot(&self, header: &Block::Header) -> Option<u64>;

	/// Returns the authors after this block, in the order of their turns.
	fn keys(&self, at: Hash) -> Option<Vec<Self::Key>>;
}

/// A consensus that does not name the authors of slots in advance, such as BABE.
impl<Block: BlockT> Authors<Block> for () {
	type Key = ();

	fn slot_duration(&self) -> Option<u64> {
		None
	}

	fn slot(&self, _: &Block::Header) -> Option<u64> {
		None
	}

	fn keys(&self, _: Hash) -> Option<Vec<()>> {
		None
	}
}

/// Slot of each author's last block.
pub(crate) struct Turns<Key> {
	/// Authors, in the order of their turns.
	keys: Vec<Key>,
	/// Last slot of each author with a block, or the slot in which the set began.
	last: Vec<u64>,
	/// Latest slot with a block.
	latest: u64,
}

impl<Key> Default for Turns<Key> {
	fn default() -> Self {
		Self { keys: Vec::new(), last: Vec::new(), latest: 0 }
	}
}

impl<Key: Clone + PartialEq> Turns<Key> {
	/// Takes over the authors as of this slot.
	///
	/// All authors of another set count as seen. So do all where the node sees no recent block of
	/// any author: it is syncing, or the chain has halted.
	pub fn follow(&mut self, keys: &[Key], slot: u64) {
		let blind = self.latest + BLIND < slot;
		if self.keys != keys || blind {
			self.last = vec![slot; keys.len()];
			self.keys = keys.to_vec();
		}
	}

	/// Notes a block of this slot.
	pub fn see(&mut self, slot: u64) {
		self.latest = slot.max(self.latest);
		let count = self.keys.len() as u64;
		let place = slot.checked_rem(count).and_then(|place| self.last.get_mut(place as usize));
		if let Some(last) = place {
			*last = slot.max(*last);
		}
	}

	/// Returns the number of authors.
	pub fn count(&self) -> u32 {
		self.keys.len() as u32
	}

	/// Returns the indices of authors whose last own slots before this one have no block, each with
	/// the number of such slots in a row.
	pub fn idle(&self, slot: u64) -> Vec<(u32, u32)> {
		let count = self.keys.len() as u64;
		let missed = |last: &u64, place: u64| {
			// Number of own slots before this one.
			let own = |slot: u64| (slot + count - 1 - place).checked_div(count).unwrap_or_default();
			own(slot).saturating_sub(own(last + 1)).min(u32::MAX.into()) as u32
		};
		let all = self.last.iter().zip(0u64..).map(|(last, place)| (place as u32, missed(last, place)));
		all.filter(|(_, missed)| *missed > 0).collect()
	}
}

#[cfg(feature = "aura")]
mod aura {
	use std::sync::Arc;

	use sc_consensus_aura::find_pre_digest;
	use sp_api::ProvideRuntimeApi;
	use sp_consensus_aura::{
		sr25519::{AuthorityId, AuthoritySignature},
		AuraApi,
	};

	use super::*;
	use crate::AuraNode;

	/// Authors of Aura, as the runtime has them.
	pub struct AuraAuthors<N: AuraNode> {
		/// Client.
		pub client: Arc<N::Client>,
		/// Length of a slot in milliseconds.
		pub slot_duration: u64,
	}

	impl<N: AuraNode> Authors<N::Block> for AuraAuthors<N> {
		type Key = AuthorityId;

		fn slot_duration(&self) -> Option<u64> {
			Some(self.slot_duration)
		}

		fn slot(&self, header: &crate::Header) -> Option<u64> {
			find_pre_digest::<N::Block, AuthoritySignature>(header).ok().map(Into::into)
		}

		fn keys(&self, at: Hash) -> Option<Vec<AuthorityId>> {
			self.client.runtime_api().authorities(at).ok()
		}
	}
}

#[cfg(feature = "aura")]
pub use aura::AuraAuthors;

#[cfg(test)]
mod tests {
	use super::*;

	/// Four authors, from slot 100 on.
	fn turns() -> Turns<u8> {
		let mut turns = Turns::default();
		turns.see(100);
		turns.follow(&[1, 2, 3, 4], 100);
		turns
	}

	#[test]
	fn an_author_without_blocks_is_idle_by_its_own_slots() {
		let mut turns = turns();
		assert_eq!(turns.idle(101), []);
		// Slots 100, 104, … are of the first author.
		for slot in (101..=120).filter(|slot| slot % 4 != 2) {
			turns.see(slot);
		}
		assert_eq!(turns.idle(121), [(2, 5)]);
		assert_eq!(turns.idle(122), [(1, 1), (2, 5)], "slot 122 is not over yet");
		assert_eq!(turns.idle(123), [(1, 1), (2, 6)]);
		// A block of its slot, whether another one builds on it or not.
		turns.see(122);
		assert_eq!(turns.idle(123), [(1, 1)]);
	}

	#[test]
	fn another_set_of_authors_starts_anew() {
		let mut turns = turns();
		let same = turns.keys.clone();
		turns.see(125);
		turns.follow(&same, 129);
		assert_eq!(turns.idle(129).len(), 3);
		turns.follow(&same[..3], 130);
		assert_eq!(turns.idle(130), []);
		assert_eq!(Turns::<u8>::default().idle(5), []);
	}

	#[test]
	fn a_node_that_sees_no_block_of_anybody_judges_nobody() {
		let mut turns = turns();
		let same = turns.keys.clone();
		// It syncs, or the chain has halted, for a while.
		turns.follow(&same, 200);
		assert_eq!(turns.idle(200), []);
		turns.see(201);
		turns.follow(&same, 204);
		assert_eq!(turns.idle(204), [(2, 1), (3, 1)]);
	}
}
