//! Tests of recovery after more than a third of the members have failed, on the sample runtime with
//! all real pallets: heartbeat, rotation, session, staking, offences, GRANDPA, Aura. The behaviour
//! of GRANDPA's clients is a model; its input is read from the blocks' digests.

mod chain;

use chain::*;
use codec::{Decode, Encode};
use frame_support::traits::KeyOwnerProofSystem;
use pallet_recovery::{BlockId, Mode, Presence, Signed, Vote};
use sp_consensus_grandpa::{
	AuthorityId, AuthorityPair as GrandpaPair, ConsensusLog, Equivocation, EquivocationProof,
	GRANDPA_ENGINE_ID, KEY_TYPE,
};
use sp_core::{Pair, H256};
use sp_keyring::Sr25519Keyring;
use sp_runtime::{traits::Header as _, DigestItem};
use understudy_primitives::{RecordKind, RecoveryStatus};
use understudy_runtime::{
	constants::ERA_LENGTH, Grandpa, Hash, Historical, Recovery, Runtime, RuntimeOrigin, System,
	UncheckedExtrinsic,
};

/// Number of blocks after which no member has grace left.
const WARM: u32 = 20;
/// Number of blocks by which finality lags behind the best block.
const LAG: u32 = 2;

/// Model of a GRANDPA client.
#[derive(Default)]
struct Client {
	set: Vec<AuthorityId>,
	set_id: u64,
	finalized: u32,
	/// Block in which `finalized` rose last.
	since: u32,
	/// Scheduled changes, which are enacted when their block is final.
	standard: Vec<(u32, Vec<AuthorityId>)>,
	/// Forced change: block of its enactment, base, and new set.
	forced: Option<(u32, u32, Vec<AuthorityId>)>,
}

impl Client {
	/// Imports a block, and finalizes as many blocks as the running members can.
	fn import(&mut self, header: &understudy_runtime::Header, dead: &[Sr25519Keyring]) {
		let before = self.finalized;
		self.advance(header, dead);
		if self.finalized > before {
			self.since = header.number;
		}
	}

	fn advance(&mut self, header: &understudy_runtime::Header, dead: &[Sr25519Keyring]) {
		let ids = |list: Vec<(AuthorityId, u64)>| list.into_iter().map(|(id, _)| id).collect();
		for item in header.digest().logs() {
			let DigestItem::Consensus(GRANDPA_ENGINE_ID, bytes) = item else { continue };
			match ConsensusLog::<u32>::decode(&mut &bytes[..]).expect("the digest item is GRANDPA's") {
				ConsensusLog::ScheduledChange(change) => {
					assert_eq!(change.delay, 0);
					self.standard.push((header.number, ids(change.next_authorities)));
				},
				ConsensusLog::ForcedChange(base, change) => {
					assert!(self.forced.is_none(), "only one forced change at a time");
					self.forced = Some((header.number + change.delay, base, ids(change.next_authorities)));
				},
				_ => panic!("no other change is known"),
			}
		}
		if let Some((_, base, set)) = self.forced.take_if(|(at, ..)| *at == header.number) {
			let depends = self.standard.iter().any(|(at, _)| *at <= base);
			assert!(!depends, "clients stop at a forced change that depends on another one");
			assert!(base <= self.finalized, "the base is not final");
			self.standard.clear();
			(self.set, self.set_id) = (set, self.set_id + 1);
		}
		let lives = |key: &AuthorityId| {
			MORE_MEMBERS.into_iter().any(|who| grandpa_pair(who).public() == *key && !dead.contains(&who))
		};
		loop {
			let alive = self.set.iter().filter(|key| lives(key)).count();
			if alive * 3 <= self.set.len() * 2 {
				return;
			}
			let next = self.standard.first().cloned();
			let until = header.number.saturating_sub(LAG);
			match next {
				Some((at, set)) if at <= until => {
					self.finalized = self.finalized.max(at);
					self.standard.remove(0);
					(self.set, self.set_id) = (set, self.set_id + 1);
				},
				_ => {
					self.finalized = self.finalized.max(until);
					return;
				},
			}
		}
	}
}

fn grandpa_pair(who: Sr25519Keyring) -> GrandpaPair {
	GrandpaPair::from_string(&format!("//{who}"), None).expect("a well-known seed")
}

