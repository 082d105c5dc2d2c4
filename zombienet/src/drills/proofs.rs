//! Everybody proves the same: who was there, who was not, who came later, who keeps all states, and who does not.

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

/// How many blocks' states the pruned node keeps.
const KEPT: u32 = 16;

/// Three members are replaced, during the first of which a standby is not there. Then that one, a node that is synced from
/// genesis and keeps everything, and one that keeps little, are asked for proofs.
pub async fn run(network: &mut Net, verifier: &Verifier) -> anyhow::Result<Proof> {
	wait_until_healthy(network).await?;
	let absent = "ferdie";
	println!("\n{absent} is not there when it happens");
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

	println!(
		"\ntwo nodes are added, and synced from genesis: one keeps every state, one those of {KEPT} blocks"
	);
	network.add("archive", &["--state-pruning=archive"]).await?;
	network.add("pruned", &[&format!("--state-pruning={KEPT}")]).await?;
	for node in ["archive", "pruned"] {
		follow(network, "alice", node).await?;
	}
	let chain = network.chain("alice").await?;
	// In the block in which a set hands over to the next one: that one is justified on every node.
	let (_, at) = chain.best().await?;
	let seated = chain.seated_in(at, last).await?.context("the last incident has no seat")?;
	let block = format!("{:?}", chain.hash_of(seated).await?);
	let of = |at| Ask { incident: first.incident, at, checkpoint: None };
	let reference = verifier.fetch(network, "alice", of(Some(&block))).await?.content()?;
	for node in [absent, "archive"] {
		let proof = verifier.fetch(network, node, of(Some(&block))).await?;
		ensure!(proof.content()? == reference, "{node} proves something else than alice");
		println!("  {node} proves of incident {} as of #{seated} what alice proves", first.incident);
	}

	wait_until_final(&network.chain("pruned").await?, seated + KEPT + 1).await?;
	let refused = verifier.fetch(network, "pruned", of(Some(&block))).await;
	match refused {
		Err(why) if why.to_string().contains("StateDiscarded") => {
			println!("  pruned, as of #{seated}: {why}")
		},
		Err(why) => bail!("the pruned node refuses for another reason: {why}"),
		Ok(_) => bail!("the pruned node still has the state of #{seated}"),
	}
	let newest = verifier.fetch(network, "pruned", of(None)).await?;
	let records = |content: serde_json::Value| content["records"].clone();
	ensure!(records(newest.content()?) == records(reference.clone()), "the pruned node proves other records");
	println!("  pruned, as of its last finalized block, proves the same records");

	let old = chain.seated_in(at, first.incident).await?.context("the first incident has no seat")?;
	let old_block = format!("{:?}", chain.hash_of(old).await?);
	verifier.fetch(network, "archive", of(Some(&old_block))).await?;
	println!("  archive proves incident {} as of #{old}, in which {} was seated", first.incident, {
		let validators = chain.validators(chain.hash_of(old).await?).await?;
		validators.iter().map(name_of).find(|name| name == &first.standby).unwrap_or_default()
	});
	// Somebody has kept what the log was then.
	let log = &reference["log"];
	let root = log["root"].as_str().context("the log has no root")?;
	let checkpoint = Some(format!("{}:{root}", log["count"]));
	verifier.fetch(network, "archive", Ask { incident: last, at: None, checkpoint }).await
}
