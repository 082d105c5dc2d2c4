//! Evidence that records rest on.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_core::{bounded::BoundedVec, ConstU32, H256};
use sp_runtime::Perbill;

use crate::{MemberIndex, Moment, Verdict, WindowIndex};

/// Maximum number of pieces of evidence in a record.
pub const MAX_EVIDENCE: u32 = 8;

/// Profile that an account registered for its node, as bytes.
pub type NodeBytes = BoundedVec<u8, ConstU32<96>>;

/// One bit for each member of the roster, the lowest bit first. At most 128 bytes, for 1,024
/// members.
pub type MemberBits = BoundedVec<u8, ConstU32<128>>;

/// Piece of the evidence that a record rests on. Each is a salted leaf under the record's
/// `evidence_root`, so that one piece can be shown without the others.
#[derive(
	Clone,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
pub enum Evidence {
	/// Verdict on the subject.
	Verdict(Verdict),
	/// Set after the change, if more than one seat changes: blake2-256 of its SCALE encoding.
	Set(H256),
	/// Values that a penalty was computed from.
	Penalty {
		/// Ordinal of this outage among the member's outages that are not forgiven yet.
		outages: u8,
		/// Number of members that failed at once.
		at_once: u32,
		/// Share of its stake that the member is charged.
		fraction: Perbill,
	},
	/// Beginning of the failure.
	Onset {
		/// Last sign of life of the subject, as far as the chain can tell.
		last_sign: Moment,
		/// First evidence against the subject.
		first: Moment,
	},
	/// Detector S: the subject's own slots.
	Slots {
		/// Slot of the judging block.
		current: u64,
		/// Number of own slots that the subject missed in a row, saturating.
		missed: u8,
	},
	/// Detector H: signs of life in the running window, by heartbeat or block.
	Signs {
		/// Running window.
		window: WindowIndex,
		/// `true` if there was a sign of life in it.
		seen: bool,
		/// `true` if there was a sign of life in the window before.
		seen_before: bool,
		/// Number of windows in a row without a sign of life that was due, saturating.
		missed: u8,
	},
	/// Detector P: reports of the subject's probers.
	Peers {
		/// Window of the reports.
		window: WindowIndex,
		/// Number of the subject's probers that reported some member in that window.
		reports: u16,
		/// Those probers; of a large roster, the first of them.
		reporters: BoundedVec<MemberIndex, ConstU32<16>>,
		/// Number of windows in a row in which a quorum of probers reported the subject,
		/// saturating.
		windows: u8,
	},
	/// Detector V: reports of members that see the subject take no part in consensus.
	Votes {
		/// Window of the reports.
		window: WindowIndex,
		/// Number of members that reported the missing votes or blocks of some member in that
		/// window.
		reports: u16,
		/// Those members.
		reporters: MemberBits,
		/// Number of windows in a row in which a quorum of members reported the subject,
		/// saturating.
		windows: u8,
	},
	/// Profile of the subject's node, as the subject registered it, in SCALE: health endpoint,
	/// region and operator. Private.
	Node(NodeBytes),
	/// Position of the newly seated member, as it has signed it.
	State {
		/// Block that it has seen finalized since it got the seat.
		block: u32,
		/// Hash of that block.
		hash: H256,
		/// State root in the header of that block.
		state_root: H256,
	},
	/// The chain's view of finality.
	Finality {
		/// Last block that the view has as final.
		finalized: u32,
		/// Time at which the view rose to it.
		since: Moment,
	},
	/// Votes for a recovery.
	Quorum {
		/// Number of votes.
		votes: u32,
		/// Number of members.
		members: u32,
		/// Finality base: block from which finality is to go on.
		base: u32,
	},
	/// Votes of a member for two proposals.
	DoubleVote {
		/// Numbers of the two proposals' blocks, the smaller one first.
		proposals: (u32, u32),
	},
	/// Two votes that a member has signed in one round of GRANDPA. The chain has accepted the
	/// proof.
	Equivocation {
		/// Session of the votes.
		session: u32,
		/// Id of the authority set.
		set: u64,
		/// The round.
		round: u64,
		/// blake2-256 of the proof in SCALE, a `sp_consensus_grandpa::EquivocationProof`. The proof
		/// is in the offchain index under [`equivocation_key`].
		proof: H256,
	},
	/// Two blocks that a member has signed for one slot. The chain has accepted the proof.
	AuthorEquivocation {
		/// Session of the slot.
		session: u32,
		/// The slot.
		slot: u64,
		/// blake2-256 of the proof in SCALE, a `sp_consensus_slots::EquivocationProof`. The proof
		/// is in the offchain index under [`equivocation_key`].
		proof: H256,
	},
}

/// Returns the key of an equivocation proof in the offchain index, by its hash.
pub fn equivocation_key(proof: &H256) -> Vec<u8> {
	(&b"understudy/equivocation"[..], proof).encode()
}

/// Stores an equivocation proof in the offchain index, under [`equivocation_key`]. Returns its
/// hash, for the evidence.
pub fn keep_equivocation(proof: &impl Encode) -> H256 {
	let bytes = proof.encode();
	let hash = H256(sp_io::hashing::blake2_256(&bytes));
	sp_io::offchain_index::set(&equivocation_key(&hash), &bytes);
	hash
}

impl Evidence {
	/// Returns `true` if the evidence is private: shown only as its owner permits.
	pub fn is_private(&self) -> bool {
		matches!(self, Evidence::Node(_))
	}
}
