//! The roster together with a judgement on it.

use alloc::{collections::BTreeSet, vec::Vec};
use understudy_primitives::{Judged, Judgement, MemberIndex, Seat, Verdict};

use crate::{Active, Config, Reserve};

/// Returns `true` if the judged member is active and fails.
pub(crate) fn fails_in_seat(judged: &Judged) -> bool {
	judged.seat == Seat::Active && judged.is_failing()
}

/// Roster and judgement.
pub(crate) struct RosterView<'a, T: Config> {
	pub active: Vec<T::AccountId>,
	pub reserve: Vec<T::AccountId>,
	pub judgement: &'a Judgement,
}

impl<'a, T: Config> RosterView<'a, T> {
	pub fn of(judgement: &'a Judgement) -> Self {
		let (active, reserve) = (Active::<T>::get().into_inner(), Reserve::<T>::get().into_inner());
		Self { active, reserve, judgement }
	}

	fn account(&self, index: MemberIndex) -> Option<&T::AccountId> {
		let index = index as usize;
		self.active.get(index).or_else(|| self.reserve.get(index.checked_sub(self.active.len())?))
	}

	/// Returns the members of the roster that are not healthy.
	pub fn unhealthy(&self) -> impl Iterator<Item = (&T::AccountId, &Judged)> {
		self.judgement.unhealthy.iter().filter_map(|judged| Some((self.account(judged.index)?, judged)))
	}

	/// Returns the members that are not healthy as a set, for lookups.
	pub fn unhealthy_set(&self) -> BTreeSet<&T::AccountId> {
		self.unhealthy().map(|(who, _)| who).collect()
	}

	/// Returns the active members that fail, with the verdicts on them.
	pub fn failing(&self) -> impl Iterator<Item = (&T::AccountId, Verdict)> {
		self.unhealthy()
			.filter(|(_, judged)| fails_in_seat(judged))
			.map(|(who, judged)| (who, judged.verdict))
	}

	/// Returns the judgement on an active member that fails; `None` if it does not.
	pub fn failure(&self, who: &T::AccountId) -> Option<&Judged> {
		self.unhealthy()
			.find(|(other, judged)| *other == who && fails_in_seat(judged))
			.map(|(_, judged)| judged)
	}
}
