//! Model of message delays.

use rand::Rng;

/// A network between any two nodes as seen above TCP: lost packets are retransmitted, so a message
/// arrives late but always arrives.
#[derive(Clone, Copy, Debug)]
pub struct Network {
	/// Minimum delay of a message, in seconds.
	pub latency: f64,
	/// Maximum additional delay, uniformly distributed, in seconds.
	pub jitter: f64,
	/// Share of packets that are lost and retransmitted: after one second, then two, then four
	/// (RFC 6298).
	pub loss: f64,
}

/// Initial retransmission timeout of RFC 6298, in seconds.
const TIMEOUT: f64 = 1.0;

impl Network {
	/// Draws the delay of one message, in seconds.
	pub fn delay(&self, rng: &mut impl Rng) -> f64 {
		let mut delay = self.latency + self.jitter * rng.gen::<f64>();
		let mut timeout = TIMEOUT;
		while rng.gen::<f64>() < self.loss && timeout < 64.0 {
			delay += timeout;
			timeout *= 2.0;
		}
		delay
	}

	/// Estimates the probability that a message takes longer than `seconds`, from `tries` samples.
	pub fn later_than(&self, seconds: f64, tries: u32, rng: &mut impl Rng) -> f64 {
		let late = (0..tries).filter(|_| self.delay(rng) > seconds).count();
		late as f64 / f64::from(tries)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use rand::SeedableRng;

	#[test]
	fn a_perfect_network_takes_its_latency() {
		let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
		let network = Network { latency: 0.1, jitter: 0.0, loss: 0.0 };
		assert!((0..100).all(|_| network.delay(&mut rng) == 0.1));
	}

	#[test]
	fn losses_cost_timeouts() {
		let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
		let network = Network { latency: 0.0, jitter: 0.0, loss: 0.1 };
		let once = network.later_than(0.5, 100_000, &mut rng);
		let twice = network.later_than(1.5, 100_000, &mut rng);
		assert!((0.09..0.11).contains(&once) && (0.008..0.012).contains(&twice), "{once} {twice}");
	}
}
