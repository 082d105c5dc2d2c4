//! What the drills read of the chain, typed. The types mirror those of `understudy-primitives` by name, as the chain's
//! metadata has them.

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

/// A block as seen through this module.
pub type Block = subxt::blocks::Block<PolkadotConfig, OnlineClient<PolkadotConfig>>;

/// One node's view of the chain.
#[derive(Clone)]
pub struct Chain(OnlineClient<PolkadotConfig>);

/// `understudy_primitives::Record`, as far as the drills look at it.
#[derive(Clone, Debug, DecodeAsType)]
#[decode_as_type(crate_path = "zombienet_sdk::subxt::ext::scale_decode")]
pub struct Record {
	pub seq: u64,
	pub block: u32,
	pub incident: u64,
	pub kind: RecordKind,
	pub initiator: Initiator,
	pub subject: Option<AccountId32>,
	pub from: Option<AccountId32>,
	pub to: Option<AccountId32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, DecodeAsType)]
#[decode_as_type(crate_path = "zombienet_sdk::subxt::ext::scale_decode")]
pub enum RecordKind {
	Elected,
	Suspected,
	Attributed,
	Cleared,
	Replaced,
	Removed,
	Cancelled,
	Seated,
	Held,
	Resumed,
	CaseOpened,
	CaseVetoed,
	CaseClosed,
	Penalized,
	Readmitted,
	RolledBack,
	AutomationSuspended,
	AutomationResumed,
	Reconciled,
	Diverged,
	Unconfirmed,
	Degraded,
	Recovering,
	FinalityResumed,
	Thawed,
	Equivocated,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, DecodeAsType)]
#[decode_as_type(crate_path = "zombienet_sdk::subxt::ext::scale_decode")]
pub enum Initiator {
	Automation,
	Election,
	Member,
	Guardians,
	Anyone,
}

#[derive(Clone, Debug, DecodeAsType)]
#[decode_as_type(crate_path = "zombienet_sdk::subxt::ext::scale_decode")]
pub enum Evidence {
	Verdict(Verdict),
	Set(H256),
	Penalty {
		outages: u8,
		at_once: u32,
		/// Parts per thousand million.
		fraction: u32,
	},
	Onset {
		last_sign: Moment,
		first: Moment,
	},
	// The details of a verdict, which the drills do not look into.
	Slots {},
	Signs {},
	Peers {},
	Votes {},
	Node(#[allow(dead_code)] Vec<u8>),
	State {
		block: u32,
		hash: H256,
	},
	Finality {
		finalized: u32,
	},
	Quorum {
		votes: u32,
		members: u32,
		base: u32,
	},
	DoubleVote {},
	Equivocation {},
	AuthorEquivocation {
		slot: u64,
	},
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, DecodeAsType)]
#[decode_as_type(crate_path = "zombienet_sdk::subxt::ext::scale_decode")]
pub struct Moment {
	pub block: u32,
	/// Milliseconds since the Unix epoch.
	pub time: u64,
}

/// `understudy_primitives::Incident`, as far as the drills look at it.
#[derive(Clone, Debug, DecodeAsType)]
#[decode_as_type(crate_path = "zombienet_sdk::subxt::ext::scale_decode")]
pub struct Incident {
	pub began: Moment,
	pub suspected: Moment,
	pub attributed: Option<Moment>,
	pub seated: Option<Moment>,
	pub reconciled: Option<Moment>,
}

/// `pallet_validator_rotation::lifecycle::Conduct`, as far as the drills look at it.
#[derive(Clone, Debug, DecodeAsType)]
#[decode_as_type(crate_path = "zombienet_sdk::subxt::ext::scale_decode")]
pub struct Conduct {
	pub outages: u8,
	pub absence: Option<Absence>,
}

#[derive(Clone, Debug, DecodeAsType)]
#[decode_as_type(crate_path = "zombienet_sdk::subxt::ext::scale_decode")]
pub enum Absence {
	Jailed { until: u32 },
	Probation { left: u8 },
	Retired,
	Expelled,
}

