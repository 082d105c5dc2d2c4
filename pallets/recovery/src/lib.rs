//! # Recovery pallet
//!
//! Brings finality back by itself after more than a third of the validators are gone. What keeps two sides of a partition apart
//! is told in `docs/recovery.md`.
//!
//! ## Overview
//!
//! Each block's author says up to where its node has finalized ([`view`]). When what the last authors agree on does not
//! rise for long enough, the [`Mode`] degrades: elections and rotation hold still, and the nodes of all members, of the active
//! set and the reserve, say that they are there. When enough are, the chain proposes the set in which the living take the seats of the
//! dead, and they vote for it ([`vote`]). With votes of more than half of the members it is seated,
//! and the change of GRANDPA's authorities is forced, for the old ones cannot finalize it. When
//! finality has come back and goes on, everything else goes on.
//!
//! If enough of the old members come back first, nothing is forced. Guardians can veto a recovery, and can let one go on that
//! waits for its cool-off. Whoever signs votes for two proposals can be charged by anybody ([`Pallet::report_double_vote`]).
//!
//! ## Low level
//!
//! [`Status`] is read in each block and written when its author says something new. [`Present`], [`Proposed`] and [`Votes`] are empty
//! while the chain is safe.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod ballot;
#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking;
mod evidence;
pub mod gate;
pub mod in_flight;
pub mod inherent;
#[cfg(test)]
mod mock;
pub mod mode;
mod offchain;
pub mod offence;
pub mod rejection;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
pub mod view;
pub mod weights;

pub use gate::{IntakeGate, NotFrozen};
pub use mode::Rules;
pub use pallet::*;
pub use understudy_primitives::vote::{self, CarriedOut, Presence, Signed, Vote};
pub use understudy_primitives::{BlockId, Mode};
pub use weights::WeightInfo;

use alloc::{collections::BTreeSet, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
	inherent::ProvideInherent,
	pallet_prelude::*,
	traits::{Contains, ContainsPair, Get},
};
use frame_system::{offchain::CreateAuthorizedTransaction, pallet_prelude::*};
use scale_info::TypeInfo;
use sp_runtime::{
	traits::{Convert, UniqueSaturatedInto},
	Perbill,
};
use sp_staking::{offence::ReportOffence, SessionIndex};
use understudy_primitives::{
	crypto::AuthorityId, quorum, tolerated_faults, Evidence, FailoverLog, ForceFinality, HeartbeatKeys,
	IncidentId, Initiator, Moment, NewRecord, RecordKind, RecoveryControl, RecoveryStatus, RosterHandler,
	Seats,
};

use in_flight::{InFlight, Roster};
use mode::Facts;
use offence::DoubleVote;
use view::View;

/// The mode, and all that it follows from but the votes.
#[derive(
	Clone, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct State<Hash> {
	/// The mode.
	pub mode: Mode,
	/// When it began.
	pub since: Moment,
	/// Finality as the last authors see it.
	pub view: View,
	/// The block in which an author said so last.
	pub heard: u32,
	/// How many seats the active set has.
	pub seats: u32,
	/// The incident in the log; 0 while the chain is safe.
	pub incident: IncidentId,
	/// The block in which the mode degraded, once its hash is known: for it members say that they are there.
	pub anchor: Option<BlockId<Hash>>,
	/// The block in which a set was proposed, once its hash is known: members vote for it.
	pub proposal: Option<BlockId<Hash>>,
	/// How many were there when the last block began.
	pub present: u32,
	/// The proposal's change of authorities is forced.
	pub forced: bool,
	/// The block that finality must pass for the chain to be safe again, see [`Facts::mark`].
	pub mark: Option<u32>,
	/// The block that a recovery's authorities build finality on.
	pub base: u32,
	/// The ids of GRANDPA's sets that finality has not reached yet.
	pub sets: InFlight<u64>,
	/// The guardians do not want a recovery.
	pub vetoed: bool,
	/// The block in which the last recovery began.
	pub recovered: Option<u32>,
	/// The last block took more than half of what the gate lets in, while finality stands still.
	pub crowded: bool,
}

