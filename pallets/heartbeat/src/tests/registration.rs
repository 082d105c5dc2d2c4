//! Registration, and each reason to reject a renewal.

use codec::Encode;
use frame_support::{
	assert_noop, assert_ok,
	dispatch::RawOrigin,
	pallet_prelude::{Authorize, InvalidTransaction, TransactionSource, ValidTransaction},
};
use sp_runtime::{transaction_validity::TransactionValidityError, BuildStorage, DispatchError};
use understudy_primitives::{offchain::NodeVersion, Registrations as _};

use crate::{
	mock::*,
	registration::{Endpoint, Profile, Tag},
	rejection,
	statement::Statement,
	Call, Error, Event, Registrations, Renewal,
};

const EVERYWHERE: [TransactionSource; 3] =
	[TransactionSource::External, TransactionSource::Local, TransactionSource::InBlock];
const VERSION: NodeVersion = NodeVersion { major: 1, minor: 2, patch: 3 };

fn profile() -> Profile {
	Profile {
		endpoint: Some(Endpoint::V4([127, 0, 0, 1], 9944)),
		region: Tag::truncate_from(b"eu-west 1".to_vec()),
		operator: Tag::truncate_from(b"example.org".to_vec()),
	}
}

fn signed(who: u64) -> RuntimeOrigin {
	RawOrigin::Signed(who).into()
}

fn renewal(who: u64) -> Renewal<u64, u64> {
	Renewal { who, block: System::block_number(), runtime: 0, node: VERSION }
}

fn authorize(
	source: TransactionSource,
	renewal: &Renewal<u64, u64>,
) -> Result<ValidTransaction, TransactionValidityError> {
	let signature = sign(renewal.who, renewal);
	Call::<Runtime>::renew { renewal: renewal.clone(), signature }
		.authorize(source)
		.expect("the call is authorizable")
		.map(|(valid, _)| valid)
}

fn rejected(renewal: &Renewal<u64, u64>, code: u8) {
	for source in EVERYWHERE {
		assert_eq!(authorize(source, renewal), Err(InvalidTransaction::Custom(code).into()), "{renewal:?}");
	}
}

fn renew(renewal: Renewal<u64, u64>) {
	assert_ok!(authorize(TransactionSource::InBlock, &renewal));
	let signature = sign(renewal.who, &renewal);
	assert_ok!(Heartbeat::renew(RawOrigin::Authorized.into(), renewal, signature));
}

/// Runs a test in which account 20, which is no member, is registered and was renewed once, in
/// block 100.
fn registered(test: impl FnOnce()) {
	build_and_execute(|| {
		System::set_block_number(99);
		assert_ok!(Heartbeat::register(signed(20), profile()));
		System::set_block_number(100);
		// The mock's runtime has version 0, which in a registration means that it was never
		// renewed.
		renew(renewal(20));
		Registrations::<Runtime>::mutate(20, |registration| {
			registration.as_mut().expect("it is registered").runtime = 1;
		});
		test();
	});
}

#[test]
fn a_registration_comes_and_goes() {
	build_and_execute(|| {
		System::set_block_number(1);
		assert!(!Heartbeat::is_current(&20));
		assert_ok!(Heartbeat::register(signed(20), profile()));
		assert!(Heartbeat::is_current(&20));
		assert_eq!(
			Heartbeat::registration(20).map(|(found, current)| (found.profile, current)),
			Some((profile(), true))
		);
		let other = Profile { endpoint: None, ..profile() };
		assert_ok!(Heartbeat::update(signed(20), other.clone()));
		assert_eq!(Heartbeat::registration(20).map(|(found, _)| found.profile), Some(other));
		assert_ok!(Heartbeat::deregister(signed(20)));
		assert!(Heartbeat::registration(20).is_none() && !Heartbeat::is_current(&20));
		let events: Vec<_> = System::events().into_iter().map(|record| record.event).collect();
		let expected =
			[Event::Registered { who: 20 }, Event::Updated { who: 20 }, Event::Deregistered { who: 20 }];
		assert!(events.ends_with(&expected.map(RuntimeEvent::Heartbeat)));
	});
}

