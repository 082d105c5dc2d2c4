//! Tests of the genesis presets: their fields and keys.

use understudy_runtime::{genesis_config_presets, RuntimeGenesisConfig};

#[test]
fn every_preset_names_known_fields_only() {
	for name in genesis_config_presets::preset_names() {
		let patch = genesis_config_presets::get_preset(&name).expect("every named preset exists");
		let patch: serde_json::Value = serde_json::from_slice(&patch).expect("a preset is JSON");
		let default = serde_json::to_value(RuntimeGenesisConfig::default()).expect("the default is JSON");
		for (pallet, fields) in patch.as_object().expect("a preset is an object") {
			for field in fields.as_object().expect("a pallet's genesis is an object").keys() {
				assert!(default[pallet].get(field).is_some(), "{pallet} has no {field}");
			}
		}
	}
	assert!(genesis_config_presets::get_preset(&"no such preset".into()).is_none());
}

#[test]
fn the_ninth_of_the_preset_seven_has_the_keys_of_her_name() {
	use sp_core::{ed25519, sr25519, Pair};
	let preset = genesis_config_presets::get_preset(&"seven".into()).expect("the preset exists");
	let preset = String::from_utf8(preset).expect("a preset is JSON");
	let account = sr25519::Pair::from_string("//Grace", None).expect("the seed is valid").public();
	let grandpa = ed25519::Pair::from_string("//Grace", None).expect("the seed is valid").public();
	use sp_core::crypto::Ss58Codec;
	assert!(preset.contains(&account.to_ss58check()) && preset.contains(&grandpa.to_ss58check()));
}
