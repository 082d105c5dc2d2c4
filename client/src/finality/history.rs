//! Hand-offs between authority sets, as far as this node can prove them.
//!
//! A set that hands off by schedule justifies the block that announces the next set; the database
//! keeps that. The evidence of a recovery is in the states of its blocks and in the offchain index.
//! States are pruned, so the evidence is gathered (`forced_change.rs`) when the change is
//! forced, and kept; a block of the new set is added as soon as one exists.

use std::{collections::BTreeMap, fmt, sync::Arc};

use codec::{Decode, Encode};
use parking_lot::Mutex;
use sc_client_api::{Backend, ProofProvider, StorageProvider};
use sc_consensus_grandpa::{find_scheduled_change, SharedAuthoritySet, GRANDPA_ENGINE_ID};
use sp_blockchain::{Backend as _, HeaderBackend};
use sp_core::storage::StorageKey;
use understudy_primitives::{api::RecoveryApi, vote::CarriedOut, BlockId};
use understudy_verifier::{recovery_keys, ForcedChange, HandOff, Justified, Proven};

use crate::{with_index, AccountId, BlockNumber, Hash, Header, Node, RecoveryNode};

/// Name of the recovery pallet in the runtime.
pub(crate) const RECOVERY: &str = "Recovery";
/// Maximum number of hand-offs on one page.
const PAGE: usize = 64;
/// Maximum size of a page, in bytes of SCALE, if it has more than one hand-off.
const PAGE_BYTES: usize = 2 * 1024 * 1024;

/// Number of blocks after which gathering a change that failed is tried again.
const TRY_AGAIN: BlockNumber = 4;
/// Maximum number of failures that are remembered.
const MOST_FAILURES: usize = 64;

/// Last block of each set.
pub(crate) type Changes = BTreeMap<u64, BlockNumber>;

/// Reads the votes that forced the change to a set, if it was forced.
type CarriedOutBy = Arc<dyn Fn(u64) -> Result<Option<CarriedOut<AccountId, Hash>>, Error> + Send + Sync>;

/// Reason for which a hand-off cannot be shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Error {
	/// This node does not know the hand-off of that set.
	UnknownSet(u64),
	/// The change after that set was forced, and this node has not kept its evidence.
	NotKept(u64, String),
	/// The database failed.
	Internal(String),
}

impl Error {
	pub(crate) fn internal(why: impl fmt::Display) -> Self {
		Self::Internal(why.to_string())
	}
}

/// Hand-offs between authority sets that this node knows.
pub struct AuthoritySetHistory<N: Node> {
	/// Client.
	pub client: Arc<N::Client>,
	/// Database, with the offchain index.
	pub backend: Arc<N::Backend>,
	/// Authority sets of the client.
	pub authority_set: SharedAuthoritySet<Hash, BlockNumber>,
	carried_out_by: CarriedOutBy,
	failures: Arc<Mutex<Failures>>,
}

impl<N: Node> Clone for AuthoritySetHistory<N> {
	fn clone(&self) -> Self {
		Self {
			client: self.client.clone(),
			backend: self.backend.clone(),
			authority_set: self.authority_set.clone(),
			carried_out_by: self.carried_out_by.clone(),
			failures: self.failures.clone(),
		}
	}
}

/// Forced changes that could not be gathered lately, by the set before them. Gathering one takes
/// hundreds of reads, and those of the changes before it.
#[derive(Default)]
struct Failures(BTreeMap<u64, (BlockNumber, Error)>);

impl Failures {
	/// Returns the failure, if it is of the last blocks before this one.
	fn lately(&self, set: u64, best: BlockNumber) -> Option<Error> {
		let (at, why) = self.0.get(&set)?;
		(best < at.saturating_add(TRY_AGAIN)).then(|| why.clone())
	}

	fn note(&mut self, set: u64, best: BlockNumber, why: Error) {
		self.0.insert(set, (best, why));
		if self.0.len() > MOST_FAILURES {
			self.0.pop_first();
		}
	}
}

/// Returns `true` if the change has a block of the new set.
pub(crate) fn is_whole(change: &ForcedChange) -> bool {
	!change.enacted_justification.is_empty()
}

impl<N: Node> AuthoritySetHistory<N> {
	/// Makes the history of the node with this client and database. Knows scheduled hand-offs only.
	pub fn new(
		client: Arc<N::Client>,
		backend: Arc<N::Backend>,
		authority_set: SharedAuthoritySet<Hash, BlockNumber>,
	) -> Self {
		let carried_out_by: CarriedOutBy = Arc::new(|_| Ok(None));
		let failures = Default::default();
		Self { client, backend, authority_set, carried_out_by, failures }
	}

