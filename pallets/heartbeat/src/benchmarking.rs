//! Benchmarks of every call, authorization and hook, with the number of members as a component.
//!
//! They begin with a chain of [`MEMBERS`] validators that have session keys (the runtime's preset
//! `thousand`), so that the tries have a realistic depth. The roster has the size of the component,
//! or else the largest one. The member at work is the last one.

use alloc::vec::Vec;
use codec::{Decode, Encode};
use frame_benchmarking::v2::*;
use frame_support::{
	pallet_prelude::TransactionSource,
	traits::{Authorize, Hooks},
	BoundedVec,
};
use frame_system::RawOrigin;
use sp_application_crypto::RuntimeAppPublic;
use sp_runtime::traits::{Saturating, Zero};
use understudy_primitives::RosterHandler;

use crate::{
	chunks::{CounterTable, Mark},
	counters::{MemberCounters, Tally},
	registration::{Endpoint, Tag},
	statement::{Report, ReportKind, Statement, MAX_TARGETS},
	Call, *,
};

/// Set-up that the benchmarks need from the runtime.
pub trait BenchmarkHelper<AccountId> {
	/// Gives an account session keys, with this heartbeat key among them.
	fn set_key(who: &AccountId, key: AuthorityId);
	/// Sets the slot of the block that is being built.
	fn set_slot(slot: u64);
}

/// Largest number of members that the components cover.
pub const MEMBERS: u32 = 1_000;
/// Smallest number of members for heartbeats: the cost rises faster over the first few members than
/// later, and a line from there would overestimate large rosters.
const SOME: u32 = 64;

fn profile() -> Profile {
	let tag = |byte| Tag::truncate_from([byte; 32].to_vec());
	Profile { endpoint: Some(Endpoint::V6([1; 16], 1)), region: tag(b'r'), operator: tag(b'o') }
}

/// Creates a roster of `n` active members, none of which is in grace. The key of the last one is in
/// the keystore.
fn roster<T: Config>(n: u32) -> (Vec<T::AccountId>, AuthorityId) {
	let key = AuthorityId::generate_pair(None);
	let members: Vec<T::AccountId> = (0..n).map(|index| member(index).0).collect();
	if let Some(last) = members.last() {
		T::BenchmarkHelper::set_key(last, key.clone());
		Pallet::<T>::insert_registration(last, profile(), None);
	}
	frame_system::Pallet::<T>::set_block_number(1u32.into());
	Pallet::<T>::on_roster(&members, &[]);
	frame_system::Pallet::<T>::set_block_number(2u32.into());
	change_all::<T>(|member| {
		member.grace = 0;
		member.asked = false;
		member.health = understudy_primitives::Health::Healthy;
		member.heard = true;
	});
	(members, key)
}

/// Returns a member, and a heartbeat key of which nobody has the secret.
pub fn member<AccountId: Decode>(index: u32) -> (AccountId, AuthorityId) {
	let key = sp_io::hashing::blake2_256(&index.encode());
	(account("member", index, 0), sp_core::sr25519::Public::from_raw(key).into())
}

fn change_all<T: Config>(change: impl Fn(&mut MemberCounters)) {
	let roster = Window::<T>::get().roster;
	let mut table = CounterTable::<T>::read(&roster);
	for index in 0..roster.total {
		table.update(index, |member| {
			change(member);
			true
		});
	}
	table.write();
}

/// Excludes from the count the storage that each block and each transaction accesses and pays for
/// anyway: the hook reads the window and its roster and writes the mark of the block's author
/// ([`Pallet::other_mark`] covers the chunks that are not the author's), and
/// `frame_system::CheckGenesis` reads the genesis hash.
fn paid_elsewhere<T: Config>() {
	let keys = [
		Window::<T>::hashed_key().to_vec(),
		Marks::<T>::hashed_key_for(0),
		frame_system::BlockHash::<T>::hashed_key_for(BlockNumberFor::<T>::zero()),
	];
	for key in keys {
		frame_benchmarking::benchmarking::add_to_whitelist(key.into());
	}
}

/// Authorizes a call of the pallet as the transaction extension does.
fn authorized<T: Config>(call: Call<T>) -> Result<(), BenchmarkError> {
	let authorized = call.authorize(TransactionSource::InBlock).expect("the call is authorizable");
	authorized.map_err(|_| "refused")?;
	Ok(())
}

