//! Finds the standbys that can be seated.

use alloc::{collections::BTreeSet, vec::Vec};
use frame_support::traits::ValidatorRegistration;
use understudy_primitives::{Registrations, Tags};

use crate::{
	roster_view::RosterView,
	selection::{self, Candidate, Eligibility},
	Config, Elected, Pallet,
};

impl<T: Config> Pallet<T> {
	/// Returns `true` if an account that is not active can be seated: it has session keys, and its
	/// node has renewed its registration in time.
	pub(crate) fn can_be_seated(who: &T::AccountId) -> bool {
		T::SessionKeys::is_registered(who) && T::Registrations::is_current(who)
	}

	/// Returns the tags that a member registered.
	pub(crate) fn tags(who: &T::AccountId) -> Tags {
		T::Registrations::current(who).unwrap_or_default()
	}

	/// Returns the best `seats` of the reserve that can be seated now: healthy, still elected,
	/// able, neither jailed, on probation, retired nor expelled, and not among the `staying`
	/// members.
	pub(crate) fn standbys(
		staying: &[T::AccountId],
		seats: usize,
		view: &RosterView<T>,
	) -> Vec<T::AccountId> {
		let unhealthy_set = view.unhealthy_set();
		let fit = |who: &T::AccountId| !unhealthy_set.contains(who) && !staying.contains(who);
		Self::best_standbys(staying, seats, &view.reserve, fit)
	}

	/// Returns the best `seats` of the reserve that are `fit`, still elected, able, and neither
	/// jailed, on probation, retired nor expelled.
	pub(crate) fn best_standbys(
		staying: &[T::AccountId],
		seats: usize,
		reserve: &[T::AccountId],
		fit: impl Fn(&T::AccountId) -> bool,
	) -> Vec<T::AccountId> {
		let absent = Self::absent();
		let ready: BTreeSet<&T::AccountId> =
			reserve.iter().filter(|who| fit(who) && !absent.contains(who)).collect();
		let candidates = Elected::<T>::get()
			.into_iter()
			.filter(|winner| ready.contains(&winner.who))
			.map(|winner| Candidate {
				who: winner.who,
				backing: winner.backing,
				eligibility: Eligibility::Proven,
				sits: false,
			})
			.collect();
		selection::best(
			staying,
			candidates,
			seats,
			0,
			|candidate| Self::can_be_seated(&candidate.who),
			Self::tags,
		)
	}
}