	/// Adds forced hand-offs, of a chain with `pallet-recovery`.
	pub fn with_recovery(mut self) -> Self
	where
		N: RecoveryNode,
	{
		let (client, backend) = (self.client.clone(), self.backend.clone());
		self.carried_out_by = Arc::new(move |set| {
			let Some(api) = with_index::<N>(&client, &backend) else { return Ok(None) };
			api.recovery_votes(client.info().best_hash, set).map_err(Error::internal)
		});
		self
	}

	/// Returns the hand-offs from set `from` to the set that finalizes block `until`, as far as
	/// they fit on a page, and the first set of the next page, if there is one.
	///
	/// ## Errors
	///
	/// Fails if the node cannot show one of them.
	pub fn page(&self, from: u64, until: BlockNumber) -> Result<(Vec<HandOff>, Option<u64>), Error> {
		let changes = self.changes()?;
		let last = changes.iter().find(|(_, last)| **last >= until).map(|(set, _)| *set);
		let mut last = last.unwrap_or_else(|| self.authority_set.set_id());
		// A block up to the proposal belongs to the set before.
		while self.carried_out(last)?.is_some_and(|carried_out| until <= carried_out.proposal.number) {
			last = self.before(&changes, last)?.unwrap_or_default();
		}
		if from > last {
			return Err(Error::UnknownSet(from));
		}
		let (mut page, mut bytes, mut set) = (Vec::new(), 0usize, from);
		while set < last {
			let (hand_off, next) = match self.scheduled(&changes, set)? {
				Some(justified) => (HandOff::Scheduled(justified), set.saturating_add(1)),
				None => {
					let (change, next) = self.forced(&changes, set)?;
					(HandOff::Forced(Box::new(change)), next)
				},
			};
			bytes = bytes.saturating_add(hand_off.encoded_size());
			if page.len() >= PAGE || (bytes > PAGE_BYTES && !page.is_empty()) {
				return Ok((page, Some(set)));
			}
			page.push(hand_off);
			set = next;
		}
		Ok((page, None))
	}

	/// Gathers and keeps the evidence of the last forced change, while the states exist. Returns
	/// the set before the change, if its evidence became complete by this call.
	///
	/// ## Errors
	///
	/// Fails if the evidence is not complete, and cannot be gathered now.
	pub fn keep_last(&self) -> Result<Option<u64>, Error> {
		// As of the best block: until the new set finalizes a block, no later state is final.
		let best = self.client.info().best_hash;
		let Some((seated, _)) = self.forced_at(best)? else { return Ok(None) };
		let changes = self.changes()?;
		let Some(set) = self.before(&changes, seated)? else { return Ok(None) };
		if self.kept(set)?.is_some_and(|kept| is_whole(&kept)) {
			return Ok(None);
		}
		self.forced(&changes, set)?;
		Ok(Some(set))
	}

	/// Returns the last block that each set finalized; before a forced change, the block that the
	/// change builds on. Lacks the sets before a warp sync.
	fn changes(&self) -> Result<Changes, Error> {
		// The list itself is private.
		let changes = self.authority_set.authority_set_changes().encode();
		let changes = Vec::<(u64, BlockNumber)>::decode(&mut &changes[..]).map_err(Error::internal)?;
		Ok(changes.into_iter().collect())
	}

	/// Returns the votes that seated this set, if the change to it was forced.
	pub(crate) fn carried_out(&self, set: u64) -> Result<Option<CarriedOut<AccountId, Hash>>, Error> {
		(self.carried_out_by)(set)
	}

	/// Returns `true` if a forced change to this set had no effect: another change followed before
	/// the set had finalized a block of its own.
	pub(crate) fn is_idle(&self, changes: &Changes, set: u64) -> Result<bool, Error> {
		let Some(last) = changes.get(&set) else { return Ok(false) };
		Ok(self.carried_out(set)?.is_some_and(|carried_out| *last <= carried_out.proposal.number))
	}

	/// Returns the set that this one followed, without idle ones.
	pub(crate) fn before(&self, changes: &Changes, set: u64) -> Result<Option<u64>, Error> {
		let mut before = set;
		while let Some(earlier) = before.checked_sub(1) {
			if !self.is_idle(changes, earlier)? {
				return Ok(Some(earlier));
			}
			before = earlier;
		}
		Ok(None)
	}

