//! Who sits in the set: pure functions, no storage.

use alloc::{
	collections::{BTreeMap, BTreeSet},
	vec::Vec,
};
use core::cmp::Reverse;
use understudy_primitives::{RecordKind, Tag, Tags};

/// A seat that changes hands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Swap<Id> {
	/// Who loses it.
	pub from: Id,
	/// Who gets it; `None` where the set shrinks.
	pub to: Option<Id>,
}

impl<Id> Swap<Id> {
	/// What its decision is recorded as.
	pub fn decision(&self) -> RecordKind {
		if self.to.is_some() {
			RecordKind::Replaced
		} else {
			RecordKind::Removed
		}
	}
}

/// How far ordinary rotation may go right now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
	/// How many more members may lose their seats in this cool-off.
	pub allowed: u32,
	/// The size below which the set must not shrink.
	pub floor: u32,
}

/// What is known of an elected candidate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidate<Id> {
	/// The account.
	pub who: Id,
	/// What stands behind it.
	pub backing: u128,
	/// Whether it can be seated, and how gladly.
	pub standing: Standing,
	/// Whether it sits already.
	pub sits: bool,
}

impl<Id> Candidate<Id> {
	/// The order of preference: better standing first, then more backing, then those that sit.
	fn preference(&self) -> (Standing, Reverse<u128>, bool) {
		(self.standing, Reverse(self.backing), !self.sits)
	}
}

/// How gladly a candidate is seated. The order is the order of preference.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Standing {
	/// It sits in the set, or waits in the reserve and is healthy.
	Proven,
	/// It was never heard: it is new.
	Unknown,
	/// Something speaks against it, it is in jail or on probation, or it wants to retire. Seated only to hold the floor.
	Unfit,
}

/// A member that is to lose its seat.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Leaving<Id> {
	/// The member.
	pub who: Id,
	/// Whether it goes although nobody takes its seat.
	pub anyway: bool,
}

/// How many of `members` ordinary rotation may remove in one cool-off: ⌊(n−1)/3⌋, the faults that Byzantine agreement
/// among n members bears (I1).
pub fn cap(members: u32) -> u32 {
	understudy_primitives::tolerated_faults(members)
}

