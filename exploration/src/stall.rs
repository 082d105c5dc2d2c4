//! Model of one stall on one chain: members attest their presence, a set is proposed, they vote for
//! it, and it is seated. Meanwhile members fail and return, standbys of the proposed set retire, an
//! adversary replays presence attestations of an earlier round, and elected standbys show a first
//! sign of life, or never do. The chain rejects what its rules forbid; the adversaries try it
//! anyway.
//!
//! Members of one kind are interchangeable: states that differ in names only count once.

use std::collections::HashSet;

use stateright::{Model as Explored, Property};
use understudy_primitives::quorum::{is_enough, is_quorum, Count};

/// The explored chain and its rules.
#[derive(Clone, Copy)]
pub struct Model {
	active: usize,
	/// Number of ready standbys.
	reserve: usize,
	/// Number of elected standbys without a sign of life before the stall.
	silent: usize,
	/// Maximum number of failures and returns of members in total.
	faults: u8,
	/// Only ready members count.
	ready_only: bool,
	/// The set that was voted for is the set that is seated.
	fixed_set: bool,
	/// A presence attestation names its round.
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

/// State of one member, as far as the model needs it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Member {
	kind: Kind,
	alive: bool,
	/// It has attested its presence in this round.
	present: bool,
	/// It has attested its presence in an earlier round.
	attested: bool,
	/// It counts as present by a replayed attestation, although it was not alive at that time.
	forged: bool,
	/// The proposal seats it.
	seated: bool,
	/// It has retired since.
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
	/// A member fails.
	Die(usize),
	/// A failed member returns, with its database.
	Return(usize),
	/// A standby of the proposed set retires.
	Leave(usize),
	/// An adversary replays a presence attestation of an earlier round.
	Replay(usize),
	/// A member attests its presence.
	Attest(usize),
	/// The chain begins a new round of presence attestations.
	AskAnew,
	/// The chain proposes the set in which responsive members replace unresponsive ones.
	Propose,
	/// A member votes for the proposal.
	Vote(usize),
	/// The chain seats the proposed set.
	Seat,
	/// Blocks become final again.
	Finalize,
}

impl State {
	/// Returns the state that represents all states that differ from this one in names only.
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

	/// Returns `true` if the chosen members suffice for a recovery.
	fn suffice(&self, state: &State, chosen: impl Fn(&Member) -> bool) -> bool {
		let count = |chosen: &dyn Fn(&Member) -> bool| {
			Count::of(&state.members, self.active as u32, |member| self.counts(member) && chosen(member))
		};
		is_quorum(count(&chosen), count(&|_| true))
	}

	/// Returns the set in which responsive members replace unresponsive ones: `true` at the index
	/// of each seated member.
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

	/// Returns the steps that live members and the chain can take by themselves.
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
				// Computed again at this point, the set is another one if a member of it has
				// retired.
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
		// The old set can finalize only without its bound members.
		let old = |member: &Member| member.kind == Kind::Active;
		let unbound = |member: &Member| member.alive && !member.voted;
		let waits = matches!(state.phase, Phase::Gathering | Phase::Proposed);
		if waits && state.finalizers(old, unbound) {
			steps.push(Step::Finalize);
		}
		steps
	}

	/// Returns `true` if more than half of the ready members are alive, including as many active
	/// ones as a recovery needs, and enough of them to form a set that can finalize.
	fn has_majority(&self, state: &State) -> bool {
		let ready = |member: &Member| member.kind != Kind::Silent;
		let count = |chosen: &dyn Fn(&Member) -> bool| {
			Count::of(&state.members, self.active as u32, |member| ready(member) && chosen(member))
		};
		let living = count(&|member| member.alive);
		is_quorum(living, count(&|_| true)) && is_enough(living.all(), self.active as u32)
	}

	/// Returns the exception to the property [`HEALS`] that applies, by the phase of the stall: so
	/// many members of the proposed set have failed since the proposal that the rest of that set
	/// cannot finalize. The failed members may have sent their votes, which no other node can rule
	/// out.
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

	/// Returns `true` if a majority is alive, but only the return of failed members can end the
	/// stall.
	fn is_stuck(&self, state: &State, how: &'static str) -> bool {
		self.waits_for_the_dead(state) == Some(how) && self.has_majority(state) && !self.heals(state)
	}

	/// Returns `true` if some sequence of steps of live members and the chain ends in a safe state.
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
			// The chain rejects an attestation of another round.
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

const HEALS: &str = "a live majority ends the stall by itself";
const TRULY_PRESENT: &str = "no member is seated by an attestation replayed while it was down";
const WAITS_BEFORE: &str = "members of the proposed set failed before the first vote";
const WAITS_VOTED: &str = "members of the proposed set failed after the first vote";
const WAITS_SEATED: &str = "members of the seated set failed before finality resumed";

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

	/// The only case in which a majority does not end the stall by itself: too many members of a
	/// proposed set have failed. They may have sent their votes, so no node may take its own vote
	/// back by itself, and the chain must not propose another set.
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
				assert!(WAITS.iter().all(|how| found.has(how)), "an exception is never reached: remove it");
			}
			assert!(!found.has(HEALS), "{:?}", found.courses);
		}
	}

	#[test]
	fn without_any_of_the_rules_a_majority_is_stuck() {
		let silent = Model { silent: 2, ..RULES };
		assert!(!found(silent).has(HEALS));
		assert!(found(Model { ready_only: false, ..silent }).has(HEALS), "with silent standbys counted");
		assert!(found(Model { fixed_set: false, ..RULES }).has(HEALS), "with a set that is computed again");
	}

	/// Without a round, a replayed attestation seats a failed member, and the chain then waits for
	/// its votes.
	#[test]
	fn an_attestation_that_names_no_round_seats_the_dead() {
		for round_signed in [true, false] {
			let found = found(Model { round_signed, faults: 1, ..RULES });
			assert_eq!(found.has(TRULY_PRESENT), !round_signed, "{:?}", found.courses);
		}
	}
}
