//! The simulated chain and its nodes: round-robin authoring, and the work of each node after each
//! block, over an unreliable network.
//!
//! Time, the network and the failures are simulated. Counting evidence, assigning probes,
//! scheduling heartbeats and reaching verdicts is the code of `pallet-heartbeat` itself.

mod colluders;

use pallet_heartbeat::{
	assignment::Assignment,
	counters::{is_turn, MemberCounters, Quorums},
	judgement::settling,
	offchain::due,
	verdict, ReportKind,
};
use pallet_validator_rotation::Resumption;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use understudy_primitives::{tolerated_faults, Health, Judged, Seat, Verdict};

use crate::{network::Network, parameters::Parameters};

/// Time for the answer to a probe, in seconds. As in `pallet-heartbeat`.
const DEADLINE: f64 = 5.0;
/// Number of attempts of a probe. As in `pallet-heartbeat`.
const ATTEMPTS: u32 = 2;
/// Time for the answer of a member without a visible vote for [`SILENT_SLOTS`] slots, in seconds.
/// As in `pallet-heartbeat`.
const SHORT_DEADLINE: f64 = 2.5;
/// Number of slots without a visible vote after which a member is probed. As in `pallet-heartbeat`.
const SILENT_SLOTS: f64 = 2.0;
/// Number of blocks of a parachain that may wait for their inclusion, and are dropped together.
const SEGMENT: u32 = 3;
/// Number of blocks after which a transaction that is not in a block yet is sent again.
const RESEND: u32 = 2;

/// Failure of a member in a period of time, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Failure {
	/// Index of the failing member.
	pub member: u32,
	/// Kind of the failure.
	pub kind: FailureKind,
	/// Start, inclusive.
	pub from: f64,
	/// End, exclusive.
	pub until: f64,
}

/// Kind of a failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FailureKind {
	/// The process has exited: connections are refused at once.
	Killed,
	/// The process is stopped or unreachable: probes time out.
	Frozen,
	/// The node authors and answers probes, but casts no finality votes.
	Mute,
	/// The node votes, sends heartbeats and answers probes, but authors nothing.
	Lame,
	/// The node does all of its work, but its RPC server does not answer.
	Exhausted,
}

/// A transaction that is not in a block yet.
struct Transaction {
	sent: f64,
	by: u32,
	content: Content,
}

enum Content {
	Heartbeat { window: u32 },
	Report { kind: ReportKind, window: u32, targets: Vec<u32> },
}

/// Change of one member's health in one judgement.
#[derive(Clone, Copy, Debug)]
pub struct Transition {
	/// Number of the block that judged.
	pub block: u32,
	/// Time of the judgement, in seconds.
	pub at: f64,
	/// Index of the member.
	pub member: u32,
	/// Health of the member from this judgement on.
	pub health: Health,
}

/// A chain whose members are all active.
pub struct Chain {
	parameters: Parameters,
	network: Network,
	rng: ChaCha8Rng,
	members: Vec<MemberCounters>,
	/// Number of colluders: the members with a lower index collude against the last member.
	colluders: u32,
	failures: Vec<Failure>,
	/// Probability that a node misses all votes of a voting member for the time after which it
	/// reports the member.
	overlooked: f64,
	/// The same probability for [`SILENT_SLOTS`] slots.
	hush_overlooked: f64,
	slot: u64,
	/// Number of further blocks that the relay chain drops together with the last one.
	dropping: u32,
	last_block: Option<u64>,
	block: u32,
	window: u32,
	started: u32,
	alarm: bool,
	seen: Vec<bool>,
	reported: [Vec<bool>; 2],
	reported_before: [Vec<bool>; 2],
	/// Window and block in which each member sent its last heartbeat and its last report of each
	/// kind.
	sent: [Vec<Option<(u32, u32)>>; 3],
	pool: Vec<Transaction>,
	seeds: [u64; 2],
	/// All changes of health so far, in order.
	pub transitions: Vec<Transition>,
	/// First judgements, in order, by which a member would lose its seat: impaired or down, and no
	/// systemic outage. One per member until it is better again.
	pub evictions: Vec<Transition>,
	/// Members that would have lost their seats and are no better yet.
	evicted: Vec<bool>,
	/// End of a systemic outage in which more members failed than may.
	resumption: Option<Resumption>,
	/// Number of judged windows times number of members.
	pub member_windows: u64,
}

