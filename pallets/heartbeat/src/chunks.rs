//! Stores marks and liveness counters in chunks, so that a heartbeat, a report and a missed slot
//! touch little storage, and the end of a window reads everything under few keys.
//!
//! Only this file accesses [`Marks`] (some bits per member, [`MARKS_PER_CHUNK`] members to a chunk)
//! and [`Counters`] ([`COUNTERS_PER_CHUNK`] members to a chunk).

use alloc::{collections::BTreeMap, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::marker::PhantomData;
use frame_support::{traits::ConstU32, BoundedVec};
use scale_info::TypeInfo;
use understudy_primitives::MemberIndex;

use crate::{counters::MemberCounters, Config, Counters, Marks, RosterInfo};

/// Number of members per chunk of [`Marks`].
pub const MARKS_PER_CHUNK: u32 = 1024;
/// Number of members per chunk of [`Counters`].
pub const COUNTERS_PER_CHUNK: u32 = 64;

/// Returns the largest number of chunks of [`Counters`] over which this many members of a roster of
/// `total` can be spread.
pub fn chunks_of(members: u32, total: u32) -> u32 {
	members.min(total.div_ceil(COUNTERS_PER_CHUNK))
}

/// One bit per member of a chunk.
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
	/// Returns `true` if a member of the chunk has the mark.
	pub fn has(&self, mark: Mark, index: MemberIndex) -> bool {
		bit(&self.0[mark as usize], index)
	}

	/// Marks a member of the chunk. Returns `false` if it had the mark already.
	fn set(&mut self, mark: Mark, index: MemberIndex) -> bool {
		let (byte, mask) = place(index);
		let bits = &mut self.0[mark as usize];
		let new = bits[byte] & mask == 0;
		bits[byte] |= mask;
		new
	}

	/// Returns `true` if the member showed a sign of life in the running window, and has missed no
	/// slot since.
	fn lives(&self, index: MemberIndex) -> bool {
		self.has(Mark::Seen, index) && !self.has(Mark::Stale, index)
	}

	/// Turns the marks of the running window into those of the window before.
	fn turn(&mut self) {
		let empty = [0; (MARKS_PER_CHUNK / 8) as usize];
		let [seen, _, _, peers, votes, _, _] = self.0;
		self.0 = [empty, empty, seen, empty, empty, peers, votes];
	}
}

/// Counters of up to [`COUNTERS_PER_CHUNK`] members, in index order.
pub type CounterChunk = BoundedVec<MemberCounters, ConstU32<COUNTERS_PER_CHUNK>>;

/// Mark of a member in one window, kept as one bit.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Mark {
	/// The member was seen: it authored a block, or a block contains a heartbeat of it. The
	/// counters take this over when they are read the next time. A heartbeat therefore writes
	/// nothing but this mark, in a chunk that the block's author writes as well.
	Seen,
	/// The member missed a slot after it was seen, and may have failed since.
	Stale,
	/// The member was seen in the window before the running one. A late heartbeat must not count
	/// twice.
	SeenBefore,
	/// The member reported others that it could not reach.
	ReportedPeers,
	/// The member reported others whose votes it does not see.
	ReportedVotes,
	/// The member reported, for the window before the running one, others that it could not reach.
	/// A late report must not count twice.
	ReportedPeersBefore,
	/// The member reported, for the window before the running one, others whose votes it does not
	/// see.
	ReportedVotesBefore,
}

/// Counters of a roster, read on demand and written only if they changed. They include the signs of
/// life of the members that are marked as seen.
pub struct CounterTable<T> {
	total: u32,
	chunks: BTreeMap<u32, (CounterChunk, bool)>,
	_pallet: PhantomData<T>,
}

impl<T: Config> CounterTable<T> {
	/// Creates a table that reads a chunk when it is needed.
	pub fn lazy(roster: &RosterInfo) -> Self {
		Self { total: roster.total, chunks: BTreeMap::new(), _pallet: PhantomData }
	}

	/// Creates a table, and reads all chunks of the roster.
	pub fn read(roster: &RosterInfo) -> Self {
		let chunks = (0..roster.total.div_ceil(COUNTERS_PER_CHUNK))
			.map(|chunk| (chunk, up_to_date::<T>(chunk)))
			.collect();
		Self { total: roster.total, chunks, _pallet: PhantomData }
	}

	/// Returns a member's counters; `None` if the roster has no such index or its chunk was not
	/// read.
	pub fn get(&self, index: MemberIndex) -> Option<&MemberCounters> {
		let (chunk, _) = self.chunks.get(&(index / COUNTERS_PER_CHUNK))?;
		chunk.get((index % COUNTERS_PER_CHUNK) as usize)
	}

	/// Returns a member's counters, and reads them first if necessary; `None` if the roster has no
	/// such index.
	pub fn load(&mut self, index: MemberIndex) -> Option<&MemberCounters> {
		self.update(index, |_| false);
		self.get(index)
	}

