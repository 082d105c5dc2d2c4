//! Typed access to the chain for the drills.

use anyhow::Context;
use zombienet_sdk::{
	subxt::{
		self,
		backend::rpc::RpcClient,
		config::DefaultExtrinsicParamsBuilder,
		dynamic::Value,
		ext::{scale_decode::DecodeAsType, scale_value::At, subxt_rpcs::rpc_params},
		tx::{DynamicPayload, TxStatus},
		utils::{AccountId32, H256},
		OnlineClient, PolkadotConfig,
	},
	subxt_signer::sr25519::{dev, Keypair},
};

pub use crate::types::*;

/// A best block, as [`Chain::blocks`] yields it.
pub type Block = subxt::blocks::Block<PolkadotConfig, OnlineClient<PolkadotConfig>>;

/// Client of one node.
#[derive(Clone)]
pub struct Chain(OnlineClient<PolkadotConfig>);

impl Chain {
	/// Creates a chain that reads through this client.
	pub fn new(client: OnlineClient<PolkadotConfig>) -> Self {
		Self(client)
	}

	/// Returns the number and hash of the current best block.
	pub async fn best(&self) -> anyhow::Result<(u32, H256)> {
		let block = self.blocks().await?.next().await;
		let block = block.context("the node ended its subscription")??;
		Ok((block.number(), block.hash()))
	}

	/// Subscribes to best blocks.
	pub async fn blocks(&self) -> anyhow::Result<subxt::backend::StreamOfResults<Block>> {
		Ok(self.0.blocks().subscribe_best().await?)
	}

	/// Returns the number of the last finalized block.
	pub async fn finalized(&self) -> anyhow::Result<u32> {
		let hash = self.0.backend().latest_finalized_block_ref().await?.hash();
		Ok(self.0.blocks().at(hash).await?.number())
	}

	/// Returns `Session::Validators` at a block.
	pub async fn validators(&self, at: H256) -> anyhow::Result<Vec<AccountId32>> {
		let query = subxt::dynamic::storage("Session", "Validators", ());
		let value = self.0.storage().at(at).fetch(&query).await?.context("the chain has no validators")?;
		Ok(value.as_type()?)
	}

	/// Returns the health of all members at a block.
	pub async fn roster(&self, at: H256) -> anyhow::Result<RosterStatus> {
		self.call(at, "HeartbeatApi", "roster_status", vec![]).await
	}

	/// Returns the number of records in the log at a block.
	pub async fn log_count(&self, at: H256) -> anyhow::Result<u64> {
		Ok(self.call::<LogHead>(at, "FailoverApi", "log_head", vec![]).await?.count)
	}

	/// Returns the log's entries from `seq` on, 100 at most, at a block.
	pub async fn entries(&self, at: H256, seq: u64) -> anyhow::Result<Vec<Entry>> {
		let args = vec![Value::u128(seq.into()), Value::u128(100)];
		self.call(at, "FailoverApi", "timeline", args).await
	}

	/// Returns the id of the authority set, as counted by the runtime.
	pub async fn set_id(&self) -> anyhow::Result<u64> {
		let (_, at) = self.best().await?;
		let query = subxt::dynamic::storage("Grandpa", "CurrentSetId", ());
		let value = self.0.storage().at(at).fetch(&query).await?;
		value.map_or(Ok(0), |value| Ok(value.as_type()?))
	}

	/// Returns an incident, as of a block.
	pub async fn incident(&self, at: H256, id: u64) -> anyhow::Result<Incident> {
		let found: Option<Incident> =
			self.call(at, "FailoverApi", "incident", vec![Value::u128(id.into())]).await?;
		found.with_context(|| format!("incident {id} is not in the log"))
	}

	/// Returns the block in which an incident seated a standby, if it has.
	pub async fn seated_in(&self, at: H256, incident: u64) -> anyhow::Result<Option<u32>> {
		Ok(self.incident(at, incident).await?.seated.map(|moment| moment.block))
	}

	/// Returns the hash of one of the last few thousand blocks of the best chain.
	pub async fn hash_of(&self, number: u32) -> anyhow::Result<H256> {
		let (_, at) = self.best().await?;
		let query = subxt::dynamic::storage("System", "BlockHash", vec![Value::u128(number.into())]);
		let value = self.0.storage().at(at).fetch(&query).await?;
		Ok(value.with_context(|| format!("the chain has no hash of #{number}"))?.as_type()?)
	}

	/// Returns the number of members that may still lose their seats in this cool-off, by a view
	/// function.
	pub async fn evictions_left(&self, at: H256) -> anyhow::Result<u32> {
		let metadata = self.0.metadata();
		let pallet = metadata.pallet_by_name_err("ValidatorRotation")?;
		let function = pallet
			.view_function_by_name("evictions_left")
			.context("the runtime has no view function evictions_left")?;
		let call = subxt::view_functions::dynamic(*function.query_id(), Vec::<Value>::new());
		Ok(self.0.view_functions().at(at).call(call).await?.as_type()?)
	}

