//! Detects authors that sign two blocks for one slot, and reports them to the chain.
//!
//! The import queue accepts both blocks, because each is valid on its branch. The observer examines
//! every imported block, on any branch, and submits the two headers repeatedly until the chain has
//! recorded the report. Every node does so; the pool keeps one report per author.

use std::{collections::BTreeMap, sync::Arc};

use futures::StreamExt;
use pallet_equivocation::{api::AuthorEquivocationApi, proof::pre_hashes, rejection, KEY_TYPE};
use sc_client_api::BlockchainEvents;
use sc_consensus_aura::find_pre_digest;
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_api::{ApiExt, ProvideRuntimeApi};
use sp_application_crypto::RuntimeAppPublic;
use sp_blockchain::HeaderBackend;
use sp_consensus_aura::{
	sr25519::{AuthorityId as AuraId, AuthoritySignature as AuraSignature},
	AuraApi,
};
use sp_consensus_slots::{EquivocationProof, Slot};
use sp_keystore::KeystorePtr;
use sp_runtime::traits::Header as _;

use crate::{EquivocationNode, Header};

const LOG_TARGET: &str = "understudy::equivocation";
/// Number of slots whose headers are kept, the latest ones. A block for an older slot that arrives
/// later is not built on, and does no harm.
const SLOTS: usize = 256;
/// Maximum number of headers that are kept per slot. Two suffice for a proof, but the authors of
/// two branches may differ.
const HEADERS: usize = 4;

/// Maximum number of pending reports.
const REPORTS: usize = 64;
/// Maximum number of pending reports on one author.
const OF_AUTHOR: usize = 4;
/// Number of imported blocks for which a report is retried. On a single branch they take at least
/// an hour.
const PATIENCE: u32 = 1_200;
/// Number of imported blocks after which a report is sent again.
const EVERY: u32 = 8;

type Proof = EquivocationProof<Header, AuraId>;

/// Headers of the latest slots.
#[derive(Default)]
struct Seen(BTreeMap<u64, Vec<Header>>);

impl Seen {
	/// Adds the header of a block. Returns the other headers of the same slot; none if this header
	/// was known already.
	fn take_in(&mut self, slot: Slot, header: &Header) -> Vec<Header> {
		let headers = self.0.entry(slot.into()).or_default();
		if headers.contains(header) {
			return Vec::new();
		}
		let others = headers.clone();
		if headers.len() < HEADERS {
			headers.push(header.clone());
		}
		while self.0.len() > SLOTS {
			self.0.pop_first();
		}
		others
	}
}

/// Report that the chain does not have yet.
struct Due {
	proof: Proof,
	/// Number of imported blocks after which the report is dropped.
	left: u32,
	/// `true` if the chain refused the last attempt. The two blocks may build on an abandoned
	/// branch.
	refused: bool,
}

/// Pending reports.
#[derive(Default)]
struct Queue(Vec<Due>);

impl Queue {
	/// Adds a report. Up to [`OF_AUTHOR`] reports on one author are kept, because not every report
	/// can be proven. A report on the same author that was refused makes room for a new one.
	fn push(&mut self, proof: Proof) {
		let is_its = |due: &Due| due.proof.offender == proof.offender;
		if self.0.iter().filter(|due| is_its(due)).count() >= OF_AUTHOR {
			let Some(place) = self.0.iter().position(|due| is_its(due) && due.refused) else { return };
			self.0.remove(place);
		}
		if self.0.len() < REPORTS {
			// One more, so that the next turn makes the first attempt.
			self.0.push(Due { proof, left: PATIENCE + 1, refused: false });
		}
	}

	/// Sends the reports that are due. `send` returns the code of a rejection, or `None` if the
	/// runtime takes no reports. Drops all reports on an author if the chain has one of them,
	/// reports that are too old, and reports that the runtime does not take.
	fn turn(&mut self, send: impl Fn(&Proof) -> Option<Result<(), u8>>) {
		let mut known = Vec::new();
		self.0.retain_mut(|due| {
			due.left = due.left.saturating_sub(1);
			if !due.left.is_multiple_of(EVERY) {
				return true;
			}
			match send(&due.proof) {
				None => return false,
				Some(Err(rejection::ALREADY_REPORTED)) => known.push(due.proof.offender.clone()),
				Some(result) => due.refused = !matches!(result, Ok(()) | Err(rejection::IN_POOL)),
			}
			due.left > 0
		});
		self.0.retain(|due| !known.contains(&due.proof.offender));
	}
}

/// Observer of the blocks that the node imports.
pub struct EquivocationObserver<N: EquivocationNode> {
	/// The client.
	pub client: Arc<N::Client>,
	/// Keystore of the node. The observer does not report its keys.
	pub keystore: KeystorePtr,
	/// Transaction pool for the reports.
	pub pool: OffchainTransactionPoolFactory<N::Block>,
}

impl<N: EquivocationNode> EquivocationObserver<N> {
	/// Runs until the node stops.
	pub async fn run(self) {
		let mut blocks = self.client.every_import_notification_stream();
		let mut seen = Seen::default();
		let mut queue = Queue::default();
		while let Some(block) = blocks.next().await {
			let Ok(slot) = find_pre_digest::<N::Block, AuraSignature>(&block.header) else { continue };
			for other in seen.take_in(slot, &block.header) {
				match self.proof(slot, other, block.header.clone()) {
					Ok(proof) => proof.into_iter().for_each(|proof| queue.push(proof)),
					Err(why) => {
						log::warn!(target: LOG_TARGET, "cannot determine the author of slot {slot}: {why}")
					},
				}
			}
			queue.turn(|proof| self.send(proof));
		}
	}

