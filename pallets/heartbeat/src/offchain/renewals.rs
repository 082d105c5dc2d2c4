//! Renews the account's registration, so that a node that is gone is not seated.

use frame_support::traits::Get;
use sp_runtime::offchain::storage::StorageValueRef;
use understudy_primitives::offchain::{NodeVersion, NODE_VERSION};

use super::{claim, Local, Scene};
use crate::{statement::Renewal, Call, Config, Pallet, Registrations};

impl<T: Config> Pallet<T> {
	pub(super) fn renew_registration(scene: &Scene<T>, local: &Local<T::AccountId>) {
		let Some(registration) = Registrations::<T>::get(&local.who) else { return };
		let node = StorageValueRef::persistent(NODE_VERSION).get::<NodeVersion>().ok().flatten();
		let node = node.unwrap_or_default();
		let due = registration.is_due(scene.now, T::RegistrationLifetime::get(), node);
		if !due || scene.now <= registration.renewed {
			return;
		}
		if claim("renewal", &local.key, (registration.renewed, node), scene.now) {
			let runtime = <T::Version as Get<sp_version::RuntimeVersion>>::get().spec_version;
			let renewal = Renewal { who: local.who.clone(), block: scene.now, runtime, node };
			Self::submit("renewal", &local.key, renewal, |renewal, signature| Call::renew {
				renewal,
				signature,
			});
		}
	}
}