#[test]
fn every_error_leaves_things_as_they_were() {
	build_and_execute(|| {
		let nowhere = Profile { endpoint: Some(Endpoint::V4([0; 4], 1)), ..profile() };
		let binary = Profile { region: Tag::truncate_from(vec![7]), ..profile() };
		assert_noop!(Heartbeat::update(signed(20), profile()), Error::<Runtime>::NotRegistered);
		assert_noop!(Heartbeat::deregister(signed(20)), Error::<Runtime>::NotRegistered);
		assert_noop!(Heartbeat::register(signed(20), nowhere.clone()), Error::<Runtime>::BadEndpoint);
		assert_noop!(Heartbeat::register(signed(20), binary.clone()), Error::<Runtime>::BadTag);
		Keyless::set(vec![21]);
		assert_noop!(Heartbeat::register(signed(21), profile()), Error::<Runtime>::NoKeys);
		assert_ok!(Heartbeat::register(signed(20), profile()));
		assert_noop!(Heartbeat::register(signed(20), profile()), Error::<Runtime>::AlreadyRegistered);
		assert_noop!(Heartbeat::update(signed(20), nowhere), Error::<Runtime>::BadEndpoint);
		assert_noop!(Heartbeat::update(signed(20), binary), Error::<Runtime>::BadTag);
		for origin in [RawOrigin::Root, RawOrigin::None, RawOrigin::Authorized] {
			assert_noop!(Heartbeat::register(origin.clone().into(), profile()), DispatchError::BadOrigin);
			assert_noop!(Heartbeat::update(origin.clone().into(), profile()), DispatchError::BadOrigin);
			assert_noop!(Heartbeat::deregister(origin.into()), DispatchError::BadOrigin);
		}
	});
}

#[test]
fn genesis_registers_without_a_deposit() {
	let genesis = crate::GenesisConfig::<Runtime> { registrations: vec![(20, profile())] };
	let storage = genesis.build_storage().expect("the genesis is valid");
	sp_io::TestExternalities::from(storage).execute_with(|| {
		let (registration, current) = Heartbeat::registration(20).expect("it is registered");
		assert_eq!((registration.profile, registration.ticket, current), (profile(), None, true));
		assert_ok!(Heartbeat::deregister(signed(20)));
	});
}

#[test]
#[should_panic(expected = "registered twice")]
fn genesis_registers_nobody_twice() {
	let genesis = crate::GenesisConfig::<Runtime> { registrations: vec![(20, profile()), (20, profile())] };
	let _ = genesis.build_storage();
}

#[test]
fn a_registration_expires_unless_it_is_renewed() {
	registered(|| {
		System::set_block_number(260);
		assert!(Heartbeat::is_current(&20));
		System::set_block_number(261);
		assert!(!Heartbeat::is_current(&20));
		System::reset_events();
		renew(renewal(20));
		assert!(Heartbeat::is_current(&20));
		let renewed = Event::Renewed { who: 20, runtime: 0, node: VERSION };
		assert_eq!(System::events().pop().map(|record| record.event), Some(renewed.into()));
	});
}

#[test]
fn a_renewal_without_news_is_no_event() {
	registered(|| {
		System::set_block_number(180);
		Registrations::<Runtime>::mutate(20, |registration| {
			registration.as_mut().expect("it is registered").runtime = 0;
		});
		System::reset_events();
		renew(renewal(20));
		assert!(System::events().is_empty());
		assert_eq!(Registrations::<Runtime>::get(20).map(|registration| registration.renewed), Some(180));
	});
}

#[test]
fn a_future_block_is_rejected() {
	registered(|| {
		System::set_block_number(200);
		rejected(&Renewal { block: 205, ..renewal(20) }, rejection::FUTURE_BLOCK);
		let ahead = Renewal { block: 204, ..renewal(20) };
		assert_ok!(authorize(TransactionSource::External, &ahead));
		let code = InvalidTransaction::Custom(rejection::FUTURE_BLOCK);
		assert_eq!(authorize(TransactionSource::InBlock, &ahead), Err(code.into()));
	});
}

#[test]
fn a_past_block_or_a_replay_is_rejected() {
	registered(|| {
		System::set_block_number(200);
		rejected(&Renewal { block: 159, ..renewal(20) }, rejection::PAST_BLOCK);
		assert_ok!(authorize(TransactionSource::InBlock, &Renewal { block: 160, ..renewal(20) }));
		let renewal = renewal(20);
		renew(renewal.clone());
		rejected(&renewal, rejection::PAST_BLOCK);
	});
}

