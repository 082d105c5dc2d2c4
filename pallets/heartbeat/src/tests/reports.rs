//! Reports: each reason to reject one, the counters, and the verdicts that follow.

use frame_support::{
	assert_noop, assert_ok,
	dispatch::RawOrigin,
	pallet_prelude::{Authorize, InvalidTransaction, TransactionSource, ValidTransaction},
	BoundedVec,
};
use sp_runtime::{transaction_validity::TransactionValidityError, DispatchError};
use understudy_primitives::{Health, RosterHandler, Verdicts};

use crate::{
	chunks::{self, CounterTable, Mark},
	counters::MemberCounters,
	mock::*,
	rejection,
	statement::Statement,
	Call, Counters, Error, Marks, Report, ReportKind, Window,
};
use ReportKind::{Peers, Votes};

const EVERYWHERE: [TransactionSource; 3] =
	[TransactionSource::External, TransactionSource::Local, TransactionSource::InBlock];

fn report(reporter: u32, kind: ReportKind, targets: &[u32]) -> Report {
	Report {
		roster: Window::<Runtime>::get().roster.id,
		window: Window::<Runtime>::get().index,
		reporter,
		kind,
		targets: BoundedVec::truncate_from(targets.to_vec()),
	}
}

fn authorize(
	source: TransactionSource,
	report: &Report,
) -> Result<ValidTransaction, TransactionValidityError> {
	let signature = sign(u64::from(report.reporter) + 10, report);
	Call::<Runtime>::report { report: report.clone(), signature }
		.authorize(source)
		.expect("the call is authorizable")
		.map(|(valid, _)| valid)
}

fn rejected(report: &Report, code: u8) {
	for source in EVERYWHERE {
		assert_eq!(authorize(source, report), Err(InvalidTransaction::Custom(code).into()), "{report:?}");
	}
}

/// Authorizes and dispatches a report, as a block does with a node's transaction.
fn send(report: Report) {
	assert_ok!(authorize(TransactionSource::InBlock, &report));
	let signature = sign(u64::from(report.reporter) + 10, &report);
	assert_ok!(Heartbeat::report(RawOrigin::Authorized.into(), report, signature));
}

fn evidence_of(index: u32) -> MemberCounters {
	*CounterTable::<Runtime>::read(&Window::<Runtime>::get().roster).get(index).expect("a member")
}

/// Runs a test after the grace of all members has ended.
fn warm(test: impl FnOnce()) {
	build_and_execute(|| {
		run(1..21, &[]);
		test();
	});
}

#[test]
fn a_report_is_let_in_from_everywhere_once_per_member_kind_and_window() {
	warm(|| {
		for source in EVERYWHERE {
			let transaction = authorize(source, &report(5, Peers, &[2])).expect("it is valid");
			assert_eq!((transaction.priority, transaction.longevity, transaction.propagate), (77, 64, true));
		}
		let tag = |report| authorize(TransactionSource::External, &report).expect("it is valid").provides;
		assert_eq!(tag(report(5, Peers, &[2])), tag(report(5, Peers, &[1, 2])));
		assert_ne!(tag(report(5, Peers, &[2])), tag(report(5, Votes, &[2])));
		assert_ne!(tag(report(5, Peers, &[2])), tag(report(4, Peers, &[2])));
	});
}

#[test]
fn another_roster_is_rejected() {
	warm(|| {
		let old = report(5, Peers, &[2]);
		rejected(&Report { roster: old.roster + 1, ..old.clone() }, rejection::STALE_ROSTER);
		Heartbeat::on_roster(&[10, 11, 12, 13], &[14, 15]);
		rejected(&old, rejection::STALE_ROSTER);
	});
}

#[test]
fn a_window_that_is_over_for_longer_than_one_or_has_not_begun_is_rejected() {
	warm(|| {
		let now = report(5, Peers, &[2]);
		rejected(&Report { window: now.window - 2, ..now.clone() }, rejection::PAST_WINDOW);
		rejected(&Report { window: now.window + 2, ..now.clone() }, rejection::FUTURE_WINDOW);
		let next = Report { window: now.window + 1, ..now.clone() };
		assert_ok!(authorize(TransactionSource::External, &next));
		let code = InvalidTransaction::Custom(rejection::FUTURE_WINDOW);
		assert_eq!(authorize(TransactionSource::InBlock, &next), Err(code.into()));
		assert_ok!(authorize(TransactionSource::InBlock, &Report { window: now.window - 1, ..now }));
	});
}

