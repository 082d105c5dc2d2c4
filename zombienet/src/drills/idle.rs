//! Drill without a failure.

use anyhow::ensure;

use crate::{drills::wait_until_healthy, network::Net, timeline::Timeline};

/// Checks for `blocks` blocks that the log gets no record, the set does not change, and no author
/// sends a heartbeat.
///
/// On a `lossy` chain, a parachain, authors may send heartbeats: those whose block the relay chain has
/// dropped do.
pub async fn run(network: &mut Net, blocks: u32, lossy: bool) -> anyhow::Result<()> {
	wait_until_healthy(network).await?;
	let chain = network.watcher(&[]).await?;
	let mut timeline = Timeline::begin(chain.clone()).await?;
	let set = timeline.set().to_string();
	let authors = set.split(' ').count() as u32;
	let mut heartbeats = 0;
	println!("watching for {blocks} blocks; validators: {set}");
	loop {
		let moment = timeline.next().await?;
		let number = moment.block.number();
		ensure!(moment.entries.is_empty(), "the log has a record in #{number} although nothing failed");
		ensure!(moment.set == set, "the validators changed in #{number}: {}", moment.set);
		let indices = chain.heartbeats(&moment.block).await?;
		ensure!(
			lossy || indices.iter().all(|index| *index >= authors),
			"#{number} contains heartbeats of authors: members {indices:?}; the first {authors} author"
		);
		heartbeats += indices.len();
		let done = number.saturating_sub(timeline.start);
		if done % 20 == 0 {
			timeline.tell(number, &format!("{done} blocks, {heartbeats} heartbeats"));
		}
		if done >= blocks {
			ensure!(heartbeats > 0, "the reserve sent no heartbeats");
			println!(
				"\nIdle: {blocks} blocks, no eviction{}.",
				if lossy { "" } else { ", no heartbeat of an author" }
			);
			return Ok(());
		}
	}
}
