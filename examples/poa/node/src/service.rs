//! The node, of the shape of a solo chain's.
//!
//! The suite adds the lines between `// +{` and `// +}`, and those that end with `// +`. They
//! replace the lines after `// -`. `docs/how-to/node.md` shows all of them as a diff.

use std::{sync::Arc, time::Duration};

use futures::FutureExt;
use jsonrpsee::RpcModule;
// - use sc_client_api::Backend;
use sc_consensus_aura::{ImportQueueParams, SlotProportion, StartAuraParams};
use sc_consensus_grandpa::SharedVoterState;
use sc_offchain::{OffchainWorkerOptions, OffchainWorkers};
use sc_service::{error::Error as ServiceError, Configuration, TaskManager, WarpSyncConfig};
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_consensus_aura::sr25519::AuthorityPair as AuraPair;
use substrate_frame_rpc_system::{System, SystemApiServer};
// +{
use understudy_client::{
	authors::AuraAuthors, checkpoint::WithoutPast, Options, Parts, Suite, JUSTIFICATION_PERIOD,
};
// +}
use understudy_poa_runtime::{apis::RuntimeApi, AccountId, Hash, Nonce, OpaqueBlock as Block};

type FullClient =
	sc_service::TFullClient<Block, RuntimeApi, sc_executor::WasmExecutor<sp_io::SubstrateHostFunctions>>;
type FullBackend = sc_service::TFullBackend<Block>;

// +{
/// Types of this node, for the suite.
#[derive(Clone)]
pub struct Example;

impl understudy_client::Node for Example {
	type Block = Block;
	type Backend = FullBackend;
	type Client = FullClient;
}
// +}

/// Slot and time of a new block.
fn inherents(
	slot_duration: sc_consensus_aura::SlotDuration,
) -> (sp_consensus_aura::inherents::InherentDataProvider, sp_timestamp::InherentDataProvider) {
	let timestamp = sp_timestamp::InherentDataProvider::from_system_time();
	let slot = sp_consensus_aura::inherents::InherentDataProvider::from_timestamp_and_slot_duration(
		*timestamp,
		slot_duration,
	);
	(slot, timestamp)
}

