//! # Recovery pallet
//!
//! Restores finality by itself after more validators have failed than GRANDPA tolerates. The rules
//! that keep two sides of a partition from finalizing different blocks are in `docs/recovery.md`.
//!
//! ## Overview
//!
//! Members report the last block that their nodes have finalized: authors in every block, other
//! members where the chain lacks their report ([`view`]). Finality has stalled if, for the time and
//! the blocks of a stall, the view has not risen and more than f members report that no later block
//! is final; without these reports, after four times as long and 2f blocks more. The [`Mode`] then
//! degrades: elections and rotation are frozen, and the nodes of all members, of the active set and
//! of the ready reserve, attest their presence. When enough members are present, the chain proposes
//! the set in which responsive members replace unresponsive ones, and the members vote for the
//! proposal ([`vote`]). With votes of more than half of the members, exactly that set is seated,
//! and the change of GRANDPA's authorities is forced, because the old authorities cannot finalize
//! it. When finality has resumed and has advanced for long enough, normal operation resumes.
//!
//! If enough of the old members come back first, nothing is forced. Guardians can veto a recovery,
//! and can permit one that waits for its cool-off. A member that signs votes for two proposals can
//! be charged on the report of any account ([`Pallet::report_double_vote`]), by the key and the
//! session of the vote, regardless of later changes of its keys, its seat or its election.
//!
//! ## Low level
//!
//! [`Status`] and [`Reports`] are read in each block and written when the block's author reports
//! something new. [`Present`], [`Proposed`] and [`Votes`] are empty while the chain is safe.
//! [`Rosters`] holds the members with the keys in force, per roster, for as long as branches can
//! differ in them; `electorate.rs` maintains it.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod accountability;

#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking;
mod electorate;
pub mod gate;
pub mod in_flight;
pub mod inherent;
pub mod migrations;
#[cfg(test)]
mod mock;
pub mod mode;
mod offchain;
pub mod offence;
pub mod rejection;
#[cfg(test)]
mod simulation;
pub mod state;
mod submission;
#[cfg(test)]
mod tests;
mod transition;
pub mod view;
mod vote_index;
pub mod weights;

pub use gate::{IntakeGate, NotFrozen};
pub use mode::Rules;
pub use pallet::*;
pub use state::{
	Cast, FinalityReportOf, MembersOf, PresenceOf, RostersOf, SignedPresence, SignedReport, SignedVote,
	State, StateOf, VoteOf, ROUND_LENGTH,
};
pub use understudy_primitives::vote::{self, CarriedOut, FinalityReport, Presence, Signed, Vote};
pub use understudy_primitives::{BlockId, Mode};
pub use weights::WeightInfo;

use alloc::vec::Vec;
use frame_support::{
	inherent::ProvideInherent,
	pallet_prelude::*,
	traits::{Contains, ContainsPair, Get},
};
use frame_system::{offchain::CreateAuthorizedTransaction, pallet_prelude::*};
use sp_runtime::{
	traits::{Convert, UniqueSaturatedInto},
	Perbill,
};
use sp_staking::{offence::ReportOffence, SessionIndex};
use understudy_primitives::{
	crypto::AuthorityId, quorum, Electorate, FailoverLog, ForceFinality, IncidentId, RecoveryStatus, Seats,
	Stall,
};

use accountability::Ballot;
use offence::DoubleVote;

#[frame_support::pallet]
pub mod pallet {
	use super::*;

	/// Version of the storage layout.
	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// # Requirements
	///
	/// `frame_system::AuthorizeCall` must be among the runtime's transaction extensions. The pallet
	/// must precede the session pallet in the runtime, so that its hook runs first. The session
	/// manager must notify the pallet of activations
	/// ([`RecoveryControl`](understudy_primitives::RecoveryControl)).
	#[pallet::config]
	pub trait Config: CreateAuthorizedTransaction<Call<Self>> + frame_system::Config {
		/// Source of the members, with their heartbeat keys in force and their readiness.
		type Electorate: Electorate<Self::AccountId, AuthorityId>;

		/// Pallet that replaces unresponsive members by responsive ones.
		type Seats: Seats<Self::AccountId>;

		/// Converts the number of seats of the active set to the seat of the current block's
		/// author.
		type Author: Convert<u32, u32>;

		/// Finality gadget.
		type Finality: ForceFinality<BlockNumberFor<Self>>;

		/// Log in which every change of mode is recorded.
		type Log: FailoverLog<Self::AccountId>;

		/// Session of the current block.
		type Session: Get<SessionIndex>;

		/// Time limits and other rules of a recovery.
		type Rules: Get<Rules>;

		/// Fraction of its stake that a member is charged for voting for two proposals.
		type DoubleVoteFraction: Get<Perbill>;

