//! Long random runs of a network that splits, with the pallet itself on both sides and with the
//! data that its nodes really store. In any order, members cross over, author, prevote, attest
//! presence, vote, fail and finalize. Their statements may reach both sides. Each run has a seed,
//! so that a failure can be reproduced.
//!
//! GRANDPA is modelled by the members that have prevoted for a side's blocks, and by whether they
//! are more than two thirds.

use codec::{Decode, Encode};
use frame_support::traits::{Authorize, Hooks};
use rand::{seq::SliceRandom, Rng, SeedableRng};
use sp_core::{
	offchain::{testing::TestPersistentOffchainDB, StorageKind},
	H256,
};
use sp_io::TestExternalities;
use sp_runtime::{traits::Header as _, transaction_validity::TransactionSource};
use understudy_primitives::{
	offchain::{FinalityView, Lock, FINALITY_VIEW, LOCK, PREVOTED},
	quorum::is_enough,
	RecoveryControl,
};
use understudy_test_support::Node;

use crate::{mock::*, vote::binds, BlockId, Call, Mode, Rules, Status};

const MEMBERS: [u64; 6] = [11, 12, 13, 14, 15, 16];
const SEATS: usize = 4;
/// Last final block when finality stops.
const BASE: u64 = 18;
const STEPS: usize = 800;

/// Member with its node.
struct Member {
	who: u64,
	node: Node,
	side: usize,
	dead: bool,
	/// Last block that the node has finalized.
	finalized: u64,
	/// Last prevote of the member in the old set and in the new one: side and block.
	old: Option<(usize, u64)>,
	new: Option<(usize, u64)>,
	/// `true` if the node's GRANDPA voter has enacted the forced change.
	enacted: bool,
}

/// Branch of the chain.
struct Side {
	ext: TestExternalities,
	active: Vec<u64>,
	/// Block in which the forced change was signalled. It is enacted `delay` blocks later.
	forced: Option<u64>,
	/// Proposals that were carried out.
	carried_out: Vec<BlockId<H256>>,
	/// Last final block that this side alone has.
	finalized: Option<u64>,
}

struct Network {
	random: rand_chacha::ChaCha8Rng,
	/// Maximum number of members that fail.
	mortal: usize,
	/// Probability with which a member crosses over.
	restless: f64,
	members: Vec<Member>,
	sides: Vec<Side>,
	/// Last block that both sides have.
	split: u64,
	sent: Vec<Call<Runtime>>,
}

/// Result of a run.
#[derive(Default, Debug)]
struct Outcome {
	proposed: usize,
	recovered: usize,
	finalized: usize,
	by_new_sets: usize,
}

impl Network {
	fn begin(seed: u64) -> Self {
		Branch::set(0);
		SetId::set(0);
		Parted::set(u64::MAX);
		Timing::set(Rules { patience: 200, ..RULES });
		let mut ext = chain();
		ext.execute_with(|| {
			healthy(20);
			let header = header_of(BASE, 0);
			frame_system::BlockHash::<Runtime>::insert(BASE, header.hash());
		});
		let member = |who| Member {
			who,
			node: Node::new(TestPersistentOffchainDB::new(), &[who]),
			side: 0,
			dead: false,
			finalized: BASE,
			old: None,
			new: None,
			enacted: false,
		};
		let side = Side {
			ext,
			active: MEMBERS[..SEATS].to_vec(),
			forced: None,
			carried_out: Vec::new(),
			finalized: None,
		};
		let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
		let mut members: Vec<Member> = MEMBERS.into_iter().map(member).collect();
		// Finality stops by itself, or when the network splits.
		let dead = random.gen_range(0..=1);
		members.iter_mut().take(dead).for_each(|member| member.dead = true);
		let mortal = random.gen_range(dead..=2);
		let restless = [0.1, 0.5, 1.0].choose(&mut random).copied().unwrap_or_default();
		Self { random, mortal, restless, members, sides: vec![side], split: u64::MAX, sent: Vec::new() }
	}

