//! Tests of accepted reports, and of each reason to reject one.

use codec::Encode;
use frame_support::{assert_noop, assert_ok, pallet_prelude::TransactionSource, traits::Authorize};
use frame_system::RawOrigin;
use sp_consensus_slots::Slot;
use sp_core::H256;
use sp_runtime::{
	traits::Header as _,
	transaction_validity::{InvalidTransaction, TransactionValidityError, UnknownTransaction},
	DigestItem, Perbill,
};
use sp_staking::offence::Offence;
use understudy_primitives::Evidence;

use crate::{mock::*, rejection, Call, Error, Event, Lists, ProofOf, Reported, Spans, MAX_BYTES, MAX_SPANS};

type Proof = ProofOf<Runtime>;

fn authorized_for(
	source: TransactionSource,
	proof: &Proof,
) -> Result<Vec<Vec<u8>>, TransactionValidityError> {
	let call = Call::<Runtime>::report { proof: Box::new(proof.clone()) };
	let authorized = call.authorize(source).expect("it authorizes itself");
	authorized.map(|(valid, _)| valid.provides)
}

fn authorized(proof: &Proof) -> Result<Vec<Vec<u8>>, TransactionValidityError> {
	authorized_for(TransactionSource::External, proof)
}

fn refused(proof: &Proof, code: u8) {
	let error = match code {
		rejection::UNKNOWN_PARENT => UnknownTransaction::CannotLookup.into(),
		code => InvalidTransaction::Custom(code).into(),
	};
	assert_eq!(authorized(proof).err(), Some(error));
	// A rejected report changes nothing if it is dispatched all the same.
	let error = match code {
		rejection::ALREADY_REPORTED => Error::<Runtime>::AlreadyReported,
		rejection::TOO_MANY => Error::<Runtime>::TooMany,
		_ => Error::<Runtime>::Invalid,
	};
	assert_noop!(report(proof), error);
}

fn report(proof: &Proof) -> sp_runtime::DispatchResult {
	Equivocation::report(RawOrigin::Authorized.into(), Box::new(proof.clone()))
}

#[test]
fn an_author_that_signs_two_blocks_for_a_slot_is_charged_and_told_of() {
	build_and_execute(|| {
		let proof = proof(2, 24);
		assert_eq!(authorized(&proof).map(|tags| tags.len()), Ok(1));
		assert_ok!(report(&proof));
		let (charged, slot) = (Charged::take(), slot_of(2));
		assert_eq!(charged.len(), 1);
		assert_eq!((charged[0].session, charged[0].validators, charged[0].time.0), (2, 4, slot));
		assert_eq!(charged[0].offenders(), [2]);
		assert_eq!(charged[0].slash_fraction(1), Perbill::from_rational(9u32, 16));
		let hash = H256(sp_io::hashing::blake2_256(&proof.encode()));
		assert_eq!(Told::take(), [(2, Evidence::AuthorEquivocation { session: 2, slot, proof: hash })]);
		System::assert_last_event(Event::Equivocated { who: 2, slot }.into());
	});
}

/// Reports are free: an expelled author could sign one per slot.
#[test]
fn an_author_is_reported_once_while_its_blocks_are_within_reach() {
	build_and_execute(|| {
		assert_ok!(report(&proof(2, 24)));
		let mut others = proof(2, 24);
		others.second_header = block(2, 24, slot_of(2), 3);
		for again in [proof(2, 24), others, proof(2, 14), proof_at(2, 24, slot_of(2) + 4), proof_at(2, 24, 1)]
		{
			refused(&again, rejection::ALREADY_REPORTED);
		}
		assert_ok!(report(&proof(3, 24)));
		assert_eq!(Told::take().len(), 2);
		run_to(85);
		refused(&proof(2, 84), rejection::ALREADY_REPORTED);
		// All blocks that the author had signed by then are out of reach. The same slot is still
		// known.
		run_to(86);
		refused(&proof(2, 24), rejection::UNKNOWN_PARENT);
		refused(&proof(2, 84), rejection::ALREADY_REPORTED);
		assert_ok!(report(&proof_at(2, 84, slot_of(2) + 4)));
		assert_eq!(Reported::<Runtime>::get().len(), 1);
	});
}

#[test]
fn what_does_not_prove_it_is_refused_by_name() {
	build_and_execute(|| {
		let (good, slot) = (|| proof(2, 24), slot_of(2));
		// An account with a key of its own, and an author in the turn of another one.
		refused(&proof_at(5, 24, slot), rejection::NOT_THE_AUTHOR);
		refused(&proof_at(2, 24, slot_of(3)), rejection::NOT_THE_AUTHOR);
		// One block, also with another signature.
		let mut one = good();
		one.second_header = one.first_header.clone();
		refused(&one, rejection::NO_EQUIVOCATION);
		one.second_header.digest_mut().pop();
		one.second_header = sealed(2, one.second_header);
		assert_ne!(one.first_header.hash(), one.second_header.hash());
		refused(&one, rejection::NO_EQUIVOCATION);
		// Blocks of two slots, of another slot, of no slot, and of two slots at once.
		let mut slots = good();
		slots.second_header = block(2, 24, slot + 4, 2);
		refused(&slots, rejection::NO_EQUIVOCATION);
		refused(&Proof { slot: Slot::from(slot + 4), ..good() }, rejection::NO_EQUIVOCATION);
		for logs in [vec![], vec![slot, slot + 4]] {
			let digest = |slot: u64| DigestItem::PreRuntime(sp_consensus_aura::AURA_ENGINE_ID, slot.encode());
			let mut other = good();
			other.second_header.digest_mut().logs = logs.into_iter().map(digest).collect();
			other.second_header = sealed(2, other.second_header);
			refused(&other, rejection::NO_EQUIVOCATION);
		}
		// Sealed by another author, or not at all.
		let mut forged = good();
		forged.second_header = block(3, 24, slot, 2);
		refused(&forged, rejection::BAD_SEAL);
		forged.second_header.digest_mut().pop();
		refused(&forged, rejection::BAD_SEAL);
		forged.second_header.digest_mut().push(DigestItem::Other(vec![7]));
		refused(&forged, rejection::BAD_SEAL);
		// Too large.
		let mut large = good();
		let logs = &mut large.second_header.digest_mut().logs;
		logs.insert(0, DigestItem::Other(vec![0; MAX_BYTES as usize]));
		refused(&large, rejection::TOO_LARGE);
		assert_eq!((Charged::take(), Told::take()), (vec![], vec![]));
		assert_ok!(report(&good()));
	});
}

