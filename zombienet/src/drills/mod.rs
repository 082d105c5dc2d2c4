//! The drills and their shared functions.

pub mod evidence;
pub mod idle;
pub mod keys;
pub mod kill;
pub mod median;
pub mod partition;
pub mod proofs;
pub mod recovery;
pub mod rotation;
pub mod upgrade;

use anyhow::bail;

use crate::{
	chain::{name_of, names_of, Chain, Health, Judged},
	network::Net,
};

/// Number of blocks within which a network must become healthy, and a failure must be healed.
pub const PATIENCE: u32 = 60;

/// Waits until all members are healthy and may be seated, rotation may act, and finality follows.
pub async fn wait_until_healthy(network: &Net) -> anyhow::Result<()> {
	println!("waiting until the network is healthy and finalizes");
	let chain = network.watcher(&[]).await?;
	let mut blocks = chain.blocks().await?;
	let mut first = None;
	let mut last = String::new();
	while let Some(block) = blocks.next().await {
		let block = block?;
		let (number, at) = (block.number(), block.hash());
		let finalized = chain.finalized().await?;
		let status = chain.roster(at).await?;
		let members = status.members.len();
		let healthy = |judged: &Judged| judged.verdict.health == Health::Healthy;
		let well = status.members.iter().filter(|(_, judged)| healthy(judged)).count();
		let new = status.members.iter().filter(|(_, judged)| judged.grace > 0).count();
		let mut line = format!("{well} of {members} members healthy, {new} with grace");
		let conducts = chain.conducts(at).await?;
		let absent = conducts.iter().filter_map(|(who, conduct)| Some((who, conduct.absence.as_ref()?)));
		let absent: Vec<String> =
			absent.map(|(who, absence)| format!("{} {absence}", name_of(who))).collect();
		absent.iter().for_each(|absence| line.extend([", ", absence]));
		if line != last {
			println!("  #{number:<5} finalized #{finalized}: {line}");
			last = line;
		}
		let lag = number.saturating_sub(finalized);
		if well == members
			&& new == 0
			&& !status.systemic
			&& finalized > 0
			&& lag < 10
			&& chain.evictions_left(at).await? > 0
			&& absent.is_empty()
		{
			return Ok(());
		}
		if number > *first.get_or_insert(number) + PATIENCE {
			bail!(
				"the network is not healthy after {PATIENCE} blocks: {last}; finalized #{finalized} of #{number}; \
				 validators: {}",
				names_of(&chain.validators(at).await?)
			);
		}
	}
	bail!("the node ended its subscription")
}

/// Waits until a block of at least this number is final. Returns the number of the last finalized
/// block.
pub async fn wait_until_final(chain: &Chain, number: u32) -> anyhow::Result<u32> {
	let mut blocks = chain.blocks().await?;
	let mut waited = 0;
	while let Some(block) = blocks.next().await {
		let best = block?.number();
		let finalized = chain.finalized().await?;
		if finalized >= number {
			return Ok(finalized);
		}
		waited += 1;
		if waited > PATIENCE {
			bail!(
				"#{number} is not final after {PATIENCE} more blocks: best #{best}, finalized #{finalized}"
			);
		}
	}
	bail!("the node ended its subscription")
}

/// Waits until a node has finalized the block that `leader` has finalized by now.
pub async fn follow(network: &Net, leader: &str, node: &str) -> anyhow::Result<()> {
	let finalized = network.chain(leader).await?.finalized().await?;
	wait_until_final(&network.chain(node).await?, finalized).await?;
	Ok(())
}
