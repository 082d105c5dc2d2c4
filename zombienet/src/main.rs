//! Outage drills: each spawns a network of real nodes, breaks something, watches what the chain makes of it, and judges.

mod chain;
mod drills;
mod flood;
mod network;
mod partition;
mod proof;
mod timeline;

use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use proof::{Crosses, Proof, Verifier};
use tokio::signal::unix::{signal, SignalKind};

/// Spawns a network of real nodes on this machine, breaks something, and watches whether it heals.
#[derive(Parser)]
#[command(version)]
struct Cli {
	/// The node to run. An absolute path.
	#[arg(long, env = "UNDERSTUDY_NODE", global = true, default_value = "understudy-node")]
	node: std::path::PathBuf,

	/// The folder with the networks' descriptions.
	#[arg(long, global = true, env = "UNDERSTUDY_NETWORKS", default_value = "zombienet/networks")]
	networks: std::path::PathBuf,

	/// The program that fetches and checks proofs.
	#[arg(long, env = "UNDERSTUDY_VERIFIER", global = true, default_value = "understudy-verify")]
	verifier: std::path::PathBuf,

	/// Leave the network running when the drill is over, until Ctrl-C, and print its RPC URLs.
	#[arg(long, global = true)]
	keep: bool,

	/// Run this program when the drill went well, before the network ends; its last arguments are an RPC URL and
	/// --records.
	#[arg(long, global = true)]
	then: Option<std::path::PathBuf>,

	#[command(subcommand)]
	drill: Drill,
}

#[derive(Subcommand)]
enum Drill {
	/// Kills one validator with `kill -9` and watches the standby take its seat.
	Kill {
		/// Whom to kill.
		#[arg(long, default_value = "bob")]
		victim: String,
	},
	/// Kills different validators one after the other, lets each come back, and takes the median time to replacement.
	Median {
		/// How many to kill.
		#[arg(long, default_value_t = 10)]
		kills: usize,
		/// The most blocks that the median may take.
		#[arg(long, default_value_t = 8)]
		bar: u32,
	},
	/// Breaks nothing, and checks that nothing happens and that authors send no heartbeats.
	Idle {
		/// For how many blocks.
		#[arg(long, default_value_t = 100)]
		blocks: u32,
	},
	/// Stops one validator's process with SIGSTOP: it is there, and silent. A standby takes its seat.
	Frozen {
		/// Whom to stop.
		#[arg(long, default_value = "charlie")]
		victim: String,
	},
	/// A validator that authors and does not vote is replaced.
	Mute,
	/// A validator that votes, answers and heartbeats, and does not author, is replaced and not
	/// charged. Meanwhile another one dies: finality goes on, and that one is replaced, too.
	Lame,
	/// A validator whose RPC server cannot be reached, but that does all of its work, keeps its seat.
	Hidden {
		/// Who it is.
		#[arg(long, default_value = "bob")]
		victim: String,
		/// For how many blocks to watch.
		#[arg(long, default_value_t = 30)]
		blocks: u32,
	},
	/// A validator that is killed and started again at once keeps its seat.
	Restarted {
		/// Who it is.
		#[arg(long, default_value = "dave")]
		victim: String,
		/// For how many blocks to watch.
		#[arg(long, default_value_t = 20)]
		blocks: u32,
	},
	/// Restarted, hidden and frozen, one after the other on one network.
	Evidence,
	/// A validator asks to leave: a standby takes its seat, and nobody is charged.
	Retire {
		/// Who it is.
		#[arg(long, default_value = "charlie")]
		victim: String,
	},
	/// A killed validator comes back, is re-admitted by itself, and is seated when the next one dies.
	Returns {
		/// Who is killed and comes back.
		#[arg(long, default_value = "bob")]
		victim: String,
		/// Who is killed then.
		#[arg(long, default_value = "alice")]
		next: String,
	},
	/// A referendum makes the evidence weigh less; then a case waits, the guardians' body approves it, and rotation acts.
	Case {
		/// Whom to kill.
		#[arg(long, default_value = "dave")]
		victim: String,
		/// The program that submits, votes and approves.
		#[arg(long, env = "UNDERSTUDY_GOVERN", default_value = "scripts/govern")]
		govern: std::path::PathBuf,
	},
	/// A node that was not there, one that is synced from genesis, one that keeps every state and one that keeps few are asked
	/// for proofs of what happened.
	Proofs,
	/// Kills two of four validators at once: too many for ordinary rotation. Finality stops, and must come back by itself.
	TwoOfFour {
		/// So many blocks after the last kill a block must be final again.
		#[arg(long, default_value_t = 30)]
		bar: u32,
		/// So many seconds between the kills.
		#[arg(long, default_value_t = 0)]
		apart: u64,
		/// Both come back while the chain recovers.
		#[arg(long)]
		early: bool,
		/// Offer ten times as many transactions meanwhile as the gate takes in.
		#[arg(long)]
		flood: bool,
	},
	/// Kills three of seven, with two in reserve.
	ThreeOfSeven {
		/// So many blocks after the last kill a block must be final again.
		#[arg(long, default_value_t = 30)]
		bar: u32,
	},
	/// Kills half of the validators, and then the standbys, when they are to be seated: what was voted for cannot be carried out. The
	/// validators come back, their votes are taken back by hand, and finality goes on.
	TakenBack,
	/// Runs a validator's keys on a second node: it equivocates, is expelled, and stays out.
	Disabled {
		/// The validator with these keys: one of the well-known names.
		#[arg(long, default_value = "bob")]
		victim: String,
		/// Whom to kill then.
		#[arg(long, default_value = "charlie")]
		next: String,
		/// The second node authors, and does not vote: only its blocks give it away.
		#[arg(long)]
		mute: bool,
	},
	/// Kills two of four validators while a third one moves to another server.
	Migrate {
		/// The validator that moves.
		#[arg(long, default_value = "dave")]
		mover: String,
	},
	/// Kills two of four validators; then one that has voted for the recovery loses all but its keys.
	Lost {
		/// The validator that loses it.
		#[arg(long, default_value = "alice")]
		voter: String,
		/// Whose vote is missing until then.
		#[arg(long, default_value = "eve")]
		late: String,
	},
	/// Upgrades a chain of an earlier release by a referendum, with one node of that release, and kills a validator. Needs
	/// that release's node, see scripts/release.
	Upgrade {
		/// Whom to kill.
		#[arg(long, default_value = "bob")]
		victim: String,
		/// The program that submits and votes.
		#[arg(long, env = "UNDERSTUDY_GOVERN", default_value = "scripts/govern")]
		govern: std::path::PathBuf,
		/// The runtime to upgrade to, as a wasm blob.
		#[arg(long, env = "UNDERSTUDY_RUNTIME")]
		runtime: std::path::PathBuf,
	},
	/// Cuts the network into two halves: neither may recover. Then heals it: finality goes on by itself, and nobody is charged.
	Halves {
		/// For so many seconds after both have noticed.
		#[arg(long, default_value_t = 60)]
		seconds: u64,
	},
	/// Cuts off two of four validators: the side with all others recovers, alone. Then heals it: those cut off follow.
	Majority,
	/// Stops two of four for a moment, from which nothing follows.
	Brief {
		/// For so many seconds.
		#[arg(long, default_value_t = 12)]
		seconds: u64,
	},
}

