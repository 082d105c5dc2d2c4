//! Tests of the suite on the sample runtime, with all real pallets: session, historical, staking,
//! GRANDPA, Aura.

mod chain;

use chain::*;
use frame_support::traits::{Get, KeyOwnerProofSystem, UnfilteredDispatchable};
use pallet_session::SessionInterface;
use sp_runtime::{
	transaction_validity::{
		InvalidTransaction, TransactionSource, TransactionValidityError, UnknownTransaction,
	},
	DispatchError,
};
use understudy_primitives::{crypto::AuthorityId, Evidence, Health, Initiator, Phase, RecordKind, Verdict};
use understudy_runtime::{
	constants::{SESSIONS_PER_ERA, SESSION_LENGTH, SLOT_DURATION},
	parameters::{dynamic_params, RuntimeParameters},
	AccountId, BlockNumber, Executive, Failover, Grandpa, Heartbeat, Runtime, RuntimeCall, Session,
	SessionKeys, Staking, ValidatorRotation,
};

/// Number of blocks after which no member has grace left.
const WARM: u32 = 20;

/// Returns the kinds of the decisions and actions since genesis, without the evidence that led to
/// them.
fn kinds() -> Vec<RecordKind> {
	use RecordKind::*;
	let kinds = log().into_iter().skip(1).map(|entry| entry.record.kind);
	kinds.filter(|kind| !matches!(kind, Suspected | Attributed | Cleared | Reconciled)).collect()
}

/// Returns the first record of this kind.
fn first(kind: RecordKind) -> understudy_primitives::Entry<AccountId, BlockNumber> {
	log().into_iter().find(|entry| entry.record.kind == kind).expect("a record of this kind exists")
}

fn verdict_of(kind: RecordKind) -> Verdict {
	let [Evidence::Verdict(verdict), ..] = first(kind).evidence[..] else {
		panic!("{kind:?} without a verdict")
	};
	verdict
}

#[test]
fn genesis_seats_the_best_backed_and_records_it() {
	run(|chain| {
		assert_eq!(validators(), [Alice, Bob, Charlie, Dave]);
		assert_eq!(named(ValidatorRotation::reserve()), [Eve, Ferdie]);
		chain.blocks(1);
		let first = log().remove(0).record;
		assert_eq!((first.kind, first.initiator, first.block), (RecordKind::Elected, Initiator::Election, 0));
	});
}

#[test]
fn a_killed_validator_is_replaced_within_eight_blocks() {
	for offset in 0..16 {
		run(|chain| {
			chain.blocks(WARM);
			chain.slots(offset);
			chain.dead = vec![Bob];
			let took = chain.until(|| validators() == [Alice, Eve, Charlie, Dave]);
			assert!(took <= 8, "{took} blocks, killed {offset} slots later");
			assert_eq!(kinds(), [RecordKind::Replaced, RecordKind::Seated]);

			let decided = first(RecordKind::Replaced);
			assert_eq!(verdict_of(RecordKind::Replaced).health, Health::Down);
			assert_eq!(decided.record.from, Some(Bob.to_account_id()));
			assert_eq!(decided.record.to, Some(Eve.to_account_id()));
			assert!(decided.record.block < chain.number(), "the record is older than the change");
		});
	}
}

