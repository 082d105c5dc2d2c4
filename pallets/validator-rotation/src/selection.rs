//! Selection of the active set: pure functions, no storage.

use alloc::{
	collections::{BTreeMap, BTreeSet},
	vec::Vec,
};
use core::cmp::Reverse;
use understudy_primitives::{RecordKind, Tag, Tags};

/// Change of one seat.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Swap<Id> {
	/// Member that loses the seat.
	pub from: Id,
	/// Member that gets the seat; `None` if the set shrinks.
	pub to: Option<Id>,
}

impl<Id> Swap<Id> {
	/// Returns the kind of the record of its decision.
	pub fn decision(&self) -> RecordKind {
		if self.to.is_some() {
			RecordKind::Replaced
		} else {
			RecordKind::Removed
		}
	}
}

/// Limits of ordinary rotation as of now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
	/// Number of members that may still lose their seats in this cool-off.
	pub allowed: u32,
	/// Size below which the set must not shrink.
	pub floor: u32,
}

/// An elected candidate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidate<Id> {
	/// Candidate's account.
	pub who: Id,
	/// Candidate's backing.
	pub backing: u128,
	/// Class by which it is preferred.
	pub eligibility: Eligibility,
	/// `true` if it is in the active set already.
	pub sits: bool,
}

impl<Id> Candidate<Id> {
	/// Returns the order of preference: better eligibility first, then more backing, then active
	/// members.
	fn preference(&self) -> (Eligibility, Reverse<u128>, bool) {
		(self.eligibility, Reverse(self.backing), !self.sits)
	}
}

/// Class of a candidate. The order is the order of preference.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Eligibility {
	/// In the active set, or in the reserve and healthy.
	Proven,
	/// New: no sign of life of it is known yet.
	Unknown,
	/// Unhealthy, jailed, on probation, retiring, retired or expelled. Seated only to hold the
	/// floor.
	Unfit,
}

/// A member that is to lose its seat.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Leaving<Id> {
	/// The member.
	pub who: Id,
	/// `true` if it loses the seat even if no standby takes it.
	pub allow_vacancy: bool,
}

/// Returns the number of `members` that ordinary rotation may remove in one cool-off: ⌊(n−1)/3⌋,
/// the faults that Byzantine agreement among n members tolerates (I1).
pub fn cap(members: u32) -> u32 {
	understudy_primitives::tolerated_faults(members)
}

/// Returns the best `seats` of the `candidates` that are `able` to be seated, in order of
/// preference. An unfit candidate is chosen only while fewer than `floor` seats are taken. Among
/// equals that do not all get a seat, those come first whose region, and then operator, has the
/// fewest seats so far, those of `seated` included.
///
/// `able` and `tags` may be costly: they are called for as few candidates as possible.
pub fn best<Id: Clone>(
	seated: &[Id],
	mut candidates: Vec<Candidate<Id>>,
	seats: usize,
	floor: usize,
	able: impl Fn(&Candidate<Id>) -> bool,
	tags: impl Fn(&Id) -> Tags,
) -> Vec<Id> {
	candidates.sort_by_key(Candidate::preference);
	let mut chosen: Vec<Candidate<Id>> = Vec::new();
	for candidate in candidates {
		let room = if candidate.eligibility == Eligibility::Unfit { floor.min(seats) } else { seats };
		// Candidates equal to the last one that gets a seat compete for it, unless they are active.
		let equal = |last: &Candidate<Id>| last.preference() == candidate.preference() && !candidate.sits;
		if chosen.len() >= room && !(room > 0 && chosen.last().is_some_and(equal)) {
			break;
		}
		if able(&candidate) {
			chosen.push(candidate);
		}
	}
	let room = match chosen.last() {
		Some(last) if last.eligibility == Eligibility::Unfit => {
			// The fit ones before them keep their seats, whatever the floor.
			let fit = chosen.iter().filter(|candidate| candidate.eligibility != Eligibility::Unfit).count();
			floor.min(seats).max(fit)
		},
		_ => seats,
	};
	if chosen.len() > room {
		let equals = chosen[chosen.len() - 1].preference();
		let first = chosen.partition_point(|candidate| candidate.preference() < equals);
		let before = seated.iter().chain(chosen[..first].iter().map(|candidate| &candidate.who));
		let mut taken = Taken::default();
		before.for_each(|who| {
			taken.take(&tags(who));
		});
		// Each candidate counts the seats of its region that come before it among the equals.
		let mut equals: Vec<_> = chosen
			.split_off(first)
			.into_iter()
			.map(|candidate| (taken.take(&tags(&candidate.who)), candidate))
			.collect();
		equals.sort_by_key(|(taken, _)| *taken);
		chosen.extend(equals.into_iter().map(|(_, candidate)| candidate));
		chosen.truncate(room);
	}
	chosen.into_iter().map(|candidate| candidate.who).collect()
}

