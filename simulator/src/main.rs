//! Simulates bad networks, failures and colluders against the real verdict code, and counts the
//! verdicts.

mod chain;
mod network;
mod parameters;
mod plot;
mod scenario;

use std::{path::PathBuf, process::ExitCode};

use chain::FailureKind;
use clap::{Parser, Subcommand};
use frame_support::traits::Get;
use network::Network;
use pallet_validator_rotation::penalty::fraction;
use parameters::Parameters;
use scenario::Setting;
use understudy_runtime::parameters::dynamic_params::rotation::Penalties;

/// Simulates bad networks, failures and colluders against the real verdict code of
/// pallet-heartbeat, with the parameters of the sample runtime. The same seed gives the same result
/// on every machine.
#[derive(Parser)]
#[command(version)]
struct Cli {
	/// Seed of all randomness
	#[arg(long, global = true, default_value_t = 1)]
	seed: u64,
	/// Blocks per window, instead of the sample runtime's
	#[arg(long, global = true)]
	window: Option<u32>,
	/// Use the parameters for a real network, instead of the sample runtime's
	#[arg(long, global = true)]
	production: bool,
	/// Minimum delay of a message, in seconds
	#[arg(long, global = true, default_value_t = 0.1)]
	latency: f64,
	/// Maximum additional delay of a message, in seconds
	#[arg(long, global = true, default_value_t = 2.0)]
	jitter: f64,
	/// Share of packets that are lost and retransmitted
	#[arg(long, global = true, default_value_t = 0.1)]
	loss: f64,

	/// Simulate a parachain: slots of 6 seconds, no finality votes, and a relay chain that drops
	/// this share of its blocks, up to three in a row
	#[arg(long, global = true, value_name = "SHARE")]
	parachain: Option<f64>,

	#[command(subcommand)]
	game: Game,
}

/// Size of the largest set in which the failure `does not author` is simulated.
const MOST_LAME: u32 = 100;

#[derive(Subcommand)]
enum Game {
	/// Nothing but the network fails: no healthy member may be found impaired or down
	Quiet {
		/// Numbers of members, separated by commas
		#[arg(long, value_delimiter = ',', default_value = "100")]
		members: Vec<u32>,
		/// Minimum number of windows times members
		#[arg(long, default_value_t = 1_000_000)]
		member_windows: u64,
	},
	/// f = ⌊(n−1)/3⌋ members collude against a healthy one
	Colluders {
		/// Numbers of members, separated by commas
		#[arg(long, value_delimiter = ',', default_value = "4,7,31,100,1000")]
		members: Vec<u32>,
		/// Duration in windows
		#[arg(long, default_value_t = 2_000)]
		windows: u32,
		/// The RPC server of the healthy member does not answer
		#[arg(long)]
		exhausted: bool,
	},
	/// Members restart one after the other
	Restarts {
		/// Numbers of members, separated by commas
		#[arg(long, value_delimiter = ',', default_value = "4,7,31,100")]
		members: Vec<u32>,
		/// Seconds for which each member is offline
		#[arg(long, default_value_t = 6.0)]
		seconds: f64,
		/// Duration in windows
		#[arg(long, default_value_t = 2_000)]
		windows: u32,
	},
	/// Half of the members are cut off
	Partition {
		/// Numbers of members, separated by commas
		#[arg(long, value_delimiter = ',', default_value = "4,7,31,100")]
		members: Vec<u32>,
		/// Duration in windows
		#[arg(long, default_value_t = 100)]
		windows: u32,
	},
	/// One member fails: measures the time to detection
	Latency {
		/// Numbers of members, separated by commas
		#[arg(long, value_delimiter = ',', default_value = "4,7,31,100,1000,10000")]
		members: Vec<u32>,
		/// Number of trials of each failure; a tenth of it above 1,000 members
		#[arg(long, default_value_t = 300)]
		trials: usize,
		/// Draws a figure into this SVG file
		#[arg(long)]
		plot: Option<PathBuf>,
	},
	/// Penalties of repeated outages, as the rotation pallet computes them
	Penalties {
		/// Draws a figure into this SVG file
		#[arg(long)]
		plot: Option<PathBuf>,
	},
}

fn main() -> ExitCode {
	match run(Cli::parse()) {
		Ok(true) => ExitCode::SUCCESS,
		Ok(false) => {
			eprintln!("FAILED: a healthy member was found impaired or down, or a failure was not detected");
			ExitCode::FAILURE
		},
		Err(why) => {
			eprintln!("FAILED: {why}");
			ExitCode::FAILURE
		},
	}
}

