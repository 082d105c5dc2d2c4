//! Chain for tests, with real keys and votes, a real state trie, and a real log.

// Each test uses only a part.
#![allow(dead_code)]

use std::collections::BTreeMap;

use codec::Encode;
use finality_grandpa::{Commit, Message, Precommit, SignedPrecommit};
use sp_consensus_grandpa::{
	AuthorityId, AuthoritySignature, ConsensusLog, GrandpaJustification, ScheduledChange, GRANDPA_ENGINE_ID,
};
use sp_core::{
	bounded::BoundedVec, ed25519, sr25519, storage::StateVersion, storage::Storage, Pair, H256, H512,
};
use sp_runtime::{
	traits::{BlakeTwo256, Header as _},
	Digest, DigestItem, Perbill,
};
use sp_state_machine::InMemoryBackend;
use understudy_primitives::{
	mmr::{self, Ancestry, Nodes, Peaks},
	statement::Statement,
	vote::Vote,
	BlockId, Detectors, Entry, Evidence, Health, Incident, Initiator, LogHead, Moment, Record, RecordKind,
	Stall, Verdict,
};
use understudy_verifier::{
	head_keys, inclusion_keys, keys, owner_key, recovery_keys, AccountId, Bundle, Cast, ForcedChange,
	HandOff, Header, Inclusion, Justified, Parachain, Policy, Proven, ProvenIncident, Shown, TrustedSet,
	VERSION,
};

/// Round of all votes.
const ROUND: u64 = 7;
/// Milliseconds between two blocks.
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

/// Returns a header, justified by these votes.
pub fn justified(header: &Header, votes: Votes, ancestries: Vec<Header>) -> Justified {
	let commit = Commit { target_hash: header.hash(), target_number: *header.number(), precommits: votes };
	let justification = GrandpaJustification::<Header> { round: ROUND, commit, votes_ancestries: ancestries };
	Justified { header: header.encode(), justification: justification.encode() }
}

/// Returns the digest item that announces the next set.
pub fn change(next: &[u8], delay: u32) -> DigestItem {
	let change = ScheduledChange { next_authorities: authorities(next), delay };
	DigestItem::Consensus(GRANDPA_ENGINE_ID, ConsensusLog::ScheduledChange(change).encode())
}

pub fn header(number: u32, state_root: H256, logs: Vec<DigestItem>) -> Header {
	Header::new(number, H256::repeat_byte(1), state_root, H256::repeat_byte(2), Digest { logs })
}

/// Returns the account of a member.
pub fn member(seed: u8) -> AccountId {
	AccountId::new([seed; 32])
}

/// Returns the heartbeat key of a member.
pub fn heartbeat(seed: u8) -> sr25519::Pair {
	sr25519::Pair::from_seed(&[seed; 32])
}

/// Returns the vote of a member for a proposal.
pub fn cast(seed: u8, genesis: H256, proposal: BlockId<H256>) -> Cast {
	let base = BlockId { number: 7, hash: H256::repeat_byte(7) };
	let (who, pair) = (member(seed), heartbeat(seed));
	let payload = Vote { who: who.clone(), proposal, base }.payload(&genesis);
	Cast { who, base, signature: H512(pair.sign(&payload).0) }
}

/// Recovery of the chain.
pub struct Recovery<'a> {
	/// Seeds of the members that vote.
	pub voters: &'a [u8],
	/// Seeds of the members that are seated.
	pub seats: &'a [u8],
	/// `true` if the previous authorities have justified a block since they became the current set.
	pub is_justified: bool,
}

fn state(top: &BTreeMap<Vec<u8>, Vec<u8>>) -> InMemoryBackend<BlakeTwo256> {
	let storage = Storage { top: top.clone(), children_default: Default::default() };
	InMemoryBackend::from((storage, StateVersion::V1))
}

/// Returns the trie nodes that lead to these keys in a state.
fn nodes(top: &BTreeMap<Vec<u8>, Vec<u8>>, keys: &[Vec<u8>]) -> Vec<Vec<u8>> {
	let proof = sp_state_machine::prove_read(state(top), keys).expect("the state is whole");
	proof.into_iter_nodes().collect()
}