#[tokio::main]
async fn main() -> ExitCode {
	// The drills print what matters; RUST_LOG shows what zombienet does.
	tracing_subscriber::fmt()
		.with_env_filter(
			tracing_subscriber::EnvFilter::try_from_default_env()
				.unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("off")),
		)
		.with_writer(std::io::stderr)
		.init();

	match run(Cli::parse()).await {
		Ok(()) => ExitCode::SUCCESS,
		Err(why) => {
			eprintln!("\nFAILED: {why:#}");
			ExitCode::FAILURE
		},
	}
}

async fn run(cli: Cli) -> anyhow::Result<()> {
	let file = cli.networks.join(cli.drill.network());
	let mut network = tokio::select! {
		network = network::spawn(&cli.node, &file, cli.drill.divides()) => network?,
		why = interrupted() => anyhow::bail!("{why} while the network was starting"),
	};
	let outcome = tokio::select! {
		outcome = drill(&cli, &mut network) => outcome,
		why = interrupted() => Err(anyhow::anyhow!(why)),
	};
	if cli.keep {
		println!("\nThe network goes on until Ctrl-C:");
		for (name, url) in network.urls() {
			println!("  {name:8} {url}");
		}
		interrupted().await;
	}
	network.destroy(outcome.is_ok()).await?;
	match outcome? {
		Some((proof, crosses)) => proof.check(crosses).await,
		None => Ok(()),
	}
}

impl Drill {
	/// The file that describes its network.
	fn network(&self) -> &'static str {
		match self {
			Drill::Mute => "mute.toml",
			Drill::Lame => "lame.toml",
			Drill::ThreeOfSeven { .. } => "seven.toml",
			Drill::Upgrade { .. } => "upgrade.toml",
			_ => "local.toml",
		}
	}

	/// Whether it cuts the network in two.
	fn divides(&self) -> bool {
		matches!(self, Drill::Halves { .. } | Drill::Majority)
	}
}

