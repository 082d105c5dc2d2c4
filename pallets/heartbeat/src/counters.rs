//! Liveness counters of one member. Pure, so that the simulator counts as the pallet does.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use understudy_primitives::{Health, MemberIndex, WindowIndex};

/// Reports of other members about one member.
#[derive(
	Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Tally {
	/// Number of members that reported it in the running window, saturating.
	pub reports: u16,
	/// Number of windows in a row in which a quorum reported it, saturating. The running window
	/// counts as soon as the quorum is reached.
	pub windows: u8,
}

impl Tally {
	/// Counts the report of one more member.
	pub fn report(&mut self, quorum: u32) {
		let before = self.has(quorum);
		self.reports = self.reports.saturating_add(1);
		if !before && self.has(quorum) {
			self.windows = self.windows.saturating_add(1);
		}
	}

	/// Returns `true` if at least `quorum` members reported it in the running window.
	pub fn has(&self, quorum: u32) -> bool {
		u32::from(self.reports) >= quorum
	}

	fn end_window(&mut self, quorum: u32) {
		if !self.has(quorum) {
			self.windows = 0;
		}
		self.reports = 0;
	}
}

/// Liveness counters of one member.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct MemberCounters {
	/// Own slots missed in a row, saturating.
	pub missed_slots: u8,
	/// Windows in a row in which a sign of life was due and did not come, saturating.
	pub missed_windows: u8,
	/// Number of further windows in which nothing is counted against the member.
	pub grace: u8,
	/// `true` if the member was seen since it joined the roster, or, if it was failing when its
	/// seat changed, since then.
	pub heard: bool,
	/// `true` if the member has to show a sign of life even out of turn: it was not heard yet,
	/// there was evidence against it before the running window, or a quorum has reported it in this
	/// one.
	pub asked: bool,
	/// `true` if a sign of life was due in the window before and has not come yet. It counts as
	/// missed when it cannot be merely late any more.
	pub overdue: bool,
	/// `true` if the member showed a sign of life after the last slot that it missed, and in the
	/// last window in which a quorum of its peers could not reach it, or if there were no such slot
	/// and window. Then P does not make it *down*.
	pub answered: bool,
	/// Reports of peers that could not reach the member.
	pub peers: Tally,
	/// Reports of members that saw it take no part in consensus.
	pub votes: Tally,
	/// Health in the last judgement; each change is an event.
	pub health: Health,
	/// Number of the block since which the health is the same, saturating.
	pub since: u32,
}

/// Numbers that evidence must reach in a roster of a certain size, so that the members that may
/// collude cannot fabricate it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quorums {
	/// Number of a member's probers whose reports make a quorum.
	pub peers: u32,
	/// Number of members, all of which see the votes, whose reports make a quorum.
	pub votes: u32,
	/// Number of windows of silence in a row that colluding authors cannot cause by keeping a
	/// member's heartbeats out.
	pub silence: u32,
	/// Number of windows of silence in a row that make an unreachable member *down* on a chain whose
	/// votes nobody sees. `None` if they are seen: then S and H are enough at their thresholds.
	pub silent: Option<u32>,
}

impl MemberCounters {
	/// Returns the counters of a member that joins the roster in block `now`.
	pub fn newcomer(grace: u8, now: u32) -> Self {
		Self {
			missed_slots: 0,
			missed_windows: 0,
			grace,
			heard: false,
			asked: true,
			overdue: false,
			answered: true,
			peers: Tally::default(),
			votes: Tally::default(),
			health: Health::Suspect,
			since: now,
		}
	}

	/// Returns the counters of a member that is in the next roster too, whose windows are new ones.
	/// If its seat changed, its silence so far still counts, missed slots and reports start from
	/// zero, and a grace period begins.
	pub fn carried_over(mut self, seat_changed: bool, grace: u8) -> Self {
		self.peers.reports = 0;
		self.votes.reports = 0;
		if seat_changed {
			// A failing member has to show a sign of life before it counts as healthy again.
			self.heard &= self.health < Health::Impaired;
			self.missed_slots = 0;
			self.peers = Tally::default();
			self.votes = Tally::default();
			self.grace = grace;
		}
		self
	}

	/// Counts a missed slot. Returns `true` if that changed the counters, as the other methods do.
	pub fn miss_slot(&mut self) -> bool {
		self.change(|member| {
			if member.grace == 0 {
				member.missed_slots = member.missed_slots.saturating_add(1);
				member.answered = false;
			}
		})
	}

