//! # Heartbeat pallet
//!
//! Evidence in, a verdict with a confidence out: who of the roster is alive, on whose word, and how sure that is.
//!
//! ## Overview
//!
//! The roster is the active set plus the reserve. Time is cut into *windows* of [`Config::WindowLength`] blocks. Four
//! detectors watch every member; all that a quiet chain pays for is some heartbeats:
//!
//! - **S, slots**: the slots of its own that an active member missed in a row. Comes from the chain's digests alone.
//! - **H, heartbeats**: the windows in a row in which a sign of life was due and did not come. Authoring a block is one,
//!   so authors send nothing; the others send a signed [`Pallet::heartbeat`], by turns where there are many of them
//!   ([`Config::HeartbeatQuota`]), and in every window while something speaks against them.
//! - **P, peers**: every member asks a few others for their health, whom it cannot choose (see [`assignment`]), and
//!   [`Pallet::report`]s those that fail.
//! - **V, votes**: every node sees who takes part in finality, and [`Pallet::report`]s who does not.
//!
//! When a window ends, when the silence in it is settled, and when a missed slot or a report makes a member *down*, [`verdict`]
//! turns every member's evidence into a [`Verdict`](understudy_primitives::Verdict), and whoever
//! acts on it is told by [`JudgementHandler`]. The pallet itself evicts nobody.
//!
//! Accounts with session keys [`Pallet::register`] where their node's health can be asked for; the node renews that, and
//! an account whose node does not any more is not seated.
//!
//! ## What an integrator must know
//!
//! - The pallet hears of the roster through [`RosterHandler`](understudy_primitives::RosterHandler), of slots through
//!   [`Slots`], of keys through [`HeartbeatKeys`] and [`VoteKeys`]. It knows no consensus and no session pallet.
//! - It must be the handler of its key among the session keys (`OneSessionHandler`): so it hears when keys change. Without
//!   that, changed keys count with the next roster only.
//! - In the runtime it stands **after** the pallet that notes the current slot and **before** the session pallet: missed
//!   slots belong to the set that the previous block left behind.
//! - `frame_system::AuthorizeCall` must be among the transaction extensions.
//! - For V, and for the node's release in renewals, the node must leave what it knows in its offchain storage, see
//!   [`understudy_primitives::offchain`].
//!
//! ## Low level
//!
//! Evidence lives in chunks (see [`evidence`]): bits that say who was seen or reported in the running window, and the
//! counters of 64 members at a time. A heartbeat reads the member's key, and writes one of the first kind, which the block's
//! author writes as well; a quiet window's end writes no counter at all. What members sign is in [`statement`], why it is turned away in [`rejection`].

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod assignment;
mod authorize;
#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking;
pub mod evidence;
pub mod judgement;
pub mod offchain;
mod pieces;
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

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use evidence::{EvidenceTable, Mark, MemberEvidence};
use frame_support::{
	traits::{Consideration, Footprint, Get, Randomness},
	weights::Weight,
};
use frame_system::pallet_prelude::BlockNumberFor;
use registration::{Profile, Registration};
use scale_info::TypeInfo;
use sp_runtime::{traits::Saturating, Perbill, SaturatedConversion};
use understudy_primitives::{
	api::RosterStatus,
	crypto::{AuthorityId, AuthoritySignature},
	offchain::NodeVersion,
	ElectorateHandler, HeartbeatKeys, Judged, JudgementHandler, MemberIndex, RosterId, Slots, VoteKeys,
	WindowIndex,
};

/// What proving a chunk of marks takes beside it, in bytes, as the benchmarks reckon a map's entry.
const MARK_PROOF: u64 = 2_500;

