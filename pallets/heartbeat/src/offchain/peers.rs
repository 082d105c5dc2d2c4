//! Detector P: probes the nodes of the assigned members, and reports those that fail.
//!
//! The addresses that this node connects to are registered by others, so requests are restricted:
//! the method, the path and the body are always the same, redirects are not followed, and the size
//! of an answer and the time for it are bounded. Addresses are numeric, so no name can lead into
//! the operator's own network, and by default only public ones are probed; see [`Probing`].
//!
//! A member whose finality votes the node sees is not probed: its node runs, regardless of the
//! state of its RPC server, which anybody could keep busy. An active member of which no vote was
//! seen for two slots is probed at once. Standbys cast no votes; those that are assigned are probed
//! in each window.

use alloc::{collections::BTreeSet, format, vec, vec::Vec};
use frame_support::traits::Get;
use frame_system::pallet_prelude::BlockNumberFor;
use serde::Deserialize;
use sp_runtime::{
	offchain::{
		http::{PendingRequest, Request},
		storage::StorageValueRef,
		Duration,
	},
	traits::{One, Saturating, Zero},
	SaturatedConversion,
};
use understudy_primitives::{
	crypto::AuthorityId,
	offchain::{FinalityView, Probing, PROBING},
	MemberIndex, Seat, Slots, VoteKeys,
};

use super::{claim, Context, LOG_TARGET};
use crate::{
	chunks::{self, CounterTable, Mark},
	registration::Endpoint,
	statement::ReportKind,
	Config, Members, Pallet, Registrations,
};

/// Time for an answer, in milliseconds. A jitter of two seconds each way fits into it.
const DEADLINE: u64 = 5_000;

/// Time for an answer, in milliseconds, of a member whose votes are missing as well: two signs of
/// failure are stronger evidence than one that takes longer to observe.
const SHORT_DEADLINE: u64 = 2_500;

/// Number of slots without a vote of a member after which it is probed at once.
const SILENT_SLOTS: u64 = 2;

/// Number of failed probes in a row after which a member is reported: one lost packet is no outage.
const ATTEMPTS: u32 = 2;

/// Largest number of bytes that is read of an answer.
const MAX_ANSWER: usize = 4_096;

/// Body of every probe, which requests the node's health and its last finalized block.
const QUESTION: &str = concat!(
	r#"[{"jsonrpc":"2.0","id":1,"method":"system_health","params":[]},"#,
	r#"{"jsonrpc":"2.0","id":2,"method":"chain_getFinalizedHead","params":[]}]"#,
);

/// Answer to one of the two requests.
#[derive(Deserialize)]
struct Answer {
	id: u32,
	result: Content,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
	Health(Health),
	Hash(sp_core::H256),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Health {
	is_syncing: bool,
}

/// Condition of a node as it reports it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Condition {
	/// `true` if the node is catching up with the chain.
	pub syncing: bool,
	/// Hash of the last block that is final for the node.
	pub finalized: sp_core::H256,
}

/// Parses the answer to [`QUESTION`]; returns `None` if it is malformed.
pub(crate) fn parse(answer: &[u8]) -> Option<Condition> {
	let answers: Vec<Answer> = serde_json::from_slice(answer).ok()?;
	let (mut syncing, mut finalized) = (None, None);
	for Answer { id, result } in answers {
		match (id, result) {
			(1, Content::Health(health)) => syncing = Some(health.is_syncing),
			(2, Content::Hash(hash)) => finalized = Some(hash),
			_ => return None,
		}
	}
	Some(Condition { syncing: syncing?, finalized: finalized? })
}

impl<T: Config> Pallet<T> {
	pub(super) fn probe_peers(
		context: &Context<T>,
		key: &AuthorityId,
		reporter: MemberIndex,
		finality: Option<&FinalityView>,
	) {
		let policy = StorageValueRef::persistent(PROBING).get::<Probing>().ok().flatten().unwrap_or_default();
		if policy == Probing::Off || chunks::is_marked::<T>(Mark::ReportedPeers, reporter) {
			return;
		}
		let recently_silent = finality.filter(|_| T::VoteKeys::ARE_SEEN).map(Self::recently_silent);
		let targets = Self::to_probe(context, reporter, policy, recently_silent.as_ref());
		// Once per window, and again in each block for members with evidence against them.
		let task = (context.roster.id, context.window.index, context.now, &targets);
		if targets.is_empty() || !claim("probe", key, task, context.now) {
			return;
		}
		let sits = |(index, _): &(MemberIndex, Endpoint)| context.roster.seat(*index) == Seat::Active;
		let (silent, mut others): (Vec<_>, Vec<_>) =
			targets.into_iter().partition(|target| recently_silent.is_some() && sits(target));
		let mut failing = Self::ask(silent, SHORT_DEADLINE, context.now, finality);
		for _ in 0..ATTEMPTS {
			others = Self::ask(others, DEADLINE, context.now, finality);
		}
		failing.append(&mut others);
		let failing: Vec<MemberIndex> = failing.into_iter().map(|(index, _)| index).collect();
		if !failing.is_empty() {
			log::debug!(target: LOG_TARGET, "members {failing:?} failed the probe");
		}
		Self::send_report(context, key, reporter, ReportKind::Peers, failing);
	}

