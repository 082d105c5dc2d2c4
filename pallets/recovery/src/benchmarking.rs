//! Benchmarks of every call, the vote's authorization, and the hook's parts, with the number of members as a component. Two thirds
//! of the members sit.

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
use understudy_primitives::statement::Statement;

use crate::*;

/// What the benchmarks need the runtime to do.
pub trait BenchmarkHelper<AccountId> {
	/// Elects so many members, all of whom can be seated, and seats two thirds of them.
	fn elect(members: u32) -> Vec<AccountId>;
	/// Gives an account session keys, this heartbeat key among them.
	fn set_key(who: &AccountId, key: AuthorityId);
}

/// The members that the components range over.
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

/// A chain of `n` members that degraded in block 50 and proposed a set in block 60. All members but the first have voted, and as many
/// rosters of them are in flight as can be.
fn degraded<T: Config>(n: u32) -> Vec<T::AccountId> {
	let members = T::BenchmarkHelper::elect(n);
	set_block::<T>(100);
	let anchor = Some(BlockId { number: 50, hash: hash::<T>(50) });
	frame_system::BlockHash::<T>::insert(BlockNumberFor::<T>::from(18u32), hash::<T>(18));
	let mut view = View::default();
	view.hear(0, 1, 18, Moment { block: 20, time: 0 });
	Status::<T>::put(State {
		mode: Mode::DegradedSafe,
		since: Moment { block: 50, time: 0 },
		incident: T::Log::open_incident(),
		view,
		heard: 20,
		anchor,
		proposal: Some(BlockId { number: 60, hash: hash::<T>(60) }),
		mark: Some(50),
		..Default::default()
	});
	let mut rosters = RostersOf::<T>::default();
	for since in 0..in_flight::MOST - 1 {
		let active = n - n / 3;
		rosters.push(since, Roster { active, members: BoundedVec::truncate_from(members.clone()) }, 0);
	}
	Rosters::<T>::put(rosters);
	let present = MembersOf::<T>::truncate_from(members[1..].to_vec());
	Proposed::<T>::put(MembersOf::<T>::truncate_from(T::Seats::reseated(&present)));
	Present::<T>::put(present);
	let cast = |who: &T::AccountId| Cast { who: who.clone(), base: 18 };
	Votes::<T>::put(BoundedVec::truncate_from(members[1..].iter().map(cast).collect()));
	members
}

fn signed<T: Config>(who: &T::AccountId, key: &AuthorityId, number: u32) -> SignedVote<T> {
	let proposal = BlockId { number, hash: hash::<T>(number) };
	let statement = Vote { who: who.clone(), proposal, base: BlockId { number: 18, hash: hash::<T>(18) } };
	let signature = statement.sign(key, &Pallet::<T>::genesis()).expect("the key was generated");
	Signed { statement, signature }
}

/// The same chain before anything was proposed, and the word of its first member.
fn gathering<T: Config>(n: u32) -> SignedPresence<T> {
	let who = degraded::<T>(n).remove(0);
	let key = key_of::<T>(&who);
	Proposed::<T>::kill();
	Votes::<T>::kill();
	let anchor = Status::<T>::mutate(|state| {
		state.proposal = None;
		state.anchor.expect("it is set")
	});
	let statement = Presence { who, anchor };
	let signature = statement.sign(&key, &Pallet::<T>::genesis()).expect("the key was generated");
	Signed { statement, signature }
}

fn key_of<T: Config>(who: &T::AccountId) -> AuthorityId {
	let key = AuthorityId::generate_pair(None);
	T::BenchmarkHelper::set_key(who, key.clone());
	key
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

	#[benchmark]
	fn note_finality() {
		// The hook has read it in this block.
		let key = Status::<T>::hashed_key();
		frame_benchmarking::benchmarking::add_to_whitelist(key.to_vec().into());
		set_block::<T>(9);
		#[extrinsic_call]
		_(RawOrigin::None, 7u32.into());
		assert_eq!(Status::<T>::get().heard, 9);
	}

	#[benchmark]
	fn vote() {
		let who = degraded::<T>(MEMBERS).remove(0);
		let key = key_of::<T>(&who);
		let signed = signed::<T>(&who, &key, 60);
		#[extrinsic_call]
		_(RawOrigin::Authorized, signed);
		assert_eq!(Votes::<T>::get().len() as u32, MEMBERS);
	}

	#[benchmark]
	fn authorize_vote(n: Linear<4, MEMBERS>) -> Result<(), BenchmarkError> {
		let members = degraded::<T>(n);
		let who = members[0].clone();
		let key = key_of::<T>(&who);
		let call = Call::<T>::vote { signed: signed::<T>(&who, &key, 60) };
		#[block]
		{
			let authorized = call.authorize(TransactionSource::External).expect("it authorizes itself");
			authorized.map_err(|_| "refused")?;
		}
		Ok(())
	}

	#[benchmark]
	fn present() {
		let signed = gathering::<T>(MEMBERS);
		#[extrinsic_call]
		_(RawOrigin::Authorized, signed);
		assert_eq!(Present::<T>::get().len() as u32, MEMBERS);
	}

	#[benchmark]
	fn authorize_present(n: Linear<4, MEMBERS>) -> Result<(), BenchmarkError> {
		let call = Call::<T>::present { signed: gathering::<T>(n) };
		#[block]
		{
			let authorized = call.authorize(TransactionSource::External).expect("it authorizes itself");
			authorized.map_err(|_| "refused")?;
		}
		Ok(())
	}

	#[benchmark]
	fn report_double_vote() {
		let who = degraded::<T>(MEMBERS).remove(0);
		let key = key_of::<T>(&who);
		let (one, other) = (signed::<T>(&who, &key, 50), signed::<T>(&who, &key, 51));
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
	fn want() -> Result<(), BenchmarkError> {
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

	/// With what is looked at in the end of a block.
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
		// Those in reserve live, and as many of the active: all the others lose their seats.
		let reserve = members.len() / 3;
		let living = members[..reserve].iter().chain(&members[members.len() - reserve..]).cloned().collect();
		Present::<T>::put(MembersOf::<T>::truncate_from(living));
		let quorum = Some((members.len() as u32, 18));
		#[block]
		{
			Pallet::<T>::change(&mut state, Mode::RecoveryInProgress, T::Log::now(), quorum);
		}
		assert_eq!(state.mode, Mode::RecoveryInProgress);
	}
}
