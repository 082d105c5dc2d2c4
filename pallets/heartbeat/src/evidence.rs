//! How evidence is kept: in chunks, so that a heartbeat and a missed slot touch little and a window's end reads
//! everything in few pieces.
//!
//! Only this file touches [`Seen`] (a bit per member, [`SEEN_PER_CHUNK`] to a chunk) and [`Counters`]
//! ([`COUNTERS_PER_CHUNK`] members to a chunk).

use alloc::{collections::BTreeMap, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::marker::PhantomData;
use frame_support::{traits::ConstU32, BoundedVec};
use scale_info::TypeInfo;
use understudy_primitives::{Health, MemberIndex};

use crate::{Config, Counters, RosterInfo, Seen};

/// Members per chunk of [`Seen`].
pub const SEEN_PER_CHUNK: u32 = 1024;
/// Members per chunk of [`Counters`].
pub const COUNTERS_PER_CHUNK: u32 = 128;

/// A bit per member.
pub type SeenChunk = [u8; (SEEN_PER_CHUNK / 8) as usize];
/// Counters of up to [`COUNTERS_PER_CHUNK`] members, in index order.
pub type CounterChunk = BoundedVec<MemberEvidence, ConstU32<COUNTERS_PER_CHUNK>>;

/// What is counted of one member.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct MemberEvidence {
	/// Own slots missed in a row, saturating.
	pub missed_slots: u8,
	/// Windows in a row without a sign of life, saturating.
	pub missed_windows: u8,
	/// For how many more windows nothing is counted against it.
	pub grace: u8,
	/// Whether it was ever seen since it joined the roster.
	pub heard: bool,
	/// What the last window's end made of it; changes are told by event.
	pub health: Health,
}

impl MemberEvidence {
	/// A member that joins the roster.
	pub fn newcomer(grace: u8) -> Self {
		Self { missed_slots: 0, missed_windows: 0, grace, heard: false, health: Health::Suspect }
	}

	/// A member whose seat changed: what was heard of it stays, slots start anew, silence is forgiven for a while.
	pub fn reseated(self, grace: u8) -> Self {
		Self { missed_slots: 0, grace, ..self }
	}

	/// It missed a slot of its own. Says whether that changed anything, as the other methods do.
	pub fn miss_slot(&mut self) -> bool {
		self.change(|member| {
			if member.grace == 0 {
				member.missed_slots = member.missed_slots.saturating_add(1);
			}
		})
	}

	/// It authored a block.
	pub fn author(&mut self) -> bool {
		self.change(|member| {
			member.missed_slots = 0;
			member.missed_windows = 0;
			member.heard = true;
		})
	}

	/// A heartbeat of it got into a block: its silence, if there was any, is over.
	pub fn hear(&mut self) -> bool {
		self.change(|member| {
			member.missed_windows = 0;
			member.heard = true;
		})
	}

	/// A window ended, in which it was seen or not.
	pub fn end_window(&mut self, alive: bool) -> bool {
		self.change(|member| {
			if alive {
				member.missed_windows = 0;
				member.heard = true;
			} else if member.grace == 0 {
				member.missed_windows = member.missed_windows.saturating_add(1);
			}
			member.grace = member.grace.saturating_sub(1);
		})
	}

	fn change(&mut self, by: impl FnOnce(&mut Self)) -> bool {
		let before = *self;
		by(self);
		before != *self
	}
}

/// The counters of a roster, read as needed and written only where something changed.
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
			.map(|chunk| (chunk, (Counters::<T>::get(chunk), false)))
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
		let (chunk, dirty) = self.chunks.entry(number).or_insert_with(|| (Counters::<T>::get(number), false));
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

/// Who was seen in a window.
pub struct SeenSet(BTreeMap<u32, SeenChunk>);

impl SeenSet {
	/// Whether this member was.
	pub fn contains(&self, index: MemberIndex) -> bool {
		self.0.get(&(index / SEEN_PER_CHUNK)).is_some_and(|chunk| bit(chunk, index))
	}
}

fn place(index: MemberIndex) -> (usize, u8) {
	let within = index % SEEN_PER_CHUNK;
	((within / 8) as usize, 1 << (within % 8))
}

fn bit(chunk: &SeenChunk, index: MemberIndex) -> bool {
	let (byte, mask) = place(index);
	chunk[byte] & mask != 0
}

/// Notes that a member was seen in the running window. False where that was known. The index must be below the roster's
/// `total`.
pub fn see<T: Config>(index: MemberIndex) -> bool {
	Seen::<T>::mutate(index / SEEN_PER_CHUNK, |chunk| {
		let chunk = chunk.get_or_insert([0; (SEEN_PER_CHUNK / 8) as usize]);
		let (byte, mask) = place(index);
		let new = chunk[byte] & mask == 0;
		chunk[byte] |= mask;
		new
	})
}

/// Whether a member was seen in the running window.
pub fn is_seen<T: Config>(index: MemberIndex) -> bool {
	Seen::<T>::get(index / SEEN_PER_CHUNK).is_some_and(|chunk| bit(&chunk, index))
}

/// Who was seen in the running window, which ends with this.
pub fn take_seen<T: Config>(roster: &RosterInfo) -> SeenSet {
	SeenSet(seen_chunks(roster).filter_map(|chunk| Some((chunk, Seen::<T>::take(chunk)?))).collect())
}

/// Forgets who was seen.
pub fn clear_seen<T: Config>(roster: &RosterInfo) {
	seen_chunks(roster).for_each(Seen::<T>::remove);
}

fn seen_chunks(roster: &RosterInfo) -> core::ops::Range<u32> {
	0..roster.total.div_ceil(SEEN_PER_CHUNK)
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
	for (number, chunk) in Seen::<T>::iter() {
		for index in (number * SEEN_PER_CHUNK..).take(SEEN_PER_CHUNK as usize) {
			ensure!(!bit(&chunk, index) || index < roster.total, "somebody was seen who is no member");
		}
	}
	Ok(())
}
