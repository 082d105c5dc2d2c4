//! Benchmarks of every call, of the handling of judgements and of planning a session, with the
//! number of members as a component.
//!
//! All members have session keys and a registration; two thirds of them are active.

use alloc::vec::Vec;
use frame_benchmarking::v2::*;
use frame_support::{traits::EnsureOrigin, BoundedVec};
use frame_system::RawOrigin;
use sp_runtime::traits::Saturating;
use understudy_primitives::{
	Detectors, Health, Judged, Judgement, JudgementHandler, MemberIndex, RosterHandler, Seat,
};

use crate::{breaker::Eviction, lifecycle::Absence, *};

/// Set-up of the runtime for the benchmarks.
pub trait BenchmarkHelper<AccountId> {
	/// Gives an account session keys and a current registration, so that it can be seated.
	fn make_able(who: &AccountId);
	/// Removes the registration.
	fn make_unable(who: &AccountId);
	/// Makes the evidence against a member of the roster suffice for any threshold.
	fn make_fail(index: MemberIndex);
	/// Sets the number of members that are seated.
	fn set_active_target(target: u32);
	/// Returns the storage keys that the session pallet reads of a member in the block in which a
	/// session is planned.
	fn read_elsewhere(who: &AccountId) -> Vec<Vec<u8>>;
}

impl<AccountId> BenchmarkHelper<AccountId> for () {
	fn make_able(_: &AccountId) {}
	fn make_unable(_: &AccountId) {}
	fn make_fail(_: MemberIndex) {}
	fn set_active_target(_: u32) {}
	fn read_elsewhere(_: &AccountId) -> Vec<Vec<u8>> {
		Vec::new()
	}
}

/// Largest number of members of the components.
const MEMBERS: u32 = 1_000;
/// Smallest number of members of the components; with fewer, none can be evicted.
const LEAST: u32 = 12;

/// Sets up `n` elected members, two thirds of them active.
pub fn members<T: Config>(n: u32) -> Vec<T::AccountId> {
	let all: Vec<T::AccountId> = (0..n).map(|index| account("member", index, 0)).collect();
	all.iter().for_each(T::BenchmarkHelper::make_able);
	let winner =
		|(place, who): (u128, &T::AccountId)| Winner { who: who.clone(), backing: u128::MAX - place };
	let winners: Vec<_> = (0..).zip(&all).map(winner).collect();
	let (active, reserve) = all.split_at(n as usize * 2 / 3);
	T::BenchmarkHelper::set_active_target(active.len() as u32);
	Elected::<T>::put(BoundedVec::truncate_from(winners));
	Active::<T>::put(MembersOf::<T>::truncate_from(active.to_vec()));
	Reserve::<T>::put(MembersOf::<T>::truncate_from(reserve.to_vec()));
	frame_system::Pallet::<T>::set_block_number(1u32.into());
	T::Roster::on_roster(active, reserve);
	Conducts::<T>::kill();
	all
}

/// Sets up `n` members of whose reserve only the last one can be seated: the search passes over all
/// others.
fn members_in_need<T: Config>(n: u32) -> Vec<T::AccountId> {
	let all = members::<T>(n);
	all[n as usize * 2 / 3..all.len() - 1].iter().for_each(T::BenchmarkHelper::make_unable);
	all
}

fn guardians<T: Config>() -> Result<T::RuntimeOrigin, BenchmarkError> {
	T::GuardianOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)
}

fn verdict() -> Verdict {
	let all = Detectors { slots: true, heartbeats: true, peers: true, votes: true };
	Verdict {
		health: Health::Down,
		confidence: Perbill::one(),
		detectors: all,
		missed_slots: 9,
		missed_windows: 9,
		unreachable_windows: 9,
		voteless_windows: 9,
	}
}