/// Number of seats of each region and operator.
#[derive(Default)]
struct Taken {
	regions: BTreeMap<Tag, u32>,
	operators: BTreeMap<Tag, u32>,
}

impl Taken {
	/// Adds a seat. Returns the numbers of seats that the region and the operator had before.
	fn take(&mut self, tags: &Tags) -> (u32, u32) {
		let next = |all: &mut BTreeMap<Tag, u32>, tag: &Tag| {
			let count = all.entry(tag.clone()).or_default();
			*count = count.saturating_add(1);
			count.saturating_sub(1)
		};
		(next(&mut self.regions, &tags.region), next(&mut self.operators, &tags.operator))
	}
}

/// Returns the set that an election seats, see [`best`]. Members that stay keep their places and so
/// their indices; new ones fill the gaps.
///
/// An active member keeps its eligibility whatever its health: only [`swaps`], under its limits,
/// takes the seat of a member that is down.
pub fn elect<Id: Clone + Ord>(
	seated: &[Id],
	candidates: Vec<Candidate<Id>>,
	size: u32,
	floor: u32,
	able: impl Fn(&Candidate<Id>) -> bool,
	tags: impl Fn(&Id) -> Tags,
) -> Vec<Id> {
	let sits: BTreeSet<&Id> = seated.iter().collect();
	let chosen = best(&[], candidates, size as usize, floor as usize, able, tags);
	let stays: BTreeSet<&Id> = chosen.iter().filter(|who| sits.contains(who)).collect();
	let mut joins = chosen.iter().filter(|who| !sits.contains(who));
	let mut set: Vec<Id> = seated
		.iter()
		.filter_map(|who| if stays.contains(who) { Some(who) } else { joins.next() })
		.cloned()
		.collect();
	set.extend(joins.cloned());
	set
}

/// Returns the elected set, extended by as many of the active members that it would unseat as are
/// necessary to hold the floor, of those that may be kept. They keep their places. A set that was
/// smaller than the floor is not raised to it.
pub fn hold_floor<Id: Clone + Ord>(
	seated: &[Id],
	elected: Vec<Id>,
	floor: u32,
	keeps: impl Fn(&Id) -> bool,
) -> Vec<Id> {
	let missing = (floor as usize).min(seated.len()).saturating_sub(elected.len());
	if missing == 0 {
		return elected;
	}
	let chosen: BTreeSet<&Id> = elected.iter().collect();
	let kept = seated.iter().filter(|who| !chosen.contains(who) && keeps(who)).take(missing);
	let kept: BTreeSet<&Id> = kept.collect();
	let sits: BTreeSet<&Id> = seated.iter().collect();
	let stays = seated.iter().filter(|who| chosen.contains(who) || kept.contains(who));
	let joins = elected.iter().filter(|who| !sits.contains(who));
	stays.chain(joins).cloned().collect()
}

/// Returns the swaps of rotation. Each member that leaves, in order, gives its seat to the next of
/// the `standbys`, which are healthy and in order of preference. Without a standby the set shrinks
/// by the members that allow a vacancy, but not below the floor. All that leave must be in a set of
/// `seated` members.
pub fn swaps<Id: Clone>(
	seated: u32,
	leaving: &[Leaving<Id>],
	standbys: &[Id],
	limits: Limits,
) -> Vec<Swap<Id>> {
	let mut standbys = standbys.iter();
	let mut size = seated;
	let mut swaps = Vec::new();
	for Leaving { who, allow_vacancy } in leaving {
		if swaps.len() as u32 >= limits.allowed {
			break;
		}
		let to = standbys.next().cloned();
		if to.is_none() {
			if size <= limits.floor || !allow_vacancy {
				continue;
			}
			size = size.saturating_sub(1);
		}
		swaps.push(Swap { from: who.clone(), to });
	}
	swaps
}

