//! Tests of the pallet on a mock chain.

mod accountability;
mod electorate;
mod gate;
mod offchain;
mod proposal;
mod refusals;
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
use understudy_primitives::{
	offchain::{FinalityView, Lock, ALL_RELEASED, FINALITY_VIEW, LOCK, PREVOTED, RELEASED},
	statement::Statement,
	Evidence,
	RecordKind::*,
	RecoveryControl,
};
use understudy_test_support::Pool;

use crate::{
	gate::{CONGESTED, FROZEN},
	inherent,
	mock::*,
	rejection, BlockId, Call, Error, Event, FinalityReport, IntakeGate, Mode, Pallet, Presence, Present,
	Rules, Signed, SignedPresence, SignedReport, SignedVote, Status, Vote, Votes, ROUND_LENGTH,
};

fn mode() -> Mode {
	Recovery::status().mode
}

fn anchor() -> BlockId<H256> {
	Recovery::status().anchor.expect("there is an anchor")
}

fn proposal() -> BlockId<H256> {
	Recovery::status().proposal.expect("there is a proposal")
}

/// Brings a chain that was healthy until block 20 into a stall at #18, to the point from which
/// members may attest their presence.
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

/// Authorizes a call as for a block.
fn authorize(call: Call<Runtime>) -> Result<(), TransactionValidityError> {
	call.authorize(TransactionSource::InBlock).expect("it authorizes itself").map(|_| ())
}

/// Authorizes a call as for the pool.
fn pooled(call: Call<Runtime>) -> Result<(), TransactionValidityError> {
	call.authorize(TransactionSource::External).expect("it authorizes itself").map(|_| ())
}

/// Submits presence attestations of these members.
fn gather(members: &[u64]) {
	for who in members {
		let signed = there(*who, anchor());
		assert_eq!(authorize(Call::attest_presence { signed: signed.clone() }), Ok(()));
		assert_ok!(Recovery::attest_presence(authorized(), signed));
	}
}

/// Submits presence attestations of these members, and makes blocks until votes for the proposal
/// count.
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

/// Asserts that a vote is only too early: pools do not ban `Future`.
fn early(signed: SignedVote<Runtime>) {
	assert_eq!(authorize(Call::vote { signed }), Err(InvalidTransaction::Future.into()));
}

fn unheard(signed: SignedPresence<Runtime>, code: u8) {
	assert_eq!(authorize(Call::attest_presence { signed }), Err(InvalidTransaction::Custom(code).into()));
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
		// Three of six are only half; and one of four active members leaves three, which could
		// finalize another branch.
		gather(&[11, 15, 16]);
		standing(5, 18);
		assert_eq!(Recovery::status().proposal, None);
		gather(&[12]);
		// More members may arrive.
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
		assert_eq!(Recovery::participants(), (vec![11, 15, 16, 12], vec![11, 15, 16]));
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
		// A change is forced only once.
		Recovery::on_activation();
		assert_eq!(Forced::get().len(), 1);
		// Finality must pass the block of the activation; reaching it is not enough.
		let activated = System::block_number();
		standing(10, activated);
		assert_eq!(mode(), Mode::RecoveryInProgress);
		standing(5, activated + 3);
		assert_eq!(mode(), Mode::SafeResumed);
		assert!(Recovery::is_frozen() && !Recovery::is_reseating());
		healthy(30);
		assert_eq!(mode(), Mode::Safe);
		assert_eq!(told(), [Degraded, Recovering, FinalityResumed, NormalOperationResumed]);
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
		assert_eq!(told(), [Degraded, FinalityResumed, NormalOperationResumed]);
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
		// The votes still count for it: no node could cast others.
		assert_eq!(proposal(), before);
		assert_eq!(Votes::<Runtime>::get().len(), 4);
		standing(60, 18);
		assert_eq!(mode(), Mode::DegradedSafe);
		while System::block_number() < began + 100 {
			standing(1, 18);
		}
		assert_eq!(mode(), Mode::RecoveryInProgress);
		assert_eq!(told(), [Degraded, Recovering, Degraded, Recovering]);
		// The first change was enacted all the same.
		Recovery::on_activation();
		assert_eq!(Forced::get(), [(4, 18, 0), (4, 18, 1)]);
	});
}

#[test]
fn the_guardians_veto_a_recovery_and_let_it_go_on() {
	build_and_execute(|| {
		assert_noop!(Recovery::veto(RuntimeOrigin::root()), Error::<Runtime>::NotDegraded);
		assert_noop!(Recovery::permit_recovery(RuntimeOrigin::root()), Error::<Runtime>::NotDegraded);
		degrade();
		assert_noop!(Recovery::veto(RuntimeOrigin::signed(11)), DispatchError::BadOrigin);
		assert_noop!(Recovery::permit_recovery(RuntimeOrigin::signed(11)), DispatchError::BadOrigin);
		assert_ok!(Recovery::veto(RuntimeOrigin::root()));
		gather(&[11, 12, 15, 16]);
		standing(50, 18);
		assert_eq!((mode(), Recovery::status().proposal), (Mode::DegradedSafe, None));
		assert_ok!(Recovery::permit_recovery(RuntimeOrigin::root()));
		propose(&[11, 12, 15, 16]);
		// A veto still delays the recovery. With the votes, `permit_recovery` lets it proceed.
		assert_ok!(Recovery::veto(RuntimeOrigin::root()));
		[11, 12, 15, 16].into_iter().for_each(vote);
		standing(10, 18);
		assert_eq!(mode(), Mode::DegradedSafe);
		assert_ok!(Recovery::permit_recovery(RuntimeOrigin::root()));
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
		// Finality has passed the stall anchor, but not the proposal: members that have voted are
		// bound, and their votes must be kept.
		standing(5, u64::from(proposal().number));
		assert_eq!((mode(), Recovery::status().votes), (Mode::DegradedSafe, 2));
		standing(5, u64::from(proposal().number) + 1);
		assert_eq!((mode(), Recovery::status().votes), (Mode::SafeResumed, 0));
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
	understudy_test_support::surround(&mut ext, &[]);
	ext.execute_with(|| {
		let found = Recovery::votes_for(1).expect("the change to set 1 was forced");
		let statements: Vec<_> = found.votes.iter().map(|signed| signed.statement.clone()).collect();
		assert_eq!(statements, votes);
		for Signed { statement, signature } in found.votes {
			let genesis = System::block_hash(0);
			assert!(statement.is_signed_by(
				&understudy_test_support::key(statement.who),
				&genesis,
				&signature
			));
		}
		assert_eq!(Recovery::votes_for(2), None);
	});
}
