//! Drill on the time to replacement: kills different validators one after the other and restarts
//! each.

use anyhow::{ensure, Context};

use crate::{
	chain::name_of,
	drills::{
		kill::{break_and_watch, wait_until_reconciled, Failure},
		wait_until_healthy,
	},
	network::Net,
	proof::{Ask, Proof, Verifier},
};

/// Kills `kills` different validators; the median of the blocks to replacement must not be above
/// `bar`. The proof of the last incident contains a hand-off for each kill.
pub async fn run(network: &mut Net, verifier: &Verifier, kills: usize, bar: u32) -> anyhow::Result<Proof> {
	let mut killed: Vec<String> = Vec::new();
	let mut results = Vec::new();
	let mut incident = 0;
	for round in 1..=kills {
		println!("\nkill {round} of {kills}: waiting until all members are healthy and the cool-off is over");
		wait_until_healthy(network).await?;
		let chain = network.watcher(&[]).await?;
		let (_, at) = chain.best().await?;
		let sitting = chain.validators(at).await?;
		// An active validator that was not killed yet, else the one whose last kill is longest ago.
		let rank = |name: &String| killed.iter().rposition(|old| old == name).map_or(0, |place| place + 1);
		let victim = sitting.iter().map(name_of).min_by_key(rank).context("the active set is empty")?;
		let healed = break_and_watch(network, &victim, Failure::Killed).await?;
		println!(
			"  {victim} replaced after {} blocks, {:.1} seconds; detectors that fired: {}",
			healed.blocks,
			healed.seconds,
			healed.fired.letters()
		);
		results.push(healed.blocks);
		incident = healed.incident;
		wait_until_reconciled(&chain, incident).await?;
		network.revive(&victim).await?;
		killed.push(victim);
	}
	let mut sorted = results.clone();
	sorted.sort();
	let median = *sorted.get(sorted.len() / 2).context("no validator was killed")?;
	println!("\nKill to replacement, in blocks: {results:?}, median {median} (limit {bar}).");
	ensure!(median <= bar, "the median of {median} blocks is above the limit of {bar}");
	verifier.fetch(network, &network.last(&[])?, Ask { incident, ..Default::default() }).await
}
