//! One validator dies, a standby takes its seat.

use anyhow::{bail, ensure};

use crate::{
	chain::{name_of, RecordKind},
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
}

/// The whole drill: wait, kill, watch, judge.
pub async fn run(network: &mut Net, victim: &str) -> anyhow::Result<()> {
	println!("waiting until the network is healthy and finalizes");
	wait_until_healthy(network).await?;
	let healed = kill_and_watch(network, victim).await?;
	println!("\nHealed: {} blocks, {:.1} seconds from kill to replaced.", healed.blocks, healed.seconds);
	Ok(())
}

/// Kills a validator of a healthy network and watches until a standby sits in its place, finally.
pub async fn kill_and_watch(network: &mut Net, victim: &str) -> anyhow::Result<Healed> {
	let chain = network.watcher(&[victim]).await?;
	let (_, at) = chain.best().await?;
	let before: Vec<String> = chain.validators(at).await?.iter().map(name_of).collect();
	ensure!(
		before.iter().any(|name| name == victim),
		"{victim} is not among the validators ({}); name one of them with --victim",
		before.join(" ")
	);

	let mut timeline = Timeline::begin(chain.clone()).await?;
	network.kill(victim)?;
	timeline.tell(timeline.start, &format!("kill -9 {victim}; session.validators: {}", timeline.set()));

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
				RecordKind::Replaced => decided = Some(record.block),
				RecordKind::Seated => seated = record.to.as_ref().map(name_of),
				_ => (),
			}
		}
		let gone = !moment.set.split(' ').any(|name| name == victim);
		let joined = moment.set.split(' ').find(|name| !before.iter().any(|old| old == name));
		if let (true, Some(standby)) = (gone, joined) {
			let healed =
				Healed { blocks: number.saturating_sub(timeline.start), seconds: timeline.seconds() };
			let Some(decided) = decided else { bail!("the set changed without a record in the log") };
			ensure!(decided < number, "the record (#{decided}) is not older than the change (#{number})");
			ensure!(
				seated.as_deref() == Some(standby),
				"the log says that {} was seated, and {standby} was",
				seated.as_deref().unwrap_or("nobody")
			);
			let finalized = wait_until_final(&chain, number + 1).await?;
			timeline.tell(finalized, "a block after the change is final");
			return Ok(healed);
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