#[test]
fn a_non_member_is_rejected() {
	warm(|| rejected(&report(6, Peers, &[2]), rejection::NOT_A_MEMBER));
}

#[test]
fn a_malformed_list_is_rejected() {
	warm(|| {
		for targets in [&[][..], &[2, 1], &[2, 2], &[4, 5]] {
			rejected(&report(5, Peers, targets), rejection::BAD_TARGETS);
		}
	});
}

#[test]
fn an_oversized_list_is_rejected() {
	Probes::set(2);
	warm(|| rejected(&report(5, Peers, &[0, 1, 2]), rejection::TOO_MANY_TARGETS));
}

#[test]
fn a_list_beyond_the_bound_does_not_decode() {
	use codec::{Decode, Encode};
	let list: Vec<u32> = (0..65).collect();
	let bytes = (1u32, 1u32, 200u32, Votes, list).encode();
	assert!(Report::decode(&mut &bytes[..]).is_err());
}

#[test]
fn a_target_that_was_not_assigned_is_rejected() {
	Probes::set(1);
	warm(|| {
		let assignment = Heartbeat::assignment(&Window::<Runtime>::get(), Window::<Runtime>::get().index);
		let assigned = assignment.targets(5);
		assert_ok!(authorize(TransactionSource::InBlock, &report(5, Peers, &assigned)));
		for target in (0..5).filter(|target| !assigned.contains(target)) {
			rejected(&report(5, Peers, &[target]), rejection::UNASSIGNED_TARGET);
		}
		rejected(&report(5, Peers, &[6]), rejection::UNASSIGNED_TARGET);
	});
}

#[test]
fn the_assignment_is_drawn_anew_for_each_window_and_a_late_report_is_held_to_its_own() {
	Probes::set(1);
	warm(|| {
		let window = Window::<Runtime>::get().index;
		let before = Heartbeat::assignment(&Window::<Runtime>::get(), window).targets(5);
		let late = report(5, Peers, &before);
		let other = (0..=255u8)
			.map(sp_core::H256::repeat_byte)
			.find(|seed| crate::assignment::Assignment::new(seed.as_ref(), 6, 1).targets(5) != before);
		Seed::set(other.expect("some seed gives another assignment"));
		run(21..25, &[]);
		assert_eq!(Window::<Runtime>::get().index, window + 1);
		assert_ne!(Heartbeat::assignment(&Window::<Runtime>::get(), window + 1).targets(5), before);
		assert_ok!(authorize(TransactionSource::InBlock, &late));
		rejected(&report(5, Peers, &before), rejection::UNASSIGNED_TARGET);
	});
}

#[test]
fn a_standby_casts_no_votes_to_be_missed() {
	warm(|| {
		rejected(&report(5, Votes, &[4]), rejection::UNASSIGNED_TARGET);
		assert_ok!(authorize(TransactionSource::InBlock, &report(5, Votes, &[3])));
		assert_ok!(authorize(TransactionSource::InBlock, &report(5, Peers, &[4])));
	});
}

#[test]
fn a_second_report_of_the_window_is_rejected() {
	warm(|| {
		send(report(5, Peers, &[2]));
		rejected(&report(5, Peers, &[2]), rejection::ALREADY_REPORTED);
		rejected(&report(5, Peers, &[1]), rejection::ALREADY_REPORTED);
		send(report(5, Votes, &[2]));
	});
}

#[test]
fn a_report_counts_once_whether_late_or_not() {
	warm(|| {
		let first = report(5, Peers, &[2]);
		send(first.clone());
		run(21..25, &[]);
		assert_eq!(evidence_of(2).peers.reports, 0);
		rejected(&first, rejection::ALREADY_REPORTED);

		let late = Report { reporter: 4, ..first };
		send(late.clone());
		assert_eq!(evidence_of(2).peers.reports, 1);
		rejected(&late, rejection::ALREADY_REPORTED);
		rejected(&report(4, Peers, &[2]), rejection::ALREADY_REPORTED);
		run(25..29, &[]);
		rejected(&late, rejection::PAST_WINDOW);
	});
}

