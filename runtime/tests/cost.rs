//! Cost of all evidence, computed from the benchmarked weights, with im-online as the reference.
//! Prints the tables of `docs/costs.md`:
//!
//! ```sh
//! cargo test --release -p understudy-runtime --test cost -- --nocapture
//! ```

mod chain;
#[path = "peer/pallet_im_online.rs"]
mod peer;

use codec::Encode;
use frame_support::{
	dispatch::RawOrigin,
	pallet_prelude::TransactionSource,
	traits::{Authorize, Get, Hooks, UnfilteredDispatchable},
	weights::{constants::ExtrinsicBaseWeight, Weight},
};
use pallet_failover::WeightInfo as _;
use pallet_heartbeat::{counters::is_turn, WeightInfo as _};
use pallet_im_online::WeightInfo as _;
use pallet_recovery::WeightInfo as _;
use pallet_validator_rotation::{BreakerRules, WeightInfo as _};
use sp_core::{ed25519, sr25519, Pair};
use understudy_primitives::{offchain::NodeVersion, statement::Statement, Verdicts as _};
use understudy_runtime::{
	configs::system::Weights,
	constants::MINUTES,
	genesis_config_presets::{network, Candidate},
	parameters::{
		dynamic_params::{
			detection::{self, HeartbeatQuota, RegistrationLifetime},
			rotation,
		},
		RuntimeParameters,
	},
	weights::{
		pallet_failover::WeightInfo as Log, pallet_heartbeat::WeightInfo as Ours,
		pallet_recovery::WeightInfo as Recovery, pallet_validator_rotation::WeightInfo as Rotation,
	},
	AccountId, Aura, Equivocation, Failover, Hash, Heartbeat, Recovery as RecoveryPallet, Runtime,
	RuntimeCall, System, ValidatorRotation, VERSION,
};

type Peer = peer::WeightInfo<Runtime>;

/// Maximum size of a heartbeat or a renewal in a block, in bytes, which count as proof.
const EXTRINSIC_BYTES: u64 = 200;

/// Cost of the evidence in a block of a quiet chain, all of whose members are active: the mean over
/// a window of a minute.
struct Quiet {
	heartbeats: u32,
	share: f64,
	proof: u64,
}

fn quiet(members: u32) -> Quiet {
	type W = Ours<Runtime>;
	let window = MINUTES;
	let quota = HeartbeatQuota::get();
	// All members whose turn it is, although some of them author and send nothing.
	let heartbeats = (0..members).filter(|index| is_turn(*index, 0, members, quota)).count() as u32;
	// A node renews its registration after half of the lifetime.
	let renewals = u64::from(members) * u64::from(window);
	let renewed_every = u64::from(RegistrationLifetime::get() / 2);
	let extrinsic = ExtrinsicBaseWeight::get().saturating_add(Weight::from_parts(0, EXTRINSIC_BYTES));
	let heartbeat =
		W::heartbeat(members).saturating_add(W::authorize_heartbeat(members)).saturating_add(extrinsic);
	let renewal = W::renew().saturating_add(W::authorize_renewal()).saturating_add(extrinsic);
	let total = (W::quiet_block() * u64::from(window))
		.saturating_add(W::close_window(members))
		.saturating_add(Heartbeat::counters(members, members))
		.saturating_add(Rotation::<Runtime>::quiet())
		.saturating_add(heartbeat * u64::from(heartbeats))
		.saturating_add((renewal * renewals) / renewed_every);
	// The log checks its queue once per `EXPIRY_INTERVAL`.
	let total = total.saturating_add(
		Log::<Runtime>::sweep(0) * u64::from(window) / u64::from(pallet_failover::EXPIRY_INTERVAL),
	);
	let per_block = total / u64::from(window);
	Quiet {
		heartbeats,
		share: per_block.ref_time() as f64 / Weights::get().max_block.ref_time() as f64,
		proof: per_block.proof_size(),
	}
}

#[test]
fn all_evidence_is_within_its_bars_at_a_thousand_members() {
	sp_io::TestExternalities::default().execute_with(|| {
		println!("| members | heartbeats a window | share of a block's time | bytes of proof a block |");
		println!("|---|---|---|---|");
		for members in [4, 100, 1_000, 10_000] {
			let Quiet { heartbeats, share, proof } = quiet(members);
			println!("| {members} | {heartbeats} | {:.3} % | {proof} |", share * 100.0);
		}
		let thousand = quiet(1_000);
		assert!(thousand.share <= 0.005, "{} of a block", thousand.share);
		assert!(thousand.proof <= 10 * 1_024, "{} bytes of proof", thousand.proof);
	});
}

