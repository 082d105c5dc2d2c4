//! The pallet as a chain sees it.

mod accountability;
mod electorate;
mod gate;
mod offchain;
mod reports;

use codec::{Decode, Encode};
use frame_support::{
	assert_noop, assert_ok,
	dispatch::{DispatchClass, DispatchInfo, Pays},
	inherent::ProvideInherent,
	pallet_prelude::TransactionSource,
	traits::{Authorize, Get, Hooks},
};
use sp_core::{offchain::StorageKind, H256};

use sp_runtime::{
	traits::{DispatchTransaction, Dispatchable, Header as _},
	transaction_validity::{InvalidTransaction, TransactionValidityError, UnknownTransaction},
	DispatchError, Perbill,
};
use understudy_mocks::Pool;
use understudy_primitives::{
	offchain::{FinalityView, Lock, ALL_RELEASED, FINALITY_VIEW, LOCK, PREVOTED, RELEASED},
	statement::Statement,
	Evidence,
	RecordKind::*,
	RecoveryControl,
};

use crate::{
	gate::{CROWDED, FROZEN},
	inherent,
	mock::*,
	rejection, BlockId, Call, Error, Event, FinalityReport, IntakeGate, Mode, Pallet, Presence, Present,
	Rules, Signed, SignedPresence, SignedReport, SignedVote, Status, Vote, Votes, ASK_AGAIN,
};

fn mode() -> Mode {
	Recovery::status().mode
}

fn anchor() -> BlockId<H256> {
	Recovery::status().anchor.expect("there is one")
}

fn proposal() -> BlockId<H256> {
	Recovery::status().proposal.expect("there is one")
}

/// A chain that was healthy until block 20, on which finality stands still at #18, and whose members may say that they are there.
fn degrade() {
	healthy(20);
	while mode() == Mode::Safe {
		block(18);
	}
	standing(1, 18);
}

fn authorized() -> RuntimeOrigin {
	frame_system::RawOrigin::Authorized.into()
}

/// As in a block.
fn authorize(call: Call<Runtime>) -> Result<(), TransactionValidityError> {
	call.authorize(TransactionSource::InBlock).expect("it authorizes itself").map(|_| ())
}

/// As for the pool.
fn pooled(call: Call<Runtime>) -> Result<(), TransactionValidityError> {
	call.authorize(TransactionSource::External).expect("it authorizes itself").map(|_| ())
}

/// These say that they are there.
fn gather(members: &[u64]) {
	for who in members {
		let signed = there(*who, anchor());
		assert_eq!(authorize(Call::present { signed: signed.clone() }), Ok(()));
		assert_ok!(Recovery::present(authorized(), signed));
	}
}

/// These are there, and what they propose can be voted for.
fn propose(members: &[u64]) {
	gather(members);
	while Recovery::status().proposal.is_none() {
		assert!(mode() == Mode::DegradedSafe && System::block_number() < 200);
		standing(1, 18);
	}
	standing(1, 18);
}

fn vote(who: u64) {
	let signed = signed(who, proposal(), 18);
	assert_eq!(authorize(Call::vote { signed: signed.clone() }), Ok(()));
	assert_ok!(Recovery::vote(authorized(), signed));
}

fn refused(signed: SignedVote<Runtime>, code: u8) {
	assert_eq!(authorize(Call::vote { signed }), Err(InvalidTransaction::Custom(code).into()));
}

/// It lacks nothing but time, so that pools do not ban it.
fn early(signed: SignedVote<Runtime>) {
	assert_eq!(authorize(Call::vote { signed }), Err(InvalidTransaction::Future.into()));
}

