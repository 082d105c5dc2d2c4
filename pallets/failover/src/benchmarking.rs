//! Benchmarks of the call, its authorization, the hook, and appending. The number of peaks is a
//! component of the last one.

use alloc::vec;
use frame_benchmarking::v2::*;
use frame_support::{pallet_prelude::TransactionSource, traits::Authorize};
use frame_system::pallet_prelude::HeaderFor;
use sp_application_crypto::RuntimeAppPublic;
use sp_runtime::traits::{Hash, Header as _};
use understudy_primitives::{
	statement::Statement, Detectors, Evidence, Health, Initiator, Verdict, MAX_EVIDENCE,
};

use crate::{Call, *};

/// Set-up that the benchmarks need from the runtime.
pub trait BenchmarkHelper<AccountId> {
	/// Gives an account session keys, this heartbeat key among them.
	fn set_key(who: &AccountId, key: AuthorityId);
}

/// Maximum number of peaks of a log of 2^40 records.
const PEAKS: u32 = 40;

/// Returns a header of block `number`, of about this many `bytes`.
fn header<T: Config>(number: u32, bytes: u32) -> HeaderFor<T> {
	let mut header = HeaderFor::<T>::new(
		number.into(),
		T::Hash::default(),
		T::Hash::default(),
		T::Hash::default(),
		Default::default(),
	);
	let spare = (bytes as usize).saturating_sub(header.encoded_size() + 8);
	header.digest_mut().push(DigestItem::Other(vec![7; spare]));
	header
}

type Signed<T> = (PositionOf<T>, BoundedVec<u8, ConstU32<MAX_HEADER>>, AuthoritySignature);

/// Returns the most expensive position: one that contradicts the chain, with the maximum number of
/// positions awaited.
fn position<T: Config>(bytes: u32) -> Signed<T> {
	let key = AuthorityId::generate_pair(None);
	let who: T::AccountId = account("member", 0, 0);
	T::BenchmarkHelper::set_key(&who, key.clone());
	frame_system::Pallet::<T>::set_block_number(1u32.into());
	for index in 1..T::MaxAwaiting::get() {
		Pallet::<T>::expect_position(0, None, Some(account("other", index, 0)));
	}
	let incident = Pallet::<T>::open_incident();
	Pallet::<T>::append(NewRecord { incident, to: Some(who.clone()), ..new::<T>(RecordKind::Seated) });
	let header = header::<T>(2, bytes);
	let encoded = header.encode();
	let hash = T::Hashing::hash(&encoded);
	frame_system::BlockHash::<T>::insert(BlockNumberFor::<T>::from(2u32), T::Hashing::hash(b"another"));
	frame_system::Pallet::<T>::set_block_number(3u32.into());
	let position = Position { incident, who, block: 2u32.into(), hash, state_root: *header.state_root() };
	let genesis = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero());
	let signature = position.sign(&key, &genesis).expect("the key was generated");
	(position, BoundedVec::truncate_from(encoded), signature)
}

/// Returns a record with the maximum number of pieces of evidence.
fn new<T: Config>(kind: RecordKind) -> NewRecord<T::AccountId> {
	let verdict = Verdict {
		health: Health::Down,
		confidence: sp_runtime::Perbill::one(),
		detectors: Detectors::default(),
		missed_slots: 9,
		missed_windows: 9,
		unreachable_windows: 9,
		voteless_windows: 9,
	};
	let who = |index| Some(account("member", index, 0));
	NewRecord {
		incident: 0,
		kind,
		initiator: Initiator::Automation,
		subject: who(1),
		from: who(1),
		to: who(2),
		evidence: vec![Evidence::Verdict(verdict); MAX_EVIDENCE as usize],
	}
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn reconcile() -> Result<(), BenchmarkError> {
		let (position, header, signature) = position::<T>(MAX_HEADER);
		#[extrinsic_call]
		_(frame_system::RawOrigin::Authorized, position, header, signature);
		let last = Entries::<T>::get(Head::<T>::get().count.saturating_sub(1)).expect("it is recorded");
		assert_eq!(last.record.kind, RecordKind::Diverged);
		Ok(())
	}

	#[benchmark]
	fn authorize_position(h: Linear<256, MAX_HEADER>) -> Result<(), BenchmarkError> {
		let (position, header, signature) = position::<T>(h);
		let call = Call::<T>::reconcile { position, header, signature };
		#[block]
		{
			let authorized = call.authorize(TransactionSource::InBlock).expect("it authorizes itself");
			authorized.map_err(|_| "refused")?;
		}
		Ok(())
	}

	#[benchmark]
	fn checkpoint() {
		Head::<T>::put(LogHead { count: 1, ..Default::default() });
		frame_system::Pallet::<T>::set_block_number(1u32.into());
		#[block]
		{
			Pallet::<T>::checkpoint(&Head::<T>::get());
		}
	}

	#[benchmark(pov_mode = Measured)]
	fn sweep(e: Linear<0, 32>) {
		for index in 0..e.min(T::MaxAwaiting::get()) {
			Pallet::<T>::expect_position(0, None, Some(account("other", index, 0)));
		}
		let now = T::ReconcileWithin::get() + 2u32.into();
		frame_system::Pallet::<T>::set_block_number(now);
		#[block]
		{
			Pallet::<T>::expire_positions(now);
		}
		assert!(Awaiting::<T>::get().is_empty());
	}

	#[benchmark]
	fn append(p: Linear<1, PEAKS>) {
		// One less than a power of two: one peak for each bit, and the next record joins all of
		// them.
		let count = (1u64 << p) - 1;
		Peaks::<T>::put(BoundedVec::truncate_from(vec![H256::repeat_byte(1); p as usize]));
		Head::<T>::put(LogHead { count, ..Default::default() });
		let incident = Pallet::<T>::open_incident();
		let new = NewRecord { incident, ..new::<T>(RecordKind::Replaced) };
		#[block]
		{
			Pallet::<T>::append(new);
		}
		assert_eq!(Head::<T>::get().count, count + 1);
		assert_eq!(Peaks::<T>::get().len(), 1);
	}
}
