//! Client of one remote chain: its authority set, its best head, and the age of its trust.

use codec::{Decode, DecodeAll, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{traits::Get, BoundedVec, CloneNoBound, DebugNoBound, EqNoBound, PartialEqNoBound};
use scale_info::TypeInfo;
use sp_consensus_grandpa::AuthorityId;
use sp_core::{ConstU32, H256};
use understudy_primitives::RemoteHead;
use understudy_verifier::{AuthoritySet, Chain, Custody, Header, Justified, MAX_TRUSTING_PERIOD};

use crate::MAX_NAME;

/// Authority set of a remote chain that is trusted.
#[derive(
	CloneNoBound,
	PartialEqNoBound,
	EqNoBound,
	DebugNoBound,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
#[scale_info(skip_type_params(MaxAuthorities))]
pub struct Trusted<MaxAuthorities: Get<u32>> {
	/// Hash of the remote chain's first block.
	pub genesis: H256,
	/// Id of the set. 0 at genesis.
	pub set_id: u64,
	/// Number of the block after which all blocks come that the set justifies. 0 at genesis.
	pub since: u32,
	/// Time at which it was known to be the chain's authority set, in milliseconds since the Unix
	/// epoch.
	pub as_of: u64,
	/// Time for which the set is trusted from then on, and from each head on, in milliseconds.
	/// Shorter than the time for which the remote chain's stake stays bonded; at most 28 days.
	pub trusting_period: u64,
	/// Keys of its members, and their weights.
	pub authorities: BoundedVec<(AuthorityId, u64), MaxAuthorities>,
	/// Name of the recovery pallet in the remote runtime.
	pub recovery: BoundedVec<u8, ConstU32<MAX_NAME>>,
}

/// State of a client. An expired one is active, and its best head is too old.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Status {
	/// Heads and hand-offs are accepted.
	Active,
	/// Two final blocks of one height were shown.
	Frozen,
}

/// Client of one remote chain.
#[derive(
	CloneNoBound,
	PartialEqNoBound,
	EqNoBound,
	DebugNoBound,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
#[scale_info(skip_type_params(MaxAuthorities))]
pub struct Client<MaxAuthorities: Get<u32>> {
	/// Hash of the remote chain's first block.
	pub genesis: H256,
	/// Name of the recovery pallet in the remote runtime.
	pub recovery: BoundedVec<u8, ConstU32<MAX_NAME>>,
	/// Id of the current authority set.
	pub set_id: u64,
	/// Keys of its members, and their weights.
	pub authorities: BoundedVec<(AuthorityId, u64), MaxAuthorities>,
	/// Number of the block after which all blocks come that the set justifies.
	pub since: u32,
	/// Hash of a block that is known to be final, whose state has the roster of this set.
	pub known: Option<H256>,
	/// Newest final block. Before the first one, its hash and state root are zero.
	pub best: RemoteHead,
	/// Date of the set that governance trusted last, in milliseconds since the Unix epoch.
	pub as_of: u64,
	/// Number of heads so far, wrapping.
	pub heads: u32,
	/// Time for which the set is trusted after the best head or that date, in milliseconds.
	pub trusting_period: u64,
	/// State of the client.
	pub status: Status,
}

impl<MaxAuthorities: Get<u32>> Client<MaxAuthorities> {
	/// Creates a client. `None` if the set is not valid, the trusting period is zero or too long, or
	/// the name is not UTF-8.
	pub(crate) fn new(trusted: Trusted<MaxAuthorities>) -> Option<Self> {
		let Trusted { genesis, set_id, since, as_of, trusting_period, authorities, recovery } = trusted;
		let longest = MAX_TRUSTING_PERIOD.saturating_mul(1_000);
		let custody = Custody::trusted(genesis, set_id, since, &authorities).ok()?;
		let client = Self {
			genesis,
			recovery,
			set_id,
			authorities,
			since,
			known: custody.known,
			best: RemoteHead { number: since, hash: H256::zero(), state_root: H256::zero(), time: 0 },
			as_of,
			heads: 0,
			trusting_period,
			status: Status::Active,
		};
		let is_dated = as_of > 0 && (1..=longest).contains(&trusting_period);
		(is_dated && core::str::from_utf8(&client.recovery).is_ok()).then_some(client)
	}

	/// Returns the remote chain, as the verifier has it.
	pub fn chain(&self) -> Chain<'_> {
		Chain { genesis: &self.genesis, recovery: core::str::from_utf8(&self.recovery).unwrap_or_default() }
	}

	/// Returns the custody. `None` if the authority set is not valid, which it always is.
	pub fn custody(&self) -> Option<Custody> {
		let set = AuthoritySet::new(self.set_id, &self.authorities).ok()?;
		Some(Custody { set, since: self.since, known: self.known })
	}

	/// Takes over the custody after a hand-off. `None` if the set has too many members.
	pub(crate) fn take_over(&mut self, custody: &Custody) -> Option<()> {
		self.authorities = BoundedVec::try_from(custody.set.authorities()).ok()?;
		self.set_id = custody.set.id;
		self.since = custody.since;
		self.known = custody.known;
		Some(())
	}

	/// Returns `true` if the best head and the date are older than the trusting period at this time.
	pub fn is_expired(&self, now: u64) -> bool {
		now > self.best.time.max(self.as_of).saturating_add(self.trusting_period)
	}
}

/// Returns the number of a block. `None` if its header cannot be decoded.
pub(crate) fn number_of(block: &Justified) -> Option<u32> {
	Header::decode_all(&mut &block.header[..]).ok().map(|header| header.number)
}
