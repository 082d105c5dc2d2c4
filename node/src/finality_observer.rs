//! Watches who takes part in finality, and leaves what it sees for the offchain worker.
//!
//! GRANDPA's voter knows who has prevoted and precommitted in the rounds that it follows. A commit proves nothing of those
//! it does not list, so the observer looks at the rounds themselves, often, and notes for each voter when it last saw a
//! vote of it. In a stall the round stands still, and its votes with it: who voted in it is not silent.

use std::{
	collections::{BTreeMap, BTreeSet},
	sync::Arc,
	time::{Duration, SystemTime},
};

use codec::{Decode, Encode};
use sc_client_api::Backend;
use sc_consensus_grandpa::{SharedAuthoritySet, SharedVoterState};
use sp_blockchain::HeaderBackend;
use sp_core::offchain::{OffchainStorage, STORAGE_PREFIX};
use sp_runtime::traits::NumberFor;
use substrate_prometheus_endpoint::{register, Gauge, PrometheusError, Registry, U64};
use understudy_primitives::{
	offchain::{FinalityView, NodeVersion, Probing, FINALITY_VIEW, NODE_VERSION, PREVOTED, PROBING},
	BlockId,
};
use understudy_runtime::{Hash, OpaqueBlock as Block};

use crate::service::{FullBackend, FullClient};

/// How often the rounds are looked at.
const LOOK: Duration = Duration::from_millis(500);
/// After so many looks, what was seen is written down.
const LOOKS_PER_NOTE: u32 = 4;
/// Who was not seen for so many seconds counts as silent in the metric.
const SILENT: u32 = 20;

type Voter = [u8; 32];

/// What the observer remembers.
#[derive(Default)]
struct Watch {
	set: Option<u64>,
	seen: BTreeMap<Voter, u64>,
	finalized: u32,
	/// The last finalized block's header, in SCALE.
	header: Vec<u8>,
	/// What was prevoted for last, and the best block if it builds on that, in SCALE.
	prevoted: Vec<u8>,
	advanced: u64,
}

impl Watch {
	/// Takes in one look at `now` (in milliseconds): the voters of the set `set`, whose votes are there, and the last
	/// finalized block. A new set's voters have just been seen, all of them.
	fn look(&mut self, now: u64, set: u64, voters: &[Voter], present: &BTreeSet<Voter>, finalized: u32) {
		// The set may change between the two that are looked at.
		let same =
			self.seen.len() == voters.len() && voters.iter().all(|voter| self.seen.contains_key(voter));
		if self.set != Some(set) || !same {
			self.set = Some(set);
			self.seen = voters.iter().map(|voter| (*voter, now)).collect();
		}
		for (voter, at) in &mut self.seen {
			if present.contains(voter) {
				*at = now;
			}
		}
		if finalized > self.finalized {
			self.finalized = finalized;
			self.advanced = now;
		}
	}

	/// What is to be told at `now`.
	fn view(&self, now: u64) -> FinalityView {
		let seconds = |at: &u64| (now.saturating_sub(*at) / 1_000).min(u32::MAX.into()) as u32;
		let silent = self.seen.iter().map(|(voter, at)| (*voter, seconds(at)));
		FinalityView {
			at: now,
			advanced: self.advanced,
			finalized: self.finalized,
			header: self.header.clone(),
			set: self.set.unwrap_or_default(),
			prevoted: self.prevoted.clone(),
			silent: silent.filter(|(_, seconds)| *seconds > 0).collect(),
		}
	}
}

struct Metrics {
	silent: Gauge<U64>,
}

impl Metrics {
	fn register(registry: &Registry) -> Result<Self, PrometheusError> {
		let silent =
			Gauge::new("understudy_silent_voters", "Voters of whom this node sees no vote for 20 seconds")?;
		Ok(Self { silent: register(silent, registry)? })
	}
}

/// What the observer looks at.
pub struct FinalityObserver {
	/// The client, which knows what is final.
	pub client: Arc<FullClient>,
	/// Where the offchain worker reads.
	pub backend: Arc<FullBackend>,
	/// Who has voted in the running rounds.
	pub voter_state: SharedVoterState,
	/// Who may vote.
	pub authority_set: SharedAuthoritySet<Hash, NumberFor<Block>>,
	/// Where the metrics go.
	pub registry: Option<Registry>,
}

