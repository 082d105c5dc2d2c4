//! Every state that a small network can get into in a stall, explored with the functions by which
//! the chain and its nodes decide.
//!
//! - [`split`]: the network is in two parts. Never do both recover with sets of their own (I4), and
//!   never does a block of each become final.
//! - [`stall`]: one part. As long as more than half of the members live, some course ends with the
//!   chain safe and without a human; and where it does not, the exploration says so.
//!
//! Each rule that this rests on is taken away in turn: then the exploration finds what it prevents.

pub mod split;
pub mod stall;

use stateright::{Checker, Model};

/// Number of threads that an exploration takes.
pub const THREADS: usize = 2;

/// The result of an exploration.
pub struct Found {
	/// Number of states, where those that differ in names count once.
	pub states: usize,
	/// The properties that do not hold, and those that come about, each with a course that shows it.
	pub courses: Vec<(&'static str, String)>,
}

impl Found {
	/// Returns whether a property that must hold does not, or one that may come about does.
	pub fn has(&self, name: &str) -> bool {
		self.courses.iter().any(|(found, _)| *found == name)
	}
}

/// Explores all states of a model. `representative` gives the state that stands for all that differ
/// from one in names.
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