/// The state on a chain.
pub type StateOf<T> = State<<T as frame_system::Config>::Hash>;
/// A vote on a chain.
pub type VoteOf<T> = Vote<<T as frame_system::Config>::AccountId, <T as frame_system::Config>::Hash>;

/// That a member is there, on a chain.
pub type PresenceOf<T> = Presence<<T as frame_system::Config>::AccountId, <T as frame_system::Config>::Hash>;
/// The rosters that finality has not reached yet, on a chain.
pub type RostersOf<T> = InFlight<Roster<<T as frame_system::Config>::AccountId, <T as Config>::MaxMembers>>;
/// A list of members on a chain.
pub type MembersOf<T> = BoundedVec<<T as frame_system::Config>::AccountId, <T as Config>::MaxMembers>;

/// A vote with its signature.
pub type SignedVote<T> = Signed<VoteOf<T>>;
/// A member's word that it is there, with its signature.
pub type SignedPresence<T> = Signed<PresenceOf<T>>;

/// What is kept of a vote.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Cast<AccountId> {
	/// The member.
	pub who: AccountId,
	/// Up to where its node has finalized.
	pub base: u32,
}

/// As long as nothing is proposed, those who are there are asked anew after so many blocks: who was there may be gone.
pub const ASK_AGAIN: u32 = 10;

#[frame_support::pallet]
pub mod pallet {
	use super::*;

	#[pallet::pallet]
	pub struct Pallet<T>(_);

	/// # Requirements
	///
	/// `frame_system::AuthorizeCall` is among the runtime's transaction extensions. The pallet stands before the session pallet
	/// in the runtime, so that its hook runs first; the session manager tells it of activations ([`RecoveryControl`]).
	#[pallet::config]
	pub trait Config: CreateAuthorizedTransaction<Call<Self>> + frame_system::Config {
		/// Where a member's heartbeat key is looked up.
		type Keys: HeartbeatKeys<Self::AccountId, AuthorityId>;

		/// How the living take the seats of the dead.
		type Seats: Seats<Self::AccountId>;

		/// The seat of the current block's author in an active set of so many.
		type Author: Convert<u32, u32>;

		/// The finality gadget.
		type Finality: ForceFinality<BlockNumberFor<Self>>;

		/// Where every change of mode is recorded.
		type Log: FailoverLog<Self::AccountId>;

		/// The session of the current block.
		type Session: Get<SessionIndex>;

		/// How long things take.
		type Rules: Get<Rules>;

		/// The share of its stake that a member is charged that votes for two branches.
		type DoubleVoteFraction: Get<Perbill>;

		/// An offender, as the offences pallet knows it.
		type Offender: Clone;

		/// The offender that a member is, if it is one.
		type OffenderOf: Convert<Self::AccountId, Option<Self::Offender>>;

		/// Where double votes are reported.
		type Offences: ReportOffence<Self::AccountId, Self::Offender, DoubleVote<Self::Offender>>;

		/// What must not happen while finality stands still: calls that change who can be elected, or how members sign.
		type Frozen: Contains<<Self as frame_system::Config>::RuntimeCall>;

		/// What passes the gate freely although it is of the normal class, by whom it is signed.
		type Urgent: ContainsPair<Self::AccountId, <Self as frame_system::Config>::RuntimeCall>;

		/// Who may veto a recovery, or let one begin in its cool-off.
		type GuardianOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// The most members that a roster can have.
		#[pallet::constant]
		type MaxMembers: Get<u32>;

		/// The priority of votes in the transaction pool.
		#[pallet::constant]
		type Priority: Get<TransactionPriority>;

		/// The weights of the pallet's calls and hooks.
		type WeightInfo: WeightInfo;