/// Returns a judgement in which this many active members fail.
fn judgement(failing: u32) -> Judgement {
	let judged = |index| Judged { index, seat: Seat::Active, verdict: verdict(), grace: 0, since: 0 };
	Judgement { window: 9, unhealthy: (0..failing).map(judged).collect(), systemic: false }
}

/// Stores as many cases as are allowed, the last of which is about this member. Returns its
/// incident.
fn cases<T: Config>(who: &T::AccountId) -> IncidentId {
	let case = |(incident, who): (u32, T::AccountId)| Case {
		incident: incident.into(),
		who,
		verdict: verdict(),
		expires: u32::MAX.into(),
		vetoed: false,
	};
	let others = (1..MAX_CASES).map(|index| account("case", index, 0));
	let all: Vec<_> = (1..).zip(others.chain([who.clone()])).map(case).collect();
	Cases::<T>::put(BoundedVec::truncate_from(all));
	MAX_CASES.into()
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn retire() {
		let who = members::<T>(MEMBERS).remove(0);
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()));
		assert!(Retiring::<T>::get().contains(&who));
	}

	#[benchmark]
	fn rejoin() {
		let who = members::<T>(MEMBERS).pop().expect("there are some");
		Pallet::<T>::with_conduct(&who, |conduct| conduct.absence = Some(Absence::Retired));
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()));
		assert!(Conducts::<T>::get()[0].1.absence != Some(Absence::Retired));
	}

	#[benchmark]
	fn enforce(n: Linear<LEAST, MEMBERS>) {
		let who = members_in_need::<T>(n).remove(0);
		T::BenchmarkHelper::make_fail(0);
		let caller: T::AccountId = whitelisted_caller();
		#[extrinsic_call]
		_(RawOrigin::Signed(caller), who);
		assert_eq!(Pending::<T>::get().len(), 1);
	}

	#[benchmark]
	fn approve(n: Linear<LEAST, MEMBERS>) -> Result<(), BenchmarkError> {
		let who = members_in_need::<T>(n).remove(0);
		T::BenchmarkHelper::make_fail(0);
		let incident = cases::<T>(&who);
		let origin = guardians::<T>()?;
		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, incident);
		assert_eq!(Pending::<T>::get().len(), 1);
		Ok(())
	}

	#[benchmark]
	fn veto() -> Result<(), BenchmarkError> {
		let who = members::<T>(LEAST).remove(0);
		let incident = cases::<T>(&who);
		let origin = guardians::<T>()?;
		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, incident);
		assert!(Cases::<T>::get().iter().any(|case| case.vetoed));
		Ok(())
	}

	#[benchmark]
	fn force_evict(n: Linear<LEAST, MEMBERS>) -> Result<(), BenchmarkError> {
		let who = members::<T>(n).remove(0);
		// No sign of life of the reserve is known yet: all of it is searched, and the set shrinks.
		let origin = guardians::<T>()?;
		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, who);
		assert_eq!(Pending::<T>::get().len(), 1);
		Ok(())
	}

	#[benchmark]
	fn force_seat(n: Linear<LEAST, MEMBERS>) -> Result<(), BenchmarkError> {
		let all = members::<T>(n);
		let (first, last) = (all[0].clone(), all[all.len() - 1].clone());
		let origin = guardians::<T>()?;
		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, last, first);
		assert_eq!(Pending::<T>::get().len(), 1);
		Ok(())
	}

	#[benchmark]
	fn suspend_automation() -> Result<(), BenchmarkError> {
		let origin = guardians::<T>()?;
		#[extrinsic_call]
		_(origin as T::RuntimeOrigin);
		assert!(Suspended::<T>::exists());
		Ok(())
	}

	#[benchmark]
	fn resume_automation() -> Result<(), BenchmarkError> {
		let all = members::<T>(MEMBERS);
		remember::<T>(&all);
		Suspended::<T>::put(Suspension::Guardians);
		let origin = guardians::<T>()?;
		#[extrinsic_call]
		_(origin as T::RuntimeOrigin);
		assert!(!Suspended::<T>::exists());
		Ok(())
	}

	#[benchmark(pov_mode = Measured)]
	fn quiet() {
		members::<T>(MEMBERS);
		#[block]
		{
			Pallet::<T>::on_judgement(&judgement(0));
		}
		assert!(!Held::<T>::exists());
	}

	#[benchmark(pov_mode = Measured)]
	fn follow(k: Linear<3, MEMBERS>) {
		let all = members::<T>(MEMBERS);
		let each = &all[..k as usize / 3];
		remember::<T>(each);
		let suspicion = |who: &T::AccountId| Suspicion {
			who: who.clone(),
			first: T::Log::now(),
			incident: None,
			diverged: false,
		};
		Suspicions::<T>::put(BoundedVec::truncate_from(each.iter().map(suspicion).collect()));
		#[block]
		{
			Pallet::<T>::on_judgement(&judgement(0));
		}
		assert_eq!(Evictions::<T>::get().len() as u32, k / 3);
		assert!(Suspicions::<T>::get().is_empty());
	}

	#[benchmark(pov_mode = Measured)]
	fn record(r: Linear<2, 200>) {
		members::<T>(MEMBERS);
		let before = T::Log::count();
		let judgement = judgement(r / 2);
		let view = roster_view::RosterView::<T>::of(&judgement);
		#[block]
		{
			Pallet::<T>::follow_suspicions(&view);
		}
		assert_eq!(T::Log::count(), before + u64::from(r / 2 * 2));
	}

	#[benchmark(pov_mode = Measured)]
	fn decide(n: Linear<LEAST, MEMBERS>, f: Linear<1, 100>) {
		members::<T>(n);
		let judgement = judgement(f.min(selection::cap(n * 2 / 3)));
		let view = roster_view::RosterView::<T>::of(&judgement);
		Pallet::<T>::follow_suspicions(&view);
		#[block]
		{
			Pallet::<T>::decide(&view, Vec::new(), Vec::new());
		}
		assert!(!Pending::<T>::get().is_empty());
	}

	#[benchmark(pov_mode = Measured)]
	fn plan(n: Linear<LEAST, MEMBERS>) {
		planning::<T>(n);
		#[block]
		{
			Pallet::<T>::plan(None);
		}
		assert!(!Planned::<T>::exists());
	}

	#[benchmark(pov_mode = Measured)]
	fn plan_election(n: Linear<LEAST, MEMBERS>) {
		let all = planning::<T>(n);
		#[block]
		{
			Pallet::<T>::plan(Some(all));
		}
		assert!(Planned::<T>::exists());
	}
}

