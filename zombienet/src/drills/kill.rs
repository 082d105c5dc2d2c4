//! Drill on one failing validator: a standby takes its seat.

use anyhow::{bail, ensure, Context};

use crate::{
	chain::{name_of, Chain, Detectors, Evidence, Moment, RecordKind},
	drills::{wait_until_final, wait_until_healthy, PATIENCE},
	network::Net,
	proof::{Ask, Proof, Verifier},
	timeline::{sits, Timeline},
};

/// Result of a replacement. Durations are from the failure to the block in which the standby is a
/// validator.
pub struct Healed {
	/// Duration in best blocks.
	pub blocks: u32,
	/// Duration in seconds.
	pub seconds: f32,
	/// Detectors that had fired at the decision.
	pub fired: Detectors,
	/// Id of the incident in the log.
	pub incident: u64,
	/// Name of the seated standby.
	pub standby: String,
	/// Number of the best block at the failure.
	pub start: u32,
}

/// Failure of a validator.
#[derive(Clone, Copy)]
pub enum Failure {
	/// `kill -9`: the process has exited, and connections to it are refused.
	Killed,
	/// SIGSTOP: the process is present, accepts connections, and does nothing.
	Frozen,
}

/// Kills a healthy validator, waits for its replacement and the reconciliation, and fetches a
/// proof.
pub async fn run(network: &mut Net, verifier: &Verifier, victim: &str) -> anyhow::Result<Proof> {
	wait_until_healthy(network).await?;
	wait_for_block_of(&network.watcher(&[victim]).await?, victim).await?;
	let healed = break_and_watch(network, victim, Failure::Killed).await?;
	let chain = network.watcher(&[victim]).await?;
	let reconciled = wait_until_reconciled(&chain, healed.incident).await?;
	let took = reconciled - healed.start;
	println!(
		"\nHealed: {} blocks, {:.1} seconds from kill to replacement; detectors that fired: {}.",
		healed.blocks,
		healed.seconds,
		healed.fired.letters()
	);
	compare_times(&chain, &healed, took).await?;
	verifier
		.fetch(network, &network.last(&[victim])?, Ask { incident: healed.incident, ..Default::default() })
		.await
}

/// Waits for a block of this validator. A kill right after it coincides with the last sign of life,
/// at which the chain's time to detection begins.
async fn wait_for_block_of(chain: &Chain, victim: &str) -> anyhow::Result<()> {
	let (_, at) = chain.best().await?;
	let set = chain.validators(at).await?;
	let mut blocks = chain.blocks().await?;
	for _ in 0..PATIENCE {
		let block = blocks.next().await.context("the node ended its subscription")??;
		let place = Chain::slot(&block)? % set.len() as u64;
		if set.get(place as usize).map(name_of).as_deref() == Some(victim) {
			return Ok(());
		}
	}
	bail!("{victim} authored none of {PATIENCE} blocks; is it among the validators?")
}

/// Waits until the member that an incident has seated is reconciled, and the record is final.
/// Returns the block of the reconciliation.
pub async fn wait_until_reconciled(chain: &Chain, incident: u64) -> anyhow::Result<u32> {
	let mut blocks = chain.blocks().await?;
	for _ in 0..PATIENCE {
		let block = blocks.next().await.context("the node ended its subscription")??;
		if let Some(moment) = chain.incident(block.hash(), incident).await?.reconciled {
			let finalized = wait_until_final(chain, moment.block + 1).await?;
			println!("  #{:<5} the seated standby is reconciled; final with #{finalized}", moment.block);
			return Ok(moment.block);
		}
	}
	bail!("the standby of incident {incident} is not reconciled after {PATIENCE} blocks")
}

