//! Metrics and alarms on recovery, for the operator. The alarms cover conditions that no offchain
//! worker can report, because none runs then.

use std::{
	sync::Arc,
	time::{Duration, Instant},
};

use sp_api::ProvideRuntimeApi;
use sp_blockchain::HeaderBackend;
use sp_consensus_grandpa::GrandpaApi;
use substrate_prometheus_endpoint::{register, Gauge, Registry, U64};
use understudy_primitives::{Mode, RecoveryStatus};

use crate::{finality::history::AuthoritySetHistory, Hash, Node};

const LOG_TARGET: &str = "understudy::monitor";
/// Interval between two checks.
const LOOK: Duration = Duration::from_secs(5);
/// Time without a new best block after which no member authors, or this node is cut off.
const NO_BLOCK: Duration = Duration::from_secs(60);
/// Time for which GRANDPA and the runtime may be in different sets: until a forced change is
/// enacted and final.
const SETS_DIFFER: Duration = Duration::from_secs(180);

/// Alarm on a persistent condition: raised when the condition has lasted for `after`, and again
/// each time that this period passes.
struct Alarm {
	after: Duration,
	since: Instant,
	told: u32,
}

impl Alarm {
	fn new(after: Duration, now: Instant) -> Self {
		Self { after, since: now, told: 0 }
	}

	/// Updates the condition. Returns its duration if the alarm is to be raised now.
	fn look(&mut self, is_wrong: bool, now: Instant) -> Option<Duration> {
		if !is_wrong {
			(self.since, self.told) = (now, 0);
		}
		let passed = now.saturating_duration_since(self.since);
		let due = self.after.saturating_mul(self.told.saturating_add(1));
		(is_wrong && passed >= due).then(|| {
			self.told = self.told.saturating_add(1);
			passed
		})
	}
}

