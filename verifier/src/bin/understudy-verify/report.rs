//! Reports of a check, for people and for programs.

use std::fmt::Write;

use serde_json::{json, Value};
use understudy_primitives::{Moment, Times};
use understudy_verifier::{AccountId, Bundle, Error, Fault, Forced, Link, RelayBlock, TrustedSet, Verified};

use crate::words::{self, utc};

/// Valid proof with the facts that it proves, or the link that does not hold.
pub type Outcome = Result<(Bundle, Verified), Error>;

/// Formats the outcome for people.
pub fn text(outcome: &Outcome, trusted: &TrustedSet) -> String {
	let mut out = String::new();
	// Writing to a string does not fail.
	let _ = match outcome {
		Ok((bundle, verified)) => holds(&mut out, bundle, verified, trusted),
		Err(error) => fails(&mut out, error),
	};
	out
}

fn holds(out: &mut String, bundle: &Bundle, verified: &Verified, trusted: &TrustedSet) -> std::fmt::Result {
	let Verified { block, hash, time, log, set, hand_offs, forced, .. } = verified;
	let (final_block, included) = match verified.relay {
		Some(RelayBlock { number, hash, .. }) => (number, Some(hash)),
		None => (*block, None),
	};
	let crossed = match forced.len() {
		0 => format!("{hand_offs} hand-offs"),
		some => format!("{hand_offs} hand-offs, {some} of them forced"),
	};
	writeln!(out, "The proof holds.\n")?;
	writeln!(out, "  chain      {:?}", trusted.log_genesis())?;
	writeln!(
		out,
		"  custody    trusted set {} ─▶ {crossed} ─▶ set {} of {} ({} votes needed) ─▶ block #{final_block}",
		trusted.set_id,
		set.id,
		set.len(),
		set.threshold()
	)?;
	if let (Some(hash), Some(parachain)) = (included, &trusted.parachain) {
		writeln!(out, "  included   by block #{final_block} {hash:?} of the relay chain, as the")?;
		writeln!(out, "             head of parachain {}; relay chain {:?}", parachain.id, trusted.genesis)?;
	}
	let name = |who: &AccountId| words::account(who, trusted.ss58_prefix);
	for Forced { set, proposal, voters, stall } in forced {
		let votes = voters.len();
		writeln!(
			out,
			"  forced     set {set} was seated by the votes of {votes} members for proposal #{proposal};"
		)?;
		writeln!(
			out,
			"             finality had stalled at #{} since #{} {}, noticed in #{}; the voters are",
			stall.finalized,
			stall.since.block,
			utc(stall.since.time),
			stall.noticed.block
		)?;
		for who in voters {
			writeln!(out, "             {}", name(who))?;
		}
	}
	writeln!(out, "  head       #{block} {hash:?}, authored {}", utc(*time))?;
	writeln!(out, "  log        {} records, root {:?}", log.count, log.root)?;
	if let Some((count, root)) = &verified.checkpoint {
		writeln!(out, "  continues  the log of {count} records with root {root:?}")?;
	}
	writeln!(out, "  own bytes  {} (records and path, beside the custody)", bundle.own_bytes())?;
	if let Some(proven) = &bundle.incident {
		let incident = &proven.incident;
		let (listed, all) = (incident.records.len(), incident.count as usize);
		let these = if listed == all {
			"these are all of its records".into()
		} else {
			format!("these are the first {listed} of its {all} records")
		};
		writeln!(out, "\nIncident {}, {}; {these}:", proven.id, words::phase(incident.phase))?;
	} else {
		writeln!(out, "\nRecords:")?;
	}
	for shown in &bundle.records {
		let record = &shown.record;
		let who = |account: &Option<AccountId>| account.as_ref().map_or_else(|| "nobody".into(), name);
		let (at, what) = (utc(record.time), words::kind(record.kind));
		write!(out, "  #{:<6} {at}  record {}: {what}", record.block, record.seq)?;
		match (&record.from, &record.to) {
			(Some(_), to) => write!(out, ", {} ─▶ {}", who(&record.from), who(to))?,
			_ if record.subject.is_some() => write!(out, ", {}", who(&record.subject))?,
			_ => (),
		}
		writeln!(out, "; by {}", words::initiator(record.initiator))?;
		for piece in &shown.shown {
			writeln!(out, "          {}", words::evidence(&piece.evidence))?;
		}
		let hidden = usize::from(shown.pieces).saturating_sub(shown.shown.len());
		if hidden > 0 {
			writeln!(out, "          {hidden} more pieces of evidence are not shown")?;
		}
	}
	if let Some(Times { detect, attribute, reconfigure, resync }) =
		bundle.incident.as_ref().and_then(|proven| proven.incident.times())
	{
		let part = |Moment { block, time }| format!("{block} blocks, {:.1} s", time as f32 / 1_000.0);
		let total = Times { detect, attribute, reconfigure, resync }.total();
		writeln!(out, "\n  T_detect       {:>18}   last sign of life to first evidence", part(detect))?;
		writeln!(out, "  T_attribute    {:>18}   until the evidence sufficed", part(attribute))?;
		writeln!(out, "  T_reconfigure  {:>18}   until the new set was active", part(reconfigure))?;
		writeln!(
			out,
			"  T_resync       {:>18}   until the newly seated member had shown its state",
			part(resync)
		)?;
		writeln!(out, "  together       {:>18}", part(total))?;
	}
	Ok(())
}

