//! Every state that a small network can get into after it splits in two: members cross over, prevote, vote for a recovery, crash (and do
//! nothing any more), restart (and know what they had kept), and equivocate, in any order. Never do both sides recover with sets of
//! their own (I4), and never does a block of each become final.
//!
//! The split begins before a set is proposed, or after it: then both sides count the same votes. The decisions are the pallet's own
//! functions. Members of a kind are interchangeable, and so are the sides: a state is counted once however they are named. A member can
//! be on either side whenever it does something. Each rule that keeps the sides apart is taken away in turn: then the exploration finds
//! what it prevents.

use std::collections::HashSet;

use pallet_recovery::{
	vote::{binds, next, Next},
	BlockId,
};
use understudy_primitives::{
	offchain::Lock,
	quorum::{is_enough, is_quorum, needed, Count},
	RecoveryStatus,
};

/// What is explored, and which rules hold.
#[derive(Clone, Copy)]
struct Model {
	active: usize,
	reserve: usize,
	/// The first so many of the active vote for everything.
	equivocators: usize,
	/// The sides part after the proposal.
	late: bool,
	/// A quorum needs more of the active than may fail.
	active_quorum: bool,
	/// Who has voted for a recovery finalizes nothing meanwhile.
	abstain: bool,
	/// A node keeps its vote.
	keep: bool,
	/// A node votes for nothing that does not build on its last prevote.
	build_on_prevote: bool,
}

const RULES: Model = Model {
	active: 4,
	reserve: 1,
	equivocators: 0,
	late: false,
	active_quorum: true,
	abstain: true,
	keep: true,
	build_on_prevote: true,
};

type Side = u8;

/// One member, as far as it matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
struct Member {
	/// The proposals that it has signed votes for, as bits.
	signed: u8,
	/// The proposal that it has voted for last.
	kept: Option<u8>,
	/// The side for whose blocks it has prevoted last, in the old set.
	old: Option<Side>,
	/// The same, in the new set.
	new: Option<Side>,
	/// It has seen a change enacted: it votes with the old set no more.
	enacted: bool,
	/// The proposals that seat it, as bits.
	seated: u8,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct State {
	members: Vec<Member>,
	recovered: [bool; 2],
	finalized: [bool; 2],
}

#[derive(Debug, PartialEq, Eq)]
enum Outcome {
	/// Neither happens. One side recovers and finalizes in some of these states.
	Safe {
		states: usize,
		healed: usize,
	},
	BothRecovered,
	BothFinal,
}

impl State {
	/// The same with the sides' names exchanged. A late split has one proposal, which keeps its name.
	fn mirrored(&self, late: bool) -> Self {
		let proposal = |proposal: u8| if late { proposal } else { 1 - proposal };
		let bits = |bits: u8| if late { bits } else { bits >> 1 | (bits & 1) << 1 };
		let mirrored = |member: &Member| Member {
			signed: bits(member.signed),
			kept: member.kept.map(proposal),
			old: member.old.map(|side| 1 - side),
			new: member.new.map(|side| 1 - side),
			enacted: member.enacted,
			seated: bits(member.seated),
		};
		let swap = |[one, other]: [bool; 2]| [other, one];
		State {
			members: self.members.iter().map(mirrored).collect(),
			recovered: swap(self.recovered),
			finalized: swap(self.finalized),
		}
	}
}

/// The block of a proposal.
fn block(proposal: u8) -> BlockId<u8> {
	BlockId { number: 10, hash: proposal }
}

/// Up to where finality has come for those on a side: a block of its own is beyond every proposal.
fn finalized(state: &State, side: Side) -> u32 {
	if state.finalized[side as usize] {
		11
	} else {
		9
	}
}

impl Model {
	fn start(&self) -> State {
		let member =
			|index| Member { signed: if index < self.equivocators { 3 } else { 0 }, ..Default::default() };
		let members = (0..self.active + self.reserve).map(member).collect();
		State { members, recovered: [false; 2], finalized: [false; 2] }
	}

	/// The proposal of a side.
	fn proposal(&self, side: Side) -> u8 {
		if self.late {
			0
		} else {
			side
		}
	}

	fn size(&self) -> Count {
		Count { active: self.active as u32, reserve: self.reserve as u32 }
	}

	fn votes(&self, state: &State, proposal: u8) -> Count {
		let voted = |members: &[Member]| {
			members.iter().filter(|member| member.signed & 1 << proposal != 0).count() as u32
		};
		Count { active: voted(&state.members[..self.active]), reserve: voted(&state.members[self.active..]) }
	}

	fn has_quorum(&self, votes: Count) -> bool {
		if self.active_quorum {
			is_quorum(votes, self.size())
		} else {
			votes.all() >= needed(self.size().all())
		}
	}

	/// Whether enough of a set have prevoted for a side's blocks to finalize them. Equivocators always have.
	fn has_finalized(&self, state: &State, side: Side, is_new: bool) -> bool {
		let (mut seats, mut votes) = (0, 0);
		for (index, member) in state.members.iter().enumerate() {
			let sits =
				if is_new { member.seated & 1 << self.proposal(side) != 0 } else { index < self.active };
			let prevoted = if is_new { member.new } else { member.old };
			seats += u32::from(sits);
			votes += u32::from(sits && (index < self.equivocators || prevoted == Some(side)));
		}
		is_enough(votes, if is_new { self.active as u32 } else { seats })
	}

