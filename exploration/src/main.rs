//! `understudy-exploration`: serves a model of a stall to a browser, for exploration by hand.

use clap::{Parser, ValueEnum};
use stateright::Model;
use understudy_exploration::{split, stall, THREADS};

/// Serves a model of a stall to a browser: its states, the possible steps in each, and the
/// properties that hold. `cargo test --release` in the same folder explores all states.
#[derive(Parser)]
#[command(version)]
struct Cli {
	/// The model.
	#[arg(value_enum)]
	model: Which,
	/// The address to serve it at.
	#[arg(long, default_value = "localhost:3000")]
	at: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum Which {
	/// A network in two parts.
	Split,
	/// One stall on one chain.
	Stall,
}

fn main() {
	let Cli { model, at } = Cli::parse();
	println!("serving the model at http://{at} until Ctrl-C");
	match model {
		Which::Split => drop(split::RULES.checker().threads(THREADS).serve(at)),
		Which::Stall => drop(stall::RULES.checker().threads(THREADS).serve(at)),
	}
}
