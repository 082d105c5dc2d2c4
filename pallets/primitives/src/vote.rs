//! Statements of members in a stall. Pure functions.
//!
//! First each member attests its presence ([`Presence`]), which binds it to nothing. Once enough
//! members are present, the chain fixes the set to be seated. Each member then votes for the block
//! in which that happened, the proposal ([`Vote`]). A vote binds: a node stores its vote before it
//! sends it, and votes for no other proposal while the first one could still be carried out.
//! Branches that fork before the proposal have one proposal each, and a vote counts for one of them
//! only; branches that fork after it seat the same set.

use crate::{crypto::AuthoritySignature, offchain::Lock, statement::Statement, BlockId, RecoveryStatus};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Finality report: a member's statement that its node has finalized a block. Sent if the chain
/// lacks it while the finality view does not rise.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct FinalityReport<AccountId, Hash> {
	/// The member.
	pub who: AccountId,
	/// Last block that its node has finalized.
	pub finalized: BlockId<Hash>,
	/// Number of the block in which the finality view rose last, on the member's branch. Keeps an
	/// older report from being submitted again.
	pub since: u32,
}

impl<AccountId: Encode, Hash: Encode> Statement for FinalityReport<AccountId, Hash> {
	const DOMAIN: &'static [u8] = b"understudy/recovery/final/1";
}

/// Presence attestation: a member's statement that its node runs and sees the stall.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Presence<AccountId, Hash> {
	/// The member.
	pub who: AccountId,
	/// Stall anchor of its branch: the block that noticed the stall.
	pub anchor: BlockId<Hash>,
	/// Number of earlier rounds for this anchor. An attestation of an earlier round no longer
	/// counts: its signer may have failed since.
	pub round: u32,
}

impl<AccountId: Encode, Hash: Encode> Statement for Presence<AccountId, Hash> {
	const DOMAIN: &'static [u8] = b"understudy/recovery/present/2";
}

/// Recovery vote: a member's statement that the chain is to recover with the set that this proposal
/// seats.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Vote<AccountId, Hash> {
	/// The member.
	pub who: AccountId,
	/// Block in which the set was fixed.
	pub proposal: BlockId<Hash>,
	/// Last block that its node has finalized, but no later than the finality view of its branch.
	pub base: BlockId<Hash>,
}

impl<AccountId: Encode, Hash: Encode> Statement for Vote<AccountId, Hash> {
	const DOMAIN: &'static [u8] = b"understudy/recovery/vote/1";
}

/// Statement of a member, with a signature by the member's heartbeat key.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Signed<What> {
	/// The statement.
	pub statement: What,
	/// The signature.
	pub signature: AuthoritySignature,
}

/// Votes by which a recovery was carried out.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct CarriedOut<AccountId, Hash> {
	/// Block that proposed the set.
	pub proposal: BlockId<Hash>,
	/// Votes for the proposal.
	pub votes: Vec<Signed<Vote<AccountId, Hash>>>,
}

impl<AccountId: PartialEq, Hash: PartialEq> Vote<AccountId, Hash> {
	/// Returns `true` if no honest node signs both votes. Of two honest votes for different
	/// proposals, one was signed when finality was beyond the proposal of the other, and its base
	/// shows that.
	pub fn conflicts_with(&self, other: &Self) -> bool {
		let after = |later: &Self, earlier: &Self| is_released(&earlier.proposal, later.base.number);
		self.who == other.who && self.proposal != other.proposal && !after(self, other) && !after(other, self)
	}
}

/// Returns `true` if a vote for this proposal no longer binds once block `finalized` is final.
///
/// If a block beyond the proposal is final, either the proposal was carried out, or the members
/// that finalized that block have not voted for the proposal and never will: then too few are left
/// that can.
pub fn is_released<Hash>(proposal: &BlockId<Hash>, finalized: u32) -> bool {
	finalized > proposal.number
}

/// Returns `true` if the vote behind `lock` keeps its node from helping to finalize anything.
///
/// `finalized` is the last block that the node has finalized, `set` the authority set of its
/// GRANDPA voter, and `status` the recovery status as of the best block; `None` if that cannot be
/// queried.
pub fn binds<Hash: PartialEq>(
	lock: &Lock<Hash>,
	finalized: u32,
	set: u64,
	status: Option<&RecoveryStatus<Hash>>,
) -> bool {
	if is_released(&lock.proposal, finalized) {
		return false;
	}
	let Some(status) = status else { return true };
	let own = status.proposal.as_ref() == Some(&lock.proposal);
	let enacted = own && status.forced && set > lock.set;
	let impossible = !own && status.rules_out_others;
	!enacted && !impossible
}

/// Action of a node that may have signed a vote before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
	/// Signs a new vote.
	Sign,
	/// Sends the vote that it has again.
	Resend,
	/// Signs nothing: its vote for another proposal still binds it.
	Locked,
}

