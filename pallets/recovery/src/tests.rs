//! The pallet as a chain sees it.

use codec::Decode;
use frame_support::{
	assert_noop, assert_ok,
	dispatch::Pays,
	inherent::ProvideInherent,
	pallet_prelude::TransactionSource,
	traits::{Authorize, Hooks},
};
use sp_core::{offchain::StorageKind, H256};
use sp_runtime::{
	traits::Header as _,
	transaction_validity::{InvalidTransaction, TransactionValidityError},
	DispatchError, Perbill,
};
use understudy_primitives::{
	offchain::{FinalityView, FINALITY_VIEW},
	Evidence,
	RecordKind::*,
	RecoveryControl,
};

use crate::{
	inherent, mock::*, rejection, BlockId, Call, Error, Event, Mode, Pallet, Rules, Signed, Status, Vote,
	Votes,
};

fn mode() -> Mode {
	Recovery::status().mode
}

fn anchor() -> BlockId<H256> {
	Recovery::status().anchor.expect("there is one")
}

/// A chain that was healthy until block 20, on which finality stands still at #18, and whose members may vote.
fn degrade() {
	healthy(20);
	while mode() == Mode::Safe {
		block(18);
	}
	standing(3, 18);
}

fn authorize(signed: Signed<u64, H256>) -> Result<(), TransactionValidityError> {
	let call = Call::<Runtime>::vote { signed };
	call.authorize(TransactionSource::External).expect("it authorizes itself").map(|_| ())
}

fn vote(who: u64) {
	let signed = signed(who, anchor(), 18);
	assert_eq!(authorize(signed.clone()), Ok(()));
	assert_ok!(Recovery::vote(frame_system::RawOrigin::Authorized.into(), signed));
}

fn refused(signed: Signed<u64, H256>, code: u8) {
	assert_eq!(authorize(signed), Err(InvalidTransaction::Custom(code).into()));
}

#[test]
fn a_healthy_chain_stays_safe() {
	build_and_execute(|| {
		healthy(100);
		assert_eq!(mode(), Mode::Safe);
		assert!(!Recovery::is_frozen() && !Recovery::is_reseating());
		assert!(told().is_empty());
	});
}

#[test]
fn a_short_stall_changes_nothing() {
	build_and_execute(|| {
		healthy(20);
		standing(7, 18);
		healthy(20);
		assert!(told().is_empty());
	});
}

#[test]
fn more_than_half_of_the_members_bring_finality_back() {
	build_and_execute(|| {
		degrade();
		assert_eq!(mode(), Mode::DegradedSafe);
		assert!(Recovery::is_frozen() && !Recovery::is_reseating());
		let number = Recovery::status().since.block;
		assert_eq!(anchor(), BlockId { number, hash: hash_of(number.into()) });
		for who in [11, 15, 16] {
			vote(who);
		}
		// Three of six are half; and one of four active leaves three who could finalize elsewhere.
		standing(3, 18);
		assert_eq!(mode(), Mode::DegradedSafe);
		assert_eq!(Recovery::votes(), (vec![11, 15, 16], 1));
		vote(12);
		System::assert_last_event(Event::Voted { who: 12, votes: 4, needed: 4 }.into());
		standing(1, 18);
		assert_eq!(mode(), Mode::RecoveryInProgress);
		assert_eq!(Reseated::get(), [vec![11, 15, 16, 12]]);
		assert!(Recovery::is_frozen() && Recovery::is_reseating());
		assert!(Forced::get().is_empty());

		Recovery::on_activation();
		assert_eq!(Forced::get(), [(4, 18)]);
		assert!(!Recovery::is_reseating());
		// Once.
		Recovery::on_activation();
		assert_eq!(Forced::get().len(), 1);
		// Up to the block of the activation is not enough.
		let activated = System::block_number();
		standing(10, activated);
		assert_eq!(mode(), Mode::RecoveryInProgress);
		standing(5, activated + 3);
		assert_eq!(mode(), Mode::SafeResumed);
		assert!(Recovery::is_frozen() && !Recovery::is_reseating());
		healthy(30);
		assert_eq!(mode(), Mode::Safe);
		assert_eq!(told(), [Degraded, Recovering, FinalityResumed, Thawed]);
		assert!(Records::get().iter().all(|record| record.incident == 1));
		assert_eq!(Records::get()[1].evidence, [Evidence::Quorum { votes: 4, members: 6, base: 18 }]);
		assert_eq!(Recovery::status().incident, 0);
	});
}

