//! The command line.

use sc_cli::RunCmd;

/// `understudy-node`: runs a node, or one of its subcommands.
#[derive(Debug, clap::Parser)]
pub struct Cli {
	#[command(subcommand)]
	pub subcommand: Option<Subcommand>,

	#[clap(flatten)]
	pub run: RunCmd,
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
}
