//! Time since each voter's last vote. Pure, so that it is tested without a node.

use std::collections::{BTreeMap, BTreeSet};

use understudy_primitives::offchain::FinalityView;

/// Raw public key of a voter.
pub type Voter = [u8; 32];

/// Votes and finality as the observer remembers them.
#[derive(Default)]
pub struct Silence {
	set: Option<u64>,
	/// Time of each voter's last vote, in milliseconds.
	seen: BTreeMap<Voter, u64>,
	finalized: u32,
	/// Time at which finality last advanced, in milliseconds.
	advanced: u64,
}

impl Silence {
	/// Takes in the state at `now`, in milliseconds: the voters of authority set `set`, those with
	/// a vote in the running rounds, and the last finalized block. All voters of a new set count as
	/// seen.
	pub fn look(&mut self, now: u64, set: u64, voters: &[Voter], present: &BTreeSet<Voter>, finalized: u32) {
		// The set may change between the reads of its id and of its voters.
		let same =
			self.seen.len() == voters.len() && voters.iter().all(|voter| self.seen.contains_key(voter));
		if self.set != Some(set) || !same {
			self.set = Some(set);
			self.seen = voters.iter().map(|voter| (*voter, now)).collect();
		}
		for (voter, at) in &mut self.seen {
			if present.contains(voter) {
				*at = now;
			}
		}
		if finalized > self.finalized {
			self.finalized = finalized;
			self.advanced = now;
		}
	}

	/// Returns the view of finality at `now`, without authors, header and prevote.
	pub fn view(&self, now: u64) -> FinalityView {
		let seconds = |at: &u64| (now.saturating_sub(*at) / 1_000).min(u32::MAX.into()) as u32;
		let silent = self.seen.iter().map(|(voter, at)| (*voter, seconds(at)));
		FinalityView {
			at: now,
			advanced: self.advanced,
			finalized: self.finalized,
			header: Vec::new(),
			set: self.set.unwrap_or_default(),
			prevoted: Vec::new(),
			silent: silent.filter(|(_, seconds)| *seconds > 0).collect(),
			authors: 0,
			idle: Vec::new(),
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	const A: Voter = [1; 32];
	const B: Voter = [2; 32];
	const C: Voter = [3; 32];

	/// Time, set, its voters, those with a vote, and the last finalized block.
	type Look<'a> = (u64, u64, &'a [Voter], &'a [Voter], u32);

	fn after(looks: &[Look]) -> Silence {
		let mut silence = Silence::default();
		for (now, set, voters, present, finalized) in looks {
			silence.look(*now, *set, voters, &present.iter().copied().collect(), *finalized);
		}
		silence
	}

	#[test]
	fn a_voter_that_votes_is_not_silent() {
		let silence = after(&[(1_000, 1, &[A, B], &[A], 1), (9_000, 1, &[A, B], &[A, B], 2)]);
		assert!(silence.view(9_500).silent.is_empty());
	}

	#[test]
	fn a_voter_without_votes_is_silent_since_the_set_began() {
		let silence = after(&[(1_000, 1, &[A, B], &[A], 1), (9_000, 1, &[A, B], &[A], 2)]);
		assert_eq!(silence.view(9_000).silent, [(B, 8)]);
	}

	#[test]
	fn a_voter_that_stops_is_silent_since_its_last_vote() {
		let silence = after(&[(1_000, 1, &[A, B], &[A, B], 1), (4_000, 1, &[A, B], &[A, B], 2)]);
		assert_eq!(silence.view(34_000).silent, [(A, 30), (B, 30)]);
	}

	#[test]
	fn a_new_set_starts_anew() {
		let silence = after(&[(1_000, 1, &[A, B], &[A], 1), (60_000, 2, &[A, C], &[A], 2)]);
		assert_eq!(silence.view(63_000).silent, [(A, 3), (C, 3)]);
	}

	#[test]
	fn a_vote_of_no_voter_is_ignored() {
		let silence = after(&[(1_000, 1, &[A], &[C], 1), (9_000, 1, &[A], &[A, C], 1)]);
		assert!(silence.view(9_000).silent.is_empty());
	}

	#[test]
	fn the_view_has_the_time_since_which_finality_has_stalled() {
		let silence =
			after(&[(1_000, 1, &[A], &[A], 5), (2_000, 1, &[A], &[A], 6), (9_000, 1, &[A], &[A], 6)]);
		let view = silence.view(9_000);
		assert_eq!((view.at, view.advanced, view.finalized), (9_000, 2_000, 6));
	}
}
