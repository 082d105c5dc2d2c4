//! Benchmarks of every call, the authorizations, the gate, and the parts of the hook, with the
//! number of members as a component. Two thirds of the members are active.

use alloc::vec::Vec;
use frame_benchmarking::v2::*;
use frame_support::{
	dispatch::DispatchInfo,
	pallet_prelude::TransactionSource,
	traits::{Authorize, EnsureOrigin},
};
use frame_system::RawOrigin;
use sp_application_crypto::RuntimeAppPublic;
use sp_runtime::traits::{DispatchTransaction, Dispatchable, Hash};
use understudy_primitives::{statement::Statement, tolerated_faults, Moment};

use crate::{
	electorate::Refresh,
	in_flight::{Roster, Voter},
	view::View,
	*,
};

/// Functions of the runtime that the benchmarks need.
pub trait BenchmarkHelper<AccountId> {
	/// Elects this many members, all of which can be seated, and seats two thirds of them.
	fn elect(members: u32) -> Vec<AccountId>;
}

/// Maximum number of members, for the components.
const MEMBERS: u32 = 1_000;

fn hash<T: Config>(number: u32) -> T::Hash {
	T::Hashing::hash_of(&number)
}

fn set_block<T: Config>(number: u32) {
	for before in number.saturating_sub(1)..number {
		frame_system::BlockHash::<T>::insert(BlockNumberFor::<T>::from(before), hash::<T>(before));
	}
	frame_system::Pallet::<T>::set_block_number(number.into());
}

/// Sets up a chain of `n` members that degraded in block 50 and proposed a set in block 60. All
/// members but the first have voted, and the maximum number of rosters is in flight.
fn degraded<T: Config>(n: u32) -> Vec<T::AccountId> {
	let members = T::BenchmarkHelper::elect(n);
	set_block::<T>(100);
	let anchor = Some(BlockId { number: 50, hash: hash::<T>(50) });
	frame_system::BlockHash::<T>::insert(BlockNumberFor::<T>::from(18u32), hash::<T>(18));
	let view = View { finalized: 18, since: Moment { block: 20, time: 0 }, still: n };
	Stalled::<T>::put(Stall { finalized: 18, since: view.since, noticed: view.since, reports: n });
	let active = n - n / 3;
	Status::<T>::put(State {
		mode: Mode::DegradedSafe,
		since: Moment { block: 50, time: 0 },
		incident: T::Log::open_incident(),
		view,
		last_report: 20,
		seats: active,
		anchor,
		proposal: Some(BlockId { number: 60, hash: hash::<T>(60) }),
		resume_height: Some(50),
		..Default::default()
	});
	fill_rosters::<T>(&members, active, None);
	let present = MembersOf::<T>::truncate_from(members[1..].to_vec());
	Proposed::<T>::put(MembersOf::<T>::truncate_from(T::Seats::reseated(&present)));
	Present::<T>::put(present);
	let cast = |who: &T::AccountId| Cast { who: who.clone(), base: 18 };
	Votes::<T>::put(BoundedVec::truncate_from(members[1..].iter().map(cast).collect()));
	members
}

/// Stores the maximum number of rosters in flight, of these members. The first member has this key.
fn fill_rosters<T: Config>(members: &[T::AccountId], active: u32, key: Option<AuthorityId>) {
	let voter = |(index, who): (usize, &T::AccountId)| Voter {
		who: who.clone(),
		key: key.clone().filter(|_| index == 0),
		counts: true,
	};
	let voters: Vec<_> = members.iter().enumerate().map(voter).collect();
	let mut rosters = RostersOf::<T>::default();
	for since in 0..in_flight::MOST {
		rosters.push(since, Roster { active, members: BoundedVec::truncate_from(voters.clone()) }, 0);
	}
	Rosters::<T>::put(rosters);
}

fn signed<T: Config>(who: &T::AccountId, key: &AuthorityId, number: u32) -> SignedVote<T> {
	let proposal = BlockId { number, hash: hash::<T>(number) };
	let statement = Vote { who: who.clone(), proposal, base: BlockId { number: 18, hash: hash::<T>(18) } };
	let signature = statement.sign(key, &Pallet::<T>::genesis()).expect("the key was generated");
	Signed { statement, signature }
}

