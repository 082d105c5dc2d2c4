//! One stall on one chain: members attest that they are present, a set is proposed, they vote for it,
//! and it is seated. Meanwhile members die and come back, standbys of the proposed set leave, a
//! stranger replays attestations of an earlier round, and elected standbys show themselves for the
//! first time, or never. The chain refuses what its rules refuse; the adversaries try it all the same.
//!
//! Members of a kind are interchangeable: a state is counted once however they are named.

use std::collections::HashSet;

use stateright::{Model as Explored, Property};
use understudy_primitives::quorum::{is_enough, is_quorum, Count};

/// The chain that is explored, and the rules that hold on it.
#[derive(Clone, Copy)]
pub struct Model {
	active: usize,
	/// Number of standbys that are ready.
	reserve: usize,
	/// Number of standbys that were elected and had not shown themselves before the stall.
	silent: usize,
	/// Members die, and come back, so many times in all.
	faults: u8,
	/// Only members that showed themselves ready count.
	ready_only: bool,
	/// The set that was voted for is the one that is seated.
	fixed_set: bool,
	/// An attestation names its round.
	round_signed: bool,
}

/// The rules of the pallet, for four active members and two standbys.
pub const RULES: Model = Model {
	active: 4,
	reserve: 2,
	silent: 0,
	faults: 4,
	ready_only: true,
	fixed_set: true,
	round_signed: true,
};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Kind {
	Active,
	Reserve,
	Silent,
}

/// One member, as far as it matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Member {
	kind: Kind,
	alive: bool,
	/// It attested that it is present, in this round.
	present: bool,
	/// It attested so in an earlier round.
	attested: bool,
	/// It was dead in this round from its beginning, and counts as present.
	forged: bool,
	/// The proposal seats it.
	seated: bool,
	/// It has asked to leave since.
	left: bool,
	voted: bool,
}

/// Phase of the stall.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
enum Phase {
	Gathering,
	Proposed,
	Seated,
	Safe,
}

/// A state of the chain.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct State {
	members: Vec<Member>,
	phase: Phase,
	faults: u8,
}

/// A step from one state to the next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
	/// A member dies.
	Die(usize),
	/// It comes back, with the database that it had.
	Return(usize),
	/// A standby of the proposed set asks to leave.
	Leave(usize),
	/// A stranger replays an attestation of an earlier round.
	Replay(usize),
	/// A member attests that it is present.
	Attest(usize),
	/// The chain asks those present anew.
	AskAnew,
	/// The chain proposes the set in which those present replace all others.
	Propose,
	/// A member votes for it.
	Vote(usize),
	/// The chain seats it.
	Seat,
	/// Blocks become final again.
	Finalize,
}

impl State {
	/// The state that stands for all that differ from it in names.
	pub fn representative(&self) -> Self {
		let mut one = self.clone();
		one.members.sort_unstable();
		one
	}

	fn finalizers(&self, of: impl Fn(&Member) -> bool, able: impl Fn(&Member) -> bool) -> bool {
		let set = || self.members.iter().filter(|member| of(member));
		is_enough(set().filter(|member| able(member)).count() as u32, set().count() as u32)
	}
}

impl Model {
	fn counts(&self, member: &Member) -> bool {
		member.kind != Kind::Silent || !self.ready_only
	}

	/// Returns whether these members suffice for a recovery.
	fn suffice(&self, state: &State, chosen: impl Fn(&Member) -> bool) -> bool {
		let count = |chosen: &dyn Fn(&Member) -> bool| {
			Count::of(&state.members, self.active as u32, |member| self.counts(member) && chosen(member))
		};
		is_quorum(count(&chosen), count(&|_| true))
	}

	/// The set in which those present replace all others: by place.
	fn reseated(&self, state: &State) -> Vec<bool> {
		let mut seated = vec![false; state.members.len()];
		let places = |present: bool, active: bool| {
			let fits =
				move |member: &Member| member.present == present && (member.kind == Kind::Active) == active;
			state.members.iter().enumerate().filter(move |(_, member)| fits(member)).map(|(index, _)| index)
		};
		let order = places(true, true).chain(places(true, false)).chain(places(false, true));
		order.take(self.active).for_each(|index| seated[index] = true);
		seated
	}

	fn may_propose(&self, state: &State) -> bool {
		let seated = self.reseated(state);
		let of_set = state.members.iter().zip(&seated).filter(|(_, seated)| **seated);
		let living = of_set.filter(|(member, _)| member.present).count() as u32;
		self.suffice(state, |member| member.present) && is_enough(living, self.active as u32)
	}