	/// Iterates over all counters that were read, in index order.
	pub fn iter(&self) -> impl Iterator<Item = (MemberIndex, &MemberCounters)> {
		self.chunks.iter().flat_map(|(number, (chunk, _))| (number * COUNTERS_PER_CHUNK..).zip(chunk.iter()))
	}

	/// Changes one member's counters; `by` returns `true` if it changed them. An index beyond the
	/// roster is ignored.
	pub fn update(&mut self, index: MemberIndex, by: impl FnOnce(&mut MemberCounters) -> bool) {
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

	/// Replaces all stored counters, those of the roster `old`, by `members`.
	pub fn replace(old: &RosterInfo, members: Vec<MemberCounters>) {
		let mut written = 0;
		for chunk in members.chunks(COUNTERS_PER_CHUNK as usize) {
			Counters::<T>::insert(written, CounterChunk::truncate_from(chunk.to_vec()));
			written = written.saturating_add(1);
		}
		(written..old.total.div_ceil(COUNTERS_PER_CHUNK)).for_each(Counters::<T>::remove);
	}
}

/// Returns a chunk of counters that includes the signs of life of members marked as seen, and
/// `true` if they changed it.
fn up_to_date<T: Config>(number: u32) -> (CounterChunk, bool) {
	let mut chunk = Counters::<T>::get(number);
	let first = number.saturating_mul(COUNTERS_PER_CHUNK);
	let mut changed = false;
	let marks = Marks::<T>::get(first / MARKS_PER_CHUNK);
	for (index, member) in (first..).zip(chunk.iter_mut()) {
		changed |= marks.lives(index) && member.show_life();
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

/// Marks a member. Returns `false` if it had the mark already. The index must be below the roster's
/// `total`.
pub fn mark<T: Config>(mark: Mark, index: MemberIndex) -> bool {
	Marks::<T>::mutate(index / MARKS_PER_CHUNK, |chunk| chunk.set(mark, index))
}

/// Returns `true` if a member has the mark.
pub fn is_marked<T: Config>(mark: Mark, index: MemberIndex) -> bool {
	Marks::<T>::get(index / MARKS_PER_CHUNK).has(mark, index)
}

/// Marks those of these members as stale that were seen: the sign of life is older than the slot
/// that they missed.
pub fn outdate<T: Config>(missed: &[MemberIndex]) {
	let mut marks = MarkTable::<T>::default();
	for index in missed {
		marks.update(*index, |chunk| chunk.has(Mark::Seen, *index).then(|| chunk.set(Mark::Stale, *index)));
	}
	marks.write();
}

/// Marks of a roster; each chunk is read once, on demand.
pub struct MarkTable<T>(BTreeMap<u32, (MarkChunk, bool)>, PhantomData<T>);

impl<T> Default for MarkTable<T> {
	fn default() -> Self {
		Self(BTreeMap::new(), PhantomData)
	}
}

impl<T: Config> MarkTable<T> {
	/// Returns `true` if a member has the mark.
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

/// Turns all marks of the running window into those of the window before.
pub fn turn_marks<T: Config>(roster: &RosterInfo) {
	for number in 0..roster.total.div_ceil(MARKS_PER_CHUNK) {
		Marks::<T>::mutate(number, MarkChunk::turn);
	}
}

/// Removes all marks, those of the window before included.
pub fn clear_marks<T: Config>(roster: &RosterInfo) {
	(0..roster.total.div_ceil(MARKS_PER_CHUNK)).for_each(Marks::<T>::remove);
}

/// Checks that exactly the members have counters, that only members have marks, and that no member
/// is reported by more members than have reported.
pub fn try_state<T: Config>(roster: &RosterInfo) -> Result<(), sp_runtime::TryRuntimeError> {
	use frame_support::ensure;
	let kept: u32 = Counters::<T>::iter_values().map(|chunk| chunk.len() as u32).sum();
	ensure!(kept == roster.total, "counters for more or fewer members than the roster has");
	ensure!(
		CounterTable::<T>::read(roster).iter().map(|(index, _)| index).eq(0..roster.total),
		"the counters have a gap"
	);
	let mut reporters = 0u32;
	for (number, chunk) in Marks::<T>::iter() {
		for index in (number * MARKS_PER_CHUNK..).take(MARKS_PER_CHUNK as usize) {
			let marked = chunk.0.iter().any(|bits| bit(bits, index));
			ensure!(!marked || index < roster.total, "an account that is no member is marked");
		}
		for bits in [chunk.0[Mark::ReportedPeers as usize], chunk.0[Mark::ReportedVotes as usize]] {
			reporters = reporters.saturating_add(bits.iter().map(|byte| byte.count_ones()).sum());
		}
	}
	let table = CounterTable::<T>::read(roster);
	for (_, member) in table.iter() {
		let most = u32::from(member.peers.reports.max(member.votes.reports));
		ensure!(most <= reporters, "a member is reported by more members than reported");
	}
	Ok(())
}