#[test]
fn who_comes_back_first_makes_a_recovery_needless() {
	build_and_execute(|| {
		degrade();
		vote(11);
		healthy(10);
		assert_eq!(mode(), Mode::SafeResumed);
		assert!(Votes::<Runtime>::get().is_empty());
		healthy(20);
		assert_eq!(told(), [Degraded, FinalityResumed, Thawed]);
		assert!(Reseated::get().is_empty() && Forced::get().is_empty());
	});
}

#[test]
fn a_recovery_that_comes_to_nothing_is_tried_again_after_the_cool_off() {
	build_and_execute(|| {
		degrade();
		[11, 12, 15, 16].into_iter().for_each(vote);
		standing(1, 18);
		Recovery::on_activation();
		let (began, before) = (System::block_number(), anchor());
		standing(31, 18);
		assert_eq!(mode(), Mode::DegradedSafe);
		// The votes are for this branch still: no node could cast others.
		assert_eq!(anchor(), before);
		assert_eq!(Votes::<Runtime>::get().len(), 4);
		standing(60, 18);
		assert_eq!(mode(), Mode::DegradedSafe);
		while System::block_number() < began + 100 {
			standing(1, 18);
		}
		assert_eq!(mode(), Mode::RecoveryInProgress);
		assert_eq!(told(), [Degraded, Recovering, Degraded, Recovering]);
	});
}

#[test]
fn the_guardians_veto_a_recovery_and_let_it_go_on() {
	build_and_execute(|| {
		assert_noop!(Recovery::veto(RuntimeOrigin::root()), Error::<Runtime>::NotDegraded);
		assert_noop!(Recovery::want(RuntimeOrigin::root()), Error::<Runtime>::NotDegraded);
		degrade();
		assert_noop!(Recovery::veto(RuntimeOrigin::signed(11)), DispatchError::BadOrigin);
		assert_noop!(Recovery::want(RuntimeOrigin::signed(11)), DispatchError::BadOrigin);
		assert_ok!(Recovery::veto(RuntimeOrigin::root()));
		[11, 12, 15, 16].into_iter().for_each(vote);
		standing(50, 18);
		assert_eq!(mode(), Mode::DegradedSafe);
		// They cannot do without the votes, but with them they can.
		assert_ok!(Recovery::want(RuntimeOrigin::root()));
		standing(1, 18);
		assert_eq!(mode(), Mode::RecoveryInProgress);
	});
}

#[test]
fn nothing_is_forced_while_consensus_or_the_set_is_changing() {
	build_and_execute(|| {
		degrade();
		[11, 12, 15, 16].into_iter().for_each(vote);
		MayForce::set(false);
		standing(2, 18);
		assert_eq!(mode(), Mode::DegradedSafe);
		MayForce::set(true);
		Changing::set(true);
		standing(2, 18);
		assert_eq!(mode(), Mode::DegradedSafe);
		Changing::set(false);
		standing(1, 18);
		assert_eq!(mode(), Mode::RecoveryInProgress);
	});
}

#[test]
fn too_few_living_for_the_seats_wait() {
	build_and_execute(|| {
		// Nobody in reserve: four of seven are more than half, and not more than two thirds.
		Active::set((11..18).collect());
		Reserve::set(Vec::new());
		degrade();
		(11..15).for_each(vote);
		standing(5, 18);
		assert_eq!(mode(), Mode::DegradedSafe);
		vote(15);
		standing(1, 18);
		assert_eq!(mode(), Mode::RecoveryInProgress);
	});
}

#[test]
fn the_base_is_no_higher_than_what_is_final() {
	build_and_execute(|| {
		degrade();
		let number = anchor().number - 1;
		for who in [11, 12] {
			let high = signed(who, anchor(), number.into());
			assert_ok!(Recovery::vote(frame_system::RawOrigin::Authorized.into(), high));
		}
		[15, 16].into_iter().for_each(vote);
		standing(1, 18);
		Recovery::on_activation();
		assert_eq!(Forced::get(), [(4, 18)]);
	});
}

