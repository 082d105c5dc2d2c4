//! How evidence is kept: in chunks, so that a heartbeat, a report and a missed slot touch little and a window's end reads
//! everything in few pieces.
//!
//! Only this file touches [`Marks`] (some bits per member, [`MARKS_PER_CHUNK`] to a chunk) and [`Counters`]
//! ([`COUNTERS_PER_CHUNK`] members to a chunk).

use alloc::{collections::BTreeMap, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::marker::PhantomData;
use frame_support::{traits::ConstU32, BoundedVec};
use scale_info::TypeInfo;
use understudy_primitives::{Health, MemberIndex, WindowIndex};

use crate::{Config, Counters, Marks, RosterInfo};

/// Members per chunk of [`Marks`].
pub const MARKS_PER_CHUNK: u32 = 1024;
/// Members per chunk of [`Counters`].
pub const COUNTERS_PER_CHUNK: u32 = 64;

/// How many chunks of [`Counters`] so many members of a roster of `total` are in, at most.
pub fn chunks_of(members: u32, total: u32) -> u32 {
	members.min(total.div_ceil(COUNTERS_PER_CHUNK))
}

/// A bit per member.
pub type Bits = [u8; (MARKS_PER_CHUNK / 8) as usize];

/// All marks of up to [`MARKS_PER_CHUNK`] members, in the order of [`Mark`].
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct MarkChunk([Bits; 7]);

impl Default for MarkChunk {
	fn default() -> Self {
		Self([[0; (MARKS_PER_CHUNK / 8) as usize]; 7])
	}
}

impl MarkChunk {
	/// Whether a member of the chunk is marked.
	pub fn has(&self, mark: Mark, index: MemberIndex) -> bool {
		bit(&self.0[mark as usize], index)
	}

	/// Marks a member of the chunk. False where it was marked already.
	fn set(&mut self, mark: Mark, index: MemberIndex) -> bool {
		let (byte, mask) = place(index);
		let bits = &mut self.0[mark as usize];
		let new = bits[byte] & mask == 0;
		bits[byte] |= mask;
		new
	}

	/// Whether it showed a sign of life in the running window, and missed no slot since.
	fn lives(&self, index: MemberIndex) -> bool {
		self.has(Mark::Seen, index) && !self.has(Mark::Stale, index)
	}

	/// Ends the running window.
	fn turn(&mut self) {
		let empty = [0; (MARKS_PER_CHUNK / 8) as usize];
		let [seen, _, _, peers, votes, _, _] = self.0;
		self.0 = [empty, empty, seen, empty, empty, peers, votes];
	}
}
/// Counters of up to [`COUNTERS_PER_CHUNK`] members, in index order.
pub type CounterChunk = BoundedVec<MemberEvidence, ConstU32<COUNTERS_PER_CHUNK>>;

/// What members did in the running window, a bit for each.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Mark {
	/// It was seen: it authored a block, or a heartbeat of it is in one. The counters learn of it when they are read the next
	/// time; so a heartbeat writes nothing but this, which the block's author writes as well.
	Seen,
	/// It missed a slot after it was seen: it may be gone since.
	Stale,
	/// It was seen in the window before the running one. A late heartbeat must not count twice.
	SeenBefore,
	/// It reported whom it could not reach.
	ReportedPeers,
	/// It reported whose votes it does not see.
	ReportedVotes,
	/// It reported, for the window before the running one, whom it could not reach. A late report must not count twice.
	ReportedPeersBefore,
	/// The same, whose votes it does not see.
	ReportedVotesBefore,
}

/// What others reported of one member.
#[derive(
	Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Tally {
	/// How many members reported it in the running window, saturating.
	pub reports: u16,
	/// In how many windows in a row a quorum did, saturating; the running one counts as soon as it has.
	pub windows: u8,
}

impl Tally {
	/// One more member reports it.
	pub fn report(&mut self, quorum: u32) {
		let before = self.has(quorum);
		self.reports = self.reports.saturating_add(1);
		if !before && self.has(quorum) {
			self.windows = self.windows.saturating_add(1);
		}
	}

