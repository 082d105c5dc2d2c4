use core::marker::PhantomData;
use frame_support::weights::Weight;
pub struct WeightInfo<T>(PhantomData<T>);
impl<T: frame_system::Config> pallet_heartbeat::WeightInfo for WeightInfo<T> {
	fn heartbeat(_n: u32) -> Weight {
		Weight::from_parts(200_000_000, 0)
	}
	fn authorize_heartbeat(_n: u32) -> Weight {
		Weight::from_parts(200_000_000, 0)
	}
	fn report(_n: u32, _t: u32) -> Weight {
		Weight::from_parts(200_000_000, 0)
	}
	fn authorize_report(_n: u32, _t: u32) -> Weight {
		Weight::from_parts(200_000_000, 0)
	}
	fn renew() -> Weight {
		Weight::from_parts(200_000_000, 0)
	}
	fn authorize_renewal() -> Weight {
		Weight::from_parts(200_000_000, 0)
	}
	fn register() -> Weight {
		Weight::from_parts(200_000_000, 0)
	}
	fn update() -> Weight {
		Weight::from_parts(200_000_000, 0)
	}
	fn deregister() -> Weight {
		Weight::from_parts(200_000_000, 0)
	}
	fn note_slots(_n: u32, _m: u32) -> Weight {
		Weight::from_parts(200_000_000, 0)
	}
	fn close_window(_n: u32, _u: u32) -> Weight {
		Weight::from_parts(200_000_000, 0)
	}
	fn judge(_n: u32, _u: u32) -> Weight {
		Weight::from_parts(200_000_000, 0)
	}
	fn on_roster(_n: u32) -> Weight {
		Weight::from_parts(200_000_000, 0)
	}
}
