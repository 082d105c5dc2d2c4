//! Assignment of probers to the members that they probe: a permutation of the roster, drawn from
//! on-chain randomness for each window.
//!
//! The members form a circle, in the order of the permutation, and each one probes the `probes`
//! members that follow it. Every member is therefore probed by the same number of others, no member
//! chooses its targets, and both sides of an assignment are computed without a list. In a roster of
//! at most `probes` + 1 members, each one probes all others. An author may try many blocks until a
//! draw suits it. That gains it nothing, because a quorum is more than may collude, whichever
//! members are drawn (`Thresholds::quorums`).
//!
//! The permutation is the swap-or-not shuffle of Hoang, Morris and Rogaway (CRYPTO 2012): each
//! round pairs every place with a mirror place, and either swaps the two or not, by a bit that
//! depends on the pair. A round is its own inverse, works for any number of members, and takes
//! constant time.

use alloc::vec::Vec;
use understudy_primitives::MemberIndex;

/// Number of rounds of the shuffle. The paper's bound requires some 6·log₂(n) for cryptographic
/// strength. Here the seed is public once it is drawn, and it suffices that every pair is about
/// equally likely.
const ROUNDS: u64 = 24;

/// Probe assignment of one window.
#[derive(Clone, Copy, Debug)]
pub struct Assignment {
	seed: u64,
	members: u32,
	probes: u32,
}

impl Assignment {
	/// Creates the assignment that a window's `randomness` gives among `members`, each of which
	/// probes `probes` others.
	pub fn new(randomness: &[u8], members: u32, probes: u32) -> Self {
		let mut seed = [0; 8];
		seed.iter_mut().zip(randomness).for_each(|(to, from)| *to = *from);
		Self { seed: u64::from_le_bytes(seed), members, probes: probes.min(members.saturating_sub(1)) }
	}

	/// Returns the number of members that probe each member.
	pub fn probes(&self) -> u32 {
		self.probes
	}

	/// Returns `true` if `reporter` probes `target`.
	pub fn is_assigned(&self, reporter: MemberIndex, target: MemberIndex) -> bool {
		if reporter == target || reporter >= self.members || target >= self.members {
			return false;
		}
		let (from, to) = (u64::from(self.place(reporter)), u64::from(self.place(target)));
		let members = u64::from(self.members);
		(to + members - from) % members <= u64::from(self.probes)
	}

	/// Returns the members that `reporter` probes, in ascending order.
	pub fn targets(&self, reporter: MemberIndex) -> Vec<MemberIndex> {
		if reporter >= self.members {
			return Vec::new();
		}
		let (from, members) = (u64::from(self.place(reporter)), u64::from(self.members));
		let mut targets: Vec<MemberIndex> = (1..=u64::from(self.probes))
			.map(|step| self.member_at(((from + step) % members) as u32))
			.collect();
		targets.sort_unstable();
		targets
	}

	/// Returns the place of a member in the circle.
	fn place(&self, member: MemberIndex) -> u32 {
		(0..ROUNDS).fold(member, |place, round| self.swap_or_not(place, round))
	}

	/// Returns the member at a place of the circle.
	fn member_at(&self, place: u32) -> MemberIndex {
		(0..ROUNDS).rev().fold(place, |member, round| self.swap_or_not(member, round))
	}

	fn swap_or_not(&self, place: u32, round: u64) -> u32 {
		let members = u64::from(self.members.max(1));
		let key = mix(self.seed ^ mix(round));
		let mirror = ((key % members + members - u64::from(place)) % members) as u32;
		let pair = place.max(mirror);
		if mix(key ^ u64::from(pair)) & 1 == 1 {
			mirror
		} else {
			place
		}
	}
}

/// Finalizer of the SplitMix64 generator (Steele, Lea, Flood 2014): every bit of the input affects
/// every bit of the output.
fn mix(value: u64) -> u64 {
	let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
	let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
	let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
	value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
	use super::*;

	fn seeded(seed: u64, members: u32, probes: u32) -> Assignment {
		Assignment::new(&seed.to_le_bytes(), members, probes)
	}

	#[test]
	fn the_circle_is_a_permutation() {
		for members in [1, 2, 3, 4, 7, 31, 100, 1_000] {
			let assignment = seeded(7, members, 5);
			let mut places: Vec<u32> = (0..members).map(|member| assignment.place(member)).collect();
			assert!((0..members).all(|member| assignment.member_at(assignment.place(member)) == member));
			places.sort_unstable();
			assert!(places.into_iter().eq(0..members));
		}
	}

	#[test]
	fn both_sides_of_an_assignment_agree() {
		for members in [2, 5, 6, 7, 31, 100] {
			let assignment = seeded(members.into(), members, 5);
			for reporter in 0..members {
				let listed = assignment.targets(reporter);
				let checked: Vec<u32> =
					(0..members).filter(|target| assignment.is_assigned(reporter, *target)).collect();
				assert_eq!(listed, checked);
				assert_eq!(listed.len() as u32, assignment.probes());
			}
		}
	}

	#[test]
	fn everybody_is_probed_by_equally_many() {
		let assignment = seeded(3, 100, 5);
		for target in 0..100 {
			assert_eq!((0..100).filter(|reporter| assignment.is_assigned(*reporter, target)).count(), 5);
		}
	}

	#[test]
	fn in_a_small_roster_everybody_probes_everybody_else() {
		let assignment = seeded(3, 6, 5);
		for reporter in 0..6 {
			let others: Vec<u32> = (0..6).filter(|target| *target != reporter).collect();
			assert_eq!(assignment.targets(reporter), others);
		}
	}

	#[test]
	fn every_pair_is_about_equally_likely() {
		let (members, probes, draws) = (31u32, 5u32, 20_000u64);
		let mut hits = vec![0u32; (members * members) as usize];
		for seed in 0..draws {
			let assignment = seeded(mix(seed), members, probes);
			for target in assignment.targets(4) {
				hits[(4 * members + target) as usize] += 1;
			}
		}
		let expected = draws as f64 * f64::from(probes) / f64::from(members - 1);
		for target in (0..members).filter(|target| *target != 4) {
			let off = f64::from(hits[(4 * members + target) as usize]) / expected;
			assert!(
				(0.93..1.07).contains(&off),
				"member {target} is probed {off} times as often as expected"
			);
		}
	}

	#[test]
	fn who_is_no_member_probes_nobody_and_is_probed_by_nobody() {
		let assignment = seeded(3, 6, 5);
		assert!(assignment.targets(6).is_empty());
		assert!(
			!assignment.is_assigned(6, 0) && !assignment.is_assigned(0, 6) && !assignment.is_assigned(2, 2)
		);
		assert!(seeded(3, 0, 5).targets(0).is_empty());
		assert!(seeded(3, 1, 5).targets(0).is_empty());
	}
}
