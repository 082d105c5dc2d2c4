//! Finality stops, for more than a third of the validators are gone or cut off; the chain brings it back by itself, or must not.

use std::time::Duration;

use anyhow::{bail, ensure, Context};

use crate::{
	chain::{Block, Chain, Entry, RecordKind},
	drills::{follow, wait_until_healthy, PATIENCE},
	flood::{Count, Flood, TRANSFERS},
	network::Net,
	proof::{Ask, Crosses, Proof, Verifier},
	timeline::Timeline,
};

/// Who is killed of the four that are active, and of the seven.
pub const TWO_OF_FOUR: [&str; 2] = ["bob", "charlie"];
pub const THREE_OF_SEVEN: [&str; 3] = ["bob", "dave", "ferdie"];

/// What happens to them.
#[derive(Clone, Copy, Default)]
pub struct Course {
	/// So many seconds between the kills.
	pub apart: u64,
	/// They come back while the chain recovers.
	pub early: bool,
	/// Ten times as many transactions are offered as are taken in.
	pub flood: bool,
}

/// Kills more than a third of the active set, and waits until blocks are final again, at most `bar` blocks after the last kill. Then everybody, those that
/// come back and a node that is synced from genesis included, has the same finalized chain, the chain is safe, and proofs lead across the forced change.
pub async fn recover(
	network: &mut Net,
	verifier: &Verifier,
	victims: &[&str],
	bar: u32,
	course: Course,
) -> anyhow::Result<Proof> {
	wait_until_healthy(network).await?;
	let watcher = network.last(victims)?;
	let chain = network.chain(&watcher).await?;
	for (nth, victim) in victims.iter().enumerate() {
		if nth > 0 {
			tokio::time::sleep(Duration::from_secs(course.apart)).await;
		}
		let (number, _) = chain.best().await?;
		network.kill(victim)?;
		println!("  #{number:<5} kill -9 {victim}");
	}
	let mut timeline = Timeline::begin(chain.clone()).await?;
	timeline.tell(timeline.start, &format!("session.validators: {}", timeline.set()));

	let mut entries: Vec<Entry> = Vec::new();
	let start = timeline.start;
	let mut gate = match course.flood {
		true => Some(Gate::open(network, victims).await?),
		false => None,
	};
	let healed = loop {
		let moment = timeline.next().await?;
		let number = moment.block.number();
		entries.extend(moment.entries);
		if let Some(gate) = gate.as_mut().filter(|_| told(&entries, RecordKind::Degraded)) {
			gate.look(&chain, &moment.block).await?;
		}
		let finalized = chain.finalized().await?;
		if finalized > start {
			timeline.tell(number, &format!("blocks are final again, up to #{finalized}"));
			says(network, &watcher, ("RecoveryInProgress", 2.0)).await?;
			break number - start;
		}
		if course.early
			&& told(&entries, RecordKind::Recovering)
			&& !network.urls().iter().any(|(name, _)| name == victims[0])
		{
			println!("they come back, while the chain recovers");
			for victim in victims {
				network.revive(victim).await?;
			}
		}
		ensure!(number < start + 3 * bar, "#{finalized} is the last final block still in #{number}");
	};
	let seconds = timeline.seconds();
	if let Some(gate) = gate {
		gate.judge()?;
	}
	wait_until_safe(&mut timeline, &mut entries, start + healed).await?;
	// Of two that are killed one after the other, the first may have been replaced as ordinary rotation does.
	for kind in [RecordKind::Degraded, RecordKind::Recovering, RecordKind::FinalityResumed] {
		ensure!(told(&entries, kind), "the log does not have {kind:?}");
	}

	if !course.early {
		println!("they come back, and a node is synced from genesis");
		for victim in victims {
			network.revive(victim).await?;
		}
	}
	says(network, &watcher, ("Safe", 0.0)).await?;
	network.add("fresh", &[]).await?;
	agree(network, &watcher).await?;
	agree_on_set(network, &watcher).await?;
	let proof = prove(network, verifier, &entries, [&watcher, victims[0], "fresh"], 1).await?;
	start_from_checkpoint(network, verifier, &watcher).await?;
	println!(
		"\nRecovered: {healed} blocks, {seconds:.1} seconds from the kill of {} to the next final block (bar {bar}).",
		victims.join(", ")
	);
	ensure!(healed <= bar, "{healed} blocks are more than {bar}");
	Ok(proof)
}

