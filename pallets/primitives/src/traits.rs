//! Traits through which the pallets meet, in the order of the table in the crate's documentation.

use alloc::vec::Vec;
use sp_weights::Weight;

use crate::{
	Evidence, IncidentId, Judged, Judgement, MemberIndex, Moment, NewRecord, RecordSeq, RemoteHead, RemoteId,
	Tags, WindowIndex,
};

/// Slots of consensus, and the authors that they belong to.
///
/// A missed slot is evidence that costs nothing where the protocol names its author in advance, as
/// Aura does. Where it does not, [`Slots::author_of`] returns `None` and the slot detector never
/// fires.
pub trait Slots {
	/// Returns the slot of the block that is being built, or was built last.
	fn current() -> Option<u64>;

	/// Returns the length of a slot in milliseconds; 0 where there are no slots.
	fn duration() -> u64 {
		0
	}

	/// Returns the index, in an active set of `active` members, of the author of `slot`.
	fn author_of(slot: u64, active: u32) -> Option<MemberIndex>;

	/// Returns the authors of the slots between `since` and `until`, both excluded, in the order of
	/// the slots. Of a long gap these are the last `active` slots: one round.
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

/// Heartbeat keys of accounts, as the session pallet has them.
pub trait HeartbeatKeys<AccountId, Key> {
	/// Returns the heartbeat key of `who`. One read.
	fn key_of(who: &AccountId) -> Option<Key>;

	/// Returns the account that has this heartbeat key. One read.
	fn owner_of(key: &Key) -> Option<AccountId>;
}

/// Accounts that cast finality votes.
pub trait VoteKeys<AccountId> {
	/// `true` if nodes can observe the finality votes of this chain.
	const ARE_SEEN: bool = true;

	/// Returns the account that signs finality votes with this raw public key. One read.
	fn voter(key: &[u8]) -> Option<AccountId>;
}

impl<AccountId> VoteKeys<AccountId> for () {
	const ARE_SEEN: bool = false;

	fn voter(_: &[u8]) -> Option<AccountId> {
		None
	}
}

/// Last final block, as the local node knows it.
pub trait FinalHead {
	/// Returns the header of that block, in SCALE. `None` if the node does not know it. Called in
	/// offchain workers only.
	fn header() -> Option<Vec<u8>>;
}

/// Final blocks of remote chains, from a light client or another source.
pub trait HeadSource {
	/// Returns the newest final block of a remote chain. `None` if nothing of that chain can be
	/// believed at present.
	fn best(remote: RemoteId) -> Option<RemoteHead>;

	/// Returns a final block of a remote chain by its number, if it is still known.
	fn head(remote: RemoteId, number: u32) -> Option<RemoteHead>;
}

/// Registrations of the nodes of accounts.
pub trait Registrations<AccountId> {
	/// Returns the tags that the account registered. `None` if it is not registered, or its node
	/// has not renewed the registration in time. At most two reads.
	fn current(who: &AccountId) -> Option<Tags>;

	/// Returns `true` if the account is registered and its node has renewed the registration in
	/// time.
	fn is_current(who: &AccountId) -> bool {
		Self::current(who).is_some()
	}
}

/// A chain without registrations: every account can be seated.
impl<AccountId> Registrations<AccountId> for () {
	fn current(_: &AccountId) -> Option<Tags> {
		Some(Tags::default())
	}
}

/// Receives each new roster when it takes effect.
pub trait RosterHandler<AccountId> {
	/// Takes over the members: `active` in the order of the authorities in consensus, `reserve` in
	/// its own order. No account is in both.
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

/// Verdicts on the roster as of now.
pub trait Verdicts {
	/// Judges every member; `window` of the result is the running one. Reads the counters of the
	/// whole roster.
	fn judgement() -> Judgement;

	/// Returns the running window. One read.
	fn window() -> WindowIndex;

	/// Returns the time since a member's last sign of life, in blocks and milliseconds, as far as
	/// the counters show it.
	fn silent_for(judged: &Judged) -> Moment;

	/// Returns the evidence on a member that its verdict rests on, one piece per detector.
	fn evidence(judged: &Judged) -> Vec<Evidence>;