/// Runs the simulation and prints its results. Returns `true` if no verdict on a healthy member was
/// wrong and every failure was detected.
fn run(cli: Cli) -> Result<bool, Box<dyn std::error::Error>> {
	let mut parameters = Parameters::of_the_runtime(cli.production);
	parameters.window = cli.window.unwrap_or(parameters.window).max(1);
	if let Some(dropped) = cli.parachain {
		if !(0.0..=0.9).contains(&dropped) {
			return Err("the relay chain drops a share between 0 and 0.9 of the blocks".into());
		}
		parameters = parameters.on_a_parachain(dropped);
		println!("a parachain, of whose blocks the relay chain drops {} %", dropped * 100.0);
	}
	let network = Network { latency: cli.latency, jitter: cli.jitter, loss: cli.loss };
	let setting = |members: u32| Setting { members: members.max(2), parameters, network, seed: cli.seed };
	println!(
		"seed {}, windows of {} blocks, latency {} s, jitter {} s, loss {} %",
		cli.seed,
		parameters.window,
		cli.latency,
		cli.jitter,
		cli.loss * 100.0
	);

	type Play<'a> = &'a dyn Fn(&Setting) -> scenario::Verdicts;
	let verdicts = |members: &[u32], play: Play, systemic: bool| {
		println!("| members | member-windows | false suspicions | false impaired | false down | would be evicted |");
		println!("|---|---|---|---|---|---|");
		let mut clean = true;
		for members in members {
			let result = play(&setting(*members));
			println!(
				"| {members} | {} | {} | {} | {} | {} |",
				result.member_windows, result.suspected, result.impaired, result.down, result.evicted
			);
			clean &= result.evicted == 0 && (systemic || result.down + result.impaired == 0);
		}
		clean
	};
	Ok(match cli.game {
		Game::Penalties { plot } => {
			let curve = sp_io::TestExternalities::default().execute_with(Penalties::get);
			let ppm = |outages: u32, at_once: u32| {
				fraction(outages as u8, at_once, false, &curve).deconstruct() / 1_000
			};
			println!("| outages | 1 fell | 2 fell | 3 fell |");
			println!("|---|---|---|---|");
			for outages in 1..=12 {
				let row = [1, 2, 3].map(|at_once| format!("{} ppm", ppm(outages, at_once)));
				println!("| {outages} | {} |", row.join(" | "));
			}
			if let Some(path) = plot {
				let line = |at_once| plot::Line {
					name: format!("{at_once} fell at once"),
					points: (1..=12).map(|outages| (outages, ppm(outages, at_once))).collect(),
				};
				plot::draw_penalties(&path, &[1, 2, 3].map(line))?;
				println!("drawn into {}", path.display());
			}
			true
		},
		Game::Quiet { members, member_windows } => verdicts(
			&members,
			&|setting| setting.quiet(member_windows.div_ceil(setting.members.into()) as u32),
			false,
		),
		Game::Colluders { members, windows, exhausted } => {
			verdicts(&members, &|setting| setting.colluders(windows, exhausted), false)
		},
		Game::Restarts { members, seconds, windows } => {
			verdicts(&members, &|setting| setting.restarts(windows, seconds), false)
		},
		Game::Partition { members, windows } => {
			verdicts(&members, &|setting| setting.partition(windows), true)
		},
		Game::Latency { members, trials, plot } => {
			let mut lines = Vec::new();
			let mut clean = true;
			println!("| failure | members | found out | blocks to the seat, median | p99 | seconds to the decision, median | p99 | others wronged |");
			println!("|---|---|---|---|---|---|---|---|");
			let kinds = [
				(FailureKind::Killed, "killed"),
				(FailureKind::Frozen, "frozen"),
				(FailureKind::Mute, "does not vote"),
				(FailureKind::Lame, "does not author"),
			];
			let is_seen = |kind: FailureKind| !matches!(kind, FailureKind::Mute | FailureKind::Lame);
			for (kind, name) in kinds.into_iter().filter(|(kind, _)| parameters.votes || is_seen(*kind)) {
				let (mut median, mut last) = (Vec::new(), Vec::new());
				// In larger sets the detection takes hours: some rounds of slots.
				if kind == FailureKind::Lame && members.iter().any(|members| *members > MOST_LAME) {
					println!("| {name} | above {MOST_LAME} | not simulated: it takes three rounds of slots | | | | | |");
				}
				let fits = |members: &&u32| kind != FailureKind::Lame || **members <= MOST_LAME;
				for members in members.iter().filter(fits) {
					let trials = if *members > 1_000 { trials.div_ceil(10) } else { trials };
					let latency = setting(*members).latency(kind, trials);
					let blocks = [0.5, 0.99].map(|share| latency.blocks_at(share));
					let text =
						|blocks: Option<u32>| blocks.map_or("never".into(), |blocks| blocks.to_string());
					let seconds =
						|share| latency.seconds_at(share).map_or("never".into(), |s| format!("{s:.0}"));
					println!(
						"| {name} | {members} | {} of {} | {} | {} | {} | {} | {} |",
						latency.found,
						latency.trials,
						text(blocks[0]),
						text(blocks[1]),
						seconds(0.5),
						seconds(0.99),
						latency.false_verdicts
					);
					clean &= latency.false_verdicts == 0 && latency.found == latency.trials;
					median.extend(blocks[0].map(|blocks| (*members, blocks)));
					last.extend(blocks[1].map(|blocks| (*members, blocks)));
				}
				lines.push(plot::Line { name: format!("{name}, median"), points: median });
				lines.push(plot::Line { name: format!("{name}, 99th percentile"), points: last });
			}
			if let Some(path) = plot {
				plot::draw(&path, &lines)?;
				println!("\ndrawn into {}", path.display());
			}
			clean
		},
	})
}
