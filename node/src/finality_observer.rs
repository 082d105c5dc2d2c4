//! Watches who takes part in finality, and leaves what it sees for the offchain worker.
//!
//! GRANDPA's voter knows who has prevoted and precommitted in the rounds that it follows. A commit proves nothing of those
//! it does not list, so the observer looks at the rounds themselves, often, and notes for each voter when it last saw a
//! vote of it. In a stall the round stands still, and its votes with it: who voted in it is not silent.
//!
//! It watches the blocks, too, those that no other one builds on included: an author of whose slots
//! no block comes is idle, and one whose neighbours keep its blocks out of the chain is not.

use std::{
	collections::{BTreeMap, BTreeSet},
	sync::Arc,
	time::{Duration, SystemTime},
};

use codec::{Decode, Encode};
use futures::{FutureExt, StreamExt};
use sc_client_api::BlockchainEvents;
use sc_consensus_aura::find_pre_digest;
use sc_consensus_grandpa::{SharedAuthoritySet, SharedVoterState};
use sp_api::ProvideRuntimeApi;
use sp_blockchain::HeaderBackend;
use sp_consensus_aura::{
	sr25519::{AuthorityId as AuraId, AuthoritySignature as AuraSignature},
	AuraApi,
};
use sp_core::offchain::{OffchainStorage, STORAGE_PREFIX};
use sp_runtime::traits::NumberFor;
use substrate_prometheus_endpoint::{register, Gauge, PrometheusError, Registry, U64};
use understudy_primitives::{
	offchain::{
		FinalityView, NodeVersion, Probing, FINALITY_VIEW, FIRST_FINALITY_VIEW, NODE_VERSION, PREVOTED,
		PROBING,
	},
	BlockId,
};
use understudy_runtime::{Hash, OpaqueBlock as Block};

use crate::service::{FullClient, OffchainStore};

/// How often the rounds are looked at.
const LOOK: Duration = Duration::from_millis(500);
/// After so many looks, what was seen is written down.
const LOOKS_PER_NOTE: u32 = 4;
/// After so many slots without any block the node judges no author.
const BLIND: u64 = 10;
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
	authors: Authors,
}

/// When each author was seen last.
#[derive(Default)]
struct Authors {
	/// The authors, by turns.
	keys: Vec<AuraId>,
	/// The last slot of each of which there was a block, or the one in which the set began.
	last: Vec<u64>,
	/// The latest slot of which there was a block.
	latest: u64,
}

impl Authors {
	/// The authors are these from this slot on. Those of another set have just been seen, all of
	/// them; and so have all where the node sees no recent block of anybody: it syncs, or the chain
	/// stands still.
	fn follow(&mut self, keys: &[AuraId], slot: u64) {
		let blind = self.latest + BLIND < slot;
		if self.keys != keys || blind {
			self.last = vec![slot; keys.len()];
			self.keys = keys.to_vec();
		}
	}

	/// There is a block of this slot.
	fn see(&mut self, slot: u64) {
		self.latest = slot.max(self.latest);
		let count = self.keys.len() as u64;
		let place = slot.checked_rem(count).and_then(|place| self.last.get_mut(place as usize));
		if let Some(last) = place {
			*last = slot.max(*last);
		}
	}

	/// The places of those that had slots before this one without a block, and the number of such
	/// slots in a row.
	fn idle(&self, slot: u64) -> Vec<(u32, u32)> {
		let count = self.keys.len() as u64;
		let missed = |last: &u64, place: u64| {
			// Number of own slots before this one.
			let own = |slot: u64| (slot + count - 1 - place).checked_div(count).unwrap_or_default();
			own(slot).saturating_sub(own(last + 1)).min(u32::MAX.into()) as u32
		};
		let all = self.last.iter().zip(0u64..).map(|(last, place)| (place as u32, missed(last, place)));
		all.filter(|(_, missed)| *missed > 0).collect()
	}
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

