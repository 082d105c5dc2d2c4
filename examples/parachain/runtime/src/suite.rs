//! The suite's pallets.

use frame_support::{
	parameter_types,
	traits::{fungible::HoldConsideration, ConstBool, ConstU32, ConstU64, ConstU8, LinearStoragePrice},
};
use frame_system::EnsureRoot;
use pallet_heartbeat::{HoldReason, Thresholds};
use pallet_validator_rotation::{lifecycle::Durations, BreakerRules};
use sp_runtime::{traits::Convert, transaction_validity::TransactionPriority, Perbill};
use understudy_adapters::{AuraSlots, CurrentSession, LastBlockHash, SessionHeartbeatKeys, SlotTime};
use understudy_parachain::CollatorBacking;

use crate::{chain::PeriodicSessions, *};

/// Weights as measured for the sample runtime. A chain measures its own, with `scripts/benchmark`.
#[path = "../../../../runtime/src/weights"]
mod weights {
	pub mod pallet_failover;
	pub mod pallet_heartbeat;
	pub mod pallet_validator_rotation;
}

/// Blocks of a day.
const DAY: BlockNumber = 14_400;

parameter_types! {
	pub const MaxMembers: u32 = 64;
	pub const Priority: TransactionPriority = TransactionPriority::MAX / 2;
	pub const RegistrationHold: RuntimeHoldReason = RuntimeHoldReason::Heartbeat(HoldReason::Registration);
	pub const Deposit: Balance = 1_000_000;
	pub const Detection: Thresholds = Thresholds::DEMONSTRATION;
	pub const SystemicThreshold: Perbill = Perbill::from_parts(333_333_333);
	pub const AutomationThreshold: Perbill = Perbill::from_percent(80);
	pub const Times: Durations<BlockNumber> = Durations { jail: 10, probation: 2, forgiveness: DAY };
	pub const Breaker: BreakerRules<BlockNumber> =
		BreakerRules { period: DAY, evictions: 24, unnecessary: Perbill::from_percent(25), reprieve: 4 };
}

impl pallet_heartbeat::Config for Runtime {
	type Keys = SessionHeartbeatKeys<Runtime>;
	type Slots = AuraSlots<Runtime>;
	type OnJudgement = ValidatorRotation;
	type OnElectorate = ();
	type MaxMembers = MaxMembers;
	type WindowLength = ConstU32<4>;
	type Thresholds = Detection;
	type GraceWindows = ConstU8<3>;
	type SystemicThreshold = SystemicThreshold;
	type HeartbeatQuota = ConstU32<4>;
	type Probes = ConstU32<64>;
	type FinalityLag = ConstU32<20>;
	type VoteSilence = ConstU32<20>;
	type Randomness = LastBlockHash<Runtime>;
	// Collators cast no finality votes.
	type VoteKeys = ();
	type Consideration = HoldConsideration<
		AccountId,
		Balances,
		RegistrationHold,
		LinearStoragePrice<Deposit, Deposit, Balance>,
	>;
	type RegistrationLifetime = ConstU32<DAY>;
	type HeartbeatPriority = Priority;
	type WeightInfo = weights::pallet_heartbeat::WeightInfo<Runtime>;
}

/// Collators have deposits, no stake: no account is charged.
pub struct Nobody;

impl Convert<AccountId, Option<AccountId>> for Nobody {
	fn convert(_: AccountId) -> Option<AccountId> {
		None
	}
}

impl pallet_validator_rotation::Config for Runtime {
	type Inner = CollatorSelection;
	type Backing = CollatorBacking<Runtime>;
	type Periodic = PeriodicSessions;
	// Sessions may end in consecutive blocks: there is no finality gadget that has to follow.
	type MayRotate = ConstBool<true>;
	type Recovery = ();
	type SessionKeys = Session;
	type Registrations = Heartbeat;
	type Verdicts = Heartbeat;
	type Roster = Heartbeat;
	type Log = Failover;
	type MaxMembers = MaxMembers;
	type ActiveTarget = ConstU32<4>;
	type Floor = ConstU32<4>;
	type CoolOff = ConstU32<20>;
	type AutomationThreshold = AutomationThreshold;
	type Durations = Times;
	type Penalties = ();
	type Breaker = Breaker;
	type CaseLifetime = ConstU32<DAY>;
	type Disable = ();
	type GuardianOrigin = EnsureRoot<AccountId>;
	type Offender = AccountId;
	type OffenderOf = Nobody;
	type Offences = ();
	type WeightInfo = weights::pallet_validator_rotation::WeightInfo<Runtime>;
}

impl understudy_parachain::Config for Runtime {
	// The relay chain finalizes a block within half of this time.
	type SettleAfter = ConstU32<6>;
}

impl pallet_failover::Config for Runtime {
	type Session = CurrentSession<Runtime>;
	type Now = SlotTime<Runtime>;
	type Keys = SessionHeartbeatKeys<Runtime>;
	type FinalHead = IncludedHead;
	type OnDivergence = ValidatorRotation;
	type KeepLast = ConstU32<1_024>;
	type KeepIncidents = ConstU32<1_024>;
	type MaxAwaiting = ConstU32<32>;
	type ReconcileWithin = ConstU32<200>;
	type CheckpointRecords = ConstU64<64>;
	type CheckpointBlocks = ConstU32<1_200>;
	type Priority = Priority;
	type WeightInfo = weights::pallet_failover::WeightInfo<Runtime>;
}
