//! Two votes that no honest node signs both, as an offence.

use alloc::vec::Vec;
use codec::{Decode, Encode};
use sp_core::H256;
use sp_runtime::Perbill;
use sp_staking::{
	offence::{Kind, Offence},
	SessionIndex,
};

/// Which votes: an offence of its own for each voter and pair of proposals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode)]
pub struct Votes {
	/// The proposals' numbers, the smaller one first.
	pub proposals: (u32, u32),
	/// blake2-256 of the voter's account.
	pub voter: H256,
}

/// A member signed two conflicting recovery votes. Who does so could let two sides of a partition recover.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DoubleVote<Offender> {
	/// The session of the vote that the chain has counted.
	pub session: SessionIndex,
	/// Number of validators then.
	pub validators: u32,
	/// The votes.
	pub votes: Votes,
	/// The member.
	pub offender: Offender,
	/// The share of its stake that it is charged.
	pub fraction: Perbill,
}

impl<Offender: Clone> Offence<Offender> for DoubleVote<Offender> {
	const ID: Kind = *b"understudy:voted";
	type Slot = Votes;

	fn offenders(&self) -> Vec<Offender> {
		alloc::vec![self.offender.clone()]
	}

	fn session_index(&self) -> SessionIndex {
		self.session
	}

	fn validator_set_count(&self) -> u32 {
		self.validators
	}

	fn slot(&self) -> Votes {
		self.votes
	}

	fn slash_fraction(&self, _: u32) -> Perbill {
		self.fraction
	}
}
