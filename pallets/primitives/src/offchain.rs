//! What a node leaves in its offchain storage for its own offchain worker: what only the node can know, and what its
//! operator decided. Nobody else reads or writes it, and the chain never sees it.

use alloc::vec::Vec;
use codec::{Decode, DecodeAll, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_runtime::{
	offchain::storage::{StorageRetrievalError, StorageValueRef},
	traits::Saturating,
};

use crate::{crypto::AuthorityId, BlockId, MemberIndex};

/// Key under which the node keeps its [`FinalityView`]. Another layout has another key, so that a
/// node and a runtime of different releases do not take one for the other.
pub const FINALITY_VIEW: &[u8] = b"understudy/node/finality/2";
/// Key under which a node of the first release keeps its view, which lacks [`FinalityView::idle`].
pub const FIRST_FINALITY_VIEW: &[u8] = b"understudy/node/finality";
/// Where the node keeps its [`NodeVersion`].
pub const NODE_VERSION: &[u8] = b"understudy/node/version";
/// Where the node keeps its operator's [`Probing`].
pub const PROBING: &[u8] = b"understudy/node/probing";

/// Where the node keeps its [`Lock`].
pub const LOCK: &[u8] = b"understudy/node/lock";
/// Where the node keeps the block that its GRANDPA voter prevoted for last, a [`BlockId`].
pub const PREVOTED: &[u8] = b"understudy/node/prevoted";
/// Key under which the node keeps the last proposal, a [`BlockId`], that its operator has taken back
/// the node's vote for. A runtime of the first release knows this one alone.
pub const RELEASED: &[u8] = b"understudy/node/released";
/// Key under which the node keeps all such proposals, a list of [`BlockId`], see [`released`]: it sends
/// these votes no more.
pub const ALL_RELEASED: &[u8] = b"understudy/node/released/2";
/// Number of proposals that are kept so, the last ones.
pub const MAX_RELEASED: usize = 16;

/// The proposals whose votes were taken back, from both entries, which `read` finds by their keys.
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

/// Name under which the node keeps each member's vote for a recovery, see [`vote_key`].
const VOTE: &[u8] = b"understudy/recovery/vote";

/// Key under which the node keeps a member's vote. By the member, not by its key: another key is no
/// other vote.
pub fn vote_key(who: &impl Encode) -> Vec<u8> {
	(VOTE, who).encode()
}

/// Returns whether an entry of the offchain storage must be on disk before anything follows from
/// it: what binds the node, and what it is bound by.
pub fn must_be_durable(key: &[u8]) -> bool {
	[LOCK, PREVOTED, RELEASED, ALL_RELEASED].contains(&key) || key.starts_with(&VOTE.encode())
}

/// What a node has voted to recover from. Written before the vote is sent, and read before each prevote.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct Lock<Hash> {
	/// The proposal that it has voted for.
	pub proposal: BlockId<Hash>,
	/// The id of GRANDPA's authority set that the node was in.
	pub set: u64,
}

/// What the node sees of finality.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode)]
pub struct FinalityView {
	/// When this was written, in milliseconds since the Unix epoch.
	pub at: u64,
	/// When the node's last finalized block became so for it, in the same unit.
	pub advanced: u64,
	/// That block's number, saturating.
	pub finalized: u32,
	/// That block's header, in SCALE.
	pub header: Vec<u8>,
	/// The id of the authority set that votes now.
	pub set: u64,
	/// What the node has prevoted for last, as in [`PREVOTED`], and the best block if that builds on it; in SCALE.
	pub prevoted: Vec<u8>,
	/// The voters of the current set of whom the node sees no vote: the raw public key, and for how many seconds.
	pub silent: Vec<([u8; 32], u32)>,
	/// Number of authorities that author blocks by turns.
	pub authors: u32,
	/// Those of whom the node has seen no block for some of their slots, on whatever branch: the
	/// place among the authors, and the number of such slots in a row.
	pub idle: Vec<(MemberIndex, u32)>,
}

/// The view as the first release has it.
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

impl FinalityView {
	/// Reads the view that the node has left. Says so in the node's log where the node is older
	/// than the runtime.
	pub fn read() -> Option<Self> {
		if let Some(view) = StorageValueRef::persistent(FINALITY_VIEW).get().ok().flatten() {
			return Some(view);
		}
		let first = StorageValueRef::persistent(FIRST_FINALITY_VIEW).get().ok().flatten()?;
		log::warn!(
			target: "understudy",
			"this node is of an earlier release than its runtime; it does not notice members that author nothing: upgrade it"
		);
		let FirstFinalityView { at, advanced, finalized, header, set, prevoted, silent } = first;
		Some(Self { at, advanced, finalized, header, set, prevoted, silent, authors: 0, idle: Vec::new() })
	}

	/// The view for a runtime of the first release, which reads it under [`FIRST_FINALITY_VIEW`].
	pub fn to_first(&self) -> Vec<u8> {
		let Self { at, advanced, finalized, set, .. } = *self;
		let (header, prevoted, silent) = (self.header.clone(), self.prevoted.clone(), self.silent.clone());
		FirstFinalityView { at, advanced, finalized, header, set, prevoted, silent }.encode()
	}

	/// What the node has prevoted for last, and a block that builds on it.
	pub fn prevoted<Block: Decode>(&self) -> Option<(Block, Block)> {
		Decode::decode(&mut &self.prevoted[..]).ok()
	}

	/// The last finalized block's header, as the chain has it.
	pub fn last<Header: Decode>(&self) -> Option<Header> {
		Header::decode_all(&mut &self.header[..]).ok()
	}
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

/// After so many blocks a transaction that did not make it into one is sent again.
const RESEND_AFTER: u32 = 2;

/// When something was done last, kept in the node's offchain storage.
#[derive(Encode, Decode)]
struct Claim<BlockNumber> {
	task: Vec<u8>,
	at: BlockNumber,
}

/// Whether a worker is to do something now that is done once per `task`: it was not for this very task, or that is two
/// blocks ago. The lock also keeps two workers, of two blocks at the same height, from doing it twice.
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
