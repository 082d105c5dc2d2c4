//! Start of a node from the state of a finalized block, without executing the blocks before it.
//!
//! Warp sync follows the authority sets by the votes of each of them. No node has such votes across
//! a forced change. A proof of the failover log crosses it by the members' votes for the recovery.
//! The head of the proof is the block to start from, and the node that serves the proof need not be
//! trusted.

use std::{fs, path::PathBuf, sync::Arc};

use sc_consensus::{
	block_import::{BlockCheckParams, BlockImport, BlockImportParams, StateAction, StorageChanges},
	ImportResult,
};
use sc_consensus_grandpa::find_forced_change;
use sp_api::ProvideRuntimeApi;
use sp_blockchain::HeaderBackend;
use sp_consensus::Error as ConsensusError;
use sp_consensus_grandpa::GrandpaApi;
use sp_runtime::traits::Header as _;
use understudy_verifier::{check, item, Bundle, Fault, Policy, TrustedSet};

use crate::{Hash, Header, Node};

const LOG_TARGET: &str = "understudy::checkpoint";

/// Proof whose head a node starts from.
#[derive(Clone)]
pub struct Checkpoint {
	/// File with the proof.
	pub path: PathBuf,
	/// Hash of the head, if the operator knows it from another source. Otherwise the genesis set is
	/// trusted, whose members may have given away their keys since.
	pub block: Option<Hash>,
}

/// Returns the head of a proof, if the proof leads to it from the genesis set of this chain.
///
/// # Errors
///
/// Returns a message with the reason and a remedy.
pub fn head<N: Node>(Checkpoint { path, block }: &Checkpoint, client: &N::Client) -> Result<Header, String> {
	let genesis = client.info().genesis_hash;
	let authorities = client.runtime_api().grandpa_authorities(genesis);
	let authorities = authorities.map_err(|why| format!("the genesis set cannot be read: {why}"))?;
	let trusted = TrustedSet::of_genesis(genesis, authorities);
	let refuse = |why: &dyn std::fmt::Display| {
		format!(
			"{} is not a checkpoint of this chain ({why}); fetch one that leads from genesis: \
			 understudy-verify fetch --records 0 --rpc ws://ADDRESS --out FILE",
			path.display()
		)
	};
	let bytes = fs::read(path).map_err(|why| refuse(&why))?;
	let bundle = Bundle::from_scale(&bytes).map_err(|why| refuse(&why))?;
	let verified = check(&bundle, &trusted, &Policy::default()).map_err(|why| refuse(&why))?;
	if let Some(block) = block.filter(|block| *block != verified.hash) {
		return Err(format!(
			"{} leads to #{} {:?}, not to {block:?}: it is older or newer than the block of \
			 --checkpoint-block, or belongs to another fork; find out which before you continue",
			path.display(),
			verified.block,
			verified.hash
		));
	}
	log::info!(
		target: LOG_TARGET,
		"the checkpoint leads from genesis to #{} across {} hand-offs, {} of them forced; peers that are not \
		 archive nodes keep its state for 256 blocks",
		verified.block,
		verified.hand_offs,
		verified.forced.len()
	);
	codec::Decode::decode(&mut &bundle.head.header[..]).map_err(|_| refuse(&Fault::Malformed))
}

/// Block import that imports a state without requesting the blocks before it. GRANDPA's client
/// rejects a past block that announces a change of authorities and was never justified itself, as
/// is the case for forced changes.
///
/// GRANDPA's client takes the authority set from the imported state. A pending set is not part of
/// that state yet, but its id is. The client also looks up the block that a forced change builds
/// on. Blocks for which either would go wrong are refused.
pub struct WithoutPast<N: Node, Import> {
	/// Inner block import.
	pub import: Import,
	/// The client.
	pub client: Arc<N::Client>,
}

impl<N: Node, Import: Clone> Clone for WithoutPast<N, Import> {
	fn clone(&self) -> Self {
		Self { import: self.import.clone(), client: self.client.clone() }
	}
}

impl<N: Node, Import> WithoutPast<N, Import> {
	fn check(&self, block: &BlockImportParams<N::Block>) -> Result<(), &'static str> {
		if let StateAction::ApplyChanges(StorageChanges::Import(imported)) = &block.state_action {
			let pending = item("Grandpa", "PendingChange");
			let mut items = imported.state.0.iter().flat_map(|level| &level.key_values);
			if items.any(|(key, _)| *key == pending) {
				return Err(
					"a change of authorities is pending in the checkpoint's state; fetch a newer checkpoint",
				);
			}
		}
		if let Some((base, _)) = find_forced_change::<N::Block>(&block.header) {
			let base = base.min(self.client.info().finalized_number);
			if !matches!(self.client.hash(base), Ok(Some(_))) {
				return Err(
					"a recovery builds on a block before the checkpoint that this node started from; run \
					 purge-chain, and start from a newer checkpoint",
				);
			}
		}
		Ok(())
	}
}

#[async_trait::async_trait]
impl<N: Node, Import: BlockImport<N::Block, Error = ConsensusError> + Send + Sync> BlockImport<N::Block>
	for WithoutPast<N, Import>
{
	type Error = ConsensusError;

	async fn check_block(&self, block: BlockCheckParams<N::Block>) -> Result<ImportResult, Self::Error> {
		self.import.check_block(block).await
	}

	async fn import_block(
		&self,
		mut block: BlockImportParams<N::Block>,
	) -> Result<ImportResult, Self::Error> {
		if let Err(why) = self.check(&block) {
			log::error!(target: LOG_TARGET, "#{} is refused: {why}", block.header.number());
			return Err(ConsensusError::ClientImport(why.into()));
		}
		block.create_gap &= !block.with_state();
		self.import.import_block(block).await
	}
}
