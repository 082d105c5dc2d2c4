//! Weights that the pallet requires. A runtime obtains them from its own benchmarks:
//! `scripts/benchmark` runs those in `benchmarking.rs` and writes
//! `runtime/src/weights/pallet_heartbeat.rs` for the sample runtime.

use frame_support::weights::Weight;

/// Weights of the calls, of their authorization, and of the hooks. `n` is the number of members of
/// the roster.
pub trait WeightInfo {
	/// Weight of dispatching [`crate::Pallet::heartbeat`].
	fn heartbeat(n: u32) -> Weight;
	/// Weight of authorizing a heartbeat, which happens in the pool too.
	fn authorize_heartbeat(n: u32) -> Weight;
	/// Weight of dispatching [`crate::Pallet::report`] with `t` targets.
	fn report(t: u32) -> Weight;
	/// Weight of authorizing a report with `t` targets.
	fn authorize_report(t: u32) -> Weight;
	/// Weight of dispatching [`crate::Pallet::renew`].
	fn renew() -> Weight;
	/// Weight of authorizing a renewal.
	fn authorize_renewal() -> Weight;
	/// Weight of dispatching [`crate::Pallet::register`].
	fn register() -> Weight;
	/// Weight of dispatching [`crate::Pallet::update`].
	fn update() -> Weight;
	/// Weight of dispatching [`crate::Pallet::deregister`].
	fn deregister() -> Weight;
	/// Weight of a block in which no slot was missed, nothing is counted against any member, no
	/// window ends, and no member is judged.
	fn quiet_block() -> Weight;
	/// Additional weight of touching the counters of `m` members: those that missed a slot, and the
	/// author.
	fn note_slots(m: u32) -> Weight;
	/// Weight of ending a window in which no verdict changes, without the weight of acting on the
	/// judgement.
	fn close_window(n: u32) -> Weight;
	/// Weight of judging `n` members whose verdicts all change.
	fn judge(n: u32) -> Weight;
}
