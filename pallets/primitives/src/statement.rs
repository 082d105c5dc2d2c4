//! What members sign with their heartbeat key.

use alloc::vec::Vec;
use codec::Encode;
use sp_application_crypto::RuntimeAppPublic;
use sp_runtime::transaction_validity::{
	InvalidTransaction, TransactionLongevity, TransactionPriority, TransactionValidityError,
	TransactionValidityWithRefund, ValidTransaction,
};

use crate::crypto::{AuthorityId, AuthoritySignature};

/// For so many blocks the pool keeps what members send. What is stale by then is thrown out when it is checked again.
const LONGEVITY: TransactionLongevity = 64;

/// Turns a statement away, with one of its pallet's stable codes.
pub fn reject<R>(code: u8) -> Result<R, TransactionValidityError> {
	Err(InvalidTransaction::Custom(code).into())
}

/// Lets a statement in. `provides` names, under the prefix, what there may be one of in the pool.
pub fn admit(
	prefix: &'static str,
	provides: &impl Encode,
	priority: TransactionPriority,
) -> TransactionValidityWithRefund {
	ValidTransaction::with_tag_prefix(prefix)
		.priority(priority)
		.and_provides(provides)
		.longevity(LONGEVITY)
		.propagate(true)
		.build()
		.map(|valid| (valid, Default::default()))
}

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
