//! Fetches the proof of a parachain's log, by the standard RPC methods of its collators and of the
//! relay chain's nodes: unmodified nodes have no others.

use std::{cell::RefCell, collections::BTreeMap};

use anyhow::{bail, ensure, Context};
use codec::{Decode, DecodeAll, Encode};
use jsonrpsee::{core::client::ClientT, rpc_params, ws_client::WsClient};
use serde::Deserialize;
use sp_core::{Bytes, H256};
use understudy_primitives::{
	index::{node_key, record_key},
	mmr::{Nodes, Peaks},
	Entry, Incident, LogHead,
};
use understudy_verifier::{
	inclusion_keys, item, keys, next_set, twox_64_concat, AccountId, AuthoritySet, Bundle, Fault, HandOff,
	Header, Inclusion, Justified, ProvenIncident, TrustedSet, MAX_BYTES, VERSION,
};

use crate::fetch::{connect, Ask, What};

/// Number of records up to which the log is read from the state, as a whole. The state of a longer
/// log may lack the first ones; the offchain index has them.
const FROM_STATE: u64 = 1_024;

/// Number of keys in one request.
const BATCH: usize = 256;

/// RPC servers that are asked.
pub struct Urls<'a> {
	/// Collator of the parachain.
	pub parachain: &'a str,
	/// Node of the relay chain.
	pub relay: &'a str,
}

/// Finality proof as `grandpa_proveFinality` returns it.
#[derive(Decode)]
struct FinalityProof {
	/// Block that the justification finalizes.
	block: H256,
	justification: Vec<u8>,
	_unknown_headers: Vec<Header>,
}

/// State proof as `state_getReadProof` returns it.
#[derive(Deserialize)]
struct ReadProof {
	proof: Vec<Bytes>,
}

/// Values as `state_queryStorageAt` returns them.
#[derive(Deserialize)]
struct Changes {
	changes: Vec<(Bytes, Option<Bytes>)>,
}

/// Fetches a proof.
pub async fn bundle(urls: Urls<'_>, ask: Ask, trusted: &TrustedSet) -> anyhow::Result<Bundle> {
	let parachain = trusted.parachain.context("the trusted set is not that of a relay chain")?;
	ensure!(
		ask.at.is_none(),
		"--at cannot be set for a parachain: the relay chain's last final block is proven"
	);
	let (relay, para) = (connect(urls.relay).await?, connect(urls.parachain).await?);
	let (hand_offs, final_header, head) = custody(&relay, trusted).await?;

	let proven = inclusion_keys(parachain.id);
	let inclusion =
		Inclusion { para_id: parachain.id, state: read_proof(&relay, &proven, final_header.hash()).await? };
	let [_, _, key] = proven;
	let included: Vec<u8> = value(&relay, &key, final_header.hash()).await?.with_context(|| {
		format!(
			"{} includes no block of parachain {} as of #{}",
			urls.relay, parachain.id, final_header.number
		)
	})?;
	let included = Header::decode_all(&mut &included[..]).context("the parachain's head is no header")?;
	let at = included.hash();

	let pallet = &trusted.pallet;
	let incident = match &ask.what {
		What::Incident(id) => {
			let key = keys(pallet, Some(*id)).incident.context("an incident has a key")?;
			let incident: Option<Incident<AccountId>> = value(&para, &key, at).await?;
			let incident = incident.with_context(|| {
				format!(
					"the last included block, #{}, has no incident {id}; try again later",
					included.number
				)
			})?;
			Some(ProvenIncident { id: *id, incident })
		},
		What::Records(_) => None,
	};
	let seqs = match (&ask.what, &incident) {
		(What::Records(seqs), _) => {
			let mut seqs = seqs.clone();
			seqs.sort_unstable();
			seqs.dedup();
			seqs
		},
		(_, Some(proven)) => proven.incident.records.to_vec(),
		_ => bail!("nothing is to be proven"),
	};
	let keys = keys(pallet, incident.as_ref().map(|proven| proven.id));
	let log: LogHead = value(&para, &keys.head, at).await?.context("the parachain has no failover log")?;
	let (path, entries, ancestry) =
		Log::open(&para, pallet, at, log).await?.prove(&seqs, ask.checkpoint).await?;
	Ok(Bundle {
		version: VERSION,
		genesis: parachain.genesis,
		first_set: trusted.set_id,
		hand_offs,
		head,
		inclusion: Some(inclusion),
		state: read_proof(&para, &keys.all(), at).await?,
		time: value(&para, &keys.time, at).await?.unwrap_or_default(),
		log,
		ancestry,
		incident,
		path,
		records: entries.into_iter().map(|entry| ask.disclose.show(entry)).collect(),
	})
}

