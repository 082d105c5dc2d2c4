//! Scenarios of the simulator and their results.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use understudy_primitives::{tolerated_faults, Health};

use crate::{
	chain::{Chain, Failure, FailureKind},
	network::Network,
	parameters::Parameters,
};

/// Number of blocks from the decision to the standby's seat: the set is active in the block after
/// the one with the record.
const SEATING: u32 = 1;

/// Time to detection of a failure, over many trials.
#[derive(Debug)]
pub struct Latency {
	/// Number of trials in which the failure was detected.
	pub found: usize,
	/// Number of trials.
	pub trials: usize,
	/// Blocks from the failure to the standby's seat, in ascending order.
	pub blocks: Vec<u32>,
	/// Seconds from the failure to the decision, in ascending order.
	pub seconds: Vec<f64>,
	/// Number of verdicts of impaired or down on other members meanwhile.
	pub false_verdicts: usize,
}

impl Latency {
	/// Returns the quantile `share` of `blocks`; `None` if no failure was detected.
	pub fn blocks_at(&self, share: f64) -> Option<u32> {
		self.blocks.get(place(self.blocks.len(), share)?).copied()
	}

	/// Returns the quantile `share` of `seconds`; `None` if no failure was detected.
	pub fn seconds_at(&self, share: f64) -> Option<f64> {
		self.seconds.get(place(self.seconds.len(), share)?).copied()
	}
}

fn place(count: usize, share: f64) -> Option<usize> {
	let last = count.checked_sub(1)?;
	Some(((count as f64 * share).ceil() as usize).saturating_sub(1).min(last))
}

/// Numbers of wrong verdicts on healthy members.
#[derive(Debug)]
pub struct Verdicts {
	/// Number of judged windows times number of members.
	pub member_windows: u64,
	/// Number of verdicts of suspect on a healthy member.
	pub suspected: usize,
	/// Number of verdicts of impaired.
	pub impaired: usize,
	/// Number of verdicts of down.
	pub down: usize,
	/// Number of verdicts of down or impaired outside of a systemic outage: these would have cost
	/// the member its seat.
	pub evicted: usize,
}

/// Inputs of a simulation.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
	/// Number of members, all of them active.
	pub members: u32,
	/// The sample runtime's parameters.
	pub parameters: Parameters,
	/// Network between the nodes.
	pub network: Network,
	/// Seed of all randomness.
	pub seed: u64,
}

impl Setting {
	fn chain(&self, trial: u64) -> Chain {
		let seed = self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(trial);
		Chain::new(self.members, self.parameters, self.network, ChaCha8Rng::seed_from_u64(seed))
	}

	fn window_seconds(&self) -> f64 {
		f64::from(self.parameters.window) * self.parameters.slot
	}

	/// Makes one member fail permanently at a random time, `trials` times, and measures the time to
	/// detection.
	pub fn latency(&self, kind: FailureKind, trials: usize) -> Latency {
		let mut latency =
			Latency { found: 0, trials, blocks: Vec::new(), seconds: Vec::new(), false_verdicts: 0 };
		for trial in 0..trials as u64 {
			let mut chain = self.chain(trial);
			let mut rng = ChaCha8Rng::seed_from_u64(self.seed ^ (trial << 32) ^ 1);
			let warm = 2.0 * self.window_seconds();
			let from = warm + rng.gen::<f64>() * f64::from(self.members).min(40.0) * self.parameters.slot;
			let member = rng.gen_range(0..self.members);
			chain.fail(Failure { member, kind, from, until: f64::INFINITY });
			while chain.now() <= from {
				chain.step();
			}
			let began = chain.block();
			// A member that does not author is detected by its own slots alone, one in each round.
			let rounds = if kind == FailureKind::Lame { 6.0 } else { 0.0 };
			let round = f64::from(self.members) * self.parameters.slot;
			let patience = from + 60.0 * self.window_seconds() + rounds * round;
			let mut found = None;
			while found.is_none() && chain.now() < patience {
				chain.step();
				found = chain.evictions.iter().find(|found| found.member == member).copied();
			}
			let others = chain.transitions.iter().filter(|other| other.member != member);
			latency.false_verdicts += others.filter(|other| other.health >= Health::Impaired).count();
			if let Some(found) = found {
				latency.found += 1;
				latency.blocks.push(found.block - began + SEATING);
				latency.seconds.push(found.at - from);
			}
		}
		latency.blocks.sort_unstable();
		latency.seconds.sort_unstable_by(f64::total_cmp);
		latency
	}