impl Chain {
	/// Creates a chain whose members are healthy, have shown a sign of life and have no grace.
	pub fn new(members: u32, parameters: Parameters, network: Network, mut rng: ChaCha8Rng) -> Self {
		let healthy = MemberCounters {
			heard: true,
			asked: false,
			health: Health::Healthy,
			..MemberCounters::newcomer(0, 0)
		};
		let all = members as usize;
		let rounds = (parameters.vote_silence / parameters.slot).floor();
		let late = network.later_than(parameters.slot, 10_000, &mut rng);
		let (overlooked, hush_overlooked) = (late.powf(rounds), late.powf(SILENT_SLOTS));
		Self {
			parameters,
			network,
			members: vec![healthy; all],
			colluders: 0,
			failures: Vec::new(),
			overlooked,
			hush_overlooked,
			slot: 0,
			dropping: 0,
			last_block: None,
			block: 0,
			window: 0,
			started: 0,
			alarm: false,
			seen: vec![false; all],
			reported: [vec![false; all], vec![false; all]],
			reported_before: [vec![false; all], vec![false; all]],
			sent: [vec![None; all], vec![None; all], vec![None; all]],
			pool: Vec::new(),
			seeds: [rng.gen(), rng.gen()],
			rng,
			transitions: Vec::new(),
			evictions: Vec::new(),
			evicted: vec![false; all],
			resumption: None,
			member_windows: 0,
		}
	}

	/// Makes the first `count` members collude against the last one, which authors right before
	/// them: they report it whenever the chain accepts a report, leave its transactions out of
	/// their blocks, and do not build on its blocks.
	pub fn collude(&mut self, count: u32) {
		self.colluders = count;
	}

	/// Schedules a failure.
	pub fn fail(&mut self, failure: Failure) {
		self.failures.push(failure);
	}

	/// Returns the number of members.
	pub fn size(&self) -> u32 {
		self.members.len() as u32
	}

	/// Returns the number of the current window.
	pub fn window(&self) -> u32 {
		self.window
	}

	/// Returns the number of the last block.
	pub fn block(&self) -> u32 {
		self.block
	}

	/// Returns the time of the next slot, in seconds.
	pub fn now(&self) -> f64 {
		self.slot as f64 * self.parameters.slot
	}

	fn failure(&self, member: u32, at: f64) -> Option<FailureKind> {
		let hits =
			|failure: &&Failure| failure.member == member && (failure.from..failure.until).contains(&at);
		self.failures.iter().find(hits).map(|failure| failure.kind)
	}

	fn works(&self, member: u32, at: f64) -> bool {
		let failure = self.failure(member, at);
		!matches!(failure, Some(FailureKind::Killed | FailureKind::Frozen))
	}

	fn quorums(&self) -> Quorums {
		let (size, Parameters { thresholds, probes, window, .. }) = (self.size(), self.parameters);
		let probers = probes.min(size - 1);
		if self.parameters.votes {
			thresholds.quorums(size, size, probers, window)
		} else {
			thresholds.quorums_without_votes(size, size, probers, window)
		}
	}

	fn assignment(&self, window: u32) -> Assignment {
		let seed = self.seeds[usize::from(window < self.window)];
		Assignment::new(&seed.to_le_bytes(), self.size(), self.parameters.probes)
	}

	/// Plays the next slot.
	pub fn step(&mut self) {
		let (slot, at) = (self.slot, self.now());
		self.slot += 1;
		let author = (slot % u64::from(self.size())) as u32;
		// A block that arrives after the next author has begun its own is orphaned. So is the
		// victim's block if two colluders author right after it and build on its parent.
		let ignored = self.colluders > 1 && author == self.size() - 1;
		let in_time = self.network.delay(&mut self.rng) <= self.parameters.slot;
		let lame = self.failure(author, at) == Some(FailureKind::Lame);
		let authored = self.works(author, at) && !lame && in_time && !ignored;
		if authored && !self.is_dropped() {
			self.block += 1;
			self.initialize(slot, author, at);
			self.take_transactions(author, at);
			self.work(at + self.network.latency);
			self.last_block = Some(slot);
		}
	}

