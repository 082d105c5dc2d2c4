//! The runtime API by which nodes report what they see.

use codec::Codec;
use sp_consensus_slots::EquivocationProof;

sp_api::decl_runtime_apis! {
	/// Reports of authors that signed two blocks for one slot.
	pub trait AuthorEquivocationApi<AuthorityId> where AuthorityId: Codec {
		/// Submits a report to the pool, which the caller registers as an extension. The error is one
		/// of the codes in [`rejection`](crate::rejection).
		fn report_author(proof: EquivocationProof<Block::Header, AuthorityId>) -> Result<(), u8>;
	}
}
