//! Half of the validators die at once. That is no case for ordinary rotation (I1, I3).

use anyhow::ensure;

use crate::{
	chain::RecordKind,
	drills::{wait_until_final, wait_until_healthy},
	network::Net,
	timeline::Timeline,
};

/// Kills two of four; for `blocks` blocks nobody is evicted; then both come back and all is well.
pub async fn run(network: &mut Net, blocks: u32) -> anyhow::Result<()> {
	println!("waiting until the network is healthy and finalizes");
	wait_until_healthy(network).await?;
	let victims = ["bob", "charlie"];
	let chain = network.watcher(&victims).await?;
	let mut timeline = Timeline::begin(chain.clone()).await?;
	let set = timeline.set().to_string();
	for victim in victims {
		network.kill(victim)?;
	}
	timeline.tell(timeline.start, &format!("kill -9 {}; session.validators: {set}", victims.join(" ")));

	let mut held = false;
	loop {
		let moment = timeline.next().await?;
		let number = moment.block.number();
		held |= moment.entries.iter().any(|entry| entry.record.kind == RecordKind::Held);
		let evicts = |kind| matches!(kind, RecordKind::Replaced | RecordKind::Removed);
		ensure!(
			!moment.entries.iter().any(|entry| evicts(entry.record.kind)) && moment.set == set,
			"somebody was evicted in #{number}; validators: {}",
			moment.set
		);
		if number >= timeline.start + blocks {
			break;
		}
	}
	ensure!(held, "the log does not say that rotation holds still");
	let best = timeline.start + blocks;
	println!("nobody evicted in {blocks} blocks; finalized #{} of #{best}", chain.finalized().await?);

	println!("both come back");
	for victim in victims {
		network.revive(victim).await?;
	}
	let mut resumed = false;
	while !resumed {
		let moment = timeline.next().await?;
		resumed = moment.entries.iter().any(|entry| entry.record.kind == RecordKind::Resumed);
		ensure!(
			resumed || moment.block.number() < best + super::PATIENCE,
			"the outage is not over for the chain, though all nodes are back"
		);
	}
	let finalized = wait_until_final(&chain, best + 1).await?;
	timeline.tell(finalized, "blocks are final again");
	println!(
		"\nHeld: {blocks} blocks with half of the validators dead, nobody evicted, and all is well again."
	);
	Ok(())
}
