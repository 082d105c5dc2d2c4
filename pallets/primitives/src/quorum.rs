//! Numbers of votes that suffice: for a recovery, and for finality. Pure functions.

use crate::tolerated_faults;

/// Returns the least number of votes that is strictly more than half of the members.
pub fn needed(members: u32) -> u32 {
	(members / 2).saturating_add(1)
}

/// Returns `true` if the votes suffice for a recovery.
///
/// They must come from strictly more than half of the members, so that two sides of a partition
/// never both have enough (I4). They must also come from more active members than may fail, so that
/// the remaining active members cannot finalize another branch as the current set.
pub fn is_quorum(votes: Count, members: Count) -> bool {
	votes.all() >= needed(members.all()) && votes.active > tolerated_faults(members.active)
}

/// Number of members in each part of a roster.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Count {
	/// Members of the active set.
	pub active: u32,
	/// Members of the reserve.
	pub reserve: u32,
}

impl Count {
	/// Counts the `members` for which `counts` returns `true`. The first `active` of them are the
	/// active set.
	pub fn of<Id>(members: &[Id], active: u32, counts: impl Fn(&Id) -> bool) -> Self {
		let (active, reserve) = members.split_at((active as usize).min(members.len()));
		let among = |members: &[Id]| members.iter().filter(|who| counts(who)).count() as u32;
		Self { active: among(active), reserve: among(reserve) }
	}

	/// Returns the sum of both parts, saturating.
	pub fn all(&self) -> u32 {
		self.active.saturating_add(self.reserve)
	}
}

/// Returns `true` if a set of this many seats can finalize: more than two thirds of it are alive.
pub fn is_enough(alive: u32, seats: u32) -> bool {
	seats > 0 && u64::from(alive) * 3 > u64::from(seats) * 2
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn two_sides_never_both_have_a_quorum_nor_does_one_while_the_other_finalizes() {
		for active in 1..20u32 {
			for reserve in 0..20 {
				let members = Count { active, reserve };
				for one in (0..=active)
					.flat_map(|active| (0..=reserve).map(move |reserve| Count { active, reserve }))
				{
					let other = Count { active: active - one.active, reserve: reserve - one.reserve };
					if is_quorum(one, members) {
						assert!(!is_quorum(other, members));
						assert!(!is_enough(other.active, active), "{one:?} of {members:?}");
					}
				}
			}
		}
		let most = Count { active: u32::MAX, reserve: u32::MAX };
		assert!(is_quorum(most, most) && !is_quorum(Count::default(), Count::default()));
		// Two of four active members suffice with two standbys. A further standby does not make up
		// for a missing active member.
		let four = |reserve| Count { active: 4, reserve };
		assert!(is_quorum(Count { active: 2, reserve: 2 }, four(2)));
		assert!(!is_quorum(Count { active: 1, reserve: 3 }, four(3)));
	}

	#[test]
	fn a_set_finalizes_with_more_than_two_thirds() {
		assert!(is_enough(3, 4) && !is_enough(2, 3) && is_enough(1, 1) && !is_enough(0, 0));
		assert!(is_enough(5, 7) && !is_enough(4, 6));
	}
}
