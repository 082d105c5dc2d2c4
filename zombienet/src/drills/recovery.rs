//! Finality stops, for more than a third of the validators are gone or cut off; the chain brings it back by itself, or must not.

use std::time::Duration;

use anyhow::{ensure, Context};

use crate::{
	chain::{Entry, RecordKind},
	drills::{follow, wait_until_healthy, PATIENCE},
	network::Net,
	timeline::Timeline,
};

const ALL: [&str; 6] = ["alice", "bob", "charlie", "dave", "eve", "ferdie"];
/// Two of the four that are active.
const VICTIMS: [&str; 2] = ["bob", "charlie"];

/// What happens to the victims.
#[derive(Clone, Copy)]
pub struct Course {
	/// So many seconds between the kills.
	pub apart: u64,
	/// They come back while the chain recovers.
	pub early: bool,
}

/// Kills two of four, and waits until blocks are final again, at most `bar` blocks after the last kill. Then everybody, those that
/// come back and a node that is synced from genesis included, has the same finalized chain, and the chain is safe.
pub async fn two_of_four(network: &mut Net, bar: u32, course: Course) -> anyhow::Result<()> {
	println!("waiting until the network is healthy and finalizes");
	wait_until_healthy(network).await?;
	let watcher = network.last(&VICTIMS)?;
	let chain = network.chain(&watcher).await?;
	for (nth, victim) in VICTIMS.into_iter().enumerate() {
		if nth > 0 {
			tokio::time::sleep(Duration::from_secs(course.apart)).await;
		}
		let (number, _) = chain.best().await?;
		network.kill(victim)?;
		println!("  #{number:<5} kill -9 {victim}");
	}
	let mut timeline = Timeline::begin(chain.clone()).await?;
	timeline.tell(timeline.start, &format!("session.validators: {}", timeline.set()));

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
		if course.early
			&& told(&entries, RecordKind::Recovering)
			&& !network.urls().iter().any(|(name, _)| name == "bob")
		{
			println!("both come back, while the chain recovers");
			for victim in VICTIMS {
				network.revive(victim).await?;
			}
		}
		ensure!(number < start + 3 * bar, "#{finalized} is the last final block still in #{number}");
	};
	let seconds = timeline.seconds();
	wait_until_safe(&mut timeline, &mut entries, start + healed).await?;
	// Of two that are killed one after the other, the first may have been replaced as ordinary rotation does.
	for kind in [RecordKind::Degraded, RecordKind::Recovering, RecordKind::FinalityResumed] {
		ensure!(told(&entries, kind), "the log does not have {kind:?}");
	}

	if !course.early {
		println!("both come back, and a node is synced from genesis");
		for victim in VICTIMS {
			network.revive(victim).await?;
		}
	}
	network.add("fresh", &[]).await?;
	agree(network, &watcher, &["fresh"]).await?;
	let ids = (chain.set_id().await?, network.set_id(&watcher).await?);
	ensure!(ids.0 == ids.1, "the runtime says that the authority set is {}, and GRANDPA {}", ids.0, ids.1);
	println!("  the runtime and GRANDPA say that the authority set is {}", ids.0);
	println!(
		"\nRecovered: {healed} blocks, {seconds:.1} seconds from the kill of two of four to the next final block (bar {bar})."
	);
	ensure!(healed <= bar, "{healed} blocks are more than {bar}");
	Ok(())
}

/// Two of four are stopped for a moment: nothing follows from it.
pub async fn brief(network: &mut Net, seconds: u64) -> anyhow::Result<()> {
	println!("waiting until the network is healthy and finalizes");
	wait_until_healthy(network).await?;
	let chain = network.watcher(&VICTIMS).await?;
	let mut timeline = Timeline::begin(chain.clone()).await?;
	let before = chain.finalized().await?;
	for victim in VICTIMS {
		network.freeze(victim).await?;
	}
	timeline.tell(timeline.start, &format!("kill -STOP {}, for {seconds} seconds", VICTIMS.join(" ")));
	tokio::time::sleep(Duration::from_secs(seconds)).await;
	for victim in VICTIMS {
		network.thaw(victim).await?;
	}
	let stood = chain.finalized().await?;
	ensure!(stood <= before + 3, "finality went on to #{stood} without half of the validators");
	let mut entries = Vec::new();
	while timeline.seconds() < seconds as f32 + 60.0 {
		entries.extend(timeline.next().await?.entries);
	}
	let finalized = chain.finalized().await?;
	ensure!(finalized > stood + 5, "finality does not go on: #{finalized} after #{stood}");
	ensure!(!told(&entries, RecordKind::Degraded), "a short stall degraded the chain");
	println!("\nBrief: finality stood at #{stood} for {seconds} seconds, is at #{finalized}, and nothing followed.");
	Ok(())
}

async fn wait_until_safe(timeline: &mut Timeline, entries: &mut Vec<Entry>, from: u32) -> anyhow::Result<()> {
	while !told(entries, RecordKind::Thawed) {
		let moment = timeline.next().await?;
		entries.extend(moment.entries);
		ensure!(moment.block.number() < from + PATIENCE, "the chain does not become safe again");
	}
	Ok(())
}

/// All nodes have the same finalized chain, and nobody was charged in it.
async fn agree(network: &Net, leader: &str, more: &[&str]) -> anyhow::Result<()> {
	let chain = network.chain(leader).await?;
	let finalized = chain.finalized().await?;
	let hash = chain.hash_of(finalized).await?;
	for node in ALL.iter().chain(more) {
		follow(network, leader, node).await.with_context(|| format!("{node} does not follow"))?;
		let theirs = network.chain(node).await?.hash_of(finalized).await?;
		ensure!(theirs == hash, "{node} has another #{finalized}");
	}
	let charged = told(&chain.entries(hash, 0).await?, RecordKind::Penalized);
	ensure!(!charged, "somebody was charged");
	println!("  all nodes have the same #{finalized}, and nobody was charged");
	Ok(())
}

fn told(entries: &[Entry], kind: RecordKind) -> bool {
	entries.iter().any(|entry| entry.record.kind == kind)
}
