//! What the node says by itself, and what it keeps to itself.

use super::*;

/// The node has seen a block finalized last, so many milliseconds ago.
fn seen(finalized: u64, ago: u64) {
	let mut header = Header::new(finalized, H256::zero(), H256::zero(), H256::zero(), Default::default());
	header.parent_hash = hash_of(finalized - 1);
	frame_system::BlockHash::<Runtime>::insert(finalized, header.hash());
	let view = FinalityView {
		at: 1_000_000,
		advanced: 1_000_000 - ago,
		finalized: finalized as u32,
		header: header.encode(),
		set: 3,
		prevoted: Vec::new(),
		silent: Vec::new(),
	};
	leave(FINALITY_VIEW, view);
}

fn sent(bytes: &[u8]) -> Call<Runtime> {
	let extrinsic = Extrinsic::decode(&mut &bytes[..]).expect("it is one of ours");
	let RuntimeCall::Recovery(call) = extrinsic.function else { panic!("of another pallet") };
	call
}

/// What the node's worker sends in this block.
fn said(pool: &Pool, number: u64) -> Vec<Call<Runtime>> {
	Recovery::offchain_worker(number);
	core::mem::take(&mut pool.write().transactions).iter().map(|bytes| sent(bytes)).collect()
}

fn voted(calls: Vec<Call<Runtime>>) -> SignedVote<Runtime> {
	let [Call::vote { signed }] = &calls[..] else { panic!("no vote: {calls:?}") };
	signed.clone()
}

fn leave(key: &[u8], value: impl Encode) {
	sp_io::offchain::local_storage_set(StorageKind::PERSISTENT, key, &value.encode());
}

fn lock() -> Option<Lock<H256>> {
	let kept = sp_io::offchain::local_storage_get(StorageKind::PERSISTENT, LOCK)?;
	Some(Lock::decode(&mut &kept[..]).expect("it is one"))
}

#[test]
fn a_node_says_that_it_is_there_when_it_sees_for_itself_that_finality_stands_still() {
	on_node(&[11, 17], |pool| {
		degrade();
		let number = System::block_number();
		assert_eq!(said(pool, number), [], "it has not seen anything finalized");
		seen(18, 29_000);
		assert_eq!(said(pool, number), [], "it sees finality go on");
		seen(18, 30_000);
		let [Call::present { signed }] = &said(pool, number)[..] else { panic!("17 is no member") };
		assert_eq!(authorize(Call::present { signed: signed.clone() }), Ok(()));
		assert_eq!(said(pool, number + 1), []);
		// Nobody heard it.
		let [Call::present { signed: again }] = &said(pool, number + 2)[..] else { panic!("silent") };
		assert_eq!(again.statement, signed.statement);
		assert_eq!(lock(), None, "it binds to nothing");
	});
}

#[test]
fn a_node_votes_for_one_proposal_and_keeps_to_it() {
	on_node(&[11], |pool| {
		degrade();
		seen(18, 30_000);
		propose(&[11, 12, 15, 16]);
		let number = System::block_number();
		// It is kept first, and sent by the next block's worker.
		assert_eq!(said(pool, number), []);
		assert_eq!(lock(), Some(Lock { proposal: proposal(), set: 3 }));
		let first = voted(said(pool, number + 1));
		assert_eq!(authorize(Call::vote { signed: first.clone() }), Ok(()));
		assert_eq!(first.statement.base.number, 18);
		// Nobody heard it: the same again.
		assert_eq!(voted(said(pool, number + 3)), first);

		// Another fork has another proposal. It is not voted for, however often it asks.
		let other = BlockId { hash: H256::repeat_byte(7), ..proposal() };
		Status::<Runtime>::mutate(|state| state.proposal = Some(other));
		assert!((10..20).all(|later| said(pool, number + later).is_empty()));
		assert_eq!(lock().map(|lock| lock.proposal), Some(first.statement.proposal));

		// Finality is beyond the first one: of the next stall it may vote.
		let past = first.statement.proposal.number + 5;
		seen(past.into(), 60_000);
		let next = BlockId { number: past + 20, hash: H256::repeat_byte(8) };
		System::set_block_number(u64::from(next.number) + 2);
		Status::<Runtime>::mutate(|state| state.proposal = Some(next));
		assert_eq!(said(pool, number + 30), [], "the chain does not know of that yet");
		Status::<Runtime>::mutate(|state| state.view.finalized = past);
		assert_eq!(said(pool, number + 40), []);
		let second = voted(said(pool, number + 41));
		assert_eq!(second.statement.proposal, next);
		assert!(!first.statement.conflicts_with(&second.statement));
		assert_eq!(lock().map(|lock| lock.proposal), Some(next));
	});
}

