//! Rejections of attestations, votes and reports.

use super::*;

#[test]
fn why_words_are_turned_away() {
	build_and_execute(|| {
		let nowhere = BlockId { number: 1, hash: hash_of(1) };
		healthy(20);
		unheard(there(11, nowhere), rejection::NOT_DEGRADED);
		degrade();
		unheard(there(11, nowhere), rejection::WRONG_BLOCK);
		unheard(there(11, BlockId { hash: H256::repeat_byte(9), ..anchor() }), rejection::WRONG_BLOCK);
		unheard(there(17, anchor()), rejection::NOT_A_MEMBER);
		let by_another = Signed { signature: there(12, anchor()).signature, ..there(11, anchor()) };
		unheard(by_another, rejection::BAD_SIGNATURE);
		// The signature of a vote is not valid for a presence attestation.
		let posing = Signed { signature: signed(11, anchor(), 18).signature, ..there(11, anchor()) };
		unheard(posing, rejection::BAD_SIGNATURE);
		gather(&[11]);
		unheard(there(11, anchor()), rejection::ALREADY_SUBMITTED);
		assert_noop!(
			Recovery::attest_presence(authorized(), there(11, anchor())),
			Error::<Runtime>::AlreadySubmitted
		);
		propose(&[12, 15, 16]);
		unheard(there(13, anchor()), rejection::TOO_LATE);
		assert_noop!(
			Recovery::attest_presence(authorized(), there(13, anchor())),
			Error::<Runtime>::NotDegraded
		);
	});
}

#[test]
fn why_votes_are_turned_away() {
	build_and_execute(|| {
		let nowhere = BlockId { number: 1, hash: hash_of(1) };
		healthy(20);
		refused(signed(11, nowhere, 18), rejection::NOT_DEGRADED);
		degrade();
		refused(signed(11, anchor(), 18), rejection::WRONG_BLOCK);
		gather(&[11, 12, 15, 16]);
		while Recovery::status().proposal.is_none() {
			standing(1, 18);
		}
		early(signed(11, proposal(), 18));
		standing(1, 18);
		refused(signed(11, nowhere, 18), rejection::WRONG_BLOCK);
		let elsewhere = BlockId { hash: H256::repeat_byte(9), ..proposal() };
		refused(signed(11, elsewhere, 18), rejection::WRONG_BLOCK);
		refused(signed(17, proposal(), 18), rejection::NOT_A_MEMBER);
		// The chain does not know that this block is final.
		let beyond = u64::from(Recovery::status().finalized) + 1;
		refused(signed(11, proposal(), beyond), rejection::WRONG_BASE);
		let unknown =
			Vote { base: BlockId { number: 18, hash: H256::zero() }, ..signed(11, proposal(), 18).statement };
		refused(Signed { signature: sign(11, &unknown), statement: unknown }, rejection::WRONG_BASE);
		let by_another =
			Signed { signature: signed(12, proposal(), 18).signature, ..signed(11, proposal(), 18) };
		refused(by_another, rejection::BAD_SIGNATURE);
		vote(11);
		refused(signed(11, proposal(), 18), rejection::ALREADY_SUBMITTED);
		// The vote was authorized, but comes too late.
		let again = Recovery::vote(authorized(), signed(11, proposal(), 18));
		assert_noop!(again, Error::<Runtime>::AlreadySubmitted);
		let late = signed(12, proposal(), 18);
		healthy(10);
		assert_noop!(Recovery::vote(authorized(), late), Error::<Runtime>::NotDegraded);
	});
}

#[test]
fn who_has_no_key_cannot_say_anything() {
	build_and_execute(|| {
		seat(&[11, 12, 13, 20], &[15, 16]);
		degrade();
		let statement = Presence { who: 20, anchor: anchor(), round: 0 };
		unheard(Signed { statement, ..there(11, anchor()) }, rejection::NO_KEY);
	});
}

#[test]
fn in_a_signed_or_unsigned_transaction_members_say_nothing() {
	build_and_execute(|| {
		degrade();
		propose(&[11, 12, 15, 16]);
		for origin in [RuntimeOrigin::signed(11), RuntimeOrigin::none(), RuntimeOrigin::root()] {
			let vote = Recovery::vote(origin.clone(), signed(11, proposal(), 18));
			assert_noop!(vote, DispatchError::BadOrigin);
			assert_noop!(Recovery::attest_presence(origin, there(13, anchor())), DispatchError::BadOrigin);
		}
	});
}

#[test]
fn the_payloads_are_pinned() {
	let block = |number, byte| BlockId { number, hash: H256::repeat_byte(byte) };
	let genesis = H256::repeat_byte(6);
	let vote = Vote { who: 1u64, proposal: block(2, 3), base: block(4, 5) };
	let bytes = [2u32.encode(), vec![3; 32], 4u32.encode(), vec![5; 32]].concat();
	let prefix = |domain: &[u8]| [domain.to_vec(), vec![6; 32], 1u64.encode()].concat();
	assert_eq!(vote.payload(&genesis), [prefix(b"understudy/recovery/vote/1"), bytes.clone()].concat());
	let presence = Presence { who: 1u64, anchor: block(2, 3), round: 7 };
	let with = |number: u32| [bytes[..36].to_vec(), number.encode()].concat();
	assert_eq!(presence.payload(&genesis), [prefix(b"understudy/recovery/present/2"), with(7)].concat());
	let report = FinalityReport { who: 1u64, finalized: block(2, 3), since: 9 };
	assert_eq!(report.payload(&genesis), [prefix(b"understudy/recovery/final/1"), with(9)].concat());
}

#[test]
fn the_author_says_once_a_block_what_is_final_and_nothing_of_the_future() {
	build_and_execute(|| {
		healthy(3);
		assert_noop!(Recovery::note_finality(RuntimeOrigin::none(), 1), Error::<Runtime>::DuplicateReport);
		assert_noop!(Recovery::note_finality(RuntimeOrigin::signed(1), 1), DispatchError::BadOrigin);
		standing(20, u64::MAX);
		assert!(Recovery::status().finalized < System::block_number() as u32);
		let mut data = sp_inherents::InherentData::new();
		assert!(Pallet::<Runtime>::create_inherent(&data).is_none());
		data.put_data(inherent::IDENTIFIER, &7u32).expect("it is new");
		let call = Pallet::<Runtime>::create_inherent(&data).expect("the node provides the number");
		assert_eq!(call, Call::note_finality { finalized: 7 });
		assert!(Pallet::<Runtime>::is_inherent(&call));
		assert!(!Pallet::<Runtime>::is_inherent(&Call::veto {}));
	});
}
