//! Forced hand-offs.

use super::*;

/// Indices of the forced changes among the hand-offs of [`recovered`]. The anchor of the first is
/// final by the hand-off before it, that of the second by its own justification.
const FROM_HAND_OFF: usize = 3;
const FROM_JUSTIFIED: usize = 4;

/// Returns the fault of that bundle after a change to one of its forced changes.
fn with_forced(nth: usize, change: impl FnOnce(&mut ForcedChange)) -> Fault {
	let (forge, trusted) = recovered();
	let mut bundle = forge.bundle(Some(3), &[], public);
	let HandOff::Forced(forced) = &mut bundle.hand_offs[nth] else { panic!("it is not forced") };
	change(forced);
	let (link, fault) = refused(&bundle, &trusted);
	assert_eq!(link, Link::HandOff(nth), "{fault}");
	fault
}

#[test]
fn a_forced_change_is_crossed_by_the_votes_of_the_members() {
	let (forge, trusted) = recovered();
	let verified = check(&forge.bundle(Some(3), &[], public), &trusted, &any_age()).expect("it holds");
	assert_eq!((verified.hand_offs, verified.set.id), (6, 6));
	let forced: Vec<_> = verified.forced.iter().map(|forced| (forced.set, forced.voters.clone())).collect();
	let voters = |seeds: &[u8]| seeds.iter().copied().map(member).collect::<Vec<_>>();
	assert_eq!(forced, [(4, voters(&[5, 7, 8, 9])), (5, voters(&[2, 6, 5, 7, 8]))]);

	// From genesis; and from a later trusted set, for which no final block is known.
	let mut early = Forge::new(42, &[1, 2, 3, 4]);
	early.recover(Recovery { voters: &[1, 2, 8, 9], seats: &[1, 2, 8, 9], is_justified: false });
	early.recover(Recovery { voters: &[1, 2, 8, 3], seats: &[1, 2, 8, 3], is_justified: false });
	early.recover(Recovery { voters: &[1, 2, 8, 9], seats: &[1, 2, 8, 9], is_justified: true });
	early.failover(1);
	let whole = early.bundle(Some(1), &[], public);
	assert_eq!(check(&whole, &trusted, &any_age()).map(|verified| verified.forced.len()), Ok(3));
	let second = Bundle { first_set: 1, hand_offs: whole.hand_offs[1..].to_vec(), ..whole.clone() };
	let third = Bundle { first_set: 2, hand_offs: whole.hand_offs[2..].to_vec(), ..whole.clone() };
	let trusts = |set_id, seeds: &[u8]| TrustedSet {
		set_id,
		since: 10,
		authorities: forge::authorities(seeds),
		..trusted.clone()
	};
	assert_eq!(refused(&second, &trusts(1, &[1, 2, 8, 9])), (Link::HandOff(0), Fault::UnknownAnchor));
	assert!(check(&third, &trusts(2, &[1, 2, 8, 3]), &any_age()).is_ok());
}

#[test]
fn a_change_that_was_forced_again_is_crossed_at_once() {
	let (mut forge, trusted) = usual();
	forge.retries = 2;
	forge.recover(Recovery { voters: &[5, 7, 8, 9], seats: &[5, 7, 8, 9], is_justified: false });
	forge.hand_over(&[5, 7, 8, 2]);
	let verified = check(&forge.bundle(Some(2), &[], public), &trusted, &any_age()).expect("it holds");
	assert_eq!((verified.hand_offs, verified.set.id, verified.forced[0].set), (5, 7, 6));
	// The id must not be that of an earlier set.
	let (mut forge, _) = usual();
	forge.recover(Recovery { voters: &[5, 7, 8, 9], seats: &[5, 7, 8, 9], is_justified: false });
	let (set, proposal) = forge.forced.expect("it was");
	forge.enact(Some((set - 1, proposal)));
	let bundle = forge.bundle(Some(2), &[], public);
	assert_eq!(refused(&bundle, &trusted), (Link::HandOff(3), Fault::NotEnacted));
}