impl FinalityObserver {
	/// Watches for as long as the node runs.
	pub async fn run(self) {
		let Some(mut storage) = self.backend.offchain_storage() else { return };
		let metrics = self.registry.as_ref().and_then(|registry| Metrics::register(registry).ok());
		let mut watch = Watch::default();
		for looks in 1u32.. {
			futures_timer::Delay::new(LOOK).await;
			// Without a voter state this node does not follow finality, and has nothing to tell.
			let Some(state) = self.voter_state.voter_state() else { continue };
			let rounds = std::iter::once(&state.best_round.1).chain(state.background_rounds.values());
			let present = rounds
				.flat_map(|round| round.prevote_ids.iter().chain(&round.precommit_ids))
				.map(raw)
				.collect();
			let voters: Vec<Voter> =
				self.authority_set.current_authorities().iter().map(|(voter, _)| raw(voter)).collect();
			let now = now();
			let info = self.client.info();
			let finalized = info.finalized_number;
			if let Ok(Some(header)) = self.client.header(info.finalized_hash) {
				watch.header = header.encode();
			}
			watch.look(now, self.authority_set.set_id(), &voters, &present, finalized);
			if looks % LOOKS_PER_NOTE == 0 {
				watch.prevoted = self.prevoted(&storage).map(|seen| seen.encode()).unwrap_or_default();
				let view = watch.view(now);
				if let Some(metrics) = &metrics {
					let silent = view.silent.iter().filter(|(_, seconds)| *seconds >= SILENT);
					metrics.silent.set(silent.count() as u64);
				}
				storage.set(STORAGE_PREFIX, FINALITY_VIEW, &view.encode());
			}
		}
	}

	/// What this node has prevoted for last, and the best block, if that builds on it.
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

/// Leaves for the offchain worker what does not change while the node runs: its release, and whom its operator lets it
/// probe.
pub fn introduce(backend: &FullBackend, probing: Probing) {
	let Some(mut storage) = backend.offchain_storage() else { return };
	storage.set(STORAGE_PREFIX, PROBING, &probing.encode());
	let part = |text: &str| text.parse().unwrap_or_default();
	let version = NodeVersion {
		major: part(env!("CARGO_PKG_VERSION_MAJOR")),
		minor: part(env!("CARGO_PKG_VERSION_MINOR")),
		patch: part(env!("CARGO_PKG_VERSION_PATCH")),
	};
	storage.set(STORAGE_PREFIX, NODE_VERSION, &version.encode());
}

#[cfg(test)]
mod tests {
	use super::*;

	const A: Voter = [1; 32];
	const B: Voter = [2; 32];
	const C: Voter = [3; 32];

	/// When, which set, its voters, whose votes are there, and the last finalized block.
	type Look<'a> = (u64, u64, &'a [Voter], &'a [Voter], u32);

	fn watch(looks: &[Look]) -> Watch {
		let mut watch = Watch::default();
		for (now, set, voters, present, finalized) in looks {
			watch.look(*now, *set, voters, &present.iter().copied().collect(), *finalized);
		}
		watch
	}

	#[test]
	fn who_votes_is_not_silent() {
		let watch = watch(&[(1_000, 1, &[A, B], &[A], 1), (9_000, 1, &[A, B], &[A, B], 2)]);
		assert!(watch.view(9_500).silent.is_empty());
	}

	#[test]
	fn who_does_not_vote_is_silent_since_the_set_began() {
		let watch = watch(&[(1_000, 1, &[A, B], &[A], 1), (9_000, 1, &[A, B], &[A], 2)]);
		assert_eq!(watch.view(9_000).silent, [(B, 8)]);
	}

	#[test]
	fn who_stops_is_silent_since_its_last_vote() {
		let watch = watch(&[(1_000, 1, &[A, B], &[A, B], 1), (4_000, 1, &[A, B], &[A, B], 2)]);
		assert_eq!(watch.view(34_000).silent, [(A, 30), (B, 30)]);
	}

	#[test]
	fn a_new_set_starts_anew() {
		let watch = watch(&[(1_000, 1, &[A, B], &[A], 1), (60_000, 2, &[A, C], &[A], 2)]);
		assert_eq!(watch.view(63_000).silent, [(A, 3), (C, 3)]);
	}

	#[test]
	fn a_vote_of_somebody_else_is_ignored() {
		let watch = watch(&[(1_000, 1, &[A], &[C], 1), (9_000, 1, &[A], &[A, C], 1)]);
		assert!(watch.view(9_000).silent.is_empty());
	}

	#[test]
	fn it_tells_since_when_finality_stands_still() {
		let watch = watch(&[(1_000, 1, &[A], &[A], 5), (2_000, 1, &[A], &[A], 6), (9_000, 1, &[A], &[A], 6)]);
		let view = watch.view(9_000);
		assert_eq!((view.at, view.advanced, view.finalized), (9_000, 2_000, 6));
	}
}
