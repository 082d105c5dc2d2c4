//! Return of a member that lost its seat: pure functions, no storage.
//!
//! ```text
//!            evicted                 time is over               healthy for long enough
//!   Active ──────────▶ Jailed ─────────────────▶ Probation ───────────────────────────▶ Reserve ──▶ Active
//!     │                                              ▲   │ unhealthy: from the beginning
//!     │ retire                          rejoin       │   └──┐
//!     ├──────────────▶ Retired ──────────────────────┴──────┘
//!     │ equivocates                  pardoned        │
//!     └──────────────▶ Expelled ─────────────────────┘
//! ```
//!
//! Only a member of the reserve is seated. Jail and probation grow with each outage that is not
//! forgiven yet; neither takes a transaction to end.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::ensure;
use scale_info::TypeInfo;
use sp_runtime::traits::{CheckedDiv, Saturating, UniqueSaturatedInto};
use understudy_primitives::{IncidentId, Unfit, WindowIndex};

/// Largest number of times that repetition doubles the jail.
pub const MAX_DOUBLINGS: u32 = 8;

/// Lengths of jail, probation and forgiveness.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Durations<BlockNumber> {
	/// Blocks in jail after the first outage; each repetition doubles it, at most [`MAX_DOUBLINGS`]
	/// times.
	pub jail: BlockNumber,
	/// Healthy windows in a row that end a probation: this many for each outage that is not
	/// forgiven, and for at least one.
	pub probation: u8,
	/// Blocks without another outage after which one is forgiven.
	pub forgiveness: BlockNumber,
}

impl<BlockNumber: Copy + Ord + From<u32>> Durations<BlockNumber> {
	/// Checks the durations. `day` is the number of blocks in a day.
	pub fn check(&self, day: u32) -> Result<(), Unfit> {
		let days = |count: u32| BlockNumber::from(day.saturating_mul(count));
		ensure!(self.jail >= 1.into() && self.jail <= days(30), Unfit::Jail);
		ensure!((1..=100).contains(&self.probation), Unfit::Probation);
		let remembered = self.forgiveness >= self.jail && self.forgiveness <= days(366);
		ensure!(remembered, Unfit::Forgiveness);
		Ok(())
	}
}

/// Reason for which an elected member is not seated.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Absence<BlockNumber> {
	/// It was evicted; no window counts before this block.
	Jailed {
		/// First block in which the jail is over.
		until: BlockNumber,
	},
	/// It has to be healthy for some windows first.
	Probation {
		/// Number of healthy windows in a row that are left.
		left: u8,
		/// Last window that was counted.
		counted: WindowIndex,
	},
	/// It retired, and has not rejoined.
	Retired,
	/// It equivocated in consensus. Neither time nor conduct ends this; the guardians can pardon
	/// it.
	Expelled,
}

/// Outage history of a member.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Conduct<BlockNumber> {
	/// Number of outages that were not forgiven at the last eviction, that one included if it
	/// counts; saturating.
	pub outages: u8,
	/// Block in which it was jailed last, or in which this history began.
	pub last: BlockNumber,
	/// Incident in which it lost its seat last; 0 if there is none.
	pub incident: IncidentId,
	/// Reason for which it is not seated; `None` if it may be.
	pub absence: Option<Absence<BlockNumber>>,
}

/// Change of the absence by time or by healthy windows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
	/// Jail is over, and probation begins.
	Probation,
	/// Probation is over: the member may be seated again.
	Readmitted,
}

impl<BlockNumber: Saturating + CheckedDiv + Copy + Ord + UniqueSaturatedInto<u8>> Conduct<BlockNumber> {
	/// Returns the empty history, as of block `now`.
	pub fn clean(now: BlockNumber) -> Self {
		Self { outages: 0, last: now, incident: 0, absence: None }
	}

	/// Returns the number of outages that are not forgiven by now: one less for each full
	/// `forgiveness` since the last one.
	pub fn outages_at(&self, now: BlockNumber, forgiveness: BlockNumber) -> u8 {
		let forgiven = now.saturating_sub(self.last).checked_div(&forgiveness);
		// A forgiveness of zero blocks forgives all at once.
		self.outages.saturating_sub(forgiven.map_or(u8::MAX, |times| times.unique_saturated_into()))
	}

