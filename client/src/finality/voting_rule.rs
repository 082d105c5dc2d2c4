//! GRANDPA voting rule: a node that is bound by its vote for a recovery finalizes nothing.
//!
//! Without the rule, a member whose vote completed a recovery on one side of a partition could
//! cross over and finalize blocks of the other side with the old set, while the members that it
//! left finalize theirs with the new set. The node is free again when finality has passed the
//! proposal that it voted for, when the change of authorities is enacted, or when another proposal
//! has so many votes that its own cannot succeed any more. A node that lost its database learns
//! from the chain that it is bound.
//!
//! The node also writes down each prevote before it casts it. It may vote for no proposal that does
//! not build on its last prevote: enough prevotes may have been sent already to finalize that
//! block.

use std::sync::Arc;

use codec::{Decode, Encode};
use pallet_recovery::vote::{binds, is_released};
use sc_consensus_grandpa::{SharedAuthoritySet, VotingRule, VotingRuleResult};
use sp_api::ProvideRuntimeApi;
use sp_application_crypto::RuntimeAppPublic;
use sp_blockchain::HeaderBackend;
use sp_consensus_grandpa::GrandpaApi;
use sp_core::offchain::{OffchainStorage, STORAGE_PREFIX};
use sp_keystore::KeystorePtr;
use sp_runtime::traits::Header as _;
use understudy_primitives::{
	api::RecoveryApi,
	crypto::{AuthorityId, KEY_TYPE},
	offchain::{released, Lock, LOCK, PREVOTED},
	BlockId, RecoveryStatus,
};

use crate::{BlockNumber, Hash, Header, Node, OffchainStore, RecoveryNode};

/// The voting rule. It must be the last rule of the voter, because it writes down the final target.
#[must_use = "without the rule, a node that voted for a recovery finalizes blocks of the old set"]
pub struct RecoveryVotingRule<N: Node> {
	/// Client.
	pub client: Arc<N::Client>,
	/// Storage with the node's lock.
	pub storage: OffchainStore<N>,
	/// Voters.
	pub authority_set: SharedAuthoritySet<Hash, BlockNumber>,
	/// Keys of the node.
	pub keystore: KeystorePtr,
}

impl<N: Node> Clone for RecoveryVotingRule<N> {
	fn clone(&self) -> Self {
		Self {
			client: self.client.clone(),
			storage: self.storage.clone(),
			authority_set: self.authority_set.clone(),
			keystore: self.keystore.clone(),
		}
	}
}

impl<N: RecoveryNode> RecoveryVotingRule<N> {
	/// Returns the lock that binds the node. An unreadable lock is an error, and binds too.
	fn lock(&self) -> Result<Option<Lock<Hash>>, codec::Error> {
		let kept = self.storage.get(STORAGE_PREFIX, LOCK);
		kept.map(|kept| Lock::decode(&mut &kept[..])).transpose()
	}

	/// Returns `true` if the chain has a vote of this node for a recovery that is not enacted yet.
	/// Covers a node whose database was lost.
	fn is_bound_by_chain(&self, best: &Header, status: Option<&RecoveryStatus<Hash>>) -> bool {
		let Some(status) = status.filter(|status| status.votes > 0) else { return false };
		let (api, best) = (self.client.runtime_api(), best.hash());
		// A runtime of an earlier release lacks this call.
		let Ok(Some((proposal, keys))) = api.bound(best) else { return false };
		let enacted = || api.current_set_id(best).is_ok_and(|runtime| runtime == self.authority_set.set_id());
		let is_over =
			is_released(&proposal, self.client.info().finalized_number) || status.forced && enacted();
		let is_mine = |key: &AuthorityId| self.keystore.has_keys(&[(key.to_raw_vec(), KEY_TYPE)]);
		!is_over && keys.iter().any(is_mine) && !self.is_taken_back(&proposal)
	}

	/// Returns `true` if the operator has taken back the node's vote for this proposal.
	fn is_taken_back(&self, proposal: &BlockId<Hash>) -> bool {
		let read = |key: &[u8]| self.storage.get(STORAGE_PREFIX, key);
		released(read).is_ok_and(|released| released.contains(proposal))
	}

	fn is_bound(&self, best: &Header) -> bool {
		let status = self.client.runtime_api().recovery_status(best.hash()).ok();
		let Ok(lock) = self.lock() else { return true };
		let (finalized, set) = (self.client.info().finalized_number, self.authority_set.set_id());
		// The chain knows of a vote that the database lost, even if an older lock is left there.
		lock.is_some_and(|lock| binds(&lock, finalized, set, status.as_ref()))
			|| self.is_bound_by_chain(best, status.as_ref())
	}

	/// Writes down the block that is about to get a prevote. Returns `true` if that is durable.
	fn note(&self, target: &Header) -> bool {
		let block = BlockId { number: *target.number(), hash: target.hash() }.encode();
		let mut storage = self.storage.clone();
		storage.set(STORAGE_PREFIX, PREVOTED, &block);
		storage.get(STORAGE_PREFIX, PREVOTED) == Some(block)
	}
}

impl<N: RecoveryNode> VotingRule<N::Block, N::Client> for RecoveryVotingRule<N> {
	fn restrict_vote(
		&self,
		_: Arc<N::Client>,
		base: &Header,
		best_target: &Header,
		current_target: &Header,
	) -> VotingRuleResult<N::Block> {
		// The offchain worker may cast a vote meanwhile. It writes the lock before it reads the
		// prevote, so one of the two sees the other.
		let abstains = self.is_bound(best_target) || !self.note(current_target) || self.is_bound(best_target);
		let restricted: Option<(Hash, BlockNumber)> = abstains.then(|| (base.hash(), *base.number()));
		if abstains {
			log::warn!(
				target: "understudy::recovery",
				"not voting for #{}: this node has voted for a recovery that may still happen, or cannot write down its prevote",
				current_target.number()
			);
		}
		Box::pin(std::future::ready(restricted))
	}
}
