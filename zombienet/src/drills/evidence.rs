//! Drills on the detectors: a node that is stopped, one that does not vote, one that does not
//! author, one that is unreachable, and one that is restarted.

use anyhow::{bail, ensure, Context};

use crate::{
	chain::{name_of, Evidence, Health, RecordKind},
	drills::{
		kill::{break_and_watch, Failure},
		wait_until_healthy, PATIENCE,
	},
	network::Net,
	timeline::{sits, Timeline},
};

/// Stops a validator's process: a standby takes its seat. Then continues the process.
pub async fn frozen(network: &mut Net, victim: &str) -> anyhow::Result<()> {
	println!();
	wait_until_healthy(network).await?;
	let healed = break_and_watch(network, victim, Failure::Frozen).await?;
	network.thaw(victim).await?;
	println!(
		"\nFrozen: {victim} replaced after {} blocks, {:.1} seconds; detectors that fired: {}.",
		healed.blocks,
		healed.seconds,
		healed.fired.letters()
	);
	Ok(())
}

/// Waits until a standby takes the seat of a validator that authors blocks and casts no votes, from
/// the first block on. For the network of `mute.toml`, in which bob is this validator.
pub async fn mute(network: &mut Net, victim: &str) -> anyhow::Result<()> {
	let chain = network.watcher(&[victim]).await?;
	let mut timeline = Timeline::begin(chain).await?;
	println!("{victim} authors and does not vote; session.validators: {}", timeline.set());
	// A few blocks at the start, then the grace, then windows of reports.
	let patience = 2 * PATIENCE;
	let mut decided = None;
	loop {
		let moment = timeline.next().await?;
		let number = moment.block.number();
		for entry in &moment.entries {
			if entry.record.from.as_ref().map(name_of).as_deref() != Some(victim) {
				continue;
			}
			if let (RecordKind::Replaced, [Evidence::Verdict(verdict)]) =
				(entry.record.kind, &entry.evidence[..])
			{
				let fired = verdict.detectors;
				ensure!(verdict.health == Health::Impaired, "{victim} was replaced as {:?}", verdict.health);
				ensure!(
					fired.votes && !fired.slots && !fired.heartbeats,
					"unexpected detectors fired: {}",
					fired.letters()
				);
				decided = Some(fired);
			}
		}
		if !sits(&moment.set, victim) {
			let fired = decided.context("the set changed without a record in the log")?;
			println!("\nMute: {victim} replaced in #{number}; detectors that fired: {}.", fired.letters());
			return Ok(());
		}
		ensure!(number < patience, "{victim} still has its seat in #{number}; validators: {}", moment.set);
	}
}

/// Waits until a validator that votes, answers and sends heartbeats but authors nothing is replaced
/// without a charge. Then kills another one, which is replaced as usual: the chain's finality view
/// follows all the time. For the network of `lame.toml`, in which bob is the first one.
pub async fn lame(network: &mut Net, victim: &str, next: &str) -> anyhow::Result<()> {
	let chain = network.watcher(&[victim, next]).await?;
	let mut timeline = Timeline::begin(chain).await?;
	println!("{victim} votes and does not author; session.validators: {}", timeline.set());
	// The grace, then windows of reports, then a cool-off between the two replacements.
	let patience = 4 * PATIENCE;
	let (mut replaced, mut killed) = (false, false);
	loop {
		let moment = timeline.next().await?;
		let number = moment.block.number();
		for entry in &moment.entries {
			let record = &entry.record;
			ensure!(
				!matches!(record.kind, RecordKind::Penalized | RecordKind::Degraded | RecordKind::Held),
				"the log has {:?} in #{number}",
				record.kind
			);
			let is_of_victim = record.from.as_ref().map(name_of).as_deref() == Some(victim);
			if let (RecordKind::Replaced, true, [Evidence::Verdict(verdict)]) =
				(record.kind, is_of_victim, &entry.evidence[..])
			{
				ensure!(verdict.health == Health::Impaired, "{victim} was replaced as {:?}", verdict.health);
				ensure!(
					!verdict.detectors.heartbeats,
					"unexpected detectors fired: {}",
					verdict.detectors.letters()
				);
			}
		}
		let sits = |who: &str| sits(&moment.set, who);
		if !sits(victim) && !replaced {
			println!("  #{number:<5} {victim} is replaced");
			replaced = true;
			network.kill(next)?;
			killed = true;
			println!("  #{number:<5} kill -9 {next}");
		}
		if killed && !sits(next) {
			println!("\nLame: {victim} and {next} replaced, the latter in #{number}; no member charged.");
			return Ok(());
		}
		ensure!(number < patience, "{victim} or {next} still has its seat in #{number}: {}", moment.set);
	}
}

/// Moves a validator's endpoint to an unused port: it does all of its work and keeps its seat.
pub async fn hidden(network: &mut Net, victim: &str, blocks: u32) -> anyhow::Result<()> {
	println!();
	wait_until_healthy(network).await?;
	let chain = network.watcher(&[victim]).await?;
	// Nothing listens on port 1, and only root could.
	chain.move_endpoint(victim, 1).await?;
	let fired = keeps_its_seat(network, victim, &format!("{victim} is unreachable"), blocks).await?;
	// Nodes that follow finality probe only members without visible votes.
	ensure!(fired.is_empty(), "{victim} does all of its work, but detectors fired: {fired}");
	chain.move_endpoint(victim, network.port(victim)?).await?;
	println!("\nHidden: {victim} kept its seat for {blocks} blocks, and no detector fired.");
	Ok(())
}

/// Kills a validator and restarts it at once: it keeps its seat.
pub async fn restarted(network: &mut Net, victim: &str, blocks: u32) -> anyhow::Result<()> {
	println!();
	wait_until_healthy(network).await?;
	network.kill(victim)?;
	network.revive(victim).await?;
	let fired = keeps_its_seat(network, victim, &format!("kill -9 {victim}, then restarted"), blocks).await?;
	let fired = if fired.is_empty() { "none".into() } else { fired };
	println!("\nRestarted: {victim} kept its seat for {blocks} blocks; detectors that fired: {fired}.");
	Ok(())
}

/// Checks that no member is evicted for this many blocks. Returns the letters of the detectors that
/// fired against the victim meanwhile.
async fn keeps_its_seat(network: &Net, victim: &str, what: &str, blocks: u32) -> anyhow::Result<String> {
	let chain = network.watcher(&[victim]).await?;
	let mut timeline = Timeline::begin(chain.clone()).await?;
	let set = timeline.set().to_string();
	timeline.tell(timeline.start, &format!("{what}; session.validators: {set}"));
	ensure!(sits(&set, victim), "{victim} has no seat");
	let mut fired = String::new();
	loop {
		let moment = timeline.next().await?;
		let number = moment.block.number();
		if let Some(entry) = moment.entries.first() {
			bail!("the log has a record in #{number}: {:?}", entry.record.kind);
		}
		ensure!(moment.set == set, "the validators changed in #{number}: {}", moment.set);
		let status = chain.roster(moment.block.hash()).await?;
		let verdict = status.members.iter().find(|(who, _)| name_of(who) == victim);
		let letters = verdict.map(|(_, judged)| judged.verdict.detectors.letters()).unwrap_or_default();
		fired.extend(letters.chars().filter(|letter| !fired.contains(*letter)).collect::<Vec<_>>());
		if number >= timeline.start + blocks {
			return Ok(fired);
		}
	}
}
