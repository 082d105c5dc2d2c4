//! `understudy-verify`: fetches proofs of a failover log from a node, and checks them offline.

mod fetch;
mod genesis;
mod report;
mod words;

use std::{
	fs,
	path::{Path, PathBuf},
	process::ExitCode,
	time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Context;
use clap::{Args, Parser, Subcommand, ValueEnum};
use codec::{Decode, Encode};
use sp_core::H256;
use sp_runtime::traits::Header as _;
use understudy_verifier::{check, Bundle, Error, Fault, Header, Link, Policy, TrustedSet, MAX_BYTES};

/// Fetches proofs of what a chain's failover log says, and checks them offline, trusting one authority set and nobody else.
#[derive(Parser)]
#[command(version, after_help = EXIT_CODES)]
struct Cli {
	#[command(subcommand)]
	command: Command,
}

const EXIT_CODES: &str = "Exit codes:
  0  the proof holds
  1  a link of the proof does not hold
  2  nothing could be checked: a file, the node, or the command line
  3  the proof holds, and it or the trusted set is too old, or it does not reach back to the checkpoint";

#[derive(Subcommand)]
enum Command {
	/// Computes the genesis authority set from a raw chain specification: all that has to be trusted.
	Trust {
		/// The chain specification, as `understudy-node export-chain-spec --raw` prints it.
		spec: PathBuf,
		/// Where the trusted set goes; standard output by default.
		#[arg(long, short)]
		out: Option<PathBuf>,
		/// Time at which the genesis set was known to be the chain's authority set: "now" where the
		/// chain has just begun, or seconds since the Unix epoch. Undated, it is refused by default.
		#[arg(long, value_parser = moment, value_name = "TIME")]
		as_of: Option<u64>,
		/// The name of the failover pallet in the chain's runtime.
		#[arg(long, default_value = "Failover")]
		pallet: String,
		/// The name of the recovery pallet.
		#[arg(long, default_value = "Recovery")]
		recovery: String,
	},
	/// Fetches a proof from a node.
	Fetch {
		/// The node's RPC server.
		#[arg(long, default_value = "ws://127.0.0.1:9944")]
		rpc: String,
		#[command(flatten)]
		what: What,
		/// The trusted set that the proof is to lead from; genesis by default.
		#[arg(long)]
		trust: Option<PathBuf>,
		/// How much of the evidence to ask for.
		#[arg(long, value_enum, default_value_t = Disclosure::Public)]
		disclose: Disclosure,
		/// The finalized block, by its hash, that the proof is to be of; the last one by default.
		#[arg(long)]
		at: Option<H256>,
		/// A checkpoint that a witness has kept, COUNT:ROOT: shows how its log became this one.
		#[arg(long, value_parser = checkpoint)]
		checkpoint: Option<(u64, H256)>,
		/// Where the proof goes. JSON if the name ends so, SCALE otherwise.
		#[arg(long, short)]
		out: PathBuf,
	},
	/// Checks a proof, offline.
	Check {
		/// The proof, in SCALE or JSON.
		bundle: PathBuf,
		/// The trusted set.
		#[arg(long)]
		trust: PathBuf,
		/// Print the result as JSON.
		#[arg(long)]
		json: bool,
		/// Write the authority set that the proof ends with: proofs from then on can start there.
		#[arg(long)]
		next_trust: Option<PathBuf>,
		#[command(flatten)]
		age: Age,
	},
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct What {
	/// An incident, with all of its records.
	#[arg(long)]
	incident: Option<u64>,
	/// Records, by their place in the log.
	#[arg(long, value_delimiter = ',')]
	records: Vec<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Disclosure {
	/// What is not private.
	Public,
	/// Endpoints and operators, too.
	All,
	/// The records alone.
	None,
}

impl Disclosure {
	fn name(self) -> &'static str {
		match self {
			Disclosure::Public => "public",
			Disclosure::All => "all",
			Disclosure::None => "none",
		}
	}
}

/// How new the proof must be.
#[derive(Args)]
struct Age {
	/// The head must not be before this block.
	#[arg(long, default_value_t = 0)]
	min_block: u32,
	/// The log must have this many records at least.
	#[arg(long, default_value_t = 0)]
	min_records: u64,
	/// The head must not be older than so many seconds now.
	#[arg(long)]
	max_age: Option<u64>,
	/// The trusted set must not be older than so many seconds now. Shorter than the chain's unbonding
	/// period: members that have left may give their keys away. A checkpoint stands in for it.
	#[arg(long, default_value_t = TRUST_AGE, conflicts_with = "any_trust_age")]
	max_trust_age: u64,
	/// Trust the set however old it is, for example because a second source says the same.
	#[arg(long)]
	any_trust_age: bool,
	/// A checkpoint that a witness has kept, COUNT:ROOT, whose log this one must be the continuation of.
	#[arg(long, value_parser = checkpoint)]
	checkpoint: Option<(u64, H256)>,
}

/// Age of a trusted set that is accepted by default: 14 days, in seconds. Half of the 28 days for
/// which stake is bonded on the relay chains. A chain with shorter bonding needs a shorter age.
const TRUST_AGE: u64 = 14 * 24 * 60 * 60;

/// Milliseconds since the Unix epoch.
fn now() -> u64 {
	let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
	since.as_millis() as u64
}

/// A point in time, in milliseconds since the Unix epoch.
fn moment(text: &str) -> Result<u64, String> {
	if text == "now" {
		return Ok(now());
	}
	let seconds: u64 = text.parse().map_err(|_| "TIME is \"now\", or seconds since the Unix epoch")?;
	Ok(seconds.saturating_mul(1_000))
}

fn checkpoint(text: &str) -> Result<(u64, H256), String> {
	let (count, root) = text.split_once(':').ok_or("a checkpoint is COUNT:ROOT")?;
	let count = count.parse().map_err(|why| format!("{count} is no count: {why}"))?;
	Ok((count, root.parse().map_err(|_| format!("{root} is no root: 0x and 64 hexadecimal digits"))?))
}

impl Age {
	fn policy(&self) -> Policy {
		let now = now();
		let Age { min_block, min_records, max_age, max_trust_age, any_trust_age, checkpoint } = *self;
		let ago = |seconds: u64| now.saturating_sub(seconds.saturating_mul(1_000));
		let not_before = max_age.map_or(0, ago);
		let trusted_not_before = if any_trust_age { 0 } else { ago(max_trust_age) };
		Policy { min_block, min_records, not_before, trusted_not_before, checkpoint }
	}
}

fn main() -> ExitCode {
	match run(Cli::parse().command) {
		Ok(code) => code,
		Err(why) => {
			eprintln!("error: {why:#}");
			ExitCode::from(2)
		},
	}
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
	match command {
		Command::Trust { spec, out, as_of, pallet, recovery } => {
			let mut trusted = genesis::trusted_set(&read(&spec)?, pallet, recovery).with_context(|| {
				format!("{} is no raw chain specification that can be used", spec.display())
			})?;
			trusted.as_of = as_of.unwrap_or_default();
			write_json(&trusted, out.as_deref())?;
		},
		Command::Fetch { rpc, what, trust, disclose, at, checkpoint, out } => {
			let first_set = trust.map_or(Ok(0), |path| read_trust(&path).map(|trusted| trusted.set_id))?;
			let what = match what.incident {
				Some(id) => fetch::What::Incident(id),
				None => fetch::What::Records(what.records),
			};
			let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
			let checkpoint = checkpoint.map(|(count, _)| count);
			let ask = fetch::Ask { what, first_set, disclose: disclose.name(), at, checkpoint };
			let bundle = runtime.block_on(fetch::bundle(&rpc, ask))?;
			if out.extension().is_some_and(|extension| extension == "json") {
				write_json(&bundle, Some(&out))?;
			} else {
				fs::write(&out, bundle.encode())
					.with_context(|| format!("cannot write {}", out.display()))?;
			}
			let head = Header::decode(&mut &bundle.head.header[..]).context("the node gave no header")?;
			println!(
				"{}: {} records, {} hand-offs, {} bytes in SCALE, up to #{} {:?}",
				out.display(),
				bundle.records.len(),
				bundle.hand_offs.len(),
				bundle.encoded_size(),
				head.number(),
				head.hash()
			);
		},
		Command::Check { bundle, trust, json, next_trust, age } => {
			let (trusted, policy) = (read_trust(&trust)?, age.policy());
			let parsed = parse(&read(&bundle)?);
			let result = parsed.and_then(|bundle| {
				let verified = check(&bundle, &trusted, &policy)?;
				Ok((bundle, verified))
			});
			if json {
				println!("{}", serde_json::to_string_pretty(&report::json(&result))?);
			} else {
				print!("{}", report::text(&result, &trusted));
			}
			if let (Ok((bundle, verified)), Some(path)) = (&result, next_trust) {
				write_json(&report::next_trust(bundle, verified, &trusted), Some(&path))?;
			}
			return Ok(ExitCode::from(match result {
				Ok(_) => 0,
				Err(Error { link: Link::Age, .. }) => 3,
				Err(_) => 1,
			}));
		},
	}
	Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
	fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

fn read_trust(path: &Path) -> anyhow::Result<TrustedSet> {
	serde_json::from_slice(&read(path)?).with_context(|| {
		format!("{} is no trusted set; `understudy-verify trust` computes one", path.display())
	})
}

/// A bundle in SCALE, or in JSON, which begins with a brace.
fn parse(bytes: &[u8]) -> Result<Bundle, Error> {
	let malformed = |fault| Error { link: Link::Format, fault };
	match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
		// In hexadecimal everything takes twice its bytes.
		Some(b'{') if bytes.len() > 3 * MAX_BYTES => Err(malformed(Fault::TooLarge)),
		Some(b'{') => serde_json::from_slice(bytes).map_err(|_| malformed(Fault::Malformed)),
		_ => Bundle::from_scale(bytes),
	}
}

fn write_json(value: &impl serde::Serialize, out: Option<&Path>) -> anyhow::Result<()> {
	let text = serde_json::to_string_pretty(value)? + "\n";
	match out {
		Some(path) => fs::write(path, text).with_context(|| format!("cannot write {}", path.display())),
		None => {
			print!("{text}");
			Ok(())
		},
	}
}
