//! Understudy's pallets, and what they need to know of the chain.

use core::marker::PhantomData;

use alloc::{collections::BTreeMap, vec::Vec};
use codec::Encode;
use frame_support::{
	parameter_types,
	traits::{
		fungible::HoldConsideration, Contains, ContainsPair, EitherOfDiverse, Get, KeyOwnerProofSystem,
		LinearStoragePrice, Randomness,
	},
	weights::Weight,
};
use frame_system::EnsureRoot;
use sp_application_crypto::RuntimeAppPublic;
use sp_consensus_aura::sr25519::AuthorityId as AuraId;
use sp_runtime::{
	traits::{BlakeTwo256, Convert, Hash as _},
	transaction_validity::{TransactionPriority, TransactionValidityError},
	DispatchError,
};
use sp_staking::offence::OffenceReportSystem;
use understudy_primitives::{
	crypto::AuthorityId, keep_equivocation, Backing, DisableSeat, EquivocationHandler, Evidence,
	ForceFinality, HeartbeatKeys, MemberIndex, Slots, VoteKeys,
};

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
	/// The most members that a roster, and so an authority set, can have.
	pub const MaxMembers: u32 = 1_024;
	/// Before all that people send: a heartbeat that is late is worth nothing.
	pub const HeartbeatPriority: TransactionPriority = TransactionPriority::MAX / 2;
	/// Some 500 bytes each, and some 200 each incident.
	pub const KeepLast: u32 = 1_024;
	/// More seats than that are not taken at once.
	pub const MaxAwaiting: u32 = 32;
	/// Time for finality to reach the seat, and for the transaction to get in.
	pub const ReconcileWithin: BlockNumber = 10 * MINUTES;
	/// A witness who keeps headers pins the log after so many records, or once an hour.
	pub const CheckpointRecords: u64 = 64;
	pub const CheckpointBlocks: BlockNumber = HOURS;
}

/// The slots of Aura: author by turns.
pub struct AuraSlots;

impl Slots for AuraSlots {
	fn current() -> Option<u64> {
		Some(pallet_aura::CurrentSlot::<Runtime>::get().into())
	}

	fn duration() -> u64 {
		pallet_aura::Pallet::<Runtime>::slot_duration()
	}

	fn author_of(slot: u64, active: u32) -> Option<MemberIndex> {
		slot.checked_rem(active.into()).map(|index| index as MemberIndex)
	}
}

/// Heartbeat keys as the session pallet has them.
pub struct SessionHeartbeatKeys;

impl HeartbeatKeys<AccountId, AuthorityId> for SessionHeartbeatKeys {
	fn key_of(who: &AccountId) -> Option<AuthorityId> {
		Session::load_keys(who).map(|keys| keys.heartbeat)
	}

	fn owner_of(key: &AuthorityId) -> Option<AccountId> {
		Session::key_owner(understudy_primitives::crypto::KEY_TYPE, &key.to_raw_vec())
	}
}

/// The accounts behind GRANDPA's voters.
pub struct GrandpaKeys;

impl VoteKeys<AccountId> for GrandpaKeys {
	fn voter(key: &[u8]) -> Option<AccountId> {
		Session::key_owner(sp_consensus_grandpa::KEY_TYPE, key)
	}
}

parameter_types! {
	pub const RegistrationHold: RuntimeHoldReason =
		RuntimeHoldReason::Heartbeat(pallet_heartbeat::HoldReason::Registration);
	pub const RegistrationBase: Balance = deposit(1, 0);
	pub const RegistrationByte: Balance = deposit(0, 1);
}

/// Draws who probes whom from the hash of the last block. Its author may try many blocks until the draw pleases it; that
/// gains it nothing, for a quorum of reports is more than may collude, whoever is drawn.
pub struct LastBlockHash;

impl Randomness<Hash, BlockNumber> for LastBlockHash {
	fn random(subject: &[u8]) -> (Hash, BlockNumber) {
		let hash = (subject, System::parent_hash()).using_encoded(BlakeTwo256::hash);
		(hash, System::block_number().saturating_sub(1))
	}
}

