//! JSON-RPC: what every node offers comes from the service; here is what this chain adds.

use std::sync::Arc;

use jsonrpsee::RpcModule;
use sc_consensus_grandpa::{
	FinalityProofProvider, GrandpaJustificationStream, SharedAuthoritySet, SharedVoterState,
};
use sc_rpc::SubscriptionTaskExecutor;
use sc_transaction_pool_api::TransactionPool;
use sp_runtime::traits::NumberFor;
use understudy_runtime::{AccountId, Hash, Nonce, OpaqueBlock as Block};

use crate::{
	failover_rpc::{FailoverLog, FailoverServer},
	hand_overs::HandOvers,
	recovery_rpc::{RecoveryMode, RecoveryServer},
	service::{FullBackend, FullClient},
};

/// What GRANDPA's methods need.
pub struct GrandpaDeps {
	/// Who has voted in the running rounds.
	pub shared_voter_state: SharedVoterState,
	/// The authority set as the client has it.
	pub shared_authority_set: SharedAuthoritySet<Hash, NumberFor<Block>>,
	/// Justifications as they come in.
	pub justification_stream: GrandpaJustificationStream<Block>,
	/// Proofs of finality.
	pub finality_provider: Arc<FinalityProofProvider<FullBackend, Block>>,
}

/// What the methods need.
pub struct FullDeps<P> {
	/// The client.
	pub client: Arc<FullClient>,
	/// The database.
	pub backend: Arc<FullBackend>,
	/// The transaction pool.
	pub pool: Arc<P>,
	/// Of GRANDPA.
	pub grandpa: GrandpaDeps,
	/// How authority sets handed over.
	pub hand_overs: HandOvers,
	/// Runs subscriptions.
	pub subscription_executor: SubscriptionTaskExecutor,
}

/// All methods together.
pub fn create_full<P>(deps: FullDeps<P>) -> Result<RpcModule<()>, Box<dyn std::error::Error + Send + Sync>>
where
	P: TransactionPool<Block = Block, Hash = Hash> + 'static,
{
	use pallet_transaction_payment_rpc::{TransactionPayment, TransactionPaymentApiServer};
	use sc_consensus_grandpa_rpc::{Grandpa, GrandpaApiServer};
	use substrate_frame_rpc_system::{System, SystemApiServer};

	let FullDeps { client, backend, pool, grandpa, hand_overs, subscription_executor } = deps;
	let mut module = RpcModule::new(());
	let system = System::new(client.clone(), pool);
	module.merge(SystemApiServer::<Hash, AccountId, Nonce>::into_rpc(system))?;
	module.merge(TransactionPayment::new(client.clone()).into_rpc())?;
	module.merge(RecoveryMode { client: client.clone(), backend: backend.clone() }.into_rpc())?;
	module.merge(FailoverLog { client, backend, hand_overs }.into_rpc())?;
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
