//! # Heartbeat pallet
//!
//! Collects liveness evidence on every member of the roster, and derives a verdict with a
//! confidence from it.
//!
//! ## Overview
//!
//! The roster is the active set plus the reserve. Time is divided into *windows* of
//! [`Config::WindowLength`] blocks. Four detectors watch every member. While no member fails, a
//! chain pays only for some heartbeats:
//!
//! - **S, slots**: own slots that an active member missed in a row. Derived from the chain's
//!   digests alone.
//! - **H, heartbeats**: windows in a row in which a sign of life was due and did not come. A block
//!   is a sign of life of its author, so a member sends a heartbeat only in a window in which it
//!   has no slot, or after it missed its last one. Heartbeats are signed ([`Pallet::heartbeat`])
//!   and due by turns in a large roster ([`Config::HeartbeatQuota`]), and in every window while
//!   there is evidence against them.
//! - **P, peers**: every member's node probes a few other members, which it cannot choose (see
//!   [`assignment`]), and [`Pallet::report`]s those that fail.
//! - **V, votes**: every node observes which members take part in consensus, and
//!   [`Pallet::report`]s those that do not.
//!
//! [`verdict`] turns the counters of every member into a
//! [`Verdict`](understudy_primitives::Verdict) when a window ends, a quarter and half of a window
//! later, when its silence counts, and when a missed slot or a report makes a member *down*. The
//! [`JudgementHandler`] receives the judgement and acts on it. The pallet itself evicts nobody.
//!
//! Accounts with session keys [`Pallet::register`] the endpoint at which their node's health can be
//! queried. The node renews the registration. An account whose registration has expired is not
//! seated.
//!
//! ## Requirements
//!
//! - The pallet learns of the roster through
//!   [`RosterHandler`](understudy_primitives::RosterHandler), of slots through [`Slots`], and of
//!   keys through [`HeartbeatKeys`] and [`VoteKeys`]. It depends on no consensus engine and on no
//!   session pallet.
//! - It must be the handler of its key among the session keys (`OneSessionHandler`), through which
//!   it is notified of changed keys. Without that, the changed key of a member never takes effect
//!   while the member stays in the roster.
//! - In the runtime it must be declared **after** the pallet that notes the current slot and
//!   **before** the session pallet: missed slots are charged to the active set that the previous
//!   block left behind.
//! - `frame_system::AuthorizeCall` must be among the transaction extensions.
//! - Detector V, and the node's release in renewals, depend on data that the node must write to its
//!   offchain storage, see [`understudy_primitives::offchain`].
//!
//! ## Low level
//!
//! Marks and liveness counters are stored in chunks (see [`chunks`]): marks are the bits of the
//! members that were seen or have reported in the running window, and a chunk of counters holds 64
//! members. A heartbeat reads the member's key and writes one chunk of marks, which the block's
//! author writes as well. The end of a quiet window writes no counter at all. [`statement`] defines
//! the signed statements, and [`rejection`] the codes with which they are rejected.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod assignment;
mod authorize;
#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking;
pub mod chunks;
mod cost;
pub mod counters;
mod evidence;
mod invariants;
pub mod judgement;
pub mod offchain;
pub mod registration;
pub mod rejection;
mod roster;
pub mod statement;
pub mod verdict;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use pallet::*;
pub use roster::RosterInfo;
pub use statement::{Heartbeat, Renewal, Report, ReportKind};
pub use verdict::Thresholds;
pub use weights::WeightInfo;

use chunks::Mark;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
	traits::{Consideration, Footprint, Get, Randomness},
	weights::Weight,
};
use frame_system::pallet_prelude::BlockNumberFor;
use registration::{Profile, Registration};
use scale_info::TypeInfo;
use sp_runtime::Perbill;
use understudy_primitives::{
	api::RosterStatus,
	crypto::{AuthorityId, AuthoritySignature},
	offchain::NodeVersion,
	ElectorateHandler, HeartbeatKeys, Judged, JudgementHandler, MemberIndex, RosterId, Slots, VoteKeys,
	WindowIndex,
};

/// Proof size of an entry of [`Marks`] in addition to its value, in bytes: the estimate that the
/// benchmarks use for an entry of a map.
const MARK_PROOF: u64 = 2_500;

