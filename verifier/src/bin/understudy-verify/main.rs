//! `understudy-verify`: fetches proofs of a failover log from a node, and checks them offline.

mod fetch;
mod genesis;
mod included;
mod report;
mod words;

use std::{
	fs,
	path::{Path, PathBuf},
	process::ExitCode,
	time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{ensure, Context};
use clap::{Args, Parser, Subcommand};
use codec::{Decode, Encode};
use sp_core::H256;
use sp_runtime::traits::Header as _;
use understudy_verifier::{
	check, Bundle, Disclosure, Error, Fault, Header, Link, Policy, TrustedSet, MAX_BYTES, MAX_TRUSTING_PERIOD,
};

/// Fetches proofs of a chain's failover log, and checks them offline. Trusts one authority set and
/// no node.
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
  3  the proof holds, but it or the trusted set is too old, or it does not reach back to the checkpoint";

#[derive(Subcommand)]
enum Command {
	/// Computes the genesis authority set from a raw chain specification: the trusted set of a new
	/// chain.
	Trust {
		/// Raw chain specification, as printed by `understudy-node export-chain-spec --raw`.
		spec: PathBuf,
		/// Output file for the trusted set; standard output by default.
		#[arg(long, short)]
		out: Option<PathBuf>,
		/// Time at which the genesis set was known to be the chain's authority set: "now" if the
		/// chain has just begun, or seconds since the Unix epoch. An undated set is refused by
		/// default.
		#[arg(long, value_parser = moment, value_name = "TIME")]
		as_of: Option<u64>,
		/// Name of the failover pallet in the chain's runtime.
		#[arg(long, default_value = "Failover")]
		pallet: String,
		/// Name of the recovery pallet in the chain's runtime.
		#[arg(long, default_value = "Recovery")]
		recovery: String,
		/// Raw chain specification of a parachain whose log is to be proven. SPEC is then that of its
		/// relay chain.
		#[arg(long, value_name = "SPEC")]
		parachain: Option<PathBuf>,
	},
	/// Fetches a proof from a node.
	Fetch {
		/// Address of the node's RPC server.
		#[arg(long, default_value = "ws://127.0.0.1:9944")]
		rpc: String,
		/// Address of the RPC server of a node of the relay chain, if the trusted set names a
		/// parachain.
		#[arg(long, value_name = "RPC")]
		relay_rpc: Option<String>,
		#[command(flatten)]
		what: What,
		/// File with the trusted set from which the proof is to lead; genesis by default.
		#[arg(long)]
		trust: Option<PathBuf>,
		/// Evidence to request.
		#[arg(long, value_enum, default_value_t = Disclosure::Public)]
		disclose: Disclosure,
		/// Hash of the finalized block whose state is to be proven; the last one by default.
		#[arg(long)]
		at: Option<H256>,
		/// Checkpoint that a witness has kept, COUNT:ROOT. The proof then shows that the log
		/// continues it.
		#[arg(long, value_parser = checkpoint)]
		checkpoint: Option<(u64, H256)>,
		/// Output file for the proof. JSON if the name ends in .json, SCALE otherwise.
		#[arg(long, short)]
		out: PathBuf,
	},
	/// Checks a proof, offline.
	Check {
		/// File with the proof, in SCALE or JSON.
		bundle: PathBuf,
		/// File with the trusted set.
		#[arg(long)]
		trust: PathBuf,
		/// Print the result as JSON.
		#[arg(long)]
		json: bool,
		/// Write the authority set that the proof ends with. Later proofs can start from it.
		#[arg(long)]
		next_trust: Option<PathBuf>,
		#[command(flatten)]
		age: Age,
	},
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct What {
	/// Id of an incident, proven with all of its records.
	#[arg(long)]
	incident: Option<u64>,
	/// Sequence numbers of records in the log.
	#[arg(long, value_delimiter = ',')]
	records: Vec<u64>,
}

/// Requirements on the age of the proof.
#[derive(Args)]
struct Age {
	/// Lowest block number of the head.
	#[arg(long, default_value_t = 0)]
	min_block: u32,
	/// Least number of records in the log.
	#[arg(long, default_value_t = 0)]
	min_records: u64,
	/// Maximum age of the head, in seconds.
	#[arg(long)]
	max_age: Option<u64>,
	/// Maximum age of the trusted set, in seconds; its own trusting period by default. Must be
	/// shorter than the chain's unbonding period, because members that have left may give their
	/// keys away. A checkpoint with as many records as the log replaces this requirement.
	#[arg(long, conflicts_with = "any_trust_age")]
	max_trust_age: Option<u64>,
	/// Trust the set whatever its age, for example because a second source confirms the head.
	#[arg(long)]
	any_trust_age: bool,
	/// Checkpoint that a witness has kept, COUNT:ROOT. This log must continue that of the
	/// checkpoint.
	#[arg(long, value_parser = checkpoint)]
	checkpoint: Option<(u64, H256)>,
}

/// Milliseconds by which a date may be ahead of this machine's clock.
const AHEAD: u64 = 60_000;

/// Returns the present time, in milliseconds since the Unix epoch.
fn now() -> u64 {
	let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
	since.as_millis() as u64
}

/// Parses a point in time. Returns milliseconds since the Unix epoch.
fn moment(text: &str) -> Result<u64, String> {
	if text == "now" {
		return Ok(now());
	}
	let seconds: u64 = text.parse().map_err(|_| "TIME must be \"now\" or seconds since the Unix epoch")?;
	let time = seconds.saturating_mul(1_000);
	if time > now().saturating_add(AHEAD) {
		return Err("TIME is in the future; it must be in seconds, not milliseconds".into());
	}
	Ok(time)
}

fn checkpoint(text: &str) -> Result<(u64, H256), String> {
	let (count, root) = text.split_once(':').ok_or("a checkpoint must be COUNT:ROOT")?;
	let count = count.parse().map_err(|why| format!("{count} is not a count: {why}"))?;
	Ok((count, root.parse().map_err(|_| format!("{root} is not a root: 0x and 64 hexadecimal digits"))?))
}

/// Returns the time this many seconds ago, in milliseconds since the Unix epoch.
fn ago(seconds: u64) -> u64 {
	now().saturating_sub(seconds.saturating_mul(1_000))
}

impl Age {
	/// Returns the earliest accepted date of a set with this trusting period, in seconds.
	fn recent(&self, trusting_period: u64) -> u64 {
		// At least 1, so that an undated set, which has the date 0, is refused.
		ago(self.max_trust_age.unwrap_or(trusting_period)).max(1)
	}

	/// Returns the policy for a set with this trusting period, in seconds.
	fn policy(&self, trusting_period: u64) -> Policy {
		let Age { min_block, min_records, max_age, any_trust_age, checkpoint, .. } = *self;
		let not_before = max_age.map_or(0, ago);
		let trusted_not_before = if any_trust_age { 0 } else { self.recent(trusting_period) };
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
		Command::Trust { spec, out, as_of, pallet, recovery, parachain } => {
			let mut trusted = genesis::trusted_set(&read(&spec)?, pallet, recovery).with_context(|| {
				format!("{} is not a raw chain specification that can be used", spec.display())
			})?;
			trusted.as_of = as_of.unwrap_or_default();
			if let Some(spec) = parachain {
				let (parachain, prefix) = genesis::parachain(&read(&spec)?).with_context(|| {
					format!("{} is not a raw chain specification of a parachain", spec.display())
				})?;
				trusted.ss58_prefix = prefix;
				trusted.parachain = Some(parachain);
			}
			// The genesis hash does not cover the trusting period, so the user has to check it.
			eprintln!(
				"trusted for {:.1} days from {}, by the properties of the specification; compare that with the time for \
				 which the chain's stake stays bonded",
				trusted.trusting_period as f64 / 86_400.0,
				if trusted.as_of == 0 { "a date that is to be set (--as-of)".into() } else { words::utc(trusted.as_of) }
			);
			write_json(&trusted, out.as_deref())?;
		},
		Command::Fetch { rpc, relay_rpc, what, trust, disclose, at, checkpoint, out } => {
			let trusted = trust.map(|path| read_trust(&path)).transpose()?;
			let first_set = trusted.as_ref().map_or(0, |trusted| trusted.set_id);
			let what = match what.incident {
				Some(id) => fetch::What::Incident(id),
				None => fetch::What::Records(what.records),
			};
			let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
			let checkpoint = checkpoint.map(|(count, _)| count);
			let ask = fetch::Ask { what, first_set, disclose, at, checkpoint };
			let bundle = match trusted.filter(|trusted| trusted.parachain.is_some()) {
				Some(trusted) => {
					let relay = relay_rpc
						.context("the log is a parachain's: name a node of its relay chain, --relay-rpc")?;
					let urls = included::Urls { parachain: &rpc, relay: &relay };
					runtime.block_on(included::bundle(urls, ask, &trusted))?
				},
				None => {
					ensure!(
						relay_rpc.is_none(),
						"--relay-rpc is for the log of a parachain, and the trusted set names none; see trust --parachain"
					);
					runtime.block_on(fetch::bundle(&rpc, ask))?
				},
			};
			if out.extension().is_some_and(|extension| extension == "json") {
				write_json(&bundle, Some(&out))?;
			} else {
				fs::write(&out, bundle.encode())
					.with_context(|| format!("cannot write {}", out.display()))?;
			}
			let head = Header::decode(&mut &bundle.head.header[..]).context("the node sent a bad header")?;
			println!(
				"{}: {} records, {} hand-offs, {} bytes in SCALE, final by {}#{} {:?}",
				out.display(),
				bundle.records.len(),
				bundle.hand_offs.len(),
				bundle.encoded_size(),
				if bundle.inclusion.is_some() { "the relay chain's block " } else { "" },
				head.number(),
				head.hash()
			);
		},
		Command::Check { bundle, trust, json, next_trust, age } => {
			let trusted = read_trust(&trust)?;
			let policy = age.policy(trusted.trusting_period);
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
			if let (Ok((_, verified)), Some(path)) = (&result, next_trust) {
				// Whatever age the user accepts: only within its trusting period can the set vouch
				// for the date of the next one.
				let since = age.recent(trusted.trusting_period).max(ago(trusted.trusting_period));
				let is_recent = trusted.as_of >= since;
				let as_of = if is_recent { verified.set_time().min(now()) } else { 0 };
				if !is_recent {
					eprintln!(
						"{}: undated, because the set that the proof begins with is too old to vouch for its \
						 date. Once a second source confirms the head, set its as_of to {}",
						path.display(),
						verified.set_time()
					);
				}
				write_json(&report::next_trust(verified, &trusted, as_of), Some(&path))?;
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
	let trusted: TrustedSet = serde_json::from_slice(&read(path)?).with_context(|| {
		format!("{} is not a trusted set; `understudy-verify trust` computes one", path.display())
	})?;
	ensure!(
		trusted.trusting_period <= MAX_TRUSTING_PERIOD,
		"{} is trusted for {} seconds; the maximum is {MAX_TRUSTING_PERIOD}: stake is bonded no longer",
		path.display(),
		trusted.trusting_period
	);
	ensure!(
		trusted.as_of <= now().saturating_add(AHEAD),
		"{} is dated {}, in the future: correct its as_of, in milliseconds, or this machine's clock",
		path.display(),
		words::utc(trusted.as_of)
	);
	Ok(trusted)
}

/// Parses a bundle in SCALE, or in JSON, which begins with a brace.
fn parse(bytes: &[u8]) -> Result<Bundle, Error> {
	let malformed = |fault| Error { link: Link::Format, fault };
	match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
		// Hexadecimal digits take twice the bytes.
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