	fn enter<R>(&mut self, side: usize, run: impl FnOnce() -> R) -> R {
		let here = &mut self.sides[side];
		Active::set(here.active.clone());
		Reserve::set(MEMBERS.into_iter().filter(|who| !here.active.contains(who)).collect());
		Branch::set(side as u64);
		Parted::set(self.split);
		SetId::set(here.forced.is_some().into());
		here.ext.execute_with(run)
	}

	/// Splits the chain into two branches, with each member on one of them.
	fn part(&mut self) {
		self.split = self.enter(0, System::block_number);
		let mut ext = TestExternalities::default();
		ext.backend = self.sides[0].ext.as_backend();
		let side = &self.sides[0];
		let other =
			Side { ext, active: side.active.clone(), forced: None, carried_out: Vec::new(), finalized: None };
		self.sides.push(other);
		for member in &mut self.members {
			member.side = self.random.gen_range(0..2);
		}
	}

	/// Makes a block of a responsive author of this side, if there is one, with some of the
	/// submitted statements.
	fn author(&mut self, side: usize) {
		let active = self.sides[side].active.clone();
		let there = |member: &&Member| !member.dead && member.side == side && active.contains(&member.who);
		let authors: Vec<u64> = self.members.iter().filter(there).map(|member| member.finalized).collect();
		let Some(finalized) = authors.choose(&mut self.random).copied() else { return };
		let calls: Vec<_> = self.sent.iter().filter(|_| self.random.gen_bool(0.6)).cloned().collect();
		let forced = self.enter(side, || {
			block(finalized);
			for call in calls {
				let Some(Ok(_)) = call.authorize(TransactionSource::InBlock) else { continue };
				let origin: RuntimeOrigin = frame_system::RawOrigin::Authorized.into();
				let taken = match call {
					Call::attest_presence { signed } => Recovery::attest_presence(origin, signed),
					Call::vote { signed } => Recovery::vote(origin, signed),
					Call::report_finality { signed } => Recovery::report_finality(origin, signed),
					_ => unreachable!("nodes send no other calls"),
				};
				assert_eq!(taken, Ok(()));
			}
			check();
			// The session would end two blocks later; nothing depends on that.
			Recovery::is_reseating().then(|| {
				let set = crate::Proposed::<Runtime>::get().expect("it was proposed").into_inner();
				Recovery::on_activation();
				let reserve: Vec<u64> = MEMBERS.into_iter().filter(|who| !set.contains(who)).collect();
				seat(&set, &reserve);
				(set, System::block_number(), Recovery::status().proposal)
			})
		});
		if let Some((set, number, proposal)) = forced {
			let side = &mut self.sides[side];
			(side.active, side.forced) = (set, Some(number));
			side.carried_out.extend(proposal);
		}
	}

	/// Runs the offchain worker of a member's node.
	fn work(&mut self, index: usize) {
		let member = &self.members[index];
		let (side, finalized) = (member.side, member.finalized);
		let branch = if finalized > self.split { side as u64 } else { 0 };
		let view = FinalityView {
			at: 1_000_000,
			advanced: 0,
			finalized: finalized as u32,
			header: header_of(finalized, branch).encode(),
			set: member.enacted.into(),
			prevoted: Vec::new(),
			silent: Vec::new(),
			authors: 0,
			idle: Vec::new(),
		};
		member.node.enter(&mut self.sides[side].ext);
		self.enter(side, || {
			sp_io::offchain::local_storage_set(StorageKind::PERSISTENT, FINALITY_VIEW, &view.encode());
			Recovery::offchain_worker(System::block_number());
		});
		for bytes in core::mem::take(&mut self.members[index].node.pool.write().transactions) {
			let extrinsic = Extrinsic::decode(&mut &bytes[..]).expect("it is an extrinsic of the mock");
			let RuntimeCall::Recovery(call) = extrinsic.function else { panic!("call of another pallet") };
			// A statement that is sent again has another signature.
			if !self.sent.iter().any(|sent| is_same(sent, &call)) {
				self.sent.push(call);
			}
		}
	}

