//! Configuration of Understudy's pallets, and their connections to the rest of the chain.

use alloc::{collections::BTreeMap, vec::Vec};
use frame_support::{
	parameter_types,
	traits::{fungible::HoldConsideration, Contains, ContainsPair, EitherOfDiverse, Get, LinearStoragePrice},
	weights::Weight,
};
use frame_system::EnsureRoot;
use sp_consensus_aura::sr25519::AuthorityId as AuraId;
use sp_runtime::{traits::Convert, transaction_validity::TransactionPriority};
use understudy_adapters::{
	AuraSlots, AuthorSeat, AuthorsByTurns, CurrentSession, ForceGrandpa, GrandpaKeys, LastBlockHash,
	NoChangePending, ObservedHead, SessionHeartbeatKeys, SessionSeats, SlotTime,
};
use understudy_primitives::Backing;

use crate::{
	configs::{
		consensus::PeriodicSessions,
		staking::{ErasByTime, LatestBackings},
	},
	constants::{deposit, HOURS, MINUTES},
	parameters::dynamic_params::{detection, recovery, rotation},
	*,
};

parameter_types! {
	/// Maximum number of members of a roster, and so of an authority set.
	pub const MaxMembers: u32 = 1_024;
	/// Priority above all ordinary transactions: a late heartbeat is worthless.
	pub const HeartbeatPriority: TransactionPriority = TransactionPriority::MAX / 2;
	/// Number of records, and of incidents, that stay in state: some 500 bytes per record and some
	/// 200 per incident.
	pub const KeepLast: u32 = 1_024;
	/// Maximum number of newly seated members whose positions are awaited at once.
	pub const MaxAwaiting: u32 = 32;
	/// Number of blocks for finality to reach the seat, and for the transaction to be included.
	pub const ReconcileWithin: BlockNumber = 10 * MINUTES;
	/// Number of records after which a header carries a checkpoint; at the latest after an hour. A
	/// witness that keeps headers pins the log by it.
	pub const CheckpointRecords: u64 = 64;
	pub const CheckpointBlocks: BlockNumber = HOURS;
}

parameter_types! {
	pub const RegistrationHold: RuntimeHoldReason =
		RuntimeHoldReason::Heartbeat(pallet_heartbeat::HoldReason::Registration);
	pub const RegistrationBase: Balance = deposit(1, 0);
	pub const RegistrationByte: Balance = deposit(0, 1);
}

impl pallet_heartbeat::Config for Runtime {
	type Keys = SessionHeartbeatKeys<Runtime>;
	type Slots = AuraSlots<Runtime>;
	#[cfg(not(feature = "runtime-benchmarks"))]
	type OnJudgement = ValidatorRotation;
	// The weight of acting on a judgement is part of the acting pallet's weights.
	#[cfg(feature = "runtime-benchmarks")]
	type OnJudgement = ();
	type OnElectorate = Recovery;
	type MaxMembers = MaxMembers;
	type WindowLength = detection::WindowLength;
	type Thresholds = detection::Rules;
	type GraceWindows = detection::GraceWindows;
	type SystemicThreshold = detection::SystemicThreshold;
	type HeartbeatQuota = detection::HeartbeatQuota;
	type Probes = detection::Probes;
	type FinalityLag = detection::FinalityLag;
	type VoteSilence = detection::VoteSilence;
	type Randomness = LastBlockHash<Runtime>;
	type VoteKeys = GrandpaKeys<Runtime>;
	type Consideration = HoldConsideration<
		AccountId,
		Balances,
		RegistrationHold,
		LinearStoragePrice<RegistrationBase, RegistrationByte, Balance>,
	>;
	type RegistrationLifetime = detection::RegistrationLifetime;
	type HeartbeatPriority = HeartbeatPriority;
	type WeightInfo = crate::weights::pallet_heartbeat::WeightInfo<Runtime>;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = crate::benchmarks::Helper;
}

/// Backing of a member: its total stake in the latest election, from [`LatestBackings`].
pub struct TotalStake;

impl Backing<AccountId> for TotalStake {
	fn backings(of: &[AccountId]) -> Vec<u128> {
		let backings: BTreeMap<AccountId, u128> = LatestBackings::take().into_iter().collect();
		of.iter().map(|who| backings.get(who).copied().unwrap_or_default()).collect()
	}
}

/// Origin of the guardians' calls: at least half of the guardians, or a referendum.
pub type GuardiansOrRoot = EitherOfDiverse<
	EnsureRoot<AccountId>,
	pallet_collective::EnsureProportionAtLeast<AccountId, pallet_collective::Instance1, 1, 2>,
>;

/// Identification of a member for the offences pallet. Staking looks up its exposure by era.
pub struct Identified;

impl Convert<AccountId, Option<(AccountId, ())>> for Identified {
	fn convert(who: AccountId) -> Option<(AccountId, ())> {
		Some((who, ()))
	}
}

/// Weight of the offences pallet and of staking, as GRANDPA's pallet accounts for it in its own
/// reports.
pub struct OffenceWeight;