/// Chain with a model of GRANDPA's client.
struct Network<'a> {
	chain: &'a mut Chain,
	client: Client,
}

impl<'a> Network<'a> {
	fn new(chain: &'a mut Chain) -> Self {
		let set = Grandpa::grandpa_authorities().into_iter().map(|(id, _)| id).collect();
		let mut network = Self { chain, client: Client { set, ..Default::default() } };
		network.blocks(WARM);
		assert!(network.client.finalized > 10);
		network
	}

	/// Advances by one slot. In its block the author states the finalized block, and the members'
	/// nodes submit their statements.
	fn slot(&mut self) {
		let (finalized, since, before) = (self.client.finalized, self.client.since, self.chain.number());
		let dead = self.chain.dead.clone();
		self.chain.slot_with(|| {
			let call = pallet_recovery::Call::note_finality { finalized };
			apply(UncheckedExtrinsic::new_bare(call.into())).expect("an inherent").expect("once a block");
			// As nodes do: a node submits statements only if it sees the stall itself.
			if before > since + 10 {
				speak(finalized, &dead);
			}
		});
		Recovery::do_try_state().expect("recovery's invariants hold");
		if self.chain.number() > before {
			self.client.import(&self.chain.head(), &dead);
		}
	}

	fn blocks(&mut self, count: u32) {
		let until = self.chain.number() + count;
		while self.chain.number() < until {
			self.slot();
		}
	}

	fn until(&mut self, done: impl Fn(&Client, &RecoveryStatus<Hash>) -> bool) -> u32 {
		let start = self.chain.number();
		while !done(&self.client, &Recovery::status()) {
			assert!(
				self.chain.number() < start + 100,
				"the awaited condition does not occur within 100 blocks: {:?}",
				Recovery::status()
			);
			self.slot();
		}
		self.chain.number() - start
	}

	/// Asserts that the runtime and the client count the same sets, and have the same members in
	/// them.
	fn agree(&self) {
		assert_eq!(pallet_grandpa::CurrentSetId::<Runtime>::get(), self.client.set_id);
		let set: Vec<_> = Grandpa::grandpa_authorities().into_iter().map(|(id, _)| id).collect();
		assert_eq!(set, self.client.set);
	}
}

/// Submits the statements of the running members' nodes in a stall.
fn speak(finalized: u32, dead: &[Sr25519Keyring]) {
	let status = Recovery::status();
	if status.mode != Mode::DegradedSafe {
		return;
	}
	let (present, voted) = Recovery::participants();
	let number = finalized.min(status.finalized);
	let base = BlockId { number, hash: System::block_hash(number) };
	for member in MORE_MEMBERS.into_iter().filter(|member| !dead.contains(member)) {
		let who = member.to_account_id();
		if let Some(anchor) = status.anchor.filter(|_| !present.contains(&who)) {
			let round = pallet_recovery::Status::<Runtime>::get().round;
			let statement = Presence { who: who.clone(), anchor, round };
			let signature = sign(member, &statement);
			apply(general(pallet_recovery::Call::attest_presence {
				signed: Signed { statement, signature },
			}))
			.ok();
		}
		if let Some(proposal) = status.proposal.filter(|_| !voted.contains(&who)) {
			let statement = Vote { who, proposal, base };
			let signature = sign(member, &statement);
			apply(general(pallet_recovery::Call::vote { signed: Signed { statement, signature } })).ok();
		}
	}
}

fn told(kind: RecordKind) -> usize {
	log().iter().filter(|entry| entry.record.kind == kind).count()
}

#[test]
fn two_of_four_die_and_finality_comes_back() {
	run(|chain| {
		let mut network = Network::new(chain);
		network.chain.dead = vec![Bob, Charlie];
		let stopped = network.client.finalized;
		let took = network.until(|client, _| client.finalized > stopped + LAG);
		assert!(took <= 30, "{took} blocks");
		assert_eq!(validators().len(), 4);
		assert!(validators().iter().all(|who| ![Bob, Charlie].contains(who)));
		network.agree();
		assert_eq!(network.client.set_id, 1);
		network.until(|_, status| status.mode == Mode::Safe);
		for kind in [
			RecordKind::Degraded,
			RecordKind::Recovering,
			RecordKind::FinalityResumed,
			RecordKind::NormalOperationResumed,
		] {
			assert_eq!(told(kind), 1, "{kind:?}");
		}
		assert_eq!(told(RecordKind::Penalized), 0);
		// The next rotation is an ordinary one, and runtime and client still count alike.
		network.chain.dead = vec![Alice];
		network.blocks(60);
		network.agree();
	});
}

