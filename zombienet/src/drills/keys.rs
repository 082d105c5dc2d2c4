//! Drills on keys: on two nodes, by mistake or during a migration between servers; and a node that
//! has lost all data except its keys.

use anyhow::{ensure, Context};

use crate::{
	chain::{account_of, name_of, Entry, Evidence, RecordKind},
	drills::{
		recovery::{agree, agree_on_set, prove, told, wait_until_safe, TWO_OF_FOUR},
		wait_until_final, wait_until_healthy, PATIENCE,
	},
	network::Net,
	proof::{Proof, Verifier},
	timeline::{sits, Timeline},
};

/// Runs a validator's keys on a second node, so that both vote and author: the equivocation is
/// reported, and the validator is expelled and loses its seat. Then kills the next validator: the
/// expelled one does not take the seat. A second node that is `mute` only authors, so that the
/// evidence is two blocks for one slot.
pub async fn disabled(network: &mut Net, victim: &str, next: &str, mute: bool) -> anyhow::Result<()> {
	wait_until_healthy(network).await?;
	let chain = network.watcher(&[victim, next]).await?;
	if mute {
		network.add("twin", &["--validator"]).await?;
		network.give_author_key("twin", victim).await?;
	} else {
		network.add("twin", &[&format!("--{victim}")]).await?;
	}
	let mut timeline = Timeline::begin(chain.clone()).await?;
	let start = timeline.start;
	timeline.tell(start, &format!("a second node has the keys of {victim}"));
	let (mut reported, mut replaced) = (false, None);
	while replaced.is_none() {
		let moment = timeline.next().await?;
		let number = moment.block.number();
		for entry in &moment.entries {
			let record = &entry.record;
			let is_of_victim = record.subject.as_ref().map(name_of).as_deref() == Some(victim);
			if record.kind == RecordKind::Equivocated {
				let by_blocks = matches!(entry.evidence[..], [Evidence::AuthorEquivocation { .. }]);
				ensure!(is_of_victim && (by_blocks || !mute), "{record:?} with {:?}", entry.evidence);
				reported = true;
			}
		}
		if !sits(&moment.set, victim) {
			ensure!(reported, "{victim} lost its seat before an equivocation was reported");
			replaced = Some(number);
		}
		ensure!(number < start + 2 * PATIENCE, "{victim} still has its seat; reported: {reported}");
	}
	let (_, at) = chain.best().await?;
	let conducts = chain.conducts(at).await?;
	let of_victim = conducts.iter().find(|(who, _)| name_of(who) == victim);
	let absence = of_victim.and_then(|(_, conduct)| conduct.absence.as_ref()).map(ToString::to_string);
	ensure!(absence.as_deref() == Some("expelled"), "{victim} is not expelled: {absence:?}");

	network.kill(next)?;
	let (killed, _) = chain.best().await?;
	timeline.tell(killed, &format!("kill -9 {next}; {victim} runs, and is expelled"));
	let mut gone = None;
	loop {
		let moment = timeline.next().await?;
		let number = moment.block.number();
		ensure!(!sits(&moment.set, victim), "{victim} has a seat again in #{number}: {}", moment.set);
		if !sits(&moment.set, next) {
			gone = gone.or(Some(number));
		}
		if gone.is_some_and(|gone| number > gone + PATIENCE / 2) {
			break;
		}
		ensure!(gone.is_some() || number < killed + PATIENCE, "{next} still has its seat: {}", moment.set);
	}
	wait_until_final(&chain, gone.context("no member was replaced")? + 1).await?;
	println!("\nDisabled: {victim} expelled, replaced in #{}, not seated again.", replaced.unwrap_or(start));
	Ok(())
}

/// Restarts the killed members after a recovery: all nodes agree, and prove the recovery across the
/// forced hand-off. `third` is one more node that must prove it.
async fn revive_and_prove(
	network: &mut Net,
	verifier: &Verifier,
	entries: &[Entry],
	watcher: &str,
	third: &str,
) -> anyhow::Result<Proof> {
	ensure!(told(entries, RecordKind::Recovering), "the chain has not recovered");
	for victim in TWO_OF_FOUR {
		network.revive(victim).await?;
	}
	agree(network, watcher).await?;
	agree_on_set(network, watcher).await?;
	agree_on_set(network, third).await?;
	prove(network, verifier, entries, [watcher, TWO_OF_FOUR[0], third], 1).await
}

