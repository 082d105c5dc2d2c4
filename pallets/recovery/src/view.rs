//! Finality as the chain knows it, from the reports of the active members. Pure functions, no
//! storage.
//!
//! The author of each block reports in an inherent. A member whose report the chain lacks while the
//! view does not rise sends a signed report, so members that do not author are counted, too.
//! Reports count by seat, and only the latest one of each member.
//!
//! | conclusion | reports needed | reason |
//! |---|---|---|
//! | the view rises to a block | more than f seats report it, or a later one | one of them is honest, so the block is final |
//! | finality has stalled | more than f seats have reported since the last rise that no later block is final | one of them is honest |
//! | finality has stalled | none, for [`DEAF`] times as long as a stall takes and 2f blocks more | with more than f responsive members, the view would have risen, or they would have reported |
//!
//! f is ⌊(n−1)/3⌋ of the whole set, at any size. So f faulty members can neither raise the view nor
//! keep it from rising, and can neither feign a stall nor hide one, while f + 1 honest members are
//! responsive. A view that is too low rises with the next f + 1 reports. A view that is too high,
//! from more faulty members than f, does not hide the stall that follows: the honest members report
//! that no later block is final.

use alloc::{collections::BTreeMap, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{CloneNoBound, DebugNoBound, DefaultNoBound, EqNoBound, PartialEqNoBound};
use scale_info::TypeInfo;
use sp_core::{bounded::BoundedVec, Get};
use understudy_primitives::{tolerated_faults, Moment};

/// Report of a seat that has reported nothing since the last rise.
const SILENT: u16 = 0;
/// Report that no block later than the view is final. Larger values are one more than the number of
/// blocks by which a report is ahead of the view.
const STILL: u16 = 1;

/// Multiple of a stall's time and blocks, plus 2f blocks, after which finality counts as stalled
/// without enough reports of it. Members report by themselves after half of a stall, so no more
/// than f members are responsive.
pub const DEAF: u32 = 4;

/// Finality view: the block that more than f members report as final.
#[derive(
	Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct View {
	/// Number of that block. Never decreases.
	pub finalized: u32,
	/// Time of the last rise, or of the first report.
	pub since: Moment,
	/// Number of seats that have reported since then that no later block is final.
	pub still: u32,
}

impl View {
	/// Returns `true` if finality has stalled for this many milliseconds and this many blocks. Both
	/// are required: a chain that was down as a whole has lost time but no blocks, and a chain that
	/// catches up makes blocks in no time. Returns `false` if nothing has been reported yet.
	pub fn is_stalled(&self, seats: u32, now: Moment, time: u64, blocks: u32) -> bool {
		if self.since == Moment::default() {
			return false;
		}
		let faults = tolerated_faults(seats);
		// A new set needs f + 1 blocks for the reports of f + 1 members, and adjacent faulty
		// authors can keep these reports out of f more blocks.
		let deaf_blocks = blocks.saturating_mul(DEAF).saturating_add(faults.saturating_mul(2));
		let is_deaf = || self.is_overdue(now, time.saturating_mul(DEAF.into()), deaf_blocks);
		let is_reported = self.still > faults;
		is_reported && self.is_overdue(now, time, blocks) || is_deaf()
	}

	/// Returns `true` if the last rise is at least this many milliseconds and blocks ago.
	pub fn is_overdue(&self, now: Moment, time: u64, blocks: u32) -> bool {
		let passed = now.since(&self.since);
		passed.time >= time && passed.block >= blocks
	}

	/// Encodes a report of this finalized block relative to the view.
	fn relative(&self, finalized: u32) -> u16 {
		let ahead = finalized.saturating_sub(self.finalized);
		u16::try_from(ahead).unwrap_or(u16::MAX).saturating_add(STILL)
	}
}

/// Latest report of each seat of the active set, relative to the view: two bytes per seat.
#[derive(
	CloneNoBound,
	PartialEqNoBound,
	EqNoBound,
	DefaultNoBound,
	DebugNoBound,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
#[scale_info(skip_type_params(Max))]
pub struct Reports<Max: Get<u32>>(BoundedVec<u16, Max>);

impl<Max: Get<u32>> Reports<Max> {
	/// Records the report of a seat, out of this many, that its node has finalized this block. A
	/// report that is not later than the seat's latest one changes nothing. Returns `true` if
	/// anything changed.
	pub fn accept_report(
		&mut self,
		view: &mut View,
		seat: u32,
		seats: u32,
		finalized: u32,
		now: Moment,
	) -> bool {
		if view.since == Moment::default() {
			view.since = now;
		}
		if self.0.len() as u32 != seats {
			let mut all = core::mem::take(&mut self.0).into_inner();
			all.resize(seats as usize, SILENT);
			self.0 = BoundedVec::truncate_from(all);
		}
		let report = view.relative(finalized);
		let Some(latest) = self.0.get_mut(seat as usize).filter(|latest| **latest < report) else {
			return false;
		};
		*latest = report;
		if report > STILL {
			self.rise(view, tolerated_faults(seats), now);
		}
		view.still = self.0.iter().filter(|latest| **latest == STILL).count() as u32;
		true
	}

	/// Returns `true` if a report of this finalized block by this seat would change anything and is
	/// more than this many blocks ahead of the seat's latest one.
	pub fn lacks(&self, view: &View, seat: u32, finalized: u32, by: u32) -> bool {
		let latest = self.0.get(seat as usize).copied().unwrap_or(SILENT);
		u32::from(view.relative(finalized)) > u32::from(latest).saturating_add(by)
	}

	/// Raises the view to the latest block that more than `faults` seats report.
	fn rise(&mut self, view: &mut View, faults: u32, now: Moment) {
		let mut sorted: Vec<u16> = self.0.iter().copied().filter(|latest| *latest > STILL).collect();
		let Some(last) = sorted.len().checked_sub(1 + faults as usize) else { return };
		let ahead = sorted.select_nth_unstable(last).1.saturating_sub(STILL);
		(view.finalized, view.since) = (view.finalized.saturating_add(ahead.into()), now);
		for latest in self.0.iter_mut() {
			*latest = match latest.saturating_sub(ahead) {
				left if left > STILL => left,
				_ => SILENT,
			};
		}
	}

	/// Carries the reports of members that keep a seat over to a new active set. Seats that were
	/// removed no longer count. New seats have reported nothing.
	pub fn reseat<AccountId: Ord>(
		&mut self,
		view: &mut View,
		old: &[AccountId],
		new: &[AccountId],
		now: Moment,
	) {
		let known: BTreeMap<&AccountId, u16> = old.iter().zip(self.0.iter().copied()).collect();
		let latest = |who| known.get(who).copied().unwrap_or(SILENT);
		self.0 = BoundedVec::truncate_from(new.iter().map(latest).collect());
		// A smaller set tolerates fewer faults.
		self.rise(view, tolerated_faults(new.len() as u32), now);
		view.still = self.0.iter().filter(|latest| **latest == STILL).count() as u32;
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use sp_core::ConstU32;

	/// Active set of this many seats, and the view of its chain.
	struct Chain {
		view: View,
		reports: Reports<ConstU32<1_024>>,
		seats: u32,
		block: u32,
	}

	fn at(block: u32) -> Moment {
		Moment { block, time: u64::from(block) * 3_000 }
	}

	impl Chain {
		fn of(seats: u32) -> Self {
			Self { view: View::default(), reports: Reports::default(), seats, block: 0 }
		}

		/// Makes the next block, in which this seat reports.
		fn accept_report(&mut self, seat: u32, finalized: u32) {
			self.block += 1;
			self.reports.accept_report(&mut self.view, seat, self.seats, finalized, at(self.block));
		}

		/// Makes blocks until this one, in which all seats but these author by turns and finality
		/// is two blocks behind.
		fn healthy(&mut self, until: u32, but: &[u32]) {
			while self.block < until {
				let seat = self.block % self.seats;
				if but.contains(&seat) {
					self.block += 1;
				} else {
					self.accept_report(seat, self.block.saturating_sub(1));
				}
			}
		}

		fn is_stalled(&self) -> bool {
			self.view.is_stalled(self.seats, at(self.block), 30_000, 10)
		}
	}

	#[test]
	fn the_view_rises_with_the_reports_of_more_than_f_seats() {
		let mut chain = Chain::of(4);
		chain.accept_report(0, 9);
		assert_eq!(chain.view.finalized, 0, "one of four may be faulty");
		chain.accept_report(0, 12);
		assert_eq!(chain.view.finalized, 0, "only the latest report of each member counts");
		chain.accept_report(1, 5);
		assert_eq!((chain.view.finalized, chain.view.since), (5, at(3)));
		chain.accept_report(2, 9);
		assert_eq!(chain.view.finalized, 9);
		chain.accept_report(3, 3);
		assert_eq!(chain.view.finalized, 9, "the view never decreases");
		let mut alone = Chain::of(1);
		alone.accept_report(0, 7);
		assert_eq!(alone.view.finalized, 7);
	}

	#[test]
	fn four_liars_in_a_row_among_a_hundred_raise_nothing() {
		let mut chain = Chain::of(100);
		chain.healthy(200, &[]);
		let before = chain.view.finalized;
		assert!(before > 150);
		// All honest members report the same block, and 33 adjacent authors a later one, each of
		// them a hundred times.
		for seat in 0..100 {
			chain.accept_report(seat, 198);
		}
		for turn in 0..3_300 {
			chain.accept_report(turn % 33, 1_000_000);
		}
		assert_eq!(chain.view.finalized, 198);
		chain.accept_report(33, 1_000_000);
		assert_eq!(chain.view.finalized, 198 + u32::from(u16::MAX - 1), "one more is beyond the bound");
	}

	#[test]
	fn at_a_thousand_seats_it_rises_with_each_block_and_no_stall_is_seen() {
		let mut chain = Chain::of(1_000);
		while chain.block < 3_000 {
			let before = chain.view.finalized;
			chain.healthy(chain.block + 1, &[]);
			assert!(!chain.is_stalled(), "in block {}", chain.block);
			assert!(chain.block < 340 || chain.view.finalized > before);
		}
		// The view lags by as many blocks as more than f members take to report.
		assert_eq!(chain.view.finalized, 3_000 - 2 - 333);
	}

	#[test]
	fn members_that_do_not_author_are_no_stall() {
		// One member is unresponsive, one votes and does not author: two of four report.
		let mut chain = Chain::of(4);
		chain.healthy(20, &[]);
		chain.healthy(200, &[0, 1]);
		assert!(chain.view.finalized > 190 && !chain.is_stalled());
		// Three of seven no longer author, and two are unresponsive. The other two are not more
		// than f, until the three report by themselves.
		let mut chain = Chain::of(7);
		chain.healthy(20, &[]);
		chain.healthy(60, &[0, 1, 2, 3, 4]);
		assert!(chain.view.finalized < 25 && !chain.is_stalled());
		assert!(chain.reports.lacks(&chain.view, 3, 58, 0));
		chain.accept_report(3, 58);
		assert!(chain.view.finalized >= 58 - 7);
	}

	#[test]
	fn a_stall_takes_time_blocks_and_the_word_of_more_than_f() {
		// A chain without reports has not stalled.
		assert!(!View::default().is_stalled(1, at(99), 0, 0));
		let mut chain = Chain::of(4);
		chain.healthy(20, &[]);
		let stopped = chain.view.finalized;
		while !chain.is_stalled() {
			chain.accept_report(chain.block % 4, stopped + 1);
			assert!(chain.block < 40);
		}
		assert!(chain.block >= 20 + 10);
		let View { since, .. } = chain.view;
		// The whole chain was down: time has passed, but no blocks.
		let down = Moment { block: since.block + 1, time: 9_000_000 };
		assert!(!chain.view.is_stalled(4, down, 30_000, 10));
		// The chain catches up.
		let hasty = Moment { block: since.block + 99, time: since.time + 9_000 };
		assert!(!chain.view.is_stalled(4, hasty, 30_000, 10));
	}

	#[test]
	fn f_liars_neither_make_up_a_stall_nor_hide_one() {
		// 33 adjacent authors of a hundred report that nothing is final, and keep all other reports
		// out of their blocks.
		let mut chain = Chain::of(100);
		chain.healthy(300, &[]);
		for turn in 0..1_000 {
			let seat = turn % 100;
			chain.accept_report(seat, if seat < 33 { 0 } else { chain.block - 1 });
			assert!(!chain.is_stalled(), "in turn {turn}");
		}
		// Two of seven report too high a block while finality has stalled at #298.
		let mut chain = Chain::of(7);
		chain.healthy(300, &[]);
		let stopped = 298;
		for turn in 0..60 {
			let seat = turn % 7;
			chain.accept_report(seat, if seat < 2 { u32::MAX } else { stopped });
		}
		assert_eq!(chain.view.finalized, stopped);
		assert!(chain.is_stalled());
	}

	#[test]
	fn a_stall_with_no_more_than_f_alive_is_noticed_later() {
		let mut chain = Chain::of(4);
		chain.healthy(20, &[]);
		let since = chain.view.since.block;
		while !chain.is_stalled() {
			chain.accept_report(0, 0);
			assert!(chain.block <= since + 10 * DEAF + 2);
		}
		assert_eq!((chain.block, chain.view.still), (since + 10 * DEAF + 2, 1));
	}

	#[test]
	fn a_new_set_of_a_thousand_has_time_to_report() {
		let mut chain = Chain::of(1_000);
		chain.healthy(3_000, &[]);
		let (old, new): (Vec<u32>, Vec<u32>) = ((0..1_000).collect(), (1_000..2_000).collect());
		chain.reports.reseat(&mut chain.view, &old, &new, at(3_000));
		// The first authors are faulty, and keep all other reports out of their blocks.
		for seat in 0..333 {
			chain.accept_report(seat, 0);
			assert!(!chain.is_stalled(), "at the faulty seat {seat}");
		}
		let before = chain.view.finalized;
		while chain.view.finalized == before {
			let (seat, final_block) = (chain.block % 1_000, chain.block - 2);
			chain.accept_report(seat, final_block);
			assert!(!chain.is_stalled(), "in block {}", chain.block);
		}
		assert!(chain.view.finalized > 3_300);
	}

	#[test]
	fn a_smaller_set_rises_with_the_reports_that_there_are() {
		let mut chain = Chain::of(7);
		chain.accept_report(0, 0);
		chain.accept_report(1, 5);
		chain.accept_report(2, 6);
		assert_eq!(chain.view.finalized, 0, "two of seven may be faulty");
		let seven: Vec<u32> = (0..7).collect();
		chain.reports.reseat(&mut chain.view, &seven, &[0, 1, 2, 3], at(9));
		assert_eq!((chain.view.finalized, chain.view.since), (5, at(9)), "one of four may be faulty");
	}

	#[test]
	fn a_report_is_lacked_by_its_distance() {
		let mut chain = Chain::of(4);
		chain.accept_report(0, 9);
		for (finalized, by, lacked) in [(9, 0, false), (10, 0, true), (13, 4, false), (14, 4, true)] {
			assert_eq!(chain.reports.lacks(&chain.view, 0, finalized, by), lacked);
		}
		// The distance of a seat's first report counts from no report at all.
		assert!(chain.reports.lacks(&chain.view, 1, 4, 4) && !chain.reports.lacks(&chain.view, 1, 3, 4));
	}

	#[test]
	fn a_forged_view_does_not_hide_the_stall_that_follows() {
		let mut chain = Chain::of(4);
		chain.healthy(20, &[]);
		chain.accept_report(0, 1_000);
		chain.accept_report(1, 1_000);
		assert_eq!(chain.view.finalized, 1_000, "two of four are more than may be faulty");
		for turn in 0..12 {
			chain.accept_report(turn % 4, 19);
		}
		assert!(chain.is_stalled());
	}

	#[test]
	fn seats_that_are_gone_count_for_nothing() {
		let mut chain = Chain::of(7);
		chain.healthy(20, &[]);
		let seven: Vec<u32> = (0..7).collect();
		for (old, new) in [(&seven[..], &[0, 2, 4, 6][..]), (&[0, 2, 4, 6], &[6, 0, 4])] {
			chain.reports.reseat(&mut chain.view, old, new, at(chain.block));
			chain.seats = new.len() as u32;
			// One of the seats becomes unresponsive.
			let until = chain.block + 60;
			chain.healthy(until, &[1]);
			assert!(chain.view.finalized > until - 8, "the view lags: {:?}", chain.view);
			assert!(!chain.is_stalled());
		}
		// Members that keep a seat keep their reports.
		let mut chain = Chain::of(4);
		chain.accept_report(3, 9);
		chain.reports.reseat(&mut chain.view, &[10, 11, 12, 13], &[13, 20, 21, 22], at(2));
		chain.accept_report(1, 8);
		assert_eq!(chain.view.finalized, 8);
	}
}
