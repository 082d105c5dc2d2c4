//! Check of a bundle: follows the chain of custody link by link.

use alloc::vec::Vec;
use serde::Serialize;
use sp_core::H256;
use sp_runtime::traits::Header as _;
use understudy_primitives::{mmr, LogHead, RecordSeq, Stall};

use crate::{
	finality::AuthoritySet,
	inclusion::{self, RelayBlock},
	state, AccountId, Bundle, Chain, Custody, Error, Fault, HandOff, Link, Policy, Shown, TrustedSet,
	VERSION,
};

/// Facts that a valid bundle proves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verified {
	/// Number of the block whose state is proven.
	pub block: u32,
	/// Hash of that block.
	pub hash: H256,
	/// Block of the relay chain that includes it, for the log of a parachain.
	pub relay: Option<RelayBlock>,
	/// Time at which that block was authored, in milliseconds since the Unix epoch.
	pub time: u64,
	/// Head of the log as of that block.
	pub log: LogHead,
	/// Checkpoint whose log this one continues: its record count, and its root.
	pub checkpoint: Option<(RecordSeq, H256)>,
	/// Authority set that finalized that block, or the relay chain's block.
	pub set: AuthoritySet,
	/// Last block that the set before it finalized, or the block that proposed it, see
	/// [`TrustedSet`].
	pub since: u32,
	/// Number of hand-offs from the trusted set to it.
	pub hand_offs: usize,
	/// Forced hand-offs among them.
	pub forced: Vec<Forced>,
}

impl Verified {
	/// Returns the time at which the authority set finalized the proof's block at the earliest, in
	/// milliseconds since the Unix epoch. A parachain can set its own clock at will, so for its log
	/// this is not later than the relay chain's time.
	pub fn certain_time(&self) -> u64 {
		self.relay.map_or(self.time, |relay| relay.time.min(self.time))
	}

	/// Returns the time of the block that the authority set finalized: its members were in office
	/// then.
	pub fn set_time(&self) -> u64 {
		self.relay.map_or(self.time, |relay| relay.time)
	}
}

/// Forced change of authorities.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Forced {
	/// Id of the set that was seated.
	pub set: u64,
	/// Number of the block that proposed it.
	pub proposal: u32,
	/// Members that voted for it.
	pub voters: Vec<AccountId>,
	/// Stall that the change ended, as the proposal's state has it.
	pub stall: Stall,
}

/// Attaches the link to a fault.
trait At<T> {
	fn at(self, link: Link) -> Result<T, Error>;
}

impl<T> At<T> for Result<T, Fault> {
	fn at(self, link: Link) -> Result<T, Error> {
		self.map_err(|fault| Error { link, fault })
	}
}

pub(crate) fn ensure(holds: bool, fault: Fault) -> Result<(), Fault> {
	if holds {
		Ok(())
	} else {
		Err(fault)
	}
}

/// Checks that the records of a bundle are those of the chain's log, by the chain's finality alone.
///
/// The time is proportional to the size of the bundle: one signature for each vote in each
/// hand-off, and hashes. Does not panic, whatever the bundle contains.
pub fn check(bundle: &Bundle, trusted: &TrustedSet, policy: &Policy) -> Result<Verified, Error> {
	ensure(bundle.version == VERSION, Fault::UnknownVersion).at(Link::Format)?;
	ensure(bundle.genesis == trusted.log_genesis(), Fault::WrongChain).at(Link::Trust)?;
	ensure(bundle.first_set == trusted.set_id, Fault::WrongSet).at(Link::Trust)?;
	let mut custody = Custody::trusted(trusted.genesis, trusted.set_id, trusted.since, &trusted.authorities)
		.at(Link::Trust)?;
	let chain = Chain { genesis: &trusted.genesis, recovery: &trusted.recovery };
	let mut forced = Vec::new();
	for (nth, hand_off) in bundle.hand_offs.iter().enumerate() {
		let (after, stall) = custody.follow(hand_off, chain).at(Link::HandOff(nth))?;
		custody = after;
		if let (HandOff::Forced(change), Some(stall)) = (hand_off, stall) {
			let voters = change.votes.iter().map(|cast| cast.who.clone()).collect();
			forced.push(Forced { set: custody.set.id, proposal: custody.since, voters, stall });
		}
	}
	let (hash, _, header) = custody.justified(&bundle.head).at(Link::Head)?;
	let Custody { set, since, .. } = custody;
	let included =
		inclusion::follow(hash, &header, bundle.inclusion.as_ref(), trusted).at(Link::Inclusion)?;
	let (relay, hash, header) = match included {
		Some((relay, hash, header)) => (Some(relay), hash, header),
		None => (None, hash, header),
	};
	let block = *header.number();

	let root = *header.state_root();
	let incident = bundle.incident.as_ref();
	state::check(root, &bundle.state, &trusted.pallet, &bundle.genesis, bundle.time, &bundle.log, incident)
		.at(Link::State)?;

	check_records(bundle)?;
	let checkpoint = check_ancestry(bundle).at(Link::Ancestry)?;
	if let Some(proven) = incident {
		let shown: Vec<RecordSeq> = bundle.records.iter().map(|shown| shown.record.seq).collect();
		let whole = shown == proven.incident.records[..]
			&& bundle.records.iter().all(|shown| shown.record.incident == proven.id);
		ensure(whole, Fault::IncompleteIncident).at(Link::Incident)?;
	}

	let verified = Verified {
		block,
		hash,
		relay,
		time: bundle.time,
		log: bundle.log,
		checkpoint,
		set,
		since,
		hand_offs: bundle.hand_offs.len(),
		forced,
	};
	check_policy(&verified, trusted, policy)?;
	Ok(verified)
}

