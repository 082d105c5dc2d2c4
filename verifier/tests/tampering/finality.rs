//! Justifications and scheduled hand-offs.

use super::*;

/// Returns a bundle whose head has the justification that `justify` makes.
fn with_head(forge: &Forge, justify: impl Fn(&Header) -> Justified) -> Bundle {
	let bundle = forge.bundle(Some(1), &[], public);
	Bundle { head: justify(&forge.head()), ..bundle }
}

#[test]
fn finality_takes_the_votes_of_more_than_two_thirds_for_this_very_block() {
	let (forge, trusted) = usual();
	let at = |header: &Header| (header.hash(), header.number);
	let votes = |seeds: &[u8], set: u64, target| {
		seeds.iter().map(|seed| vote(*seed, set, target)).collect::<Vec<_>>()
	};
	let result =
		|bundle: &Bundle| check(bundle, &trusted, &any_age()).map(|_| ()).map_err(|error| error.fault);
	let head = |justify: &dyn Fn(&Header) -> Justified| result(&with_head(&forge, justify));

	assert_eq!(head(&|head| justified(head, votes(&[7, 2, 6], 3, at(head)), vec![])), Ok(()));
	assert_eq!(head(&|head| justified(head, votes(&[7, 2], 3, at(head)), vec![])), Err(Fault::TooFewVotes));
	assert_eq!(head(&|head| justified(head, vec![], vec![])), Err(Fault::TooFewVotes));
	assert_eq!(
		head(&|head| justified(head, votes(&[7, 2, 2, 2], 3, at(head)), vec![])),
		Err(Fault::DuplicateVoter)
	);
	assert_eq!(
		head(&|head| justified(head, votes(&[7, 2, 6, 6], 3, at(head)), vec![])),
		Err(Fault::DuplicateVoter)
	);
	assert_eq!(
		head(&|head| justified(head, votes(&[7, 2, 6, 1], 3, at(head)), vec![])),
		Err(Fault::UnknownVoter)
	);
	assert_eq!(
		head(&|head| justified(head, votes(&[7, 2, 6], 2, at(head)), vec![])),
		Err(Fault::BadSignature)
	);
	let elsewhere = (H256::repeat_byte(66), 500);
	assert_eq!(
		head(&|head| justified(head, votes(&[7, 2, 6], 3, elsewhere), vec![])),
		Err(Fault::VoteElsewhere)
	);

	// Votes for a descendant, with the headers in between.
	let child = |head: &Header| Header { parent_hash: head.hash(), number: head.number + 1, ..head.clone() };
	let beyond = |head: &Header| [votes(&[7, 2], 3, at(head)), votes(&[6], 3, at(&child(head)))].concat();
	assert_eq!(head(&|head| justified(head, beyond(head), vec![child(head)])), Ok(()));
	assert_eq!(head(&|head| justified(head, beyond(head), vec![])), Err(Fault::VoteElsewhere));
	let all = |head: &Header| votes(&[7, 2, 6], 3, at(head));
	assert_eq!(head(&|head| justified(head, all(head), vec![child(head)])), Err(Fault::UnusedHeader));
	assert_eq!(
		head(&|head| justified(head, beyond(head), vec![child(head), child(head)])),
		Err(Fault::UnusedHeader)
	);

	// An equivocator counts once: with votes for two descendants, or for the block and its parent.
	let sibling = |head: &Header| Header { state_root: H256::repeat_byte(5), ..child(head) };
	let twice =
		|head: &Header| [votes(&[6], 3, at(&child(head))), votes(&[6], 3, at(&sibling(head)))].concat();
	let with_two = |seeds: &[u8], head: &Header| {
		justified(head, [votes(seeds, 3, at(head)), twice(head)].concat(), vec![child(head), sibling(head)])
	};
	assert_eq!(head(&|head| with_two(&[7, 2], head)), Ok(()));
	assert_eq!(head(&|head| with_two(&[7], head)), Err(Fault::TooFewVotes));
	assert_eq!(head(&|head| with_two(&[7, 2, 6], head)), Err(Fault::DuplicateVoter));
	let parent = |head: &Header| (head.parent_hash, head.number - 1);
	let below = |seeds: &[u8], head: &Header| {
		let votes = [votes(seeds, 3, at(head)), votes(&[6], 3, parent(head))].concat();
		justified(head, votes, vec![head.clone()])
	};
	assert_eq!(head(&|head| below(&[7, 2, 6], head)), Ok(()));
	// A vote below the block that is not part of an equivocation is not a vote for the block.
	assert_eq!(head(&|head| below(&[7, 2], head)), Err(Fault::VoteElsewhere));

	// The votes of another block.
	let other = header(forge.number + 2, H256::zero(), vec![]);
	let swapped = |head: &Header| Justified {
		header: head.encode(),
		..justified(&other, votes(&[7, 2, 6], 3, at(&other)), vec![])
	};
	assert_eq!(head(&swapped), Err(Fault::WrongBlock));
	let garbage = |head: &Header| Justified { header: head.encode(), justification: vec![1, 2, 3] };
	assert_eq!(head(&garbage), Err(Fault::Malformed));
}

#[test]
fn hand_offs_are_announced_by_exactly_one_change_with_the_next_block() {
	let (forge, trusted) = usual();
	let with = |logs: Vec<DigestItem>| {
		let header = header(10, H256::zero(), logs);
		let votes = [1, 2, 3, 4].map(|seed| vote(seed, 0, (header.hash(), 10))).to_vec();
		let mut bundle = forge.bundle(Some(1), &[], public);
		bundle.hand_offs[0] = HandOff::Scheduled(justified(&header, votes, vec![]));
		refused(&bundle, &trusted)
	};
	let next = || forge::change(&[1, 2, 3, 5], 0);
	assert_eq!(with(vec![]), (Link::HandOff(0), Fault::NoChange));
	assert_eq!(with(vec![next(), next()]), (Link::HandOff(0), Fault::ManyChanges));
	assert_eq!(with(vec![forge::change(&[1], 5)]), (Link::HandOff(0), Fault::DelayedChange));
	assert_eq!(with(vec![forge::change(&[], 0)]), (Link::HandOff(0), Fault::BadSet));
	assert_eq!(with(vec![forge::change(&[1, 1], 0)]), (Link::HandOff(0), Fault::BadSet));
	let garbage = DigestItem::Consensus(sp_consensus_grandpa::GRANDPA_ENGINE_ID, vec![99]);
	assert_eq!(with(vec![garbage]), (Link::HandOff(0), Fault::Malformed));
	let change =
		sp_consensus_grandpa::ScheduledChange { next_authorities: forge::authorities(&[1]), delay: 0 };
	let forced = sp_consensus_grandpa::ConsensusLog::ForcedChange(5u32, change).encode();
	let forced = DigestItem::Consensus(sp_consensus_grandpa::GRANDPA_ENGINE_ID, forced);
	assert_eq!(with(vec![forced]), (Link::HandOff(0), Fault::ForcedChange));

	let mut left_out = forge.bundle(Some(1), &[], public);
	left_out.hand_offs.remove(1);
	assert_eq!(refused(&left_out, &trusted).0, Link::HandOff(1));
	let mut swapped = forge.bundle(Some(1), &[], public);
	swapped.hand_offs.swap(0, 1);
	assert_eq!(refused(&swapped, &trusted).0, Link::HandOff(0));
	let mut repeated = forge.bundle(Some(1), &[], public);
	repeated.hand_offs.insert(1, repeated.hand_offs[0].clone());
	assert_eq!(refused(&repeated, &trusted), (Link::HandOff(1), Fault::OutOfOrder));
}
