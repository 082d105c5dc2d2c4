//! # Recovery pallet
//!
//! Brings finality back by itself after more than a third of the validators are gone. What keeps two sides of a partition apart, and
//! in which case nothing does yet, is told in `docs/recovery.md`.
//!
//! ## Overview
//!
//! Each block's author says up to where its node has finalized ([`view`]). When the median of the last authors' words does not
//! rise for long enough, the [`Mode`] degrades: elections and rotation hold still, and the nodes of all members, of the active
//! set and the reserve, vote for the branch that they stand on ([`vote`]). With votes of more than half of the members the living
//! take the seats of the dead, and the change of GRANDPA's authorities is forced, for the old ones cannot finalize it. When
//! finality has come back and goes on, everything else goes on.
//!
//! If enough of the old members come back first, nothing is forced. Guardians can veto a recovery, and can let one go on that
//! waits for its cool-off. Whoever signs votes for two branches can be charged by anybody ([`Pallet::report_double_vote`]).
//!
//! ## Low level
//!
//! [`Status`] is read in each block and written when its author says something new. [`Votes`] is empty while the chain is safe.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking;
pub mod inherent;
#[cfg(test)]
mod mock;
pub mod mode;
mod offchain;
pub mod offence;
pub mod rejection;
#[cfg(test)]
mod tests;
pub mod view;
pub mod vote;
pub mod weights;

pub use mode::Rules;
pub use pallet::*;
pub use understudy_primitives::{BlockId, Mode};
pub use vote::Vote;
pub use weights::WeightInfo;

use alloc::{collections::BTreeSet, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{inherent::ProvideInherent, pallet_prelude::*, traits::Get};
use frame_system::{offchain::CreateAuthorizedTransaction, pallet_prelude::*};
use scale_info::TypeInfo;
use sp_runtime::{
	traits::{Convert, UniqueSaturatedInto, Zero},
	transaction_validity::TransactionValidityWithRefund,
	Perbill,
};
use sp_staking::{offence::ReportOffence, SessionIndex};
use understudy_primitives::{
	crypto::{AuthorityId, AuthoritySignature},
	statement::{admit, reject, Statement},
	tolerated_faults, Evidence, FailoverLog, ForceFinality, HeartbeatKeys, IncidentId, Initiator, Moment,
	NewRecord, RecordKind, RecoveryControl, RecoveryStatus, Seats,
};

use mode::{Count, Facts};
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
	/// The incident in the log; 0 while the chain is safe.
	pub incident: IncidentId,
	/// What votes are for: the block in which the mode degraded, once its hash is known.
	pub anchor: Option<BlockId<Hash>>,
	/// The block that finality must pass for the chain to be safe again, see [`Facts::mark`].
	pub mark: Option<u32>,
	/// The block that a recovery's authorities build finality on.
	pub base: u32,
	/// The guardians do not want a recovery.
	pub vetoed: bool,
	/// The block in which the last recovery began.
	pub recovered: Option<u32>,
}

/// The state on a chain.
pub type StateOf<T> = State<<T as frame_system::Config>::Hash>;
/// A vote on a chain.
pub type VoteOf<T> = Vote<<T as frame_system::Config>::AccountId, <T as frame_system::Config>::Hash>;

/// A vote with its signature.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, TypeInfo)]
pub struct Signed<AccountId, Hash> {
	/// The vote.
	pub vote: Vote<AccountId, Hash>,
	/// Its signature, by the heartbeat key of `vote.who`.
	pub signature: AuthoritySignature,
}

/// A vote with its signature, on a chain.
pub type SignedOf<T> = Signed<<T as frame_system::Config>::AccountId, <T as frame_system::Config>::Hash>;