/// Chain whose proofs the tests forge.
pub struct Forge {
	pub genesis: H256,
	/// Seeds of the current authorities.
	pub seeds: Vec<u8>,
	/// Seeds of the standbys.
	pub reserve: Vec<u8>,
	pub set: u64,
	pub number: u32,
	pub hand_offs: Vec<HandOff>,
	/// Last block that is known to be final.
	known: Header,
	/// Last forced change: id of the set, and proposal.
	pub forced: Option<(u64, BlockId<H256>)>,
	/// Number of times that a change is forced in vain before one brings finality back.
	pub retries: u64,
	/// Items of the recovery pallet that the state lacks.
	pub hidden: Vec<&'static str>,
	/// Members that are not ready.
	pub unready: Vec<u8>,
	/// Members without a key in force.
	pub keyless: Vec<u8>,
	/// Stall that the next recovery ends.
	pub stall: Option<Stall>,
	pub entries: Vec<Entry<AccountId, u32>>,
	pub log: LogHead,
	peaks: Vec<H256>,
	children: BTreeMap<H256, (H256, H256)>,
	pub incidents: BTreeMap<u64, Incident<AccountId>>,
}

impl Forge {
	pub fn new(genesis: u8, seeds: &[u8]) -> Self {
		let mut forge = Self {
			genesis: H256::zero(),
			seeds: seeds.to_vec(),
			reserve: vec![8, 9],
			set: 0,
			number: 0,
			hand_offs: Vec::new(),
			known: header(0, H256::zero(), vec![]),
			forced: None,
			retries: 0,
			hidden: Vec::new(),
			unready: Vec::new(),
			keyless: Vec::new(),
			stall: None,
			entries: Vec::new(),
			log: LogHead::default(),
			peaks: Vec::new(),
			children: BTreeMap::new(),
			incidents: BTreeMap::new(),
		};
		// The state of genesis does not contain the genesis hash, so the digest tells chains apart.
		forge.known = header(0, forge.root(&forge.roster()), vec![DigestItem::Other(vec![genesis])]);
		forge.genesis = forge.known.hash();
		forge
	}

	/// Returns the trusted set of genesis.
	pub fn trusted(&self, seeds: &[u8]) -> TrustedSet {
		TrustedSet::of_genesis(self.genesis, authorities(seeds))
	}

	/// Returns the votes of all authorities for a block.
	pub fn all_votes(&self, header: &Header) -> Votes {
		self.seeds.iter().map(|seed| vote(*seed, self.set, (header.hash(), *header.number()))).collect()
	}

	/// Hands off from the current authorities to these.
	pub fn hand_over(&mut self, next: &[u8]) {
		self.number += 10;
		let before = std::mem::replace(&mut self.seeds, next.to_vec());
		let root = self.root(&self.roster());
		let header = header(self.number, root, vec![DigestItem::Other(vec![1]), change(next, 0)]);
		let target = (header.hash(), self.number);
		let votes = before.iter().map(|seed| vote(*seed, self.set, target)).collect();
		self.hand_offs.push(HandOff::Scheduled(justified(&header, votes, vec![])));
		self.set += 1;
		self.known = header;
	}

	/// Returns the part of the state with the members and the last forced change.
	fn roster(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
		let keys = recovery_keys("Recovery");
		let members: Vec<u8> = [&self.seeds[..], &self.reserve].concat();
		let key = |seed: u8| (!self.keyless.contains(&seed)).then(|| heartbeat(seed).public().0);
		let voter = |seed: u8| (member(seed), key(seed), !self.unready.contains(&seed));
		let roster = |seeds: &[u8]| (4u32, seeds.iter().copied().map(voter).collect::<Vec<_>>());
		// An older one is in flight.
		let rosters = (vec![(0u32, roster(&[1])), (self.number, roster(&members))], None::<u32>);
		let mut top = BTreeMap::from([(keys.rosters.clone(), rosters.encode())]);
		// The state of genesis does not contain the genesis hash.
		top.extend((self.number > 0).then(|| (keys.genesis, self.genesis.encode())));
		if self.hidden.contains(&"Rosters") {
			top.remove(&keys.rosters);
		}
		top.extend(self.forced.iter().map(|forced| (keys.forced.clone(), forced.encode())));
		top
	}