#[test]
fn why_votes_are_turned_away() {
	build_and_execute(|| {
		let nowhere = BlockId { number: 1, hash: hash_of(1) };
		healthy(20);
		refused(signed(11, nowhere, 18), rejection::NOT_DEGRADED);
		while mode() == Mode::Safe {
			block(18);
		}
		block(18);
		refused(signed(11, anchor(), 18), rejection::TOO_EARLY);
		block(18);
		refused(signed(11, nowhere, 18), rejection::WRONG_ANCHOR);
		let elsewhere = BlockId { hash: H256::repeat_byte(9), ..anchor() };
		refused(signed(11, elsewhere, 18), rejection::WRONG_ANCHOR);
		refused(signed(17, anchor(), 18), rejection::NOT_A_MEMBER);
		refused(signed(11, anchor(), anchor().number.into()), rejection::WRONG_BASE);
		let unknown =
			Vote { base: BlockId { number: 18, hash: H256::zero() }, ..signed(11, anchor(), 18).vote };
		refused(Signed { signature: sign(11, &unknown), vote: unknown }, rejection::WRONG_BASE);
		let by_another = Signed { signature: signed(12, anchor(), 18).signature, ..signed(11, anchor(), 18) };
		refused(by_another, rejection::BAD_SIGNATURE);
		Active::mutate(|active| active.push(20));
		let keyless = Vote { who: 20, ..signed(11, anchor(), 18).vote };
		refused(Signed { vote: keyless, ..signed(11, anchor(), 18) }, rejection::NO_KEY);
		Active::mutate(|active| active.pop());
		vote(11);
		refused(signed(11, anchor(), 18), rejection::ALREADY_VOTED);
		// What came too late since it was authorized.
		let again = Recovery::vote(frame_system::RawOrigin::Authorized.into(), signed(11, anchor(), 18));
		assert_noop!(again, Error::<Runtime>::AlreadyVoted);
		let late = signed(12, anchor(), 18);
		healthy(10);
		assert_noop!(
			Recovery::vote(frame_system::RawOrigin::Authorized.into(), late),
			Error::<Runtime>::NotDegraded
		);
	});
}

#[test]
fn a_vote_in_a_signed_or_unsigned_transaction_is_refused() {
	build_and_execute(|| {
		degrade();
		for origin in [RuntimeOrigin::signed(11), RuntimeOrigin::none(), RuntimeOrigin::root()] {
			assert_noop!(Recovery::vote(origin, signed(11, anchor(), 18)), DispatchError::BadOrigin);
		}
	});
}

#[test]
fn the_payload_of_a_vote_is_pinned() {
	use codec::Encode;
	use understudy_primitives::statement::Statement;
	let block = |number, byte| BlockId { number, hash: H256::repeat_byte(byte) };
	let vote = Vote { who: 1u64, anchor: block(2, 3), base: block(4, 5) };
	let expected = [
		b"understudy/recovery/1".to_vec(),
		vec![6; 32],
		1u64.encode(),
		2u32.encode(),
		vec![3; 32],
		4u32.encode(),
		vec![5; 32],
	];
	assert_eq!(vote.payload(&H256::repeat_byte(6)), expected.concat());
}

#[test]
fn who_votes_for_two_branches_is_charged_once() {
	build_and_execute(|| {
		degrade();
		let other = BlockId { number: anchor().number + 1, hash: H256::repeat_byte(7) };
		let (one, two) = (signed(11, anchor(), 18), signed(11, other, 18));
		let report = |one: &Signed<u64, H256>, two: &Signed<u64, H256>| {
			Recovery::report_double_vote(RuntimeOrigin::signed(99), one.clone(), two.clone())
		};
		assert_noop!(report(&one, &one), Error::<Runtime>::NoConflict);
		assert_noop!(report(&one, &signed(12, other, 18)), Error::<Runtime>::NoConflict);
		let forged = Signed { signature: one.signature.clone(), ..two.clone() };
		assert_noop!(report(&one, &forged), Error::<Runtime>::BadSignature);
		let of_nobody = (signed(16, anchor(), 18), signed(16, other, 18));
		assert_noop!(report(&of_nobody.0, &of_nobody.1), Error::<Runtime>::UnknownOffender);
		let paid = report(&one, &two).expect("it is one");
		assert_eq!(paid.pays_fee, Pays::No);
		assert_eq!(Charged::get(), [(11, Perbill::from_percent(10))]);
		assert_eq!(told().last(), Some(&Penalized));
		assert_noop!(report(&two, &one), Error::<Runtime>::AlreadyReported);
	});
}