/// Returns the hand-offs from the trusted set to the last one, and the last final block that has a
/// justification.
async fn custody(
	relay: &WsClient,
	trusted: &TrustedSet,
) -> anyhow::Result<(Vec<HandOff>, Header, Justified)> {
	let mut set = AuthoritySet::new(trusted.set_id, &trusted.authorities)
		.map_err(|fault| anyhow::anyhow!("the trusted set is not valid: {fault}"))?;
	let (mut passed, mut next, mut bytes) =
		(Vec::<(Header, Justified)>::new(), trusted.since.saturating_add(1), 0);
	let (header, head) = loop {
		let last: H256 = relay.request("chain_getFinalizedHead", rpc_params![]).await?;
		let last = header_of(relay, last).await?.number;
		if last < next {
			// The last block of a set is final, and none after it yet.
			break passed.pop().with_context(|| {
				format!("the relay chain's last final block is #{last}, before the trusted set's #{next}")
			})?;
		}
		let encoded: Option<Bytes> = relay
			.request("grandpa_proveFinality", rpc_params![next])
			.await
			.with_context(|| format!("the relay chain's node did not prove the finality of #{next}"))?;
		let encoded = encoded
			.with_context(|| format!("the relay chain's node has no finality proof of block #{next}"))?;
		let FinalityProof { block, justification, .. } =
			FinalityProof::decode(&mut &encoded[..]).context("the node sent a bad finality proof")?;
		let header = header_of(relay, block).await?;
		ensure!(header.number >= next, "the node proved the finality of an earlier block than #{next}");
		let justified = Justified { header: header.encode(), justification };
		match next_set(&set, &header) {
			Ok(following) => set = following,
			Err(Fault::NoChange) => break (header, justified),
			Err(fault) => bail!("the hand-off in block #{} cannot be followed: {fault}", header.number),
		}
		bytes += justified.encoded_size();
		ensure!(
			bytes < MAX_BYTES,
			"the hand-offs do not fit into a proof; trust a later set (check --next-trust)"
		);
		next = header.number.saturating_add(1);
		passed.push((header, justified));
	};
	let hand_offs = passed.into_iter().map(|(_, justified)| HandOff::Scheduled(justified)).collect();
	Ok((hand_offs, header, head))
}

async fn header_of(relay: &WsClient, block: H256) -> anyhow::Result<Header> {
	let header: Option<Header> = relay.request("chain_getHeader", rpc_params![block]).await?;
	header.filter(|header| header.hash() == block).context("the node lacks the header of a final block")
}

async fn read_proof(client: &WsClient, keys: &[Vec<u8>], at: H256) -> anyhow::Result<Vec<Vec<u8>>> {
	let keys: Vec<Bytes> = keys.iter().cloned().map(Bytes).collect();
	let ReadProof { proof } = client
		.request("state_getReadProof", rpc_params![keys, at])
		.await
		.context("the node did not prove its state; does it keep the states of final blocks?")?;
	Ok(proof.into_iter().map(|node| node.0).collect())
}

async fn value<V: Decode>(client: &WsClient, key: &[u8], at: H256) -> anyhow::Result<Option<V>> {
	let found: Option<Bytes> = client
		.request("state_getStorage", rpc_params![Bytes(key.to_vec()), at])
		.await
		.context("the node did not return a value of its state")?;
	let found = found.map(|found| V::decode_all(&mut &found[..]));
	found.transpose().context("a value of the state cannot be decoded")
}

type LogEntry = Entry<AccountId, u32>;

/// Log of the parachain as of a block.
struct Log<'a> {
	client: &'a WsClient,
	head: LogHead,
	peaks: Vec<H256>,
	/// Children of the MMR's inner nodes that are known.
	children: BTreeMap<H256, (H256, H256)>,
	/// Entries that are known, by the hashes of their records.
	entries: BTreeMap<H256, LogEntry>,
}

