//! A network in two parts: members cross over, prevote, vote for a recovery, crash (and do nothing
//! any more), restart (and know what they had kept), equivocate, and move between servers, in any
//! order.
//!
//! The split begins before a set is proposed, or after it: then both sides count the same votes. On
//! one side another roster may have taken effect since. A member can be on either side whenever it
//! does something. Members of a kind are interchangeable, and so are sides of a kind: a state is
//! counted once however they are named.

use stateright::{Model as Explored, Property};
use understudy_primitives::{
	offchain::Lock,
	quorum::{is_enough, is_quorum, needed, Count},
	vote::{binds, next, Next},
	BlockId, RecoveryStatus,
};

/// The change of the roster that has taken effect on one side since the split.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
	/// None: both have the same roster.
	None,
	/// The last of the active ones left the roster.
	Shrunk,
	/// The first of the reserve has a seat more.
	Grown,
}

/// The network that is explored, and the rules that hold in it.
#[derive(Clone, Copy)]
pub struct Model {
	active: usize,
	reserve: usize,
	/// The first so many of the active vote for everything.
	equivocators: usize,
	/// So many of the active after those move to another server: the old one has the keys in force,
	/// the new one has those that are set.
	movers: usize,
	/// The sides part after the proposal.
	late: bool,
	/// The change on the second side.
	change: Change,
	/// A quorum needs more of the active than may fail.
	active_quorum: bool,
	/// Members that have voted for a recovery finalize nothing meanwhile.
	abstain: bool,
	/// A node keeps its vote.
	keep: bool,
	/// A node votes for nothing that does not build on its last prevote.
	build_on_prevote: bool,
	/// The key in force votes, in every roster in flight.
	key_in_force: bool,
	/// Votes must be enough of every roster in flight, not only of the newest.
	every_roster: bool,
}

/// The rules of the pallet, for four active members and one in reserve.
pub const RULES: Model = Model {
	active: 4,
	reserve: 1,
	equivocators: 0,
	movers: 0,
	late: false,
	change: Change::None,
	active_quorum: true,
	abstain: true,
	keep: true,
	build_on_prevote: true,
	key_in_force: true,
	every_roster: true,
};

type Side = u8;

/// Kind of a member, in the order of the roster: members of a kind are interchangeable.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Kind {
	Equivocator,
	Mover,
	Active,
	/// Active, and off the second side's roster.
	Dropped,
	/// In reserve, and active in the second side's roster.
	Raised,
	Reserve,
}

/// One member, as far as it matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Member {
	kind: Kind,
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

impl Member {
	fn sits(&self) -> bool {
		self.kind <= Kind::Dropped
	}
}

/// A state of the network.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct State {
	/// The sides count the same votes.
	late: bool,
	/// They have the same roster, and may be exchanged.
	same: bool,
	members: Vec<Member>,
	recovered: [bool; 2],
	finalized: [bool; 2],
}

/// A step from one state to the next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
	/// A member, by its place, votes for a side's proposal.
	Vote(usize, Side),
	/// A member sees a side's change enacted.
	Enact(usize, Side),
	/// A member prevotes for a side's blocks with the old set.
	PrevoteOld(usize, Side),
	/// The same with the new set.
	PrevoteNew(usize, Side),
	/// A side recovers; these members are seated.
	Recover(Side, Vec<usize>),
	/// A block of a side alone becomes final.
	Finalize(Side),
}

impl State {
	/// The same with the sides' names exchanged. A late split has one proposal, which keeps its name.
	fn mirrored(&self) -> Self {
		let proposal = |proposal: u8| if self.late { proposal } else { 1 - proposal };
		let bits = |bits: u8| if self.late { bits } else { bits >> 1 | (bits & 1) << 1 };
		let mirrored = |member: &Member| Member {
			signed: bits(member.signed),
			kept: member.kept.map(proposal),
			old: member.old.map(|side| 1 - side),
			new: member.new.map(|side| 1 - side),
			seated: bits(member.seated),
			..*member
		};
		let swap = |[one, other]: [bool; 2]| [other, one];
		State {
			members: self.members.iter().map(mirrored).collect(),
			recovered: swap(self.recovered),
			finalized: swap(self.finalized),
			..*self
		}
	}