	/// Counts a block that the member authored.
	pub fn author(&mut self) -> bool {
		self.change(|member| {
			member.missed_slots = 0;
			member.live();
		})
	}

	/// Counts a sign of life, which ends the member's silence if there was any.
	pub fn show_life(&mut self) -> bool {
		self.change(Self::live)
	}

	fn live(&mut self) {
		self.missed_windows = 0;
		self.heard = true;
		self.overdue = false;
		self.answered = true;
	}

	/// Counts a prober's report of a failure. `seen` is `true` if the member showed a sign of life
	/// in the running window: the failure may then be older, and does not invalidate the sign of
	/// life.
	pub fn report_unreachable(&mut self, seen: bool, quorums: &Quorums) -> bool {
		self.change(|member| {
			if member.grace == 0 {
				member.peers.report(quorums.peers);
				if member.peers.has(quorums.peers) {
					member.asked = true;
					member.answered &= seen;
				}
			}
		})
	}

	/// Counts a member's report that this one takes no part in consensus.
	pub fn report_voteless(&mut self, quorums: &Quorums) -> bool {
		self.change(|member| {
			if member.grace == 0 {
				member.votes.report(quorums.votes);
				member.asked |= member.votes.has(quorums.votes);
			}
		})
	}

	/// Ends a window. `alive` is `true` if the member was seen in it, and `due` if it was the
	/// member's turn to show a sign of life. Silence is counted when a late sign of life has had
	/// time to come, or at once if the member's peers cannot reach it either.
	pub fn end_window(&mut self, alive: bool, due: bool, quorums: &Quorums) -> bool {
		self.change(|member| {
			member.count_overdue();
			if alive {
				member.missed_windows = 0;
				member.heard = true;
			}
			let silent = !alive && (due || member.asked) && member.grace == 0;
			// A sign of life is not merely late if a quorum could not reach the member in this
			// window, and the member has not shown one since.
			let gone = silent && member.peers.has(quorums.peers) && !member.answered;
			member.overdue = silent && !gone;
			member.missed_windows = member.missed_windows.saturating_add(gone.into());
			member.grace = member.grace.saturating_sub(1);
			member.peers.end_window(quorums.peers);
			member.votes.end_window(quorums.votes);
			member.asked = !member.heard
				|| member.overdue
				|| member.missed_slots > 0
				|| member.missed_windows > 0
				|| member.peers.windows > 0
				|| member.votes.windows > 0;
		})
	}

	/// Returns `true` if a standby is ready: it was heard, and has not been silent for `silence`
	/// windows, a number that no run of colluding authors can cause.
	pub fn is_ready(&self, silence: u32) -> bool {
		self.heard && u32::from(self.missed_windows) < silence
	}

	/// Returns `true` if anything is counted against the member, or may be soon. For other members,
	/// a sign of life changes nothing.
	pub fn is_troubled(&self) -> bool {
		let counted = self.missed_slots > 0 || self.missed_windows > 0 || self.overdue;
		counted || !self.heard || !self.answered || self.peers.windows > 0 || self.votes.windows > 0
	}

	/// Counts an overdue sign of life as missed, once a late one has had time to come. A member
	/// that relied on a slot of its own and lost it has more time: it is included only with
	/// `authors_too`.
	pub fn overdue_ends(&mut self, authors_too: bool) -> bool {
		self.change(|member| {
			if authors_too || member.missed_slots == 0 {
				member.count_overdue();
			}
		})
	}

	fn count_overdue(&mut self) {
		if core::mem::take(&mut self.overdue) {
			self.missed_windows = self.missed_windows.saturating_add(1);
		}
	}

	fn change(&mut self, by: impl FnOnce(&mut Self)) -> bool {
		let before = *self;
		by(self);
		before != *self
	}
}

/// Returns `true` if it is a member's turn in this window to show a sign of life, without evidence
/// against it. All members have their turn within ⌈total / quota⌉ windows, at most `quota` of them
/// in the same one, so that the cost of heartbeats in a chain without failures does not grow with
/// the roster.
pub fn is_turn(index: MemberIndex, window: WindowIndex, total: u32, quota: u32) -> bool {
	let stride = total.div_ceil(quota.max(1)).max(1);
	index % stride == window % stride
}
