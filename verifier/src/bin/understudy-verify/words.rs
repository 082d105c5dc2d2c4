//! Texts of a report for people: records, evidence, incidents and times.

use sp_core::crypto::{Ss58AddressFormat, Ss58Codec};
use sp_runtime::Perbill;
use understudy_primitives::{Detectors, Evidence, Health, Initiator, Phase, RecordKind, Verdict};
use understudy_verifier::AccountId;

/// Formats an account as the chain's clients print it.
pub fn account(who: &AccountId, ss58_prefix: u16) -> String {
	who.to_ss58check_with_version(Ss58AddressFormat::custom(ss58_prefix))
}

/// Describes the event that a record states.
pub fn kind(kind: RecordKind) -> &'static str {
	match kind {
		RecordKind::Elected => "an election changed the active set",
		RecordKind::Suspected => "suspected",
		RecordKind::Attributed => "found to fail",
		RecordKind::Cleared => "cleared: the evidence has no further consequences",
		RecordKind::Replaced => "decided: a standby takes the seat",
		RecordKind::Removed => "decided: the seat becomes vacant, because there is no healthy standby",
		RecordKind::Cancelled => "the decided change was withdrawn",
		RecordKind::Seated => "in effect",
		RecordKind::Held => "a systemic outage: ordinary rotation is suspended",
		RecordKind::Resumed => "the systemic outage is over: ordinary rotation resumes",
		RecordKind::CaseOpened => "the case is put to the guardians",
		RecordKind::CaseVetoed => "the guardians veto the change",
		RecordKind::CaseClosed => "the case is closed",
		RecordKind::Penalized => "charged",
		RecordKind::Readmitted => "readmitted to the reserve",
		RecordKind::RolledBack => "the eviction was unnecessary, and does not count",
		RecordKind::AutomationSuspended => "automation is suspended",
		RecordKind::AutomationResumed => "automation resumes",
		RecordKind::Reconciled => "the position of the newly seated member agrees with the chain",
		RecordKind::Diverged => "the newly seated member builds on another state",
		RecordKind::Unconfirmed => "the newly seated member did not state its position in time",
		RecordKind::Degraded => "finality has stalled",
		RecordKind::Recovering => "recovery: responsive members replace unresponsive ones",
		RecordKind::FinalityResumed => "finality advances again",
		RecordKind::NormalOperationResumed => "the chain is safe: elections and rotation resume",
		RecordKind::Equivocated => "equivocated, and is expelled",
	}
}

/// Describes the party that caused the event of a record.
pub fn initiator(initiator: Initiator) -> &'static str {
	match initiator {
		Initiator::Automation => "the chain itself",
		Initiator::Election => "an election",
		Initiator::Member => "the member",
		Initiator::Guardians => "the guardians",
		Initiator::Anyone => "a report of any account",
	}
}

/// Describes the phase of an incident.
pub fn phase(phase: Phase) -> &'static str {
	match phase {
		Phase::Suspected => "suspected",
		Phase::Attributed => "found to fail, not acted on yet",
		Phase::Waiting => "waiting for the guardians",
		Phase::Decided => "decided, not in effect yet",
		Phase::Seated => "in effect, not reconciled yet",
		Phase::Reconciled => "closed and reconciled",
		Phase::Diverged => "the newly seated member builds on another state",
		Phase::Unconfirmed => "closed without reconciliation",
		Phase::Dismissed => "dismissed",
		Phase::Vetoed => "vetoed by the guardians",
		Phase::RolledBack => "rolled back",
		Phase::Held => "suspended until the outage is over",
	}
}

fn health(health: Health) -> &'static str {
	match health {
		Health::Healthy => "healthy",
		Health::Suspect => "suspect",
		Health::Impaired => "impaired",
		Health::Down => "down",
	}
}

/// Formats a share in percent.
fn percent(share: Perbill) -> String {
	format!("{} %", f64::from(share.deconstruct()) / 1e7)
}

fn count(number: impl Into<u64>, one: &str) -> String {
	match number.into() {
		1 => format!("1 {one}"),
		many => format!("{many} {one}s"),
	}
}

