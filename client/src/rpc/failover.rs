//! JSON-RPC methods of the failover log, `failover_*`: its head, records and incidents, and proofs
//! of them that anybody can verify offline. `docs/failover-rpc.md` describes the parameters and
//! results.

use std::sync::Arc;

use codec::{Decode, Encode};
use jsonrpsee::{core::RpcResult, proc_macros::rpc};
use sc_client_api::{Backend, ProofProvider, StorageProvider};
use sc_consensus_grandpa::best_justification;
use serde::Serialize;
use sp_api::ProvideRuntimeApi;
use sp_blockchain::HeaderBackend;
use sp_core::storage::StorageKey;
use understudy_primitives::{
	api::{FailoverApi, ReadError, TIMELINE_LIMIT},
	Incident, IncidentId, LogHead, RecordSeq, Times,
};
use understudy_verifier::{keys, Bundle, Disclosure, HandOff, Justified, ProvenIncident, Shown, VERSION};

use super::refusal::{hand_off_error, unreadable, Refusal};
use crate::{finality::history::AuthoritySetHistory, with_index, AccountId, BlockNumber, Hash, Node};

/// Name of the failover pallet in the runtime.
const PALLET: &str = "Failover";

/// Head of the log as of a block.
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

/// Page of records, with the sequence number at which the next page begins.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Records {
	records: Vec<Shown>,
	next: Option<RecordSeq>,
}

/// Incident with its timeline.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Timeline {
	id: IncidentId,
	#[serde(flatten)]
	incident: Incident<AccountId>,
	times: Option<Times>,
	timeline: Vec<Shown>,
	/// `true` if the whole timeline is final.
	finalized: bool,
}

/// Page of incidents, latest first, with the `before` of the next page.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Incidents {
	incidents: Vec<ProvenIncident>,
	next: Option<IncidentId>,
}

/// Page of hand-offs between authority sets, with the set that the next page starts from, if there
/// is one.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HandOffs {
	hand_offs: Vec<HandOff>,
	next: Option<u64>,
}

/// Parameters of a requested proof.
struct Ask {
	first_set: u64,
	disclosure: Disclosure,
	checkpoint: Option<RecordSeq>,
}

/// JSON-RPC methods. `at` is the hash of a block. It defaults to the best block; for hand-offs and
/// proofs, to the last block with a justification.
#[rpc(server)]
pub trait Failover {
	/// Returns the number of records, the hash of the last one, and the root over all of them.
	#[method(name = "failover_head", blocking)]
	fn head(&self, at: Option<Hash>) -> RpcResult<Head>;

	/// Returns one record, however old, with its evidence except for private evidence.
	#[method(name = "failover_record", blocking)]
	fn record(&self, place: RecordSeq, at: Option<Hash>) -> RpcResult<Shown>;

	/// Returns the records from `from` on: at most `limit`, and never more than 100.
	#[method(name = "failover_records", blocking)]
	fn records(&self, from: RecordSeq, limit: Option<u32>, at: Option<Hash>) -> RpcResult<Records>;

	/// Returns an incident with its records, if it is among the incidents in state.
	#[method(name = "failover_incident", blocking)]
	fn incident(&self, id: IncidentId, at: Option<Hash>) -> RpcResult<Timeline>;

	/// Returns the incidents below `before`, latest first: at most `limit`, and never more than
	/// 100.
	#[method(name = "failover_incidents", blocking)]
	fn incidents(
		&self,
		before: Option<IncidentId>,
		limit: Option<u32>,
		at: Option<Hash>,
	) -> RpcResult<Incidents>;

	/// Returns the hand-offs from the authority set `from_set` to the set of the block.
	#[method(name = "failover_handOffs", blocking)]
	fn hand_offs(&self, from_set: u64, at: Option<Hash>) -> RpcResult<HandOffs>;

	/// Returns a proof of an incident with its records, which leads from the authority set
	/// `from_set`. With `checkpoint`, the proof also shows how the log with that many records
	/// became this one.
	#[method(name = "failover_proveIncident", blocking)]
	fn prove_incident(
		&self,
		id: IncidentId,
		from_set: u64,
		disclose: Option<String>,
		at: Option<Hash>,
		checkpoint: Option<RecordSeq>,
	) -> RpcResult<Bundle>;

