//! Prints what happens on the chain, as it happens.

use std::time::{Duration, Instant};

use anyhow::Context;
use zombienet_sdk::subxt::utils::H256;

use crate::chain::{
	name_of, names_of, Block, Chain, Entry, Evidence, Health, Initiator, Judged, Record, RecordKind, Verdict,
};

/// How long the chain may go without a new block before that is a failure by itself.
const NO_BLOCK: Duration = Duration::from_secs(90);

/// Follows best blocks, and tells of each change in health, log and set since it began.
pub struct Timeline {
	chain: Chain,
	blocks: zombienet_sdk::subxt::backend::StreamOfResults<Block>,
	began: Instant,
	/// The best block when it began.
	pub start: u32,
	seen: u64,
	health: Vec<(String, Judged)>,
	set: String,
}

/// A block, and what is new in it.
pub struct Moment {
	/// The block.
	pub block: Block,
	/// The log's entries that came with it.
	pub entries: Vec<Entry>,
	/// The names of `session.validators`.
	pub set: String,
}

/// Returns whether a member is in a set, as [`Moment::set`] has it.
pub fn sits(set: &str, who: &str) -> bool {
	set.split(' ').any(|name| name == who)
}

impl Timeline {
	/// Begins now: times and block counts are from here on.
	pub async fn begin(chain: Chain) -> anyhow::Result<Self> {
		let mut blocks = chain.blocks().await?;
		let best = blocks.next().await.context("the node ended its subscription")??;
		let (seen, set) = (chain.log_count(best.hash()).await?, chain.validators(best.hash()).await?);
		let health = health(&chain, best.hash()).await?;
		Ok(Self {
			chain,
			blocks,
			began: Instant::now(),
			start: best.number(),
			seen,
			health,
			set: names_of(&set),
		})
	}

	/// Seconds since it began.
	pub fn seconds(&self) -> f32 {
		self.began.elapsed().as_secs_f32()
	}

	/// The validators as of the last block.
	pub fn set(&self) -> &str {
		&self.set
	}

	/// Waits for the next best block and prints what is new.
	pub async fn next(&mut self) -> anyhow::Result<Moment> {
		let block = tokio::time::timeout(NO_BLOCK, self.blocks.next()).await;
		let block = block
			.with_context(|| format!("no new block for {} seconds", NO_BLOCK.as_secs()))?
			.context("the node ended its subscription")??;
		let (number, at) = (block.number(), block.hash());

		let now = health(&self.chain, at).await?;
		for (who, judged) in &now {
			let before = self.health.iter().find(|(name, _)| name == who).map(|(_, judged)| judged.verdict);
			if before.is_none_or(|before| before.health != judged.verdict.health) {
				self.tell(number, &format!("{who} is {}", describe(&judged.verdict)));
			}
		}
		self.health = now;

		let mut entries = self.chain.entries(at, self.seen).await?;
		// A block of another fork may have told some of them already.
		entries.retain(|entry| entry.record.seq >= self.seen);
		for Entry { record, evidence } in &entries {
			self.tell(number, &format!("record {}: {}", record.seq, narrate(record, evidence)));
			self.seen = record.seq + 1;
		}

		let set = names_of(&self.chain.validators(at).await?);
		if set != self.set {
			self.tell(number, &format!("session.validators: {set}"));
			self.set = set.clone();
		}
		Ok(Moment { block, entries, set })
	}

	/// Prints a line: block, seconds, text.
	pub fn tell(&self, block: u32, text: &str) {
		println!("  #{block:<5} {:>6.1} s  {text}", self.seconds());
	}
}

async fn health(chain: &Chain, at: H256) -> anyhow::Result<Vec<(String, Judged)>> {
	let status = chain.roster(at).await?;
	Ok(status.members.iter().map(|(who, judged)| (name_of(who), *judged)).collect())
}

fn describe(verdict: &Verdict) -> String {
	let health = match verdict.health {
		Health::Healthy => return "healthy".into(),
		Health::Suspect => "suspect",
		Health::Impaired => "impaired",
		Health::Down => "DOWN",
	};
	let counts = [
		(verdict.missed_slots, "own slots missed in a row", verdict.detectors.slots, "S"),
		(verdict.missed_windows, "windows of silence", verdict.detectors.heartbeats, "H"),
		(verdict.unreachable_windows, "windows unreachable", verdict.detectors.peers, "P"),
		(verdict.voteless_windows, "windows without votes", verdict.detectors.votes, "V"),
	];
	let counts: Vec<String> = counts
		.into_iter()
		.filter(|(count, ..)| *count > 0)
		.map(|(count, what, fired, letter)| {
			format!("{count} {what}{}", if fired { format!(" ({letter} fired)") } else { String::new() })
		})
		.collect();
	let counts = if counts.is_empty() { "not heard yet".into() } else { counts.join(", ") };
	format!("{health}, confidence {} %: {counts}", verdict.confidence / 10_000_000)
}

