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
	state::{self, genesis_key, time_key},
	Fault, Header, Inclusion, TrustedSet,
};

/// Returns the storage key, on the relay chain, of the head of a parachain.
pub fn para_head_key(para_id: u32) -> Vec<u8> {
	[state::item("Paras", "Heads"), state::twox_64_concat(para_id)].concat()
}

/// Returns the storage keys, on the relay chain, of the values that the inclusion of a parachain's
/// block proves: the relay chain's genesis hash and time, and the parachain's head.
pub fn inclusion_keys(para_id: u32) -> [Vec<u8>; 3] {
	[genesis_key(), time_key(), para_head_key(para_id)]
}

/// Block of the relay chain that includes a parachain's block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RelayBlock {
	/// Number of the block.
	pub number: u32,
	/// Hash of the block.
	pub hash: H256,
	/// Time at which it was authored, in milliseconds since the Unix epoch.
	pub time: u64,
}

/// Parachain's block: the relay chain's block that includes it, its hash, and its header.
pub(crate) type Included = (RelayBlock, H256, Header);

/// Checks the inclusion in the relay chain's block with this hash and header, which is final. `None`
/// if the trusted set is that of the chain itself.
pub(crate) fn follow(
	hash: H256,
	relay: &Header,
	inclusion: Option<&Inclusion>,
	trusted: &TrustedSet,
) -> Result<Option<Included>, Fault> {
	let Some(parachain) = &trusted.parachain else {
		return ensure(inclusion.is_none(), Fault::WrongPara).map(|()| None);
	};
	let inclusion = inclusion.ok_or(Fault::NotIncluded)?;
	ensure(inclusion.para_id == parachain.id, Fault::WrongPara)?;
	let found = state::values(relay.state_root, &inclusion.state, &inclusion_keys(parachain.id))?;
	let [genesis, time, head] = &found[..] else { return Err(Fault::MissingValue) };
	// GRANDPA's signatures name no chain.
	ensure(*genesis == Some(trusted.genesis.encode()), Fault::WrongChain)?;
	let time = time.as_ref().ok_or(Fault::MissingValue)?;
	let time = u64::decode_all(&mut &time[..]).map_err(|_| Fault::Malformed)?;
	let head = head.as_ref().ok_or(Fault::NotIncluded)?;
	let head = Vec::<u8>::decode_all(&mut &head[..]).map_err(|_| Fault::Malformed)?;
	let (own, header) = finality::header(&head)?;
	Ok(Some((RelayBlock { number: relay.number, hash, time }, own, header)))
}
