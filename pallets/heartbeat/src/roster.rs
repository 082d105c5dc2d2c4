//! The roster that is watched, and what a new one does to the evidence.

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
	evidence::{self, EvidenceTable, MemberEvidence},
	Config, Event, MemberKeys, Members, Pallet, Window,
};

/// The roster as the evidence is kept for it.
#[derive(
	Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct RosterInfo {
	/// Its id; what members sign names it.
	pub id: RosterId,
	/// How many members are active: the indices below it.
	pub active: u32,
	/// How many members there are, reserve included.
	pub total: u32,
}

impl RosterInfo {
	/// Where the member of this index sits; the index must be below `total`.
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
		type Known = (Seat, MemberEvidence, Option<AuthorityId>);
		let known = |(index, member): (MemberIndex, &MemberEvidence)| {
			let known = (old.seat(index), *member, MemberKeys::<T>::get(index));
			Some((Members::<T>::get(index)?, known))
		};
		let mut known: BTreeMap<T::AccountId, Known> =
			EvidenceTable::<T>::read(&old).iter().filter_map(known).collect();

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
			None => (MemberEvidence::newcomer(grace, now.saturated_into()), None),
		});
		let (evidence, keys): (_, Vec<_>) = carried_over.unzip();
		EvidenceTable::<T>::replace(&old, evidence);
		evidence::clear_marks::<T>(&old);

		for ((who, in_force), index) in members.iter().zip(keys).zip(0..) {
			if Members::<T>::get(index).as_ref() != Some(who) {
				Members::<T>::insert(index, who);
			}
			// The key in force stays, whatever the member has set since: the session says when
			// another one counts.
			note_key::<T>(index, in_force.or_else(|| T::Keys::key_of(who)));
		}
		for index in new.total..old.total {
			Members::<T>::remove(index);
			MemberKeys::<T>::remove(index);
		}
		// Readiness was told of another roster.
		crate::Unready::<T>::kill();
		// With the next block, so that no window spans two rosters.
		let window = Window::<T>::get().index.saturating_add(1);
		Self::start_window(new, window, now.saturating_add(1u32.into()));
		Self::deposit_event(Event::RosterChanged {
			roster: new.id,
			active: new.active,
			reserve: new.total.saturating_sub(new.active),
		});
	}
}

/// Takes over a member's key. Returns whether it is another one.
fn note_key<T: Config>(index: MemberIndex, key: Option<AuthorityId>) -> bool {
	let changed = MemberKeys::<T>::get(index) != key;
	if changed {
		MemberKeys::<T>::set(index, key);
	}
	changed
}

/// Takes over the keys of the members of these indices: the one in force, if the member has one, or the one that it set last.
/// Returns whether any is another one.
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
		let silence = Self::bars(&roster).silence;
		let table = EvidenceTable::<T>::read(&roster);
		table.iter().map(|(index, member)| index < roster.active || member.is_ready(silence)).collect()
	}
}

impl<T: Config> sp_runtime::BoundToRuntimeAppPublic for Pallet<T> {
	type Public = AuthorityId;
}

/// Makes the heartbeat key one of the chain's session keys. A member's new key counts when its other keys do at the latest:
/// for the active set with the session that puts changed keys to use, for the reserve with the next one, for everybody
/// with a new roster. Until then the old one does, which its node therefore has to keep as long.
impl<T: Config> OneSessionHandler<T::AccountId> for Pallet<T> {
	type Key = AuthorityId;

	fn on_genesis_session<'a, I>(_: I)
	where
		I: 'a + Iterator<Item = (&'a T::AccountId, Self::Key)>,
		T::AccountId: 'a,
	{
		// The first roster finds the keys.
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
