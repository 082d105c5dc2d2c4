//! Cost of the failover log as it grows, and of proofs from a log of a million records: the tables
//! of `docs/proofs.md`.
//!
//! ```sh
//! cargo bench -p understudy-runtime --bench log
//! ```
//!
//! The pallet appends the records, on the sample runtime's state. Proofs are generated from the
//! offchain index, as nodes do, and verified as a whole, from the authority set to the evidence,
//! without hand-offs between sets.

#[path = "../../verifier/tests/forge/mod.rs"]
mod forge;

use std::time::{Duration, Instant};

use codec::{Decode, Encode};
use forge::{any_age, header, justified, pieces, public, vote};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sp_core::{
	offchain::{testing::TestOffchainExt, OffchainDbExt},
	H256,
};
use sp_runtime::BuildStorage;
use sp_state_machine::Backend;
use understudy_primitives::{FailoverLog, Initiator, NewRecord, RecordKind};
use understudy_runtime::{AccountId, Failover, Runtime, RuntimeGenesisConfig, System};
use understudy_verifier::{check, keys, Bundle, Shown, TrustedSet, VERSION};

/// Maximum number of records; `UNDERSTUDY_LOG_RECORDS` sets a lower one.
const RECORDS: u64 = 1_000_000;
/// Voters for the proofs' blocks.
const VOTERS: [u8; 4] = [1, 2, 3, 4];

fn append(count: u64) {
	// As each block does. Otherwise the state would hold the events of all of them.
	System::reset_events();
	for _ in 0..count {
		let who = |byte| Some(AccountId::new([byte; 32]));
		Failover::append(NewRecord {
			incident: Failover::open_incident(),
			kind: RecordKind::Attributed,
			initiator: Initiator::Automation,
			subject: who(1),
			from: who(1),
			to: who(2),
			evidence: pieces(),
		});
	}
}

/// Returns a proof of one record as of the current state, the set to verify it with, and the time
/// that it took to generate.
fn prove(ext: &mut sp_io::TestExternalities, seq: u64) -> (Bundle, TrustedSet, Duration) {
	let (entries, path, took, genesis) = ext.execute_with(|| {
		let began = Instant::now();
		let entries = Failover::records(&[seq]).expect("the record is indexed");
		let path = Failover::prove(&[seq]).expect("the record is indexed");
		(entries, path, began.elapsed(), System::block_hash(0))
	});
	let backend = ext.as_backend();
	let keys = keys("Failover", None);
	let value = |key: &[u8]| backend.storage(key).expect("the state is complete").unwrap_or_default();
	let (time, log) = (value(&keys.time), value(&keys.head));
	let head = header(100, *backend.root(), vec![]);
	let proof = sp_state_machine::prove_read(backend, keys.all()).expect("the state is complete");
	let votes = VOTERS.map(|voter| vote(voter, 0, (head.hash(), 100))).to_vec();
	let bundle = Bundle {
		version: VERSION,
		genesis,
		first_set: 0,
		hand_offs: vec![],
		head: justified(&head, votes, vec![]),
		inclusion: None,
		time: u64::decode(&mut &time[..]).unwrap_or_default(),
		log: Decode::decode(&mut &log[..]).expect("the log has a head"),
		state: proof.into_iter_nodes().collect(),
		ancestry: None,
		incident: None,
		path,
		records: entries.into_iter().map(|entry| Shown::new(entry, public)).collect(),
	};
	let authorities = forge::authorities(&VOTERS);
	let trusted = TrustedSet::of_genesis(genesis, authorities);
	(bundle, trusted, took)
}

fn main() {
	let records =
		std::env::var("UNDERSTUDY_LOG_RECORDS").map_or(RECORDS, |count| count.parse().expect("a number"));
	let storage = RuntimeGenesisConfig::default().build_storage().expect("the default genesis can be built");
	let mut ext: sp_io::TestExternalities = storage.into();
	let (offchain, _) = TestOffchainExt::with_offchain_db(ext.offchain_db());
	ext.register_extension(OffchainDbExt::new(offchain));
	ext.execute_with(|| {
		System::set_block_number(1);
		frame_system::BlockHash::<Runtime>::insert(0, H256::repeat_byte(42));
		pallet_timestamp::Now::<Runtime>::put(1_795_000_000_000);
	});

	println!("| records in the log | appending one, µs | path, bytes | path and record, bytes | making the proof, µs | checking all of it, µs |");
	println!("|---|---|---|---|---|---|");
	let mut rng = ChaCha8Rng::seed_from_u64(1);
	let mut count = 0u64;
	let mut next = 100;
	while count < records {
		let batch = 1_000.min(next - count);
		let began = Instant::now();
		ext.execute_with(|| append(batch));
		let each = began.elapsed() / batch as u32;
		count += batch;
		// Before `commit_all`, which would drain the offchain changes as well.
		ext.persist_offchain_overlay();
		ext.commit_all().expect("the state is complete");
		if count < next {
			continue;
		}
		next = (next * 10).min(records.max(count));
		let (mut path, mut own, mut making, mut checking) = (0, 0, Duration::ZERO, Duration::ZERO);
		let places: Vec<u64> =
			[0, count - 1].into_iter().chain((0..98).map(|_| rng.gen_range(0..count))).collect();
		for seq in &places {
			let (bundle, trusted, made) = prove(&mut ext, *seq);
			let began = Instant::now();
			let verified = check(&bundle, &trusted, &any_age()).expect("the proof is valid");
			checking = checking.max(began.elapsed());
			making = making.max(made);
			assert_eq!(verified.log.count, count);
			path = path.max(bundle.path.encoded_size());
			own = own.max(bundle.own_bytes());
		}
		println!(
			"| {count} | {} | {path} | {own} | {} | {} |",
			each.as_micros(),
			making.as_micros(),
			checking.as_micros()
		);
		assert!(own < 10 * 1_024, "{own} bytes");
		assert!(checking < Duration::from_millis(10), "{checking:?}");
	}
	println!("\nOf each size the first, the last and 98 random records were proven and checked; the figures are the worst of them.");
}
