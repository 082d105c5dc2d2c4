//! Reconciliation: a newly seated member signs its position, the hash and the state root of a block
//! that it has seen finalized since it got the seat, and the chain compares them with its own.
//!
//! A member that is seated after the outage of another one was in reserve until then, where a
//! different state would have gone unnoticed.

use alloc::vec::Vec;
use codec::{Decode, DecodeAll, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{pallet_prelude::*, traits::Get};
use frame_system::{
	offchain::SubmitTransaction,
	pallet_prelude::{BlockNumberFor, HeaderFor},
};
use scale_info::TypeInfo;
use sp_application_crypto::RuntimeAppPublic;
use sp_runtime::{
	traits::{Hash as _, Header as _, Saturating, UniqueSaturatedInto, Zero},
	transaction_validity::TransactionValidityWithRefund,
};
use understudy_primitives::{
	crypto::{AuthorityId, AuthoritySignature},
	offchain::claim,
	statement::{admit, reject, Statement},
	DivergenceHandler, Evidence, FailoverLog, FinalHead, HeartbeatKeys, IncidentId, Initiator, NewRecord,
	RecordKind,
};

use crate::{rejection, Awaited, Awaiting, Call, Config, Pallet, MAX_HEADER};

const LOG_TARGET: &str = "understudy::failover";

/// Number of blocks by which a position may be ahead of a node that checks it for its pool.
const AHEAD: u32 = 4;

/// Position of a newly seated member, as it signs it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Position<AccountId, BlockNumber, Hash> {
	/// Incident by which the member got its seat.
	pub incident: IncidentId,
	/// The member.
	pub who: AccountId,
	/// Block that it has seen finalized, not older than its seat.
	pub block: BlockNumber,
	/// Hash of that block.
	pub hash: Hash,
	/// State root in the header of that block.
	pub state_root: Hash,
}

/// Position on a chain.
pub type PositionOf<T> =
	Position<<T as frame_system::Config>::AccountId, BlockNumberFor<T>, <T as frame_system::Config>::Hash>;

impl<AccountId: Encode, BlockNumber: Encode, Hash: Encode> Statement
	for Position<AccountId, BlockNumber, Hash>
{
	const DOMAIN: &'static [u8] = b"understudy/position/1";
}

impl<T: Config> Pallet<T> {
	fn awaited(incident: IncidentId, who: &T::AccountId) -> Option<Awaited<T::AccountId, BlockNumberFor<T>>> {
		Awaiting::<T>::get().into_iter().find(|awaited| awaited.incident == incident && awaited.who == *who)
	}

	/// Returns the chain's own hash of a block, if it still knows it.
	fn own_hash(block: BlockNumberFor<T>) -> Option<T::Hash> {
		let hash = frame_system::Pallet::<T>::block_hash(block);
		(hash != T::Hash::default()).then_some(hash)
	}

	/// Checks that a position may enter the pool or a block. The signature is checked last.
	pub(crate) fn authorize_position(
		source: TransactionSource,
		position: &PositionOf<T>,
		header: &[u8],
		signature: &AuthoritySignature,
	) -> TransactionValidityWithRefund {
		let PositionOf::<T> { incident, ref who, block, hash, state_root } = *position;
		let Some(awaited) = Self::awaited(incident, who) else { return reject(rejection::NOT_AWAITED) };
		if block < awaited.since {
			return reject(rejection::PAST_BLOCK);
		}
		let now = frame_system::Pallet::<T>::block_number();
		let ahead = if source == TransactionSource::InBlock { 0 } else { AHEAD };
		if block >= now.saturating_add(ahead.into()) {
			return reject(rejection::FUTURE_BLOCK);
		}
		if block < now && Self::own_hash(block).is_none() {
			return reject(rejection::PAST_BLOCK);
		}
		let stated = HeaderFor::<T>::decode_all(&mut &header[..]);
		let fits = |stated: HeaderFor<T>| *stated.number() == block && *stated.state_root() == state_root;
		if T::Hashing::hash(header) != hash || !stated.is_ok_and(fits) {
			return reject(rejection::BAD_HEADER);
		}
		let Some(key) = T::Keys::key_of(who) else { return reject(rejection::NO_KEY) };
		if !position.is_signed_by(&key, &Self::genesis(), signature) {
			return reject(rejection::BAD_SIGNATURE);
		}
		admit("understudy/position", &(incident, who), T::Priority::get())
	}

	/// Compares a position with the chain's own past, and records the result. Returns `None` if the
	/// position is no longer awaited.
	pub(crate) fn do_reconcile(position: PositionOf<T>) -> Option<()> {
		let PositionOf::<T> { incident, who, block, hash, state_root } = position;
		Self::awaited(incident, &who)?;
		let agrees = Self::own_hash(block)? == hash;
		Awaiting::<T>::mutate(|all| all.retain(|awaited| awaited.incident != incident || awaited.who != who));
		let state = Evidence::State {
			block: block.unique_saturated_into(),
			hash: as_h256(&hash),
			state_root: as_h256(&state_root),
		};
		let kind = if agrees { RecordKind::Reconciled } else { RecordKind::Diverged };
		Self::note(incident, kind, Initiator::Member, &who, alloc::vec![state]);
		if !agrees {
			Self::deposit_event(crate::Event::Diverged { incident, who: who.clone() });
			log::error!(target: LOG_TARGET, "{who:?} builds on another chain at block {block:?}: it loses its seat again");
			T::OnDivergence::on_divergence(incident, &who);
		}
		Some(())
	}

