//! Statements that the node submits by itself, and cases in which it submits none.

use understudy_primitives::Moment;

use super::*;

/// Sets the node's finality view: this block was finalized last, this many milliseconds ago.
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
		authors: 0,
		idle: Vec::new(),
	};
	leave(FINALITY_VIEW, view);
}

fn sent(bytes: &[u8]) -> Call<Runtime> {
	let extrinsic = Extrinsic::decode(&mut &bytes[..]).expect("it is an extrinsic of the mock");
	let RuntimeCall::Recovery(call) = extrinsic.function else { panic!("call of another pallet") };
	call
}

/// Returns the calls that the node's worker submits in this block.
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
	Some(Lock::decode(&mut &kept[..]).expect("it is a lock"))
}

/// Brings a chain into a stall that the member's node sees, too, with a proposed set.
fn vote_is_due() {
	degrade();
	seen(18, 30_000);
	propose(&[11, 12, 15, 16]);
}

#[test]
fn a_node_says_that_it_is_there_when_it_sees_for_itself_that_finality_stands_still() {
	on_node(&[11, 17], |pool| {
		degrade();
		let number = System::block_number();
		assert_eq!(said(pool, number), [], "the node has seen no final block");
		seen(18, 29_000);
		assert_eq!(said(pool, number), [], "the node sees finality advance");
		seen(18, 30_000);
		let [Call::attest_presence { signed }] = &said(pool, number)[..] else { panic!("17 is no member") };
		assert_eq!(authorize(Call::attest_presence { signed: signed.clone() }), Ok(()));
		assert_eq!(said(pool, number + 1), []);
		// The attestation has not reached the chain.
		let [Call::attest_presence { signed: again }] = &said(pool, number + 2)[..] else { panic!("silent") };
		assert_eq!(again.statement, signed.statement);
		assert_eq!(lock(), None, "an attestation does not bind");
	});
}

#[test]
fn a_node_votes_for_one_proposal_and_keeps_to_it() {
	on_node(&[11], |pool| {
		vote_is_due();
		let number = System::block_number();
		// The vote is stored first, and sent by the next block's worker.
		assert_eq!(said(pool, number), []);
		assert_eq!(lock(), Some(Lock { proposal: proposal(), set: 3 }));
		let first = voted(said(pool, number + 1));
		assert_eq!(authorize(Call::vote { signed: first.clone() }), Ok(()));
		assert_eq!(first.statement.base.number, 18);
		// The vote has not reached the chain: it is sent again.
		assert_eq!(voted(said(pool, number + 3)).statement, first.statement);

		// Another fork has another proposal. The node never votes for it, however often it runs.
		let other = BlockId { hash: H256::repeat_byte(7), ..proposal() };
		Status::<Runtime>::mutate(|state| state.proposal = Some(other));
		assert!((10..20).all(|later| said(pool, number + later).is_empty()));
		assert_eq!(lock().map(|lock| lock.proposal), Some(first.statement.proposal));

		// Finality has passed the first proposal: the node may vote in the next stall.
		let past = first.statement.proposal.number + 5;
		seen(past.into(), 60_000);
		let next = BlockId { number: past + 20, hash: H256::repeat_byte(8) };
		System::set_block_number(u64::from(next.number) + 2);
		Status::<Runtime>::mutate(|state| state.proposal = Some(next));
		let [Call::report_finality { .. }] = &said(pool, number + 30)[..] else {
			panic!("no report, although the chain lacks that finality")
		};
		Status::<Runtime>::mutate(|state| {
			let now = Moment { block: next.number, time: u64::from(next.number) * 3_000 };
			(state.view.finalized, state.view.since) = (past, now);
		});
		let ballots = |number| {
			let is_report = |call: &Call<Runtime>| matches!(call, Call::report_finality { .. });
			said(pool, number).into_iter().filter(|call| !is_report(call)).collect::<Vec<_>>()
		};
		assert_eq!(ballots(number + 40), []);
		let second = voted(ballots(number + 41));
		assert_eq!(second.statement.proposal, next);
		assert!(!first.statement.conflicts_with(&second.statement));
		assert_eq!(lock().map(|lock| lock.proposal), Some(next));
	});
}

#[test]
fn a_node_whose_vote_was_taken_back_votes_for_that_proposal_no_more_and_for_no_other_meanwhile() {
	on_node(&[11], |pool| {
		vote_is_due();
		let (number, first) = (System::block_number(), proposal());
		assert_eq!(said(pool, number), []);
		// As the command does it, while the node is stopped.
		sp_io::offchain::local_storage_clear(StorageKind::PERSISTENT, LOCK);
		leave(RELEASED, first);
		assert!((1..10).all(|later| said(pool, number + later).is_empty()));
		assert_eq!(lock(), None, "the node may finalize again");
		// The vote may have been sent: one for another proposal would conflict with it.
		let other = BlockId { hash: H256::repeat_byte(7), ..first };
		Status::<Runtime>::mutate(|state| state.proposal = Some(other));
		assert!((10..20).all(|later| said(pool, number + later).is_empty()));
		assert_eq!(lock(), None);
		// Another vote is taken back, too: the first one stays taken back. The first release kept
		// only one.
		leave(RELEASED, other);
		leave(ALL_RELEASED, vec![first, other]);
		Status::<Runtime>::mutate(|state| state.proposal = Some(first));
		assert!((20..30).all(|later| said(pool, number + later).is_empty()));
		leave(ALL_RELEASED, vec![other]);
		voted(said(pool, number + 31));
		// An entry that cannot be read might name it.
		leave(RELEASED, 7u8);
		assert!((32..40).all(|later| said(pool, number + later).is_empty()));
	});
}

