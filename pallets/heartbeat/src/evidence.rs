//! Collects the evidence of the detectors on one member, for the record of the action that it leads
//! to.

use alloc::vec::Vec;
use codec::Encode;
use frame_support::{traits::Get, BoundedVec};
use sp_runtime::SaturatedConversion;
use understudy_primitives::{Evidence, Judged, MemberBits, MemberIndex, Moment, Slots, WindowIndex};

use crate::{
	chunks::{CounterTable, Mark, MarkTable},
	counters::Tally,
	statement::ReportKind,
	Config, Members, Pallet, Registrations, Window, WindowInfo,
};

/// Returns the number of slots since a member's last own slot that it did not miss, if it has
/// missed `missed` of them in a row. `None` if no slot of the last round names the member as its
/// author.
pub fn slots_since(
	index: MemberIndex,
	missed: u8,
	active: u32,
	slot: u64,
	author_of: impl Fn(u64) -> Option<MemberIndex>,
) -> Option<u64> {
	let last =
		(0..u64::from(active)).find(|back| slot.checked_sub(*back).and_then(&author_of) == Some(index))?;
	Some(last.saturating_add(u64::from(missed).saturating_mul(active.into())))
}

impl<T: Config> Pallet<T> {
	/// Returns the time since the member's last sign of life, in blocks and milliseconds. Exact if
	/// it missed slots of its own, because it authored the one before them; otherwise to the
	/// precision of a window.
	pub(crate) fn silent_for(judged: &Judged) -> Moment {
		let WindowInfo { roster, started, .. } = Window::<T>::get();
		let age = |blocks: u64, slots: u64| Moment {
			block: blocks.saturated_into(),
			time: slots.saturating_mul(T::Slots::duration()),
		};
		let missed = judged.verdict.missed_slots;
		let slots = T::Slots::current().filter(|_| missed > 0).and_then(|slot| {
			slots_since(judged.index, missed, roster.active, slot, |slot| {
				T::Slots::author_of(slot, roster.active)
			})
		});
		match slots {
			// The missed slots have no blocks.
			Some(slots) => age(slots.saturating_sub(missed.into()), slots),
			None => {
				let now: u64 = frame_system::Pallet::<T>::block_number().saturated_into();
				let verdict = judged.verdict;
				let windows = [verdict.missed_windows, verdict.unreachable_windows, verdict.voteless_windows];
				let windows = windows.into_iter().max().unwrap_or_default();
				let length: u64 = T::WindowLength::get().saturated_into();
				let running = now.saturating_sub(started.saturated_into());
				let blocks = running.saturating_add(length.saturating_mul(windows.into())).min(now);
				age(blocks, blocks)
			},
		}
	}

	/// Returns the evidence, the verdict first. At most
	/// [`MAX_EVIDENCE`](understudy_primitives::MAX_EVIDENCE) items.
	pub(crate) fn pieces(judged: &Judged) -> Vec<Evidence> {
		let running = Window::<T>::get();
		let WindowInfo { index: window, roster, .. } = running;
		let index = judged.index;
		let mut pieces = alloc::vec![Evidence::Verdict(judged.verdict)];
		let Some(member) = CounterTable::<T>::lazy(&roster).load(index).copied() else { return pieces };
		let mut marks = MarkTable::<T>::default();
		if let Some(current) = T::Slots::current() {
			pieces.push(Evidence::Slots { current, missed: member.missed_slots });
		}
		pieces.push(Evidence::Signs {
			window,
			seen: marks.has(Mark::Seen, index),
			seen_before: marks.has(Mark::SeenBefore, index),
			missed: member.missed_windows,
		});
		if member.peers.windows > 0 || member.peers.reports > 0 {
			let (window, mark) = told(&member.peers, window, ReportKind::Peers);
			let assignment = Self::assignment(&running, window);
			let reporters: Vec<MemberIndex> = (0..roster.total)
				.filter(|reporter| marks.has(mark, *reporter) && assignment.is_assigned(*reporter, index))
				.collect();
			pieces.push(Evidence::Peers {
				window,
				reports: reporters.len().saturated_into(),
				reporters: BoundedVec::truncate_from(reporters),
				windows: member.peers.windows,
			});
		}
		if member.votes.windows > 0 || member.votes.reports > 0 {
			let (window, mark) = told(&member.votes, window, ReportKind::Votes);
			let members: Vec<MemberIndex> =
				(0..roster.total).filter(|reporter| marks.has(mark, *reporter)).collect();
			let mut reporters = alloc::vec![0u8; roster.total.div_ceil(8) as usize];
			for reporter in &members {
				reporters[*reporter as usize / 8] |= 1 << (reporter % 8);
			}
			pieces.push(Evidence::Votes {
				window,
				reports: members.len().saturated_into(),
				reporters: MemberBits::truncate_from(reporters),
				windows: member.votes.windows,
			});
		}
		let registration = Members::<T>::get(index).and_then(Registrations::<T>::get);
		if let Some(registration) = registration {
			pieces.push(Evidence::Node(BoundedVec::truncate_from(registration.profile.encode())));
		}
		pieces
	}
}

/// Returns the window that the reports of a tally belong to, and the mark of the members that made
/// them: the running window, or the one before if the running one has no reports yet.
fn told(tally: &Tally, running: WindowIndex, kind: ReportKind) -> (WindowIndex, Mark) {
	if tally.reports > 0 {
		(running, kind.mark())
	} else {
		(running.saturating_sub(1), kind.mark_before())
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn since(index: MemberIndex, missed: u8, slot: u64) -> Option<u64> {
		slots_since(index, missed, 4, slot, |slot| Some((slot % 4) as MemberIndex))
	}

	#[test]
	fn the_last_own_slot_that_was_not_missed_is_found() {
		// Member 1 has the slots 1, 5, 9 and 13. In slot 15 it has missed 13, and authored 9; or it
		// has missed 13 and 9, and authored 5.
		assert_eq!(since(1, 1, 15), Some(6));
		assert_eq!(since(1, 2, 15), Some(10));
		assert_eq!(since(3, 1, 15), Some(4));
		assert_eq!(since(0, 255, 16), Some(1_020));
	}

	#[test]
	fn without_slots_nothing_is_found() {
		assert_eq!(since(7, 1, 15), None);
		assert_eq!(slots_since(1, 1, 4, 15, |_| None), None);
		assert_eq!(since(3, 1, 1), None);
		assert_eq!(slots_since(0, 1, 0, 15, |_| Some(0)), None);
	}
}