/// Watches the gate, with a flood before it.
struct Gate {
	flood: Flood,
	before: Option<Count>,
	blocks: u32,
	/// So many of the flood's transactions were in them.
	taken: usize,
	/// What ordinary transactions may take of a block, and the most and the whole that they took, in picoseconds.
	room: u128,
	most: u128,
	all: u128,
}

impl Gate {
	/// So many transactions a second are ten times what the gate takes in of them.
	const RATE: f64 = 40.0;
	/// As the runtime's parameters have it.
	const SHARE: u128 = 10;

	async fn open(network: &Net, dead: &[&str]) -> anyhow::Result<Self> {
		let flood = Flood::begin(network, dead, Self::RATE).await?;
		println!("  {} transactions of {TRANSFERS} transfers each are offered a second", Self::RATE);
		Ok(Self { flood, before: None, blocks: 0, taken: 0, room: 0, most: 0, all: 0 })
	}

	/// Another block, while the chain is degraded.
	async fn look(&mut self, chain: &Chain, block: &Block) -> anyhow::Result<()> {
		let number = block.number();
		let (taken, most) = chain.taken(block.hash()).await?;
		self.room = most / Self::SHARE;
		// The block in which the mode changed was under way already.
		if self.before.is_none() {
			self.before = Some(self.flood.count()?);
			return Ok(());
		}
		ensure!(taken <= self.room, "#{number} takes in {taken} ps, and may take in {}", self.room);
		self.taken += chain.batches(block).await?;
		(self.blocks, self.most, self.all) = (self.blocks + 1, self.most.max(taken), self.all + taken);
		Ok(())
	}

	/// Whether it was a flood, and the gate held.
	fn judge(self) -> anyhow::Result<()> {
		let (count, before) = (self.flood.count()?, self.before.context("the chain did not degrade")?);
		let ms = |time: u128| time as f64 / 1e9;
		let (offered, refused) = (count.offered - before.offered, count.refused - before.refused);
		let all = self.room * u128::from(self.blocks);
		println!(
			"  in {} blocks {offered} transactions were offered, {refused} of them refused; ordinary ones took {:.1} ms of \
			 {:.1}, at most {:.1} of {:.1} in a block",
			self.blocks, ms(self.all), ms(all), ms(self.most), ms(self.room)
		);
		let reason = count.reason.context("nothing was refused")?;
		println!("  the first was refused with: {reason}");
		ensure!(reason.contains("101"), "it was refused for another reason than the documented one");
		ensure!(self.taken > 0, "none was taken in");
		let fits = (all * self.taken as u128 / self.all.max(1)).max(1);
		println!(
			"  {} were taken in, and {fits} would have found room: {:.1} times as many were offered",
			self.taken,
			offered as f64 / fits as f64
		);
		ensure!(u128::from(offered) >= 10 * fits, "that is no flood");
		Ok(())
	}
}

