//! Finality as the chain knows it: what the active members report that their nodes have finalized.
//! Pure functions, no storage.
//!
//! The author of each block reports in an inherent. A member whose report the chain lacks while the
//! view does not rise sends a signed one, so members that do not author are heard, too. Reports
//! count by seat, and only the latest of each member.
//!
//! | what follows | from the reports of | why |
//! |---|---|---|
//! | the view rises to a block | more than f seats that report it, or a later one | one of them is honest, so the block is final |
//! | finality stalls | more than f seats that have reported since the last rise that nothing later is final | one of them is honest |
//! | finality stalls | nobody, for [`DEAF`] times as long as a stall takes and 2f blocks more | with more than f alive the view would have risen, or they would have reported |
//!
//! f is ⌊(n−1)/3⌋ of the whole set, at any size. So f liars can neither raise the view nor keep it
//! from rising, and neither make up a stall nor hide one, as long as f + 1 honest members live. A
//! view that is too low rises with the next f + 1 reports; one that is too high, by more liars than
//! f, does not hide the stall that follows: the honest members report that nothing later is final.

use alloc::{collections::BTreeMap, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{CloneNoBound, DebugNoBound, DefaultNoBound, EqNoBound, PartialEqNoBound};
use scale_info::TypeInfo;
use sp_core::{bounded::BoundedVec, Get};
use understudy_primitives::{tolerated_faults, Moment};

/// Nothing was reported since the last rise.
const SILENT: u16 = 0;
/// Nothing later than the view is final. Larger values are one more than the number of blocks that
/// a report is ahead of the view.
const STILL: u16 = 1;

/// Multiple of a stall's time and blocks after which finality stalls without enough reports of it, and
/// 2f blocks more. Members report by themselves after half of a stall, so no more than f are alive.
pub const DEAF: u32 = 4;

/// The block up to which finality has come, as more than f members report.
#[derive(
	Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct View {
	/// The block's number. Never falls.
	pub finalized: u32,
	/// Time of the last rise, or of the first report.
	pub since: Moment,
	/// Number of seats that have reported since then that nothing later is final.
	pub still: u32,
}

impl View {
	/// Returns whether finality has stalled for this many milliseconds and this many blocks. Both
	/// are needed: a chain that was down as a whole has lost time and no blocks, and one that
	/// catches up makes blocks in no time. A chain of which nothing was reported yet has not.
	pub fn is_stalled(&self, seats: u32, now: Moment, time: u64, blocks: u32) -> bool {
		if self.since == Moment::default() {
			return false;
		}
		let faults = tolerated_faults(seats);
		// Reports of f + 1 members of a new set take as many blocks, and adjacent liars keep them out
		// of f more.
		let deaf_blocks = blocks.saturating_mul(DEAF).saturating_add(faults.saturating_mul(2));
		let is_deaf = || self.is_overdue(now, time.saturating_mul(DEAF.into()), deaf_blocks);
		let is_reported = self.still > faults;
		is_reported && self.is_overdue(now, time, blocks) || is_deaf()
	}

	/// Returns whether the last rise is at least this many milliseconds and blocks ago.
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

/// The latest report of each seat of the active set, relative to the view: two bytes per seat.
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
	/// Takes in the report of a seat, out of this many, that its node has finalized this block. A
	/// report takes nothing back. Returns whether it changed anything.
	pub fn hear(&mut self, view: &mut View, seat: u32, seats: u32, finalized: u32, now: Moment) -> bool {
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

	/// Returns whether a report of this finalized block by this seat would change anything, and is
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

	/// Carries the reports of those that keep a seat over to a new active set. Seats that are gone
	/// count no more, new ones have reported nothing.
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

	/// A set of this many seats, and the view of its chain.
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

		/// The next block, in which this seat reports.
		fn hear(&mut self, seat: u32, finalized: u32) {
			self.block += 1;
			self.reports.hear(&mut self.view, seat, self.seats, finalized, at(self.block));
		}

		/// All seats but these author by turns until this block; finality is two blocks behind.
		fn healthy(&mut self, until: u32, but: &[u32]) {
			while self.block < until {
				let seat = self.block % self.seats;
				if but.contains(&seat) {
					self.block += 1;
				} else {
					self.hear(seat, self.block.saturating_sub(1));
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
		chain.hear(0, 9);
		assert_eq!(chain.view.finalized, 0, "one of four may lie");
		chain.hear(0, 12);
		assert_eq!(chain.view.finalized, 0, "only the latest report of each member counts");
		chain.hear(1, 5);
		assert_eq!((chain.view.finalized, chain.view.since), (5, at(3)));
		chain.hear(2, 9);
		assert_eq!(chain.view.finalized, 9);
		chain.hear(3, 3);
		assert_eq!(chain.view.finalized, 9, "it never falls");
		let mut alone = Chain::of(1);
		alone.hear(0, 7);
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
			chain.hear(seat, 198);
		}
		for turn in 0..3_300 {
			chain.hear(turn % 33, 1_000_000);
		}
		assert_eq!(chain.view.finalized, 198);
		chain.hear(33, 1_000_000);
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
		// It lags by as many blocks as it takes to hear more than f members.
		assert_eq!(chain.view.finalized, 3_000 - 2 - 333);
	}

	#[test]
	fn members_that_do_not_author_are_no_stall() {
		// One is dead, one votes and does not author: two of four report.
		let mut chain = Chain::of(4);
		chain.healthy(20, &[]);
		chain.healthy(200, &[0, 1]);
		assert!(chain.view.finalized > 190 && !chain.is_stalled());
		// Three of seven author no more, and two are dead: the other two are no more than f, until
		// the three report by themselves.
		let mut chain = Chain::of(7);
		chain.healthy(20, &[]);
		chain.healthy(60, &[0, 1, 2, 3, 4]);
		assert!(chain.view.finalized < 25 && !chain.is_stalled());
		assert!(chain.reports.lacks(&chain.view, 3, 58, 0));
		chain.hear(3, 58);
		assert!(chain.view.finalized >= 58 - 7);
	}

	#[test]
	fn a_stall_takes_time_blocks_and_the_word_of_more_than_f() {
		// A chain that has just begun has not stalled.
		assert!(!View::default().is_stalled(1, at(99), 0, 0));
		let mut chain = Chain::of(4);
		chain.healthy(20, &[]);
		let stopped = chain.view.finalized;
		while !chain.is_stalled() {
			chain.hear(chain.block % 4, stopped + 1);
			assert!(chain.block < 40);
		}
		assert!(chain.block >= 20 + 10);
		let View { since, .. } = chain.view;
		// The whole chain was down: time has passed, and no blocks.
		let down = Moment { block: since.block + 1, time: 9_000_000 };
		assert!(!chain.view.is_stalled(4, down, 30_000, 10));
		// It catches up.
		let hasty = Moment { block: since.block + 99, time: since.time + 9_000 };
		assert!(!chain.view.is_stalled(4, hasty, 30_000, 10));
	}

	#[test]
	fn f_liars_neither_make_up_a_stall_nor_hide_one() {
		// 33 adjacent authors of a hundred say that nothing is final, and keep all other reports out
		// of their blocks.
		let mut chain = Chain::of(100);
		chain.healthy(300, &[]);
		for turn in 0..1_000 {
			let seat = turn % 100;
			chain.hear(seat, if seat < 33 { 0 } else { chain.block - 1 });
			assert!(!chain.is_stalled(), "in turn {turn}");
		}
		// Two of seven lie high while finality stands at #300.
		let mut chain = Chain::of(7);
		chain.healthy(300, &[]);
		let stopped = 298;
		for turn in 0..60 {
			let seat = turn % 7;
			chain.hear(seat, if seat < 2 { u32::MAX } else { stopped });
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
			chain.hear(0, 0);
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
		// Those that author first lie, and keep all other reports out of their blocks.
		for seat in 0..333 {
			chain.hear(seat, 0);
			assert!(!chain.is_stalled(), "at the liar {seat}");
		}
		let before = chain.view.finalized;
		while chain.view.finalized == before {
			let (seat, final_block) = (chain.block % 1_000, chain.block - 2);
			chain.hear(seat, final_block);
			assert!(!chain.is_stalled(), "in block {}", chain.block);
		}
		assert!(chain.view.finalized > 3_300);
	}

	#[test]
	fn a_smaller_set_rises_with_the_reports_that_there_are() {
		let mut chain = Chain::of(7);
		chain.hear(0, 0);
		chain.hear(1, 5);
		chain.hear(2, 6);
		assert_eq!(chain.view.finalized, 0, "two of seven may lie");
		let seven: Vec<u32> = (0..7).collect();
		chain.reports.reseat(&mut chain.view, &seven, &[0, 1, 2, 3], at(9));
		assert_eq!((chain.view.finalized, chain.view.since), (5, at(9)), "one of four may");
	}

	#[test]
	fn a_report_is_lacked_by_its_distance() {
		let mut chain = Chain::of(4);
		chain.hear(0, 9);
		for (finalized, by, lacked) in [(9, 0, false), (10, 0, true), (13, 4, false), (14, 4, true)] {
			assert_eq!(chain.reports.lacks(&chain.view, 0, finalized, by), lacked);
		}
		// The first one of a seat has no distance to keep but from nothing.
		assert!(chain.reports.lacks(&chain.view, 1, 4, 4) && !chain.reports.lacks(&chain.view, 1, 3, 4));
	}

	#[test]
	fn a_forged_view_does_not_hide_the_stall_that_follows() {
		let mut chain = Chain::of(4);
		chain.healthy(20, &[]);
		chain.hear(0, 1_000);
		chain.hear(1, 1_000);
		assert_eq!(chain.view.finalized, 1_000, "two of four are more than may lie");
		for turn in 0..12 {
			chain.hear(turn % 4, 19);
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
			// One of them dies.
			let until = chain.block + 60;
			chain.healthy(until, &[1]);
			assert!(chain.view.finalized > until - 8, "it lags: {:?}", chain.view);
			assert!(!chain.is_stalled());
		}
		// Of those that stay, the reports stay.
		let mut chain = Chain::of(4);
		chain.hear(3, 9);
		chain.reports.reseat(&mut chain.view, &[10, 11, 12, 13], &[13, 20, 21, 22], at(2));
		chain.hear(1, 8);
		assert_eq!(chain.view.finalized, 8);
	}
}