	/// Jails the member, which loses its seat in block `now`; `counts` is `true` if this is an
	/// outage that counts. Returns the number of outages that are not forgiven.
	pub fn fall(&mut self, now: BlockNumber, counts: bool, durations: &Durations<BlockNumber>) -> u8 {
		self.outages = self.outages_at(now, durations.forgiveness).saturating_add(counts.into());
		self.last = now;
		let doublings = u32::from(self.outages.saturating_sub(1)).min(MAX_DOUBLINGS);
		let jail = (0..doublings).fold(durations.jail, |jail, _| jail.saturating_add(jail));
		self.absence = Some(Absence::Jailed { until: now.saturating_add(jail) });
		self.outages
	}

	/// Removes the last outage from the history, because the member was up. Jail ends, and
	/// probation begins at once.
	pub fn clear(&mut self, window: WindowIndex, durations: &Durations<BlockNumber>) {
		self.outages = self.outages.saturating_sub(1);
		if matches!(self.absence, Some(Absence::Jailed { .. })) {
			self.begin_probation(window, durations);
		}
	}

	/// Begins a probation, which counts from the window after this one.
	pub fn begin_probation(&mut self, window: WindowIndex, durations: &Durations<BlockNumber>) {
		self.absence = Some(Absence::Probation { left: self.probation(durations), counted: window });
	}

	fn probation(&self, durations: &Durations<BlockNumber>) -> u8 {
		durations.probation.saturating_mul(self.outages.max(1))
	}

	/// Advances the absence in block `now`, with `window` running and the member `healthy` or not
	/// by the current judgement.
	pub fn step(
		&mut self,
		now: BlockNumber,
		window: WindowIndex,
		healthy: bool,
		durations: &Durations<BlockNumber>,
	) -> Option<Step> {
		match self.absence {
			Some(Absence::Jailed { until }) if now >= until => {
				self.begin_probation(window, durations);
				Some(Step::Probation)
			},
			Some(Absence::Probation { .. }) if !healthy => {
				self.begin_probation(window, durations);
				None
			},
			Some(Absence::Probation { left, counted }) => {
				let passed = window.saturating_sub(counted);
				let left = u32::from(left).saturating_sub(passed) as u8;
				self.absence = Some(Absence::Probation { left, counted: window });
				if left > 0 {
					return None;
				}
				self.absence = None;
				Some(Step::Readmitted)
			},
			_ => None,
		}
	}