	/// Requests a judgement in the next block instead of at the end of the window.
	fn request_judgement() {}
}

/// Acts on judgements.
pub trait JudgementHandler {
	/// Acts on a judgement, and returns the weight that this took.
	///
	/// Called in `on_initialize`, before the hook of the session pallet: at the end of each window,
	/// and earlier when a missed slot or a report makes a member [`Down`](crate::Health::Down).
	fn on_judgement(judgement: &Judgement) -> Weight;
}

impl JudgementHandler for () {
	fn on_judgement(_: &Judgement) -> Weight {
		Weight::zero()
	}
}

/// Backing of candidates, which orders them: on a staking chain, their total stake.
pub trait Backing<AccountId> {
	/// Returns the backings of these accounts in the latest election, in their order; 0 for one
	/// that was not elected.
	///
	/// Called once in each election, with all winners. An implementation that reads them one by one
	/// is most of the cost of an election to the rotation pallet.
	fn backings(of: &[AccountId]) -> Vec<u128>;
}

impl<AccountId> Backing<AccountId> for () {
	fn backings(of: &[AccountId]) -> Vec<u128> {
		alloc::vec![0; of.len()]
	}
}

/// Members that decide on a recovery.
pub trait Electorate<AccountId, Key> {
	/// Returns the members of the current roster in the order of their indices, each with the
	/// heartbeat key in force.
	fn members() -> Vec<(AccountId, Option<Key>)>;

	/// Returns for each of them, by index, whether it counts: active members do, and standbys that
	/// have shown lately that they are ready.
	fn ready() -> Vec<bool>;
}

/// Receives changes of the [`Electorate`] that come without a new roster.
pub trait ElectorateHandler {
	/// A heartbeat key came into force.
	fn on_keys() {}

	/// A standby became ready, or is ready no more.
	fn on_readiness() {}
}

impl ElectorateHandler for () {}

/// Replaces unresponsive members by responsive ones.
pub trait Seats<AccountId> {
	/// Returns `true` if a change is queued that becomes active when the session ends.
	fn is_changing() -> bool;

	/// Returns the set in which the `responsive` members replace all others, as far as they can be
	/// seated.
	fn reseated(responsive: &[AccountId]) -> Vec<AccountId>;

	/// Seats exactly this set, whatever has changed since it was proposed. Records the changes
	/// under the incident, and ends the session as soon as possible.
	fn reseat(set: &[AccountId], incident: IncidentId);
}

/// Freezes the set while finality has stalled.
pub trait RecoveryControl {
	/// Returns `true` if nothing may change the set but a recovery.
	fn is_frozen() -> bool;

	/// Returns `true` if a recovery is to change the set, and has not done so yet.
	fn is_reseating() -> bool {
		false
	}

	/// Returns `true` if another roster may take effect.
	///
	/// Votes must suffice for every roster that finality has not passed; with too many of them, no
	/// votes would.
	fn has_room() -> bool {
		true
	}

	/// A set becomes active in this block. Called before consensus learns of it.
	fn on_activation() {}
}

/// A chain without recovery: nothing is ever frozen.
impl RecoveryControl for () {
	fn is_frozen() -> bool {
		false
	}
}

/// Forces changes of the finality gadget's authorities.
pub trait ForceFinality<BlockNumber> {
	/// Returns `true` if a change of authorities can be forced now.
	fn may_force() -> bool;

	/// Returns the id of the authority set, as the runtime counts.
	fn set_id() -> u64;

	/// Forces the change that this block signals. It is enacted `delay` blocks later, and finality
	/// goes on from block `base`.
	///
	/// Changes that are not final by then are dropped: `set_id` is the set that the forced change
	/// follows.
	fn force(delay: BlockNumber, base: BlockNumber, set_id: u64);
}

/// The append-only log, as its writers see it.
pub trait FailoverLog<AccountId> {
	/// Returns the block and the time that a record would have now.
	fn now() -> Moment;

	/// Returns the number of records.
	fn count() -> RecordSeq;

	/// Returns the id of a new incident; never 0.
	fn open_incident() -> IncidentId;

	/// Appends a record and returns its sequence number.
	///
	/// Cannot fail: the length of the log has no bound, only the part of it in state does.
	fn append(record: NewRecord<AccountId>) -> RecordSeq;
}

impl<AccountId> FailoverLog<AccountId> for () {
	fn now() -> Moment {
		Moment::default()
	}

	fn count() -> RecordSeq {
		0
	}

	fn open_incident() -> IncidentId {
		1
	}

	fn append(_: NewRecord<AccountId>) -> RecordSeq {
		0
	}
}

/// Receives members that were proven to have equivocated in consensus.
pub trait EquivocationHandler<AccountId> {
	/// Expels the member, and records the evidence.
	fn on_equivocation(who: &AccountId, evidence: Evidence);
}

impl<AccountId> EquivocationHandler<AccountId> for () {
	fn on_equivocation(_: &AccountId, _: Evidence) {}
}

/// Keeps members of the active set from authoring.
pub trait DisableSeat {
	/// Disables the member in this seat until the set changes.
	fn disable(seat: u32);
}

impl DisableSeat for () {
	fn disable(_: u32) {}
}

/// Receives members whose reconciliation contradicts the chain.
pub trait DivergenceHandler<AccountId> {
	/// Takes back the seat that `who` got in this incident.
	fn on_divergence(incident: IncidentId, who: &AccountId);
}

impl<AccountId> DivergenceHandler<AccountId> for () {
	fn on_divergence(_: IncidentId, _: &AccountId) {}
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
