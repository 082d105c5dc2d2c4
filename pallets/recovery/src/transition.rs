//! Changes of the mode: the facts that each block evaluates, the proposal of a set, its enactment,
//! and the effects of each change.

use alloc::{collections::BTreeSet, vec::Vec};
use frame_support::{ensure, pallet_prelude::*, traits::Get};
use frame_system::pallet_prelude::BlockNumberFor;
use understudy_primitives::{
	quorum, tolerated_faults, Evidence, FailoverLog, ForceFinality, IncidentId, Initiator, Moment, NewRecord,
	RecordKind, RecoveryControl, Seats,
};

use crate::{
	electorate::Refresh,
	in_flight::{InFlight, FOR_RECOVERIES},
	mode::{self, Facts},
	vote, vote_index, BlockId, Config, Error, Event, Forced, MembersOf, Mode, Pallet, Present, Proposed,
	Reports, Rosters, RostersOf, Rules, Stall, Stalled, StateOf, Status, Votes, WeightInfo, ROUND_LENGTH,
};

impl<T: Config> Pallet<T> {
	/// Returns the number of members of the newest roster that count.
	pub(crate) fn members() -> u32 {
		Rosters::<T>::get().last().map_or(0, |roster| roster.size().all())
	}

	/// Returns the rosters in flight.
	pub(crate) fn rosters(state: &StateOf<T>) -> RostersOf<T> {
		let mut rosters = Rosters::<T>::get();
		rosters.remove_final(state.view.finalized);
		rosters
	}

	pub(crate) fn voters() -> BTreeSet<T::AccountId> {
		Votes::<T>::get().into_iter().map(|cast| cast.who).collect()
	}

