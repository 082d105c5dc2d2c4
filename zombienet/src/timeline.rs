//! Prints the events of the chain as they happen.

use std::time::{Duration, Instant};

use anyhow::Context;
use zombienet_sdk::subxt::utils::H256;

use crate::chain::{
	name_of, names_of, Block, Chain, Entry, Evidence, Health, Initiator, Judged, Record, RecordKind, Verdict,
};

/// Time without a new block after which the drill fails.
const NO_BLOCK: Duration = Duration::from_secs(90);

/// Follows best blocks and prints each change of health, log and active set.
pub struct Timeline {
	chain: Chain,
	blocks: zombienet_sdk::subxt::backend::StreamOfResults<Block>,
	began: Instant,
	/// Number of the best block at the beginning.
	pub start: u32,
	seen: u64,
	health: Vec<(String, Judged)>,
	set: String,
}

/// A best block and its news.
pub struct Moment {
	/// The best block.
	pub block: Block,
	/// New entries of the log.
	pub entries: Vec<Entry>,
	/// Names of `session.validators`, separated by spaces.
	pub set: String,
}

/// Returns `true` if a member is in a set of the form of [`Moment::set`].
pub fn sits(set: &str, who: &str) -> bool {
	set.split(' ').any(|name| name == who)
}

impl Timeline {
	/// Creates a timeline that begins now: times and block counts start here.
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

	/// Returns the seconds since the beginning.
	pub fn seconds(&self) -> f32 {
		self.began.elapsed().as_secs_f32()
	}

	/// Returns the names of the validators as of the last block, separated by spaces.
	pub fn set(&self) -> &str {
		&self.set
	}

	/// Waits for the next best block and prints its news.
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
		// Some may have been printed already with a block of another fork.
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

	/// Prints a line: block number, seconds since the beginning, text.
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
	let counts = if counts.is_empty() { "no sign of life yet".into() } else { counts.join(", ") };
	format!("{health}, confidence {} %: {counts}", verdict.confidence / 10_000_000)
}

fn narrate(record: &Record, evidence: &[Evidence]) -> String {
	let name = |account: &Option<_>| account.as_ref().map_or_else(|| "nobody".into(), name_of);
	let (from, to) = (name(&record.from), name(&record.to));
	let what = match record.kind {
		RecordKind::Elected => "an election changes the set".into(),
		RecordKind::Suspected => format!("suspected: {}", name(&record.subject)),
		RecordKind::Attributed => format!("attributed to {}", name(&record.subject)),
		RecordKind::Cleared => format!("cleared: the incident of {} is over", name(&record.subject)),
		RecordKind::Replaced => format!("decided: {to} takes the seat of {from}"),
		RecordKind::Removed => format!("decided: {from} loses its seat; no standby is available"),
		RecordKind::Cancelled => format!("cancelled: {to} does not take the seat of {from}"),
		RecordKind::Seated => format!("seated: {to} in the seat of {from}"),
		RecordKind::Held => "systemic outage: rotation is frozen".into(),
		RecordKind::Resumed => "the systemic outage is over: rotation resumes".into(),
		RecordKind::CaseOpened => format!("case opened: the guardians decide on {}", name(&record.subject)),
		RecordKind::CaseVetoed => format!("case vetoed: {} keeps its seat", name(&record.subject)),
		RecordKind::CaseClosed => format!("case closed: {}", name(&record.subject)),
		RecordKind::Penalized => format!("penalized: {}", name(&record.subject)),
		RecordKind::Readmitted => format!("re-admitted: {} may be seated again", name(&record.subject)),
		RecordKind::RolledBack => format!("unnecessary eviction: {}", name(&record.subject)),
		RecordKind::AutomationSuspended => "automation is suspended".into(),
		RecordKind::AutomationResumed => "automation resumes".into(),
		RecordKind::Reconciled => format!("reconciled: the position of {to} agrees with the chain"),
		RecordKind::Diverged => format!("DIVERGED: the position of {to} contradicts the chain"),
		RecordKind::Unconfirmed => format!("unconfirmed: {to} did not submit its position in time"),
		RecordKind::Degraded => "degraded: finality has stalled".into(),
		RecordKind::Recovering => "recovery: responsive members replace unresponsive ones".into(),
		RecordKind::FinalityResumed => "finality has resumed".into(),
		RecordKind::NormalOperationResumed => "the chain is safe: elections and rotation resume".into(),
		RecordKind::Equivocated => format!("expelled: {} has equivocated", name(&record.subject)),
	};
	let what = match record.initiator {
		Initiator::Automation | Initiator::Election => what,
		Initiator::Member if record.kind == RecordKind::Reconciled => what,
		Initiator::Member => format!("{what} (by the member)"),
		Initiator::Guardians => format!("{what} (by the guardians)"),
		Initiator::Anyone => format!("{what} (by any account)"),
	};
	let incident =
		if record.incident == 0 { String::new() } else { format!("incident {}, ", record.incident) };
	let mut line = format!("{incident}{what}");
	for piece in evidence {
		line += &match piece {
			Evidence::Verdict(verdict) => format!("; verdict: {}", describe(verdict)),
			Evidence::Set(hash) => format!("; the new set's hash is {hash}"),
			Evidence::Penalty { outages, at_once, fraction } => {
				format!(", {} ppm of its stake: outage {outages}, {at_once} failed at once", fraction / 1_000)
			},
			Evidence::Onset { last_sign, first } => {
				format!("; last sign of life in #{}, first evidence in #{}", last_sign.block, first.block)
			},
			Evidence::State { block, hash } => format!(": #{block} {hash}"),
			Evidence::Finality { finalized } => format!("; finalized: #{finalized}"),
			Evidence::Quorum { votes, members, base } => {
				format!(", with {votes} votes of {members} members; finality base: #{base}")
			},
			Evidence::DoubleVote {} => ", for two recovery votes".into(),
			Evidence::Equivocation {} => ", with two votes in one round of GRANDPA".into(),
			Evidence::AuthorEquivocation { slot } => format!(", with two blocks for slot {slot}"),
			// The verdict summarizes these details.
			Evidence::Slots { .. }
			| Evidence::Signs { .. }
			| Evidence::Peers { .. }
			| Evidence::Votes { .. }
			| Evidence::Node(_) => String::new(),
		};
	}
	line
}
