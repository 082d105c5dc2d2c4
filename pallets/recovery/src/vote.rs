//! Recovery votes: what a member signs, when its node may sign another one, and which two votes are a fault. Pure functions.
//!
//! A vote names the anchor, the block in which the voter's branch noticed that finality stands still. Branches that had parted by
//! then notice it in a block of their own each, so a vote counts on one of them only. A node signs one vote, keeps it before it is sent, and signs another
//! one only when the anchor of the first is final for it: then its first vote was for the only branch that there is.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use understudy_primitives::{statement::Statement, BlockId};

/// A member wants the chain to recover, from the branch with this anchor.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Vote<AccountId, Hash> {
	/// The member.
	pub who: AccountId,
	/// The block in which its branch noticed that finality stands still.
	pub anchor: BlockId<Hash>,
	/// The last block that its node has seen finalized.
	pub base: BlockId<Hash>,
}

impl<AccountId: Encode, Hash: Encode> Statement for Vote<AccountId, Hash> {
	const DOMAIN: &'static [u8] = b"understudy/recovery/1";
}

impl<AccountId: PartialEq, Hash: PartialEq> Vote<AccountId, Hash> {
	/// Whether no honest node signs both. One of two honest votes for different anchors was signed when the other one's anchor
	/// was final, and says so by its base.
	pub fn conflicts_with(&self, other: &Self) -> bool {
		let after = |later: &Self, earlier: &Self| later.base.number >= earlier.anchor.number;
		self.who == other.who && self.anchor != other.anchor && !after(self, other) && !after(other, self)
	}
}

/// What a node does with the vote that it has signed before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
	/// It signs a new one.
	Sign,
	/// It sends the one that it has again.
	Resend,
	/// It signs nothing: its vote is for another branch, of which it does not know that it is final.
	Locked,
}

/// What a node may do about `anchor`, with the anchor of the vote that it keeps. `is_final` says whether a block is final for the
/// node.
pub fn next<Hash: PartialEq>(
	kept: Option<&BlockId<Hash>>,
	anchor: &BlockId<Hash>,
	is_final: impl FnOnce(&BlockId<Hash>) -> bool,
) -> Next {
	match kept {
		None => Next::Sign,
		Some(kept) if kept == anchor => Next::Resend,
		Some(kept) if is_final(kept) => Next::Sign,
		Some(_) => Next::Locked,
	}
}

/// The block that the new authorities build finality on: the highest that at least one honest member has finalized, where at most
/// `faults` of those who voted are not. Too low a base does no harm, a block that is not final does.
pub fn base(mut bases: alloc::vec::Vec<u32>, faults: u32) -> Option<u32> {
	bases.sort_unstable_by(|one, other| other.cmp(one));
	bases.get(faults as usize).copied()
}

#[cfg(test)]
mod tests {
	use super::*;

	fn block(number: u32, hash: u64) -> BlockId<u64> {
		BlockId { number, hash }
	}

	fn vote(anchor: BlockId<u64>, base: u32) -> Vote<u8, u64> {
		Vote { who: 1, anchor, base: block(base, 0) }
	}

	#[test]
	fn two_votes_conflict_unless_one_was_signed_when_the_others_anchor_was_final() {
		let one = vote(block(100, 1), 90);
		assert!(one.conflicts_with(&vote(block(100, 2), 90)));
		assert!(one.conflicts_with(&vote(block(104, 2), 95)));
		assert!(vote(block(104, 2), 95).conflicts_with(&one));
		// Of the next stall on the same chain.
		assert!(!one.conflicts_with(&vote(block(200, 3), 150)));
		assert!(!vote(block(200, 3), 100).conflicts_with(&one));
		// The same anchor: nothing is decided twice.
		assert!(!one.conflicts_with(&vote(block(100, 1), 80)));
		assert!(!one.conflicts_with(&Vote { who: 2, ..vote(block(100, 2), 90) }));
	}

	#[test]
	fn a_node_signs_again_only_when_its_first_anchor_is_final() {
		let (mine, other) = (block(100, 1), block(104, 2));
		assert_eq!(next(None, &mine, |_| false), Next::Sign);
		assert_eq!(next(Some(&mine), &mine, |_| false), Next::Resend);
		assert_eq!(next(Some(&mine), &other, |_| false), Next::Locked);
		assert_eq!(next(Some(&mine), &other, |kept| *kept == mine), Next::Sign);
	}

	/// Whatever an honest node signs, in whatever order it sees blocks become final, no two of its votes conflict.
	#[test]
	fn honest_votes_never_conflict() {
		// Blocks of two branches that part after block 9; the first one becomes final at some point, or the other.
		for final_branch in [1, 2] {
			for final_after in 0..6 {
				let anchors =
					[block(10, 1), block(11, 2), block(15, 1), block(16, 2), block(20, 1), block(21, 2)];
				let mut kept: Option<Vote<u8, u64>> = None;
				let mut signed = alloc::vec::Vec::new();
				for (step, anchor) in anchors.into_iter().enumerate() {
					let finalized = if step >= final_after { anchor.number - 1 } else { 9 };
					let is_final = |block: &BlockId<u64>| {
						step >= final_after && block.hash == final_branch && block.number <= finalized
					};
					let kept_anchor = kept.as_ref().map(|vote| vote.anchor);
					if next(kept_anchor.as_ref(), &anchor, is_final) == Next::Sign {
						let new = vote(anchor, finalized);
						signed.push(new.clone());
						kept = Some(new);
					}
				}
				for one in &signed {
					assert!(signed.iter().all(|other| one == other || !one.conflicts_with(other)));
				}
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