impl std::fmt::Display for Absence {
	fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
		match self {
			Absence::Jailed { until } => write!(f, "in jail until #{until}"),
			Absence::Probation { left } => write!(f, "on probation for {left} windows"),
			Absence::Retired => write!(f, "retired"),
			Absence::Expelled => write!(f, "expelled"),
		}
	}
}

#[derive(Clone, Debug, DecodeAsType)]
#[decode_as_type(crate_path = "zombienet_sdk::subxt::ext::scale_decode")]
pub struct Entry {
	pub record: Record,
	pub evidence: Vec<Evidence>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, DecodeAsType)]
#[decode_as_type(crate_path = "zombienet_sdk::subxt::ext::scale_decode")]
pub enum Health {
	Healthy,
	Suspect,
	Impaired,
	Down,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, DecodeAsType)]
#[decode_as_type(crate_path = "zombienet_sdk::subxt::ext::scale_decode")]
pub struct Detectors {
	pub slots: bool,
	pub heartbeats: bool,
	pub peers: bool,
	pub votes: bool,
}

impl Detectors {
	/// The letters of those that fired.
	pub fn letters(&self) -> String {
		let all = [(self.slots, 'S'), (self.heartbeats, 'H'), (self.peers, 'P'), (self.votes, 'V')];
		all.into_iter().filter(|(fired, _)| *fired).map(|(_, letter)| letter).collect()
	}
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, DecodeAsType)]
#[decode_as_type(crate_path = "zombienet_sdk::subxt::ext::scale_decode")]
pub struct Verdict {
	pub health: Health,
	/// Parts per thousand million.
	pub confidence: u32,
	pub detectors: Detectors,
	pub missed_slots: u8,
	pub missed_windows: u8,
	pub unreachable_windows: u8,
	pub voteless_windows: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, DecodeAsType)]
#[decode_as_type(crate_path = "zombienet_sdk::subxt::ext::scale_decode")]
pub struct Judged {
	pub verdict: Verdict,
	/// Windows in which nothing is counted against the member.
	pub grace: u8,
}

#[derive(Clone, Debug, DecodeAsType)]
#[decode_as_type(crate_path = "zombienet_sdk::subxt::ext::scale_decode")]
pub struct RosterStatus {
	pub systemic: bool,
	pub members: Vec<(AccountId32, Judged)>,
}

#[derive(Clone, Copy, Debug, DecodeAsType)]
#[decode_as_type(crate_path = "zombienet_sdk::subxt::ext::scale_decode")]
pub struct LogHead {
	pub count: u64,
}

impl Chain {
	/// Reads through this client.
	pub fn new(client: OnlineClient<PolkadotConfig>) -> Self {
		Self(client)
	}

	/// The best block's number and hash as of now.
	pub async fn best(&self) -> anyhow::Result<(u32, H256)> {
		let block = self.blocks().await?.next().await;
		let block = block.context("the node ended its subscription")??;
		Ok((block.number(), block.hash()))
	}

	/// Best blocks as they come.
	pub async fn blocks(&self) -> anyhow::Result<subxt::backend::StreamOfResults<Block>> {
		Ok(self.0.blocks().subscribe_best().await?)
	}

	/// The last finalized block's number.
	pub async fn finalized(&self) -> anyhow::Result<u32> {
		let hash = self.0.backend().latest_finalized_block_ref().await?.hash();
		Ok(self.0.blocks().at(hash).await?.number())
	}

	/// `Session::Validators` at a block.
	pub async fn validators(&self, at: H256) -> anyhow::Result<Vec<AccountId32>> {
		let query = subxt::dynamic::storage("Session", "Validators", ());
		let value = self.0.storage().at(at).fetch(&query).await?.context("the chain has no validators")?;
		Ok(value.as_type()?)
	}

	/// Everybody's health at a block.
	pub async fn roster(&self, at: H256) -> anyhow::Result<RosterStatus> {
		self.call(at, "HeartbeatApi", "roster_status", vec![]).await
	}