#[test]
fn more_than_half_of_the_members_and_enough_of_the_active_ones_must_have_voted() {
	let outcome = |voters: &[u8]| {
		let (mut forge, trusted) = usual();
		forge.recover(Recovery { voters, seats: &[2, 5, 7, 8], is_justified: true });
		check(&forge.bundle(Some(2), &[], public), &trusted, &any_age()).map(|_| ())
	};
	let refused = |fault| Err(Error { link: Link::HandOff(3), fault });
	assert_eq!(outcome(&[5, 7, 8, 9]), Ok(()));
	assert_eq!(outcome(&[5, 7, 2, 6]), Ok(()));
	assert_eq!(outcome(&[5, 7, 8]), refused(Fault::NoQuorum));
	assert_eq!(outcome(&[]), refused(Fault::NoQuorum));
	assert_eq!(outcome(&[5, 8, 9]), refused(Fault::NoQuorum));
	// Standbys do not make up for active members.
	let (mut forge, trusted) = usual();
	forge.reserve = vec![8, 9, 10];
	forge.hand_over(&[7, 2, 6, 5]);
	forge.recover(Recovery { voters: &[5, 8, 9, 10], seats: &[5, 8, 9, 10], is_justified: false });
	let few = forge.bundle(Some(2), &[], public);
	assert_eq!(check(&few, &trusted, &any_age()).map_err(|why| why.fault), Err(Fault::NoQuorum));
}

#[test]
fn votes_are_by_members_with_their_keys_for_this_very_proposal() {
	let swap = |forced: &mut ForcedChange| forced.votes.swap(0, 1);
	let (forge, trusted) = recovered();
	let mut bundle = forge.bundle(Some(3), &[], public);
	let HandOff::Forced(forced) = &mut bundle.hand_offs[FROM_HAND_OFF] else { panic!("it is not forced") };
	swap(forced);
	assert!(check(&bundle, &trusted, &any_age()).is_ok(), "the order of the votes does not matter");

	let of = |nth, change: &dyn Fn(&mut ForcedChange)| with_forced(nth, change);
	assert_eq!(of(FROM_HAND_OFF, &|forced| forced.votes.truncate(3)), Fault::NoQuorum);
	assert_eq!(
		of(FROM_HAND_OFF, &|forced| forced.votes.push(forced.votes[0].clone())),
		Fault::DuplicateVoter
	);
	assert_eq!(of(FROM_HAND_OFF, &|forced| forced.votes[0].who = member(8)), Fault::BadSignature);
	assert_eq!(of(FROM_HAND_OFF, &|forced| forced.votes[0].base.number += 1), Fault::BadSignature);
	assert_eq!(of(FROM_HAND_OFF, &|forced| forced.votes[0].signature.0[3] ^= 1), Fault::BadSignature);
	let elsewhere = understudy_primitives::BlockId { number: 40, hash: H256::repeat_byte(1) };
	let genesis = trusted.genesis;
	assert_eq!(
		of(FROM_HAND_OFF, &|forced| forced.votes[0] = cast(5, genesis, elsewhere)),
		Fault::BadSignature
	);
	// A vote of another chain.
	let header: Header =
		codec::Decode::decode(&mut &forced_of(&forge, FROM_HAND_OFF).proposal.header[..]).expect("it is one");
	let proposal = understudy_primitives::BlockId { number: header.number, hash: header.hash() };
	assert_eq!(
		of(FROM_HAND_OFF, &|forced| forced.votes[0] = cast(5, H256::zero(), proposal)),
		Fault::BadSignature
	);
	assert_eq!(of(FROM_HAND_OFF, &|forced| forced.authorities.swap(0, 1)), Fault::WrongKey);
	assert_eq!(of(FROM_HAND_OFF, &|forced| forced.authorities.truncate(3)), Fault::UnusedNode);
	assert_eq!(
		of(FROM_HAND_OFF, &|forced| forced.authorities.push(H256(pair(5).public().0))),
		Fault::WrongKey
	);
}

