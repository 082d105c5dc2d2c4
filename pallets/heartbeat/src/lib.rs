//! # Heartbeat pallet
//!
//! Evidence in, a verdict with a confidence out: who of the roster is alive, on whose word, and how sure that is.
//!
//! ## Overview
//!
//! The roster is the active set plus the reserve. Time is cut into *windows* of [`Config::WindowLength`] blocks. Two
//! detectors watch every member:
//!
//! - **S, slots**: the slots of its own that an active member missed in a row. Comes from the chain's digests alone; costs
//!   nothing while all is well.
//! - **H, heartbeats**: the windows in a row that passed without a sign of life. Authoring a block is one, so authors
//!   send nothing; who authored nothing in a window sends one signed [`Pallet::heartbeat`].
//!
//! When a window ends, or a missed slot makes a member *down*, [`verdict`] turns every member's evidence into a
//! [`Verdict`](understudy_primitives::Verdict), and whoever acts on it is told by
//! [`JudgementHandler`]. The pallet itself evicts nobody.
//!
//! ## What an integrator must know
//!
//! - The pallet hears of the roster through [`RosterHandler`], of slots through [`Slots`], of keys through
//!   [`HeartbeatKeys`]. It knows no consensus and no session pallet.
//! - In the runtime it stands **after** the pallet that notes the current slot and **before** the session pallet: missed
//!   slots belong to the set that the previous block left behind.
//! - `frame_system::AuthorizeCall` must be among the transaction extensions.
//!
//! ## Low level
//!
//! Evidence lives in chunks (see [`evidence`]): one of 128 bytes that says who was seen in the running window, one with
//! the counters of 128 members. A heartbeat touches the first kind only; a quiet window's end writes no counter at all.
//! Authorized transactions that are turned away carry a stable code, see [`rejection`].

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod authorize;
pub mod evidence;
pub mod offchain;
pub mod rejection;
pub mod verdict;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use authorize::Heartbeat;
pub use pallet::*;
pub use verdict::Thresholds;
pub use weights::WeightInfo;

