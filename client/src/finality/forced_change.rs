//! Gathers the evidence of a forced change of authorities.

use std::collections::BTreeSet;

use codec::{Decode, Encode};
use pallet_recovery::in_flight::{InFlight, Roster, Voter};
use sc_consensus_grandpa::best_justification;
use sp_api::ProvideRuntimeApi;
use sp_blockchain::HeaderBackend;
use sp_core::{crypto::KeyTypeId, ConstU32, H256, H512};
use sp_runtime::traits::{BlakeTwo256, Hash as _};
use sp_session::SessionKeys;
use understudy_primitives::{
	quorum::is_quorum,
	statement::Statement,
	vote::{CarriedOut, Signed, Vote},
	BlockId,
};
use understudy_verifier::{item, owner_key, recovery_keys, twox_64_concat, Cast, ForcedChange, Proven};

use super::history::{decode, is_whole, AuthoritySetHistory, Changes, Error, RECOVERY};
use crate::{AccountId, BlockNumber, Hash, Header, Node, JUSTIFICATION_PERIOD};

/// Key type of GRANDPA's session keys.
const GRANDPA: KeyTypeId = sp_consensus_grandpa::KEY_TYPE;

/// Rosters in flight, without the runtime's bound on their length.
type Rosters = InFlight<Roster<AccountId, ConstU32<{ u32::MAX }>>>;

/// Returns the storage key of the session keys that an account has set.
fn next_keys(who: &AccountId) -> Vec<u8> {
	[item("Session", "NextKeys"), twox_64_concat(who)].concat()
}

