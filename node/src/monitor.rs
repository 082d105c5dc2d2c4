//! Tells the operator how recovery stands: metrics, and alarms for what no worker on the chain can say, for none runs then.

use std::{
	sync::Arc,
	time::{Duration, Instant},
};

use sp_api::ProvideRuntimeApi;
use sp_blockchain::HeaderBackend;
use sp_consensus_grandpa::GrandpaApi;
use substrate_prometheus_endpoint::{register, Gauge, Registry, U64};
use understudy_primitives::{api::RecoveryApi, Mode, RecoveryStatus};
use understudy_runtime::Hash;

use crate::{hand_overs::HandOvers, service::FullClient};

const LOG_TARGET: &str = "understudy::monitor";
/// How often it looks.
const LOOK: Duration = Duration::from_secs(5);
/// After so long without a block nobody authors, or nobody is heard.
const NO_BLOCK: Duration = Duration::from_secs(60);
/// For so long GRANDPA and the runtime may count different sets: until a forced change is enacted and final.
const SETS_DIFFER: Duration = Duration::from_secs(180);

/// For how long something has been wrong, and whether to say so now: once it has been for `after`, and again each time that passes.
struct Alarm {
	after: Duration,
	since: Instant,
	told: u32,
}

impl Alarm {
	fn new(after: Duration, now: Instant) -> Self {
		Self { after, since: now, told: 0 }
	}

	/// How long it has been wrong, if that is to be said now.
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
	($($(#[doc = $doc:literal])+ $name:ident: $metric:literal,)*) => {
		struct Gauges {
			$($name: Gauge<U64>,)*
		}

		impl Gauges {
			fn register(registry: &Registry) -> Option<Self> {
				Some(Self {
					$($name: register(Gauge::new($metric, concat!($($doc),+).trim()).ok()?, registry).ok()?,)*
				})
			}
		}
	};
}

gauges! {
	/// The mode: 0 safe, 1 degraded, 2 recovery in progress, 3 finality has resumed.
	mode: "understudy_mode",
	/// Members that say that they are there while finality stands still.
	present: "understudy_recovery_present",
	/// Votes for the proposed set.
	votes: "understudy_recovery_votes",
	/// How many must be there, and must vote.
	needed: "understudy_recovery_needed",
	/// Seconds since this node has seen a new best block.
	silence: "understudy_seconds_without_block",
	/// Whether GRANDPA and the runtime count different authority sets.
	differ: "understudy_set_ids_differ",
}

/// What is looked at.
pub struct Monitor {
	/// The client.
	pub client: Arc<FullClient>,
	/// How authority sets handed over.
	pub hand_overs: HandOvers,
	/// Where the metrics go.
	pub registry: Option<Registry>,
}

impl Monitor {
	/// Looks for as long as the node runs.
	pub async fn run(self) {
		let gauges = self.registry.as_ref().and_then(Gauges::register);
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
					"no block for {} seconds: nobody authors, or this node hears nobody. Until somebody does no offchain worker \
					 runs, and nothing recovers by itself; see docs/recovery.md",
					passed.as_secs()
				);
			}
			let differ = self.sets_differ(info.finalized_hash);
			if let Some(passed) = differing.look(differ.is_some(), now) {
				let (runtime, client) = differ.unwrap_or_default();
				log::error!(
					target: LOG_TARGET,
					"for {} seconds the runtime has been in authority set {runtime}, and GRANDPA in {client}: if it stays so, \
					 this node must be synced anew",
					passed.as_secs()
				);
			}
			let kept = self.hand_overs.keep_last();
			if let Ok(Some(set)) = kept {
				log::info!(target: LOG_TARGET, "kept what proves the forced change after authority set {set}");
			}
			if let Err(why) = kept {
				if lost.as_ref() != Some(&why) {
					log::debug!(target: LOG_TARGET, "nothing to prove the last forced change with: {why:?}");
					lost = Some(why);
				}
			}
			let status = self.client.runtime_api().recovery_status(info.best_hash).ok();
			if let Some(status) = &status {
				if status.mode != std::mem::replace(&mut mode, status.mode) {
					tell(status);
				}
			}
			if let Some(gauges) = &gauges {
				gauges.silence.set(now.saturating_duration_since(silent.since).as_secs());
				gauges.differ.set(differ.is_some().into());
				if let Some(status) = status {
					gauges.mode.set(status.mode as u64);
					gauges.present.set(status.present.into());
					gauges.votes.set(status.votes.into());
					gauges.needed.set(status.needed.into());
				}
			}
		}
	}

	/// The ids of the sets as the runtime and GRANDPA count them, where they differ.
	fn sets_differ(&self, finalized: Hash) -> Option<(u64, u64)> {
		let runtime = self.client.runtime_api().current_set_id(finalized).ok()?;
		let client = self.hand_overs.authority_set.set_id();
		(runtime != client).then_some((runtime, client))
	}
}

/// Says what the mode has become, and what is waited for.
fn tell(status: &RecoveryStatus<Hash>) {
	let RecoveryStatus { mode, finalized, needed, members, .. } = status;
	match mode {
		Mode::Safe => log::info!(target: LOG_TARGET, "the chain is safe again"),
		Mode::DegradedSafe => log::error!(
			target: LOG_TARGET,
			"finality stands still at #{finalized}: the chain is degraded until it goes on, or until at least {needed} of \
			 {members} members have voted for a recovery"
		),
		Mode::RecoveryInProgress => {
			log::warn!(target: LOG_TARGET, "a recovery is under way: the living take the seats of the dead")
		},
		Mode::SafeResumed => {
			log::warn!(target: LOG_TARGET, "finality is back, at #{finalized}, and must go on for a while")
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