/// The whole course of an incident, and its four times: a member that is killed right after its own
/// block has shown its last sign of life with that block.
#[test]
fn an_incident_tells_when_what_happened_and_on_which_evidence() {
	run(|chain| {
		chain.blocks(WARM);
		let last = chain.until(|| u64::from(pallet_aura::CurrentSlot::<Runtime>::get()) % 4 == 1);
		let killed = (chain.number(), chain.slot - 1);
		assert!(last <= 4);
		chain.dead = vec![Bob];
		chain.until(|| kinds().contains(&RecordKind::Seated));
		chain.until(|| log().iter().any(|entry| entry.record.kind == RecordKind::Reconciled));

		let incident = Failover::incident(1).expect("the incident is kept");
		assert_eq!(
			(incident.phase, incident.subject.clone()),
			(Phase::Reconciled, Some(Bob.to_account_id()))
		);
		assert_eq!((incident.began.block, incident.began.time), (killed.0, killed.1 * SLOT_DURATION));
		let times = incident.times().expect("the incident is reconciled");
		let end = first(RecordKind::Reconciled).record;
		assert_eq!(times.total().block, end.block - killed.0);
		assert_eq!(times.total().time, end.time - killed.1 * SLOT_DURATION);
		assert!(times.detect.block > 0 && times.reconfigure.block > 0 && times.resync.block > 0);

		let pieces = first(RecordKind::Attributed).evidence;
		let has = |piece: fn(&Evidence) -> bool| pieces.iter().any(piece);
		assert!(has(|piece| matches!(piece, Evidence::Verdict(verdict) if verdict.health == Health::Down)));
		assert!(has(|piece| matches!(piece, Evidence::Slots { missed, .. } if *missed > 0)));
		assert!(has(|piece| matches!(piece, Evidence::Signs { .. })));
		assert!(has(|piece| matches!(piece, Evidence::Peers { reporters, .. } if !reporters.is_empty())));
		assert!(has(|piece| matches!(piece, Evidence::Node(bytes) if !bytes.is_empty())));
		// The member is back, and in the reserve again: that belongs to the same incident.
		chain.dead = vec![];
		chain.until(|| kinds().contains(&RecordKind::Readmitted));
		assert_eq!(first(RecordKind::Readmitted).record.incident, 1);
	});
}

/// A newly seated member states a position on another chain, and loses the seat again.
#[test]
fn who_stands_elsewhere_loses_the_seat_again() {
	run(|chain| {
		chain.blocks(WARM);
		chain.astray = vec![Eve];
		chain.dead = vec![Bob];
		chain.until(|| validators().contains(&Eve));
		chain.until(|| !validators().contains(&Eve));
		assert_eq!(validators(), [Alice, Ferdie, Charlie, Dave]);
		let diverged = first(RecordKind::Diverged).record;
		let taken = log()
			.into_iter()
			.map(|entry| entry.record)
			.find(|record| record.from == Some(Eve.to_account_id()));
		assert_eq!(taken.map(|record| record.incident), Some(diverged.incident));
		chain.until(|| Failover::incident(1).is_some_and(|incident| incident.phase == Phase::Reconciled));
		assert!(!kinds().contains(&RecordKind::Penalized));
	});
}

#[test]
fn where_nobody_probes_slots_and_silence_suffice_after_longer() {
	run(|chain| {
		chain.blocks(WARM);
		chain.blind = true;
		// No node reports missing votes either, so detector V does not fire.
		chain.deaf = true;
		chain.dead = vec![Bob];
		let took = chain.until(|| validators() == [Alice, Eve, Charlie, Dave]);
		assert!((9..=20).contains(&took), "{took} blocks");
	});
}

#[test]
fn who_authors_but_does_not_vote_is_replaced() {
	run(|chain| {
		chain.blocks(WARM);
		chain.mute = vec![Bob];
		chain.until(|| validators() == [Alice, Eve, Charlie, Dave]);
		let verdict = verdict_of(RecordKind::Replaced);
		assert_eq!(verdict.health, Health::Impaired);
		assert!(verdict.detectors.votes && !verdict.detectors.own() && !verdict.detectors.peers);
	});
}

#[test]
fn who_is_unreachable_but_works_keeps_its_seat() {
	run(|chain| {
		chain.blocks(WARM);
		chain.hidden = vec![Bob];
		chain.blocks(40);
		assert_eq!(validators(), [Alice, Bob, Charlie, Dave]);
		assert!(kinds().is_empty());
		let judged = Heartbeat::member_status(Bob.to_account_id()).expect("a member");
		assert_eq!(judged.verdict.health, Health::Suspect);
		assert!(judged.verdict.detectors.peers);
	});
}

