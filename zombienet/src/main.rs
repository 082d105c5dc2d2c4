//! Outage drills: each one spawns a network of real nodes, injects a failure, watches the chain's
//! reaction, and passes or fails.

mod chain;
mod drills;
mod flood;
mod network;
mod partition;
mod proof;
mod timeline;
mod types;

use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use proof::{Crosses, Proof, Verifier};
use tokio::signal::unix::{signal, SignalKind};

/// Spawns a network of real nodes on this machine, injects a failure, and checks that the network
/// heals.
#[derive(Parser)]
#[command(version)]
struct Cli {
	/// Absolute path of the node to run.
	#[arg(long, env = "UNDERSTUDY_NODE", global = true, default_value = "understudy-node")]
	node: std::path::PathBuf,

	/// Folder with the descriptions of the networks.
	#[arg(long, global = true, env = "UNDERSTUDY_NETWORKS", default_value = "zombienet/networks")]
	networks: std::path::PathBuf,

	/// Program that fetches and checks proofs.
	#[arg(long, env = "UNDERSTUDY_VERIFIER", global = true, default_value = "understudy-verify")]
	verifier: std::path::PathBuf,

	/// Leave the network running after the drill, until Ctrl-C, and print its RPC URLs.
	#[arg(long, global = true)]
	keep: bool,

	/// Run this program after a successful drill, before the network ends, with an RPC URL and
	/// --records as its arguments.
	#[arg(long, global = true)]
	then: Option<std::path::PathBuf>,

	/// Run the drill on a parachain under a live relay chain. See scripts/parachain.
	#[arg(long, global = true)]
	parachain: bool,

	#[command(subcommand)]
	drill: Drill,
}

#[derive(Subcommand)]
enum Drill {
	/// Kills one validator with `kill -9`: a standby takes its seat.
	Kill {
		/// Validator to kill.
		#[arg(long, default_value = "bob")]
		victim: String,
	},
	/// Kills different validators one after the other, restarts each, and measures the median time
	/// to replacement.
	Median {
		/// Number of validators to kill.
		#[arg(long, default_value_t = 10)]
		kills: usize,
		/// Maximum median, in blocks.
		#[arg(long, default_value_t = 8)]
		bar: u32,
	},
	/// Injects no failure: the log gets no records, the set does not change, and authors send no
	/// heartbeats.
	Idle {
		/// Number of blocks.
		#[arg(long, default_value_t = 100)]
		blocks: u32,
	},
	/// Stops one validator's process with SIGSTOP: it stays present and does nothing. A standby
	/// takes its seat.
	Frozen {
		/// Validator to stop.
		#[arg(long, default_value = "charlie")]
		victim: String,
	},
	/// Replaces a validator that authors but does not vote.
	Mute,
	/// Replaces a validator that votes, answers and sends heartbeats but does not author, without a
	/// charge. Then kills another one: the chain is not degraded, and that one is replaced as well.
	Lame,
	/// Makes the RPC server of a validator unreachable: the validator works, and keeps its seat.
	Hidden {
		/// Name of the validator.
		#[arg(long, default_value = "bob")]
		victim: String,
		/// Number of blocks to watch.
		#[arg(long, default_value_t = 30)]
		blocks: u32,
	},
	/// Kills a validator and restarts it at once: it keeps its seat.
	Restarted {
		/// Name of the validator.
		#[arg(long, default_value = "dave")]
		victim: String,
		/// Number of blocks to watch.
		#[arg(long, default_value_t = 20)]
		blocks: u32,
	},
	/// Runs `restarted`, `hidden` and `frozen`, one after the other on one network.
	Evidence,
	/// Retires a validator: a standby takes its seat, and no member is charged.
	Retire {
		/// Name of the validator.
		#[arg(long, default_value = "charlie")]
		victim: String,
	},
	/// Kills a validator and restarts it: it is re-admitted automatically, and seated when the next
	/// one is killed.
	Returns {
		/// Validator to kill and restart.
		#[arg(long, default_value = "bob")]
		victim: String,
		/// Validator to kill next.
		#[arg(long, default_value = "alice")]
		next: String,
	},
	/// Lowers the weights of the detectors by a referendum: the case of a killed validator waits
	/// until the guardians approve it.
	Case {
		/// Validator to kill.
		#[arg(long, default_value = "dave")]
		victim: String,
		/// Program that submits the referendum, votes and approves the case.
		#[arg(long, env = "UNDERSTUDY_GOVERN", default_value = "scripts/govern")]
		govern: std::path::PathBuf,
	},
	/// Requests proofs of incidents from a node that was offline, and from nodes that synced from
	/// genesis afterwards: one that keeps all states, and one that keeps few.
	Proofs,
	/// Kills two of four validators at once, too many for ordinary rotation: finality stalls, and
	/// must resume without human intervention.
	TwoOfFour {
		/// Maximum number of blocks from the last kill until blocks are final again.
		#[arg(long, default_value_t = 30)]
		bar: u32,
		/// Seconds between the kills.
		#[arg(long, default_value_t = 0)]
		apart: u64,
		/// Restart both while the chain recovers.
		#[arg(long)]
		early: bool,
		/// Submit ten times as many transactions meanwhile as the intake gate admits.
		#[arg(long)]
		flood: bool,
	},
	/// Kills three of seven validators, with two standbys in reserve.
	ThreeOfSeven {
		/// Maximum number of blocks from the last kill until blocks are final again.
		#[arg(long, default_value_t = 30)]
		bar: u32,
	},
	/// Kills half of the validators, and then the standbys of the proposed set, which can no longer
	/// be seated. The killed validators restart, operators take back the votes for the proposal,
	/// and finality resumes.
	TakenBack,
	/// Runs a validator's keys on a second node: it equivocates, is expelled, and stays out.
	Disabled {
		/// Validator with these keys: one of the well-known names.
		#[arg(long, default_value = "bob")]
		victim: String,
		/// Validator to kill next.
		#[arg(long, default_value = "charlie")]
		next: String,
		/// The second node authors and does not vote, so only its blocks are evidence.
		#[arg(long)]
		mute: bool,
	},
	/// Kills two of four validators while a third one migrates to another server.
	Migrate {
		/// Validator that migrates.
		#[arg(long, default_value = "dave")]
		mover: String,
	},
	/// Kills two of four validators; then one that has voted for the recovery loses all data except
	/// its keys.
	Lost {
		/// Validator that loses its data.
		#[arg(long, default_value = "alice")]
		voter: String,
		/// Member that is stopped until then, so that its vote is missing.
		#[arg(long, default_value = "eve")]
		late: String,
	},
	/// Upgrades a chain of an earlier release by a referendum, with one node of that release, and
	/// kills a validator. Needs that release's node; see scripts/release.
	Upgrade {
		/// Validator to kill.
		#[arg(long, default_value = "bob")]
		victim: String,
		/// Program that submits the referendum and votes.
		#[arg(long, env = "UNDERSTUDY_GOVERN", default_value = "scripts/govern")]
		govern: std::path::PathBuf,
		/// Runtime of the upgrade, as a Wasm blob.
		#[arg(long, env = "UNDERSTUDY_RUNTIME")]
		runtime: std::path::PathBuf,
	},
	/// Cuts the network into two halves: neither may recover. Then heals it: finality resumes by
	/// itself, and no member is charged.
	Halves {
		/// Seconds until the network is healed, after both halves have noticed the stall.
		#[arg(long, default_value_t = 60)]
		seconds: u64,
	},
	/// Cuts off two of four validators: only the side with all other members recovers. Then heals
	/// the network: the members that were cut off follow.
	Majority,
	/// Stops two of four validators for a moment: the chain is not degraded.
	Brief {
		/// Seconds for which they are stopped.
		#[arg(long, default_value_t = 12)]
		seconds: u64,
	},
}

