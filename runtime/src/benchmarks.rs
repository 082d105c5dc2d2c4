//! What is benchmarked, and how im-online is configured to be measured beside it: as the SDK's own node has it.

use frame_support::{parameter_types, traits::ConstU32};
use sp_application_crypto::RuntimePublic;
use sp_runtime::transaction_validity::TransactionPriority;
use understudy_primitives::crypto::AuthorityId;

use crate::*;

frame_benchmarking::define_benchmarks!([pallet_heartbeat, Heartbeat][pallet_im_online, ImOnline]);

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

/// Writes session keys and the slot where the benchmarks' subjects read them.
pub struct Helper;

impl pallet_heartbeat::benchmarking::BenchmarkHelper<AccountId> for Helper {
	fn set_key(who: &AccountId, heartbeat: AuthorityId) {
		let raw: sp_core::sr25519::Public = heartbeat.clone().into();
		let bytes: [u8; 32] = raw.into();
		let keys = SessionKeys {
			aura: raw.into(),
			grandpa: sp_core::ed25519::Public::from_raw(bytes).into(),
			heartbeat,
		};
		pallet_session::NextKeys::<Runtime>::insert(who, keys);
	}

	fn set_slot(slot: u64) {
		pallet_aura::CurrentSlot::<Runtime>::put(sp_consensus_aura::Slot::from(slot));
	}
}
