//! Example node: a solo chain's node with Understudy's client library.

mod service;

use clap::Parser;
use sc_cli::SubstrateCli;
use sc_service::ChainType;
use understudy_client::cli::SuiteArgs;
use understudy_poa_runtime::{Hash, WASM_BINARY};

/// Command line.
#[derive(Debug, Parser)]
struct Cli {
	#[command(subcommand)]
	subcommand: Option<Subcommand>,

	#[clap(flatten)]
	run: sc_cli::RunCmd,

	#[clap(flatten)]
	suite: SuiteArgs,
}

#[derive(Debug, clap::Subcommand)]
enum Subcommand {
	/// Prints a chain specification, in plain form or, with --raw, in the form that nodes exchange
	ExportChainSpec(sc_cli::ExportChainSpecCmd),
}

impl SubstrateCli for Cli {
	fn impl_name() -> String {
		"Understudy Example Node".into()
	}

	fn impl_version() -> String {
		env!("CARGO_PKG_VERSION").into()
	}

	fn description() -> String {
		"A node of the example chain, whose validators are a list that root keeps".into()
	}

	fn author() -> String {
		env!("CARGO_PKG_AUTHORS").into()
	}

	fn support_url() -> String {
		"see the README of this example".into()
	}

	fn copyright_start_year() -> i32 {
		2026
	}

	fn load_spec(&self, id: &str) -> Result<Box<dyn sc_service::ChainSpec>, String> {
		type ChainSpec = sc_service::GenericChainSpec;
		Ok(match id {
			"" | "local" => {
				let wasm = WASM_BINARY.ok_or("this node was built without a runtime (SKIP_WASM_BUILD)")?;
				let mut properties = sc_service::Properties::new();
				properties.insert("ss58Format".into(), understudy_poa_runtime::SS58_PREFIX.into());
				let spec = ChainSpec::builder(wasm, None)
					.with_name("Understudy Example")
					.with_id("understudy_poa")
					.with_chain_type(ChainType::Local)
					.with_properties(properties)
					.with_genesis_config_preset_name(sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET);
				Box::new(spec.build())
			},
			path => Box::new(ChainSpec::from_json_file(path.into())?),
		})
	}
}

fn main() -> sc_cli::Result<()> {
	let cli = Cli::parse();
	if let Some(Subcommand::ExportChainSpec(command)) = &cli.subcommand {
		return command.run(cli.load_spec(&command.chain)?);
	}
	cli.create_runner(&cli.run)?.run_node_until_exit(|mut config| async move {
		let options = cli.suite.configure(&mut config, env!("CARGO_PKG_VERSION"), false)?;
		service::new_full::<sc_network::NetworkWorker<understudy_poa_runtime::OpaqueBlock, Hash>>(
			config, options,
		)
		.map_err(sc_cli::Error::Service)
	})
}