	fn note(
		incident: IncidentId,
		kind: RecordKind,
		by: Initiator,
		who: &T::AccountId,
		evidence: Vec<Evidence>,
	) {
		Self::append(NewRecord {
			incident,
			kind,
			initiator: by,
			subject: Some(who.clone()),
			from: None,
			to: Some(who.clone()),
			evidence,
		});
	}

	/// Awaits the position of a newly seated member, and no longer that of the member that lost the
	/// seat. If there is no room, the position that was awaited longest is given up.
	pub(crate) fn expect_position(
		incident: IncidentId,
		from: Option<&T::AccountId>,
		to: Option<T::AccountId>,
	) {
		let (mut gone, mut all): (Vec<_>, Vec<_>) =
			Awaiting::<T>::get().into_iter().partition(|awaited| Some(&awaited.who) == from);
		if let Some(who) = to {
			if all.len() >= T::MaxAwaiting::get() as usize {
				gone.push(all.remove(0));
			}
			all.push(Awaited { incident, who, since: frame_system::Pallet::<T>::block_number() });
		}
		Awaiting::<T>::put(BoundedVec::truncate_from(all));
		gone.iter().for_each(Self::give_up);
	}

	/// Gives up the positions that were not stated in time. Returns their number.
	pub(crate) fn expire_positions(now: BlockNumberFor<T>) -> u32 {
		let mut all = Awaiting::<T>::get();
		let late = |awaited: &Awaited<_, BlockNumberFor<T>>| {
			awaited.since.saturating_add(T::ReconcileWithin::get()) < now
		};
		let expired: Vec<_> = all.iter().filter(|awaited| late(awaited)).cloned().collect();
		if !expired.is_empty() {
			all.retain(|awaited| !late(awaited));
			Awaiting::<T>::put(all);
			expired.iter().for_each(Self::give_up);
		}
		expired.len() as u32
	}

	fn give_up(awaited: &Awaited<T::AccountId, BlockNumberFor<T>>) {
		let Awaited { incident, who, .. } = awaited;
		Self::note(*incident, RecordKind::Unconfirmed, Initiator::Automation, who, Vec::new());
	}

	fn genesis() -> T::Hash {
		frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero())
	}

	/// Submits the position of the local node, for each awaited member whose key the node has.
	pub(crate) fn state_positions(now: BlockNumberFor<T>) {
		let awaiting = Awaiting::<T>::get();
		if awaiting.is_empty() {
			return;
		}
		let Some(bytes) = T::FinalHead::header() else { return };
		let Ok(header) = HeaderFor::<T>::decode_all(&mut &bytes[..]) else { return };
		// A header with a long list of authorities does not fit: a later one will.
		let Ok(bytes) = BoundedVec::<u8, ConstU32<MAX_HEADER>>::try_from(bytes) else { return };
		for key in AuthorityId::all() {
			let Some(who) = T::Keys::owner_of(&key) else { continue };
			for awaited in awaiting.iter().filter(|awaited| awaited.who == who) {
				// A claim per incident: with a shared one, two incidents would overwrite each
				// other's claim in turn.
				let name = alloc::format!("position/{}", awaited.incident);
				if *header.number() < awaited.since || !claim(&name, &key, (), now) {
					continue;
				}
				let position = Position {
					incident: awaited.incident,
					who: who.clone(),
					block: *header.number(),
					hash: T::Hashing::hash(&bytes),
					state_root: *header.state_root(),
				};
				Self::submit(&key, position, bytes.clone());
			}
		}
	}

	fn submit(key: &AuthorityId, position: PositionOf<T>, header: BoundedVec<u8, ConstU32<MAX_HEADER>>) {
		let Some(signature) = position.sign(key, &Self::genesis()) else {
			log::warn!(target: LOG_TARGET, "the keystore did not sign the position of this node; are the session keys in it?");
			return;
		};
		let call = Call::reconcile { position, header, signature };
		let transaction = T::create_authorized_transaction(call.into());
		if SubmitTransaction::<T, Call<T>>::submit_transaction(transaction).is_err() {
			log::debug!(target: LOG_TARGET, "the transaction pool rejected the position of this node");
		}
	}
}

/// Converts a hash to the type of the records. Of longer hashes, takes the first 32 bytes.
fn as_h256<Hash: AsRef<[u8]>>(hash: &Hash) -> sp_core::H256 {
	let mut bytes = [0; 32];
	bytes.iter_mut().zip(hash.as_ref()).for_each(|(to, from)| *to = *from);
	sp_core::H256(bytes)
}
