//! Drills on stalls: more than a third of the validators fail or are cut off. The chain recovers by
//! itself, or must not recover.

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

/// Killed members of the four active ones.
pub const TWO_OF_FOUR: [&str; 2] = ["bob", "charlie"];
/// Killed members of the seven active ones.
pub const THREE_OF_SEVEN: [&str; 3] = ["bob", "dave", "ferdie"];

/// Course of a recovery drill.
#[derive(Clone, Copy, Default)]
pub struct Course {
	/// Seconds between the kills.
	pub apart: u64,
	/// The killed members restart while the chain recovers.
	pub early: bool,
	/// Ten times as many transactions are submitted as the intake gate admits.
	pub flood: bool,
}

/// Kills more than a third of the active set, and waits until blocks are final again, at most `bar`
/// blocks after the last kill. Then the chain is safe, all nodes have the same finalized chain
/// (including the restarted ones and one that synced from genesis), and proofs lead across the
/// forced hand-off.
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
			println!("the killed members restart while the chain recovers");
			for victim in victims {
				network.revive(victim).await?;
			}
		}
		ensure!(number < start + 3 * bar, "in #{number} the last final block is still #{finalized}");
	};
	let seconds = timeline.seconds();
	if let Some(gate) = gate {
		gate.judge()?;
	}
	wait_until_safe(&mut timeline, &mut entries, start + healed).await?;
	// With time between the kills, ordinary rotation may have replaced the first member.
	for kind in [RecordKind::Degraded, RecordKind::Recovering, RecordKind::FinalityResumed] {
		ensure!(told(&entries, kind), "the log has no record {kind:?}");
	}

	if !course.early {
		println!("the killed members restart, and a node syncs from genesis");
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
		"\nRecovered: {healed} blocks, {seconds:.1} seconds from the kill of {} to the next final block (limit {bar}).",
		victims.join(", ")
	);
	ensure!(healed <= bar, "{healed} blocks are above the limit of {bar}");
	Ok(proof)
}

/// Watches the intake gate during a flood.
struct Gate {
	flood: Flood,
	before: Option<Count>,
	blocks: u32,
	/// Number of the flood's transactions in these blocks.
	taken: usize,
	/// Most ref time that ordinary transactions may take of a block, in picoseconds.
	room: u128,
	/// Most ref time that ordinary transactions took of one block, in picoseconds.
	most: u128,
	/// Ref time that ordinary transactions took of all blocks, in picoseconds.
	all: u128,
}

impl Gate {
	/// Transactions per second: ten times as many as the gate admits.
	const RATE: f64 = 40.0;
	/// Divisor of the block's limit for ordinary transactions, as in the runtime's parameters.
	const SHARE: u128 = 10;

	async fn open(network: &Net, dead: &[&str]) -> anyhow::Result<Self> {
		let flood = Flood::begin(network, dead, Self::RATE).await?;
		println!("  submitting {} transactions of {TRANSFERS} transfers each per second", Self::RATE);
		Ok(Self { flood, before: None, blocks: 0, taken: 0, room: 0, most: 0, all: 0 })
	}

	/// Checks one more block of the degraded chain.
	async fn look(&mut self, chain: &Chain, block: &Block) -> anyhow::Result<()> {
		let number = block.number();
		let (taken, most) = chain.taken(block.hash()).await?;
		self.room = most / Self::SHARE;
		// The gate applies from the block after the mode's change.
		if self.before.is_none() {
			self.before = Some(self.flood.count()?);
			return Ok(());
		}
		ensure!(taken <= self.room, "#{number}: ordinary transactions take {taken} ps of {}", self.room);
		self.taken += chain.batches(block).await?;
		(self.blocks, self.most, self.all) = (self.blocks + 1, self.most.max(taken), self.all + taken);
		Ok(())
	}

