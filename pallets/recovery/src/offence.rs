//! Offence of signing two recovery votes of which an honest node signs at most one.

use alloc::vec::Vec;
use codec::{Decode, Encode};
use sp_core::H256;
use sp_runtime::Perbill;
use sp_staking::{
	offence::{Kind, Offence},
	SessionIndex,
};

/// Identifies the offence: each voter and pair of proposals is an offence of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode)]
pub struct Votes {
	/// Numbers of the proposals, the smaller one first.
	pub proposals: (u32, u32),
	/// blake2-256 of the voter's account.
	pub voter: H256,
}

/// Double vote: a member signed two conflicting recovery votes. Such votes could let two sides of a
/// partition recover.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DoubleVote<Offender> {
	/// Session of the vote that the chain has counted.
	pub session: SessionIndex,
	/// Number of validators in that session.
	pub validators: u32,
	/// Proposals and voter.
	pub votes: Votes,
	/// Member that signed both votes.
	pub offender: Offender,
	/// Fraction of its stake that the member is charged.
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