impl pallet_heartbeat::Config for Runtime {
	type Keys = SessionHeartbeatKeys;
	type Slots = AuraSlots;
	#[cfg(not(feature = "runtime-benchmarks"))]
	type OnJudgement = ValidatorRotation;
	// What acting on a judgement takes is in the weights of whoever acts.
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
	type Randomness = LastBlockHash;
	type VoteKeys = GrandpaKeys;
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

/// A member's total stake in the latest election, as that has left it.
pub struct TotalStake;

impl Backing<AccountId> for TotalStake {
	fn backings(of: &[AccountId]) -> Vec<u128> {
		let backings: BTreeMap<AccountId, u128> = LatestBackings::take().into_iter().collect();
		of.iter().map(|who| backings.get(who).copied().unwrap_or_default()).collect()
	}
}

/// Whether the set may change: not while GRANDPA has a change pending, behind which another one would get lost.
pub struct NoChangePending;

impl Get<bool> for NoChangePending {
	fn get() -> bool {
		Grandpa::pending_change().is_none()
	}
}

/// Half of the guardians, or a referendum.
pub type GuardiansOrRoot = EitherOfDiverse<
	EnsureRoot<AccountId>,
	pallet_collective::EnsureProportionAtLeast<AccountId, pallet_collective::Instance1, 1, 2>,
>;

/// A member as the offences pallet knows it; staking looks up what stands behind it by era.
pub struct Identified;

impl Convert<AccountId, Option<(AccountId, ())>> for Identified {
	fn convert(who: AccountId) -> Option<(AccountId, ())> {
		Some((who, ()))
	}
}

/// Seats as the session pallet disables them.
pub struct SessionSeats;

impl DisableSeat for SessionSeats {
	fn disable(seat: u32) {
		Session::disable_index(seat);
	}
}

/// Tells rotation of each equivocation that GRANDPA's reports have proven, and keeps the proof in
/// the offchain index.
pub struct Equivocations<Inner>(PhantomData<Inner>);

/// A proof that a voter equivocated, and that its key was that of a member.
type EquivocationEvidence =
	(sp_consensus_grandpa::EquivocationProof<Hash, BlockNumber>, sp_session::MembershipProof);

impl<Inner> OffenceReportSystem<Option<AccountId>, EquivocationEvidence> for Equivocations<Inner>
where
	Inner: OffenceReportSystem<Option<AccountId>, EquivocationEvidence>,
{
	type Longevity = Inner::Longevity;

	fn publish_evidence(evidence: EquivocationEvidence) -> Result<(), ()> {
		Inner::publish_evidence(evidence)
	}

	fn check_evidence(evidence: EquivocationEvidence) -> Result<(), TransactionValidityError> {
		Inner::check_evidence(evidence)
	}

	fn process_evidence(
		reporter: Option<AccountId>,
		evidence: EquivocationEvidence,
	) -> Result<(), DispatchError> {
		let (proof, owner) = evidence.clone();
		Inner::process_evidence(reporter, evidence)?;
		let session = owner.session;
		let key = (sp_consensus_grandpa::KEY_TYPE, proof.offender().clone());
		if let Some((who, ())) = Historical::check_proof(key, owner) {
			let (set, round) = (proof.set_id(), proof.round());
			let evidence = Evidence::Equivocation { session, set, round, proof: keep_equivocation(&proof) };
			ValidatorRotation::on_equivocation(&who, evidence);
		}
		Ok(())
	}
}

/// The offences pallet and staking, as GRANDPA's pallet reckons them for its own reports.
pub struct OffenceWeight;

impl Get<Weight> for OffenceWeight {
	fn get() -> Weight {
		let nominators = <Runtime as pallet_grandpa::Config>::MaxNominators::get();
		<() as pallet_grandpa::WeightInfo>::report_equivocation(MaxMembers::get(), nominators)
	}
}

/// The authors by turns: Aura's authorities are the session's validators, in their order.
pub struct AuthorsByTurns;

impl Get<Vec<(AuraId, AccountId)>> for AuthorsByTurns {
	fn get() -> Vec<(AuraId, AccountId)> {
		pallet_aura::Authorities::<Runtime>::get().into_iter().zip(Session::validators()).collect()
	}
}

impl pallet_equivocation::Config for Runtime {
	type AuthorityId = AuraId;
	type Authors = AuthorsByTurns;
	type MaxAuthors = MaxMembers;
	type Session = CurrentSession;
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
	type MayRotate = NoChangePending;
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
	type Disable = SessionSeats;
	type GuardianOrigin = GuardiansOrRoot;
	type Offender = pallet_session::historical::IdentificationTuple<Runtime>;
	type OffenderOf = Identified;
	type Offences = Offences;
	type WeightInfo = crate::weights::pallet_validator_rotation::WeightInfo<Runtime>;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = crate::benchmarks::Helper;
}

/// As many as staking must elect at least, or the election fails and the last set stays: what is elected beyond it is the reserve.
pub struct SeatsToElect;

impl Get<u32> for SeatsToElect {
	fn get() -> u32 {
		pallet_staking::MinimumValidatorCount::<Runtime>::get().max(1)
	}
}

/// The session of the current block.
pub struct CurrentSession;

impl Get<u32> for CurrentSession {
	fn get() -> u32 {
		Session::current_index()
	}
}

/// When the current slot began: Aura knows that before anything else in the block happens.
pub struct SlotTime;

impl Get<u64> for SlotTime {
	fn get() -> u64 {
		u64::from(pallet_aura::CurrentSlot::<Runtime>::get()).saturating_mul(AuraSlots::duration())
	}
}

impl pallet_failover::Config for Runtime {
	type Session = CurrentSession;
	type Now = SlotTime;
	type Keys = SessionHeartbeatKeys;
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

/// GRANDPA as recovery sees it.
pub struct ForceGrandpa;

impl ForceFinality<BlockNumber> for ForceGrandpa {
	/// Not while a change is pending, behind which the forced one would get lost, nor as long after a forced one as the pallet
	/// refuses another.
	fn may_force() -> bool {
		let soon = Grandpa::next_forced().is_some_and(|next| next > System::block_number());
		Grandpa::pending_change().is_none() && !soon
	}

