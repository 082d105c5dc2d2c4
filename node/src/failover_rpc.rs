//! JSON-RPC of the failover log, `failover_*`: its head, records and incidents, and proofs of them that anybody can check
//! offline. What each method takes and answers is in `docs/failover-rpc.md`.

use std::sync::Arc;

use codec::{Decode, Encode};
use jsonrpsee::{
	core::RpcResult,
	proc_macros::rpc,
	types::{ErrorObject, ErrorObjectOwned},
};
use sc_client_api::{Backend, ProofProvider, StorageProvider};
use sc_consensus_grandpa::best_justification;
use serde::{Deserialize, Serialize};
use sp_api::ProvideRuntimeApi;
use sp_blockchain::HeaderBackend;
use sp_core::storage::StorageKey;
use understudy_primitives::{
	api::{FailoverApi, ReadError, TIMELINE_LIMIT},
	Evidence, Incident, IncidentId, LogHead, RecordSeq, Times,
};
use understudy_runtime::{AccountId, BlockNumber, Hash, OpaqueBlock as Block};
use understudy_verifier::{keys, Bundle, HandOff, Justified, ProvenIncident, Shown, VERSION};

use crate::{
	hand_overs::{HandOvers, Why},
	service::{with_index, FullBackend, FullClient},
};

/// The name of the failover pallet in the runtime.
const PALLET: &str = "Failover";

/// Why a method does not answer: codes of JSON-RPC errors.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Refusal {
	UnknownBlock = 9_101,
	NotFinalized = 9_102,
	StateDiscarded = 9_103,
	NoSuchRecord = 9_104,
	BadCount = 9_105,
	NotIndexed = 9_106,
	NoSuchIncident = 9_107,
	NoJustification = 9_108,
	TooManyHandOffs = 9_109,
	UnknownSet = 9_110,
	ForcedChange = 9_111,
	BadDisclosure = 9_112,
	Internal = 9_199,
}

impl Refusal {
	/// With what the caller can do about it.
	fn because(self, why: impl AsRef<str>) -> ErrorObjectOwned {
		ErrorObject::owned(self as i32, format!("{self:?}: {}", why.as_ref()), None::<()>)
	}

	fn internal(why: impl std::fmt::Display) -> ErrorObjectOwned {
		Self::Internal.because(why.to_string())
	}
}

fn unreadable(why: ReadError) -> ErrorObjectOwned {
	match why {
		ReadError::NoSuchRecord => {
			Refusal::NoSuchRecord.because("the log has fewer records as of this block; failover_head says how many")
		},
		ReadError::BadCount => {
			Refusal::BadCount.because(format!("ask for 1 to {TIMELINE_LIMIT} records at once"))
		},
		ReadError::NotIndexed => Refusal::NotIndexed.because(
			"this node did not execute the blocks that wrote it, as after a warp sync; ask a node that was synced in full",
		),
	}
}

fn untold(why: Why) -> ErrorObjectOwned {
	match why {
		Why::UnknownSet(set) => Refusal::UnknownSet.because(format!(
			"this node does not know how authority set {set} handed over: it has not yet, or the node warped past it"
		)),
		Why::NotKept(set, why) => Refusal::ForcedChange.because(format!(
			"the change after authority set {set} was forced, and this node cannot prove it: {why}; ask a node that was \
			 there when it happened, or one that keeps all states (--state-pruning archive)"
		)),
		Why::Internal(why) => Refusal::internal(why),
	}
}

/// The head of the log, as of a block.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Head {
	block: BlockNumber,
	block_hash: Hash,
	finalized: bool,
	count: RecordSeq,
	last_hash: Hash,
	root: Hash,
}

/// Some records, and where the next ones begin.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Records {
	records: Vec<Shown>,
	next: Option<RecordSeq>,
}

/// An incident with its timeline.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Timeline {
	id: IncidentId,
	#[serde(flatten)]
	incident: Incident<AccountId>,
	times: Option<Times>,
	timeline: Vec<Shown>,
	/// Whether all of it is final.
	finalized: bool,
}

/// Some incidents, the last one first, and below which the next ones are.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Incidents {
	incidents: Vec<ProvenIncident>,
	next: Option<IncidentId>,
}

/// Some hand-offs between authority sets, and the set that the next ones start from, if there are more.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HandOffs {
	hand_offs: Vec<HandOff>,
	next: Option<u64>,
}

/// How much of the evidence is shown.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Disclosure {
	/// What is not private.
	#[default]
	Public,
	/// Everything.
	All,
	/// Nothing.
	None,
}

