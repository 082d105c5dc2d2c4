//! Rosters and ids of GRANDPA's authority sets in flight: those that took effect since the last
//! final block, and the one in effect at that block. Pure functions, no storage.
//!
//! Two branches that diverge after the last final block may change their rosters independently. The
//! roster of the last final block is common to both. So votes must suffice in each roster in
//! flight, including that one.

use alloc::collections::BTreeSet;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{CloneNoBound, DebugNoBound, EqNoBound, PartialEqNoBound};
use scale_info::TypeInfo;
use sp_core::{bounded::BoundedVec, ConstU32, Get};
use understudy_primitives::{
	crypto::AuthorityId,
	quorum::{self, Count},
};

/// Maximum number of items in flight.
pub const MOST: u32 = 8;
/// Number of places that are reserved for the rosters that recoveries seat. A session that would
/// add another roster waits for finality.
pub const FOR_RECOVERIES: u32 = 2;

/// Items by the block in which they took effect, the oldest first: the final one, and all later
/// ones.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct InFlight<Item> {
	items: BoundedVec<(u32, Item), ConstU32<MOST>>,
	/// Block that finality must reach for the list to be complete again: an earlier item was
	/// dropped for lack of room.
	gap: Option<u32>,
}

impl<Item> Default for InFlight<Item> {
	fn default() -> Self {
		Self { items: BoundedVec::default(), gap: None }
	}
}

impl<Item> InFlight<Item> {
	/// Adds an item that takes effect in block `since`, with finality at `finalized`. If the list
	/// is full, the item replaces the newest one, and the list is incomplete until the item is
	/// final.
	pub fn push(&mut self, since: u32, item: Item, finalized: u32) {
		self.remove_final(finalized);
		if self.items.is_full() {
			self.items.pop();
			self.gap = Some(since);
		}
		// There is room now.
		let _ = self.items.try_push((since, item));
	}

	/// Drops the items that were superseded by the time finality reached this block.
	pub fn remove_final(&mut self, finalized: u32) {
		let is_final = |(since, _): &&(u32, Item)| *since <= finalized;
		let superseded = self.items.iter().take_while(is_final).count().saturating_sub(1);
		self.items.drain(..superseded);
		self.gap = self.gap.filter(|since| *since > finalized);
	}

	/// Returns the final item and all later ones; none if the list is empty or incomplete.
	pub fn all(&self) -> impl Iterator<Item = &Item> {
		let known = if self.gap.is_some() { &[][..] } else { &self.items[..] };
		known.iter().map(|(_, item)| item)
	}

	/// Returns the final item.
	pub fn first(&self) -> Option<&Item> {
		self.all().next()
	}

	/// Returns the newest item.
	pub fn last(&self) -> Option<&Item> {
		self.items.last().map(|(_, item)| item)
	}

	/// Returns `true` if this many places remain free after another item is added.
	pub fn has_room(&self, free: u32) -> bool {
		(self.items.len() as u32).saturating_add(free) < MOST
	}
}

/// Member of a roster, with the facts that decide whether its vote counts.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Voter<AccountId> {
	/// Account of the member.
	pub who: AccountId,
	/// Heartbeat key that was in force when the roster took effect.
	pub key: Option<AuthorityId>,
	/// `true` if the member is active or a ready standby. Other members are not counted, and cannot
	/// vote.
	pub counts: bool,
}

/// Roster: its members, the active set first.
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
	/// Active set, then the reserve.
	pub members: BoundedVec<Voter<AccountId>, Max>,
}

impl<AccountId: Clone + Ord + core::fmt::Debug, Max: Get<u32>> Roster<AccountId, Max> {
	/// Returns the number of members that count.
	pub fn size(&self) -> Count {
		Count::of(&self.members, self.active, |voter| voter.counts)
	}

	/// Returns the number of these accounts among the members that count.
	pub fn count(&self, some: &BTreeSet<AccountId>) -> Count {
		Count::of(&self.members, self.active, |voter| voter.counts && some.contains(&voter.who))
	}

	/// Returns the active members, in the order of their seats.
	pub fn sitting(&self) -> impl Iterator<Item = &Voter<AccountId>> {
		self.members.iter().take(self.active as usize)
	}