fn unheard(signed: SignedPresence<Runtime>, code: u8) {
	assert_eq!(authorize(Call::present { signed }), Err(InvalidTransaction::Custom(code).into()));
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
		// Three of six are half; and one of four active leaves three who could finalize elsewhere.
		gather(&[11, 15, 16]);
		standing(5, 18);
		assert_eq!(Recovery::status().proposal, None);
		gather(&[12]);
		// There may be more to come.
		standing(2, 18);
		System::assert_last_event(Event::Proposed { seats: 4, present: 4 }.into());
		let number = System::block_number();
		standing(1, 18);
		assert_eq!(proposal(), BlockId { number: number as u32, hash: hash_of(number) });
		standing(1, 18);
		[11, 15].into_iter().for_each(vote);
		assert!(!Recovery::status().rules_out_others);
		vote(16);
		assert!(Recovery::status().rules_out_others);
		standing(3, 18);
		assert_eq!(mode(), Mode::DegradedSafe);
		assert_eq!(Recovery::said(), (vec![11, 15, 16, 12], vec![11, 15, 16]));
		vote(12);
		System::assert_last_event(Event::Voted { who: 12, votes: 4, needed: 4 }.into());
		standing(1, 18);
		assert_eq!(mode(), Mode::RecoveryInProgress);
		assert_eq!(Reseated::get(), [vec![11, 12, 15, 16]]);
		assert!(Recovery::is_frozen() && Recovery::is_reseating());
		assert!(Forced::get().is_empty() && !Recovery::status().forced);

		Recovery::on_activation();
		assert_eq!(Forced::get(), [(4, 18, 0)]);
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
		propose(&[11, 12, 15, 16]);
		vote(11);
		healthy(10);
		assert_eq!(mode(), Mode::SafeResumed);
		assert!(Votes::<Runtime>::get().is_empty() && Present::<Runtime>::get().is_empty());
		healthy(20);
		assert_eq!(told(), [Degraded, FinalityResumed, Thawed]);
		assert!(Reseated::get().is_empty() && Forced::get().is_empty());
	});
}

#[test]
fn a_recovery_that_comes_to_nothing_is_tried_again_after_the_cool_off() {
	build_and_execute(|| {
		degrade();
		propose(&[11, 12, 15, 16]);
		[11, 12, 15, 16].into_iter().for_each(vote);
		standing(1, 18);
		Recovery::on_activation();
		let (began, before) = (System::block_number(), proposal());
		standing(31, 18);
		assert_eq!(mode(), Mode::DegradedSafe);
		// The votes are for it still: no node could cast others.
		assert_eq!(proposal(), before);
		assert_eq!(Votes::<Runtime>::get().len(), 4);
		standing(60, 18);
		assert_eq!(mode(), Mode::DegradedSafe);
		while System::block_number() < began + 100 {
			standing(1, 18);
		}
		assert_eq!(mode(), Mode::RecoveryInProgress);
		assert_eq!(told(), [Degraded, Recovering, Degraded, Recovering]);
		// The first one was enacted all the same.
		Recovery::on_activation();
		assert_eq!(Forced::get(), [(4, 18, 0), (4, 18, 1)]);
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
		gather(&[11, 12, 15, 16]);
		standing(50, 18);
		assert_eq!((mode(), Recovery::status().proposal), (Mode::DegradedSafe, None));
		assert_ok!(Recovery::want(RuntimeOrigin::root()));
		propose(&[11, 12, 15, 16]);
		// A veto still holds it up; without the votes they cannot do anything, with them they can.
		assert_ok!(Recovery::veto(RuntimeOrigin::root()));
		[11, 12, 15, 16].into_iter().for_each(vote);
		standing(10, 18);
		assert_eq!(mode(), Mode::DegradedSafe);
		assert_ok!(Recovery::want(RuntimeOrigin::root()));
		standing(1, 18);
		assert_eq!(mode(), Mode::RecoveryInProgress);
	});
}

#[test]
fn finality_must_pass_what_members_have_voted_for() {
	build_and_execute(|| {
		degrade();
		propose(&[11, 12, 15, 16]);
		[11, 12].into_iter().for_each(vote);
		// Beyond where it was noticed, and not beyond the proposal: who has voted is bound, and must not be forgotten.
		standing(5, u64::from(proposal().number));
		assert_eq!((mode(), Recovery::status().votes), (Mode::DegradedSafe, 2));
		standing(5, u64::from(proposal().number) + 1);
		assert_eq!((mode(), Recovery::status().votes), (Mode::SafeResumed, 0));
	});
}

#[test]
fn who_was_there_long_ago_is_asked_again() {
	build_and_execute(|| {
		degrade();
		gather(&[11, 15, 16]);
		standing(ASK_AGAIN.into(), 18);
		assert_eq!(Recovery::status().present, 0);
		// With those three it would be enough.
		gather(&[12]);
		standing(3, 18);
		assert_eq!((Recovery::status().present, Recovery::status().proposal), (1, None));
	});
}