	/// Returns the members of which the node has seen no finality vote for [`SILENT_SLOTS`] slots.
	fn recently_silent(finality: &FinalityView) -> BTreeSet<T::AccountId> {
		let hush = T::Slots::duration().saturating_mul(SILENT_SLOTS).div_ceil(1_000);
		let silent = finality.silent.iter().filter(|(_, seconds)| u64::from(*seconds) >= hush);
		silent.filter_map(|(voter, _)| T::VoteKeys::voter(voter)).collect()
	}

	/// Returns the assigned members to probe in this block, with their endpoints.
	///
	/// Active members are probed when none of their votes is seen. The others are probed in the
	/// window's first block, and later if there is evidence against them, or if they could have
	/// been seen by now and were not. Members about which a report would change nothing are left
	/// out. `recently_silent` is the result of [`Self::recently_silent`], or `None` if nothing is
	/// known of votes: then active members are probed like the others.
	fn to_probe(
		context: &Context<T>,
		reporter: MemberIndex,
		policy: Probing,
		recently_silent: Option<&BTreeSet<T::AccountId>>,
	) -> Vec<(MemberIndex, Endpoint)> {
		let Context { roster, window, .. } = context;
		let quorums = Self::quorums(roster);
		let elapsed = context.elapsed();
		let length: u32 = T::WindowLength::get().saturated_into();
		let mut table = CounterTable::<T>::lazy(roster);
		let targets = Self::assignment(window, window.index).targets(reporter).into_iter();
		targets
			.filter(|index| {
				let Some(member) = table.load(*index) else { return false };
				let turn = member.asked || Self::is_turn(roster, window, *index);
				let unseen = turn && elapsed >= length / 2 && !chunks::is_marked::<T>(Mark::Seen, *index);
				let doubtful = member.missed_slots > 0 || member.missed_windows > 0 || unseen;
				let due = match recently_silent.filter(|_| roster.seat(*index) == Seat::Active) {
					Some(recently_silent) => {
						Members::<T>::get(index).is_some_and(|who| recently_silent.contains(&who))
					},
					None => elapsed == 0 || doubtful,
				};
				member.grace == 0 && !member.peers.has(quorums.peers) && due
			})
			.filter_map(|index| {
				let endpoint = Registrations::<T>::get(Members::<T>::get(index)?)?.profile.endpoint?;
				let allowed = policy == Probing::Any || endpoint.is_public();
				(allowed && endpoint.is_valid()).then_some((index, endpoint))
			})
			.collect()
	}

	/// Probes all targets at once, with this many milliseconds for an answer. Returns those that
	/// fail.
	fn ask(
		targets: Vec<(MemberIndex, Endpoint)>,
		deadline: u64,
		now: BlockNumberFor<T>,
		finality: Option<&FinalityView>,
	) -> Vec<(MemberIndex, Endpoint)> {
		let deadline = sp_io::offchain::timestamp().add(Duration::from_millis(deadline));
		let send = |endpoint: &Endpoint| -> Option<PendingRequest> {
			Request::post(&format!("http://{}/", endpoint.socket()), vec![QUESTION.as_bytes()])
				.add_header("content-type", "application/json")
				.deadline(deadline)
				.send()
				.ok()
		};
		let asked: Vec<_> =
			targets.into_iter().map(|(index, endpoint)| (index, endpoint, send(&endpoint))).collect();
		asked
			.into_iter()
			.filter_map(|(index, endpoint, request)| {
				let answer = request
					.and_then(|request| request.try_wait(deadline).ok()?.ok())
					.filter(|response| response.code == 200)
					.and_then(|response| {
						let mut body = response.body();
						body.deadline(Some(deadline));
						parse(&body.take(MAX_ANSWER).collect::<Vec<u8>>())
					});
				let well = answer.is_some_and(|condition| {
					!condition.syncing && !Self::lags(&condition.finalized, now, finality)
				});
				(!well).then_some((index, endpoint))
			})
			.collect()
	}

	/// Returns `true` if `theirs`, the block that is final for the probed node, is too far behind
	/// the one that is final for this node. Returns `false` if this node cannot tell: it does not
	/// follow finality itself, or does not know the block.
	fn lags(theirs: &sp_core::H256, now: BlockNumberFor<T>, finality: Option<&FinalityView>) -> bool {
		let Some(finality) = finality else { return false };
		let is = |number: &BlockNumberFor<T>| {
			frame_system::Pallet::<T>::block_hash(*number).as_ref() == theirs.as_bytes()
		};
		let known: u32 = <T as frame_system::Config>::BlockHashCount::get().saturated_into();
		let recent = (1..=known).map(|back| now.saturating_sub(back.into()));
		let genesis = BlockNumberFor::<T>::zero();
		let number = recent.take_while(|number| *number >= One::one()).chain([genesis]).find(is);
		number.is_some_and(|number| {
			let number: u32 = number.saturated_into();
			finality.finalized.saturating_sub(number) > T::FinalityLag::get()
		})
	}
}