	/// Steps that the members that live, and the chain, can take by themselves.
	fn honest_steps(&self, state: &State) -> Vec<Step> {
		let mut steps = Vec::new();
		for (index, member) in state.members.iter().enumerate() {
			let able = member.alive && self.counts(member);
			if state.phase == Phase::Gathering && able && !member.present {
				steps.push(Step::Attest(index));
			}
			if state.phase == Phase::Proposed && able && !member.voted {
				steps.push(Step::Vote(index));
			}
		}
		let has_left = state.members.iter().any(|member| member.seated && member.left);
		match state.phase {
			Phase::Gathering => {
				if self.may_propose(state) {
					steps.push(Step::Propose);
				}
				if state.members.iter().any(|member| member.present) {
					steps.push(Step::AskAnew);
				}
			},
			Phase::Proposed => {
				let can_finalize = state.finalizers(|member| member.seated, |member| member.voted);
				// A set that is reckoned anew is another one when a member of it has left.
				let is_same = self.fixed_set || !has_left;
				if self.suffice(state, |member| member.voted) && can_finalize && is_same {
					steps.push(Step::Seat);
				}
			},
			Phase::Seated => {
				if state.finalizers(|member| member.seated, |member| member.alive) {
					steps.push(Step::Finalize);
				}
			},
			Phase::Safe => (),
		}
		// The old set, without those that are bound.
		let old = |member: &Member| member.kind == Kind::Active;
		let unbound = |member: &Member| member.alive && !member.voted;
		let waits = matches!(state.phase, Phase::Gathering | Phase::Proposed);
		if waits && state.finalizers(old, unbound) {
			steps.push(Step::Finalize);
		}
		steps
	}

	/// Returns whether more than half of the members that showed themselves ready live, as many of the
	/// active set among them as a recovery takes, and enough of them to fill a set.
	fn has_majority(&self, state: &State) -> bool {
		let ready = |member: &Member| member.kind != Kind::Silent;
		let count = |chosen: &dyn Fn(&Member) -> bool| {
			Count::of(&state.members, self.active as u32, |member| ready(member) && chosen(member))
		};
		let living = count(&|member| member.alive);
		is_quorum(living, count(&|_| true)) && is_enough(living.all(), self.active as u32)
	}

	/// The exception to that a majority heals, by how far the stall has come: members of the proposed
	/// set have died since, so many that those who live cannot finalize as that set. Their votes may
	/// be out: nobody can tell that from the outside.
	fn waits_for_the_dead(&self, state: &State) -> Option<&'static str> {
		if state.finalizers(|member| member.seated, |member| member.alive) {
			return None;
		}
		match state.phase {
			Phase::Proposed if !state.members.iter().any(|member| member.voted) => Some(WAITS_BEFORE),
			Phase::Proposed => Some(WAITS_VOTED),
			Phase::Seated => Some(WAITS_SEATED),
			Phase::Gathering | Phase::Safe => None,
		}
	}

	/// Returns whether a majority lives, and yet only those that are dead get the chain out.
	fn is_stuck(&self, state: &State, how: &'static str) -> bool {
		self.waits_for_the_dead(state) == Some(how) && self.has_majority(state) && !self.heals(state)
	}

	/// Returns whether some course of what the living and the chain do by themselves ends safe.
	fn heals(&self, state: &State) -> bool {
		let mut seen = HashSet::from([state.clone()]);
		let mut open = vec![state.clone()];
		while let Some(state) = open.pop() {
			if state.phase == Phase::Safe {
				return true;
			}
			for step in self.honest_steps(&state) {
				let after = self.after(&state, &step);
				if seen.insert(after.clone()) {
					open.push(after);
				}
			}
		}
		false
	}

	fn after(&self, state: &State, step: &Step) -> State {
		let mut after = state.clone();
		match step {
			Step::Die(index) | Step::Return(index) => {
				after.members[*index].alive ^= true;
				after.faults += 1;
			},
			Step::Leave(index) => after.members[*index].left = true,
			Step::Attest(index) => after.members[*index].present = true,
			// The chain refuses it: it is of another round.
			Step::Replay(_) if self.round_signed => (),
			Step::Replay(index) => {
				after.members[*index].present = true;
				after.members[*index].forged = !state.members[*index].alive;
			},
			Step::AskAnew => after.members.iter_mut().for_each(|member| {
				member.attested |= member.present;
				(member.present, member.forged) = (false, false);
			}),
			Step::Propose => {
				let seated = self.reseated(state);
				after.members.iter_mut().zip(seated).for_each(|(member, seated)| member.seated = seated);
				after.phase = Phase::Proposed;
			},
			Step::Vote(index) => after.members[*index].voted = true,
			Step::Seat => after.phase = Phase::Seated,
			Step::Finalize => after.phase = Phase::Safe,
		}
		after
	}
}