	/// The view of finality to be left for the runtime at `now`, in this slot.
	fn view(&self, now: u64, slot: u64) -> FinalityView {
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
			authors: self.authors.keys.len() as u32,
			idle: self.authors.idle(slot),
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
	/// The storage that the offchain worker reads.
	pub storage: OffchainStore,
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
		let mut storage = self.storage.clone();
		let metrics = self.registry.as_ref().and_then(|registry| Metrics::register(registry).ok());
		let mut watch = Watch::default();
		let mut imports = self.client.every_import_notification_stream();
		let Ok(duration) = sc_consensus_aura::slot_duration(&*self.client) else { return };
		let duration = duration.as_millis().max(1);
		// Those that the best block says, asked once per block.
		let (mut authorities, mut best) = (Vec::new(), None);
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
			let slot = now / duration;
			while let Some(Some(block)) = imports.next().now_or_never() {
				if let Ok(slot) = find_pre_digest::<Block, AuraSignature>(&block.header) {
					watch.authors.see(slot.into());
				}
			}
			let info = self.client.info();
			if best != Some(info.best_hash) {
				if let Ok(keys) = self.client.runtime_api().authorities(info.best_hash) {
					(authorities, best) = (keys, Some(info.best_hash));
				}
			}
			watch.authors.follow(&authorities, slot);
			let finalized = info.finalized_number;
			if let Ok(Some(header)) = self.client.header(info.finalized_hash) {
				watch.header = header.encode();
			}
			watch.look(now, self.authority_set.set_id(), &voters, &present, finalized);
			if looks % LOOKS_PER_NOTE == 0 {
				watch.prevoted = self.prevoted(&storage).map(|seen| seen.encode()).unwrap_or_default();
				let view = watch.view(now, slot);
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
pub fn introduce(storage: &mut OffchainStore, probing: Probing) {
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
		assert!(watch.view(9_500, 0).silent.is_empty());
	}

	#[test]
	fn who_does_not_vote_is_silent_since_the_set_began() {
		let watch = watch(&[(1_000, 1, &[A, B], &[A], 1), (9_000, 1, &[A, B], &[A], 2)]);
		assert_eq!(watch.view(9_000, 0).silent, [(B, 8)]);
	}

	#[test]
	fn who_stops_is_silent_since_its_last_vote() {
		let watch = watch(&[(1_000, 1, &[A, B], &[A, B], 1), (4_000, 1, &[A, B], &[A, B], 2)]);
		assert_eq!(watch.view(34_000, 0).silent, [(A, 30), (B, 30)]);
	}

	#[test]
	fn a_new_set_starts_anew() {
		let watch = watch(&[(1_000, 1, &[A, B], &[A], 1), (60_000, 2, &[A, C], &[A], 2)]);
		assert_eq!(watch.view(63_000, 0).silent, [(A, 3), (C, 3)]);
	}

	#[test]
	fn a_vote_of_somebody_else_is_ignored() {
		let watch = watch(&[(1_000, 1, &[A], &[C], 1), (9_000, 1, &[A], &[A, C], 1)]);
		assert!(watch.view(9_000, 0).silent.is_empty());
	}

	#[test]
	fn it_tells_since_when_finality_stands_still() {
		let watch = watch(&[(1_000, 1, &[A], &[A], 5), (2_000, 1, &[A], &[A], 6), (9_000, 1, &[A], &[A], 6)]);
		let view = watch.view(9_000, 0);
		assert_eq!((view.at, view.advanced, view.finalized), (9_000, 2_000, 6));
	}

	/// Four authors, from slot 100 on.
	fn authors() -> Authors {
		let mut authors = Authors::default();
		let key = |byte| sp_core::sr25519::Public::from_raw([byte; 32]).into();
		authors.see(100);
		authors.follow(&[1, 2, 3, 4].map(key), 100);
		authors
	}

	#[test]
	fn an_author_without_blocks_is_idle_by_its_own_slots() {
		let mut authors = authors();
		assert_eq!(authors.idle(101), []);
		// Slots 100, 104, … are of the first one.
		for slot in (101..=120).filter(|slot| slot % 4 != 2) {
			authors.see(slot);
		}
		assert_eq!(authors.idle(121), [(2, 5)]);
		assert_eq!(authors.idle(122), [(1, 1), (2, 5)], "slot 122 is not over yet");
		assert_eq!(authors.idle(123), [(1, 1), (2, 6)]);
		// A block of its slot, whether another one builds on it or not.
		authors.see(122);
		assert_eq!(authors.idle(123), [(1, 1)]);
	}

	#[test]
	fn another_set_of_authors_starts_anew() {
		let mut authors = authors();
		let same = authors.keys.clone();
		authors.see(125);
		authors.follow(&same, 129);
		assert_eq!(authors.idle(129).len(), 3);
		authors.follow(&same[..3], 130);
		assert_eq!(authors.idle(130), []);
		assert_eq!(Authors::default().idle(5), []);
	}

	#[test]
	fn a_node_that_sees_no_block_of_anybody_judges_nobody() {
		let mut authors = authors();
		let same = authors.keys.clone();
		// It syncs, or the chain stands still, for a while.
		authors.follow(&same, 200);
		assert_eq!(authors.idle(200), []);
		authors.see(201);
		authors.follow(&same, 204);
		assert_eq!(authors.idle(204), [(2, 1), (3, 1)]);
	}
}