	pub(crate) fn hash_of(number: u32) -> T::Hash {
		frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::from(number))
	}

	pub(crate) fn genesis() -> T::Hash {
		Self::hash_of(0)
	}

	/// Records a finality report. Returns `true` if it changed anything.
	pub(crate) fn accept_report(state: &mut StateOf<T>, seat: u32, finalized: u32, now: Moment) -> bool {
		// A set took effect in this block: its seats are not those of the reporters.
		if state.refresh == Refresh::Roster {
			return false;
		}
		// No node can have finalized a block that does not exist yet.
		let finalized = finalized.min(now.block.saturating_sub(1));
		Reports::<T>::mutate(|reports| {
			reports.accept_report(&mut state.view, seat, state.seats, finalized, now)
		})
	}

	/// Applies the guardians' veto, or their permission, to the current stall.
	pub(crate) fn guide(veto: bool) -> DispatchResult {
		let mut state = Status::<T>::get();
		ensure!(state.mode == Mode::DegradedSafe, Error::<T>::NotDegraded);
		state.vetoed = veto;
		let kind = if veto { RecordKind::CaseVetoed } else { RecordKind::CaseOpened };
		Self::note(state.incident, kind, Initiator::Guardians, None, Vec::new());
		if veto {
			Self::deposit_event(Event::Vetoed);
		} else {
			state.recovered = None;
			Self::deposit_event(Event::RecoveryPermitted);
		}
		Status::<T>::put(state);
		Ok(())
	}

	/// Appends a record to the log that changes no seat.
	pub(crate) fn note(
		incident: IncidentId,
		kind: RecordKind,
		initiator: Initiator,
		subject: Option<T::AccountId>,
		evidence: Vec<Evidence>,
	) {
		T::Log::append(NewRecord { incident, kind, initiator, subject, from: None, to: None, evidence });
	}

	/// Returns `true` if a recovery cannot proceed now: because of a veto, the cool-off, or another
	/// change in progress.
	fn is_hindered(state: &StateOf<T>, now: Moment, rules: &Rules) -> bool {
		let cooled = state.recovered.is_none_or(|at| now.block >= at.saturating_add(rules.cool_off));
		state.vetoed || !cooled || !T::Finality::may_force() || T::Seats::is_changing()
	}

	/// Returns the set in which the present members replace all others, if they suffice for a
	/// recovery and nothing hinders it.
	fn seatable(state: &StateOf<T>, now: Moment, rules: &Rules) -> Option<Vec<T::AccountId>> {
		if Self::is_hindered(state, now, rules) {
			return None;
		}
		let present = Present::<T>::get();
		let living: BTreeSet<T::AccountId> = present.iter().cloned().collect();
		if !Self::rosters(state).is_quorum(&living) {
			return None;
		}
		let set = T::Seats::reseated(&present);
		Self::can_finalize(&set, &living).then_some(set)
	}

	/// Returns `true` if enough members of a set are responsive to finalize blocks.
	fn can_finalize(set: &[T::AccountId], living: &BTreeSet<T::AccountId>) -> bool {
		let alive = set.iter().filter(|who| living.contains(who)).count();
		quorum::is_enough(alive as u32, set.len() as u32)
	}

	/// Returns the number of votes and their finality base, if they suffice to carry out the
	/// proposal now. The set is the proposed one: later changes of its members do not alter it.
	pub(crate) fn quorum(state: &StateOf<T>, now: Moment, rules: &Rules) -> Option<(u32, u32)> {
		let voters = Self::voters();
		if Self::is_hindered(state, now, rules) || !Self::rosters(state).is_quorum(&voters) {
			return None;
		}
		if !Self::can_finalize(&Proposed::<T>::get()?, &voters) {
			return None;
		}
		let bases = Votes::<T>::get().into_iter().map(|cast| cast.base).collect();
		let base = vote::base(bases, tolerated_faults(Self::members()))?;
		Some((voters.len() as u32, base))
	}

	/// Fixes the set to be seated, if enough members are present.
	fn propose(state: &StateOf<T>, now: Moment, rules: &Rules) {
		let Some(set) = Self::seatable(state, now, rules) else { return };
		let present = Present::<T>::decode_len().unwrap_or_default() as u32;
		Self::deposit_event(Event::Proposed { seats: set.len() as u32, present });
		Proposed::<T>::put(MembersOf::<T>::truncate_from(set));
	}

	/// Drops the presence attestations, the proposal and the votes.
	fn clear(state: &mut StateOf<T>) {
		Present::<T>::kill();
		Proposed::<T>::kill();
		Votes::<T>::kill();
		(state.anchor, state.proposal, state.round, state.present) = (None, None, 0, 0);
		(state.forced, state.vetoed) = (false, false);
	}

	/// Registers the authority sets, rosters, keys and readiness that took effect since the last
	/// block.
	fn follow_sets(state: &mut StateOf<T>, now: Moment) -> Weight {
		state.sets.remove_final(state.view.finalized);
		let id = T::Finality::set_id();
		if state.sets.last() != Some(&id) {
			// The set took effect in the previous block.
			state.sets.push(now.block.saturating_sub(1), id, state.view.finalized);
		}
		Self::refresh(state, now)
	}

	/// Counts the present members until a set is proposed, and then the votes for it. Returns the
	/// number of votes and their base, if they suffice.
	fn count(state: &mut StateOf<T>, now: Moment, rules: &Rules, weight: &mut Weight) -> Option<(u32, u32)> {
		let last = now.block.saturating_sub(1);
		let known = || Some(BlockId { number: last, hash: Self::hash_of(last) });
		if state.anchor.is_none() && last == state.since.block {
			state.anchor = known();
		}
		let proposed = Proposed::<T>::exists();
		if proposed && state.proposal.is_none() {
			state.proposal = known();
			Self::open_ballot(state);
			weight.saturating_accrue(T::WeightInfo::change(T::MaxMembers::get()));
		}
		let gathered = now.block >= state.since.block.saturating_add(rules.vote_after);
		let gathering = !proposed && gathered && Present::<T>::exists();
		if gathering || Votes::<T>::exists() {
			// Computing the set to be seated costs as much as a change.
			weight.saturating_accrue(T::WeightInfo::tally(T::MaxMembers::get()));
			weight.saturating_accrue(T::WeightInfo::change(T::MaxMembers::get()));
		}
		if gathering {
			// While members keep arriving, the proposal waits for more: a member that is left out
			// loses its seat.
			let present = Present::<T>::decode_len().unwrap_or_default() as u32;
			let asked = now.block.saturating_sub(state.since.block);
			// The wait ends with the round, so that members that arrive one by one do not delay the
			// proposal.
			let is_last = asked.is_multiple_of(ROUND_LENGTH);
			if core::mem::replace(&mut state.present, present) == present || is_last {
				Self::propose(state, now, rules);
			}
			if is_last && !Proposed::<T>::exists() {
				Present::<T>::kill();
				(state.present, state.round) = (0, state.round.saturating_add(1));
			}
			return None;
		}
		Votes::<T>::exists().then(|| Self::quorum(state, now, rules)).flatten()
	}

	/// Changes the mode if the facts require it. Returns the weight.
	pub(crate) fn tick() -> Weight {
		let mut state = Status::<T>::get();
		let (now, rules) = (T::Log::now(), T::Rules::get());
		let mut weight = T::WeightInfo::tick();
		let before = state.clone();
		weight.saturating_accrue(Self::follow_sets(&mut state, now));
		let degraded = state.mode == Mode::DegradedSafe;
		let quorum = degraded.then(|| Self::count(&mut state, now, &rules, &mut weight)).flatten();
		let facts = Facts {
			now,
			since: state.since,
			finalized: state.view.finalized,
			stalled: state.view.is_stalled(state.seats, now, rules.stall_time, rules.stall_blocks),
			// Voters are bound until finality has passed the proposal that they voted for.
			resume_height: state
				.resume_height
				.map(|resume_height| resume_height.max(state.proposal.map_or(0, |proposal| proposal.number))),
			may_recover: quorum.is_some(),
		};
		if let Some(to) = mode::next(state.mode, &facts, &rules) {
			weight.saturating_accrue(T::WeightInfo::change(T::MaxMembers::get()));
			Self::change(&mut state, to, now, quorum);
		}
		if state != before {
			Status::<T>::put(state);
		}
		weight
	}

	/// Changes the mode. `quorum` is the number of votes and their base if a recovery begins.
	pub(crate) fn change(state: &mut StateOf<T>, to: Mode, now: Moment, quorum: Option<(u32, u32)>) {
		let from = core::mem::replace(&mut state.mode, to);
		state.since = now;
		if state.incident == 0 {
			state.incident = T::Log::open_incident();
		}
		let incident = state.incident;
		let automation = Initiator::Automation;
		let finalized = state.view.finalized;
		match to {
			Mode::DegradedSafe => {
				// A failed recovery keeps the votes, because their voters are bound by them.
				if from == Mode::RecoveryInProgress {
					state.resume_height = state.anchor.map(|anchor| anchor.number);
				} else {
					Self::clear(state);
					state.resume_height = Some(now.block);
					let (since, reports) = (state.view.since, state.view.still);
					Stalled::<T>::put(Stall { finalized, since, noticed: now, reports });
				}
				let evidence = alloc::vec![Evidence::Finality { finalized, since: state.view.since }];
				Self::note(incident, RecordKind::Degraded, automation, None, evidence);
				log::warn!(
					target: "understudy::recovery",
					"finality has stalled at #{finalized} since #{}: the mode degrades, and members vote",
					state.view.since.block
				);
			},
			Mode::RecoveryInProgress => {
				let (votes, base) = quorum.unwrap_or_default();
				(state.resume_height, state.recovered, state.base) = (None, Some(now.block), base);
				let evidence = alloc::vec![Evidence::Quorum { votes, members: Self::members(), base }];
				Self::note(incident, RecordKind::Recovering, automation, None, evidence);
				T::Seats::reseat(&Proposed::<T>::get().unwrap_or_default(), incident);
			},
			Mode::SafeResumed => {
				Self::clear(state);
				let evidence = alloc::vec![Evidence::Finality { finalized, since: state.view.since }];
				Self::note(incident, RecordKind::FinalityResumed, automation, None, evidence);
			},
			Mode::Safe => {
				Self::note(incident, RecordKind::NormalOperationResumed, automation, None, Vec::new());
				(state.incident, state.resume_height) = (0, None);
				Stalled::<T>::kill();
			},
		}
		Self::deposit_event(Event::ModeChanged { incident, from, to });
	}

	/// Checks the invariants of the storage.
	pub fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
		let state = Status::<T>::get();
		let stalled = matches!(state.mode, Mode::DegradedSafe | Mode::RecoveryInProgress);
		let (present, votes) = (Present::<T>::get(), Votes::<T>::get());
		ensure!(stalled || present.is_empty(), "presence attestations outlive their stall");
		ensure!(!present.is_empty() || Proposed::<T>::get().is_none(), "a proposal has no present members");
		ensure!(Proposed::<T>::exists() || state.proposal.is_none(), "a proposal has no set");
		ensure!(state.proposal.is_some() || votes.is_empty(), "there are votes without a proposal");
		ensure!(state.proposal.is_some() || !state.forced, "a change is forced without a proposal");
		ensure!(present.iter().collect::<BTreeSet<_>>().len() == present.len(), "a member is present twice");
		ensure!(Self::voters().len() == votes.len(), "a member has two votes");
		ensure!(
			(state.mode == Mode::Safe) == (state.incident == 0),
			"a stall has no incident, or there is an incident while the mode is `Safe`"
		);
		ensure!(state.mode == Mode::DegradedSafe || !state.vetoed, "a veto outlives its stall");
		ensure!((state.mode == Mode::Safe) != Stalled::<T>::exists(), "a stall is missing, or left over");
		Self::try_ballots()
	}
}