/// Applies a swap in place: the joining member takes the place of the leaving one. Returns `false`,
/// and changes nothing, if `from` is not in the set or `to` is.
pub fn apply<Id: Clone + PartialEq>(set: &mut Vec<Id>, swap: &Swap<Id>) -> bool {
	let Some(place) = set.iter().position(|who| *who == swap.from) else { return false };
	match &swap.to {
		Some(to) if set.contains(to) => return false,
		Some(to) => set[place] = to.clone(),
		None => {
			set.remove(place);
		},
	}
	true
}

#[cfg(test)]
mod tests {
	use super::*;
	use rand::{seq::SliceRandom, Rng, SeedableRng};
	use rand_chacha::ChaCha8Rng;

	const FREE: Limits = Limits { allowed: 10, floor: 0 };

	fn candidates(list: &[(u32, u128, Eligibility)]) -> Vec<Candidate<u32>> {
		let candidate = |(who, backing, eligibility): &_| Candidate {
			who: *who,
			backing: *backing,
			eligibility: *eligibility,
			sits: false,
		};
		list.iter().map(candidate).collect()
	}

	/// Elects with candidates that are all able and without tags.
	fn elect(seated: &[u32], mut candidates: Vec<Candidate<u32>>, size: u32) -> Vec<u32> {
		candidates.iter_mut().for_each(|candidate| candidate.sits = seated.contains(&candidate.who));
		super::elect(seated, candidates, size, size, |_| true, |_| Tags::default())
	}

	fn down(list: &[u32]) -> Vec<Leaving<u32>> {
		list.iter().map(|who| Leaving { who: *who, allow_vacancy: true }).collect()
	}

	fn tag(number: u32) -> Tag {
		Tag::truncate_from(number.to_be_bytes().to_vec())
	}

	#[test]
	fn the_cap_is_what_agreement_bears() {
		let caps: Vec<u32> = [0, 1, 3, 4, 6, 7, 100, 1000].into_iter().map(cap).collect();
		assert_eq!(caps, [0, 0, 0, 1, 1, 2, 33, 333]);
	}

	#[test]
	fn an_election_seats_the_best_backed() {
		use Eligibility::Proven;
		let list = candidates(&[(1, 10, Proven), (2, 30, Proven), (3, 20, Proven)]);
		assert_eq!(elect(&[], list.clone(), 2), [2, 3]);
		assert_eq!(elect(&[], list, 9), [2, 3, 1]);
	}

	#[test]
	fn an_election_seats_the_new_before_the_unfit_and_after_the_proven() {
		use Eligibility::*;
		let list = candidates(&[(1, 90, Unfit), (2, 50, Unknown), (3, 10, Proven)]);
		assert_eq!(elect(&[], list.clone(), 1), [3]);
		assert_eq!(elect(&[], list.clone(), 2), [3, 2]);
		assert_eq!(elect(&[], list, 3), [3, 2, 1]);
	}

	#[test]
	fn the_unfit_sit_only_to_hold_the_floor() {
		use Eligibility::*;
		let list = candidates(&[(1, 90, Unfit), (2, 50, Unfit), (3, 10, Proven)]);
		let elect = |floor| super::elect(&[], list.clone(), 3, floor, |_| true, |_| Tags::default());
		assert_eq!(elect(0), [3]);
		assert_eq!(elect(1), [3]);
		assert_eq!(elect(2), [3, 1]);
		assert_eq!(elect(3), [3, 1, 2]);
	}

	#[test]
	fn who_is_not_able_is_passed_over() {
		use Eligibility::Proven;
		let list = candidates(&[(1, 30, Proven), (2, 20, Proven), (3, 10, Proven)]);
		let set = super::elect(&[], list, 2, 0, |candidate| candidate.who != 1, |_| Tags::default());
		assert_eq!(set, [2, 3]);
	}

	#[test]
	fn equal_backing_displaces_nobody() {
		use Eligibility::Proven;
		let list = candidates(&[(1, 10, Proven), (2, 10, Proven), (3, 10, Proven), (4, 10, Proven)]);
		assert_eq!(elect(&[4, 3], list, 2), [4, 3]);
	}

