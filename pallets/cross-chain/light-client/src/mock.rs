//! Mock of a chain with nothing but the light client.

use frame_support::{derive_impl, parameter_types, traits::ConstU32};
use frame_system::EnsureRoot;
use sp_runtime::BuildStorage;

use crate as pallet_light_client;

#[frame_support::runtime]
mod runtime {
	#[runtime::runtime]
	#[runtime::derive(RuntimeCall, RuntimeEvent, RuntimeError, RuntimeOrigin, RuntimeTask)]
	pub struct Runtime;

	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type LightClient = pallet_light_client;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Runtime {
	type Block = frame_system::mocking::MockBlock<Runtime>;
}

parameter_types! {
	/// Time of this chain. Heads of the remote chain are some minutes younger at most.
	pub static Now: u64 = 1_000_000;
	pub static MaxClients: u32 = 2;
}

impl pallet_light_client::Config for Runtime {
	type ClientOrigin = EnsureRoot<u64>;
	type Now = Now;
	type MaxClients = MaxClients;
	type MaxAuthorities = ConstU32<8>;
	type MaxProof = ConstU32<65_536>;
	type KeepHeads = ConstU32<3>;
	type FreeInterval = ConstU32<5>;
	type WeightInfo = ();
}

/// Runs a test on a new chain, and checks the invariants after it.
pub fn run(test: impl FnOnce()) {
	let storage = RuntimeGenesisConfig::default().build_storage().expect("the genesis can be built");
	sp_io::TestExternalities::from(storage).execute_with(|| {
		System::set_block_number(1);
		test();
		LightClient::do_try_state().expect("the invariants hold");
	});
}
