//! Statements that members sign with their heartbeat key.

use alloc::vec::Vec;
use codec::Encode;
use sp_application_crypto::RuntimeAppPublic;
use sp_runtime::transaction_validity::{
	InvalidTransaction, TransactionLongevity, TransactionPriority, TransactionValidityError,
	TransactionValidityWithRefund, ValidTransaction,
};

use crate::crypto::{AuthorityId, AuthoritySignature};

/// Number of blocks for which the pool keeps a statement. A statement that has become stale is
/// dropped when the pool validates it again.
const LONGEVITY: TransactionLongevity = 64;

/// Rejects a statement with one of the stable codes of its pallet.
pub fn reject<R>(code: u8) -> Result<R, TransactionValidityError> {
	Err(InvalidTransaction::Custom(code).into())
}

/// Accepts a statement. The pool holds at most one statement with the same prefix and `provides`.
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

/// Statement that a member signs. The signed bytes are the domain, the genesis hash of the chain,
/// and the SCALE encoding of the statement.
pub trait Statement: Encode {
	/// Domain that separates it from everything else that the key signs.
	const DOMAIN: &'static [u8];

	/// Returns the bytes to sign on the chain with this genesis hash.
	fn payload<Hash: Encode>(&self, genesis: &Hash) -> Vec<u8> {
		let mut payload = Self::DOMAIN.to_vec();
		genesis.encode_to(&mut payload);
		self.encode_to(&mut payload);
		payload
	}

	/// Signs the statement with a key of the local keystore. Returns `None` if the keystore does
	/// not sign.
	fn sign<Hash: Encode>(&self, key: &AuthorityId, genesis: &Hash) -> Option<AuthoritySignature> {
		key.sign(&self.payload(genesis))
	}

	/// Returns `true` if the signature is by this key, over this statement, for this chain.
	fn is_signed_by<Hash: Encode>(
		&self,
		key: &AuthorityId,
		genesis: &Hash,
		signature: &AuthoritySignature,
	) -> bool {
		key.verify(&self.payload(genesis), signature)
	}
}
