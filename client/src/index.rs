//! Calls of the runtime that read the offchain index.

use sc_client_api::Backend;
use sc_offchain::OffchainDb;
use sp_api::{ApiExt, ApiRef, ProvideRuntimeApi};
use sp_core::offchain::OffchainDbExt;

use crate::Node;

/// Returns the runtime API with access to the offchain index. `None` if the database has no
/// offchain storage.
pub fn with_index<'a, N: Node>(
	client: &'a N::Client,
	backend: &N::Backend,
) -> Option<ApiRef<'a, <N::Client as ProvideRuntimeApi<N::Block>>::Api>> {
	let storage = backend.offchain_storage()?;
	let mut api = client.runtime_api();
	api.register_extension(OffchainDbExt::new(OffchainDb::new(storage)));
	Some(api)
}
