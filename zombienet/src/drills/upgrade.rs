//! Drill on an upgrade: a referendum upgrades a chain of an earlier release, one of whose nodes is
//! of that release, and a validator is killed.

use std::path::Path;

use anyhow::{ensure, Context};

use crate::{
	chain::{name_of, RecordKind},
	drills::{rotation, wait_until_final, wait_until_healthy, PATIENCE},
	network::Net,
	timeline::{sits, Timeline},
};

/// Name of the node of the earlier release in `upgrade.toml`.
const BEHIND: &str = "dave";
/// Text in the log of such a node after the upgrade.
const SAYS: &str = "this node is of an earlier release than its runtime";

/// Upgrades the chain to this runtime, kills a validator right after the upgrade, and checks that
/// the validator is replaced, and that the node of the earlier release follows and logs that it is
/// outdated.
pub async fn run(network: &mut Net, victim: &str, govern: &Path, runtime: &Path) -> anyhow::Result<()> {
	wait_until_healthy(network).await?;
	let watcher = network.last(&[victim, BEHIND])?;
	let chain = network.chain(&watcher).await?;
	let before = network.spec_version(&watcher).await?;
	let runtime = runtime.to_str().context("the runtime's path is not UTF-8")?;
	rotation::run(govern, &["upgrade", &network.url(&watcher)?, runtime]).await?;
	network.kill(victim)?;
	let mut timeline = Timeline::begin(network.chain(&watcher).await?).await?;
	let start = timeline.start;
	timeline.tell(
		start,
		&format!("the runtime is upgraded; kill -9 {victim}; session.validators: {}", timeline.set()),
	);
	let mut decided = false;
	let replaced = loop {
		let moment = timeline.next().await?;
		let number = moment.block.number();
		for entry in &moment.entries {
			let record = &entry.record;
			let is_of_victim = record.from.as_ref().map(name_of).as_deref() == Some(victim);
			decided |= is_of_victim && record.kind == RecordKind::Replaced;
			// Six nodes that compile the new runtime at once may miss slots together: a systemic
			// outage may freeze rotation for a moment.
			ensure!(record.kind != RecordKind::Degraded, "finality stalls in #{number}");
		}
		if !sits(&moment.set, victim) {
			break number;
		}
		ensure!(number < start + PATIENCE, "{victim} still has its seat in #{number}: {}", moment.set);
	};
	ensure!(decided, "the set changed without a record in the log");
	let after = network.spec_version(&watcher).await?;
	ensure!(after > before, "the runtime version is {after}, and was {before}");
	let finalized = wait_until_final(&chain, replaced + 1).await?;
	wait_until_final(&network.chain(BEHIND).await?, finalized).await?;
	let said = network.logged(BEHIND, SAYS).await?;
	ensure!(said > 0, "{BEHIND}'s node does not log that it is of an earlier release");
	println!(
		"\nUpgraded: runtime {before} to {after}; {victim} replaced {} blocks after it was killed. {BEHIND}'s node, of the \
		 earlier release, follows, and logs that it is outdated.",
		replaced - start
	);
	Ok(())
}
