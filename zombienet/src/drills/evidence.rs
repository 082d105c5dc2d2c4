//! What counts as a failure, and what does not: a node that stands still, one that does not vote, one that cannot be
//! reached, one that was restarted.

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

/// A validator's process stands still: a standby takes its seat. Then it goes on, and is healthy again.
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

/// A validator authors blocks and casts no votes, from the first block on: a standby takes its seat. For the network of
/// `mute.toml`, where bob is that one.
pub async fn mute(network: &mut Net, victim: &str) -> anyhow::Result<()> {
	let chain = network.watcher(&[victim]).await?;
	let mut timeline = Timeline::begin(chain).await?;
	println!("{victim} authors and does not vote; session.validators: {}", timeline.set());
	// It takes the grace, then windows of reports; and a few blocks to begin with.
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
				ensure!(fired.votes && !fired.slots && !fired.heartbeats, "on {}", fired.letters());
				decided = Some(fired);
			}
		}
		if !sits(&moment.set, victim) {
			let fired = decided.context("the set changed without a record in the log")?;
			println!("\nMute: {victim} replaced in #{number}; detectors that fired: {}.", fired.letters());
			return Ok(());
		}
		ensure!(number < patience, "{victim} still sits in #{number}; validators: {}", moment.set);
	}
}

/// A validator votes, answers and heartbeats, and authors nothing: it is replaced, and not charged.
/// Then another one dies, and is replaced as ever: the chain knows of its finality all the while.
/// For the network of `lame.toml`, where bob is the first.
pub async fn lame(network: &mut Net, victim: &str, next: &str) -> anyhow::Result<()> {
	let chain = network.watcher(&[victim, next]).await?;
	let mut timeline = Timeline::begin(chain).await?;
	println!("{victim} votes and does not author; session.validators: {}", timeline.set());
	// The grace, then windows of reports, then a cool-off between the two.
	let patience = 4 * PATIENCE;
	let (mut replaced, mut killed) = (false, false);
	loop {
		let moment = timeline.next().await?;
		let number = moment.block.number();
		for entry in &moment.entries {
			let record = &entry.record;
			ensure!(
				!matches!(record.kind, RecordKind::Penalized | RecordKind::Degraded | RecordKind::Held),
				"the log says {:?} in #{number}",
				record.kind
			);
			let is_of_victim = record.from.as_ref().map(name_of).as_deref() == Some(victim);
			if let (RecordKind::Replaced, true, [Evidence::Verdict(verdict)]) =
				(record.kind, is_of_victim, &entry.evidence[..])
			{
				ensure!(verdict.health == Health::Impaired, "{victim} was replaced as {:?}", verdict.health);
				ensure!(!verdict.detectors.heartbeats, "on {}", verdict.detectors.letters());
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
			println!("\nLame: {victim} and {next} replaced, the latter in #{number}; nobody charged.");
			return Ok(());
		}
		ensure!(number < patience, "{victim} or {next} still sits in #{number}: {}", moment.set);
	}
}

/// Nobody reaches a validator's RPC server, but it does all of its work: it keeps its seat.
pub async fn hidden(network: &mut Net, victim: &str, blocks: u32) -> anyhow::Result<()> {
	println!();
	wait_until_healthy(network).await?;
	let chain = network.watcher(&[victim]).await?;
	// Where nothing listens, and only root could.
	chain.move_endpoint(victim, 1).await?;
	let fired = keeps_its_seat(network, victim, &format!("{victim} cannot be reached"), blocks).await?;
	// Its votes are seen: it does not matter that its RPC server answers nobody.
	ensure!(fired.is_empty(), "{victim} does all of its work, and detectors fired: {fired}");
	chain.move_endpoint(victim, network.port(victim)?).await?;
	println!("\nHidden: {victim} kept its seat for {blocks} blocks, and no detector fired.");
	Ok(())
}

/// A validator is killed and started again at once: it keeps its seat.
pub async fn restarted(network: &mut Net, victim: &str, blocks: u32) -> anyhow::Result<()> {
	println!();
	wait_until_healthy(network).await?;
	network.kill(victim)?;
	network.revive(victim).await?;
	let fired =
		keeps_its_seat(network, victim, &format!("kill -9 {victim}, and started again"), blocks).await?;
	let fired = if fired.is_empty() { "none".into() } else { fired };
	println!("\nRestarted: {victim} kept its seat for {blocks} blocks; detectors that fired: {fired}.");
	Ok(())
}

/// Watches that nobody is evicted for so many blocks; says which detectors fired against the victim meanwhile.
async fn keeps_its_seat(network: &Net, victim: &str, what: &str, blocks: u32) -> anyhow::Result<String> {
	let chain = network.watcher(&[victim]).await?;
	let mut timeline = Timeline::begin(chain.clone()).await?;
	let set = timeline.set().to_string();
	timeline.tell(timeline.start, &format!("{what}; session.validators: {set}"));
	ensure!(sits(&set, victim), "{victim} does not sit");
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
