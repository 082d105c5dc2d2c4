//! Heartbeat key: the session key that signs heartbeats and the other statements of a member.

use sp_core::crypto::KeyTypeId;

/// Key type of heartbeat keys in a keystore: `undy`.
pub const KEY_TYPE: KeyTypeId = KeyTypeId(*b"undy");

mod app {
	use sp_application_crypto::{app_crypto, sr25519};
	app_crypto!(sr25519, super::KEY_TYPE);
}

sp_application_crypto::with_pair! {
	/// Heartbeat key pair (sr25519).
	pub type AuthorityPair = app::Pair;
}

/// Public part of a heartbeat key, which identifies a member to `pallet-heartbeat`.
pub type AuthorityId = app::Public;

/// Signature by a heartbeat key.
pub type AuthoritySignature = app::Signature;
