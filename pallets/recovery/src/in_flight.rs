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
use understudy_primitives::{
	crypto::AuthorityId,
	quorum::{self, Count},
};

/// Number of items that can be in flight.
pub const MOST: u32 = 8;
/// Number of places that no session may take: those of the rosters that recoveries seat. A session
/// that would bring another roster waits for finality.
pub const FOR_RECOVERIES: u32 = 2;

/// Items by the block in which they took effect, the oldest first: the one that is final, and all
/// later ones.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct InFlight<Item> {
	items: BoundedVec<(u32, Item), ConstU32<MOST>>,
	/// The block that finality must reach for the list to be complete again: an item from before it
	/// found no room.
	gap: Option<u32>,
}

impl<Item> Default for InFlight<Item> {
	fn default() -> Self {
		Self { items: BoundedVec::default(), gap: None }
	}
}

impl<Item> InFlight<Item> {
	/// Another item takes effect in block `since`, with finality at `finalized`. Where there is no
	/// room it takes the place of the newest, and nothing is known until it is final itself.
	pub fn push(&mut self, since: u32, item: Item, finalized: u32) {
		self.settle(finalized);
		if self.items.is_full() {
			self.items.pop();
			self.gap = Some(since);
		}
		// There is room now.
		let _ = self.items.try_push((since, item));
	}

	/// Finality has come to this block: items that were superseded by then are dropped.
	pub fn settle(&mut self, finalized: u32) {
		let is_final = |(since, _): &&(u32, Item)| *since <= finalized;
		let superseded = self.items.iter().take_while(is_final).count().saturating_sub(1);
		self.items.drain(..superseded);
		self.gap = self.gap.filter(|since| *since > finalized);
	}

	/// The final item, and all later ones; none if the list is empty or incomplete.
	pub fn all(&self) -> impl Iterator<Item = &Item> {
		let known = if self.gap.is_some() { &[][..] } else { &self.items[..] };
		known.iter().map(|(_, item)| item)
	}

	/// The item that is final.
	pub fn first(&self) -> Option<&Item> {
		self.all().next()
	}

	/// The newest item.
	pub fn last(&self) -> Option<&Item> {
		self.items.last().map(|(_, item)| item)
	}

	/// Returns whether another item leaves this many places free.
	pub fn has_room(&self, free: u32) -> bool {
		(self.items.len() as u32).saturating_add(free) < MOST
	}
}

/// A member of a roster, as far as its vote counts.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Voter<AccountId> {
	/// The account.
	pub who: AccountId,
	/// The heartbeat key that was in force when the roster took effect.
	pub key: Option<AuthorityId>,
	/// The member sits, or has shown lately that it is ready to. Others are not counted, and cannot
	/// vote.
	pub counts: bool,
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
	/// Number of active members.
	pub active: u32,
	/// The active set, then the reserve.
	pub members: BoundedVec<Voter<AccountId>, Max>,
}

impl<AccountId: Clone + Ord + core::fmt::Debug, Max: Get<u32>> Roster<AccountId, Max> {
	/// Number of members that count.
	pub fn size(&self) -> Count {
		Count::of(&self.members, self.active, |voter| voter.counts)
	}

	/// Number of these among the members that count.
	pub fn count(&self, some: &BTreeSet<AccountId>) -> Count {
		Count::of(&self.members, self.active, |voter| voter.counts && some.contains(&voter.who))
	}

	/// The active members, in the order of their seats.
	pub fn sitting(&self) -> impl Iterator<Item = &Voter<AccountId>> {
		self.members.iter().take(self.active as usize)
	}

	/// The seat of a member in the active set, and what is known of the member.
	pub fn seat_of(&self, who: &AccountId) -> Option<(u32, &Voter<AccountId>)> {
		(0..).zip(self.sitting()).find(|(_, voter)| voter.who == *who)
	}
}

impl<AccountId: Clone + Ord + core::fmt::Debug, Max: Get<u32>> InFlight<Roster<AccountId, Max>> {
	/// Returns whether an account counts in any of them.
	pub fn has(&self, who: &AccountId) -> bool {
		self.all().any(|roster| roster.members.iter().any(|voter| voter.counts && voter.who == *who))
	}

