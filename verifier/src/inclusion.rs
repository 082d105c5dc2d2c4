//! Inclusion of a parachain's block by its relay chain.
//!
//! A parachain has no finality of its own: a block of it is final if a final block of the relay
//! chain has it as the parachain's head. The custody is the relay chain's, and one more link leads
//! from the relay chain's state to the parachain's header.

use alloc::vec::Vec;
use codec::{DecodeAll, Encode};
use sp_core::H256;

use crate::{
	check::ensure,
	finality,
	state::{self, genesis_key},
	Fault, Header, Inclusion, TrustedSet,
};

/// Returns the storage key, on the relay chain, of the head of a parachain.
pub fn para_head_key(para_id: u32) -> Vec<u8> {
	[state::item("Paras", "Heads"), state::twox_64_concat(para_id)].concat()
}

/// Returns the storage keys, on the relay chain, of the values that the inclusion of a parachain's
/// block proves: the relay chain's genesis hash, and the parachain's head.
pub fn inclusion_keys(para_id: u32) -> [Vec<u8>; 2] {
	[genesis_key(), para_head_key(para_id)]
}

/// Checks the inclusion in the block with the header `relay`, which is final. Returns the hash and
/// the header of the parachain's block; `None` if the trusted set is that of the chain itself.
pub(crate) fn follow(
	relay: &Header,
	inclusion: Option<&Inclusion>,
	trusted: &TrustedSet,
) -> Result<Option<(H256, Header)>, Fault> {
	let Some(parachain) = &trusted.parachain else {
		return ensure(inclusion.is_none(), Fault::WrongPara).map(|()| None);
	};
	let inclusion = inclusion.ok_or(Fault::NotIncluded)?;
	ensure(inclusion.para_id == parachain.id, Fault::WrongPara)?;
	let found = state::values(relay.state_root, &inclusion.state, &inclusion_keys(parachain.id))?;
	let [genesis, head] = &found[..] else { return Err(Fault::MissingValue) };
	// GRANDPA's signatures name no chain.
	ensure(*genesis == Some(trusted.genesis.encode()), Fault::WrongChain)?;
	let head = head.as_ref().ok_or(Fault::NotIncluded)?;
	let head = Vec::<u8>::decode_all(&mut &head[..]).map_err(|_| Fault::Malformed)?;
	finality::header(&head).map(Some)
}
