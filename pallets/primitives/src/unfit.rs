//! Rules that parameters must keep, by name.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// A rule that a parameter, or several together, do not keep. A name keeps its meaning.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub enum Unfit {
	/// A window has at least two blocks, and at most an hour's.
	WindowLength,
	/// A newcomer has between 1 and 100 windows of grace.
	GraceWindows,
	/// The systemic threshold is between 10 % and 50 % of the active set.
	SystemicThreshold,
	/// Between one member and as many as a roster can have are asked for a heartbeat in each
	/// window.
	HeartbeatQuota,
	/// Each member probes at least one other, and at most as many as a roster can have.
	Probes,
	/// A node's finality may be behind by at least four blocks, and less than an hour's.
	FinalityLag,
	/// Votes are missed after at least two slots, and at most an hour.
	VoteSilence,
	/// A registration is good for at least twenty windows and ten minutes.
	RegistrationLifetime,
	/// Each detector fires at a count of at least one and at most a hundred.
	DetectorCount,
	/// The count for longer is at least twice the threshold, and at most ten times.
	DetectorLonger,
	/// Each detector weighs something.
	DetectorWeight,
	/// A quorum is at least a third, and not more than all.
	DetectorQuorum,
	/// The floor is at least one seat, and at most as many as a roster can have.
	Floor,
	/// The cool-off is at least two windows, and at most 30 days.
	CoolOff,
	/// Automation acts at a confidence of at least 50 %.
	AutomationThreshold,
	/// Jail takes at least one block and at most 30 days.
	Jail,
	/// Probation takes at least one healthy window, and at most a hundred.
	Probation,
	/// An outage is remembered for at least as long as its jail, and at most a year.
	Forgiveness,
	/// A repetition costs no more than the cap, which is at most 10 % of the stake.
	Penalties,
	/// The breaker's period is at least the cool-off, and at most 30 days.
	BreakerPeriod,
	/// Automation may take at least one seat in a period.
	BreakerEvictions,
	/// Between 1 % and 50 % of the evictions may prove unnecessary.
	BreakerUnnecessary,
	/// The reprieve outlasts the settling of the new roster's first window, and is shorter than the
	/// period.
	BreakerReprieve,
	/// A case waits for at least a minute, and at most 30 days.
	CaseLifetime,
	/// Finality stalls after at least three slots, and at most an hour.
	StallTime,
	/// Finality stalls after at least three blocks, and at most an hour's.
	StallBlocks,
	/// A vote is due at least one block after the proposal, and at most a minute's.
	VoteAfter,
	/// A forced change is enacted at least two blocks after its signal, and at most 100.
	Delay,
	/// Finality has at least ten blocks more than the delay to come back, and at most a day's.
	Patience,
	/// Finality goes on for at least one block before the chain is safe, and at most an hour's.
	Settle,
	/// Recoveries are at least the delay, and at most 30 days, apart.
	RecoveryCoolOff,
	/// The intake gate lets in at least 1 % of a block.
	Intake,
	/// A double vote costs at least 1 % and at most half of the stake.
	DoubleVoteFraction,
}