	/// Returns `true` if the relay chain drops this block. It drops up to [`SEGMENT`] blocks in a
	/// row: those that were built on the first one and were not included either.
	fn is_dropped(&mut self) -> bool {
		if self.dropping > 0 {
			self.dropping -= 1;
			return true;
		}
		// On average (1 + SEGMENT) / 2 blocks are dropped together. `start` makes the share of
		// dropped blocks come out as configured.
		let (share, length) = (self.parameters.dropped, f64::from(1 + SEGMENT) / 2.0);
		let start = share / (length * (1.0 - share) + share);
		if share == 0.0 || self.rng.gen::<f64>() >= start {
			return false;
		}
		self.dropping = self.rng.gen_range(0..SEGMENT);
		true
	}

	/// Stands in for the pallet's `on_initialize`.
	fn initialize(&mut self, slot: u64, author: u32, at: f64) {
		let size = u64::from(self.size());
		let first = self.last_block.map_or(slot, |last| last + 1).max(slot.saturating_sub(size));
		let mut judge = self.alarm;
		for missed in first..slot {
			let member = (missed % size) as u32;
			self.members[member as usize].miss_slot();
			judge |= self.health(member) == Health::Down;
		}
		self.members[author as usize].author();
		let over = self.block >= self.started + self.parameters.window;
		if over {
			self.close_window();
			self.members[author as usize].show_life();
		}
		let settling = settling(self.block - self.started, self.parameters.window);
		if let Some(authors_too) = settling {
			self.members.iter_mut().for_each(|member| {
				member.overdue_ends(authors_too);
			});
		}
		if over || settling.is_some() || judge {
			self.conclude(at);
		}
		self.alarm = false;
		self.seen[author as usize] = true;
	}

	fn close_window(&mut self) {
		let (size, quorums) = (self.size(), self.quorums());
		for index in 0..size {
			let due = is_turn(index, self.window, size, self.parameters.quota);
			self.members[index as usize].end_window(self.seen[index as usize], due, &quorums);
		}
		self.seen.fill(false);
		std::mem::swap(&mut self.reported, &mut self.reported_before);
		self.reported.iter_mut().for_each(|reported| reported.fill(false));
		self.seeds = [self.rng.gen(), self.seeds[0]];
		self.window += 1;
		self.started = self.block;
		self.member_windows += u64::from(size);
	}

	fn judge(&self, index: u32) -> Judged {
		let member = &self.members[index as usize];
		let verdict = verdict::verdict(member, Seat::Active, &self.parameters.thresholds, &self.quorums());
		Judged { index, seat: Seat::Active, verdict, grace: 0, since: 0 }
	}

	fn health(&self, index: u32) -> Health {
		self.judge(index).verdict.health
	}

	/// Stands in for rotation, which a systemic outage freezes. Returns `true` while it lasts.
	fn hold(&mut self, systemic: bool, failing: u32) -> bool {
		let (before, size) = (self.resumption, self.size());
		self.resumption = Resumption::after(before, systemic, failing, size, self.window);
		systemic || self.resumption.is_some()
	}

	fn conclude(&mut self, at: f64) {
		let all: Vec<Judged> = (0..self.size()).map(|index| self.judge(index)).collect();
		let suspects = verdict::suspects(&all);
		let failing = all.iter().filter(|judged| judged.is_failing()).count() as u32;
		let systemic = self.hold(verdict::systemic(suspects, self.size(), self.parameters.systemic), failing);
		for Judged { index, verdict, .. } in all {
			let Verdict { health, .. } = verdict;
			let transition = Transition { block: self.block, at, member: index, health };
			let member = &mut self.members[index as usize];
			if member.health != health {
				member.health = health;
				self.transitions.push(transition);
			}
			let evicted = &mut self.evicted[index as usize];
			if health < Health::Impaired {
				*evicted = false;
			} else if !systemic && !*evicted {
				*evicted = true;
				self.evictions.push(transition);
			}
		}
	}