#[test]
fn an_old_block_does_not_make_room_for_more_renewals() {
	registered(|| {
		System::set_block_number(200);
		renew(Renewal { block: 160, ..renewal(20) });
		assert_eq!(Registrations::<Runtime>::get(20).map(|registration| registration.renewed), Some(200));
		Registrations::<Runtime>::mutate(20, |registration| {
			registration.as_mut().expect("it is registered").runtime = 1;
		});
		let other = Renewal { node: NodeVersion { patch: 4, ..VERSION }, ..renewal(20) };
		rejected(&Renewal { block: 161, ..other.clone() }, rejection::PAST_BLOCK);
		System::set_block_number(201);
		rejected(&Renewal { block: 201, ..other }, rejection::NOT_DUE);
	});
}

#[test]
fn another_runtime_is_rejected() {
	registered(|| {
		System::set_block_number(200);
		rejected(&Renewal { runtime: 9, ..renewal(20) }, rejection::WRONG_RUNTIME);
	});
}

#[test]
fn who_is_not_registered_is_rejected() {
	registered(|| {
		System::set_block_number(200);
		rejected(&renewal(21), rejection::NOT_REGISTERED);
	});
}

#[test]
fn a_renewal_before_its_time_is_rejected() {
	registered(|| {
		System::set_block_number(179);
		rejected(&renewal(20), rejection::NOT_DUE);
		System::set_block_number(180);
		assert_ok!(authorize(TransactionSource::InBlock, &renewal(20)));
		// A renewal for a changed release is due sooner, but not in every block.
		let upgraded = |block| Renewal { block, node: NodeVersion { patch: 4, ..VERSION }, ..renewal(20) };
		System::set_block_number(119);
		rejected(&upgraded(119), rejection::NOT_DUE);
		System::set_block_number(120);
		assert_ok!(authorize(TransactionSource::InBlock, &upgraded(120)));
	});
}

#[test]
fn who_has_no_key_is_rejected() {
	registered(|| {
		Keyless::set(vec![20]);
		System::set_block_number(200);
		rejected(&renewal(20), rejection::NO_KEY);
	});
}

#[test]
fn a_foreign_signature_or_another_chain_is_rejected() {
	registered(|| {
		System::set_block_number(200);
		let renewal = renewal(20);
		let others = [
			sign(21, &renewal),
			sign(20, &Renewal { block: 199, ..renewal.clone() }),
			sign_payload(20, &renewal.payload(&sp_core::H256::repeat_byte(9))),
		];
		for signature in others {
			let call = Call::<Runtime>::renew { renewal: renewal.clone(), signature };
			let refused = call.authorize(TransactionSource::InBlock).expect("the call is authorizable");
			let code = InvalidTransaction::Custom(rejection::BAD_SIGNATURE);
			assert_eq!(refused.map(drop), Err(code.into()));
		}
	});
}

#[test]
fn two_renewals_of_an_account_exclude_each_other_in_the_pool() {
	registered(|| {
		System::set_block_number(200);
		let transaction = authorize(TransactionSource::External, &renewal(20)).expect("it is valid");
		assert_eq!(transaction.provides, [("understudy/renewal", 20u64).encode()]);
	});
}

#[test]
fn nobody_else_may_renew() {
	registered(|| {
		System::set_block_number(200);
		let renewal = renewal(20);
		for origin in [RawOrigin::Signed(20), RawOrigin::None, RawOrigin::Root] {
			let call = Heartbeat::renew(origin.into(), renewal.clone(), sign(20, &renewal));
			assert_noop!(call, DispatchError::BadOrigin);
		}
		assert_ok!(Heartbeat::deregister(signed(20)));
		let call = Heartbeat::renew(RawOrigin::Authorized.into(), renewal.clone(), sign(20, &renewal));
		assert_noop!(call, Error::<Runtime>::NotRegistered);
	});
}

#[test]
fn the_signed_payload_is_pinned() {
	let renewal = Renewal { who: 1u64, block: 2u32, runtime: 0x0304, node: VERSION };
	let mut expected = b"understudy/renewal/1".to_vec();
	expected.extend([0xaa; 32]);
	expected.extend([1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 4, 3, 0, 0, 1, 0, 2, 0, 3, 0]);
	assert_eq!(renewal.payload(&sp_core::H256::repeat_byte(0xaa)), expected);
}