/// Sets up the same chain before the proposal. Returns the presence attestation of its first
/// member.
fn gathering<T: Config>(n: u32) -> SignedPresence<T> {
	let members = degraded::<T>(n);
	let (who, key) = (members[0].clone(), key_of_first::<T>(&members));
	Proposed::<T>::kill();
	Votes::<T>::kill();
	let anchor = Status::<T>::mutate(|state| {
		state.proposal = None;
		state.anchor.expect("the anchor is set")
	});
	let statement = Presence { who, anchor, round: 0 };
	let signature = statement.sign(&key, &Pallet::<T>::genesis()).expect("the key was generated");
	Signed { statement, signature }
}

/// Gives the first of these members a key of the local keystore, in every roster in flight.
fn key_of_first<T: Config>(members: &[T::AccountId]) -> AuthorityId {
	let key = AuthorityId::generate_pair(None);
	fill_rosters::<T>(members, Status::<T>::get().seats, Some(key.clone()));
	key
}

/// Sets up the same chain. Returns the report of its first member that no block later than the view
/// is final.
fn reporting<T: Config>(n: u32) -> SignedReport<T> {
	let members = degraded::<T>(n);
	let key = key_of_first::<T>(&members);
	let finalized = BlockId { number: 18, hash: hash::<T>(18) };
	let statement = FinalityReport { who: members[0].clone(), finalized, since: 20 };
	let signature = statement.sign(&key, &Pallet::<T>::genesis()).expect("the key was generated");
	Signed { statement, signature }
}

fn guardians<T: Config>() -> Result<T::RuntimeOrigin, BenchmarkError> {
	T::GuardianOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)
}

#[benchmarks(where
	T: Send + Sync,
	<T as frame_system::Config>::RuntimeCall: Dispatchable<Info = DispatchInfo> + From<frame_system::Call<T>>,
)]
mod benchmarks {
	use super::*;

	/// Includes a report that raises the view of a set of the maximum size.
	#[benchmark(pov_mode = Measured)]
	fn note_finality() {
		// The hook has already read the status in this block.
		let key = Status::<T>::hashed_key();
		frame_benchmarking::benchmarking::add_to_whitelist(key.to_vec().into());
		set_block::<T>(9);
		Status::<T>::mutate(|state| state.seats = MEMBERS);
		let mut view = View::default();
		Reports::<T>::mutate(|reports| {
			for seat in 1..tolerated_faults(MEMBERS) + 1 {
				reports.accept_report(&mut view, seat, MEMBERS, 7, Moment { block: 1, time: 0 });
			}
		});
		#[extrinsic_call]
		_(RawOrigin::None, 7u32.into());
		assert_eq!(Status::<T>::get().last_report, 9);
	}

	#[benchmark]
	fn vote() {
		let members = degraded::<T>(MEMBERS);
		let (who, key) = (members[0].clone(), key_of_first::<T>(&members));
		let signed = signed::<T>(&who, &key, 60);
		#[extrinsic_call]
		_(RawOrigin::Authorized, signed);
		assert_eq!(Votes::<T>::get().len() as u32, MEMBERS);
	}

	#[benchmark]
	fn authorize_vote(n: Linear<4, MEMBERS>) -> Result<(), BenchmarkError> {
		let members = degraded::<T>(n);
		let (who, key) = (members[0].clone(), key_of_first::<T>(&members));
		let call = Call::<T>::vote { signed: signed::<T>(&who, &key, 60) };
		#[block]
		{
			let authorized = call.authorize(TransactionSource::InBlock).expect("it authorizes itself");
			authorized.map_err(|_| "refused")?;
		}
		Ok(())
	}

	#[benchmark]
	fn attest_presence() {
		let signed = gathering::<T>(MEMBERS);
		#[extrinsic_call]
		_(RawOrigin::Authorized, signed);
		assert_eq!(Present::<T>::get().len() as u32, MEMBERS);
	}

	#[benchmark]
	fn authorize_present(n: Linear<4, MEMBERS>) -> Result<(), BenchmarkError> {
		let call = Call::<T>::attest_presence { signed: gathering::<T>(n) };
		#[block]
		{
			let authorized = call.authorize(TransactionSource::InBlock).expect("it authorizes itself");
			authorized.map_err(|_| "refused")?;
		}
		Ok(())
	}

	#[benchmark(pov_mode = Measured)]
	fn report_finality() {
		let signed = reporting::<T>(MEMBERS);
		#[extrinsic_call]
		_(RawOrigin::Authorized, signed);
		assert_eq!(Status::<T>::get().view.still, 1);
	}