/// The standbys that are to be seated die between the proposal and their votes. Those who have voted are bound: although the old members
/// come back, nothing is final, until people take the votes back.
pub async fn taken_back(network: &mut Net) -> anyhow::Result<()> {
	wait_until_healthy(network).await?;
	let (stays, standbys) = (["alice", "dave"], ["eve", "ferdie"]);
	let chain = network.chain(stays[0]).await?;
	for victim in TWO_OF_FOUR {
		network.kill(victim)?;
	}
	let mut timeline = Timeline::begin(chain.clone()).await?;
	let start = timeline.start;
	timeline.tell(start, &format!("kill -9 {}", TWO_OF_FOUR.join(" ")));
	let proposal = loop {
		if let Some((proposal, _)) = network.proposal(stays[0]).await? {
			break proposal;
		}
		let number = timeline.next().await?.block.number();
		ensure!(number < start + PATIENCE, "nothing is proposed");
	};
	for standby in standbys {
		network.kill(standby)?;
	}
	timeline.tell(proposal as u32, &format!("a set is proposed; kill -9 {}", standbys.join(" ")));
	while network.proposal(stays[0]).await?.is_none_or(|(_, votes)| votes < stays.len() as u64) {
		let number = timeline.next().await?.block.number();
		ensure!(number < start + 2 * PATIENCE, "those who are left do not vote");
	}
	for victim in TWO_OF_FOUR {
		network.revive(victim).await?;
	}
	let back = timeline.next().await?.block.number();
	timeline.tell(back, &format!("{} are back", TWO_OF_FOUR.join(" ")));
	// Who is back prevotes for what is beyond the proposal, and so does not vote for it.
	let until = back + 12;
	while timeline.next().await?.block.number() < until {}
	ensure!(chain.finalized().await? < start + 3, "it is final although half of the voters are bound");
	println!("all four are there, and nothing is final: people take the votes back");
	drop(timeline);
	for member in stays {
		network.kill(member)?;
		network.take_back_vote(member).await?;
		network.revive(member).await?;
	}
	let mut timeline = Timeline::begin(network.chain(stays[0]).await?).await?;
	let mut entries = Vec::new();
	wait_until_safe(&mut timeline, &mut entries, until).await?;
	ensure!(!told(&entries, RecordKind::Recovering), "the chain has recovered by itself");
	for standby in standbys {
		network.revive(standby).await?;
	}
	agree(network, stays[0]).await?;
	agree_on_set(network, stays[1]).await?;
	println!("\nTaken back: finality waited for votes that nobody could complete, and goes on without them.");
	Ok(())
}

/// Two of four are stopped for a moment: nothing follows from it.
pub async fn brief(network: &mut Net, seconds: u64) -> anyhow::Result<()> {
	wait_until_healthy(network).await?;
	let chain = network.watcher(&TWO_OF_FOUR).await?;
	let mut timeline = Timeline::begin(chain.clone()).await?;
	let before = chain.finalized().await?;
	for victim in TWO_OF_FOUR {
		network.freeze(victim).await?;
	}
	timeline.tell(timeline.start, &format!("kill -STOP {}, for {seconds} seconds", TWO_OF_FOUR.join(" ")));
	tokio::time::sleep(Duration::from_secs(seconds)).await;
	for victim in TWO_OF_FOUR {
		network.thaw(victim).await?;
	}
	let stood = chain.finalized().await?;
	ensure!(stood <= before + 3, "finality went on to #{stood} without half of the validators");
	let mut entries = Vec::new();
	while timeline.seconds() < seconds as f32 + 60.0 {
		entries.extend(timeline.next().await?.entries);
	}
	let finalized = chain.finalized().await?;
	ensure!(finalized > stood + 5, "finality does not go on: #{finalized} after #{stood}");
	ensure!(!told(&entries, RecordKind::Degraded), "a short stall degraded the chain");
	println!("\nBrief: finality stood at #{stood} for {seconds} seconds, is at #{finalized}, and nothing followed.");
	Ok(())
}

/// Waits until a node's RPC and its metric, which is looked after every few seconds, say that this is the mode.
async fn says(network: &Net, node: &str, expected: (&str, f64)) -> anyhow::Result<()> {
	for _ in 0..20 {
		let (mode, metric) = network.mode(node).await?;
		if (mode.as_str(), metric) == expected {
			return Ok(());
		}
		tokio::time::sleep(Duration::from_millis(500)).await;
	}
	let (mode, metric) = network.mode(node).await?;
	bail!("the RPC says {mode}, and the metric {metric}, instead of {expected:?}")
}