/// Aura's signature does not cover the chain: the same keys may author on another one.
#[test]
fn blocks_of_another_chain_are_no_equivocation() {
	build_and_execute(|| {
		let mut elsewhere = proof(2, 24);
		let mut header = elsewhere.second_header.clone();
		header.digest_mut().pop();
		header.set_parent_hash(H256::repeat_byte(7));
		elsewhere.second_header = sealed(2, header);
		refused(&elsewhere, rejection::UNKNOWN_PARENT);
		// A block without a parent.
		let mut first = proof(2, 24);
		first.first_header.set_number(0);
		refused(&first, rejection::UNKNOWN_PARENT);
		// Blocks on a block that does not exist yet: the pool of a node that lags keeps them.
		for ahead in [proof(2, 35), proof(2, 36)] {
			assert_eq!(authorized(&ahead), Err(UnknownTransaction::CannotLookup.into()));
			let in_block = authorized_for(TransactionSource::InBlock, &ahead);
			assert_eq!(in_block, Err(InvalidTransaction::Future.into()));
		}
	});
}

#[test]
fn genesis_is_out_of_reach_as_any_other_block() {
	build_and_execute(|| {
		assert!(authorized(&proof(2, 0)).is_ok());
		run_to(50);
		assert!(authorized(&proof(2, 0)).is_ok());
		run_to(51);
		assert_eq!(System::block_hash(0), hash_of(0));
		refused(&proof(2, 0), rejection::UNKNOWN_PARENT);
	});
}

#[test]
fn the_author_is_the_one_of_the_parents_session_by_the_key_in_force() {
	build_and_execute(|| {
		for (parent, session) in [(0, 0), (9, 0), (10, 1), (19, 1), (20, 2), (34, 3)] {
			assert_ok!(report(&proof(2, parent)));
			assert_eq!(Charged::take().pop().map(|offence| offence.session), Some(session), "#{parent}");
			Reported::<Runtime>::kill();
		}
		// From #40 on account 2 has another key, and from #50 on it is no author.
		Turns::set(vec![(1, 1), (2, 12), (3, 3), (4, 4)]);
		run_to(45);
		assert!(authorized(&proof(2, 39)).is_ok());
		refused(&proof(2, 40), rejection::NOT_THE_AUTHOR);
		let with_new = |parent| proof_at(12, parent, slot_of(2));
		refused(&with_new(39), rejection::NOT_THE_AUTHOR);
		Turns::set(vec![(1, 1), (3, 3), (4, 4)]);
		run_to(55);
		assert!(authorized(&with_new(44)).is_ok());
		refused(&with_new(50), rejection::NOT_THE_AUTHOR);
		// One block on each side of the change: the keys differ.
		let mut across = with_new(39);
		across.second_header = block(12, 40, slot_of(2), 2);
		refused(&across, rejection::NOT_THE_AUTHOR);
		// The author is charged by the set that it was in.
		assert_ok!(report(&with_new(44)));
		let charged = Charged::take();
		assert_eq!((charged[0].offender, charged[0].session, charged[0].validators), (2, 4, 4));
	});
}

#[test]
fn the_authors_of_sessions_out_of_reach_are_forgotten() {
	build_and_execute(|| {
		assert_eq!((Spans::<Runtime>::get().len(), Lists::<Runtime>::iter().count()), (4, 1));
		Turns::set(vec![(1, 1), (2, 12), (3, 3)]);
		run_to(80);
		assert_eq!(Lists::<Runtime>::iter().count(), 2);
		run_to(120);
		assert_eq!((Spans::<Runtime>::get().len(), Lists::<Runtime>::iter().count()), (7, 1));
		// Many sessions in quick succession.
		for session in 20..20 + 2 * MAX_SPANS {
			System::set_block_number(System::block_number() + 1);
			CurrentSession::set(session);
			Turns::set(vec![(u64::from(session), 1)]);
			Equivocation::follow_session(System::block_number());
			Equivocation::do_try_state().expect("the invariants hold");
		}
		assert!(Spans::<Runtime>::get().len() as u32 <= MAX_SPANS);
	});
}

#[test]
fn as_many_authors_are_reported_as_a_set_can_have() {
	build_and_execute(|| {
		let all: Vec<_> = (1..=9).map(|who| (who, who)).collect();
		Turns::set(all[..8].to_vec());
		run_to(45);
		for who in 1..=8 {
			assert_ok!(report(&proof_at(who, 44, 1_000 + who - 1)));
		}
		Turns::set(vec![(9, 9)]);
		run_to(55);
		refused(&proof_at(9, 54, 1_000), rejection::TOO_MANY);
		run_to(96);
		assert_ok!(report(&proof_at(9, 54, 1_000)));
	});
}
