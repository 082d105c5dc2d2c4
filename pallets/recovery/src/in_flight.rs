//! What finality has not reached yet: the rosters, and the ids of GRANDPA's sets, that took effect since the last final block. Pure,
//! no storage.
//!
//! Two branches that part after the last final block may change their rosters in their own ways; the one of the last final block they
//! have in common. So votes must be enough of each roster in flight, that one included.

use alloc::collections::BTreeSet;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{CloneNoBound, DebugNoBound, EqNoBound, PartialEqNoBound};
use scale_info::TypeInfo;
use sp_core::{bounded::BoundedVec, ConstU32, Get};
use understudy_primitives::quorum::{self, Count};

/// So many may be in flight. A chain degrades long before.
pub const MOST: u32 = 8;

/// What took effect in which block, the oldest first: the one that is final, and all later ones.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct InFlight<Item>(BoundedVec<(u32, Item), ConstU32<MOST>>);

impl<Item> Default for InFlight<Item> {
	fn default() -> Self {
		Self(BoundedVec::default())
	}
}

impl<Item> InFlight<Item> {
	/// Another one takes effect in block `since`, with finality at `finalized`.
	pub fn push(&mut self, since: u32, item: Item, finalized: u32) {
		self.settle(finalized);
		if self.0.is_full() {
			self.0.pop();
		}
		// There is room now.
		let _ = self.0.try_push((since, item));
	}

	/// Finality has come to this block: what was superseded by then is forgotten.
	pub fn settle(&mut self, finalized: u32) {
		let is_final = |(since, _): &&(u32, Item)| *since <= finalized;
		let superseded = self.0.iter().take_while(is_final).count().saturating_sub(1);
		self.0.drain(..superseded);
	}

	/// The final one, and all later ones; none if nothing is known, or not all.
	pub fn all(&self) -> impl Iterator<Item = &Item> {
		let known = if self.0.is_full() { &[][..] } else { &self.0[..] };
		known.iter().map(|(_, item)| item)
	}

	/// The one that is final.
	pub fn first(&self) -> Option<&Item> {
		self.all().next()
	}

	/// The newest.
	pub fn last(&self) -> Option<&Item> {
		self.0.last().map(|(_, item)| item)
	}
}

/// A roster: its members, the active set first.
#[derive(
	CloneNoBound,
	PartialEqNoBound,
	EqNoBound,
	DebugNoBound,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
#[scale_info(skip_type_params(Max))]
pub struct Roster<AccountId: Clone + PartialEq + Eq + core::fmt::Debug, Max: Get<u32>> {
	/// So many of them are active.
	pub active: u32,
	/// The active set, then the reserve.
	pub members: BoundedVec<AccountId, Max>,
}

impl<AccountId: Clone + Ord + core::fmt::Debug, Max: Get<u32>> Roster<AccountId, Max> {
	/// How many there are.
	pub fn size(&self) -> Count {
		Count::of(&self.members, self.active, |_| true)
	}

	/// How many of them are among these.
	pub fn count(&self, some: &BTreeSet<AccountId>) -> Count {
		Count::of(&self.members, self.active, |who| some.contains(who))
	}
}

impl<AccountId: Clone + Ord + core::fmt::Debug, Max: Get<u32>> InFlight<Roster<AccountId, Max>> {
	/// Whether somebody is a member of any of them.
	pub fn has(&self, who: &AccountId) -> bool {
		self.all().any(|roster| roster.members.contains(who))
	}

	/// Whether these suffice for a recovery: in each of the rosters, see [`quorum::is_quorum`].
	pub fn is_quorum(&self, voters: &BTreeSet<AccountId>) -> bool {
		self.first().is_some()
			&& self.all().all(|roster| quorum::is_quorum(roster.count(voters), roster.size()))
	}

	/// Whether so many have voted that without them there is no quorum.
	pub fn rules_out_others(&self, voters: &BTreeSet<AccountId>) -> bool {
		let rules_out = |roster: &Roster<AccountId, Max>| {
			let others = roster.size().all().saturating_sub(roster.count(voters).all());
			others < quorum::needed(roster.size().all())
		};
		self.first().is_some() && self.all().all(rules_out)
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	type Rosters = InFlight<Roster<u8, ConstU32<16>>>;

	fn roster(active: &[u8], reserve: &[u8]) -> Roster<u8, ConstU32<16>> {
		let members = [active, reserve].concat();
		Roster { active: active.len() as u32, members: BoundedVec::truncate_from(members) }
	}

	fn set(who: &[u8]) -> BTreeSet<u8> {
		who.iter().copied().collect()
	}

	#[test]
	fn what_was_superseded_before_the_last_final_block_is_forgotten() {
		let mut ids = InFlight::default();
		assert_eq!((ids.first(), ids.last()), (None, None));
		for (since, id) in [(0, 0), (5, 1), (9, 2)] {
			ids.push(since, id, 0);
		}
		assert_eq!(ids.all().copied().collect::<Vec<_>>(), [0, 1, 2]);
		ids.settle(4);
		assert_eq!((ids.first(), ids.last()), (Some(&0), Some(&2)));
		// The block in which one takes effect is finalized by the one before.
		ids.settle(5);
		assert_eq!(ids.first(), Some(&1));
		ids.settle(100);
		assert_eq!(ids.all().copied().collect::<Vec<_>>(), [2]);
	}

	#[test]
	fn with_too_many_in_flight_nothing_is_known() {
		let mut rosters = Rosters::default();
		assert!(!rosters.is_quorum(&set(&[1])) && !rosters.rules_out_others(&set(&[1])));
		for since in 0..MOST {
			assert_eq!(rosters.first().is_some(), since > 0);
			rosters.push(since, roster(&[1], &[2]), 0);
		}
		assert!(rosters.first().is_none() && !rosters.is_quorum(&set(&[1, 2])) && !rosters.has(&1));
		rosters.push(50, roster(&[1], &[3]), 0);
		assert_eq!(rosters.last(), Some(&roster(&[1], &[3])));
		// Finality comes.
		rosters.settle(50);
		assert!(rosters.is_quorum(&set(&[1, 3])));
	}

	#[test]
	fn votes_must_be_enough_of_each_roster_in_flight() {
		let mut rosters = Rosters::default();
		rosters.push(0, roster(&[1, 2, 3, 4], &[5, 6]), 0);
		// 1 lost its seat.
		rosters.push(9, roster(&[5, 2, 3, 4], &[6]), 0);
		// Four of six, and four of five.
		assert!(rosters.is_quorum(&set(&[2, 3, 5, 6])));
		assert!(!rosters.is_quorum(&set(&[2, 5, 6])));
		assert!(rosters.has(&1) && !rosters.has(&9));
		// Three of six leave three, who are no more than half; two of five leave three, who are.
		assert!(rosters.rules_out_others(&set(&[2, 3, 4])));
		assert!(!rosters.rules_out_others(&set(&[1, 2, 3])));
	}
}