use alloc::{collections::BTreeMap, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use evidence::{EvidenceTable, MemberEvidence};
use frame_support::{traits::Get, weights::Weight};
use frame_system::pallet_prelude::BlockNumberFor;
use scale_info::TypeInfo;
use sp_runtime::{traits::Saturating, Perbill};
use understudy_primitives::{
	api::RosterStatus,
	crypto::{AuthorityId, AuthoritySignature},
	Health, HeartbeatKeys, Judged, Judgement, JudgementHandler, MemberIndex, RosterHandler, RosterId, Seat,
	Slots, Verdicts, WindowIndex,
};

/// The roster as the evidence is kept for it.
#[derive(
	Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct RosterInfo {
	/// Its id; heartbeats name it.
	pub id: RosterId,
	/// How many members are active: the indices below it.
	pub active: u32,
	/// How many members there are, reserve included.
	pub total: u32,
}

impl RosterInfo {
	/// Where the member of this index sits; the index must be below `total`.
	pub fn seat(&self, index: MemberIndex) -> Seat {
		if index < self.active {
			Seat::Active
		} else {
			Seat::Reserve
		}
	}
}

/// The running window.
#[derive(
	Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct WindowInfo<BlockNumber> {
	/// Its number; heartbeats name it.
	pub index: WindowIndex,
	/// Its first block. A new roster starts a new window with the next block, so that no window spans two rosters.
	pub started: BlockNumber,
}

/// What a block's slot showed.
#[derive(Clone, Copy, Default)]
struct NotedSlots {
	/// How many slots were charged, at most one round.
	missed: u32,
	/// Whether a charged member is down by now, so that there is no need to wait for the window's end.
	down: bool,
}

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use frame_support::pallet_prelude::*;
	use frame_system::{
		offchain::CreateAuthorizedTransaction,
		pallet_prelude::{ensure_authorized, OriginFor},
	};

	#[pallet::pallet]
	pub struct Pallet<T>(_);

	/// # Requirements
	///
	/// `frame_system::AuthorizeCall` is among the runtime's transaction extensions.
	#[pallet::config]
	pub trait Config: CreateAuthorizedTransaction<Call<Self>> + frame_system::Config {
		/// Where a member's heartbeat key is looked up.
		type Keys: HeartbeatKeys<Self::AccountId, AuthorityId>;

		/// Who should have authored, and who did.
		type Slots: Slots;

		/// Who acts on a window's judgement.
		type OnJudgement: JudgementHandler;

		/// The most members a roster can have, reserve included. Members beyond it are not watched.
		#[pallet::constant]
		type MaxMembers: Get<u32>;

		/// How many blocks a window has. At least 1; a change takes effect for the running window.
		type WindowLength: Get<BlockNumberFor<Self>>;

		/// From which counts on a detector fires, and what its word weighs.
		type Thresholds: Get<Thresholds>;

		/// For how many windows a newcomer, or a member that was just seated, is given no minus.
		type GraceWindows: Get<u8>;

		/// The share of the active set under suspicion at once above which the outage is systemic (I3).
		type SystemicThreshold: Get<Perbill>;

		/// The priority of heartbeats in the transaction pool.
		#[pallet::constant]
		type HeartbeatPriority: Get<TransactionPriority>;

		/// The weights of the pallet's call and hooks.
		type WeightInfo: WeightInfo;
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
		/// A window's evidence changed what is made of a member.
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
	}

	#[pallet::error]
	pub enum Error<T> {
		/// The member was seen in this window already.
		AlreadySeen,
		/// The heartbeat is for another roster than the current one.
		StaleRoster,
	}

	/// The roster that is watched.
	#[pallet::storage]
	pub type Roster<T> = StorageValue<_, RosterInfo, ValueQuery>;

	/// The roster's members by index. One entry per member, so that a heartbeat reads one.
	#[pallet::storage]
	pub type Members<T: Config> = StorageMap<_, Twox64Concat, MemberIndex, T::AccountId, OptionQuery>;

	/// The running window.
	#[pallet::storage]
	pub type Window<T: Config> = StorageValue<_, WindowInfo<BlockNumberFor<T>>, ValueQuery>;

	/// Who was seen in the running window: a bit per member. Only [`evidence`] touches it.
	#[pallet::storage]
	pub type Seen<T> = StorageMap<_, Twox64Concat, u32, evidence::SeenChunk, OptionQuery>;

	/// The counters per member. Only [`evidence`] touches it.
	#[pallet::storage]
	pub type Counters<T> = StorageMap<_, Twox64Concat, u32, evidence::CounterChunk, ValueQuery>;

	/// The slot of the last block, from which the next block's missed slots are counted.
	#[pallet::storage]
	pub type LastSlot<T> = StorageValue<_, u64, OptionQuery>;

	/// Whether the last judged window was a systemic outage.
	#[pallet::storage]
	pub type Systemic<T> = StorageValue<_, bool, ValueQuery>;

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
		/// - [`Error::StaleRoster`]: the roster changed after the transaction was authorized.
		#[pallet::call_index(0)]
		#[pallet::weight((T::WeightInfo::heartbeat(), DispatchClass::Operational))]
		#[pallet::weight_of_authorize(T::WeightInfo::authorize_heartbeat())]
		#[pallet::authorize(Self::authorize_heartbeat)]
		pub fn heartbeat(
			origin: OriginFor<T>,
			heartbeat: Heartbeat,
			// Checked by `authorize_heartbeat`, the only way to the origin that this call asks for.
			_signature: AuthoritySignature,
		) -> DispatchResult {
			ensure_authorized(origin)?;
			let roster = Roster::<T>::get();
			ensure!(roster.id == heartbeat.roster && heartbeat.index < roster.total, Error::<T>::StaleRoster);
			ensure!(evidence::see::<T>(heartbeat.index), Error::<T>::AlreadySeen);
			// A missed slot may be judged before the window ends: a member that was heard is not silent.
			let mut table = EvidenceTable::<T>::lazy(&roster);
			table.update(heartbeat.index, MemberEvidence::hear);
			table.write();
			Ok(())
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_initialize(now: BlockNumberFor<T>) -> Weight {
			let roster = Roster::<T>::get();
			let noted = Self::note_slot(&roster);
			let mut weight = T::WeightInfo::note_slots(noted.missed);

			let window = Window::<T>::get();
			let over = now >= window.started.saturating_add(T::WindowLength::get().max(1u32.into()));
			if over || noted.down {
				weight.saturating_accrue(T::WeightInfo::close_window(roster.total));
				let mut evidence = EvidenceTable::<T>::read(&roster);
				if over {
					Self::close_window(now, &roster, window.index, &mut evidence);
				}
				weight.saturating_accrue(Self::conclude(&roster, window.index, evidence));
			}
			// The block's author is alive in the window that the block belongs to, so this comes last.
			if let Some(author) = Self::current_author(&roster) {
				evidence::see::<T>(author);
			}
			weight
		}

		fn offchain_worker(now: BlockNumberFor<T>) {
			if sp_io::offchain::is_validator() {
				Self::send_heartbeats(now);
			}
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// Every member of the roster with the verdict on it as of now.
		pub fn roster_status() -> RosterStatus<T::AccountId> {
			let roster = Roster::<T>::get();
			let evidence = EvidenceTable::<T>::read(&roster);
			let thresholds = T::Thresholds::get();
			let members = evidence
				.iter()
				.filter_map(|(index, member)| {
					Some((Members::<T>::get(index)?, Self::judge(&roster, &thresholds, index, member)))
				})
				.collect();
			RosterStatus {
				roster: roster.id,
				window: Window::<T>::get().index,
				systemic: Self::judge_all(&roster, &evidence).systemic,
				members,
			}
		}
	}
}

impl<T: Config> Pallet<T> {
	/// The author of the block that is being built, as an index in the active set.
	fn current_author(roster: &RosterInfo) -> Option<MemberIndex> {
		T::Slots::author_of(T::Slots::current()?, roster.active).filter(|index| *index < roster.active)
	}

	/// Detector S: charges the slots since the last block to their authors, and clears this block's author.
	fn note_slot(roster: &RosterInfo) -> NotedSlots {
		let Some(slot) = T::Slots::current() else { return NotedSlots::default() };
		let Some(last) = LastSlot::<T>::mutate(|last| last.replace(slot)) else {
			return NotedSlots::default();
		};
		let missed = T::Slots::authors_between(last, slot, roster.active);

		let mut table = EvidenceTable::<T>::lazy(roster);
		for index in &missed {
			table.update(*index, MemberEvidence::miss_slot);
		}
		if let Some(author) = Self::current_author(roster) {
			table.update(author, MemberEvidence::author);
		}
		let down = !missed.is_empty() && {
			let thresholds = T::Thresholds::get();
			let is_down = |index: &MemberIndex| {
				table
					.get(*index)
					.is_some_and(|member| Self::judge(roster, &thresholds, *index, member).is_down())
			};
			missed.iter().any(is_down)
		};
		table.write();
		NotedSlots { missed: missed.len() as u32, down }
	}

	/// Detector H: ends the window, counts who was silent in it, and starts the next one.
	fn close_window(
		now: BlockNumberFor<T>,
		roster: &RosterInfo,
		window: WindowIndex,
		evidence: &mut EvidenceTable<T>,
	) {
		let seen = evidence::take_seen::<T>(roster);
		for index in 0..roster.total {
			let alive = seen.contains(index);
			evidence.update(index, |member| member.end_window(alive));
		}
		Window::<T>::put(WindowInfo { index: window.saturating_add(1), started: now });
	}

	/// Judges everybody, tells of what changed, and hands the judgement to whoever acts on it. Returns the weight that acting
	/// took.
	fn conclude(roster: &RosterInfo, window: WindowIndex, mut evidence: EvidenceTable<T>) -> Weight {
		let judgement = Judgement { window, ..Self::judge_all(roster, &evidence) };
		let thresholds = T::Thresholds::get();
		for index in 0..roster.total {
			let Some(member) = evidence.get(index) else { continue };
			let judged = Self::judge(roster, &thresholds, index, member);
			let health = judged.verdict.health;
			if health != member.health {
				evidence.update(index, |member| {
					member.health = health;
					true
				});
				if let Some(who) = Members::<T>::get(index) {
					Self::deposit_event(Event::VerdictChanged { who, judged });
				}
			}
		}
		evidence.write();

		if Systemic::<T>::get() != judgement.systemic {
			Systemic::<T>::put(judgement.systemic);
			Self::deposit_event(if judgement.systemic {
				Event::SystemicOutageBegan { window, suspects: verdict::suspects(&judgement.unhealthy) }
			} else {
				Event::SystemicOutageEnded { window }
			});
		}
		T::OnJudgement::on_judgement(&judgement)
	}

	fn judge(
		roster: &RosterInfo,
		thresholds: &Thresholds,
		index: MemberIndex,
		member: &MemberEvidence,
	) -> Judged {
		let seat = roster.seat(index);
		let verdict = verdict::verdict(member, seat, thresholds);
		Judged { index, seat, verdict, grace: member.grace }
	}

	fn judge_all(roster: &RosterInfo, evidence: &EvidenceTable<T>) -> Judgement {
		let thresholds = T::Thresholds::get();
		let unhealthy: Vec<Judged> = evidence
			.iter()
			.map(|(index, member)| Self::judge(roster, &thresholds, index, member))
			.filter(|judged| judged.verdict.health != Health::Healthy)
			.collect();
		let systemic =
			verdict::systemic(verdict::suspects(&unhealthy), roster.active, T::SystemicThreshold::get());
		Judgement { window: Window::<T>::get().index, unhealthy, systemic }
	}

	/// Checks what must hold between blocks: the roster, its members and its evidence agree in size, nobody is a member
	/// twice, and nothing is kept of who is not a member.
	pub fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
		use frame_support::ensure;
		let roster = Roster::<T>::get();
		ensure!(roster.active <= roster.total, "more active members than members");
		ensure!(roster.total <= T::MaxMembers::get(), "more members than MaxMembers");
		let accounts: alloc::collections::BTreeSet<_> =
			(0..roster.total).filter_map(Members::<T>::get).collect();
		ensure!(accounts.len() as u32 == roster.total, "a member is missing or there twice");
		ensure!(Members::<T>::iter().count() as u32 == roster.total, "members beyond the roster");
		evidence::try_state::<T>(&roster)
	}
}