	/// Includes the transactions that have reached the author by now.
	fn take_transactions(&mut self, author: u32, at: f64) {
		let victim = self.size() - 1;
		let pool = std::mem::take(&mut self.pool);
		for transaction in pool {
			let arrived = transaction.sent + self.network.delay(&mut self.rng) <= at;
			let unwelcome = author < self.colluders && transaction.by == victim;
			if !arrived || unwelcome {
				self.pool.push(transaction);
				continue;
			}
			let by = transaction.by as usize;
			match transaction.content {
				Content::Heartbeat { window } => {
					let member = &self.members[by];
					let late = window + 1 == self.window && (member.overdue || member.missed_windows > 0);
					if !self.seen[by] && (window == self.window || late) {
						self.seen[by] = true;
						self.members[by].show_life();
					}
				},
				Content::Report { kind, window, targets } => {
					let (place, late) = (kind as usize, window < self.window);
					let again = self.reported[place][by] || (late && self.reported_before[place][by]);
					if window + 1 < self.window || again {
						continue;
					}
					self.reported[place][by] = true;
					self.reported_before[place][by] |= late;
					let quorums = self.quorums();
					for target in targets {
						let seen = self.seen[target as usize];
						let member = &mut self.members[target as usize];
						match kind {
							ReportKind::Peers => member.report_unreachable(seen, &quorums),
							ReportKind::Votes => member.report_voteless(&quorums),
						};
						self.alarm |= self.health(target) == Health::Down;
					}
				},
			}
		}
		// The pool drops a transaction after a minute.
		self.pool.retain(|transaction| transaction.sent + 60.0 > at);
	}

	/// Runs the work of each node after a block.
	fn work(&mut self, at: f64) {
		let size = self.size();
		let silent: Vec<u32> = (0..size).filter(|member| self.is_silent(*member, at)).collect();
		let mute = |member: &u32| !self.votes(*member, at);
		// Without two thirds of the voters finality stalls, and a node that does not follow
		// finality reports no missing votes.
		let finality =
			self.parameters.votes && (0..size).filter(mute).count() as u32 <= tolerated_faults(size);
		let assignment = self.assignment(self.window);
		for member in (0..size).filter(|member| self.works(*member, at)).collect::<Vec<_>>() {
			self.send_heartbeat(member, at);
			if member < self.colluders {
				self.slander(member, &assignment, at);
				continue;
			}
			if finality {
				let overlooked = self.overlooked * f64::from(size);
				let mut targets = silent.clone();
				if self.rng.gen::<f64>() < overlooked {
					targets.push(self.rng.gen_range(0..size));
				}
				targets.retain(|target| *target != member);
				targets.sort();
				targets.dedup();
				self.send_report(member, ReportKind::Votes, targets, at);
			}
			self.probe(member, &assignment, at, finality);
		}
	}

	/// Returns `true` if a member casts finality votes at that time.
	fn votes(&self, member: u32, at: f64) -> bool {
		use FailureKind::{Exhausted, Lame};
		matches!(self.failure(member, at), None | Some(Lame | Exhausted))
	}

	/// Returns `true` if the member has taken no part in consensus for long enough to be reported:
	/// no node has seen a vote of it, or a block in its slots.
	fn is_silent(&self, member: u32, at: f64) -> bool {
		let slots = f64::from(self.size() * (u32::from(self.parameters.thresholds.slots) + 1));
		self.failures.iter().any(|failure| {
			let lasts = match failure.kind {
				FailureKind::Exhausted => f64::INFINITY,
				FailureKind::Lame => slots * self.parameters.slot,
				_ => self.parameters.vote_silence,
			};
			failure.member == member && (failure.from + lasts..failure.until).contains(&at)
		})
	}

	/// Returns `true` if no vote of the member was seen for [`SILENT_SLOTS`] slots.
	fn is_hushed(&self, member: u32, at: f64) -> bool {
		!self.votes(member, at) && !self.votes(member, at - SILENT_SLOTS * self.parameters.slot)
	}