	/// How many records the log has at a block.
	pub async fn log_count(&self, at: H256) -> anyhow::Result<u64> {
		Ok(self.call::<LogHead>(at, "FailoverApi", "log_head", vec![]).await?.count)
	}

	/// The log's entries from `seq` on, at a block.
	pub async fn entries(&self, at: H256, seq: u64) -> anyhow::Result<Vec<Entry>> {
		let args = vec![Value::u128(seq.into()), Value::u128(100)];
		self.call(at, "FailoverApi", "timeline", args).await
	}

	/// The authority set as the runtime counts it.
	pub async fn set_id(&self) -> anyhow::Result<u64> {
		let (_, at) = self.best().await?;
		let query = subxt::dynamic::storage("Grandpa", "CurrentSetId", ());
		let value = self.0.storage().at(at).fetch(&query).await?;
		value.map_or(Ok(0), |value| Ok(value.as_type()?))
	}

	/// What became of an incident, at a block.
	pub async fn incident(&self, at: H256, id: u64) -> anyhow::Result<Incident> {
		let found: Option<Incident> =
			self.call(at, "FailoverApi", "incident", vec![Value::u128(id.into())]).await?;
		found.with_context(|| format!("the chain does not know incident {id}"))
	}

	/// The block in which a standby was seated by an incident.
	pub async fn seated_in(&self, at: H256, incident: u64) -> anyhow::Result<Option<u32>> {
		Ok(self.incident(at, incident).await?.seated.map(|moment| moment.block))
	}

	/// The hash of a block of the best chain, of the last few thousand.
	pub async fn hash_of(&self, number: u32) -> anyhow::Result<H256> {
		let (_, at) = self.best().await?;
		let query = subxt::dynamic::storage("System", "BlockHash", vec![Value::u128(number.into())]);
		let value = self.0.storage().at(at).fetch(&query).await?;
		Ok(value.with_context(|| format!("the chain does not know #{number}"))?.as_type()?)
	}

	/// How many more members may lose their seats in this cool-off, by a view function.
	pub async fn evictions_left(&self, at: H256) -> anyhow::Result<u32> {
		let metadata = self.0.metadata();
		let pallet = metadata.pallet_by_name_err("ValidatorRotation")?;
		let function = pallet
			.view_function_by_name("evictions_left")
			.context("the runtime has no view function evictions_left")?;
		let call = subxt::view_functions::dynamic(*function.query_id(), Vec::<Value>::new());
		Ok(self.0.view_functions().at(at).call(call).await?.as_type()?)
	}

	/// What is remembered of members that had an outage or retired.
	pub async fn conducts(&self, at: H256) -> anyhow::Result<Vec<(AccountId32, Conduct)>> {
		let query = subxt::dynamic::storage("ValidatorRotation", "Conducts", ());
		let value = self.0.storage().at(at).fetch(&query).await?;
		Ok(value.map_or(Ok(Vec::new()), |value| value.as_type())?)
	}

	/// How many cases wait for the guardians, those that they vetoed included.
	pub async fn cases(&self, at: H256) -> anyhow::Result<usize> {
		let query = subxt::dynamic::storage("ValidatorRotation", "Cases", ());
		let value = self.0.storage().at(at).fetch(&query).await?;
		Ok(value.map_or(Ok(0), |value| value.to_value().map(|cases| cases.at(0).map_or(0, |_| 1)))?)
	}

	/// The slot that a block was authored in, from its digest.
	pub fn slot(block: &Block) -> anyhow::Result<u64> {
		use zombienet_sdk::subxt::config::substrate::DigestItem;
		let logs = &block.header().digest.logs;
		let slot = logs.iter().find_map(|log| match log {
			DigestItem::PreRuntime([b'a', b'u', b'r', b'a'], slot) => slot.as_slice().try_into().ok(),
			_ => None,
		});
		Ok(u64::from_le_bytes(slot.context("a block without a slot")?))
	}

