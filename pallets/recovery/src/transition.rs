//! Changes of the mode: the facts that each block looks at, the proposal of a set, its enactment,
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
	evidence,
	in_flight::{InFlight, FOR_RECOVERIES},
	mode::{self, Facts},
	vote, BlockId, Config, Error, Event, Forced, MembersOf, Mode, Pallet, Present, Proposed, Reports,
	Rosters, RostersOf, Rules, Stall, Stalled, StateOf, Status, Votes, WeightInfo, ASK_AGAIN,
};

impl<T: Config> Pallet<T> {
	/// Number of members that count, of the newest roster.
	pub(crate) fn members() -> u32 {
		Rosters::<T>::get().last().map_or(0, |roster| roster.size().all())
	}

	/// The rosters that finality has not reached yet.
	pub(crate) fn rosters(state: &StateOf<T>) -> RostersOf<T> {
		let mut rosters = Rosters::<T>::get();
		rosters.settle(state.view.finalized);
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

	/// Takes in a report of what is final. Returns whether it changed anything.
	pub(crate) fn hear(state: &mut StateOf<T>, seat: u32, finalized: u32, now: Moment) -> bool {
		// A set took effect in this block: its seats are not those of the reporters.
		if state.refresh == Refresh::Roster {
			return false;
		}
		// Nobody has finalized a block that is not there yet.
		let finalized = finalized.min(now.block.saturating_sub(1));
		Reports::<T>::mutate(|reports| reports.hear(&mut state.view, seat, state.seats, finalized, now))
	}

	/// Carries out what the guardians say of a recovery.
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
			Self::deposit_event(Event::Wanted);
		}
		Status::<T>::put(state);
		Ok(())
	}

	/// Writes a record that moves no seat.
	pub(crate) fn note(
		incident: IncidentId,
		kind: RecordKind,
		initiator: Initiator,
		subject: Option<T::AccountId>,
		evidence: Vec<Evidence>,
	) {
		T::Log::append(NewRecord { incident, kind, initiator, subject, from: None, to: None, evidence });
	}

	/// Returns whether something is in the way of a recovery for now: the guardians, the cool-off,
	/// or another change that is on its way.
	fn is_hindered(state: &StateOf<T>, now: Moment, rules: &Rules) -> bool {
		let cooled = state.recovered.is_none_or(|at| now.block >= at.saturating_add(rules.cool_off));
		state.vetoed || !cooled || !T::Finality::may_force() || T::Seats::is_changing()
	}

	/// The set in which those present replace all others, if they suffice for a recovery and
	/// nothing is in its way.
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

	/// Returns whether enough of a set are among these to finalize blocks.
	fn can_finalize(set: &[T::AccountId], living: &BTreeSet<T::AccountId>) -> bool {
		let alive = set.iter().filter(|who| living.contains(who)).count();
		quorum::is_enough(alive as u32, set.len() as u32)
	}

	/// The number of votes and the base that they agree on, if they suffice to carry out the
	/// proposal now. The set is the one that was voted for: nothing that happened since to its
	/// members changes it.
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

	/// Fixes the set to be seated, if enough are present.
	fn propose(state: &StateOf<T>, now: Moment, rules: &Rules) {
		let Some(set) = Self::seatable(state, now, rules) else { return };
		let present = Present::<T>::decode_len().unwrap_or_default() as u32;
		Self::deposit_event(Event::Proposed { seats: set.len() as u32, present });
		Proposed::<T>::put(MembersOf::<T>::truncate_from(set));
	}

	/// Drops what the members have said.
	fn clear(state: &mut StateOf<T>) {
		Present::<T>::kill();
		Proposed::<T>::kill();
		Votes::<T>::kill();
		(state.anchor, state.proposal, state.round, state.present) = (None, None, 0, 0);
		(state.forced, state.vetoed) = (false, false);
	}

	/// Notes what has taken effect since the last block: authority sets, rosters, keys, readiness.
	fn follow_sets(state: &mut StateOf<T>, now: Moment) -> Weight {
		state.sets.settle(state.view.finalized);
		let id = T::Finality::set_id();
		if state.sets.last() != Some(&id) {
			// The block before has brought it.
			state.sets.push(now.block.saturating_sub(1), id, state.view.finalized);
		}
		Self::refresh(state, now)
	}

	/// Counts those present until a set is proposed, and then the votes for it. Returns the votes
	/// and their base, if they suffice.
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
			// Which set could be seated is looked up as for a change.
			weight.saturating_accrue(T::WeightInfo::tally(T::MaxMembers::get()));
			weight.saturating_accrue(T::WeightInfo::change(T::MaxMembers::get()));
		}
		if gathering {
			// As long as members come, there are more to wait for: a member that is left out loses
			// its seat.
			let present = Present::<T>::decode_len().unwrap_or_default() as u32;
			let asked = now.block.saturating_sub(state.since.block);
			// No later than at the end of a round, so that members who come one by one do not hold
			// the proposal up.
			let is_last = asked.is_multiple_of(ASK_AGAIN);
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

	/// Looks whether the mode changes.
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
			// Voters are bound until finality is beyond what they have voted for.
			mark: state.mark.map(|mark| mark.max(state.proposal.map_or(0, |proposal| proposal.number))),
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

	/// Changes the mode. `quorum` is the number of votes and their base, where a recovery begins.
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
				// A recovery that came to nothing leaves the votes as they are: their voters are
				// bound by them.
				if from == Mode::RecoveryInProgress {
					state.mark = state.anchor.map(|anchor| anchor.number);
				} else {
					Self::clear(state);
					state.mark = Some(now.block);
					let (since, reports) = (state.view.since, state.view.still);
					Stalled::<T>::put(Stall { finalized, since, noticed: now, reports });
				}
				let evidence = alloc::vec![Evidence::Finality { finalized, since: state.view.since }];
				Self::note(incident, RecordKind::Degraded, automation, None, evidence);
				log::warn!(
					target: "understudy::recovery",
					"finality stands still at #{finalized} since #{}: the chain degrades, and its members vote",
					state.view.since.block
				);
			},
			Mode::RecoveryInProgress => {
				let (votes, base) = quorum.unwrap_or_default();
				(state.mark, state.recovered, state.base) = (None, Some(now.block), base);
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
				Self::note(incident, RecordKind::Thawed, automation, None, Vec::new());
				(state.incident, state.mark) = (0, None);
				Stalled::<T>::kill();
			},
		}
		Self::deposit_event(Event::ModeChanged { incident, from, to });
	}

	/// Checks what must hold of the storage.
	pub fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
		let state = Status::<T>::get();
		let stalled = matches!(state.mode, Mode::DegradedSafe | Mode::RecoveryInProgress);
		let (present, votes) = (Present::<T>::get(), Votes::<T>::get());
		ensure!(stalled || present.is_empty(), "members are present for nothing");
		ensure!(!present.is_empty() || Proposed::<T>::get().is_none(), "a proposal is made by nobody");
		ensure!(Proposed::<T>::exists() || state.proposal.is_none(), "a proposal has no set");
		ensure!(state.proposal.is_some() || votes.is_empty(), "there are votes, and nothing to vote for");
		ensure!(state.proposal.is_some() || !state.forced, "a change is forced that nobody proposed");
		ensure!(present.iter().collect::<BTreeSet<_>>().len() == present.len(), "a member is present twice");
		ensure!(Self::voters().len() == votes.len(), "a member has two votes");
		ensure!(
			(state.mode == Mode::Safe) == (state.incident == 0),
			"a stall has no incident, or safety has one"
		);
		ensure!(state.mode == Mode::DegradedSafe || !state.vetoed, "a veto goes on after its stall");
		ensure!((state.mode == Mode::Safe) != Stalled::<T>::exists(), "a stall is not noted, or is for ever");
		Self::try_ballots()
	}
}

