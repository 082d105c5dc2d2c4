//! Forced change of authorities: checks that the members of the roster voted for it, and that it
//! was enacted.
//!
//! A set that has lost more than a third of its votes can finalize no block that announces the next
//! set. Its successor is the set that more than half of its roster voted for, by the rule of the
//! chain itself ([`quorum::is_quorum`]). The voters are members of the active set and of the ready
//! reserve, with the keys that were in force in a block from before the stall. The state of the
//! proposal that they signed has the stall that the chain had noticed. Enough votes do not prove
//! that a proposal was carried out: if enough members came back first, it was not. Therefore a
//! block of the new set has to show it.
//!
//! A forced link needs the signatures of more than half of the members, but an ordinary one those
//! of more than two thirds of the authorities. With that many keys of *former* members, anybody can
//! forge a forced link from a set that is still trusted. The user of the verifier decides on the
//! permitted age of a trusted set, see `docs/proofs.md`.

use alloc::{
	collections::{BTreeMap, BTreeSet},
	vec,
	vec::Vec,
};
use codec::{Decode, DecodeAll, Encode};
use sp_core::H256;
use sp_runtime::traits::Header as _;
use understudy_primitives::{
	crypto::{AuthorityId, AuthoritySignature},
	quorum::{self, Count},
	statement::Statement,
	vote::Vote,
	BlockId, Stall,
};

use crate::{
	check::ensure,
	finality::{self, AuthoritySet},
	state::{self, recovery_keys},
	AccountId, Cast, Chain, Custody, Fault, ForcedChange,
};

/// Member of a roster, as the state has it.
#[derive(Decode)]
struct Voter {
	who: AccountId,
	/// Heartbeat key in force.
	key: Option<AuthorityId>,
	/// `true` for active members, and for standbys that were ready.
	counts: bool,
}

/// Roster: number of active members, and all members, the active ones first.
type Roster = (u32, Vec<Voter>);

/// Rosters in flight, as the state has them, each with the block in which it took effect; and the
/// block until which the list is incomplete. The newest roster is known in any case.
type Rosters = (Vec<(u32, Roster)>, Option<u32>);

/// Checks a forced change. Returns the custody after it, and the stall that it ended.
pub(crate) fn follow(
	custody: &Custody,
	change: &ForcedChange,
	chain: Chain,
) -> Result<(Custody, Stall), Fault> {
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

	let roster = roster(*anchor.state_root(), change, chain, is_justified)?;
	check_votes(change, &proposed, chain.genesis, &roster)?;
	let (seats, stall) = proposed_seats(*proposal.state_root(), change, chain)?;
	// Finality had stalled below a block that the proposal builds on.
	let is_stall = stall.finalized < stall.noticed.block && stall.noticed.block < proposed.number;
	// `reports` is not checked: with too few members alive to report the stall, the chain notices
	// it by time alone.
	ensure(is_stall && stall.since.block < stall.noticed.block, Fault::NoStall)?;

	let (hash, enacted) = finality::header(&change.enacted.header)?;
	ensure(*enacted.number() > proposed.number, Fault::OutOfOrder)?;
	let key = recovery_keys(chain.recovery).forced;
	let forced = state::values(*enacted.state_root(), &change.enacted.state, &[key])?;
	let forced = forced.into_iter().next().flatten().ok_or(Fault::NotEnacted)?;
	let (id, carried_out) =
		<(u64, BlockId<H256>)>::decode_all(&mut &forced[..]).map_err(|_| Fault::NotEnacted)?;
	// A forced change that does not bring finality back is forced again, with the next id.
	ensure(carried_out == proposed && id > custody.set.id, Fault::NotEnacted)?;
	let set = AuthoritySet::new(id, &seats)?;
	finality::verify(&set, hash, *enacted.number(), &change.enacted_justification)?;
	Ok((Custody { set, since: proposed.number, known: Some(hash) }, stall))
}

