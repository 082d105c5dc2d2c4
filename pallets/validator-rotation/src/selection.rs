//! Who sits in the set: pure functions, no storage.

use alloc::{collections::BTreeSet, vec::Vec};

/// A seat that changes hands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Swap<Id> {
	/// Who loses it.
	pub from: Id,
	/// Who gets it; `None` where the set shrinks.
	pub to: Option<Id>,
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
}

/// How gladly a candidate is seated. The order is the order of preference.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Standing {
	/// It sits in the set, or waits in the reserve and is healthy.
	Proven,
	/// It was never heard: it is new.
	Unknown,
	/// It waits in the reserve and something speaks against it.
	Unfit,
}

/// How many of `members` ordinary rotation may remove in one cool-off: ⌊(n−1)/3⌋, the faults that Byzantine agreement
/// among n members bears (I1).
pub fn cap(members: u32) -> u32 {
	understudy_primitives::tolerated_faults(members)
}

/// The set that an election seats: at most `size` of `candidates`, better standing first, then more backing, then those
/// that sit already. Members that stay keep their places, so that their indices stay; the others fill the gaps.
///
/// A member that sits keeps its standing whatever its health is: who loses a seat for being down is decided by
/// [`swaps`], under its limits, and by nobody else.
pub fn elect<Id: Clone + Ord>(seated: &[Id], mut candidates: Vec<Candidate<Id>>, size: u32) -> Vec<Id> {
	let sits: BTreeSet<&Id> = seated.iter().collect();
	candidates.sort_by(|a, b| {
		(a.standing, core::cmp::Reverse(a.backing), !sits.contains(&a.who)).cmp(&(
			b.standing,
			core::cmp::Reverse(b.backing),
			!sits.contains(&b.who),
		))
	});
	let chosen: Vec<Id> = candidates.into_iter().take(size as usize).map(|candidate| candidate.who).collect();

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

/// The swaps of ordinary rotation: each member of `down`, in order, gives its seat to the next of `standbys`, which are
/// healthy and best first. Where there is no standby the set shrinks, but not below the floor. `down` must sit in a set
/// of `seated` members.
pub fn swaps<Id: Clone>(seated: u32, down: &[Id], standbys: &[Id], limits: Limits) -> Vec<Swap<Id>> {
	let mut standbys = standbys.iter();
	let mut size = seated;
	let mut swaps = Vec::new();
	for from in down {
		if swaps.len() as u32 >= limits.allowed {
			break;
		}
		let to = standbys.next().cloned();
		if to.is_none() {
			if size <= limits.floor {
				break;
			}
			size = size.saturating_sub(1);
		}
		swaps.push(Swap { from: from.clone(), to });
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

	const FREE: Limits = Limits { allowed: 10, floor: 0 };

	fn candidates(list: &[(u32, u128, Standing)]) -> Vec<Candidate<u32>> {
		list.iter()
			.map(|(who, backing, standing)| Candidate { who: *who, backing: *backing, standing: *standing })
			.collect()
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
	fn equal_backing_displaces_nobody() {
		use Standing::Proven;
		let list = candidates(&[(1, 10, Proven), (2, 10, Proven), (3, 10, Proven), (4, 10, Proven)]);
		assert_eq!(elect(&[4, 3], list, 2), [4, 3]);
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
		let to = swaps(4, &[2, 3], &[7, 8, 9], FREE);
		assert_eq!(to, [Swap { from: 2, to: Some(7) }, Swap { from: 3, to: Some(8) }]);
	}

	#[test]
	fn no_more_leave_than_allowed() {
		assert_eq!(swaps(7, &[1, 2, 3], &[7, 8, 9], Limits { allowed: 2, floor: 0 }).len(), 2);
		assert!(swaps(7, &[1, 2, 3], &[7, 8, 9], Limits { allowed: 0, floor: 0 }).is_empty());
	}

	#[test]
	fn without_a_standby_the_set_shrinks_to_the_floor() {
		assert_eq!(swaps(6, &[1, 2, 3], &[], Limits { allowed: 9, floor: 4 }).len(), 2);
		assert!(swaps(4, &[1], &[], Limits { allowed: 9, floor: 4 }).is_empty());
		assert_eq!(swaps(4, &[1, 2], &[7], Limits { allowed: 9, floor: 4 }), [Swap { from: 1, to: Some(7) }]);
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
}