	/// Submits a report at the best block. Returns the code of the rejection if the report is
	/// refused, and `None` if the runtime is of an earlier release, which takes no reports.
	fn send(&self, proof: &Proof) -> Option<Result<(), u8>> {
		let best = self.client.info().best_hash;
		let mut api = self.client.runtime_api();
		api.register_extension(self.pool.offchain_transaction_pool(best));
		let result = api.report_author(best, proof.clone()).ok()?;
		let (one, other) = (proof.first_header.hash(), proof.second_header.hash());
		match result {
			Ok(()) => log::warn!(
				target: LOG_TARGET,
				"reported an author that signed {one:?} and {other:?}, both for slot {}",
				proof.slot
			),
			Err(code) => log::debug!(
				target: LOG_TARGET,
				"the report on {one:?} and {other:?}, both for slot {}, was refused with code {code}",
				proof.slot
			),
		}
		Some(result)
	}

	/// Returns the proof that the author of two blocks for a slot equivocated. `None` if the blocks
	/// have different authors, are no equivocation, or were signed with a key of this node.
	fn proof(&self, slot: Slot, one: Header, other: Header) -> Result<Option<Proof>, String> {
		let (Some(offender), Some(second)) = (self.author(slot, &one)?, self.author(slot, &other)?) else {
			return Ok(None);
		};
		let is_one = offender == second;
		let proof = EquivocationProof { offender, slot, first_header: one, second_header: other };
		if !is_one || pre_hashes(&proof).is_none() {
			return Ok(None);
		}
		if self.keystore.has_keys(&[(proof.offender.to_raw_vec(), KEY_TYPE)]) {
			log::error!(
				target: LOG_TARGET,
				"another node uses this node's keys: both have signed a block for slot {slot}. Stop one of \
				 them at once; the validator will be charged"
			);
			return Ok(None);
		}
		Ok(Some(proof))
	}

	/// Returns the author of a slot on the branch of this block.
	fn author(&self, slot: Slot, header: &Header) -> Result<Option<AuraId>, String> {
		let authorities = self.client.runtime_api().authorities(*header.parent_hash());
		let authorities = authorities.map_err(|why| why.to_string())?;
		let place = u64::from(slot).checked_rem(authorities.len() as u64);
		Ok(place.and_then(|place| authorities.get(place as usize).cloned()))
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use sp_core::H256;

	fn header(content: u64) -> Header {
		let root = H256::from_low_u64_be(content);
		Header::new(7, root, root, H256::zero(), Default::default())
	}

	#[test]
	fn headers_of_one_slot_are_found_and_few_are_kept() {
		let mut seen = Seen::default();
		assert_eq!(seen.take_in(5.into(), &header(1)), []);
		assert_eq!(seen.take_in(6.into(), &header(2)), []);
		assert_eq!(seen.take_in(5.into(), &header(3)), [header(1)]);
		assert_eq!(seen.take_in(5.into(), &header(3)), [], "a known header has no effect");
		for content in 10..30 {
			assert!(seen.take_in(5.into(), &header(content)).len() <= HEADERS);
		}
		for slot in 100..1_000u64 {
			seen.take_in(slot.into(), &header(slot));
			assert!(seen.0.len() <= SLOTS);
		}
		assert_eq!(seen.take_in(5.into(), &header(1)), [], "headers of old slots are dropped");
	}

	fn proof(author: u8, slot: u64) -> Proof {
		let offender = sp_core::sr25519::Public::from_raw([author; 32]).into();
		EquivocationProof { offender, slot: slot.into(), first_header: header(1), second_header: header(2) }
	}

	#[test]
	fn one_that_cannot_be_proven_does_not_keep_others_from_being_reported() {
		let mut queue = Queue::default();
		for slot in 0..10 {
			queue.push(proof(1, slot));
			queue.push(proof(2, slot));
		}
		assert_eq!(queue.0.len(), 2 * OF_AUTHOR);
		let turns = |queue: &mut Queue, of_first: Result<(), u8>, of_second: Result<(), u8>| {
			let first = proof(1, 0).offender;
			let send = |proof: &Proof| Some(if proof.offender == first { of_first } else { of_second });
			(0..EVERY).for_each(|_| queue.turn(send));
		};
		turns(&mut queue, Err(rejection::UNKNOWN_PARENT), Err(rejection::IN_POOL));
		queue.push(proof(1, 50));
		queue.push(proof(2, 50));
		let has = |queue: &Queue, author, slot| queue.0.iter().any(|due| due.proof == proof(author, slot));
		assert!(has(&queue, 1, 50) && !has(&queue, 1, 0) && !has(&queue, 2, 50));
		// All reports on an author are dropped when the chain has one of them.
		turns(&mut queue, Err(rejection::UNKNOWN_PARENT), Err(rejection::ALREADY_REPORTED));
		assert_eq!(queue.0.len(), OF_AUTHOR);
		(0..PATIENCE).for_each(|_| queue.turn(|_| Some(Ok(()))));
		assert!(queue.0.is_empty(), "an old report is dropped");
		queue.push(proof(1, 51));
		(0..EVERY).for_each(|_| queue.turn(|_| None));
		assert!(queue.0.is_empty(), "the runtime takes no reports");
		for author in 0..200 {
			queue.push(proof(author, 1));
		}
		assert_eq!(queue.0.len(), REPORTS);
	}
}
