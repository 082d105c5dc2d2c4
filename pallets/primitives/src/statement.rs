//! What members sign with their heartbeat key.

use alloc::vec::Vec;
use codec::Encode;
use sp_application_crypto::RuntimeAppPublic;

use crate::crypto::{AuthorityId, AuthoritySignature};

/// Something that a member signs. The bytes are the domain, the genesis hash of the chain, and the SCALE encoding.
pub trait Statement: Encode {
	/// What separates it from anything else that the key could be asked to sign.
	const DOMAIN: &'static [u8];

	/// The bytes to sign, on the chain with this genesis hash.
	fn payload<Hash: Encode>(&self, genesis: &Hash) -> Vec<u8> {
		let mut payload = Self::DOMAIN.to_vec();
		genesis.encode_to(&mut payload);
		self.encode_to(&mut payload);
		payload
	}

	/// Signs it with a key of the local keystore.
	fn sign<Hash: Encode>(&self, key: &AuthorityId, genesis: &Hash) -> Option<AuthoritySignature> {
		key.sign(&self.payload(genesis))
	}

	/// Whether the signature is by this key, for this chain and content.
	fn is_signed_by<Hash: Encode>(
		&self,
		key: &AuthorityId,
		genesis: &Hash,
		signature: &AuthoritySignature,
	) -> bool {
		key.verify(&self.payload(genesis), signature)
	}
}
