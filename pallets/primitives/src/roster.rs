//! The roster: the active set plus the reserve, with a stable index per member for one roster id.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::{bounded::BoundedVec, ConstU32};

/// Names one roster. Grows by one whenever a roster takes effect.
pub type RosterId = u32;

/// A member's place in one roster: the active set in its order, then the reserve in its order.
pub type MemberIndex = u32;

/// The faults that Byzantine agreement among so many members bears: ⌊(n−1)/3⌋.
pub fn tolerated_faults(members: u32) -> u32 {
	members.saturating_sub(1) / 3
}

/// Where a member of the roster sits.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Seat {
	/// Authors and finalizes now.
	Active,
	/// Elected, bonded and keyed; waits to be seated.
	Reserve,
}

/// Hears of each new roster when it takes effect.
pub trait RosterHandler<AccountId> {
	/// `active` and `reserve` are the members from now on, each in order; no account is in both. The order of
	/// `active` is the order of the authorities in consensus.
	fn on_roster(active: &[AccountId], reserve: &[AccountId]);
}

impl<AccountId> RosterHandler<AccountId> for () {
	fn on_roster(_: &[AccountId], _: &[AccountId]) {}
}

impl<AccountId, A: RosterHandler<AccountId>, B: RosterHandler<AccountId>> RosterHandler<AccountId>
	for (A, B)
{
	fn on_roster(active: &[AccountId], reserve: &[AccountId]) {
		A::on_roster(active, reserve);
		B::on_roster(active, reserve);
	}
}

/// How much stands behind a candidate; more is seated first. On a staking chain: its total stake.
pub trait Backing<AccountId> {
	/// The backings of these in the election that has just been held, in their order; 0 where one was not elected. Asked once in each
	/// election, of all winners: where they are read one by one, that is most of what an election costs rotation.
	fn backings(of: &[AccountId]) -> Vec<u128>;
}

impl<AccountId> Backing<AccountId> for () {
	fn backings(of: &[AccountId]) -> Vec<u128> {
		alloc::vec![0; of.len()]
	}
}

/// The heartbeat keys of accounts, as the chain's session keys have them.
pub trait HeartbeatKeys<AccountId, Key> {
	/// The heartbeat key of `who`. One read.
	fn key_of(who: &AccountId) -> Option<Key>;
	/// Whose heartbeat key this is. One read.
	fn owner_of(key: &Key) -> Option<AccountId>;
}

/// The accounts behind finality votes.
pub trait VoteKeys<AccountId> {
	/// `true` if the chain has finality votes that can be seen.
	const ARE_SEEN: bool = true;

	/// Whose key, of those that finality votes are signed with, this is; `key` is its raw public part. One read.
	fn voter(key: &[u8]) -> Option<AccountId>;
}

impl<AccountId> VoteKeys<AccountId> for () {
	const ARE_SEEN: bool = false;

	fn voter(_: &[u8]) -> Option<AccountId> {
		None
	}
}

/// A word of an operator's choice. Printable ASCII, at most 32 bytes.
pub type Tag = BoundedVec<u8, ConstU32<32>>;

/// What might fail together with a node.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Tags {
	/// Where it stands.
	pub region: Tag,
	/// Who runs it.
	pub operator: Tag,
}

/// Who has stated, recently enough, which node stands ready.
pub trait Registrations<AccountId> {
	/// What the account says of its node; `None` where it is not registered, or its node has not renewed that in time. Two
	/// reads at most.
	fn current(who: &AccountId) -> Option<Tags>;

	/// Whether the account is registered and its node has renewed that in time.
	fn is_current(who: &AccountId) -> bool {
		Self::current(who).is_some()
	}
}

/// Nobody registers, and everybody may be seated.
impl<AccountId> Registrations<AccountId> for () {
	fn current(_: &AccountId) -> Option<Tags> {
		Some(Tags::default())
	}
}

/// Hears of members that were proven to have equivocated in consensus.
pub trait EquivocationHandler<AccountId> {
	/// Expels the member. The evidence is that of the record.
	fn on_equivocation(who: &AccountId, evidence: crate::Evidence);
}

impl<AccountId> EquivocationHandler<AccountId> for () {
	fn on_equivocation(_: &AccountId, _: crate::Evidence) {}
}

/// Keeps members of the active set from authoring.
pub trait DisableSeat {
	/// Disables the member with this seat until the set changes.
	fn disable(seat: u32);
}

impl DisableSeat for () {
	fn disable(_: u32) {}
}

/// What consensus says of slots. A missed slot is free evidence where the protocol names its author in advance (Aura);
/// where it does not, [`Slots::author_of`] answers `None` and the slot detector stays silent.
pub trait Slots {
	/// The slot of the block that is being built or was built last.
	fn current() -> Option<u64>;
	/// How long a slot is, in milliseconds; 0 where there are none.
	fn duration() -> u64 {
		0
	}
	/// The index in the active set, which has `active` members, of the author that `slot` belongs to.
	fn author_of(slot: u64, active: u32) -> Option<MemberIndex>;
	/// The indices, in order of time, that `missed` slots in a row after `since` (exclusive) belong to; at most one per
	/// active member, the latest ones.
	fn authors_between(since: u64, until: u64, active: u32) -> Vec<MemberIndex> {
		let first = since.saturating_add(1).max(until.saturating_sub(active.into()));
		(first..until).filter_map(|slot| Self::author_of(slot, active)).collect()
	}
}

impl Slots for () {
	fn current() -> Option<u64> {
		None
	}
	fn author_of(_: u64, _: u32) -> Option<MemberIndex> {
		None
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	struct RoundRobin;
	impl Slots for RoundRobin {
		fn current() -> Option<u64> {
			None
		}
		fn author_of(slot: u64, active: u32) -> Option<MemberIndex> {
			slot.checked_rem(active.into()).map(|i| i as MemberIndex)
		}
	}

	#[test]
	fn slots_between_exclude_both_ends() {
		assert_eq!(RoundRobin::authors_between(4, 7, 4), alloc::vec![1, 2]);
		assert!(RoundRobin::authors_between(4, 5, 4).is_empty());
		assert!(RoundRobin::authors_between(5, 4, 4).is_empty());
	}

	#[test]
	fn a_long_gap_counts_one_round_at_most() {
		assert_eq!(RoundRobin::authors_between(0, 1_000_002, 4), alloc::vec![2, 3, 0, 1]);
		assert_eq!(RoundRobin::authors_between(0, u64::MAX, 4).len(), 4);
		assert!(RoundRobin::authors_between(0, 9, 0).is_empty());
	}
}
