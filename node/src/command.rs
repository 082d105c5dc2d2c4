//! Execution of the node and its subcommands.

use clap::Parser;
use sc_cli::SubstrateCli;
use sc_network::config::NetworkBackendType;
use sc_service::PartialComponents;
use understudy_client::cli::index_offchain;
use understudy_runtime::{Hash, OpaqueBlock as Block};

use crate::{
	chain_spec,
	cli::{Cli, Subcommand},
	service::{self, Sample},
};

impl SubstrateCli for Cli {
	fn impl_name() -> String {
		"Understudy Node".into()
	}

	fn impl_version() -> String {
		env!("SUBSTRATE_CLI_IMPL_VERSION").into()
	}

	fn description() -> String {
		"Node of Understudy's sample chain, which replaces failing validators by itself.\n\nStart with --dev \
		 for a chain with a single validator, or with --chain local and a well-known key (--alice, --bob, \
		 ...) for one node of a network."
			.into()
	}

	fn author() -> String {
		env!("CARGO_PKG_AUTHORS").into()
	}

	fn support_url() -> String {
		"see the repository's README".into()
	}

	fn copyright_start_year() -> i32 {
		2026
	}

	fn load_spec(&self, id: &str) -> Result<Box<dyn sc_service::ChainSpec>, String> {
		Ok(match id {
			"dev" => Box::new(chain_spec::development()?),
			"" | "local" => Box::new(chain_spec::local()?),
			"seven" => Box::new(chain_spec::seven()?),
			path => Box::new(chain_spec::ChainSpec::from_json_file(std::path::PathBuf::from(path)).map_err(
				|why| {
					format!("{path} is neither 'dev', 'local' nor 'seven', nor a chain specification: {why}")
				},
			)?),
		})
	}
}

/// Parses the command line and runs the node or a subcommand.
pub fn run() -> sc_cli::Result<()> {
	let cli = Cli::parse();

	match &cli.subcommand {
		Some(Subcommand::Key(cmd)) => cmd.run(&cli),
		Some(Subcommand::ExportChainSpec(cmd)) => {
			let spec = cli.load_spec(&cmd.chain)?;
			cmd.run(spec)
		},
		Some(Subcommand::CheckBlock(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
			let PartialComponents { client, task_manager, import_queue, .. } = service::new_partial(&config)?;
			Ok((cmd.run(client, import_queue), task_manager))
		}),
		Some(Subcommand::ExportBlocks(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
			let PartialComponents { client, task_manager, .. } = service::new_partial(&config)?;
			Ok((cmd.run(client, config.database), task_manager))
		}),
		Some(Subcommand::ExportState(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
			let PartialComponents { client, task_manager, .. } = service::new_partial(&config)?;
			Ok((cmd.run(client, config.chain_spec), task_manager))
		}),
		Some(Subcommand::ImportBlocks(cmd)) => cli.create_runner(cmd)?.async_run(|mut config| {
			index_offchain(&mut config);
			let PartialComponents { client, task_manager, import_queue, .. } = service::new_partial(&config)?;
			Ok((cmd.run(client, import_queue), task_manager))
		}),
		Some(Subcommand::PurgeChain(cmd)) => {
			cli.create_runner(cmd)?.sync_run(|config| cmd.run(config.database))
		},
		Some(Subcommand::Revert(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
			let PartialComponents { client, task_manager, backend, .. } = service::new_partial(&config)?;
			let aux_revert = Box::new(|client, _, blocks| {
				sc_consensus_grandpa::revert(client, blocks)?;
				Ok(())
			});
			Ok((cmd.run(client, backend, Some(aux_revert)), task_manager))
		}),
		Some(Subcommand::TakeBackVote(cmd)) => cli.create_runner(cmd)?.async_run(|config| {
			let PartialComponents { client, backend, task_manager, .. } = service::new_partial(&config)?;
			Ok((async move { cmd.run::<Sample>(&config, &client, &backend) }, task_manager))
		}),
		Some(Subcommand::ChainInfo(cmd)) => {
			cli.create_runner(cmd)?.sync_run(|config| cmd.run::<Block>(&config))
		},
		None => cli.create_runner(&cli.run)?.run_node_until_exit(|mut config| async move {
			let options = cli.suite.configure(&mut config, env!("CARGO_PKG_VERSION"), true)?;
			match config.network.network_backend {
				NetworkBackendType::Libp2p => {
					service::new_full::<sc_network::NetworkWorker<Block, Hash>>(config, options)
				},
				NetworkBackendType::Litep2p => {
					service::new_full::<sc_network::Litep2pNetworkBackend>(config, options)
				},
			}
			.map_err(sc_cli::Error::Service)
		}),
	}
}