/// Migrates a validator to another server: the new server has generated new keys, which are set but
/// not in force yet, and the old server still runs with the old keys. Then kills two of four
/// validators. The old server votes for the recovery; finality resumes, the session changes, and
/// the new server takes over.
pub async fn migrate(network: &mut Net, verifier: &Verifier, mover: &str) -> anyhow::Result<Proof> {
	wait_until_healthy(network).await?;
	network.add("new-server", &["--validator"]).await?;
	let watcher = network.last(&[mover, "new-server", TWO_OF_FOUR[0], TWO_OF_FOUR[1]])?;
	let chain = network.chain(&watcher).await?;
	let (keys, proof) = network.make_keys("new-server", &account_of(mover)?).await?;
	chain.set_keys(mover, &keys, &proof).await?;
	for victim in TWO_OF_FOUR {
		network.kill(victim)?;
	}
	let mut timeline = Timeline::begin(chain.clone()).await?;
	let start = timeline.start;
	timeline.tell(
		start,
		&format!("{mover} has set the keys of its new server; kill -9 {}", TWO_OF_FOUR.join(" ")),
	);
	let mut entries: Vec<Entry> = Vec::new();
	let healed = loop {
		let moment = timeline.next().await?;
		let number = moment.block.number();
		entries.extend(moment.entries);
		let finalized = chain.finalized().await?;
		if finalized > start {
			timeline.tell(number, &format!("blocks are final again, up to #{finalized}"));
			break number - start;
		}
		ensure!(number < start + 2 * PATIENCE, "in #{number} the last final block is still #{finalized}");
	};
	wait_until_safe(&mut timeline, &mut entries, start + healed).await?;
	let proof = revive_and_prove(network, verifier, &entries, &watcher, mover).await?;

	// New keys are in force two sessions after they were set.
	let (_, at) = chain.best().await?;
	let session = chain.session(at).await?;
	let mut moment = timeline.next().await?;
	while chain.session(moment.block.hash()).await? < session + 2 {
		moment = timeline.next().await?;
		ensure!(moment.block.number() < start + healed + 6 * PATIENCE, "the session does not end");
	}
	network.kill(mover)?;
	let (killed, _) = chain.best().await?;
	timeline.tell(killed, &format!("the new keys are in force; kill -9 {mover}, the old server"));
	while timeline.next().await?.block.number() < killed + PATIENCE / 2 {
		ensure!(sits(timeline.set(), mover), "{mover} lost its seat although its new server runs");
	}
	println!("\nMigrated: finality resumed after {healed} blocks; {mover} keeps its seat on its new server.");
	Ok(proof)
}

/// Kills two of four validators. One that has voted loses its database, and the files of the votes
/// that bind it, during the recovery. It learns from the chain that it is bound, and does not vote
/// a second time.
pub async fn lost(network: &mut Net, verifier: &Verifier, voter: &str, late: &str) -> anyhow::Result<Proof> {
	wait_until_healthy(network).await?;
	let watcher = network.last(&[voter, late, TWO_OF_FOUR[0], TWO_OF_FOUR[1]])?;
	let chain = network.chain(&watcher).await?;
	for victim in TWO_OF_FOUR {
		network.kill(victim)?;
	}
	let mut timeline = Timeline::begin(chain.clone()).await?;
	let start = timeline.start;
	timeline.tell(start, &format!("kill -9 {}", TWO_OF_FOUR.join(" ")));
	let mut entries: Vec<Entry> = Vec::new();
	let until = async |timeline: &mut Timeline, entries: &mut Vec<Entry>, votes: u64| {
		while network.proposal(&watcher).await?.is_none_or(|(_, cast)| cast < votes) {
			let moment = timeline.next().await?;
			entries.extend(moment.entries);
			ensure!(moment.block.number() < start + 2 * PATIENCE, "no proposal has {votes} votes");
		}
		Ok(())
	};
	until(&mut timeline, &mut entries, 0).await?;
	// Without the vote of this member the others do not suffice.
	network.freeze(late).await?;
	timeline.tell(start, &format!("a set is proposed; kill -STOP {late}"));
	until(&mut timeline, &mut entries, 3).await?;
	let signed = "voting for the recovery that";
	let before = network.logged(voter, signed).await?;
	ensure!(before > 0, "{voter} has not voted");
	network.kill(voter)?;
	network.lose_all_but_keys(voter)?;
	network.revive(voter).await?;
	timeline.tell(start, &format!("{voter} has restarted with its keys only"));
	let learnt = "the database was lost, and it is bound again";
	let back = timeline.next().await?.block.number();
	while network.logged(voter, learnt).await? == 0 {
		let moment = timeline.next().await?;
		entries.extend(moment.entries);
		ensure!(moment.block.number() < back + PATIENCE, "{voter} does not learn that it is bound");
	}
	let after = network.logged(voter, signed).await?;
	ensure!(after <= before, "{voter} has voted a second time");
	network.thaw(late).await?;
	timeline.tell(back, &format!("{voter} has learnt that it is bound; kill -CONT {late}"));
	wait_until_safe(&mut timeline, &mut entries, back + PATIENCE).await?;
	let proof = revive_and_prove(network, verifier, &entries, &watcher, voter).await?;
	println!("\nLost: {voter} learnt from the chain that it is bound, and the chain recovered.");
	Ok(proof)
}
