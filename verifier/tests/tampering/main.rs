//! Tampering: a valid proof holds, and a proof that is changed anywhere is refused with the link
//! and the fault.

mod finality;
mod forced;
#[path = "../forge/mod.rs"]
mod forge;
mod inclusion;

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

/// Returns a bundle with hand-offs of both kinds, and an incident after them.
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

/// Collects the paths of all leaves of a JSON value.
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

/// Returns other values of the same type.
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

/// Changes every field of every part. The list of fields comes from the bundle itself.
#[test]
fn every_field_that_is_changed_is_noticed() {
	let (bundle, trusted) = incident();
	assert_eq!(notices_every_field(&bundle, &trusted), PARTS);
}

/// Parts of a bundle with all but an inclusion, in the order of their names.
const PARTS: [&str; 12] = [
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

/// Changes every field of a bundle, and asserts that each change is refused. Returns the names of
/// the parts.
fn notices_every_field(bundle: &Bundle, trusted: &TrustedSet) -> Vec<String> {
	let whole = serde_json::to_value(bundle).expect("it can be written");
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
			// A value that cannot be decoded is malformed.
			let Ok(changed) = serde_json::from_value::<Bundle>(changed) else { continue };
			assert_ne!(&changed, bundle, "{path}: {old} reads like {new}");
			let error = check(&changed, trusted, &any_age()).expect_err(&format!("{path}: {old} -> {new}"));
			parts.entry(part).or_default().insert(error.fault.name());
			assert!(!error.to_string().is_empty());
		}
	}
	parts.into_keys().collect()
}

#[test]
fn every_byte_that_is_changed_is_noticed() {
	let (bundle, trusted) = incident();
	notices_every_byte(&bundle, &trusted);
}

/// Changes one byte of the encoding after the other, and asserts that each change is refused.
fn notices_every_byte(bundle: &Bundle, trusted: &TrustedSet) {
	let whole = bundle.encode();
	for nth in 0..whole.len() {
		let mut changed = whole.clone();
		changed[nth] ^= 1 << (nth % 8);
		if let Ok(changed) = Bundle::from_scale(&changed) {
			check(&changed, trusted, &any_age()).expect_err(&format!("byte {nth} of {}", whole.len()));
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

	// A proof of some of its records is valid by itself, but does not prove the incident. Nor does
	// a proof with a record of another incident.
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
	// Another chain, with the same keys and the same numbers.
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

	// The trusted set is undated, too old, and just recent enough. A checkpoint of all records
	// replaces the requirement on its age.
	let recent = Policy { trusted_not_before: 1_000, ..any_age() };
	for (as_of, holds) in [(0, false), (999, false), (1_000, true)] {
		let dated = TrustedSet { as_of, ..trusted.clone() };
		let refused = Err(Error { link: Link::Age, fault: Fault::OldTrust });
		let verified = check(&new, &dated, &recent);
		assert!(if holds { verified.is_ok() } else { verified == refused }, "{verified:?}");
	}
	let pinned = Policy { checkpoint: Some((forge.log.count, forge.log.root)), ..recent };
	assert!(check(&new, &trusted, &pinned).is_ok());
	// A checkpoint of fewer records does not: the later records may be of another history.
	let fewer = Policy { checkpoint: Some((old_log.count, old_log.root)), ..recent };
	let continued = Bundle { ancestry: Some(forge.ancestry(old_log.count)), ..new.clone() };
	let refused_as_old = Err(Error { link: Link::Age, fault: Fault::OldTrust });
	assert_eq!(check(&continued, &trusted, &fewer), refused_as_old);
	let dated = TrustedSet { as_of: 1_000, ..trusted.clone() };
	assert!(check(&continued, &dated, &fewer).is_ok());

	// The log of an older checkpoint is a prefix of this one.
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
	// An old head under newer hand-offs was not finalized by these sets.
	forge.hand_over(&[7, 2, 6, 8]);
	let hidden = Bundle { hand_offs: forge.hand_offs.clone(), ..old };
	assert_eq!(refused(&hidden, &trusted), (Link::Head, Fault::OutOfOrder));
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

/// Every fault is named in a test above.
#[test]
fn every_fault_has_a_test() {
	let tests = [
		include_str!("main.rs"),
		include_str!("finality.rs"),
		include_str!("forced.rs"),
		include_str!("inclusion.rs"),
	]
	.concat();
	for fault in Fault::ALL {
		assert!(tests.contains(&format!("Fault::{}", fault.name())), "{} is not tested", fault.name());
		assert!(fault.explanation().trim().ends_with('.'));
	}
}
