//! The watched roster, and the effect of a new roster on counters, marks and keys.

use alloc::{collections::BTreeMap, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::traits::{Get, OneSessionHandler};
use scale_info::TypeInfo;
use sp_runtime::{traits::Saturating, SaturatedConversion};
use understudy_primitives::{
	crypto::AuthorityId, Electorate, ElectorateHandler, HeartbeatKeys, MemberIndex, RosterHandler, RosterId,
	Seat,
};

use crate::{
	chunks::{self, CounterTable},
	counters::MemberCounters,
	Config, Event, MemberKeys, Members, Pallet, Window,
};

/// Id and size of the roster that the counters are kept for.
#[derive(
	Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct RosterInfo {
	/// Id of the roster; heartbeats and reports name it.
	pub id: RosterId,
	/// Number of active members, whose indices are below it.
	pub active: u32,
	/// Number of members, reserve included.
	pub total: u32,
}

impl RosterInfo {
	/// Returns `Active` or `Reserve` for the member with this index, which must be below `total`.
	pub fn seat(&self, index: MemberIndex) -> Seat {
		if index < self.active {
			Seat::Active
		} else {
			Seat::Reserve
		}
	}
}

impl<T: Config> RosterHandler<T::AccountId> for Pallet<T> {
	fn on_roster(active: &[T::AccountId], reserve: &[T::AccountId]) {
		let old = Window::<T>::get().roster;
		type Known = (Seat, MemberCounters, Option<AuthorityId>);
		let known = |(index, member): (MemberIndex, &MemberCounters)| {
			let known = (old.seat(index), *member, MemberKeys::<T>::get(index));
			Some((Members::<T>::get(index)?, known))
		};
		let mut known: BTreeMap<T::AccountId, Known> =
			CounterTable::<T>::read(&old).iter().filter_map(known).collect();

		let max = T::MaxMembers::get() as usize;
		let members: Vec<&T::AccountId> = active.iter().chain(reserve).take(max).collect();
		let new = RosterInfo {
			id: old.id.saturating_add(1),
			active: active.len().min(max) as u32,
			total: members.len() as u32,
		};
		let (grace, now) = (T::GraceWindows::get(), frame_system::Pallet::<T>::block_number());
		let carried_over = members.iter().zip(0..).map(|(who, index)| match known.remove(*who) {
			Some((was, member, key)) => (member.carried_over(was != new.seat(index), grace), key),
			None => (MemberCounters::newcomer(grace, now.saturated_into()), None),
		});
		let (evidence, keys): (_, Vec<_>) = carried_over.unzip();
		CounterTable::<T>::replace(&old, evidence);
		chunks::clear_marks::<T>(&old);

		for ((who, in_force), index) in members.iter().zip(keys).zip(0..) {
			if Members::<T>::get(index).as_ref() != Some(who) {
				Members::<T>::insert(index, who);
			}
			// The key in force stays even if the member has set another one since: a session brings
			// that one into force.
			note_key::<T>(index, in_force.or_else(|| T::Keys::key_of(who)));
		}
		for index in new.total..old.total {
			Members::<T>::remove(index);
			MemberKeys::<T>::remove(index);
		}
		// The hash of unready standbys belongs to the old roster.
		crate::Unready::<T>::kill();
		// The window starts with the next block, so that no window spans two rosters.
		let window = Window::<T>::get().index.saturating_add(1);
		Self::start_window(new, window, now.saturating_add(1u32.into()));
		Self::deposit_event(Event::RosterChanged {
			roster: new.id,
			active: new.active,
			reserve: new.total.saturating_sub(new.active),
		});
	}
}

/// Stores a member's key. Returns `true` if it differs from the stored one.
fn note_key<T: Config>(index: MemberIndex, key: Option<AuthorityId>) -> bool {
	let changed = MemberKeys::<T>::get(index) != key;
	if changed {
		MemberKeys::<T>::set(index, key);
	}
	changed
}

/// Stores the keys of the members with these indices: the key in force, if the member has one, or
/// the one that it set last. Returns `true` if any of them differs from the stored one.
fn note_keys<T: Config>(
	indices: core::ops::Range<MemberIndex>,
	in_force: &BTreeMap<&T::AccountId, AuthorityId>,
) -> bool {
	let mut changed = false;
	for index in indices {
		if let Some(who) = Members::<T>::get(index) {
			let key = in_force.get(&who).cloned().or_else(|| T::Keys::key_of(&who));
			changed |= note_key::<T>(index, key);
		}
	}
	changed
}

impl<T: Config> Electorate<T::AccountId, AuthorityId> for Pallet<T> {
	fn members() -> Vec<(T::AccountId, Option<AuthorityId>)> {
		let RosterInfo { total, .. } = Window::<T>::get().roster;
		let member = |index| Some((Members::<T>::get(index)?, MemberKeys::<T>::get(index)));
		(0..total).filter_map(member).collect()
	}

	fn ready() -> Vec<bool> {
		let roster = Window::<T>::get().roster;
		let silence = Self::quorums(&roster).silence;
		let table = CounterTable::<T>::read(&roster);
		table.iter().map(|(index, member)| index < roster.active || member.is_ready(silence)).collect()
	}
}

impl<T: Config> sp_runtime::BoundToRuntimeAppPublic for Pallet<T> {
	type Public = AuthorityId;
}

/// Makes the heartbeat key one of the chain's session keys.
///
/// A member's new key takes effect with its other session keys at the latest: in the active set
/// with the session that brings changed keys into force, in the reserve with the next session. A
/// new roster leaves the keys of its present members as they are, and takes over those of
/// newcomers. The node has to keep the old key until the new one takes effect.
impl<T: Config> OneSessionHandler<T::AccountId> for Pallet<T> {
	type Key = AuthorityId;

	fn on_genesis_session<'a, I>(_: I)
	where
		I: 'a + Iterator<Item = (&'a T::AccountId, Self::Key)>,
		T::AccountId: 'a,
	{
		// The first roster looks the keys up.
	}

	fn on_new_session<'a, I>(changed: bool, validators: I, _: I)
	where
		I: 'a + Iterator<Item = (&'a T::AccountId, Self::Key)>,
		T::AccountId: 'a,
	{
		let RosterInfo { active, total, .. } = Window::<T>::get().roster;
		let active_changed = changed && note_keys::<T>(0..active, &validators.collect());
		let reserve_changed = note_keys::<T>(active..total, &BTreeMap::new());
		if active_changed || reserve_changed {
			T::OnElectorate::on_keys();
		}
	}

	fn on_disabled(_: u32) {}
}