	/// Checks that the flood was large enough, and that the gate admitted some transactions and
	/// refused others with the documented error.
	fn judge(self) -> anyhow::Result<()> {
		let (count, before) = (self.flood.count()?, self.before.context("the chain did not degrade")?);
		let ms = |time: u128| time as f64 / 1e9;
		let (offered, refused) = (count.offered - before.offered, count.refused - before.refused);
		let all = self.room * u128::from(self.blocks);
		println!(
			"  in {} blocks {offered} transactions were submitted, {refused} of them refused; ordinary ones took {:.1} ms of \
			 {:.1}, at most {:.1} of {:.1} in a block",
			self.blocks, ms(self.all), ms(all), ms(self.most), ms(self.room)
		);
		let reason = count.reason.context("no transaction was refused")?;
		println!("  error of the first refused transaction: {reason}");
		ensure!(reason.contains("101"), "it was refused with another error than the documented one");
		ensure!(self.taken > 0, "no transaction was admitted");
		let fits = (all * self.taken as u128 / self.all.max(1)).max(1);
		println!(
			"  {} were admitted, and {fits} would have fit: {:.1} times as many were submitted",
			self.taken,
			offered as f64 / fits as f64
		);
		ensure!(u128::from(offered) >= 10 * fits, "the flood was too small");
		Ok(())
	}
}

/// Kills the standbys of the proposed set before they vote. The members that have voted are bound:
/// finality does not resume although the old members return, until operators take the votes back.
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
		ensure!(number < start + PATIENCE, "no set is proposed");
	};
	for standby in standbys {
		network.kill(standby)?;
	}
	timeline.tell(proposal as u32, &format!("a set is proposed; kill -9 {}", standbys.join(" ")));
	while network.proposal(stays[0]).await?.is_none_or(|(_, votes)| votes < stays.len() as u64) {
		let number = timeline.next().await?.block.number();
		ensure!(number < start + 2 * PATIENCE, "the remaining members do not vote");
	}
	for victim in TWO_OF_FOUR {
		network.revive(victim).await?;
	}
	let back = timeline.next().await?.block.number();
	timeline.tell(back, &format!("{} have restarted", TWO_OF_FOUR.join(" ")));
	// The restarted members prevote for blocks above the proposal, so they do not vote for it.
	let until = back + 12;
	while timeline.next().await?.block.number() < until {}
	ensure!(chain.finalized().await? < start + 3, "blocks are final although half of the voters are bound");
	println!("all four run, and no block is final: operators take the votes back");
	drop(timeline);
	for member in stays {
		network.kill(member)?;
		network.take_back_vote(member).await?;
		network.revive(member).await?;
	}
	let mut timeline = Timeline::begin(network.chain(stays[0]).await?).await?;
	let mut entries = Vec::new();
	wait_until_safe(&mut timeline, &mut entries, until).await?;
	ensure!(!told(&entries, RecordKind::Recovering), "the chain has recovered without the operators");
	for standby in standbys {
		network.revive(standby).await?;
	}
	agree(network, stays[0]).await?;
	agree_on_set(network, stays[1]).await?;
	println!("\nTaken back: finality waited for a quorum that was out of reach, and resumed without it.");
	Ok(())
}

/// Stops two of four validators for a moment: the chain is not degraded.
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
	ensure!(stood <= before + 3, "finality advanced to #{stood} without half of the validators");
	let mut entries = Vec::new();
	while timeline.seconds() < seconds as f32 + 60.0 {
		entries.extend(timeline.next().await?.entries);
	}
	let finalized = chain.finalized().await?;
	ensure!(finalized > stood + 5, "finality does not resume: #{finalized} after #{stood}");
	ensure!(!told(&entries, RecordKind::Degraded), "a short stall degraded the chain");
	println!("\nBrief: finality stalled at #{stood} for {seconds} seconds, is at #{finalized}; the chain was not degraded.");
	Ok(())
}

/// Waits until a node reports this mode over RPC and by its metric, which is updated every few
/// seconds.
async fn says(network: &Net, node: &str, expected: (&str, f64)) -> anyhow::Result<()> {
	for _ in 0..20 {
		let (mode, metric) = network.mode(node).await?;
		if (mode.as_str(), metric) == expected {
			return Ok(());
		}
		tokio::time::sleep(Duration::from_millis(500)).await;
	}
	let (mode, metric) = network.mode(node).await?;
	bail!("RPC reports {mode}, and the metric {metric}; expected {expected:?}")
}

