//! A proof that holds does; one that was changed anywhere does not, and says where.

mod forge;

use std::collections::BTreeSet;

use codec::Encode;
use forge::{
	any_age, cast, header, justified, member, pair, public, recovered, usual, vote, Forge, Recovery,
};
use serde_json::Value;
use sp_core::{Pair, H256};
use sp_runtime::DigestItem;
use understudy_primitives::{Evidence, Moment, Phase, RecordKind, Stall};
use understudy_verifier::{
	check, Bundle, Error, Fault, ForcedChange, HandOff, Header, Justified, Link, Policy, TrustedSet,
};

/// Hand-offs of both kinds, and an incident from after them.
fn incident() -> (Bundle, TrustedSet) {
	let (forge, trusted) = recovered();
	(Bundle { ancestry: Some(forge.ancestry(5)), ..forge.bundle(Some(3), &[], public) }, trusted)
}

fn refused(bundle: &Bundle, trusted: &TrustedSet) -> (Link, Fault) {
	let Error { link, fault } = check(bundle, trusted, &any_age()).expect_err("it does not hold");
	(link, fault)
}

#[test]
fn what_was_not_changed_holds() {
	let (forge, trusted) = usual();
	for discloses in [public as fn(&Evidence) -> bool, |_| true, |_| false] {
		let bundle = forge.bundle(Some(1), &[], discloses);
		let verified = check(&bundle, &trusted, &any_age()).expect("it holds");
		assert_eq!((verified.hand_offs, verified.set.id, verified.log), (3, 3, forge.log));
		assert_eq!(bundle.incident.as_ref().map(|proven| proven.incident.phase), Some(Phase::Reconciled));
		assert_eq!(Bundle::from_scale(&bundle.encode()), Ok(bundle.clone()));
		let json = serde_json::to_string(&bundle).expect("it can be written");
		assert_eq!(serde_json::from_str::<Bundle>(&json).expect("it can be read"), bundle);
	}
	for seqs in [&[0][..], &[10], &[0, 3, 4, 10]] {
		let verified = check(&forge.bundle(None, seqs, public), &trusted, &any_age());
		assert!(verified.is_ok(), "{seqs:?}: {verified:?}");
	}
}

#[test]
fn private_evidence_is_not_in_a_public_proof() {
	let (forge, _) = usual();
	let contains = |bundle: &Bundle| {
		let bytes = bundle.encode();
		bytes.windows(11).any(|window| window == b"an endpoint")
	};
	assert!(!contains(&forge.bundle(Some(1), &[], public)));
	assert!(contains(&forge.bundle(Some(1), &[], |_| true)));
}

#[test]
fn a_later_trusted_set_does_as_well() {
	let (forge, trusted) = usual();
	let whole = forge.bundle(Some(2), &[], public);
	let first = check(&whole, &trusted, &any_age()).expect("it holds");
	let later = TrustedSet {
		set_id: first.set.id,
		since: first.since,
		authorities: first.set.authorities(),
		..trusted.clone()
	};
	let short = Bundle { first_set: 3, hand_offs: vec![], ..whole };
	assert!(check(&short, &later, &any_age()).is_ok());
	assert_eq!(refused(&short, &trusted), (Link::Trust, Fault::WrongSet));
}

/// Every leaf of a JSON value, by its path.
fn leaves(value: &Value, path: &str, all: &mut Vec<String>) {
	match value {
		Value::Object(fields) => {
			fields.iter().for_each(|(name, value)| leaves(value, &format!("{path}/{name}"), all))
		},
		Value::Array(items) => {
			items.iter().enumerate().for_each(|(nth, value)| leaves(value, &format!("{path}/{nth}"), all))
		},
		_ => all.push(path.to_string()),
	}
}

/// Other values in the place of this one.
fn flipped(value: &Value) -> Vec<Value> {
	let hex = |text: &str, nth: usize| {
		let digit = if text.as_bytes()[nth] == b'0' { "1" } else { "0" };
		Value::from(format!("{}{digit}{}", &text[..nth], &text[nth + 1..]))
	};
	match value {
		Value::Null => vec![Value::from(1)],
		Value::Bool(is) => vec![Value::from(!is)],
		Value::Number(number) => {
			let number = number.as_u64().expect("all numbers are natural");
			vec![Value::from(number ^ 1), Value::from(number.wrapping_add(1 << 20))]
		},
		Value::String(text) if text.starts_with("0x") && text.len() > 2 => {
			[2, text.len() / 2, text.len() - 1].map(|nth| hex(text, nth)).to_vec()
		},
		// An address or a name.
		Value::String(text) => {
			vec![Value::from(format!("{text}x")), Value::from("Held"), Value::from("Healthy")]
				.into_iter()
				.filter(|other| other != value)
				.collect()
		},
		_ => unreachable!("leaves only"),
	}
}