/// What is kept of a vote.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Cast<AccountId> {
	/// The member.
	pub who: AccountId,
	/// Up to where its node has finalized.
	pub base: u32,
}

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

		/// Who sits, and how the living take the seats of the dead.
		type Seats: Seats<Self::AccountId>;

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
		/// A member voted for two branches.
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
		/// The member's vote is there already.
		AlreadyVoted,
		/// There are more votes than members can be.
		TooManyVotes,
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

	/// The votes for the current anchor.
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
				state.view.hear(finalized.min(now.block.saturating_sub(1)), now);
				Ok(())
			})
		}

		/// A member votes for a recovery of the branch with the vote's anchor, signed by its heartbeat key.
		///
		/// Sent by the node's offchain worker. Free of charge, and operational. Accepted as a general transaction only, see
		/// [`rejection`] for why one is turned away.
		///
		/// ## Errors
		///
		/// - [`Error::NotDegraded`], [`Error::AlreadyVoted`]: it came too late since the transaction was authorized.
		#[pallet::call_index(1)]
		#[pallet::weight((T::WeightInfo::vote(), DispatchClass::Operational))]
		#[pallet::weight_of_authorize(T::WeightInfo::authorize_vote(T::MaxMembers::get()))]
		#[pallet::authorize(|_source, signed| Self::authorize_vote(signed))]
		pub fn vote(origin: OriginFor<T>, signed: SignedOf<T>) -> DispatchResult {
			ensure_authorized(origin)?;
			ensure!(Status::<T>::get().mode == Mode::DegradedSafe, Error::<T>::NotDegraded);
			let Vote { who, base, .. } = signed.vote;
			let votes = Votes::<T>::try_mutate(|votes| {
				ensure!(votes.iter().all(|cast| cast.who != who), Error::<T>::AlreadyVoted);
				let cast = Cast { who: who.clone(), base: base.number };
				votes.try_push(cast).map_err(|_| Error::<T>::TooManyVotes)?;
				Ok::<_, Error<T>>(votes.len() as u32)
			})?;
			Self::deposit_event(Event::Voted { who, votes, needed: mode::needed(Self::members()) });
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
			one: SignedOf<T>,
			other: SignedOf<T>,
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

		fn offchain_worker(now: BlockNumberFor<T>) {
			Self::cast_votes(now);
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
			let State { mode, since, view, incident, anchor, mark, vetoed, .. } = Status::<T>::get();
			RecoveryStatus {
				mode,
				since,
				incident,
				finalized: view.finalized,
				anchor,
				votes: Votes::<T>::decode_len().unwrap_or_default() as u32,
				needed: mode::needed(members),
				members,
				vetoed,
				mark,
			}
		}

		/// Who has voted for a recovery, and how many more votes are needed.
		pub fn votes() -> (Vec<T::AccountId>, u32) {
			let votes = Votes::<T>::get();
			let lacking = mode::needed(Self::members()).saturating_sub(votes.len() as u32);
			(votes.into_iter().map(|cast| cast.who).collect(), lacking)
		}
	}
}

impl<T: Config> Pallet<T> {
	fn members() -> u32 {
		let (active, reserve) = T::Seats::members();
		active.len().saturating_add(reserve.len()) as u32
	}

	/// Whether a member may vote for this anchor now; or the code of why not.
	fn check_voter(state: &StateOf<T>, who: &T::AccountId, anchor: &BlockId<T::Hash>) -> Result<(), u8> {
		if state.mode != Mode::DegradedSafe {
			return Err(rejection::NOT_DEGRADED);
		}
		if state.anchor != Some(*anchor) {
			return Err(rejection::WRONG_ANCHOR);
		}
		if T::Log::now().block < state.since.block.saturating_add(T::Rules::get().vote_after) {
			return Err(rejection::TOO_EARLY);
		}
		let (active, reserve) = T::Seats::members();
		if !active.contains(who) && !reserve.contains(who) {
			return Err(rejection::NOT_A_MEMBER);
		}
		if Votes::<T>::get().iter().any(|cast| cast.who == *who) {
			return Err(rejection::ALREADY_VOTED);
		}
		Ok(())
	}