impl<'a> Log<'a> {
	/// Reads the log from the state, as far as it is there.
	async fn open(client: &'a WsClient, pallet: &str, at: H256, head: LogHead) -> anyhow::Result<Self> {
		let peaks = value(client, &item(pallet, "Peaks"), at).await?.unwrap_or_default();
		let mut log = Self { client, head, peaks, children: BTreeMap::new(), entries: BTreeMap::new() };
		let first = head.count.saturating_sub(FROM_STATE);
		let key = |seq: u64| Bytes([item(pallet, "Entries"), twox_64_concat(seq)].concat());
		let all: Vec<Bytes> = (first..head.count).map(key).collect();
		for keys in all.chunks(BATCH) {
			let found: Vec<Changes> = client.request("state_queryStorageAt", rpc_params![keys, at]).await?;
			for value in found.into_iter().flat_map(|set| set.changes).filter_map(|(_, value)| value) {
				let entry = LogEntry::decode_all(&mut &value[..]).context("an entry cannot be decoded")?;
				log.entries.insert(entry.record.hash(), entry);
			}
		}
		log.rebuild();
		Ok(log)
	}

	/// Builds the MMR from the entries, if all of them are known.
	fn rebuild(&mut self) {
		let mut hashes: Vec<(u64, H256)> =
			self.entries.iter().map(|(hash, entry)| (entry.record.seq, *hash)).collect();
		hashes.sort_unstable();
		if hashes.len() as u64 != self.head.count {
			return;
		}
		let (mut peaks, children) = (Vec::new(), &mut self.children);
		for (seq, hash) in hashes {
			let mut keep = |node, left, right| {
				children.insert(node, (left, right));
			};
			let Some((next, _)) = Peaks::new(seq, peaks, &mut keep).push(hash) else { return };
			peaks = next;
		}
	}

	/// Returns the answer of the MMR. Reads inner nodes that are not known from the offchain index.
	async fn ask<R>(&mut self, question: impl Fn(&Nodes) -> Option<R>) -> anyhow::Result<R> {
		loop {
			let missing = RefCell::new(None);
			let answer = {
				let children = |node: &H256| {
					let found = self.children.get(node).copied();
					if found.is_none() {
						missing.replace(Some(*node));
					}
					found
				};
				question(&Nodes::new(self.head.count, &self.peaks, &children))
			};
			match (answer, missing.into_inner()) {
				(Some(answer), _) => return Ok(answer),
				(None, Some(node)) => {
					let pair: (H256, H256) = self.indexed(&node_key(&node)).await?;
					self.children.insert(node, pair);
				},
				(None, None) => bail!("the log has no such records"),
			}
		}
	}

	async fn indexed<V: Decode>(&self, key: &[u8]) -> anyhow::Result<V> {
		let found: Option<Bytes> = self
			.client
			.request("offchain_localStorageGet", rpc_params!["PERSISTENT", Bytes(key.to_vec())])
			.await
			.context(
				"the collator did not return a part of the log that is no longer in its state; the method is \
				 unsafe, so ask on the collator's own machine",
			)?;
		let found = found.context(
			"the collator's offchain index lacks a part of the log; ask one that has run with \
			 --enable-offchain-indexing=true since the first block",
		)?;
		V::decode(&mut &found[..]).context("the collator's offchain index cannot be decoded")
	}

	/// Returns the path from these records to the log's root, the entries, and the ancestry from a
	/// checkpoint with this count of records, if there is one.
	async fn prove(
		mut self,
		seqs: &[u64],
		checkpoint: Option<u64>,
	) -> anyhow::Result<(Vec<H256>, Vec<LogEntry>, Option<understudy_primitives::mmr::Ancestry>)> {
		let last = seqs.last().context("no record is to be proven")?;
		ensure!(*last < self.head.count, "the log has {} records so far; try again later", self.head.count);
		let path = self.ask(|nodes| nodes.prove(seqs)).await?;
		let mut entries = Vec::new();
		for seq in seqs {
			let hash = self.ask(|nodes| nodes.leaf(*seq)).await?;
			let entry = match self.entries.get(&hash) {
				Some(entry) => entry.clone(),
				None => self.indexed(&record_key(&hash)).await?,
			};
			entries.push(entry);
		}
		let ancestry = match checkpoint.filter(|count| *count != self.head.count) {
			Some(count) => {
				ensure!(
					count > 0 && count < self.head.count,
					"the log has {} records, fewer than the checkpoint",
					self.head.count
				);
				Some(self.ask(|nodes| nodes.ancestry(count)).await?)
			},
			None => None,
		};
		Ok((path, entries, ancestry))
	}
}
