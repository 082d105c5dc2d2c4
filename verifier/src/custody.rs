//! Custody of a chain: the authority set that finalizes its blocks, from hand-off to hand-off.
//!
//! The verifier's program follows it through a bundle at once. A light client keeps it, and follows
//! each hand-off as it comes.

use alloc::{vec, vec::Vec};
use codec::{DecodeAll, Encode};
use sp_consensus_grandpa::AuthorityId;
use sp_core::H256;
use sp_runtime::traits::Header as _;
use understudy_primitives::{RemoteHead, Stall};

use crate::{
	check::ensure,
	finality::{self, AuthoritySet},
	forced,
	state::{self, genesis_key, item},
	Fault, HandOff, Justified,
};

/// Chain whose blocks are verified.
#[derive(Clone, Copy, Debug)]
pub struct Chain<'a> {
	/// Hash of its first block.
	pub genesis: &'a H256,
	/// Name of the recovery pallet in its runtime.
	pub recovery: &'a str,
}

/// Custody of a chain at some point: the authority set that finalizes from there on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Custody {
	/// Authority set.
	pub set: AuthoritySet,
	/// Number of the block after which all blocks come that the set justifies.
	pub since: u32,
	/// Hash of a block that is known to be final, whose state has the roster of this set.
	pub known: Option<H256>,
}

impl Custody {
	/// Returns the custody of a chain by a trusted set with this id, which justifies blocks after
	/// `since`.
	///
	/// # Errors
	///
	/// Fails with [`Fault::BadSet`] if the set is not valid.
	pub fn trusted(
		genesis: H256,
		set_id: u64,
		since: u32,
		authorities: &[(AuthorityId, u64)],
	) -> Result<Self, Fault> {
		let is_genesis = set_id == 0 && since == 0;
		let set = AuthoritySet::new(set_id, authorities)?;
		Ok(Self { set, since, known: is_genesis.then_some(genesis) })
	}

	/// Follows a hand-off. Returns the custody after it, and the stall that ended if it was forced.
	///
	/// # Errors
	///
	/// Fails with the fault of the hand-off.
	pub fn follow(&self, hand_off: &HandOff, chain: Chain) -> Result<(Self, Option<Stall>), Fault> {
		match hand_off {
			HandOff::Scheduled(last) => Ok((self.follow_scheduled(last)?, None)),
			HandOff::Forced(change) => {
				let (after, stall) = forced::follow(self, change, chain)?;
				Ok((after, Some(stall)))
			},
		}
	}

	/// Follows a scheduled hand-off: the last block that the set finalizes announces the next set.
	fn follow_scheduled(&self, last: &Justified) -> Result<Self, Fault> {
		let (hash, number, header) = self.justified(last)?;
		let set = finality::next_set(&self.set, &header)?;
		Ok(Self { set, since: number, known: Some(hash) })
	}

	/// Checks that a block is final by this set. Returns its hash, number and header.
	///
	/// # Errors
	///
	/// Fails with the fault of the header or of the justification.
	pub fn justified(&self, block: &Justified) -> Result<(H256, u32, crate::Header), Fault> {
		let (hash, header) = finality::header(&block.header)?;
		let number = *header.number();
		ensure(number > self.since, Fault::OutOfOrder)?;
		finality::verify(&self.set, hash, number, &block.justification)?;
		Ok((hash, number, header))
	}

	/// Checks that a block is final by this set, and that its state is that of the chain. `state` has
	/// the trie nodes that lead to the keys [`head_keys`].
	///
	/// # Errors
	///
	/// Fails with the fault of the block or of its state.
	pub fn head(&self, block: &Justified, state: &[Vec<u8>], chain: Chain) -> Result<RemoteHead, Fault> {
		let (hash, number, header) = self.justified(block)?;
		let state_root = *header.state_root();
		let found = state::values(state_root, state, &head_keys())?;
		let [genesis, time] = &found[..] else { return Err(Fault::MissingValue) };
		// GRANDPA's signatures name no chain.
		ensure(*genesis == Some(chain.genesis.encode()), Fault::WrongChain)?;
		let time = time.as_ref().ok_or(Fault::MissingValue)?;
		let time = u64::decode_all(&mut &time[..]).map_err(|_| Fault::Malformed)?;
		Ok(RemoteHead { number, hash, state_root, time })
	}
}

/// Returns the storage keys of the values that show the chain and the time of a block.
pub fn head_keys() -> Vec<Vec<u8>> {
	vec![genesis_key(), item("Timestamp", "Now")]
}