/// Flips every field of every part, generated from the bundle itself.
#[test]
fn every_field_that_is_changed_is_noticed() {
	let (bundle, trusted) = incident();
	let whole = serde_json::to_value(&bundle).expect("it can be written");
	let mut paths = Vec::new();
	leaves(&whole, "", &mut paths);
	assert!(paths.len() > 150, "{} fields", paths.len());
	let mut parts: std::collections::BTreeMap<String, BTreeSet<&str>> = Default::default();
	for path in paths {
		let old = whole.pointer(&path).expect("it was found there").clone();
		for new in flipped(&old) {
			let mut changed = whole.clone();
			*changed.pointer_mut(&path).expect("it was found there") = new.clone();
			let part = path.split('/').nth(1).unwrap_or_default().to_string();
			// What does not even decode is malformed.
			let Ok(changed) = serde_json::from_value::<Bundle>(changed) else { continue };
			assert_ne!(changed, bundle, "{path}: {old} reads like {new}");
			let error = check(&changed, &trusted, &any_age()).expect_err(&format!("{path}: {old} -> {new}"));
			parts.entry(part).or_default().insert(error.fault.name());
			assert!(!error.to_string().is_empty());
		}
	}
	let named: Vec<&String> = parts.keys().collect();
	let all = [
		"ancestry",
		"first_set",
		"genesis",
		"hand_offs",
		"head",
		"incident",
		"log",
		"path",
		"records",
		"state",
		"time",
		"version",
	];
	assert_eq!(named, all, "{parts:?}");
}

/// One byte after the other, where the encoding is.
#[test]
fn every_byte_that_is_changed_is_noticed() {
	let (bundle, trusted) = incident();
	let whole = bundle.encode();
	for nth in 0..whole.len() {
		let mut changed = whole.clone();
		changed[nth] ^= 1 << (nth % 8);
		if let Ok(changed) = Bundle::from_scale(&changed) {
			check(&changed, &trusted, &any_age()).expect_err(&format!("byte {nth} of {}", whole.len()));
		}
	}
}

#[test]
fn what_is_cut_off_or_too_long_is_malformed() {
	let (bundle, _) = incident();
	let whole = bundle.encode();
	let malformed = Err(Error { link: Link::Format, fault: Fault::Malformed });
	for length in 0..whole.len() {
		assert_eq!(Bundle::from_scale(&whole[..length]), malformed, "{length} bytes");
	}
	assert_eq!(Bundle::from_scale(&[whole.clone(), vec![0]].concat()), malformed);
	let other = [vec![9], whole[1..].to_vec()].concat();
	assert_eq!(Bundle::from_scale(&other), Err(Error { link: Link::Format, fault: Fault::UnknownVersion }));
	let huge = vec![1; understudy_verifier::MAX_BYTES + 1];
	assert_eq!(Bundle::from_scale(&huge), Err(Error { link: Link::Format, fault: Fault::TooLarge }));
}

#[test]
fn records_cannot_be_left_out_reordered_repeated_or_exchanged() {
	let (forge, trusted) = usual();
	let whole = forge.bundle(Some(1), &[], public);
	let with = |change: &dyn Fn(&mut Bundle)| {
		let mut bundle = whole.clone();
		change(&mut bundle);
		refused(&bundle, &trusted)
	};
	assert_eq!(with(&|bundle| bundle.records.swap(1, 2)), (Link::Record(2), Fault::RecordsOutOfOrder));
	assert_eq!(
		with(&|bundle| bundle.records.insert(1, bundle.records[0].clone())),
		(Link::Record(1), Fault::RecordsOutOfOrder)
	);
	assert_eq!(with(&|bundle| drop(bundle.records.pop())), (Link::Log, Fault::WrongRoot));
	assert_eq!(with(&|bundle| bundle.records.clear()), (Link::Log, Fault::NoRecords));
	assert_eq!(
		with(&|bundle| bundle.records[1].record.previous = H256::zero()),
		(Link::Record(1), Fault::BrokenChain)
	);
	assert_eq!(with(&|bundle| bundle.records[4].record.seq = 99), (Link::Record(4), Fault::NoSuchRecord));
	assert_eq!(
		with(&|bundle| bundle.records[1].shown.swap(0, 1)),
		(Link::Evidence(1), Fault::PiecesOutOfOrder)
	);
	assert_eq!(with(&|bundle| bundle.records[1].pieces = 9), (Link::Evidence(1), Fault::WrongEvidence));

	// A proof of some of its records, which holds by itself, is none of the incident; nor is one with another one's.
	for seqs in [&[1, 2, 3, 4][..], &[1, 2, 3, 4, 5, 6]] {
		let some = forge.bundle(None, seqs, public);
		let with = Bundle { records: some.records, path: some.path, ..whole.clone() };
		assert_eq!(refused(&with, &trusted), (Link::Incident, Fault::IncompleteIncident));
	}
	let mut last = forge.bundle(None, &[10], public);
	last.records[0].record.session = 9;
	assert_eq!(refused(&last, &trusted), (Link::Record(0), Fault::WrongLast));
}