#[test]
fn a_standby_that_nobody_renews_is_not_seated() {
	run(|chain| {
		chain.blocks(WARM);
		pallet_heartbeat::Registrations::<Runtime>::remove(Eve.to_account_id());
		chain.dead = vec![Bob];
		chain.until(|| validators() == [Alice, Ferdie, Charlie, Dave]);
	});
}

#[test]
fn a_registration_holds_a_deposit_and_gives_it_back() {
	use frame_support::traits::fungible::InspectHold;
	use pallet_heartbeat::{registration::Profile, HoldReason};
	run(|chain| {
		chain.blocks(1);
		let dave = Dave.to_account_id();
		let held = || {
			let reason = understudy_runtime::RuntimeHoldReason::Heartbeat(HoldReason::Registration);
			understudy_runtime::Balances::balance_on_hold(&reason, &dave)
		};
		let origin = || understudy_runtime::RuntimeOrigin::signed(dave.clone());
		Heartbeat::deregister(origin()).expect("it is registered at genesis");
		assert_eq!(held(), 0);
		Heartbeat::register(origin(), Profile::default()).expect("it has keys and a sufficient balance");
		assert!(held() > 0);
		Heartbeat::deregister(origin()).expect("it is registered");
		assert_eq!(held(), 0);
		let all = understudy_runtime::Balances::free_balance(&dave);
		understudy_runtime::Balances::force_set_balance(
			understudy_runtime::RuntimeOrigin::root(),
			dave.clone().into(),
			understudy_runtime::constants::EXISTENTIAL_DEPOSIT,
		)
		.expect("root may");
		assert!(all > 0 && Heartbeat::register(origin(), Profile::default()).is_err());
		assert!(pallet_heartbeat::Registrations::<Runtime>::get(&dave).is_none());
	});
}

#[test]
fn while_all_is_well_nothing_changes_over_sessions_and_eras() {
	run(|chain| {
		let set_id = Grandpa::current_set_id();
		chain.blocks(SESSION_LENGTH * SESSIONS_PER_ERA + SESSION_LENGTH + 10);
		assert!(Session::current_index() > SESSIONS_PER_ERA);
		assert!(Staking::current_era() > Some(0));
		assert_eq!(validators(), [Alice, Bob, Charlie, Dave]);
		assert!(kinds().is_empty());
		assert_eq!(Grandpa::current_set_id(), set_id, "an unchanged set is no change to GRANDPA (I7)");
	});
}

#[test]
fn who_loses_its_slots_to_its_neighbours_but_is_heard_keeps_its_seat() {
	for offset in 0..8 {
		run(|chain| {
			chain.blocks(WARM);
			chain.slots(offset);
			chain.orphaned = vec![Bob];
			chain.blocks(40);
			assert_eq!(validators(), [Alice, Bob, Charlie, Dave]);
			assert!(kinds().is_empty(), "one detector evicts nobody (I2)");
		});
	}
}

/// The member answers, votes and sends heartbeats, but nobody sees a block for its slots.
#[test]
fn who_never_authors_is_replaced_and_not_charged() {
	for offset in 0..4 {
		run(|chain| {
			chain.blocks(WARM);
			chain.slots(offset);
			chain.lame = vec![Bob];
			chain.until(|| !validators().contains(&Bob));
			assert_eq!(validators(), [Alice, Eve, Charlie, Dave]);
			let told = kinds();
			assert!(told.contains(&RecordKind::Replaced) && !told.contains(&RecordKind::Penalized));
			let conduct = ValidatorRotation::conduct(Bob.to_account_id()).expect("the member is in jail");
			assert_eq!(conduct.outages, 0, "an author without blocks has no outage");
			// It does not delay the next eviction.
			chain.lame = vec![];
			chain.blocks(40);
			chain.dead = vec![Alice];
			chain.until(|| !validators().contains(&Alice));
		});
	}
}