/// An attestation of an earlier round could be submitted again by anybody when the member is gone.
#[test]
fn an_attestation_of_an_earlier_round_does_not_count() {
	build_and_execute(|| {
		degrade();
		let stale: Vec<_> = [11, 15, 16].map(|who| there(who, anchor())).into();
		gather(&[11, 15, 16]);
		standing(ASK_AGAIN.into(), 18);
		assert_eq!((Recovery::status().present, Status::<Runtime>::get().round), (0, 1));
		for signed in stale {
			unheard(signed, rejection::WRONG_ROUND);
		}
		gather(&[11, 12, 15, 16]);
		// A new stall begins with the first round.
		healthy(40);
		assert_eq!((mode(), Status::<Runtime>::get().round), (Mode::Safe, 0));
	});
}

#[test]
fn nothing_is_proposed_or_forced_while_consensus_or_the_set_is_changing() {
	build_and_execute(|| {
		degrade();
		gather(&[11, 12, 15, 16]);
		let hindrances: [fn(bool); 2] = [Changing::set, |hindered| MayForce::set(!hindered)];
		for hinder in hindrances {
			hinder(true);
			standing(2, 18);
			assert_eq!(Recovery::status().proposal, None);
		}
		hindrances.iter().for_each(|hinder| hinder(false));
		propose(&[]);
		[11, 12, 15, 16].into_iter().for_each(vote);
		for hinder in hindrances {
			hinder(true);
			standing(2, 18);
			assert_eq!(mode(), Mode::DegradedSafe);
		}
		hindrances.iter().for_each(|hinder| hinder(false));
		standing(1, 18);
		assert_eq!(mode(), Mode::RecoveryInProgress);
	});
}

#[test]
fn what_was_voted_for_is_seated_whatever_moves_meanwhile() {
	build_and_execute(|| {
		degrade();
		propose(&[11, 12, 15, 16]);
		let set = crate::Proposed::<Runtime>::get().expect("it was proposed").into_inner();
		[11, 12, 15].into_iter().for_each(vote);
		// Asked again, rotation would propose another set, for whatever reason.
		Active::set(vec![11, 13, 14]);
		Reserve::set(vec![15, 16]);
		let present = Present::<Runtime>::get();
		assert_ne!(<TestSeats as understudy_primitives::Seats<u64>>::reseated(&present), set);
		vote(16);
		standing(1, 18);
		assert_eq!(mode(), Mode::RecoveryInProgress);
		assert_eq!(Reseated::get(), [set]);
	});
}

#[test]
fn who_was_there_must_vote_too() {
	build_and_execute(|| {
		seat(&(11..18).collect::<Vec<_>>(), &[]);
		degrade();
		propose(&[11, 12, 13, 14, 15]);
		// Four of seven are more than half, and not more than two thirds of the seats.
		(11..15).for_each(vote);
		standing(5, 18);
		assert_eq!(mode(), Mode::DegradedSafe);
		vote(16);
		standing(1, 18);
		assert_eq!(mode(), Mode::RecoveryInProgress);
	});
}

#[test]
fn too_few_living_for_the_seats_wait() {
	build_and_execute(|| {
		// Nobody in reserve: four of seven are more than half, and not more than two thirds.
		seat(&(11..18).collect::<Vec<_>>(), &[]);
		degrade();
		gather(&[11, 12, 13, 14]);
		standing(5, 18);
		assert_eq!(Recovery::status().proposal, None);
		propose(&[15]);
		assert_eq!(mode(), Mode::DegradedSafe);
	});
}

#[test]
fn votes_must_be_enough_of_every_roster_in_flight() {
	build_and_execute(|| {
		healthy(19);
		SetId::set(1);
		// 11 and 12 lose their seats, and that is not final when finality stops.
		seat(&[15, 16, 13, 14], &[]);
		while mode() == Mode::Safe {
			block(18);
		}
		standing(1, 18);
		assert_eq!(Recovery::status().members, 4);
		// All of the new roster but one; of the old one only half.
		gather(&[15, 16, 13]);
		standing(5, 18);
		assert_eq!(Recovery::status().proposal, None);
		propose(&[11]);
		[15, 16, 13, 11].into_iter().for_each(vote);
		standing(1, 18);
		assert_eq!(mode(), Mode::RecoveryInProgress);
		Recovery::on_activation();
		// The change to set 1 is not final, and comes to nothing.
		assert_eq!(Forced::get(), [(4, 18, 0)]);
	});
}

