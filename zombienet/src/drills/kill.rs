//! One validator fails, a standby takes its seat.

use anyhow::{bail, ensure};

use crate::{
	chain::{name_of, Detectors, Evidence, RecordKind},
	drills::{wait_until_final, wait_until_healthy, PATIENCE},
	network::Net,
	timeline::Timeline,
};

/// How long a replacement took, from the kill to the block where the standby is among the validators.
pub struct Healed {
	/// In best blocks.
	pub blocks: u32,
	/// In seconds.
	pub seconds: f32,
	/// Which detectors had fired when it was decided.
	pub fired: Detectors,
}

/// How a validator fails.
#[derive(Clone, Copy)]
pub enum Failure {
	/// `kill -9`: the process is gone, and connections to it are refused.
	Killed,
	/// SIGSTOP: the process is there, takes connections, and does nothing.
	Frozen,
}

/// The whole drill: wait, kill, watch, judge.
pub async fn run(network: &mut Net, victim: &str) -> anyhow::Result<()> {
	println!("waiting until the network is healthy and finalizes");
	wait_until_healthy(network).await?;
	let healed = break_and_watch(network, victim, Failure::Killed).await?;
	println!(
		"\nHealed: {} blocks, {:.1} seconds from kill to replaced; detectors that fired: {}.",
		healed.blocks,
		healed.seconds,
		healed.fired.letters()
	);
	Ok(())
}

/// Lets a validator of a healthy network fail, and watches until a standby sits in its place, finally.
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
					let Evidence::Verdict(verdict) = &entry.evidence else {
						bail!("decided without a verdict")
					};
					decided = Some((record.block, verdict.detectors));
				},
				RecordKind::Seated => seated = record.to.as_ref().map(name_of),
				_ => (),
			}
		}
		let gone = !moment.set.split(' ').any(|name| name == victim);
		let joined = moment.set.split(' ').find(|name| !before.iter().any(|old| old == name));
		if let (true, Some(standby)) = (gone, joined) {
			let (blocks, seconds) = (number.saturating_sub(timeline.start), timeline.seconds());
			let Some((decided, fired)) = decided else {
				bail!("the set changed without a record in the log")
			};
			ensure!(decided < number, "the record (#{decided}) is not older than the change (#{number})");
			ensure!(
				seated.as_deref() == Some(standby),
				"the log says that {} was seated, and {standby} was",
				seated.as_deref().unwrap_or("nobody")
			);
			let finalized = wait_until_final(&chain, number + 1).await?;
			timeline.tell(finalized, "a block after the change is final");
			return Ok(Healed { blocks, seconds, fired });
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
