//! Keys on two nodes, by mistake or on the way from one server to the next; and a node that has lost
//! all but its keys.

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

/// A validator's keys are on a second node, too, and both vote and author: the equivocation is
/// reported, the validator is expelled and loses its seat. When the next validator dies, another one
/// takes the seat. A second node that is `mute` authors only, and two blocks for one slot are reported.
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
				ensure!(is_of_victim && (by_blocks || !mute), "{record:?}, on {:?}", entry.evidence);
				reported = true;
			}
		}
		if !sits(&moment.set, victim) {
			ensure!(reported, "{victim} lost its seat before an equivocation was reported");
			replaced = Some(number);
		}
		ensure!(number < start + 2 * PATIENCE, "{victim} still sits; equivocation reported: {reported}");
	}
	let (_, at) = chain.best().await?;
	let conducts = chain.conducts(at).await?;
	let of_victim = conducts.iter().find(|(who, _)| name_of(who) == victim);
	let absence = of_victim.and_then(|(_, conduct)| conduct.absence.as_ref()).map(ToString::to_string);
	ensure!(absence.as_deref() == Some("expelled"), "{victim} is {absence:?}");

	network.kill(next)?;
	let (killed, _) = chain.best().await?;
	timeline.tell(killed, &format!("kill -9 {next}; {victim} is there, and expelled"));
	let mut gone = None;
	loop {
		let moment = timeline.next().await?;
		let number = moment.block.number();
		ensure!(!sits(&moment.set, victim), "{victim} is back in #{number}: {}", moment.set);
		if !sits(&moment.set, next) {
			gone = gone.or(Some(number));
		}
		if gone.is_some_and(|gone| number > gone + PATIENCE / 2) {
			break;
		}
		ensure!(gone.is_some() || number < killed + PATIENCE, "{next} still sits: {}", moment.set);
	}
	wait_until_final(&chain, gone.context("nobody was replaced")? + 1).await?;
	println!("\nDisabled: {victim} was expelled, replaced in #{}, and stays out.", replaced.unwrap_or(start));
	Ok(())
}

/// Those that were killed come back after a recovery: all nodes agree, and prove it across the forced
/// change. `third` is one more node that does.
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

/// A validator moves to another server: the new one has made new keys, which are set and not in force
/// yet, and the old one is still there with the old ones. Then two of four die. The old server votes;
/// finality comes back, the session turns, and the new server does the work.
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
		ensure!(number < start + 2 * PATIENCE, "#{finalized} is the last final block still in #{number}");
	};
	wait_until_safe(&mut timeline, &mut entries, start + healed).await?;
	let proof = revive_and_prove(network, verifier, &entries, &watcher, mover).await?;

	// New keys are in force two sessions after they were set.
	let (_, at) = chain.best().await?;
	let session = chain.session(at).await?;
	let mut moment = timeline.next().await?;
	while chain.session(moment.block.hash()).await? < session + 2 {
		moment = timeline.next().await?;
		ensure!(moment.block.number() < start + healed + 6 * PATIENCE, "no session ends");
	}
	network.kill(mover)?;
	let (killed, _) = chain.best().await?;
	timeline.tell(killed, &format!("the session has turned; kill -9 {mover}, the old server"));
	while timeline.next().await?.block.number() < killed + PATIENCE / 2 {
		ensure!(sits(timeline.set(), mover), "{mover} lost its seat although its new server is there");
	}
	println!("\nMigrated: finality was back after {healed} blocks, and {mover} sits on with its new server.");
	Ok(proof)
}

/// Two of four die. One of those who have voted loses its database and the files of what binds it,
/// in the middle of the recovery. It learns from the chain that it is bound, and votes no second time.
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
			ensure!(moment.block.number() < start + 2 * PATIENCE, "no {votes} votes for a proposal");
		}
		Ok(())
	};
	until(&mut timeline, &mut entries, 0).await?;
	// With one of them frozen the others' votes do not suffice.
	network.freeze(late).await?;
	timeline.tell(start, &format!("a set is proposed; kill -STOP {late}"));
	until(&mut timeline, &mut entries, 3).await?;
	let signed = "voting for the recovery that";
	let before = network.logged(voter, signed).await?;
	ensure!(before > 0, "{voter} has not voted");
	network.kill(voter)?;
	network.lose_all_but_keys(voter)?;
	network.revive(voter).await?;
	timeline.tell(start, &format!("{voter} has lost all but its keys, and is back"));
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
	timeline.tell(back, &format!("{voter} knows that it is bound; kill -CONT {late}"));
	wait_until_safe(&mut timeline, &mut entries, back + PATIENCE).await?;
	let proof = revive_and_prove(network, verifier, &entries, &watcher, voter).await?;
	println!("\nLost: {voter} learnt from the chain that it had voted, and the chain recovered.");
	Ok(proof)
}
