//! Where a node starts that takes over the state of a finalized block, instead of executing all blocks before it.
//!
//! Warp sync gets there from one authority set to the next by the votes of each, which nobody has across a forced change. A proof of the
//! failover log gets there by the members' votes for the recovery: its head is the block to start with, and nobody who hands it out
//! has to be trusted.

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
use understudy_runtime::{Hash, OpaqueBlock as Block, Runtime};
use understudy_verifier::{check, Bundle, Fault, Header, Policy, TrustedSet};

use crate::service::FullClient;

const LOG_TARGET: &str = "understudy::checkpoint";

/// A proof whose head a node starts with.
#[derive(Clone)]
pub struct Checkpoint {
	/// The file with the proof.
	pub path: PathBuf,
	/// Hash of the head, where the operator knows it from elsewhere. Else the genesis set is trusted,
	/// whose members may have given their keys away since.
	pub block: Option<Hash>,
}

/// The head of a proof, if it leads there from the genesis set of this chain; or why it does not, and what to do.
pub fn head(Checkpoint { path, block }: &Checkpoint, client: &FullClient) -> Result<Header, String> {
	let genesis = client.info().genesis_hash;
	let authorities = client.runtime_api().grandpa_authorities(genesis);
	let authorities = authorities.map_err(|why| format!("the genesis set cannot be read: {why}"))?;
	let trusted = TrustedSet::of_genesis(genesis, authorities);
	let refuse = |why: &dyn std::fmt::Display| {
		format!(
			"{} is no checkpoint of this chain ({why}); fetch one that leads from genesis: understudy-verify fetch --records 0 \
			 --rpc ws://ADDRESS --out FILE",
			path.display()
		)
	};
	let bytes = fs::read(path).map_err(|why| refuse(&why))?;
	let bundle = Bundle::from_scale(&bytes).map_err(|why| refuse(&why))?;
	let verified = check(&bundle, &trusted, &Policy::default()).map_err(|why| refuse(&why))?;
	if let Some(block) = block.filter(|block| *block != verified.hash) {
		return Err(format!(
			"{} leads to #{} {:?}, and not to {block:?}: it is older or newer than the block that --checkpoint-block names, or \
			 of another history; find out which before you go on",
			path.display(),
			verified.block,
			verified.hash
		));
	}
	log::info!(
		target: LOG_TARGET,
		"the checkpoint leads from genesis to #{} across {} hand-offs, {} of them forced; peers keep its state for 256 blocks \
		 unless they are archives",
		verified.block,
		verified.hand_offs,
		verified.forced.len()
	);
	codec::Decode::decode(&mut &bundle.head.header[..]).map_err(|_| refuse(&Fault::Malformed))
}

/// Imports a state without asking for the blocks before it: GRANDPA's client takes no block of the past that announces a change of
/// authorities and was never justified itself, as forced ones are.
///
/// It takes the authority set from that state, where one that is pending is not yet, but its id is. And it looks up the block that a forced
/// change builds on. Where that would go wrong, a block is refused.
#[derive(Clone)]
pub struct WithoutPast<Import> {
	/// What imports blocks.
	pub import: Import,
	/// The client.
	pub client: Arc<FullClient>,
}

impl<Import> WithoutPast<Import> {
	fn check(&self, block: &BlockImportParams<Block>) -> Result<(), &'static str> {
		if let StateAction::ApplyChanges(StorageChanges::Import(imported)) = &block.state_action {
			let pending = pallet_grandpa::PendingChange::<Runtime>::hashed_key();
			let mut items = imported.state.0.iter().flat_map(|level| &level.key_values);
			if items.any(|(key, _)| *key == pending) {
				return Err(
					"a change of authorities is pending in the checkpoint's state; fetch a newer one",
				);
			}
		}
		if let Some((base, _)) = find_forced_change::<Block>(&block.header) {
			let base = base.min(self.client.info().finalized_number);
			if !matches!(self.client.hash(base), Ok(Some(_))) {
				return Err(
					"a recovery goes on from a block before the checkpoint that this node started with; purge-chain, and start \
					 with a newer one",
				);
			}
		}
		Ok(())
	}
}

#[async_trait::async_trait]
impl<Import: BlockImport<Block, Error = ConsensusError> + Send + Sync> BlockImport<Block>
	for WithoutPast<Import>
{
	type Error = ConsensusError;

	async fn check_block(&self, block: BlockCheckParams<Block>) -> Result<ImportResult, Self::Error> {
		self.import.check_block(block).await
	}

	async fn import_block(&self, mut block: BlockImportParams<Block>) -> Result<ImportResult, Self::Error> {
		if let Err(why) = self.check(&block) {
			log::error!(target: LOG_TARGET, "#{} is refused: {why}", block.header.number());
			return Err(ConsensusError::ClientImport(why.into()));
		}
		block.create_gap &= !block.with_state();
		self.import.import_block(block).await
	}
}