	/// Whether a vote may enter the pool, or a block. The signature is checked last.
	fn authorize_vote(signed: &SignedOf<T>) -> TransactionValidityWithRefund {
		let Signed { vote, signature } = signed;
		let state = Status::<T>::get();
		Self::check_voter(&state, &vote.who, &vote.anchor).or_else(reject)?;
		let own = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::from(vote.base.number));
		// In a long stall the chain has forgotten the hash of what was final.
		let forgotten = own == T::Hash::default() && vote.base.number <= state.view.finalized;
		if vote.base.number >= vote.anchor.number || (own != vote.base.hash && !forgotten) {
			return reject(rejection::WRONG_BASE);
		}
		let Some(key) = T::Keys::key_of(&vote.who) else { return reject(rejection::NO_KEY) };
		if !vote.is_signed_by(&key, &Self::genesis(), signature) {
			return reject(rejection::BAD_SIGNATURE);
		}
		admit("understudy/recovery", &(&vote.who, vote.anchor), T::Priority::get())
	}

	fn genesis() -> T::Hash {
		frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero())
	}

	fn do_report(reporter: T::AccountId, one: SignedOf<T>, other: SignedOf<T>) -> DispatchResult {
		ensure!(one.vote.conflicts_with(&other.vote), Error::<T>::NoConflict);
		let who = one.vote.who.clone();
		let key = T::Keys::key_of(&who).ok_or(Error::<T>::BadSignature)?;
		for Signed { vote, signature } in [&one, &other] {
			ensure!(vote.is_signed_by(&key, &Self::genesis(), signature), Error::<T>::BadSignature);
		}
		let offender = T::OffenderOf::convert(who.clone()).ok_or(Error::<T>::UnknownOffender)?;
		let (one, other) = (one.vote.anchor.number, other.vote.anchor.number);
		let anchors = (one.min(other), one.max(other));
		let double = DoubleVote {
			session: T::Session::get(),
			validators: T::Seats::members().0.len() as u32,
			anchors,
			offender,
			fraction: T::DoubleVoteFraction::get(),
		};
		T::Offences::report_offence(alloc::vec![reporter], double)
			.map_err(|_| Error::<T>::AlreadyReported)?;
		let incident = T::Log::open_incident();
		let evidence = alloc::vec![Evidence::DoubleVote { anchors }];
		Self::note(incident, RecordKind::Penalized, Initiator::Anyone, Some(who.clone()), evidence);
		Self::deposit_event(Event::DoubleVoted { who });
		Ok(())
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

	/// The voters, if their votes suffice for a recovery now, and the base that they agree on.
	fn quorum(state: &StateOf<T>, now: Moment, rules: &Rules) -> Option<(Vec<T::AccountId>, u32)> {
		let votes = Votes::<T>::get();
		let (active, reserve) = T::Seats::members();
		let voters: BTreeSet<&T::AccountId> = votes.iter().map(|cast| &cast.who).collect();
		let of = |members: &[T::AccountId]| members.iter().filter(|who| voters.contains(who)).count() as u32;
		let cast = Count { active: of(&active), reserve: of(&reserve) };
		let members = Count { active: active.len() as u32, reserve: reserve.len() as u32 };
		let cooled = state.recovered.is_none_or(|at| now.block >= at.saturating_add(rules.cool_off));
		if !mode::is_quorum(cast, members) || state.vetoed || !cooled {
			return None;
		}
		if !T::Finality::may_force() || T::Seats::is_changing() {
			return None;
		}
		// What the chain has seen of finality itself bounds it, too.
		let bases = votes.iter().map(|cast| cast.base).collect();
		let base = vote::base(bases, tolerated_faults(members.all()))?.min(state.view.finalized);
		let living: Vec<T::AccountId> = votes.into_iter().map(|cast| cast.who).collect();
		let (seats, alive) = T::Seats::reseated(&living);
		mode::is_enough(alive, seats).then_some((living, base))
	}

	/// Looks whether the mode changes.
	fn tick() -> Weight {
		let mut state = Status::<T>::get();
		let (now, rules) = (T::Log::now(), T::Rules::get());
		let mut weight = T::WeightInfo::tick();
		let before = state.clone();
		if state.mode == Mode::DegradedSafe && state.anchor.is_none() && now.block > state.since.block {
			let number = state.since.block;
			let hash = frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::from(number));
			state.anchor = Some(BlockId { number, hash });
		}
		let quorum = match state.mode {
			Mode::DegradedSafe if !Votes::<T>::get().is_empty() => {
				weight.saturating_accrue(T::WeightInfo::tally(T::MaxMembers::get()));
				// Who could be seated is looked up as for a change.
				weight.saturating_accrue(T::WeightInfo::change(T::MaxMembers::get()));
				Self::quorum(&state, now, &rules)
			},
			_ => None,
		};
		let facts = Facts {
			now,
			since: state.since,
			finalized: state.view.finalized,
			stalled: state.view.is_stalled(now, rules.stall_time, rules.stall_blocks),
			mark: state.mark,
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

	fn change(state: &mut StateOf<T>, to: Mode, now: Moment, quorum: Option<(Vec<T::AccountId>, u32)>) {
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
				state.vetoed = false;
				// A recovery that came to nothing leaves the votes as they are: they are for this branch, and for no other.
				if from == Mode::RecoveryInProgress {
					state.mark = state.anchor.map(|anchor| anchor.number);
				} else {
					(state.anchor, state.mark) = (None, Some(now.block));
					Votes::<T>::kill();
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
				let (living, base) = quorum.unwrap_or_default();
				(state.mark, state.recovered, state.base) = (None, Some(now.block), base);
				let evidence = alloc::vec![Evidence::Quorum {
					votes: living.len() as u32,
					members: Self::members(),
					base,
				}];
				Self::note(incident, RecordKind::Recovering, automation, None, evidence);
				T::Seats::reseat(&living, incident);
			},
			Mode::SafeResumed => {
				Votes::<T>::kill();
				state.vetoed = false;
				let evidence = alloc::vec![Evidence::Finality { finalized, since: state.view.since }];
				Self::note(incident, RecordKind::FinalityResumed, automation, None, evidence);
			},
			Mode::Safe => {
				Self::note(incident, RecordKind::Thawed, automation, None, Vec::new());
				(state.incident, state.anchor, state.mark) = (0, None, None);
			},
		}
		Self::deposit_event(Event::ModeChanged { incident, from, to });
	}

	/// Checks what must hold of the storage.
	pub fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
		let state = Status::<T>::get();
		let votes = Votes::<T>::get();
		ensure!(
			votes.is_empty() || matches!(state.mode, Mode::DegradedSafe | Mode::RecoveryInProgress),
			"there are votes, and nothing to vote for"
		);
		let mut voters: Vec<_> = votes.iter().map(|cast| cast.who.encode()).collect();
		voters.sort();
		voters.dedup();
		ensure!(voters.len() == votes.len(), "a member has two votes");
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
		state.mark = Some(T::Log::now().block);
		let (base, delay) =
			(BlockNumberFor::<T>::from(state.base), BlockNumberFor::<T>::from(T::Rules::get().delay));
		T::Finality::force(delay, base);
		Self::deposit_event(Event::Forced { base, delay });
		Status::<T>::put(state);
	}
}
