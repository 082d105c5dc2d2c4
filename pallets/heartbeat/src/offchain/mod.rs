//! What the validator's node does with its offchain worker after each block: it shows signs of life, probes the members
//! that it was assigned, reports who casts no votes, and renews the account's registration.

mod heartbeats;
mod peers;
mod renewals;
mod votes;

pub use heartbeats::due;

use alloc::vec::Vec;
use frame_support::traits::Get;
use frame_system::{offchain::SubmitTransaction, pallet_prelude::BlockNumberFor};
use sp_application_crypto::RuntimeAppPublic;
use sp_runtime::{offchain::Timestamp, traits::Saturating, SaturatedConversion};
use understudy_primitives::{
	crypto::{AuthorityId, AuthoritySignature},
	offchain::{claim, FinalityView},
	HeartbeatKeys, MemberIndex,
};

use crate::{statement::Statement, Call, Config, MemberKeys, Pallet, RosterInfo, Window, WindowOf};

const LOG_TARGET: &str = "understudy::heartbeat";

/// A view of finality that is older, in milliseconds, is none.
const FRESH: u64 = 10_000;

/// What the workers look at: the chain as of this block.
struct Scene<T: Config> {
	now: BlockNumberFor<T>,
	roster: RosterInfo,
	window: WindowOf<T>,
}

impl<T: Config> Scene<T> {
	/// How many blocks of the running window came before this one.
	fn elapsed(&self) -> u32 {
		self.now.saturating_sub(self.window.started).saturated_into()
	}
}

impl<T: Config> Pallet<T> {
	/// Does what is due for the accounts whose keys are in the local keystore.
	pub(crate) fn work_offchain(now: BlockNumberFor<T>) {
		let window = Window::<T>::get();
		let scene = Scene::<T> { now, roster: window.roster, window };
		let keys = AuthorityId::all();
		if keys.is_empty() {
			return;
		}
		for key in &keys {
			if let Some(who) = T::Keys::owner_of(key) {
				Self::renew_registration(&scene, key, who);
			}
		}
		// A member signs with the key that the chain expects, which may be the one before its account's last.
		let seats: Vec<(AuthorityId, MemberIndex)> = (0..scene.roster.total)
			.filter_map(|index| MemberKeys::<T>::get(index).map(|key| (key, index)))
			.filter(|(key, _)| keys.contains(key))
			.collect();
		let finality = Self::finality_view();
		for (key, index) in &seats {
			Self::send_heartbeat(&scene, key, *index);
			if let Some(finality) = &finality {
				Self::report_votes(&scene, key, *index, finality);
			}
		}
		// Last, for it waits for answers.
		for (key, index) in &seats {
			Self::probe_peers(&scene, key, *index, finality.as_ref());
		}
	}

	/// What the node sees of finality, if that is recent, and finality goes on for it: who does not follow finality accuses
	/// nobody. Where it stands still, that is so long before anybody has been silent for long enough to be reported.
	fn finality_view() -> Option<FinalityView> {
		let view = FinalityView::read()?;
		let now: Timestamp = sp_io::offchain::timestamp();
		let recent = |at: u64, within: u64| at.saturating_add(within) >= now.unix_millis();
		let goes_on = u64::from(T::VoteSilence::get()) * 1_000 / 2;
		(recent(view.at, FRESH) && recent(view.advanced, goes_on)).then_some(view)
	}

	/// Signs and submits; says in the node's log what came of it.
	fn submit<S: Statement>(
		what: &str,
		key: &AuthorityId,
		statement: S,
		call: impl FnOnce(S, AuthoritySignature) -> Call<T>,
	) {
		let submitted = statement
			.sign(key, &Self::genesis())
			.ok_or("the keystore did not sign; are the session keys in it?")
			.and_then(|signature| {
				let transaction = T::create_authorized_transaction(call(statement, signature).into());
				SubmitTransaction::<T, Call<T>>::submit_transaction(transaction)
					.map_err(|()| "the transaction pool refused it")
			});
		match submitted {
			Ok(()) => log::debug!(target: LOG_TARGET, "{what} sent"),
			Err(why) => log::debug!(target: LOG_TARGET, "{what} not sent: {why}"),
		}
	}
}
