//! The offchain index, proofs from it, and invariant I5.

use super::*;

/// Returns the root of the log with these record hashes: a slow and plain reference.
fn plain_root(hashes: &[H256]) -> H256 {
	fn tree(hashes: &[H256]) -> H256 {
		match hashes {
			[only] => *only,
			_ => {
				let (left, right) = hashes.split_at(hashes.len() / 2);
				mmr::hash(Domain::Node, &(tree(left), tree(right)))
			},
		}
	}
	let mut rest = hashes;
	let mut peaks = Vec::new();
	while !rest.is_empty() {
		let largest = 1usize << rest.len().ilog2();
		let (peak, others) = rest.split_at(largest);
		peaks.push(tree(peak));
		rest = others;
	}
	let bagged = peaks.into_iter().rev().reduce(|right, left| mmr::hash(Domain::Peaks, &(right, left)));
	bagged.unwrap_or_default()
}

/// I5 over random sequences: the log is contiguous and chained, and its root commits to exactly the
/// records. Each record is found in the index and proven, and each earlier log is proven to be a
/// prefix.
#[test]
fn random_sequences_of_appends_are_committed_to_exactly() {
	KeepLast::set(7);
	for seed in 0..60u64 {
		let mut rng = ChaCha8Rng::seed_from_u64(seed);
		let count = rng.gen_range(1..80u64);
		let hashes = std::cell::RefCell::new(Vec::new());
		build_with_node(
			&[],
			|| {
				for seq in 0..count {
					let incident = match rng.gen_range(0..3) {
						0 => 0,
						1 => Failover::open_incident(),
						_ => LastIncident::<Runtime>::get(),
					};
					System::set_block_number(System::block_number() + rng.gen_range(0..3));
					let new = NewRecord { kind: any_kind(&mut rng), ..replaced(incident, seq, rng.gen()) };
					assert_eq!(Failover::append(new), seq);
					let head = Failover::head();
					hashes.borrow_mut().push(head.hash);
					assert_eq!((head.count, head.root), (seq + 1, plain_root(&hashes.borrow())));
				}
				Failover::do_try_state().expect("the log's invariants hold");
			},
			|_| {
				let (head, hashes) = (Failover::head(), hashes.borrow());
				for seq in 0..head.count {
					let entry = Failover::records(&[seq]).expect("it is indexed").remove(0);
					assert_eq!((entry.record.seq, entry.record.hash()), (seq, hashes[seq as usize]));
					let before = seq.checked_sub(1).map_or(H256::zero(), |before| hashes[before as usize]);
					assert_eq!(entry.record.previous, before);
					let proof = Failover::prove(&[seq]).expect("it is indexed");
					let root = mmr::root_of(head.count, vec![(seq, hashes[seq as usize])], proof);
					assert_eq!(root, Some(head.root));
				}
				// Every earlier log is a prefix of the present one.
				for before in 1..head.count {
					let then = plain_root(&hashes[..before as usize]);
					let ancestry = Failover::ancestry(before).expect("it is indexed");
					assert_eq!(ancestry.roots(head.count), Some((then, head.root)));
				}
			},
		);
	}
}

fn any_kind(rng: &mut ChaCha8Rng) -> RecordKind {
	use RecordKind::*;
	let all =
		[Elected, Suspected, Attributed, Cleared, Replaced, Removed, Cancelled, Held, Penalized, RolledBack];
	all[rng.gen_range(0..all.len())]
}

#[test]
fn what_cannot_be_read_from_the_index_has_a_named_error() {
	build_with_node(
		&[],
		|| append(9),
		|_| {
			assert_eq!(Failover::records(&[9]), Err(ReadError::NoSuchRecord));
			assert_eq!(Failover::records(&[]), Err(ReadError::BadCount));
			assert_eq!(Failover::records(&vec![0; 101]), Err(ReadError::BadCount));
			assert_eq!(Failover::prove(&[u64::MAX]), Err(ReadError::NoSuchRecord));
			// Written in the block that is being built, so not indexed yet.
			append_more(9);
			assert_eq!(Failover::records(&[9]), Err(ReadError::NotIndexed));
			assert_eq!(Failover::prove(&[8]), Err(ReadError::NotIndexed));
			assert_eq!(Failover::ancestry(9), Err(ReadError::NotIndexed));
			for count in [0, 10, u64::MAX] {
				assert_eq!(Failover::ancestry(count), Err(ReadError::NoSuchRecord));
			}
			assert_eq!(Failover::records(&[3]).map(|entries| entries.len()), Ok(1));
		},
	);
}

fn append_more(seq: u64) {
	assert_eq!(Failover::append(replaced(0, 1, 2)), seq);
}

#[test]
fn the_first_block_indexes_what_genesis_wrote() {
	for indexed in [false, true] {
		build_with_node(
			&[],
			|| {
				append(3);
				// Genesis has no index.
				let hashes: Vec<H256> =
					(0..3).filter_map(Entries::<Runtime>::get).map(|entry| entry.record.hash()).collect();
				for hash in &hashes {
					sp_io::offchain_index::clear(&[b"understudy/log/record/", hash.as_bytes()].concat());
				}
				let node = mmr::hash(Domain::Node, &(hashes[0], hashes[1]));
				sp_io::offchain_index::clear(&[b"understudy/log/node/", node.as_bytes()].concat());
				if indexed {
					Failover::on_initialize(1);
				}
			},
			|_| {
				assert_eq!(Failover::prove(&[0]).is_ok(), indexed);
				assert_eq!(Failover::records(&[2]).is_ok(), indexed);
			},
		);
	}
}
