//! Finality of a block by the votes of more than two thirds of an authority set, and hand-offs from
//! one set to the next.
//!
//! The rule is that by which nodes import justifications, but simpler: every vote must count, or
//! the proof is refused. Honest nodes put into a justification only votes for the block or its
//! descendants, and both votes of an equivocator.

use alloc::{collections::BTreeMap, vec::Vec};
use codec::DecodeAll;
use sp_consensus_grandpa::{
	AuthorityId, ConsensusLog, GrandpaJustification, ScheduledChange, GRANDPA_ENGINE_ID,
};
use sp_core::H256;
use sp_runtime::{
	traits::{Hash as _, Header as _},
	DigestItem,
};

use crate::{Fault, Header};

/// Valid authority set: not empty, no member is in it twice, and every weight is above zero.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuthoritySet {
	/// Id of the set.
	pub id: u64,
	voters: BTreeMap<AuthorityId, u64>,
	threshold: u64,
}

impl AuthoritySet {
	/// Creates the set from a list of authorities. Fails with [`Fault::BadSet`] if the list is not
	/// valid.
	pub fn new(id: u64, authorities: &[(AuthorityId, u64)]) -> Result<Self, Fault> {
		let voters: BTreeMap<_, _> = authorities.iter().cloned().collect();
		let total = authorities.iter().try_fold(0u64, |sum, (_, weight)| sum.checked_add(*weight));
		let total = total.ok_or(Fault::BadSet)?;
		let weightless = authorities.iter().any(|(_, weight)| *weight == 0);
		if voters.is_empty() || voters.len() < authorities.len() || weightless {
			return Err(Fault::BadSet);
		}
		// The total without the faults that GRANDPA tolerates.
		let threshold = total - (total - 1) / 3;
		Ok(Self { id, voters, threshold })
	}

	/// Returns the number of members.
	pub fn len(&self) -> usize {
		self.voters.len()
	}

	/// Returns `true` if the set has no members. Always `false`: an empty set is refused.
	pub fn is_empty(&self) -> bool {
		self.voters.is_empty()
	}

	/// Returns the keys of the members in ascending order, with their weights.
	pub fn authorities(&self) -> Vec<(AuthorityId, u64)> {
		self.voters.iter().map(|(key, weight)| (key.clone(), *weight)).collect()
	}

	/// Returns the least weight of votes that makes a block final.
	pub fn threshold(&self) -> u64 {
		self.threshold
	}
}

/// Checks that a justification of this set finalizes the block with this hash and number.
pub fn verify(set: &AuthoritySet, hash: H256, number: u32, justification: &[u8]) -> Result<(), Fault> {
	let justification =
		GrandpaJustification::<Header>::decode_all(&mut &justification[..]).map_err(|_| Fault::Malformed)?;
	let GrandpaJustification { round, commit, votes_ancestries } = justification;
	if (commit.target_hash, commit.target_number) != (hash, number) {
		return Err(Fault::WrongBlock);
	}
	let target = |precommit: &Precommit| (precommit.target_hash, precommit.target_number);
	let lowest = commit.precommits.iter().map(|signed| target(&signed.precommit)).min_by_key(|(_, at)| *at);
	let mut tree = Tree::new((hash, number), lowest.ok_or(Fault::TooFewVotes)?, &votes_ancestries);

	let mut votes = BTreeMap::<&AuthorityId, Vec<Vote>>::new();
	for signed in &commit.precommits {
		if !set.voters.contains_key(&signed.id) {
			return Err(Fault::UnknownVoter);
		}
		let vote = target(&signed.precommit);
		let descends = tree.place(vote).ok_or(Fault::VoteElsewhere)?;
		let message = finality_grandpa::Message::Precommit(signed.precommit.clone());
		let checked = sp_consensus_grandpa::check_message_signature(
			&message,
			&signed.id,
			&signed.signature,
			round,
			set.id,
		);
		if !checked.is_valid() {
			return Err(Fault::BadSignature);
		}
		votes.entry(&signed.id).or_default().push(Vote { vote, descends });
	}

	let mut weight = 0u64;
	for (voter, votes) in votes {
		match &votes[..] {
			[only] if !only.descends => return Err(Fault::VoteElsewhere),
			[_] => (),
			// An equivocator counts as a vote for any block, since one of its two votes is a fault
			// anyway.
			[one, other] if one.vote != other.vote => (),
			_ => return Err(Fault::DuplicateVoter),
		}
		// Cannot overflow: the sum of all weights does not.
		weight = weight.saturating_add(set.voters.get(voter).copied().unwrap_or_default());
	}
	// The votes of equivocators count for any block, so they alone do not lead to the justified
	// one.
	if tree.placed.get(&hash) != Some(&(number, true)) {
		return Err(Fault::VoteElsewhere);
	}
	// This also finds headers that are present twice.
	if tree.needed() != votes_ancestries.len() {
		return Err(Fault::UnusedHeader);
	}
	if weight < set.threshold {
		return Err(Fault::TooFewVotes);
	}
	Ok(())
}

