//! A chain in a test's hands: real keys and votes, a real state trie, a real log.

// Each test uses what it needs.
#![allow(dead_code)]

use std::collections::BTreeMap;

use codec::Encode;
use finality_grandpa::{Commit, Message, Precommit, SignedPrecommit};
use sp_consensus_grandpa::{
	AuthorityId, AuthoritySignature, ConsensusLog, GrandpaJustification, ScheduledChange, GRANDPA_ENGINE_ID,
};
use sp_core::{bounded::BoundedVec, ed25519, storage::StateVersion, storage::Storage, Pair, H256};
use sp_runtime::{
	traits::{BlakeTwo256, Header as _},
	Digest, DigestItem, Perbill,
};
use sp_state_machine::InMemoryBackend;
use understudy_primitives::{
	mmr::{self, Ancestry, Nodes, Peaks},
	Detectors, Entry, Evidence, Health, Incident, Initiator, LogHead, Moment, Record, RecordKind, Verdict,
};
use understudy_verifier::{
	keys, AccountId, Bundle, Header, Justified, Policy, ProvenIncident, Shown, TrustedSet, VERSION,
};

/// The round that all votes are of.
const ROUND: u64 = 7;
/// Milliseconds of a block.
pub const BLOCK: u64 = 3_000;

pub fn pair(seed: u8) -> ed25519::Pair {
	ed25519::Pair::from_seed(&[seed; 32])
}

pub fn authorities(seeds: &[u8]) -> Vec<(AuthorityId, u64)> {
	seeds.iter().map(|seed| (pair(*seed).public().into(), 1)).collect()
}

pub fn vote(
	seed: u8,
	set: u64,
	target: (H256, u32),
) -> SignedPrecommit<H256, u32, AuthoritySignature, AuthorityId> {
	let precommit = Precommit { target_hash: target.0, target_number: target.1 };
	let message = Message::Precommit(precommit.clone());
	let payload = sp_consensus_grandpa::localized_payload(ROUND, set, &message);
	SignedPrecommit { precommit, signature: pair(seed).sign(&payload).into(), id: pair(seed).public().into() }
}

pub type Votes = Vec<SignedPrecommit<H256, u32, AuthoritySignature, AuthorityId>>;

/// A header, and these votes for it.
pub fn justified(header: &Header, votes: Votes, ancestries: Vec<Header>) -> Justified {
	let commit = Commit { target_hash: header.hash(), target_number: *header.number(), precommits: votes };
	let justification = GrandpaJustification::<Header> { round: ROUND, commit, votes_ancestries: ancestries };
	Justified { header: header.encode(), justification: justification.encode() }
}

/// The digest that announces the next set.
pub fn change(next: &[u8], delay: u32) -> DigestItem {
	let change = ScheduledChange { next_authorities: authorities(next), delay };
	DigestItem::Consensus(GRANDPA_ENGINE_ID, ConsensusLog::ScheduledChange(change).encode())
}

pub fn header(number: u32, state_root: H256, logs: Vec<DigestItem>) -> Header {
	Header::new(number, H256::repeat_byte(1), state_root, H256::repeat_byte(2), Digest { logs })
}

/// A chain.
pub struct Forge {
	pub genesis: H256,
	/// The seeds of the current authorities.
	pub seeds: Vec<u8>,
	pub set: u64,
	pub number: u32,
	pub hand_offs: Vec<Justified>,
	pub entries: Vec<Entry<AccountId, u32>>,
	pub log: LogHead,
	peaks: Vec<H256>,
	children: BTreeMap<H256, (H256, H256)>,
	pub incidents: BTreeMap<u64, Incident<AccountId>>,
}

impl Forge {
	pub fn new(genesis: u8, seeds: &[u8]) -> Self {
		Self {
			genesis: H256::repeat_byte(genesis),
			seeds: seeds.to_vec(),
			set: 0,
			number: 0,
			hand_offs: Vec::new(),
			entries: Vec::new(),
			log: LogHead::default(),
			peaks: Vec::new(),
			children: BTreeMap::new(),
			incidents: BTreeMap::new(),
		}
	}

	/// What somebody trusts who trusts genesis.
	pub fn trusted(&self, seeds: &[u8]) -> TrustedSet {
		TrustedSet {
			genesis: self.genesis,
			set_id: 0,
			since: 0,
			authorities: authorities(seeds),
			pallet: "Failover".into(),
		}
	}

	/// Everybody votes for a block.
	pub fn all_votes(&self, header: &Header) -> Votes {
		self.seeds.iter().map(|seed| vote(*seed, self.set, (header.hash(), *header.number()))).collect()
	}

	/// The authorities hand over to these.
	pub fn hand_over(&mut self, next: &[u8]) {
		self.number += 10;
		let header =
			header(self.number, H256::repeat_byte(3), vec![DigestItem::Other(vec![1]), change(next, 0)]);
		self.hand_offs.push(justified(&header, self.all_votes(&header), vec![]));
		self.seeds = next.to_vec();
		self.set += 1;
	}