fn heartbeat<T: Config>(n: u32) -> (Heartbeat, AuthoritySignature) {
	let (_, key) = roster::<T>(n);
	let index = n.saturating_sub(1);
	// Another member was seen, so that there are marks.
	if n > 1 {
		chunks::mark::<T>(Mark::Seen, 0);
	}
	let WindowInfo { index: window, roster, .. } = Window::<T>::get();
	let heartbeat = Heartbeat { roster: roster.id, window, index };
	let signature = heartbeat.sign(&key, &Pallet::<T>::genesis()).expect("the key was generated");
	(heartbeat, signature)
}

/// Creates a report of `t` peers, or of as many as are drawn if those are fewer. A quorum has
/// already reported all of them but the last, which this report makes *down*.
fn report<T: Config>(t: u32) -> (Report, AuthoritySignature) {
	let (_, key) = roster::<T>(MEMBERS);
	let running = Window::<T>::get();
	let (info, window, reporter) = (running.roster, running.index, MEMBERS - 1);
	let quorums = Pallet::<T>::quorums(&info);
	let mut targets = Pallet::<T>::assignment(&running, window).targets(reporter);
	targets.truncate(t as usize);
	let mut table = CounterTable::<T>::read(&info);
	for (left, target) in (0..targets.len()).rev().zip(&targets) {
		table.update(*target, |member| {
			let reports = if left == 0 { quorums.peers.saturating_sub(1) as u16 } else { u16::MAX };
			member.peers = Tally { reports, windows: 0 };
			member.missed_slots = u8::MAX;
			member.answered = false;
			true
		});
	}
	table.write();
	// None of the reported members was seen.
	chunks::mark::<T>(Mark::Seen, reporter);
	chunks::mark::<T>(Mark::ReportedPeers, 0);
	let targets = BoundedVec::truncate_from(targets);
	let report = Report { roster: info.id, window, reporter, kind: ReportKind::Peers, targets };
	let signature = report.sign(&key, &Pallet::<T>::genesis()).expect("the key was generated");
	(report, signature)
}

fn renewal<T: Config>() -> (RenewalOf<T>, AuthoritySignature) {
	let (members, key) = roster::<T>(MEMBERS);
	let who = members.last().expect("there are members").clone();
	let runtime = <T::Version as Get<sp_version::RuntimeVersion>>::get().spec_version;
	let block = frame_system::Pallet::<T>::block_number();
	let renewal = RenewalOf::<T> { who, block, runtime, node: NodeVersion { major: 1, minor: 0, patch: 0 } };
	let signature = renewal.sign(&key, &Pallet::<T>::genesis()).expect("the key was generated");
	(renewal, signature)
}

/// Returns an account with keys and funds that is not registered.
fn registrar<T: Config>() -> T::AccountId {
	roster::<T>(MEMBERS);
	let who: T::AccountId = whitelisted_caller();
	T::BenchmarkHelper::set_key(&who, AuthorityId::generate_pair(None));
	let footprint = Footprint::from_mel::<RegistrationOf<T>>();
	T::Consideration::ensure_successful(&who, footprint);
	who
}

/// Puts the last block in slot `last`, and the next one in slot `slot`.
fn slots<T: Config>(last: u64, slot: u64) {
	LastSlot::<T>::put(last);
	T::BenchmarkHelper::set_slot(slot);
}

