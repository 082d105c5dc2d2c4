//! What all the evidence costs, computed from the benchmarked weights, and the peer beside it. Prints the tables of
//! `docs/costs.md`:
//!
//! ```sh
//! cargo test --release -p understudy-runtime --test cost -- --nocapture
//! ```

#[path = "peer/pallet_im_online.rs"]
mod peer;

use frame_support::{
	traits::Get,
	weights::{constants::ExtrinsicBaseWeight, Weight},
};
use pallet_failover::WeightInfo as _;
use pallet_heartbeat::{evidence::is_turn, WeightInfo as _};
use pallet_im_online::WeightInfo as _;
use pallet_recovery::WeightInfo as _;
use pallet_validator_rotation::WeightInfo as _;
use understudy_runtime::{
	configs::system::Weights,
	constants::MINUTES,
	parameters::dynamic_params::detection::{HeartbeatQuota, RegistrationLifetime},
	weights::{
		pallet_failover::WeightInfo as Log, pallet_heartbeat::WeightInfo as Ours,
		pallet_recovery::WeightInfo as Recovery, pallet_validator_rotation::WeightInfo as Rotation,
	},
	Heartbeat, Runtime,
};

type Peer = peer::WeightInfo<Runtime>;

/// A heartbeat's and a renewal's bytes in a block, which count as proof; the most that either takes.
const EXTRINSIC_BYTES: u64 = 200;

/// What a quiet chain of `members`, all of them active, pays for its evidence in a block, in the mean over a window of a
/// minute.
struct Quiet {
	heartbeats: u32,
	share: f64,
	proof: u64,
}

fn quiet(members: u32) -> Quiet {
	type W = Ours<Runtime>;
	let window = MINUTES;
	let quota = HeartbeatQuota::get();
	// All whose turn it is, though some of them author and send nothing.
	let heartbeats = (0..members).filter(|index| is_turn(*index, 0, members, quota)).count() as u32;
	// A node renews after half of the lifetime.
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
	// The log looks into its queue now and then.
	let total = total
		.saturating_add(Log::<Runtime>::sweep(0) * u64::from(window) / u64::from(pallet_failover::SWEEP));
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

/// What recovery takes of each block while the chain is safe: the author's word on finality, and the look at it.
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
		assert!(share + quiet(1_000).share <= 0.005, "{share} of a block beside the evidence");
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