	/// Returns the conduct of the members that had an outage or retired.
	pub async fn conducts(&self, at: H256) -> anyhow::Result<Vec<(AccountId32, Conduct)>> {
		let query = subxt::dynamic::storage("ValidatorRotation", "Conducts", ());
		let value = self.0.storage().at(at).fetch(&query).await?;
		Ok(value.map_or(Ok(Vec::new()), |value| value.as_type())?)
	}

	/// Returns 1 if a case awaits the guardians or was vetoed by them, else 0.
	pub async fn cases(&self, at: H256) -> anyhow::Result<usize> {
		let query = subxt::dynamic::storage("ValidatorRotation", "Cases", ());
		let value = self.0.storage().at(at).fetch(&query).await?;
		Ok(value.map_or(Ok(0), |value| value.to_value().map(|cases| cases.at(0).map_or(0, |_| 1)))?)
	}

	/// Returns the slot in which a block was authored, from its digest.
	pub fn slot(block: &Block) -> anyhow::Result<u64> {
		use zombienet_sdk::subxt::config::substrate::DigestItem;
		let logs = &block.header().digest.logs;
		let slot = logs.iter().find_map(|log| match log {
			DigestItem::PreRuntime([b'a', b'u', b'r', b'a'], slot) => slot.as_slice().try_into().ok(),
			_ => None,
		});
		Ok(u64::from_le_bytes(slot.context("the block has no slot")?))
	}

	/// Retires a member, signed by its own account, and waits until the call is in a block.
	pub async fn retire(&self, who: &str) -> anyhow::Result<()> {
		self.submit(who, subxt::dynamic::tx("ValidatorRotation", "retire", Vec::<Value>::new())).await
	}

	/// Sets session keys that a node has generated for a member, signed by the member's account,
	/// and waits until the call is in a block.
	pub async fn set_keys(&self, who: &str, keys: &[u8], proof: &[u8]) -> anyhow::Result<()> {
		// The session keys are three keys of 32 bytes.
		let keys = Value::unnamed_composite(keys.chunks(32).map(Value::from_bytes));
		let call = subxt::dynamic::tx("Session", "set_keys", vec![keys, Value::from_bytes(proof)]);
		self.submit(who, call).await
	}

	/// Returns the index of the session of a block.
	pub async fn session(&self, at: H256) -> anyhow::Result<u32> {
		let query = subxt::dynamic::storage("Session", "CurrentIndex", Vec::<Value>::new());
		let index = self.0.storage().at(at).fetch_or_default(&query).await?;
		Ok(index.as_type()?)
	}

	/// Updates the endpoint for a member's health requests, signed by the member's own account, and
	/// waits until the call is in a block.
	pub async fn move_endpoint(&self, who: &str, port: u16) -> anyhow::Result<()> {
		let loopback = Value::unnamed_composite([127u8, 0, 0, 1].map(|byte| Value::u128(byte.into())));
		let endpoint = Value::unnamed_variant("V4", [loopback, Value::u128(port.into())]);
		let profile = Value::named_composite([
			("endpoint", Value::unnamed_variant("Some", [endpoint])),
			("region", Value::from_bytes(b"this machine")),
			("operator", Value::from_bytes(who)),
		]);
		self.submit(who, subxt::dynamic::tx("Heartbeat", "update", vec![profile])).await
	}

	/// Submits this many transfers in one transaction. `rpc` is a client of the same node.
	pub async fn offer(&self, rpc: &RpcClient, who: &str, transfers: usize) -> anyhow::Result<Offer> {
		// The next nonce follows the transactions in the pool.
		let account = key_of(who)?.public_key().to_account_id();
		let nonce = rpc.request("system_accountNextIndex", rpc_params![account]).await?;
		let to = Value::unnamed_variant("Id", [Value::from_bytes(dev::eve().public_key().0)]);
		let transfer = subxt::dynamic::tx("Balances", "transfer_keep_alive", vec![to, Value::u128(1)]);
		let calls = Value::unnamed_composite((0..transfers).map(|_| transfer.clone().into_value()));
		let batch = subxt::dynamic::tx("Utility", "batch", vec![calls]);
		let params = DefaultExtrinsicParamsBuilder::new().nonce(nonce).build();
		let signed = self.0.tx().create_signed(&batch, &key_of(who)?, params).await?;
		match signed.submit().await {
			Ok(_) => Ok(Offer::Taken),
			// `Display` omits the error code.
			Err(why) => Ok(Offer::Refused(format!("{why:?}"))),
		}
	}

