//! # Recovery pallet
//!
//! Brings finality back by itself after more than a third of the validators are gone. What keeps two sides of a partition apart
//! is told in `docs/recovery.md`.
//!
//! ## Overview
//!
//! Members report up to where their nodes have finalized: authors with each block, others where the
//! chain lacks it ([`view`]). When more than may lie report for long enough that nothing later is
//! final, the [`Mode`] degrades: elections and rotation are frozen, and the nodes of all members,
//! of the active set and the ready reserve, attest that they are present. When enough are, the
//! chain proposes the set in which responsive members replace unresponsive ones, and they vote for
//! it ([`vote`]). With votes of more than half of the members exactly that set is seated, and the
//! change of GRANDPA's authorities is forced, for the old ones cannot finalize it. When finality
//! has come back and goes on, everything else goes on.
//!
//! If enough of the old members come back first, nothing is forced. Guardians can veto a recovery,
//! and can let one go on that waits for its cool-off. A member that signs votes for two proposals
//! can be charged on anybody's report ([`Pallet::report_double_vote`]), by the keys and the session
//! of the time, whatever has become of it since.
//!
//! ## Low level
//!
//! [`Status`] and [`Reports`] are read in each block and written when its author reports something
//! new. [`Present`], [`Proposed`] and [`Votes`] are empty while the chain is safe. [`Rosters`]
//! holds the members with the keys in force, by roster, for as long as branches could differ in
//! them; [`electorate`] keeps it.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod accountability;

#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking;
mod electorate;
mod evidence;
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
mod submission;
#[cfg(test)]
mod tests;
mod transition;
pub mod view;
pub mod weights;

pub use gate::{IntakeGate, NotFrozen};
pub use mode::Rules;
pub use pallet::*;
pub use understudy_primitives::vote::{self, CarriedOut, FinalityReport, Presence, Signed, Vote};
pub use understudy_primitives::{BlockId, Mode};
pub use weights::WeightInfo;

use alloc::vec::Vec;
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
	crypto::AuthorityId, quorum, Electorate, FailoverLog, ForceFinality, IncidentId, Moment, RecoveryStatus,
	Seats, Stall,
};

use accountability::Ballot;
use electorate::Refresh;
use in_flight::{InFlight, Roster};
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
	/// Finality as the members report it.
	pub view: View,
	/// The block in which an author reported last.
	pub heard: u32,
	/// Number of seats of the active set.
	pub seats: u32,
	/// The change that [`Rosters`] does not have yet.
	pub refresh: Refresh,
	/// The incident in the log; 0 while the chain is safe.
	pub incident: IncidentId,
	/// The block in which the mode degraded, once its hash is known: for it members say that they are there.
	pub anchor: Option<BlockId<Hash>>,
	/// The block in which a set was proposed, once its hash is known: members vote for it.
	pub proposal: Option<BlockId<Hash>>,
	/// Number of times that those present were asked before, for this anchor.
	pub round: u32,
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

/// A member's report of what its node has finalized, on a chain.
pub type FinalityReportOf<T> =
	FinalityReport<<T as frame_system::Config>::AccountId, <T as frame_system::Config>::Hash>;
