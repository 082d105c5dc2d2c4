//! The chain and its nodes: blocks by turns, and what nodes do after each, over a bad network.
//!
//! What is played is time, the network, and who fails how. What evidence is counted, who probes whom, when a heartbeat is
//! due, and what to make of it all is the pallet's own code.

use pallet_heartbeat::{
	assignment::Assignment,
	evidence::{is_turn, Bars, MemberEvidence},
	judgement::settling,
	offchain::due,
	verdict, ReportKind,
};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use understudy_primitives::{tolerated_faults, Health, Judged, Seat};

use crate::{network::Network, parameters::Parameters};

/// A node's probes: how long an answer may take, in seconds, and how often it asks. As `pallet-heartbeat` has them.
const DEADLINE: f64 = 5.0;
const ATTEMPTS: u32 = 2;
/// The same for members of which no vote was seen for so many slots.
const SHORT_DEADLINE: f64 = 2.5;
const HUSH: f64 = 2.0;
/// A transaction that did not make it into a block is sent again after so many blocks.
const RESEND: u32 = 2;

/// How a member fails, from and until when (in seconds).
#[derive(Clone, Copy, Debug)]
pub struct Failure {
	/// Whom it hits.
	pub member: u32,
	/// What it does to it.
	pub kind: FailureKind,
	/// The first moment.
	pub from: f64,
	/// The first moment after it.
	pub until: f64,
}

/// What a failure does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FailureKind {
	/// The process is gone: connections are refused at once.
	Killed,
	/// The process stands still, or the network does not reach it: answers never come.
	Frozen,
	/// It authors and answers, and casts no votes.
	Mute,
	/// It votes, heartbeats and answers, and authors nothing.
	Lame,
	/// It does all of its work, and its RPC server answers nobody.
	Exhausted,
}

/// A transaction on its way.
struct Transaction {
	sent: f64,
	by: u32,
	content: Content,
}

enum Content {
	Heartbeat { window: u32 },
	Report { kind: ReportKind, window: u32, targets: Vec<u32> },
}

/// What the chain made of one member in one judgement.
#[derive(Clone, Copy, Debug)]
pub struct Transition {
	/// The block.
	pub block: u32,
	/// The moment, in seconds.
	pub at: f64,
	/// The member.
	pub member: u32,
	/// Its health from now on.
	pub health: Health,
	/// Whether this is a systemic outage, in which nobody is evicted.
	pub systemic: bool,
}

/// A chain of `members`, all of them active.
pub struct Chain {
	parameters: Parameters,
	network: Network,
	rng: ChaCha8Rng,
	members: Vec<MemberEvidence>,
	/// Members below this one collude against the last member.
	colluders: u32,
	failures: Vec<Failure>,
	/// How likely it is that a voter who votes is not seen by somebody for the whole of the silence that is reported.
	overlooked: f64,
	/// The same for [`HUSH`] slots.
	hush_overlooked: f64,
	slot: u64,
	last_block: Option<u64>,
	block: u32,
	window: u32,
	started: u32,
	alarm: bool,
	seen: Vec<bool>,
	reported: [Vec<bool>; 2],
	reported_before: [Vec<bool>; 2],
	/// When, in blocks, each member sent its last heartbeat and its last report of each kind.
	sent: [Vec<Option<(u32, u32)>>; 3],
	pool: Vec<Transaction>,
	seeds: [u64; 2],
	/// What happened.
	pub transitions: Vec<Transition>,
	/// Windows judged, times members.
	pub member_windows: u64,
}

impl Chain {
	/// A healthy chain, where everybody was heard and nobody has grace.
	pub fn new(members: u32, parameters: Parameters, network: Network, mut rng: ChaCha8Rng) -> Self {
		let healthy = MemberEvidence {
			heard: true,
			asked: false,
			health: Health::Healthy,
			..MemberEvidence::newcomer(0, 0)
		};
		let all = members as usize;
		let rounds = (parameters.vote_silence / parameters.slot).floor();
		let late = network.later_than(parameters.slot, 10_000, &mut rng);
		let (overlooked, hush_overlooked) = (late.powf(rounds), late.powf(HUSH));
		Self {
			parameters,
			network,
			members: vec![healthy; all],
			colluders: 0,
			failures: Vec::new(),
			overlooked,
			hush_overlooked,
			slot: 0,
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
			member_windows: 0,
		}
	}

	/// Lets the first `count` members collude against the last one, after which they author: they report it whenever they
	/// may, take no transaction of it into their blocks, and do not build on its blocks.
	pub fn collude(&mut self, count: u32) {
		self.colluders = count;
	}

	/// Lets something fail.
	pub fn fail(&mut self, failure: Failure) {
		self.failures.push(failure);
	}

	/// How many members there are.
	pub fn size(&self) -> u32 {
		self.members.len() as u32
	}

	/// The number of the window that is running.
	pub fn window(&self) -> u32 {
		self.window
	}

	/// The number of the last block.
	pub fn block(&self) -> u32 {
		self.block
	}

	/// The moment of the next slot, in seconds.
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

	fn bars(&self) -> Bars {
		let (size, Parameters { thresholds, probes, window, .. }) = (self.size(), self.parameters);
		thresholds.bars(size, size, probes.min(size - 1), window)
	}

	fn assignment(&self, window: u32) -> Assignment {
		let seed = self.seeds[usize::from(window < self.window)];
		Assignment::new(&seed.to_le_bytes(), self.size(), self.parameters.probes)
	}

