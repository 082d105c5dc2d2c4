//! A node that has voted for the recovery of a branch helps to finalize no other one, as long as that branch could recover.
//!
//! Otherwise a member whose vote made a recovery on one side of a partition could cross over, and finalize the other side's blocks
//! with the old set, while those it left finalize theirs with the new one. It is let go when finality has come past the anchor, or
//! when so many have voted for the branch it is on now that the first one can never gather enough.

use std::sync::Arc;

use codec::Decode;
use sc_client_api::Backend;
use sc_consensus_grandpa::{VotingRule, VotingRuleResult};
use sp_api::ProvideRuntimeApi;
use sp_blockchain::lowest_common_ancestor;
use sp_core::offchain::{OffchainStorage, STORAGE_PREFIX};
use sp_runtime::traits::Header as _;
use understudy_primitives::{api::RecoveryApi, offchain::VOTED_FOR, BlockId};
use understudy_runtime::{BlockNumber, Hash, OpaqueBlock as Block};

use crate::service::{FullBackend, FullClient};

type Header = <Block as sp_runtime::traits::Block>::Header;

/// The rule, for a node's GRANDPA voter.
#[derive(Clone)]
pub struct AnchorRule {
	/// The client.
	pub client: Arc<FullClient>,
	/// The database, in which the node's vote is.
	pub backend: Arc<FullBackend>,
}

impl AnchorRule {
	/// What the node has voted for last.
	fn voted_for(&self) -> Option<BlockId<Hash>> {
		let kept = self.backend.offchain_storage()?.get(STORAGE_PREFIX, VOTED_FOR)?;
		BlockId::decode(&mut &kept[..]).ok()
	}

	/// Whether the node is to abstain from finalizing this block.
	fn abstains(&self, base: &Header, best: &Header, target: &Header) -> bool {
		let Some(anchor) = self.voted_for().filter(|anchor| *base.number() < anchor.number) else {
			return false;
		};
		let common = lowest_common_ancestor(self.backend.blockchain(), anchor.hash, target.hash());
		let on_its_branch = common.is_ok_and(|common| [anchor.hash, target.hash()].contains(&common.hash));
		if on_its_branch {
			return false;
		}
		let status = self.client.runtime_api().recovery_status(best.hash());
		!status.is_ok_and(|status| status.anchor != Some(anchor) && status.rules_out_others())
	}
}

impl VotingRule<Block, FullClient> for AnchorRule {
	fn restrict_vote(
		&self,
		_: Arc<FullClient>,
		base: &Header,
		best_target: &Header,
		current_target: &Header,
	) -> VotingRuleResult<Block> {
		let restricted: Option<(Hash, BlockNumber)> =
			self.abstains(base, best_target, current_target).then(|| (base.hash(), *base.number()));
		if restricted.is_some() {
			log::warn!(
				target: "understudy::recovery",
				"not voting for #{}: this node has voted for the recovery of another branch, which may still happen",
				current_target.number()
			);
		}
		Box::pin(std::future::ready(restricted))
	}
}