impl Disclosure {
	fn shows(self, evidence: &Evidence) -> bool {
		match self {
			Disclosure::Public => !evidence.is_private(),
			Disclosure::All => true,
			Disclosure::None => false,
		}
	}

	/// A record with so much of its evidence.
	fn show(self, entry: Entry) -> Shown {
		Shown::new(entry, |piece| self.shows(piece))
	}
}

/// What a proof is to have.
struct Ask {
	first_set: u64,
	disclosure: Disclosure,
	checkpoint: Option<RecordSeq>,
}

/// The methods. `at` is a block's hash; by default the best block, for proofs the last one with a justification.
#[rpc(server)]
pub trait Failover {
	/// How many records there are, the last one's hash, and the root over all of them.
	#[method(name = "failover_head", blocking)]
	fn head(&self, at: Option<Hash>) -> RpcResult<Head>;

	/// One record, however old, with its evidence, but for what of it is private.
	#[method(name = "failover_record", blocking)]
	fn record(&self, place: RecordSeq, at: Option<Hash>) -> RpcResult<Shown>;

	/// The records from `from` on, at most `limit` and never more than 100.
	#[method(name = "failover_records", blocking)]
	fn records(&self, from: RecordSeq, limit: Option<u32>, at: Option<Hash>) -> RpcResult<Records>;

	/// An incident with its records, if it is among those that are in state.
	#[method(name = "failover_incident", blocking)]
	fn incident(&self, id: IncidentId, at: Option<Hash>) -> RpcResult<Timeline>;

	/// The incidents below `before`, the last one first, at most `limit` and never more than 100.
	#[method(name = "failover_incidents", blocking)]
	fn incidents(
		&self,
		before: Option<IncidentId>,
		limit: Option<u32>,
		at: Option<Hash>,
	) -> RpcResult<Incidents>;

	/// How authority sets handed over, from the set `from_set` on until that of the block.
	#[method(name = "failover_handOffs", blocking)]
	fn hand_offs(&self, from_set: u64, at: Option<Hash>) -> RpcResult<HandOffs>;

	/// A proof of an incident with its records, which leads from the authority set `from_set`; with `checkpoint`, also of how
	/// the log with so many records became this one.
	#[method(name = "failover_proveIncident", blocking)]
	fn prove_incident(
		&self,
		id: IncidentId,
		from_set: u64,
		disclose: Option<String>,
		at: Option<Hash>,
		checkpoint: Option<RecordSeq>,
	) -> RpcResult<Bundle>;

	/// The same of these records.
	#[method(name = "failover_proveRecords", blocking)]
	fn prove_records(
		&self,
		seqs: Vec<RecordSeq>,
		from_set: u64,
		disclose: Option<String>,
		at: Option<Hash>,
		checkpoint: Option<RecordSeq>,
	) -> RpcResult<Bundle>;
}

/// What the methods read.
pub struct FailoverLog {
	/// The client.
	pub client: Arc<FullClient>,
	/// The database, with the offchain index.
	pub backend: Arc<FullBackend>,
	/// How authority sets handed over.
	pub hand_overs: HandOvers,
}

type Entry = understudy_primitives::Entry<AccountId, BlockNumber>;

