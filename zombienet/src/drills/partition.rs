//! The network falls apart: at most one side may go on by itself.

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

/// Two of the active, and one of the reserve, on each side.
const HALVES: [&[&str]; 2] = [&["alice", "bob", "eve"], &["charlie", "dave", "ferdie"]];
/// Two of the active on each side, and the whole reserve on the first.
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

	/// Whether its log has this.
	async fn told(&self, kind: RecordKind) -> anyhow::Result<bool> {
		let (_, best) = self.chain.best().await?;
		Ok(told(&self.chain.entries(best, 0).await?, kind))
	}

	async fn tell(&self) -> anyhow::Result<()> {
		let ((best, _), finalized) = (self.chain.best().await?, self.chain.finalized().await?);
		println!("  the side of {} is at #{best}, finalized #{finalized}", self.name);
		Ok(())
	}
}

/// Cuts the network, and follows the first side's chain until both have noticed that finality stands still.
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
		ensure!(
			number < start + PATIENCE,
			"finality stands still, and not both sides have noticed in #{number}"
		);
	}
	println!("both sides have noticed");
	Ok((timeline, sides, entries))
}

/// Neither half recovers. When it is whole again, the chain is safe by itself.
pub async fn halves(network: &mut Net, verifier: &Verifier, seconds: u64) -> anyhow::Result<Proof> {
	let (mut timeline, sides, _) = divide(network, HALVES).await?;
	let noticed = timeline.seconds();
	let mut number = timeline.start;
	while timeline.seconds() < noticed + seconds as f32 {
		number = timeline.next().await?.block.number();
	}
	for side in &sides {
		side.tell().await?;
		ensure!(!side.told(RecordKind::Recovering).await?, "the side of {} recovers with half", side.name);
		ensure!(side.chain.finalized().await? < timeline.start, "the side of {} finalizes", side.name);
	}
	network.heal()?;
	timeline.tell(number, "healed");
	// Of two branches that were made meanwhile one is left, whose log has it.
	let mut safe = false;
	while !safe {
		let moment = timeline.next().await?;
		let finalized = sides[0].chain.finalized().await?;
		safe = finalized > number && sides[0].told(RecordKind::Thawed).await?;
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
	println!("\nHalves: neither recovered in {seconds} seconds; whole again, the chain is safe by itself.");
	Ok(proof)
}

/// The side with more than half of the members recovers, the other one waits, and follows when it is whole again.
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
	println!("\nMajority: the larger side recovered, alone, and the smaller one followed it.");
	Ok(proof)
}
