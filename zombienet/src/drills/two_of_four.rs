//! Half of the validators die at once: finality stops, and the chain brings it back by itself.

use anyhow::{ensure, Context};

use crate::{
	chain::{Entry, RecordKind},
	drills::{follow, wait_until_healthy, PATIENCE},
	network::Net,
	timeline::Timeline,
};

/// Kills two of four, and waits until blocks are final again, at most `bar` blocks later. Then everybody, those that come back and
/// a node that is synced from genesis included, has the same finalized chain, and the chain is safe.
pub async fn run(network: &mut Net, bar: u32) -> anyhow::Result<()> {
	println!("waiting until the network is healthy and finalizes");
	wait_until_healthy(network).await?;
	let victims = ["bob", "charlie"];
	let watcher = network.last(&victims)?;
	let chain = network.chain(&watcher).await?;
	let mut timeline = Timeline::begin(chain.clone()).await?;
	for victim in victims {
		network.kill(victim)?;
	}
	let set = timeline.set().to_string();
	timeline.tell(timeline.start, &format!("kill -9 {}; session.validators: {set}", victims.join(" ")));

	let mut entries: Vec<Entry> = Vec::new();
	let start = timeline.start;
	let healed = loop {
		let moment = timeline.next().await?;
		let number = moment.block.number();
		entries.extend(moment.entries);
		let finalized = chain.finalized().await?;
		if finalized > start {
			timeline.tell(number, &format!("blocks are final again, up to #{finalized}"));
			break number - start;
		}
		ensure!(number < start + 3 * bar, "#{finalized} is the last final block still in #{number}");
	};
	let seconds = timeline.seconds();
	while !told(&entries, RecordKind::Thawed) {
		let moment = timeline.next().await?;
		entries.extend(moment.entries);
		ensure!(moment.block.number() < start + healed + PATIENCE, "the chain does not become safe again");
	}
	for kind in [RecordKind::Degraded, RecordKind::Recovering, RecordKind::FinalityResumed] {
		ensure!(told(&entries, kind), "the log does not have {kind:?}");
	}
	ensure!(!told(&entries, RecordKind::Penalized), "somebody was charged for a systemic outage");

	println!("both come back, and a node is synced from genesis");
	for victim in victims {
		network.revive(victim).await?;
	}
	network.add("fresh", &[]).await?;
	let finalized = chain.finalized().await?;
	let hash = chain.hash_of(finalized).await?;
	for node in ["alice", "bob", "charlie", "dave", "eve", "ferdie", "fresh"] {
		follow(network, &watcher, node).await.with_context(|| format!("{node} does not follow"))?;
		let theirs = network.chain(node).await?.hash_of(finalized).await?;
		ensure!(theirs == hash, "{node} has another #{finalized}");
	}
	println!("  all nodes have the same #{finalized}");
	println!(
		"\nRecovered: {healed} blocks, {seconds:.1} seconds from the kill of two of four to the next final block (bar {bar})."
	);
	ensure!(healed <= bar, "{healed} blocks are more than {bar}");
	Ok(())
}

fn told(entries: &[Entry], kind: RecordKind) -> bool {
	entries.iter().any(|entry| entry.record.kind == kind)
}
