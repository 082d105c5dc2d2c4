//! A chain with nothing but the log.

use frame_support::{derive_impl, parameter_types};
use sp_runtime::BuildStorage;

use crate as pallet_failover;

#[frame_support::runtime]
mod runtime {
	#[runtime::runtime]
	#[runtime::derive(
		RuntimeCall,
		RuntimeEvent,
		RuntimeError,
		RuntimeOrigin,
		RuntimeTask,
		RuntimeViewFunction
	)]
	pub struct Runtime;

	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type Failover = pallet_failover;
}

type Block = frame_system::mocking::MockBlock<Runtime>;

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Runtime {
	type Block = Block;
}

parameter_types! {
	pub static Session: u32 = 5;
	pub static KeepLast: u32 = 4;
}

impl pallet_failover::Config for Runtime {
	type Session = Session;
	type KeepLast = KeepLast;
}

/// Runs a test at block 1 of a fresh chain, and checks the log's invariants after it.
pub fn build_and_execute(test: impl FnOnce()) {
	let storage = frame_system::GenesisConfig::<Runtime>::default().build_storage();
	let mut ext: sp_io::TestExternalities = storage.expect("the default genesis is valid").into();
	ext.execute_with(|| {
		System::set_block_number(1);
		test();
		Failover::do_try_state().expect("the log's invariants hold");
	});
}