#[test]
fn what_would_change_nothing_is_rejected() {
	warm(|| {
		for reporter in [0, 1, 3] {
			send(report(reporter, Peers, &[2]));
		}
		rejected(&report(5, Peers, &[2]), rejection::NOTHING_NEW);
		assert_ok!(authorize(TransactionSource::InBlock, &report(5, Peers, &[2, 3])));
		Heartbeat::on_roster(&[10, 11, 12, 13], &[14, 15, 16]);
		rejected(&report(5, Peers, &[6]), rejection::NOTHING_NEW);
	});
}

#[test]
fn a_member_without_a_key_is_rejected() {
	Keyless::set(vec![15]);
	warm(|| rejected(&report(5, Peers, &[2]), rejection::NO_KEY));
}

#[test]
fn a_foreign_signature_or_another_chain_is_rejected() {
	warm(|| {
		let report = report(5, Peers, &[2]);
		let bad = InvalidTransaction::Custom(rejection::BAD_SIGNATURE);
		let others = [
			sign(14, &report),
			sign(15, &Report { kind: Votes, ..report.clone() }),
			sign_payload(15, &report.payload(&sp_core::H256::repeat_byte(9))),
		];
		for signature in others {
			let call = Call::<Runtime>::report { report: report.clone(), signature };
			let refused = call.authorize(TransactionSource::InBlock).expect("the call is authorizable");
			assert_eq!(refused.map(drop), Err(bad.into()));
		}
	});
}

#[test]
fn the_signed_payload_is_pinned() {
	let report = Report {
		roster: 1,
		window: 0x0203,
		reporter: 4,
		kind: Votes,
		targets: BoundedVec::truncate_from(vec![5, 6]),
	};
	let mut expected = b"understudy/report/1".to_vec();
	expected.extend([0xaa; 32]);
	expected.extend([1, 0, 0, 0, 3, 2, 0, 0, 4, 0, 0, 0, 1, 8, 5, 0, 0, 0, 6, 0, 0, 0]);
	assert_eq!(report.payload(&sp_core::H256::repeat_byte(0xaa)), expected);
}

#[test]
fn nobody_else_may_call() {
	warm(|| {
		let report = report(5, Peers, &[2]);
		let signature = sign(15, &report);
		for origin in [RawOrigin::Signed(15), RawOrigin::None, RawOrigin::Root] {
			let call = Heartbeat::report(origin.into(), report.clone(), signature.clone());
			assert_noop!(call, DispatchError::BadOrigin);
		}
	});
}

#[test]
fn what_changed_after_the_authorization_is_an_error() {
	warm(|| {
		let old = report(5, Peers, &[2]);
		let signature = sign(15, &old);
		let call = |report: &Report| {
			Heartbeat::report(RawOrigin::Authorized.into(), report.clone(), signature.clone())
		};
		assert_noop!(call(&Report { window: old.window - 2, ..old.clone() }), Error::<Runtime>::StaleWindow);
		assert_noop!(call(&Report { window: old.window + 1, ..old.clone() }), Error::<Runtime>::StaleWindow);
		assert_ok!(call(&old));
		assert_noop!(call(&old), Error::<Runtime>::AlreadyReported);
		Heartbeat::on_roster(&[10, 11, 12, 13], &[14, 15]);
		assert_noop!(call(&old), Error::<Runtime>::StaleRoster);
	});
}

#[test]
fn a_quorum_counts_and_less_does_not() {
	warm(|| {
		for reporter in [0, 1] {
			send(report(reporter, Peers, &[2]));
		}
		assert_eq!((evidence_of(2).peers.reports, evidence_of(2).peers.windows), (2, 0));
		assert!(Heartbeat::judgement().unhealthy.is_empty());
		send(report(3, Peers, &[2]));
		assert_eq!((evidence_of(2).peers.reports, evidence_of(2).peers.windows), (3, 1));
		let judged = Heartbeat::judgement().unhealthy[0];
		assert!(judged.verdict.detectors.peers);
		assert_eq!(judged.verdict.health, Health::Suspect);
		// A window without a quorum resets the count.
		run(21..30, &[]);
		assert!(Heartbeat::judgement().unhealthy.is_empty());
	});
}

#[test]
fn in_grace_nothing_is_counted() {
	warm(|| {
		Heartbeat::on_roster(&[10, 11, 12, 14], &[13, 15]);
		for reporter in [0, 1] {
			send(report(reporter, Peers, &[2, 3, 4]));
		}
		assert_eq!([2, 3, 4].map(|index| evidence_of(index).peers.reports), [2, 0, 0]);
	})
}

