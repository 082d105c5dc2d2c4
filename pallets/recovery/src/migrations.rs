//! Migrations of the pallet's storage.
//!
//! | version | changes |
//! |---|---|
//! | 0 | the first layout |
//! | 1 | reports by seat instead of those of the last authors; rosters with keys and readiness; the stall; keys of voters by proposal |

use alloc::{collections::BTreeMap, vec::Vec};
use codec::{Decode, Encode};
use core::marker::PhantomData;
use frame_support::{
	migrations::VersionedMigration,
	pallet_prelude::*,
	storage::unhashed,
	traits::{Get, UncheckedOnRuntimeUpgrade},
};
use understudy_primitives::{
	crypto::AuthorityId, tolerated_faults, BlockId, Electorate, IncidentId, Mode, Moment, Stall,
};

use crate::{
	electorate::Refresh,
	in_flight::{InFlight, Roster, Voter},
	view::View,
	Config, Pallet, Rosters, RostersOf, Stalled, State, Status, Votes, WeightInfo,
};

/// First layout.
pub mod v0 {
	use super::*;

	/// Reports of the last authors, and the finality that followed from them.
	#[derive(Encode, Decode)]
	pub struct View {
		/// Seats and the blocks that they reported.
		pub words: Vec<(u32, u32)>,
		/// Block up to which the chain was final.
		pub finalized: u32,
		/// Time of the last rise.
		pub since: Moment,
	}

	/// State of the pallet.
	#[derive(Encode, Decode)]
	pub struct State<Hash> {
		/// Current mode. See [`crate::State`], here and below.
		pub mode: Mode,
		/// Beginning of the mode.
		pub since: Moment,
		/// Finality view.
		pub view: View,
		/// Block of the last report.
		pub last_report: u32,
		/// Number of seats of the active set.
		pub seats: u32,
		/// Incident of the stall.
		pub incident: IncidentId,
		/// Stall anchor.
		pub anchor: Option<BlockId<Hash>>,
		/// Proposal.
		pub proposal: Option<BlockId<Hash>>,
		/// Number of members present.
		pub present: u32,
		/// `true` if the change is forced.
		pub forced: bool,
		/// Resume height.
		pub resume_height: Option<u32>,
		/// Finality base.
		pub base: u32,
		/// Authority sets in flight.
		pub sets: Vec<(u32, u64)>,
		/// `true` if the guardians have vetoed a recovery.
		pub vetoed: bool,
		/// Block of the last recovery.
		pub recovered: Option<u32>,
		/// `true` if the last block was congested.
		pub congested: bool,
	}

	/// Rosters in flight: the block, the number of active members, and the members.
	pub type Rosters<AccountId> = Vec<(u32, (u32, Vec<AccountId>))>;
}

/// Reads the state in the first layout.
fn first_state<T: Config>() -> Option<v0::State<T::Hash>> {
	unhashed::get(&Status::<T>::hashed_key())
}

/// Converts the rosters to version 1, with the keys that are in force now.
fn rosters<T: Config>(old: v0::Rosters<T::AccountId>, finalized: u32) -> RostersOf<T> {
	let keys: BTreeMap<T::AccountId, Option<AuthorityId>> = T::Electorate::members().into_iter().collect();
	let mut all = RostersOf::<T>::default();
	for (since, (active, members)) in old {
		// In version 0 every member counted.
		let voters = members.into_iter().map(|who| Voter {
			key: keys.get(&who).cloned().flatten(),
			who,
			counts: true,
		});
		let members = BoundedVec::truncate_from(voters.collect());
		all.push(since, Roster { active, members }, finalized);
	}
	all
}

/// Migrates from version 0 to 1 without a check of the version, see [`MigrateV0ToV1`].
pub struct UncheckedV0ToV1<T>(PhantomData<T>);

impl<T: Config> UncheckedOnRuntimeUpgrade for UncheckedV0ToV1<T> {
	fn on_runtime_upgrade() -> Weight {
		let Some(old) = first_state::<T>() else { return T::DbWeight::get().reads(1) };
		let v0::View { finalized, since, .. } = old.view;
		Rosters::<T>::put(rosters::<T>(
			unhashed::get(&Rosters::<T>::hashed_key()).unwrap_or_default(),
			finalized,
		));
		let mut sets = InFlight::default();
		for (since, set) in old.sets {
			sets.push(since, set, finalized);
		}
		let state = State {
			mode: old.mode,
			since: old.since,
			view: View { finalized, since, still: 0 },
			last_report: old.last_report,
			seats: old.seats,
			// Readiness is read as soon as the chain is safe.
			refresh: Refresh::Keys,
			incident: old.incident,
			anchor: old.anchor,
			proposal: old.proposal,
			round: 0,
			present: old.present,
			forced: old.forced,
			resume_height: old.resume_height,
			base: old.base,
			sets,
			vetoed: old.vetoed,
			recovered: old.recovered,
			congested: old.congested,
		};
		if state.mode != Mode::Safe {
			let reports = tolerated_faults(state.seats).saturating_add(1);
			Stalled::<T>::put(Stall { finalized, since, noticed: state.since, reports });
		}
		Status::<T>::put(&state);
		// Voters of the existing votes can be charged from now on.
		Pallet::<T>::open_ballot(&state);
		if let Some(proposal) = state.proposal {
			for cast in Votes::<T>::get() {
				Pallet::<T>::keep_key(&state, &cast.who, &proposal);
			}
		}
		T::WeightInfo::refresh(T::MaxMembers::get())
			.saturating_add(T::WeightInfo::change(T::MaxMembers::get()))
	}

	#[cfg(feature = "try-runtime")]
	fn pre_upgrade() -> Result<Vec<u8>, sp_runtime::TryRuntimeError> {
		let state = first_state::<T>().map(|state| (state.mode, state.view.finalized, state.proposal));
		Ok((state, Votes::<T>::get().len() as u32).encode())
	}

	#[cfg(feature = "try-runtime")]
	fn post_upgrade(before: Vec<u8>) -> Result<(), sp_runtime::TryRuntimeError> {
		type Before<Hash> = (Option<(Mode, u32, Option<BlockId<Hash>>)>, u32);
		let (before, votes) =
			Before::<T::Hash>::decode(&mut &before[..]).map_err(|_| "the state before cannot be read")?;
		let Some((mode, finalized, proposal)) = before else { return Ok(()) };
		let state = Status::<T>::get();
		ensure!(
			(state.mode, state.view.finalized, state.proposal) == (mode, finalized, proposal),
			"the mode, finality or the proposal was lost"
		);
		ensure!(Votes::<T>::get().len() as u32 == votes, "votes were lost");
		Pallet::<T>::do_try_state()
	}
}

/// Migrates from version 0 to 1, once.
pub type MigrateV0ToV1<T> =
	VersionedMigration<0, 1, UncheckedV0ToV1<T>, Pallet<T>, <T as frame_system::Config>::DbWeight>;
