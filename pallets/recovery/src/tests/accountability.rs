//! Members that vote for two proposals.

use super::*;

/// Makes 11, 12, 15 and 16 vote for the set that is proposed here, and returns a vote of 11 for it
/// and one for a proposal of another branch.
fn double() -> (SignedVote<Runtime>, SignedVote<Runtime>) {
	degrade();
	propose(&[11, 12, 15, 16]);
	[11, 12, 15, 16].into_iter().for_each(vote);
	let other = BlockId { number: proposal().number + 1, hash: H256::repeat_byte(7) };
	(signed(11, proposal(), 18), signed(11, other, 18))
}

fn report(one: &SignedVote<Runtime>, two: &SignedVote<Runtime>) -> Result<Pays, DispatchError> {
	Recovery::report_double_vote(RuntimeOrigin::signed(99), one.clone(), two.clone())
		.map(|info| info.pays_fee)
		.map_err(|error| error.error)
}

const CHARGE: (u64, u32, Perbill) = (11, 3, Perbill::from_percent(10));

#[test]
fn who_votes_for_two_proposals_is_charged_once() {
	build_and_execute(|| {
		let (one, two) = double();
		let refused = |one: &SignedVote<Runtime>, two: &SignedVote<Runtime>, why: Error<Runtime>| {
			assert_noop!(report(one, two), DispatchError::from(why));
		};
		refused(&one, &one, Error::NoConflict);
		refused(&one, &signed(12, two.statement.proposal, 18), Error::NoConflict);
		let forged = Signed { signature: one.signature.clone(), ..two.clone() };
		refused(&one, &forged, Error::BadSignature);
		assert_eq!(report(&one, &two), Ok(Pays::No));
		assert_eq!(Charged::get(), [CHARGE]);
		assert_eq!(told().last(), Some(&Penalized));
		refused(&two, &one, Error::AlreadyReported);
		// The member is not charged by another pair with the same vote, either.
		let third = signed(11, BlockId { hash: H256::repeat_byte(8), ..two.statement.proposal }, 18);
		refused(&third, &one, Error::AlreadyReported);
		assert_eq!(Charged::get().len(), 1);
	});
}

#[test]
fn who_cannot_be_charged_is_refused() {
	build_and_execute(|| {
		let (_, two) = double();
		let of_nobody = (signed(16, proposal(), 18), signed(16, two.statement.proposal, 18));
		assert_noop!(
			report(&of_nobody.0, &of_nobody.1),
			DispatchError::from(Error::<Runtime>::UnknownOffender)
		);
	});
}

/// Any account with a key could report itself, have the fee returned, and fill the log.
#[test]
fn accounts_whose_vote_was_not_counted_are_not_reported() {
	build_and_execute(|| {
		let (one, two) = double();
		let records = told().len();
		for who in [13, 14, 17, 19] {
			let pair = (signed(who, proposal(), 18), signed(who, two.statement.proposal, 18));
			assert_noop!(report(&pair.0, &pair.1), DispatchError::from(Error::<Runtime>::UnknownOffender));
		}
		// Two votes for other branches are not charged.
		let third = signed(11, BlockId { hash: H256::repeat_byte(8), ..two.statement.proposal }, 18);
		assert_noop!(report(&two, &third), DispatchError::from(Error::<Runtime>::UnknownOffender));
		assert_eq!((told().len(), report(&one, &two)), (records, Ok(Pays::No)));
	});
}

#[test]
fn new_keys_a_lost_seat_and_the_end_of_the_stall_keep_nobody_from_being_charged() {
	build_and_execute(|| {
		let (one, two) = double();
		healthy(60);
		assert_eq!(mode(), Mode::Safe);
		// The member has other keys, no seat, is not elected, and sessions have passed.
		Moved::set(vec![(11, 19)]);
		seat(&[12, 13, 14, 15], &[16]);
		CurrentSession::set(50);
		healthy(100);
		assert_eq!(report(&one, &two), Ok(Pays::No));
		// It is charged by the session of the vote.
		assert_eq!(Charged::get(), [CHARGE]);
	});
}

#[test]
fn the_oldest_of_many_ballots_are_dropped() {
	build_and_execute(|| {
		let (one, two) = double();
		for number in 1_000..1_000 + crate::accountability::KEPT {
			let proposal = Some(BlockId { number, hash: H256::repeat_byte(1) });
			Recovery::open_ballot(&crate::State { proposal, ..Status::<Runtime>::get() });
			assert_eq!(
				crate::Ballots::<Runtime>::get().last().map(|ballot| ballot.proposal.number),
				Some(number)
			);
		}
		check();
		assert_noop!(report(&one, &two), DispatchError::from(Error::<Runtime>::UnknownOffender));
		assert_eq!(crate::BallotKeys::<Runtime>::iter().count(), 0);
	});
}
