//! Opens and starts the suite's parts in a node.

use std::sync::Arc;

use jsonrpsee::RpcModule;
use sc_client_api::Backend as _;
use sc_consensus_grandpa::{SharedAuthoritySet, SharedVoterState};
use sc_network::config::SyncMode;
use sc_service::{error::Error, Configuration, SpawnTaskHandle};
use sp_api::{ApiExt, ProvideRuntimeApi};
use sp_blockchain::HeaderBackend;
use sp_keystore::KeystorePtr;
use substrate_prometheus_endpoint::Registry;
use understudy_primitives::{
	api::RecoveryApi,
	offchain::{NodeVersion, Probing},
};

use crate::{
	authors::Authors,
	checkpoint::{self, Checkpoint},
	durable::Durable,
	finality::{
		history::AuthoritySetHistory,
		observer::{introduce, FinalityObserver},
		voting_rule::RecoveryVotingRule,
	},
	monitor::{Monitor, StatusAt},
	rpc::{
		failover::{FailoverRpc, FailoverServer},
		recovery::{RecoveryRpc, RecoveryServer},
	},
	AccountId, BlockNumber, Hash, Header, Node, OffchainStore, RecoveryNode,
};

/// Number of blocks in which a node keeps at least one justification.
///
/// Half of the number of states that nodes keep by default, so that the state of a justified block
/// exists when a change of authorities is forced: the proof of the change begins there. Pass it to
/// GRANDPA's block import and voter.
pub const JUSTIFICATION_PERIOD: u32 = 128;

/// Choices of the operator and of the node's author.
pub struct Options {
	/// Endpoints that the offchain worker may probe.
	pub probing: Probing,
	/// Proof whose head an empty database starts from.
	pub checkpoint: Option<Checkpoint>,
	/// Release of the node.
	pub version: NodeVersion,
}

/// The suite's part of a node, before the network starts.
pub struct Suite<N: Node> {
	client: Arc<N::Client>,
	backend: Arc<N::Backend>,
	storage: OffchainStore<N>,
	/// Head of the checkpoint, if the database is empty: the target of the first sync.
	pub target: Option<Header>,
}

/// Parts of the node that the suite uses.
pub struct Parts<A> {
	/// Authors of slots: [`AuraAuthors`](crate::authors::AuraAuthors), or `()` for a consensus that
	/// does not name them in advance.
	pub authors: A,
	/// Authority set of GRANDPA's link.
	pub authority_set: SharedAuthoritySet<Hash, BlockNumber>,
	/// Voter state that GRANDPA's voter fills.
	pub voter_state: SharedVoterState,
	/// Keystore.
	pub keystore: KeystorePtr,
	/// Registry of the metrics.
	pub registry: Option<Registry>,
}

impl<N: Node> Suite<N> {
	/// Opens the storage of the suite, and checks the checkpoint.
	///
	/// A node that has blocks ignores the checkpoint, and syncs as usual.
	///
	/// ## Errors
	///
	/// Fails if the database has no offchain storage, the folder of durable files cannot be opened,
	/// or the checkpoint is none of this chain. The message has the remedy.
	pub fn open(
		config: &mut Configuration,
		client: &Arc<N::Client>,
		backend: &Arc<N::Backend>,
		options: Options,
	) -> Result<Self, Error> {
		let Options { probing, checkpoint, version } = options;
		let is_empty = client.info().best_number == 0;
		if checkpoint.is_some() && !is_empty {
			config.network.sync_mode = SyncMode::Full;
		}
		let target = checkpoint.filter(|_| is_empty);
		let target = target.map(|checkpoint| checkpoint::head::<N>(&checkpoint, client));
		let target = target.transpose().map_err(Error::Other)?;
		let storage = backend.offchain_storage().ok_or_else(|| {
			Error::Other("the database has no offchain storage, which holds the votes".into())
		})?;
		let mut storage = Durable::open(storage, config, client.info().genesis_hash).map_err(|why| {
			Error::Other(format!("the folder of the files that bind this node cannot be opened: {why}"))
		})?;
		introduce(&mut storage, probing, &version);
		Ok(Self { client: client.clone(), backend: backend.clone(), storage, target })
	}

	/// Returns the storage for the offchain workers.
	pub fn storage(&self) -> OffchainStore<N> {
		self.storage.clone()
	}

