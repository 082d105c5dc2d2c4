//! GRANDPA: voters, changes of authorities, and proven equivocations.

use core::marker::PhantomData;
use frame_support::traits::{Get, KeyOwnerProofSystem};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_consensus_grandpa::{AuthorityId, EquivocationProof, KEY_TYPE};
use sp_runtime::{transaction_validity::TransactionValidityError, DispatchError, KeyTypeId};
use sp_session::MembershipProof;
use sp_staking::offence::OffenceReportSystem;
use understudy_primitives::{keep_equivocation, EquivocationHandler, Evidence, ForceFinality, VoteKeys};

/// Accounts of GRANDPA's voters, from the session pallet.
pub struct GrandpaKeys<T>(PhantomData<T>);

impl<T> VoteKeys<T::AccountId> for GrandpaKeys<T>
where
	T: pallet_session::Config<ValidatorId = <T as frame_system::Config>::AccountId>,
{
	fn voter(key: &[u8]) -> Option<T::AccountId> {
		pallet_session::Pallet::<T>::key_owner(KEY_TYPE, key)
	}
}

/// `true` if the set may change. While GRANDPA has a change pending, another one would get lost.
pub struct NoChangePending<T>(PhantomData<T>);

impl<T: pallet_grandpa::Config> Get<bool> for NoChangePending<T> {
	fn get() -> bool {
		pallet_grandpa::Pallet::<T>::pending_change().is_none()
	}
}

/// Forced changes of GRANDPA's authorities, for recovery.
pub struct ForceGrandpa<T>(PhantomData<T>);

impl<T: pallet_grandpa::Config> ForceFinality<BlockNumberFor<T>> for ForceGrandpa<T> {
	/// Returns `false` while a change is pending, behind which the forced one would get lost, and
	/// after a forced change for as long as the pallet refuses another.
	fn may_force() -> bool {
		let now = frame_system::Pallet::<T>::block_number();
		let soon = pallet_grandpa::Pallet::<T>::next_forced().is_some_and(|next| next > now);
		NoChangePending::<T>::get() && !soon
	}

	fn set_id() -> u64 {
		pallet_grandpa::CurrentSetId::<T>::get()
	}

	/// Marks GRANDPA as stalled: the pallet forces the change of the session that begins in this
	/// block, right after this. GRANDPA's clients drop the changes that are not final by then, so
	/// the pallet must not count them either.
	fn force(delay: BlockNumberFor<T>, base: BlockNumberFor<T>, set_id: u64) {
		pallet_grandpa::CurrentSetId::<T>::put(set_id);
		pallet_grandpa::Stalled::<T>::put((delay, base));
	}
}

/// Offence report system that hands each equivocation that `Inner` accepts to `Handler`, and keeps
/// the proof in the offchain index. `Historical` proves the keys of past sessions.
pub struct ReportedEquivocations<T, Inner, Historical, Handler>(PhantomData<(T, Inner, Historical, Handler)>);

/// Proof that a voter equivocated, and proof that its key was that of a member.
type Proven<T> = (EquivocationProof<<T as frame_system::Config>::Hash, BlockNumberFor<T>>, MembershipProof);

impl<T, Inner, Historical, Handler, Full> OffenceReportSystem<Option<T::AccountId>, Proven<T>>
	for ReportedEquivocations<T, Inner, Historical, Handler>
where
	T: frame_system::Config,
	Inner: OffenceReportSystem<Option<T::AccountId>, Proven<T>>,
	Historical: KeyOwnerProofSystem<
		(KeyTypeId, AuthorityId),
		Proof = MembershipProof,
		IdentificationTuple = (T::AccountId, Full),
	>,
	Handler: EquivocationHandler<T::AccountId>,
{
	type Longevity = Inner::Longevity;

	fn publish_evidence(evidence: Proven<T>) -> Result<(), ()> {
		Inner::publish_evidence(evidence)
	}

	fn check_evidence(evidence: Proven<T>) -> Result<(), TransactionValidityError> {
		Inner::check_evidence(evidence)
	}

	fn process_evidence(reporter: Option<T::AccountId>, evidence: Proven<T>) -> Result<(), DispatchError> {
		let (proof, owner) = evidence.clone();
		Inner::process_evidence(reporter, evidence)?;
		let session = owner.session;
		let key = (KEY_TYPE, proof.offender().clone());
		if let Some((who, _)) = Historical::check_proof(key, owner) {
			let (set, round) = (proof.set_id(), proof.round());
			let evidence = Evidence::Equivocation { session, set, round, proof: keep_equivocation(&proof) };
			Handler::on_equivocation(&who, evidence);
		}
		Ok(())
	}
}
