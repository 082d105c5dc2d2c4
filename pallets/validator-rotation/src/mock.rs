//! A chain with the real session pallet; tests control elections, health and finality, and read the
//! records.

use std::collections::BTreeMap;

use frame_support::{derive_impl, parameter_types, traits::Hooks};
use frame_system::EnsureRoot;
use sp_runtime::{
	testing::UintAuthorityId,
	traits::{ConvertInto, OpaqueKeys},
	BuildStorage, KeyTypeId, Perbill,
};
use sp_staking::{
	offence::{OffenceError, ReportOffence},
	SessionIndex,
};
use understudy_primitives::{
	Backing, Detectors, Evidence, FailoverLog, Health, IncidentId, Judged, Judgement, JudgementHandler,
	MemberIndex, Moment, NewRecord, RecordKind, RecordSeq, RosterHandler, Seat, Tag, Tags, Verdict, Verdicts,
	WindowIndex,
};

use crate as pallet_validator_rotation;
use crate::{
	lifecycle::Durations,
	penalty::{Curve, Outage},
	BreakerRules,
};

#[frame_support::runtime]
mod runtime {
	#[runtime::runtime]
	#[runtime::derive(
		RuntimeCall,
		RuntimeEvent,
		RuntimeError,
		RuntimeOrigin,
		RuntimeHoldReason,
		RuntimeFreezeReason,
		RuntimeTask,
		RuntimeViewFunction
	)]
	pub struct Runtime;

	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type Balances = pallet_balances;
	#[runtime::pallet_index(2)]
	pub type Rotation = pallet_validator_rotation;
	#[runtime::pallet_index(3)]
	pub type Session = pallet_session;
}

