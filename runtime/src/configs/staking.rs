//! Staking, which elects `active + reserve` on chain.

use core::marker::PhantomData;

use alloc::vec::Vec;
use frame_election_provider_support::{
	bounds::{ElectionBounds, ElectionBoundsBuilder},
	onchain, BoundedSupportsOf, ElectionProvider, PageIndex, SequentialPhragmen,
};
use frame_support::{
	pallet_prelude::ValueQuery,
	parameter_types,
	traits::{ConstU32, Nothing},
	weights::Weight,
};
use frame_system::EnsureRoot;
use sp_runtime::{curve::PiecewiseLinear, Perbill};
use sp_staking::currency_to_vote::{CurrencyToVote, U128CurrencyToVote};

use pallet_session::SessionManager;
use sp_staking::SessionIndex;

use crate::{
	configs::understudy::MaxMembers,
	constants::{ERA_LENGTH, SESSIONS_PER_ERA},
	*,
};

/// Number of eras after which a slash is applied.
pub const SLASH_DEFER_DURATION: u32 = 3;
/// Number of eras for which stake stays bonded, and can be slashed, after its owner has left.
pub const BONDING_DURATION: u32 = 28;

pallet_staking_reward_curve::build! {
	const REWARD_CURVE: PiecewiseLinear<'static> = curve!(
		min_inflation: 0_025_000,
		max_inflation: 0_100_000,
		ideal_stake: 0_500_000,
		falloff: 0_050_000,
		max_piece_count: 40,
		test_precision: 0_005_000,
	);
}

parameter_types! {
	pub const SessionsPerEra: u32 = SESSIONS_PER_ERA;
	pub const BondingDuration: u32 = BONDING_DURATION;
	/// Number of eras in which governance can cancel a slash: an hour and a half here, because eras
	/// are short. A production chain uses all of the bonding duration but one era.
	pub const SlashDeferDuration: u32 = SLASH_DEFER_DURATION;
	pub const RewardCurve: &'static PiecewiseLinear<'static> = &REWARD_CURVE;
	/// Bounds of voters and targets, because the election runs on chain.
	pub Bounds: ElectionBounds =
		ElectionBoundsBuilder::default().voters_count(5_000.into()).targets_count(1_250.into()).build();
}

/// Election of the active set and the reserve.
pub struct OnChainElection;

impl onchain::Config for OnChainElection {
	type System = Runtime;
	type Sort = frame_support::traits::ConstBool<true>;
	type Solver = SequentialPhragmen<AccountId, Perbill>;
	type DataProvider = Staking;
	type WeightInfo = ();
	type Bounds = Bounds;
	type MaxBackersPerWinner = ConstU32<1_024>;
	type MaxWinnersPerPage = MaxMembers;
}

/// Backing of each winner of the election in this block. Rotation takes all of them at once in the
/// same block, so nothing is written to the database, unless the election fails because of too few
/// winners. The next election overwrites what is left.
#[frame_support::storage_alias]
pub type LatestBackings = StorageValue<Election, Vec<(AccountId, u128)>, ValueQuery>;

/// Election provider that stores the backings of its winners in [`LatestBackings`].
pub struct WithBackings<Inner>(PhantomData<Inner>);

impl<Inner: ElectionProvider<AccountId = AccountId>> ElectionProvider for WithBackings<Inner> {
	type AccountId = AccountId;
	type BlockNumber = Inner::BlockNumber;
	type Error = Inner::Error;
	type MaxWinnersPerPage = Inner::MaxWinnersPerPage;
	type MaxBackersPerWinner = Inner::MaxBackersPerWinner;
	type MaxBackersPerWinnerFinal = Inner::MaxBackersPerWinnerFinal;
	type Pages = Inner::Pages;
	type DataProvider = Inner::DataProvider;

	fn elect(page: PageIndex) -> Result<BoundedSupportsOf<Self>, Self::Error> {
		let supports = Inner::elect(page)?;
		// The same conversion as for staking's exposures.
		let issuance = Balances::total_issuance();
		let backing = |votes: u128| U128CurrencyToVote::to_currency(votes, issuance);
		let backings = supports.iter().map(|(who, support)| (who.clone(), backing(support.total)));
		LatestBackings::put(backings.collect::<Vec<_>>());
		Ok(supports)
	}

