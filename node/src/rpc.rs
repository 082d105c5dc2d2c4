//! JSON-RPC methods that this node adds to those of the Substrate service.

use std::sync::Arc;

use jsonrpsee::RpcModule;
use sc_consensus_grandpa::{
	FinalityProofProvider, GrandpaJustificationStream, SharedAuthoritySet, SharedVoterState,
};
use sc_rpc::SubscriptionTaskExecutor;
use sc_transaction_pool_api::TransactionPool;
use sp_runtime::traits::NumberFor;
use understudy_runtime::{AccountId, Hash, Nonce, OpaqueBlock as Block};

use crate::service::{FullBackend, FullClient};

/// Dependencies of GRANDPA's methods.
pub struct GrandpaDeps {
	/// State of the running rounds, with the votes in them.
	pub shared_voter_state: SharedVoterState,
	/// Authority set of the client.
	pub shared_authority_set: SharedAuthoritySet<Hash, NumberFor<Block>>,
	/// Stream of new justifications.
	pub justification_stream: GrandpaJustificationStream<Block>,
	/// Provider of finality proofs.
	pub finality_provider: Arc<FinalityProofProvider<FullBackend, Block>>,
}

/// Dependencies of all methods.
pub struct FullDeps<P> {
	/// The client.
	pub client: Arc<FullClient>,
	/// The transaction pool.
	pub pool: Arc<P>,
	/// Dependencies of GRANDPA's methods.
	pub grandpa: GrandpaDeps,
	/// Methods of the suite.
	pub suite: RpcModule<()>,
	/// Executor of subscriptions.
	pub subscription_executor: SubscriptionTaskExecutor,
}

/// Creates the module with all methods.
pub fn create_full<P>(deps: FullDeps<P>) -> Result<RpcModule<()>, Box<dyn std::error::Error + Send + Sync>>
where
	P: TransactionPool<Block = Block, Hash = Hash> + 'static,
{
	use pallet_transaction_payment_rpc::{TransactionPayment, TransactionPaymentApiServer};
	use sc_consensus_grandpa_rpc::{Grandpa, GrandpaApiServer};
	use substrate_frame_rpc_system::{System, SystemApiServer};

	let FullDeps { client, pool, grandpa, suite, subscription_executor } = deps;
	let mut module = RpcModule::new(());
	let system = System::new(client.clone(), pool);
	module.merge(SystemApiServer::<Hash, AccountId, Nonce>::into_rpc(system))?;
	module.merge(TransactionPayment::new(client).into_rpc())?;
	module.merge(suite)?;
	module.merge(
		Grandpa::new(
			subscription_executor,
			grandpa.shared_authority_set,
			grandpa.shared_voter_state,
			grandpa.justification_stream,
			grandpa.finality_provider,
		)
		.into_rpc(),
	)?;
	Ok(module)
}
