//! Every state that a small network can get into after it splits in two: members cross over, vote, crash (and do nothing any more),
//! restart (and know what they had kept), and equivocate, in any order. Never do both sides recover (I4), and never does a block of
//! each become final.
//!
//! The split is there before either side notices that finality stands still: each has an anchor of its own. One that begins later is
//! not explored, and not safe, see `docs/recovery.md`. The decisions are the pallet's own functions. Members of a kind are interchangeable, so a state is counted once however they
//! are named. Each rule that keeps the sides apart is taken away in turn: then the exploration finds what it prevents.

use std::collections::HashSet;

use pallet_recovery::{
	mode::{is_enough, is_quorum, needed, Count},
	vote::{next, Next},
	BlockId,
};

/// What is explored, and which rules hold.
#[derive(Clone, Copy)]
struct Model {
	active: usize,
	reserve: usize,
	/// The first so many of the active vote for everything.
	equivocators: usize,
	/// A quorum needs more of the active than may fail.
	active_quorum: bool,
	/// Who has voted for one branch does not finalize another one.
	abstain: bool,
	/// A node keeps its vote.
	keep: bool,
}

const RULES: Model =
	Model { active: 4, reserve: 2, equivocators: 0, active_quorum: true, abstain: true, keep: true };

/// One member, as far as it matters. An equivocator is on both sides at once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
struct Member {
	side: u8,
	/// The branches whose anchors it has signed votes for, as bits.
	signed: u8,
	/// The branch whose vote it keeps.
	kept: Option<u8>,
	/// It has seen the change of its side's recovery enacted: it votes with the old set no more.
	enacted: bool,
	/// It has helped to finalize a block of its side, and stays.
	pinned: bool,
	/// The recoveries that seated it, as bits.
	seated: u8,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct State {
	members: Vec<Member>,
	recovered: [bool; 2],
	finalized: [bool; 2],
}

#[derive(Debug, PartialEq, Eq)]
enum Outcome {
	Safe { states: usize },
	BothRecovered,
	BothFinal,
}

impl Model {
	fn start(&self) -> State {
		let member =
			|index| Member { signed: if index < self.equivocators { 3 } else { 0 }, ..Default::default() };
		let members = (0..self.active + self.reserve).map(member).collect();
		State { members, recovered: [false; 2], finalized: [false; 2] }
	}

	fn is_honest(&self, index: usize) -> bool {
		index >= self.equivocators
	}

	fn votes(&self, state: &State, side: u8) -> Count {
		let voted = |members: &[Member]| {
			members.iter().filter(|member| member.signed & 1 << side != 0).count() as u32
		};
		Count { active: voted(&state.members[..self.active]), reserve: voted(&state.members[self.active..]) }
	}

	fn has_quorum(&self, votes: Count) -> bool {
		let members = Count { active: self.active as u32, reserve: self.reserve as u32 };
		if self.active_quorum {
			is_quorum(votes, members)
		} else {
			votes.all() >= needed(members.all())
		}
	}

	/// Whether a member that is on this side helps to finalize its blocks with the old set.
	fn finalizes(&self, state: &State, index: usize, side: u8) -> bool {
		let member = &state.members[index];
		if !self.is_honest(index) {
			return true;
		}
		let elsewhere = member.kept.is_some_and(|kept| kept != side) && !member.pinned;
		let all = (self.active + self.reserve) as u32;
		let votes = self.votes(state, side);
		let ruled_out = votes.all() + needed(all) > all;
		member.side == side && !member.enacted && (!self.abstain || !elsewhere || ruled_out)
	}

