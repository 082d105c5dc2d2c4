//! Specifications of the chains that the node knows by name.

use sc_service::{ChainType, Properties};
use understudy_runtime::WASM_BINARY;

/// A chain specification without extensions.
pub type ChainSpec = sc_service::GenericChainSpec;

fn spec(name: &str, id: &str, chain_type: ChainType, preset: &str) -> Result<ChainSpec, String> {
	let wasm = WASM_BINARY.ok_or(
		"this node was built without a runtime (SKIP_WASM_BUILD); rebuild it without that variable, or pass \
		 a chain specification file",
	)?;
	let mut properties = Properties::new();
	properties.insert("tokenSymbol".into(), "UNDY".into());
	properties.insert("tokenDecimals".into(), 12.into());
	properties.insert("ss58Format".into(), understudy_runtime::constants::SS58_PREFIX.into());
	properties.insert("trustingPeriod".into(), understudy_runtime::constants::TRUSTING_PERIOD.into());
	Ok(ChainSpec::builder(wasm, None)
		.with_name(name)
		.with_id(id)
		.with_protocol_id("undy")
		.with_chain_type(chain_type)
		.with_genesis_config_preset_name(preset)
		.with_properties(properties)
		.build())
}

/// Returns the specification of a development chain with one validator.
pub fn development() -> Result<ChainSpec, String> {
	spec(
		"Understudy Development",
		"understudy_dev",
		ChainType::Development,
		sp_genesis_builder::DEV_RUNTIME_PRESET,
	)
}

/// Returns the specification of a local network: four validators and two standbys with well-known
/// keys.
pub fn local() -> Result<ChainSpec, String> {
	spec(
		"Understudy Local",
		"understudy_local",
		ChainType::Local,
		sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET,
	)
}

/// Returns the specification of a local network: seven validators and two standbys with well-known
/// keys.
pub fn seven() -> Result<ChainSpec, String> {
	spec(
		"Understudy Seven",
		"understudy_seven",
		ChainType::Local,
		understudy_runtime::genesis_config_presets::SEVEN_RUNTIME_PRESET,
	)
}
