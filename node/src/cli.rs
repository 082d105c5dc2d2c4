//! The command line.

use sc_cli::RunCmd;
use understudy_primitives::offchain::Probing;

/// Which members' registered addresses this node asks for their health.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Probe {
	/// None: the node reports nobody as unreachable
	Off,
	/// Those that are reachable from everywhere
	Public,
	/// All, private and loopback ones included: for test networks
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

/// `understudy-node`: runs a node, or one of its subcommands.
#[derive(Debug, clap::Parser)]
pub struct Cli {
	#[command(subcommand)]
	pub subcommand: Option<Subcommand>,

	#[clap(flatten)]
	pub run: RunCmd,

	/// Which members' registered addresses this node asks for their health. Others choose these addresses: with `any`,
	/// they can make the node connect to its own network.
	#[arg(long, value_enum, default_value = "public", value_name = "WHICH")]
	pub probe: Probe,

	/// Start with the state of the block that this proof leads to, and sync from there: a file as `understudy-verify fetch` writes it
	/// in SCALE. It is checked from the genesis set on, across recoveries, too. The blocks before it are not asked for.
	///
	/// Keys of former members suffice to forge such a proof: say the block that it must lead to, or that you accept it
	#[arg(long, value_name = "FILE", requires = "source")]
	pub checkpoint: Option<std::path::PathBuf>,

	/// The hash of the block that the checkpoint must lead to, from a source that you trust
	#[arg(long, value_name = "HASH", group = "source", requires = "checkpoint")]
	pub checkpoint_block: Option<understudy_runtime::Hash>,

	/// Accept a checkpoint of whatever block, on the word of the genesis set alone: of a chain that is younger than its
	/// unbonding period
	#[arg(long, group = "source", requires = "checkpoint")]
	pub checkpoint_from_genesis: bool,
}

#[derive(Debug, clap::Subcommand)]
pub enum Subcommand {
	/// Key management
	#[command(subcommand)]
	Key(sc_cli::KeySubcommand),

	/// Prints a chain specification: plain, or with --raw as nodes exchange it
	ExportChainSpec(sc_cli::ExportChainSpecCmd),

	/// Executes a block again and checks it
	CheckBlock(sc_cli::CheckBlockCmd),

	/// Writes blocks to a file
	ExportBlocks(sc_cli::ExportBlocksCmd),

	/// Writes the state at a block as a chain specification
	ExportState(sc_cli::ExportStateCmd),

	/// Reads blocks from a file
	ImportBlocks(sc_cli::ImportBlocksCmd),

	/// Removes the whole chain from this node's disk
	PurgeChain(sc_cli::PurgeChainCmd),

	/// Takes back the last blocks, as far as they are not final
	Revert(sc_cli::RevertCmd),

	/// Prints what the database knows of the chain
	ChainInfo(sc_cli::ChainInfoCmd),

	TakeBackVote(crate::take_back::TakeBackVoteCmd),
}
