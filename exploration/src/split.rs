//! Model of a network in two parts: members change sides, prevote, vote for a recovery, crash (and
//! take no further step), restart (with the state that they stored), equivocate, and move between
//! servers, in any order.
//!
//! The split begins before or after a set is proposed; in the second case both sides count the same
//! votes. On one side another roster may have taken effect since. A member can be on either side
//! for each of its steps. Members of one kind are interchangeable, and so are the sides if their
//! rosters are the same: states that differ in names only count once.

use stateright::{Model as Explored, Property};
use understudy_primitives::{
	offchain::Lock,
	quorum::{is_enough, is_quorum, needed, Count},
	vote::{binds, next, Next},
	BlockId, RecoveryStatus,
};

/// Change of the roster that has taken effect on one side since the split.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
	/// No change: both sides have the same roster.
	None,
	/// The last active member has left the roster.
	Shrunk,
	/// The first standby has an additional seat.
	Grown,
}

/// The explored network and its rules.
#[derive(Clone, Copy)]
pub struct Model {
	active: usize,
	reserve: usize,
	/// Number of active members, from the first one on, that vote for everything.
	equivocators: usize,
	/// Number of active members, after the equivocators, that move to another server: the old
	/// server has the keys in force, the new one has the keys that are set.
	movers: usize,
	/// The split begins after the proposal.
	late: bool,
	/// Change of the roster on the second side.
	change: Change,
	/// A quorum needs more active members than may fail.
	active_quorum: bool,
	/// A member that is bound by a recovery vote does not vote in GRANDPA.
	abstain: bool,
	/// A node stores its recovery vote.
	keep: bool,
	/// A node votes only for a proposal that builds on the target of its last prevote.
	build_on_prevote: bool,
	/// Only a key that is in force in every roster in flight may vote.
	key_in_force: bool,
	/// A quorum is needed in every roster in flight, not only in the newest.
	every_roster: bool,
}

/// The rules of the pallet, for four active members and one standby.
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

/// Kind of a member, in roster order. Members of one kind are interchangeable.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Kind {
	Equivocator,
	Mover,
	Active,
	/// Active, but not in the second side's newest roster.
	Dropped,
	/// In reserve, but active in the second side's newest roster.
	Raised,
	Reserve,
}

/// State of one member, as far as the model needs it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Member {
	kind: Kind,
	/// Proposals for which it has signed votes, as bits.
	signed: u8,
	/// Proposal of its last recovery vote, as stored by its node.
	kept: Option<u8>,
	/// Side of the blocks of its last prevote in the old set.
	old: Option<Side>,
	/// Side of the blocks of its last prevote in the new set.
	new: Option<Side>,
	/// It has seen a forced change enacted, and no longer votes in the old set.
	enacted: bool,
	/// Proposals that seat it, as bits.
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
	/// Both sides count the same votes.
	late: bool,
	/// Both sides have the same roster and are interchangeable.
	same: bool,
	members: Vec<Member>,
	recovered: [bool; 2],
	finalized: [bool; 2],
}

/// A step from one state to the next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
	/// A member, by its index, votes for a side's proposal.
	Vote(usize, Side),
	/// A member sees a side's forced change enacted.
	Enact(usize, Side),
	/// A member prevotes for a side's blocks in the old set.
	PrevoteOld(usize, Side),
	/// A member prevotes for a side's blocks in the new set.
	PrevoteNew(usize, Side),
	/// A side recovers and seats these members.
	Recover(Side, Vec<usize>),
	/// A block that only this side has becomes final.
	Finalize(Side),
}

impl State {
	/// Returns this state with the sides' names exchanged. A late split has one proposal, which
	/// keeps its name.
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

	/// Returns the state that represents all states that differ from this one in names only.
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

/// Returns the block of a proposal.
fn block(proposal: u8) -> BlockId<u8> {
	BlockId { number: 10, hash: proposal }
}

/// Returns the last finalized block as seen on a side. A finalized block of one side alone is above
/// every proposal.
fn finalized(state: &State, side: Side) -> u32 {
	if state.finalized[side as usize] {
		11
	} else {
		9
	}
}

impl Model {
	/// Returns the proposal of a side.
	fn proposal(&self, side: Side) -> u8 {
		if self.late {
			0
		} else {
			side
		}
	}

	/// Returns `Some(true)` for an active member of the old or the newest roster, `Some(false)` for
	/// a standby, and `None` for a member that is not in this roster.
	fn place(&self, member: &Member, newest: bool) -> Option<bool> {
		match member.kind {
			Kind::Dropped if newest => None,
			Kind::Raised => Some(newest),
			_ => Some(member.sits()),
		}
	}

	/// Counts the chosen members of the old or the newest roster.
	fn count(&self, state: &State, newest: bool, chosen: impl Fn(&Member) -> bool) -> Count {
		let places = state.members.iter().filter(|member| chosen(member));
		let places: Vec<bool> = places.filter_map(|member| self.place(member, newest)).collect();
		let active = places.iter().filter(|sits| **sits).count() as u32;
		Count { active, reserve: places.len() as u32 - active }
	}

	/// Returns the rosters in flight on a side: `false` for the old one, `true` for the newest one
	/// if it differs.
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

	/// Returns `true` if enough members of a set have prevoted for a side's blocks to finalize
	/// them. Equivocators count for both sides.
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

	/// Returns `true` if a member casts recovery votes from a server that does not have its GRANDPA
	/// key in force, while another server has that key.
	fn is_apart(&self, member: &Member) -> bool {
		member.kind == Kind::Mover && !self.key_in_force
	}

	/// Returns `true` if a member on this side is bound by its recovery vote and does not prevote.
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

	/// Returns `true` if a member may vote for this side's proposal.
	fn may_vote(&self, state: &State, member: &Member, side: Side) -> bool {
		// A moving member has different keys in the rosters in flight, so none of its statements
		// counts.
		let has_key = member.kind != Kind::Mover || !self.key_in_force;
		let in_rosters = || self.rosters(side).iter().any(|newest| self.place(member, *newest).is_some());
		let kept = member.kept.filter(|_| self.keep).map(block);
		// The proposal does not build on the target of a prevote for the other side. In a late
		// split it does not build on one for this side either, which is above the proposal.
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
			// GRANDPA's rules keep every voter on a block that a supermajority has prevoted for.
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

/// Returns all subsets of this size.
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
			assert!(!courses.is_empty(), "no side ever recovers and finalizes");
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

	/// The bound of the safety property: a single equivocating voter suffices to break it.
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
				assert!(found(model).has(ONE_FINALIZES), "nothing breaks without this rule: {what}");
			};
			breaks("a bound member does not vote in GRANDPA", Model { abstain: false, ..rules });
			breaks("a proposal builds on the last prevote", Model { build_on_prevote: false, ..rules });
			breaks(
				"a quorum needs more active members than may fail",
				Model { active_quorum: false, reserve: 3, ..rules },
			);
			breaks("only a key in force votes", Model { key_in_force: false, movers: 2, ..rules });
		}
		// A late split has one proposal only, so these rules are tested with an early split.
		assert!(found(Model { keep: false, ..RULES }).has(ONE_RECOVERS), "without a stored vote");
		let newest = found(Model { every_roster: false, change: Change::Shrunk, ..RULES });
		assert!(newest.has(ONE_RECOVERS) || newest.has(ONE_FINALIZES), "with a quorum of the newest roster");
	}
}