#[test]
fn who_comes_back_in_time_makes_it_needless() {
	run(|chain| {
		let mut network = Network::new(chain);
		network.chain.dead = vec![Bob, Charlie];
		network.until(|_, status| status.mode == Mode::DegradedSafe);
		network.chain.dead = vec![];
		network.until(|_, status| status.mode == Mode::Safe);
		assert_eq!((told(RecordKind::Recovering), network.client.set_id), (0, 0));
		network.agree();
	});
}

/// Finality advances, because three of four vote. One of these authors nothing, and the fourth is
/// dead.
#[test]
fn one_that_does_not_author_and_one_that_dies_are_replaced_and_nothing_degrades() {
	run(|chain| {
		let mut network = Network::new(chain);
		network.chain.lame = vec![Alice];
		network.blocks(6);
		network.chain.dead = vec![Bob];
		let start = network.chain.number();
		while validators().iter().any(|who| [Alice, Bob].contains(who)) {
			assert!(network.chain.number() < start + 120, "{:?}", validators());
			network.slot();
		}
		network.blocks(30);
		assert_eq!((Recovery::status().mode, told(RecordKind::Degraded)), (Mode::Safe, 0));
		assert_eq!(told(RecordKind::Penalized), 0);
		assert!(Recovery::status().finalized + 10 > network.chain.number());
	});
}

/// Seats that no longer exist do not count: with seven, four and three seats the chain sees
/// finality as it is. A set of three tolerates no fault: a failure there stalls finality, and the
/// chain recovers.
#[test]
fn the_set_shrinks_and_a_member_dies_at_each_size() {
	use understudy_runtime::parameters::{dynamic_params::rotation, RuntimeParameters};
	run_with_seats(7, |chain| {
		let floor = rotation::Parameters::Floor(rotation::Floor, Some(3));
		set(vec![RuntimeParameters::Rotation(floor)]).expect("a set of three is allowed");
		let mut network = Network::new(chain);
		for (seats, degraded) in [(7, 0), (4, 0), (3, 1)] {
			pallet_staking::MinimumValidatorCount::<Runtime>::put(seats as u32);
			let elected = network.chain.number();
			while validators().len() != seats {
				assert!(network.chain.number() < elected + 2 * ERA_LENGTH, "{:?}", validators());
				network.slot();
			}
			network.blocks(WARM);
			assert_eq!(Recovery::status().mode, Mode::Safe);
			let dies = *validators().last().expect("the set is not empty");
			network.chain.dead.push(dies);
			network.until(|_, _| !validators().contains(&dies));
			network.until(|_, status| status.mode == Mode::Safe);
			network.blocks(2 * WARM);
			network.until(|_, status| status.mode == Mode::Safe);
			assert_eq!(told(RecordKind::Degraded), degraded, "with {seats} seats");
			assert_eq!(validators().len(), seats);
			assert!(Recovery::status().finalized + 10 > network.chain.number());
			network.agree();
		}
	});
}

/// Every member that the proposal would seat retires between the proposal and the seating.
#[test]
fn what_was_voted_for_is_seated_whatever_its_members_do_meanwhile() {
	use understudy_runtime::ValidatorRotation;
	run_with_more(|chain| {
		let mut network = Network::new(chain);
		network.chain.dead = vec![Bob, Charlie];
		network.until(|_, status| status.proposal.is_some());
		let proposed = pallet_recovery::Proposed::<Runtime>::get().expect("a set was proposed").into_inner();
		let began = network.chain.number();
		for who in
			proposed.iter().filter(|who| !validators().iter().any(|sits| sits.to_account_id() == **who))
		{
			ValidatorRotation::retire(RuntimeOrigin::signed(who.clone())).expect(
				"a proposed account is a \
			 member",
			);
		}
		let stopped = network.client.finalized;
		network.until(|client, _| client.finalized > stopped + LAG);
		assert!(network.chain.number() < began + 30);
		assert_eq!(understudy_runtime::Session::validators(), proposed);
		network.agree();
		network.until(|_, status| status.mode == Mode::Safe);
		network.agree();
	});
}