/// Runs a drill. Most leave a proof behind, to be checked when the network is gone, and what it must lead across.
async fn drill(cli: &Cli, network: &mut network::Net) -> anyhow::Result<Option<(Proof, Crosses)>> {
	let verifier = &Verifier::new(&cli.verifier)?;
	println!("every member registers where its node can be asked for its health");
	network.announce().await?;
	let scheduled = |hand_offs| Crosses { hand_offs, forced: 0 };
	let forced = Crosses { hand_offs: 1, forced: 1 };
	let mut proof = None;
	match &cli.drill {
		Drill::Kill { victim } => {
			proof = Some((drills::kill::run(network, verifier, victim).await?, scheduled(1)));
			Ok(())
		},
		Drill::Median { kills, bar } => {
			let last = drills::median::run(network, verifier, *kills, *bar).await?;
			proof = Some((last, scheduled(*kills as u64)));
			Ok(())
		},
		Drill::Proofs => {
			proof = Some((drills::proofs::run(network, verifier).await?, scheduled(3)));
			Ok(())
		},
		Drill::Idle { blocks } => drills::idle::run(network, *blocks).await,
		Drill::Frozen { victim } => drills::evidence::frozen(network, victim).await,
		Drill::Mute => drills::evidence::mute(network, "bob").await,
		Drill::Lame => drills::evidence::lame(network, "bob", "charlie").await,
		Drill::Hidden { victim, blocks } => drills::evidence::hidden(network, victim, *blocks).await,
		Drill::Restarted { victim, blocks } => drills::evidence::restarted(network, victim, *blocks).await,
		Drill::Evidence => {
			drills::evidence::restarted(network, "dave", 16).await?;
			drills::evidence::hidden(network, "bob", 20).await?;
			drills::evidence::frozen(network, "charlie").await
		},
		Drill::Retire { victim } => drills::rotation::retire(network, victim).await,
		Drill::Returns { victim, next } => drills::rotation::returns(network, victim, next).await,
		Drill::Case { victim, govern } => drills::rotation::case(network, victim, govern).await,
		Drill::TwoOfFour { bar, apart, early, flood } => {
			let course = drills::recovery::Course { apart: *apart, early: *early, flood: *flood };
			let victims = &drills::recovery::TWO_OF_FOUR;
			proof =
				Some((drills::recovery::recover(network, verifier, victims, *bar, course).await?, forced));
			Ok(())
		},
		Drill::ThreeOfSeven { bar } => {
			let course = Default::default();
			let victims = &drills::recovery::THREE_OF_SEVEN;
			proof =
				Some((drills::recovery::recover(network, verifier, victims, *bar, course).await?, forced));
			Ok(())
		},
		Drill::Halves { seconds } => {
			proof = Some((drills::partition::halves(network, verifier, *seconds).await?, scheduled(0)));
			Ok(())
		},
		Drill::Majority => {
			proof = Some((drills::partition::majority(network, verifier).await?, forced));
			Ok(())
		},
		Drill::Brief { seconds } => drills::recovery::brief(network, *seconds).await,
		Drill::TakenBack => drills::recovery::taken_back(network).await,
		Drill::Disabled { victim, next, mute } => drills::keys::disabled(network, victim, next, *mute).await,
		Drill::Upgrade { victim, govern, runtime } => {
			drills::upgrade::run(network, victim, govern, runtime).await
		},
		Drill::Migrate { mover } => {
			proof = Some((drills::keys::migrate(network, verifier, mover).await?, forced));
			Ok(())
		},
		Drill::Lost { voter, late } => {
			proof = Some((drills::keys::lost(network, verifier, voter, late).await?, forced));
			Ok(())
		},
	}?;
	let (Some(program), Some((_, url))) = (&cli.then, network.urls().pop()) else { return Ok(proof) };
	println!("\nrunning {} {url} --records", program.display());
	let status = tokio::process::Command::new(program)
		.args([&url, "--records"])
		.kill_on_drop(true)
		.status()
		.await
		.with_context(|| format!("cannot run {}", program.display()))?;
	anyhow::ensure!(status.success(), "{} says no: {status}", program.display());
	Ok(proof)
}

/// Waits for Ctrl-C or a request to end, and says which.
async fn interrupted() -> &'static str {
	let (Ok(mut interrupt), Ok(mut terminate)) =
		(signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
	else {
		return std::future::pending().await;
	};
	tokio::select! {
		_ = interrupt.recv() => "interrupted",
		_ = terminate.recv() => "asked to end",
	}
}