fn forced_of(forge: &Forge, nth: usize) -> ForcedChange {
	match &forge.hand_offs[nth] {
		HandOff::Forced(change) => (**change).clone(),
		HandOff::Scheduled(_) => panic!("it is not forced"),
	}
}

#[test]
fn a_forced_change_begins_with_what_was_final_and_came_about() {
	let (forge, trusted) = recovered();
	let other = forced_of(&forge, FROM_JUSTIFIED);
	let of = |nth, change: &dyn Fn(&mut ForcedChange)| with_forced(nth, change);
	// An anchor other than the last block that the set before finalized, with and without a
	// justification.
	assert_eq!(of(FROM_HAND_OFF, &|forced| forced.anchor = other.anchor.clone()), Fault::UnknownAnchor);
	let justified_by_others = |forced: &mut ForcedChange| {
		forced.anchor = other.anchor.clone();
		forced.anchor_justification = other.anchor_justification.clone();
	};
	assert_eq!(of(FROM_HAND_OFF, &justified_by_others), Fault::BadSignature);
	assert_eq!(of(FROM_JUSTIFIED, &|forced| forced.anchor_justification.clear()), Fault::UnknownAnchor);
	assert_eq!(of(FROM_HAND_OFF, &|forced| forced.anchor.state.clear()), Fault::Unproven);
	assert_eq!(of(FROM_HAND_OFF, &|forced| forced.proposal.state.clear()), Fault::Unproven);
	assert_eq!(of(FROM_HAND_OFF, &|forced| forced.enacted.state.clear()), Fault::Unproven);
	assert_eq!(of(FROM_HAND_OFF, &|forced| forced.anchor.state.push(vec![1])), Fault::UnusedNode);
	assert_eq!(
		of(FROM_HAND_OFF, &|forced| forced.proposal.header = forced.anchor.header.clone()),
		Fault::OutOfOrder
	);
	assert_eq!(
		of(FROM_HAND_OFF, &|forced| forced.enacted.header = forced.proposal.header.clone()),
		Fault::OutOfOrder
	);
	assert_eq!(
		of(FROM_HAND_OFF, &|forced| forced.enacted_justification = other.enacted_justification.clone()),
		Fault::WrongBlock
	);

	// The new set finalizes blocks, but its chain shows no recovery, or another one: the proposal
	// had its votes, but was not carried out.
	for forced in [None, Some((4, understudy_primitives::BlockId { number: 1, hash: H256::zero() }))] {
		let (mut forge, _) = usual();
		forge.recover(Recovery { voters: &[5, 7, 8, 9], seats: &[5, 7, 8, 9], is_justified: false });
		forge.enact(forced);
		let bundle = forge.bundle(Some(2), &[], public);
		assert_eq!(refused(&bundle, &trusted), (Link::HandOff(3), Fault::NotEnacted));
	}
	// A chain with the same keys, up to a block that both sets justify.
	let mut posing = Forge::new(43, &[1, 2, 3, 4]);
	posing.recover(Recovery { voters: &[1, 2, 8, 9], seats: &[1, 2, 8, 9], is_justified: true });
	posing.failover(1);
	let posing = Bundle { genesis: trusted.genesis, ..posing.bundle(Some(1), &[], public) };
	assert_eq!(refused(&posing, &trusted), (Link::HandOff(0), Fault::WrongChain));

	// Voters that are not members, missing values, and proposals of an invalid set.
	let stranger = |seats: &[u8], voters: &[u8], hide: &[&'static str]| {
		let (mut forge, _) = usual();
		forge.hidden = hide.to_vec();
		forge.recover(Recovery { voters, seats, is_justified: true });
		forge.failover(3);
		refused(&forge.bundle(Some(3), &[], public), &trusted).1
	};
	assert_eq!(stranger(&[5, 7, 8, 9], &[5, 7, 8, 33], &[]), Fault::NotAMember);
	assert_eq!(stranger(&[5, 7, 8, 9], &[5, 7, 8, 9], &["Rosters"]), Fault::MissingValue);
	assert_eq!(stranger(&[5, 7, 8, 9], &[5, 7, 8, 9], &["Proposed"]), Fault::MissingValue);
	assert_eq!(stranger(&[5, 7, 8, 9], &[5, 7, 8, 9], &["Stalled"]), Fault::NoStall);
	assert_eq!(stranger(&[], &[5, 7, 8, 9], &[]), Fault::BadSet);
	assert_eq!(stranger(&[5, 7, 8, 5], &[5, 7, 8, 9], &[]), Fault::BadSet);
}