/// The best `seats` of `candidates`, in order of preference, of those who are `able` to sit; the unfit among the first
/// `floor` only. Among equals that do not all get a seat, those come first whose region, and then operator, has least seats
/// by then, those of `seated` included.
///
/// `able` and `tags` may be costly: they are asked of as few as it takes.
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
		let room = if candidate.standing == Standing::Unfit { floor.min(seats) } else { seats };
		// Those that are equal to the last one that gets a seat are in the draw, if they do not sit already.
		let equal = |last: &Candidate<Id>| last.preference() == candidate.preference() && !candidate.sits;
		if chosen.len() >= room && !(room > 0 && chosen.last().is_some_and(equal)) {
			break;
		}
		if able(&candidate) {
			chosen.push(candidate);
		}
	}
	let room = match chosen.last() {
		Some(last) if last.standing == Standing::Unfit => {
			// The fit before them have their seats whatever the floor is.
			let fit = chosen.iter().filter(|candidate| candidate.standing != Standing::Unfit).count();
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
		// Each counts those of its region that come before it among the equals.
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

/// How many seats each region and operator has.
#[derive(Default)]
struct Taken {
	regions: BTreeMap<Tag, u32>,
	operators: BTreeMap<Tag, u32>,
}

impl Taken {
	/// One seat more; says how many there were of the region, and of the operator.
	fn take(&mut self, tags: &Tags) -> (u32, u32) {
		let next = |all: &mut BTreeMap<Tag, u32>, tag: &Tag| {
			let count = all.entry(tag.clone()).or_default();
			*count = count.saturating_add(1);
			count.saturating_sub(1)
		};
		(next(&mut self.regions, &tags.region), next(&mut self.operators, &tags.operator))
	}
}

/// The set that an election seats, see [`best`]. Members that stay keep their places, so that their indices stay; the others
/// fill the gaps.
///
/// A member that sits keeps its standing whatever its health is: who loses a seat for being down is decided by
/// [`swaps`], under its limits, and by nobody else.
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

/// The set that an election seats, with as many of the sitting members that it would unseat as it
/// takes to hold the floor, where they can be kept. They keep their places. The set was not larger
/// than before, so no floor is held that was not there.
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

/// The swaps of rotation: each one that leaves, in order, gives its seat to the next of `standbys`, which are healthy and best
/// first. Where there is no standby the set shrinks for those who leave anyway, but not below the floor. All of them must sit
/// in a set of `seated` members.
pub fn swaps<Id: Clone>(
	seated: u32,
	leaving: &[Leaving<Id>],
	standbys: &[Id],
	limits: Limits,
) -> Vec<Swap<Id>> {
	let mut standbys = standbys.iter();
	let mut size = seated;
	let mut swaps = Vec::new();
	for Leaving { who, anyway } in leaving {
		if swaps.len() as u32 >= limits.allowed {
			break;
		}
		let to = standbys.next().cloned();
		if to.is_none() {
			if size <= limits.floor || !anyway {
				continue;
			}
			size = size.saturating_sub(1);
		}
		swaps.push(Swap { from: who.clone(), to });
	}
	swaps
}

/// Applies a swap in place: the one who joins takes the place of the one who leaves. False, and nothing changed, where
/// `from` does not sit or `to` does.
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

	fn candidates(list: &[(u32, u128, Standing)]) -> Vec<Candidate<u32>> {
		let candidate = |(who, backing, standing): &_| Candidate {
			who: *who,
			backing: *backing,
			standing: *standing,
			sits: false,
		};
		list.iter().map(candidate).collect()
	}

	/// Everybody is able, and nobody has tags.
	fn elect(seated: &[u32], mut candidates: Vec<Candidate<u32>>, size: u32) -> Vec<u32> {
		candidates.iter_mut().for_each(|candidate| candidate.sits = seated.contains(&candidate.who));
		super::elect(seated, candidates, size, size, |_| true, |_| Tags::default())
	}

	fn down(list: &[u32]) -> Vec<Leaving<u32>> {
		list.iter().map(|who| Leaving { who: *who, anyway: true }).collect()
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
		use Standing::Proven;
		let list = candidates(&[(1, 10, Proven), (2, 30, Proven), (3, 20, Proven)]);
		assert_eq!(elect(&[], list.clone(), 2), [2, 3]);
		assert_eq!(elect(&[], list, 9), [2, 3, 1]);
	}

	#[test]
	fn an_election_seats_the_new_before_the_unfit_and_after_the_proven() {
		use Standing::*;
		let list = candidates(&[(1, 90, Unfit), (2, 50, Unknown), (3, 10, Proven)]);
		assert_eq!(elect(&[], list.clone(), 1), [3]);
		assert_eq!(elect(&[], list.clone(), 2), [3, 2]);
		assert_eq!(elect(&[], list, 3), [3, 2, 1]);
	}

	#[test]
	fn the_unfit_sit_only_to_hold_the_floor() {
		use Standing::*;
		let list = candidates(&[(1, 90, Unfit), (2, 50, Unfit), (3, 10, Proven)]);
		let elect = |floor| super::elect(&[], list.clone(), 3, floor, |_| true, |_| Tags::default());
		assert_eq!(elect(0), [3]);
		assert_eq!(elect(1), [3]);
		assert_eq!(elect(2), [3, 1]);
		assert_eq!(elect(3), [3, 1, 2]);
	}

	#[test]
	fn who_is_not_able_is_passed_over() {
		use Standing::Proven;
		let list = candidates(&[(1, 30, Proven), (2, 20, Proven), (3, 10, Proven)]);
		let set = super::elect(&[], list, 2, 0, |candidate| candidate.who != 1, |_| Tags::default());
		assert_eq!(set, [2, 3]);
	}

	#[test]
	fn equal_backing_displaces_nobody() {
		use Standing::Proven;
		let list = candidates(&[(1, 10, Proven), (2, 10, Proven), (3, 10, Proven), (4, 10, Proven)]);
		assert_eq!(elect(&[4, 3], list, 2), [4, 3]);
	}

	#[test]
	fn among_equals_the_region_with_fewest_seats_comes_first_and_then_the_operator() {
		use Standing::Proven;
		let tags = |who: &u32| Tags { region: tag(who / 10), operator: tag(who % 10) };
		let list = candidates(&[(11, 5, Proven), (12, 5, Proven), (21, 5, Proven), (31, 5, Proven)]);
		let best = |seated: &[u32], seats| best(seated, list.clone(), seats, 0, |_| true, tags);
		// One of each region before a second one of any.
		assert_eq!(best(&[], 3), [11, 21, 31]);
		// Who sits counts: region 1 and 2 have seats already.
		assert_eq!(best(&[19, 29], 1), [31]);
		// Equal regions: the operator decides.
		assert_eq!(best(&[19, 29, 39, 41, 51], 1), [11], "12 comes second in its region");
		let list = candidates(&[(11, 5, Proven), (22, 5, Proven)]);
		assert_eq!(super::best(&[31], list, 1, 0, |_| true, tags), [22]);
	}

	#[test]
	fn more_backing_comes_before_any_region() {
		use Standing::Proven;
		let tags = |who: &u32| Tags { region: tag(who / 10), operator: tag(0) };
		let list = candidates(&[(11, 6, Proven), (12, 5, Proven), (21, 4, Proven)]);
		assert_eq!(best(&[], list, 2, 0, |_| true, tags), [11, 12]);
	}

	#[test]
	fn tags_are_asked_for_only_where_they_decide() {
		use Standing::Proven;
		let list = candidates(&[(1, 30, Proven), (2, 20, Proven), (3, 10, Proven)]);
		assert_eq!(best(&[9], list, 2, 0, |_| true, |_| panic!("nobody is equal")), [1, 2]);
	}

	#[test]
	fn who_stays_keeps_the_place() {
		use Standing::Proven;
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
		let leaving = [Leaving { who: 1, anyway: false }, Leaving { who: 2, anyway: true }];
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

	/// I1, stability and the floor, whoever fails and whoever stands by.
	#[test]
	fn rotation_removes_only_who_leaves_within_the_cap_and_above_the_floor() {
		for seed in 0..10_000 {
			let mut rng = ChaCha8Rng::seed_from_u64(seed);
			let n = rng.gen_range(0..40u32);
			let mut set: Vec<u32> = (0..n).collect();
			let mut leaving = Vec::new();
			for who in &set {
				if rng.gen_bool(0.3) {
					leaving.push(Leaving { who: *who, anyway: rng.gen() });
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
				let asked = leaving.iter().find(|leaving| leaving.who == swap.from).expect("it was to leave");
				assert!(asked.anyway || swap.to.is_some());
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
			assert_eq!(unique.len(), set.len(), "seed {seed}: nobody sits twice");
		}
	}

	/// An election's set is of the right size and of those who are able, prefers what it says, and is stable: elected again
	/// it is the same, in the same places.
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
					let standing = *[Standing::Proven, Standing::Unknown, Standing::Unfit]
						.choose(&mut rng)
						.expect("there are some");
					let standing = if sits { Standing::Proven } else { standing };
					Candidate { who, backing: rng.gen_range(0..3), standing, sits }
				})
				.collect();
			list.shuffle(&mut rng);
			let (size, floor) = (rng.gen_range(0..30), rng.gen_range(0..10));
			let able = |candidate: &Candidate<u32>| candidate.who % 5 != 4;
			let set = super::elect(&seated, list.clone(), size, floor, able, tags);
			let chosen: BTreeSet<u32> = set.iter().copied().collect();
			assert_eq!(chosen.len(), set.len(), "seed {seed}: nobody sits twice");
			let fit = list.iter().filter(|c| able(c) && c.standing != Standing::Unfit).count();
			let all = list.iter().filter(|c| able(c)).count();
			let expected = fit.max(all.min(floor as usize)).min(size as usize);
			assert_eq!(set.len(), expected, "seed {seed}: its size");
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
