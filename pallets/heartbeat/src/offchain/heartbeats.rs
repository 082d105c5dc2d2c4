//! A heartbeat for each local member that will not be seen otherwise.

use frame_support::traits::Get;
use sp_runtime::SaturatedConversion;
use understudy_primitives::{crypto::AuthorityId, MemberIndex, Seat, Slots};

use super::{claim, Scene};
use crate::{
	evidence::{self, EvidenceTable, Mark},
	statement::Heartbeat,
	Call, Config, Pallet,
};

/// Whether a member that was not seen in this window has to send a heartbeat now.
///
/// `elapsed` and `left` are the blocks of the window before and after this one. `own_slot_in(k)` says whether the slot
/// after `k` more blocks without a gap is the member's own; who will author before the window ends sends nothing, unless it
/// `missed` its last slot: then it cannot count on the next one, and says at once that it lives. The others spread over
/// the first half of the window by their index.
///
/// So from one heartbeat to the end of the next window that passes without one, a member has one and a half windows at
/// least: a heartbeat is valid for 1.5 times its period or more.
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
	pub(super) fn send_heartbeat(scene: &Scene<T>, key: &AuthorityId, index: MemberIndex) {
		let Scene { now, roster, window } = scene;
		if evidence::is_marked::<T>(Mark::Seen, index) || !Self::is_due(scene, index) {
			return;
		}
		if claim("heartbeat", key, (roster.id, window.index), *now) {
			let heartbeat = Heartbeat { roster: roster.id, window: window.index, index };
			Self::submit("heartbeat", key, heartbeat, |heartbeat, signature| Call::heartbeat {
				heartbeat,
				signature,
			});
		}
	}

	fn is_due(scene: &Scene<T>, index: MemberIndex) -> bool {
		let Scene { roster, window, .. } = scene;
		let mut table = EvidenceTable::<T>::lazy(roster);
		let Some(member) = table.load(index) else { return false };
		let missed = member.missed_slots > 0;
		if !missed && !member.asked && !Self::is_turn(roster, window, index) {
			return false;
		}
		let elapsed = scene.elapsed();
		let length: u32 = T::WindowLength::get().saturated_into();
		let left = length.saturating_sub(elapsed.saturating_add(1));
		let slot = T::Slots::current();
		due(roster.seat(index), index, missed, elapsed, left, |ahead| {
			let author =
				slot.and_then(|slot| T::Slots::author_of(slot.saturating_add(ahead.into()), roster.active));
			author == Some(index)
		})
	}
}
