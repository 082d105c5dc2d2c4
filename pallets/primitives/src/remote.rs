//! Other chains, as this one follows them.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_core::H256;

/// Id that this chain gives a remote chain.
pub type RemoteId = u32;

/// Final block of a remote chain.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
pub struct RemoteHead {
	/// Number of the block.
	pub number: u32,
	/// Hash of the block.
	pub hash: H256,
	/// Root of its state.
	pub state_root: H256,
	/// Time at which it was authored, in milliseconds since the Unix epoch.
	pub time: u64,
}
