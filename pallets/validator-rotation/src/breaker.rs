//! Bounds on evictions at which rotation stops acting by itself: pure functions, no storage.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::ensure;
use scale_info::TypeInfo;
use sp_runtime::{traits::Saturating, Perbill};
use understudy_primitives::{IncidentId, Unfit};

use crate::Cause;

/// Smallest number of evictions of which the share of unnecessary ones is taken: of few, a single
/// one would be a large share.
pub const LEAST: u32 = 8;

/// A seat that ordinary rotation took.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Eviction<AccountId, BlockNumber> {
	/// Incident of the eviction.
	pub incident: IncidentId,
	/// Member that lost the seat.
	pub who: AccountId,
	/// Block of the decision.
	pub at: BlockNumber,
	/// Block in which the seat was lost; `None` before.
	pub gone: Option<BlockNumber>,
	/// Size of the active set at the decision.
	pub seated: u32,
	/// Reason for the eviction.
	pub cause: Cause,
	/// `true` if the seat was taken on evidence and not by the guardians, and they have not resumed
	/// automation since.
	pub automatic: bool,
	/// `true` if the member showed soon after it that it was up.
	pub unnecessary: bool,
	/// First block in which it does not count towards the cap any more: the end of the cool-off as
	/// it was when the seat was taken. A later change of the cool-off does not move it.
	pub counts_until: BlockNumber,
}

/// Reason for which automation is suspended.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Suspension {
	/// The guardians suspended it.
	Guardians,
	/// It reached the bound on evictions in a period.
	TooMany,
	/// Too large a share of its evictions was unnecessary.
	TooManyUnnecessary,
}

/// Bounds on evictions that suspend automation, and the period in which evictions count.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct BreakerRules<BlockNumber> {
	/// Length of a period, in blocks.
	pub period: BlockNumber,
	/// Number of evictions by automation in a period that suspends it.
	pub evictions: u32,
	/// Largest share of them that may prove unnecessary. The share is taken of at least
	/// [`LEAST`] evictions.
	pub unnecessary: Perbill,
	/// Blocks after the loss of its seat within which a member that was evicted as down has to be
	/// found healthy for its eviction to be unnecessary. The proof is on chain: a block after the
	/// change has a sign of life of the member, and a member that was really down is not back that
	/// soon. At least the number of blocks until the silence in the new roster's first window is
	/// judged, otherwise no member could show it.
	pub reprieve: BlockNumber,
}

impl<BlockNumber: Copy + Ord + From<u32>> BreakerRules<BlockNumber> {
	/// Checks the rules. `settled` is the number of blocks until the silence in a new roster's
	/// first window is judged, `cool_off` the length of the cool-off, and `day` the number of
	/// blocks in a day.
	pub fn check(&self, settled: u32, cool_off: BlockNumber, day: u32) -> Result<(), Unfit> {
		let month = BlockNumber::from(day.saturating_mul(30));
		ensure!(self.period >= cool_off && self.period <= month, Unfit::BreakerPeriod);
		ensure!(self.evictions >= 1, Unfit::BreakerEvictions);
		let shares = Perbill::from_percent(1)..=Perbill::from_percent(50);
		ensure!(shares.contains(&self.unnecessary), Unfit::BreakerUnnecessary);
		let lasts = self.reprieve >= settled.into() && self.reprieve < self.period;
		ensure!(lasts, Unfit::BreakerReprieve);
		Ok(())
	}
}

/// Bounds on automation in a period.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
	/// Number of evictions at which it is suspended.
	pub evictions: u32,
	/// Largest share of them that may prove unnecessary.
	pub unnecessary: Perbill,
}

/// Returns the evictions within the `period` that ends now.
pub fn recent<AccountId, BlockNumber: Saturating + Copy + Ord>(
	evictions: impl IntoIterator<Item = Eviction<AccountId, BlockNumber>>,
	now: BlockNumber,
	period: BlockNumber,
) -> Vec<Eviction<AccountId, BlockNumber>> {
	evictions.into_iter().filter(|eviction| now.saturating_sub(eviction.at) < period).collect()
}

/// Returns the reason to suspend automation after these evictions of the last period; `None` if
/// there is none.
pub fn trips<AccountId, BlockNumber>(
	evictions: &[Eviction<AccountId, BlockNumber>],
	bounds: &Bounds,
) -> Option<Suspension> {
	let automatic = || evictions.iter().filter(|eviction| eviction.automatic);
	let all = automatic().count() as u32;
	let unnecessary = automatic().filter(|eviction| eviction.unnecessary).count() as u32;
	if Perbill::from_rational(unnecessary, all.max(LEAST)) > bounds.unnecessary {
		Some(Suspension::TooManyUnnecessary)
	} else if all >= bounds.evictions {
		Some(Suspension::TooMany)
	} else {
		None
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn evictions(all: u64, unnecessary: u64) -> Vec<Eviction<u64, u64>> {
		(0..all)
			.map(|nth| Eviction {
				incident: nth,
				who: nth,
				at: nth,
				gone: None,
				seated: 4,
				cause: Cause::Down,
				automatic: true,
				unnecessary: nth < unnecessary,
				counts_until: nth,
			})
			.collect()
	}

	const BOUNDS: Bounds = Bounds { evictions: 20, unnecessary: Perbill::from_percent(25) };

	#[test]
	fn a_share_above_its_bound_trips() {
		let trips = |all, unnecessary| super::trips(&evictions(all, unnecessary), &BOUNDS);
		assert_eq!(trips(2, 2), None, "two of eight are a quarter");
		assert_eq!(trips(3, 3), Some(Suspension::TooManyUnnecessary));
		assert_eq!(trips(16, 4), None);
		assert_eq!(trips(16, 5), Some(Suspension::TooManyUnnecessary));
	}

	#[test]
	fn too_many_in_a_period_trip() {
		assert_eq!(super::trips(&evictions(19, 0), &BOUNDS), None);
		assert_eq!(super::trips(&evictions(20, 0), &BOUNDS), Some(Suspension::TooMany));
		let mut others = evictions(40, 40);
		others.iter_mut().for_each(|eviction| eviction.automatic = false);
		assert_eq!(super::trips(&others, &BOUNDS), None, "only evictions by automation count");
	}

	#[test]
	fn only_the_period_counts() {
		let left: Vec<u64> =
			recent(evictions(10, 0), 10, 4).into_iter().map(|eviction| eviction.at).collect();
		assert_eq!(left, [7, 8, 9]);
	}
}