	fn verdicts(&self, mut chain: Chain, windows: u32, excused: impl Fn(u32, f64) -> bool) -> Verdicts {
		while chain.window() < windows {
			chain.step();
		}
		let wrong = |health: Health| {
			let of = |transition: &&crate::chain::Transition| {
				transition.health == health && !excused(transition.member, transition.at)
			};
			chain.transitions.iter().filter(of).collect::<Vec<_>>()
		};
		let (impaired, down) = (wrong(Health::Impaired), wrong(Health::Down));
		Verdicts {
			member_windows: chain.member_windows,
			suspected: wrong(Health::Suspect).len(),
			evicted: chain.evictions.iter().filter(|one| !excused(one.member, one.at)).count(),
			impaired: impaired.len(),
			down: down.len(),
		}
	}

	/// Simulates a network on which nothing else fails.
	pub fn quiet(&self, windows: u32) -> Verdicts {
		self.verdicts(self.chain(0), windows, |_, _| false)
	}

	/// Simulates f = ⌊(n−1)/3⌋ members that collude against a healthy one, which authors right
	/// before them. If its RPC server is `exhausted`, probes of it fail as well.
	pub fn colluders(&self, windows: u32, exhausted: bool) -> Verdicts {
		let mut chain = self.chain(0);
		chain.collude(tolerated_faults(self.members));
		if exhausted {
			let (member, kind) = (self.members.saturating_sub(1), FailureKind::Exhausted);
			chain.fail(Failure { member, kind, from: 0.0, until: f64::INFINITY });
		}
		self.verdicts(chain, windows, |_, _| false)
	}

	/// Simulates restarts: one member at a time is offline for this many seconds, and the next one
	/// goes offline three times as many seconds after it is back.
	pub fn restarts(&self, windows: u32, seconds: f64) -> Verdicts {
		let mut chain = self.chain(0);
		let rounds = f64::from(windows) * self.window_seconds() / (4.0 * seconds);
		for round in 0..rounds as u32 {
			let from = f64::from(round) * 4.0 * seconds + 1.0;
			let member = (round * 7) % self.members;
			chain.fail(Failure { member, kind: FailureKind::Killed, from, until: from + seconds });
		}
		self.verdicts(chain, windows, |_, _| false)
	}

