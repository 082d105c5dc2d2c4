//! Exploration of every state that a small network can reach in a stall, with the functions by
//! which the chain and its nodes decide.
//!
//! - [`split`]: a network in two parts. The two sides never both recover with sets of their own
//!   (I4), and never both finalize blocks of their own.
//! - [`stall`]: one connected network. While more than half of the members are alive, some sequence
//!   of steps leads to a safe chain without human intervention. The exceptions are properties of
//!   the model.
//!
//! The tests also remove each rule that these properties depend on, one at a time, and check that
//! the exploration then finds a violation.

pub mod split;
pub mod stall;

use stateright::{Checker, Model};

/// Number of threads of an exploration.
pub const THREADS: usize = 2;

/// The result of an exploration.
pub struct Found {
	/// Number of states, where states that differ in names only count once.
	pub states: usize,
	/// Violated `always` properties and reached `sometimes` properties, each with a sequence of
	/// steps that leads to it.
	pub courses: Vec<(&'static str, String)>,
}

impl Found {
	/// Returns `true` if the `always` property of this name is violated, or the `sometimes`
	/// property of this name is reached.
	pub fn has(&self, name: &str) -> bool {
		self.courses.iter().any(|(found, _)| *found == name)
	}
}

/// Explores all states of a model. `representative` maps a state to the one that represents all
/// states that differ from it in names only.
pub fn explore<M>(model: M, representative: fn(&M::State) -> M::State) -> Found
where
	M: Model + Send + Sync + 'static,
	M::State: std::hash::Hash + Clone + PartialEq + std::fmt::Debug + Send + Sync + 'static,
	M::Action: Clone + PartialEq + std::fmt::Debug,
{
	let checker = model.checker().threads(THREADS).symmetry_fn(representative).spawn_dfs().join();
	let courses = checker.discoveries().into_iter();
	let mut courses: Vec<_> =
		courses.map(|(name, course)| (name, format!("{:?}", course.into_actions()))).collect();
	courses.sort_unstable();
	Found { states: checker.unique_state_count(), courses }
}