/// Sets up `n` elected members in the block in which a session is planned.
fn planning<T: Config>(n: u32) -> Vec<T::AccountId> {
	let all = members::<T>(n);
	for key in all.iter().flat_map(T::BenchmarkHelper::read_elsewhere) {
		frame_benchmarking::benchmarking::add_to_whitelist(key.into());
	}
	all
}

/// Stores an outage history and an eviction of each of these members.
fn remember<T: Config>(all: &[T::AccountId]) {
	let now = frame_system::Pallet::<T>::block_number();
	let absence = Some(Absence::Probation { left: u8::MAX, counted: 0 });
	let conduct = Conduct { outages: 1, last: now, incident: 1, absence };
	let conducts: Vec<_> = all.iter().map(|who| (who.clone(), conduct)).collect();
	Conducts::<T>::put(BoundedVec::truncate_from(conducts));
	let eviction = |who: &T::AccountId| Eviction {
		incident: 1,
		who: who.clone(),
		at: now,
		gone: Some(now),
		seated: MEMBERS,
		cause: Cause::Down,
		automatic: false,
		unnecessary: false,
		counts_until: now.saturating_add(1_000u32.into()),
	};
	Evictions::<T>::put(BoundedVec::truncate_from(all.iter().map(eviction).collect()));
}