#[test]
fn two_of_four_dead_evicts_nobody() {
	for offset in 0..8 {
		run(|chain| {
			chain.blocks(WARM);
			chain.slots(offset);
			chain.dead = vec![Bob, Charlie];
			chain.blocks(60);
			assert_eq!(validators(), [Alice, Bob, Charlie, Dave]);
			assert_eq!(kinds(), [RecordKind::Held]);
			chain.dead = vec![];
			chain.until(|| kinds() == [RecordKind::Held, RecordKind::Resumed]);
		});
	}
}

#[test]
fn a_second_death_within_the_cool_off_waits_for_its_end() {
	run(|chain| {
		chain.blocks(WARM);
		chain.dead = vec![Bob];
		chain.until(|| validators().contains(&Eve));
		let decided = first(RecordKind::Replaced).record.block;
		chain.blocks(1);
		chain.dead.push(Charlie);
		chain.until(|| validators().contains(&Ferdie));
		let cool_off = dynamic_params::rotation::CoolOff::get();
		let replaced =
			log().into_iter().map(|entry| entry.record).filter(|record| record.kind == RecordKind::Replaced);
		assert!(
			replaced.max_by_key(|record| record.seq).is_some_and(|last| last.block >= decided + cool_off),
			"one of four in a cool-off (I1)"
		);
	});
}

#[test]
fn who_comes_back_is_a_standby_and_is_seated_when_the_next_one_dies() {
	run(|chain| {
		chain.blocks(WARM);
		chain.dead = vec![Bob];
		chain.until(|| validators().contains(&Eve));
		chain.dead = vec![];
		chain.blocks(40);
		assert_eq!(named(ValidatorRotation::reserve()), [Bob, Ferdie]);
		chain.dead = vec![Alice];
		chain.until(|| validators() == [Bob, Eve, Charlie, Dave]);
	});
}

#[test]
fn who_stays_dead_is_not_seated_again() {
	run(|chain| {
		chain.blocks(WARM);
		chain.dead = vec![Bob];
		chain.until(|| validators().contains(&Eve));
		chain.blocks(40);
		chain.dead.push(Alice);
		chain.until(|| validators() == [Ferdie, Eve, Charlie, Dave]);
	});
}

#[test]
fn an_era_change_does_not_seat_the_dead() {
	run(|chain| {
		chain.blocks(WARM);
		chain.dead = vec![Bob];
		chain.until(|| validators().contains(&Eve));
		chain.blocks(SESSION_LENGTH * (SESSIONS_PER_ERA + 1));
		assert!(Staking::current_era() > Some(0));
		assert_eq!(validators(), [Alice, Eve, Charlie, Dave]);
	});
}

#[test]
fn the_new_set_is_what_offences_are_proven_against() {
	run(|chain| {
		chain.blocks(WARM);
		chain.dead = vec![Bob];
		chain.until(|| validators().contains(&Eve));
		chain.blocks(2);
		let keys = Session::load_keys(&Eve.to_account_id()).expect("a member has keys");
		let key = (sp_consensus_grandpa::KEY_TYPE, keys.grandpa);
		let proof =
			understudy_runtime::Historical::prove(key.clone()).expect("the new validator is in the set");
		let (owner, ()) =
			understudy_runtime::Historical::check_proof(key, proof).expect("the proof is of this session");
		assert_eq!(owner, Eve.to_account_id());
	});
}