#[test]
fn with_too_few_alive_the_chain_waits() {
	run(|chain| {
		let mut network = Network::new(chain);
		network.chain.dead = vec![Bob, Charlie, Eve];
		network.until(|_, status| status.mode == Mode::DegradedSafe);
		network.blocks(50);
		assert_eq!((told(RecordKind::Recovering), Recovery::status().proposal), (0, None));
		// One more member is enough, and no member was bound before.
		network.chain.dead = vec![Bob, Charlie];
		network.until(|_, status| status.mode == Mode::Safe);
		network.agree();
		assert_eq!(told(RecordKind::Recovering), 1);
	});
}

/// Bob is replaced. Before the block in which Eve takes his seat is final, another member fails and
/// finality is set back to before that block. No set can finalize it any more, so the set that it
/// announced must not be counted.
#[test]
fn a_rotation_in_flight_comes_to_nothing_and_is_not_counted() {
	run_with_more(|chain| {
		let mut network = Network::new(chain);
		network.chain.dead = vec![Bob];
		while validators().contains(&Bob) {
			network.slot();
		}
		let activated = network.chain.number();
		assert!(network.client.finalized < activated && network.client.set_id == 0);
		assert_eq!(pallet_grandpa::CurrentSetId::<Runtime>::get(), 1);
		// Two members each of the former and of the current active set are alive: neither set
		// finalizes.
		let newcomer = validators()[1];
		network.chain.dead = vec![Bob, Charlie];
		network.client.finalized = network.client.finalized.min(activated - 1);
		let stopped = network.client.finalized;
		network.until(|client, _| client.finalized > stopped + 10);
		assert!(validators().contains(&newcomer) && !validators().contains(&Charlie));
		network.agree();
		network.until(|_, status| status.mode == Mode::Safe);
		network.agree();
	});
}

#[test]
fn who_equivocates_in_the_new_set_is_reported() {
	run(|chain| {
		let mut network = Network::new(chain);
		network.chain.dead = vec![Bob, Charlie];
		network.until(|client, status| client.set_id == 1 && status.mode == Mode::Safe);
		let set_id = network.client.set_id;
		let pair = grandpa_pair(Eve);
		let prevote = |byte: u8| {
			let prevote =
				finality_grandpa::Prevote { target_hash: H256::repeat_byte(byte), target_number: 30u32 };
			let message = finality_grandpa::Message::Prevote(prevote.clone());
			let payload = sp_consensus_grandpa::localized_payload(1, set_id, &message);
			(prevote, pair.sign(&payload))
		};
		let equivocation = finality_grandpa::Equivocation {
			round_number: 1,
			identity: pair.public(),
			first: prevote(1),
			second: prevote(2),
		};
		let proof = EquivocationProof::new(set_id, Equivocation::Prevote(equivocation));
		let owner = Historical::prove((KEY_TYPE, pair.public().encode())).expect("she is an active member");
		let reported = Grandpa::report_equivocation(
			RuntimeOrigin::signed(Alice.to_account_id()),
			Box::new(proof),
			owner,
		);
		reported.expect("the report is accepted");
		// The log has the evidence. There is no standby to take her seat, so she authors nothing
		// more, in this session and in later ones.
		network.blocks(4);
		assert_eq!(told(RecordKind::Equivocated), 1);
		let seat = validators().iter().position(|who| *who == Eve).expect("the floor keeps her seat") as u32;
		let is_disabled = || understudy_runtime::Session::disabled_validators().contains(&seat);
		assert!(is_disabled());
		let session = understudy_runtime::Session::current_index();
		network.blocks(understudy_runtime::constants::SESSION_LENGTH + 10);
		assert!(understudy_runtime::Session::current_index() > session);
		assert!(is_disabled());
		// She loses the seat as soon as there is a standby.
		network.chain.dead = vec![];
		network.until(|_, _| !validators().contains(&Eve));
		network.blocks(6);
		network.agree();
	});
}
