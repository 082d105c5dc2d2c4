//! Sends a heartbeat for each local member that would not be seen otherwise.

use frame_support::traits::Get;
use sp_runtime::SaturatedConversion;
use understudy_primitives::{crypto::AuthorityId, MemberIndex, Seat, Slots};

use super::{claim, Context};
use crate::{
	chunks::{self, CounterTable, Mark},
	statement::Heartbeat,
	Call, Config, Pallet,
};

/// Returns `true` if a member that was not seen in this window has to send a heartbeat now.
///
/// `elapsed` and `left` are the numbers of blocks of the window before and after this one.
/// `own_slot_in(k)` returns `true` if the slot after `k` more blocks without a gap is the member's
/// own. A member that will author before the window ends sends nothing, unless it `missed` its last
/// slot: then it cannot rely on the next one, and sends at once. The others are spread over the
/// first half of the window by their index.
///
/// A member therefore has at least one and a half windows from one heartbeat to the end of the next
/// window that passes without one: a heartbeat is valid for at least 1.5 times its period.
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
	pub(super) fn send_heartbeat(context: &Context<T>, key: &AuthorityId, index: MemberIndex) {
		let Context { now, roster, window } = context;
		if chunks::is_marked::<T>(Mark::Seen, index) || !Self::is_due(context, index) {
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

	fn is_due(context: &Context<T>, index: MemberIndex) -> bool {
		let Context { roster, window, .. } = context;
		let mut table = CounterTable::<T>::lazy(roster);
		let Some(member) = table.load(index) else { return false };
		let missed = member.missed_slots > 0;
		if !missed && !member.asked && !Self::is_turn(roster, window, index) {
			return false;
		}
		let elapsed = context.elapsed();
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
