//! Renews the account's registration, so that an account whose node no longer runs is not seated.

use frame_support::traits::Get;
use sp_runtime::offchain::storage::StorageValueRef;
use understudy_primitives::{
	crypto::AuthorityId,
	offchain::{NodeVersion, NODE_VERSION},
};

use super::{claim, Context};
use crate::{statement::Renewal, Call, Config, Pallet, Registrations};

impl<T: Config> Pallet<T> {
	pub(super) fn renew_registration(context: &Context<T>, key: &AuthorityId, who: T::AccountId) {
		let Some(registration) = Registrations::<T>::get(&who) else { return };
		let node = StorageValueRef::persistent(NODE_VERSION).get::<NodeVersion>().ok().flatten();
		let node = node.unwrap_or_default();
		let due = registration.is_due(context.now, T::RegistrationLifetime::get(), node);
		if !due || context.now <= registration.renewed {
			return;
		}
		if claim("renewal", key, (registration.renewed, node), context.now) {
			let runtime = <T::Version as Get<sp_version::RuntimeVersion>>::get().spec_version;
			let renewal = Renewal { who, block: context.now, runtime, node };
			Self::submit("renewal", key, renewal, |renewal, signature| Call::renew { renewal, signature });
		}
	}
}