type Precommit = finality_grandpa::Precommit<H256, u32>;

/// Block of a vote. `descends` is `true` if it is the justified block or descends from it.
struct Vote {
	vote: (H256, u32),
	descends: bool,
}

/// Blocks from the lowest vote on, as far as the headers in a justification connect them.
struct Tree {
	headers: BTreeMap<H256, Header>,
	target: H256,
	/// Blocks on the paths so far: their number, and `true` for the justified block and its
	/// descendants.
	placed: BTreeMap<H256, (u32, bool)>,
}

impl Tree {
	fn new(target: (H256, u32), lowest: (H256, u32), headers: &[Header]) -> Self {
		let headers = headers.iter().map(|header| (header.hash(), header.clone())).collect();
		let placed = BTreeMap::from([(lowest.0, (lowest.1, lowest == target))]);
		Self { headers, target: target.0, placed }
	}

	/// Returns `true` if a block is the justified one or descends from it. `None` if no headers
	/// lead from the block down to the lowest vote. Visits each header once.
	fn place(&mut self, block: (H256, u32)) -> Option<bool> {
		let (mut hash, mut number) = block;
		let mut way = Vec::new();
		let mut descends = loop {
			if let Some((at, descends)) = self.placed.get(&hash) {
				break (*at == number).then_some(*descends)?;
			}
			let header = self.headers.get(&hash).filter(|header| *header.number() == number)?;
			way.push((hash, number));
			(hash, number) = (*header.parent_hash(), number.checked_sub(1)?);
		};
		for (hash, number) in way.into_iter().rev() {
			descends |= hash == self.target;
			self.placed.insert(hash, (number, descends));
		}
		Some(descends)
	}

	/// Returns the number of headers that the votes needed.
	fn needed(&self) -> usize {
		self.placed.len().saturating_sub(1)
	}
}

/// Returns the set that follows `set` after the block with this header.
pub fn next_set(set: &AuthoritySet, header: &Header) -> Result<AuthoritySet, Fault> {
	let mut changes = Vec::new();
	for item in header.digest().logs() {
		let DigestItem::Consensus(GRANDPA_ENGINE_ID, bytes) = item else { continue };
		match ConsensusLog::<u32>::decode_all(&mut &bytes[..]).map_err(|_| Fault::Malformed)? {
			ConsensusLog::ScheduledChange(change) => changes.push(change),
			ConsensusLog::ForcedChange(..) => return Err(Fault::ForcedChange),
			_ => (),
		}
	}
	let change = changes.pop().ok_or(Fault::NoChange)?;
	if !changes.is_empty() {
		return Err(Fault::ManyChanges);
	}
	let ScheduledChange { next_authorities, delay } = change;
	if delay != 0 {
		return Err(Fault::DelayedChange);
	}
	AuthoritySet::new(set.id.checked_add(1).ok_or(Fault::BadSet)?, &next_authorities)
}

/// Decodes a header in SCALE. Returns its hash, too.
pub(crate) fn header(bytes: &[u8]) -> Result<(H256, Header), Fault> {
	let header = Header::decode_all(&mut &bytes[..]).map_err(|_| Fault::Malformed)?;
	Ok((sp_runtime::traits::BlakeTwo256::hash(bytes), header))
}