/// Waits until the chain is safe again.
pub async fn wait_until_safe(
	timeline: &mut Timeline,
	entries: &mut Vec<Entry>,
	from: u32,
) -> anyhow::Result<()> {
	while !told(entries, RecordKind::NormalOperationResumed) {
		let moment = timeline.next().await?;
		entries.extend(moment.entries);
		ensure!(moment.block.number() < from + PATIENCE, "the chain does not become safe again");
	}
	Ok(())
}

/// Checks that all nodes have the same finalized chain, and that no member was charged in it.
pub async fn agree(network: &Net, leader: &str) -> anyhow::Result<()> {
	let chain = network.chain(leader).await?;
	let finalized = chain.finalized().await?;
	let hash = chain.hash_of(finalized).await?;
	let names: Vec<String> = network.urls().into_iter().map(|(name, _)| name).collect();
	for node in &names {
		follow(network, leader, node).await.with_context(|| format!("{node} does not follow"))?;
		let theirs = network.chain(node).await?.hash_of(finalized).await?;
		ensure!(theirs == hash, "{node} has a different #{finalized}");
	}
	let charged = told(&chain.entries(hash, 0).await?, RecordKind::Penalized);
	ensure!(!charged, "a member was charged");
	println!("  all nodes have the same finalized #{finalized}; no member was charged");
	Ok(())
}

/// Checks that each of these nodes proves the incident of the stall, across this many forced
/// hand-offs: one that was online, one that was offline, and one that synced from genesis. Returns
/// the proof of the last one.
pub async fn prove(
	network: &Net,
	verifier: &Verifier,
	entries: &[Entry],
	nodes: [&str; 3],
	forced: u64,
) -> anyhow::Result<Proof> {
	let degraded = entries.iter().find(|entry| entry.record.kind == RecordKind::Degraded);
	let incident = degraded.context("the log has no record of the stall")?.record.incident;
	let mut last = None;
	for node in nodes {
		let ask = Ask { incident, ..Default::default() };
		let proof =
			verifier.fetch(network, node, ask).await.with_context(|| format!("no proof from {node}"))?;
		proof.holds(Crosses { hand_offs: forced, forced }).await?;
		println!("  {node} proves incident {incident}, across {forced} forced hand-offs");
		last = Some(proof);
	}
	last.context("no node was queried")
}

/// Starts a node from the state of a block after the forced hand-off, with a proof that leads
/// there. It must follow the chain.
async fn start_from_checkpoint(network: &mut Net, verifier: &Verifier, leader: &str) -> anyhow::Result<()> {
	let (checkpoint, block) = verifier.checkpoint(network, leader).await?;
	let args = [format!("--checkpoint={}", checkpoint.display()), format!("--checkpoint-block={block}")];
	network.add("pinned", &args.each_ref().map(String::as_str)).await?;
	follow(network, leader, "pinned").await?;
	agree_on_set(network, "pinned").await?;
	ensure!(!network.has_block("pinned", 1).await?, "the node has synced the whole chain");
	println!("  a node that started from {leader}'s checkpoint follows, without the earlier blocks");
	Ok(())
}

/// Checks that the runtime and GRANDPA have the same authority-set id.
pub async fn agree_on_set(network: &Net, node: &str) -> anyhow::Result<()> {
	let ids = (network.chain(node).await?.set_id().await?, network.set_id(node).await?);
	ensure!(ids.0 == ids.1, "the authority set is {} in the runtime, and {} in GRANDPA", ids.0, ids.1);
	println!("  the authority set is {} in the runtime and in GRANDPA", ids.0);
	Ok(())
}

/// Returns `true` if the entries contain a record of this kind.
pub fn told(entries: &[Entry], kind: RecordKind) -> bool {
	entries.iter().any(|entry| entry.record.kind == kind)
}