	#[test]
	fn among_equals_the_region_with_fewest_seats_comes_first_and_then_the_operator() {
		use Eligibility::Proven;
		let tags = |who: &u32| Tags { region: tag(who / 10), operator: tag(who % 10) };
		let list = candidates(&[(11, 5, Proven), (12, 5, Proven), (21, 5, Proven), (31, 5, Proven)]);
		let best = |seated: &[u32], seats| best(seated, list.clone(), seats, 0, |_| true, tags);
		// One of each region before a second one of any.
		assert_eq!(best(&[], 3), [11, 21, 31]);
		// Active members count: regions 1 and 2 have seats already.
		assert_eq!(best(&[19, 29], 1), [31]);
		// With equal regions the operator decides.
		assert_eq!(best(&[19, 29, 39, 41, 51], 1), [11], "12 comes second in its region");
		let list = candidates(&[(11, 5, Proven), (22, 5, Proven)]);
		assert_eq!(super::best(&[31], list, 1, 0, |_| true, tags), [22]);
	}

	#[test]
	fn more_backing_comes_before_any_region() {
		use Eligibility::Proven;
		let tags = |who: &u32| Tags { region: tag(who / 10), operator: tag(0) };
		let list = candidates(&[(11, 6, Proven), (12, 5, Proven), (21, 4, Proven)]);
		assert_eq!(best(&[], list, 2, 0, |_| true, tags), [11, 12]);
	}

	#[test]
	fn tags_are_asked_for_only_where_they_decide() {
		use Eligibility::Proven;
		let list = candidates(&[(1, 30, Proven), (2, 20, Proven), (3, 10, Proven)]);
		assert_eq!(best(&[9], list, 2, 0, |_| true, |_| panic!("no candidates are equal")), [1, 2]);
	}

	#[test]
	fn who_stays_keeps_the_place() {
		use Eligibility::Proven;
		let list = candidates(&[(1, 10, Proven), (9, 40, Proven), (3, 30, Proven), (8, 20, Proven)]);
		assert_eq!(elect(&[1, 2, 3], list.clone(), 3), [9, 8, 3]);
		assert_eq!(elect(&[1, 2, 3], list.clone(), 4), [1, 9, 3, 8]);
		assert_eq!(elect(&[1, 2, 3], list, 1), [9]);
	}

	#[test]
	fn standbys_take_over_in_order() {
		let to = swaps(4, &down(&[2, 3]), &[7, 8, 9], FREE);
		assert_eq!(to, [Swap { from: 2, to: Some(7) }, Swap { from: 3, to: Some(8) }]);
	}

	#[test]
	fn no_more_leave_than_allowed() {
		let leaving = down(&[1, 2, 3]);
		assert_eq!(swaps(7, &leaving, &[7, 8, 9], Limits { allowed: 2, floor: 0 }).len(), 2);
		assert!(swaps(7, &leaving, &[7, 8, 9], Limits { allowed: 0, floor: 0 }).is_empty());
	}

	#[test]
	fn without_a_standby_the_set_shrinks_to_the_floor() {
		let floor = Limits { allowed: 9, floor: 4 };
		assert_eq!(swaps(6, &down(&[1, 2, 3]), &[], floor).len(), 2);
		assert!(swaps(4, &down(&[1]), &[], floor).is_empty());
		assert_eq!(swaps(4, &down(&[1, 2]), &[7], floor), [Swap { from: 1, to: Some(7) }]);
	}

	#[test]
	fn who_leaves_of_its_own_will_waits_for_a_standby() {
		let leaving = [Leaving { who: 1, allow_vacancy: false }, Leaving { who: 2, allow_vacancy: true }];
		assert_eq!(swaps(6, &leaving, &[], FREE), [Swap { from: 2, to: None }]);
		assert_eq!(swaps(6, &leaving[..1], &[7], FREE), [Swap { from: 1, to: Some(7) }]);
	}

	#[test]
	fn a_swap_keeps_everybody_elses_place() {
		let mut set = vec![1, 2, 3];
		assert!(apply(&mut set, &Swap { from: 2, to: Some(9) }));
		assert_eq!(set, [1, 9, 3]);
		assert!(apply(&mut set, &Swap { from: 1, to: None }));
		assert_eq!(set, [9, 3]);
	}

	#[test]
	fn a_swap_that_does_not_fit_changes_nothing() {
		let mut set = vec![1, 2, 3];
		assert!(!apply(&mut set, &Swap { from: 9, to: Some(8) }));
		assert!(!apply(&mut set, &Swap { from: 1, to: Some(3) }));
		assert_eq!(set, [1, 2, 3]);
	}