	/// Returns `true` if a once-per-window transaction is due now, and notes that it is sent. It is
	/// due again after [`RESEND`] blocks outside of a block.
	fn claim(&mut self, place: usize, member: u32) -> bool {
		let sent = &mut self.sent[place][member as usize];
		let again = sent.is_none_or(|(window, block)| window != self.window || self.block >= block + RESEND);
		if again {
			*sent = Some((self.window, self.block));
		}
		again
	}

	fn send_heartbeat(&mut self, member: u32, at: f64) {
		let evidence = &self.members[member as usize];
		let missed = evidence.missed_slots > 0;
		let turn = is_turn(member, self.window, self.size(), self.parameters.quota);
		if self.seen[member as usize] || !(missed || evidence.asked || turn) {
			return;
		}
		let elapsed = self.block - self.started;
		let left = self.parameters.window.saturating_sub(elapsed + 1);
		let (slot, size) = (self.slot - 1, u64::from(self.size()));
		let own = |ahead: u32| (slot + u64::from(ahead)) % size == u64::from(member);
		if due(Seat::Active, member, missed, elapsed, left, own) && self.claim(0, member) {
			let content = Content::Heartbeat { window: self.window };
			self.pool.push(Transaction { sent: at, by: member, content });
		}
	}

	fn send_report(&mut self, member: u32, kind: ReportKind, mut targets: Vec<u32>, at: f64) {
		let quorums = self.quorums();
		targets.retain(|target| {
			let evidence = &self.members[*target as usize];
			match kind {
				ReportKind::Peers => !evidence.peers.has(quorums.peers),
				ReportKind::Votes => !evidence.votes.has(quorums.votes),
			}
		});
		let place = kind as usize;
		if targets.is_empty() || self.reported[place][member as usize] || !self.claim(1 + place, member) {
			return;
		}
		let content = Content::Report { kind, window: self.window, targets };
		self.pool.push(Transaction { sent: at, by: member, content });
	}

	/// Probes the assigned members: those without visible votes; if the node does not follow
	/// finality, all of them in the window's first block, and later those with evidence against
	/// them.
	fn probe(&mut self, member: u32, assignment: &Assignment, at: f64, finality: bool) {
		if self.reported[ReportKind::Peers as usize][member as usize] {
			return;
		}
		let (elapsed, size) = (self.block - self.started, self.size());
		let doubtful = |chain: &Self, target: u32| {
			let evidence = &chain.members[target as usize];
			let turn = is_turn(target, chain.window, size, chain.parameters.quota);
			let unseen = (evidence.asked || turn)
				&& elapsed >= chain.parameters.window / 2
				&& !chain.seen[target as usize];
			evidence.missed_slots > 0 || evidence.missed_windows > 0 || unseen
		};
		// Late votes also make the node probe a member that does vote.
		let overlooked = self.rng.gen::<f64>() < self.hush_overlooked * f64::from(size);
		let overlooked = overlooked.then(|| self.rng.gen_range(0..size));
		let due = |chain: &Self, target: u32| {
			if finality {
				chain.is_hushed(target, at) || overlooked == Some(target)
			} else {
				elapsed == 0 || doubtful(chain, target)
			}
		};
		if !(0..size).any(|target| due(self, target)) {
			return;
		}
		let (deadline, attempts) = if finality { (SHORT_DEADLINE, 1) } else { (DEADLINE, ATTEMPTS) };
		let mut failing = Vec::new();
		let mut took: f64 = 0.0;
		for target in assignment.targets(member) {
			if !due(self, target) {
				continue;
			}
			let patience = deadline * f64::from(attempts);
			let answer = match self.failure(target, at) {
				Some(FailureKind::Killed) => Err(2.0 * self.network.latency),
				Some(FailureKind::Frozen | FailureKind::Exhausted) => Err(patience),
				Some(FailureKind::Mute | FailureKind::Lame) | None => (0..attempts)
					.any(|_| {
						let there = self.network.delay(&mut self.rng);
						there + self.network.delay(&mut self.rng) <= deadline
					})
					.then_some(())
					.ok_or(patience),
			};
			if let Err(after) = answer {
				took = took.max(after);
				failing.push(target);
			}
		}
		self.send_report(member, ReportKind::Peers, failing, at + took);
	}
}
