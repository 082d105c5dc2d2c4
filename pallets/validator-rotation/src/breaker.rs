//! When rotation stops acting by itself: pure functions, no storage.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_runtime::{traits::Saturating, Perbill};
use understudy_primitives::IncidentId;

use crate::Cause;

/// The share of unneeded evictions is reckoned from so many at least: of few, one is no share.
pub const LEAST: u32 = 8;

/// A seat that ordinary rotation took.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Eviction<AccountId, BlockNumber> {
	/// The incident.
	pub incident: IncidentId,
	/// Whose seat.
	pub who: AccountId,
	/// The block of the decision.
	pub at: BlockNumber,
	/// The block in which it lost the seat; none before.
	pub gone: Option<BlockNumber>,
	/// How many sat then.
	pub seated: u32,
	/// Why.
	pub cause: Cause,
	/// Whether it was taken on evidence and by no guardian, who have not let automation go on since either.
	pub automatic: bool,
	/// Whether the member showed right after it that it was up.
	pub unneeded: bool,
	/// The first block in which it does not count towards the cap any more: the end of the cool-off
	/// as it was when the seat was taken. A longer or shorter one from then on does not change it.
	pub counts_until: BlockNumber,
}

/// Why rotation does not act by itself.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Suspension {
	/// The guardians want it so.
	Guardians,
	/// It took as many seats in the period as it may.
	TooMany,
	/// Too large a share of those who lost their seats was up.
	TooManyUnneeded,
}

/// How much automation may do in a period.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
	/// So many evictions are the most.
	pub evictions: u32,
	/// The share of them that may prove unneeded.
	pub unneeded: Perbill,
}

/// The evictions within the `period` that ends now.
pub fn recent<AccountId, BlockNumber: Saturating + Copy + Ord>(
	evictions: impl IntoIterator<Item = Eviction<AccountId, BlockNumber>>,
	now: BlockNumber,
	period: BlockNumber,
) -> Vec<Eviction<AccountId, BlockNumber>> {
	evictions.into_iter().filter(|eviction| now.saturating_sub(eviction.at) < period).collect()
}

/// Whether automation has to stop, after these evictions of the last period.
pub fn trips<AccountId, BlockNumber>(
	evictions: &[Eviction<AccountId, BlockNumber>],
	bounds: &Bounds,
) -> Option<Suspension> {
	let automatic = || evictions.iter().filter(|eviction| eviction.automatic);
	let all = automatic().count() as u32;
	let unneeded = automatic().filter(|eviction| eviction.unneeded).count() as u32;
	if Perbill::from_rational(unneeded, all.max(LEAST)) > bounds.unneeded {
		Some(Suspension::TooManyUnneeded)
	} else if all >= bounds.evictions {
		Some(Suspension::TooMany)
	} else {
		None
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn evictions(all: u64, unneeded: u64) -> Vec<Eviction<u64, u64>> {
		(0..all)
			.map(|nth| Eviction {
				incident: nth,
				who: nth,
				at: nth,
				gone: None,
				seated: 4,
				cause: Cause::Down,
				automatic: true,
				unneeded: nth < unneeded,
				counts_until: nth,
			})
			.collect()
	}

	const BOUNDS: Bounds = Bounds { evictions: 20, unneeded: Perbill::from_percent(25) };

	#[test]
	fn a_share_above_its_bound_trips() {
		let trips = |all, unneeded| super::trips(&evictions(all, unneeded), &BOUNDS);
		assert_eq!(trips(2, 2), None, "two of eight are a quarter");
		assert_eq!(trips(3, 3), Some(Suspension::TooManyUnneeded));
		assert_eq!(trips(16, 4), None);
		assert_eq!(trips(16, 5), Some(Suspension::TooManyUnneeded));
	}

	#[test]
	fn too_many_in_a_period_trip() {
		assert_eq!(super::trips(&evictions(19, 0), &BOUNDS), None);
		assert_eq!(super::trips(&evictions(20, 0), &BOUNDS), Some(Suspension::TooMany));
		let mut others = evictions(40, 40);
		others.iter_mut().for_each(|eviction| eviction.automatic = false);
		assert_eq!(super::trips(&others, &BOUNDS), None, "what people did is not automation's");
	}

	#[test]
	fn only_the_period_counts() {
		let left: Vec<u64> =
			recent(evictions(10, 0), 10, 4).into_iter().map(|eviction| eviction.at).collect();
		assert_eq!(left, [7, 8, 9]);
	}
}