#[test]
fn a_report_that_makes_a_member_down_is_judged_in_the_next_block() {
	warm(|| {
		run(21..33, &[2]);
		let window = Window::<Runtime>::get().index;
		for reporter in [0, 1, 3] {
			send(report(reporter, Peers, &[2]));
		}
		assert!(Window::<Runtime>::get().alarm);
		let judged = Judgements::get().len();
		run(33..34, &[2]);
		assert_eq!(Judgements::get().len(), judged + 1);
		assert!(!Window::<Runtime>::get().alarm);
		assert_eq!(Window::<Runtime>::get().index, window);
		let last = Judgements::get().pop().expect("it was judged");
		assert_eq!(
			last.unhealthy.iter().map(|judged| judged.verdict.health).collect::<Vec<_>>(),
			[Health::Down]
		);
		assert_eq!(u64::from(last.unhealthy[0].since), System::block_number());
	});
}

#[test]
fn who_does_not_vote_is_impaired_after_many_windows() {
	warm(|| {
		let mut seen = Vec::new();
		for round in 0..9u64 {
			for reporter in [0, 1, 3] {
				send(report(reporter, Votes, &[2]));
			}
			run(21 + 4 * round..25 + 4 * round, &[]);
			seen.push(Heartbeat::judgement().unhealthy.first().map(|judged| judged.verdict.health));
		}
		assert_eq!(seen[0], Some(Health::Suspect));
		assert_eq!(seen[8], Some(Health::Impaired));
		assert!(!seen.contains(&Some(Health::Down)));
	});
}

#[test]
fn f_colluders_cannot_talk_a_member_out_of_its_seat_even_where_its_slots_are_lost() {
	Probes::set(100);
	for members in [4u64, 7, 31, 100] {
		build_and_execute(|| {
			let active: Vec<u64> = (10..10 + members).collect();
			let colluders = (members as u32 - 1) / 3;
			Heartbeat::on_roster(&active, &[]);
			let (mut slot, mut accepted) = (1, 0);
			for _ in 0..40 {
				// No member is silent, but no author builds on the victim's blocks: S fires against
				// it.
				for index in 0..members as u32 {
					chunks::mark::<Runtime>(Mark::Seen, index);
				}
				for reporter in 1..=colluders {
					for kind in [Votes, Peers] {
						let report = report(reporter, kind, &[0]);
						let refusals = [
							rejection::UNASSIGNED_TARGET,
							rejection::NOTHING_NEW,
							rejection::ALREADY_REPORTED,
						];
						let refusals = refusals.map(|code| InvalidTransaction::Custom(code).into());
						match authorize(TransactionSource::InBlock, &report) {
							Ok(_) => {
								let call = Heartbeat::report(
									RawOrigin::Authorized.into(),
									report.clone(),
									sign(10, &report),
								);
								assert_ok!(call);
								accepted += 1;
							},
							Err(refused) => assert!(refusals.contains(&refused), "{refused:?}"),
						}
					}
				}
				run(slot..slot + 4, &[0]);
				slot += 4;
				let health = evidence_of(0).health;
				assert!(health < Health::Impaired, "{members} members: {health:?}");
			}
			assert!(accepted > 0 && evidence_of(0).missed_slots > 0);
		});
	}
}

#[test]
fn reports_of_what_was_before_a_sign_of_life_take_nothing_back() {
	warm(|| {
		Counters::<Runtime>::mutate(0, |chunk| (chunk[2].missed_slots, chunk[2].answered) = (3, true));
		chunks::mark::<Runtime>(Mark::Seen, 2);
		for reporter in [0, 1, 3] {
			send(report(reporter, Peers, &[2]));
		}
		assert_eq!(Heartbeat::judgement().unhealthy[0].verdict.health, Health::Suspect);
		// Without a sign of life in this window, the reports count.
		Marks::<Runtime>::remove(0);
		Counters::<Runtime>::mutate(0, |chunk| chunk[2].peers = Default::default());
		for reporter in [0, 1, 3] {
			send(report(reporter, Peers, &[2]));
		}
		assert_eq!(Heartbeat::judgement().unhealthy[0].verdict.health, Health::Down);
	});
}
