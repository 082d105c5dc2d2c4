//! Passes arbitrary bytes to the verifier as a proof. It must not panic, and a proof that it
//! accepts must state the same as a test vector. scripts/fuzz seeds the corpus with the test
//! vectors.

#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use understudy_verifier::{check, Bundle, Forced, Policy, TrustedSet, Verified};

/// A test vector: its trusted set, its bundle and the verified result.
type Vector = (TrustedSet, Bundle, Verified);

macro_rules! vector {
	($name:literal) => {{
		let trusted = include_bytes!(concat!("../../../verifier/tests/vectors/", $name, "/trust.json"));
		let bundle = include_bytes!(concat!("../../../verifier/tests/vectors/", $name, "/bundle.scale"));
		let trusted: TrustedSet =
			serde_json::from_slice(trusted).expect("the vector's trusted set can be read");
		let bundle = Bundle::from_scale(bundle).expect("the vector's bundle can be read");
		let verified = check(&bundle, &trusted, &Policy::default()).expect("the vector is a valid proof");
		(trusted, bundle, verified)
	}};
}

fn vectors() -> &'static [Vector; 2] {
	static VECTORS: OnceLock<[Vector; 2]> = OnceLock::new();
	VECTORS.get_or_init(|| [vector!("failover"), vector!("recovery")])
}

fuzz_target!(|bytes: &[u8]| {
	let Ok(bundle) = Bundle::from_scale(bytes) else { return };
	for (trusted, known, shown) in vectors() {
		let Ok(verified) = check(&bundle, trusted, &Policy::default()) else { continue };
		// Different votes of the same block, or less evidence, do not change the statement.
		let voteless = |verified: &Verified| {
			let forced = verified.forced.iter().map(|forced| Forced { voters: Vec::new(), ..forced.clone() });
			Verified { forced: forced.collect(), checkpoint: None, ..verified.clone() }
		};
		assert_eq!(voteless(&verified), voteless(shown), "another statement is accepted");
		for shown in &bundle.records {
			let original = known.records.iter().find(|original| original.record == shown.record);
			let original = original.expect("a record that is not in the vector is accepted");
			assert!(shown.shown.iter().all(|piece| original.shown.contains(piece)), "other evidence passes");
		}
	}
});
