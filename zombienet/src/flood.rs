//! Floods the chain with ordinary transactions and counts the accepted and refused ones.

use std::{
	sync::{Arc, Mutex},
	time::Duration,
};

use anyhow::{ensure, Context};
use tokio::task::JoinSet;
use zombienet_sdk::subxt::backend::rpc::RpcClient;

use crate::{
	chain::{Chain, Offer},
	network::Net,
	partition::NAMES,
};

/// Number of transfers in each transaction: large ones need fewer requests, on a machine that runs
/// all nodes.
pub const TRANSFERS: usize = 100;

/// Time for a node's answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Counts of the flood's transactions so far.
#[derive(Default, Clone)]
pub struct Count {
	/// Number of submitted transactions.
	pub offered: u64,
	/// Number of refused transactions.
	pub refused: u64,
	/// Error of the first refused transaction.
	pub reason: Option<String>,
}

/// A running flood. It ends when this is dropped.
pub struct Flood {
	count: Arc<Mutex<Count>>,
	_senders: JoinSet<()>,
}

impl Flood {
	/// Sends `rate` transactions per second, from the accounts in [`NAMES`], to all nodes except
	/// `but`.
	pub async fn begin(network: &Net, but: &[&str], rate: f64) -> anyhow::Result<Self> {
		let mut nodes: Vec<(Chain, RpcClient)> = Vec::new();
		for (name, url) in network.urls() {
			if !but.contains(&name.as_str()) {
				nodes.push((network.chain(&name).await?, RpcClient::from_insecure_url(url).await?));
			}
		}
		ensure!(!nodes.is_empty(), "no node is left");
		let count = Arc::<Mutex<Count>>::default();
		let mut senders = JoinSet::new();
		for (nth, name) in NAMES.into_iter().enumerate() {
			// Each account uses one node only, which keeps its nonces in order.
			let (chain, rpc) = nodes[nth % nodes.len()].clone();
			let count = count.clone();
			let pace = Duration::from_secs_f64(NAMES.len() as f64 / rate);
			senders.spawn(async move {
				let mut ticks = tokio::time::interval(pace);
				loop {
					ticks.tick().await;
					let offer = tokio::time::timeout(PATIENCE, chain.offer(&rpc, name, TRANSFERS)).await;
					let outcome = offer.unwrap_or_else(|_| Err(anyhow::anyhow!("the node does not answer")));
					let Ok(mut count) = count.lock() else { return };
					count.offered += 1;
					match outcome {
						Ok(Offer::Taken) => (),
						Ok(Offer::Refused(reason)) => {
							count.refused += 1;
							count.reason.get_or_insert(reason);
						},
						Err(why) => eprintln!("  {name}'s transaction failed: {why:#}"),
					}
				}
			});
		}
		Ok(Self { count, _senders: senders })
	}

	/// Returns the counts so far.
	pub fn count(&self) -> anyhow::Result<Count> {
		self.count.lock().ok().map(|count| count.clone()).context("the flood has failed")
	}
}
