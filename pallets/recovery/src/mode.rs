//! Transitions of the mode: a pure function, no storage.
//!
//! ```text
//!               finality stalls                  votes of more than half
//!   Safe ─────────────────────────▶ DegradedSafe ───────────────────────▶ RecoveryInProgress
//!    ▲                               ▲  │   ▲                               │     │
//!    │                               │  │   └───────────────────────────────┘     │
//!    │ finality goes on              │  │        finality does not resume         │
//!    │ for long enough               │  │ finality resumes by itself              │ it resumes
//!    └──────────────── SafeResumed ──┘◀─┴─────────────────────────────────────────┘
//! ```
//!
//! Finality resumes when it passes the stall anchor and, if there is one, the proposal by which
//! members may be bound. In a recovery, it resumes when it passes the block in which the new set
//! became active. Only the votes of a set with more than two thirds of its members responsive take
//! finality past that block. The model of safe recovery requires this before the degraded regime is
//! left (n − |B| > 3f′, ePrint 2025/083).

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::ensure;
use scale_info::TypeInfo;
use sp_runtime::Perbill;
use understudy_primitives::{Mode, Moment, Unfit};

/// Bounds on the detection of a stall and on the course of a recovery.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Rules {
	/// Time without progress of finality after which it has stalled, in milliseconds.
	/// `stall_blocks` must have passed, too.
	pub stall_time: u64,
	/// Number of blocks without progress of finality after which it has stalled.
	pub stall_blocks: u32,
	/// Number of blocks for which presence attestations are collected before a set is proposed, and
	/// number of blocks between a proposal and the votes for it. Short forks are resolved by then.
	pub vote_after: u32,
	/// Number of blocks between the signal of the authority-set change and its enactment. No
	/// reorganization may remove the block with the signal within this delay.
	pub delay: u32,
	/// Maximum number of blocks that a recovery may take until finality resumes.
	pub patience: u32,
	/// Number of blocks for which finality must go on before normal operation resumes.
	pub resume_after: u32,
	/// Minimum number of blocks from the beginning of one recovery to the beginning of the next.
	pub cool_off: u32,
	/// Share of the block capacity of ordinary transactions that they may take while the mode is
	/// not `Safe`.
	pub intake: Perbill,
}

impl Rules {
	/// Returns half of the stall time, in milliseconds, and half of the stall blocks. Members
	/// report by themselves from then on.
	pub fn half_stall(&self) -> (u64, u32) {
		(self.stall_time / 2, self.stall_blocks / 2)
	}

	/// Checks the rules for a chain with slots of this many milliseconds.
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
		ensure!((1..=blocks(60)).contains(&self.resume_after), Unfit::ResumeAfter);
		ensure!((self.delay..=blocks(30 * 24 * 60)).contains(&self.cool_off), Unfit::RecoveryCoolOff);
		ensure!(self.intake >= Perbill::from_percent(1), Unfit::Intake);
		Ok(())
	}
}

/// Facts that determine the next mode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Facts {
	/// Current moment.
	pub now: Moment,
	/// Moment at which the mode began.
	pub since: Moment,
	/// Block that the finality view has reached.
	pub finalized: u32,
	/// `true` if finality has stalled.
	pub stalled: bool,
	/// Block that finality must pass for the chain to be safe again: the later of the stall anchor
	/// and the proposal or, in a recovery, the block in which its set became active. `None` in a
	/// recovery before that block.
	pub resume_height: Option<u32>,
	/// `true` if a recovery may begin: the votes suffice, enough of the proposed set has voted to
	/// finalize, there is no veto, no other change of the set or of the authorities is in progress,
	/// and the cool-off has passed.
	pub may_recover: bool,
}

/// Returns the next mode, if it differs from the current one.
pub fn next(mode: Mode, facts: &Facts, rules: &Rules) -> Option<Mode> {
	let passed = facts.now.block.saturating_sub(facts.since.block);
	let back = facts.resume_height.is_some_and(|resume_height| facts.finalized > resume_height);
	match mode {
		Mode::Safe if facts.stalled => Some(Mode::DegradedSafe),
		Mode::DegradedSafe if back => Some(Mode::SafeResumed),
		Mode::DegradedSafe if facts.may_recover => Some(Mode::RecoveryInProgress),
		Mode::RecoveryInProgress if back => Some(Mode::SafeResumed),
		Mode::RecoveryInProgress if passed > rules.patience => Some(Mode::DegradedSafe),
		Mode::SafeResumed if facts.stalled => Some(Mode::DegradedSafe),
		Mode::SafeResumed if passed >= rules.resume_after => Some(Mode::Safe),
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
		resume_after: 10,
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
			resume_height: Some(45),
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
		// Members that come back in time make a recovery unnecessary.
		assert_eq!(after(DegradedSafe, everything), Some(SafeResumed));
		// Votes count only in the mode in which they are cast.
		assert_eq!(after(SafeResumed, Facts { stalled: false, ..everything }), None);
		// Before the new set is active, nothing shows that finality has resumed.
		assert_eq!(after(RecoveryInProgress, Facts { resume_height: None, ..everything }), None);
		assert_eq!(after(DegradedSafe, Facts { finalized: 45, ..facts() }), None);
	}
}