#[test]
fn the_author_says_once_a_block_what_is_final_and_nothing_of_the_future() {
	build_and_execute(|| {
		healthy(3);
		assert_noop!(Recovery::note_finality(RuntimeOrigin::none(), 1), Error::<Runtime>::AlreadyHeard);
		assert_noop!(Recovery::note_finality(RuntimeOrigin::signed(1), 1), DispatchError::BadOrigin);
		standing(20, u64::MAX);
		assert!(Recovery::status().finalized < System::block_number() as u32);
		let mut data = sp_inherents::InherentData::new();
		assert!(Pallet::<Runtime>::create_inherent(&data).is_none());
		data.put_data(inherent::IDENTIFIER, &7u32).expect("it is new");
		let call = Pallet::<Runtime>::create_inherent(&data).expect("the node says so");
		assert_eq!(call, Call::note_finality { finalized: 7 });
		assert!(Pallet::<Runtime>::is_inherent(&call));
		assert!(!Pallet::<Runtime>::is_inherent(&Call::veto {}));
	});
}

/// The node has seen a block finalized last, so many milliseconds ago.
fn seen(finalized: u64, ago: u64) {
	use codec::Encode;
	let mut header = Header::new(finalized, H256::zero(), H256::zero(), H256::zero(), Default::default());
	header.parent_hash = hash_of(finalized - 1);
	frame_system::BlockHash::<Runtime>::insert(finalized, header.hash());
	let view = FinalityView {
		at: 1_000_000,
		advanced: 1_000_000 - ago,
		finalized: finalized as u32,
		header: header.encode(),
		silent: Vec::new(),
	};
	sp_io::offchain::local_storage_set(StorageKind::PERSISTENT, FINALITY_VIEW, &view.encode());
}

fn sent(bytes: &[u8]) -> Signed<u64, H256> {
	let extrinsic = Extrinsic::decode(&mut &bytes[..]).expect("it is one of ours");
	let RuntimeCall::Recovery(Call::vote { signed }) = extrinsic.function else { panic!("no vote") };
	signed
}

#[test]
fn a_node_votes_for_one_branch_and_keeps_to_it() {
	on_node(&[11, 17], |pool| {
		degrade();
		let number = System::block_number();
		Recovery::offchain_worker(number);
		assert!(pool.read().transactions.is_empty(), "it has not seen anything finalized");
		seen(18, 29_000);
		Recovery::offchain_worker(number);
		assert!(pool.read().transactions.is_empty(), "it does not see for itself that it stands still");
		seen(18, 30_000);
		Recovery::offchain_worker(number);
		assert_eq!(pool.read().transactions.len(), 1, "17 is no member");
		let first = sent(&pool.read().transactions[0]);
		assert_eq!(authorize(first.clone()), Ok(()));
		// Nobody heard it: the same again.
		Recovery::offchain_worker(number + 2);
		assert_eq!(sent(pool.read().transactions.last().expect("it is there")), first);

		// Another fork noticed the stall elsewhere. It is not voted for, however often it asks.
		let other = BlockId { hash: H256::repeat_byte(7), ..anchor() };
		let count = pool.read().transactions.len();
		Status::<Runtime>::mutate(|state| state.anchor = Some(other));
		(10..20).for_each(|later| Recovery::offchain_worker(number + later));
		assert_eq!(pool.read().transactions.len(), count);

		// The first one's anchor is final: of the next stall it may vote.
		let past = u64::from(first.vote.anchor.number) + 5;
		frame_system::BlockHash::<Runtime>::insert(
			u64::from(first.vote.anchor.number),
			first.vote.anchor.hash,
		);
		seen(past, 60_000);
		let next = BlockId { number: past as u32 + 20, hash: H256::repeat_byte(8) };
		Status::<Runtime>::mutate(|state| state.anchor = Some(next));
		Recovery::offchain_worker(number + 30);
		let second = sent(pool.read().transactions.last().expect("it is there"));
		assert_eq!(second.vote.anchor, next);
		assert!(!first.vote.conflicts_with(&second.vote));
	});
}

#[test]
fn the_rules_decide_when() {
	Timing::set(Rules { stall_time: 3_000, stall_blocks: 1, ..RULES });
	build_and_execute(|| {
		healthy(20);
		standing(3, 18);
		assert_eq!(mode(), Mode::DegradedSafe);
	});
}
