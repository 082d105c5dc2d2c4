//! Finality as the chain sees it: each block's author says up to where its node has finalized, and the median of the last
//! authors' words counts. Pure functions, no storage.
//!
//! A median stands on more than half of those who authored last. Liars that author many blocks in a row can make up a stall, or
//! that it is over, until others author again: then the chain is frozen for a while, or not. Neither forces anything, for
//! nodes vote only when they see for themselves that finality stands still.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_core::{bounded::BoundedVec, ConstU32};
use understudy_primitives::Moment;

/// The words of so many authors count, the last ones. More of them are harder to get hold of, and lag behind by half of them.
pub const WORDS: u32 = 7;

/// What the last authors say.
#[derive(
	Clone, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct View {
	/// Up to which block they have finalized, the oldest word first.
	pub words: BoundedVec<u32, ConstU32<WORDS>>,
	/// The block up to which finality has come. Never falls.
	pub finalized: u32,
	/// When it came there.
	pub since: Moment,
}

impl View {
	/// Another author says up to where its node has finalized.
	pub fn hear(&mut self, finalized: u32, now: Moment) {
		if self.words.is_empty() {
			self.since = now;
		}
		if self.words.is_full() {
			self.words.remove(0);
		}
		// There is room now.
		let _ = self.words.try_push(finalized);
		let median = self.median();
		if median > self.finalized {
			(self.finalized, self.since) = (median, now);
		}
	}

	/// What more than half of them have finalized. What was not said yet counts as nothing.
	fn median(&self) -> u32 {
		let mut sorted = self.words.to_vec();
		sorted.resize(WORDS as usize, 0);
		sorted.sort_unstable();
		sorted.get(WORDS as usize / 2).copied().unwrap_or_default()
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

	fn heard(words: &[u32]) -> View {
		let mut view = View::default();
		(1..).zip(words).for_each(|(block, word)| view.hear(*word, at(block)));
		view
	}

	#[test]
	fn finality_comes_as_far_as_more_than_half_say() {
		assert_eq!(heard(&[]).finalized, 0);
		assert_eq!(heard(&[9, 9, 9]).finalized, 0);
		assert_eq!(heard(&[9, 9, 9, 5]).finalized, 5);
		let view = heard(&[1, 2, 3, 4, 5, 6, 7, 7, 7, 7, 7]);
		assert_eq!((view.finalized, view.since), (7, at(10)));
	}

	#[test]
	fn fewer_than_half_neither_hide_a_stall_nor_make_one_up() {
		let liars = |honest: &[u32], lie: u32| {
			let words: Vec<u32> =
				honest.iter().enumerate().map(|(nth, word)| if nth % 3 == 0 { lie } else { *word }).collect();
			heard(&words)
		};
		let standing = [7; 60];
		assert_eq!(liars(&standing, u32::MAX).finalized, 7);
		let going: Vec<u32> = (0..60).collect();
		assert!(liars(&going, 0).finalized > 50);
		assert!(!liars(&going, 0).is_stalled(at(60), 30_000, 10));
	}

	#[test]
	fn it_never_falls_and_is_bounded() {
		let mut view = heard(&[9; 100]);
		assert_eq!(view.words.len(), WORDS as usize);
		for block in 100..200 {
			view.hear(3, at(block));
		}
		assert_eq!((view.finalized, view.since), (9, at(4)));
	}

	#[test]
	fn a_stall_takes_time_and_blocks() {
		// A chain that has just begun has stood still since its first block, not since ever.
		assert!(!View::default().is_stalled(at(99), 0, 0));
		let view = heard(&[0]);
		assert!(!view.is_stalled(at(10), 30_000, 10));
		assert!(view.is_stalled(at(11), 30_000, 10));
		// The whole chain was down: time has passed, and no blocks.
		assert!(!view.is_stalled(Moment { block: 2, time: 9_000_000 }, 30_000, 10));
		// It catches up.
		assert!(!view.is_stalled(Moment { block: 99, time: 9_000 }, 30_000, 10));
	}
}
