//! The offchain worker: sends a heartbeat for each local member that will not be seen otherwise.

use codec::{Decode, Encode};
use frame_support::traits::Get;
use frame_system::{offchain::SubmitTransaction, pallet_prelude::BlockNumberFor};
use sp_application_crypto::RuntimeAppPublic;
use sp_runtime::{
	offchain::storage::{MutateStorageError, StorageRetrievalError, StorageValueRef},
	traits::Saturating,
	SaturatedConversion,
};
use understudy_primitives::{
	crypto::AuthorityId, HeartbeatKeys, MemberIndex, RosterId, Seat, Slots, WindowIndex,
};

use crate::{
	evidence::{self, EvidenceTable},
	Call, Config, Heartbeat, Members, Pallet, Roster, RosterInfo, Window, WindowInfo,
};

const LOG_TARGET: &str = "understudy::heartbeat";

/// After so many blocks a heartbeat that did not make it into one is sent again.
const RESEND_AFTER: u32 = 2;

/// When a heartbeat was sent last, kept in the node's offchain storage.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
struct Sent<BlockNumber> {
	roster: RosterId,
	window: WindowIndex,
	at: BlockNumber,
}

/// Whether a member that was not seen in this window has to send a heartbeat now.
///
/// `elapsed` and `left` are the blocks of the window before and after this one. `own_slot_in(k)` says whether the slot
/// after `k` more blocks without a gap is the member's own; who will author before the window ends sends nothing, unless it
/// `missed` its last slot: then it cannot count on the next one, and says at once that it lives. The others spread over
/// the first half of the window by their index.
pub fn due(
	seat: Seat,
	index: MemberIndex,
	missed: bool,
	elapsed: u32,
	left: u32,
	own_slot_in: impl Fn(u32) -> bool,
) -> bool {
	let spread = (elapsed.saturating_add(left).saturating_add(1) / 2).max(1);
	let will_author = seat == Seat::Active && (1..=left).any(own_slot_in);
	missed || (!will_author && elapsed >= index % spread)
}

impl<T: Config> Pallet<T> {
	/// Sends what is due for the members whose keys are in the local keystore.
	pub(crate) fn send_heartbeats(now: BlockNumberFor<T>) {
		let roster = Roster::<T>::get();
		let window = Window::<T>::get();
		for key in AuthorityId::all() {
			let Some(index) = T::Keys::owner_of(&key).and_then(|who| Self::index_of(&roster, &who)) else {
				continue;
			};
			if !evidence::is_seen::<T>(index) && Self::is_due(&roster, &window, index, now) {
				match Self::send_heartbeat(&key, &roster, &window, index, now) {
					Ok(true) => log::debug!(
						target: LOG_TARGET,
						"heartbeat sent for member {index} in window {}", window.index
					),
					Ok(false) => (),
					Err(why) => log::debug!(target: LOG_TARGET, "no heartbeat for member {index}: {why}"),
				}
			}
		}
	}

	fn index_of(roster: &RosterInfo, who: &T::AccountId) -> Option<MemberIndex> {
		(0..roster.total).find(|index| Members::<T>::get(index).as_ref() == Some(who))
	}

	fn is_due(
		roster: &RosterInfo,
		window: &WindowInfo<BlockNumberFor<T>>,
		index: MemberIndex,
		now: BlockNumberFor<T>,
	) -> bool {
		let elapsed: u32 = now.saturating_sub(window.started).saturated_into();
		let length: u32 = T::WindowLength::get().saturated_into();
		let left = length.saturating_sub(elapsed.saturating_add(1));
		let slot = T::Slots::current();
		let mut evidence = EvidenceTable::<T>::lazy(roster);
		let missed = evidence.load(index).is_some_and(|member| member.missed_slots > 0);
		due(roster.seat(index), index, missed, elapsed, left, |ahead| {
			let author =
				slot.and_then(|slot| T::Slots::author_of(slot.saturating_add(ahead.into()), roster.active));
			author == Some(index)
		})
	}

	/// Signs and submits, unless that was done for this window and may still be on its way. Says whether it did.
	fn send_heartbeat(
		key: &AuthorityId,
		roster: &RosterInfo,
		window: &WindowInfo<BlockNumberFor<T>>,
		index: MemberIndex,
		now: BlockNumberFor<T>,
	) -> Result<bool, &'static str> {
		let storage_key = (b"understudy/heartbeat/sent/", key).encode();
		let mut storage = StorageValueRef::persistent(&storage_key);
		let sent = Sent { roster: roster.id, window: window.index, at: now };
		// The lock also keeps two workers, of two blocks at the same height, from sending twice.
		let locked = storage.mutate(
			|last: Result<Option<Sent<BlockNumberFor<T>>>, StorageRetrievalError>| match last {
				Ok(Some(last))
					if last.roster == sent.roster
						&& last.window == sent.window
						&& now < last.at.saturating_add(RESEND_AFTER.into()) =>
				{
					Err(())
				},
				_ => Ok(sent),
			},
		);
		match locked {
			Ok(_) => (),
			Err(MutateStorageError::ValueFunctionFailed(())) => return Ok(false),
			Err(MutateStorageError::ConcurrentModification(_)) => return Ok(false),
		}

		let heartbeat = Heartbeat { roster: roster.id, window: window.index, index };
		let submitted = key
			.sign(&heartbeat.payload(&Self::genesis()))
			.ok_or("the keystore did not sign; are the session keys in it?")
			.and_then(|signature| {
				let call = Call::<T>::heartbeat { heartbeat, signature };
				let transaction = T::create_authorized_transaction(call.into());
				SubmitTransaction::<T, Call<T>>::submit_transaction(transaction)
					.map_err(|()| "the transaction pool refused it")
			});
		if submitted.is_err() {
			storage.clear();
		}
		submitted.map(|()| true)
	}
}