#[test]
fn another_chains_proof_is_refused() {
	let (forge, trusted) = usual();
	// The same keys, the same numbers, another chain.
	let mut other = Forge::new(43, &[1, 2, 3, 4]);
	other.append(0, RecordKind::Elected, vec![]);
	other.hand_over(&[1, 2, 3, 5]);
	other.failover(1);
	other.hand_over(&[1, 2, 6, 5]);
	other.failover(2);
	other.hand_over(&[7, 2, 6, 5]);
	let theirs = other.bundle(Some(1), &[], public);
	assert_eq!(refused(&theirs, &trusted), (Link::Trust, Fault::WrongChain));
	let posing = Bundle { genesis: forge.genesis, ..theirs.clone() };
	assert_eq!(refused(&posing, &trusted), (Link::State, Fault::WrongChain));
	// Parts of it under this chain's head.
	let ours = forge.bundle(Some(1), &[], public);
	let spliced = Bundle { records: theirs.records.clone(), path: theirs.path.clone(), ..ours.clone() };
	assert_eq!(refused(&spliced, &trusted).1, Fault::WrongRoot);
	let spliced = Bundle { log: theirs.log, records: theirs.records, path: theirs.path, ..ours.clone() };
	assert_eq!(refused(&spliced, &trusted), (Link::State, Fault::WrongValue));
	let spliced = Bundle { state: theirs.state, ..ours };
	assert_eq!(refused(&spliced, &trusted), (Link::State, Fault::Unproven));
}

#[test]
fn an_old_head_is_not_taken_for_the_newest() {
	let (mut forge, trusted) = usual();
	let old = forge.bundle(Some(1), &[], public);
	forge.failover(3);
	let new = forge.bundle(Some(1), &[], public);
	let policies = [
		Policy { min_block: forge.number, ..any_age() },
		Policy { min_records: forge.log.count, ..any_age() },
		Policy { not_before: forge.time(), ..any_age() },
		Policy { checkpoint: Some((forge.log.count, forge.log.root)), ..any_age() },
	];
	let old_log = old.log;
	for policy in policies {
		assert_eq!(check(&old, &trusted, &policy), Err(Error { link: Link::Age, fault: Fault::Stale }));
		assert!(check(&new, &trusted, &policy).is_ok());
	}
	let other = Policy { checkpoint: Some((forge.log.count, H256::zero())), ..any_age() };
	let wrong = Err(Error { link: Link::Ancestry, fault: Fault::WrongCheckpoint });
	assert_eq!(check(&new, &trusted, &other), wrong);

	// The trusted set is undated, too old, and just new enough; a checkpoint of all
	// records stands in for its age.
	let recent = Policy { trusted_not_before: 1_000, ..any_age() };
	for (as_of, holds) in [(0, false), (999, false), (1_000, true)] {
		let dated = TrustedSet { as_of, ..trusted.clone() };
		let refused = Err(Error { link: Link::Age, fault: Fault::OldTrust });
		let verified = check(&new, &dated, &recent);
		assert!(if holds { verified.is_ok() } else { verified == refused }, "{verified:?}");
	}
	let pinned = Policy { checkpoint: Some((forge.log.count, forge.log.root)), ..recent };
	assert!(check(&new, &trusted, &pinned).is_ok());
	// One of fewer records does not: the later records may be of another history.
	let fewer = Policy { checkpoint: Some((old_log.count, old_log.root)), ..recent };
	let continued = Bundle { ancestry: Some(forge.ancestry(old_log.count)), ..new.clone() };
	let refused_as_old = Err(Error { link: Link::Age, fault: Fault::OldTrust });
	assert_eq!(check(&continued, &trusted, &fewer), refused_as_old);
	let dated = TrustedSet { as_of: 1_000, ..trusted.clone() };
	assert!(check(&continued, &dated, &fewer).is_ok());

	// The log of an older checkpoint is the beginning of this one.
	let pinned = Policy { checkpoint: Some((old_log.count, old_log.root)), ..any_age() };
	assert_eq!(check(&new, &trusted, &pinned), Err(Error { link: Link::Age, fault: Fault::NoAncestry }));
	let with = |count| Bundle { ancestry: Some(forge.ancestry(count)), ..new.clone() };
	let verified = check(&with(old_log.count), &trusted, &pinned).expect("it continues it");
	assert_eq!(verified.checkpoint, pinned.checkpoint);
	let of_another = check(&with(old_log.count - 1), &trusted, &pinned);
	assert_eq!(of_another, Err(Error { link: Link::Age, fault: Fault::NoAncestry }));
	let rewritten = Policy { checkpoint: Some((old_log.count, H256::repeat_byte(9))), ..any_age() };
	assert_eq!(check(&with(old_log.count), &trusted, &rewritten), wrong);
	let mut longer = with(old_log.count);
	longer.ancestry.as_mut().expect("it has one").path.push((1, H256::zero()));
	assert_eq!(refused(&longer, &trusted), (Link::Ancestry, Fault::WrongAncestry));
	// An old head under newer hand-offs is not one that these sets finalized.
	forge.hand_over(&[7, 2, 6, 8]);
	let hidden = Bundle { hand_offs: forge.hand_offs.clone(), ..old };
	assert_eq!(refused(&hidden, &trusted), (Link::Head, Fault::OutOfOrder));
}