#[tokio::main]
async fn main() -> ExitCode {
	// The log of zombienet is off unless RUST_LOG enables it.
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
	let file = cli.networks.join(if cli.parachain { "parachain.toml" } else { cli.drill.network() });
	let mut network = tokio::select! {
		network = network::spawn(&cli.node, &file, cli.drill.divides(), cli.parachain) => network?,
		why = interrupted() => anyhow::bail!("{why} while the network was starting"),
	};
	let outcome = tokio::select! {
		outcome = drill(&cli, &mut network) => outcome,
		why = interrupted() => Err(anyhow::anyhow!(why)),
	};
	if cli.keep {
		println!("\nThe network runs until Ctrl-C:");
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
	/// Returns the file that describes the drill's network.
	fn network(&self) -> &'static str {
		match self {
			Drill::Mute => "mute.toml",
			Drill::Lame => "lame.toml",
			Drill::ThreeOfSeven { .. } => "seven.toml",
			Drill::Upgrade { .. } => "upgrade.toml",
			_ => "local.toml",
		}
	}

	/// Returns `true` if the drill partitions the network.
	fn divides(&self) -> bool {
		matches!(self, Drill::Halves { .. } | Drill::Majority)
	}
}

/// Runs a drill. Most drills return a proof, to be checked after the network has ended, with the
/// hand-offs that it must contain.
async fn drill(cli: &Cli, network: &mut network::Net) -> anyhow::Result<Option<(Proof, Crosses)>> {
	let verifier = &Verifier::new(&cli.verifier)?;
	println!("every member registers the endpoint of its node");
	network.announce().await?;
	// The hand-offs of a parachain's proof are the relay chain's, which changes its set by itself.
	let scheduled = |hand_offs| Crosses { hand_offs: if cli.parachain { 0 } else { hand_offs }, forced: 0 };
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
		Drill::Idle { blocks } => drills::idle::run(network, *blocks, cli.parachain).await,
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
	anyhow::ensure!(status.success(), "{} failed: {status}", program.display());
	Ok(proof)
}

/// Waits for SIGINT or SIGTERM. Returns a description of the signal.
async fn interrupted() -> &'static str {
	let (Ok(mut interrupt), Ok(mut terminate)) =
		(signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
	else {
		return std::future::pending().await;
	};
	tokio::select! {
		_ = interrupt.recv() => "interrupted",
		_ = terminate.recv() => "terminated",
	}
}