/// Checks that the records are in the log, that they are in order, and that they commit to their
/// evidence.
fn check_records(bundle: &Bundle) -> Result<(), Error> {
	let Bundle { records, log, .. } = bundle;
	ensure(!records.is_empty(), Fault::NoRecords).at(Link::Log)?;
	let mut leaves: Vec<(RecordSeq, H256)> = Vec::new();
	for (nth, shown) in records.iter().enumerate() {
		let (link, record) = (Link::Record(nth), &shown.record);
		let hash = record.hash();
		ensure(record.seq < log.count, Fault::NoSuchRecord).at(link)?;
		if let Some((seq, previous)) = leaves.last() {
			ensure(*seq < record.seq, Fault::RecordsOutOfOrder).at(link)?;
			let follows = seq.checked_add(1) == Some(record.seq);
			ensure(!follows || record.previous == *previous, Fault::BrokenChain).at(link)?;
		}
		let is_last = record.seq.checked_add(1) == Some(log.count);
		ensure(!is_last || hash == log.hash, Fault::WrongLast).at(link)?;
		check_evidence(shown).at(Link::Evidence(nth))?;
		leaves.push((record.seq, hash));
	}
	let root = mmr::root_of(log.count, leaves, bundle.path.clone());
	ensure(root == Some(log.root), Fault::WrongRoot).at(Link::Log)
}

fn check_evidence(shown: &Shown) -> Result<(), Fault> {
	let Shown { record, pieces, shown, path } = shown;
	if shown.is_empty() {
		// Without shown pieces, the bundle must make no claim on the evidence.
		return ensure(*pieces == 0 && path.is_empty(), Fault::WrongEvidence);
	}
	ensure(shown.windows(2).all(|pair| pair[0].piece < pair[1].piece), Fault::PiecesOutOfOrder)?;
	let leaf = |piece: &crate::ShownPiece| {
		let leaf = mmr::evidence_leaf(piece.piece, *pieces, &piece.salt, &piece.evidence);
		(piece.piece.into(), leaf)
	};
	let root = mmr::root_of((*pieces).into(), shown.iter().map(leaf).collect(), path.clone());
	ensure(root == Some(record.evidence_root), Fault::WrongEvidence)
}

/// Checks the ancestry, if the bundle has one. Returns the record count and the root of the earlier
/// log, which this one continues.
fn check_ancestry(bundle: &Bundle) -> Result<Option<(RecordSeq, H256)>, Fault> {
	let Some(ancestry) = bundle.ancestry.clone() else { return Ok(None) };
	let count = ancestry.count;
	let (then, now) = ancestry.roots(bundle.log.count).ok_or(Fault::WrongAncestry)?;
	ensure(now == bundle.log.root, Fault::WrongAncestry)?;
	Ok(Some((count, then)))
}

/// Checks the requirements of the policy.
fn check_policy(verified: &Verified, trusted: &TrustedSet, policy: &Policy) -> Result<(), Error> {
	let Policy { min_block, min_records, not_before, trusted_not_before, checkpoint } = policy;
	let LogHead { count, root, .. } = verified.log;
	let new = verified.block >= *min_block && count >= *min_records && verified.certain_time() >= *not_before;
	ensure(new, Fault::Stale).at(Link::Age)?;
	let is_recent = ensure(trusted.as_of >= *trusted_not_before, Fault::OldTrust).at(Link::Age);
	let Some((pinned, pinned_root)) = checkpoint else { return is_recent };
	ensure(count >= *pinned, Fault::Stale).at(Link::Age)?;
	let shown = if count == *pinned { Some(root) } else { None };
	let shown =
		shown.or_else(|| verified.checkpoint.filter(|(then, _)| then == pinned).map(|(_, root)| root));
	let shown = shown.ok_or(Fault::NoAncestry).at(Link::Age)?;
	ensure(shown == *pinned_root, Fault::WrongCheckpoint).at(Link::Ancestry)?;
	// The checkpoint pins its own records. Later ones are only as good as the trusted set.
	if count == *pinned {
		Ok(())
	} else {
		is_recent
	}
}