/// A bundle whose head is justified in another way.
fn with_head(forge: &Forge, justify: impl Fn(&Header) -> Justified) -> Bundle {
	let bundle = forge.bundle(Some(1), &[], public);
	Bundle { head: justify(&forge.head()), ..bundle }
}

#[test]
fn finality_takes_the_votes_of_more_than_two_thirds_for_this_very_block() {
	let (forge, trusted) = usual();
	let at = |header: &Header| (header.hash(), header.number);
	let votes = |seeds: &[u8], set: u64, target| {
		seeds.iter().map(|seed| vote(*seed, set, target)).collect::<Vec<_>>()
	};
	let result =
		|bundle: &Bundle| check(bundle, &trusted, &any_age()).map(|_| ()).map_err(|error| error.fault);
	let head = |justify: &dyn Fn(&Header) -> Justified| result(&with_head(&forge, justify));

	assert_eq!(head(&|head| justified(head, votes(&[7, 2, 6], 3, at(head)), vec![])), Ok(()));
	assert_eq!(head(&|head| justified(head, votes(&[7, 2], 3, at(head)), vec![])), Err(Fault::TooFewVotes));
	assert_eq!(head(&|head| justified(head, vec![], vec![])), Err(Fault::TooFewVotes));
	assert_eq!(
		head(&|head| justified(head, votes(&[7, 2, 2, 2], 3, at(head)), vec![])),
		Err(Fault::DuplicateVoter)
	);
	assert_eq!(
		head(&|head| justified(head, votes(&[7, 2, 6, 6], 3, at(head)), vec![])),
		Err(Fault::DuplicateVoter)
	);
	assert_eq!(
		head(&|head| justified(head, votes(&[7, 2, 6, 1], 3, at(head)), vec![])),
		Err(Fault::UnknownVoter)
	);
	assert_eq!(
		head(&|head| justified(head, votes(&[7, 2, 6], 2, at(head)), vec![])),
		Err(Fault::BadSignature)
	);
	let elsewhere = (H256::repeat_byte(66), 500);
	assert_eq!(
		head(&|head| justified(head, votes(&[7, 2, 6], 3, elsewhere), vec![])),
		Err(Fault::VoteElsewhere)
	);

	// Votes for a descendant, with the headers in between.
	let child = |head: &Header| Header { parent_hash: head.hash(), number: head.number + 1, ..head.clone() };
	let beyond = |head: &Header| [votes(&[7, 2], 3, at(head)), votes(&[6], 3, at(&child(head)))].concat();
	assert_eq!(head(&|head| justified(head, beyond(head), vec![child(head)])), Ok(()));
	assert_eq!(head(&|head| justified(head, beyond(head), vec![])), Err(Fault::VoteElsewhere));
	let all = |head: &Header| votes(&[7, 2, 6], 3, at(head));
	assert_eq!(head(&|head| justified(head, all(head), vec![child(head)])), Err(Fault::UnusedHeader));
	assert_eq!(
		head(&|head| justified(head, beyond(head), vec![child(head), child(head)])),
		Err(Fault::UnusedHeader)
	);

	// Who equivocates counts, once: for a descendant and another one, or for the block and its parent.
	let sibling = |head: &Header| Header { state_root: H256::repeat_byte(5), ..child(head) };
	let twice =
		|head: &Header| [votes(&[6], 3, at(&child(head))), votes(&[6], 3, at(&sibling(head)))].concat();
	let with_two = |seeds: &[u8], head: &Header| {
		justified(head, [votes(seeds, 3, at(head)), twice(head)].concat(), vec![child(head), sibling(head)])
	};
	assert_eq!(head(&|head| with_two(&[7, 2], head)), Ok(()));
	assert_eq!(head(&|head| with_two(&[7], head)), Err(Fault::TooFewVotes));
	assert_eq!(head(&|head| with_two(&[7, 2, 6], head)), Err(Fault::DuplicateVoter));
	let parent = |head: &Header| (head.parent_hash, head.number - 1);
	let below = |seeds: &[u8], head: &Header| {
		let votes = [votes(seeds, 3, at(head)), votes(&[6], 3, parent(head))].concat();
		justified(head, votes, vec![head.clone()])
	};
	assert_eq!(head(&|head| below(&[7, 2, 6], head)), Ok(()));
	// A vote below the block that is no half of an equivocation is none for it.
	assert_eq!(head(&|head| below(&[7, 2], head)), Err(Fault::VoteElsewhere));

	// The votes of another block.
	let other = header(forge.number + 2, H256::zero(), vec![]);
	let swapped = |head: &Header| Justified {
		header: head.encode(),
		..justified(&other, votes(&[7, 2, 6], 3, at(&other)), vec![])
	};
	assert_eq!(head(&swapped), Err(Fault::WrongBlock));
	let garbage = |head: &Header| Justified { header: head.encode(), justification: vec![1, 2, 3] };
	assert_eq!(head(&garbage), Err(Fault::Malformed));
}

