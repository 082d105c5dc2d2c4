//! Drills on rotation: a retirement, a node that returns, and a case for the guardians.

use std::{collections::BTreeSet, path::Path};

use anyhow::{bail, ensure, Context};
use tokio::process::Command;

use crate::{
	chain::{name_of, Absence, Chain, RecordKind},
	drills::{
		kill::{break_and_watch, Failure},
		wait_until_final, wait_until_healthy, PATIENCE,
	},
	network::Net,
	timeline::{sits, Timeline},
};

/// Number of rounds of slots for which the successor is watched.
const ROUNDS: u64 = 10;

/// Retires a validator: a standby takes its seat, misses at most two slots, and no member is
/// charged.
pub async fn retire(network: &mut Net, victim: &str) -> anyhow::Result<()> {
	println!();
	wait_until_healthy(network).await?;
	let chain = network.watcher(&[victim]).await?;
	let mut timeline = Timeline::begin(chain.clone()).await?;
	let before: Vec<String> = timeline.set().split(' ').map(String::from).collect();
	let place =
		before.iter().position(|name| name == victim).with_context(|| format!("{victim} has no seat"))?;
	timeline.tell(timeline.start, &format!("{victim} retires; session.validators: {}", timeline.set()));
	chain.retire(victim).await?;

	// The member works until its successor has the seat.
	let (successor, first) = loop {
		let moment = timeline.next().await?;
		let number = moment.block.number();
		let now: Vec<&str> = moment.set.split(' ').collect();
		if now.get(place).is_some_and(|name| *name != victim) {
			break (now[place].to_string(), Chain::slot(&moment.block)?);
		}
		ensure!(number < timeline.start + PATIENCE, "{victim} still has its seat after {PATIENCE} blocks");
	};
	let took = timeline.seconds();
	network.kill(victim)?;
	timeline.tell(timeline.start, &format!("{successor} is seated; kill -9 {victim}"));

	let members = before.len() as u64;
	let last = first + ROUNDS * members;
	let mut slots = BTreeSet::new();
	loop {
		let moment = timeline.next().await?;
		if let Some(entry) = moment.entries.iter().find(|entry| {
			matches!(entry.record.kind, RecordKind::Penalized | RecordKind::Replaced | RecordKind::Removed)
		}) {
			bail!("the retirement has consequences: {:?}", entry.record);
		}
		let slot = Chain::slot(&moment.block)?;
		slots.insert(slot);
		if slot >= last {
			break;
		}
	}
	let own = (first + 1..last).filter(|slot| slot % members == place as u64);
	let missed = own.clone().filter(|slot| !slots.contains(slot)).count();
	ensure!(missed <= 2, "{successor} missed {missed} of its {} slots", own.count());
	let (_, at) = chain.best().await?;
	let conducts = chain.conducts(at).await?;
	let conduct = conducts.iter().find(|(who, _)| name_of(who) == victim).map(|(_, conduct)| conduct);
	let conduct = conduct.context("the chain has no record of the retirement")?;
	ensure!(conduct.outages == 0 && matches!(conduct.absence, Some(Absence::Retired)), "{conduct:?}");
	println!(
		"\nRetired: {successor} took the seat of {victim} after {took:.1} seconds, and missed {missed} of its {} \
		 slots since; no member was charged.",
		own.count()
	);
	Ok(())
}