fn fails(out: &mut String, Error { link, fault }: &Error) -> std::fmt::Result {
	match link {
		Link::Age => writeln!(out, "The proof holds, but does not meet the requirements on its age.\n")?,
		_ => writeln!(out, "THE PROOF DOES NOT HOLD.\n")?,
	}
	writeln!(out, "  link   {link}")?;
	writeln!(out, "  fault  {fault}")?;
	let advice = match link {
		Link::Format => "fetch it again; if it fails again, the file is not a bundle of this version",
		Link::Trust => {
			"use the trusted set of the proof's chain, and the one for which the proof was fetched"
		},
		Link::Age if *fault == Fault::OldTrust => {
			"check it with a newer trusted set, or with --any-trust-age and a second source for its head"
		},
		Link::Age => "fetch a new proof, with the same --checkpoint",
		Link::Ancestry => {
			"the chain's log was rewritten since, or the checkpoint is of another chain: ask its keeper"
		},
		_ => "do not trust its contents; fetch the proof from another node",
	};
	writeln!(out, "  do     {advice}")
}

/// Formats the outcome for programs.
pub fn json(outcome: &Outcome) -> Value {
	match outcome {
		Ok((bundle, verified)) => json!({
			"holds": true,
			"block": verified.block,
			"hash": verified.hash,
			"relay": verified.relay.map(|RelayBlock { number, hash, time }| json!({ "block": number, "hash": hash, "time": time })),
			"time": verified.time,
			"log": verified.log,
			"continues": verified.checkpoint.map(|(count, root)| json!({ "count": count, "root": root })),
			"set": verified.set.id,
			"handOffs": verified.hand_offs,
			"forced": verified.forced,
			"ownBytes": bundle.own_bytes(),
			"incident": bundle.incident,
			"times": bundle.incident.as_ref().and_then(|proven| proven.incident.times()),
			"records": bundle.records,
		}),
		Err(Error { link, fault }) => json!({
			"holds": false,
			"link": link.to_string(),
			"fault": fault.name(),
			"explanation": fault.explanation().trim(),
		}),
	}
}

/// Returns the set that a proof ends with, as a trusted set with this date.
pub fn next_trust(verified: &Verified, trusted: &TrustedSet, as_of: u64) -> TrustedSet {
	TrustedSet {
		set_id: verified.set.id,
		since: verified.since,
		as_of,
		authorities: verified.set.authorities(),
		..trusted.clone()
	}
}
