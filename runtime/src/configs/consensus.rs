//! Aura, GRANDPA, and the sessions between them.

use frame_support::{
	parameter_types,
	traits::{ConstBool, ConstU32, ConstU64},
};
use pallet_session::{disabling::UpToLimitWithReEnablingDisablingStrategy, historical::NoteHistoricalRoot};
use sp_consensus_aura::sr25519::AuthorityId as AuraId;
use sp_runtime::traits::{ConvertInto, OpaqueKeys};
use understudy_adapters::ReportedEquivocations;

use crate::{
	configs::{staking::BONDING_DURATION, understudy::MaxMembers},
	constants::{deposit, SESSIONS_PER_ERA, SESSION_LENGTH, SLOT_DURATION},
	*,
};

impl pallet_timestamp::Config for Runtime {
	type Moment = u64;
	type OnTimestampSet = Aura;
	type MinimumPeriod = ConstU64<{ SLOT_DURATION / 2 }>;
	type WeightInfo = pallet_timestamp::weights::SubstrateWeight<Runtime>;
}

impl pallet_aura::Config for Runtime {
	type AuthorityId = AuraId;
	type MaxAuthorities = MaxMembers;
	type DisabledValidators = Session;
	type AllowMultipleBlocksPerSlot = ConstBool<false>;
	type SlotDuration = ConstU64<SLOT_DURATION>;
}

impl pallet_authorship::Config for Runtime {
	type FindAuthor = pallet_session::FindAccountFromAuthorIndex<Self, Aura>;
	type EventHandler = Staking;
}

parameter_types! {
	pub const Period: BlockNumber = SESSION_LENGTH;
	pub const Offset: BlockNumber = 0;
	pub const KeyDeposit: Balance = deposit(1, 128);
}

/// Regular ends of sessions, unless rotation or recovery ends them early.
pub type PeriodicSessions = pallet_session::PeriodicSessions<Period, Offset>;

impl pallet_session::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type ValidatorId = AccountId;
	type ValidatorIdOf = ConvertInto;
	type ShouldEndSession = ValidatorRotation;
	type NextSessionRotation = PeriodicSessions;
	type SessionManager = NoteHistoricalRoot<Self, ValidatorRotation>;
	type SessionHandler = <SessionKeys as OpaqueKeys>::KeyTypeIdProviders;
	type Keys = SessionKeys;
	type DisablingStrategy = UpToLimitWithReEnablingDisablingStrategy;
	type WeightInfo = pallet_session::weights::SubstrateWeight<Runtime>;
	type Currency = Balances;
	type KeyDeposit = KeyDeposit;
}

impl pallet_session::historical::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type FullIdentification = ();
	type FullIdentificationOf = pallet_staking::UnitIdentificationOf<Self>;
}

parameter_types! {
	/// Number of blocks for which equivocations can be reported: the bonding duration, if no
	/// session ends early.
	pub const ReportLongevity: u64 = (BONDING_DURATION * SESSIONS_PER_ERA * SESSION_LENGTH) as u64;
}

impl pallet_grandpa::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = ();
	type MaxAuthorities = MaxMembers;
	type MaxNominators = ConstU32<1_000>;
	/// Number of set ids by session that are kept for equivocation proofs: enough for the bonding
	/// duration if each session ends early once.
	type MaxSetIdSessionEntries = ConstU64<{ (BONDING_DURATION * SESSIONS_PER_ERA * 2) as u64 }>;
	type KeyOwnerProof = sp_session::MembershipProof;
	type EquivocationReportSystem = ReportedEquivocations<
		Self,
		pallet_grandpa::EquivocationReportSystem<Self, Offences, Historical, ReportLongevity>,
		Historical,
		ValidatorRotation,
	>;
}

impl pallet_offences::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type IdentificationTuple = pallet_session::historical::IdentificationTuple<Self>;
	type OnOffenceHandler = Staking;
}