impl<T: Config> RosterHandler<T::AccountId> for Pallet<T> {
	fn on_roster(active: &[T::AccountId], reserve: &[T::AccountId]) {
		let old = Roster::<T>::get();
		let mut known: BTreeMap<T::AccountId, (Seat, MemberEvidence)> = EvidenceTable::<T>::read(&old)
			.iter()
			.filter_map(|(index, member)| Some((Members::<T>::get(index)?, (old.seat(index), *member))))
			.collect();

		let max = T::MaxMembers::get() as usize;
		let members: Vec<&T::AccountId> = active.iter().chain(reserve).take(max).collect();
		let new = RosterInfo {
			id: old.id.saturating_add(1),
			active: active.len().min(max) as u32,
			total: members.len() as u32,
		};
		let grace = T::GraceWindows::get();
		let evidence = members.iter().enumerate().map(|(index, who)| match known.remove(*who) {
			Some((was, member)) if was == new.seat(index as u32) => member,
			Some((_, member)) => member.reseated(grace),
			None => MemberEvidence::newcomer(grace),
		});
		EvidenceTable::<T>::replace(&old, evidence.collect());
		evidence::clear_seen::<T>(&old);

		for (index, who) in members.iter().enumerate() {
			let index = index as MemberIndex;
			if Members::<T>::get(index).as_ref() != Some(who) {
				Members::<T>::insert(index, who);
			}
		}
		(new.total..old.total).for_each(Members::<T>::remove);
		Roster::<T>::put(new);
		Window::<T>::mutate(|window| {
			window.index = window.index.saturating_add(1);
			window.started = frame_system::Pallet::<T>::block_number().saturating_add(1u32.into());
		});
		Self::deposit_event(Event::RosterChanged {
			roster: new.id,
			active: new.active,
			reserve: new.total.saturating_sub(new.active),
		});
	}
}

impl<T: Config> Verdicts for Pallet<T> {
	fn judgement() -> Judgement {
		let roster = Roster::<T>::get();
		Self::judge_all(&roster, &EvidenceTable::<T>::read(&roster))
	}
}

impl<T: Config> sp_runtime::BoundToRuntimeAppPublic for Pallet<T> {
	type Public = AuthorityId;
}

/// Makes the heartbeat key one of the chain's session keys. The pallet looks keys up when it needs them and keeps no copy,
/// so there is nothing to do here.
impl<T: Config> frame_support::traits::OneSessionHandler<T::AccountId> for Pallet<T> {
	type Key = AuthorityId;

	fn on_genesis_session<'a, I>(_: I)
	where
		I: 'a + Iterator<Item = (&'a T::AccountId, Self::Key)>,
		T::AccountId: 'a,
	{
	}

	fn on_new_session<'a, I>(_: bool, _: I, _: I)
	where
		I: 'a + Iterator<Item = (&'a T::AccountId, Self::Key)>,
		T::AccountId: 'a,
	{
	}

	fn on_disabled(_: u32) {}
}
