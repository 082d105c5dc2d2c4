//! What a node leaves in its offchain storage for its own offchain worker: what only the node can know, and what its
//! operator decided. Nobody else reads or writes it, and the chain never sees it.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Where the node keeps its [`FinalityView`].
pub const FINALITY_VIEW: &[u8] = b"understudy/node/finality";
/// Where the node keeps its [`NodeVersion`].
pub const NODE_VERSION: &[u8] = b"understudy/node/version";
/// Where the node keeps its operator's [`Probing`].
pub const PROBING: &[u8] = b"understudy/node/probing";

/// What the node sees of finality.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct FinalityView {
	/// When this was written, in milliseconds since the Unix epoch.
	pub at: u64,
	/// When the node's last finalized block became so for it, in the same unit.
	pub advanced: u64,
	/// That block's number, saturating.
	pub finalized: u32,
	/// The voters of the current set of whom the node sees no vote: the raw public key, and for how many seconds.
	pub silent: Vec<([u8; 32], u32)>,
}

/// A node's release.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Default,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	serde::Serialize,
	serde::Deserialize,
)]
pub struct NodeVersion {
	/// Changes what others rely on.
	pub major: u16,
	/// Adds something.
	pub minor: u16,
	/// Mends something.
	pub patch: u16,
}

/// Which endpoints an operator lets the node ask for their health.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode)]
pub enum Probing {
	/// None: the node probes nobody, and reports nobody for it.
	Off,
	/// Those with an address that is reachable from everywhere. What others register must not make the node talk to
	/// its operator's own network.
	#[default]
	Public,
	/// All of them, private and loopback addresses included: for test networks.
	Any,
}