	/// The next slot.
	pub fn step(&mut self) {
		let (slot, at) = (self.slot, self.now());
		self.slot += 1;
		let author = (slot % u64::from(self.size())) as u32;
		// Whose block comes after the next author has begun its own is not built upon; nor is the victim's, if two colluders
		// author right after it and build on the block before.
		let ignored = self.colluders > 1 && author == self.size() - 1;
		let in_time = self.network.delay(&mut self.rng) <= self.parameters.slot;
		let lame = self.failure(author, at) == Some(FailureKind::Lame);
		if self.works(author, at) && !lame && in_time && !ignored {
			self.block += 1;
			self.initialize(slot, author, at);
			self.take_transactions(author, at);
			self.work(at + self.network.latency);
			self.last_block = Some(slot);
		}
	}

	/// The pallet's hook.
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
			self.members[author as usize].hear();
		}
		let settling = settling(self.block - self.started, self.parameters.window);
		if let Some(authors_too) = settling {
			self.members.iter_mut().for_each(|member| {
				member.settle(authors_too);
			});
		}
		if over || settling.is_some() || judge {
			self.conclude(at);
		}
		self.alarm = false;
		self.seen[author as usize] = true;
	}

	fn close_window(&mut self) {
		let (size, bars) = (self.size(), self.bars());
		for index in 0..size {
			let due = is_turn(index, self.window, size, self.parameters.quota);
			self.members[index as usize].end_window(self.seen[index as usize], due, &bars);
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
		let verdict = verdict::verdict(member, Seat::Active, &self.parameters.thresholds, &self.bars());
		Judged { index, seat: Seat::Active, verdict, grace: 0, since: 0 }
	}

	fn health(&self, index: u32) -> Health {
		self.judge(index).verdict.health
	}

	fn conclude(&mut self, at: f64) {
		let all: Vec<Judged> = (0..self.size()).map(|index| self.judge(index)).collect();
		let systemic = verdict::systemic(verdict::suspects(&all), self.size(), self.parameters.systemic);
		for Judged { index, verdict, .. } in all {
			let member = &mut self.members[index as usize];
			if member.health != verdict.health {
				member.health = verdict.health;
				let block = self.block;
				self.transitions.push(Transition {
					block,
					at,
					member: index,
					health: verdict.health,
					systemic,
				});
			}
		}
	}

	/// The author takes what has reached it by now.
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
						self.members[by].hear();
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
					let bars = self.bars();
					for target in targets {
						let seen = self.seen[target as usize];
						let member = &mut self.members[target as usize];
						match kind {
							ReportKind::Peers => member.report_unreachable(seen, &bars),
							ReportKind::Votes => member.report_voteless(&bars),
						};
						self.alarm |= self.health(target) == Health::Down;
					}
				},
			}
		}
		// What nobody took for a minute is dropped.
		self.pool.retain(|transaction| transaction.sent + 60.0 > at);
	}

	/// What the nodes do after the block.
	fn work(&mut self, at: f64) {
		let size = self.size();
		let silent: Vec<u32> = (0..size).filter(|member| self.is_silent(*member, at)).collect();
		let mute = |member: &u32| !self.votes(*member, at);
		// Without two thirds of the voters finality stands still, and who does not follow it accuses nobody.
		let finality = (0..size).filter(mute).count() as u32 <= tolerated_faults(size);
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

	/// Returns whether a member casts votes.
	fn votes(&self, member: u32, at: f64) -> bool {
		use FailureKind::{Exhausted, Lame};
		matches!(self.failure(member, at), None | Some(Lame | Exhausted))
	}

	/// Returns whether the member has taken no part in consensus for long enough to be reported:
	/// nobody has seen a vote of it, or a block of its slots.
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

	/// Returns whether no vote of it was seen for [`HUSH`] slots.
	fn is_hushed(&self, member: u32, at: f64) -> bool {
		!self.votes(member, at) && !self.votes(member, at - HUSH * self.parameters.slot)
	}

	/// Whether something is sent now that is sent once per window, and again if it does not make it into a block.
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
		let bars = self.bars();
		targets.retain(|target| {
			let evidence = &self.members[*target as usize];
			match kind {
				ReportKind::Peers => !evidence.peers.has(bars.peers),
				ReportKind::Votes => !evidence.votes.has(bars.votes),
			}
		});
		let place = kind as usize;
		if targets.is_empty() || self.reported[place][member as usize] || !self.claim(1 + place, member) {
			return;
		}
		let content = Content::Report { kind, window: self.window, targets };
		self.pool.push(Transaction { sent: at, by: member, content });
	}

	/// Asks the members assigned: those of which no votes are seen; where the node does not follow
	/// finality, all in the window's first block, and later those whom something speaks against.
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
		// Honest members whose votes come late are asked, too.
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

	/// A colluder says the worst that the chain lets it say of the victim, for this window or late for the one before.
	fn slander(&mut self, member: u32, assignment: &Assignment, at: f64) {
		let victim = self.size() - 1;
		self.send_report(member, ReportKind::Votes, vec![victim], at);
		let before = self.window.checked_sub(1).map(|window| (window, self.assignment(window)));
		if assignment.is_assigned(member, victim) {
			self.send_report(member, ReportKind::Peers, vec![victim], at);
		} else if let Some((window, _)) = before.filter(|(_, before)| before.is_assigned(member, victim)) {
			let content = Content::Report { kind: ReportKind::Peers, window, targets: vec![victim] };
			self.pool.push(Transaction { sent: at, by: member, content });
		}
	}
}
