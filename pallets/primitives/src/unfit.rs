//! Rules for the parameters, by name.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Rule that a parameter, or several together, violate. The meaning of a name never changes.
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
	/// A window has at least two blocks, and at most the blocks of an hour.
	WindowLength,
	/// A new member has between 1 and 100 windows of grace.
	GraceWindows,
	/// The systemic threshold is between 10 % and 50 % of the active set.
	SystemicThreshold,
	/// The number of members from which a heartbeat is requested in each window is between one and
	/// the largest roster.
	HeartbeatQuota,
	/// Each member probes at least one other member, and at most as many as the largest roster has.
	Probes,
	/// The lag that a node's finality may have is at least four blocks, and at most the blocks of
	/// an hour.
	FinalityLag,
	/// The time after which a missing vote is reported is at least two slots and at most an hour.
	VoteSilence,
	/// A registration is valid for at least twenty windows, at least ten minutes, and at most 366
	/// days.
	RegistrationLifetime,
	/// Each detector fires at a count between 1 and 100.
	DetectorCount,
	/// The count at which a detector needs no other one is between 2 and 10 times its threshold.
	DetectorLonger,
	/// The weight of each detector is above zero.
	DetectorWeight,
	/// A quorum of reports is at least a third of those that can report, and at most all of them.
	DetectorQuorum,
	/// The floor is at least one seat, and at most as many as the largest roster has members.
	Floor,
	/// The cool-off is at least two windows, and at most 30 days.
	CoolOff,
	/// Automation acts at a confidence of at least 50 %.
	AutomationThreshold,
	/// Jail takes at least one block and at most 30 days.
	Jail,
	/// Probation takes at least one healthy window, and at most a hundred.
	Probation,
	/// An outage counts for at least as long as its jail, and for at most 366 days.
	Forgiveness,
	/// The penalty of one repetition is at most the cap, which is at most 10 % of the stake.
	Penalties,
	/// The breaker's period is at least the cool-off, and at most 30 days.
	BreakerPeriod,
	/// Automation may evict at least one member in a period of the breaker.
	BreakerEvictions,
	/// The share of evictions that may prove unnecessary is between 1 % and 50 %.
	BreakerUnnecessary,
	/// The reprieve is at least the number of blocks after which the silence in the first window of
	/// a new roster is settled, and shorter than the period of the breaker.
	BreakerReprieve,
	/// A case waits for at least a minute and at most 30 days.
	CaseLifetime,
	/// The time without progress after which finality has stalled is at least three slots and at
	/// most an hour.
	StallTime,
	/// The number of blocks without progress after which finality has stalled is at least three,
	/// and at most the blocks of an hour.
	StallBlocks,
	/// A vote is due at least one block after the proposal, and at most the blocks of a minute.
	VoteAfter,
	/// A forced change is enacted between 2 and 100 blocks after its signal.
	Delay,
	/// The blocks within which finality must resume are at least ten more than the delay, and at
	/// most those of a day.
	Patience,
	/// Finality advances for at least one block before the chain is safe, and at most the blocks of
	/// an hour.
	ResumeAfter,
	/// The distance between two recoveries is at least the delay and at most 30 days.
	RecoveryCoolOff,
	/// The intake gate accepts at least 1 % of what ordinary transactions can take of a block.
	Intake,
	/// The penalty of a double vote is at least 1 % and at most 50 % of the stake.
	DoubleVoteFraction,
}
