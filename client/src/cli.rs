//! Command line options of the suite, to be flattened into those of a node.

use sc_cli::{Error, Result};
use sc_network::config::SyncMode;
use sc_service::Configuration;
use understudy_primitives::offchain::{NodeVersion, Probing};

use crate::{checkpoint::Checkpoint, suite::Options, Hash};

/// Registered addresses of members that a node probes.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Probe {
	/// None: the node reports no member as unreachable
	Off,
	/// Globally reachable addresses only
	Public,
	/// All addresses, including private and loopback ones: for test networks
	Any,
}

impl From<Probe> for Probing {
	fn from(probe: Probe) -> Self {
		match probe {
			Probe::Off => Probing::Off,
			Probe::Public => Probing::Public,
			Probe::Any => Probing::Any,
		}
	}
}

/// Options of the suite.
#[derive(Clone, Debug, clap::Args)]
pub struct SuiteArgs {
	/// Registered addresses of members that this node probes. Other members choose these addresses:
	/// with `any`, they can make the node connect to its own network.
	#[arg(long, value_enum, default_value = "public", value_name = "WHICH")]
	pub probe: Probe,

	/// Start from the state of the block that this proof leads to, and sync from there. FILE is a
	/// proof in SCALE as `understudy-verify fetch` writes it. It is verified from the genesis set
	/// on, across recoveries as well. The blocks before it are not requested.
	///
	/// Keys of former members suffice to forge such a proof: name the block that it must lead to
	/// (--checkpoint-block), or accept it without (--checkpoint-from-genesis)
	#[arg(long, value_name = "FILE", requires = "source")]
	pub checkpoint: Option<std::path::PathBuf>,

	/// Hash of the block that the checkpoint must lead to, from a source that you trust
	#[arg(long, value_name = "HASH", group = "source", requires = "checkpoint")]
	pub checkpoint_block: Option<Hash>,

	/// Accept a checkpoint of any block, with trust in the genesis set alone: for a chain that is
	/// younger than its unbonding period
	#[arg(long, group = "source", requires = "checkpoint")]
	pub checkpoint_from_genesis: bool,
}

impl SuiteArgs {
	/// Switches on offchain indexing, by which every node keeps the records of the log and their
	/// proofs, and sets the sync mode. Returns the options of a node of this release, in the form
	/// `MAJOR.MINOR.PATCH`: usually `env!("CARGO_PKG_VERSION")`.
	///
	/// ## Errors
	///
	/// Refuses warp sync if the chain has recovery, which warp sync cannot cross.
	pub fn configure(self, config: &mut Configuration, release: &str, has_recovery: bool) -> Result<Options> {
		index_offchain(config);
		if self.checkpoint.is_some() {
			config.network.sync_mode = SyncMode::Warp;
		} else if has_recovery && config.network.sync_mode == SyncMode::Warp {
			return Err(Error::Input(
				"--sync warp cannot cross a recovery, which forces a change of authorities: on a chain \
				 that has had one, the sync would never finish. Sync in full (--sync full), or start \
				 from a checkpoint: understudy-verify fetch --records 0 --rpc ws://ADDRESS --out FILE \
				 writes one, and --checkpoint FILE --checkpoint-block HASH starts from it"
					.into(),
			));
		}
		let mut parts = release.split(['.', '-', '+']).map(|part| part.parse().unwrap_or_default());
		let mut part = || parts.next().unwrap_or_default();
		let block = self.checkpoint_block;
		Ok(Options {
			probing: self.probe.into(),
			checkpoint: self.checkpoint.map(|path| Checkpoint { path, block }),
			version: NodeVersion { major: part(), minor: part(), patch: part() },
		})
	}
}

/// Switches on offchain indexing, also for subcommands that import blocks.
pub fn index_offchain(config: &mut Configuration) {
	config.offchain_worker.indexing_enabled = true;
}