/// The running window, and the roster that it is of.
#[derive(
	Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct WindowInfo<BlockNumber, Hash> {
	/// Its number; what members sign names it.
	pub index: WindowIndex,
	/// The roster that is watched.
	pub roster: RosterInfo,
	/// Its first block. A new roster starts a new window with the next block, so that no window spans two rosters.
	pub started: BlockNumber,
	/// The randomness of the window before, from which it is drawn who probes whom.
	pub seed: Hash,
	/// The same for the window before, whose reports may be late.
	pub seed_before: Hash,
	/// How many members are asked for a heartbeat in it as a matter of routine.
	pub quota: u32,
	/// Whether a report made a member down, so that there is no need to wait for the window's end.
	pub alarm: bool,
	/// Whether something is counted against anybody. If not, blocks need not look at the counters.
	pub troubled: bool,
	/// The hash of the genesis block, which all that members sign is bound to: whoever checks it reads the window anyway.
	/// Zero in a window that the genesis block made, which does not know its own hash.
	pub genesis: Hash,
}

/// A window of this chain.
pub type WindowOf<T> = WindowInfo<BlockNumberFor<T>, <T as frame_system::Config>::Hash>;
/// A registration on this chain.
pub type RegistrationOf<T> = Registration<BlockNumberFor<T>, <T as Config>::Consideration>;
/// A renewal on this chain.
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

	/// The version of the storage's layout.
	const STORAGE_VERSION: StorageVersion = StorageVersion::new(0);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// # Requirements
	///
	/// `frame_system::AuthorizeCall` is among the runtime's transaction extensions.
	#[pallet::config]
	pub trait Config: CreateAuthorizedTransaction<Call<Self>> + frame_system::Config {
		/// Where an account's heartbeat key is looked up. Those of members are taken over when sessions begin, so the
		/// pallet must be the handler of its key in `pallet_session`'s `SessionHandler`.
		type Keys: HeartbeatKeys<Self::AccountId, AuthorityId>;

		/// Who should have authored, and who did.
		type Slots: Slots;

		/// Who acts on a window's judgement.
		type OnJudgement: JudgementHandler;

		/// The handler of changes of keys and of the readiness of standbys; `()` where nobody needs
		/// them.
		type OnElectorate: ElectorateHandler;

		/// The most members a roster can have, reserve included. Members beyond it are not watched.
		#[pallet::constant]
		type MaxMembers: Get<u32>;

		/// How many blocks a window has. At least 1; a change takes effect for the running window.
		type WindowLength: Get<BlockNumberFor<Self>>;

		/// From which counts on a detector fires, and what its word weighs.
		type Thresholds: Get<Thresholds>;

		/// For how many windows a newcomer, or a member that was just seated, is given no minus.
		type GraceWindows: Get<u8>;

		/// How many members are asked, in a window, for a heartbeat as a matter of routine; the others are asked in the
		/// windows after it, or when something speaks against them. Not fewer than a roster's members: everybody in every
		/// window. 0 is taken as 1.
		type HeartbeatQuota: Get<u32>;

		/// How many others each member probes; everybody else where the roster is that small.
		type Probes: Get<u32>;

		/// How many blocks a node's finality may be behind that of the node that probes it.
		type FinalityLag: Get<u32>;

		/// For how many seconds a node must have seen no vote of a member to report it.
		type VoteSilence: Get<u32>;

		/// Where the draw of who probes whom comes from.
		type Randomness: Randomness<Self::Hash, BlockNumberFor<Self>>;

		/// Whose finality votes are missing.
		type VoteKeys: VoteKeys<Self::AccountId>;

		/// What a registration costs while it is there: usually a deposit on hold, returned by `deregister`.
		type Consideration: Consideration<Self::AccountId, Footprint> + MaxEncodedLen;

		/// For how many blocks a registration is good without a renewal. Nodes renew it after half of that.
		type RegistrationLifetime: Get<BlockNumberFor<Self>>;

		/// The share of the active set under suspicion at once above which the outage is systemic (I3).
		type SystemicThreshold: Get<Perbill>;

		/// The priority of heartbeats, reports and renewals in the transaction pool.
		#[pallet::constant]
		type HeartbeatPriority: Get<TransactionPriority>;

		/// The weights of the pallet's calls and hooks.
		type WeightInfo: WeightInfo;

		/// What the benchmarks need.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkHelper: benchmarking::BenchmarkHelper<Self::AccountId>;
	}

	/// Why something is held.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// The deposit of a registration.
		Registration,
	}

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// Another roster is watched from this block on.
		RosterChanged {
			/// The new roster's id.
			roster: RosterId,
			/// How many members are active.
			active: u32,
			/// How many are in reserve.
			reserve: u32,
		},
		/// The evidence changed what is made of a member.
		VerdictChanged {
			/// The member.
			who: T::AccountId,
			/// Its index in the current roster, its seat, and the verdict.
			judged: Judged,
		},
		/// More of the active set is under suspicion at once than the systemic threshold allows.
		SystemicOutageBegan {
			/// The window that showed it.
			window: WindowIndex,
			/// How many active members are under suspicion.
			suspects: u32,
		},
		/// The active set is within the systemic threshold again.
		SystemicOutageEnded {
			/// The window that showed it.
			window: WindowIndex,
		},
		/// An account registered its node.
		Registered {
			/// The account.
			who: T::AccountId,
		},
		/// An account changed what it says of its node.
		Updated {
			/// The account.
			who: T::AccountId,
		},
		/// An account's registration is gone, and its deposit returned.
		Deregistered {
			/// The account.
			who: T::AccountId,
		},
		/// A node renewed its account's registration, which had expired, or for the first time with these versions.
		Renewed {
			/// The account.
			who: T::AccountId,
			/// The `spec_version` of the runtime that it executes.
			runtime: u32,
			/// The node's release.
			node: NodeVersion,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// The member was seen in this window already.
		AlreadySeen,
		/// The report is for another roster than the current one.
		StaleRoster,
		/// The member reported in this window already.
		AlreadyReported,
		/// The report is for another window than the running one and the one before.
		StaleWindow,
		/// The account is registered already; `update` changes what it says.
		AlreadyRegistered,
		/// The account is not registered.
		NotRegistered,
		/// The account has no session keys, and so can never be a member.
		NoKeys,
		/// Nothing can listen at this endpoint.
		BadEndpoint,
		/// A tag holds something else than printable ASCII.
		BadTag,
	}

	/// The roster's members by index.
	#[pallet::storage]
	pub type Members<T: Config> = StorageMap<_, Twox64Concat, MemberIndex, T::AccountId, OptionQuery>;

	/// The members' heartbeat keys by index, as they were when the roster was made or a session began: a new key counts
	/// when the other session keys do at the latest. One entry per member, so that a heartbeat reads one.
	#[pallet::storage]
	pub type MemberKeys<T: Config> = StorageMap<_, Identity, MemberIndex, AuthorityId, OptionQuery>;

	/// The running window, and the roster that it is of. In one item, for who reads one reads the other.
	#[pallet::storage]
	pub type Window<T: Config> = StorageValue<_, WindowOf<T>, ValueQuery>;

	/// Who was seen and who reported in the running window: a bit per member. Only [`evidence`] touches it.
	#[pallet::storage]
	pub type Marks<T> = StorageMap<_, Identity, u32, evidence::MarkChunk, ValueQuery>;

	/// The counters per member. Only [`evidence`] touches it.
	#[pallet::storage]
	pub type Counters<T> = StorageMap<_, Twox64Concat, u32, evidence::CounterChunk, ValueQuery>;

	/// The slot of the last block, from which the next block's missed slots are counted.
	#[pallet::storage]
	pub type LastSlot<T> = StorageValue<_, u64, OptionQuery>;

	/// blake2-128 of the indices of the standbys that are not ready, as of the last judgement.
	#[pallet::storage]
	pub type Unready<T> = StorageValue<_, [u8; 16], ValueQuery>;

	/// Whether the last judgement was a systemic outage.
	#[pallet::storage]
	pub type Systemic<T> = StorageValue<_, bool, ValueQuery>;

	/// Which nodes stand ready. One entry per account that pays for it.
	#[pallet::storage]
	pub type Registrations<T: Config> =
		StorageMap<_, Blake2_128Concat, T::AccountId, RegistrationOf<T>, OptionQuery>;

	/// Registrations of the first hour: without a deposit, and good for one lifetime.
	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// The accounts, which need not have session keys yet, and what they say of their nodes.
		pub registrations: Vec<(T::AccountId, Profile)>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			for (who, profile) in &self.registrations {
				assert!(Pallet::<T>::check_profile(profile).is_ok(), "{who:?} has a bad endpoint or tag");
				assert!(!Registrations::<T>::contains_key(who), "{who:?} is registered twice");
				Pallet::<T>::insert_registration(who, profile.clone(), None);
			}
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// States that a member's node is alive, signed by the member's heartbeat key.
		///
		/// Sent by the node's offchain worker for members that authored nothing in the running window. Free of charge, and
		/// operational: it gets in where blocks are full. Accepted as a general transaction only, see [`authorize`] for
		/// the checks and [`rejection`] for their codes.
		///
		/// ## Errors
		///
		/// - [`Error::AlreadySeen`]: the member authored or was heard in this window after the transaction was authorized.
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
			// Checked by `authorize_heartbeat`, the only way to the origin that this call asks for.
			_signature: AuthoritySignature,
		) -> DispatchResult {
			ensure_authorized(origin)?;
			ensure!(evidence::mark::<T>(Mark::Seen, heartbeat.index), Error::<T>::AlreadySeen);
			Ok(())
		}

		/// Reports members that fail, signed by the reporting member's heartbeat key.
		///
		/// Sent by the node's offchain worker: detector P for those that it was assigned to probe, V for those whose finality
		/// votes it does not see. Free of charge and operational, once per member, kind and window. A report is a word, not
		/// a proof: only a quorum of them counts, and with nothing else against a member it does not cost the seat, or only
		/// after longer; see [`verdict`].
		///
		/// ## Errors
		///
		/// - [`Error::StaleRoster`], [`Error::StaleWindow`]: the roster or the window changed after the transaction was
		///   authorized.
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
			evidence::mark::<T>(kind.mark(), reporter);
			if late {
				evidence::mark::<T>(kind.mark_before(), reporter);
			}
			Self::note_report(&roster, &report);
			Ok(())
		}

		/// Renews a registration, signed by the account's heartbeat key.
		///
		/// Sent by the account's node: when half of the registration's lifetime is over, or the node's release is another.
		/// Free of charge and operational. An expired registration is good again.
		///
		/// ## Errors
		///
		/// - [`Error::NotRegistered`]: the registration went after the transaction was authorized.
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
		/// - [`Error::AlreadyRegistered`], [`Error::NoKeys`], [`Error::BadEndpoint`], [`Error::BadTag`], and that of the
		///   deposit.
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::register())]
		pub fn register(origin: OriginFor<T>, profile: Profile) -> DispatchResult {
			Self::do_register(ensure_signed(origin)?, profile)
		}

		/// Changes what the caller says of its node. The deposit stays; so does the time of the last renewal.
		///
		/// ## Errors
		///
		/// - [`Error::NotRegistered`], [`Error::BadEndpoint`], [`Error::BadTag`].
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::update())]
		pub fn update(origin: OriginFor<T>, profile: Profile) -> DispatchResult {
			Self::do_update(ensure_signed(origin)?, profile)
		}

		/// Removes the caller's registration and returns the deposit. The caller keeps its seat if it has one, and gets none
		/// if it has not.
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
			let mut window = Window::<T>::get();
			let roster = window.roster;
			let noted = Self::note_slot(&roster, window.troubled);
			let mut weight = T::WeightInfo::quiet_block();
			if noted.touched > 0 {
				weight.saturating_accrue(T::WeightInfo::note_slots(noted.touched));
				weight.saturating_accrue(Self::counters(noted.touched, roster.total));
			}

			let length = T::WindowLength::get().max(1u32.into());
			let over = now >= window.started.saturating_add(length);
			let age: u32 = now.saturating_sub(window.started).saturated_into();
			let settling = judgement::settling(age, length.saturated_into());
			let settling = settling.filter(|_| window.troubled && !over);
			if over || settling.is_some() || noted.down || window.alarm {
				let mut table = EvidenceTable::<T>::read(&roster);
				if over {
					Self::close_window(now, &roster, &window, &mut table);
					// Whoever authors this block is not overdue.
					if let Some(author) = Self::current_author(&roster) {
						table.update(author, MemberEvidence::hear);
					}
					weight.saturating_accrue(T::WeightInfo::close_window(roster.total));
				} else {
					window.alarm = false;
					window.troubled = true;
					Window::<T>::put(window);
				}
				if let Some(authors_too) = settling {
					Self::settle(&roster, authors_too, &mut table);
				}
				let (changed, acting) = Self::conclude(&roster, table);
				let judged = if over { changed } else { roster.total };
				weight.saturating_accrue(T::WeightInfo::judge(judged));
				weight.saturating_accrue(Self::counters(roster.total, roster.total));
				weight.saturating_accrue(acting);
			} else if noted.touched > 0 && !window.troubled {
				window.troubled = true;
				Window::<T>::put(window);
			}
			// The block's author is alive in the window that the block belongs to, so this comes last.
			if let Some(author) = Self::current_author(&roster) {
				evidence::mark::<T>(Mark::Seen, author);
			}
			weight
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
		/// Every member of the roster with its evidence, the verdict on it as of now, and since when its health is so.
		pub fn roster_status() -> RosterStatus<T::AccountId> {
			Self::status()
		}

		/// What one account's evidence says as of now; `None` where it is no member.
		pub fn member_status(who: T::AccountId) -> Option<Judged> {
			Self::status().members.into_iter().find(|(member, _)| *member == who).map(|(_, judged)| judged)
		}

		/// An account's registration, and whether it is current.
		pub fn registration(who: T::AccountId) -> Option<(RegistrationOf<T>, bool)> {
			use understudy_primitives::Registrations as _;
			Some((Registrations::<T>::get(&who)?, Self::is_current(&who)))
		}
	}
}