/// Starts a full node.
pub fn new_full<N: sc_network::NetworkBackend<Block, Hash>>(
	mut config: Configuration,
	options: Options, // +
) -> Result<TaskManager, ServiceError> {
	let executor = sc_service::new_wasm_executor(&config.executor);
	let (client, backend, keystore, mut task_manager) =
		sc_service::new_full_parts::<Block, RuntimeApi, _>(&config, None, executor, Vec::new())?;
	let client = Arc::new(client);
	let suite = Suite::<Example>::open(&mut config, &client, &backend, options)?; // +
	let select_chain = sc_consensus::LongestChain::new(backend.clone());
	let registry = config.prometheus_registry().cloned();
	let transaction_pool = Arc::from(
		sc_transaction_pool::Builder::new(
			task_manager.spawn_essential_handle(),
			client.clone(),
			config.role.is_authority().into(),
		)
		.with_options(config.transaction_pool.clone())
		.with_prometheus(registry.as_ref())
		.build(),
	);
	let (grandpa_block_import, grandpa_link) = sc_consensus_grandpa::block_import(
		client.clone(),
		// - 512,
		JUSTIFICATION_PERIOD, // +
		&client,
		select_chain.clone(),
		None,
	)?;
	let slot_duration = sc_consensus_aura::slot_duration(&*client)?;
	// - let block_import = grandpa_block_import.clone();
	// +{
	let import = grandpa_block_import.clone();
	let block_import = WithoutPast::<Example, _> { import, client: client.clone() };
	// +}
	let import_queue = sc_consensus_aura::import_queue::<AuraPair, _, _, _, _, _>(ImportQueueParams {
		block_import,
		justification_import: Some(Box::new(grandpa_block_import.clone())),
		client: client.clone(),
		create_inherent_data_providers: move |_, ()| async move { Ok(inherents(slot_duration)) },
		spawner: &task_manager.spawn_essential_handle(),
		registry: registry.as_ref(),
		check_for_equivocation: Default::default(),
		telemetry: None,
		compatibility_mode: Default::default(),
	})?;

	let mut net_config = sc_network::config::FullNetworkConfiguration::<Block, Hash, N>::new(
		&config.network,
		registry.clone(),
	);
	let metrics = N::register_notification_metrics(registry.as_ref());
	let genesis = client.chain_info().genesis_hash;
	let protocol_name = sc_consensus_grandpa::protocol_standard_name(&genesis, &config.chain_spec);
	let (protocol, notification_service) = sc_consensus_grandpa::grandpa_peers_set_config::<_, N>(
		protocol_name.clone(),
		metrics.clone(),
		net_config.peer_store_handle(),
	);
	net_config.add_notification_protocol(protocol);
	let warp_provider = Arc::new(sc_consensus_grandpa::warp_proof::NetworkProvider::new(
		backend.clone(),
		grandpa_link.shared_authority_set().clone(),
		Vec::new(),
	));
	// - let warp = WarpSyncConfig::WithProvider(warp_provider);
	// +{
	let checkpoint = suite.target.clone().map(WarpSyncConfig::WithTarget);
	let warp = checkpoint.unwrap_or(WarpSyncConfig::WithProvider(warp_provider));
	// +}
	let (network, system_rpc_tx, tx_handler_controller, sync_service, _) =
		sc_service::build_network(sc_service::BuildNetworkParams {
			config: &config,
			net_config,
			client: client.clone(),
			transaction_pool: transaction_pool.clone(),
			spawn_handle: task_manager.spawn_handle(),
			spawn_essential_handle: task_manager.spawn_essential_handle(),
			import_queue,
			block_announce_validator_builder: None,
			warp_sync_config: Some(warp),
			block_relay: None,
			metrics,
			gap_sync_body_policy: None,
		})?;

	if config.offchain_worker.enabled {
		let workers = OffchainWorkers::new(OffchainWorkerOptions {
			runtime_api_provider: client.clone(),
			is_validator: config.role.is_authority(),
			keystore: Some(keystore.keystore()),
			// - offchain_db: backend.offchain_storage(),
			offchain_db: Some(suite.storage()), // +
			transaction_pool: Some(OffchainTransactionPoolFactory::new(transaction_pool.clone())),
			network_provider: Arc::new(network.clone()),
			enable_http_requests: true,
			custom_extensions: |_| Vec::new(),
		})?;
		let run = workers.run(client.clone(), task_manager.spawn_handle()).boxed();
		task_manager.spawn_handle().spawn("offchain-workers-runner", "offchain-worker", run);
	}

	let voter_state = SharedVoterState::empty();
	// +{
	let parts = Parts {
		authors: AuraAuthors::<Example> { client: client.clone(), slot_duration: slot_duration.as_millis() },
		authority_set: grandpa_link.shared_authority_set().clone(),
		voter_state: voter_state.clone(),
		keystore: keystore.keystore(),
		registry: registry.clone(),
	};
	let suite_rpc = suite.start_without_recovery(&task_manager.spawn_handle(), parts)?;
	// +}

	let role = config.role;
	let force_authoring = config.force_authoring;
	let name = config.network.node_name.clone();
	let enable_grandpa = !config.disable_grandpa;
	let rpc_builder = {
		let (client, pool) = (client.clone(), transaction_pool.clone());
		Box::new(move |_| {
			let mut module = RpcModule::new(());
			let system = System::new(client.clone(), pool.clone());
			let other = |why| ServiceError::Application(Box::new(why));
			module.merge(SystemApiServer::<Hash, AccountId, Nonce>::into_rpc(system)).map_err(other)?;
			module.merge(suite_rpc.clone()).map_err(other)?; // +
			Ok(module)
		})
	};
	sc_service::spawn_tasks(sc_service::SpawnTasksParams {
		config,
		client: client.clone(),
		backend,
		task_manager: &mut task_manager,
		keystore: keystore.keystore(),
		transaction_pool: transaction_pool.clone(),
		rpc_builder,
		network: network.clone(),
		system_rpc_tx,
		tx_handler_controller,
		sync_service: sync_service.clone(),
		telemetry: None,
		tracing_execute_block: None,
	})?;

	if role.is_authority() {
		let proposer_factory = sc_basic_authorship::ProposerFactory::new(
			task_manager.spawn_handle(),
			client.clone(),
			transaction_pool.clone(),
			registry.as_ref(),
			None,
		);
		let aura =
			sc_consensus_aura::start_aura::<AuraPair, _, _, _, _, _, _, _, _, _, _>(StartAuraParams {
				slot_duration,
				client,
				select_chain,
				block_import: grandpa_block_import,
				proposer_factory,
				create_inherent_data_providers: move |_, ()| async move { Ok(inherents(slot_duration)) },
				force_authoring,
				backoff_authoring_blocks: None::<()>,
				keystore: keystore.keystore(),
				sync_oracle: sync_service.clone(),
				justification_sync_link: sync_service.clone(),
				block_proposal_slot_portion: SlotProportion::new(2f32 / 3f32),
				max_block_proposal_slot_portion: None,
				telemetry: None,
				compatibility_mode: Default::default(),
			})?;
		task_manager.spawn_essential_handle().spawn_blocking("aura", Some("block-authoring"), aura);
	}

	if enable_grandpa {
		let grandpa_config = sc_consensus_grandpa::Config {
			gossip_duration: Duration::from_millis(333),
			// - justification_generation_period: 512,
			justification_generation_period: JUSTIFICATION_PERIOD, // +
			name: Some(name),
			observer_enabled: false,
			keystore: role.is_authority().then(|| keystore.keystore()),
			local_role: role,
			telemetry: None,
			protocol_name,
		};
		let voter = sc_consensus_grandpa::run_grandpa_voter(sc_consensus_grandpa::GrandpaParams {
			config: grandpa_config,
			link: grandpa_link,
			network,
			sync: sync_service,
			notification_service,
			voting_rule: sc_consensus_grandpa::VotingRulesBuilder::default().build(),
			prometheus_registry: registry,
			shared_voter_state: voter_state,
			telemetry: None,
			offchain_tx_pool_factory: OffchainTransactionPoolFactory::new(transaction_pool),
		})?;
		task_manager.spawn_essential_handle().spawn_blocking("grandpa-voter", None, voter);
	}

	Ok(task_manager)
}