	/// Asks for a hand-over, signed by the member's own account, and waits until that is in a block.
	pub async fn retire(&self, who: &str) -> anyhow::Result<()> {
		self.submit(who, subxt::dynamic::tx("ValidatorRotation", "retire", Vec::<Value>::new())).await
	}

	/// Sets a member's session keys, which a node has made for its account, signed by that account.
	pub async fn set_keys(&self, who: &str, keys: &[u8], proof: &[u8]) -> anyhow::Result<()> {
		// Three keys of 32 bytes.
		let keys = Value::unnamed_composite(keys.chunks(32).map(Value::from_bytes));
		let call = subxt::dynamic::tx("Session", "set_keys", vec![keys, Value::from_bytes(proof)]);
		self.submit(who, call).await
	}

	/// The session that a block is in.
	pub async fn session(&self, at: H256) -> anyhow::Result<u32> {
		let query = subxt::dynamic::storage("Session", "CurrentIndex", Vec::<Value>::new());
		let index = self.0.storage().at(at).fetch_or_default(&query).await?;
		Ok(index.as_type()?)
	}

	/// Registers anew where a member's health can be asked for, signed by the member's own account, and waits until that is
	/// in a block.
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

	/// Offers so many transfers in one transaction. `rpc` is the same node's.
	pub async fn offer(&self, rpc: &RpcClient, who: &str, transfers: usize) -> anyhow::Result<Offer> {
		// What the pool has counts, too.
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
			// The code is in what the display leaves out.
			Err(why) => Ok(Offer::Refused(format!("{why:?}"))),
		}
	}

	/// How many batches a block holds.
	pub async fn batches(&self, block: &Block) -> anyhow::Result<usize> {
		let extrinsics = block.extrinsics().await?;
		let mut batches = 0;
		for extrinsic in extrinsics.iter() {
			batches += usize::from(extrinsic.pallet_name()? == "Utility");
		}
		Ok(batches)
	}

	/// What ordinary transactions took of a block, in picoseconds, and what they may take at most.
	pub async fn taken(&self, at: H256) -> anyhow::Result<(u128, u128)> {
		let query = subxt::dynamic::storage("System", "BlockWeight", ());
		let value =
			self.0.storage().at(at).fetch(&query).await?.context("a block without a weight")?.to_value()?;
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
		taken.zip(most).context("the block weights are not what they were")
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

	/// The roster indices whose heartbeats a block holds.
	pub async fn heartbeats(&self, block: &Block) -> anyhow::Result<Vec<u32>> {
		let mut indices = Vec::new();
		for extrinsic in block.extrinsics().await?.iter() {
			if extrinsic.pallet_name()? == "Heartbeat" && extrinsic.variant_name()? == "heartbeat" {
				let fields = extrinsic.field_values()?;
				let index = fields.at("heartbeat").at("index").and_then(|index| index.as_u128());
				indices.push(index.context("a heartbeat without an index")?.try_into()?);
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

/// What became of a transaction that a node was offered.
pub enum Offer {
	/// It is in the pool.
	Taken,
	/// It is not, and this is why.
	Refused(String),
}

/// A well-known account's id.
pub fn account_of(who: &str) -> anyhow::Result<[u8; 32]> {
	Ok(key_of(who)?.public_key().0)
}

fn key_of(who: &str) -> anyhow::Result<Keypair> {
	let found = known().into_iter().find(|(name, _)| *name == who);
	Ok(found.context("nobody has this name")?.1)
}

/// The accounts of all members.
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

/// A well-known account's name, or its address.
pub fn name_of(account: &AccountId32) -> String {
	known()
		.iter()
		.find(|(_, pair)| pair.public_key().to_account_id() == *account)
		.map_or_else(|| account.to_string(), |(name, _)| name.to_string())
}

/// Accounts as a line.
pub fn names_of(accounts: &[AccountId32]) -> String {
	accounts.iter().map(name_of).collect::<Vec<_>>().join(" ")
}