/// Returns the action of a node on `proposal`. `kept` is the proposal that it has voted for, and
/// `finalized` the last block that it has finalized.
pub fn next<Hash: PartialEq>(kept: Option<&BlockId<Hash>>, proposal: &BlockId<Hash>, finalized: u32) -> Next {
	match kept {
		None => Next::Sign,
		Some(kept) if kept == proposal => Next::Resend,
		Some(kept) if is_released(kept, finalized) => Next::Sign,
		Some(_) => Next::Locked,
	}
}

/// Returns the finality base, from which the new authorities go on: the highest block that at least
/// one honest member is sure to have finalized, if at most `faults` of the voters are not honest.
///
/// A base that is too low does no harm, but a base that is not final does. `None` if there are no
/// more than `faults` votes.
pub fn base(mut bases: Vec<u32>, faults: u32) -> Option<u32> {
	bases.sort_unstable_by(|one, other| other.cmp(one));
	bases.get(faults as usize).copied()
}

#[cfg(test)]
mod tests {
	use super::*;

	fn block(number: u32, hash: u64) -> BlockId<u64> {
		BlockId { number, hash }
	}

	fn vote(proposal: BlockId<u64>, base: u32) -> Vote<u8, u64> {
		Vote { who: 1, proposal, base: block(base, 0) }
	}

	#[test]
	fn two_votes_conflict_unless_one_was_signed_when_finality_was_beyond_the_other() {
		let one = vote(block(100, 1), 90);
		assert!(one.conflicts_with(&vote(block(100, 2), 90)));
		assert!(one.conflicts_with(&vote(block(104, 2), 100)));
		assert!(vote(block(104, 2), 95).conflicts_with(&one));
		// A vote of the next stall.
		assert!(!one.conflicts_with(&vote(block(200, 3), 150)));
		assert!(!vote(block(200, 3), 101).conflicts_with(&one));
		// The same proposal: nothing is decided twice.
		assert!(!one.conflicts_with(&vote(block(100, 1), 80)));
		assert!(!one.conflicts_with(&Vote { who: 2, ..vote(block(100, 2), 90) }));
	}

	fn status(proposal: Option<u64>, forced: bool, rules_out_others: bool) -> Option<RecoveryStatus<u64>> {
		Some(RecoveryStatus {
			proposal: proposal.map(|hash| block(20, hash)),
			rules_out_others,
			forced,
			..Default::default()
		})
	}

	#[test]
	fn who_has_voted_is_bound_until_its_recovery_is_carried_out_or_cannot_be() {
		let lock = Lock { proposal: block(20, 1), set: 3 };
		let binds = |finalized, set, status: Option<RecoveryStatus<u64>>| {
			binds(&lock, finalized, set, status.as_ref())
		};
		assert!(binds(5, 3, None), "a status that cannot be queried releases no vote");
		let own = |forced| status(Some(1), forced, true);
		assert!(binds(5, 3, own(false)));
		// A forced change is not enacted yet; and another change of the set is not the recovery's.
		assert!(binds(5, 3, own(true)) && binds(5, 4, own(false)));
		assert!(!binds(5, 4, own(true)));
		let other = |rules_out| status(Some(2), true, rules_out);
		assert!(binds(5, 4, other(false)) && binds(5, 4, status(None, false, false)));
		assert!(!binds(5, 3, other(true)));
		assert!(binds(20, 3, own(false)) && !binds(21, 3, own(false)));
	}

	#[test]
	fn a_node_votes_again_only_when_finality_is_beyond_its_first_proposal() {
		let (mine, other) = (block(100, 1), block(104, 2));
		assert_eq!(next(None, &mine, 0), Next::Sign);
		assert_eq!(next(Some(&mine), &mine, 0), Next::Resend);
		assert_eq!(next(Some(&mine), &other, 100), Next::Locked);
		assert_eq!(next(Some(&mine), &other, 101), Next::Sign);
	}

	/// No two votes of an honest node conflict, in whatever order it sees proposals while finality
	/// advances.
	#[test]
	fn honest_votes_never_conflict() {
		let proposals = [block(10, 1), block(11, 2), block(15, 1), block(16, 2), block(20, 1), block(21, 2)];
		for pace in 0..40u32 {
			let mut kept: Option<Vote<u8, u64>> = None;
			let mut signed = alloc::vec::Vec::new();
			for (step, proposal) in (0..).zip(proposals) {
				let finalized = (9 + step * pace / 8).min(proposal.number - 1);
				let bound = kept.as_ref().map(|vote| vote.proposal);
				if next(bound.as_ref(), &proposal, finalized) == Next::Sign {
					let new = vote(proposal, finalized);
					signed.push(new.clone());
					kept = Some(new);
				}
			}
			for one in &signed {
				assert!(signed.iter().all(|other| one == other || !one.conflicts_with(other)));
			}
		}
	}

	#[test]
	fn the_base_is_what_an_honest_member_has_finalized() {
		assert_eq!(base(alloc::vec![5, 99, 7, 6], 1), Some(7));
		assert_eq!(base(alloc::vec![5, 7], 0), Some(7));
		assert_eq!(base(alloc::vec![5], 1), None);
	}
}
