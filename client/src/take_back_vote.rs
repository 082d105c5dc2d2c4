//! Subcommand that takes back this node's vote for a recovery by hand.
//!
//! If members of the set to be seated fail between the proposal and their votes, the recovery
//! cannot be carried out, nothing else can be proposed, and the votes that were cast bind their
//! nodes: finality waits although the old members have come back. Operators that know that no part
//! of the network can still carry the recovery out release the nodes.

use codec::{Decode, Encode};
use sc_cli::{CliConfiguration, DatabaseParams, SharedParams};
use sc_client_api::Backend as _;
use sc_service::Configuration;
use sp_api::ProvideRuntimeApi as _;
use sp_blockchain::HeaderBackend as _;
use sp_core::offchain::{OffchainStorage, STORAGE_PREFIX};
use understudy_primitives::{
	api::RecoveryApi as _,
	offchain::{released, Lock, ALL_RELEASED, LOCK, MAX_RELEASED, RELEASED},
	BlockId,
};

use crate::{durable::Durable, Hash, RecoveryNode};

/// Takes back this node's vote for a recovery that cannot be carried out any more, so that the node
/// helps to finalize again. The node must not be running.
///
/// Without --proposal, prints the proposal that the node has voted for, and changes nothing.
///
/// DANGER: the vote may have been sent, and may count. If that recovery can still be carried out,
/// on any side of a partition, two sides may come to finalize different blocks. Make sure that the
/// members whose votes it lacks are permanently down, and that no part of the network is cut off.
/// Then run this on as many nodes as finality needs.
#[derive(Debug, Clone, clap::Parser)]
pub struct TakeBackVoteCmd {
	/// Hash of the block with the proposal that the node has voted for.
	#[arg(long, value_name = "HASH")]
	pub proposal: Option<Hash>,

	// A doc comment would become part of the help text.
	#[allow(missing_docs)]
	#[clap(flatten)]
	pub shared_params: SharedParams,

	#[allow(missing_docs)]
	#[clap(flatten)]
	pub database_params: DatabaseParams,
}

impl TakeBackVoteCmd {
	/// Runs the command in the data folder of the node with this configuration, client and
	/// database.
	pub fn run<N: RecoveryNode>(
		&self,
		config: &Configuration,
		client: &N::Client,
		backend: &N::Backend,
	) -> sc_cli::Result<()> {
		let input = |why: String| sc_cli::Error::Input(why);
		let storage = backend.offchain_storage();
		let storage = storage.ok_or_else(|| input("this node has no offchain storage".into()))?;
		let mut storage = Durable::open(storage, config, client.info().genesis_hash)
			.map_err(|why| input(format!("the folder of the node's votes cannot be opened: {why}")))?;
		let kept = storage.get(STORAGE_PREFIX, LOCK);
		let kept = kept.map(|kept| Lock::<Hash>::decode(&mut &kept[..])).transpose();
		// A lock that cannot be read binds as well. The operator has to name its proposal.
		let own = kept.as_ref().ok().and_then(|kept| kept.map(|lock| lock.proposal));
		let on_chain = on_chain::<N>(client);
		let Some(hash) = self.proposal else {
			match (&kept, own, on_chain) {
				(Err(why), ..) => println!("The record of this node's vote cannot be read: {why}"),
				(_, Some(BlockId { number, hash }), _) => println!(
					"This node has voted for the proposal of block #{number}, {hash:?}. The vote binds until \
					 finality is past that block, or until the recovery is carried out. To take it back: \
					 --proposal {hash:?}; see --help first."
				),
				(_, None, None) => println!(
					"No vote of this node is known, neither in its own records nor \
				 in the state of its best block."
				),
				_ => (),
			}
			if let Some(BlockId { number, hash }) = on_chain.filter(|proposal| Some(*proposal) != own) {
				println!(
					"The chain has votes for the proposal of block #{number}, {hash:?}. If one of them is \
					 this node's, it binds as well. To take it back: --proposal {hash:?}; see --help first."
				);
			}
			return Ok(());
		};
		let mut known = [own, on_chain].into_iter().flatten().find(|proposal| proposal.hash == hash);
		if known.is_none() && kept.is_err() {
			known = client.number(hash)?.map(|number| BlockId { number, hash });
		}
		let proposal = known.ok_or_else(|| {
			input(format!(
				"neither this node nor the state of its best block has a vote for {hash:?}; run this command \
				 without --proposal to print the proposals that have one"
			))
		})?;
		// Before the lock is removed, so that the vote is not sent again.
		let read = |key: &[u8]| storage.get(STORAGE_PREFIX, key);
		let mut all = released::<Hash>(read).unwrap_or_else(|why| {
			println!("The list of votes taken back earlier cannot be read and is discarded: {why}");
			Vec::new()
		});
		all.retain(|other| *other != proposal);
		all.drain(..(all.len() + 1).saturating_sub(MAX_RELEASED));
		all.push(proposal);
		storage.set(STORAGE_PREFIX, ALL_RELEASED, &all.encode());
		storage.set(STORAGE_PREFIX, RELEASED, &proposal.encode());
		let frees = own == Some(proposal) || kept.is_err();
		if frees {
			storage.remove(STORAGE_PREFIX, LOCK);
		}
		let is_free = !frees || storage.get(STORAGE_PREFIX, LOCK).is_none();
		if storage.get(STORAGE_PREFIX, ALL_RELEASED) != Some(all.encode()) || !is_free {
			return Err(input(format!(
				"the change could not be written to disk, and the vote still binds: free space on the node's \
				 disk, make sure that its files in {} can be read and written, and try again",
				storage.folder().display()
			)));
		}
		println!(
			"Taken back: no vote of this node for the proposal of block #{} binds it, and it sends none.",
			proposal.number
		);
		if let Some(BlockId { number, hash }) = own.filter(|own| *own != proposal) {
			println!(
				"The node is still bound by its own vote for the proposal of block #{number}: --proposal \
				 {hash:?} takes that back as well."
			);
		}
		Ok(())
	}
}

/// Returns the proposal that the state of the best block has votes for.
fn on_chain<N: RecoveryNode>(client: &N::Client) -> Option<BlockId<Hash>> {
	let bound = client.runtime_api().bound(client.info().best_hash);
	bound.ok().flatten().map(|(proposal, _)| proposal)
}

impl CliConfiguration for TakeBackVoteCmd {
	fn shared_params(&self) -> &SharedParams {
		&self.shared_params
	}

	fn database_params(&self) -> Option<&DatabaseParams> {
		Some(&self.database_params)
	}
}