type Block = frame_system::mocking::MockBlock<Runtime>;

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Runtime {
	type Block = Block;
	type AccountData = pallet_balances::AccountData<u64>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Runtime {
	type AccountStore = System;
}

parameter_types! {
	pub const Period: u64 = 50;
	pub const Offset: u64 = 0;
	/// Next answer of the inner manager.
	pub static Winners: Option<Vec<u64>> = None;
	pub static Frozen: bool = false;
	pub static Reseating: bool = false;
	pub static Activations: u32 = 0;
	pub static Stakes: BTreeMap<u64, u128> = BTreeMap::new();
	/// Verdicts on members that are not healthy, by account.
	pub static Ill: BTreeMap<u64, Verdict> = BTreeMap::new();
	/// Accounts whose registration is not current.
	pub static Expired: Vec<u64> = Vec::new();
	/// Seats that were disabled, each with its session.
	pub static Disabled: Vec<(SessionIndex, u32)> = Vec::new();
	/// `true` if a judgement is requested for the next block.
	pub static Hastened: bool = false;
	/// Records of decisions and of changes.
	pub static Records: Vec<NewRecord<u64>> = Vec::new();
	/// Records of evidence.
	pub static Findings: Vec<NewRecord<u64>> = Vec::new();
	pub static Incidents: IncidentId = 0;
	pub static Rosters: Vec<(Vec<u64>, Vec<u64>)> = Vec::new();
	/// Number of changed sets that the session handler received.
	pub static Changes: u32 = 0;
	pub static MayRotate: bool = true;
	/// `true` if another roster may take effect.
	pub static HasRoom: bool = true;
	pub static ActiveTarget: u32 = 4;
	pub static Floor: u32 = 4;
	pub static CoolOff: u64 = 20;
	pub static AutomationThreshold: Perbill = Perbill::from_percent(80);
	/// Largest number of unhealthy active members that is not a systemic outage.
	pub static SystemicAbove: usize = 1;
	pub static MaxMembers: u32 = 12;
	pub static Times: Durations<u64> = Durations { jail: 10, probation: 2, forgiveness: 1_000 };
	pub static Penalties: Curve = Curve { step: Perbill::from_percent(1), cap: Perbill::from_percent(5) };
	pub static Breaker: BreakerRules<u64> =
		BreakerRules { period: 500, evictions: 12, unnecessary: Perbill::from_percent(25), reprieve: 4 };
	pub static CaseLifetime: u64 = 30;
	/// Regions of accounts; all others are in the same one.
	pub static Regions: BTreeMap<u64, u8> = BTreeMap::new();
	/// Charged accounts, with fraction, session and incident.
	pub static Charges: Vec<(u64, Perbill, SessionIndex, IncidentId)> = Vec::new();
	/// Running window.
	pub static Windows: WindowIndex = 1;
}

/// Collects the offences that the offences pallet would charge.
pub struct Court;

impl ReportOffence<u64, u64, Outage<u64>> for Court {
	fn report_offence(_: Vec<u64>, outage: Outage<u64>) -> Result<(), OffenceError> {
		use sp_staking::offence::Offence;
		let fraction = outage.slash_fraction(1);
		Charges::mutate(|all| all.push((outage.offender, fraction, outage.session_index(), outage.slot())));
		Ok(())
	}
	fn is_known_offence(_: &[u64], _: &IncidentId) -> bool {
		false
	}
}

/// All accounts can be charged.
pub struct Everybody;

impl sp_runtime::traits::Convert<u64, Option<u64>> for Everybody {
	fn convert(who: u64) -> Option<u64> {
		Some(who)
	}
}

/// Inner manager that returns the list of [`Winners`], once.
pub struct Inner;

impl pallet_session::SessionManager<u64> for Inner {
	fn new_session(_: SessionIndex) -> Option<Vec<u64>> {
		Winners::mutate(Option::take)
	}
	fn start_session(_: SessionIndex) {}
	fn end_session(_: SessionIndex) {}
}

pub struct Stake;

impl Backing<u64> for Stake {
	fn backings(of: &[u64]) -> Vec<u128> {
		let stakes = Stakes::get();
		of.iter().map(|who| stakes.get(who).copied().unwrap_or(1_000 - u128::from(*who))).collect()
	}
}

/// Judges by [`Ill`], with the indices of the current roster.
pub struct Judge;

impl Verdicts for Judge {
	fn judgement() -> Judgement {
		let (active, reserve) = (Rotation::active(), Rotation::reserve());
		let ill = Ill::get();
		let unhealthy: Vec<Judged> = active
			.iter()
			.chain(&reserve)
			.enumerate()
			.filter_map(|(index, who)| {
				let seat = if index < active.len() { Seat::Active } else { Seat::Reserve };
				Some(Judged {
					index: index as MemberIndex,
					seat,
					verdict: *ill.get(who)?,
					grace: 0,
					since: 0,
				})
			})
			.collect();
		let suspects = unhealthy.iter().filter(|judged| judged.seat == Seat::Active).count();
		Judgement { window: Windows::get(), unhealthy, systemic: suspects > SystemicAbove::get() }
	}

	fn window() -> WindowIndex {
		Windows::get()
	}

	fn silent_for(judged: &Judged) -> Moment {
		let blocks = u32::from(judged.verdict.missed_slots);
		Moment { block: blocks, time: u64::from(blocks) * 3_000 }
	}

	fn evidence(judged: &Judged) -> Vec<Evidence> {
		vec![Evidence::Verdict(judged.verdict)]
	}

	fn request_judgement() {
		Hastened::set(true);
	}
}

pub struct Registered;

impl understudy_primitives::Registrations<u64> for Registered {
	fn current(who: &u64) -> Option<Tags> {
		let region = Tag::truncate_from(vec![Regions::get().get(who).copied().unwrap_or_default()]);
		(!Expired::get().contains(who)).then(|| Tags { region, operator: Tag::default() })
	}
}

pub struct Log;

impl FailoverLog<u64> for Log {
	fn now() -> Moment {
		Moment { block: System::block_number() as u32, time: System::block_number() * 3_000 }
	}
	fn count() -> RecordSeq {
		(Records::get().len() + Findings::get().len()) as RecordSeq
	}
	fn open_incident() -> IncidentId {
		Incidents::mutate(|last| {
			*last += 1;
			*last
		})
	}
	fn append(record: NewRecord<u64>) -> RecordSeq {
		use RecordKind::*;
		if matches!(record.kind, Suspected | Attributed | Cleared) {
			Findings::mutate(|findings| findings.push(record));
			return 0;
		}
		Records::mutate(|records| {
			records.push(record);
			records.len() as RecordSeq - 1
		})
	}
}

/// Freezes rotation as the tests set it.
pub struct Freeze;

impl understudy_primitives::RecoveryControl for Freeze {
	fn is_frozen() -> bool {
		Frozen::get()
	}
	fn is_reseating() -> bool {
		Reseating::get()
	}
	fn has_room() -> bool {
		HasRoom::get()
	}
	fn on_activation() {
		Activations::mutate(|all| *all += 1);
	}
}

pub struct Watcher;

impl RosterHandler<u64> for Watcher {
	fn on_roster(active: &[u64], reserve: &[u64]) {
		Rosters::mutate(|all| all.push((active.to_vec(), reserve.to_vec())));
	}
}

/// Counts changes, as consensus would see them.
pub struct Consensus;

impl pallet_session::SessionHandler<u64> for Consensus {
	const KEY_TYPE_IDS: &'static [KeyTypeId] = &[sp_runtime::key_types::DUMMY];
	fn on_genesis_session<Keys: OpaqueKeys>(_: &[(u64, Keys)]) {}
	fn on_new_session<Keys: OpaqueKeys>(changed: bool, _: &[(u64, Keys)], _: &[(u64, Keys)]) {
		if changed {
			Changes::mutate(|changes| *changes += 1);
		}
	}
	fn on_disabled(_: u32) {}
}

impl pallet_session::Config for Runtime {
	type ShouldEndSession = Rotation;
	type SessionManager = Rotation;
	type SessionHandler = Consensus;
	type ValidatorId = u64;
	type ValidatorIdOf = ConvertInto;
	type Keys = UintAuthorityId;
	type RuntimeEvent = RuntimeEvent;
	type NextSessionRotation = pallet_session::PeriodicSessions<Period, Offset>;
	type DisablingStrategy = ();
	type WeightInfo = ();
	type Currency = Balances;
	type KeyDeposit = ();
}

impl pallet_validator_rotation::Config for Runtime {
	type Inner = Inner;
	type Periodic = pallet_session::PeriodicSessions<Period, Offset>;
	type MayRotate = MayRotate;
	type SessionKeys = Session;
	type Registrations = Registered;
	type Backing = Stake;
	type Recovery = Freeze;
	type Verdicts = Judge;
	type Roster = Watcher;
	type Log = Log;
	type MaxMembers = MaxMembers;
	type ActiveTarget = ActiveTarget;
	type Floor = Floor;
	type CoolOff = CoolOff;
	type AutomationThreshold = AutomationThreshold;
	type Durations = Times;
	type Penalties = Penalties;
	type Breaker = Breaker;
	type CaseLifetime = CaseLifetime;
	type Disable = Seats;
	type GuardianOrigin = EnsureRoot<u64>;
	type Offender = u64;
	type OffenderOf = Everybody;
	type Offences = Court;
	type WeightInfo = ();
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = ();
}

/// Notes the seats that are disabled in the current session.
pub struct Seats;

impl understudy_primitives::DisableSeat for Seats {
	fn disable(seat: u32) {
		Disabled::mutate(|all| all.push((Session::current_index(), seat)));
	}
}

/// Runs a test at block 1 of a chain in which `elected` were elected, all of them keyed. Checks
/// after it the pallet's invariants, and that session and rotation agree. Accounts with lower
/// numbers have more backing.
pub fn build_with(elected: &[u64], test: impl FnOnce()) {
	Winners::set(Some(elected.to_vec()));
	let mut storage = frame_system::GenesisConfig::<Runtime>::default()
		.build_storage()
		.expect("the default genesis is valid");
	let keys = elected.iter().map(|who| (*who, *who, UintAuthorityId(*who))).collect();
	pallet_session::GenesisConfig::<Runtime> { keys, non_authority_keys: Vec::new() }
		.assimilate_storage(&mut storage)
		.expect("the session genesis is valid");
	sp_io::TestExternalities::from(storage).execute_with(|| {
		System::set_block_number(1);
		Records::set(Vec::new());
		Rosters::set(Vec::new());
		test();
		check();
	});
}

/// Runs a test with four active members, 11 to 14, and two standbys, 15 and 16.
pub fn build_and_execute(test: impl FnOnce()) {
	build_with(&[11, 12, 13, 14, 15, 16], test);
}

/// Checks the pallet's invariants, and that the session pallet has the same set in the same order.
pub fn check() {
	Rotation::do_try_state().expect("the pallet's invariants hold");
	assert_eq!(Session::validators(), Rotation::active());
}

/// Runs the hooks of the next block, in the runtime's order. With `judge` a window ends in it.
fn step(judge: bool) {
	System::set_block_number(System::block_number() + 1);
	if Hastened::take() || judge {
		Windows::mutate(|window| *window += 1);
		Rotation::on_judgement(&Judge::judgement());
	}
	Session::on_initialize(System::block_number());
	check();
}

/// Runs the next block, in which a window ends.
pub fn judged_block() {
	step(true);
}

/// Runs `count` blocks in which no window ends.
pub fn blocks(count: u64) {
	(0..count).for_each(|_| step(false));
}

/// Runs blocks until the next periodic session has begun.
pub fn next_session() {
	let before = Session::current_index();
	while Session::current_index() == before {
		step(false);
	}
}

/// Verdict of detectors S and P.
pub fn down() -> Verdict {
	Verdict {
		health: Health::Down,
		confidence: Perbill::from_percent(85),
		detectors: Detectors { slots: true, peers: true, ..Default::default() },
		missed_slots: 2,
		missed_windows: 0,
		unreachable_windows: 1,
		voteless_windows: 0,
	}
}

/// Verdict of detector V alone, for longer.
pub fn impaired() -> Verdict {
	Verdict {
		health: Health::Impaired,
		confidence: Perbill::from_percent(80),
		detectors: Detectors { votes: true, ..Default::default() },
		missed_slots: 0,
		missed_windows: 0,
		unreachable_windows: 0,
		voteless_windows: 4,
	}
}

/// Verdict of detector H alone.
pub fn suspect() -> Verdict {
	Verdict {
		health: Health::Suspect,
		confidence: Perbill::from_percent(40),
		detectors: Detectors { heartbeats: true, ..Default::default() },
		missed_slots: 0,
		missed_windows: 1,
		unreachable_windows: 0,
		voteless_windows: 0,
	}
}

/// Verdict on a member without any sign of life so far.
pub fn unheard() -> Verdict {
	Verdict { confidence: Perbill::zero(), detectors: Detectors::default(), missed_windows: 0, ..suspect() }
}

/// Sets the verdict on an account.
pub fn ail(who: u64, verdict: Verdict) {
	Ill::mutate(|ill| ill.insert(who, verdict));
}

/// Makes an account healthy.
pub fn heal(who: u64) {
	Ill::mutate(|ill| ill.remove(&who));
}

/// Runs `count` windows of one block each.
pub fn windows(count: u64) {
	(0..count).for_each(|_| step(true));
}

/// Returns the kinds of the records so far, with the members that lost and got the seat.
pub fn told() -> Vec<(RecordKind, Option<u64>, Option<u64>)> {
	Records::get().into_iter().map(|record| (record.kind, record.from, record.to)).collect()
}