/// Running window, and the roster that it belongs to.
#[derive(
	Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct WindowInfo<BlockNumber, Hash> {
	/// Index of the window; heartbeats and reports name it.
	pub index: WindowIndex,
	/// Roster that is watched.
	pub roster: RosterInfo,
	/// First block of the window. A new roster starts a new window with the next block, so that no
	/// window spans two rosters.
	pub started: BlockNumber,
	/// Randomness at the end of the window before, from which the probe assignment of this window
	/// is drawn.
	pub seed: Hash,
	/// Seed of the window before, whose reports may be late.
	pub seed_before: Hash,
	/// Largest number of members whose heartbeat is due by turn in the window.
	pub quota: u32,
	/// `true` if the roster must be judged before the window ends: a report made a member down, or
	/// a judgement was requested.
	pub alarm: bool,
	/// `true` if anything may be counted against a member. Otherwise blocks need not read the
	/// counters.
	pub troubled: bool,
	/// Hash of the genesis block, to which all signed statements are bound. It is kept here because
	/// every check of a member's signature reads the window anyway. Zero in a window that the
	/// genesis block starts, in which the hash is not known yet.
	pub genesis: Hash,
}

/// [`WindowInfo`] with the types of the runtime.
pub type WindowOf<T> = WindowInfo<BlockNumberFor<T>, <T as frame_system::Config>::Hash>;
/// [`Registration`] with the types of the runtime.
pub type RegistrationOf<T> = Registration<BlockNumberFor<T>, <T as Config>::Consideration>;
/// [`Renewal`] with the types of the runtime.
pub type RenewalOf<T> = Renewal<<T as frame_system::Config>::AccountId, BlockNumberFor<T>>;

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use alloc::vec::Vec;
	use frame_support::pallet_prelude::*;
	use frame_system::{
		offchain::CreateAuthorizedTransaction,
		pallet_prelude::{ensure_authorized, ensure_signed, OriginFor},
	};

	/// Version of the storage layout.
	const STORAGE_VERSION: StorageVersion = StorageVersion::new(0);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// # Requirements
	///
	/// `frame_system::AuthorizeCall` is among the runtime's transaction extensions.
	#[pallet::config]
	pub trait Config: CreateAuthorizedTransaction<Call<Self>> + frame_system::Config {
		/// Lookup of an account's heartbeat key. The keys of members are taken over when sessions
		/// begin, so the pallet must be the handler of its key in `pallet_session`'s
		/// `SessionHandler`.
		type Keys: HeartbeatKeys<Self::AccountId, AuthorityId>;

		/// Slots of consensus, and the authors that they belong to.
		type Slots: Slots;

		/// Handler that acts on judgements.
		type OnJudgement: JudgementHandler;

		/// Handler of changes of keys and of the readiness of standbys; `()` if nothing depends on
		/// them.
		type OnElectorate: ElectorateHandler;

		/// Largest number of members in a roster, reserve included. Members beyond it are not
		/// watched.
		#[pallet::constant]
		type MaxMembers: Get<u32>;

		/// Number of blocks in a window. At least 1; a change takes effect for the running window.
		type WindowLength: Get<BlockNumberFor<Self>>;

		/// Counts at which the detectors fire, their weights in the confidence, and the shares that
		/// make a quorum.
		type Thresholds: Get<Thresholds>;

		/// Number of windows in which nothing is counted against a newcomer, or against a member
		/// whose seat has just changed.
		type GraceWindows: Get<u8>;

		/// Largest number of members whose heartbeat is due by turn in one window. The turn of the
		/// others comes in the windows after it. A member with evidence against it is due in every
		/// window. A quota of at least the size of the roster makes every member due in every
		/// window. 0 is taken as 1.
		type HeartbeatQuota: Get<u32>;

		/// Number of other members that each member probes; all others if the roster has no more.
		type Probes: Get<u32>;

		/// Number of blocks by which a node's finality may be behind that of the node that probes
		/// it.
		type FinalityLag: Get<u32>;

		/// Number of seconds without a vote of a member after which a node reports it.
		type VoteSilence: Get<u32>;

		/// Randomness from which the assignment of probes is drawn.
		type Randomness: Randomness<Self::Hash, BlockNumberFor<Self>>;

		/// Lookup of the account behind a finality voter.
		type VoteKeys: VoteKeys<Self::AccountId>;

		/// Cost of a registration while it exists: usually a deposit on hold, returned by
		/// `deregister`.
		type Consideration: Consideration<Self::AccountId, Footprint> + MaxEncodedLen;

		/// Number of blocks for which a registration is current without a renewal. Nodes renew it
		/// after half of them.
		type RegistrationLifetime: Get<BlockNumberFor<Self>>;

		/// Share of the active set under suspicion at once above which an outage is systemic (I3).
		/// It is also systemic with more than ⌊(n−1)/3⌋ suspects.
		type SystemicThreshold: Get<Perbill>;

		/// Priority of heartbeats, reports and renewals in the transaction pool.
		#[pallet::constant]
		type HeartbeatPriority: Get<TransactionPriority>;

		/// Weights of the pallet's calls and hooks.
		type WeightInfo: WeightInfo;

		/// Set-up that the benchmarks need from the runtime.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: benchmarking::BenchmarkHelper<Self::AccountId>;
	}

	/// Reasons for which the pallet holds funds.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// Deposit of a registration.
		Registration,
	}

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A new roster is watched from this block on.
		RosterChanged {
			/// Id of the new roster.
			roster: RosterId,
			/// Number of active members.
			active: u32,
			/// Number of standbys in the reserve.
			reserve: u32,
		},
		/// The health in the verdict on a member changed.
		VerdictChanged {
			/// The member.
			who: T::AccountId,
			/// Its index in the current roster, its seat, and the verdict.
			judged: Judged,
		},
		/// A systemic outage began: more of the active set is under suspicion at once than the
		/// systemic threshold allows.
		SystemicOutageBegan {
			/// Window that was running at the judgement.
			window: WindowIndex,
			/// Number of active members under suspicion.
			suspects: u32,
		},
		/// The systemic outage ended: the active set is within the systemic threshold again.
		SystemicOutageEnded {
			/// Window that was running at the judgement.
			window: WindowIndex,
		},
		/// An account registered its node.
		Registered {
			/// The account.
			who: T::AccountId,
		},
		/// An account changed the profile of its node.
		Updated {
			/// The account.
			who: T::AccountId,
		},
		/// An account's registration was removed, and its deposit returned.
		Deregistered {
			/// The account.
			who: T::AccountId,
		},
		/// A node renewed its account's registration after it had expired, or with other versions
		/// than before.
		Renewed {
			/// The account.
			who: T::AccountId,
			/// `spec_version` of the runtime that the node executes.
			runtime: u32,
			/// Release of the node.
			node: NodeVersion,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// The member was already seen in this window.
		AlreadySeen,
		/// The report names another roster than the current one.
		StaleRoster,
		/// The chain already has a report of this kind by this member, made in the running window
		/// or for the report's window.
		AlreadyReported,
		/// The report names neither the running window nor the one before.
		StaleWindow,
		/// The account is already registered; `update` changes its profile.
		AlreadyRegistered,
		/// The account is not registered.
		NotRegistered,
		/// The account has no session keys, and therefore cannot become a member.
		NoKeys,
		/// No server can listen at this endpoint.
		BadEndpoint,
		/// A tag contains bytes other than printable ASCII.
		BadTag,
	}

	/// Accounts of the roster's members, by index.
	#[pallet::storage]
	pub type Members<T: Config> = StorageMap<_, Twox64Concat, MemberIndex, T::AccountId, OptionQuery>;

	/// Heartbeat keys of the roster's members, by index. An active member's new key is stored when
	/// its other session keys come into force, and a standby's new key when the next session
	/// begins. One entry per member, so that a heartbeat reads only one.
	#[pallet::storage]
	pub type MemberKeys<T: Config> = StorageMap<_, Identity, MemberIndex, AuthorityId, OptionQuery>;

	/// Running window and its roster. They share one item because every reader of one reads the
	/// other.
	#[pallet::storage]
	pub type Window<T: Config> = StorageValue<_, WindowOf<T>, ValueQuery>;

	/// Marks of the members for the running window and the one before: one bit per member and mark.
	/// Only [`chunks`] accesses it.
	#[pallet::storage]
	pub type Marks<T> = StorageMap<_, Identity, u32, chunks::MarkChunk, ValueQuery>;

	/// Liveness counters of the members. Only [`chunks`] accesses it.
	#[pallet::storage]
	pub type Counters<T> = StorageMap<_, Twox64Concat, u32, chunks::CounterChunk, ValueQuery>;

	/// Slot of the last block, from which the missed slots of the next block are counted.
	#[pallet::storage]
	pub type LastSlot<T> = StorageValue<_, u64, OptionQuery>;

	/// Blake2-128 hash of the indices of the standbys that are not ready, as of the last judgement.
	#[pallet::storage]
	pub type Unready<T> = StorageValue<_, [u8; 16], ValueQuery>;

	/// `true` if the last judgement found a systemic outage.
	#[pallet::storage]
	pub type Systemic<T> = StorageValue<_, bool, ValueQuery>;

	/// Registrations of nodes, one per account. Each account pays for its entry, except at genesis.
	#[pallet::storage]
	pub type Registrations<T: Config> =
		StorageMap<_, Blake2_128Concat, T::AccountId, RegistrationOf<T>, OptionQuery>;

	/// Registrations at genesis: without a deposit, and current for one lifetime.
	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// Accounts and the profiles of their nodes. The accounts need not have session keys yet.
		pub registrations: Vec<(T::AccountId, Profile)>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			for (who, profile) in &self.registrations {
				assert!(Pallet::<T>::check_profile(profile).is_ok(), "{who:?} has a malformed profile");
				assert!(!Registrations::<T>::contains_key(who), "{who:?} is registered twice");
				Pallet::<T>::insert_registration(who, profile.clone(), None);
			}
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Records a sign of life of a member: a statement that its node runs, signed with its
		/// heartbeat key.
		///
		/// Sent by the node's offchain worker for members that authored nothing in the running
		/// window. Free of charge and operational: there is room for it in blocks that are full of
		/// normal transactions. Accepted as a general transaction only, see `authorize.rs` for the
		/// checks and [`rejection`] for their codes.
		///
		/// ## Errors
		///
		/// - [`Error::AlreadySeen`]: the member authored a block or another heartbeat of it was
		///   recorded in this window after the transaction was authorized.
		#[pallet::call_index(0)]
		#[pallet::weight((
			T::WeightInfo::heartbeat(T::MaxMembers::get()).saturating_add(Pallet::<T>::other_mark()),
			DispatchClass::Operational
		))]
		#[pallet::weight_of_authorize(T::WeightInfo::authorize_heartbeat(T::MaxMembers::get()))]
		#[pallet::authorize(Self::authorize_heartbeat)]
		pub fn heartbeat(
			origin: OriginFor<T>,
			heartbeat: Heartbeat,
			// Checked by `authorize_heartbeat`, the only source of the origin that this call
			// requires.
			_signature: AuthoritySignature,
		) -> DispatchResult {
			ensure_authorized(origin)?;
			ensure!(chunks::mark::<T>(Mark::Seen, heartbeat.index), Error::<T>::AlreadySeen);
			Ok(())
		}

		/// Records a member's report of members that fail, signed with its heartbeat key.
		///
		/// Sent by the node's offchain worker: for detector P, about the members that it was
		/// assigned to probe; for V, about those that take no part in consensus as far as it sees.
		/// Free of charge and operational, once per member, kind and window. A report is a claim,
		/// not a proof: only a quorum of reports counts. Without other evidence, reports of a
		/// quorum cost a member its seat only through detector V, after [`Thresholds::longer`]
		/// times the threshold; see [`verdict`].
		///
		/// ## Errors
		///
		/// - [`Error::StaleRoster`], [`Error::StaleWindow`]: the roster or the window changed after
		///   the transaction was authorized.
		/// - [`Error::AlreadyReported`]: the member reported after the transaction was authorized.
		#[pallet::call_index(1)]
		#[pallet::weight((
			T::WeightInfo::report(report.targets.len() as u32)
				.saturating_add(Pallet::<T>::counters_reported(report.targets.len())),
			DispatchClass::Operational
		))]
		#[pallet::weight_of_authorize(
			T::WeightInfo::authorize_report(report.targets.len() as u32)
				.saturating_add(Pallet::<T>::counters_reported(report.targets.len()))
		)]
		#[pallet::authorize(Self::authorize_report)]
		pub fn report(
			origin: OriginFor<T>,
			report: Report,
			// Checked by `authorize_report`.
			_signature: AuthoritySignature,
		) -> DispatchResult {
			ensure_authorized(origin)?;
			let WindowInfo { roster, index: running, .. } = Window::<T>::get();
			let Report { window, reporter, kind, .. } = report;
			ensure!(roster.id == report.roster && reporter < roster.total, Error::<T>::StaleRoster);
			let late = window < running;
			ensure!(window <= running && window.saturating_add(1) >= running, Error::<T>::StaleWindow);
			ensure!(!Self::has_reported(kind, reporter, late), Error::<T>::AlreadyReported);
			chunks::mark::<T>(kind.mark(), reporter);
			if late {
				chunks::mark::<T>(kind.mark_before(), reporter);
			}
			Self::note_report(&roster, &report);
			Ok(())
		}

		/// Renews a registration, signed with the account's heartbeat key.
		///
		/// Sent by the account's node when half of the registration's lifetime has passed, or when
		/// the node's release has changed. Free of charge and operational. An expired registration
		/// becomes current again.
		///
		/// ## Errors
		///
		/// - [`Error::NotRegistered`]: the registration was removed after the transaction was
		///   authorized.
		#[pallet::call_index(2)]
		#[pallet::weight((T::WeightInfo::renew(), DispatchClass::Operational))]
		#[pallet::weight_of_authorize(T::WeightInfo::authorize_renewal())]
		#[pallet::authorize(Self::authorize_renewal)]
		pub fn renew(
			origin: OriginFor<T>,
			renewal: RenewalOf<T>,
			// Checked by `authorize_renewal`.
			_signature: AuthoritySignature,
		) -> DispatchResult {
			ensure_authorized(origin)?;
			Self::do_renew(renewal)
		}

		/// Registers the caller's node, against a deposit. The caller must have session keys.
		///
		/// ## Errors
		///
		/// - [`Error::AlreadyRegistered`], [`Error::NoKeys`], [`Error::BadEndpoint`],
		///   [`Error::BadTag`], and the error of the deposit.
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::register())]
		pub fn register(origin: OriginFor<T>, profile: Profile) -> DispatchResult {
			Self::do_register(ensure_signed(origin)?, profile)
		}

		/// Changes the profile of the caller's node. The deposit and the time of the last renewal
		/// do not change.
		///
		/// ## Errors
		///
		/// - [`Error::NotRegistered`], [`Error::BadEndpoint`], [`Error::BadTag`].
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::update())]
		pub fn update(origin: OriginFor<T>, profile: Profile) -> DispatchResult {
			Self::do_update(ensure_signed(origin)?, profile)
		}

		/// Removes the caller's registration and returns the deposit. The caller keeps its seat if
		/// it has one, and gets none otherwise.
		///
		/// ## Errors
		///
		/// - [`Error::NotRegistered`].
		#[pallet::call_index(5)]
		#[pallet::weight(T::WeightInfo::deregister())]
		pub fn deregister(origin: OriginFor<T>) -> DispatchResult {
			Self::do_deregister(ensure_signed(origin)?)
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_initialize(now: BlockNumberFor<T>) -> Weight {
			Self::begin_block(now)
		}

		fn offchain_worker(now: BlockNumberFor<T>) {
			if sp_io::offchain::is_validator() {
				Self::work_offchain(now);
			}
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// Returns every member of the roster with the verdict on it as of now, its counters, and
		/// the block since which its health is unchanged.
		pub fn roster_status() -> RosterStatus<T::AccountId> {
			Self::status()
		}

		/// Returns the verdict on one account as of now; `None` if it is not a member.
		pub fn member_status(who: T::AccountId) -> Option<Judged> {
			Self::status().members.into_iter().find(|(member, _)| *member == who).map(|(_, judged)| judged)
		}

		/// Returns an account's registration, with `true` if it is current.
		pub fn registration(who: T::AccountId) -> Option<(RegistrationOf<T>, bool)> {
			use understudy_primitives::Registrations as _;
			Some((Registrations::<T>::get(&who)?, Self::is_current(&who)))
		}
	}
}