const HEALS: &str = "a majority that lives gets out by itself";
const TRULY_PRESENT: &str = "a member that is seated was there in this round";
const WAITS_BEFORE: &str = "those to be seated died before anybody had voted";
const WAITS_VOTED: &str = "those to be seated died among the votes";
const WAITS_SEATED: &str = "those who were seated died before finality was back";

impl Explored for Model {
	type State = State;
	type Action = Step;

	fn init_states(&self) -> Vec<State> {
		let member = |index| Member {
			kind: match index {
				_ if index < self.active => Kind::Active,
				_ if index < self.active + self.reserve => Kind::Reserve,
				_ => Kind::Silent,
			},
			alive: index < self.active + self.reserve,
			present: false,
			attested: false,
			forged: false,
			seated: false,
			left: false,
			voted: false,
		};
		let members = (0..self.active + self.reserve + self.silent).map(member).collect();
		vec![State { members, phase: Phase::Gathering, faults: 0 }]
	}

	fn actions(&self, state: &State, steps: &mut Vec<Step>) {
		if state.phase == Phase::Safe {
			return;
		}
		*steps = self.honest_steps(state);
		for (index, member) in state.members.iter().enumerate() {
			if state.faults < self.faults {
				steps.push(if member.alive { Step::Die(index) } else { Step::Return(index) });
			}
			let is_standby = member.kind == Kind::Reserve && member.seated && member.alive;
			if state.phase == Phase::Proposed && is_standby && !member.left {
				steps.push(Step::Leave(index));
			}
			let can_replay = member.attested && !member.present;
			if state.phase == Phase::Gathering && can_replay {
				steps.push(Step::Replay(index));
			}
		}
	}

	fn next_state(&self, state: &State, step: Step) -> Option<State> {
		Some(self.after(state, &step))
	}

	fn properties(&self) -> Vec<Property<Self>> {
		vec![
			Property::always(HEALS, |model: &Self, state: &State| {
				!model.has_majority(state) || model.waits_for_the_dead(state).is_some() || model.heals(state)
			}),
			Property::always(TRULY_PRESENT, |_: &Self, state: &State| {
				!state.members.iter().any(|member| member.forged && member.seated)
			}),
			Property::sometimes(WAITS_BEFORE, |model: &Self, state: &State| {
				model.is_stuck(state, WAITS_BEFORE)
			}),
			Property::sometimes(WAITS_VOTED, |model: &Self, state: &State| {
				model.is_stuck(state, WAITS_VOTED)
			}),
			Property::sometimes(WAITS_SEATED, |model: &Self, state: &State| {
				model.is_stuck(state, WAITS_SEATED)
			}),
		]
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{explore, Found};

	const WAITS: [&str; 3] = [WAITS_BEFORE, WAITS_VOTED, WAITS_SEATED];

	fn found(model: Model) -> Found {
		explore(model, State::representative)
	}

	/// The one way in which a majority does not get out by itself: a set was proposed of which too many
	/// died then. Their votes may have been sent, so no node may take its own back without knowing, and
	/// the chain may propose no other set.
	#[test]
	fn a_majority_gets_out_by_itself_unless_it_waits_for_votes_of_the_dead() {
		let sizes = [(3, 1, 0), (3, 2, 1), (4, 0, 0), (4, 1, 2), (4, 2, 0), (4, 2, 2), (5, 2, 1)];
		for (active, reserve, silent) in sizes {
			let found = found(Model { active, reserve, silent, ..RULES });
			println!(
				"{active} active, {reserve} ready and {silent} silent in reserve: {} states; stuck: {:?}",
				found.states,
				WAITS.iter().filter(|how| found.has(how)).collect::<Vec<_>>()
			);
			if reserve > 0 {
				assert!(WAITS.iter().all(|how| found.has(how)), "the exceptions are none: drop them");
			}
			assert!(!found.has(HEALS), "{:?}", found.courses);
		}
	}

	#[test]
	fn without_any_of_the_rules_a_majority_is_stuck() {
		let silent = Model { silent: 2, ..RULES };
		assert!(!found(silent).has(HEALS));
		assert!(found(Model { ready_only: false, ..silent }).has(HEALS), "standbys that are silent count");
		assert!(found(Model { fixed_set: false, ..RULES }).has(HEALS), "a set that is reckoned anew");
	}

	/// A replayed attestation seats a dead member, whose votes are waited for then.
	#[test]
	fn an_attestation_that_names_no_round_seats_the_dead() {
		for round_signed in [true, false] {
			let found = found(Model { round_signed, faults: 1, ..RULES });
			assert_eq!(found.has(TRULY_PRESENT), !round_signed, "{:?}", found.courses);
		}
	}
}