	/// Whether so many reported it in the running window.
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

/// What is counted of one member.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct MemberEvidence {
	/// Own slots missed in a row, saturating.
	pub missed_slots: u8,
	/// Windows in a row in which a sign of life was due and did not come, saturating.
	pub missed_windows: u8,
	/// For how many more windows nothing is counted against it.
	pub grace: u8,
	/// Whether it was ever seen since it joined the roster.
	pub heard: bool,
	/// Whether something spoke against it before the running window, or a quorum of reports does in this one, so that it
	/// has to show a sign of life whether it is its turn or not.
	pub asked: bool,
	/// Whether a sign of life was due in the window before and has not come yet. It counts as missed when it cannot be merely
	/// late any more.
	pub overdue: bool,
	/// Whether it showed a sign of life after the last slot that it missed, and in the last window in which a quorum of its
	/// peers could not reach it, or there were none: then it is not gone, whatever these say.
	pub answered: bool,
	/// The peers that could not reach it.
	pub peers: Tally,
	/// The members that see no votes of it.
	pub votes: Tally,
	/// What the last judgement made of it; changes are told by event.
	pub health: Health,
	/// The block since which it is so, saturating.
	pub since: u32,
}

/// What evidence must reach in a roster of a certain size, so that those who may collude cannot make it up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bars {
	/// So many of the peers that probe a member are a quorum.
	pub peers: u32,
	/// So many of all members, who all see the votes, are a quorum.
	pub votes: u32,
	/// So many windows of silence in a row cannot come from colluding authors that keep a member's heartbeats out.
	pub silence: u32,
}

impl MemberEvidence {
	/// A member that joins the roster in block `now`.
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

	/// A member that is in the next roster too, whose windows are others. Where its seat changed, what was heard of it
	/// stays, slots and reports start anew, and silence is forgiven for a while.
	pub fn carried_over(mut self, seat_changed: bool, grace: u8) -> Self {
		self.peers.reports = 0;
		self.votes.reports = 0;
		if seat_changed {
			// Who fails has to show that it lives before it counts as healthy again.
			self.heard &= self.health < Health::Impaired;
			self.missed_slots = 0;
			self.peers = Tally::default();
			self.votes = Tally::default();
			self.grace = grace;
		}
		self
	}

	/// It missed a slot of its own. Says whether that changed anything, as the other methods do.
	pub fn miss_slot(&mut self) -> bool {
		self.change(|member| {
			if member.grace == 0 {
				member.missed_slots = member.missed_slots.saturating_add(1);
				member.answered = false;
			}
		})
	}

	/// It authored a block.
	pub fn author(&mut self) -> bool {
		self.change(|member| {
			member.missed_slots = 0;
			member.live();
		})
	}

	/// It showed a sign of life: its silence, if there was any, is over.
	pub fn hear(&mut self) -> bool {
		self.change(Self::live)
	}

	fn live(&mut self) {
		self.missed_windows = 0;
		self.heard = true;
		self.overdue = false;
		self.answered = true;
	}

	/// A member that probes it reports a failure. `seen` says whether it showed a sign of life in the running window: then the
	/// failure may be older than that, and does not take anything back.
	pub fn report_unreachable(&mut self, seen: bool, bars: &Bars) -> bool {
		self.change(|member| {
			if member.grace == 0 {
				member.peers.report(bars.peers);
				if member.peers.has(bars.peers) {
					member.asked = true;
					member.answered &= seen;
				}
			}
		})
	}

	/// A member reports that it sees no votes of it.
	pub fn report_voteless(&mut self, bars: &Bars) -> bool {
		self.change(|member| {
			if member.grace == 0 {
				member.votes.report(bars.votes);
				member.asked |= member.votes.has(bars.votes);
			}
		})
	}

	/// A window ended, in which it was seen or not; `due` says whether it was its turn to show a
	/// sign of life. Its silence counts when a late sign of life had its time to come, or at once
	/// where its peers cannot reach it either.
	pub fn end_window(&mut self, alive: bool, due: bool, bars: &Bars) -> bool {
		self.change(|member| {
			member.count_overdue();
			if alive {
				member.missed_windows = 0;
				member.heard = true;
			}
			let silent = !alive && (due || member.asked) && member.grace == 0;
			// A sign of life is not merely late where a quorum could not reach the member in this
			// window, and it has not answered that.
			let gone = silent && member.peers.has(bars.peers) && !member.answered;
			member.overdue = silent && !gone;
			member.missed_windows = member.missed_windows.saturating_add(gone.into());
			member.grace = member.grace.saturating_sub(1);
			member.peers.end_window(bars.peers);
			member.votes.end_window(bars.votes);
			member.asked = !member.heard
				|| member.overdue
				|| member.missed_slots > 0
				|| member.missed_windows > 0
				|| member.peers.windows > 0
				|| member.votes.windows > 0;
		})
	}

