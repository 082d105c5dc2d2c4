//! Signed votes that carried out a recovery, for later queries. They are in the offchain index,
//! which every node with indexing enabled keeps, and not in state.

use alloc::vec::Vec;
use codec::{Codec, Decode, Encode};
use sp_core::offchain::StorageKind;

use crate::{vote::CarriedOut, BlockId, Signed, Vote};

fn vote_key(proposal: &impl Encode, who: &impl Encode) -> Vec<u8> {
	(&b"understudy/recovery/signed"[..], proposal, who).encode()
}

fn set_key(set: u64) -> Vec<u8> {
	(&b"understudy/recovery/set"[..], set).encode()
}

/// Stores a vote.
pub(crate) fn keep_vote<AccountId: Encode, Hash: Encode>(signed: &Signed<Vote<AccountId, Hash>>) {
	let Vote { who, proposal, .. } = &signed.statement;
	sp_io::offchain_index::set(&vote_key(proposal, who), &signed.encode());
}

/// Stores the proposal and the voters that forced the change to an authority set.
pub(crate) fn keep<AccountId: Encode, Hash: Encode>(set: u64, proposal: BlockId<Hash>, voters: &[AccountId]) {
	sp_io::offchain_index::set(&set_key(set), &(proposal, voters).encode());
}

/// Returns the proposal and the votes that forced the change to an authority set.
pub(crate) fn read<AccountId: Codec, Hash: Codec>(set: u64) -> Option<CarriedOut<AccountId, Hash>> {
	let (proposal, voters): (BlockId<Hash>, Vec<AccountId>) = get(&set_key(set))?;
	let votes: Option<Vec<_>> = voters.iter().map(|who| get(&vote_key(&proposal, who))).collect();
	Some(CarriedOut { proposal, votes: votes? })
}

fn get<Value: Decode>(key: &[u8]) -> Option<Value> {
	let value = sp_io::offchain::local_storage_get(StorageKind::PERSISTENT, key)?;
	Value::decode(&mut &value[..]).ok()
}
