//! A forced change of authorities: whether the members of the roster voted for it, and whether it came about.
//!
//! A set that has lost more than a third of its votes can finalize no block that announces the next one. Its successor is what more
//! than half of its roster voted for, by the rule by which the chain itself counts ([`quorum::is_quorum`]): members of the active set
//! and of the reserve, with the keys that a block from before the stall had for them. That a proposal had the votes does not say that
//! it was carried out: if enough came back first, it was not. So a block of the new set has to say so.

use alloc::{collections::BTreeSet, vec, vec::Vec};
use codec::{DecodeAll, Encode};
use sp_core::H256;
use sp_runtime::traits::Header as _;
use understudy_primitives::{
	crypto::{AuthorityId, AuthoritySignature, KEY_TYPE},
	quorum::{self, Count},
	statement::Statement,
	vote::Vote,
	BlockId,
};

use crate::{
	check::{ensure, Custody},
	finality::{self, AuthoritySet},
	state::{self, recovery_keys},
	AccountId, Cast, Fault, ForcedChange, TrustedSet,
};

/// The rosters that were in flight, as the state has them: since when, how many are active, and the members, those first.
type Rosters = Vec<(u32, (u32, Vec<AccountId>))>;

/// Checks a forced change, and says who has custody after it.
pub(crate) fn follow(
	custody: &Custody,
	change: &ForcedChange,
	trusted: &TrustedSet,
) -> Result<Custody, Fault> {
	let (hash, anchor) = finality::header(&change.anchor.header)?;
	let is_justified = !change.anchor_justification.is_empty();
	if is_justified {
		ensure(*anchor.number() > custody.since, Fault::OutOfOrder)?;
		finality::verify(&custody.set, hash, *anchor.number(), &change.anchor_justification)?;
	} else {
		ensure(custody.known == Some(hash), Fault::UnknownAnchor)?;
	}
	let (hash, proposal) = finality::header(&change.proposal.header)?;
	ensure(proposal.number() > anchor.number(), Fault::OutOfOrder)?;
	let proposed = BlockId { number: *proposal.number(), hash };

	let (active, members) = roster(*anchor.state_root(), change, trusted, is_justified)?;
	check_votes(change, &proposed, &trusted.genesis, active, &members)?;
	let seats = seats(*proposal.state_root(), change, trusted)?;

	let (hash, enacted) = finality::header(&change.enacted.header)?;
	ensure(*enacted.number() > proposed.number, Fault::OutOfOrder)?;
	let key = recovery_keys(&trusted.recovery).forced;
	let forced = state::values(*enacted.state_root(), &change.enacted.state, &[key])?;
	let forced = forced.into_iter().next().flatten().ok_or(Fault::NotEnacted)?;
	let (id, carried_out) =
		<(u64, BlockId<H256>)>::decode_all(&mut &forced[..]).map_err(|_| Fault::NotEnacted)?;
	// A change that is enacted and brings finality back no more than the one before is forced again, with the next id.
	ensure(carried_out == proposed && id > custody.set.id, Fault::NotEnacted)?;
	let set = AuthoritySet::new(id, &seats)?;
	finality::verify(&set, hash, *enacted.number(), &change.enacted_justification)?;
	Ok(Custody { set, since: proposed.number, known: Some(hash) })
}

/// Who could vote: how many were active, and all members, those first. The voters' keys are theirs.
fn roster(
	root: H256,
	change: &ForcedChange,
	trusted: &TrustedSet,
	is_justified: bool,
) -> Result<(u32, Vec<AccountId>), Fault> {
	let keys = recovery_keys(&trusted.recovery);
	let mut asked = vec![keys.rosters];
	asked.extend(change.votes.iter().map(|cast| state::owner_key(KEY_TYPE, &cast.key)));
	let mut expected: Vec<_> = change.votes.iter().map(|cast| Some(cast.who.encode())).collect();
	// What a set justifies could be another chain's with the same keys.
	if is_justified {
		asked.push(keys.genesis);
		expected.push(Some(trusted.genesis.encode()));
	}
	let found = state::values(root, &change.anchor.state, &asked)?;
	let (rosters, owners) = found.split_first().ok_or(Fault::NothingThere)?;
	if is_justified && owners.last() != expected.last() {
		return Err(Fault::WrongChain);
	}
	ensure(owners == expected, Fault::WrongKey)?;
	let rosters = rosters.as_ref().ok_or(Fault::NothingThere)?;
	let rosters = Rosters::decode_all(&mut &rosters[..]).map_err(|_| Fault::Malformed)?;
	rosters.into_iter().next_back().map(|(_, roster)| roster).ok_or(Fault::NothingThere)
}

/// Enough of them signed this proposal, each once.
fn check_votes(
	change: &ForcedChange,
	proposal: &BlockId<H256>,
	genesis: &H256,
	active: u32,
	members: &[AccountId],
) -> Result<(), Fault> {
	let known: BTreeSet<&AccountId> = members.iter().collect();
	let mut voters = BTreeSet::new();
	for Cast { who, base, key, signature } in &change.votes {
		ensure(known.contains(who), Fault::NotAMember)?;
		ensure(voters.insert(who), Fault::DuplicateVoter)?;
		let key = AuthorityId::try_from(&key[..]).map_err(|()| Fault::BadSignature)?;
		let signature = AuthoritySignature::try_from(&signature[..]).map_err(|()| Fault::BadSignature)?;
		let vote = Vote { who: who.clone(), proposal: *proposal, base: *base };
		ensure(vote.is_signed_by(&key, genesis, &signature), Fault::BadSignature)?;
	}
	let votes = Count::of(members, active, |who| voters.contains(who));
	let all = Count::of(members, active, |_| true);
	ensure(quorum::is_quorum(votes, all), Fault::NoQuorum)
}

/// The authorities that the proposal seats.
fn seats(
	root: H256,
	change: &ForcedChange,
	trusted: &TrustedSet,
) -> Result<Vec<(sp_consensus_grandpa::AuthorityId, u64)>, Fault> {
	let mut asked = vec![recovery_keys(&trusted.recovery).proposed];
	let grandpa = sp_consensus_grandpa::KEY_TYPE;
	asked.extend(change.authorities.iter().map(|key| state::owner_key(grandpa, key)));
	let found = state::values(root, &change.proposal.state, &asked)?;
	let (proposed, owners) = found.split_first().ok_or(Fault::NothingThere)?;
	let proposed = proposed.as_ref().ok_or(Fault::NothingThere)?;
	let proposed = Vec::<AccountId>::decode_all(&mut &proposed[..]).map_err(|_| Fault::Malformed)?;
	let expected: Vec<_> = proposed.iter().map(|who| Some(who.encode())).collect();
	ensure(owners == expected, Fault::WrongKey)?;
	let weighted = |key: &H256| {
		let key = sp_consensus_grandpa::AuthorityId::try_from(&key[..]).map_err(|()| Fault::BadSet)?;
		Ok((key, 1))
	};
	change.authorities.iter().map(weighted).collect()
}