impl FailoverLog {
	fn with_index(&self) -> RpcResult<sp_api::ApiRef<'_, <FullClient as ProvideRuntimeApi<Block>>::Api>> {
		with_index(&self.client, &self.backend)
			.ok_or_else(|| Refusal::NotIndexed.because("this node has no offchain storage"))
	}

	/// A block's number, if its state is there.
	fn block(&self, at: Hash) -> RpcResult<BlockNumber> {
		let number = self.client.number(at).map_err(Refusal::internal)?;
		let number =
			number.ok_or_else(|| Refusal::UnknownBlock.because(format!("this node has no block {at:?}")))?;
		if !self.backend.have_state_at(at, number) {
			return Err(Refusal::StateDiscarded.because(format!(
				"this node does not keep the state of #{number} any more; ask for a newer block, which proves the same \
				 records, or ask an archive node (--state-pruning archive)"
			)));
		}
		Ok(number)
	}

	fn best(&self, at: Option<Hash>) -> Hash {
		at.unwrap_or_else(|| self.client.info().best_hash)
	}

	/// Whether a block is on the finalized chain.
	fn is_final(&self, at: Hash, number: BlockNumber) -> RpcResult<bool> {
		let canonical = self.client.hash(number).map_err(Refusal::internal)?;
		Ok(number <= self.client.info().finalized_number && canonical == Some(at))
	}

	fn entries(&self, at: Hash, seqs: Vec<RecordSeq>) -> RpcResult<Vec<Entry>> {
		self.block(at)?;
		self.with_index()?.records(at, seqs).map_err(Refusal::internal)?.map_err(unreadable)
	}

	fn state_incident(&self, at: Hash, id: IncidentId) -> RpcResult<Incident<AccountId>> {
		self.block(at)?;
		let incident = self.client.runtime_api().incident(at, id).map_err(Refusal::internal)?;
		incident.ok_or_else(|| {
			Refusal::NoSuchIncident.because(
				"there is none of this id, or it is so old that it is not in state any more: prove its records, by their seq",
			)
		})
	}

	fn header(&self, at: Hash) -> RpcResult<understudy_verifier::Header> {
		let header = self.client.header(at).map_err(Refusal::internal)?;
		header.ok_or_else(|| Refusal::UnknownBlock.because(format!("this node has no block {at:?}")))
	}

	/// The block that a proof is of: this one, or the last one that is known to be justified.
	fn justified(&self, at: Option<Hash>) -> RpcResult<(Hash, Justified)> {
		let best = best_justification::<_, Block>(&*self.backend).map_err(Refusal::internal)?;
		let known = best.map(|best| (best.target().1, best.encode()));
		let (hash, justification) = match at {
			None => known.ok_or_else(|| {
				Refusal::NoJustification.because("nothing was finalized since this node started; wait for it")
			})?,
			Some(at) => {
				let number = self.block(at)?;
				if !self.is_final(at, number)? {
					return Err(Refusal::NotFinalized.because(format!("#{number} is not final on this node")));
				}
				let own = self.hand_overs.justification(at).map_err(untold)?;
				let own = own.or_else(|| known.filter(|(hash, _)| *hash == at).map(|(_, known)| known));
				let own = own.ok_or_else(|| {
					Refusal::NoJustification.because(format!(
						"#{number} was finalized by a later block's justification; ask for the last block of an authority \
						 set, as in failover_handOffs, or for none in particular"
					))
				})?;
				(at, own)
			},
		};
		Ok((hash, Justified { header: self.header(hash)?.encode(), justification }))
	}

	/// How authority sets handed over from `from` on until the one that finalizes block `until`, as far as they fit.
	fn hand_over(&self, from: u64, until: BlockNumber) -> RpcResult<HandOffs> {
		let (hand_offs, next) = self.hand_overs.page(from, until).map_err(untold)?;
		Ok(HandOffs { hand_offs, next })
	}

	/// A proof of these records as of a block that is justified.
	fn bundle(
		&self,
		(at, head): (Hash, Justified),
		incident: Option<ProvenIncident>,
		seqs: Vec<RecordSeq>,
		ask: Ask,
	) -> RpcResult<Bundle> {
		let Ask { first_set, disclosure, checkpoint } = ask;
		if seqs.is_empty() || seqs.len() > TIMELINE_LIMIT as usize {
			return Err(unreadable(ReadError::BadCount));
		}
		let number = self.block(at)?;
		let HandOffs { hand_offs, next } = self.hand_over(first_set, number)?;
		if next.is_some() {
			return Err(Refusal::TooManyHandOffs.because(
				"the hand-offs do not fit into one answer: get them by failover_handOffs, and the proof from the last set on",
			));
		}
		let mut ascending = seqs;
		ascending.sort_unstable();
		ascending.dedup();
		let entries = self.entries(at, ascending.clone())?;
		let path = self.with_index()?.prove(at, ascending).map_err(Refusal::internal)?.map_err(unreadable)?;

		let log: LogHead = self.client.runtime_api().log_head(at).map_err(Refusal::internal)?;
		// A checkpoint of as many records as there are is compared as it is.
		let ancestry = match checkpoint.filter(|count| *count != log.count) {
			Some(count) => {
				Some(self.with_index()?.ancestry(at, count).map_err(Refusal::internal)?.map_err(unreadable)?)
			},
			None => None,
		};
		let keys = keys(PALLET, incident.as_ref().map(|proven| proven.id));
		let all = keys.all();
		let proof =
			self.client.read_proof(at, &mut all.iter().map(|key| &key[..])).map_err(Refusal::internal)?;
		Ok(Bundle {
			version: VERSION,
			genesis: self.client.info().genesis_hash,
			first_set,
			hand_offs,
			head,
			state: proof.into_iter_nodes().collect(),
			time: self.value(at, keys.time)?,
			log,
			ancestry,
			incident,
			path,
			records: entries.into_iter().map(|entry| disclosure.show(entry)).collect(),
		})
	}

	fn value<V: Decode + Default>(&self, at: Hash, key: Vec<u8>) -> RpcResult<V> {
		let value = self.client.storage(at, &StorageKey(key)).map_err(Refusal::internal)?;
		value.map_or(Ok(V::default()), |value| V::decode(&mut &value.0[..]).map_err(Refusal::internal))
	}
}

