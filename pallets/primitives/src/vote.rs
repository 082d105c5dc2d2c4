//! What members say in a stall. Pure functions.
//!
//! First each says that it is there ([`Presence`]), which binds it to nothing. When enough are there, the chain fixes the set to be
//! seated, and then each votes for the very block in which it did, the proposal ([`Vote`]). That binds: a node keeps its vote before
//! it is sent, and votes for no other proposal as long as the first one could be carried out. Branches that part before the proposal have one each, and
//! a vote counts for one of them only; branches that part after it seat the same set.

use crate::{crypto::AuthoritySignature, offchain::Lock, statement::Statement, BlockId, RecoveryStatus};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// A member's node has finalized this block. Sent where the chain lacks it while its view of
/// finality does not rise.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct FinalityReport<AccountId, Hash> {
	/// The member.
	pub who: AccountId,
	/// The last block that its node has finalized.
	pub finalized: BlockId<Hash>,
	/// Number of the block in which the chain's view rose last, as the member's chain has it. Keeps
	/// an older report from being submitted again.
	pub since: u32,
}

impl<AccountId: Encode, Hash: Encode> Statement for FinalityReport<AccountId, Hash> {
	const DOMAIN: &'static [u8] = b"understudy/recovery/final/1";
}

/// A member is there, and sees that finality stands still.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Presence<AccountId, Hash> {
	/// The member.
	pub who: AccountId,
	/// The block in which its branch noticed that finality stands still.
	pub anchor: BlockId<Hash>,
	/// Number of times that those present were asked before, for this anchor. An attestation of an
	/// earlier round counts no more: its signer may be gone.
	pub round: u32,
}

impl<AccountId: Encode, Hash: Encode> Statement for Presence<AccountId, Hash> {
	const DOMAIN: &'static [u8] = b"understudy/recovery/present/2";
}

/// A member wants the chain to recover, with the set that this proposal seats.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Vote<AccountId, Hash> {
	/// The member.
	pub who: AccountId,
	/// The block in which the set was fixed.
	pub proposal: BlockId<Hash>,
	/// The last block that its node has seen finalized, as far as its branch knows of that.
	pub base: BlockId<Hash>,
}

impl<AccountId: Encode, Hash: Encode> Statement for Vote<AccountId, Hash> {
	const DOMAIN: &'static [u8] = b"understudy/recovery/vote/1";
}

/// What a member says, with its signature by the member's heartbeat key.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Signed<What> {
	/// What it says.
	pub statement: What,
	/// The signature.
	pub signature: AuthoritySignature,
}

/// What carried a recovery out.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct CarriedOut<AccountId, Hash> {
	/// The block that proposed the set.
	pub proposal: BlockId<Hash>,
	/// The votes for it.
	pub votes: Vec<Signed<Vote<AccountId, Hash>>>,
}

impl<AccountId: PartialEq, Hash: PartialEq> Vote<AccountId, Hash> {
	/// Whether no honest node signs both. One of two honest votes for different proposals was signed when finality was beyond the
	/// other one's, and says so by its base.
	pub fn conflicts_with(&self, other: &Self) -> bool {
		let after = |later: &Self, earlier: &Self| is_released(&earlier.proposal, later.base.number);
		self.who == other.who && self.proposal != other.proposal && !after(self, other) && !after(other, self)
	}
}

/// Whether a vote for this proposal binds no more, where finality has come to `finalized`. If a block that high is final, either
/// the proposal was carried out, or those who finalized it had not voted for it, and never will: then there are too few who can.
pub fn is_released<Hash>(proposal: &BlockId<Hash>, finalized: u32) -> bool {
	finalized > proposal.number
}

/// Whether what a node has voted for keeps it from helping to finalize anything, where finality has come to `finalized` for it, its
/// GRANDPA voter is in `set`, and this is what the best block says; none if it cannot be asked.
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

/// What a node does with the vote that it has signed before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
	/// It signs a new one.
	Sign,
	/// It sends the one that it has again.
	Resend,
	/// It signs nothing: its vote for another proposal still binds it.
	Locked,
}

/// What a node may do about `proposal`, with the one it has voted for, where finality has come to `finalized` for it.
pub fn next<Hash: PartialEq>(kept: Option<&BlockId<Hash>>, proposal: &BlockId<Hash>, finalized: u32) -> Next {
	match kept {
		None => Next::Sign,
		Some(kept) if kept == proposal => Next::Resend,
		Some(kept) if is_released(kept, finalized) => Next::Sign,
		Some(_) => Next::Locked,
	}
}

/// The block that the new authorities build finality on: the highest that at least one honest member has finalized, where at most
/// `faults` of those who voted are not. Too low a base does no harm, a block that is not final does.
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
		// Of the next stall.
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
		assert!(binds(5, 3, None), "what cannot be asked lets nobody go");
		let own = |forced| status(Some(1), forced, true);
		assert!(binds(5, 3, own(false)));
		// Forced is not enacted; and another change of the set is none of the recovery.
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

	/// Whatever an honest node signs, in whatever order it sees proposals while finality comes on, no two of its votes conflict.
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
