//! Check of two blocks that one author has signed for one slot, without the chain.

use codec::Encode;
use sp_application_crypto::RuntimeAppPublic;
use sp_consensus_aura::digests::CompatibleDigestItem;
use sp_consensus_slots::{EquivocationProof, Slot};
use sp_runtime::{traits::Header, DigestItem};

/// Returns the slot of a header, if the header states exactly one.
fn slot<H: Header, Id: RuntimeAppPublic>(header: &H) -> Option<Slot> {
	let slot = |item: &DigestItem| CompatibleDigestItem::<Id::Signature>::as_aura_pre_digest(item);
	let mut slots = header.digest().logs().iter().filter_map(slot);
	let first = slots.next()?;
	slots.next().is_none().then_some(first)
}

/// Returns the hash of a header without its seal, which is the hash that the author signs.
pub fn pre_hash<H: Header>(header: &H) -> H::Hash {
	let mut header = header.clone();
	header.digest_mut().pop();
	header.hash()
}

/// Returns the hashes that the author has signed, if the headers are two blocks of the proof's
/// slot.
pub fn pre_hashes<H: Header, Id: RuntimeAppPublic>(proof: &EquivocationProof<H, Id>) -> Option<[H::Hash; 2]> {
	let headers = [&proof.first_header, &proof.second_header];
	if headers.iter().any(|header| slot::<H, Id>(header) != Some(proof.slot)) {
		return None;
	}
	// Signatures of one hash differ: two seals do not make two blocks.
	let [first, second] = headers.map(pre_hash);
	(first != second).then_some([first, second])
}

/// Returns `true` if both blocks are sealed by the author.
pub fn are_sealed<H: Header, Id: RuntimeAppPublic>(
	proof: &EquivocationProof<H, Id>,
	hashes: [H::Hash; 2],
) -> bool {
	[&proof.first_header, &proof.second_header].into_iter().zip(hashes).all(|(header, hash)| {
		let seal =
			header.digest().logs().last().and_then(CompatibleDigestItem::<Id::Signature>::as_aura_seal);
		seal.is_some_and(|seal| proof.offender.verify(&hash.encode(), &seal))
	})
}
