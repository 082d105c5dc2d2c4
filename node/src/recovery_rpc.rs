//! JSON-RPC of recovery from excessive faults: the mode, why it is what it is, and what is waited for.

use std::sync::Arc;

use jsonrpsee::{
	core::RpcResult,
	proc_macros::rpc,
	types::{ErrorObject, ErrorObjectOwned},
};
use sp_api::ProvideRuntimeApi;
use sp_blockchain::HeaderBackend;
use understudy_primitives::{api::RecoveryApi, RecoveryStatus};
use understudy_runtime::Hash;

use crate::service::FullClient;

/// The state of that block is not there: it is unknown, or pruned.
const NO_STATE: i32 = 9_201;

/// The methods. `at` is a block's hash, by default the best block.
#[rpc(server)]
pub trait Recovery {
	/// The mode, since when, up to where finality has come, who many are there and have voted, and how many must.
	#[method(name = "recovery_status", blocking)]
	fn status(&self, at: Option<Hash>) -> RpcResult<RecoveryStatus<Hash>>;
}

/// What the methods read.
pub struct RecoveryMode {
	/// The client.
	pub client: Arc<FullClient>,
}

impl RecoveryServer for RecoveryMode {
	fn status(&self, at: Option<Hash>) -> RpcResult<RecoveryStatus<Hash>> {
		let at = at.unwrap_or_else(|| self.client.info().best_hash);
		self.client.runtime_api().recovery_status(at).map_err(|why| -> ErrorObjectOwned {
			ErrorObject::owned(
				NO_STATE,
				format!("this node cannot ask the state of {at:?}: {why}"),
				None::<()>,
			)
		})
	}
}