#[test]
fn standbys_that_were_not_ready_do_not_count() {
	let outcome = |unready: &[u8], keyless: &[u8], voters: &[u8]| {
		let (mut forge, trusted) = usual();
		(forge.unready, forge.keyless) = (unready.to_vec(), keyless.to_vec());
		// The roster takes effect with this hand-off.
		forge.hand_over(&[7, 2, 6, 5]);
		forge.recover(Recovery { voters, seats: &[2, 5, 7], is_justified: false });
		check(&forge.bundle(Some(2), &[], public), &trusted, &any_age()).map(|_| ()).map_err(|why| why.fault)
	};
	// Three of four active members; the two standbys had not shown that they are ready.
	assert_eq!(outcome(&[8, 9], &[], &[2, 5, 7]), Ok(()));
	assert_eq!(outcome(&[9], &[], &[2, 5, 7]), Ok(()));
	assert_eq!(outcome(&[], &[], &[2, 5, 7]), Err(Fault::NoQuorum));
	assert_eq!(outcome(&[8, 9], &[], &[2, 5, 8]), Err(Fault::NotAMember));
	// A member without a key in force has no vote, but counts as a member.
	assert_eq!(outcome(&[], &[7], &[2, 5, 7, 8]), Err(Fault::BadSignature));
	assert_eq!(outcome(&[8, 9], &[7], &[2, 5, 6]), Ok(()));
}

#[test]
fn a_forced_change_shows_the_stall_that_it_ended() {
	let at = |block: u32| Moment { block, time: u64::from(block) * forge::BLOCK };
	let (forge, trusted) = recovered();
	let verified = check(&forge.bundle(Some(3), &[], public), &trusted, &any_age()).expect("it holds");
	let shown = verified.forced[0].stall;
	assert!(shown.finalized < shown.noticed.block && shown.noticed.block < verified.forced[0].proposal);
	let outcome = |stall: Stall| {
		let (mut forge, trusted) = usual();
		forge.stall = Some(stall);
		forge.recover(Recovery { voters: &[5, 7, 8, 9], seats: &[5, 7, 8, 9], is_justified: false });
		check(&forge.bundle(Some(2), &[], public), &trusted, &any_age()).map(|_| ()).map_err(|why| why.fault)
	};
	let (mut forge, _) = usual();
	forge.recover(Recovery { voters: &[5, 7, 8, 9], seats: &[5, 7, 8, 9], is_justified: false });
	let proposal = forge.forced.expect("it was").1.number;
	let good = Stall { finalized: 5, since: at(7), noticed: at(proposal - 1), reports: 2 };
	assert_eq!(outcome(good), Ok(()));
	assert_eq!(outcome(Stall { reports: 0, ..good }), Ok(()), "too few members were alive to report it");
	let impossible = [
		Stall { noticed: at(proposal), ..good },
		Stall { finalized: proposal - 1, ..good },
		Stall { since: good.noticed, ..good },
	];
	for stall in impossible {
		assert_eq!(outcome(stall), Err(Fault::NoStall));
	}
}