fn disclosure(name: Option<String>) -> RpcResult<Disclosure> {
	let name = name.unwrap_or_else(|| "public".into());
	serde_json::from_value(name.clone().into())
		.map_err(|_| Refusal::BadDisclosure.because(format!("{name} is neither public nor all nor none")))
}

impl FailoverServer for FailoverLog {
	fn head(&self, at: Option<Hash>) -> RpcResult<Head> {
		let at = self.best(at);
		let block = self.block(at)?;
		let head = self.client.runtime_api().log_head(at).map_err(Refusal::internal)?;
		Ok(Head {
			block,
			block_hash: at,
			finalized: self.is_final(at, block)?,
			count: head.count,
			last_hash: head.hash,
			root: head.root,
		})
	}

	fn record(&self, place: RecordSeq, at: Option<Hash>) -> RpcResult<Shown> {
		let mut entries = self.entries(self.best(at), vec![place])?;
		let entry = entries.pop().ok_or_else(|| unreadable(ReadError::NoSuchRecord))?;
		Ok(Disclosure::Public.show(entry))
	}

	fn records(&self, from: RecordSeq, limit: Option<u32>, at: Option<Hash>) -> RpcResult<Records> {
		let at = self.best(at);
		self.block(at)?;
		let count = self.client.runtime_api().log_head(at).map_err(Refusal::internal)?.count;
		let limit = limit.unwrap_or(TIMELINE_LIMIT).min(TIMELINE_LIMIT);
		let until = from.saturating_add(limit.into()).min(count);
		let seqs: Vec<RecordSeq> = (from..until).collect();
		let entries = if seqs.is_empty() { Vec::new() } else { self.entries(at, seqs)? };
		let records = entries.into_iter().map(|entry| Disclosure::Public.show(entry)).collect();
		Ok(Records { records, next: (until < count && limit > 0).then_some(until) })
	}

	fn incident(&self, id: IncidentId, at: Option<Hash>) -> RpcResult<Timeline> {
		let at = self.best(at);
		let number = self.block(at)?;
		let incident = self.state_incident(at, id)?;
		let entries = self.entries(at, incident.records.to_vec())?;
		let last = entries.last().map_or(number, |entry| entry.record.block);
		let hash = self.client.hash(last).map_err(Refusal::internal)?;
		Ok(Timeline {
			id,
			times: incident.times(),
			incident,
			timeline: entries.into_iter().map(|entry| Disclosure::Public.show(entry)).collect(),
			finalized: match hash {
				Some(hash) => self.is_final(hash, last)? && last <= number,
				None => false,
			},
		})
	}

	fn incidents(
		&self,
		before: Option<IncidentId>,
		limit: Option<u32>,
		at: Option<Hash>,
	) -> RpcResult<Incidents> {
		let at = self.best(at);
		self.block(at)?;
		let limit = limit.unwrap_or(TIMELINE_LIMIT).min(TIMELINE_LIMIT);
		let before = before.unwrap_or(IncidentId::MAX);
		let all = self.client.runtime_api().incidents(at, before, limit).map_err(Refusal::internal)?;
		let next = all.last().map(|(id, _)| *id).filter(|id| *id > 1 && all.len() == limit as usize);
		let incidents = all.into_iter().map(|(id, incident)| ProvenIncident { id, incident }).collect();
		Ok(Incidents { incidents, next })
	}

	fn hand_offs(&self, from_set: u64, at: Option<Hash>) -> RpcResult<HandOffs> {
		let (at, _) = self.justified(at)?;
		self.hand_over(from_set, self.block(at)?)
	}

	fn prove_incident(
		&self,
		id: IncidentId,
		from_set: u64,
		disclose: Option<String>,
		at: Option<Hash>,
		checkpoint: Option<RecordSeq>,
	) -> RpcResult<Bundle> {
		let ask = Ask { first_set: from_set, disclosure: disclosure(disclose)?, checkpoint };
		let justified = self.justified(at)?;
		let incident = self.state_incident(justified.0, id)?;
		let seqs = incident.records.to_vec();
		self.bundle(justified, Some(ProvenIncident { id, incident }), seqs, ask)
	}

	fn prove_records(
		&self,
		seqs: Vec<RecordSeq>,
		from_set: u64,
		disclose: Option<String>,
		at: Option<Hash>,
		checkpoint: Option<RecordSeq>,
	) -> RpcResult<Bundle> {
		let ask = Ask { first_set: from_set, disclosure: disclosure(disclose)?, checkpoint };
		self.bundle(self.justified(at)?, None, seqs, ask)
	}
}
