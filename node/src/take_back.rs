//! Takes back this node's vote for a recovery, by hand.
//!
//! If those who are to be seated die between the proposal and their votes, the recovery cannot be carried out, nothing else can be
//! proposed, and the votes that were cast bind their nodes: finality waits although the old members have come back. When people
//! know that no part of the network can still carry it out, they let the nodes go.

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
use understudy_runtime::Hash;

use crate::{
	durable::Durable,
	service::{FullBackend, FullClient},
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
	/// Does so in the folder of this configuration's node, whose chain these are.
	pub fn run(
		&self,
		config: &Configuration,
		client: &FullClient,
		backend: &FullBackend,
	) -> sc_cli::Result<()> {
		let input = |why: String| sc_cli::Error::Input(why);
		let storage = backend.offchain_storage();
		let storage = storage.ok_or_else(|| input("this node has no offchain storage".into()))?;
		let mut storage = Durable::open(storage, config, client.info().genesis_hash)
			.map_err(|why| input(format!("the folder of the node's votes cannot be opened: {why}")))?;
		let kept = storage.get(STORAGE_PREFIX, LOCK);
		let kept = kept.map(|kept| Lock::<Hash>::decode(&mut &kept[..])).transpose();
		// A lock that cannot be read binds as well: what it is for, the operator says.
		let own = kept.as_ref().ok().and_then(|kept| kept.map(|lock| lock.proposal));
		let on_chain = on_chain(client);
		let Some(hash) = self.proposal else {
			match (&kept, own, on_chain) {
				(Err(why), ..) => println!("What this node has kept of its vote cannot be read: {why}"),
				(_, Some(BlockId { number, hash }), _) => println!(
					"This node has voted for what #{number} proposes, {hash:?}. The vote binds until finality is beyond that \
					 block, or the recovery is carried out. To take it back: --proposal {hash:?}; see --help first."
				),
				(_, None, None) => println!("No vote of this node is known, neither to it nor to its best block."),
				_ => (),
			}
			if let Some(BlockId { number, hash }) = on_chain.filter(|proposal| Some(*proposal) != own) {
				println!(
					"The chain has votes for what #{number} proposes, {hash:?}; if one of them is of this node, it binds, too. To \
					 take it back: --proposal {hash:?}; see --help first."
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
				"neither this node nor its best block has a vote for {hash:?}; without --proposal this command says for what"
			))
		})?;
		// First that the vote is not sent again.
		let read = |key: &[u8]| storage.get(STORAGE_PREFIX, key);
		let mut all = released::<Hash>(read).unwrap_or_else(|why| {
			println!("What was taken back earlier cannot be read, and is forgotten: {why}");
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
				"it could not be written down, and the vote binds still: make room on the node's disk, see that its files in {} \
				 can be read and written, and try again",
				storage.folder().display()
			)));
		}
		println!(
			"Taken back: no vote of this node for what #{} proposes binds it, and it sends none.",
			proposal.number
		);
		if let Some(BlockId { number, hash }) = own.filter(|own| *own != proposal) {
			println!(
				"The node is still bound, by its own vote for what #{number} proposes: --proposal {hash:?} takes that back, too."
			);
		}
		Ok(())
	}
}

/// The proposal that the best block has votes for.
fn on_chain(client: &FullClient) -> Option<BlockId<Hash>> {
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