	/// Lets a member's GRANDPA voter prevote for the block two below the best one, unless it is
	/// bound.
	fn prevote(&mut self, index: usize) {
		let member = &self.members[index];
		let (who, side, finalized, enacted) =
			(member.who, member.side, member.finalized as u32, member.enacted);
		let (forced, sits) = {
			let here = &self.sides[side];
			let sits = if enacted { here.active.contains(&who) } else { MEMBERS[..SEATS].contains(&who) };
			(here.forced.is_some(), sits)
		};
		// A member that has enacted the change of another branch is in no set of this one.
		if !sits || (enacted && !forced) {
			return;
		}
		let elsewhere =
			self.sides.len() > 1 && self.prevoted(1 - side, enacted).is_some_and(|at| at > self.split);
		if elsewhere {
			// A GRANDPA voter cannot leave a block that enough members have prevoted for.
			return;
		}
		self.members[index].node.enter(&mut self.sides[side].ext);
		let target = self.enter(side, || {
			let number = System::block_number().saturating_sub(2);
			let is_bound = || {
				let kept = sp_io::offchain::local_storage_get(StorageKind::PERSISTENT, LOCK);
				let lock = kept.map(|kept| Lock::<H256>::decode(&mut &kept[..]).expect("it is a lock"));
				lock.is_some_and(|lock| binds(&lock, finalized, enacted.into(), Some(&Recovery::status())))
			};
			if is_bound() {
				return None;
			}
			let block = BlockId { number: number as u32, hash: System::block_hash(number) };
			sp_io::offchain::local_storage_set(StorageKind::PERSISTENT, PREVOTED, &block.encode());
			Some(number)
		});
		let Some(target) = target else { return };
		let vote = Some((side, target));
		let member = &mut self.members[index];
		if enacted {
			member.new = vote;
		} else {
			member.old = vote;
		}
	}

	/// Returns the highest block of a side that enough members have prevoted for.
	fn prevoted(&self, side: usize, is_new: bool) -> Option<u64> {
		let set = if is_new { &self.sides[side].active[..] } else { &MEMBERS[..SEATS] };
		let mut votes: Vec<u64> = self
			.members
			.iter()
			.filter(|member| set.contains(&member.who))
			.filter_map(|member| if is_new { member.new } else { member.old })
			// Blocks below the split are on both sides.
			.filter_map(|(voted, number)| (voted == side || number <= self.split).then_some(number))
			.collect();
		votes.sort_unstable_by(|one, other| other.cmp(one));
		let enough = (1..=set.len()).find(|votes| is_enough(*votes as u32, set.len() as u32))?;
		votes.get(enough - 1).copied()
	}

	/// Finalizes the block that enough members have prevoted for, on the responsive members of the
	/// side.
	fn finalize(&mut self, side: usize, outcome: &mut Outcome) {
		let forced = self.sides[side].forced.is_some();
		for is_new in [false, true] {
			let Some(number) = self.prevoted(side, is_new).filter(|_| forced || !is_new) else { continue };
			for member in self.members.iter_mut().filter(|member| member.side == side && !member.dead) {
				member.finalized = member.finalized.max(number);
			}
			let branch = if number > self.split { side as u64 } else { 0 };
			self.enter(side, || {
				// The nodes' reports identify the block by this header.
				frame_system::BlockHash::<Runtime>::insert(number, header_of(number, branch).hash());
			});
			if number > self.split && self.sides[side].finalized.replace(number).is_none() {
				outcome.finalized += 1;
				outcome.by_new_sets += usize::from(is_new);
			}
		}
	}

	fn step(&mut self, outcome: &mut Outcome) {
		let index = self.random.gen_range(0..self.members.len());
		let side = self.random.gen_range(0..self.sides.len());
		match self.random.gen_range(0..100) {
			0..40 => self.author(side),
			_ if self.members[index].dead => (),
			40..65 => self.work(index),
			65..85 => self.prevote(index),
			85..90 => self.finalize(side, outcome),
			90..94 => {
				let here = self.members[index].side;
				let number = self.enter(here, System::block_number);
				let enacted =
					self.sides[here].forced.is_some_and(|at| number >= at + Timing::get().delay as u64);
				self.members[index].enacted |= enacted;
			},
			// A member that has finalized a block of one side alone stays there.
			94..=98 => {
				let may_cross = self.sides.len() > 1 && self.members[index].finalized <= self.split;
				if may_cross && self.random.gen_bool(self.restless) {
					self.members[index].side = 1 - self.members[index].side;
				}
			},
			99 => {
				let dead = self.members.iter().filter(|member| member.dead).count();
				self.members[index].dead = dead < self.mortal;
			},
			_ => (),
		}
	}
}