	/// Simulates a partition into two halves until the end of this many windows. For this half it
	/// is a systemic outage: a verdict of down on a member of the other half is correct, but must
	/// not evict it.
	pub fn partition(&self, windows: u32) -> Verdicts {
		let mut chain = self.chain(0);
		let (from, until) = (5.0 * self.window_seconds(), f64::from(windows) * self.window_seconds());
		for member in (1..self.members).step_by(2) {
			chain.fail(Failure { member, kind: FailureKind::Frozen, from, until });
		}
		self.verdicts(chain, windows, |_, _| false)
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn setting(members: u32, jitter: f64, loss: f64) -> Setting {
		let network = Network { latency: 0.1, jitter, loss };
		Setting { members, parameters: Parameters::of_the_runtime(false), network, seed: 1 }
	}

	#[test]
	fn the_same_seed_plays_the_same_game() {
		let play = |seed| format!("{:?}", Setting { seed, ..setting(7, 2.0, 0.1) }.quiet(200));
		assert_eq!(play(3), play(3));
		assert_ne!(play(3), play(4));
	}

	#[test]
	fn a_perfect_network_suspects_nobody() {
		let verdicts = setting(31, 0.0, 0.0).quiet(300);
		assert_eq!((verdicts.suspected, verdicts.impaired, verdicts.down), (0, 0, 0));
		assert_eq!(verdicts.member_windows, 31 * 300);
	}

	#[test]
	fn a_bad_network_makes_suspects_and_evicts_nobody() {
		let verdicts = setting(31, 2.0, 0.1).quiet(1_000);
		assert!(verdicts.suspected > 0);
		assert_eq!((verdicts.impaired, verdicts.down), (0, 0));
	}

	#[test]
	fn every_kill_is_found_out_in_time() {
		for members in [4, 31] {
			let latency = setting(members, 0.2, 0.0).latency(FailureKind::Killed, 50);
			assert_eq!((latency.found, latency.false_verdicts), (50, 0));
			assert!(latency.blocks_at(0.5) <= Some(8), "{members} members: {:?}", latency.blocks);
		}
	}

	#[test]
	fn who_stands_still_or_does_not_vote_is_found_out() {
		for kind in [FailureKind::Frozen, FailureKind::Mute, FailureKind::Lame] {
			let latency = setting(7, 0.2, 0.0).latency(kind, 20);
			assert_eq!((latency.found, latency.false_verdicts), (20, 0), "{kind:?}");
		}
	}

	#[test]
	fn colluders_make_a_suspect_and_no_more() {
		for (members, exhausted) in [(4, false), (7, false), (31, false), (4, true), (7, true), (13, true)] {
			let verdicts = setting(members, 0.2, 0.0).colluders(300, exhausted);
			assert_eq!((verdicts.impaired, verdicts.down), (0, 0), "{members} members, {exhausted}");
		}
	}

	#[test]
	fn half_of_the_members_cut_off_evicts_nobody() {
		for (members, jitter, loss) in [(7, 0.2, 0.0), (4, 2.0, 0.1), (7, 2.0, 0.1), (31, 2.0, 0.1)] {
			let verdicts = setting(members, jitter, loss).partition(40);
			assert!(verdicts.suspected > 0);
			assert_eq!(verdicts.evicted, 0, "{members} members");
		}
	}

	#[test]
	fn half_of_the_collators_cut_off_evicts_nobody() {
		for (members, jitter, loss) in [(4, 0.2, 0.0), (4, 2.0, 0.1), (7, 2.0, 0.1), (31, 2.0, 0.1)] {
			for (seed, dropped) in [(1, 0.0), (2, 0.0), (3, 0.0), (1, 0.1), (2, 0.1)] {
				let usual = setting(members, jitter, loss);
				let parameters = usual.parameters.on_a_parachain(dropped);
				let verdicts = Setting { parameters, seed, ..usual }.partition(40);
				assert_eq!(verdicts.evicted, 0, "{members} members, seed {seed}, {dropped} dropped");
			}
		}
	}

	#[test]
	fn colluding_collators_and_a_busy_server_evict_nobody() {
		for members in [4, 7, 31] {
			let usual = setting(members, 0.2, 0.0);
			let parameters = usual.parameters.on_a_parachain(0.0);
			let verdicts = Setting { parameters, ..usual }.colluders(300, true);
			assert_eq!((verdicts.impaired, verdicts.down), (0, 0), "{members} members");
		}
	}

	#[test]
	fn a_short_restart_evicts_nobody() {
		for (members, seconds) in [(4, 6.0), (31, 6.0)] {
			let verdicts = setting(members, 0.2, 0.01).restarts(300, seconds);
			assert_eq!((verdicts.impaired, verdicts.down), (0, 0), "{members} members away for {seconds} s");
		}
	}

	#[test]
	fn dropped_blocks_of_a_parachain_evict_nobody_and_hide_no_failure() {
		for members in [4, 31] {
			let bad = setting(members, 2.0, 0.1);
			let parameters = bad.parameters.on_a_parachain(0.1);
			let verdicts = Setting { parameters, ..bad }.quiet(1_000);
			assert!(verdicts.suspected > 0);
			assert_eq!((verdicts.impaired, verdicts.down), (0, 0), "{members} members");
			let latency = Setting { parameters, ..bad }.latency(FailureKind::Killed, 50);
			assert_eq!((latency.found, latency.false_verdicts), (50, 0), "{members} members");
		}
	}

	#[test]
	fn shares_are_nearest_ranks() {
		let latency =
			Latency { found: 4, trials: 4, blocks: vec![1, 2, 3, 4], seconds: vec![], false_verdicts: 0 };
		assert_eq!(
			[0.0, 0.5, 0.99, 1.0].map(|share| latency.blocks_at(share)),
			[Some(1), Some(2), Some(4), Some(4)]
		);
		assert_eq!(latency.seconds_at(0.5), None);
	}
}
