//! Chain whose authors are accounts with well-known Aura keys.

use codec::Encode;
use frame_support::{derive_impl, parameter_types, traits::Hooks};
use sp_consensus_aura::{
	digests::CompatibleDigestItem,
	sr25519::{AuthorityId, AuthoritySignature},
};
use sp_consensus_slots::{EquivocationProof, Slot};
use sp_core::{sr25519, Pair, H256};
use sp_runtime::{traits::Header as _, BuildStorage, Digest, DigestItem};
use sp_staking::{
	offence::{OffenceError, ReportOffence},
	SessionIndex,
};
use understudy_primitives::{EquivocationHandler, Evidence};

use crate::{self as pallet_equivocation, AuthorEquivocation, ProofOf};

pub type Block = frame_system::mocking::MockBlock<Runtime>;
pub type Header = frame_system::pallet_prelude::HeaderFor<Runtime>;

#[frame_support::runtime]
mod runtime {
	#[runtime::runtime]
	#[runtime::derive(
		RuntimeCall,
		RuntimeEvent,
		RuntimeError,
		RuntimeOrigin,
		RuntimeFreezeReason,
		RuntimeHoldReason,
		RuntimeSlashReason,
		RuntimeLockId,
		RuntimeTask,
		RuntimeViewFunction
	)]
	pub struct Runtime;

	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type Equivocation = pallet_equivocation;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Runtime {
	type Block = Block;
	type BlockHashCount = BlockHashCount;
}

parameter_types! {
	pub const BlockHashCount: u64 = 50;
	pub static CurrentSession: SessionIndex = 0;
	/// Accounts that author by turns, each with the seed of its key.
	pub static Turns: Vec<(u64, u64)> = vec![(1, 1), (2, 2), (3, 3), (4, 4)];
	/// Offences that were accepted.
	pub static Charged: Vec<AuthorEquivocation<u64>> = Vec::new();
	/// Equivocations that rotation was notified of.
	pub static Told: Vec<(u64, Evidence)> = Vec::new();
}

pub struct Authors;

impl frame_support::traits::Get<Vec<(AuthorityId, u64)>> for Authors {
	fn get() -> Vec<(AuthorityId, u64)> {
		Turns::get().into_iter().map(|(who, seed)| (pair(seed).public().into(), who)).collect()
	}
}

impl pallet_equivocation::Config for Runtime {
	type AuthorityId = AuthorityId;
	type Authors = Authors;
	type MaxAuthors = frame_support::traits::ConstU32<8>;
	type Session = CurrentSession;
	type Offender = u64;
	type OffenderOf = Identified;
	type Offences = Offences;
	type OnEquivocation = Handler;
	type OffenceWeight = ();
	type Priority = frame_support::traits::ConstU64<9>;
	type WeightInfo = ();
}

pub struct Identified;

impl sp_runtime::traits::Convert<u64, Option<u64>> for Identified {
	fn convert(who: u64) -> Option<u64> {
		Some(who)
	}
}

/// Accepts each offence once, as the offences pallet does.
pub struct Offences;

impl ReportOffence<u64, u64, AuthorEquivocation<u64>> for Offences {
	fn report_offence(_: Vec<u64>, offence: AuthorEquivocation<u64>) -> Result<(), OffenceError> {
		if Self::is_known_offence(&[offence.offender], &offence.time) {
			return Err(OffenceError::DuplicateReport);
		}
		Charged::mutate(|charged| charged.push(offence));
		Ok(())
	}

	fn is_known_offence(offenders: &[u64], time: &(u64, H256)) -> bool {
		let is_known = |who: &u64| {
			Charged::get().iter().any(|offence| offence.offender == *who && offence.time == *time)
		};
		offenders.iter().all(is_known)
	}
}

pub struct Handler;

impl EquivocationHandler<u64> for Handler {
	fn on_equivocation(who: &u64, evidence: Evidence) {
		Told::mutate(|told| told.push((*who, evidence)));
	}
}

/// Returns the Aura key of a seed.
pub fn pair(seed: u64) -> sr25519::Pair {
	sr25519::Pair::from_string(&format!("//{seed}"), None).expect("a number is a valid seed")
}

/// Returns the hash of a block of the mock's chain.
pub fn hash_of(number: u64) -> H256 {
	H256::from_low_u64_be(1_000 + number)
}

/// Returns a slot, later than all blocks of the mock, that is the turn of this account of four.
pub fn slot_of(who: u64) -> u64 {
	1_000 + who - 1
}

/// Returns a block on this parent, sealed with the key of a seed. `content` distinguishes blocks.
pub fn block(seed: u64, parent: u64, slot: u64, content: u64) -> Header {
	let digest = DigestItem::PreRuntime(sp_consensus_aura::AURA_ENGINE_ID, slot.encode());
	let root = H256::from_low_u64_be(content);
	let header = Header::new(parent + 1, root, root, hash_of(parent), Digest { logs: vec![digest] });
	sealed(seed, header)
}

/// Adds the seal of a seed's key to a header.
pub fn sealed(seed: u64, mut header: Header) -> Header {
	let signature = AuthoritySignature::from(pair(seed).sign(header.hash().as_ref()));
	header.digest_mut().push(CompatibleDigestItem::aura_seal(signature));
	header
}

/// Returns two blocks with a seed's key for this slot, on this parent.
pub fn proof_at(seed: u64, parent: u64, slot: u64) -> ProofOf<Runtime> {
	EquivocationProof {
		offender: pair(seed).public().into(),
		slot: Slot::from(slot),
		first_header: block(seed, parent, slot, 1),
		second_header: block(seed, parent, slot, 2),
	}
}

/// Returns two blocks of an account for a slot of its turn, on this parent.
pub fn proof(who: u64, parent: u64) -> ProofOf<Runtime> {
	proof_at(who, parent, slot_of(who))
}

/// Makes blocks up to this one. A session has ten blocks.
pub fn run_to(number: u64) {
	while System::block_number() < number {
		let now = System::block_number() + 1;
		System::set_block_number(now);
		Equivocation::on_initialize(now);
		frame_system::BlockHash::<Runtime>::insert(now - 1, hash_of(now - 1));
		// The system pallet keeps the hash of genesis, too.
		if let Some(old) = now.checked_sub(BlockHashCount::get() + 1).filter(|old| *old > 0) {
			frame_system::BlockHash::<Runtime>::remove(old);
		}
		CurrentSession::set((now / 10) as SessionIndex);
		Equivocation::on_finalize(now);
		Equivocation::do_try_state().expect("the invariants hold");
	}
}

/// Runs a test in block 35, in the fourth session.
pub fn build_and_execute(test: impl FnOnce()) {
	let storage = frame_system::GenesisConfig::<Runtime>::default().build_storage();
	sp_io::TestExternalities::from(storage.expect("it can be built")).execute_with(|| {
		CurrentSession::set(0);
		run_to(35);
		test();
		Equivocation::do_try_state().expect("the invariants hold");
	});
}