	/// The state that stands for all that differ from it in names.
	pub fn representative(&self) -> Self {
		let mut one = self.clone();
		one.members.sort_unstable();
		if !self.same {
			return one;
		}
		let mut other = self.mirrored();
		other.members.sort_unstable();
		one.min(other)
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
	/// The proposal of a side.
	fn proposal(&self, side: Side) -> u8 {
		if self.late {
			0
		} else {
			side
		}
	}

	/// Returns whether a member is in a side's roster, and active: in the old one, or in the newest.
	fn place(&self, member: &Member, newest: bool) -> Option<bool> {
		match member.kind {
			Kind::Dropped if newest => None,
			Kind::Raised => Some(newest),
			_ => Some(member.sits()),
		}
	}

	/// The members of a roster that are chosen.
	fn count(&self, state: &State, newest: bool, chosen: impl Fn(&Member) -> bool) -> Count {
		let places = state.members.iter().filter(|member| chosen(member));
		let places: Vec<bool> = places.filter_map(|member| self.place(member, newest)).collect();
		let active = places.iter().filter(|sits| **sits).count() as u32;
		Count { active, reserve: places.len() as u32 - active }
	}

	/// The rosters in flight of a side: whether each is the newest, where that is another one.
	fn rosters(&self, side: Side) -> &'static [bool] {
		match (side, self.change) {
			(0, _) | (_, Change::None) => &[false],
			_ if self.every_roster => &[false, true],
			_ => &[true],
		}
	}

	fn has_quorum(&self, state: &State, side: Side) -> bool {
		let proposal = self.proposal(side);
		self.rosters(side).iter().all(|newest| {
			let votes = self.count(state, *newest, |member| member.signed & 1 << proposal != 0);
			let size = self.count(state, *newest, |_| true);
			if self.active_quorum {
				is_quorum(votes, size)
			} else {
				votes.all() >= needed(size.all())
			}
		})
	}

	/// Returns whether enough of a set have prevoted for a side's blocks to finalize them. Equivocators
	/// always have.
	fn has_finalized(&self, state: &State, side: Side, is_new: bool) -> bool {
		let (mut seats, mut votes) = (0, 0);
		for member in &state.members {
			let sits = if is_new { member.seated & 1 << self.proposal(side) != 0 } else { member.sits() };
			let prevoted = if is_new { member.new } else { member.old };
			seats += u32::from(sits);
			votes += u32::from(sits && (member.kind == Kind::Equivocator || prevoted == Some(side)));
		}
		is_enough(votes, if is_new { self.active as u32 } else { seats })
	}

	/// Returns whether a member votes from a server whose GRANDPA key is not in force, while another
	/// one has that key.
	fn is_apart(&self, member: &Member) -> bool {
		member.kind == Kind::Mover && !self.key_in_force
	}

	/// Returns whether a member that is on this side is bound by its vote, and prevotes for nothing.
	fn is_bound(&self, state: &State, member: &Member, side: Side) -> bool {
		if self.is_apart(member) {
			return false;
		}
		let Some(kept) = member.kept.filter(|_| self.abstain) else { return false };
		let proposal = self.proposal(side);
		let rules_out_others = self.rosters(side).iter().all(|newest| {
			let others = self.count(state, *newest, |member| member.signed & 1 << proposal == 0);
			others.all() < needed(self.count(state, *newest, |_| true).all())
		});
		let status = RecoveryStatus {
			proposal: Some(block(proposal)),
			rules_out_others,
			forced: state.recovered[side as usize],
			..Default::default()
		};
		let lock = Lock { proposal: block(kept), set: 0 };
		binds(&lock, finalized(state, side), member.enacted.into(), Some(&status))
	}