/// Waits until the chain is safe again.
pub async fn wait_until_safe(
	timeline: &mut Timeline,
	entries: &mut Vec<Entry>,
	from: u32,
) -> anyhow::Result<()> {
	while !told(entries, RecordKind::Thawed) {
		let moment = timeline.next().await?;
		entries.extend(moment.entries);
		ensure!(moment.block.number() < from + PATIENCE, "the chain does not become safe again");
	}
	Ok(())
}

/// All nodes have the same finalized chain, and nobody was charged in it.
pub async fn agree(network: &Net, leader: &str) -> anyhow::Result<()> {
	let chain = network.chain(leader).await?;
	let finalized = chain.finalized().await?;
	let hash = chain.hash_of(finalized).await?;
	let names: Vec<String> = network.urls().into_iter().map(|(name, _)| name).collect();
	for node in &names {
		follow(network, leader, node).await.with_context(|| format!("{node} does not follow"))?;
		let theirs = network.chain(node).await?.hash_of(finalized).await?;
		ensure!(theirs == hash, "{node} has another #{finalized}");
	}
	let charged = told(&chain.entries(hash, 0).await?, RecordKind::Penalized);
	ensure!(!charged, "somebody was charged");
	println!("  all nodes have the same #{finalized}, and nobody was charged");
	Ok(())
}

/// These nodes prove what happened since finality stood still, across so many forced changes. Who was there when it happened, who was
/// not, and who was synced from genesis. The last one's proof is left to be looked at.
pub async fn prove(
	network: &Net,
	verifier: &Verifier,
	entries: &[Entry],
	nodes: [&str; 3],
	forced: u64,
) -> anyhow::Result<Proof> {
	let degraded = entries.iter().find(|entry| entry.record.kind == RecordKind::Degraded);
	let incident = degraded.context("the log does not have that it degraded")?.record.incident;
	let mut last = None;
	for node in nodes {
		let ask = Ask { incident, ..Default::default() };
		let proof =
			verifier.fetch(network, node, ask).await.with_context(|| format!("{node} proves nothing"))?;
		proof.holds(Crosses { hand_offs: forced, forced }).await?;
		println!("  {node} proves incident {incident}, across {forced} forced changes");
		last = Some(proof);
	}
	last.context("nobody was asked")
}

/// A node that takes over the state of a block from after the forced change, by a proof that leads there, follows the chain.
async fn start_from_checkpoint(network: &mut Net, verifier: &Verifier, leader: &str) -> anyhow::Result<()> {
	let (checkpoint, block) = verifier.checkpoint(network, leader).await?;
	let args = [format!("--checkpoint={}", checkpoint.display()), format!("--checkpoint-block={block}")];
	network.add("pinned", &args.each_ref().map(String::as_str)).await?;
	follow(network, leader, "pinned").await?;
	agree_on_set(network, "pinned").await?;
	ensure!(!network.has_block("pinned", 1).await?, "it has synced the whole chain");
	println!("  a node that started with {leader}'s checkpoint follows, without the blocks before it");
	Ok(())
}

/// The runtime and GRANDPA count the same authority sets.
pub async fn agree_on_set(network: &Net, node: &str) -> anyhow::Result<()> {
	let ids = (network.chain(node).await?.set_id().await?, network.set_id(node).await?);
	ensure!(ids.0 == ids.1, "the runtime says that the authority set is {}, and GRANDPA {}", ids.0, ids.1);
	println!("  the runtime and GRANDPA say that the authority set is {}", ids.0);
	Ok(())
}

/// Whether the log has it.
pub fn told(entries: &[Entry], kind: RecordKind) -> bool {
	entries.iter().any(|entry| entry.record.kind == kind)
}