fn narrate(record: &Record, evidence: &[Evidence]) -> String {
	let name = |account: &Option<_>| account.as_ref().map_or_else(|| "nobody".into(), name_of);
	let (from, to) = (name(&record.from), name(&record.to));
	let what = match record.kind {
		RecordKind::Elected => "an election changes the set".into(),
		RecordKind::Suspected => format!("suspected: {}", name(&record.subject)),
		RecordKind::Attributed => format!("attributed: {} fails", name(&record.subject)),
		RecordKind::Cleared => format!("{} does not fail any more", name(&record.subject)),
		RecordKind::Replaced => format!("decided: {to} takes the seat of {from}"),
		RecordKind::Removed => format!("decided: {from} loses its seat, and there is no standby"),
		RecordKind::Cancelled => format!("cancelled: {to} does not take the seat of {from}"),
		RecordKind::Seated => format!("seated: {to} in the place of {from}"),
		RecordKind::Held => "a systemic outage: rotation holds still".into(),
		RecordKind::Resumed => "the systemic outage is over: rotation goes on".into(),
		RecordKind::CaseOpened => format!("the guardians are asked about {}", name(&record.subject)),
		RecordKind::CaseVetoed => format!("the guardians let {} keep its seat", name(&record.subject)),
		RecordKind::CaseClosed => format!("the case of {} has come to nothing", name(&record.subject)),
		RecordKind::Penalized => format!("{} is charged", name(&record.subject)),
		RecordKind::Readmitted => format!("{} may be seated again", name(&record.subject)),
		RecordKind::RolledBack => format!("{} was up when it was evicted", name(&record.subject)),
		RecordKind::AutomationSuspended => "rotation does not act by itself any more".into(),
		RecordKind::AutomationResumed => "rotation acts by itself again".into(),
		RecordKind::Reconciled => format!("reconciled: {to} stands where the chain stands"),
		RecordKind::Diverged => format!("DIVERGED: {to} stands elsewhere than the chain"),
		RecordKind::Unconfirmed => format!("{to} did not say where it stands"),
		RecordKind::Degraded => "finality stands still: the chain degrades, and its members vote".into(),
		RecordKind::Recovering => "recovery: responsive members replace unresponsive ones".into(),
		RecordKind::FinalityResumed => "finality is back".into(),
		RecordKind::Thawed => "the chain is safe: elections and rotation go on".into(),
		RecordKind::Equivocated => format!("{} equivocated, and is expelled", name(&record.subject)),
	};
	let what = match record.initiator {
		Initiator::Automation | Initiator::Election => what,
		Initiator::Member if record.kind == RecordKind::Reconciled => what,
		Initiator::Member => format!("{what}, as the member wants it"),
		Initiator::Guardians => format!("{what}, by the guardians"),
		Initiator::Anyone => format!("{what}, enforced by somebody"),
	};
	let incident =
		if record.incident == 0 { String::new() } else { format!("incident {}, ", record.incident) };
	let mut line = format!("{incident}{what}");
	for piece in evidence {
		line += &match piece {
			Evidence::Verdict(verdict) => format!(", for it is {}", describe(verdict)),
			Evidence::Set(hash) => format!("; the new set's hash is {hash}"),
			Evidence::Penalty { outages, at_once, fraction } => {
				format!(" {} ppm of its stake: outage {outages}, {at_once} fell at once", fraction / 1_000)
			},
			Evidence::Onset { last_sign, first } => {
				format!(
					"; its last sign of life was in #{}, the first evidence in #{}",
					last_sign.block, first.block
				)
			},
			Evidence::State { block, hash } => format!(", by #{block} {hash}"),
			Evidence::Finality { finalized } => format!("; it came to #{finalized}"),
			Evidence::Quorum { votes, members, base } => {
				format!(", by {votes} votes of {members} members; finality goes on from #{base}")
			},
			Evidence::DoubleVote {} => ", for two votes".into(),
			Evidence::Equivocation {} => ", as a proof shows".into(),
			Evidence::AuthorEquivocation { slot } => format!(", by two blocks for slot {slot}"),
			// The details of the verdict, which says enough here.
			Evidence::Slots { .. }
			| Evidence::Signs { .. }
			| Evidence::Peers { .. }
			| Evidence::Votes { .. }
			| Evidence::Node(_) => String::new(),
		};
	}
	line
}