/// A report with its signature.
pub type SignedReport<T> = Signed<FinalityReportOf<T>>;
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

	/// The version of the storage's layout.
	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// # Requirements
	///
	/// `frame_system::AuthorizeCall` is among the runtime's transaction extensions. The pallet stands before the session pallet
	/// in the runtime, so that its hook runs first; the session manager tells it of activations ([`RecoveryControl`]).
	#[pallet::config]
	pub trait Config: CreateAuthorizedTransaction<Call<Self>> + frame_system::Config {
		/// The members, with the heartbeat keys in force and whether they are ready.
		type Electorate: Electorate<Self::AccountId, AuthorityId>;

		/// The pallet that replaces unresponsive members by responsive ones.
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
		/// A signature is not by the heartbeat key that the voter had when it voted.
		BadSignature,
		/// The chain has not counted a vote of this account for either proposal, or it is too long
		/// ago, or it cannot be charged.
		UnknownOffender,
		/// It was reported already.
		AlreadyReported,
		/// The report of what is final changes nothing any more.
		NothingNew,
	}

	/// The mode, and all that it follows from but the votes.
	#[pallet::storage]
	pub type Status<T: Config> = StorageValue<_, StateOf<T>, ValueQuery>;

	/// The latest report of each seat of the active set. Only [`view`] looks into it.
	#[pallet::storage]
	pub type Reports<T: Config> = StorageValue<_, view::Reports<T::MaxMembers>, ValueQuery>;

	/// The stall, while there is one.
	#[pallet::storage]
	pub type Stalled<T: Config> = StorageValue<_, Stall>;

	/// The last proposals that were voted for, the newest last. Only [`accountability`] touches it.
	#[pallet::storage]
	pub type Ballots<T: Config> =
		StorageValue<_, BoundedVec<Ballot<T::Hash>, ConstU32<{ accountability::KEPT }>>, ValueQuery>;

	/// The key by which each member voted, by the proposal's number, and whether it was charged for
	/// another vote. Only [`accountability`] touches it.
	#[pallet::storage]
	pub type BallotKeys<T: Config> =
		StorageDoubleMap<_, Twox64Concat, u32, Twox64Concat, T::AccountId, (AuthorityId, bool), OptionQuery>;

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
				let seat = T::Author::convert(state.seats);
				Self::hear(state, seat, finalized.unique_saturated_into(), now);
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
		#[pallet::authorize(|source, signed| Self::authorize_vote(source, signed))]
		pub fn vote(origin: OriginFor<T>, signed: SignedVote<T>) -> DispatchResult {
			ensure_authorized(origin)?;
			let state = Status::<T>::get();
			ensure!(state.mode == Mode::DegradedSafe, Error::<T>::NotDegraded);
			evidence::keep_vote(&signed);
			let Vote { who, base, proposal } = signed.statement;
			Self::keep_key(&state, &who, &proposal);
			let votes = Votes::<T>::try_mutate(|votes| {
				ensure!(votes.iter().all(|cast| cast.who != who), Error::<T>::AlreadySaid);
				let cast = Cast { who: who.clone(), base: base.number };
				votes.try_push(cast).map_err(|_| Error::<T>::TooMany)?;
				Ok::<_, Error<T>>(votes.len() as u32)
			})?;
			Self::deposit_event(Event::Voted { who, votes, needed: quorum::needed(Self::members()) });
			Ok(())
		}

		/// Shows that a member has signed two votes of which no honest node signs both. The chain
		/// must have counted one of them; the member is charged by the session of that vote, once.
		/// The fee is returned to the sender.
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
		#[pallet::authorize(|source, signed| Self::authorize_present(source, signed))]
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

		/// An active member reports what its node has finalized, signed by its heartbeat key.
		///
		/// Sent by the node's offchain worker where the chain's view does not rise and lacks this
		/// report: the member does not author, or finality stalls. Free of charge, and operational.
		/// Accepted as a general transaction only, see [`rejection`] for the reasons why one is
		/// refused.
		///
		/// ## Errors
		///
		/// - [`Error::NothingNew`]: it came too late since the transaction was authorized.
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
				let heard =
					seat.is_some_and(|(seat, _)| Self::hear(state, seat, finalized.number, T::Log::now()));
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
			Self::submit_due_statements(now);
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

		/// The proposal that members have voted for, and the keys of those who have. A node that
		/// has such a key is bound, whatever its database says.
		pub fn bound() -> Option<(BlockId<T::Hash>, Vec<AuthorityId>)> {
			let state = Status::<T>::get();
			let proposal = state.proposal?;
			let rosters = Self::rosters(&state);
			let keys = Self::voters().iter().filter_map(|who| rosters.key_of(who).cloned()).collect();
			Some((proposal, keys))
		}
	}
}