	/// The key by which a member's word counts: the one that it has in every roster in flight. A
	/// member whose key changes in flight has none. It may run on two servers, and branches that
	/// parted in between would take its word from one server each.
	pub fn key_of(&self, who: &AccountId) -> Option<&AuthorityId> {
		let voters = || self.all().flat_map(|roster| roster.members.iter());
		let mut keys = voters().filter(|voter| voter.counts && voter.who == *who).map(|voter| &voter.key);
		let key = keys.next()?.as_ref();
		keys.all(|other| other.as_ref() == key).then_some(key).flatten()
	}

	/// The members with this key, in force in every roster in flight.
	pub fn owners_of<'a>(&'a self, key: &'a AuthorityId) -> impl Iterator<Item = &'a AccountId> {
		let voters = self.all().flat_map(|roster| roster.members.iter());
		let owners: BTreeSet<&AccountId> =
			voters.filter(|voter| voter.key.as_ref() == Some(key)).map(|voter| &voter.who).collect();
		owners.into_iter().filter(move |who| self.key_of(who) == Some(key))
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
	use understudy_mocks::key;

	type Rosters = InFlight<Roster<u64, ConstU32<16>>>;

	fn voter(who: u64) -> Voter<u64> {
		Voter { who, key: Some(key(who)), counts: true }
	}

	fn roster(active: &[u64], reserve: &[u64]) -> Roster<u64, ConstU32<16>> {
		let members = active.iter().chain(reserve).map(|who| voter(*who)).collect();
		Roster { active: active.len() as u32, members: BoundedVec::truncate_from(members) }
	}

	fn set(who: &[u64]) -> BTreeSet<u64> {
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
	fn with_too_many_in_flight_nothing_is_known_until_the_last_is_final() {
		let mut rosters = Rosters::default();
		assert!(!rosters.is_quorum(&set(&[1])) && !rosters.rules_out_others(&set(&[1])));
		for since in 0..MOST {
			rosters.push(since, roster(&[1], &[2]), 0);
			assert!(rosters.first().is_some());
		}
		assert!(!rosters.has_room(0));
		// The one of block 7 is dropped for it. That leaves a gap, which the list must not forget
		// as soon as there is room again.
		rosters.push(50, roster(&[1], &[3]), 0);
		assert!(rosters.first().is_none() && !rosters.is_quorum(&set(&[1, 2, 3])) && !rosters.has(&1));
		assert_eq!(rosters.last(), Some(&roster(&[1], &[3])));
		rosters.settle(6);
		assert!(rosters.has_room(0) && rosters.first().is_none());
		rosters.push(60, roster(&[1], &[4]), 6);
		rosters.settle(49);
		assert!(rosters.first().is_none());
		rosters.settle(50);
		assert!(rosters.is_quorum(&set(&[1, 3, 4])));
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

	#[test]
	fn standbys_that_are_not_ready_do_not_count() {
		let mut all = roster(&[1, 2, 3, 4], &[5, 6]);
		all.members.iter_mut().skip(4).for_each(|voter| voter.counts = false);
		let mut rosters = Rosters::default();
		rosters.push(0, all, 0);
		// Three of four, not of six; and who is not ready has no say.
		assert!(rosters.is_quorum(&set(&[1, 2, 3])));
		assert!(!rosters.is_quorum(&set(&[1, 2, 5, 6])));
		assert!(!rosters.has(&5) && rosters.key_of(&5).is_none());
	}

	#[test]
	fn a_key_that_changes_in_flight_is_nobodys_word() {
		let mut rosters = Rosters::default();
		rosters.push(0, roster(&[1, 2, 3, 4], &[]), 0);
		assert_eq!(rosters.key_of(&1), Some(&key(1)));
		let mut moved = roster(&[1, 2, 3, 4], &[5]);
		moved.members[0].key = Some(key(9));
		rosters.push(7, moved, 0);
		assert_eq!((rosters.key_of(&1), rosters.key_of(&5)), (None, Some(&key(5))));
		assert_eq!(rosters.owners_of(&key(1)).count() + rosters.owners_of(&key(9)).count(), 0);
		assert_eq!(rosters.owners_of(&key(2)).collect::<Vec<_>>(), [&2]);
		// It counts still, and when the change is final its new key does.
		assert_eq!(rosters.last().map(|roster| roster.size().all()), Some(5));
		rosters.settle(7);
		assert_eq!(rosters.key_of(&1), Some(&key(9)));
	}
}