impl<T: Config> RecoveryControl for Pallet<T> {
	fn is_frozen() -> bool {
		Status::<T>::get().mode != Mode::Safe
	}

	fn is_reseating() -> bool {
		let state = Status::<T>::get();
		state.mode == Mode::RecoveryInProgress && state.resume_height.is_none()
	}

	fn has_room() -> bool {
		Self::rosters(&Status::<T>::get()).has_room(FOR_RECOVERIES)
	}

	/// Forces the authority-set change to the set that becomes active, because the old set cannot
	/// finalize it. Consensus is notified of the new set right after this call.
	fn on_activation() {
		let mut state = Status::<T>::get();
		if state.mode != Mode::RecoveryInProgress || state.resume_height.is_some() {
			return;
		}
		(state.resume_height, state.forced) = (Some(T::Log::now().block), true);
		let (base, delay) =
			(BlockNumberFor::<T>::from(state.base), BlockNumberFor::<T>::from(T::Rules::get().delay));
		let set_id = state.sets.first().copied().unwrap_or_else(T::Finality::set_id);
		T::Finality::force(delay, base, set_id);
		// The forced change is enacted without being final, so later sets count from this block.
		state.sets = InFlight::default();
		state.sets.push(T::Log::now().block, set_id.saturating_add(1), 0);
		if let Some(proposal) = state.proposal {
			let (forced, voters) = (set_id.saturating_add(1), Self::voters().into_iter().collect::<Vec<_>>());
			Forced::<T>::put((forced, proposal));
			vote_index::keep(forced, proposal, &voters);
		}
		Self::deposit_event(Event::Forced { base, delay });
		Status::<T>::put(state);
	}
}

impl<T: Config> Pallet<T> {
	/// Returns the signed votes that forced the change to this authority set, from the offchain
	/// index. `None` if the change was not forced, or if this node did not execute the blocks with
	/// the votes.
	pub fn votes_for(set: u64) -> Option<vote::CarriedOut<T::AccountId, T::Hash>> {
		vote_index::read(set)
	}
}
