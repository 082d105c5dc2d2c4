//! Finality as the chain knows it when authors do not report it.

use super::*;

fn report(signed: SignedReport<Runtime>) {
	assert_eq!(authorize(Call::report_finality { signed: signed.clone() }), Ok(()));
	assert_ok!(Recovery::report_finality(authorized(), signed));
}

fn unfit(signed: SignedReport<Runtime>, code: u8) {
	let refused = authorize(Call::report_finality { signed });
	assert_eq!(refused, Err(InvalidTransaction::Custom(code).into()));
}

/// Makes blocks of these seats of the active set only, in which finality is two blocks behind.
fn authored_by(count: u64, seats: &[u64]) {
	let until = System::block_number() + count;
	while System::block_number() < until {
		let next = System::block_number() + 1;
		if seats.contains(&(next % Active::get().len() as u64)) {
			block(next - 2);
		} else {
			skip();
		}
	}
}

/// Makes a block whose author reports nothing.
fn skip() {
	next_block();
	check();
}

/// Submits a report of this final block by each of these members.
fn each_reports(members: &[u64], finalized: u64) {
	members.iter().for_each(|who| report(final_for(*who, finalized)));
}

/// One of four is unresponsive, one votes and does not author.
#[test]
fn where_two_of_four_author_nothing_degrades() {
	build_and_execute(|| {
		healthy(20);
		authored_by(200, &[0, 1]);
		assert_eq!(mode(), Mode::Safe);
		assert!(Recovery::status().finalized > 200);
		assert!(told().is_empty());
	});
}

/// Two of seven are unresponsive, and three of the others vote and do not author: their nodes
/// report by themselves.
#[test]
fn members_that_do_not_author_are_heard() {
	build_and_execute(|| {
		seat(&(11..18).collect::<Vec<_>>(), &[]);
		healthy(20);
		let stuck = Recovery::status().finalized;
		authored_by(21, &[0, 1]);
		assert!(Recovery::status().finalized <= stuck + 2);
		each_reports(&[13, 14], System::block_number() - 2);
		assert!(Recovery::status().finalized > stuck + 10);
		assert_eq!(mode(), Mode::Safe);
	});
}

#[test]
fn a_chain_that_degraded_for_want_of_reports_gets_out_by_them() {
	build_and_execute(|| {
		seat(&(11..18).collect::<Vec<_>>(), &[]);
		healthy(20);
		// More members than may be faulty report that no later block is final, and are wrong.
		while mode() == Mode::Safe {
			block(18);
		}
		let now = System::block_number();
		each_reports(&[13, 14, 15], now - 1);
		// They report again when finality has passed the block in which the stall was noticed.
		standing(3, 18);
		each_reports(&[13, 14, 15], now + 2);
		standing(1, 18);
		assert_eq!(mode(), Mode::SafeResumed);
	});
}

#[test]
fn seats_that_are_gone_do_not_degrade_the_chain() {
	build_and_execute(|| {
		seat(&(11..18).collect::<Vec<_>>(), &[]);
		healthy(40);
		// Seven, four, then three seats; each time one becomes unresponsive.
		for active in [&[11, 13, 15, 17][..], &[13, 15, 17]] {
			seat(active, &[]);
			healthy(8);
			let others: Vec<u64> = (1..active.len() as u64).collect();
			authored_by(60, &others);
			assert_eq!(mode(), Mode::Safe);
			assert!(Recovery::status().finalized + 10 > System::block_number() as u32);
		}
		assert!(told().is_empty());
	});
}

#[test]
fn why_reports_are_refused() {
	build_and_execute(|| {
		healthy(20);
		let number = System::block_number() - 1;
		let stale = final_for(11, Recovery::status().finalized.into());
		healthy(1);
		unfit(stale, rejection::STALE_VIEW);
		// A healthy chain accepts no report that changes little.
		unfit(final_for(11, number), rejection::ALREADY_SUBMITTED);
		(0..6).for_each(|_| skip());
		let number = System::block_number() - 1;
		unfit(final_for(17, number), rejection::NOT_A_MEMBER);
		unfit(final_for(15, number), rejection::NOT_A_MEMBER);
		unfit(final_for(11, System::block_number()), rejection::WRONG_BASE);
		let elsewhere = |mut signed: SignedReport<Runtime>| {
			signed.statement.finalized.hash = H256::repeat_byte(7);
			Signed { signature: sign(11, &signed.statement), ..signed }
		};
		unfit(elsewhere(final_for(11, number)), rejection::WRONG_BASE);
		let by_another = Signed { signature: final_for(12, number).signature, ..final_for(11, number) };
		unfit(by_another, rejection::BAD_SIGNATURE);
		let last = System::block_number() - 1;
		report(final_for(11, last));
		unfit(final_for(11, last), rejection::ALREADY_SUBMITTED);
		let again = Recovery::report_finality(authorized(), final_for(11, last));
		assert_noop!(again, Error::<Runtime>::NothingNew);
		let by_hand = Recovery::report_finality(RuntimeOrigin::signed(11), final_for(12, last));
		assert_noop!(by_hand, DispatchError::BadOrigin);
	});
}

#[test]
fn a_node_that_lags_takes_reports_into_its_pool() {
	build_and_execute(|| {
		healthy(20);
		let ahead = final_for(11, System::block_number() + 1);
		assert_eq!(pooled(Call::report_finality { signed: ahead.clone() }), Ok(()));
		unfit(ahead, rejection::WRONG_BASE);
		let far = final_for(11, System::block_number() + 50);
		let refused = pooled(Call::report_finality { signed: far });
		assert_eq!(refused, Err(InvalidTransaction::Custom(rejection::WRONG_BASE).into()));
	});
}
