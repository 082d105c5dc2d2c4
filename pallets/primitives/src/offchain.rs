//! Values that a node leaves in its offchain storage for its own offchain worker: its local
//! observations, and decisions of its operator. No other program reads or writes them, and the
//! chain never sees them.

use alloc::vec::Vec;
use codec::{Decode, DecodeAll, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_runtime::{
	offchain::storage::{StorageRetrievalError, StorageValueRef},
	traits::Saturating,
};

use crate::{crypto::AuthorityId, BlockId, FinalHead, MemberIndex};

/// Key of the node's [`FinalityView`]. Each layout has its own key, so that a node and a runtime of
/// different releases do not confuse them.
pub const FINALITY_VIEW: &[u8] = b"understudy/node/finality/2";
/// Key of the finality view of a node of the first release, which lacks [`FinalityView::idle`].
pub const FIRST_FINALITY_VIEW: &[u8] = b"understudy/node/finality";
/// Key of the node's [`NodeVersion`].
pub const NODE_VERSION: &[u8] = b"understudy/node/version";
/// Key of the operator's [`Probing`].
pub const PROBING: &[u8] = b"understudy/node/probing";

/// Key of the node's [`Lock`].
pub const LOCK: &[u8] = b"understudy/node/lock";
/// Key of the block that the node's GRANDPA voter prevoted for last, a [`BlockId`].
pub const PREVOTED: &[u8] = b"understudy/node/prevoted";
/// Key of the last proposal, a [`BlockId`], for which the operator has taken back the node's vote.
/// A runtime of the first release knows this key alone.
pub const RELEASED: &[u8] = b"understudy/node/released";
/// Key of all such proposals, a list of [`BlockId`], see [`released`]. The node no longer sends the
/// votes for them.
pub const ALL_RELEASED: &[u8] = b"understudy/node/released/2";
/// Maximum number of proposals under [`ALL_RELEASED`], the last ones.
pub const MAX_RELEASED: usize = 16;

/// Returns the proposals whose votes were taken back, from both entries. `read` returns the value
/// under a key.
///
/// # Errors
///
/// Fails if one of them cannot be decoded.
pub fn released<Hash: Decode + PartialEq>(
	read: impl Fn(&[u8]) -> Option<Vec<u8>>,
) -> Result<Vec<BlockId<Hash>>, codec::Error> {
	let mut released: Vec<BlockId<Hash>> =
		read(ALL_RELEASED).map(|all| Vec::decode_all(&mut &all[..])).transpose()?.unwrap_or_default();
	let last = read(RELEASED).map(|last| BlockId::decode_all(&mut &last[..])).transpose()?;
	released.extend(last.filter(|last| !released.contains(last)));
	Ok(released)
}

/// Name in the keys of the members' votes for a recovery, see [`vote_key`].
const VOTE: &[u8] = b"understudy/recovery/vote";

/// Returns the key under which the node stores a member's vote. It names the member, not its
/// heartbeat key: another heartbeat key gives the member no other vote.
pub fn vote_key(who: &impl Encode) -> Vec<u8> {
	(VOTE, who).encode()
}

/// Returns `true` if an entry of the offchain storage must be on disk before anything follows from
/// it: entries that bind the node, and entries that release it.
pub fn must_be_durable(key: &[u8]) -> bool {
	[LOCK, PREVOTED, RELEASED, ALL_RELEASED].contains(&key) || key.starts_with(&VOTE.encode())
}

/// Lock of a node by its vote for a recovery. Written before the vote is sent, and read before each
/// prevote.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Lock<Hash> {
	/// Proposal that the node has voted for.
	pub proposal: BlockId<Hash>,
	/// Id of the GRANDPA authority set that the node was in.
	pub set: u64,
}

/// Finality, as the node observes it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct FinalityView {
	/// Time at which this was written, in milliseconds since the Unix epoch.
	pub at: u64,
	/// Time at which the node finalized its last finalized block, in the same unit.
	pub advanced: u64,
	/// Number of that block, saturating.
	pub finalized: u32,
	/// Header of that block, in SCALE.
	pub header: Vec<u8>,
	/// Id of the current authority set.
	pub set: u64,
	/// Block that the node has prevoted for last, as in [`PREVOTED`], and the best block if that
	/// builds on it; in SCALE.
	pub prevoted: Vec<u8>,
	/// Voters of the current set from which the node sees no vote: the raw public key, and the
	/// number of seconds without a vote.
	pub silent: Vec<([u8; 32], u32)>,
	/// Number of authorities that author blocks in turn.
	pub authors: u32,
	/// Authorities that left some of their slots without a block that the node has seen, on any
	/// branch: the index among the authors, and the number of such slots in a row.
	pub idle: Vec<(MemberIndex, u32)>,
}

