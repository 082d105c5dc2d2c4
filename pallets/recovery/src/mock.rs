//! Chain with the recovery pallet only: the tests set the members, the time and the finality
//! gadget.

use frame_support::{
	derive_impl, parameter_types,
	traits::{Contains, ContainsPair},
};
use frame_system::EnsureRoot;
use sp_core::H256;
use sp_runtime::{BuildStorage, Perbill};
use sp_staking::offence::{OffenceError, ReportOffence};
use understudy_primitives::{
	crypto::{AuthorityId, AuthoritySignature},
	statement::Statement,
	IncidentId, Moment, NewRecord, RecordKind, RecordSeq,
};
use understudy_test_support::{key, Pool};

use crate::{
	self as pallet_recovery, BlockId, FinalityReport, Presence, Rules, Signed, SignedPresence, SignedReport,
	SignedVote, Vote,
};

understudy_test_support::authorized_transactions!();

#[frame_support::runtime]
mod runtime {
	#[runtime::runtime]
	#[runtime::derive(
		RuntimeCall,
		RuntimeEvent,
		RuntimeError,
		RuntimeOrigin,
		RuntimeTask,
		RuntimeViewFunction
	)]
	pub struct Runtime;

	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type Recovery = pallet_recovery;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Runtime {
	type Block = Block;
	type BlockHashCount = frame_support::traits::ConstU64<50>;
	type BaseCallFilter = crate::NotFrozen<Runtime>;
}

pub const RULES: Rules = Rules {
	stall_time: 30_000,
	stall_blocks: 8,
	vote_after: 2,
	delay: 4,
	patience: 30,
	resume_after: 10,
	cool_off: 100,
	intake: Perbill::from_percent(10),
};

parameter_types! {
	pub static Active: Vec<u64> = vec![11, 12, 13, 14];
	pub static Reserve: Vec<u64> = vec![15, 16];
	/// Members that have not shown their readiness.
	pub static Unready: Vec<u64> = Vec::new();
	/// Members that use the key of another number.
	pub static Moved: Vec<(u64, u64)> = Vec::new();
	/// `true` if a change of the set is in progress.
	pub static Changing: bool = false;
	/// Sets that were to be seated.
	pub static Reseated: Vec<Vec<u64>> = Vec::new();
	/// Forced changes: delay, finality base, and id of the preceding set.
	pub static Forced: Vec<(u64, u64, u64)> = Vec::new();
	/// Number of this branch, and the last block that both branches have.
	pub static Branch: u64 = 0;
	pub static Parted: u64 = u64::MAX;
	/// Id of the authority set.
	pub static SetId: u64 = 0;
	pub static MayForce: bool = true;
	pub static Records: Vec<NewRecord<u64>> = Vec::new();
	pub static Incidents: IncidentId = 0;
	pub static Timing: Rules = RULES;
	pub static Charged: Vec<(u64, u32, Perbill)> = Vec::new();
	/// Session of the current block.
	pub static CurrentSession: u32 = 3;
	pub const Tenth: Perbill = Perbill::from_percent(10);
}

/// Returns the key that an account uses: that of its own number, or of another one.
fn key_in_force(who: u64) -> Option<AuthorityId> {
	let moved = Moved::get().iter().find(|(of, _)| *of == who).map(|(_, to)| *to);
	(10..20).contains(&who).then(|| key(moved.unwrap_or(who)))
}

pub struct TestElectorate;

impl understudy_primitives::Electorate<u64, AuthorityId> for TestElectorate {
	fn members() -> Vec<(u64, Option<AuthorityId>)> {
		let members = [Active::get(), Reserve::get()].concat();
		members.into_iter().map(|who| (who, key_in_force(who))).collect()
	}
	fn ready() -> Vec<bool> {
		let members = [Active::get(), Reserve::get()].concat();
		members.iter().map(|who| !Unready::get().contains(who)).collect()
	}
}

pub struct TestSeats;

