//! Feeds the verifier bytes in place of a proof. It must not panic, and what holds must state what the
//! test vectors state, which scripts/fuzz begins with.

#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use understudy_verifier::{check, Bundle, Policy, TrustedSet};

/// A vector: its trusted set, and its bundle.
type Vector = (TrustedSet, Bundle);

macro_rules! vector {
	($name:literal) => {{
		let trusted = include_bytes!(concat!("../../../verifier/tests/vectors/", $name, "/trust.json"));
		let bundle = include_bytes!(concat!("../../../verifier/tests/vectors/", $name, "/bundle.scale"));
		let trusted: TrustedSet =
			serde_json::from_slice(trusted).expect("the vector's trusted set can be read");
		let bundle = Bundle::from_scale(bundle).expect("the vector's bundle can be read");
		assert!(check(&bundle, &trusted, &Policy::default()).is_ok(), "the vector does not hold");
		(trusted, bundle)
	}};
}

fn vectors() -> &'static [Vector; 2] {
	static VECTORS: OnceLock<[Vector; 2]> = OnceLock::new();
	VECTORS.get_or_init(|| [vector!("failover"), vector!("recovery")])
}

fuzz_target!(|bytes: &[u8]| {
	let Ok(bundle) = Bundle::from_scale(bytes) else { return };
	for (trusted, known) in vectors() {
		let Ok(verified) = check(&bundle, trusted, &Policy::default()) else { continue };
		// A vote more or less, or less evidence, is not another statement.
		assert_eq!((verified.log, verified.time), (known.log, known.time), "another log holds");
		for shown in &bundle.records {
			let original = known.records.iter().find(|original| original.record == shown.record);
			let original = original.expect("a record holds that is not the chain's");
			assert!(shown.shown.iter().all(|piece| original.shown.contains(piece)), "other evidence holds");
		}
	}
});
