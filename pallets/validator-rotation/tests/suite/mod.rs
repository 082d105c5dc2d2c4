//! Tests of rotation that every chain has to pass: written once, and run on each chain that
//! implements [`Chain`].
//!
//! Members have numbers in the order of their backing. At genesis the first four are active and the
//! other four are the reserve.

// Each chain uses the tests that apply to it.
#![allow(dead_code)]

pub mod judge;
pub mod parameters;

use frame_support::traits::{Get, UnfilteredDispatchable};
use frame_system::RawOrigin;
use pallet_validator_rotation::{
	lifecycle::Absence, Active, Call, Config, Held, Pallet, Progress, Reserve, Stage,
};
use sp_runtime::DispatchResult;

/// Number of members of a chain.
pub const MEMBERS: usize = 8;

/// A chain with rotation.
pub trait Chain: Sized {
	/// The chain's runtime.
	type Runtime: Config;

	/// Runs a test on a fresh chain, long enough after genesis for evidence to count.
	fn run(test: impl FnOnce(&mut Self));
	/// Returns a member's account.
	fn account(who: usize) -> <Self::Runtime as frame_system::Config>::AccountId;
	/// Stops a member's node.
	fn kill(&mut self, who: usize);
	/// Starts a member's node again.
	fn revive(&mut self, who: usize);
	/// Runs the next block.
	fn block(&mut self);
	/// Removes a member's session keys.
	fn purge_keys(&mut self, who: usize);
	/// Sets the size of the active set, and runs blocks until the next election has seated it.
	fn seat(&mut self, target: u32);
	/// Runs blocks until an election has taken place and is in effect.
	fn election(&mut self);
	/// Returns the set of consensus.
	fn authorities() -> Vec<usize>;

	/// Runs blocks until `done`.
	fn wait_for(&mut self, what: &str, done: impl Fn() -> bool) {
		for _ in 0..400 {
			if done() {
				return;
			}
			self.block();
		}
		panic!("{what} did not happen; the active set is {:?}", Self::active());
	}

	/// Runs `count` blocks.
	fn blocks(&mut self, count: u32) {
		(0..count).for_each(|_| self.block());
	}

	/// Returns the numbers of these accounts.
	fn numbers(of: &[<Self::Runtime as frame_system::Config>::AccountId]) -> Vec<usize> {
		let number = |who: &_| (0..MEMBERS).find(|number| Self::account(*number) == *who);
		of.iter().filter_map(number).collect()
	}

	/// Returns the active set.
	fn active() -> Vec<usize> {
		Self::numbers(&Active::<Self::Runtime>::get())
	}

	/// Returns the reserve.
	fn reserve() -> Vec<usize> {
		Self::numbers(&Reserve::<Self::Runtime>::get())
	}

	/// Returns the reason for which a member is not seated.
	fn absence(who: usize) -> Option<Absence<frame_system::pallet_prelude::BlockNumberFor<Self::Runtime>>> {
		Pallet::<Self::Runtime>::conduct(Self::account(who))?.absence
	}

	/// Dispatches a call of rotation, signed by a member, or as root.
	fn call(by: Option<usize>, call: Call<Self::Runtime>) -> DispatchResult {
		let origin = match by {
			Some(who) => RawOrigin::Signed(Self::account(who)),
			None => RawOrigin::Root,
		};
		call.dispatch_bypass_filter(origin.into()).map(|_| ()).map_err(|error| error.error)
	}

	/// Runs blocks until no change is pending, and checks that consensus has rotation's set.
	fn settle(&mut self) {
		self.wait_for("a pending change", || Progress::<Self::Runtime>::get() == Stage::Idle);
		self.block();
		assert_eq!(Self::authorities(), Self::active());
		Pallet::<Self::Runtime>::do_try_state().expect("rotation's invariants hold");
	}
}

/// Lets the cool-off pass.
fn cool_off<C: Chain>(chain: &mut C) {
	let start = frame_system::Pallet::<C::Runtime>::block_number();
	chain.wait_for("the end of the cool-off", || {
		frame_system::Pallet::<C::Runtime>::block_number() > start + <C::Runtime as Config>::CoolOff::get()
	});
}

/// Stops a member's node, and runs blocks until its seat is taken.
fn fall<C: Chain>(chain: &mut C, who: usize) {
	chain.kill(who);
	chain.wait_for("the eviction", || !C::active().contains(&who));
	chain.settle();
}

pub fn a_member_that_dies_is_replaced_by_the_best_standby<C: Chain>() {
	C::run(|chain| {
		assert_eq!((C::active(), C::reserve()), (vec![0, 1, 2, 3], vec![4, 5, 6, 7]));
		fall(chain, 1);
		assert_eq!(C::active(), [0, 4, 2, 3]);
	});
}

