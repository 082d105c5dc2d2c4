//! Invariants of the storage.

use alloc::collections::BTreeSet;
use frame_support::ensure;

use crate::{
	selection, Active, Cases, Conducts, Config, Elected, Held, Pallet, Pending, Progress, Reserve,
	ResumeAfter, Retiring, Stage, Suspicions,
};

impl<T: Config> Pallet<T> {
	/// Checks the invariants that hold between blocks: each account has at most one place in the
	/// roster; changes are pending if and only if their progress is not idle; no more members lost
	/// their seats in the cool-off than the cap allows (I1); the elected members are unique and
	/// ordered by backing; each member has at most one outage history, one case and one suspicion;
	/// only active members are retiring, each once; and no expelled member is to be seated.
	pub fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
		let (active, reserve) = (Active::<T>::get(), Reserve::<T>::get());
		let accounts: BTreeSet<_> = active.iter().chain(reserve.iter()).collect();
		ensure!(accounts.len() == active.len().saturating_add(reserve.len()), "somebody sits twice");
		let idle = Progress::<T>::get() == Stage::Idle;
		ensure!(
			idle == Pending::<T>::get().is_empty(),
			"changes are pending and nothing is on its way, or not"
		);
		ensure!(
			Held::<T>::exists() || !ResumeAfter::<T>::exists(),
			"rotation is to resume, and there is no systemic outage"
		);
		let recent = Self::counted_evictions();
		ensure!(
			recent.last().is_none_or(|last| recent.len() as u32 <= selection::cap(last.seated)),
			"more members lost their seats than the cap allows"
		);
		let elected = Elected::<T>::get();
		let unique: BTreeSet<_> = elected.iter().map(|winner| &winner.who).collect();
		ensure!(unique.len() == elected.len(), "somebody was elected twice");
		ensure!(
			elected.windows(2).all(|pair| pair[0].backing >= pair[1].backing),
			"the elected are not in the order of their backing"
		);
		let conducts = Conducts::<T>::get();
		let unique: BTreeSet<_> = conducts.iter().map(|(who, _)| who).collect();
		ensure!(unique.len() == conducts.len(), "of somebody two things are remembered");
		let cases = Cases::<T>::get();
		let unique: BTreeSet<_> = cases.iter().map(|case| &case.who).collect();
		ensure!(unique.len() == cases.len(), "somebody has two cases");
		let suspicions = Suspicions::<T>::get();
		let unique: BTreeSet<_> = suspicions.iter().map(|suspicion| &suspicion.who).collect();
		ensure!(unique.len() == suspicions.len(), "a member is suspected twice");
		let retiring = Retiring::<T>::get();
		let unique: BTreeSet<_> = retiring.iter().filter(|who| active.contains(who)).collect();
		ensure!(unique.len() == retiring.len(), "somebody retires twice, or from no seat");
		Self::try_expelled()
	}
}
