//! Benchmarks of every call, the vote's authorization, and the hook's parts, with the number of members as a component. Two thirds
//! of the members sit.

use alloc::vec::Vec;
use frame_benchmarking::v2::*;
use frame_support::{
	pallet_prelude::TransactionSource,
	traits::{Authorize, EnsureOrigin},
};
use frame_system::RawOrigin;
use sp_application_crypto::RuntimeAppPublic;
use sp_runtime::traits::Hash;

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

/// A chain of `n` members that degraded in block 50, all of whom but the first have voted.
fn degraded<T: Config>(n: u32) -> Vec<T::AccountId> {
	let members = T::BenchmarkHelper::elect(n);
	set_block::<T>(100);
	let anchor = Some(BlockId { number: 50, hash: hash::<T>(50) });
	frame_system::BlockHash::<T>::insert(BlockNumberFor::<T>::from(18u32), hash::<T>(18));
	let mut view = View::default();
	for _ in 0..view::WORDS {
		view.hear(18, Moment { block: 20, time: 0 });
	}
	Status::<T>::put(State {
		mode: Mode::DegradedSafe,
		since: Moment { block: 50, time: 0 },
		incident: T::Log::open_incident(),
		view,
		heard: 20,
		anchor,
		mark: Some(50),
		..Default::default()
	});
	let cast = |who: &T::AccountId| Cast { who: who.clone(), base: 18 };
	Votes::<T>::put(BoundedVec::truncate_from(members[1..].iter().map(cast).collect()));
	members
}

fn signed<T: Config>(who: &T::AccountId, key: &AuthorityId, anchor: BlockId<T::Hash>) -> SignedOf<T> {
	let vote = Vote { who: who.clone(), anchor, base: BlockId { number: 18, hash: hash::<T>(18) } };
	let signature = vote.sign(key, &Pallet::<T>::genesis()).expect("the key was generated");
	Signed { vote, signature }
}

fn key_of<T: Config>(who: &T::AccountId) -> AuthorityId {
	let key = AuthorityId::generate_pair(None);
	T::BenchmarkHelper::set_key(who, key.clone());
	key
}

fn guardians<T: Config>() -> Result<T::RuntimeOrigin, BenchmarkError> {
	T::GuardianOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)
}

#[benchmarks]
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
		let anchor = Status::<T>::get().anchor.expect("it is set");
		let signed = signed::<T>(&who, &key, anchor);
		#[extrinsic_call]
		_(RawOrigin::Authorized, signed);
		assert_eq!(Votes::<T>::get().len() as u32, MEMBERS);
	}

	#[benchmark]
	fn authorize_vote(n: Linear<4, MEMBERS>) -> Result<(), BenchmarkError> {
		let members = degraded::<T>(n);
		let who = members[0].clone();
		let key = key_of::<T>(&who);
		let anchor = Status::<T>::get().anchor.expect("it is set");
		let call = Call::<T>::vote { signed: signed::<T>(&who, &key, anchor) };
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
		let anchor = |number| BlockId { number, hash: hash::<T>(number) };
		let (one, other) = (signed::<T>(&who, &key, anchor(50)), signed::<T>(&who, &key, anchor(51)));
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
	fn tick() {
		set_block::<T>(9);
		Status::<T>::put(StateOf::<T>::default());
		#[block]
		{
			Pallet::<T>::tick();
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
		let quorum = Some((living, 18));
		#[block]
		{
			Pallet::<T>::change(&mut state, Mode::RecoveryInProgress, T::Log::now(), quorum);
		}
		assert_eq!(state.mode, Mode::RecoveryInProgress);
	}
}
