//! How authority sets handed over to one another, as far as this node knows.
//!
//! A set that hands over by itself justifies the block that announces the next one: the database has that. What a recovery was carried
//! out by is in the states of its blocks, and in the offchain index. States are forgotten, so it is gathered when the change is
//! forced, and kept; a block of the new set is added as soon as there is one.

use std::{
	collections::{BTreeMap, BTreeSet},
	fmt,
	sync::Arc,
};

use codec::{Decode, Encode};
use pallet_recovery::{in_flight::Voter, Forced, Proposed, Rosters};
use parking_lot::Mutex;
use sc_client_api::{Backend, ProofProvider, StorageProvider};
use sc_consensus_grandpa::{
	best_justification, find_scheduled_change, SharedAuthoritySet, GRANDPA_ENGINE_ID,
};
use sp_application_crypto::ByteArray;
use sp_blockchain::{Backend as _, HeaderBackend};
use sp_core::{storage::StorageKey, H256, H512};
use sp_runtime::traits::{BlakeTwo256, Hash as _};
use understudy_primitives::{
	api::RecoveryApi,
	quorum::is_quorum,
	statement::Statement,
	vote::{CarriedOut, Signed, Vote},
	BlockId,
};
use understudy_runtime::{AccountId, BlockNumber, Hash, OpaqueBlock as Block, Runtime, SessionKeys};
use understudy_verifier::{owner_key, recovery_keys, Cast, ForcedChange, HandOff, Header, Justified, Proven};

use crate::service::{with_index, FullBackend, FullClient, JUSTIFICATION_PERIOD};

/// The name of the recovery pallet in the runtime.
const RECOVERY: &str = "Recovery";
/// The most hand-offs that are told of at once.
const PAGE: usize = 64;
/// The most bytes of them, as they are in SCALE.
const PAGE_BYTES: usize = 2 * 1024 * 1024;

/// Number of blocks after which a change that could not be gathered is gathered again.
const TRY_AGAIN: BlockNumber = 4;
/// Number of such changes that are remembered.
const MOST_FAILURES: usize = 64;

/// The last block of each set.
type Changes = BTreeMap<u64, BlockNumber>;

/// Whether there is a block of the new set, too.
fn is_whole(change: &ForcedChange) -> bool {
	!change.enacted_justification.is_empty()
}

/// Why something is not told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Why {
	/// This node does not know how that set handed over.
	UnknownSet(u64),
	/// The change that followed that set was forced, and this node has not kept what is needed to prove it.
	NotKept(u64, String),
	/// The database fails.
	Internal(String),
}

impl Why {
	fn internal(why: impl fmt::Display) -> Self {
		Self::Internal(why.to_string())
	}
}

/// What this node knows.
#[derive(Clone)]
pub struct HandOvers {
	/// The client.
	pub client: Arc<FullClient>,
	/// The database, with the offchain index.
	pub backend: Arc<FullBackend>,
	/// When authority sets changed.
	pub authority_set: SharedAuthoritySet<Hash, BlockNumber>,
	/// The forced changes that could not be gathered.
	failures: Arc<Mutex<Failures>>,
}

/// Forced changes that could not be gathered lately, by the set before: when, and why. To gather one
/// takes hundreds of look-ups, and those of the changes before it.
#[derive(Default)]
struct Failures(BTreeMap<u64, (BlockNumber, Why)>);

impl Failures {
	/// The reason for which it could not be gathered in the last blocks before this one.
	fn lately(&self, set: u64, best: BlockNumber) -> Option<Why> {
		let (at, why) = self.0.get(&set)?;
		(best < at.saturating_add(TRY_AGAIN)).then(|| why.clone())
	}

	fn note(&mut self, set: u64, best: BlockNumber, why: Why) {
		self.0.insert(set, (best, why));
		if self.0.len() > MOST_FAILURES {
			self.0.pop_first();
		}
	}
}

