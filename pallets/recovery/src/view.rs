//! Finality as the chain sees it: each block's author says up to where its node has finalized, and what more than half of the last
//! authors say counts. Pure functions, no storage.
//!
//! Each author has one word, its last one. At least one honest author must say that finality has come somewhere, where no more than
//! f of the set lie. Liars that are half of those who authored last can make up a stall: then the chain is frozen, until others
//! author again. Neither forces anything, for nodes vote only when they see for themselves that finality stands still.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::{bounded::BoundedVec, ConstU32};
use understudy_primitives::{tolerated_faults, Moment};

/// The words of so many authors count at most, the last ones. More of them are harder to get hold of, and lag behind by half of them.
pub const WORDS: u32 = 7;

/// What the last authors say.
#[derive(
	Clone, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct View {
	/// Who they are, by their seats in the set, and up to which block they have finalized, the oldest word first.
	pub words: BoundedVec<(u32, u32), ConstU32<WORDS>>,
	/// The block up to which finality has come. Never falls.
	pub finalized: u32,
	/// When it came there.
	pub since: Moment,
}

impl View {
	/// The author in this one of so many seats says up to where its node has finalized.
	pub fn hear(&mut self, author: u32, seats: u32, finalized: u32, now: Moment) {
		if self.words.is_empty() {
			self.since = now;
		}
		self.words.retain(|(who, _)| *who != author);
		if self.words.is_full() {
			self.words.remove(0);
		}
		// There is room now.
		let _ = self.words.try_push((author, finalized));
		let agreed = self.agreed(seats);
		if agreed > self.finalized {
			(self.finalized, self.since) = (agreed, now);
		}
	}

	/// What more than half of them have finalized, and more than may be faulty, at least.
	fn agreed(&self, seats: u32) -> u32 {
		let mut sorted: alloc::vec::Vec<u32> = self.words.iter().map(|(_, word)| *word).collect();
		sorted.sort_unstable_by(|one, other| other.cmp(one));
		let honest = tolerated_faults(seats).min(WORDS / 2) as usize;
		sorted.get(honest.max(sorted.len() / 2)).copied().unwrap_or_default()
	}

	/// Whether finality has stood still for so many milliseconds and so many blocks. Both: a chain that was down as a whole has
	/// lost time and no blocks, and one that catches up makes blocks in no time.
	pub fn is_stalled(&self, now: Moment, time: u64, blocks: u32) -> bool {
		let passed = now.since(&self.since);
		// Where nobody says anything, nothing is known.
		!self.words.is_empty() && passed.time >= time && passed.block >= blocks
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn at(block: u32) -> Moment {
		Moment { block, time: u64::from(block) * 3_000 }
	}

	/// So many authors take turns, and say this.
	fn heard(authors: u32, words: &[u32]) -> View {
		let mut view = View::default();
		(1..).zip(words).for_each(|(block, word)| view.hear(block % authors, authors, *word, at(block)));
		view
	}

	#[test]
	fn finality_comes_as_far_as_more_than_half_say() {
		assert_eq!(heard(1, &[]).finalized, 0);
		// One of two is not more than half.
		assert_eq!(heard(2, &[5, 9, 5, 9]).finalized, 5);
		// One of four may lie.
		assert_eq!(heard(4, &[9]).finalized, 0);
		assert_eq!(heard(4, &[9, 5]).finalized, 5);
		assert_eq!(heard(4, &[5, 9, 9, 9]).finalized, 9);
		assert_eq!(heard(4, &[5, 9, 5, 9]).finalized, 5);
		let view = heard(9, &[1, 2, 3, 4, 5, 6, 7, 7, 7, 7, 7]);
		assert_eq!((view.finalized, view.since), (7, at(10)));
	}

	#[test]
	fn each_author_has_one_word() {
		let mut view = heard(2, &[5, 5]);
		(3..50).for_each(|block| view.hear(0, 2, 9, at(block)));
		assert_eq!((view.finalized, view.words.len()), (5, 2));
		view.hear(1, 2, 8, at(50));
		assert_eq!(view.finalized, 8);
	}

	#[test]
	fn fewer_than_half_neither_hide_a_stall_nor_make_one_up() {
		let liars = |honest: &[u32], lie: u32| {
			let words: Vec<u32> = honest
				.iter()
				.enumerate()
				.map(|(nth, word)| if [0, 3].contains(&(nth % 7)) { lie } else { *word })
				.collect();
			heard(7, &words)
		};
		assert_eq!(liars(&[7; 60], u32::MAX).finalized, 7);
		let going: Vec<u32> = (0..60).collect();
		let view = liars(&going, 0);
		assert!(view.finalized > 50 && !view.is_stalled(at(60), 30_000, 10));
	}

	#[test]
	fn it_never_falls_and_is_bounded() {
		let mut view = heard(50, &[9; 100]);
		assert_eq!(view.words.len(), WORDS as usize);
		for block in 100..200 {
			view.hear(block % 50, 50, 3, at(block));
		}
		assert_eq!((view.finalized, view.since), (9, at(4)));
	}

	#[test]
	fn a_stall_takes_time_and_blocks() {
		// A chain that has just begun has stood still since its first block, not since ever.
		assert!(!View::default().is_stalled(at(99), 0, 0));
		let view = heard(1, &[0]);
		assert!(!view.is_stalled(at(10), 30_000, 10));
		assert!(view.is_stalled(at(11), 30_000, 10));
		// The whole chain was down: time has passed, and no blocks.
		assert!(!view.is_stalled(Moment { block: 2, time: 9_000_000 }, 30_000, 10));
		// It catches up.
		assert!(!view.is_stalled(Moment { block: 99, time: 9_000 }, 30_000, 10));
	}
}