	/// Returns whether a standby has shown lately that it is ready: it was heard since it is one,
	/// and was not silent for as many windows as no run of colluding authors can make up.
	pub fn is_ready(&self, silence: u32) -> bool {
		self.heard && u32::from(self.missed_windows) < silence
	}

	/// Whether something is counted against it, or might be soon. For others, a sign of life changes nothing.
	pub fn is_troubled(&self) -> bool {
		let counted = self.missed_slots > 0 || self.missed_windows > 0 || self.overdue;
		counted || !self.heard || !self.answered || self.peers.windows > 0 || self.votes.windows > 0
	}

	/// What was late had its time to come: what is overdue is missed. Who counted on a slot of its own and lost it has longer,
	/// and is meant with `authors_too` only.
	pub fn settle(&mut self, authors_too: bool) -> bool {
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

/// Whether it is a member's turn, in this window, to show a sign of life with nothing against it. All members have their
/// turn within ⌈total / quota⌉ windows, and at most `quota` of them in the same one, so that what a quiet chain pays for
/// heartbeats does not grow with its roster.
pub fn is_turn(index: MemberIndex, window: WindowIndex, total: u32, quota: u32) -> bool {
	let stride = total.div_ceil(quota.max(1)).max(1);
	index % stride == window % stride
}

/// The counters of a roster, read as needed and written only where something changed. What is marked as seen is in them.
pub struct EvidenceTable<T> {
	total: u32,
	chunks: BTreeMap<u32, (CounterChunk, bool)>,
	_pallet: PhantomData<T>,
}

impl<T: Config> EvidenceTable<T> {
	/// Reads chunks when they are asked for.
	pub fn lazy(roster: &RosterInfo) -> Self {
		Self { total: roster.total, chunks: BTreeMap::new(), _pallet: PhantomData }
	}

	/// Reads everything.
	pub fn read(roster: &RosterInfo) -> Self {
		let chunks = (0..roster.total.div_ceil(COUNTERS_PER_CHUNK))
			.map(|chunk| (chunk, up_to_date::<T>(chunk)))
			.collect();
		Self { total: roster.total, chunks, _pallet: PhantomData }
	}

	/// A member's evidence; `None` where the roster has no such index or its chunk was not read.
	pub fn get(&self, index: MemberIndex) -> Option<&MemberEvidence> {
		let (chunk, _) = self.chunks.get(&(index / COUNTERS_PER_CHUNK))?;
		chunk.get((index % COUNTERS_PER_CHUNK) as usize)
	}

	/// A member's evidence, read if it was not; `None` where the roster has no such index.
	pub fn load(&mut self, index: MemberIndex) -> Option<&MemberEvidence> {
		self.update(index, |_| false);
		self.get(index)
	}

	/// All that was read, in index order.
	pub fn iter(&self) -> impl Iterator<Item = (MemberIndex, &MemberEvidence)> {
		self.chunks.iter().flat_map(|(number, (chunk, _))| (number * COUNTERS_PER_CHUNK..).zip(chunk.iter()))
	}

	/// Changes one member's evidence; `by` says whether it did. An index beyond the roster is ignored.
	pub fn update(&mut self, index: MemberIndex, by: impl FnOnce(&mut MemberEvidence) -> bool) {
		if index >= self.total {
			return;
		}
		let number = index / COUNTERS_PER_CHUNK;
		let (chunk, dirty) = self.chunks.entry(number).or_insert_with(|| up_to_date::<T>(number));
		if let Some(member) = chunk.get_mut((index % COUNTERS_PER_CHUNK) as usize) {
			*dirty |= by(member);
		}
	}

	/// Writes the chunks that changed.
	pub fn write(self) {
		for (number, (chunk, dirty)) in self.chunks {
			if dirty {
				Counters::<T>::insert(number, chunk);
			}
		}
	}

	/// Replaces all evidence of the roster `old` by `members`.
	pub fn replace(old: &RosterInfo, members: Vec<MemberEvidence>) {
		let mut written = 0;
		for chunk in members.chunks(COUNTERS_PER_CHUNK as usize) {
			Counters::<T>::insert(written, CounterChunk::truncate_from(chunk.to_vec()));
			written = written.saturating_add(1);
		}
		(written..old.total.div_ceil(COUNTERS_PER_CHUNK)).for_each(Counters::<T>::remove);
	}
}

/// A chunk of counters with all that is marked as seen, and whether that changed it.
fn up_to_date<T: Config>(number: u32) -> (CounterChunk, bool) {
	let mut chunk = Counters::<T>::get(number);
	let first = number.saturating_mul(COUNTERS_PER_CHUNK);
	let mut changed = false;
	let marks = Marks::<T>::get(first / MARKS_PER_CHUNK);
	for (index, member) in (first..).zip(chunk.iter_mut()) {
		changed |= marks.lives(index) && member.hear();
	}
	(chunk, changed)
}

fn place(index: MemberIndex) -> (usize, u8) {
	let within = index % MARKS_PER_CHUNK;
	((within / 8) as usize, 1 << (within % 8))
}

fn bit(chunk: &Bits, index: MemberIndex) -> bool {
	let (byte, mask) = place(index);
	chunk[byte] & mask != 0
}

/// Marks a member for the running window. False where it was marked already. The index must be below the roster's
/// `total`.
pub fn mark<T: Config>(mark: Mark, index: MemberIndex) -> bool {
	Marks::<T>::mutate(index / MARKS_PER_CHUNK, |chunk| chunk.set(mark, index))
}

/// Whether a member is marked in the running window.
pub fn is_marked<T: Config>(mark: Mark, index: MemberIndex) -> bool {
	Marks::<T>::get(index / MARKS_PER_CHUNK).has(mark, index)
}

/// Notes that these members missed a slot: what they were seen for is older than that.
pub fn outdate<T: Config>(missed: &[MemberIndex]) {
	let mut marks = MarkTable::<T>::default();
	for index in missed {
		marks.update(*index, |chunk| chunk.has(Mark::Seen, *index).then(|| chunk.set(Mark::Stale, *index)));
	}
	marks.write();
}

/// The marks of a roster, read as needed and once.
pub struct MarkTable<T>(BTreeMap<u32, (MarkChunk, bool)>, PhantomData<T>);

impl<T> Default for MarkTable<T> {
	fn default() -> Self {
		Self(BTreeMap::new(), PhantomData)
	}
}

impl<T: Config> MarkTable<T> {
	/// Whether a member is marked.
	pub fn has(&mut self, mark: Mark, index: MemberIndex) -> bool {
		let number = index / MARKS_PER_CHUNK;
		self.0.entry(number).or_insert_with(|| (Marks::<T>::get(number), false)).0.has(mark, index)
	}

	fn update(&mut self, index: MemberIndex, by: impl FnOnce(&mut MarkChunk) -> Option<bool>) {
		let number = index / MARKS_PER_CHUNK;
		let (chunk, dirty) = self.0.entry(number).or_insert_with(|| (Marks::<T>::get(number), false));
		*dirty |= by(chunk) == Some(true);
	}

	fn write(self) {
		for (number, (chunk, dirty)) in self.0 {
			if dirty {
				Marks::<T>::insert(number, chunk);
			}
		}
	}
}

/// Ends the running window's marks.
pub fn turn_marks<T: Config>(roster: &RosterInfo) {
	for number in 0..roster.total.div_ceil(MARKS_PER_CHUNK) {
		Marks::<T>::mutate(number, MarkChunk::turn);
	}
}

/// Forgets all marks, those of the window before included.
pub fn clear_marks<T: Config>(roster: &RosterInfo) {
	(0..roster.total.div_ceil(MARKS_PER_CHUNK)).for_each(Marks::<T>::remove);
}

/// Checks that there is evidence of each member, and of nobody else.
pub fn try_state<T: Config>(roster: &RosterInfo) -> Result<(), sp_runtime::TryRuntimeError> {
	use frame_support::ensure;
	let kept: u32 = Counters::<T>::iter_values().map(|chunk| chunk.len() as u32).sum();
	ensure!(kept == roster.total, "evidence of more or fewer than the members");
	ensure!(
		EvidenceTable::<T>::read(roster).iter().map(|(index, _)| index).eq(0..roster.total),
		"evidence has a gap"
	);
	let mut reporters = 0u32;
	for (number, chunk) in Marks::<T>::iter() {
		for index in (number * MARKS_PER_CHUNK..).take(MARKS_PER_CHUNK as usize) {
			let marked = chunk.0.iter().any(|bits| bit(bits, index));
			ensure!(!marked || index < roster.total, "somebody is marked who is no member");
		}
		for bits in [chunk.0[Mark::ReportedPeers as usize], chunk.0[Mark::ReportedVotes as usize]] {
			reporters = reporters.saturating_add(bits.iter().map(|byte| byte.count_ones()).sum());
		}
	}
	let table = EvidenceTable::<T>::read(roster);
	for (_, member) in table.iter() {
		let most = u32::from(member.peers.reports.max(member.votes.reports));
		ensure!(most <= reporters, "a member is reported by more than reported");
	}
	Ok(())
}