/// Returns the weight of recovery in each block while the chain is safe: the author's statement on
/// finality, and its evaluation.
fn safe() -> Weight {
	type W = Recovery<Runtime>;
	let write = <Runtime as frame_system::Config>::DbWeight::get().writes(1);
	W::tick()
		.saturating_add(W::note_finality())
		.saturating_add(write)
		.saturating_add(ExtrinsicBaseWeight::get())
}

#[test]
fn recovery_is_within_the_evidences_bar_of_time_while_the_chain_is_safe() {
	sp_io::TestExternalities::default().execute_with(|| {
		let share = safe().ref_time() as f64 / Weights::get().max_block.ref_time() as f64;
		println!("| recovery, `Safe` | {:.3} % | {} |", share * 100.0, safe().proof_size());
		assert!(share + quiet(1_000).share <= 0.005, "{share} of a block, in addition to the evidence");
	});
}

#[test]
fn a_heartbeat_takes_half_of_the_peers_time_at_most_and_a_fraction_of_its_proof() {
	sp_io::TestExternalities::default().execute_with(|| {
		let members = 1_000;
		let ours = Ours::<Runtime>::heartbeat(members).saturating_add(Ours::<Runtime>::authorize_heartbeat(members));
		let theirs = Peer::heartbeat(members).saturating_add(Peer::authorize_heartbeat(members));
		println!("| heartbeat and its authorization, 1,000 members | pallet-heartbeat | pallet-im-online | ratio |");
		println!("|---|---|---|---|");
		let micros = |weight: Weight| weight.ref_time() as f64 / 1e6;
		println!(
			"| time, µs | {:.0} | {:.0} | {:.2} |",
			micros(ours),
			micros(theirs),
			micros(ours) / micros(theirs)
		);
		println!(
			"| proof, bytes | {} | {} | 1/{:.0} |",
			ours.proof_size(),
			theirs.proof_size(),
			theirs.proof_size() as f64 / ours.proof_size() as f64
		);
		assert!(ours.proof_size() * 50 <= theirs.proof_size());
		assert!(ours.ref_time() * 2 <= theirs.ref_time());
	});
}

#[test]
fn planning_a_session_is_within_its_bar_at_a_thousand_members() {
	sp_io::TestExternalities::default().execute_with(|| {
		type W = Rotation<Runtime>;
		let members = 1_000;
		let rows = [
			("planning a session, no election", W::plan(members)),
			("planning a session from an election", W::plan_election(members)),
			("deciding, with one that fails", W::decide(members, 1)),
			("deciding, with a hundred that fail", W::decide(members, 100)),
			("a judgement that changes nothing", W::quiet()),
		];
		for (what, weight) in rows {
			println!("| {what} | {:.2} ms |", weight.ref_time() as f64 / 1e9);
		}
		for planning in [W::plan(members), W::plan_election(members)] {
			assert!(planning.ref_time() < 5_000_000_000);
		}
	});
}

/// Dispatches a call of a member's node, after its authorization.
fn send(call: RuntimeCall) {
	call.authorize(TransactionSource::InBlock).expect("the call authorizes itself").expect(
		"the call is \
	 authorized",
	);
	call.dispatch_bypass_filter(RawOrigin::Authorized.into()).expect("the call succeeds");
}

/// Executes the suite's part of the next block: the hooks of its pallets, the author's statement on
/// finality, the heartbeats that are due, and an occasional renewal.
fn suite_block(pairs: &[sr25519::Pair], number: u32) {
	let members = pairs.len() as u32;
	Heartbeat::on_initialize(number);
	ValidatorRotation::on_initialize(number);
	Failover::on_initialize(number);
	RecoveryPallet::on_initialize(number);
	Equivocation::on_initialize(number);
	let note = pallet_recovery::Call::note_finality { finalized: number.saturating_sub(2) };
	RuntimeCall::from(note).dispatch_bypass_filter(RawOrigin::None.into()).expect(
		"it is the only one in the \
	 block",
	);
	let window = pallet_heartbeat::Window::<Runtime>::get();
	let place = number.saturating_sub(window.started) as usize;
	let genesis = System::block_hash(0);
	let mut due = (0..members).filter(|index| is_turn(*index, window.index, members, HeartbeatQuota::get()));
	if let Some(index) = due.nth(place) {
		let heartbeat = pallet_heartbeat::Heartbeat { roster: window.roster.id, window: window.index, index };
		// A member that authors in this window sends none.
		if !pallet_heartbeat::chunks::is_marked::<Runtime>(pallet_heartbeat::chunks::Mark::Seen, index) {
			let who = pallet_heartbeat::Members::<Runtime>::get(index).expect("every index has a member");
			let pair = pairs.iter().find(|pair| AccountId::from(pair.public()) == who).expect(
				"every member \
			 has a key pair",
			);
			let signature = pair.sign(&heartbeat.payload(&genesis)).into();
			send(pallet_heartbeat::Call::heartbeat { heartbeat, signature }.into());
		}
	}
	let renewed_every = (RegistrationLifetime::get() / 2).div_ceil(members).max(1);
	if number.is_multiple_of(renewed_every) {
		let pair = &pairs[(number / renewed_every % members) as usize];
		let renewal = pallet_heartbeat::Renewal {
			who: AccountId::from(pair.public()),
			block: number,
			runtime: VERSION.spec_version,
			node: NodeVersion::default(),
		};
		let signature = pair.sign(&renewal.payload(&genesis)).into();
		send(pallet_heartbeat::Call::renew { renewal, signature }.into());
	}
	Heartbeat::on_finalize(number);
	ValidatorRotation::on_finalize(number);
	Failover::on_finalize(number);
	RecoveryPallet::on_finalize(number);
	Equivocation::on_finalize(number);
}