impl HandOvers {
	/// Knowledge of the node with this client and database.
	pub fn new(
		client: Arc<FullClient>,
		backend: Arc<FullBackend>,
		authority_set: SharedAuthoritySet<Hash, BlockNumber>,
	) -> Self {
		Self { client, backend, authority_set, failures: Default::default() }
	}

	/// How authority sets handed over from `from` on until the one that finalizes block `until`, as far as they fit, and the set that
	/// the next ones start from, if there are more.
	pub fn page(&self, from: u64, until: BlockNumber) -> Result<(Vec<HandOff>, Option<u64>), Why> {
		let changes = self.changes()?;
		let last = changes.iter().find(|(_, last)| **last >= until).map(|(set, _)| *set);
		let mut last = last.unwrap_or_else(|| self.authority_set.set_id());
		// What is not beyond its proposal is of the set before.
		while self.carried_out(last)?.is_some_and(|carried_out| until <= carried_out.proposal.number) {
			last = self.before(&changes, last)?.unwrap_or_default();
		}
		if from > last {
			return Err(Why::UnknownSet(from));
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

	/// Gathers what the last forced change was carried out by, as long as the states are there, and keeps it. Says which set it was
	/// that it followed, if that is whole now and was not before.
	pub fn keep_last(&self) -> Result<Option<u64>, Why> {
		// Not of the last final block: until the new set has finalized something, states are kept that are not after it.
		let best = self.client.info().best_hash;
		let Some((seated, _)) = self.value::<(u64, BlockId<Hash>)>(best, &Forced::<Runtime>::hashed_key())?
		else {
			return Ok(None);
		};
		let changes = self.changes()?;
		let Some(set) = self.before(&changes, seated)? else { return Ok(None) };
		if self.kept(set)?.is_some_and(|kept| is_whole(&kept)) {
			return Ok(None);
		}
		self.forced(&changes, set)?;
		Ok(Some(set))
	}

	/// The last block that each set finalized; where the next one was forced, the block that it builds on. The list itself is private.
	/// Where the node warped, what is before it lacks.
	fn changes(&self) -> Result<Changes, Why> {
		let changes = self.authority_set.authority_set_changes().encode();
		let changes = Vec::<(u64, BlockNumber)>::decode(&mut &changes[..]).map_err(Why::internal)?;
		Ok(changes.into_iter().collect())
	}

	/// The votes by which this set was seated, if the change to it was forced.
	fn carried_out(&self, set: u64) -> Result<Option<CarriedOut<AccountId, Hash>>, Why> {
		let Some(api) = with_index(&self.client, &self.backend) else { return Ok(None) };
		api.recovery_votes(self.client.info().best_hash, set).map_err(Why::internal)
	}

	/// Whether a change was forced to this set in vain: it was followed before it had finalized anything of its own.
	fn is_idle(&self, changes: &Changes, set: u64) -> Result<bool, Why> {
		let Some(last) = changes.get(&set) else { return Ok(false) };
		Ok(self.carried_out(set)?.is_some_and(|carried_out| *last <= carried_out.proposal.number))
	}

	/// The set that this one followed, idle ones passed over.
	fn before(&self, changes: &Changes, set: u64) -> Result<Option<u64>, Why> {
		let mut before = set;
		while let Some(earlier) = before.checked_sub(1) {
			if !self.is_idle(changes, earlier)? {
				return Ok(Some(earlier));
			}
			before = earlier;
		}
		Ok(None)
	}

	/// The block with which a set hands over by itself; none if the change was forced.
	fn scheduled(&self, changes: &Changes, set: u64) -> Result<Option<Justified>, Why> {
		let last = *changes.get(&set).ok_or(Why::UnknownSet(set))?;
		let since = set.checked_sub(1).and_then(|before| changes.get(&before)).copied().unwrap_or_default();
		let hash = self.hash(last)?;
		let header = self.header(hash)?;
		// A set that finalized nothing of its own is followed from the block with which it took over.
		if last <= since || find_scheduled_change::<Block>(&header).is_none() {
			return Ok(None);
		}
		let justification = self.justification(hash)?.ok_or(Why::UnknownSet(set))?;
		Ok(Some(Justified { header: header.encode(), justification }))
	}

	fn key(set: u64) -> Vec<u8> {
		(&b"understudy/forced-change"[..], set).encode()
	}

	fn keep(&self, set: u64, change: &ForcedChange) -> Result<(), Why> {
		let change = change.encode();
		self.backend.insert_aux(&[(&Self::key(set)[..], &change[..])], &[]).map_err(Why::internal)
	}

	fn kept(&self, set: u64) -> Result<Option<ForcedChange>, Why> {
		let kept = self.backend.get_aux(&Self::key(set)).map_err(Why::internal)?;
		Ok(kept.and_then(|kept| ForcedChange::decode(&mut &kept[..]).ok()))
	}

	/// The forced change after a set, and the set that it seated: as it was kept, or gathered now. A
	/// failure stands for the next few blocks.
	fn forced(&self, changes: &Changes, set: u64) -> Result<(ForcedChange, u64), Why> {
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

	fn kept_or_gathered(&self, changes: &Changes, set: u64) -> Result<(ForcedChange, u64), Why> {
		let lost = |why: &str| Why::NotKept(set, why.into());
		let mut seated = set.saturating_add(1);
		while self.is_idle(changes, seated)? {
			seated = seated.saturating_add(1);
		}
		let CarriedOut { proposal, votes } =
			self.carried_out(seated)?.ok_or_else(|| lost("it did not execute the blocks with the votes"))?;
		let is_its = |kept: &ForcedChange| BlakeTwo256::hash(&kept.proposal.header) == proposal.hash;
		let mut change = match self.kept(set)?.filter(is_its) {
			Some(kept) => kept,
			None => {
				let begun = self.begin(changes, set, proposal, votes)?;
				self.keep(set, &begun)?;
				begun
			},
		};
		if !is_whole(&change) {
			let (at, justification) = self.enacted(changes, (seated, proposal))?.ok_or_else(|| {
				lost("no block of the set after it is justified yet, or the state of none is left")
			})?;
			change.enacted = self.proven(at, &[recovery_keys(RECOVERY).forced])?;
			change.enacted_justification = justification;
			self.keep(set, &change)?;
		}
		Ok((change, seated))
	}

	/// All of it but a block of the new set.
	fn begin(
		&self,
		changes: &Changes,
		set: u64,
		proposal: BlockId<Hash>,
		votes: Vec<Signed<Vote<AccountId, Hash>>>,
	) -> Result<ForcedChange, Why> {
		let lost = |why: &str| Why::NotKept(set, why.into());
		if self.hash(proposal.number)? != proposal.hash {
			return Err(lost("the votes that it has are for a block of another branch"));
		}
		if !self.has_state(proposal.number, proposal.hash) {
			return Err(lost(&format!("the state of #{} is pruned", proposal.number)));
		}
		let keys = recovery_keys(RECOVERY);
		// Members, their keys and their readiness may have changed since an older anchor: the
		// newest by whose roster the votes suffice.
		let mut found = None;
		for (anchor_hash, justification) in self.anchors(changes, set)? {
			if let Some(cast) = self.votes(anchor_hash, &votes)? {
				found = Some((anchor_hash, justification, cast));
				break;
			}
		}
		let (anchor_hash, anchor_justification, votes) = found.ok_or_else(|| {
			lost(
				"no final block is known whose state is there and by whose members and keys the votes suffice; some may have changed \
				 right before the stall",
			)
		})?;
		let mut asked = vec![keys.rosters];
		asked.extend((!anchor_justification.is_empty()).then_some(keys.genesis));
		let anchor = self.proven(anchor_hash, &asked)?;

		let authorities = self.authorities(proposal.hash)?;
		let mut asked = vec![keys.proposed, keys.stalled];
		asked.extend(authorities.iter().map(|key| owner_key(sp_consensus_grandpa::KEY_TYPE, key)));
		Ok(ForcedChange {
			anchor,
			anchor_justification,
			proposal: self.proven(proposal.hash, &asked)?,
			authorities,
			votes,
			enacted: Proven { header: Vec::new(), state: Vec::new() },
			enacted_justification: Vec::new(),
		})
	}

	/// The final blocks of a set whose states are there, the newest first, with their
	/// justifications: those that the set is known to have justified, and the one with which it
	/// took over, with none. What leads there shows that it is final.
	fn anchors(&self, changes: &Changes, set: u64) -> Result<Vec<(Hash, Vec<u8>)>, Why> {
		// Before the change is enacted, the set finalizes.
		let last = changes.get(&set).copied().unwrap_or_else(|| self.client.info().finalized_number);
		let (known, hash) = match self.before(changes, set)? {
			None => (0, self.client.info().genesis_hash),
			Some(before) if self.scheduled(changes, before)?.is_some() => {
				let number = *changes.get(&before).ok_or(Why::UnknownSet(before))?;
				(number, self.hash(number)?)
			},
			Some(before) => {
				let (change, _) = self.forced(changes, before)?;
				let Header { number, .. } = decode(&change.enacted.header)?;
				(number, self.hash(number)?)
			},
		};
		let mut all = Vec::new();
		// The last justification of all is known although its block does not keep it.
		let best = best_justification::<_, Block>(&*self.backend).map_err(Why::internal)?;
		if let Some(best) = best.filter(|best| (known.saturating_add(1)..=last).contains(&best.target().0)) {
			let (number, target) = best.target();
			if self.has_state(number, target) {
				all.push((target, best.encode()));
			}
		}
		let earliest = last.saturating_sub(JUSTIFICATION_PERIOD).max(known);
		for number in (earliest.saturating_add(1)..=last).rev() {
			let hash = self.hash(number)?;
			if !self.has_state(number, hash) {
				break;
			}
			if let Some(justification) = self.justification(hash)? {
				all.push((hash, justification));
			}
		}
		if self.has_state(known, hash) {
			all.push((hash, Vec::new()));
		}
		Ok(all)
	}

	/// A block that says that the change was forced, and its justification by the set that was seated.
	fn enacted(
		&self,
		changes: &Changes,
		forced: (u64, BlockId<Hash>),
	) -> Result<Option<(Hash, Vec<u8>)>, Why> {
		let (set, proposal) = forced;
		let finalized = self.client.info().finalized_number;
		let last = changes.get(&set).copied().unwrap_or(finalized).min(finalized);
		let says_so = |number: BlockNumber, hash: Hash| {
			let says = || self.value::<(u64, BlockId<Hash>)>(hash, &Forced::<Runtime>::hashed_key());
			Ok::<_, Why>(self.has_state(number, hash) && says()? == Some(forced))
		};
		let latest = proposal.number.saturating_add(JUSTIFICATION_PERIOD.saturating_mul(2)).min(last);
		for number in proposal.number.saturating_add(1)..=latest {
			let hash = self.hash(number)?;
			if let Some(justification) = self.justification(hash)? {
				if says_so(number, hash)? {
					return Ok(Some((hash, justification)));
				}
			}
		}
		// The last justification of all is known although its block does not keep it.
		let best = best_justification::<_, Block>(&*self.backend).map_err(Why::internal)?;
		let Some(best) = best else { return Ok(None) };
		let (number, hash) = best.target();
		let of_that_set = number > proposal.number && number <= last && !changes.contains_key(&set);
		Ok((of_that_set && says_so(number, hash)?).then(|| (hash, best.encode())))
	}

	/// The votes of those who counted as members as of a block, by the keys in force then; if they
	/// suffice.
	fn votes(&self, at: Hash, votes: &[Signed<Vote<AccountId, Hash>>]) -> Result<Option<Vec<Cast>>, Why> {
		let rosters: pallet_recovery::RostersOf<Runtime> =
			self.value(at, &Rosters::<Runtime>::hashed_key())?.unwrap_or_default();
		let Some(roster) = rosters.last() else { return Ok(None) };
		let genesis = self.client.info().genesis_hash;
		let (mut cast, mut voters) = (Vec::new(), BTreeSet::new());
		for Signed { statement, signature } in votes {
			let counts = |voter: &&Voter<AccountId>| voter.counts && voter.who == statement.who;
			let Some(key) = roster.members.iter().find(counts).and_then(|voter| voter.key.as_ref()) else {
				continue;
			};
			if !statement.is_signed_by(key, &genesis, signature) {
				continue;
			}
			let Vote { who, base, .. } = statement.clone();
			voters.insert(who.clone());
			cast.push(Cast { who, base, signature: H512::from_slice(signature.as_slice()) });
		}
		Ok(is_quorum(roster.count(&voters), roster.size()).then_some(cast))
	}

	/// The GRANDPA keys of those who are proposed in a block.
	fn authorities(&self, at: Hash) -> Result<Vec<H256>, Why> {
		let proposed: pallet_recovery::MembersOf<Runtime> =
			self.value(at, &Proposed::<Runtime>::hashed_key())?.unwrap_or_default();
		let keys: Result<Vec<_>, Why> = proposed.iter().map(|who| self.session_keys(at, who)).collect();
		Ok(keys?.into_iter().flatten().map(|keys| H256::from_slice(keys.grandpa.as_slice())).collect())
	}

	fn session_keys(&self, at: Hash, who: &AccountId) -> Result<Option<SessionKeys>, Why> {
		self.value(at, &pallet_session::NextKeys::<Runtime>::hashed_key_for(who))
	}

	fn value<Value: Decode>(&self, at: Hash, key: &[u8]) -> Result<Option<Value>, Why> {
		let value = self.client.storage(at, &StorageKey(key.to_vec())).map_err(Why::internal)?;
		value.map(|value| decode(&value.0)).transpose()
	}

	/// A block's header with a proof of these items of its state.
	fn proven(&self, at: Hash, keys: &[Vec<u8>]) -> Result<Proven, Why> {
		let mut keys = keys.iter().map(|key| &key[..]);
		let proof = self.client.read_proof(at, &mut keys).map_err(Why::internal)?;
		Ok(Proven { header: self.header(at)?.encode(), state: proof.into_iter_nodes().collect() })
	}

	fn has_state(&self, number: BlockNumber, hash: Hash) -> bool {
		self.backend.have_state_at(hash, number)
	}

	fn hash(&self, number: BlockNumber) -> Result<Hash, Why> {
		let hash = self.client.hash(number).map_err(Why::internal)?;
		hash.ok_or_else(|| Why::Internal(format!("this node has no block #{number}")))
	}

	fn header(&self, at: Hash) -> Result<Header, Why> {
		let header = self.client.header(at).map_err(Why::internal)?;
		header.ok_or_else(|| Why::Internal(format!("this node has no block {at:?}")))
	}

	/// The justification of this very block.
	pub fn justification(&self, at: Hash) -> Result<Option<Vec<u8>>, Why> {
		let all = self.backend.blockchain().justifications(at).map_err(Why::internal)?;
		Ok(all.and_then(|all| all.into_justification(GRANDPA_ENGINE_ID)))
	}
}

fn decode<Value: Decode>(mut bytes: &[u8]) -> Result<Value, Why> {
	Value::decode(&mut bytes).map_err(Why::internal)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_failure_stands_for_some_blocks_and_few_are_remembered() {
		let mut failures = Failures::default();
		assert_eq!(failures.lately(7, 100), None);
		failures.note(7, 100, Why::UnknownSet(7));
		assert_eq!(failures.lately(7, 103), Some(Why::UnknownSet(7)));
		assert_eq!((failures.lately(7, 104), failures.lately(8, 100)), (None, None));
		for set in 0..1_000 {
			failures.note(set, 100, Why::UnknownSet(set));
		}
		assert_eq!(failures.0.len(), MOST_FAILURES);
		assert_eq!(failures.lately(999, 100), Some(Why::UnknownSet(999)));
	}
}