	/// Returns the number of `Utility` calls in a block.
	pub async fn batches(&self, block: &Block) -> anyhow::Result<usize> {
		let extrinsics = block.extrinsics().await?;
		let mut batches = 0;
		for extrinsic in extrinsics.iter() {
			batches += usize::from(extrinsic.pallet_name()? == "Utility");
		}
		Ok(batches)
	}

	/// Returns the ref time that ordinary transactions took of a block, and the most that they may
	/// take, in picoseconds.
	pub async fn taken(&self, at: H256) -> anyhow::Result<(u128, u128)> {
		let query = subxt::dynamic::storage("System", "BlockWeight", ());
		let value =
			self.0.storage().at(at).fetch(&query).await?.context("the block has no weight")?.to_value()?;
		let taken = value.at("normal").at("ref_time").and_then(|time| time.as_u128());
		let limits =
			self.0.constants().at(&subxt::dynamic::constant("System", "BlockWeights"))?.to_value()?;
		let most = limits
			.at("per_class")
			.at("normal")
			.at("max_total")
			.at(0)
			.at("ref_time")
			.and_then(|time| time.as_u128());
		taken.zip(most).context("the layout of the block weights has changed")
	}

	async fn submit(&self, who: &str, call: DynamicPayload) -> anyhow::Result<()> {
		let key = key_of(who)?;
		let mut progress = self.0.tx().sign_and_submit_then_watch_default(&call, &key).await?;
		while let Some(status) = progress.next().await {
			match status? {
				TxStatus::InBestBlock(block) | TxStatus::InFinalizedBlock(block) => {
					block.wait_for_success().await?;
					return Ok(());
				},
				TxStatus::Error { message }
				| TxStatus::Invalid { message }
				| TxStatus::Dropped { message } => {
					anyhow::bail!("{who}'s transaction was refused: {message}")
				},
				_ => (),
			}
		}
		anyhow::bail!("the node ended its subscription")
	}

	/// Returns the member indices of the heartbeats in a block.
	pub async fn heartbeats(&self, block: &Block) -> anyhow::Result<Vec<u32>> {
		let mut indices = Vec::new();
		for extrinsic in block.extrinsics().await?.iter() {
			if extrinsic.pallet_name()? == "Heartbeat" && extrinsic.variant_name()? == "heartbeat" {
				let fields = extrinsic.field_values()?;
				let index = fields.at("heartbeat").at("index").and_then(|index| index.as_u128());
				indices.push(index.context("the heartbeat has no index")?.try_into()?);
			}
		}
		Ok(indices)
	}

	async fn call<T: DecodeAsType>(
		&self,
		at: H256,
		api: &str,
		method: &str,
		args: Vec<Value>,
	) -> anyhow::Result<T> {
		let call = subxt::dynamic::runtime_api_call(api, method, args);
		Ok(self.0.runtime_api().at(at).call(call).await?.as_type()?)
	}
}

/// Result of submitting a transaction to a node.
pub enum Offer {
	/// The transaction is in the pool.
	Taken,
	/// The node refused the transaction with this error.
	Refused(String),
}

/// Returns the id of a well-known account.
pub fn account_of(who: &str) -> anyhow::Result<[u8; 32]> {
	Ok(key_of(who)?.public_key().0)
}

fn key_of(who: &str) -> anyhow::Result<Keypair> {
	let found = known().into_iter().find(|(name, _)| *name == who);
	Ok(found.context("no well-known account has this name")?.1)
}

/// Returns the names and keys of all well-known accounts.
fn known() -> Vec<(&'static str, Keypair)> {
	let from_seed = |seed: &str| seed.parse().ok().and_then(|seed| Keypair::from_uri(&seed).ok());
	let more = [("one", "//One"), ("two", "//Two"), ("grace", "//Grace")];
	let more = more.into_iter().filter_map(|(name, seed)| Some((name, from_seed(seed)?)));
	let six = [
		("alice", dev::alice()),
		("bob", dev::bob()),
		("charlie", dev::charlie()),
		("dave", dev::dave()),
		("eve", dev::eve()),
		("ferdie", dev::ferdie()),
	];
	six.into_iter().chain(more).collect()
}

/// Returns the name of a well-known account, or the address of another one.
pub fn name_of(account: &AccountId32) -> String {
	known()
		.iter()
		.find(|(_, pair)| pair.public_key().to_account_id() == *account)
		.map_or_else(|| account.to_string(), |(name, _)| name.to_string())
}

/// Returns the names of accounts, separated by spaces.
pub fn names_of(accounts: &[AccountId32]) -> String {
	accounts.iter().map(name_of).collect::<Vec<_>>().join(" ")
}
