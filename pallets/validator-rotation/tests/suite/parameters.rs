//! Parameters of all chains of the suite.

use frame_support::parameter_types;
use pallet_validator_rotation::{lifecycle::Durations, penalty::Curve, BreakerRules};
use sp_runtime::Perbill;

parameter_types! {
	pub const MaxMembers: u32 = 100;
	pub static ActiveTarget: u32 = 4;
	pub const Floor: u32 = 4;
	pub const CoolOff: u64 = 20;
	pub const AutomationThreshold: Perbill = Perbill::from_percent(80);
	pub const Times: Durations<u64> = Durations { jail: 20, probation: 3, forgiveness: 10_000 };
	pub const Penalties: Curve = Curve { step: Perbill::zero(), cap: Perbill::zero() };
	pub const Breaker: BreakerRules<u64> =
		BreakerRules { period: 1_000, evictions: 24, unnecessary: Perbill::from_percent(25), reprieve: 4 };
	pub const CaseLifetime: u64 = 200;
}

/// Charges no account: there is no stake.
pub struct Nobody;

impl sp_runtime::traits::Convert<u64, Option<u64>> for Nobody {
	fn convert(_: u64) -> Option<u64> {
		None
	}
}