	/// Makes the new set's chain show `forced` as the last forced change.
	pub fn enact(&mut self, forced: Option<(u64, BlockId<H256>)>) {
		self.forced = forced;
		let top = self.roster();
		let header = header(self.number, self.root(&top), vec![]);
		let votes = self.all_votes(&header);
		let Some(HandOff::Forced(change)) = self.hand_offs.last_mut() else { panic!("none was forced") };
		let state = nodes(&top, &[recovery_keys("Recovery").forced]);
		change.enacted = Proven { header: header.encode(), state };
		change.enacted_justification = justified(&header, votes, vec![]).justification;
	}

	fn root(&self, top: &BTreeMap<Vec<u8>, Vec<u8>>) -> H256 {
		*state(top).root()
	}

	/// Recovers from a loss of votes: the members seat another set.
	pub fn recover(&mut self, Recovery { voters, seats, is_justified }: Recovery) {
		let keys = recovery_keys("Recovery");
		let top = self.roster();
		let (mut anchor, mut anchor_justification) = (self.known.clone(), Vec::new());
		if is_justified {
			self.number += 10;
			anchor = header(self.number, self.root(&top), vec![]);
			anchor_justification = justified(&anchor, self.all_votes(&anchor), vec![]).justification;
		}
		let mut asked = vec![keys.rosters];
		asked.extend(is_justified.then_some(keys.genesis));
		let anchor = Proven { header: anchor.encode(), state: nodes(&top, &asked) };

		self.number += 10;
		let grandpa_key =
			|seed: &u8| owner_key(sp_consensus_grandpa::KEY_TYPE, &H256(pair(*seed).public().0));
		let proposed: Vec<AccountId> = seats.iter().copied().map(member).collect();
		let mut top: BTreeMap<_, _> =
			seats.iter().map(|seed| (grandpa_key(seed), member(*seed).encode())).collect();
		if !self.hidden.contains(&"Proposed") {
			top.insert(keys.proposed.clone(), proposed.encode());
		}
		if !self.hidden.contains(&"Stalled") {
			let at = |block: u32| Moment { block, time: u64::from(block) * BLOCK };
			let stall = Stall {
				finalized: self.number - 9,
				since: at(self.number - 8),
				noticed: at(self.number - 1),
				reports: 2,
			};
			top.insert(keys.stalled.clone(), self.stall.unwrap_or(stall).encode());
		}
		let proposal = header(self.number, self.root(&top), vec![]);
		let id = BlockId { number: self.number, hash: proposal.hash() };
		let mut asked = vec![keys.proposed, keys.stalled];
		asked.extend(seats.iter().map(grandpa_key));
		let proposal = Proven { header: proposal.encode(), state: nodes(&top, &asked) };

		self.number += 10;
		let active: Vec<u8> = self.seeds.drain(..).collect();
		self.reserve.extend(active);
		self.reserve.retain(|seed| !seats.contains(seed));
		self.seeds = seats.to_vec();
		self.set += 1 + self.retries;
		self.forced = Some((self.set, id));
		let top = self.roster();
		let enacted = header(self.number, self.root(&top), vec![]);
		let change = ForcedChange {
			anchor,
			anchor_justification,
			proposal,
			authorities: seats.iter().map(|seed| H256(pair(*seed).public().0)).collect(),
			votes: voters.iter().map(|seed| cast(*seed, self.genesis, id)).collect(),
			enacted: Proven { header: enacted.encode(), state: nodes(&top, &[keys.forced]) },
			enacted_justification: justified(&enacted, self.all_votes(&enacted), vec![]).justification,
		};
		self.hand_offs.push(HandOff::Forced(Box::new(change)));
		self.known = enacted;
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
		let (peaks, root) = peaks.push(hash).expect("the log has room");
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

	/// Appends all records of an incident, from beginning to end.
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
			let key = understudy_verifier::keys("Failover", Some(*id)).incident.expect("it was requested");
			top.insert(key, incident.encode());
		}
		state(&top)
	}

	/// Returns a bundle of this chain as that of a parachain, with the custody of the relay chain
	/// `relay`, whose newest block has the parachain's head.
	pub fn included(&self, relay: &Forge, para_id: u32, bundle: Bundle) -> Bundle {
		let (head, inclusion) = relay.as_relay(para_id, Some(self.head().encode().encode()));
		Bundle { hand_offs: relay.hand_offs.clone(), head, inclusion: Some(inclusion), ..bundle }
	}

	/// Returns a final block of this chain as a relay chain, whose state has this value as the head
	/// of a parachain, or none.
	pub fn as_relay(&self, para_id: u32, value: Option<Vec<u8>>) -> (Justified, Inclusion) {
		let [genesis, time, head] = inclusion_keys(para_id);
		let mut top: BTreeMap<Vec<u8>, Vec<u8>> = (0u32..200).map(|n| (n.encode(), vec![9; 40])).collect();
		top.insert(genesis, self.genesis.encode());
		top.insert(time, self.time().encode());
		top.extend(value.map(|value| (head, value)));
		let block = header(self.number + 1, self.root(&top), vec![]);
		let state = nodes(&top, &inclusion_keys(para_id));
		(justified(&block, self.all_votes(&block), vec![]), Inclusion { para_id, state })
	}

	pub fn time(&self) -> u64 {
		u64::from(self.number) * BLOCK
	}

	/// Returns the header of a block with the current state.
	pub fn head(&self) -> Header {
		header(self.number + 1, *self.state().root(), vec![])
	}

	/// Returns a justified block with the current state, and the trie nodes by which a light client
	/// reads the chain and the time.
	pub fn light_head(&self) -> (Justified, Vec<Vec<u8>>) {
		let head = self.head();
		let proof = sp_state_machine::prove_read(self.state(), head_keys()).expect("the state is whole");
		(justified(&head, self.all_votes(&head), vec![]), proof.into_iter_nodes().collect())
	}

	/// Returns a proof of an incident, or of these records.
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
			inclusion: None,
			state: proof.into_iter_nodes().collect(),
			time: self.time(),
			log: self.log,
			ancestry: None,
			incident,
			path: Nodes::new(self.log.count, &self.peaks, &children).prove(&seqs).expect("they are stored"),
			records: seqs
				.iter()
				.map(|seq| Shown::new(self.entries[*seq as usize].clone(), &discloses))
				.collect(),
		}
	}

	/// Returns the proof that the log with its first `count` records is a prefix of this one.
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