	/// Returns a member's seat in the active set, and the member.
	pub fn seat_of(&self, who: &AccountId) -> Option<(u32, &Voter<AccountId>)> {
		(0..).zip(self.sitting()).find(|(_, voter)| voter.who == *who)
	}
}

impl<AccountId: Clone + Ord + core::fmt::Debug, Max: Get<u32>> InFlight<Roster<AccountId, Max>> {
	/// Returns `true` if an account counts in any roster in flight.
	pub fn has(&self, who: &AccountId) -> bool {
		self.all().any(|roster| roster.members.iter().any(|voter| voter.counts && voter.who == *who))
	}

	/// Returns the key by which a member's statements count: the one that it has in every roster in
	/// flight. A member whose key changes in flight has none. It may run on two servers, and
	/// branches that diverged in between would each accept the statements of a different server.
	pub fn key_of(&self, who: &AccountId) -> Option<&AuthorityId> {
		let voters = || self.all().flat_map(|roster| roster.members.iter());
		let mut keys = voters().filter(|voter| voter.counts && voter.who == *who).map(|voter| &voter.key);
		let key = keys.next()?.as_ref();
		keys.all(|other| other.as_ref() == key).then_some(key).flatten()
	}

	/// Returns the members that have this key in every roster in flight.
	pub fn owners_of<'a>(&'a self, key: &'a AuthorityId) -> impl Iterator<Item = &'a AccountId> {
		let voters = self.all().flat_map(|roster| roster.members.iter());
		let owners: BTreeSet<&AccountId> =
			voters.filter(|voter| voter.key.as_ref() == Some(key)).map(|voter| &voter.who).collect();
		owners.into_iter().filter(move |who| self.key_of(who) == Some(key))
	}

	/// Returns `true` if these voters suffice for a recovery in each roster in flight, see
	/// [`quorum::is_quorum`].
	pub fn is_quorum(&self, voters: &BTreeSet<AccountId>) -> bool {
		self.first().is_some()
			&& self.all().all(|roster| quorum::is_quorum(roster.count(voters), roster.size()))
	}

	/// Returns `true` if the members without a vote are too few for a quorum in each roster in
	/// flight.
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
	use understudy_test_support::key;

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
		ids.remove_final(4);
		assert_eq!((ids.first(), ids.last()), (Some(&0), Some(&2)));
		// The block in which an item takes effect is finalized by the item before it.
		ids.remove_final(5);
		assert_eq!(ids.first(), Some(&1));
		ids.remove_final(100);
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
		// The item of block 7 is dropped for it. That leaves a gap, which must persist after there
		// is room again.
		rosters.push(50, roster(&[1], &[3]), 0);
		assert!(rosters.first().is_none() && !rosters.is_quorum(&set(&[1, 2, 3])) && !rosters.has(&1));
		assert_eq!(rosters.last(), Some(&roster(&[1], &[3])));
		rosters.remove_final(6);
		assert!(rosters.has_room(0) && rosters.first().is_none());
		rosters.push(60, roster(&[1], &[4]), 6);
		rosters.remove_final(49);
		assert!(rosters.first().is_none());
		rosters.remove_final(50);
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
		// Three voters of six leave three, which are not more than half; two of five leave three,
		// which are.
		assert!(rosters.rules_out_others(&set(&[2, 3, 4])));
		assert!(!rosters.rules_out_others(&set(&[1, 2, 3])));
	}

	#[test]
	fn standbys_that_are_not_ready_do_not_count() {
		let mut all = roster(&[1, 2, 3, 4], &[5, 6]);
		all.members.iter_mut().skip(4).for_each(|voter| voter.counts = false);
		let mut rosters = Rosters::default();
		rosters.push(0, all, 0);
		// Three of four count, not of six. A standby that is not ready cannot vote.
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
		// The member still counts. When the change is final, its new key counts, too.
		assert_eq!(rosters.last().map(|roster| roster.size().all()), Some(5));
		rosters.remove_final(7);
		assert_eq!(rosters.key_of(&1), Some(&key(9)));
	}
}
