//! Command-line interface.

use sc_cli::RunCmd;
use understudy_client::{cli::SuiteArgs, take_back_vote::TakeBackVoteCmd};

/// Node of Understudy's sample chain: runs a node, or one of the subcommands.
#[derive(Debug, clap::Parser)]
pub struct Cli {
	#[command(subcommand)]
	pub subcommand: Option<Subcommand>,

	#[clap(flatten)]
	pub run: RunCmd,

	#[clap(flatten)]
	pub suite: SuiteArgs,
}

#[derive(Debug, clap::Subcommand)]
pub enum Subcommand {
	/// Key management
	#[command(subcommand)]
	Key(sc_cli::KeySubcommand),

	/// Prints a chain specification, in plain form or, with --raw, in the form that nodes exchange
	ExportChainSpec(sc_cli::ExportChainSpecCmd),

	/// Executes a block again and validates it
	CheckBlock(sc_cli::CheckBlockCmd),

	/// Writes blocks to a file
	ExportBlocks(sc_cli::ExportBlocksCmd),

	/// Writes the state at a block as a chain specification
	ExportState(sc_cli::ExportStateCmd),

	/// Imports blocks from a file
	ImportBlocks(sc_cli::ImportBlocksCmd),

	/// Removes the chain's database from this node's disk
	PurgeChain(sc_cli::PurgeChainCmd),

	/// Reverts the last blocks, as far as they are not final
	Revert(sc_cli::RevertCmd),

	/// Prints the information on the chain in the database
	ChainInfo(sc_cli::ChainInfoCmd),

	TakeBackVote(TakeBackVoteCmd),
}
