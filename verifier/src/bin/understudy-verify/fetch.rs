//! Fetches a proof from a node. The answers of the node are not trusted; `check` verifies the
//! proof.

use anyhow::{ensure, Context};
use codec::Encode;
use jsonrpsee::{
	core::client::ClientT,
	rpc_params,
	ws_client::{WsClient, WsClientBuilder},
};
use serde::Deserialize;
use sp_core::H256;
use understudy_verifier::{Bundle, Disclosure, HandOff, MAX_BYTES};

/// Subject of the proof.
pub enum What {
	/// Incident, with all of its records.
	Incident(u64),
	/// Records, by their sequence numbers.
	Records(Vec<u64>),
}

/// Page of hand-offs, and the set from which the next page starts, if there is one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HandOffs {
	hand_offs: Vec<HandOff>,
	next: Option<u64>,
}

/// Request for a proof.
pub struct Ask {
	pub what: What,
	/// Set from which the proof is to lead.
	pub first_set: u64,
	pub disclose: Disclosure,
	pub at: Option<H256>,
	/// Record count of the checkpoint whose log this one is to continue.
	pub checkpoint: Option<u64>,
}

/// Connects to the RPC server of a node.
pub async fn connect(url: &str) -> anyhow::Result<WsClient> {
	let client = WsClientBuilder::default().max_response_size(3 * MAX_BYTES as u32).build(url).await;
	client.with_context(|| format!("cannot reach {url}; is it the ws:// address of a node's RPC server?"))
}

/// Fetches a proof.
pub async fn bundle(url: &str, ask: Ask) -> anyhow::Result<Bundle> {
	let Ask { what, first_set, disclose, at, checkpoint } = ask;
	let client = connect(url).await?;

	// Page by page: the hand-offs of a long chain do not fit into one answer.
	let (mut hand_offs, mut set, mut bytes) = (Vec::new(), first_set, 0);
	while let HandOffs { hand_offs: page, next: Some(next) } = page(&client, set, at).await? {
		bytes += page.encoded_size();
		ensure!(next > set, "{url} does not advance: after authority set {set} it returns set {next}");
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
		.with_context(|| format!("{url} did not return the proof"))?;
	hand_offs.append(&mut bundle.hand_offs);
	Ok(Bundle { hand_offs, first_set, ..bundle })
}

async fn page(client: &WsClient, set: u64, at: Option<H256>) -> anyhow::Result<HandOffs> {
	client
		.request("failover_handOffs", rpc_params![set, at])
		.await
		.context("the node did not return the hand-offs between authority sets")
}