#[test]
fn hand_offs_are_announced_by_exactly_one_change_with_the_next_block() {
	let (forge, trusted) = usual();
	let with = |logs: Vec<DigestItem>| {
		let header = header(10, H256::zero(), logs);
		let votes = [1, 2, 3, 4].map(|seed| vote(seed, 0, (header.hash(), 10))).to_vec();
		let mut bundle = forge.bundle(Some(1), &[], public);
		bundle.hand_offs[0] = HandOff::Scheduled(justified(&header, votes, vec![]));
		refused(&bundle, &trusted)
	};
	let next = || forge::change(&[1, 2, 3, 5], 0);
	assert_eq!(with(vec![]), (Link::HandOff(0), Fault::NoChange));
	assert_eq!(with(vec![next(), next()]), (Link::HandOff(0), Fault::ManyChanges));
	assert_eq!(with(vec![forge::change(&[1], 5)]), (Link::HandOff(0), Fault::DelayedChange));
	assert_eq!(with(vec![forge::change(&[], 0)]), (Link::HandOff(0), Fault::BadSet));
	assert_eq!(with(vec![forge::change(&[1, 1], 0)]), (Link::HandOff(0), Fault::BadSet));
	let garbage = DigestItem::Consensus(sp_consensus_grandpa::GRANDPA_ENGINE_ID, vec![99]);
	assert_eq!(with(vec![garbage]), (Link::HandOff(0), Fault::Malformed));
	let change =
		sp_consensus_grandpa::ScheduledChange { next_authorities: forge::authorities(&[1]), delay: 0 };
	let forced = sp_consensus_grandpa::ConsensusLog::ForcedChange(5u32, change).encode();
	let forced = DigestItem::Consensus(sp_consensus_grandpa::GRANDPA_ENGINE_ID, forced);
	assert_eq!(with(vec![forced]), (Link::HandOff(0), Fault::ForcedChange));

	let mut left_out = forge.bundle(Some(1), &[], public);
	left_out.hand_offs.remove(1);
	assert_eq!(refused(&left_out, &trusted).0, Link::HandOff(1));
	let mut swapped = forge.bundle(Some(1), &[], public);
	swapped.hand_offs.swap(0, 1);
	assert_eq!(refused(&swapped, &trusted).0, Link::HandOff(0));
	let mut repeated = forge.bundle(Some(1), &[], public);
	repeated.hand_offs.insert(1, repeated.hand_offs[0].clone());
	assert_eq!(refused(&repeated, &trusted), (Link::HandOff(1), Fault::OutOfOrder));
}