	/// Returns such a proof for these records.
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

/// Implementation of the methods.
pub struct FailoverRpc<N: Node> {
	/// The client.
	pub client: Arc<N::Client>,
	/// The database, with the offchain index.
	pub backend: Arc<N::Backend>,
	/// History of the authority-set hand-offs.
	pub history: AuthoritySetHistory<N>,
}

type Entry = understudy_primitives::Entry<AccountId, BlockNumber>;

impl<N: Node> FailoverRpc<N> {
	fn with_index(&self) -> RpcResult<sp_api::ApiRef<'_, <N::Client as ProvideRuntimeApi<N::Block>>::Api>> {
		with_index::<N>(&self.client, &self.backend)
			.ok_or_else(|| Refusal::NotIndexed.because("this node has no offchain storage"))
	}

	/// Returns the number of a block, if this node has its state.
	fn block(&self, at: Hash) -> RpcResult<BlockNumber> {
		let number = self.client.number(at).map_err(Refusal::internal)?;
		let number =
			number.ok_or_else(|| Refusal::UnknownBlock.because(format!("this node has no block {at:?}")))?;
		if !self.backend.have_state_at(at, number) {
			return Err(Refusal::StateDiscarded.because(format!(
				"this node no longer has the state of #{number}; request a newer block, which proves the \
				 same records, or query an archive node (--state-pruning archive)"
			)));
		}
		Ok(number)
	}

	fn best(&self, at: Option<Hash>) -> Hash {
		at.unwrap_or_else(|| self.client.info().best_hash)
	}

	/// Returns `true` if a block is on the finalized chain.
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
				"there is no incident with this id, or it is so old that it is no longer in state: prove its \
				 records instead, by their seq",
			)
		})
	}

	fn header(&self, at: Hash) -> RpcResult<understudy_verifier::Header> {
		let header = self.client.header(at).map_err(Refusal::internal)?;
		header.ok_or_else(|| Refusal::UnknownBlock.because(format!("this node has no block {at:?}")))
	}

	/// Returns the block for a proof, with its justification: block `at`, or the last block that is
	/// known to be justified.
	fn justified(&self, at: Option<Hash>) -> RpcResult<(Hash, Justified)> {
		let best = best_justification::<_, N::Block>(&*self.backend).map_err(Refusal::internal)?;
		let known = best.map(|best| (best.target().1, best.encode()));
		let (hash, justification) = match at {
			None => known.ok_or_else(|| {
				Refusal::NoJustification.because(
					"this node has no justification yet; wait until it \
				 finalizes a block",
				)
			})?,
			Some(at) => {
				let number = self.block(at)?;
				if !self.is_final(at, number)? {
					return Err(Refusal::NotFinalized.because(format!("#{number} is not final on this node")));
				}
				let own = self.history.justification(at).map_err(hand_off_error)?;
				let own = own.or_else(|| known.filter(|(hash, _)| *hash == at).map(|(_, known)| known));
				let own = own.ok_or_else(|| {
					Refusal::NoJustification.because(format!(
						"#{number} was finalized by a later block's justification; request the last block of \
						 an authority set, as in failover_handOffs, or omit the block"
					))
				})?;
				(at, own)
			},
		};
		Ok((hash, Justified { header: self.header(hash)?.encode(), justification }))
	}

	/// Returns a page of the hand-offs from the authority set `from` to the set that finalizes
	/// block `until`.
	fn hand_offs_until(&self, from: u64, until: BlockNumber) -> RpcResult<HandOffs> {
		let (hand_offs, next) = self.history.page(from, until).map_err(hand_off_error)?;
		Ok(HandOffs { hand_offs, next })
	}

	/// Returns a proof of these records as of a justified block.
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
		let HandOffs { hand_offs, next } = self.hand_offs_until(first_set, number)?;
		if next.is_some() {
			return Err(Refusal::TooManyHandOffs.because(
				"the hand-offs do not fit into one response: page through them with failover_handOffs, and \
				 request the proof from the last set on",
			));
		}
		let mut ascending = seqs;
		ascending.sort_unstable();
		ascending.dedup();
		let entries = self.entries(at, ascending.clone())?;
		let path = self.with_index()?.prove(at, ascending).map_err(Refusal::internal)?.map_err(unreadable)?;

		let log: LogHead = self.client.runtime_api().log_head(at).map_err(Refusal::internal)?;
		// A checkpoint with the current record count is compared directly, without an ancestry
		// proof.
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
			inclusion: None,
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
	serde_json::from_value(name.clone().into()).map_err(|_| {
		Refusal::BadDisclosure.because(format!(
			"disclose must be public, all or none, not \
		 {name}"
		))
	})
}

impl<N: Node> FailoverServer for FailoverRpc<N> {
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
		self.hand_offs_until(from_set, self.block(at)?)
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
