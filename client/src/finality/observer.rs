//! Observes votes and authors, and writes what it sees for the offchain worker.
//!
//! GRANDPA's voter knows the prevotes and precommits of the rounds that it follows. A commit proves
//! nothing about voters that it does not list, so the observer reads the rounds themselves, often,
//! and notes when it last saw a vote of each voter. In a stall the round does not end, and its
//! votes stay: a voter that voted in it is not silent.

use std::{
	sync::Arc,
	time::{Duration, SystemTime},
};

use codec::{Decode, Encode};
use futures::{FutureExt, StreamExt};
use sc_client_api::BlockchainEvents;
use sc_consensus_grandpa::{SharedAuthoritySet, SharedVoterState};
use sp_blockchain::HeaderBackend;
use sp_core::offchain::{OffchainStorage, STORAGE_PREFIX};
use substrate_prometheus_endpoint::{register, Gauge, PrometheusError, Registry, U64};
use understudy_primitives::{
	offchain::{NodeVersion, Probing, FINALITY_VIEW, FIRST_FINALITY_VIEW, NODE_VERSION, PREVOTED, PROBING},
	BlockId,
};

use super::silence::{Silence, Voter};
use crate::{
	authors::{Authors, Turns},
	BlockNumber, Hash, Node, OffchainStore,
};

/// Time between two reads of the rounds.
const LOOK: Duration = Duration::from_millis(500);
/// Number of reads after which the view is written.
const LOOKS_PER_NOTE: u32 = 4;
/// Seconds without a vote after which a voter counts as silent in the metric.
const SILENT: u32 = 20;

struct Metrics {
	silent: Gauge<U64>,
}

impl Metrics {
	fn register(registry: &Registry) -> Result<Self, PrometheusError> {
		let silent = Gauge::new(
			"understudy_silent_voters",
			"Voters without a vote for 20 seconds, as this node sees it",
		)?;
		Ok(Self { silent: register(silent, registry)? })
	}
}

/// Observes finality and authors.
pub struct FinalityObserver<N: Node, A> {
	/// Client.
	pub client: Arc<N::Client>,
	/// Storage that the offchain worker reads.
	pub storage: OffchainStore<N>,
	/// Votes of the running rounds.
	pub voter_state: SharedVoterState,
	/// Voters.
	pub authority_set: SharedAuthoritySet<Hash, BlockNumber>,
	/// Authors of slots; `()` if they are not known in advance.
	pub authors: A,
	/// Registry of the metrics.
	pub registry: Option<Registry>,
}

impl<N: Node, A: Authors<N::Block>> FinalityObserver<N, A> {
	/// Observes until the node stops.
	pub async fn run(self) {
		let mut storage = self.storage.clone();
		let metrics = self.registry.as_ref().and_then(|registry| Metrics::register(registry).ok());
		let mut silence = Silence::default();
		let mut turns = Turns::default();
		let mut imports = self.client.every_import_notification_stream();
		let duration = self.authors.slot_duration().map(|duration| duration.max(1));
		// Authors after the best block, read once per block.
		let (mut keys, mut best) = (Vec::new(), None);
		for looks in 1u32.. {
			futures_timer::Delay::new(LOOK).await;
			// Without a voter state this node does not follow finality.
			let Some(state) = self.voter_state.voter_state() else { continue };
			let rounds = std::iter::once(&state.best_round.1).chain(state.background_rounds.values());
			let present = rounds
				.flat_map(|round| round.prevote_ids.iter().chain(&round.precommit_ids))
				.map(raw)
				.collect();
			let voters: Vec<Voter> =
				self.authority_set.current_authorities().iter().map(|(voter, _)| raw(voter)).collect();
			let now = now();
			while let Some(Some(block)) = imports.next().now_or_never() {
				if let Some(slot) = self.authors.slot(&block.header) {
					turns.see(slot);
				}
			}
			let info = self.client.info();
			if best != Some(info.best_hash) {
				if let Some(found) = self.authors.keys(info.best_hash) {
					(keys, best) = (found, Some(info.best_hash));
				}
			}
			let slot = duration.map_or(0, |duration| now / duration);
			turns.follow(&keys, slot);
			silence.look(now, self.authority_set.set_id(), &voters, &present, info.finalized_number);
			if looks % LOOKS_PER_NOTE == 0 {
				let mut view = silence.view(now);
				if let Ok(Some(header)) = self.client.header(info.finalized_hash) {
					view.header = header.encode();
				}
				view.prevoted = self.prevoted(&storage).map(|seen| seen.encode()).unwrap_or_default();
				(view.authors, view.idle) = (turns.count(), turns.idle(slot));
				if let Some(metrics) = &metrics {
					let silent = view.silent.iter().filter(|(_, seconds)| *seconds >= SILENT);
					metrics.silent.set(silent.count() as u64);
				}
				storage.set(STORAGE_PREFIX, FINALITY_VIEW, &view.encode());
				// Nodes are upgraded before the runtime.
				storage.set(STORAGE_PREFIX, FIRST_FINALITY_VIEW, &view.to_first());
			}
		}
	}

	/// Returns the block of this node's last prevote, and the best block, if that builds on it.
	fn prevoted(&self, storage: &impl OffchainStorage) -> Option<(BlockId<Hash>, BlockId<Hash>)> {
		let prevoted = storage.get(STORAGE_PREFIX, PREVOTED)?;
		let prevoted = BlockId::<Hash>::decode(&mut &prevoted[..]).ok()?;
		let info = self.client.info();
		// The client's hashes by number are those of the best chain.
		let canonical = self.client.hash(prevoted.number).ok()??;
		(canonical == prevoted.hash)
			.then_some((prevoted, BlockId { number: info.best_number, hash: info.best_hash }))
	}
}

fn raw(voter: &sp_consensus_grandpa::AuthorityId) -> Voter {
	let mut bytes = Voter::default();
	bytes.copy_from_slice(voter.as_ref());
	bytes
}

fn now() -> u64 {
	let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
	since.map_or(0, |since| since.as_millis() as u64)
}

/// Writes what stays the same while the node runs, for the offchain worker: the node's release, and
/// the endpoints that its operator lets it probe.
pub fn introduce(storage: &mut impl OffchainStorage, probing: Probing, version: &NodeVersion) {
	storage.set(STORAGE_PREFIX, PROBING, &probing.encode());
	storage.set(STORAGE_PREFIX, NODE_VERSION, &version.encode());
}