/// Prints the incident's times as recorded by the chain. Their sum must equal the duration that the
/// drill observed, within one block.
async fn compare_times(chain: &Chain, healed: &Healed, blocks: u32) -> anyhow::Result<()> {
	let (_, at) = chain.best().await?;
	let incident = chain.incident(at, healed.incident).await?;
	let (Some(attributed), Some(seated), Some(reconciled)) =
		(incident.attributed, incident.seated, incident.reconciled)
	else {
		bail!("the incident is not complete: {incident:?}")
	};
	let moments = [incident.began, incident.suspected, attributed, seated, reconciled];
	let names = ["T_detect", "T_attribute", "T_reconfigure", "T_resync"];
	let between = |from: Moment, to: Moment| (to.block - from.block, (to.time - from.time) as f32 / 1_000.0);
	println!("Incident {}, as recorded by the chain:", healed.incident);
	for (name, pair) in names.into_iter().zip(moments.windows(2)) {
		let (blocks, seconds) = between(pair[0], pair[1]);
		println!("  {name:14} {blocks:>3} blocks {seconds:>6.1} s");
	}
	let (sum, sum_seconds) = between(incident.began, reconciled);
	println!("  together       {sum:>3} blocks {sum_seconds:>6.1} s; observed by the drill: {blocks} blocks");
	ensure!(sum.abs_diff(blocks) <= 1, "the chain recorded {sum} blocks, but the drill observed {blocks}");
	Ok(())
}

/// Makes a validator of a healthy network fail, and waits until a standby has its seat in a
/// finalized block.
pub async fn break_and_watch(network: &mut Net, victim: &str, failure: Failure) -> anyhow::Result<Healed> {
	let chain = network.watcher(&[victim]).await?;
	let (_, at) = chain.best().await?;
	let before: Vec<String> = chain.validators(at).await?.iter().map(name_of).collect();
	ensure!(
		before.iter().any(|name| name == victim),
		"{victim} is not among the validators ({}); name one of them with --victim",
		before.join(" ")
	);

	let mut timeline = Timeline::begin(chain.clone()).await?;
	let what = match failure {
		Failure::Killed => {
			network.kill(victim)?;
			"kill -9"
		},
		Failure::Frozen => {
			network.freeze(victim).await?;
			"kill -STOP"
		},
	};
	timeline.tell(timeline.start, &format!("{what} {victim}; session.validators: {}", timeline.set()));

	let (mut decided, mut seated) = (None, None);
	loop {
		let moment = timeline.next().await?;
		let number = moment.block.number();
		for entry in &moment.entries {
			let record = &entry.record;
			if record.from.as_ref().map(name_of).as_deref() != Some(victim) {
				continue;
			}
			match record.kind {
				RecordKind::Replaced => {
					let [Evidence::Verdict(verdict)] = &entry.evidence[..] else {
						bail!("decided without a verdict")
					};
					decided = Some((record.block, verdict.detectors, record.incident));
				},
				RecordKind::Seated => seated = record.to.as_ref().map(name_of),
				_ => (),
			}
		}
		let gone = !sits(&moment.set, victim);
		if gone {
			let (blocks, seconds) = (number.saturating_sub(timeline.start), timeline.seconds());
			let Some((decided, fired, incident)) = decided else {
				bail!("the set changed without a record in the log")
			};
			ensure!(decided < number, "the record (#{decided}) is not older than the change (#{number})");
			// An election may have changed other seats meanwhile.
			let standby = seated.context("the set changed, but the log has no record of a seated standby")?;
			ensure!(
				sits(&moment.set, &standby) && !before.contains(&standby),
				"the log has {standby} as seated, but the set is {}",
				moment.set
			);
			let finalized = wait_until_final(&chain, number + 1).await?;
			timeline.tell(finalized, "a block after the change is final");
			let start = timeline.start;
			return Ok(Healed { blocks, seconds, fired, incident, standby, start });
		}
		if number > timeline.start + PATIENCE {
			bail!(
				"not healed after {PATIENCE} blocks: validators are {}, the log has {} for {victim}, finalized #{} of \
				 #{number}",
				moment.set,
				if decided.is_some() { "a decision" } else { "no decision" },
				chain.finalized().await?
			);
		}
	}
}
