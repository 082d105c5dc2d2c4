//! Weights that depend on the number of chunks.

use codec::MaxEncodedLen;
use frame_support::{traits::Get, weights::Weight};
use sp_runtime::SaturatedConversion;

use crate::{chunks, Config, Pallet, MARK_PROOF};

impl<T: Config> Pallet<T> {
	/// Returns the additional weight of a heartbeat whose mark may be in another chunk than that of
	/// the block's author, which the block has paid for.
	pub fn other_mark() -> Weight {
		let chunks = T::MaxMembers::get().div_ceil(chunks::MARKS_PER_CHUNK);
		if chunks <= 1 {
			return Weight::zero();
		}
		let proof = (chunks::MarkChunk::max_encoded_len() as u64).saturating_add(MARK_PROOF);
		T::DbWeight::get().reads_writes(1, 1).saturating_add(Weight::from_parts(0, proof))
	}

	/// Returns the database weight of reading and writing the counters of this many members in a
	/// roster of `total`. The benchmarks count whole reads and writes per member, but many members
	/// share a chunk.
	pub fn counters(members: u32, total: u32) -> Weight {
		let chunks = chunks::chunks_of(members, total).into();
		T::DbWeight::get().reads_writes(chunks, chunks)
	}

	pub(crate) fn counters_reported(targets: usize) -> Weight {
		Self::counters(targets.saturated_into(), T::MaxMembers::get())
	}
}
