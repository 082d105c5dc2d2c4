//! The mode the chain is in: a pure function, no storage.
//!
//! ```text
//!            finality stands still               votes of more than half
//!   Safe ─────────────────────────▶ DegradedSafe ───────────────────────▶ RecoveryInProgress
//!    ▲                               ▲  │   ▲                               │     │
//!    │                               │  │   └───────────────────────────────┘     │
//!    │ it goes on for long enough    │  │            it does not come back        │
//!    │                               │  │ it comes back by itself                 │ it comes back
//!    └──────────────── SafeResumed ──┘◀─┴─────────────────────────────────────────┘
//! ```
//!
//! It comes back when it passes the block in which the chain noticed that it stood still, and the proposal that members may be bound by, if
//! there is one; in a recovery when it passes the one in which the new set became active: only votes of a set that has more than two thirds alive get it there, which is what the
//! model of safe recovery asks for before the degraded regime is left (n − |B| > 3f′, ePrint 2025/083).

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::ensure;
use scale_info::TypeInfo;
use sp_runtime::Perbill;
use understudy_primitives::{Mode, Moment, Unfit};

/// How long things take.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Rules {
	/// Finality stands still after so many milliseconds without progress ...
	pub stall_time: u64,
	/// ... in which there were at least so many blocks.
	pub stall_blocks: u32,
	/// Those who are there are counted for so many blocks, and so many blocks after a proposal nodes vote: short forks are settled by
	/// then.
	pub vote_after: u32,
	/// So many blocks after its signal the change of authorities is enacted. The block with the signal must not be re-organized
	/// by then.
	pub delay: u32,
	/// So many blocks a recovery may take until finality is back.
	pub patience: u32,
	/// For so many blocks finality must go on before everything else does.
	pub settle: u32,
	/// Between one recovery and the next there are at least so many blocks.
	pub cool_off: u32,
	/// The share of what ordinary transactions can take of a block that they may take while finality stands still.
	pub intake: Perbill,
}

impl Rules {
	/// Half of a stall, in milliseconds and blocks: members report by themselves from then on.
	pub fn half_stall(&self) -> (u64, u32) {
		(self.stall_time / 2, self.stall_blocks / 2)
	}

	/// Checks the rules, on a chain with slots of this many milliseconds.
	pub fn check(&self, slot: u64) -> Result<(), Unfit> {
		const MINUTE: u64 = 60_000;
		let blocks = |minutes: u64| {
			u32::try_from(minutes.saturating_mul(MINUTE) / slot.max(1)).unwrap_or(u32::MAX).max(1)
		};
		let stall_time = slot.saturating_mul(3)..=60 * MINUTE;
		ensure!(stall_time.contains(&self.stall_time), Unfit::StallTime);
		ensure!((3..=blocks(60)).contains(&self.stall_blocks), Unfit::StallBlocks);
		ensure!((1..=blocks(1)).contains(&self.vote_after), Unfit::VoteAfter);
		ensure!((2..=100).contains(&self.delay), Unfit::Delay);
		let patience = self.delay.saturating_add(10)..=blocks(24 * 60);
		ensure!(patience.contains(&self.patience), Unfit::Patience);
		ensure!((1..=blocks(60)).contains(&self.settle), Unfit::Settle);
		ensure!((self.delay..=blocks(30 * 24 * 60)).contains(&self.cool_off), Unfit::RecoveryCoolOff);
		ensure!(self.intake >= Perbill::from_percent(1), Unfit::Intake);
		Ok(())
	}
}

/// What the mode depends on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Facts {
	/// When it is.
	pub now: Moment,
	/// When the mode began.
	pub since: Moment,
	/// Up to where finality has come.
	pub finalized: u32,
	/// Whether it stands still.
	pub stalled: bool,
	/// The block that finality must pass for the chain to be safe again: the one in which it was noticed that it stood still, or
	/// in which a recovery's set became active. None before it did.
	pub mark: Option<u32>,
	/// Whether a recovery may begin: the votes suffice, enough is alive, nobody objects, and the last one is long enough ago.
	pub may_recover: bool,
}

/// The mode that follows, if another one does.
pub fn next(mode: Mode, facts: &Facts, rules: &Rules) -> Option<Mode> {
	let passed = facts.now.block.saturating_sub(facts.since.block);
	let back = facts.mark.is_some_and(|mark| facts.finalized > mark);
	match mode {
		Mode::Safe if facts.stalled => Some(Mode::DegradedSafe),
		Mode::DegradedSafe if back => Some(Mode::SafeResumed),
		Mode::DegradedSafe if facts.may_recover => Some(Mode::RecoveryInProgress),
		Mode::RecoveryInProgress if back => Some(Mode::SafeResumed),
		Mode::RecoveryInProgress if passed > rules.patience => Some(Mode::DegradedSafe),
		Mode::SafeResumed if facts.stalled => Some(Mode::DegradedSafe),
		Mode::SafeResumed if passed >= rules.settle => Some(Mode::Safe),
		_ => None,
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	const RULES: Rules = Rules {
		stall_time: 30_000,
		stall_blocks: 8,
		vote_after: 2,
		delay: 4,
		patience: 30,
		settle: 10,
		cool_off: 100,
		intake: Perbill::from_percent(10),
	};

	fn facts() -> Facts {
		let at = |block| Moment { block, time: u64::from(block) * 3_000 };
		Facts {
			now: at(50),
			since: at(45),
			finalized: 30,
			stalled: false,
			mark: Some(45),
			may_recover: false,
		}
	}

	fn after(mode: Mode, facts: Facts) -> Option<Mode> {
		next(mode, &facts, &RULES)
	}

	#[test]
	fn every_arrow_of_the_picture_is_there() {
		use Mode::*;
		let stalled = Facts { stalled: true, ..facts() };
		let back = Facts { finalized: 46, ..facts() };
		let may = Facts { may_recover: true, ..facts() };
		let late = Facts { now: Moment { block: 76, time: 0 }, ..facts() };
		let settled = Facts { now: Moment { block: 55, time: 0 }, ..facts() };
		assert_eq!(after(Safe, stalled), Some(DegradedSafe));
		assert_eq!(after(DegradedSafe, may), Some(RecoveryInProgress));
		assert_eq!(after(DegradedSafe, back), Some(SafeResumed));
		assert_eq!(after(RecoveryInProgress, back), Some(SafeResumed));
		assert_eq!(after(RecoveryInProgress, late), Some(DegradedSafe));
		assert_eq!(after(SafeResumed, stalled), Some(DegradedSafe));
		assert_eq!(after(SafeResumed, settled), Some(Safe));
	}

	#[test]
	fn and_no_other_one() {
		use Mode::*;
		for mode in [Safe, DegradedSafe, RecoveryInProgress, SafeResumed] {
			assert_eq!(after(mode, facts()), None, "{mode:?}");
		}
		let everything = Facts { stalled: true, may_recover: true, finalized: 99, ..facts() };
		assert_eq!(after(Safe, Facts { stalled: false, ..everything }), None);
		// Who comes back in time makes a recovery needless.
		assert_eq!(after(DegradedSafe, everything), Some(SafeResumed));
		// Votes are for the mode in which they are cast.
		assert_eq!(after(SafeResumed, Facts { stalled: false, ..everything }), None);
		// Before the new set is active, nothing says that it is back.
		assert_eq!(after(RecoveryInProgress, Facts { mark: None, ..everything }), None);
		assert_eq!(after(DegradedSafe, Facts { finalized: 45, ..facts() }), None);
	}
}