impl<N: Node> AuthoritySetHistory<N> {
	/// Returns the kept change after a set, completed or gathered anew if necessary, and the set
	/// that it seated.
	pub(crate) fn kept_or_gathered(&self, changes: &Changes, set: u64) -> Result<(ForcedChange, u64), Error> {
		let lost = |why: &str| Error::NotKept(set, why.into());
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
				lost("no block of the set after it is justified yet, or the states of all of them are pruned")
			})?;
			change.enacted = self.proven(at, &[recovery_keys(RECOVERY).forced])?;
			change.enacted_justification = justification;
			self.keep(set, &change)?;
		}
		Ok((change, seated))
	}

	/// Gathers all of a change but a block of the new set.
	fn begin(
		&self,
		changes: &Changes,
		set: u64,
		proposal: BlockId<Hash>,
		votes: Vec<Signed<Vote<AccountId, Hash>>>,
	) -> Result<ForcedChange, Error> {
		let lost = |why: &str| Error::NotKept(set, why.into());
		if self.hash(proposal.number)? != proposal.hash {
			return Err(lost("the votes that it has are for a block of another branch"));
		}
		if !self.has_state(proposal.number, proposal.hash) {
			return Err(lost(&format!("the state of #{} is pruned", proposal.number)));
		}
		let keys = recovery_keys(RECOVERY);
		// Members, keys and readiness may have changed since an older anchor, so the newest one by
		// whose roster the votes suffice.
		let mut found = None;
		for (anchor_hash, justification) in self.anchors(changes, set)? {
			if let Some(cast) = self.votes(anchor_hash, &votes)? {
				found = Some((anchor_hash, justification, cast));
				break;
			}
		}
		let (anchor_hash, anchor_justification, votes) = found.ok_or_else(|| {
			lost(
				"no final block is known whose state exists and by whose members and keys the votes suffice; some may have \
				 changed right before the stall",
			)
		})?;
		let mut wanted = vec![keys.rosters];
		wanted.extend((!anchor_justification.is_empty()).then_some(keys.genesis));
		let anchor = self.proven(anchor_hash, &wanted)?;

		let authorities = self.authorities(proposal.hash)?;
		let mut wanted = vec![keys.proposed, keys.stalled];
		wanted.extend(authorities.iter().map(|key| owner_key(GRANDPA, key)));
		Ok(ForcedChange {
			anchor,
			anchor_justification,
			proposal: self.proven(proposal.hash, &wanted)?,
			authorities,
			votes,
			enacted: Proven { header: Vec::new(), state: Vec::new() },
			enacted_justification: Vec::new(),
		})
	}

	/// Returns the final blocks of a set whose states exist, newest first, with their
	/// justifications: those that the set is known to have justified, and the block with which it
	/// took over, with an empty one. The hand-off to the set shows that that block is final.
	fn anchors(&self, changes: &Changes, set: u64) -> Result<Vec<(Hash, Vec<u8>)>, Error> {
		// Until the change is enacted, the set goes on to finalize.
		let last = changes.get(&set).copied().unwrap_or_else(|| self.client.info().finalized_number);
		let (known, hash) = match self.before(changes, set)? {
			None => (0, self.client.info().genesis_hash),
			Some(before) if self.scheduled(changes, before)?.is_some() => {
				let number = *changes.get(&before).ok_or(Error::UnknownSet(before))?;
				(number, self.hash(number)?)
			},
			Some(before) => {
				let (change, _) = self.forced(changes, before)?;
				let Header { number, .. } = decode(&change.enacted.header)?;
				(number, self.hash(number)?)
			},
		};
		let mut all = Vec::new();
		// The last justification is stored on its own, whether its block keeps it or not.
		let best = best_justification::<_, N::Block>(&*self.backend).map_err(Error::internal)?;
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

	/// Returns a block whose state has the forced change, and its justification by the set that was
	/// seated.
	fn enacted(
		&self,
		changes: &Changes,
		forced: (u64, BlockId<Hash>),
	) -> Result<Option<(Hash, Vec<u8>)>, Error> {
		let (set, proposal) = forced;
		let finalized = self.client.info().finalized_number;
		let last = changes.get(&set).copied().unwrap_or(finalized).min(finalized);
		let has_it = |number: BlockNumber, hash: Hash| {
			Ok::<_, Error>(self.has_state(number, hash) && self.forced_at(hash)? == Some(forced))
		};
		let latest = proposal.number.saturating_add(JUSTIFICATION_PERIOD.saturating_mul(2)).min(last);
		for number in proposal.number.saturating_add(1)..=latest {
			let hash = self.hash(number)?;
			if let Some(justification) = self.justification(hash)? {
				if has_it(number, hash)? {
					return Ok(Some((hash, justification)));
				}
			}
		}
		// The last justification is stored on its own, whether its block keeps it or not.
		let best = best_justification::<_, N::Block>(&*self.backend).map_err(Error::internal)?;
		let Some(best) = best else { return Ok(None) };
		let (number, hash) = best.target();
		let of_that_set = number > proposal.number && number <= last && !changes.contains_key(&set);
		Ok((of_that_set && has_it(number, hash)?).then(|| (hash, best.encode())))
	}

	/// Returns the votes of the members that counted as of a block, by the keys in force then, if
	/// they suffice.
	fn votes(&self, at: Hash, votes: &[Signed<Vote<AccountId, Hash>>]) -> Result<Option<Vec<Cast>>, Error> {
		let rosters: Rosters = self.value(at, &recovery_keys(RECOVERY).rosters)?.unwrap_or_default();
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
			cast.push(Cast { who, base, signature: H512::from_slice(signature.as_ref()) });
		}
		Ok(is_quorum(roster.count(&voters), roster.size()).then_some(cast))
	}

	/// Returns the GRANDPA keys of the accounts that a block proposes.
	fn authorities(&self, at: Hash) -> Result<Vec<H256>, Error> {
		let proposed: Vec<AccountId> = self.value(at, &recovery_keys(RECOVERY).proposed)?.unwrap_or_default();
		let mut keys = Vec::new();
		for who in &proposed {
			let Some(encoded) = self.raw_value(at, &next_keys(who))? else { continue };
			let all = self.client.runtime_api().decode_session_keys(at, encoded).map_err(Error::internal)?;
			let grandpa = all.into_iter().flatten().find(|(_, kind)| *kind == GRANDPA);
			if let Some((key, _)) = grandpa {
				keys.push(H256::decode(&mut &key[..]).map_err(Error::internal)?);
			}
		}
		Ok(keys)
	}
}
