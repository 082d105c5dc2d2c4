//! All pallets but the suite's, as a parachain with collator selection has them, and its
//! transactions.

use cumulus_pallet_parachain_system::RelayNumberMonotonicallyIncreases;
use cumulus_pallet_weight_reclaim::StorageWeightReclaim;
use cumulus_primitives_core::relay_chain::MAX_POV_SIZE;
use frame_support::{
	derive_impl, parameter_types,
	traits::{
		ConstBool, ConstU128, ConstU16, ConstU32, ConstU64, ConstU8, EnqueueWithOrigin, VariantCountOf,
	},
	weights::{
		constants::{RocksDbWeight, WEIGHT_REF_TIME_PER_SECOND},
		IdentityFee, Weight,
	},
	PalletId,
};
use frame_system::{limits::BlockWeights, EnsureRoot};
use pallet_transaction_payment::FungibleAdapter;
use sp_runtime::{
	generic::Era,
	traits::{AccountIdLookup, ConvertInto, OpaqueKeys},
	Perbill,
};
use understudy_parachain::NoteIncluded;

use crate::{suite::MaxMembers, *};

/// Length of a slot in milliseconds: that of the relay chain.
pub const SLOT: u64 = 6_000;

/// Number of blocks that may wait for inclusion by the relay chain.
const UNINCLUDED: u32 = 3;

/// Number of blocks for each block of the relay chain.
const VELOCITY: u32 = 1;

/// Rules of parachain consensus: one block for each block of the relay chain.
type FixedVelocity =
	cumulus_pallet_aura_ext::FixedVelocityConsensusHook<Runtime, { SLOT as u32 }, VELOCITY, UNINCLUDED>;

/// Returns `true` if a collator may build on this block, as
/// [`AuraUnincludedSegmentApi`](cumulus_primitives_aura::AuraUnincludedSegmentApi) specifies.
pub fn can_build_upon(included: Hash, slot: cumulus_primitives_aura::Slot) -> bool {
	FixedVelocity::can_build_upon(included, slot)
}

/// Transaction extensions: `AuthorizeCall` accepts the suite's statements, which pay no fee.
pub type TxExtension = StorageWeightReclaim<
	Runtime,
	(
		frame_system::AuthorizeCall<Runtime>, // +
		frame_system::CheckNonZeroSender<Runtime>,
		frame_system::CheckSpecVersion<Runtime>,
		frame_system::CheckTxVersion<Runtime>,
		frame_system::CheckGenesis<Runtime>,
		frame_system::CheckEra<Runtime>,
		frame_system::CheckNonce<Runtime>,
		frame_system::CheckWeight<Runtime>,
		pallet_transaction_payment::ChargeTransactionPayment<Runtime>,
	),
>;

parameter_types! {
	pub const Version: RuntimeVersion = VERSION;
	pub Weights: BlockWeights = BlockWeights::with_sensible_defaults(
		Weight::from_parts(WEIGHT_REF_TIME_PER_SECOND.saturating_mul(2), MAX_POV_SIZE as u64),
		Perbill::from_percent(75),
	);
}

#[derive_impl(frame_system::config_preludes::ParaChainDefaultConfig)]
impl frame_system::Config for Runtime {
	type Block = Block;
	type BlockWeights = Weights;
	type BlockHashCount = ConstU32<2_400>;
	type AccountId = AccountId;
	type Nonce = Nonce;
	type Hash = Hash;
	type Lookup = AccountIdLookup<AccountId, ()>;
	type Version = Version;
	type AccountData = pallet_balances::AccountData<Balance>;
	type MaxConsumers = ConstU32<16>;
	type DbWeight = RocksDbWeight;
	type SS58Prefix = ConstU16<{ crate::SS58_PREFIX }>;
	type OnSetCode = cumulus_pallet_parachain_system::ParachainSetCode<Self>;
}

// +{
impl<LocalCall> frame_system::offchain::CreateTransactionBase<LocalCall> for Runtime
where
	RuntimeCall: From<LocalCall>,
{
	type Extrinsic = UncheckedExtrinsic;
	type RuntimeCall = RuntimeCall;
}

impl<LocalCall> frame_system::offchain::CreateTransaction<LocalCall> for Runtime
where
	RuntimeCall: From<LocalCall>,
{
	type Extension = TxExtension;

	fn create_transaction(call: RuntimeCall, extension: TxExtension) -> UncheckedExtrinsic {
		UncheckedExtrinsic::new_transaction(call, extension)
	}
}

impl<LocalCall> frame_system::offchain::CreateAuthorizedTransaction<LocalCall> for Runtime
where
	RuntimeCall: From<LocalCall>,
{
	fn create_extension() -> TxExtension {
		StorageWeightReclaim::new((
			frame_system::AuthorizeCall::new(),
			frame_system::CheckNonZeroSender::new(),
			frame_system::CheckSpecVersion::new(),
			frame_system::CheckTxVersion::new(),
			frame_system::CheckGenesis::new(),
			frame_system::CheckEra::from(Era::Immortal),
			frame_system::CheckNonce::from(0),
			frame_system::CheckWeight::new(),
			pallet_transaction_payment::ChargeTransactionPayment::from(0),
		))
	}
}
// +}

