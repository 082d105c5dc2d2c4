//! Tampering with the inclusion of a parachain's block by its relay chain.

use super::*;
use forge::{parachain, PARA_ID};
use understudy_verifier::Parachain;

fn included() -> (Bundle, TrustedSet) {
	let (chain, relay, trusted) = parachain();
	let bundle = chain.bundle(Some(1), &[], public);
	(chain.included(&relay, PARA_ID, bundle), trusted)
}

#[test]
fn a_parachains_log_is_proven_by_the_relay_chains_finality() {
	let (chain, relay, trusted) = parachain();
	let (bundle, _) = included();
	let verified = check(&bundle, &trusted, &any_age()).expect("it holds");
	assert_eq!((verified.hand_offs, verified.set.id), (2, 2));
	assert_eq!((verified.block, verified.hash), (chain.number + 1, chain.head().hash()));
	let included = verified.relay.expect("it is a parachain's");
	assert_eq!((included.number, included.time), (relay.number + 1, relay.time()));
	// A parachain sets its own clock: the set is dated by the relay chain's, and so is the age.
	assert!(relay.time() > chain.time());
	assert_eq!((verified.set_time(), verified.certain_time()), (relay.time(), chain.time()));
	assert_eq!(Bundle::from_scale(&bundle.encode()), Ok(bundle.clone()));
	// The policy is about the parachain's block.
	let policy = Policy { min_block: chain.number + 2, ..any_age() };
	let stale = Err(Error { link: Link::Age, fault: Fault::Stale });
	assert_eq!(check(&bundle, &trusted, &policy), stale);
}

#[test]
fn every_field_of_an_included_bundle_that_is_changed_is_noticed() {
	let (bundle, trusted) = included();
	let parts = notices_every_field(&bundle, &trusted);
	assert!(parts.contains(&"inclusion".into()) && parts.contains(&"head".into()), "{parts:?}");
	notices_every_byte(&bundle, &trusted);
}

#[test]
fn another_parachain_and_another_relay_chain_are_refused() {
	let (chain, relay, trusted) = parachain();
	let own = chain.bundle(Some(1), &[], public);
	let bundle = chain.included(&relay, PARA_ID, own.clone());

	// The head of another parachain, under its own id and under ours.
	let other = chain.included(&relay, PARA_ID + 1, own.clone());
	assert_eq!(refused(&other, &trusted), (Link::Inclusion, Fault::WrongPara));
	let mut renamed = other;
	renamed.inclusion.as_mut().expect("it has one").para_id = PARA_ID;
	assert_eq!(refused(&renamed, &trusted), (Link::Inclusion, Fault::UnusedNode));
	// A relay chain that does not know the parachain.
	let mut empty = chain.included(&relay, PARA_ID, own.clone());
	let (header, inclusion) = relay.as_relay(PARA_ID, None);
	(empty.head, empty.inclusion) = (header, Some(inclusion));
	assert_eq!(refused(&empty, &trusted), (Link::Inclusion, Fault::NotIncluded));
	// Another relay chain with the same keys.
	let mut twin = Forge::new(46, &[1, 2, 3, 4]);
	twin.hand_over(&[1, 2, 3, 5]);
	twin.hand_over(&[1, 2, 6, 5]);
	let theirs = chain.included(&twin, PARA_ID, own.clone());
	assert_eq!(refused(&theirs, &trusted), (Link::Inclusion, Fault::WrongChain));
	// Another parachain of the same relay chain, whose genesis is another one.
	let parachain = Some(Parachain { id: PARA_ID, genesis: relay.genesis });
	let of_another = TrustedSet { parachain, ..trusted.clone() };
	assert_eq!(refused(&bundle, &of_another), (Link::Trust, Fault::WrongChain));

	// Without the link, and a link where none belongs.
	let without = Bundle { inclusion: None, ..bundle.clone() };
	assert_eq!(refused(&without, &trusted), (Link::Inclusion, Fault::NotIncluded));
	let solo = TrustedSet { genesis: chain.genesis, parachain: None, ..trusted.clone() };
	assert_eq!(refused(&bundle, &solo), (Link::Inclusion, Fault::WrongPara));
}

#[test]
fn the_inclusion_is_proven_by_all_its_nodes_and_no_others() {
	let (bundle, trusted) = included();
	let with = |change: &dyn Fn(&mut Vec<Vec<u8>>)| {
		let mut changed = bundle.clone();
		change(&mut changed.inclusion.as_mut().expect("it has one").state);
		refused(&changed, &trusted)
	};
	let count = bundle.inclusion.as_ref().expect("it has one").state.len();
	for nth in 0..count {
		assert_eq!(with(&|nodes| drop(nodes.remove(nth))), (Link::Inclusion, Fault::Unproven), "node {nth}");
	}
	assert_eq!(with(&|nodes| nodes.push(vec![1, 2, 3])), (Link::Inclusion, Fault::UnusedNode));
}

#[test]
fn a_head_that_is_no_header_is_malformed() {
	let (chain, relay, trusted) = parachain();
	let own = chain.bundle(Some(1), &[], public);
	let mut bundle = chain.included(&relay, PARA_ID, own);
	let (header, inclusion) = relay.as_relay(PARA_ID, Some(vec![1, 2, 3].encode()));
	(bundle.head, bundle.inclusion) = (header, Some(inclusion));
	assert_eq!(refused(&bundle, &trusted), (Link::Inclusion, Fault::Malformed));
}