	#[benchmark(pov_mode = Measured)]
	fn authorize_report(n: Linear<4, MEMBERS>) -> Result<(), BenchmarkError> {
		let call = Call::<T>::report_finality { signed: reporting::<T>(n) };
		#[block]
		{
			let authorized = call.authorize(TransactionSource::InBlock).expect("it authorizes itself");
			authorized.map_err(|_| "refused")?;
		}
		Ok(())
	}

	#[benchmark]
	fn report_double_vote() {
		let members = degraded::<T>(MEMBERS);
		let (who, key) = (members[0].clone(), key_of_first::<T>(&members));
		let (one, other) = (signed::<T>(&who, &key, 60), signed::<T>(&who, &key, 61));
		Pallet::<T>::open_ballot(&Status::<T>::get());
		BallotKeys::<T>::insert(60, &who, (key, false));
		let caller: T::AccountId = whitelisted_caller();
		#[extrinsic_call]
		_(RawOrigin::Signed(caller), one, other);
	}

	#[benchmark]
	fn veto() -> Result<(), BenchmarkError> {
		degraded::<T>(4);
		let origin = guardians::<T>()?;
		#[extrinsic_call]
		_(origin as T::RuntimeOrigin);
		assert!(Status::<T>::get().vetoed);
		Ok(())
	}

	#[benchmark]
	fn permit_recovery() -> Result<(), BenchmarkError> {
		degraded::<T>(4);
		Status::<T>::mutate(|state| state.vetoed = true);
		let origin = guardians::<T>()?;
		#[extrinsic_call]
		_(origin as T::RuntimeOrigin);
		assert!(!Status::<T>::get().vetoed);
		Ok(())
	}

	#[benchmark]
	fn gate() -> Result<(), BenchmarkError> {
		degraded::<T>(4);
		let call: <T as frame_system::Config>::RuntimeCall =
			frame_system::Call::<T>::remark { remark: Vec::new() }.into();
		let (who, info) = (whitelisted_caller::<T::AccountId>(), Default::default());
		let validated;
		#[block]
		{
			let origin = RawOrigin::Signed(who).into();
			validated = IntakeGate::<T>::new().validate_and_prepare(origin, &call, &info, 0, 4);
		}
		validated.map(drop).map_err(|_| "refused".into())
	}

	/// Includes the check at the end of a block.
	#[benchmark]
	fn tick() {
		set_block::<T>(9);
		Status::<T>::put(StateOf::<T>::default());
		#[block]
		{
			Pallet::<T>::tick();
			Pallet::<T>::look_back();
		}
	}

	#[benchmark(pov_mode = Measured)]
	fn refresh(n: Linear<4, MEMBERS>) {
		degraded::<T>(n);
		let mut rosters = RostersOf::<T>::default();
		rosters.push(0, Roster { active: 0, members: Default::default() }, 0);
		Rosters::<T>::put(rosters);
		let mut state = StateOf::<T>::default();
		(state.seats, state.refresh) = (n - n / 3, Refresh::Keys);
		#[block]
		{
			Pallet::<T>::refresh(&mut state, T::Log::now());
		}
		assert_eq!(state.refresh, Refresh::Done);
	}

	#[benchmark(pov_mode = Measured)]
	fn tally(n: Linear<4, MEMBERS>) {
		degraded::<T>(n);
		let state = Status::<T>::get();
		let quorum;
		#[block]
		{
			quorum = Pallet::<T>::quorum(&state, T::Log::now(), &T::Rules::get());
		}
		assert!(quorum.is_some());
	}

	#[benchmark(pov_mode = Measured)]
	fn change(n: Linear<12, MEMBERS>) {
		let members = degraded::<T>(n);
		let mut state = Status::<T>::get();
		// The reserve is responsive, and as many of the active members: all others lose their
		// seats.
		let reserve = members.len() / 3;
		let living: Vec<_> =
			members[..reserve].iter().chain(&members[members.len() - reserve..]).cloned().collect();
		Proposed::<T>::put(MembersOf::<T>::truncate_from(T::Seats::reseated(&living)));
		let quorum = Some((members.len() as u32, 18));
		#[block]
		{
			Pallet::<T>::change(&mut state, Mode::RecoveryInProgress, T::Log::now(), quorum);
		}
		assert_eq!(state.mode, Mode::RecoveryInProgress);
	}
}
