//! Offence of signing two blocks for one slot.

use alloc::vec::Vec;
use sp_core::H256;
use sp_runtime::Perbill;
use sp_staking::{
	offence::{Kind, Offence},
	SessionIndex,
};

/// Author equivocation: an author signed two blocks for one slot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuthorEquivocation<Offender> {
	/// Session of the earlier block's parent.
	pub session: SessionIndex,
	/// Number of authors in that session.
	pub validators: u32,
	/// Slot, and blake2-256 of the author's account. A slot has one author, so no other offender
	/// can make the offence graver.
	pub time: (u64, H256),
	/// Author of both blocks.
	pub offender: Offender,
}

impl<Offender: Clone> Offence<Offender> for AuthorEquivocation<Offender> {
	const ID: Kind = *b"understudy:twice";
	type Slot = (u64, H256);

	fn offenders(&self) -> Vec<Offender> {
		alloc::vec![self.offender.clone()]
	}

	fn session_index(&self) -> SessionIndex {
		self.session
	}

	fn validator_set_count(&self) -> u32 {
		self.validators
	}

	fn slot(&self) -> (u64, H256) {
		self.time
	}

	/// Returns the square of three times the share of the offenders, as GRANDPA and BABE do.
	fn slash_fraction(&self, offenders: u32) -> Perbill {
		Perbill::from_rational(offenders.saturating_mul(3), self.validators.max(1)).square()
	}
}
