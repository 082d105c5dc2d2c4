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
	fn report(n: u32, t: u32) -> Weight;
	/// Authorizing it.
	fn authorize_report(n: u32, t: u32) -> Weight;
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
	/// A block in which no window ends and nobody is judged, after `m` missed slots.
	fn note_slots(n: u32, m: u32) -> Weight;
	/// Ending a window, and judging everybody, with `u` verdicts that change. Without what whoever acts on it takes.
	fn close_window(n: u32, u: u32) -> Weight;
	/// Judging everybody in the middle of a window, with `u` verdicts that change.
	fn judge(n: u32, u: u32) -> Weight;
	/// Another roster takes effect.
	fn on_roster(n: u32) -> Weight;
}
