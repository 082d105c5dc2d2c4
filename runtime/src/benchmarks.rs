//! List of benchmarks, and the configuration of im-online as their reference: that of the SDK's own
//! node.

use frame_support::{parameter_types, traits::ConstU32};
use sp_runtime::transaction_validity::TransactionPriority;
use understudy_primitives::crypto::AuthorityId;

use crate::*;
use alloc::{vec, vec::Vec};

frame_benchmarking::define_benchmarks!(
	[pallet_equivocation, Equivocation]
	[pallet_failover, Failover]
	[pallet_heartbeat, Heartbeat]
	[pallet_recovery, Recovery]
	[pallet_settings, Settings]
	[pallet_validator_rotation, ValidatorRotation]
	[pallet_validator_rotation::poa, ListedValidators]
	[pallet_im_online, ImOnline]
);

parameter_types! {
	pub const ImOnlinePriority: TransactionPriority = TransactionPriority::MAX;
}

impl pallet_im_online::Config for Runtime {
	type AuthorityId = pallet_im_online::sr25519::AuthorityId;
	type RuntimeEvent = RuntimeEvent;
	type NextSessionRotation = configs::consensus::PeriodicSessions;
	type ValidatorSet = Historical;
	type ReportUnresponsiveness = Offences;
	type UnsignedPriority = ImOnlinePriority;
	type WeightInfo = ();
	type MaxKeys = ConstU32<10_000>;
	type MaxPeerInHeartbeats = ConstU32<10_000>;
}

/// Benchmark helper: writes session keys and the slot to the storage that the benchmarked code
/// reads.
pub struct Helper;

/// Returns session keys of which only the heartbeat key is ever used.
pub fn session_keys(heartbeat: AuthorityId) -> SessionKeys {
	let raw: sp_core::sr25519::Public = heartbeat.clone().into();
	let grandpa = sp_core::ed25519::Public::from_raw(raw.into());
	SessionKeys { aura: raw.into(), grandpa: grandpa.into(), heartbeat }
}

impl pallet_heartbeat::benchmarking::BenchmarkHelper<AccountId> for Helper {
	fn set_key(who: &AccountId, heartbeat: AuthorityId) {
		pallet_session::NextKeys::<Runtime>::insert(who, session_keys(heartbeat));
	}

	fn set_slot(slot: u64) {
		pallet_aura::CurrentSlot::<Runtime>::put(sp_consensus_aura::Slot::from(slot));
	}
}

impl pallet_failover::benchmarking::BenchmarkHelper<AccountId> for Helper {
	fn set_key(who: &AccountId, key: AuthorityId) {
		<Self as pallet_heartbeat::benchmarking::BenchmarkHelper<AccountId>>::set_key(who, key)
	}
}

impl pallet_recovery::benchmarking::BenchmarkHelper<AccountId> for Helper {
	fn elect(members: u32) -> Vec<AccountId> {
		pallet_validator_rotation::benchmarking::members::<Runtime>(members)
	}
}

impl frame_support::traits::Get<parameters::RuntimeParameters> for Helper {
	fn get() -> parameters::RuntimeParameters {
		use parameters::dynamic_params::detection;
		let probes = detection::Parameters::Probes(detection::Probes, Some(99));
		parameters::RuntimeParameters::Detection(probes)
	}
}

impl pallet_validator_rotation::poa::Config for Runtime {
	type ListOrigin = frame_system::EnsureRoot<AccountId>;
	type ListWeightInfo = crate::weights::pallet_validator_rotation_poa::WeightInfo<Runtime>;
}

impl pallet_validator_rotation::benchmarking::BenchmarkHelper<AccountId> for Helper {
	fn make_able(who: &AccountId) {
		use pallet_heartbeat::{registration::Registration, Registrations};
		let bytes: [u8; 32] = who.clone().into();
		let key = AuthorityId::from(sp_core::sr25519::Public::from_raw(bytes));
		<Self as pallet_heartbeat::benchmarking::BenchmarkHelper<AccountId>>::set_key(who, key);
		let registration = Registration {
			profile: Default::default(),
			renewed: 0,
			runtime: 1,
			node: Default::default(),
			ticket: None,
		};
		Registrations::<Runtime>::insert(who, registration);
		configs::staking::LatestBackings::append((who.clone(), 1u128));
	}

	fn make_unable(who: &AccountId) {
		pallet_heartbeat::Registrations::<Runtime>::remove(who);
	}

	fn make_fail(index: u32) {
		let roster = pallet_heartbeat::Window::<Runtime>::get().roster;
		let mut table = pallet_heartbeat::chunks::CounterTable::<Runtime>::read(&roster);
		for other in 0..roster.total {
			table.update(other, |member| {
				member.grace = 0;
				member.heard = true;
				if other == index {
					member.answered = false;
					member.missed_slots = 9;
					member.missed_windows = 9;
					member.peers.windows = 9;
				}
				true
			});
		}
		table.write();
	}

	fn set_active_target(target: u32) {
		pallet_staking::MinimumValidatorCount::<Runtime>::put(target);
	}

	fn read_elsewhere(who: &AccountId) -> Vec<Vec<u8>> {
		vec![pallet_session::NextKeys::<Runtime>::hashed_key_for(who)]
	}
}