	/// All states that can follow.
	fn steps(&self, state: &State) -> Vec<State> {
		let mut all = Vec::new();
		let mut step = |change: &dyn Fn(&mut State)| {
			let mut after = state.clone();
			change(&mut after);
			all.push(after);
		};
		for (index, member) in state.members.iter().enumerate().filter(|(index, _)| self.is_honest(*index)) {
			let side = member.side;
			if !member.pinned {
				step(&|after| after.members[index].side = 1 - side);
			}
			let anchor = |branch: u8| BlockId { number: 10 + u32::from(branch), hash: branch };
			let kept = member.kept.filter(|_| self.keep).map(anchor);
			// Its own anchor is final for it only on its own side, where its blocks are.
			let is_final = |block: &BlockId<u8>| block.hash == side && member.pinned;
			if next(kept.as_ref(), &anchor(side), is_final) == Next::Sign {
				step(&|after| {
					after.members[index].signed |= 1 << side;
					after.members[index].kept = Some(side);
				});
			}
			if state.recovered[side as usize] && !member.enacted {
				step(&|after| after.members[index].enacted = true);
			}
		}
		for side in 0..2u8 {
			let bit = 1 << side;
			if !state.recovered[side as usize] && self.has_quorum(self.votes(state, side)) {
				step(&|after| {
					after.recovered[side as usize] = true;
					let mut seats = self.active;
					for member in after.members.iter_mut().filter(|member| member.signed & bit != 0) {
						if seats > 0 {
							member.seated |= bit;
							seats -= 1;
						}
					}
				});
			}
			let old: Vec<usize> =
				(0..self.active).filter(|index| self.finalizes(state, *index, side)).collect();
			let new: Vec<usize> = (0..state.members.len())
				.filter(|index| {
					let member = &state.members[*index];
					let there = !self.is_honest(*index) || member.side == side && member.enacted;
					member.seated & bit != 0 && there
				})
				.collect();
			let seats = state.members.iter().filter(|member| member.seated & bit != 0).count();
			for (voters, seats) in [(old, self.active), (new, seats)] {
				// As few as it takes: the others may go elsewhere.
				let least =
					(0..=seats).find(|alive| is_enough(*alive as u32, seats as u32)).unwrap_or(usize::MAX);
				for some in subsets(&voters, least) {
					step(&|after| {
						after.finalized[side as usize] = true;
						for index in &some {
							after.members[*index].side = side;
							after.members[*index].pinned = true;
						}
					});
				}
			}
		}
		for state in &mut all {
			let (active, reserve) = state.members.split_at_mut(self.active);
			active[self.equivocators..].sort_unstable();
			reserve.sort_unstable();
		}
		all
	}

	fn explore(&self) -> Outcome {
		let mut seen = HashSet::from([self.start()]);
		let mut open = vec![self.start()];
		while let Some(state) = open.pop() {
			if state.recovered == [true; 2] {
				return Outcome::BothRecovered;
			}
			if state.finalized == [true; 2] {
				return Outcome::BothFinal;
			}
			for after in self.steps(&state) {
				if seen.insert(after.clone()) {
					open.push(after);
				}
			}
		}
		Outcome::Safe { states: seen.len() }
	}
}

/// All ways to take so many of these.
fn subsets(of: &[usize], count: usize) -> Vec<Vec<usize>> {
	if count == 0 {
		return vec![Vec::new()];
	}
	let Some((first, rest)) = of.split_first().filter(|_| of.len() >= count) else { return Vec::new() };
	let with = subsets(rest, count - 1).into_iter().map(|mut some| {
		some.push(*first);
		some
	});
	with.chain(subsets(rest, count)).collect()
}

#[test]
fn neither_do_both_sides_recover_nor_do_both_finalize() {
	for (active, reserve) in [(1, 1), (2, 1), (3, 1), (3, 2), (4, 0), (4, 1), (4, 2), (4, 3)] {
		let outcome = Model { active, reserve, ..RULES }.explore();
		println!("{active} active, {reserve} in reserve: {outcome:?}");
		assert!(
			matches!(outcome, Outcome::Safe { .. }),
			"{active} active, {reserve} in reserve: {outcome:?}"
		);
	}
}

/// The bound: nobody who votes equivocates. One who does is enough.
#[test]
fn one_equivocator_takes_the_sides_apart() {
	let even = Model { equivocators: 1, ..RULES };
	assert_eq!(even.explore(), Outcome::BothFinal);
	let odd = Model { reserve: 3, ..even };
	assert!(!matches!(odd.explore(), Outcome::Safe { .. }));
}

#[test]
fn without_any_of_the_rules_the_sides_come_apart() {
	let forgetful = Model { keep: false, ..RULES }.explore();
	assert!(!matches!(forgetful, Outcome::Safe { .. }), "a node that forgets its vote: {forgetful:?}");
	let crossing = Model { abstain: false, ..RULES }.explore();
	assert_eq!(crossing, Outcome::BothFinal, "a voter that crosses over and finalizes");
	let by_standbys = Model { active_quorum: false, reserve: 3, ..RULES }.explore();
	assert_eq!(by_standbys, Outcome::BothFinal, "a recovery by those in reserve");
}