/// Makes the verdicts on the first `u` members change when they are judged.
fn changing<T: Config>(u: u32) {
	let roster = Window::<T>::get().roster;
	let mut table = CounterTable::<T>::read(&roster);
	for index in 0..u.min(roster.total) {
		table.update(index, |member| {
			member.missed_slots = 1;
			member.peers = Tally { reports: 9, windows: 1 };
			true
		});
	}
	table.write();
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn heartbeat(n: Linear<SOME, MEMBERS>) {
		let (sent, signature) = super::heartbeat::<T>(n);
		paid_elsewhere::<T>();
		#[extrinsic_call]
		_(RawOrigin::Authorized, sent, signature);
		assert!(chunks::is_marked::<T>(Mark::Seen, n - 1));
	}

	#[benchmark]
	fn authorize_heartbeat(n: Linear<SOME, MEMBERS>) -> Result<(), BenchmarkError> {
		let (sent, signature) = super::heartbeat::<T>(n);
		let call = Call::<T>::heartbeat { heartbeat: sent, signature };
		paid_elsewhere::<T>();
		#[block]
		{
			authorized(call)?;
		}
		Ok(())
	}

	#[benchmark]
	fn report(t: Linear<1, MAX_TARGETS>) {
		let (sent, signature) = super::report::<T>(t);
		let reporter = sent.reporter;
		#[extrinsic_call]
		_(RawOrigin::Authorized, sent, signature);
		assert!(chunks::is_marked::<T>(Mark::ReportedPeers, reporter));
		assert!(Window::<T>::get().alarm);
	}

	#[benchmark]
	fn authorize_report(t: Linear<1, MAX_TARGETS>) -> Result<(), BenchmarkError> {
		let (sent, signature) = super::report::<T>(t);
		let call = Call::<T>::report { report: sent, signature };
		paid_elsewhere::<T>();
		#[block]
		{
			authorized(call)?;
		}
		Ok(())
	}

	#[benchmark]
	fn renew() {
		let (renewal, signature) = renewal::<T>();
		let who = renewal.who.clone();
		#[extrinsic_call]
		_(RawOrigin::Authorized, renewal, signature);
		assert!(Registrations::<T>::get(who).is_some_and(|registration| registration.node.major == 1));
	}

	#[benchmark]
	fn authorize_renewal() -> Result<(), BenchmarkError> {
		let (renewal, signature) = renewal::<T>();
		let call = Call::<T>::renew { renewal, signature };
		paid_elsewhere::<T>();
		#[block]
		{
			authorized(call)?;
		}
		Ok(())
	}

	#[benchmark]
	fn register() {
		let who = registrar::<T>();
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), profile());
		assert!(Registrations::<T>::contains_key(who));
	}

	#[benchmark]
	fn update() {
		let who = registrar::<T>();
		Pallet::<T>::do_register(who.clone(), Profile::default()).expect("it has keys and funds");
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), profile());
		assert_eq!(Registrations::<T>::get(who).map(|registration| registration.profile), Some(profile()));
	}

	#[benchmark]
	fn deregister() {
		let who = registrar::<T>();
		Pallet::<T>::do_register(who.clone(), profile()).expect("it has keys and funds");
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()));
		assert!(!Registrations::<T>::contains_key(who));
	}

	#[benchmark]
	fn quiet_block() {
		roster::<T>(MEMBERS);
		slots::<T>(1_000_000, 1_000_001);
		Window::<T>::mutate(|window| window.troubled = false);
		let now = frame_system::Pallet::<T>::block_number();
		#[block]
		{
			Pallet::<T>::on_initialize(now);
		}
		assert_eq!(LastSlot::<T>::get(), Some(1_000_001));
	}

	#[benchmark]
	fn note_slots(m: Linear<1, MEMBERS>) {
		roster::<T>(MEMBERS);
		let missed = u64::from(m - 1);
		slots::<T>(1_000_000, 1_000_001 + missed);
		// All members that miss a slot were seen before. The window is written if no member was
		// troubled before.
		(0..MEMBERS).for_each(|index| {
			chunks::mark::<T>(Mark::Seen, index);
		});
		Window::<T>::mutate(|window| window.troubled = m == 1);
		let now = frame_system::Pallet::<T>::block_number();
		#[block]
		{
			Pallet::<T>::on_initialize(now);
		}
		assert_eq!(LastSlot::<T>::get(), Some(1_000_001 + missed));
	}

	#[benchmark]
	fn close_window(n: Linear<1, MEMBERS>) {
		roster::<T>(n);
		slots::<T>(1_000_000, 1_000_001);
		// Every member was seen and has reported. `asked` is cleared for all of them, so that every
		// counter changes and no verdict does.
		(0..n).for_each(|index| {
			for mark in [Mark::Seen, Mark::ReportedPeers, Mark::ReportedVotes] {
				chunks::mark::<T>(mark, index);
			}
			chunks::mark::<T>(Mark::ReportedPeersBefore, index);
			chunks::mark::<T>(Mark::ReportedVotesBefore, index);
		});
		change_all::<T>(|member| member.asked = true);
		let window = Window::<T>::get();
		let now = window.started.saturating_add(T::WindowLength::get());
		#[block]
		{
			Pallet::<T>::on_initialize(now);
		}
		assert_eq!(Window::<T>::get().index, window.index + 1);
	}

	#[benchmark]
	fn judge(n: Linear<1, MEMBERS>) {
		roster::<T>(n);
		changing::<T>(n);
		slots::<T>(1_000_000, 1_000_001);
		Window::<T>::mutate(|window| window.alarm = true);
		let now = frame_system::Pallet::<T>::block_number();
		#[block]
		{
			Pallet::<T>::on_initialize(now);
		}
		assert!(!Window::<T>::get().alarm);
	}
}