		/// What the benchmarks need.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: benchmarking::BenchmarkHelper<Self::AccountId>;
	}

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// The mode changed.
		ModeChanged {
			/// The incident in the log.
			incident: IncidentId,
			/// What it was.
			from: Mode,
			/// What it is.
			to: Mode,
		},
		/// A set was proposed. Members can vote for this block.
		Proposed {
			/// How many seats it has.
			seats: u32,
			/// How many of those who sit or wait are there.
			present: u32,
		},
		/// A member voted for a recovery.
		Voted {
			/// The member.
			who: T::AccountId,
			/// How many have voted by now.
			votes: u32,
			/// How many must have voted.
			needed: u32,
		},
		/// A change of authorities is forced, for finality to go on from `base`.
		Forced {
			/// The block from which finality goes on.
			base: BlockNumberFor<T>,
			/// After so many blocks.
			delay: BlockNumberFor<T>,
		},
		/// A member voted for two proposals.
		DoubleVoted {
			/// The member.
			who: T::AccountId,
		},
		/// The guardians do not want a recovery.
		Vetoed,
		/// The guardians want a recovery, cool-off or not, as soon as the votes suffice.
		Wanted,
	}

	#[pallet::error]
	pub enum Error<T> {
		/// Finality does not stand still.
		NotDegraded,
		/// The member has said so already.
		AlreadySaid,
		/// There are more of them than members can be.
		TooMany,
		/// Another word on finality in the same block.
		AlreadyHeard,
		/// These two votes can both be honest.
		NoConflict,
		/// A signature is not that of the voter's heartbeat key.
		BadSignature,
		/// The voter cannot be charged: it is no validator that the chain knows.
		UnknownOffender,
		/// It was reported already.
		AlreadyReported,
	}

	/// The mode, and all that it follows from but the votes.
	#[pallet::storage]
	pub type Status<T: Config> = StorageValue<_, StateOf<T>, ValueQuery>;

	/// The rosters that finality has not reached yet, over which votes are counted.
	#[pallet::storage]
	pub type Rosters<T: Config> = StorageValue<_, RostersOf<T>, ValueQuery>;

	/// Who is there, for the current anchor. Fixed when a set is proposed.
	#[pallet::storage]
	pub type Present<T: Config> = StorageValue<_, MembersOf<T>, ValueQuery>;

	/// The set that is proposed.
	#[pallet::storage]
	pub type Proposed<T: Config> = StorageValue<_, MembersOf<T>>;

	/// The last authority set to which the change was forced, and the block that proposed it. Who checks proofs learns by it that the
	/// change came about.
	#[pallet::storage]
	pub type Forced<T: Config> = StorageValue<_, (u64, BlockId<T::Hash>)>;

	/// The votes for the current proposal.
	#[pallet::storage]
	pub type Votes<T: Config> = StorageValue<_, BoundedVec<Cast<T::AccountId>, T::MaxMembers>, ValueQuery>;

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// The block's author says up to where its node has finalized. An inherent.
		///
		/// ## Errors
		///
		/// - [`Error::AlreadyHeard`]: once a block.
		#[pallet::call_index(0)]
		// The hook pays for reading it.
		#[pallet::weight((
			T::WeightInfo::note_finality().saturating_add(T::DbWeight::get().writes(1)),
			DispatchClass::Mandatory
		))]
		pub fn note_finality(
			origin: OriginFor<T>,
			#[pallet::compact] finalized: BlockNumberFor<T>,
		) -> DispatchResult {
			ensure_none(origin)?;
			let now = T::Log::now();
			Status::<T>::try_mutate(|state| {
				ensure!(state.heard < now.block, Error::<T>::AlreadyHeard);
				state.heard = now.block;
				// Nobody has finalized a block that is not there yet.
				let finalized: u32 = finalized.unique_saturated_into();
				let (author, seats) = (T::Author::convert(state.seats), state.seats);
				state.view.hear(author, seats, finalized.min(now.block.saturating_sub(1)), now);
				Ok(())
			})
		}

		/// A member votes for the set that is proposed, signed by its heartbeat key.
		///
		/// Sent by the node's offchain worker. Free of charge, and operational. Accepted as a general transaction only, see
		/// [`rejection`] for why one is turned away.
		///
		/// ## Errors
		///
		/// - [`Error::NotDegraded`], [`Error::AlreadySaid`]: it came too late since the transaction was authorized.
		/// - [`Error::TooMany`]: the rosters in flight have more members than one can have.
		#[pallet::call_index(1)]
		#[pallet::weight((T::WeightInfo::vote(), DispatchClass::Operational))]
		#[pallet::weight_of_authorize(T::WeightInfo::authorize_vote(T::MaxMembers::get()))]
		#[pallet::authorize(|_source, signed| Self::authorize_vote(signed))]
		pub fn vote(origin: OriginFor<T>, signed: SignedVote<T>) -> DispatchResult {
			ensure_authorized(origin)?;
			ensure!(Status::<T>::get().mode == Mode::DegradedSafe, Error::<T>::NotDegraded);
			evidence::keep_vote(&signed);
			let Vote { who, base, .. } = signed.statement;
			let votes = Votes::<T>::try_mutate(|votes| {
				ensure!(votes.iter().all(|cast| cast.who != who), Error::<T>::AlreadySaid);
				let cast = Cast { who: who.clone(), base: base.number };
				votes.try_push(cast).map_err(|_| Error::<T>::TooMany)?;
				Ok::<_, Error<T>>(votes.len() as u32)
			})?;
			Self::deposit_event(Event::Voted { who, votes, needed: quorum::needed(Self::members()) });
			Ok(())
		}

		/// Shows that a member has signed two votes that no honest node signs both. Whoever does so gets the fee back.
		///
		/// ## Errors
		///
		/// - [`Error::NoConflict`], [`Error::BadSignature`]: the votes show no such thing.
		/// - [`Error::UnknownOffender`], [`Error::AlreadyReported`]: it cannot be charged, or not again.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::report_double_vote())]
		pub fn report_double_vote(
			origin: OriginFor<T>,
			one: SignedVote<T>,
			other: SignedVote<T>,
		) -> DispatchResultWithPostInfo {
			let reporter = ensure_signed(origin)?;
			Self::do_report(reporter, one, other)?;
			Ok(Pays::No.into())
		}

		/// The guardians do not want this stall to be recovered from by itself. Ends with the stall, or by
		/// [`want`](Pallet::want).
		///
		/// ## Errors
		///
		/// - [`Error::NotDegraded`]: there is nothing to veto.
		#[pallet::call_index(3)]
		#[pallet::weight((T::WeightInfo::veto(), DispatchClass::Operational))]
		pub fn veto(origin: OriginFor<T>) -> DispatchResult {
			T::GuardianOrigin::ensure_origin(origin)?;
			Self::guide(true)
		}

		/// The guardians want this stall to be recovered from: neither a veto nor the cool-off is in the way any more. The votes
		/// of more than half of the members are needed all the same.
		///
		/// ## Errors
		///
		/// - [`Error::NotDegraded`]: there is nothing to recover from.
		#[pallet::call_index(4)]
		#[pallet::weight((T::WeightInfo::want(), DispatchClass::Operational))]
		pub fn want(origin: OriginFor<T>) -> DispatchResult {
			T::GuardianOrigin::ensure_origin(origin)?;
			Self::guide(false)
		}

		/// A member says that it is there while finality stands still, signed by its heartbeat key. It binds it to nothing.
		///
		/// Sent by the node's offchain worker. Free of charge, and operational. Accepted as a general transaction only, see
		/// [`rejection`] for why one is turned away.
		///
		/// ## Errors
		///
		/// - [`Error::NotDegraded`], [`Error::AlreadySaid`]: it came too late since the transaction was authorized.
		/// - [`Error::TooMany`]: the rosters in flight have more members than one can have.
		#[pallet::call_index(5)]
		#[pallet::weight((T::WeightInfo::present(), DispatchClass::Operational))]
		#[pallet::weight_of_authorize(T::WeightInfo::authorize_present(T::MaxMembers::get()))]
		#[pallet::authorize(|_source, signed| Self::authorize_present(signed))]
		pub fn present(origin: OriginFor<T>, signed: SignedPresence<T>) -> DispatchResult {
			ensure_authorized(origin)?;
			let state = Status::<T>::get();
			let open = state.mode == Mode::DegradedSafe && !Proposed::<T>::exists();
			ensure!(open, Error::<T>::NotDegraded);
			let Presence { who, .. } = signed.statement;
			Present::<T>::try_mutate(|present| {
				ensure!(!present.contains(&who), Error::<T>::AlreadySaid);
				present.try_push(who).map_err(|_| Error::<T>::TooMany.into())
			})
		}
	}

	#[pallet::inherent]
	impl<T: Config> ProvideInherent for Pallet<T> {
		type Call = Call<T>;
		type Error = sp_inherents::MakeFatalError<()>;
		const INHERENT_IDENTIFIER: sp_inherents::InherentIdentifier = inherent::IDENTIFIER;

		/// What the node gives. A node that does not know says nothing.
		fn create_inherent(data: &sp_inherents::InherentData) -> Option<Self::Call> {
			let finalized = data.get_data::<u32>(&Self::INHERENT_IDENTIFIER).ok().flatten()?;
			Some(Call::note_finality { finalized: finalized.into() })
		}

		fn is_inherent(call: &Self::Call) -> bool {
			matches!(call, Call::note_finality { .. })
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_initialize(_: BlockNumberFor<T>) -> Weight {
			Self::tick()
		}

		fn on_finalize(_: BlockNumberFor<T>) {
			Self::look_back();
		}

		fn offchain_worker(now: BlockNumberFor<T>) {
			Self::speak(now);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// The mode, why it is what it is, and what is waited for.
		pub fn status() -> RecoveryStatus<T::Hash> {
			let members = Self::members();
			let voters = Self::voters();
			let state = Status::<T>::get();
			let rules_out_others =
				state.proposal.is_some() && Self::rosters(&state).rules_out_others(&voters);
			let State { mode, since, view, incident, anchor, proposal, forced, mark, vetoed, .. } = state;
			RecoveryStatus {
				mode,
				since,
				incident,
				finalized: view.finalized,
				anchor,
				proposal,
				present: Present::<T>::decode_len().unwrap_or_default() as u32,
				votes: voters.len() as u32,
				needed: quorum::needed(members),
				members,
				rules_out_others,
				forced,
				vetoed,
				mark,
			}
		}

		/// Who is there, and who of them has voted for the proposal.
		pub fn said() -> (Vec<T::AccountId>, Vec<T::AccountId>) {
			(Present::<T>::get().into_inner(), Self::voters().into_iter().collect())
		}
	}
}

impl<T: Config> Pallet<T> {
	fn members() -> u32 {
		Rosters::<T>::get().last().map_or(0, |roster| roster.size().all())
	}

	/// The rosters that finality has not reached yet.
	fn rosters(state: &StateOf<T>) -> RostersOf<T> {
		let mut rosters = Rosters::<T>::get();
		rosters.settle(state.view.finalized);
		rosters
	}

	fn voters() -> BTreeSet<T::AccountId> {
		Votes::<T>::get().into_iter().map(|cast| cast.who).collect()
	}

	fn hash_of(number: u32) -> T::Hash {
		frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::from(number))
	}

	fn genesis() -> T::Hash {
		Self::hash_of(0)
	}

	fn guide(veto: bool) -> DispatchResult {
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

	fn note(
		incident: IncidentId,
		kind: RecordKind,
		initiator: Initiator,
		subject: Option<T::AccountId>,
		evidence: Vec<Evidence>,
	) {
		T::Log::append(NewRecord { incident, kind, initiator, subject, from: None, to: None, evidence });
	}

	/// The set in which those who are there take the seats of all others, if they suffice for a recovery and nothing is in its way.
	fn seatable(state: &StateOf<T>, now: Moment, rules: &Rules) -> Option<Vec<T::AccountId>> {
		let cooled = state.recovered.is_none_or(|at| now.block >= at.saturating_add(rules.cool_off));
		if state.vetoed || !cooled || !T::Finality::may_force() || T::Seats::is_changing() {
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

	/// Whether enough of a set live.
	fn can_finalize(set: &[T::AccountId], living: &BTreeSet<T::AccountId>) -> bool {
		let alive = set.iter().filter(|who| living.contains(who)).count();
		quorum::is_enough(alive as u32, set.len() as u32)
	}

	/// The number of votes and the base that they agree on, if they suffice to carry out the proposal now.
	fn quorum(state: &StateOf<T>, now: Moment, rules: &Rules) -> Option<(u32, u32)> {
		let voters = Self::voters();
		if !Self::rosters(state).is_quorum(&voters) {
			return None;
		}
		// Somebody of it may have become unfit; then it is not the set that was voted for.
		let set = Self::seatable(state, now, rules)?;
		if Proposed::<T>::get().is_none_or(|proposed| *proposed != *set) || !Self::can_finalize(&set, &voters)
		{
			return None;
		}
		let bases = Votes::<T>::get().into_iter().map(|cast| cast.base).collect();
		let base = vote::base(bases, tolerated_faults(Self::members()))?;
		Some((voters.len() as u32, base))
	}

	/// Fixes the set to be seated, if enough are there.
	fn propose(state: &StateOf<T>, now: Moment, rules: &Rules) {
		let Some(set) = Self::seatable(state, now, rules) else { return };
		let present = Present::<T>::decode_len().unwrap_or_default() as u32;
		Self::deposit_event(Event::Proposed { seats: set.len() as u32, present });
		Proposed::<T>::put(MembersOf::<T>::truncate_from(set));
	}

	/// What the members have said comes to nothing.
	fn clear(state: &mut StateOf<T>) {
		Present::<T>::kill();
		Proposed::<T>::kill();
		Votes::<T>::kill();
		(state.anchor, state.proposal, state.present) = (None, None, 0);
		(state.forced, state.vetoed) = (false, false);
	}

	/// Looks whether the mode changes.
	fn tick() -> Weight {
		let mut state = Status::<T>::get();
		let (now, rules) = (T::Log::now(), T::Rules::get());
		let mut weight = T::WeightInfo::tick();
		let before = state.clone();
		state.sets.settle(state.view.finalized);
		let id = T::Finality::set_id();
		if state.sets.last() != Some(&id) {
			// The block before has brought it.
			state.sets.push(now.block.saturating_sub(1), id, state.view.finalized);
		}
		let mut quorum = None;
		if state.mode == Mode::DegradedSafe {
			let last = now.block.saturating_sub(1);
			let known = || Some(BlockId { number: last, hash: Self::hash_of(last) });
			if state.anchor.is_none() && last == state.since.block {
				state.anchor = known();
			}
			let proposed = Proposed::<T>::exists();
			if proposed && state.proposal.is_none() {
				state.proposal = known();
			}
			let gathered = now.block >= state.since.block.saturating_add(rules.vote_after);
			let gathering = !proposed && gathered && Present::<T>::exists();
			if gathering || Votes::<T>::exists() {
				// Who could be seated is looked up as for a change.
				weight.saturating_accrue(T::WeightInfo::tally(T::MaxMembers::get()));
				weight.saturating_accrue(T::WeightInfo::change(T::MaxMembers::get()));
			}
			if gathering {
				// As long as members come, there are more to wait for: who is left out loses its seat.
				let present = Present::<T>::decode_len().unwrap_or_default() as u32;
				if core::mem::replace(&mut state.present, present) == present {
					Self::propose(&state, now, &rules);
				}
				let asked = now.block.saturating_sub(state.since.block);
				if asked % ASK_AGAIN == 0 && !Proposed::<T>::exists() {
					Present::<T>::kill();
					state.present = 0;
				}
			} else if Votes::<T>::exists() {
				quorum = Self::quorum(&state, now, &rules);
			}
		}
		let facts = Facts {
			now,
			since: state.since,
			finalized: state.view.finalized,
			stalled: state.view.is_stalled(now, rules.stall_time, rules.stall_blocks),
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

	fn change(state: &mut StateOf<T>, to: Mode, now: Moment, quorum: Option<(u32, u32)>) {
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
				// A recovery that came to nothing leaves the votes as they are: their voters are bound by them.
				if from == Mode::RecoveryInProgress {
					state.mark = state.anchor.map(|anchor| anchor.number);
				} else {
					Self::clear(state);
					state.mark = Some(now.block);
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
				T::Seats::reseat(&Present::<T>::get(), incident);
			},
			Mode::SafeResumed => {
				Self::clear(state);
				let evidence = alloc::vec![Evidence::Finality { finalized, since: state.view.since }];
				Self::note(incident, RecordKind::FinalityResumed, automation, None, evidence);
			},
			Mode::Safe => {
				Self::note(incident, RecordKind::Thawed, automation, None, Vec::new());
				(state.incident, state.mark) = (0, None);
			},
		}
		Self::deposit_event(Event::ModeChanged { incident, from, to });
	}

	/// The signed votes that forced the change to this authority set, from the offchain index. None where it was not forced, or this
	/// node did not execute the blocks with the votes.
	pub fn votes_for(set: u64) -> Option<CarriedOut<T::AccountId, T::Hash>> {
		evidence::read(set)
	}

	/// Checks what must hold of the storage.
	pub fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
		let state = Status::<T>::get();
		let stalled = matches!(state.mode, Mode::DegradedSafe | Mode::RecoveryInProgress);
		let (present, votes) = (Present::<T>::get(), Votes::<T>::get());
		ensure!(stalled || present.is_empty(), "members are there for nothing");
		ensure!(!present.is_empty() || Proposed::<T>::get().is_none(), "a proposal is made by nobody");
		ensure!(Proposed::<T>::exists() || state.proposal.is_none(), "a proposal has no set");
		ensure!(state.proposal.is_some() || votes.is_empty(), "there are votes, and nothing to vote for");
		ensure!(state.proposal.is_some() || !state.forced, "a change is forced that nobody proposed");
		ensure!(present.iter().collect::<BTreeSet<_>>().len() == present.len(), "a member is there twice");
		ensure!(Self::voters().len() == votes.len(), "a member has two votes");
		ensure!(
			(state.mode == Mode::Safe) == (state.incident == 0),
			"a stall has no incident, or safety has one"
		);
		ensure!(state.mode == Mode::DegradedSafe || !state.vetoed, "a veto goes on after its stall");
		Ok(())
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

	/// Consensus hears of the new set right after this: that change is forced, for the old set cannot finalize it.
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

impl<T: Config> RosterHandler<T::AccountId> for Pallet<T> {
	/// Votes are counted over it from now on, and over the last one until this block is final.
	fn on_roster(active: &[T::AccountId], reserve: &[T::AccountId]) {
		let members = [active, reserve].concat();
		let roster = Roster { active: active.len() as u32, members: BoundedVec::truncate_from(members) };
		let finalized = Status::<T>::mutate(|state| {
			state.seats = roster.active;
			state.view.finalized
		});
		Rosters::<T>::mutate(|rosters| rosters.push(T::Log::now().block, roster, finalized));
	}
}
