//! Detector P: asks the nodes of the members that were assigned how they are, and reports who fails.
//!
//! Others register the addresses that this node connects to, so that is done with care: the method, the path and the body
//! are always the same, redirections are not followed, what is read of an answer is bounded, and so is the time. Addresses
//! are numeric, so no name can lead into the operator's own network, and by default only public ones are asked; see
//! [`Probing`].
//!
//! A member whose finality votes the node sees is not asked: it lives, whatever its RPC server
//! says, which anybody could keep busy. One of which no vote was seen for two slots is asked at
//! once. Standbys cast no votes, and are asked by turns.

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

use super::{claim, Scene, LOG_TARGET};
use crate::{
	evidence::{self, EvidenceTable, Mark},
	registration::Endpoint,
	statement::ReportKind,
	Config, Members, Pallet, Registrations,
};

/// How long an answer may take, in milliseconds. Two seconds of jitter each way fit in.
const DEADLINE: u64 = 5_000;

/// The same for a member whose votes are missing, too: two signs are worth more than one that is
/// waited for.
const SHORT_DEADLINE: u64 = 2_500;

/// A member of which no vote was seen for this many slots is asked at once.
const HUSH: u64 = 2;

/// A member that does not answer is asked so many times before it is reported: one lost packet is no outage.
const ATTEMPTS: u32 = 2;

/// The most of an answer that is read, in bytes.
const MAX_ANSWER: usize = 4_096;

/// The one thing that is asked: how the node is, and what is final for it.
const QUESTION: &str = concat!(
	r#"[{"jsonrpc":"2.0","id":1,"method":"system_health","params":[]},"#,
	r#"{"jsonrpc":"2.0","id":2,"method":"chain_getFinalizedHead","params":[]}]"#,
);

/// One answer of the two.
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

/// What a node says of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Condition {
	/// It is catching up with the chain.
	pub syncing: bool,
	/// The last block that is final for it.
	pub finalized: sp_core::H256,
}

/// Understands the answer to [`QUESTION`]; `None` where it is none.
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
		scene: &Scene<T>,
		key: &AuthorityId,
		reporter: MemberIndex,
		finality: Option<&FinalityView>,
	) {
		let policy = StorageValueRef::persistent(PROBING).get::<Probing>().ok().flatten().unwrap_or_default();
		if policy == Probing::Off || evidence::is_marked::<T>(Mark::ReportedPeers, reporter) {
			return;
		}
		let hushed = finality.filter(|_| T::VoteKeys::ARE_SEEN).map(Self::hushed);
		let targets = Self::to_probe(scene, reporter, policy, hushed.as_ref());
		// Once per window, and again in each block for those whom something speaks against by now.
		let task = (scene.roster.id, scene.window.index, scene.now, &targets);
		if targets.is_empty() || !claim("probe", key, task, scene.now) {
			return;
		}
		let sits = |(index, _): &(MemberIndex, Endpoint)| scene.roster.seat(*index) == Seat::Active;
		let (silent, mut others): (Vec<_>, Vec<_>) =
			targets.into_iter().partition(|target| hushed.is_some() && sits(target));
		let mut failing = Self::ask(silent, SHORT_DEADLINE, scene.now, finality);
		for _ in 0..ATTEMPTS {
			others = Self::ask(others, DEADLINE, scene.now, finality);
		}
		failing.append(&mut others);
		let failing: Vec<MemberIndex> = failing.into_iter().map(|(index, _)| index).collect();
		if !failing.is_empty() {
			log::debug!(target: LOG_TARGET, "members {failing:?} fail the probe");
		}
		Self::send_report(scene, key, reporter, ReportKind::Peers, failing);
	}

	/// The members of which the node has seen no finality vote for [`HUSH`] slots.
	fn hushed(finality: &FinalityView) -> BTreeSet<T::AccountId> {
		let hush = T::Slots::duration().saturating_mul(HUSH).div_ceil(1_000);
		let silent = finality.silent.iter().filter(|(_, seconds)| u64::from(*seconds) >= hush);
		silent.filter_map(|(voter, _)| T::VoteKeys::voter(voter)).collect()
	}

	/// The members to ask in this block, of those assigned: active ones of which no votes are seen;
	/// the others in the window's first block, and later if something speaks against them or they
	/// could have been seen by now. Never those whom a report would not change anything about.
	/// `hushed` is what is known of votes, if anything is.
	fn to_probe(
		scene: &Scene<T>,
		reporter: MemberIndex,
		policy: Probing,
		hushed: Option<&BTreeSet<T::AccountId>>,
	) -> Vec<(MemberIndex, Endpoint)> {
		let Scene { roster, window, .. } = scene;
		let bars = Self::bars(roster);
		let elapsed = scene.elapsed();
		let length: u32 = T::WindowLength::get().saturated_into();
		let mut table = EvidenceTable::<T>::lazy(roster);
		let targets = Self::assignment(window, window.index).targets(reporter).into_iter();
		targets
			.filter(|index| {
				let Some(member) = table.load(*index) else { return false };
				let turn = member.asked || Self::is_turn(roster, window, *index);
				let unseen = turn && elapsed >= length / 2 && !evidence::is_marked::<T>(Mark::Seen, *index);
				let doubtful = member.missed_slots > 0 || member.missed_windows > 0 || unseen;
				let due = match hushed.filter(|_| roster.seat(*index) == Seat::Active) {
					Some(hushed) => Members::<T>::get(index).is_some_and(|who| hushed.contains(&who)),
					None => elapsed == 0 || doubtful,
				};
				member.grace == 0 && !member.peers.has(bars.peers) && due
			})
			.filter_map(|index| {
				let endpoint = Registrations::<T>::get(Members::<T>::get(index)?)?.profile.endpoint?;
				let allowed = policy == Probing::Any || endpoint.is_public();
				(allowed && endpoint.is_valid()).then_some((index, endpoint))
			})
			.collect()
	}

	/// Asks all of them at once, with this many milliseconds for an answer; returns those that
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

	/// Whether the block that is final for somebody is too far behind the one that is final for this node. Not where this
	/// node cannot tell: it does not follow finality itself, or does not know the block.
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
