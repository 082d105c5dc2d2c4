//! Floods the chain with ordinary transactions, and counts what becomes of them.

use std::{
	sync::{Arc, Mutex},
	time::Duration,
};

use anyhow::{ensure, Context};
use tokio::task::JoinHandle;
use zombienet_sdk::subxt::backend::rpc::RpcClient;

use crate::{
	chain::{Chain, Offer},
	network::Net,
	partition::NAMES,
};

/// Transfers in each transaction: so that it takes fewer of them, on a machine that runs all nodes.
pub const TRANSFERS: usize = 50;

/// So long a node may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// What became of them so far.
#[derive(Default, Clone)]
pub struct Count {
	/// Sent.
	pub offered: u64,
	/// Taken into a node's pool.
	pub taken: u64,
	/// Turned away, for there was no room.
	pub refused: u64,
	/// What a node said when it turned one away first.
	pub reason: Option<String>,
}

/// A running flood. Ends when it is dropped.
pub struct Flood {
	count: Arc<Mutex<Count>>,
	task: JoinHandle<()>,
}

impl Drop for Flood {
	fn drop(&mut self) {
		self.task.abort();
	}
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
		// An account's transactions go to one node, so that they come in order.
		let sender = |(nth, name): (usize, &'static str)| {
			let (chain, rpc) = nodes[nth % nodes.len()].clone();
			(name, chain, rpc)
		};
		let senders: Vec<_> = NAMES.into_iter().enumerate().map(sender).collect();
		let count = Arc::<Mutex<Count>>::default();
		let counted = count.clone();
		let mut ticks = tokio::time::interval(Duration::from_secs_f64(1.0 / rate));
		let task = tokio::spawn(async move {
			for nth in 0.. {
				ticks.tick().await;
				let (name, chain, rpc) = &senders[nth % senders.len()];
				let offer = tokio::time::timeout(PATIENCE, chain.offer(rpc, name, TRANSFERS)).await;
				let outcome = offer.unwrap_or_else(|_| Err(anyhow::anyhow!("the node does not answer")));
				let Ok(mut count) = counted.lock() else { return };
				count.offered += 1;
				match outcome {
					Ok(Offer::Taken) => count.taken += 1,
					Ok(Offer::Refused(reason)) => {
						count.refused += 1;
						count.reason.get_or_insert(reason);
					},
					Err(why) => eprintln!("  {name}'s transaction failed: {why:#}"),
				}
			}
		});
		Ok(Self { count, task })
	}

	/// What became of them so far.
	pub fn count(&self) -> anyhow::Result<Count> {
		self.count.lock().ok().map(|count| count.clone()).context("the flood has failed")
	}
}