fn list(indices: impl IntoIterator<Item = u32>) -> String {
	let all: Vec<String> = indices.into_iter().map(|index| index.to_string()).collect();
	if all.is_empty() {
		"nobody".into()
	} else {
		format!("member {}", all.join(", "))
	}
}

fn verdict(verdict: &Verdict) -> String {
	let Detectors { slots, heartbeats, peers, votes } = verdict.detectors;
	let fired = [
		(slots, "slots", u64::from(verdict.missed_slots), "missed in a row"),
		(heartbeats, "heartbeats", verdict.missed_windows.into(), "silent windows"),
		(peers, "peers", verdict.unreachable_windows.into(), "windows unreachable"),
		(votes, "votes", verdict.voteless_windows.into(), "windows without a vote"),
	];
	let fired: Vec<String> = fired
		.into_iter()
		.filter(|(fired, ..)| *fired)
		.map(|(_, name, count, what)| format!("{name} ({count} {what})"))
		.collect();
	let by = if fired.is_empty() { "no detector".into() } else { fired.join(" and ") };
	format!("verdict: {} by {by}, confidence {}", health(verdict.health), percent(verdict.confidence))
}

/// Formats a time in UTC.
pub fn utc(millis: u64) -> String {
	let time = i64::try_from(millis).ok().and_then(chrono::DateTime::from_timestamp_millis);
	time.map_or_else(|| format!("{millis} ms"), |time| time.format("%Y-%m-%d %H:%M:%S%.3f").to_string())
}

/// Describes a piece of evidence.
pub fn evidence(evidence: &Evidence) -> String {
	match evidence {
		Evidence::Verdict(found) => verdict(found),
		Evidence::Set(hash) => format!("the set after the change has the hash {hash:?}"),
		Evidence::Penalty { outages, at_once, fraction } => format!(
			"outage number {outages} of the member, {} at once: {} of its stake",
			count(*at_once, "member"),
			percent(*fraction)
		),
		Evidence::Onset { last_sign, first } => format!(
			"last sign of life: #{} {}; first evidence: #{} {}",
			last_sign.block,
			utc(last_sign.time),
			first.block,
			utc(first.time)
		),
		Evidence::Slots { current, missed } => {
			format!("own slots: {missed} missed in a row by slot {current}")
		},
		Evidence::Signs { window, seen, seen_before, missed } => {
			let when = match (seen, seen_before) {
				(true, _) => "a sign of life in this window",
				(false, true) => "the last sign of life in the window before",
				(false, false) => "no sign of life in this window and the one before",
			};
			format!("signs of life by window {window}: {when}, {} overdue", count(*missed, "window"))
		},
		Evidence::Peers { window, reports, reporters, windows } => format!(
			"peers in window {window}: {} from its probers, by {}; a quorum in {} in a row",
			count(*reports, "report"),
			list(reporters.iter().copied()),
			count(*windows, "window")
		),
		Evidence::Votes { window, reports, reporters, windows } => {
			let bits = reporters.iter().zip(0u32..).flat_map(|(byte, nth)| {
				(0..8).filter(move |bit| byte & 1 << bit != 0).map(move |bit| nth * 8 + bit)
			});
			format!(
				"votes in window {window}: {} of missing votes or blocks, by {}; a quorum in {} in a row",
				count(*reports, "report"),
				list(bits),
				count(*windows, "window")
			)
		},
		Evidence::Node(bytes) => format!("node: {}", sp_core::bytes::to_hex(bytes, false)),
		Evidence::State { block, hash, state_root } => {
			format!("builds on #{block} {hash:?}, state root {state_root:?}")
		},
		Evidence::Finality { finalized, since } => {
			format!("final: #{finalized}, since #{} {}", since.block, utc(since.time))
		},
		Evidence::Quorum { votes, members, base } => {
			format!("{votes} votes of {}; finality goes on from #{base}", count(*members, "member"))
		},
		Evidence::DoubleVote { proposals: (one, other) } => {
			format!("votes for the proposals of #{one} and of #{other}")
		},
		Evidence::Equivocation { session, set, round, proof } => {
			format!("GRANDPA equivocation in round {round} of set {set}, session {session}; proof {proof:?}")
		},
		Evidence::AuthorEquivocation { session, slot, proof } => {
			format!("two blocks signed for slot {slot}, session {session}; proof {proof:?}")
		},
	}
}
