//! Benchmarks of the call, its authorization and the hook, with the size of a proof in bytes as a
//! component. A session has the maximum number of authors.

use alloc::{boxed::Box, vec};
use frame_benchmarking::v2::*;
use frame_support::{pallet_prelude::TransactionSource, traits::Authorize};
use sp_application_crypto::RuntimeAppPublic;
use sp_consensus_aura::digests::CompatibleDigestItem;
use sp_consensus_slots::Slot;
use sp_runtime::{traits::Hash, Digest, DigestItem};

use crate::*;

type SignatureOf<T> = <<T as Config>::AuthorityId as RuntimeAppPublic>::Signature;

/// Returns a header of a slot, with slightly more than this many bytes.
fn block<T: Config>(author: &T::AuthorityId, slot: Slot, extra: u8, bytes: u32) -> HeaderFor<T> {
	let parent = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero());
	let logs = vec![
		<DigestItem as CompatibleDigestItem<SignatureOf<T>>>::aura_pre_digest(slot),
		DigestItem::Other(vec![extra; bytes as usize]),
	];
	let root = T::Hashing::hash(&[extra]);
	let mut header = HeaderFor::<T>::new(One::one(), root, root, parent, Digest { logs });
	let signature = author.sign(&header.hash().encode()).expect("the key was generated");
	header.digest_mut().push(CompatibleDigestItem::aura_seal(signature));
	header
}

/// Returns the maximum number of authors, all with this key.
fn authors<T: Config>(key: &T::AuthorityId) -> AuthorsOf<T> {
	let author = |index| (key.clone(), account("author", index, 0));
	AuthorsOf::<T>::truncate_from((0..T::MaxAuthors::get()).map(author).collect())
}

/// Stores the maximum number of sessions, each with a list of its own, as of genesis. Only the
/// lists of the first and the last session are stored.
fn sessions<T: Config>(key: &T::AuthorityId) {
	let list = authors::<T>(key);
	let span = |session: u32| Span {
		since: BlockNumberFor::<T>::zero(),
		session,
		authors: H256(blake2_256(&session.encode())),
	};
	let spans: Vec<_> = (0..MAX_SPANS).map(span).collect();
	for span in [spans.first(), spans.last()].into_iter().flatten() {
		Lists::<T>::insert(span.authors, list.clone());
	}
	Spans::<T>::put(BoundedVec::truncate_from(spans));
}

/// Returns the proof of two blocks by one author for one slot, on a chain with a known genesis.
fn equivocation<T: Config>(bytes: u32) -> ProofOf<T> {
	frame_system::BlockHash::<T>::insert(BlockNumberFor::<T>::zero(), T::Hashing::hash(b"genesis"));
	frame_system::Pallet::<T>::set_block_number(One::one());
	let offender = T::AuthorityId::generate_pair(None);
	sessions::<T>(&offender);
	let slot = Slot::from(7);
	let [first_header, second_header] =
		[1, 2].map(|extra| block::<T>(&offender, slot, extra, bytes.saturating_sub(1_024) / 2));
	EquivocationProof { offender, slot, first_header, second_header }
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn report(b: Linear<1_024, MAX_BYTES>) {
		let proof = equivocation::<T>(b);
		#[extrinsic_call]
		_(frame_system::RawOrigin::Authorized, Box::new(proof));
		assert_eq!(Reported::<T>::get().len(), 1);
	}

	#[benchmark]
	fn authorize_report(b: Linear<1_024, MAX_BYTES>) -> Result<(), BenchmarkError> {
		let call = Call::<T>::report { proof: Box::new(equivocation::<T>(b)) };
		#[block]
		{
			call.authorize(TransactionSource::InBlock)
				.ok_or("the call does not authorize itself")?
				.map_err(|_| "the report is refused")?;
		}
		Ok(())
	}

	#[benchmark]
	fn follow_session() {
		let session = T::Session::get();
		#[block]
		{
			Pallet::<T>::follow_session(9u32.into());
		}
		assert_eq!(LastSession::<T>::get(), Some(session));
	}

	#[benchmark]
	fn new_session() {
		sessions::<T>(&T::AuthorityId::generate_pair(None));
		LastSession::<T>::kill();
		#[block]
		{
			Pallet::<T>::follow_session(9u32.into());
		}
		assert_eq!(Spans::<T>::get().len() as u32, MAX_SPANS);
	}
}