macro_rules! gauges {
	($of:ident: $($(#[doc = $doc:literal])+ $name:ident: $metric:literal,)*) => {
		struct $of {
			$($name: Gauge<U64>,)*
		}

		impl $of {
			fn register(registry: &Registry) -> Option<Self> {
				Some(Self {
					$($name: register(Gauge::new($metric, concat!($($doc),+).trim()).ok()?, registry).ok()?,)*
				})
			}
		}
	};
}

gauges! {
	RecoveryGauges:
	/// Mode of the chain: 0 safe, 1 degraded, 2 recovery in progress, 3 finality has resumed.
	mode: "understudy_mode",
	/// Members with a presence attestation.
	present: "understudy_recovery_present",
	/// Votes for the proposed set.
	votes: "understudy_recovery_votes",
	/// Presence attestations that a proposal needs, and votes that a recovery needs.
	needed: "understudy_recovery_needed",
}

gauges! {
	Gauges:
	/// Seconds since this node saw a new best block.
	silence: "understudy_seconds_without_block",
	/// 1 while GRANDPA and the runtime are in different authority sets, otherwise 0.
	differ: "understudy_set_ids_differ",
}

/// Monitor of the mode, of block production and of the authority sets.
pub(crate) struct Monitor<N: Node> {
	/// The client.
	pub client: Arc<N::Client>,
	/// History of the authority-set hand-offs.
	pub history: AuthoritySetHistory<N>,
	/// Reader of the recovery's status as of a block; `None` on a chain without recovery.
	pub status: Option<StatusAt>,
	/// Prometheus registry for the metrics.
	pub registry: Option<Registry>,
}

/// Reads the recovery's status as of a block.
pub(crate) type StatusAt = Box<dyn Fn(Hash) -> Option<RecoveryStatus<Hash>> + Send + Sync>;

impl<N: Node> Monitor<N> {
	/// Runs until the node stops.
	pub async fn run(self) {
		let gauges = self.registry.as_ref().and_then(Gauges::register);
		let registry = self.registry.as_ref().filter(|_| self.status.is_some());
		let recovery = registry.and_then(RecoveryGauges::register);
		let now = Instant::now();
		let mut silent = Alarm::new(NO_BLOCK, now);
		let mut differing = Alarm::new(SETS_DIFFER, now);
		let (mut best, mut mode) = (None, Mode::Safe);
		let mut lost = None;
		loop {
			futures_timer::Delay::new(LOOK).await;
			let (now, info) = (Instant::now(), self.client.info());
			let is_silent = best.replace(info.best_hash) == Some(info.best_hash);
			if let Some(passed) = silent.look(is_silent, now) {
				log::error!(
					target: LOG_TARGET,
					"no new best block for {} seconds: no member authors, or this node is cut off. Until \
					 blocks arrive, no offchain worker runs, and nothing recovers by itself; see \
					 docs/operate.md",
					passed.as_secs()
				);
			}
			let differ = self.sets_differ(info.finalized_hash);
			if let Some(passed) = differing.look(differ.is_some(), now) {
				let (runtime, client) = differ.unwrap_or_default();
				log::error!(
					target: LOG_TARGET,
					"for {} seconds the runtime has been in authority set {runtime}, and GRANDPA in \
					 {client}: if this persists, the node must be synced again",
					passed.as_secs()
				);
			}
			let kept = self.history.keep_last();
			if let Ok(Some(set)) = kept {
				log::info!(target: LOG_TARGET, "kept what proves the forced change after authority set {set}");
			}
			if let Err(why) = kept {
				if lost.as_ref() != Some(&why) {
					log::debug!(target: LOG_TARGET, "the evidence of the last forced change is incomplete: \
					 {why:?}");
					lost = Some(why);
				}
			}
			let status = self.status.as_ref().and_then(|status| status(info.best_hash));
			if let Some(status) = &status {
				if status.mode != std::mem::replace(&mut mode, status.mode) {
					log_status(status);
				}
			}
			if let Some(gauges) = &gauges {
				gauges.silence.set(now.saturating_duration_since(silent.since).as_secs());
				gauges.differ.set(differ.is_some().into());
			}
			if let (Some(gauges), Some(status)) = (&recovery, status) {
				gauges.mode.set(status.mode as u64);
				gauges.present.set(status.present.into());
				gauges.votes.set(status.votes.into());
				gauges.needed.set(status.needed.into());
			}
		}
	}

	/// Returns the ids of the authority sets of the runtime and of GRANDPA, if they differ.
	fn sets_differ(&self, finalized: Hash) -> Option<(u64, u64)> {
		let runtime = self.client.runtime_api().current_set_id(finalized).ok()?;
		let client = self.history.authority_set.set_id();
		(runtime != client).then_some((runtime, client))
	}
}

/// Logs the new mode, and the condition that ends it.
fn log_status(status: &RecoveryStatus<Hash>) {
	let RecoveryStatus { mode, finalized, needed, members, .. } = status;
	match mode {
		Mode::Safe => log::info!(target: LOG_TARGET, "the chain is safe again"),
		Mode::DegradedSafe => log::error!(
			target: LOG_TARGET,
			"finality has stalled at #{finalized}: the chain is degraded until finality advances, or until \
			 at least {needed} of {members} members have voted for a recovery"
		),
		Mode::RecoveryInProgress => {
			log::warn!(target: LOG_TARGET, "a recovery is in progress: responsive members replace \
			 unresponsive ones")
		},
		Mode::SafeResumed => {
			log::warn!(target: LOG_TARGET, "finality has resumed, at #{finalized}, and must advance further \
			 before the chain is safe again")
		},
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn an_alarm_says_so_after_a_while_and_again_and_again() {
		let start = Instant::now();
		let at = |seconds| start + Duration::from_secs(seconds);
		let mut alarm = Alarm::new(Duration::from_secs(60), start);
		let told: Vec<u64> =
			(0..200).step_by(5).filter(|second| alarm.look(true, at(*second)).is_some()).collect();
		assert_eq!(told, [60, 120, 180]);
		assert_eq!(alarm.look(false, at(200)), None);
		assert_eq!(alarm.look(true, at(205)), None);
		assert_eq!(alarm.look(true, at(260)), Some(Duration::from_secs(60)));
	}
}