	fn duration() -> Self::BlockNumber {
		Inner::duration()
	}

	fn start() -> Result<(), Self::Error> {
		Inner::start()
	}

	fn status() -> Result<Option<Weight>, ()> {
		Inner::status()
	}
}

/// Block in which the last era was planned.
#[frame_support::storage_alias]
pub type EraPlanned = StorageValue<Election, BlockNumber, ValueQuery>;

/// Session manager that lets staking plan an era no sooner than [`ERA_LENGTH`] blocks after the
/// last one, however many sessions end early in between. Otherwise a handful of rotations would end
/// eras within minutes, and thereby shorten the deferral of slashes and the bonding duration.
pub struct ErasByTime;

impl SessionManager<AccountId> for ErasByTime {
	fn new_session(index: SessionIndex) -> Option<Vec<AccountId>> {
		let now = System::block_number();
		let forced = pallet_staking::ForceEra::<Runtime>::get() != pallet_staking::Forcing::NotForcing;
		if !forced && now.saturating_sub(EraPlanned::get()) < ERA_LENGTH {
			return None;
		}
		let before = pallet_staking::CurrentEra::<Runtime>::get();
		let winners = <Staking as SessionManager<AccountId>>::new_session(index);
		// A failed election is repeated at the next session.
		if pallet_staking::CurrentEra::<Runtime>::get() != before {
			EraPlanned::put(now);
		}
		winners
	}

	fn new_session_genesis(index: SessionIndex) -> Option<Vec<AccountId>> {
		<Staking as SessionManager<AccountId>>::new_session_genesis(index)
	}

	fn start_session(index: SessionIndex) {
		<Staking as SessionManager<AccountId>>::start_session(index)
	}

	fn end_session(index: SessionIndex) {
		<Staking as SessionManager<AccountId>>::end_session(index)
	}
}

impl pallet_staking::Config for Runtime {
	type OldCurrency = Balances;
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type CurrencyBalance = Balance;
	type UnixTime = Timestamp;
	type CurrencyToVote = U128CurrencyToVote;
	type ElectionProvider = WithBackings<onchain::OnChainExecution<OnChainElection>>;
	type GenesisElectionProvider = Self::ElectionProvider;
	type NominationsQuota = pallet_staking::FixedNominationsQuota<16>;
	type HistoryDepth = ConstU32<84>;
	type RewardRemainder = ();
	type RuntimeEvent = RuntimeEvent;
	type Slash = ();
	type Reward = ();
	type SessionsPerEra = SessionsPerEra;
	type BondingDuration = BondingDuration;
	type SlashDeferDuration = SlashDeferDuration;
	type AdminOrigin = EnsureRoot<AccountId>;
	type SessionInterface = Self;
	type EraPayout = pallet_staking::ConvertCurve<RewardCurve>;
	type NextNewSession = Session;
	type MaxExposurePageSize = ConstU32<64>;
	type MaxValidatorSet = MaxMembers;
	// Unsorted, which suffices for as many stakers as the election's bounds allow. A chain with
	// more uses a bags-list.
	type VoterList = pallet_staking::UseNominatorsAndValidatorsMap<Self>;
	type TargetList = pallet_staking::UseValidatorsMap<Self>;
	type MaxUnlockingChunks = ConstU32<32>;
	type MaxControllersInDeprecationBatch = ConstU32<100>;
	type EventListeners = ();
	type Filter = Nothing;
	type BenchmarkingConfig = BenchmarkingConfig;
	type WeightInfo = pallet_staking::weights::SubstrateWeight<Runtime>;
}

/// Sizes of the staking pallet's benchmarks.
pub struct BenchmarkingConfig;

impl pallet_staking::BenchmarkingConfig for BenchmarkingConfig {
	type MaxNominators = ConstU32<1_000>;
	type MaxValidators = ConstU32<1_000>;
}
