//! The weights that the pallet asks for. A runtime takes them from its own benchmarks: `scripts/benchmark` runs those in
//! [`crate::benchmarking`] and writes `runtime/src/weights/pallet_heartbeat.rs` for the sample one.

use frame_support::weights::Weight;

/// The weights of the calls, of their authorization, and of the hooks. `n` is how many members the roster has.
pub trait WeightInfo {
	/// Dispatching [`crate::Pallet::heartbeat`].
	fn heartbeat(n: u32) -> Weight;
	/// Authorizing it, which happens in the pool too.
	fn authorize_heartbeat(n: u32) -> Weight;
	/// Dispatching [`crate::Pallet::report`] with `t` targets.
	fn report(t: u32) -> Weight;
	/// Authorizing it.
	fn authorize_report(t: u32) -> Weight;
	/// Dispatching [`crate::Pallet::renew`].
	fn renew() -> Weight;
	/// Authorizing it.
	fn authorize_renewal() -> Weight;
	/// Dispatching [`crate::Pallet::register`].
	fn register() -> Weight;
	/// Dispatching [`crate::Pallet::update`].
	fn update() -> Weight;
	/// Dispatching [`crate::Pallet::deregister`].
	fn deregister() -> Weight;
	/// A block in which no slot was missed, nobody is troubled, no window ends, and nobody is judged.
	fn quiet_block() -> Weight;
	/// What it takes more to touch the counters of `m` members: those that missed a slot, and the author.
	fn note_slots(m: u32) -> Weight;
	/// Ending a window, where no verdict changes. Without what whoever acts on the judgement takes.
	fn close_window(n: u32) -> Weight;
	/// Judging `n` members, with all of their verdicts changing.
	fn judge(n: u32) -> Weight;
}
