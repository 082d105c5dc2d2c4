//! JSON-RPC methods of recovery from excessive faults: the mode and the reasons for it, the pending
//! conditions, and the votes that carried a recovery out.

use std::sync::Arc;

use jsonrpsee::{
	core::RpcResult,
	proc_macros::rpc,
	types::{ErrorObject, ErrorObjectOwned},
};
use serde::Serialize;
use sp_api::ProvideRuntimeApi;
use sp_blockchain::HeaderBackend;
use sp_core::{ByteArray, Bytes};
use understudy_primitives::{
	api::RecoveryApi,
	vote::{CarriedOut, Signed, Vote},
	BlockId, RecoveryStatus,
};

use crate::{with_index, AccountId, Hash, Node, RecoveryNode};

/// Error code: this node does not have the state of the block, which is unknown or pruned.
const NO_STATE: i32 = 9_201;

/// JSON-RPC methods. `at` is the hash of a block, and defaults to the best block.
#[rpc(server)]
pub trait Recovery {
	/// Returns the mode and its start, the block up to which finality has come, the numbers of
	/// presence attestations and of votes, and the number that is needed of each.
	#[method(name = "recovery_status", blocking)]
	fn status(&self, at: Option<Hash>) -> RpcResult<RecoveryStatus<Hash>>;

	/// Returns the signed votes that forced the change to an authority set. `None` if the change
	/// was not forced, or if this node did not execute the blocks with the votes.
	#[method(name = "recovery_votes", blocking)]
	fn votes(&self, set: u64) -> RpcResult<Option<Votes>>;
}

/// Votes that carried a recovery out, and their proposal.
#[derive(Clone, Serialize)]
pub struct Votes {
	proposal: BlockId<Hash>,
	votes: Vec<Cast>,
}

/// Vote for the proposal. The signed payload is the bytes `understudy/recovery/vote/1`, followed by
/// the genesis hash, and by `who`, the proposal and `base` in SCALE.
#[derive(Clone, Serialize)]
pub struct Cast {
	who: AccountId,
	base: BlockId<Hash>,
	/// sr25519 signature with the heartbeat key of `who`.
	signature: Bytes,
}

/// Implementation of the methods.
pub struct RecoveryRpc<N: Node> {
	/// The client.
	pub client: Arc<N::Client>,
	/// The database, with the offchain index.
	pub backend: Arc<N::Backend>,
}

fn refuse(why: impl std::fmt::Display) -> ErrorObjectOwned {
	ErrorObject::owned(NO_STATE, format!("the state of the block cannot be queried: {why}"), None::<()>)
}

impl<N: RecoveryNode> RecoveryServer for RecoveryRpc<N> {
	fn status(&self, at: Option<Hash>) -> RpcResult<RecoveryStatus<Hash>> {
		let at = at.unwrap_or_else(|| self.client.info().best_hash);
		self.client.runtime_api().recovery_status(at).map_err(refuse)
	}

	fn votes(&self, set: u64) -> RpcResult<Option<Votes>> {
		let api = with_index::<N>(&self.client, &self.backend);
		let api = api.ok_or_else(|| refuse("this node has no offchain storage"))?;
		let found = api.recovery_votes(self.client.info().best_hash, set).map_err(refuse)?;
		let cast = |signed: Signed<Vote<AccountId, Hash>>| Cast {
			who: signed.statement.who,
			base: signed.statement.base,
			signature: signed.signature.to_raw_vec().into(),
		};
		Ok(found.map(|CarriedOut { proposal, votes }| Votes {
			proposal,
			votes: votes.into_iter().map(cast).collect(),
		}))
	}
}