/// Returns pieces of evidence with a private one among them.
pub fn pieces() -> Vec<Evidence> {
	vec![
		Evidence::Verdict(verdict()),
		Evidence::Slots { current: 77, missed: 2 },
		Evidence::Signs { window: 5, seen: false, seen_before: true, missed: 1 },
		Evidence::Node(BoundedVec::truncate_from(b"an endpoint".to_vec())),
	]
}

/// Returns a chain with three hand-offs and two incidents.
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

/// Returns the same chain after two recoveries, a third incident, and one more scheduled hand-off.
pub fn recovered() -> (Forge, TrustedSet) {
	let (mut forge, trusted) = usual();
	forge.recover(Recovery { voters: &[5, 7, 8, 9], seats: &[5, 7, 8, 9], is_justified: false });
	forge.recover(Recovery { voters: &[2, 6, 5, 7, 8], seats: &[5, 7, 2, 6], is_justified: true });
	forge.failover(3);
	forge.hand_over(&[5, 7, 2, 1]);
	(forge, trusted)
}

/// Returns `true` for evidence that is not private.
pub fn public(evidence: &Evidence) -> bool {
	!evidence.is_private()
}

/// Returns a policy that accepts any age.
pub fn any_age() -> Policy {
	Policy::default()
}

/// Id of the parachain in [`parachain`].
pub const PARA_ID: u32 = 2_000;

/// Returns a parachain with two incidents, its relay chain with two hand-offs, and the trusted set.
pub fn parachain() -> (Forge, Forge, TrustedSet) {
	let mut chain = Forge::new(44, &[]);
	chain.append(0, RecordKind::Elected, vec![]);
	chain.failover(1);
	chain.failover(2);
	let mut relay = Forge::new(45, &[1, 2, 3, 4]);
	relay.hand_over(&[1, 2, 3, 5]);
	relay.hand_over(&[1, 2, 6, 5]);
	let parachain = Some(Parachain { id: PARA_ID, genesis: chain.genesis });
	let trusted = TrustedSet { parachain, ..relay.trusted(&[1, 2, 3, 4]) };
	(chain, relay, trusted)
}
