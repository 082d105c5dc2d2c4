//! Where a node starts that takes over the state of a finalized block, instead of executing all blocks before it.
//!
//! Warp sync gets there from one authority set to the next by the votes of each, which nobody has across a forced change. A proof of the
//! failover log gets there by the members' votes for the recovery: its head is the block to start with, and nobody who hands it out
//! has to be trusted.

use std::{fs, path::Path};

use sc_consensus::{
	block_import::{BlockCheckParams, BlockImport, BlockImportParams},
	ImportResult,
};
use sp_api::ProvideRuntimeApi;
use sp_blockchain::HeaderBackend;
use sp_consensus_grandpa::GrandpaApi;
use understudy_runtime::OpaqueBlock as Block;
use understudy_verifier::{check, Bundle, Fault, Header, Policy, TrustedSet};

use crate::service::FullClient;

/// The head of a proof, if it leads there from the genesis set of this chain; or why it does not, and what to do.
pub fn head(path: &Path, client: &FullClient) -> Result<Header, String> {
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
	log::info!(
		target: "understudy::checkpoint",
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
#[derive(Clone)]
pub struct WithoutPast<Import>(pub Import);

#[async_trait::async_trait]
impl<Import: BlockImport<Block> + Send + Sync> BlockImport<Block> for WithoutPast<Import> {
	type Error = Import::Error;

	async fn check_block(&self, block: BlockCheckParams<Block>) -> Result<ImportResult, Self::Error> {
		self.0.check_block(block).await
	}

	async fn import_block(&self, mut block: BlockImportParams<Block>) -> Result<ImportResult, Self::Error> {
		block.create_gap &= !block.with_state();
		self.0.import_block(block).await
	}
}