	/// Returns whether a member may vote for this side's proposal.
	fn may_vote(&self, state: &State, member: &Member, side: Side) -> bool {
		// The key of one that moves changes in flight: no word of it counts.
		let has_key = member.kind != Kind::Mover || !self.key_in_force;
		let in_rosters = || self.rosters(side).iter().any(|newest| self.place(member, *newest).is_some());
		let kept = member.kept.filter(|_| self.keep).map(block);
		// What it has prevoted for on the other side, or on this one after the proposal, is not below it.
		let builds = member.old != Some(1 - side) && (member.old.is_none() || !self.late);
		has_key
			&& in_rosters()
			&& next(kept.as_ref(), &block(self.proposal(side)), finalized(state, side)) == Next::Sign
			&& (builds || !self.build_on_prevote || self.is_apart(member))
	}

	fn steps_of(&self, state: &State, side: Side, steps: &mut Vec<Step>) {
		let (here, there, proposal) = (side as usize, 1 - side, self.proposal(side));
		for (index, member) in state.members.iter().enumerate() {
			if member.kind == Kind::Equivocator {
				continue;
			}
			if self.may_vote(state, member, side) {
				steps.push(Step::Vote(index, side));
			}
			if state.recovered[here] && !member.enacted {
				steps.push(Step::Enact(index, side));
			}
			let bound = self.is_bound(state, member, side);
			// GRANDPA lets nobody leave what enough have prevoted for.
			let free = |is_new: bool| !bound && !self.has_finalized(state, there, is_new);
			if member.sits() && !member.enacted && member.old != Some(side) && free(false) {
				steps.push(Step::PrevoteOld(index, side));
			}
			let sits = member.seated & 1 << proposal != 0 && state.recovered[here] && member.enacted;
			if sits && member.new != Some(side) && free(true) {
				steps.push(Step::PrevoteNew(index, side));
			}
		}
		if !state.recovered[here] && self.has_quorum(state, side) {
			let is_fixed = self.late && state.recovered[there as usize];
			let signers: Vec<usize> = (0..state.members.len())
				.filter(|index| state.members[*index].signed & 1 << proposal != 0)
				.collect();
			let seats = self.active.min(signers.len());
			if is_fixed {
				steps.push(Step::Recover(side, Vec::new()));
			} else if is_enough(seats as u32, self.active as u32) {
				steps.extend(subsets(&signers, seats).into_iter().map(|set| Step::Recover(side, set)));
			}
		}
		let is_final = self.has_finalized(state, side, false)
			|| state.recovered[here] && self.has_finalized(state, side, true);
		if is_final && !state.finalized[here] {
			steps.push(Step::Finalize(side));
		}
	}
}

const ONE_RECOVERS: &str = "no more than one side recovers with a set of its own";
const ONE_FINALIZES: &str = "no more than one side finalizes blocks of its own";
const HEALS: &str = "a side recovers and finalizes";

impl Explored for Model {
	type State = State;
	type Action = Step;

	fn init_states(&self) -> Vec<State> {
		let kind = |index: usize| match index {
			_ if index < self.equivocators => Kind::Equivocator,
			_ if index < self.equivocators + self.movers => Kind::Mover,
			_ if index + 1 == self.active && self.change == Change::Shrunk => Kind::Dropped,
			_ if index < self.active => Kind::Active,
			_ if index == self.active && self.change == Change::Grown => Kind::Raised,
			_ => Kind::Reserve,
		};
		let member = |index| Member {
			kind: kind(index),
			signed: if index < self.equivocators { 3 } else { 0 },
			kept: None,
			old: None,
			new: None,
			enacted: false,
			seated: 0,
		};
		let members = (0..self.active + self.reserve).map(member).collect();
		let same = self.change == Change::None;
		vec![State { late: self.late, same, members, recovered: [false; 2], finalized: [false; 2] }]
	}

	fn actions(&self, state: &State, steps: &mut Vec<Step>) {
		(0..2).for_each(|side| self.steps_of(state, side, steps));
	}