#[test]
fn a_node_whose_vote_was_taken_back_votes_for_that_proposal_no_more_and_for_no_other_meanwhile() {
	on_node(&[11], |pool| {
		degrade();
		seen(18, 30_000);
		propose(&[11, 12, 15, 16]);
		let (number, first) = (System::block_number(), proposal());
		assert_eq!(said(pool, number), []);
		// As the command does it, while the node stands still.
		sp_io::offchain::local_storage_clear(StorageKind::PERSISTENT, LOCK);
		leave(RELEASED, first);
		assert!((1..10).all(|later| said(pool, number + later).is_empty()));
		assert_eq!(lock(), None, "it may help to finalize");
		// Its vote may be out: one for another proposal would conflict with it.
		let other = BlockId { hash: H256::repeat_byte(7), ..first };
		Status::<Runtime>::mutate(|state| state.proposal = Some(other));
		assert!((10..20).all(|later| said(pool, number + later).is_empty()));
		assert_eq!(lock(), None);
	});
}

#[test]
fn a_node_votes_for_nothing_that_does_not_build_on_what_it_has_prevoted_for() {
	on_node(&[11], |pool| {
		degrade();
		seen(18, 30_000);
		propose(&[11, 12, 15, 16]);
		let number = System::block_number();
		let on_another_branch = BlockId { number: 20, hash: H256::repeat_byte(7) };
		let beyond = BlockId { number: number as u32, hash: hash_of(number) };
		for prevoted in [on_another_branch, beyond] {
			leave(PREVOTED, prevoted);
			assert_eq!(said(pool, number), []);
			assert_eq!(lock(), None, "what was not voted for does not bind");
		}
		leave(PREVOTED, 7u8);
		assert_eq!(said(pool, number), [], "it cannot be read");
		leave(PREVOTED, BlockId { number: 20, hash: hash_of(20) });
		assert_eq!(
			(said(pool, number), voted(said(pool, number + 1)).statement.proposal),
			(vec![], proposal())
		);
	});
}

#[test]
fn a_stall_longer_than_the_chain_remembers_hashes_ends_all_the_same() {
	on_node(&[11], |pool| {
		degrade();
		let prevoted = BlockId { number: 25, hash: hash_of(25) };
		leave(PREVOTED, prevoted);
		while System::block_number() < 100 {
			standing(1, 18);
			frame_system::BlockHash::<Runtime>::remove(System::block_number().saturating_sub(50));
		}
		propose(&[11, 12, 15, 16]);
		let number = System::block_number();
		seen(18, 30_000);
		assert_eq!((said(pool, number), said(pool, number + 1)), (vec![], vec![]), "it cannot know");
		let best = BlockId { number: number as u32 - 1, hash: hash_of(number - 1) };
		let mut view = FinalityView::read().expect("it is there");
		view.prevoted = (BlockId { number: 24, ..prevoted }, best).encode();
		leave(FINALITY_VIEW, &view);
		assert_eq!((said(pool, number), said(pool, number + 1)), (vec![], vec![]), "of an earlier prevote");
		view.prevoted = (prevoted, best).encode();
		leave(FINALITY_VIEW, &view);
		assert_eq!(said(pool, number), []);
		voted(said(pool, number + 1));
	});
}
