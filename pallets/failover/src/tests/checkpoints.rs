//! Checkpoints in digests.

use super::*;

fn checkpoints() -> Vec<Checkpoint> {
	let digest = System::digest();
	let of = |item: &DigestItem| match item {
		DigestItem::Consensus(ENGINE_ID, bytes) => Checkpoint::decode(&mut &bytes[..]).ok(),
		_ => None,
	};
	digest.logs.iter().filter_map(of).collect()
}

#[test]
fn the_head_is_told_in_digests_from_time_to_time() {
	CheckpointRecords::set(4);
	CheckpointBlocks::set(10);
	build_and_execute(|| {
		Failover::on_initialize(10);
		assert!(checkpoints().is_empty(), "an empty log has no checkpoint");
		append(5);
		assert_eq!(checkpoints().iter().map(|checkpoint| checkpoint.count).collect::<Vec<_>>(), [4]);
		Failover::on_initialize(19);
		Failover::on_initialize(20);
		let last = Checkpoint { count: 5, root: Failover::head().root };
		assert_eq!(checkpoints().last(), Some(&last));
		assert_eq!(checkpoints().len(), 2);
	});
}