	/// Returns the block with which a set hands off by schedule; `None` if the change was forced.
	pub(crate) fn scheduled(&self, changes: &Changes, set: u64) -> Result<Option<Justified>, Error> {
		let last = *changes.get(&set).ok_or(Error::UnknownSet(set))?;
		let since = set.checked_sub(1).and_then(|before| changes.get(&before)).copied().unwrap_or_default();
		let hash = self.hash(last)?;
		let header = self.header(hash)?;
		// A set without a final block of its own is followed from the block with which it took
		// over.
		if last <= since || find_scheduled_change::<N::Block>(&header).is_none() {
			return Ok(None);
		}
		let justification = self.justification(hash)?.ok_or(Error::UnknownSet(set))?;
		Ok(Some(Justified { header: header.encode(), justification }))
	}

	fn key(set: u64) -> Vec<u8> {
		(&b"understudy/forced-change"[..], set).encode()
	}

	pub(crate) fn keep(&self, set: u64, change: &ForcedChange) -> Result<(), Error> {
		let change = change.encode();
		self.backend.insert_aux(&[(&Self::key(set)[..], &change[..])], &[]).map_err(Error::internal)
	}

	pub(crate) fn kept(&self, set: u64) -> Result<Option<ForcedChange>, Error> {
		let kept = self.backend.get_aux(&Self::key(set)).map_err(Error::internal)?;
		Ok(kept.and_then(|kept| ForcedChange::decode(&mut &kept[..]).ok()))
	}

	/// Returns the forced change after a set, as it was kept or is gathered now, and the set that
	/// it seated. A failure is returned again for the next few blocks.
	pub(crate) fn forced(&self, changes: &Changes, set: u64) -> Result<(ForcedChange, u64), Error> {
		let best = self.client.info().best_number;
		if let Some(why) = self.failures.lock().lately(set, best) {
			return Err(why);
		}
		let result = self.kept_or_gathered(changes, set);
		if let Err(why) = &result {
			self.failures.lock().note(set, best, why.clone());
		}
		result
	}

	/// Returns the set and the proposal of the last forced change, as of a block.
	pub(crate) fn forced_at(&self, at: Hash) -> Result<Option<(u64, BlockId<Hash>)>, Error> {
		self.value(at, &recovery_keys(RECOVERY).forced)
	}

	pub(crate) fn raw_value(&self, at: Hash, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
		let value = self.client.storage(at, &StorageKey(key.to_vec())).map_err(Error::internal)?;
		Ok(value.map(|value| value.0))
	}

	pub(crate) fn value<Value: Decode>(&self, at: Hash, key: &[u8]) -> Result<Option<Value>, Error> {
		self.raw_value(at, key)?.map(|value| decode(&value)).transpose()
	}

	/// Returns a block's header, with a proof of these items of its state.
	pub(crate) fn proven(&self, at: Hash, keys: &[Vec<u8>]) -> Result<Proven, Error> {
		let mut keys = keys.iter().map(|key| &key[..]);
		let proof = self.client.read_proof(at, &mut keys).map_err(Error::internal)?;
		Ok(Proven { header: self.header(at)?.encode(), state: proof.into_iter_nodes().collect() })
	}

	pub(crate) fn has_state(&self, number: BlockNumber, hash: Hash) -> bool {
		self.backend.have_state_at(hash, number)
	}

	pub(crate) fn hash(&self, number: BlockNumber) -> Result<Hash, Error> {
		let hash = self.client.hash(number).map_err(Error::internal)?;
		hash.ok_or_else(|| Error::Internal(format!("this node has no block #{number}")))
	}

	pub(crate) fn header(&self, at: Hash) -> Result<Header, Error> {
		let header = self.client.header(at).map_err(Error::internal)?;
		header.ok_or_else(|| Error::Internal(format!("this node has no block {at:?}")))
	}

	/// Returns the justification of exactly this block.
	///
	/// ## Errors
	///
	/// Fails if the database does.
	pub fn justification(&self, at: Hash) -> Result<Option<Vec<u8>>, Error> {
		let all = self.backend.blockchain().justifications(at).map_err(Error::internal)?;
		Ok(all.and_then(|all| all.into_justification(GRANDPA_ENGINE_ID)))
	}
}

pub(crate) fn decode<Value: Decode>(mut bytes: &[u8]) -> Result<Value, Error> {
	Value::decode(&mut bytes).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_failure_stands_for_some_blocks_and_few_are_remembered() {
		let mut failures = Failures::default();
		assert_eq!(failures.lately(7, 100), None);
		failures.note(7, 100, Error::UnknownSet(7));
		assert_eq!(failures.lately(7, 103), Some(Error::UnknownSet(7)));
		assert_eq!(failures.lately(7, 104), None);
		assert_eq!(failures.lately(8, 100), None);
		for set in 0..1_000 {
			failures.note(set, 100, Error::UnknownSet(set));
		}
		assert_eq!(failures.0.len(), MOST_FAILURES);
		assert_eq!(failures.lately(999, 100), Some(Error::UnknownSet(999)));
	}
}
