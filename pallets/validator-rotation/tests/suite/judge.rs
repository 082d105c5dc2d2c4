//! A judge under the tests' control; the heartbeat pallet has its own tests for verdicts from
//! evidence.

use std::{cell::RefCell, collections::BTreeSet};

use core::marker::PhantomData;
use pallet_validator_rotation::{Active, Config, Reserve};
use sp_runtime::Perbill;
use understudy_primitives::{
	Detectors, Evidence, Health, Judged, Judgement, MemberIndex, Moment, Seat, Verdict, Verdicts, WindowIndex,
};

thread_local! {
	static DEAD: RefCell<BTreeSet<u64>> = const { RefCell::new(BTreeSet::new()) };
	static WINDOW: RefCell<WindowIndex> = const { RefCell::new(1) };
}

/// Stops a node.
pub fn kill(who: u64) {
	DEAD.with_borrow_mut(|dead| dead.insert(who));
}

/// Starts a node again.
pub fn revive(who: u64) {
	DEAD.with_borrow_mut(|dead| dead.remove(&who));
}

/// Begins the next window.
pub fn next_window() {
	WINDOW.with_borrow_mut(|window| *window += 1);
}

/// Starts all nodes.
pub fn reset() {
	DEAD.with_borrow_mut(BTreeSet::clear);
}

pub struct Judge<T>(PhantomData<T>);

impl<T: Config<AccountId = u64>> Verdicts for Judge<T> {
	fn judgement() -> Judgement {
		let (active, reserve) = (Active::<T>::get(), Reserve::<T>::get());
		let verdict = Verdict {
			health: Health::Down,
			confidence: Perbill::from_percent(85),
			detectors: Detectors { slots: true, peers: true, ..Default::default() },
			missed_slots: 2,
			missed_windows: 0,
			unreachable_windows: 1,
			voteless_windows: 0,
		};
		let judged = |(index, who): (usize, &u64)| {
			let seat = if index < active.len() { Seat::Active } else { Seat::Reserve };
			let dead = DEAD.with_borrow(|dead| dead.contains(who));
			dead.then_some(Judged { index: index as MemberIndex, seat, verdict, grace: 0, since: 0 })
		};
		let unhealthy: Vec<Judged> = active.iter().chain(&reserve).enumerate().filter_map(judged).collect();
		let suspects = unhealthy.iter().filter(|judged| judged.seat == Seat::Active).count() as u32;
		let systemic = suspects > understudy_primitives::tolerated_faults(active.len() as u32);
		Judgement { window: Self::window(), unhealthy, systemic }
	}

	fn window() -> WindowIndex {
		WINDOW.with_borrow(|window| *window)
	}

	fn silent_for(_: &Judged) -> Moment {
		Moment { block: 2, time: 12_000 }
	}

	fn evidence(judged: &Judged) -> Vec<Evidence> {
		vec![Evidence::Verdict(judged.verdict)]
	}
}