/// Returns the size of the suite's recorded storage proof per block, in bytes: the mean over a
/// window of a minute, on a quiet chain with this many authors. The trie's nodes are those of the
/// whole genesis state.
fn recorded(members: u32) -> usize {
	let pairs: Vec<sr25519::Pair> = (0..members)
		.map(|index| sr25519::Pair::from_seed(&sp_io::hashing::blake2_256(&index.encode())))
		.collect();
	let candidate = |pair: &sr25519::Pair| {
		let grandpa = ed25519::Pair::from_seed(&pair.public().0).public();
		Candidate::new("recorded", pair.public(), grandpa)
	};
	let candidates: Vec<Candidate> = pairs.iter().map(candidate).collect();
	let mut ext = chain::genesis(network(&candidates, members as usize));
	let window = detection::Parameters::WindowLength(detection::WindowLength, Some(MINUTES));
	let cool_off = rotation::Parameters::CoolOff(rotation::CoolOff, Some(10 * MINUTES));
	ext.execute_with(|| {
		let rules = BreakerRules { reprieve: MINUTES, ..rotation::Breaker::get() };
		let breaker = rotation::Parameters::Breaker(rotation::Breaker, Some(rules));
		let changes = vec![
			RuntimeParameters::Detection(window),
			RuntimeParameters::Rotation(cool_off),
			RuntimeParameters::Rotation(breaker),
		];
		chain::set(changes).expect("the parameters fit together");
	});
	// Until every member was heard, the finality view rises with each block, and a window begins.
	let warm = members.next_multiple_of(MINUTES) + 3 * MINUTES;
	let mut proof = 0;
	for number in 1..=warm + MINUTES {
		ext.execute_with(|| {
			let parent = Hash::from_low_u64_be(number.into());
			System::initialize(&number, &parent, &chain::of_slot(u64::from(1_000 + number).into()));
			System::reset_events();
			Aura::on_initialize(number);
		});
		ext.commit_all().expect("the changes can be committed");
		if number <= warm {
			ext.execute_with(|| suite_block(&pairs, number));
		} else {
			let (_, recorded) = ext.execute_and_prove(|| {
				suite_block(&pairs, number);
				// Writes and removals need the trie nodes around them.
				sp_io::storage::root(sp_core::storage::StateVersion::V1)
			});
			proof += recorded.encoded_size();
		}
		ext.commit_all().expect("the changes can be committed");
	}
	ext.execute_with(|| {
		let status = RecoveryPallet::status();
		assert_eq!(status.mode, pallet_recovery::Mode::Safe);
		assert!(status.finalized + members / 3 + 5 > warm + MINUTES, "{status:?}");
		assert_eq!(Heartbeat::judgement().unhealthy, [], "the chain is not quiet");
	});
	proof / MINUTES as usize
}

#[test]
fn evidence_and_recovery_together_are_within_their_bars_at_a_thousand_members() {
	println!("| members | recorded bytes of proof a block, evidence and recovery |");
	println!("|---|---|");
	for members in [4, 100] {
		println!("| {members} | {} |", recorded(members));
	}
	let thousand = recorded(1_000);
	println!("| 1000 | {thousand} |");
	assert!(thousand <= 10 * 1_024);
	sp_io::TestExternalities::default().execute_with(|| {
		let time = safe().ref_time() as f64 / Weights::get().max_block.ref_time() as f64;
		let share = time + quiet(1_000).share;
		println!("| time of a block, evidence and recovery, 1,000 members | {:.3} % |", share * 100.0);
		assert!(share <= 0.001, "{share} of a block");
	});
}