/// Where the bundle of [`recovered`] has its forced changes.
const FROM_HAND_OFF: usize = 3;
const FROM_JUSTIFIED: usize = 4;

/// What is wrong with that bundle when one of its forced changes is another one.
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

	// From genesis, and from a set that somebody trusts by itself, who does not know with which block it took over.
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
	// Never to an id that was there before.
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
	// Who is in reserve is no substitute for the active.
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
	assert!(check(&bundle, &trusted, &any_age()).is_ok(), "in whatever order they come");

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
	// Of another chain.
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
	// Another block than the last that the set before finalized, with and without a justification.
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

	// The new set goes on, and its chain says nothing of a recovery, or of another one: the votes were there, and others came first.
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

	// Members who are none, and a proposal of nobody.
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
		// The roster of the last hand-off has them so.
		forge.hand_over(&[7, 2, 6, 5]);
		forge.recover(Recovery { voters, seats: &[2, 5, 7], is_justified: false });
		check(&forge.bundle(Some(2), &[], public), &trusted, &any_age()).map(|_| ()).map_err(|why| why.fault)
	};
	// Three of four, where the two in reserve had not shown that they are ready.
	assert_eq!(outcome(&[8, 9], &[], &[2, 5, 7]), Ok(()));
	assert_eq!(outcome(&[9], &[], &[2, 5, 7]), Ok(()));
	assert_eq!(outcome(&[], &[], &[2, 5, 7]), Err(Fault::NoQuorum));
	assert_eq!(outcome(&[8, 9], &[], &[2, 5, 8]), Err(Fault::NotAMember));
	// A member without a key in force has no vote, and counts.
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
	assert_eq!(outcome(Stall { reports: 0, ..good }), Ok(()), "too few were alive to report it");
	let impossible = [
		Stall { noticed: at(proposal), ..good },
		Stall { finalized: proposal - 1, ..good },
		Stall { since: good.noticed, ..good },
	];
	for stall in impossible {
		assert_eq!(outcome(stall), Err(Fault::NoStall));
	}
}

#[test]
fn the_state_is_proven_by_all_its_nodes_and_no_others() {
	let (forge, trusted) = usual();
	let whole = forge.bundle(Some(1), &[], public);
	for nth in 0..whole.state.len() {
		let mut lacking = whole.clone();
		lacking.state.remove(nth);
		assert_eq!(refused(&lacking, &trusted), (Link::State, Fault::Unproven), "node {nth}");
	}
	let mut longer = whole.clone();
	longer.state.push(vec![1, 2, 3]);
	assert_eq!(refused(&longer, &trusted), (Link::State, Fault::UnusedNode));
	let mut twice = whole.clone();
	twice.state.push(twice.state[0].clone());
	assert_eq!(refused(&twice, &trusted), (Link::State, Fault::UnusedNode));
	let later = Bundle { time: whole.time + 1, ..whole };
	assert_eq!(refused(&later, &trusted), (Link::State, Fault::WrongValue));
}

#[test]
fn an_impossible_trusted_set_is_refused() {
	let (bundle, trusted) = incident();
	let with = |authorities| TrustedSet { authorities, ..trusted.clone() };
	let key = trusted.authorities[0].0.clone();
	let cases = [
		vec![],
		vec![(key.clone(), 0)],
		vec![(key.clone(), 1), (key.clone(), 1)],
		vec![(key, u64::MAX), trusted.authorities[1].clone()],
	];
	for authorities in cases {
		assert_eq!(refused(&bundle, &with(authorities)), (Link::Trust, Fault::BadSet));
	}
}

/// What the tests above do not name is not a fault.
#[test]
fn every_fault_has_a_test() {
	let tests = include_str!("tampering.rs");
	for fault in Fault::ALL {
		assert!(tests.contains(&format!("Fault::{}", fault.name())), "{} is not tested", fault.name());
		assert!(fault.explanation().trim().ends_with('.'));
	}
}
