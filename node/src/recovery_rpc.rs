//! JSON-RPC of recovery from excessive faults: the mode, why it is what it is, what is waited for, and what a recovery was carried out
//! by.

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
use understudy_runtime::{AccountId, Hash};

use crate::service::{with_index, FullBackend, FullClient};

/// The state of that block is not there: it is unknown, or pruned.
const NO_STATE: i32 = 9_201;

/// The methods. `at` is a block's hash, by default the best block.
#[rpc(server)]
pub trait Recovery {
	/// The mode, since when, up to where finality has come, how many are there and have voted, and how many must.
	#[method(name = "recovery_status", blocking)]
	fn status(&self, at: Option<Hash>) -> RpcResult<RecoveryStatus<Hash>>;

	/// The signed votes that forced the change to an authority set, if it was forced and this node executed the blocks with them.
	#[method(name = "recovery_votes", blocking)]
	fn votes(&self, set: u64) -> RpcResult<Option<Votes>>;
}

/// What carried a recovery out.
#[derive(Clone, Serialize)]
pub struct Votes {
	proposal: BlockId<Hash>,
	votes: Vec<Cast>,
}

/// A vote for it. Signed are the bytes `understudy/recovery/vote/1`, the hash of the chain's first block, and in SCALE `who`, the proposal
/// and `base`.
#[derive(Clone, Serialize)]
pub struct Cast {
	who: AccountId,
	base: BlockId<Hash>,
	/// By the heartbeat key of `who`, sr25519.
	signature: Bytes,
}

/// What the methods read.
pub struct RecoveryMode {
	/// The client.
	pub client: Arc<FullClient>,
	/// The database, with the offchain index.
	pub backend: Arc<FullBackend>,
}

fn refuse(why: impl std::fmt::Display) -> ErrorObjectOwned {
	ErrorObject::owned(NO_STATE, format!("this node cannot ask that state: {why}"), None::<()>)
}

impl RecoveryServer for RecoveryMode {
	fn status(&self, at: Option<Hash>) -> RpcResult<RecoveryStatus<Hash>> {
		let at = at.unwrap_or_else(|| self.client.info().best_hash);
		self.client.runtime_api().recovery_status(at).map_err(refuse)
	}

	fn votes(&self, set: u64) -> RpcResult<Option<Votes>> {
		let api = with_index(&self.client, &self.backend);
		let api = api.ok_or_else(|| refuse("there is no offchain storage"))?;
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
