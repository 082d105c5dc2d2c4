//! Two votes that no honest node signs both, as an offence.

use alloc::vec::Vec;
use sp_runtime::Perbill;
use sp_staking::{
	offence::{Kind, Offence},
	SessionIndex,
};

/// A member signed two conflicting recovery votes. Who does so could let two sides of a partition recover.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DoubleVote<Offender> {
	/// The session in which it is reported.
	pub session: SessionIndex,
	/// How many validators there are.
	pub validators: u32,
	/// The proposals' numbers, the smaller one first: an offence of its own for each pair.
	pub proposals: (u32, u32),
	/// The member.
	pub offender: Offender,
	/// The share of its stake that it is charged.
	pub fraction: Perbill,
}

impl<Offender: Clone> Offence<Offender> for DoubleVote<Offender> {
	const ID: Kind = *b"understudy:voted";
	type Slot = (u32, u32);

	fn offenders(&self) -> Vec<Offender> {
		alloc::vec![self.offender.clone()]
	}

	fn session_index(&self) -> SessionIndex {
		self.session
	}

	fn validator_set_count(&self) -> u32 {
		self.validators
	}

	fn slot(&self) -> (u32, u32) {
		self.proposals
	}

	fn slash_fraction(&self, _: u32) -> Perbill {
		self.fraction
	}
}
