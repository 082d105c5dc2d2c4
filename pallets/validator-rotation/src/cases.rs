//! Opens and closes the guardians' cases.

use alloc::{collections::BTreeSet, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::traits::Get;
use scale_info::TypeInfo;
use sp_runtime::traits::Saturating;
use understudy_primitives::{Evidence, FailoverLog, IncidentId, RecordKind, Verdict};

use crate::{roster_view::RosterView, Cases, Config, Event, Pallet};

/// A failing member that automation does not act on, submitted to the guardians.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Case<AccountId, BlockNumber> {
	/// Incident, which identifies the case.
	pub incident: IncidentId,
	/// Failing member.
	pub who: AccountId,
	/// Verdict on the member when the case was opened.
	pub verdict: Verdict,
	/// First block in which the case is closed.
	pub expires: BlockNumber,
	/// `true` if the guardians let the member keep its seat until then.
	pub vetoed: bool,
}

impl<T: Config> Pallet<T> {
	/// Opens a case about a failing member, unless it has one or the bound on cases is reached.
	pub(crate) fn open_case(who: &T::AccountId, verdict: Verdict) {
		let mut cases = Cases::<T>::get();
		if cases.is_full() || cases.iter().any(|case| case.who == *who) {
			return;
		}
		let incident = Self::incident_of(who).unwrap_or_else(T::Log::open_incident);
		let expires = frame_system::Pallet::<T>::block_number().saturating_add(T::CaseLifetime::get());
		let evidence = alloc::vec![Evidence::Verdict(verdict)];
		Self::note_of(incident, RecordKind::CaseOpened, who, evidence);
		Self::deposit_event(Event::CaseOpened { incident, who: who.clone(), verdict });
		let case = Case { incident, who: who.clone(), verdict, expires, vetoed: false };
		if cases.try_push(case).is_ok() {
			Cases::<T>::put(cases);
		}
	}

	/// Closes the cases that have expired, and those of members that recovered or lost their seats.
	/// A vetoed case stays until it expires or the member loses its seat.
	pub(crate) fn review_cases(view: &RosterView<T>) {
		let now = frame_system::Pallet::<T>::block_number();
		let failing: BTreeSet<&T::AccountId> = view.failing().map(|(who, _)| who).collect();
		let mut cases = Cases::<T>::get();
		let before = cases.len();
		cases.retain(|Case { incident, who, expires, vetoed, .. }| {
			let stays = now < *expires && view.active.contains(who) && (*vetoed || failing.contains(who));
			if !stays {
				Self::note_of(*incident, RecordKind::CaseClosed, who, Vec::new());
				Self::deposit_event(Event::CaseClosed { incident: *incident });
			}
			stays
		});
		if cases.len() != before {
			Cases::<T>::put(cases);
		}
	}
}