	/// I1, stability and the floor, for random failures and standbys.
	#[test]
	fn rotation_removes_only_who_leaves_within_the_cap_and_above_the_floor() {
		for seed in 0..10_000 {
			let mut rng = ChaCha8Rng::seed_from_u64(seed);
			let n = rng.gen_range(0..40u32);
			let mut set: Vec<u32> = (0..n).collect();
			let mut leaving = Vec::new();
			for who in &set {
				if rng.gen_bool(0.3) {
					leaving.push(Leaving { who: *who, allow_vacancy: rng.gen() });
				}
			}
			leaving.shuffle(&mut rng);
			let standbys: Vec<u32> = (100..100 + rng.gen_range(0..20)).collect();
			let limits = Limits { allowed: rng.gen_range(0..=cap(n)), floor: rng.gen_range(0..=n.max(1)) };
			let before = set.clone();
			let swaps = swaps(n, &leaving, &standbys, limits);
			assert!(swaps.len() as u32 <= limits.allowed, "seed {seed}: the cap");
			for swap in &swaps {
				assert!(apply(&mut set, swap), "seed {seed}: each swap fits");
				let asked = leaving.iter().find(|leaving| leaving.who == swap.from).expect("it was leaving");
				assert!(asked.allow_vacancy || swap.to.is_some());
			}
			assert!(set.len() as u32 >= limits.floor.min(n), "seed {seed}: the floor");
			let stayed = |who: &u32| !leaving.iter().any(|leaving| leaving.who == *who);
			let stay: Vec<_> = before.iter().filter(|who| stayed(who)).collect();
			assert_eq!(
				set.iter().filter(|who| **who < 100 && stayed(who)).collect::<Vec<_>>(),
				stay,
				"seed {seed}"
			);
			let unique: BTreeSet<_> = set.iter().collect();
			assert_eq!(unique.len(), set.len(), "seed {seed}: no member has two seats");
		}
	}

	/// The set of an election has the right size, consists of able candidates, follows the order of
	/// preference, and is stable: a second election gives the same set in the same places.
	#[test]
	fn an_election_is_stable_and_seats_nobody_before_a_better_one() {
		for seed in 0..10_000 {
			let mut rng = ChaCha8Rng::seed_from_u64(seed);
			let n = rng.gen_range(0..30u32);
			let mut seated: Vec<u32> = (0..40).filter(|_| rng.gen_bool(0.3)).collect();
			seated.shuffle(&mut rng);
			let regions = rng.gen_range(1..5);
			let tags = |who: &u32| Tags { region: tag(who % regions), operator: tag(who % 7) };
			let mut list: Vec<Candidate<u32>> = (0..n)
				.map(|who| {
					let sits = seated.contains(&who);
					let eligibility = *[Eligibility::Proven, Eligibility::Unknown, Eligibility::Unfit]
						.choose(&mut rng)
						.expect("there are some");
					let eligibility = if sits { Eligibility::Proven } else { eligibility };
					Candidate { who, backing: rng.gen_range(0..3), eligibility, sits }
				})
				.collect();
			list.shuffle(&mut rng);
			let (size, floor) = (rng.gen_range(0..30), rng.gen_range(0..10));
			let able = |candidate: &Candidate<u32>| candidate.who % 5 != 4;
			let set = super::elect(&seated, list.clone(), size, floor, able, tags);
			let chosen: BTreeSet<u32> = set.iter().copied().collect();
			assert_eq!(chosen.len(), set.len(), "seed {seed}: no member has two seats");
			let fit = list.iter().filter(|c| able(c) && c.eligibility != Eligibility::Unfit).count();
			let all = list.iter().filter(|c| able(c)).count();
			let expected = fit.max(all.min(floor as usize)).min(size as usize);
			assert_eq!(set.len(), expected, "seed {seed}: the size of the set");
			let (ins, outs): (Vec<_>, Vec<_>) =
				list.iter().filter(|c| able(c)).partition(|c| chosen.contains(&c.who));
			for worse in &outs {
				assert!(ins.iter().all(|better| better.preference() <= worse.preference()), "seed {seed}");
			}
			let again: Vec<_> =
				list.iter().map(|c| Candidate { sits: chosen.contains(&c.who), ..*c }).collect();
			assert_eq!(super::elect(&set, again, size, floor, able, tags), set, "seed {seed}: stable");
		}
	}
}
