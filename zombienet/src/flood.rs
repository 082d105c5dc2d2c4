//! Floods the chain with ordinary transactions, and counts what becomes of them.

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

/// Transfers in each transaction: so that it takes fewer of them, on a machine that runs all nodes.
pub const TRANSFERS: usize = 100;

/// So long a node may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// What became of them so far.
#[derive(Default, Clone)]
pub struct Count {
	/// Sent.
	pub offered: u64,
	/// Turned away, for there was no room.
	pub refused: u64,
	/// What a node said when it turned one away first.
	pub reason: Option<String>,
}

/// A running flood. Ends when it is dropped.
pub struct Flood {
	count: Arc<Mutex<Count>>,
	_senders: JoinSet<()>,
}

impl Flood {
	/// Sends so many transactions a second, from all well-known accounts, to all nodes but these.
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
			// An account's transactions go to one node, so that they come in order.
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

	/// What became of them so far.
	pub fn count(&self) -> anyhow::Result<Count> {
		self.count.lock().ok().map(|count| count.clone()).context("the flood has failed")
	}
}
