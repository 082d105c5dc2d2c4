//! Proofs of live networks, made by the drills `proofs` and `two-of-four`. The files in `vectors/`
//! can test other verifiers, too.
//!
//! `UNDERSTUDY_WRITE_VECTORS=1 cargo test -p understudy-verifier --test vectors` writes the SCALE
//! forms and the expected facts anew from the JSON.

use std::{fs, path::PathBuf};

use codec::Encode;
use serde_json::Value;
use understudy_primitives::RecordKind;
use understudy_verifier::{check, Bundle, Error, Fault, Policy, TrustedSet, Verified};

/// Vector of a replacement, after scheduled hand-offs.
const FAILOVER: &str = "failover";
/// Vector of a recovery, with a forced change of authorities.
const RECOVERY: &str = "recovery";

/// Returns the path of a vector's file, from the package's folder, in which cargo runs tests. The
/// folder at build time may be that of another checkout, which shares the artifacts.
fn path(vector: &str, file: &str) -> PathBuf {
	["tests", "vectors", vector, file].iter().collect()
}

/// Returns the content of a file. Writes the file with the `new` content first, if requested.
fn file(vector: &str, file: &str, new: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
	let path = path(vector, file);
	if std::env::var_os("UNDERSTUDY_WRITE_VECTORS").is_some() {
		fs::write(&path, new()).expect("it can be written");
	}
	fs::read(path).expect("the file exists")
}

fn json<Content: serde::de::DeserializeOwned>(vector: &str, file: &str) -> Content {
	let bytes = fs::read(path(vector, file)).expect("the file exists");
	serde_json::from_slice(&bytes).expect("the file has the expected content, in JSON")
}

/// Returns the bundle, and its SCALE form.
fn bundle(vector: &str) -> (Bundle, Vec<u8>) {
	let bundle: Bundle = json(vector, "bundle.json");
	let scale = file(vector, "bundle.scale", || bundle.encode());
	assert_eq!(bundle.encode(), scale);
	assert_eq!(Bundle::from_scale(&scale), Ok(bundle.clone()));
	(bundle, scale)
}

/// Checks a vector against the expected facts. Returns the bundle and the facts.
fn holds(vector: &str) -> (Bundle, Verified) {
	let (bundle, _) = bundle(vector);
	let trusted: TrustedSet = json(vector, "trust.json");
	let verified = check(&bundle, &trusted, &Policy::default()).expect("it holds");
	let kinds: Vec<RecordKind> = bundle.records.iter().map(|shown| shown.record.kind).collect();
	let found = serde_json::json!({
		"block": verified.block,
		"hash": verified.hash,
		"set": verified.set.id,
		"forced": verified.forced,
		"log": verified.log,
		"checkpoint": verified.checkpoint.map(|(count, root)| serde_json::json!({ "count": count, "root": root })),
		"records": kinds,
		"recordHashes": bundle.records.iter().map(|shown| shown.record.hash()).collect::<Vec<_>>(),
		"times": bundle.incident.as_ref().and_then(|proven| proven.incident.times()),
	});
	let expected = file(vector, "expected.json", || format!("{found:#}\n").into());
	let expected: Value = serde_json::from_slice(&expected).expect("it is JSON");
	assert_eq!(found, expected, "{found:#}");
	assert!(bundle.own_bytes() < 10 * 1_024);
	(bundle, verified)
}

#[test]
fn a_failover_is_proven() {
	let (_, verified) = holds(FAILOVER);
	assert!(verified.hand_offs >= 3 && verified.forced.is_empty());
}

#[test]
fn a_recovery_is_proven() {
	let (bundle, verified) = holds(RECOVERY);
	assert_eq!((verified.hand_offs, verified.forced.len()), (1, 1));
	let kinds = |kind| bundle.records.iter().any(|shown| shown.record.kind == kind);
	assert!([RecordKind::Degraded, RecordKind::Recovering, RecordKind::NormalOperationResumed]
		.into_iter()
		.all(kinds));
}

#[test]
fn every_byte_of_it_counts() {
	for vector in [FAILOVER, RECOVERY] {
		let (_, scale) = bundle(vector);
		let trusted = json(vector, "trust.json");
		for nth in 0..scale.len() {
			let mut changed = scale.clone();
			changed[nth] ^= 0x10;
			let outcome =
				Bundle::from_scale(&changed).and_then(|bundle| check(&bundle, &trusted, &Policy::default()));
			assert!(outcome.is_err(), "{vector}, byte {nth}");
		}
		let outcome = Bundle::from_scale(&scale[..scale.len() - 1]);
		assert!(matches!(outcome, Err(Error { fault: Fault::Malformed, .. })));
	}
}
