//! Which heartbeats are let in: what a heartbeat says, what is signed, and the checks, from cheap to expensive.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::pallet_prelude::*;
use scale_info::TypeInfo;
use sp_application_crypto::RuntimeAppPublic;
use sp_runtime::{traits::Zero, transaction_validity::TransactionValidityWithRefund, SaturatedConversion};
use understudy_primitives::{
	crypto::{AuthorityId, AuthoritySignature},
	HeartbeatKeys, MemberIndex, RosterId, WindowIndex,
};

use crate::{
	evidence::{self, EvidenceTable, MemberEvidence},
	rejection, Config, Members, Pallet, Roster, Window,
};

/// What separates a signed heartbeat from anything else that the key could be asked to sign.
pub const DOMAIN: &[u8; 22] = b"understudy/heartbeat/1";

/// A sign of life of one member in one window.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Heartbeat {
	/// The roster that `index` is of.
	pub roster: RosterId,
	/// The window that was running when it was signed.
	pub window: WindowIndex,
	/// The member.
	pub index: MemberIndex,
}

impl Heartbeat {
	/// The bytes to sign: [`DOMAIN`], the genesis hash of the chain, and the SCALE encoding of the heartbeat.
	pub fn payload<Hash: Encode>(&self, genesis: &Hash) -> alloc::vec::Vec<u8> {
		(DOMAIN, genesis, self).encode()
	}
}

impl<T: Config> Pallet<T> {
	/// Whether a heartbeat may enter the pool, or a block.
	///
	/// In the pool, a heartbeat for the window after the running one is let in: a node that lags a block behind would
	/// else refuse, and ban, what its peers rightly send. In a block it is not.
	pub(crate) fn authorize_heartbeat(
		source: TransactionSource,
		heartbeat: &Heartbeat,
		signature: &AuthoritySignature,
	) -> TransactionValidityWithRefund {
		let reject = |code: u8| Err(InvalidTransaction::Custom(code).into());

		let roster = Roster::<T>::get();
		if heartbeat.roster != roster.id {
			return reject(rejection::STALE_ROSTER);
		}
		if heartbeat.index >= roster.total {
			return reject(rejection::NOT_A_MEMBER);
		}
		let window = Window::<T>::get().index;
		let ahead = if source == TransactionSource::InBlock { 0 } else { 1 };
		if heartbeat.window.saturating_add(1) < window {
			return reject(rejection::PAST_WINDOW);
		}
		if heartbeat.window > window.saturating_add(ahead) {
			return reject(rejection::FUTURE_WINDOW);
		}
		if heartbeat.window <= window && evidence::is_seen::<T>(heartbeat.index) {
			return reject(rejection::ALREADY_SEEN);
		}
		// A heartbeat of the window before is late, unless it was counted then: who was heard then has no silence to end.
		let mut evidence = EvidenceTable::<T>::lazy(&roster);
		let silent = |member: &MemberEvidence| member.missed_windows > 0;
		if heartbeat.window < window && !evidence.load(heartbeat.index).is_some_and(silent) {
			return reject(rejection::ALREADY_SEEN);
		}
		let Some(key) = Members::<T>::get(heartbeat.index).and_then(|who| T::Keys::key_of(&who)) else {
			return reject(rejection::NO_KEY);
		};
		if !Self::is_signed_by(&key, heartbeat, signature) {
			return reject(rejection::BAD_SIGNATURE);
		}

		ValidTransaction::with_tag_prefix("understudy/heartbeat")
			.priority(T::HeartbeatPriority::get())
			.and_provides(heartbeat)
			.longevity(T::WindowLength::get().saturated_into::<u64>().saturating_mul(2).max(1))
			.propagate(true)
			.build()
			.map(|valid| (valid, Weight::zero()))
	}

	fn is_signed_by(key: &AuthorityId, heartbeat: &Heartbeat, signature: &AuthoritySignature) -> bool {
		key.verify(&heartbeat.payload(&Self::genesis()), signature)
	}

	/// The genesis hash, which the system pallet never prunes.
	pub(crate) fn genesis() -> T::Hash {
		frame_system::Pallet::<T>::block_hash(frame_system::pallet_prelude::BlockNumberFor::<T>::zero())
	}
}