	/// Whether a member that is on this side is bound by its vote, and prevotes for nothing.
	fn is_bound(&self, state: &State, member: &Member, side: Side) -> bool {
		let Some(kept) = member.kept.filter(|_| self.abstain) else { return false };
		let proposal = self.proposal(side);
		let others = self.size().all() - self.votes(state, proposal).all();
		let status = RecoveryStatus {
			proposal: Some(block(proposal)),
			rules_out_others: others < needed(self.size().all()),
			forced: state.recovered[side as usize],
			..Default::default()
		};
		let lock = Lock { proposal: block(kept), set: 0 };
		binds(&lock, finalized(state, side), member.enacted.into(), Some(&status))
	}

	/// All states that can follow.
	fn steps(&self, state: &State) -> Vec<State> {
		let mut all = Vec::new();
		let mut step = |change: &dyn Fn(&mut State)| {
			let mut after = state.clone();
			change(&mut after);
			let (active, reserve) = after.members.split_at_mut(self.active);
			active[self.equivocators..].sort_unstable();
			reserve.sort_unstable();
			all.push(after);
		};
		for side in 0..2u8 {
			let (here, proposal) = (side as usize, self.proposal(side));
			let there = 1 - side;
			for (index, member) in state.members.iter().enumerate().skip(self.equivocators) {
				let kept = member.kept.filter(|_| self.keep).map(block);
				// What it has prevoted for on the other side, or on this one after the proposal, is not below it.
				let builds = member.old != Some(there) && (member.old.is_none() || !self.late);
				if next(kept.as_ref(), &block(proposal), finalized(state, side)) == Next::Sign
					&& (builds || !self.build_on_prevote)
				{
					step(&|after| {
						after.members[index].signed |= 1 << proposal;
						after.members[index].kept = Some(proposal);
					});
				}
				if state.recovered[here] && !member.enacted {
					step(&|after| after.members[index].enacted = true);
				}
				let bound = self.is_bound(state, member, side);
				// GRANDPA lets nobody leave what enough have prevoted for.
				let free = |is_new: bool| !bound && !self.has_finalized(state, there, is_new);
				if index < self.active && !member.enacted && member.old != Some(side) && free(false) {
					step(&|after| after.members[index].old = Some(side));
				}
				let sits = member.seated & 1 << proposal != 0 && state.recovered[here] && member.enacted;
				if sits && member.new != Some(side) && free(true) {
					step(&|after| after.members[index].new = Some(side));
				}
			}
			if !state.recovered[here] && self.has_quorum(self.votes(state, proposal)) {
				let is_fixed = self.late && state.recovered[there as usize];
				let signers: Vec<usize> = (0..state.members.len())
					.filter(|i| state.members[*i].signed & 1 << proposal != 0)
					.collect();
				let seats = self.active.min(signers.len());
				if is_fixed {
					step(&|after| after.recovered[here] = true);
				} else if is_enough(seats as u32, self.active as u32) {
					for set in subsets(&signers, seats) {
						step(&|after| {
							after.recovered[here] = true;
							set.iter().for_each(|index| after.members[*index].seated |= 1 << proposal);
						});
					}
				}
			}
			let is_final = self.has_finalized(state, side, false)
				|| state.recovered[here] && self.has_finalized(state, side, true);
			if is_final && !state.finalized[here] {
				step(&|after| after.finalized[here] = true);
			}
		}
		for state in &mut all {
			let mut mirrored = state.mirrored(self.late);
			let (active, reserve) = mirrored.members.split_at_mut(self.active);
			active[self.equivocators..].sort_unstable();
			reserve.sort_unstable();
			if mirrored < *state {
				*state = mirrored;
			}
		}
		all
	}

	fn explore(&self) -> Outcome {
		let mut seen = HashSet::from([self.start()]);
		let mut open = vec![self.start()];
		let mut healed = 0;
		while let Some(state) = open.pop() {
			if state.finalized == [true; 2] {
				return Outcome::BothFinal;
			}
			if state.recovered == [true; 2] && !self.late {
				return Outcome::BothRecovered;
			}
			healed += usize::from((0..2).any(|side| state.recovered[side] && state.finalized[side]));
			for after in self.steps(&state) {
				if seen.insert(after.clone()) {
					open.push(after);
				}
			}
		}
		Outcome::Safe { states: seen.len(), healed }
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
	for (active, reserve) in [(1, 1), (2, 1), (3, 1), (3, 2), (4, 0), (4, 1), (4, 2), (4, 3), (5, 1)] {
		for late in [false, true] {
			let outcome = Model { active, reserve, late, ..RULES }.explore();
			let when = if late { "after" } else { "before" };
			println!("{active} active, {reserve} in reserve, split {when} the proposal: {outcome:?}");
			let Outcome::Safe { healed, .. } = outcome else { panic!("{outcome:?}") };
			assert!(healed > 0, "it never heals");
		}
	}
}

/// The bound: nobody who votes equivocates. One who does is enough.
#[test]
fn one_equivocator_takes_the_sides_apart() {
	for late in [false, true] {
		let outcome = Model { equivocators: 1, late, ..RULES }.explore();
		assert!(!matches!(outcome, Outcome::Safe { .. }));
	}
}

#[test]
fn without_any_of_the_rules_the_sides_come_apart() {
	for late in [false, true] {
		let rules = Model { late, ..RULES };
		let crossing = Model { abstain: false, ..rules }.explore();
		assert_eq!(crossing, Outcome::BothFinal, "a voter that crosses over and finalizes");
		let hasty = Model { build_on_prevote: false, ..rules }.explore();
		assert_eq!(hasty, Outcome::BothFinal, "a prevote that is out already");
		let by_standbys = Model { active_quorum: false, reserve: 3, ..rules }.explore();
		assert_eq!(by_standbys, Outcome::BothFinal, "a recovery by those in reserve");
	}
	// After a late split there is one proposal only.
	let forgetful = Model { keep: false, ..RULES }.explore();
	assert_eq!(forgetful, Outcome::BothRecovered, "a node that forgets its vote");
}
