//! Bundle: the parts of a proof, and their encodings.

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

/// Account of a member.
pub type AccountId = AccountId32;
/// Header of a block.
pub type Header = sp_runtime::generic::Header<u32, BlakeTwo256>;

/// Version of the format.
pub const VERSION: u8 = 4;

/// Maximum size of a bundle, in bytes: some three thousand hand-offs of ten validators, or a
/// hundred of a thousand.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;

/// Header, and the justification of its block. Both in SCALE, as the chain's nodes store them.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Justified {
	/// Header of the block.
	#[serde(with = "sp_core::bytes")]
	pub header: Vec<u8>,
	/// Justification of the block.
	#[serde(with = "sp_core::bytes")]
	pub justification: Vec<u8>,
}

/// Header, and nodes of the trie of its block's state.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proven {
	/// Header of the block.
	#[serde(with = "sp_core::bytes")]
	pub header: Vec<u8>,
	/// Trie nodes that lead to the proven values, and no others.
	#[serde(with = "nodes")]
	pub state: Vec<Vec<u8>>,
}

/// Vote of a member for a recovery.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cast {
	/// The member.
	pub who: AccountId,
	/// Last block that the member's node had seen finalized.
	pub base: BlockId<H256>,
	/// Signature by the member's heartbeat key in force, sr25519.
	pub signature: H512,
}

/// Forced change from an authority set that had lost more than a third of its votes to the next
/// one.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForcedChange {
	/// Block that was final before: its state has the members, and the keys with which they sign.
	pub anchor: Proven,
	/// Justification of that block by the set that lost its votes. Empty if the link before this
	/// one, or genesis, shows that the block is final.
	#[serde(with = "sp_core::bytes")]
	pub anchor_justification: Vec<u8>,
	/// Block that the members voted for: its state has the set to be seated, its GRANDPA keys, and
	/// the stall.
	pub proposal: Proven,
	/// Those keys, in the order of the seats, ed25519.
	pub authorities: Vec<H256>,
	/// Votes for the proposal.
	pub votes: Vec<Cast>,
	/// Block that the new set justifies: its state shows that the change was forced for this
	/// proposal.
	pub enacted: Proven,
	/// Justification of that block.
	#[serde(with = "sp_core::bytes")]
	pub enacted_justification: Vec<u8>,
}

/// Hand-off from one authority set to the next.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, Serialize, Deserialize)]
pub enum HandOff {
	/// The set finalized the block whose header announces the next set.
	Scheduled(Justified),
	/// The set could no longer finalize anything, and the members of the roster seated the next
	/// set.
	Forced(Box<ForcedChange>),
}

/// Incident, as the state has it. A bundle without one does not show that an incident has no
/// further records.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvenIncident {
	/// Id of the incident.
	pub id: IncidentId,
	/// State of the incident.
	pub incident: Incident<AccountId>,
}

/// Piece of evidence that the bundle discloses.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShownPiece {
	/// Index among the pieces of the record.
	pub piece: u8,
	/// Salt of the piece.
	pub salt: Salt,
	/// Content of the piece.
	pub evidence: Evidence,
}

/// Record, and the disclosed part of its evidence.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
	/// The record.
	pub record: Record<AccountId, u32>,
	/// Number of pieces of evidence of the record; 0 if none is shown.
	pub pieces: u8,
	/// Pieces that are shown, in their order.
	pub shown: Vec<ShownPiece>,
	/// Proof that leads from them to the record's `evidence_root`.
	pub path: Vec<H256>,
}

impl Shown {
	/// Shows an entry, with the pieces of its evidence for which `discloses` returns `true`.
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

/// Inclusion of a parachain's block by its relay chain.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inclusion {
	/// Id of the parachain.
	pub para_id: u32,
	/// Trie nodes that lead from the relay chain's state root to its genesis hash and to the
	/// parachain's head.
	#[serde(with = "nodes")]
	pub state: Vec<Vec<u8>>,
}

/// Proof of some records, or of an incident with all of its records.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
	/// Version of the format, [`VERSION`].
	pub version: u8,
	/// Hash of the first block of the log's chain.
	pub genesis: H256,
	/// Id of the set that justifies the first hand-off, or the head if there are no hand-offs.
	pub first_set: u64,
	/// Hand-offs from set to set, up to the set of the head, oldest first.
	pub hand_offs: Vec<HandOff>,
	/// Finalized block. Its state is proven, or, for the log of a parachain, the inclusion of the
	/// block whose state is proven.
	pub head: Justified,
	/// Inclusion of the parachain's block; `None` for a chain with a finality of its own.
	pub inclusion: Option<Inclusion>,
	/// Trie nodes that lead from the state root to the proven values.
	#[serde(with = "nodes")]
	pub state: Vec<Vec<u8>>,
	/// Time at which the block with this state was authored, in milliseconds since the Unix epoch.
	pub time: u64,
	/// Head of the log as of that block.
	pub log: LogHead,
	/// Proof that this log continues that of a checkpoint, if that is to be shown.
	pub ancestry: Option<Ancestry>,
	/// Incident whose records are shown, if the proof is of one.
	pub incident: Option<ProvenIncident>,
	/// Proof that leads from the records to the root of the log.
	pub path: Vec<H256>,
	/// Records, oldest first.
	pub records: Vec<Shown>,
}

impl Bundle {
	/// Decodes a bundle in SCALE.
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

	/// Returns the size, in bytes, of the part that proves the records beside the custody: the
	/// path, the records and the incident.
	pub fn own_bytes(&self) -> usize {
		(&self.path, &self.records, &self.incident).encoded_size()
	}
}

/// Encoding of lists of bytes as lists of hexadecimal strings.
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
