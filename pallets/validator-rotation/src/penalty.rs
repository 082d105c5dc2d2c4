//! The penalty of an outage: a pure function, and the offence by which it is charged.
//!
//! The first outage costs the seat and nothing else. With r outages that are not forgiven, this one
//! included, and k members that fell at once, it costs
//!
//! ```text
//!   min(cap, step · (r − 1) · k)
//! ```
//!
//! of the member's backing, and nothing in a systemic outage, whatever r is: the member is not its
//! cause. Being offline is an operational matter whose normal price is the missed reward (Polkadot
//! removed its offline slashes for that reason); the penalty is for outages that keep recurring. An
//! impaired member is replaced and not charged.

use alloc::{vec, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::ensure;
use scale_info::TypeInfo;
use sp_runtime::Perbill;
use sp_staking::{
	offence::{Kind, Offence},
	SessionIndex,
};
use understudy_primitives::{IncidentId, Unfit};

/// Slope and bound of the penalties. The default charges nothing.
#[derive(
	Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Curve {
	/// Penalty of each repetition, for each member that fell at once.
	pub step: Perbill,
	/// Largest penalty of one outage.
	pub cap: Perbill,
}

impl Curve {
	/// Checks that a repetition costs no more than the cap, and that the cap is low (at most 10 %):
	/// being offline is an operational matter.
	pub fn check(&self) -> Result<(), Unfit> {
		ensure!(self.step <= self.cap && self.cap <= Perbill::from_percent(10), Unfit::Penalties);
		Ok(())
	}
}

/// Returns the share that an outage costs: the member's `outages`-th that is not forgiven, with
/// `at_once` members that fell together.
pub fn fraction(outages: u8, at_once: u32, systemic: bool, curve: &Curve) -> Perbill {
	if systemic {
		return Perbill::zero();
	}
	let steps = u64::from(outages.saturating_sub(1)).saturating_mul(u64::from(at_once));
	let parts = u64::from(curve.step.deconstruct()).saturating_mul(steps);
	Perbill::from_parts(parts.min(u64::from(curve.cap.deconstruct())) as u32)
}

/// Offence of a member that was down and lost its seat for it. One incident is one time slot, so
/// that it is charged once (I8).
pub struct Outage<Offender> {
	/// Last session in which the member was active.
	pub session: SessionIndex,
	/// Size of the active set in that session.
	pub validators: u32,
	/// Incident of the outage.
	pub incident: IncidentId,
	/// Charged member.
	pub offender: Offender,
	/// Share by [`fraction`].
	pub fraction: Perbill,
}

impl<Offender: Clone> Offence<Offender> for Outage<Offender> {
	const ID: Kind = *b"understudy:down_";
	type Slot = IncidentId;

	fn offenders(&self) -> Vec<Offender> {
		vec![self.offender.clone()]
	}

	fn session_index(&self) -> SessionIndex {
		self.session
	}

	fn validator_set_count(&self) -> u32 {
		self.validators
	}

	fn slot(&self) -> IncidentId {
		self.incident
	}

	fn slash_fraction(&self, _: u32) -> Perbill {
		self.fraction
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	const CURVE: Curve = Curve { step: Perbill::from_parts(1_000_000), cap: Perbill::from_percent(1) };

	fn permille(outages: u8, at_once: u32) -> u32 {
		fraction(outages, at_once, false, &CURVE).deconstruct() / 1_000_000
	}

	#[test]
	fn the_first_outage_is_free_and_repetition_is_not() {
		assert_eq!([0, 1, 2, 3, 4].map(|outages| permille(outages, 1)), [0, 0, 1, 2, 3]);
	}

	#[test]
	fn who_falls_with_others_pays_more() {
		assert_eq!([1, 2, 3].map(|at_once| permille(2, at_once)), [1, 2, 3]);
		assert_eq!(permille(1, 3), 0);
	}

	#[test]
	fn it_is_capped_and_free_in_a_systemic_outage() {
		assert_eq!(fraction(u8::MAX, u32::MAX, false, &CURVE), CURVE.cap);
		assert_eq!(fraction(9, 9, true, &CURVE), Perbill::zero());
	}

	#[test]
	fn it_never_falls_with_repetition_or_company() {
		for outages in 0..40u8 {
			for at_once in 1..20 {
				let here = fraction(outages, at_once, false, &CURVE);
				assert!(here <= fraction(outages + 1, at_once, false, &CURVE));
				assert!(here <= fraction(outages, at_once + 1, false, &CURVE));
				assert!(here <= CURVE.cap);
			}
		}
	}
}
