//! Drills on partitions: at most one side may recover.

use anyhow::ensure;

use crate::{
	chain::{Chain, Entry, RecordKind},
	drills::{
		recovery::{agree, agree_on_set, prove, told, wait_until_safe},
		wait_until_healthy, PATIENCE,
	},
	network::Net,
	proof::{Proof, Verifier},
	timeline::Timeline,
};

/// Two active members and one standby on each side.
const HALVES: [&[&str]; 2] = [&["alice", "bob", "eve"], &["charlie", "dave", "ferdie"]];
/// Two active members on each side, and both standbys on the first one.
const UNEVEN: [&[&str]; 2] = [&["alice", "bob", "eve", "ferdie"], &["charlie", "dave"]];

/// A side of a partition, seen from one of its nodes.
struct Side {
	name: &'static str,
	chain: Chain,
}

impl Side {
	async fn of(network: &Net, names: &[&'static str]) -> anyhow::Result<Self> {
		Ok(Self { name: names[0], chain: network.chain(names[0]).await? })
	}

	/// Returns `true` if the side's log has a record of this kind.
	async fn told(&self, kind: RecordKind) -> anyhow::Result<bool> {
		let (_, best) = self.chain.best().await?;
		Ok(told(&self.chain.entries(best, 0).await?, kind))
	}

	async fn tell(&self) -> anyhow::Result<()> {
		let ((best, _), finalized) = (self.chain.best().await?, self.chain.finalized().await?);
		println!("  the side of {}: best #{best}, finalized #{finalized}", self.name);
		Ok(())
	}
}

/// Cuts the network, and follows the first side's chain until both sides have noticed the stall.
async fn divide(
	network: &Net,
	halves: [&[&'static str]; 2],
) -> anyhow::Result<(Timeline, [Side; 2], Vec<Entry>)> {
	wait_until_healthy(network).await?;
	let sides = [Side::of(network, halves[0]).await?, Side::of(network, halves[1]).await?];
	network.cut(halves)?;
	let mut timeline = Timeline::begin(sides[0].chain.clone()).await?;
	let start = timeline.start;
	timeline.tell(start, &format!("cut: {} | {}", halves[0].join(" "), halves[1].join(" ")));
	let mut entries = Vec::new();
	while !told(&entries, RecordKind::Degraded) || !sides[1].told(RecordKind::Degraded).await? {
		let moment = timeline.next().await?;
		let number = moment.block.number();
		entries.extend(moment.entries);
		ensure!(number < start + PATIENCE, "not both sides have noticed the stall in #{number}");
	}
	println!("both sides have noticed the stall");
	Ok((timeline, sides, entries))
}

/// Cuts the network into halves: neither recovers. Heals it: the chain becomes safe by itself.
pub async fn halves(network: &mut Net, verifier: &Verifier, seconds: u64) -> anyhow::Result<Proof> {
	let (mut timeline, sides, _) = divide(network, HALVES).await?;
	let noticed = timeline.seconds();
	let mut number = timeline.start;
	while timeline.seconds() < noticed + seconds as f32 {
		number = timeline.next().await?.block.number();
	}
	for side in &sides {
		side.tell().await?;
		ensure!(!side.told(RecordKind::Recovering).await?, "the half of {} recovers", side.name);
		ensure!(side.chain.finalized().await? < timeline.start, "the side of {} finalizes", side.name);
	}
	network.heal()?;
	timeline.tell(number, "healed");
	// One of the two branches remains; its log must have the record.
	let mut safe = false;
	while !safe {
		let moment = timeline.next().await?;
		let finalized = sides[0].chain.finalized().await?;
		safe = finalized > number && sides[0].told(RecordKind::NormalOperationResumed).await?;
		ensure!(
			moment.block.number() < number + 2 * PATIENCE,
			"the chain does not become safe again: #{finalized}"
		);
	}
	for side in &sides {
		ensure!(!side.told(RecordKind::Recovering).await?, "the side of {} has recovered", side.name);
	}
	network.add("fresh", &[]).await?;
	agree(network, sides[0].name).await?;
	agree_on_set(network, sides[1].name).await?;
	let (_, best) = sides[0].chain.best().await?;
	let entries = sides[0].chain.entries(best, 0).await?;
	let proof = prove(network, verifier, &entries, [sides[0].name, sides[1].name, "fresh"], 0).await?;
	println!("\nHalves: neither recovered in {seconds} seconds; healed, the chain is safe by itself.");
	Ok(proof)
}

/// Cuts the network unevenly: the side with more than half of the members recovers, the other one
/// waits, and follows after the healing.
pub async fn majority(network: &mut Net, verifier: &Verifier) -> anyhow::Result<Proof> {
	let (mut timeline, sides, mut entries) = divide(network, UNEVEN).await?;
	let start = timeline.start;
	wait_until_safe(&mut timeline, &mut entries, start + PATIENCE).await?;
	ensure!(told(&entries, RecordKind::Recovering), "the larger side did not recover");
	for side in &sides {
		side.tell().await?;
	}
	ensure!(!sides[1].told(RecordKind::Recovering).await?, "the smaller side recovers");
	ensure!(sides[1].chain.finalized().await? < timeline.start, "the smaller side finalizes");
	network.heal()?;
	println!("healed");
	network.add("fresh", &[]).await?;
	agree(network, sides[0].name).await?;
	agree_on_set(network, sides[0].name).await?;
	agree_on_set(network, sides[1].name).await?;
	let proof = prove(network, verifier, &entries, [sides[0].name, sides[1].name, "fresh"], 1).await?;
	println!("\nMajority: only the larger side recovered, and the smaller one followed it.");
	Ok(proof)
}
