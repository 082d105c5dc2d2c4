//! Changes of seats from their decision to their effect.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use understudy_primitives::IncidentId;

/// Reason for which a member loses its seat.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Cause {
	/// The member is down. It is jailed, and charged if it has an earlier outage that is not
	/// forgiven.
	Down,
	/// The member is impaired. It is jailed and not charged.
	Impaired,
	/// The member asked to retire.
	Retirement,
	/// The guardians evicted the member. It is jailed and not charged.
	Evicted,
	/// The guardians or a recovery seated another member in its place, or it has no session keys
	/// any more. It is not jailed, and stays in the reserve while it is elected and keyed.
	Displaced,
	/// The member equivocated in consensus. It is expelled. The pallet to which the proof was
	/// reported charges the penalty.
	Equivocated,
}

impl Cause {
	/// Returns `true` if the cause rests on evidence: the change is cancelled if the member
	/// recovers in time.
	pub fn is_failure(self) -> bool {
		matches!(self, Cause::Down | Cause::Impaired)
	}
}

/// A decided change that is not in effect yet.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Change<AccountId> {
	/// Incident of the change.
	pub incident: IncidentId,
	/// Member that loses the seat.
	pub from: AccountId,
	/// Member that gets the seat; `None` if the set shrinks.
	pub to: Option<AccountId>,
	/// Reason for the change.
	pub cause: Cause,
}

/// Progress of decided changes towards the active set.
#[derive(
	Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Stage {
	/// No change is decided.
	#[default]
	Idle,
	/// Changes are decided; the next session end queues them.
	Decided,
	/// Changes are queued; the next session end makes them active.
	Queued,
}