	/// Starts the suite in the node of a chain with `pallet-recovery`: observers and monitor.
	/// Returns the voting rule, which must be the last one of GRANDPA's voter, and the RPC methods
	/// `failover_*` and `recovery_*`.
	///
	/// ## Errors
	///
	/// Fails if a method is registered twice.
	pub fn start<A: Authors<N::Block>>(
		&self,
		tasks: &SpawnTaskHandle,
		parts: Parts<A>,
	) -> Result<(RecoveryVotingRule<N>, RpcModule<()>), Error>
	where
		N: RecoveryNode,
	{
		let (client, storage) = (self.client.clone(), self.storage.clone());
		let (authority_set, keystore) = (parts.authority_set.clone(), parts.keystore.clone());
		let rule = RecoveryVotingRule { client, storage, authority_set, keystore };
		let client = self.client.clone();
		let status: StatusAt = Box::new(move |at| client.runtime_api().recovery_status(at).ok());
		let history = self.history(&parts).with_recovery();
		let mut rpc = self.start_parts(tasks, parts, history, Some(status))?;
		let recovery = RecoveryRpc::<N> { client: self.client.clone(), backend: self.backend.clone() };
		rpc.merge(recovery.into_rpc()).map_err(other)?;
		Ok((rule, rpc))
	}

	/// Starts the suite in the node of a chain without `pallet-recovery`. Returns the RPC methods
	/// `failover_*`.
	///
	/// ## Errors
	///
	/// Fails if a method is registered twice, or the runtime has recovery: without the voting rule,
	/// the node would finalize blocks although its vote for a recovery binds it.
	pub fn start_without_recovery<A: Authors<N::Block>>(
		&self,
		tasks: &SpawnTaskHandle,
		parts: Parts<A>,
	) -> Result<RpcModule<()>, Error> {
		let best = self.client.info().best_hash;
		let has_recovery = self.client.runtime_api().has_api::<dyn RecoveryApi<N::Block, AccountId>>(best);
		if has_recovery.map_err(other)? {
			return Err(other(
				"the runtime has pallet-recovery, and the node has no voting rule for it: a release of the node that \
				 calls Suite::start is needed",
			));
		}
		let history = self.history(&parts);
		self.start_parts(tasks, parts, history, None)
	}

	fn history<A>(&self, parts: &Parts<A>) -> AuthoritySetHistory<N> {
		AuthoritySetHistory::new(self.client.clone(), self.backend.clone(), parts.authority_set.clone())
	}

	fn start_parts<A: Authors<N::Block>>(
		&self,
		tasks: &SpawnTaskHandle,
		parts: Parts<A>,
		history: AuthoritySetHistory<N>,
		status: Option<StatusAt>,
	) -> Result<RpcModule<()>, Error> {
		let Parts { authors, authority_set, voter_state, registry, .. } = parts;
		let client = self.client.clone();
		let observer = FinalityObserver::<N, A> {
			client: client.clone(),
			storage: self.storage.clone(),
			voter_state,
			authority_set,
			authors,
			registry: registry.clone(),
		};
		tasks.spawn("finality-observer", Some("understudy"), observer.run());
		let monitor = Monitor { client: client.clone(), history: history.clone(), status, registry };
		tasks.spawn("recovery-monitor", Some("understudy"), monitor.run());
		let mut rpc = RpcModule::new(());
		let failover = FailoverRpc::<N> { client, backend: self.backend.clone(), history };
		rpc.merge(failover.into_rpc()).map_err(other)?;
		Ok(rpc)
	}
}

fn other(why: impl std::fmt::Display) -> Error {
	Error::Other(why.to_string())
}

#[cfg(feature = "aura")]
impl<N: crate::EquivocationNode> Suite<N> {
	/// Starts the observer that reports authors of two blocks for one slot.
	pub fn report_equivocations(
		&self,
		tasks: &SpawnTaskHandle,
		keystore: KeystorePtr,
		pool: sc_transaction_pool_api::OffchainTransactionPoolFactory<N::Block>,
	) {
		let client = self.client.clone();
		let observer = crate::equivocation::EquivocationObserver::<N> { client, keystore, pool };
		tasks.spawn("equivocation-observer", Some("understudy"), observer.run());
	}
}