	/// Returns `true` if the history is empty and can be dropped.
	pub fn is_forgotten(&self, now: BlockNumber, forgiveness: BlockNumber) -> bool {
		self.absence.is_none() && self.outages_at(now, forgiveness) == 0
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use rand::{Rng, SeedableRng};
	use rand_chacha::ChaCha8Rng;

	const TIMES: Durations<u64> = Durations { jail: 10, probation: 2, forgiveness: 100 };

	#[test]
	fn an_outage_leads_through_jail_and_probation_back_to_the_reserve() {
		let mut conduct = Conduct::clean(0);
		assert_eq!(conduct.fall(5, true, &TIMES), 1);
		assert_eq!(conduct.absence, Some(Absence::Jailed { until: 15 }));
		assert_eq!(conduct.step(14, 3, true, &TIMES), None);
		assert_eq!(conduct.step(15, 3, true, &TIMES), Some(Step::Probation));
		assert_eq!(conduct.step(16, 3, true, &TIMES), None);
		assert_eq!(conduct.step(20, 4, true, &TIMES), None);
		assert_eq!(conduct.absence, Some(Absence::Probation { left: 1, counted: 4 }));
		assert_eq!(conduct.step(24, 5, true, &TIMES), Some(Step::Readmitted));
		assert_eq!(conduct.absence, None);
	}

	#[test]
	fn probation_begins_anew_with_each_setback() {
		let mut conduct = Conduct::clean(0);
		conduct.fall(0, true, &TIMES);
		conduct.step(10, 1, true, &TIMES);
		conduct.step(14, 2, true, &TIMES);
		assert_eq!(conduct.step(18, 3, false, &TIMES), None);
		assert_eq!(conduct.absence, Some(Absence::Probation { left: 2, counted: 3 }));
	}

	#[test]
	fn repetition_doubles_jail_and_lengthens_probation() {
		let mut conduct = Conduct::clean(0);
		let jails: Vec<_> = (1..=12u8)
			.map(|nth| {
				assert_eq!(conduct.fall(0, true, &TIMES), nth);
				conduct.absence
			})
			.collect();
		let until = |jail| Some(Absence::Jailed { until: jail });
		assert_eq!(jails[..4], [until(10), until(20), until(40), until(80)]);
		assert_eq!(jails[8..], [until(2560); 4]);
		conduct.outages = 3;
		conduct.begin_probation(0, &TIMES);
		assert_eq!(conduct.absence, Some(Absence::Probation { left: 6, counted: 0 }));
	}

	#[test]
	fn history_is_forgiven_one_outage_at_a_time() {
		let mut conduct = Conduct::clean(0);
		conduct.fall(0, true, &TIMES);
		conduct.fall(0, true, &TIMES);
		let outages: Vec<_> = [0, 99, 100, 199, 200, 900].map(|now| conduct.outages_at(now, 100)).into();
		assert_eq!(outages, [2, 2, 1, 1, 0, 0]);
		assert_eq!(conduct.outages_at(0, 0), 0);
		assert_eq!(conduct.fall(150, true, &TIMES), 2);
		assert!(!conduct.is_forgotten(999, 100));
		conduct.absence = None;
		assert!(conduct.is_forgotten(999, 100) && !conduct.is_forgotten(200, 100));
	}

	#[test]
	fn an_outage_that_does_not_count_is_no_repetition() {
		let mut conduct = Conduct::clean(0);
		assert_eq!(conduct.fall(0, false, &TIMES), 0);
		assert_eq!(conduct.absence, Some(Absence::Jailed { until: 10 }));
		assert_eq!(conduct.fall(0, true, &TIMES), 1);
		conduct.clear(7, &TIMES);
		assert_eq!(
			conduct,
			Conduct {
				outages: 0,
				last: 0,
				incident: 0,
				absence: Some(Absence::Probation { left: 2, counted: 7 })
			}
		);
	}

	/// In random sequences of events, jail is never left early, and no member returns from jail
	/// without its healthy windows in a row.
	#[test]
	fn nobody_gets_back_without_its_healthy_windows() {
		for seed in 0..5_000 {
			let mut rng = ChaCha8Rng::seed_from_u64(seed);
			let durations = Durations {
				jail: rng.gen_range(0..50),
				probation: rng.gen_range(0..5),
				forgiveness: rng.gen_range(0..200),
			};
			let mut conduct = Conduct::clean(0u64);
			let (mut now, mut window, mut healthy_windows) = (0, 0, 0);
			for _ in 0..200 {
				now += rng.gen_range(0..4);
				let next = rng.gen_bool(0.4);
				window += u32::from(next);
				let before = conduct.absence;
				if rng.gen_bool(0.03) {
					let before = conduct.outages_at(now, durations.forgiveness);
					assert_eq!(conduct.fall(now, true, &durations), before.saturating_add(1));
					continue;
				}
				let healthy = rng.gen_bool(0.9);
				let needed = u32::from(conduct.probation(&durations));
				match conduct.step(now, window, healthy, &durations) {
					Some(Step::Probation) => {
						assert!(matches!(before, Some(Absence::Jailed { until }) if now >= until));
						healthy_windows = 0;
						continue;
					},
					Some(Step::Readmitted) => {
						assert!(matches!(before, Some(Absence::Probation { .. })) && healthy);
						assert!(healthy_windows + u32::from(next) >= needed, "seed {seed}");
					},
					None => assert!(conduct.absence.is_some() == before.is_some()),
				}
				healthy_windows = if healthy { healthy_windows + u32::from(next) } else { 0 };
			}
		}
	}
}