/// The lock could not be stored, or was lost: the node may have prevoted for another block since.
#[test]
fn a_vote_is_sent_again_only_by_a_node_that_is_bound_by_it() {
	on_node(&[11], |pool| {
		vote_is_due();
		let number = System::block_number();
		assert_eq!(said(pool, number), []);
		sp_io::offchain::local_storage_clear(StorageKind::PERSISTENT, LOCK);
		leave(PREVOTED, BlockId { number: 20, hash: H256::repeat_byte(7) });
		assert_eq!(said(pool, number + 2), []);
		// The vote was signed and may have been sent.
		let bound = Some(Lock { proposal: proposal(), set: 3 });
		assert_eq!(lock(), bound);
		sp_io::offchain::local_storage_clear(StorageKind::PERSISTENT, LOCK);
		leave(PREVOTED, BlockId { number: 20, hash: hash_of(20) });
		assert_eq!(voted(said(pool, number + 8)).statement.proposal, proposal());
		assert_eq!(lock(), bound);
		// A lock of an earlier stall from a backup no longer binds: the node is bound again.
		leave(LOCK, Lock { proposal: BlockId { number: 9, hash: hash_of(9) }, set: 1 });
		voted(said(pool, number + 12));
		assert_eq!(lock(), bound);
		// A lock that may bind, and one that cannot be read, are not replaced.
		let other = Lock { proposal: BlockId { number: 19, hash: H256::repeat_byte(7) }, set: 3 };
		leave(LOCK, other);
		assert!((13..19).all(|later| said(pool, number + later).is_empty()));
		assert_eq!(lock(), Some(other));
		sp_io::offchain::local_storage_set(StorageKind::PERSISTENT, LOCK, &[]);
		assert!((19..25).all(|later| said(pool, number + later).is_empty()));
	});
}

#[test]
fn what_is_sent_again_is_signed_anew() {
	on_node(&[11], |pool| {
		vote_is_due();
		let number = System::block_number();
		assert_eq!(said(pool, number), []);
		let first = voted(said(pool, number + 1));
		let second = voted(said(pool, number + 3));
		// Pools ban the bytes of refused transactions.
		assert_eq!(second.statement, first.statement);
		assert_ne!(second.signature, first.signature);
		assert_eq!(authorize(Call::vote { signed: second }), Ok(()));
	});
}

#[test]
fn a_node_that_lags_takes_early_statements_into_its_pool() {
	build_and_execute(|| {
		degrade();
		let ahead = BlockId { number: System::block_number() as u32 + 1, hash: H256::repeat_byte(7) };
		assert_eq!(pooled(Call::attest_presence { signed: there(11, ahead) }), Ok(()));
		assert_eq!(pooled(Call::vote { signed: signed(11, ahead, 18) }), Ok(()));
		// One statement per member and height, however many blocks the member makes up.
		let tags = |call: Call<Runtime>| {
			let authorized = call.authorize(TransactionSource::External).expect("it authorizes itself");
			authorized.expect("it is early").0.provides
		};
		let made_up = BlockId { hash: H256::repeat_byte(8), ..ahead };
		for (one, other) in [
			(
				Call::attest_presence { signed: there(11, ahead) },
				Call::attest_presence { signed: there(11, made_up) },
			),
			(Call::vote { signed: signed(11, ahead, 18) }, Call::vote { signed: signed(11, made_up, 18) }),
		] {
			assert_eq!(tags(one), tags(other));
		}
		refused(signed(11, ahead, 18), rejection::WRONG_BLOCK);
		gather(&[11, 12, 15, 16]);
		while Recovery::status().proposal.is_none() {
			standing(1, 18);
		}
		// The vote is two blocks too early.
		assert_eq!(pooled(Call::vote { signed: signed(11, proposal(), 18) }), Ok(()));
		early(signed(11, proposal(), 18));
		// It must still be signed by a member, and must not be far in the future.
		let turned_away = |signed, code| {
			let refused = pooled(Call::vote { signed });
			assert_eq!(refused, Err(InvalidTransaction::Custom(code).into()));
		};
		let forged = Signed { signature: signed(12, ahead, 18).signature, ..signed(11, ahead, 18) };
		turned_away(signed(17, ahead, 18), rejection::WRONG_BLOCK);
		let ahead = BlockId { number: System::block_number() as u32 + 1, ..ahead };
		turned_away(
			Signed { statement: signed(11, ahead, 18).statement, ..forged },
			rejection::BAD_SIGNATURE,
		);
		turned_away(signed(17, ahead, 18), rejection::WRONG_BLOCK);
		turned_away(signed(11, BlockId { number: 1_000, ..ahead }, 18), rejection::WRONG_BLOCK);
	});
}