	fn set_id() -> u64 {
		pallet_grandpa::CurrentSetId::<Runtime>::get()
	}

	/// The pallet forces the change of the session that begins in this block, right after this. GRANDPA's clients drop the changes that
	/// are not final by then, so the pallet must not count them either.
	fn force(delay: BlockNumber, base: BlockNumber, set_id: u64) {
		pallet_grandpa::CurrentSetId::<Runtime>::put(set_id);
		pallet_grandpa::Stalled::<Runtime>::put((delay, base));
	}
}

/// The seat of the block's author: Aura's slots go around the active set.
pub struct AuthorSeat;

impl Convert<u32, u32> for AuthorSeat {
	fn convert(seats: u32) -> u32 {
		AuraSlots::current().and_then(|slot| AuraSlots::author_of(slot, seats)).unwrap_or_default()
	}
}

/// Who can be elected and how members sign holds still while finality does.
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

/// People must be able to act when it counts most.
pub struct ForGuardians;

impl ContainsPair<AccountId, RuntimeCall> for ForGuardians {
	fn contains(who: &AccountId, call: &RuntimeCall) -> bool {
		matches!(call, RuntimeCall::Guardians(_)) && Guardians::is_member(who)
	}
}

impl pallet_recovery::Config for Runtime {
	type Electorate = Heartbeat;
	type Seats = ValidatorRotation;
	type Author = AuthorSeat;
	type Finality = ForceGrandpa;
	type Log = Failover;
	type Session = CurrentSession;
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