impl Get<Weight> for OffenceWeight {
	fn get() -> Weight {
		let nominators = <Runtime as pallet_grandpa::Config>::MaxNominators::get();
		<() as pallet_grandpa::WeightInfo>::report_equivocation(MaxMembers::get(), nominators)
	}
}

impl pallet_equivocation::Config for Runtime {
	type AuthorityId = AuraId;
	type Authors = AuthorsByTurns<Runtime>;
	type MaxAuthors = MaxMembers;
	type Session = CurrentSession<Runtime>;
	type Offender = pallet_session::historical::IdentificationTuple<Runtime>;
	type OffenderOf = Identified;
	type Offences = Offences;
	type OnEquivocation = ValidatorRotation;
	type OffenceWeight = OffenceWeight;
	type Priority = HeartbeatPriority;
	type WeightInfo = crate::weights::pallet_equivocation::WeightInfo<Runtime>;
}

impl pallet_validator_rotation::Config for Runtime {
	type Inner = ErasByTime;
	type Periodic = PeriodicSessions;
	type MayRotate = NoChangePending<Runtime>;
	type Recovery = Recovery;
	type SessionKeys = Session;
	type Registrations = Heartbeat;
	type Backing = TotalStake;
	type Verdicts = Heartbeat;
	type Roster = (Heartbeat, Recovery);
	type Log = Failover;
	type MaxMembers = MaxMembers;
	type ActiveTarget = SeatsToElect;
	type Floor = rotation::Floor;
	type CoolOff = rotation::CoolOff;
	type AutomationThreshold = rotation::AutomationThreshold;
	type Durations = rotation::Times;
	type Penalties = rotation::Penalties;
	type Breaker = rotation::Breaker;
	type CaseLifetime = rotation::CaseLifetime;
	type Disable = SessionSeats<Runtime>;
	type GuardianOrigin = GuardiansOrRoot;
	type Offender = pallet_session::historical::IdentificationTuple<Runtime>;
	type OffenderOf = Identified;
	type Offences = Offences;
	type WeightInfo = crate::weights::pallet_validator_rotation::WeightInfo<Runtime>;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = crate::benchmarks::Helper;
}

/// Target size of the active set: the minimum that staking must elect, or the election fails and
/// the last set stays. The winners beyond it are the reserve.
pub struct SeatsToElect;

impl Get<u32> for SeatsToElect {
	fn get() -> u32 {
		pallet_staking::MinimumValidatorCount::<Runtime>::get().max(1)
	}
}

impl pallet_failover::Config for Runtime {
	type Session = CurrentSession<Runtime>;
	type Now = SlotTime<Runtime>;
	type Keys = SessionHeartbeatKeys<Runtime>;
	type FinalHead = ObservedHead;
	type OnDivergence = ValidatorRotation;
	type KeepLast = KeepLast;
	type KeepIncidents = KeepLast;
	type MaxAwaiting = MaxAwaiting;
	type ReconcileWithin = ReconcileWithin;
	type CheckpointRecords = CheckpointRecords;
	type CheckpointBlocks = CheckpointBlocks;
	type Priority = HeartbeatPriority;
	type WeightInfo = crate::weights::pallet_failover::WeightInfo<Runtime>;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = crate::benchmarks::Helper;
}

/// Calls that are frozen while the mode is not `Safe`: changes of the candidates for election, and
/// of the keys by which members sign.
pub struct ChangesOfMembers;

impl Contains<RuntimeCall> for ChangesOfMembers {
	fn contains(call: &RuntimeCall) -> bool {
		use pallet_heartbeat::Call::{deregister, register};
		matches!(
			call,
			RuntimeCall::Staking(_)
				| RuntimeCall::Session(_)
				| RuntimeCall::Heartbeat(register { .. } | deregister { .. })
		)
	}
}

/// Calls that pass the intake gate without limit: the guardians must be able to act when it counts
/// most.
pub struct ForGuardians;

impl ContainsPair<AccountId, RuntimeCall> for ForGuardians {
	fn contains(who: &AccountId, call: &RuntimeCall) -> bool {
		matches!(call, RuntimeCall::Guardians(_)) && Guardians::is_member(who)
	}
}

impl pallet_recovery::Config for Runtime {
	type Electorate = Heartbeat;
	type Seats = ValidatorRotation;
	type Author = AuthorSeat<Runtime>;
	type Finality = ForceGrandpa<Runtime>;
	type Log = Failover;
	type Session = CurrentSession<Runtime>;
	type Rules = recovery::Timing;
	type DoubleVoteFraction = recovery::DoubleVoteFraction;
	type Offender = pallet_session::historical::IdentificationTuple<Runtime>;
	type OffenderOf = Identified;
	type Offences = Offences;
	type Frozen = ChangesOfMembers;
	type Urgent = ForGuardians;
	type GuardianOrigin = GuardiansOrRoot;
	type MaxMembers = MaxMembers;
	type Priority = HeartbeatPriority;
	type WeightInfo = crate::weights::pallet_recovery::WeightInfo<Runtime>;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = crate::benchmarks::Helper;
}