#[test]
fn a_node_that_lost_its_database_learns_from_the_chain_that_it_is_bound() {
	on_node(&[11], |pool| {
		degrade();
		propose(&[11, 12, 15, 16]);
		// The vote is on the chain, and the database has neither the vote nor the lock.
		vote(11);
		assert_eq!(lock(), None);
		seen(18, 30_000);
		assert_eq!(said(pool, System::block_number()), []);
		assert_eq!(lock(), Some(Lock { proposal: proposal(), set: 3 }));
		// A backup has the lock of an earlier stall, which no longer binds.
		let earlier = BlockId { number: 9, hash: hash_of(9) };
		leave(LOCK, Lock { proposal: earlier, set: 1 });
		assert_eq!(said(pool, System::block_number()), []);
		assert_eq!(lock(), Some(Lock { proposal: proposal(), set: 3 }));
		// A lock that may still bind is not replaced.
		let unfinished = Lock { proposal: BlockId { number: 19, hash: H256::repeat_byte(7) }, set: 3 };
		leave(LOCK, unfinished);
		assert_eq!(said(pool, System::block_number()), []);
		assert_eq!(lock(), Some(unfinished));
		// The node is not bound if the operator has taken the vote back.
		sp_io::offchain::local_storage_clear(StorageKind::PERSISTENT, LOCK);
		leave(RELEASED, proposal());
		assert_eq!((said(pool, System::block_number()), lock()), (vec![], None));
		assert_eq!(Recovery::bound(), Some((proposal(), vec![understudy_test_support::key(11)])));
	});
}

#[test]
fn a_node_states_nothing_on_a_branch_without_its_last_final_block() {
	on_node(&[11], |pool| {
		degrade();
		seen(18, 30_000);
		let here = frame_system::BlockHash::<Runtime>::get(18);
		frame_system::BlockHash::<Runtime>::insert(18, H256::repeat_byte(9));
		assert_eq!(said(pool, System::block_number()), []);
		frame_system::BlockHash::<Runtime>::insert(18, here);
		assert_eq!(said(pool, System::block_number()).len(), 1);
	});
}

#[test]
fn a_node_that_has_finalized_past_the_stall_reports_that_instead() {
	on_node(&[11, 12], |pool| {
		degrade();
		standing(5, 18);
		let beyond = u64::from(anchor().number) + 2;
		seen(beyond, 30_000);
		let calls = said(pool, System::block_number());
		assert_eq!(calls.len(), 2);
		// The first report raises the view. The second one was signed before that, and still
		// counts.
		for call in calls {
			let Call::report_finality { signed } = call else { panic!("the node sees a stall: {call:?}") };
			assert_eq!(u64::from(signed.statement.finalized.number), beyond);
			assert_eq!(authorize(Call::report_finality { signed: signed.clone() }), Ok(()));
			assert_ok!(Recovery::report_finality(authorized(), signed));
		}
		standing(1, 18);
		assert_eq!(mode(), Mode::SafeResumed);
	});
}

#[test]
fn where_the_view_rises_nodes_report_nothing() {
	on_node(&[11], |pool| {
		for _ in 0..40 {
			healthy(1);
			let number = System::block_number();
			seen(number.saturating_sub(2).max(1), 3_000);
			assert_eq!(said(pool, number), []);
		}
	});
}

#[test]
fn a_node_votes_for_nothing_that_does_not_build_on_what_it_has_prevoted_for() {
	on_node(&[11], |pool| {
		vote_is_due();
		let number = System::block_number();
		let on_another_branch = BlockId { number: 20, hash: H256::repeat_byte(7) };
		let beyond = BlockId { number: number as u32, hash: hash_of(number) };
		for prevoted in [on_another_branch, beyond] {
			leave(PREVOTED, prevoted);
			assert_eq!(said(pool, number), []);
			assert_eq!(lock(), None, "a proposal without a vote does not bind");
		}
		leave(PREVOTED, 7u8);
		assert_eq!(said(pool, number), [], "the prevote cannot be read");
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
		// Not right before the next round, which would drop the attestations.
		while System::block_number() < 103 {
			standing(1, 18);
			frame_system::BlockHash::<Runtime>::remove(System::block_number().saturating_sub(50));
		}
		propose(&[11, 12, 15, 16]);
		let number = System::block_number();
		seen(18, 30_000);
		assert_eq!((said(pool, number), said(pool, number + 1)), (vec![], vec![]), "the branch is unknown");
		let best = BlockId { number: number as u32 - 1, hash: hash_of(number - 1) };
		let mut view = FinalityView::read().expect("the view is stored");
		view.prevoted = (BlockId { number: 24, ..prevoted }, best).encode();
		leave(FINALITY_VIEW, &view);
		assert_eq!((said(pool, number), said(pool, number + 1)), (vec![], vec![]), "for an earlier prevote");
		view.prevoted = (prevoted, best).encode();
		leave(FINALITY_VIEW, &view);
		assert_eq!(said(pool, number), []);
		voted(said(pool, number + 1));
	});
}