/// Layout of the finality view in the first release.
#[derive(Encode, Decode)]
struct FirstFinalityView {
	at: u64,
	advanced: u64,
	finalized: u32,
	header: Vec<u8>,
	set: u64,
	prevoted: Vec<u8>,
	silent: Vec<([u8; 32], u32)>,
}

/// Last final block of the node's [`FinalityView`]: for chains with a finality gadget of their own.
pub struct ObservedHead;

impl FinalHead for ObservedHead {
	fn header() -> Option<Vec<u8>> {
		Some(FinalityView::read()?.header)
	}
}

impl FinalityView {
	/// Reads the view that the node has left. Warns in the node's log if the node is older than the
	/// runtime.
	pub fn read() -> Option<Self> {
		if let Some(view) = StorageValueRef::persistent(FINALITY_VIEW).get().ok().flatten() {
			return Some(view);
		}
		let first = StorageValueRef::persistent(FIRST_FINALITY_VIEW).get().ok().flatten()?;
		log::warn!(
			target: "understudy",
			"this node is of an earlier release than its runtime and does not detect members that author no blocks: upgrade it"
		);
		let FirstFinalityView { at, advanced, finalized, header, set, prevoted, silent } = first;
		Some(Self { at, advanced, finalized, header, set, prevoted, silent, authors: 0, idle: Vec::new() })
	}

	/// Encodes the view for a runtime of the first release, which reads it under
	/// [`FIRST_FINALITY_VIEW`].
	pub fn to_first(&self) -> Vec<u8> {
		let Self { at, advanced, finalized, set, .. } = *self;
		let (header, prevoted, silent) = (self.header.clone(), self.prevoted.clone(), self.silent.clone());
		FirstFinalityView { at, advanced, finalized, header, set, prevoted, silent }.encode()
	}

	/// Decodes the block that the node has prevoted for last, and a block that builds on it.
	pub fn prevoted<Block: Decode>(&self) -> Option<(Block, Block)> {
		Decode::decode(&mut &self.prevoted[..]).ok()
	}

	/// Decodes the header of the last finalized block, as the chain's type.
	pub fn last<Header: Decode>(&self) -> Option<Header> {
		Header::decode_all(&mut &self.header[..]).ok()
	}
}

/// Release of a node.
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
	/// Number that rises with a breaking change.
	pub major: u16,
	/// Number that rises with an addition.
	pub minor: u16,
	/// Number that rises with a fix.
	pub patch: u16,
}

/// Endpoints that an operator permits the node to probe.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode)]
pub enum Probing {
	/// No endpoint. The node probes no member, and reports none as unreachable.
	Off,
	/// Endpoints with an address that is reachable from everywhere. The registrations of others
	/// must not make the node talk to its operator's own network.
	#[default]
	Public,
	/// All endpoints, including private and loopback addresses: for test networks.
	Any,
}

/// Number of blocks after which a transaction is sent again if no block included it.
const RESEND_AFTER: u32 = 2;

/// Last execution of a task, stored in the node's offchain storage.
#[derive(Encode, Decode)]
struct Claim<BlockNumber> {
	task: Vec<u8>,
	at: BlockNumber,
}

/// Returns `true` if a worker is to do now what is done once per `task`: it was last done for
/// another task, or two blocks ago.
///
/// The claim is stored atomically, so that of two workers, of two blocks at the same height, only
/// one gets it.
pub fn claim<BlockNumber>(name: &str, key: &AuthorityId, task: impl Encode, now: BlockNumber) -> bool
where
	BlockNumber: Encode + Decode + Saturating + From<u32> + PartialOrd + Copy,
{
	let storage_key = (b"understudy/", name.as_bytes(), key).encode();
	let task = task.encode();
	StorageValueRef::persistent(&storage_key)
		.mutate(|last: Result<Option<Claim<BlockNumber>>, StorageRetrievalError>| match last {
			Ok(Some(last)) if last.task == task && now < last.at.saturating_add(RESEND_AFTER.into()) => {
				Err(())
			},
			_ => Ok(Claim { task, at: now }),
		})
		.is_ok()
}