impl cumulus_pallet_weight_reclaim::Config for Runtime {
	type WeightInfo = ();
}

impl cumulus_pallet_parachain_system::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type OnSystemEvent = ();
	type SelfParaId = ParachainInfo;
	type OutboundXcmpMessageSource = ();
	// The example exchanges no messages.
	type DmpQueue = EnqueueWithOrigin<(), ConstU8<0>>;
	type ReservedDmpWeight = ();
	type XcmpMessageHandler = ();
	type ReservedXcmpWeight = ();
	type CheckAssociatedRelayNumber = RelayNumberMonotonicallyIncreases;
	// - type ConsensusHook = FixedVelocity;
	type ConsensusHook = NoteIncluded<Runtime, FixedVelocity>; // +
	type RelayParentOffset = ConstU32<0>;
	type SchedulingSignatureVerifier = ();
	type WeightInfo = ();
}

impl staging_parachain_info::Config for Runtime {}

impl cumulus_pallet_aura_ext::Config for Runtime {}

impl pallet_timestamp::Config for Runtime {
	type Moment = u64;
	type OnTimestampSet = Aura;
	type MinimumPeriod = ConstU64<0>;
	type WeightInfo = pallet_timestamp::weights::SubstrateWeight<Runtime>;
}

impl pallet_aura::Config for Runtime {
	type AuthorityId = sp_consensus_aura::sr25519::AuthorityId;
	type MaxAuthorities = MaxMembers;
	type DisabledValidators = ();
	type AllowMultipleBlocksPerSlot = ConstBool<true>;
	type SlotDuration = ConstU64<SLOT>;
}

impl pallet_authorship::Config for Runtime {
	type FindAuthor = pallet_session::FindAccountFromAuthorIndex<Self, Aura>;
	type EventHandler = CollatorSelection;
}

parameter_types! {
	pub const PotId: PalletId = PalletId(*b"PotStake");
}

parameter_types! {
	/// Number of blocks without an authored block after which the pallet removes a collator. The
	/// reserve authors nothing, and rotation replaces collators that fail, so this is out of reach.
	/// The pallet adds it to block numbers, which must not overflow.
	// - pub const KickThreshold: BlockNumber = 6 * HOURS;
	pub const KickThreshold: BlockNumber = BlockNumber::MAX / 2; // +
}

impl pallet_collator_selection::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type Currency = Balances;
	type UpdateOrigin = EnsureRoot<AccountId>;
	type PotId = PotId;
	type MaxCandidates = MaxMembers;
	type MinEligibleCollators = ConstU32<4>;
	type MaxInvulnerables = MaxMembers;
	type KickThreshold = KickThreshold;
	type ValidatorId = AccountId;
	type ValidatorIdOf = ConvertInto;
	type ValidatorRegistration = Session;
	type WeightInfo = pallet_collator_selection::weights::SubstrateWeight<Runtime>;
}

impl pallet_balances::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeHoldReason = RuntimeHoldReason;
	type RuntimeFreezeReason = RuntimeFreezeReason;
	type WeightInfo = pallet_balances::weights::SubstrateWeight<Runtime>;
	type Balance = Balance;
	type DustRemoval = ();
	type ExistentialDeposit = ConstU128<1_000>;
	type AccountStore = System;
	type ReserveIdentifier = [u8; 8];
	type FreezeIdentifier = RuntimeFreezeReason;
	type MaxLocks = ConstU32<50>;
	type MaxReserves = ();
	type MaxFreezes = VariantCountOf<RuntimeFreezeReason>;
	type DoneSlashHandler = ();
}

impl pallet_sudo::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeCall = RuntimeCall;
	type WeightInfo = pallet_sudo::weights::SubstrateWeight<Runtime>;
}

impl pallet_transaction_payment::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type OnChargeTransaction = FungibleAdapter<Balances, ()>;
	type WeightToFee = IdentityFee<Balance>;
	type LengthToFee = IdentityFee<Balance>;
	type FeeMultiplierUpdate = ();
	type OperationalFeeMultiplier = ConstU8<5>;
	type WeightInfo = pallet_transaction_payment::weights::SubstrateWeight<Runtime>;
}

/// Regular ends of sessions: every ten minutes.
pub type PeriodicSessions = pallet_session::PeriodicSessions<ConstU32<100>, ConstU32<0>>;

impl pallet_session::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type ValidatorId = AccountId;
	type ValidatorIdOf = ConvertInto;
	// - type ShouldEndSession = PeriodicSessions;
	type ShouldEndSession = ValidatorRotation; // +
	type NextSessionRotation = PeriodicSessions;
	// - type SessionManager = CollatorSelection;
	type SessionManager = ValidatorRotation; // +
	type SessionHandler = <SessionKeys as OpaqueKeys>::KeyTypeIdProviders;
	type Keys = SessionKeys;
	type DisablingStrategy = ();
	type WeightInfo = pallet_session::weights::SubstrateWeight<Runtime>;
	type Currency = Balances;
	type KeyDeposit = ();
}
