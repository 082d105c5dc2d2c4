//! Drill on proofs: a node that was online, one that was offline, and later ones that keep all or
//! few states prove the same.

use anyhow::{bail, ensure, Context};

use crate::{
	chain::name_of,
	drills::{
		follow,
		kill::{break_and_watch, wait_until_reconciled, Failure},
		wait_until_final, wait_until_healthy,
	},
	network::Net,
	proof::{Ask, Proof, Verifier},
};

/// Number of blocks whose states the pruned node keeps.
const KEPT: u32 = 16;

/// Replaces three members; a standby is offline during the first replacement. Then requests proofs
/// from this standby, and from two nodes that synced from genesis: one that keeps all states, and
/// one that keeps few.
pub async fn run(network: &mut Net, verifier: &Verifier) -> anyhow::Result<Proof> {
	wait_until_healthy(network).await?;
	let absent = "ferdie";
	println!("\n{absent} is offline during the first replacement");
	network.kill(absent)?;
	let first = break_and_watch(network, "bob", Failure::Killed).await?;
	wait_until_reconciled(&network.watcher(&["bob", absent]).await?, first.incident).await?;
	for node in ["bob", absent] {
		network.revive(node).await?;
		follow(network, "alice", node).await?;
	}
	let mut last = first.incident;
	for victim in ["charlie", "dave"] {
		wait_until_healthy(network).await?;
		let healed = break_and_watch(network, victim, Failure::Killed).await?;
		wait_until_reconciled(&network.watcher(&[victim]).await?, healed.incident).await?;
		network.revive(victim).await?;
		follow(network, "alice", victim).await?;
		last = healed.incident;
	}

	println!("\ntwo nodes sync from genesis: one keeps all states, one those of {KEPT} blocks");
	network.add("archive", &["--state-pruning=archive"]).await?;
	network.add("pruned", &[&format!("--state-pruning={KEPT}")]).await?;
	for node in ["archive", "pruned"] {
		follow(network, "alice", node).await?;
	}
	let chain = network.chain("alice").await?;
	// The block of a hand-off: every node has a justification of it.
	let (_, at) = chain.best().await?;
	let seated = chain.seated_in(at, last).await?.context("the last incident has seated no standby")?;
	let block = format!("{:?}", chain.hash_of(seated).await?);
	let of = |at| Ask { incident: first.incident, at, checkpoint: None };
	let reference = verifier.fetch(network, "alice", of(Some(&block))).await?.content()?;
	for node in [absent, "archive"] {
		let proof = verifier.fetch(network, node, of(Some(&block))).await?;
		ensure!(proof.content()? == reference, "the proofs of {node} and alice differ");
		println!("  {node} and alice prove the same of incident {} as of #{seated}", first.incident);
	}

	wait_until_final(&network.chain("pruned").await?, seated + KEPT + 1).await?;
	let refused = verifier.fetch(network, "pruned", of(Some(&block))).await;
	match refused {
		Err(why) if why.to_string().contains("StateDiscarded") => {
			println!("  pruned, as of #{seated}: {why}")
		},
		Err(why) => bail!("the pruned node failed for another reason: {why}"),
		Ok(_) => bail!("the pruned node still has the state of #{seated}"),
	}
	let newest = verifier.fetch(network, "pruned", of(None)).await?;
	let records = |content: serde_json::Value| content["records"].clone();
	ensure!(records(newest.content()?) == records(reference.clone()), "the pruned node proves other records");
	println!("  pruned, as of its last finalized block, proves the same records");

	let old =
		chain.seated_in(at, first.incident).await?.context("the first incident has seated no standby")?;
	let old_block = format!("{:?}", chain.hash_of(old).await?);
	verifier.fetch(network, "archive", of(Some(&old_block))).await?;
	println!("  archive proves incident {} as of #{old}, in which {} was seated", first.incident, {
		let validators = chain.validators(chain.hash_of(old).await?).await?;
		validators.iter().map(name_of).find(|name| name == &first.standby).unwrap_or_default()
	});
	// A checkpoint that a verifier has kept since then.
	let log = &reference["log"];
	let root = log["root"].as_str().context("the log has no root")?;
	let checkpoint = Some(format!("{}:{root}", log["count"]));
	verifier.fetch(network, "archive", Ask { incident: last, at: None, checkpoint }).await
}
