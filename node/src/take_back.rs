//! Takes back this node's vote for a recovery, by hand.
//!
//! If those who are to be seated die between the proposal and their votes, the recovery cannot be carried out, nothing else can be
//! proposed, and the votes that were cast bind their nodes: finality waits although the old members have come back. When people
//! know that no part of the network can still carry it out, they let the nodes go.

use codec::{Decode, Encode};
use sc_cli::{CliConfiguration, DatabaseParams, SharedParams};
use sc_client_api::{Backend as _, HeaderBackend as _};
use sc_service::Configuration;
use sp_core::offchain::{OffchainStorage, STORAGE_PREFIX};
use understudy_primitives::{
	offchain::{Lock, LOCK, RELEASED},
	BlockId,
};
use understudy_runtime::{Hash, OpaqueBlock as Block};

use crate::{
	durable::Durable,
	service::{FullBackend, OffchainStore},
};

/// Takes back this node's vote for a recovery that cannot be carried out any more, so that the node helps to finalize again. The node
/// must stand still.
///
/// Without --proposal it says what the node has voted for, and changes nothing.
///
/// DANGER: the vote may be out, and count. If anybody can still carry that recovery out, on any side of a partition, two sides may come to
/// finalize different blocks. Make sure that those whose votes it lacks are gone, and that no part of the network is cut off; then do
/// this on as many nodes as finality takes.
#[derive(Debug, Clone, clap::Parser)]
pub struct TakeBackVoteCmd {
	/// The hash of the block whose proposal the node has voted for.
	#[arg(long, value_name = "HASH")]
	pub proposal: Option<Hash>,

	#[clap(flatten)]
	pub shared_params: SharedParams,

	#[clap(flatten)]
	pub database_params: DatabaseParams,
}

impl TakeBackVoteCmd {
	/// Does so in the database of this configuration.
	pub fn run(&self, config: &Configuration) -> sc_cli::Result<()> {
		let input = |why: String| sc_cli::Error::Input(why);
		let backend = sc_service::new_db_backend::<Block>(config.db_config())?;
		let storage = backend.offchain_storage();
		let storage = storage.ok_or_else(|| input("this node has no offchain storage".into()))?;
		let mut storage = Durable::open(storage, config)
			.map_err(|why| input(format!("the folder of the node's votes cannot be opened: {why}")))?;
		let Some(kept) = storage.get(STORAGE_PREFIX, LOCK) else {
			return self.release_from_chain(&mut storage, &backend);
		};
		let Lock { proposal, .. } = Lock::<Hash>::decode(&mut &kept[..])
			.map_err(|why| input(format!("what the node has kept of its vote cannot be read: {why}")))?;
		match self.proposal {
			None => {
				println!(
					"This node has voted for what #{} proposes, {:?}. The vote binds until finality is beyond that block, or the \
					 recovery is carried out. To take it back: --proposal {:?}; see --help first.",
					proposal.number, proposal.hash, proposal.hash
				);
				Ok(())
			},
			Some(hash) if hash == proposal.hash => {
				// First that the vote is not sent again.
				storage.set(STORAGE_PREFIX, RELEASED, &proposal.encode());
				storage.remove(STORAGE_PREFIX, LOCK);
				println!(
					"Taken back: this node helps to finalize again, and does not vote for what #{} proposes.",
					proposal.number
				);
				Ok(())
			},
			Some(hash) => {
				Err(input(format!("this node has voted for {:?}, and not for {hash:?}", proposal.hash)))
			},
		}
	}
}

impl TakeBackVoteCmd {
	/// Takes back a vote that the node has lost and the chain has: its keys bind the node as well.
	fn release_from_chain(&self, storage: &mut OffchainStore, backend: &FullBackend) -> sc_cli::Result<()> {
		let Some(hash) = self.proposal else {
			println!(
				"No vote that this node has kept binds it. If its database was lost, the chain may have its vote: \
				 recovery_status names the proposal, take the vote back with --proposal HASH; see --help first."
			);
			return Ok(());
		};
		let number = backend.blockchain().number(hash)?.ok_or_else(|| {
			sc_cli::Error::Input(format!("this node does not have the block {hash:?}: let it sync first"))
		})?;
		storage.set(STORAGE_PREFIX, RELEASED, &BlockId { number, hash }.encode());
		println!("Taken back: a vote of this node for what #{number} proposes does not bind it.");
		Ok(())
	}
}

impl CliConfiguration for TakeBackVoteCmd {
	fn shared_params(&self) -> &SharedParams {
		&self.shared_params
	}

	fn database_params(&self) -> Option<&DatabaseParams> {
		Some(&self.database_params)
	}
}
