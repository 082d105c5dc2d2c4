//! The session key that signs heartbeats.

use sp_core::crypto::KeyTypeId;

/// The key type of heartbeat keys in a keystore: `undy`.
pub const KEY_TYPE: KeyTypeId = KeyTypeId(*b"undy");

mod app {
	use sp_application_crypto::{app_crypto, sr25519};
	app_crypto!(sr25519, super::KEY_TYPE);
}

sp_application_crypto::with_pair! {
	/// A heartbeat key pair (sr25519).
	pub type AuthorityPair = app::Pair;
}

/// A heartbeat key's public part, a member's identity towards `pallet-heartbeat`.
pub type AuthorityId = app::Public;

/// A signature by a heartbeat key.
pub type AuthoritySignature = app::Signature;