	fn next_state(&self, state: &State, step: Step) -> Option<State> {
		let mut after = state.clone();
		match step {
			Step::Vote(index, side) => {
				after.members[index].signed |= 1 << self.proposal(side);
				after.members[index].kept = Some(self.proposal(side));
			},
			Step::Enact(index, _) => after.members[index].enacted = true,
			Step::PrevoteOld(index, side) => after.members[index].old = Some(side),
			Step::PrevoteNew(index, side) => after.members[index].new = Some(side),
			Step::Recover(side, set) => {
				after.recovered[side as usize] = true;
				set.iter().for_each(|index| after.members[*index].seated |= 1 << self.proposal(side));
			},
			Step::Finalize(side) => after.finalized[side as usize] = true,
		}
		Some(after)
	}

	fn properties(&self) -> Vec<Property<Self>> {
		vec![
			Property::always(ONE_RECOVERS, |model: &Self, state: &State| {
				state.recovered != [true; 2] || model.late
			}),
			Property::always(ONE_FINALIZES, |_: &Self, state: &State| state.finalized != [true; 2]),
			Property::sometimes(HEALS, |_: &Self, state: &State| {
				(0..2).any(|side| state.recovered[side] && state.finalized[side])
			}),
		]
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

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{explore, Found};

	fn found(model: Model) -> Found {
		explore(model, State::representative)
	}

	fn is_safe(what: &str, model: Model) {
		for late in [false, true] {
			let Found { states, courses } = found(Model { late, ..model });
			let when = if late { "after" } else { "before" };
			println!("{what}, split {when} the proposal: {states} states");
			assert!(courses.iter().all(|(name, _)| *name == HEALS), "{courses:?}");
			assert!(!courses.is_empty(), "it never heals");
		}
	}

	#[test]
	fn neither_do_both_sides_recover_nor_do_both_finalize() {
		for (active, reserve) in [(1, 1), (2, 1), (3, 1), (3, 2), (4, 0), (4, 1), (4, 2), (4, 3), (5, 1)] {
			let what = format!("{active} active, {reserve} in reserve");
			is_safe(&what, Model { active, reserve, ..RULES });
		}
	}

	#[test]
	fn nor_where_one_moves_between_servers_or_the_rosters_differ() {
		for (active, reserve) in [(3, 1), (4, 1), (4, 2)] {
			let model = Model { active, reserve, ..RULES };
			let what = format!("{active} active, {reserve} in reserve");
			is_safe(&format!("{what}, one moves"), Model { movers: 1, ..model });
			for change in [Change::Shrunk, Change::Grown] {
				let what = format!("{what}, {change:?} on one side");
				is_safe(&what, Model { change, ..model });
				is_safe(&format!("{what}, one moves"), Model { change, movers: 1, ..model });
			}
		}
	}

	/// The bound: nobody who votes equivocates. One who does is enough.
	#[test]
	fn one_equivocator_takes_the_sides_apart() {
		for late in [false, true] {
			let found = found(Model { equivocators: 1, late, ..RULES });
			assert!(found.has(ONE_RECOVERS) || found.has(ONE_FINALIZES));
		}
	}

	#[test]
	fn without_any_of_the_rules_the_sides_come_apart() {
		for late in [false, true] {
			let rules = Model { late, ..RULES };
			let breaks = |what: &str, model: Model| {
				assert!(found(model).has(ONE_FINALIZES), "nothing comes of it without the rule that {what}");
			};
			breaks("who has voted does not cross over and finalize", Model { abstain: false, ..rules });
			breaks("no prevote is out already", Model { build_on_prevote: false, ..rules });
			breaks(
				"more of the active vote than may fail",
				Model { active_quorum: false, reserve: 3, ..rules },
			);
			breaks("the key in force votes", Model { key_in_force: false, movers: 2, ..rules });
		}
		// After a late split there is one proposal only.
		assert!(found(Model { keep: false, ..RULES }).has(ONE_RECOVERS), "a node that forgets its vote");
		let newest = found(Model { every_roster: false, change: Change::Shrunk, ..RULES });
		assert!(newest.has(ONE_RECOVERS) || newest.has(ONE_FINALIZES), "votes of the newest roster alone");
	}
}