impl<T: Config> Pallet<T> {
	/// What a heartbeat costs more where its mark may be in another chunk than that of the block's author, which the block
	/// has paid for.
	pub fn other_mark() -> Weight {
		let chunks = T::MaxMembers::get().div_ceil(evidence::MARKS_PER_CHUNK);
		if chunks <= 1 {
			return Weight::zero();
		}
		let proof = (evidence::MarkChunk::max_encoded_len() as u64).saturating_add(MARK_PROOF);
		T::DbWeight::get().reads_writes(1, 1).saturating_add(Weight::from_parts(0, proof))
	}

	/// What reading and writing the counters of so many members takes of the database, in a roster of `total`. The benchmarks
	/// count reads and writes by whole numbers for each member; of chunks there is a fraction.
	pub fn counters(members: u32, total: u32) -> Weight {
		let chunks = evidence::chunks_of(members, total).into();
		T::DbWeight::get().reads_writes(chunks, chunks)
	}

	fn counters_reported(targets: usize) -> Weight {
		Self::counters(targets.saturated_into(), T::MaxMembers::get())
	}

	/// Checks what must hold between blocks: the roster, its members and its evidence agree in size, nobody is a member
	/// twice, nothing is kept of who is not a member, and what is registered is well-formed.
	pub fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
		use frame_support::ensure;
		let roster = Window::<T>::get().roster;
		ensure!(roster.active <= roster.total, "more active members than members");
		ensure!(roster.total <= T::MaxMembers::get(), "more members than MaxMembers");
		let accounts: alloc::collections::BTreeSet<_> =
			(0..roster.total).filter_map(Members::<T>::get).collect();
		ensure!(accounts.len() as u32 == roster.total, "a member is missing or there twice");
		ensure!(Members::<T>::iter().count() as u32 == roster.total, "members beyond the roster");
		ensure!(MemberKeys::<T>::iter_keys().all(|index| index < roster.total), "keys beyond the roster");
		for registration in Registrations::<T>::iter_values() {
			ensure!(Self::check_profile(&registration.profile).is_ok(), "a malformed registration");
			let now = frame_system::Pallet::<T>::block_number();
			ensure!(registration.renewed <= now, "a registration was renewed in the future");
		}
		evidence::try_state::<T>(&roster)
	}
}