#[test]
fn a_new_heartbeat_key_counts_from_when_the_other_session_keys_do() {
	run(|chain| {
		chain.blocks(WARM);
		// The chain under test signs Eve's heartbeats with her old key.
		chain.dead = vec![Eve];
		let index = |who| payload(who).index;
		let expected =
			|who| pallet_heartbeat::MemberKeys::<Runtime>::get(index(who)).expect("a member has a key");
		let old = [expected(Bob), expected(Eve)];
		let new = [1, 2].map(|byte| AuthorityId::from(sp_core::sr25519::Public::from_raw([byte; 32])));
		for (who, key) in [Bob, Eve].into_iter().zip(&new) {
			let who = who.to_account_id();
			let keys = Session::load_keys(&who).expect("a member has keys");
			let keys = SessionKeys { heartbeat: key.clone(), ..keys };
			<Session as SessionInterface>::set_keys(&who, keys).expect("no member has this key");
		}
		let mut next_session = || {
			let session = Session::current_index();
			while Session::current_index() == session {
				chain.blocks(1);
			}
			[expected(Bob), expected(Eve)]
		};
		assert_eq!(next_session(), [old[0].clone(), new[1].clone()]);
		assert_eq!(next_session(), new);
	});
}

#[test]
fn while_grandpa_has_a_change_pending_no_session_ends() {
	run(|chain| {
		chain.blocks(WARM);
		let session = Session::current_index();
		chain.dead = vec![Bob];
		Grandpa::schedule_change(Grandpa::grandpa_authorities(), 60, None).expect("none is pending");
		chain.blocks(55);
		assert_eq!(Session::current_index(), session);
		assert_eq!(kinds(), [RecordKind::Replaced]);
		chain.until(|| validators().contains(&Eve));
	});
}

#[test]
fn governance_changes_how_evidence_is_judged() {
	run(|chain| {
		chain.blocks(WARM);
		let wary = RuntimeParameters::Detection(dynamic_params::detection::Parameters::SystemicThreshold(
			dynamic_params::detection::SystemicThreshold,
			Some(sp_runtime::Perbill::from_percent(10)),
		));
		set(vec![wary]).expect("root may");
		chain.dead = vec![Bob];
		chain.blocks(60);
		assert!(validators().contains(&Bob));
		assert_eq!(kinds(), [RecordKind::Held]);
	});
}

#[test]
fn a_heartbeat_in_a_signed_or_bare_transaction_is_refused() {
	run(|chain| {
		chain.blocks(WARM);
		let authorized = signed(Eve, payload(Eve));
		let RuntimeCall::Heartbeat(call) = authorized.function else { panic!("it is a heartbeat") };
		let bare = understudy_runtime::UncheckedExtrinsic::new_bare(call.clone().into());
		let pooled =
			Executive::validate_transaction(TransactionSource::External, bare.clone(), Default::default());
		assert_eq!(pooled, Err(UnknownTransaction::NoUnsignedValidator.into()));
		assert_eq!(apply(bare), Ok(Err(DispatchError::BadOrigin)));
		let origin = understudy_runtime::RuntimeOrigin::signed(Eve.to_account_id());
		let refused = call.dispatch_bypass_filter(origin).expect_err("a signed origin is no authorization");
		assert_eq!(refused.error, DispatchError::BadOrigin);
	});
}

#[test]
fn a_replayed_heartbeat_does_not_get_into_a_block() {
	run(|chain| {
		chain.blocks(WARM);
		// The one of the two standbys whose turn it is.
		let who = if payload(Eve).window % 2 == payload(Eve).index % 2 { Eve } else { Ferdie };
		let again = signed(who, payload(who));
		if !pallet_heartbeat::chunks::is_marked::<Runtime>(
			pallet_heartbeat::chunks::Mark::Seen,
			payload(who).index,
		) {
			apply(again.clone()).expect("it is authorized").expect("it is dispatched");
		}
		let refused = apply(again).expect_err("the member was seen");
		let code = InvalidTransaction::Custom(pallet_heartbeat::rejection::ALREADY_SEEN);
		assert_eq!(refused, TransactionValidityError::Invalid(code));
	});
}

#[test]
fn the_status_knows_every_member() {
	run(|chain| {
		chain.blocks(WARM);
		let status = Heartbeat::roster_status();
		let names = named(status.members.iter().map(|(who, _)| who.clone()).collect());
		assert_eq!(names, MEMBERS);
		assert!(status.members.iter().all(|(_, judged)| judged.verdict.health == Health::Healthy));
	});
}
