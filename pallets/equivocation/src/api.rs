//! Runtime API by which nodes report equivocations.

use codec::Codec;
use sp_consensus_slots::EquivocationProof;

sp_api::decl_runtime_apis! {
	/// Reports of authors that signed two blocks for one slot.
	pub trait AuthorEquivocationApi<AuthorityId> where AuthorityId: Codec {
		/// Submits a report to the pool, which the caller registers as an extension. The error is a
		/// code of [`rejection`](crate::rejection).
		fn report_author(proof: EquivocationProof<Block::Header, AuthorityId>) -> Result<(), u8>;
	}
}