impl<T: Config> RecoveryControl for Pallet<T> {
	fn is_frozen() -> bool {
		Status::<T>::get().mode != Mode::Safe
	}

	fn is_reseating() -> bool {
		let state = Status::<T>::get();
		state.mode == Mode::RecoveryInProgress && state.mark.is_none()
	}

	fn has_room() -> bool {
		Self::rosters(&Status::<T>::get()).has_room(FOR_RECOVERIES)
	}

	/// Consensus hears of the new set right after this: that change is forced, for the old set
	/// cannot finalize it.
	fn on_activation() {
		let mut state = Status::<T>::get();
		if state.mode != Mode::RecoveryInProgress || state.mark.is_some() {
			return;
		}
		(state.mark, state.forced) = (Some(T::Log::now().block), true);
		let (base, delay) =
			(BlockNumberFor::<T>::from(state.base), BlockNumberFor::<T>::from(T::Rules::get().delay));
		let set_id = state.sets.first().copied().unwrap_or_else(T::Finality::set_id);
		T::Finality::force(delay, base, set_id);
		// It is enacted without being final: what follows it counts from there.
		state.sets = InFlight::default();
		state.sets.push(T::Log::now().block, set_id.saturating_add(1), 0);
		if let Some(proposal) = state.proposal {
			let (forced, voters) = (set_id.saturating_add(1), Self::voters().into_iter().collect::<Vec<_>>());
			Forced::<T>::put((forced, proposal));
			evidence::keep(forced, proposal, &voters);
		}
		Self::deposit_event(Event::Forced { base, delay });
		Status::<T>::put(state);
	}
}

impl<T: Config> Pallet<T> {
	/// The signed votes that forced the change to this authority set, from the offchain index. None
	/// where it was not forced, or this node did not execute the blocks with the votes.
	pub fn votes_for(set: u64) -> Option<vote::CarriedOut<T::AccountId, T::Hash>> {
		evidence::read(set)
	}
}
