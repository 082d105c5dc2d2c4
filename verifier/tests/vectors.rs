//! A proof of a live network: the drill `proofs` made it. Who writes another verifier can test it with the files in `vectors/`.
//!
//! `UNDERSTUDY_WRITE_VECTORS=1 cargo test -p understudy-verifier --test vectors` writes the SCALE form anew from the JSON.

use codec::Encode;
use serde_json::Value;
use understudy_primitives::RecordKind;
use understudy_verifier::{check, Bundle, Error, Fault, Policy, TrustedSet};

const SCALE: &[u8] = include_bytes!("vectors/incident.scale");
const JSON: &str = include_str!("vectors/incident.json");
const TRUST: &str = include_str!("vectors/trust.json");
/// What a verifier must find in it.
const EXPECTED: &str = include_str!("vectors/expected.json");

fn bundle() -> Bundle {
	serde_json::from_str(JSON).expect("it is a bundle in JSON")
}

fn trusted() -> TrustedSet {
	serde_json::from_str(TRUST).expect("it is a trusted set")
}

#[test]
fn both_forms_are_the_same_bundle() {
	let encoded = bundle().encode();
	if std::env::var_os("UNDERSTUDY_WRITE_VECTORS").is_some() {
		let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/incident.scale");
		std::fs::write(path, &encoded).expect("it can be written");
		return;
	}
	assert_eq!(encoded, SCALE);
	assert_eq!(Bundle::from_scale(SCALE), Ok(bundle()));
}

#[test]
fn it_holds_and_shows_what_is_expected() {
	let bundle = bundle();
	let verified = check(&bundle, &trusted(), &Policy::default()).expect("it holds");
	let kinds: Vec<RecordKind> = bundle.records.iter().map(|shown| shown.record.kind).collect();
	let found = serde_json::json!({
		"block": verified.block,
		"hash": verified.hash,
		"set": verified.set.id,
		"log": verified.log,
		"checkpoint": verified.checkpoint.map(|(count, root)| serde_json::json!({ "count": count, "root": root })),
		"records": kinds,
		"recordHashes": bundle.records.iter().map(|shown| shown.record.hash()).collect::<Vec<_>>(),
		"times": bundle.incident.as_ref().and_then(|proven| proven.incident.times()),
	});
	let expected: Value = serde_json::from_str(EXPECTED).expect("it is JSON");
	assert_eq!(found, expected, "{found:#}");
	assert!(verified.hand_offs >= 3);
	assert!(bundle.own_bytes() < 10 * 1_024);
}

#[test]
fn every_byte_of_it_counts() {
	for nth in 0..SCALE.len() {
		let mut changed = SCALE.to_vec();
		changed[nth] ^= 0x10;
		let outcome =
			Bundle::from_scale(&changed).and_then(|bundle| check(&bundle, &trusted(), &Policy::default()));
		assert!(outcome.is_err(), "byte {nth}");
	}
	let outcome = Bundle::from_scale(&SCALE[..SCALE.len() - 1]);
	assert!(matches!(outcome, Err(Error { fault: Fault::Malformed, .. })));
}
