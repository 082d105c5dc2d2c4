//! Asks a node for a proof. Nothing that it says is believed: that is for `check`.

use anyhow::{ensure, Context};
use codec::Encode;
use jsonrpsee::{
	core::client::ClientT,
	rpc_params,
	ws_client::{WsClient, WsClientBuilder},
};
use serde::Deserialize;
use sp_core::H256;
use understudy_verifier::{Bundle, HandOff, MAX_BYTES};

/// What is to be proven.
pub enum What {
	/// An incident, with all of its records.
	Incident(u64),
	/// These records.
	Records(Vec<u64>),
}

/// Some hand-offs, and the set that the next ones start from, if there are more.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HandOffs {
	hand_offs: Vec<HandOff>,
	next: Option<u64>,
}

/// What is asked for.
pub struct Ask {
	pub what: What,
	/// The set that the proof is to lead from.
	pub first_set: u64,
	pub disclose: &'static str,
	pub at: Option<H256>,
	/// With how many records the log was pinned that this one is to be the continuation of.
	pub checkpoint: Option<u64>,
}

/// Fetches a proof.
pub async fn bundle(url: &str, ask: Ask) -> anyhow::Result<Bundle> {
	let Ask { what, first_set, disclose, at, checkpoint } = ask;
	let client = WsClientBuilder::default()
		.max_response_size(3 * MAX_BYTES as u32)
		.build(url)
		.await
		.with_context(|| format!("cannot reach {url}; is it a node's RPC server, ws:// and all?"))?;

	// Page by page: a long chain has more of them than fit into one answer.
	let (mut hand_offs, mut set, mut bytes) = (Vec::new(), first_set, 0);
	while let HandOffs { hand_offs: page, next: Some(next) } = page(&client, set, at).await? {
		bytes += page.encoded_size();
		ensure!(next > set, "{url} goes round in circles: after authority set {set} it tells of set {next}");
		ensure!(
			bytes < MAX_BYTES,
			"the hand-offs do not fit into a proof; trust a later set (check --next-trust)"
		);
		hand_offs.extend(page);
		set = next;
	}
	let (method, subject) = match &what {
		What::Incident(id) => ("failover_proveIncident", serde_json::json!(id)),
		What::Records(seqs) => ("failover_proveRecords", serde_json::json!(seqs)),
	};
	let mut bundle: Bundle = client
		.request(method, rpc_params![subject, set, disclose, at, checkpoint])
		.await
		.with_context(|| format!("{url} does not prove it"))?;
	hand_offs.append(&mut bundle.hand_offs);
	Ok(Bundle { hand_offs, first_set, ..bundle })
}

async fn page(client: &WsClient, set: u64, at: Option<H256>) -> anyhow::Result<HandOffs> {
	client
		.request("failover_handOffs", rpc_params![set, at])
		.await
		.context("the node does not tell how authority sets handed over")
}