/// Returns the newest roster in the anchor's state: the members that could vote, with their keys.
fn roster(root: H256, change: &ForcedChange, chain: Chain, is_justified: bool) -> Result<Roster, Fault> {
	let keys = recovery_keys(chain.recovery);
	let mut asked = vec![keys.rosters];
	// A justified block could be of another chain with the same keys.
	asked.extend(is_justified.then_some(keys.genesis));
	let found = state::values(root, &change.anchor.state, &asked)?;
	let (rosters, genesis) = found.split_first().ok_or(Fault::MissingValue)?;
	if is_justified && genesis != [Some(chain.genesis.encode())] {
		return Err(Fault::WrongChain);
	}
	let rosters = rosters.as_ref().ok_or(Fault::MissingValue)?;
	let (rosters, _) = Rosters::decode_all(&mut &rosters[..]).map_err(|_| Fault::Malformed)?;
	rosters.into_iter().next_back().map(|(_, roster)| roster).ok_or(Fault::MissingValue)
}

/// Checks that enough members signed this proposal, each once, with its key.
fn check_votes(
	change: &ForcedChange,
	proposal: &BlockId<H256>,
	genesis: &H256,
	(active, members): &Roster,
) -> Result<(), Fault> {
	let counted = members.iter().filter(|voter| voter.counts);
	let known: BTreeMap<&AccountId, &Option<AuthorityId>> =
		counted.map(|voter| (&voter.who, &voter.key)).collect();
	let mut voters = BTreeSet::new();
	for Cast { who, base, signature } in &change.votes {
		let key = known.get(who).ok_or(Fault::NotAMember)?;
		ensure(voters.insert(who), Fault::DuplicateVoter)?;
		let key = key.as_ref().ok_or(Fault::BadSignature)?;
		let signature = AuthoritySignature::try_from(&signature[..]).map_err(|()| Fault::BadSignature)?;
		let vote = Vote { who: who.clone(), proposal: *proposal, base: *base };
		ensure(vote.is_signed_by(key, genesis, &signature), Fault::BadSignature)?;
	}
	let votes = Count::of(members, *active, |voter| voter.counts && voters.contains(&voter.who));
	let all = Count::of(members, *active, |voter| voter.counts);
	ensure(quorum::is_quorum(votes, all), Fault::NoQuorum)
}

/// GRANDPA authorities, with their weights.
type Authorities = Vec<(sp_consensus_grandpa::AuthorityId, u64)>;

/// Returns the authorities that the proposal seats, and the stall that it is to end.
fn proposed_seats(root: H256, change: &ForcedChange, chain: Chain) -> Result<(Authorities, Stall), Fault> {
	let keys = recovery_keys(chain.recovery);
	let mut asked = vec![keys.proposed, keys.stalled];
	let grandpa = sp_consensus_grandpa::KEY_TYPE;
	asked.extend(change.authorities.iter().map(|key| state::owner_key(grandpa, key)));
	let found = state::values(root, &change.proposal.state, &asked)?;
	let [proposed, stalled, owners @ ..] = &found[..] else { return Err(Fault::MissingValue) };
	let proposed = proposed.as_ref().ok_or(Fault::MissingValue)?;
	let proposed = Vec::<AccountId>::decode_all(&mut &proposed[..]).map_err(|_| Fault::Malformed)?;
	let stalled = stalled.as_ref().ok_or(Fault::NoStall)?;
	let stall = Stall::decode_all(&mut &stalled[..]).map_err(|_| Fault::Malformed)?;
	let expected: Vec<_> = proposed.iter().map(|who| Some(who.encode())).collect();
	ensure(owners == expected, Fault::WrongKey)?;
	let weighted = |key: &H256| {
		let key = sp_consensus_grandpa::AuthorityId::try_from(&key[..]).map_err(|()| Fault::BadSet)?;
		Ok((key, 1))
	};
	let authorities: Result<Authorities, Fault> = change.authorities.iter().map(weighted).collect();
	Ok((authorities?, stall))
}
