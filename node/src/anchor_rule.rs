//! A node that has voted for a recovery helps to finalize nothing as long as that recovery could be carried out.
//!
//! Otherwise a member whose vote made a recovery on one side of a partition could cross over, and finalize the other side's blocks
//! with the old set, while those it left finalize theirs with the new one. It is let go when finality is beyond the proposal that it
//! voted for, when the change of authorities is enacted, or when so many have voted for another proposal that its own can never
//! gather enough.
//!
//! A node that has lost its database learns from the chain that it is bound.
//!
//! And what it prevotes for it writes down before, for it may vote for no proposal that does not build on that: enough prevotes
//! may be out already to finalize it.

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
use understudy_runtime::{BlockNumber, Hash, OpaqueBlock as Block};

use crate::service::{FullClient, OffchainStore};

type Header = <Block as sp_runtime::traits::Block>::Header;

/// The rule, for a node's GRANDPA voter. The last of all rules: it must see what is voted for.
#[derive(Clone)]
pub struct AnchorRule {
	/// The client.
	pub client: Arc<FullClient>,
	/// The storage that the node's lock is in.
	pub storage: OffchainStore,
	/// The set that votes.
	pub authority_set: SharedAuthoritySet<Hash, BlockNumber>,
	/// The keys of the node.
	pub keystore: KeystorePtr,
}

impl AnchorRule {
	/// What the node is bound by; what cannot be read binds it, too.
	fn lock(&self) -> Result<Option<Lock<Hash>>, codec::Error> {
		let kept = self.storage.get(STORAGE_PREFIX, LOCK);
		kept.map(|kept| Lock::decode(&mut &kept[..])).transpose()
	}

	/// Returns whether the chain has a vote of this node for a recovery that is not enacted for it
	/// yet. The database may have been lost.
	fn is_bound_by_chain(&self, best: &Header, status: Option<&RecoveryStatus<Hash>>) -> bool {
		let Some(status) = status.filter(|status| status.votes > 0) else { return false };
		let (api, best) = (self.client.runtime_api(), best.hash());
		// A runtime of an earlier release does not say.
		let Ok(Some((proposal, keys))) = api.bound(best) else { return false };
		let enacted = || api.current_set_id(best).is_ok_and(|runtime| runtime == self.authority_set.set_id());
		let is_over =
			is_released(&proposal, self.client.info().finalized_number) || status.forced && enacted();
		let is_mine = |key: &AuthorityId| self.keystore.has_keys(&[(key.to_raw_vec(), KEY_TYPE)]);
		!is_over && keys.iter().any(is_mine) && !self.is_taken_back(&proposal)
	}

	/// Returns whether the operator has taken the node's vote for this proposal back.
	fn is_taken_back(&self, proposal: &BlockId<Hash>) -> bool {
		let read = |key: &[u8]| self.storage.get(STORAGE_PREFIX, key);
		released(read).is_ok_and(|released| released.contains(proposal))
	}

	fn is_bound(&self, best: &Header) -> bool {
		let status = self.client.runtime_api().recovery_status(best.hash()).ok();
		let Ok(lock) = self.lock() else { return true };
		let (finalized, set) = (self.client.info().finalized_number, self.authority_set.set_id());
		// The chain knows of a vote that the database has lost, also where an older lock is left in
		// it.
		lock.is_some_and(|lock| binds(&lock, finalized, set, status.as_ref()))
			|| self.is_bound_by_chain(best, status.as_ref())
	}

	/// Writes down what is about to be prevoted for. Returns whether it is durable.
	fn note(&self, target: &Header) -> bool {
		let block = BlockId { number: *target.number(), hash: target.hash() }.encode();
		let mut storage = self.storage.clone();
		storage.set(STORAGE_PREFIX, PREVOTED, &block);
		storage.get(STORAGE_PREFIX, PREVOTED) == Some(block)
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
		// A vote may be cast meanwhile: its lock is written before it looks at what is written here, so one of the two sees the other.
		let abstains = self.is_bound(best_target) || !self.note(current_target) || self.is_bound(best_target);
		let restricted: Option<(Hash, BlockNumber)> = abstains.then(|| (base.hash(), *base.number()));
		if abstains {
			log::warn!(
				target: "understudy::recovery",
				"not voting for #{}: this node has voted for a recovery, which may still happen, or cannot write down its prevote",
				current_target.number()
			);
		}
		Box::pin(std::future::ready(restricted))
	}
}