impl understudy_primitives::Seats<u64> for TestSeats {
	fn is_changing() -> bool {
		Changing::get()
	}
	/// Responsive members take as many seats as there are; the rest stay with unresponsive members.
	fn reseated(living: &[u64]) -> Vec<u64> {
		let seats = Active::get();
		let dead = seats.iter().filter(|who| !living.contains(who)).copied();
		let mut all: Vec<u64> = living.to_vec();
		all.sort_unstable();
		all.into_iter().chain(dead).take(seats.len()).collect()
	}
	fn reseat(set: &[u64], _: IncidentId) {
		Reseated::mutate(|all| all.push(set.to_vec()));
	}
}

pub struct TestFinality;

impl understudy_primitives::ForceFinality<u64> for TestFinality {
	fn may_force() -> bool {
		MayForce::get()
	}
	fn set_id() -> u64 {
		SetId::get()
	}
	fn force(delay: u64, base: u64, set_id: u64) {
		Forced::mutate(|all| all.push((delay, base, set_id)));
	}
}

/// All members of the active set author by turns.
pub struct Author;

impl sp_runtime::traits::Convert<u32, u32> for Author {
	fn convert(seats: u32) -> u32 {
		System::block_number() as u32 % seats
	}
}

pub struct TestLog;

impl understudy_primitives::FailoverLog<u64> for TestLog {
	fn now() -> Moment {
		Moment { block: System::block_number() as u32, time: System::block_number() * 3_000 }
	}
	fn count() -> RecordSeq {
		Records::get().len() as RecordSeq
	}
	fn open_incident() -> IncidentId {
		Incidents::mutate(|last| {
			*last += 1;
			*last
		})
	}
	fn append(record: NewRecord<u64>) -> RecordSeq {
		Records::mutate(|records| {
			records.push(record);
			records.len() as RecordSeq - 1
		})
	}
}

pub struct Court;

impl ReportOffence<u64, u64, crate::offence::DoubleVote<u64>> for Court {
	fn report_offence(_: Vec<u64>, offence: crate::offence::DoubleVote<u64>) -> Result<(), OffenceError> {
		let charge = (offence.offender, offence.session, offence.fraction);
		Charged::mutate(|all| all.push(charge));
		Ok(())
	}
	fn is_known_offence(_: &[u64], _: &crate::offence::Votes) -> bool {
		false
	}
}

pub struct Everybody;

impl sp_runtime::traits::Convert<u64, Option<u64>> for Everybody {
	fn convert(who: u64) -> Option<u64> {
		(who != 16).then_some(who)
	}
}

/// Calls that are frozen while the mode is not `Safe`.
pub struct KillsStorage;

impl Contains<RuntimeCall> for KillsStorage {
	fn contains(call: &RuntimeCall) -> bool {
		matches!(call, RuntimeCall::System(frame_system::Call::kill_storage { .. }))
	}
}

/// Calls of account 1 that pass the gate without limit.
pub struct Remarks;

impl ContainsPair<u64, RuntimeCall> for Remarks {
	fn contains(who: &u64, call: &RuntimeCall) -> bool {
		*who == 1 && matches!(call, RuntimeCall::System(frame_system::Call::remark_with_event { .. }))
	}
}

impl pallet_recovery::Config for Runtime {
	type Electorate = TestElectorate;
	type Seats = TestSeats;
	type Author = Author;
	type Finality = TestFinality;
	type Log = TestLog;
	type Session = CurrentSession;
	type Rules = Timing;
	type DoubleVoteFraction = Tenth;
	type Offender = u64;
	type OffenderOf = Everybody;
	type Offences = Court;
	type Frozen = KillsStorage;
	type Urgent = Remarks;
	type GuardianOrigin = EnsureRoot<u64>;
	type MaxMembers = frame_support::traits::ConstU32<8>;
	type Priority = frame_support::traits::ConstU64<77>;
	type WeightInfo = ();
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = NoBenchmarks;
}

#[cfg(feature = "runtime-benchmarks")]
pub struct NoBenchmarks;