#[test]
fn a_rotation_that_is_final_is_not_in_flight() {
	build_and_execute(|| {
		healthy(10);
		SetId::set(1);
		seat(&[15, 16, 13, 14], &[]);
		degrade();
		propose(&[15, 16, 13]);
		[15, 16, 13].into_iter().for_each(vote);
		standing(1, 18);
		Recovery::on_activation();
		assert_eq!(Forced::get(), [(4, 18, 1)]);
	});
}

#[test]
fn the_base_is_what_an_honest_voter_has_finalized() {
	build_and_execute(|| {
		degrade();
		propose(&[11, 12, 15, 16]);
		for (who, base) in [(11, 18), (12, 17), (15, 16), (16, 10)] {
			assert_ok!(Recovery::vote(authorized(), signed(who, proposal(), base)));
		}
		standing(1, 18);
		Recovery::on_activation();
		assert_eq!(Forced::get(), [(4, 17, 0)]);
	});
}

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
		// A vote is no word that somebody is there, nor the other way round.
		let posing = Signed { signature: signed(11, anchor(), 18).signature, ..there(11, anchor()) };
		unheard(posing, rejection::BAD_SIGNATURE);
		gather(&[11]);
		unheard(there(11, anchor()), rejection::ALREADY_SAID);
		assert_noop!(Recovery::present(authorized(), there(11, anchor())), Error::<Runtime>::AlreadySaid);
		propose(&[12, 15, 16]);
		unheard(there(13, anchor()), rejection::TOO_LATE);
		assert_noop!(Recovery::present(authorized(), there(13, anchor())), Error::<Runtime>::NotDegraded);
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
		// Nobody knows that this is final.
		let beyond = u64::from(Recovery::status().finalized) + 1;
		refused(signed(11, proposal(), beyond), rejection::WRONG_BASE);
		let unknown =
			Vote { base: BlockId { number: 18, hash: H256::zero() }, ..signed(11, proposal(), 18).statement };
		refused(Signed { signature: sign(11, &unknown), statement: unknown }, rejection::WRONG_BASE);
		let by_another =
			Signed { signature: signed(12, proposal(), 18).signature, ..signed(11, proposal(), 18) };
		refused(by_another, rejection::BAD_SIGNATURE);
		vote(11);
		refused(signed(11, proposal(), 18), rejection::ALREADY_SAID);
		// What came too late since it was authorized.
		let again = Recovery::vote(authorized(), signed(11, proposal(), 18));
		assert_noop!(again, Error::<Runtime>::AlreadySaid);
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
			assert_noop!(Recovery::present(origin, there(13, anchor())), DispatchError::BadOrigin);
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

#[test]
fn the_rules_decide_when() {
	Timing::set(Rules { stall_time: 3_000, stall_blocks: 1, ..RULES });
	build_and_execute(|| {
		healthy(20);
		standing(3, 18);
		assert_eq!(mode(), Mode::DegradedSafe);
	});
}

#[test]
fn the_signed_votes_of_a_recovery_are_in_the_offchain_index() {
	let mut ext = chain();
	let votes = ext.execute_with(|| {
		degrade();
		propose(&[11, 12, 15, 16]);
		[11, 12, 15, 16].into_iter().for_each(vote);
		standing(1, 18);
		let proposal = proposal();
		Recovery::on_activation();
		assert_eq!(crate::Forced::<Runtime>::get(), Some((1, proposal)));
		[11, 12, 15, 16].map(|who| signed(who, proposal, 18).statement)
	});
	ext.persist_offchain_overlay();
	understudy_mocks::surround(&mut ext, &[]);
	ext.execute_with(|| {
		let found = Recovery::votes_for(1).expect("the change to set 1 was forced");
		let statements: Vec<_> = found.votes.iter().map(|signed| signed.statement.clone()).collect();
		assert_eq!(statements, votes);
		for Signed { statement, signature } in found.votes {
			let genesis = System::block_hash(0);
			assert!(statement.is_signed_by(&understudy_mocks::key(statement.who), &genesis, &signature));
		}
		assert_eq!(Recovery::votes_for(2), None);
	});
}
