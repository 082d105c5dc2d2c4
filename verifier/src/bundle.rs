//! What a proof is made of.

use alloc::{boxed::Box, vec::Vec};
use codec::{Decode, DecodeAll, Encode};
use serde::{Deserialize, Serialize};
use sp_core::{H256, H512};
use sp_runtime::{traits::BlakeTwo256, AccountId32};
use understudy_primitives::{
	mmr::{self, Ancestry, Salt},
	BlockId, Entry, Evidence, Incident, IncidentId, LogHead, Record,
};

use crate::{Error, Fault, Link};

/// The account of a member.
pub type AccountId = AccountId32;
/// A block's header.
pub type Header = sp_runtime::generic::Header<u32, BlakeTwo256>;

/// The version of the format.
pub const VERSION: u8 = 3;

/// The most bytes of a bundle that are looked at: some three thousand hand-offs of ten validators, or a hundred of a thousand.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;

/// A header, and the justification of its block. Both in SCALE, as the chain's nodes keep them.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Justified {
	/// The header.
	#[serde(with = "sp_core::bytes")]
	pub header: Vec<u8>,
	/// The justification.
	#[serde(with = "sp_core::bytes")]
	pub justification: Vec<u8>,
}

/// A header, and nodes of the trie of its block's state.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proven {
	/// The header.
	#[serde(with = "sp_core::bytes")]
	pub header: Vec<u8>,
	/// The nodes that lead to what is proven of the state, and no others.
	#[serde(with = "nodes")]
	pub state: Vec<Vec<u8>>,
}

/// A member's vote for a recovery.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cast {
	/// The member.
	pub who: AccountId,
	/// The last block that its node had seen finalized.
	pub base: BlockId<H256>,
	/// Its signature by its heartbeat key in force, sr25519.
	pub signature: H512,
}

/// How a set that had lost more than a third of its votes was followed by another one.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForcedChange {
	/// A block that was final before: its state has the members, and the keys with which they sign.
	pub anchor: Proven,
	/// The justification of that block by the set that lost its votes. Empty for the block that the link before this one, or genesis,
	/// shows to be final.
	#[serde(with = "sp_core::bytes")]
	pub anchor_justification: Vec<u8>,
	/// The block that the members voted for: its state has the set to be seated, its GRANDPA keys,
	/// and the stall.
	pub proposal: Proven,
	/// Those keys, in the order of the seats, ed25519.
	pub authorities: Vec<H256>,
	/// The votes for the proposal.
	pub votes: Vec<Cast>,
	/// A block that the new set justifies: its state says that the change was forced for this proposal.
	pub enacted: Proven,
	/// The justification of that block.
	#[serde(with = "sp_core::bytes")]
	pub enacted_justification: Vec<u8>,
}

/// How an authority set handed over to the next one.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, Serialize, Deserialize)]
pub enum HandOff {
	/// It finalized the block whose header announces the next set.
	Scheduled(Justified),
	/// It could finalize nothing any more, and the members of the roster seated the next set.
	Forced(Box<ForcedChange>),
}

/// An incident as the state has it. Without it a bundle says nothing of whether there are other records of it.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvenIncident {
	/// Its id.
	pub id: IncidentId,
	/// What became of it.
	pub incident: Incident<AccountId>,
}

/// A piece of evidence that is shown.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShownPiece {
	/// Its place among the record's pieces.
	pub piece: u8,
	/// What hid it.
	pub salt: Salt,
	/// The piece.
	pub evidence: Evidence,
}

/// A record, and what is shown of its evidence.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
	/// The record.
	pub record: Record<AccountId, u32>,
	/// How many pieces of evidence it has; 0 where none is shown.
	pub pieces: u8,
	/// Those that are shown, in their order.
	pub shown: Vec<ShownPiece>,
	/// What leads from them to the record's `evidence_root`.
	pub path: Vec<H256>,
}

impl Shown {
	/// Shows those pieces of an entry's evidence that `discloses` says.
	pub fn new(entry: Entry<AccountId, u32>, discloses: impl Fn(&Evidence) -> bool) -> Self {
		let Entry { record, evidence, salt } = entry;
		let shown: Vec<ShownPiece> = (0..)
			.zip(&evidence)
			.filter(|(_, evidence)| discloses(evidence))
			.map(|(piece, evidence): (u8, _)| ShownPiece {
				piece,
				salt: mmr::salt_of(&salt, piece),
				evidence: evidence.clone(),
			})
			.collect();
		let places: Vec<u64> = shown.iter().map(|piece| piece.piece.into()).collect();
		let path = mmr::prove_evidence(&salt, &evidence, &places).unwrap_or_default();
		let pieces = if shown.is_empty() { 0 } else { evidence.len() as u8 };
		Self { record, pieces, shown, path }
	}
}

/// A proof of some records, or of an incident with all of its records.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
	/// [`VERSION`].
	pub version: u8,
	/// The hash of the chain's first block.
	pub genesis: H256,
	/// The set that justifies the first hand-off, or the head where there are none.
	pub first_set: u64,
	/// How each set until the head's handed over to the next one, oldest first.
	pub hand_offs: Vec<HandOff>,
	/// The finalized block whose state is proven.
	pub head: Justified,
	/// The nodes of the state's trie that lead to what is proven of it.
	#[serde(with = "nodes")]
	pub state: Vec<Vec<u8>>,
	/// When that block was authored, in milliseconds since the Unix epoch.
	pub time: u64,
	/// The log as of that block.
	pub log: LogHead,
	/// How the log of a checkpoint became this one, if that is to be shown.
	pub ancestry: Option<Ancestry>,
	/// The incident whose records are shown, if it is one.
	pub incident: Option<ProvenIncident>,
	/// What leads from the records to the log's root.
	pub path: Vec<H256>,
	/// The records, oldest first.
	pub records: Vec<Shown>,
}

impl Bundle {
	/// Reads a bundle in SCALE.
	pub fn from_scale(bytes: &[u8]) -> Result<Self, Error> {
		let malformed = || Error { link: Link::Format, fault: Fault::Malformed };
		if bytes.len() > MAX_BYTES {
			return Err(Error { link: Link::Format, fault: Fault::TooLarge });
		}
		match bytes.first() {
			Some(&VERSION) => Self::decode_all(&mut &bytes[..]).map_err(|_| malformed()),
			Some(_) => Err(Error { link: Link::Format, fault: Fault::UnknownVersion }),
			None => Err(malformed()),
		}
	}

	/// The bytes that prove the records, beside the hand-offs between sets and the head's finality: their path and themselves.
	pub fn own_bytes(&self) -> usize {
		(&self.path, &self.records, &self.incident).encoded_size()
	}
}

/// Lists of bytes as lists of hexadecimal strings.
mod nodes {
	use super::*;
	use serde::{Deserializer, Serializer};

	#[derive(Serialize, Deserialize)]
	struct Node(#[serde(with = "sp_core::bytes")] Vec<u8>);

	pub fn serialize<S: Serializer>(nodes: &[Vec<u8>], serializer: S) -> Result<S::Ok, S::Error> {
		serializer.collect_seq(nodes.iter().map(|node| Node(node.clone())))
	}

	pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<u8>>, D::Error> {
		Ok(Vec::<Node>::deserialize(deserializer)?.into_iter().map(|node| node.0).collect())
	}
}