/// Kills a validator and restarts it: it is re-admitted automatically, and seated when the next one
/// is killed.
pub async fn returns(network: &mut Net, victim: &str, next: &str) -> anyhow::Result<()> {
	println!();
	wait_until_healthy(network).await?;
	let first = break_and_watch(network, victim, Failure::Killed).await?;
	network.revive(victim).await?;
	let chain = network.watcher(&[victim]).await?;
	let mut timeline = Timeline::begin(chain.clone()).await?;
	timeline.tell(timeline.start, &format!("{victim} is restarted"));
	loop {
		let moment = timeline.next().await?;
		let back = |entry: &crate::chain::Entry| {
			let record = &entry.record;
			record.kind == RecordKind::Readmitted
				&& record.subject.as_ref().map(name_of).as_deref() == Some(victim)
		};
		if moment.entries.iter().any(back) {
			break;
		}
		let number = moment.block.number();
		ensure!(number < timeline.start + PATIENCE, "{victim} is not re-admitted after {PATIENCE} blocks");
	}
	let took = timeline.seconds();
	wait_until_healthy(network).await?;
	let second = break_and_watch(network, next, Failure::Killed).await?;
	let (_, at) = network.watcher(&[next]).await?.best().await?;
	let set: Vec<String> = chain.validators(at).await?.iter().map(name_of).collect();
	ensure!(set.iter().any(|name| name == victim), "{victim} was not seated: {}", set.join(" "));
	println!(
		"\nReturned: {victim} replaced after {} blocks, re-admitted {took:.1} seconds after its restart, and seated {} \
		 blocks after {next} was killed.",
		first.blocks, second.blocks
	);
	Ok(())
}

/// Lowers the weights of the detectors by a referendum and kills a validator: its case waits until
/// the guardians approve it, and then a standby is seated. `govern` is the program that submits the
/// referendum, votes and approves.
pub async fn case(network: &mut Net, victim: &str, govern: &Path) -> anyhow::Result<()> {
	println!();
	wait_until_healthy(network).await?;
	let url = |network: &Net| {
		let urls = network.urls();
		urls.into_iter().rfind(|(name, _)| name != victim).map(|(_, url)| url).context("no node is left")
	};
	run(govern, &["referendum", &url(network)?, "Detection", "Rules", LIGHT_RULES]).await?;

	let chain = network.watcher(&[victim]).await?;
	let mut timeline = Timeline::begin(chain.clone()).await?;
	let set = timeline.set().to_string();
	network.kill(victim)?;
	timeline.tell(timeline.start, &format!("kill -9 {victim}; session.validators: {set}"));
	let mut opened = None;
	loop {
		let moment = timeline.next().await?;
		let number = moment.block.number();
		ensure!(
			moment.set == set,
			"a member was evicted although the evidence does not suffice: {}",
			moment.set
		);
		if moment.entries.iter().any(|entry| entry.record.kind == RecordKind::CaseOpened) {
			opened = Some(number);
		}
		// Without the guardians nothing follows from the case.
		if opened.is_some_and(|opened| number >= opened + 8) {
			break;
		}
		ensure!(number < timeline.start + PATIENCE, "no case was opened within {PATIENCE} blocks");
	}
	let (_, at) = chain.best().await?;
	ensure!(chain.cases(at).await? > 0, "the case no longer exists");
	run(govern, &["approve", &url(network)?]).await?;
	loop {
		let moment = timeline.next().await?;
		let number = moment.block.number();
		if !sits(&moment.set, victim) {
			wait_until_final(&chain, number + 1).await?;
			println!(
				"\nCase: opened in #{}, waited, approved by the guardians, and {victim} replaced in #{number}.",
				opened.unwrap_or_default()
			);
			return Ok(());
		}
		ensure!(number < timeline.start + 2 * PATIENCE, "{victim} still has its seat");
	}
}

/// The sample runtime's rules with lower weights: all detectors together stay below the automation
/// threshold.
const LIGHT_RULES: &str = r#"{"slots": 2, "windows": 1, "peers": 1, "votes": 2, "longer": 2,
	"slots_weight": 90000000, "windows_weight": 90000000, "peers_weight": 90000000, "votes_weight": 90000000,
	"peers_quorum": 600000000, "votes_quorum": 500000000}"#;

/// Runs a program to its end. Fails if the program fails.
pub async fn run(program: &Path, args: &[&str]) -> anyhow::Result<()> {
	println!("running {} {}", program.display(), args[0]);
	let status = Command::new(program).args(args).kill_on_drop(true).status().await;
	let status = status.with_context(|| format!("cannot run {}", program.display()))?;
	ensure!(status.success(), "{} {} failed: {status}", program.display(), args[0]);
	Ok(())
}