#[cfg(feature = "runtime-benchmarks")]
impl crate::benchmarking::BenchmarkHelper<u64> for NoBenchmarks {
	fn elect(_: u32) -> Vec<u64> {
		Vec::new()
	}
}

/// Returns a chain at block 1.
pub fn chain() -> sp_io::TestExternalities {
	let storage = frame_system::GenesisConfig::<Runtime>::default().build_storage();
	let mut ext: sp_io::TestExternalities = storage.expect("the default genesis is valid").into();
	ext.execute_with(|| {
		seat(&[11, 12, 13, 14], &[15, 16]);
		System::set_block_number(1);
	});
	ext
}

/// Runs a test at block 1 of a chain whose node has the keys of `local`, and checks the invariants
/// after it.
pub fn on_node(local: &[u64], test: impl FnOnce(&Pool)) {
	let mut ext = chain();
	let (pool, _) = understudy_test_support::surround(&mut ext, local);
	ext.execute_with(|| {
		test(&pool);
		check();
	});
}

/// Runs a test likewise, on a node without keys.
pub fn build_and_execute(test: impl FnOnce()) {
	on_node(&[], |_| test());
}

pub fn check() {
	Recovery::do_try_state().expect("the pallet's invariants hold");
}

/// Returns the hash of a block of this branch.
pub fn hash_of(number: u64) -> H256 {
	let branch = if number > Parted::get() { Branch::get() } else { 0 };
	H256::from_low_u64_be(number + 1_000 + branch * 1_000_000)
}

/// Begins the next block.
pub fn next_block() {
	use frame_support::traits::Hooks;
	let number = System::block_number();
	frame_system::BlockHash::<Runtime>::insert(number, hash_of(number));
	System::set_block_number(number + 1);
	Recovery::on_initialize(number + 1);
}

/// Makes the next block, whose author reports `finalized`.
pub fn block(finalized: u64) {
	next_block();
	let finalized = Recovery::note_finality(RuntimeOrigin::none(), finalized);
	assert_eq!(finalized, Ok(()));
	check();
}

/// Makes this many blocks in which finality lags by two.
pub fn healthy(count: u64) {
	(0..count).for_each(|_| block(System::block_number().saturating_sub(1)));
}

/// Makes this many blocks in which finality has stalled at `finalized`.
pub fn standing(count: u64, finalized: u64) {
	(0..count).for_each(|_| block(finalized));
}

/// Signs a statement with an account's key.
pub fn sign(who: u64, statement: &impl Statement) -> AuthoritySignature {
	understudy_test_support::sign(who, statement, &System::block_hash(0))
}

/// Returns a member's presence attestation for the current round.
pub fn there(who: u64, anchor: BlockId<H256>) -> SignedPresence<Runtime> {
	let statement = Presence { who, anchor, round: crate::Status::<Runtime>::get().round };
	Signed { signature: sign(who, &statement), statement }
}

/// Returns a member's finality report, as of the chain's current view.
pub fn final_for(who: u64, finalized: u64) -> SignedReport<Runtime> {
	let finalized = BlockId { number: finalized as u32, hash: hash_of(finalized) };
	let since = crate::Status::<Runtime>::get().view.since.block;
	let statement = FinalityReport { who, finalized, since };
	Signed { signature: sign(who, &statement), statement }
}

/// Returns a member's vote for a proposal.
pub fn signed(who: u64, proposal: BlockId<H256>, base: u64) -> SignedVote<Runtime> {
	let base = BlockId { number: base as u32, hash: hash_of(base) };
	let statement = Vote { who, proposal, base };
	Signed { signature: sign(who, &statement), statement }
}

/// Puts another roster into effect from this block on.
pub fn seat(active: &[u64], reserve: &[u64]) {
	use understudy_primitives::RosterHandler;
	Active::set(active.to_vec());
	Reserve::set(reserve.to_vec());
	Recovery::on_roster(active, reserve);
}

/// Returns the kinds of the records so far.
pub fn told() -> Vec<RecordKind> {
	Records::get().iter().map(|record| record.kind).collect()
}