		/// Offender, as the offences pallet identifies it.
		type Offender: Clone;

		/// Converts an account to an offender; `None` if it cannot be charged.
		type OffenderOf: Convert<Self::AccountId, Option<Self::Offender>>;

		/// Receiver of reported double votes.
		type Offences: ReportOffence<Self::AccountId, Self::Offender, DoubleVote<Self::Offender>>;

		/// Calls that are refused while the mode is not `Safe`: those that change the candidates
		/// for election, or the keys by which members sign.
		type Frozen: Contains<<Self as frame_system::Config>::RuntimeCall>;

		/// Calls of the normal class that pass the gate without limit, with the account that signs
		/// them.
		type Urgent: ContainsPair<Self::AccountId, <Self as frame_system::Config>::RuntimeCall>;

		/// Origin that can veto a recovery, or permit one during its cool-off.
		type GuardianOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// Maximum number of members of a roster.
		#[pallet::constant]
		type MaxMembers: Get<u32>;

		/// Priority of members' statements in the transaction pool.
		#[pallet::constant]
		type Priority: Get<TransactionPriority>;

		/// Weights of the pallet's calls and hooks.
		type WeightInfo: WeightInfo;

		/// Runtime functions that the benchmarks need.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: benchmarking::BenchmarkHelper<Self::AccountId>;
	}

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// The mode changed.
		ModeChanged {
			/// Incident in the log.
			incident: IncidentId,
			/// Mode before the change.
			from: Mode,
			/// Mode after the change.
			to: Mode,
		},
		/// A set was proposed. Members can vote for this block.
		Proposed {
			/// Number of seats of the proposed set.
			seats: u32,
			/// Number of members, active and in reserve, that are present.
			present: u32,
		},
		/// A member voted for a recovery.
		Voted {
			/// Member that voted.
			who: T::AccountId,
			/// Number of votes so far.
			votes: u32,
			/// Number of votes that are needed.
			needed: u32,
		},
		/// A change of the authority set was forced. Finality goes on from `base`.
		Forced {
			/// Finality base: the block from which finality goes on.
			base: BlockNumberFor<T>,
			/// Number of blocks until the change is enacted.
			delay: BlockNumberFor<T>,
		},
		/// A member was proven to have voted for two proposals.
		DoubleVoted {
			/// Member that voted twice.
			who: T::AccountId,
		},
		/// The guardians vetoed a recovery from this stall.
		Vetoed,
		/// The guardians permitted a recovery as soon as the votes suffice, regardless of the
		/// cool-off.
		RecoveryPermitted,
	}

	#[pallet::error]
	pub enum Error<T> {
		/// The mode is not `DegradedSafe`, or a set is already proposed (for an attestation).
		NotDegraded,
		/// The member has already submitted this statement.
		AlreadySubmitted,
		/// The list is full: it holds as many members as a roster can have.
		TooMany,
		/// The author has already reported finality in this block.
		DuplicateReport,
		/// The two votes do not conflict: one honest node may have signed both.
		NoConflict,
		/// A signature is not by the heartbeat key that the voter had when it voted.
		BadSignature,
		/// The chain has counted no vote of this account for either proposal, the counted vote is
		/// too old, or the account cannot be charged.
		UnknownOffender,
		/// The double vote has already been reported.
		AlreadyReported,
		/// The finality report no longer changes anything.
		NothingNew,
	}

	/// Mode and everything that determines it, except the votes.
	#[pallet::storage]
	pub type Status<T: Config> = StorageValue<_, StateOf<T>, ValueQuery>;

	/// Latest report of each seat of the active set. Only [`view`] interprets it.
	#[pallet::storage]
	pub type Reports<T: Config> = StorageValue<_, view::Reports<T::MaxMembers>, ValueQuery>;

	/// Current stall. Exists while the mode is not `Safe`.
	#[pallet::storage]
	pub type Stalled<T: Config> = StorageValue<_, Stall>;

	/// Last proposals that members could vote for, newest last. Only `accountability.rs` accesses
	/// them.
	#[pallet::storage]
	pub type Ballots<T: Config> =
		StorageValue<_, BoundedVec<Ballot<T::Hash>, ConstU32<{ accountability::KEPT }>>, ValueQuery>;

	/// For each number of a proposal and each voter: the voter's key, and `true` if the voter was
	/// charged for another vote. Only `accountability.rs` accesses them.
	#[pallet::storage]
	pub type BallotKeys<T: Config> =
		StorageDoubleMap<_, Twox64Concat, u32, Twox64Concat, T::AccountId, (AuthorityId, bool), OptionQuery>;

	/// Rosters in flight, over which votes are counted.
	#[pallet::storage]
	pub type Rosters<T: Config> = StorageValue<_, RostersOf<T>, ValueQuery>;

	/// Members with a presence attestation for the current round. Fixed when a set is proposed.
	#[pallet::storage]
	pub type Present<T: Config> = StorageValue<_, MembersOf<T>, ValueQuery>;

	/// Proposed set.
	#[pallet::storage]
	pub type Proposed<T: Config> = StorageValue<_, MembersOf<T>>;

	/// Last authority set to which the change was forced, and the block that proposed it. Verifiers
	/// of proofs see from it that the change took place.
	#[pallet::storage]
	pub type Forced<T: Config> = StorageValue<_, (u64, BlockId<T::Hash>)>;

	/// Votes for the current proposal.
	#[pallet::storage]
	pub type Votes<T: Config> = StorageValue<_, BoundedVec<Cast<T::AccountId>, T::MaxMembers>, ValueQuery>;

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Reports the block that the author's node has finalized. An inherent.
		///
		/// ## Errors
		///
		/// - [`Error::DuplicateReport`]: the author has already reported in this block.
		#[pallet::call_index(0)]
		// The weight of the hook covers the read of the status.
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
				ensure!(state.last_report < now.block, Error::<T>::DuplicateReport);
				state.last_report = now.block;
				let seat = T::Author::convert(state.seats);
				Self::accept_report(state, seat, finalized.unique_saturated_into(), now);
				Ok(())
			})
		}

		/// Votes for the proposed set. The vote is signed by the member's heartbeat key.
		///
		/// Sent by the node's offchain worker. Free of charge, and operational. Accepted as a
		/// general transaction only, see [`rejection`] for the reasons of a rejection.
		///
		/// ## Errors
		///
		/// - [`Error::NotDegraded`], [`Error::AlreadySubmitted`]: the chain's state has changed
		///   since the transaction was authorized.
		/// - [`Error::TooMany`]: the rosters in flight have more members than one roster can have.
		#[pallet::call_index(1)]
		#[pallet::weight((T::WeightInfo::vote(), DispatchClass::Operational))]
		#[pallet::weight_of_authorize(T::WeightInfo::authorize_vote(T::MaxMembers::get()))]
		#[pallet::authorize(|source, signed| Self::authorize_vote(source, signed))]
		pub fn vote(origin: OriginFor<T>, signed: SignedVote<T>) -> DispatchResult {
			ensure_authorized(origin)?;
			let state = Status::<T>::get();
			ensure!(state.mode == Mode::DegradedSafe, Error::<T>::NotDegraded);
			vote_index::keep_vote(&signed);
			let Vote { who, base, proposal } = signed.statement;
			Self::keep_key(&state, &who, &proposal);
			let votes = Votes::<T>::try_mutate(|votes| {
				ensure!(votes.iter().all(|cast| cast.who != who), Error::<T>::AlreadySubmitted);
				let cast = Cast { who: who.clone(), base: base.number };
				votes.try_push(cast).map_err(|_| Error::<T>::TooMany)?;
				Ok::<_, Error<T>>(votes.len() as u32)
			})?;
			Self::deposit_event(Event::Voted { who, votes, needed: quorum::needed(Self::members()) });
			Ok(())
		}

		/// Proves that a member has signed two conflicting votes. The
		/// chain must have counted one of them. The member is charged once, by the session of that
		/// vote. The fee is returned to the sender.
		///
		/// ## Errors
		///
		/// - [`Error::NoConflict`], [`Error::BadSignature`]: the votes prove no double vote.
		/// - [`Error::UnknownOffender`]: the member cannot be charged.
		/// - [`Error::AlreadyReported`]: the member was charged before.
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

		/// Vetoes a recovery from this stall. The veto ends with the stall, or by
		/// [`permit_recovery`](Pallet::permit_recovery).
		///
		/// ## Errors
		///
		/// - [`Error::NotDegraded`]: the mode is not `DegradedSafe`.
		#[pallet::call_index(3)]
		#[pallet::weight((T::WeightInfo::veto(), DispatchClass::Operational))]
		pub fn veto(origin: OriginFor<T>) -> DispatchResult {
			T::GuardianOrigin::ensure_origin(origin)?;
			Self::guide(true)
		}

		/// Permits a recovery from this stall: lifts a veto and the cool-off. The votes of more
		/// than half of the members are still needed.
		///
		/// ## Errors
		///
		/// - [`Error::NotDegraded`]: the mode is not `DegradedSafe`.
		#[pallet::call_index(4)]
		#[pallet::weight((T::WeightInfo::permit_recovery(), DispatchClass::Operational))]
		pub fn permit_recovery(origin: OriginFor<T>) -> DispatchResult {
			T::GuardianOrigin::ensure_origin(origin)?;
			Self::guide(false)
		}

		/// Attests that a member is present during a stall. The attestation is signed by the
		/// member's heartbeat key, and does not bind its node.
		///
		/// Sent by the node's offchain worker. Free of charge, and operational. Accepted as a
		/// general transaction only, see [`rejection`] for the reasons of a rejection.
		///
		/// ## Errors
		///
		/// - [`Error::NotDegraded`], [`Error::AlreadySubmitted`]: the chain's state has changed
		///   since the transaction was authorized.
		/// - [`Error::TooMany`]: the rosters in flight have more members than one roster can have.
		#[pallet::call_index(5)]
		#[pallet::weight((T::WeightInfo::attest_presence(), DispatchClass::Operational))]
		#[pallet::weight_of_authorize(T::WeightInfo::authorize_present(T::MaxMembers::get()))]
		#[pallet::authorize(|source, signed| Self::authorize_present(source, signed))]
		pub fn attest_presence(origin: OriginFor<T>, signed: SignedPresence<T>) -> DispatchResult {
			ensure_authorized(origin)?;
			let state = Status::<T>::get();
			let open = state.mode == Mode::DegradedSafe && !Proposed::<T>::exists();
			ensure!(open, Error::<T>::NotDegraded);
			let Presence { who, .. } = signed.statement;
			Present::<T>::try_mutate(|present| {
				ensure!(!present.contains(&who), Error::<T>::AlreadySubmitted);
				present.try_push(who).map_err(|_| Error::<T>::TooMany.into())
			})
		}

		/// Reports the block that an active member's node has finalized. The report is signed by
		/// the member's heartbeat key.
		///
		/// Sent by the node's offchain worker when the view has not risen for half of a stall and
		/// lacks this report: the member does not author, or finality has stalled. Free of charge,
		/// and operational. Accepted as a general transaction only, see [`rejection`] for the
		/// reasons of a rejection.
		///
		/// ## Errors
		///
		/// - [`Error::NothingNew`]: the chain's state has changed since the transaction was
		///   authorized.
		#[pallet::call_index(6)]
		#[pallet::weight((T::WeightInfo::report_finality(), DispatchClass::Operational))]
		#[pallet::weight_of_authorize(T::WeightInfo::authorize_report(T::MaxMembers::get()))]
		#[pallet::authorize(|source, signed| Self::authorize_report(source, signed))]
		pub fn report_finality(origin: OriginFor<T>, signed: SignedReport<T>) -> DispatchResult {
			ensure_authorized(origin)?;
			let FinalityReport { who, finalized, .. } = signed.statement;
			let rosters = Rosters::<T>::get();
			let seat = rosters.last().and_then(|roster| roster.seat_of(&who));
			Status::<T>::try_mutate(|state| {
				let heard = seat.is_some_and(|(seat, _)| {
					Self::accept_report(state, seat, finalized.number, T::Log::now())
				});
				ensure!(heard, Error::<T>::NothingNew);
				Ok(())
			})
		}
	}

	#[pallet::inherent]
	impl<T: Config> ProvideInherent for Pallet<T> {
		type Call = Call<T>;
		type Error = sp_inherents::MakeFatalError<()>;
		const INHERENT_IDENTIFIER: sp_inherents::InherentIdentifier = inherent::IDENTIFIER;

		/// Creates the inherent from the node's finalized number; `None` if the node does not
		/// provide one.
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
			Self::submit_due_statements(now);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// Returns the mode, the facts that it follows from, and the counts that decide the next
		/// mode.
		pub fn status() -> RecoveryStatus<T::Hash> {
			let members = Self::members();
			let voters = Self::voters();
			let state = Status::<T>::get();
			let rules_out_others =
				state.proposal.is_some() && Self::rosters(&state).rules_out_others(&voters);
			let State {
				mode, since, view, incident, anchor, proposal, forced, resume_height, vetoed, ..
			} = state;
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
				resume_height,
			}
		}

		/// Returns the members that are present, and those of them that have voted for the
		/// proposal.
		pub fn participants() -> (Vec<T::AccountId>, Vec<T::AccountId>) {
			(Present::<T>::get().into_inner(), Self::voters().into_iter().collect())
		}

		/// Returns the proposal that members have voted for, and the keys of those members. A node
		/// with one of these keys is bound, whatever its database contains.
		pub fn bound() -> Option<(BlockId<T::Hash>, Vec<AuthorityId>)> {
			let state = Status::<T>::get();
			let proposal = state.proposal?;
			let rosters = Self::rosters(&state);
			let keys = Self::voters().iter().filter_map(|who| rosters.key_of(who).cloned()).collect();
			Some((proposal, keys))
		}
	}
}