pub fn who_comes_back_is_seated_again_after_jail_and_probation<C: Chain>() {
	C::run(|chain| {
		fall(chain, 1);
		assert!(matches!(C::absence(1), Some(Absence::Jailed { .. })));
		chain.blocks(6);
		chain.revive(1);
		chain.wait_for("probation", || matches!(C::absence(1), Some(Absence::Probation { .. })));
		chain.wait_for("re-admission", || C::absence(1).is_none());
		cool_off(chain);
		// It is the best of the reserve, unless an election has seated it already.
		if !C::active().contains(&1) {
			fall(chain, 2);
			assert!(C::active().contains(&1) && !C::active().contains(&2));
		}
	});
}

pub fn in_a_systemic_outage_nobody_loses_a_seat<C: Chain>() {
	C::run(|chain| {
		let before = C::active();
		chain.kill(1);
		chain.kill(2);
		chain.wait_for("the systemic outage", Held::<C::Runtime>::exists);
		chain.blocks(60);
		assert_eq!(C::active(), before);
		assert!((0..MEMBERS).all(|who| C::absence(who).is_none()));
		chain.revive(1);
		chain.revive(2);
		chain.wait_for("its end", || !Held::<C::Runtime>::exists());
		chain.blocks(20);
		assert_eq!(C::active(), before);
	});
}

pub fn where_nobody_stands_by_the_floor_holds<C: Chain>() {
	C::run(|chain| {
		for who in 4..MEMBERS {
			C::call(Some(who), Call::retire {}).expect("it is a member");
		}
		chain.kill(1);
		chain.blocks(80);
		assert_eq!(C::active(), [0, 1, 2, 3]);
	});
}

pub fn who_retires_hands_over_without_a_penalty<C: Chain>() {
	C::run(|chain| {
		C::call(Some(2), Call::retire {}).expect("it is a member");
		chain.wait_for("the retirement", || !C::active().contains(&2));
		chain.settle();
		assert_eq!(C::active(), [0, 1, 4, 3]);
		assert_eq!(C::absence(2), Some(Absence::Retired));
		// Its node may stop now, without consequences.
		chain.kill(2);
		chain.blocks(60);
		let conduct = Pallet::<C::Runtime>::conduct(C::account(2)).expect("it is remembered");
		assert_eq!((conduct.outages, conduct.absence), (0, Some(Absence::Retired)));
		chain.revive(2);
		C::call(Some(2), Call::rejoin {}).expect("it is retired");
		chain.wait_for("its return", || C::absence(2).is_none());
	});
}

pub fn an_election_does_not_seat_who_is_jailed<C: Chain>() {
	C::run(|chain| {
		fall(chain, 1);
		chain.election();
		// It is elected, since it is in the reserve, and it is not seated, since it is down.
		assert!(C::reserve().contains(&1), "{:?}", C::reserve());
		assert_eq!(C::active(), [0, 4, 2, 3]);
		assert_eq!(C::authorities(), C::active());
	});
}

pub fn a_standby_that_purges_its_keys_is_not_seated<C: Chain>() {
	C::run(|chain| {
		chain.kill(1);
		chain.wait_for("the decision", || {
			Progress::<C::Runtime>::get() != Stage::Idle || !C::active().contains(&1)
		});
		chain.purge_keys(4);
		chain.wait_for("the eviction", || !C::active().contains(&1));
		chain.settle();
		assert!(!C::authorities().contains(&1));
		assert_eq!(C::authorities(), C::active());
	});
}

pub fn two_that_fall_together_are_replaced_together<C: Chain>() {
	C::run(|chain| {
		chain.seat(7);
		assert_eq!(C::active().len(), 7);
		chain.blocks(20);
		chain.kill(1);
		chain.kill(2);
		chain.wait_for("both evictions", || !C::active().contains(&1) && !C::active().contains(&2));
		chain.settle();
		// There is one standby; the other seat stays vacant, since the set remains above the floor.
		assert_eq!(C::active().len(), 6);
		assert!(C::active().contains(&7));
	});
}

pub fn the_guardians_evict_and_seat<C: Chain>() {
	C::run(|chain| {
		C::call(None, Call::force_evict { who: C::account(3) }).expect("it sits");
		chain.wait_for("the order", || !C::active().contains(&3));
		chain.settle();
		assert_eq!(C::active(), [0, 1, 2, 4]);
		C::call(None, Call::force_seat { who: C::account(6), instead_of: C::account(4) }).expect("both may");
		chain.wait_for("the order", || C::active().contains(&6));
		assert!(!C::active().contains(&4) || C::active().len() > 4);
	});
}

/// Makes tests of these functions for a chain.
#[macro_export]
macro_rules! suite {
	($chain:ty: $($test:ident),* $(,)?) => {
		$(
			#[test]
			fn $test() {
				suite::$test::<$chain>()
			}
		)*
	};
}