	/// Appends a record of an incident, with some pieces of evidence.
	pub fn append(&mut self, incident: u64, kind: RecordKind, evidence: Vec<Evidence>) {
		self.number += 1;
		let seq = self.log.count;
		let salt = mmr::hash(mmr::Domain::Salt, &(seq, "forge"));
		let account = |byte| Some(AccountId::new([byte; 32]));
		let record = Record {
			seq,
			previous: self.log.hash,
			block: self.number,
			time: u64::from(self.number) * BLOCK,
			session: 1,
			incident,
			kind,
			initiator: Initiator::Automation,
			subject: account(11),
			from: account(11),
			to: account(12),
			evidence_root: mmr::evidence_root(&salt, &evidence),
		};
		let hash = record.hash();
		let mut keep = |node, left, right| {
			self.children.insert(node, (left, right));
		};
		let peaks = Peaks::new(seq, std::mem::take(&mut self.peaks), &mut keep);
		let (peaks, root) = peaks.push(hash).expect("there is room");
		self.peaks = peaks;
		self.log = LogHead { count: seq + 1, hash, root };
		if incident > 0 {
			let number = self.number;
			let followed = self.incidents.entry(incident).or_insert_with(|| Incident::open(&record, number));
			followed.follow(&record, &evidence, number);
		}
		let evidence = BoundedVec::truncate_from(evidence);
		self.entries.push(Entry { record, evidence, salt });
	}

	/// An incident from its begin to its end.
	pub fn failover(&mut self, incident: u64) {
		use RecordKind::*;
		let last_sign = Moment { block: self.number, time: u64::from(self.number) * BLOCK };
		let first = Moment { block: self.number + 1, time: u64::from(self.number + 1) * BLOCK };
		self.append(incident, Suspected, vec![Evidence::Onset { last_sign, first }]);
		self.append(incident, Attributed, pieces());
		self.append(incident, Replaced, vec![Evidence::Verdict(verdict())]);
		self.append(incident, Seated, vec![]);
		let state =
			Evidence::State { block: 3, hash: H256::repeat_byte(4), state_root: H256::repeat_byte(5) };
		self.append(incident, Reconciled, vec![state]);
	}

	fn state(&self) -> InMemoryBackend<BlakeTwo256> {
		let keys = keys("Failover", None);
		let mut top: BTreeMap<Vec<u8>, Vec<u8>> = (0u32..200).map(|n| (n.encode(), vec![9; 40])).collect();
		top.insert(keys.genesis, self.genesis.encode());
		top.insert(keys.time, self.time().encode());
		top.insert(keys.head, self.log.encode());
		for (id, incident) in &self.incidents {
			let key = understudy_verifier::keys("Failover", Some(*id)).incident.expect("it was asked for");
			top.insert(key, incident.encode());
		}
		InMemoryBackend::from((Storage { top, children_default: Default::default() }, StateVersion::V1))
	}

	pub fn time(&self) -> u64 {
		u64::from(self.number) * BLOCK
	}

	/// The header of a block with the current state.
	pub fn head(&self) -> Header {
		header(self.number + 1, *self.state().root(), vec![])
	}

	/// A proof of an incident, or of these records.
	pub fn bundle(
		&self,
		incident: Option<u64>,
		seqs: &[u64],
		discloses: impl Fn(&Evidence) -> bool,
	) -> Bundle {
		let head = self.head();
		let incident = incident.map(|id| ProvenIncident { id, incident: self.incidents[&id].clone() });
		let seqs = match &incident {
			Some(proven) => proven.incident.records.to_vec(),
			None => seqs.to_vec(),
		};
		let keys = keys("Failover", incident.as_ref().map(|proven| proven.id));
		let proof = sp_state_machine::prove_read(self.state(), keys.all()).expect("the state is whole");
		let children = |node: &H256| self.children.get(node).copied();
		Bundle {
			version: VERSION,
			genesis: self.genesis,
			first_set: 0,
			hand_offs: self.hand_offs.clone(),
			head: justified(&head, self.all_votes(&head), vec![]),
			state: proof.into_iter_nodes().collect(),
			time: self.time(),
			log: self.log,
			ancestry: None,
			incident,
			path: Nodes::new(self.log.count, &self.peaks, &children).prove(&seqs).expect("they are there"),
			records: seqs
				.iter()
				.map(|seq| Shown::new(self.entries[*seq as usize].clone(), &discloses))
				.collect(),
		}
	}

	/// How the log with its first `count` records became this one.
	pub fn ancestry(&self, count: u64) -> Ancestry {
		let children = |node: &H256| self.children.get(node).copied();
		Nodes::new(self.log.count, &self.peaks, &children).ancestry(count).expect("it was shorter")
	}
}

pub fn verdict() -> Verdict {
	Verdict {
		health: Health::Down,
		confidence: Perbill::from_percent(90),
		detectors: Detectors { slots: true, peers: true, ..Default::default() },
		missed_slots: 2,
		missed_windows: 1,
		unreachable_windows: 1,
		voteless_windows: 0,
	}
}

/// A private piece among others.
pub fn pieces() -> Vec<Evidence> {
	vec![
		Evidence::Verdict(verdict()),
		Evidence::Slots { current: 77, missed: 2 },
		Evidence::Signs { window: 5, seen: false, seen_before: true, missed: 1 },
		Evidence::Node(BoundedVec::truncate_from(b"an endpoint".to_vec())),
	]
}

/// Three hand-offs, and two incidents of which the first is asked for.
pub fn usual() -> (Forge, TrustedSet) {
	let mut forge = Forge::new(42, &[1, 2, 3, 4]);
	let trusted = forge.trusted(&[1, 2, 3, 4]);
	forge.append(0, RecordKind::Elected, vec![Evidence::Set(H256::repeat_byte(8))]);
	forge.hand_over(&[1, 2, 3, 5]);
	forge.failover(1);
	forge.hand_over(&[1, 2, 6, 5]);
	forge.failover(2);
	forge.hand_over(&[7, 2, 6, 5]);
	(forge, trusted)
}

/// What is not private.
pub fn public(evidence: &Evidence) -> bool {
	!evidence.is_private()
}

/// Any age will do.
pub fn any_age() -> Policy {
	Policy::default()
}
