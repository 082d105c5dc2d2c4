//! Work of a validator's node after each block, in its offchain worker: it shows signs of life,
//! probes the members that it was assigned, reports members that take no part in consensus, and
//! renews the account's registration.

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

/// Age, in milliseconds, up to which the node's view of finality is used.
const FRESH: u64 = 10_000;

/// State of the chain as of this block, which all workers use.
struct Context<T: Config> {
	now: BlockNumberFor<T>,
	roster: RosterInfo,
	window: WindowOf<T>,
}

impl<T: Config> Context<T> {
	/// Returns the number of blocks of the running window before this one.
	fn elapsed(&self) -> u32 {
		self.now.saturating_sub(self.window.started).saturated_into()
	}
}

impl<T: Config> Pallet<T> {
	/// Does the work that is due for the accounts whose keys are in the local keystore.
	pub(crate) fn work_offchain(now: BlockNumberFor<T>) {
		let window = Window::<T>::get();
		let context = Context::<T> { now, roster: window.roster, window };
		let keys = AuthorityId::all();
		if keys.is_empty() {
			return;
		}
		for key in &keys {
			if let Some(who) = T::Keys::owner_of(key) {
				Self::renew_registration(&context, key, who);
			}
		}
		// A member signs with the key that the chain expects, which may be older than the one that
		// its account set last.
		let seats: Vec<(AuthorityId, MemberIndex)> = (0..context.roster.total)
			.filter_map(|index| MemberKeys::<T>::get(index).map(|key| (key, index)))
			.filter(|(key, _)| keys.contains(key))
			.collect();
		let finality = Self::finality_view();
		for (key, index) in &seats {
			Self::send_heartbeat(&context, key, *index);
			if let Some(finality) = &finality {
				Self::report_votes(&context, key, *index, finality);
			}
		}
		// Probes come last because they wait for answers.
		for (key, index) in &seats {
			Self::probe_peers(&context, key, *index, finality.as_ref());
		}
	}

	/// Returns the node's view of finality if it is recent and finality advances for this node: a
	/// node that does not follow finality must not report anybody. In a stall, this becomes `None`
	/// long before any member has been silent for long enough to be reported.
	fn finality_view() -> Option<FinalityView> {
		let view = FinalityView::read()?;
		let now: Timestamp = sp_io::offchain::timestamp();
		let recent = |at: u64, within: u64| at.saturating_add(within) >= now.unix_millis();
		let goes_on = u64::from(T::VoteSilence::get()) * 1_000 / 2;
		(recent(view.at, FRESH) && recent(view.advanced, goes_on)).then_some(view)
	}

	/// Signs and submits a statement, and logs the outcome.
	fn submit<S: Statement>(
		what: &str,
		key: &AuthorityId,
		statement: S,
		call: impl FnOnce(S, AuthoritySignature) -> Call<T>,
	) {
		let submitted = statement
			.sign(key, &Self::genesis())
			.ok_or("the keystore did not sign: check that it holds the session keys")
			.and_then(|signature| {
				let transaction = T::create_authorized_transaction(call(statement, signature).into());
				SubmitTransaction::<T, Call<T>>::submit_transaction(transaction)
					.map_err(|()| "the transaction pool rejected it")
			});
		match submitted {
			Ok(()) => log::debug!(target: LOG_TARGET, "{what} sent"),
			Err(why) => log::debug!(target: LOG_TARGET, "{what} not sent: {why}"),
		}
	}
}