/// Returns `true` if two calls contain the same statement.
fn is_same(one: &Call<Runtime>, other: &Call<Runtime>) -> bool {
	match (one, other) {
		(Call::attest_presence { signed: one }, Call::attest_presence { signed: other }) => {
			one.statement == other.statement
		},
		(Call::vote { signed: one }, Call::vote { signed: other }) => one.statement == other.statement,
		(Call::report_finality { signed: one }, Call::report_finality { signed: other }) => {
			one.statement == other.statement
		},
		_ => false,
	}
}

/// Returns the header of a block of this branch, as a node that has finalized it stores it.
fn header_of(number: u64, branch: u64) -> Header {
	let mut header = Header::new(number, H256::zero(), H256::zero(), H256::zero(), Default::default());
	header.parent_hash = H256::from_low_u64_be(branch);
	header
}

/// Runs one simulation. The network splits when `when` holds for the chain.
fn course(seed: u64, when: impl Fn() -> bool) -> Outcome {
	let mut network = Network::begin(seed);
	let mut outcome = Outcome::default();
	for step in 0..STEPS {
		if network.sides.len() == 1 && (network.enter(0, &when) || step > STEPS / 2) {
			network.part();
		}
		network.step(&mut outcome);
		for side in 0..network.sides.len() {
			outcome.proposed +=
				usize::from(network.enter(side, || Status::<Runtime>::get().proposal).is_some());
		}
		if let [one, other] = &network.sides[..] {
			let both = one.finalized.is_some() && other.finalized.is_some();
			assert!(!both, "a block of each side is final in step {step} of seed {seed}");
			// A side that has recovered may recover again.
			let alone = |here: &Side, there: &Side| {
				here.carried_out.iter().any(|proposal| !there.carried_out.contains(proposal))
			};
			assert!(
				!alone(one, other) || !alone(other, one),
				"both sides recover with different sets in step {step} of seed {seed}"
			);
		}
	}
	outcome.recovered = network.sides.iter().filter(|side| !side.carried_out.is_empty()).count();
	outcome
}

/// The network splits before the stall is noticed, after it, when a set is proposed, and when there
/// are votes.
#[test]
fn in_long_random_courses_the_sides_never_come_apart() {
	let courses = std::env::var("UNDERSTUDY_COURSES").ok().and_then(|count| count.parse().ok()).unwrap_or(50);
	type When = (&'static str, fn() -> bool);
	let whens: [When; 4] = [
		("before the stall is noticed", || System::block_number() > 22),
		("when it is noticed", || Status::<Runtime>::get().mode == Mode::DegradedSafe),
		("when a set is proposed", || Status::<Runtime>::get().proposal.is_some()),
		("when there are votes", || !crate::Votes::<Runtime>::get().is_empty()),
	];
	let mut healed = 0;
	for (when, is_time) in whens {
		let mut all = Outcome::default();
		for seed in 0..courses {
			let outcome = course(seed, is_time);
			all.proposed += usize::from(outcome.proposed > 0);
			all.recovered += usize::from(outcome.recovered > 0);
			all.finalized += outcome.finalized;
			all.by_new_sets += outcome.by_new_sets;
			healed += usize::from(outcome.recovered > 0 && outcome.by_new_sets > 0);
		}
		println!(
			"split {when}: {courses} runs of {STEPS} steps; {} proposed a set, {} seated one, {} finalized a block of one \
			 side alone, {} of them by a new set",
			all.proposed, all.recovered, all.finalized, all.by_new_sets
		);
		assert!(all.finalized > 0 && all.recovered > 0, "no run finalizes and recovers: {all:?}");
	}
	assert!(healed > 0, "no run recovers finality with a new set");
}
