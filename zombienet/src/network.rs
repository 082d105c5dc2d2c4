//! A network of real processes: spawns, kills, restarts and tears down nodes.

use std::{
	collections::{BTreeMap, BTreeSet},
	path::{Path, PathBuf},
	time::Duration,
};

use anyhow::{anyhow, bail, Context};
use nix::{
	sys::signal::{kill, Signal},
	unistd::Pid,
};
use zombienet_sdk::{
	subxt::{
		backend::rpc::RpcClient,
		ext::subxt_rpcs::{client::RpcParams, methods::legacy::Bytes, rpc_params},
	},
	AddNodeOptions, GlobalSettingsBuilder, LocalFileSystem, Network, NetworkConfig, NetworkConfigExt,
	NetworkNode,
};

use crate::{chain::Chain, partition};

/// Key of the setting of a node's probes, in its offchain storage.
const PROBING: &[u8] = b"understudy/node/probing";
/// Value of that setting by which a node probes every address.
const PROBE_ANY: u8 = 2;

/// Time for a node to answer its first request.
const UP: Duration = Duration::from_secs(120);

/// A running network.
pub struct Net {
	network: Network<LocalFileSystem>,
	program: PathBuf,
	dir: PathBuf,
	dead: BTreeSet<String>,
}

/// Spawns the network that `file` describes, with `node` as the program of every node. A
/// `divisible` network can be partitioned.
/// `slow` nodes, those of a relay chain, have more time to start.
pub async fn spawn(node: &Path, file: &Path, divisible: bool, slow: bool) -> anyhow::Result<Net> {
	let node = node.canonicalize().with_context(|| {
		format!("there is no node at {}: build it, and pass its path with --node", node.display())
	})?;
	let dir = std::env::temp_dir().join(format!("understudy-drill-{}", std::process::id()));
	std::fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
	let program = node.clone();
	let node = if divisible { partition::wrapper(&node, &dir)? } else { node };
	// The network file refers to this variable.
	std::env::set_var("UNDERSTUDY_NODE", &node);
	let settings = GlobalSettingsBuilder::new()
		.with_base_dir(&dir)
		.with_tear_down_on_failure(false)
		.with_network_spawn_timeout(if slow { 300 } else { 120 })
		.with_node_spawn_timeout(if slow { 120 } else { 60 })
		.build()
		.map_err(|errors| anyhow!("{errors:?}"))?;
	let file = file.to_str().context("the network's path is not UTF-8")?;
	let config = NetworkConfig::load_from_toml_with_settings(file, &settings)?;

	println!("spawning the network; logs in {}", dir.display());
	let network = config
		.spawn_native()
		.await
		.with_context(|| format!("the network did not start; see the logs in {}", dir.display()))?;
	Ok(Net { network, program, dir, dead: BTreeSet::new() })
}

impl Net {
	/// Returns the collators of the network's parachain, if there is one. The drill is then about
	/// the parachain.
	fn collators(&self) -> Option<Vec<&NetworkNode>> {
		Some(self.network.parachains().first()?.collators())
	}

	/// Returns the names and RPC URLs of the running nodes: those of the parachain, if there is one.
	pub fn urls(&self) -> Vec<(String, String)> {
		self.collators()
			.unwrap_or_else(|| self.network.nodes())
			.into_iter()
			.filter(|node| !self.dead.contains(node.name()))
			.map(|node| (node.name().to_string(), node.ws_uri().to_string()))
			.collect()
	}

	fn node(&self, name: &str) -> anyhow::Result<&NetworkNode> {
		self.network.get_node(name).with_context(|| format!("there is no node {name} in this network"))
	}

	/// Returns the chain as seen by this node.
	pub async fn chain(&self, name: &str) -> anyhow::Result<Chain> {
		let client = tokio::time::timeout(UP, self.node(name)?.wait_client()).await;
		Ok(Chain::new(client.with_context(|| format!("{name} does not answer"))??))
	}

	/// Returns the chain as seen by the last running node that is not in `but`.
	pub async fn watcher(&self, but: &[&str]) -> anyhow::Result<Chain> {
		self.chain(&self.last(but)?).await
	}

	/// Returns the name of the last running node that is not in `but`.
	pub fn last(&self, but: &[&str]) -> anyhow::Result<String> {
		let names = self.urls().into_iter().map(|(name, _)| name);
		names.rev().find(|name| !but.contains(&name.as_str())).context("no node is left")
	}

	/// Registers the endpoint of every member's node for health requests: the ports are not known
	/// at genesis.
	pub async fn announce(&self) -> anyhow::Result<()> {
		if self.collators().is_some() {
			self.permit_probes().await?;
		}
		let chain = &self.watcher(&[]).await?;
		let announce =
			|(name, url): (String, String)| async move { chain.move_endpoint(&name, port_of(&url)?).await };
		futures::future::try_join_all(self.urls().into_iter().map(announce)).await?;
		Ok(())
	}

	/// Returns the URL of a node's RPC server.
	pub fn url(&self, name: &str) -> anyhow::Result<String> {
		Ok(self.node(name)?.ws_uri().to_string())
	}

	/// Returns the path of the raw chain specification: that of the relay chain, if there is a
	/// parachain.
	pub fn spec(&self) -> PathBuf {
		let relay = self.network.relaychain();
		self.dir.join(format!("{}.json", relay.chain()))
	}

	/// Returns the path of the parachain's raw chain specification, and the RPC URL of a node of the
	/// relay chain, if there is a parachain.
	pub fn included(&self) -> anyhow::Result<Option<(PathBuf, String)>> {
		let parachains = self.network.parachains();
		let Some(parachain) = parachains.first() else { return Ok(None) };
		let spec = parachain.chain_spec_path().context("the parachain has no chain specification")?;
		let relay = self.network.relaychain().nodes();
		let relay = relay.last().context("the relay chain has no nodes")?;
		Ok(Some((self.dir.join(spec), relay.ws_uri().to_string())))
	}

	/// Permits every node to probe loopback addresses. The nodes of the sample chain have an option
	/// for that.
	async fn permit_probes(&self) -> anyhow::Result<()> {
		let params = || rpc_params!["PERSISTENT", Bytes(PROBING.to_vec()), Bytes(vec![PROBE_ANY])];
		for (name, _) in self.urls() {
			self.call(&name, "offchain_localStorageSet", params()).await?;
		}
		Ok(())
	}

	/// Adds a node that is not a member, and waits until it answers.
	pub async fn add(&mut self, name: &str, args: &[&str]) -> anyhow::Result<()> {
		let boot = self.node("alice")?.multiaddr().to_string();
		let mut all = vec![("--bootnodes", boot.as_str()).into()];
		all.extend(args.iter().map(|arg| (*arg).into()));
		let options = AddNodeOptions { args: all, is_validator: false, ..Default::default() };
		self.network.add_node(name, options).await?;
		self.chain(name).await.map(drop)
	}

	/// Inserts the Aura key of a well-known account into a node, and none of its other keys.
	pub async fn give_author_key(&self, name: &str, owner: &str) -> anyhow::Result<()> {
		let (first, rest) = owner.split_at(1);
		let seed = format!("//{}{rest}", first.to_uppercase());
		let key = Bytes(crate::chain::account_of(owner)?.to_vec());
		let params = rpc_params!["aura", seed, key];
		self.call(name, "author_insertKey", params).await.map(drop)
	}

	/// Generates new session keys for an account on a node. Returns the keys and the proof of their
	/// possession.
	pub async fn make_keys(&self, name: &str, owner: &[u8; 32]) -> anyhow::Result<(Vec<u8>, Vec<u8>)> {
		let params = rpc_params![Bytes(owner.to_vec())];
		let made = self.call(name, "author_rotateKeysWithOwner", params).await?;
		let bytes = |field: &str| {
			let made = serde_json::from_value::<Bytes>(made[field].clone());
			made.map(|bytes| bytes.0).with_context(|| format!("{name} returned no {field}"))
		};
		Ok((bytes("keys")?, bytes("proof")?))
	}

	/// Removes all data of a killed node except its keystore: the database, and the files of the
	/// votes that bind it.
	pub fn lose_all_but_keys(&self, name: &str) -> anyhow::Result<()> {
		if !self.dead.contains(name) {
			bail!("{name} has not been killed");
		}
		let chains = self.dir.join(name).join("data").join("chains");
		for chain in std::fs::read_dir(&chains).with_context(|| format!("{name} has no chain"))? {
			for entry in std::fs::read_dir(chain?.path())? {
				let path = entry?.path();
				if !path.ends_with("keystore") {
					std::fs::remove_dir_all(&path)
						.with_context(|| format!("cannot remove {}", path.display()))?;
				}
			}
		}
		Ok(())
	}

	/// Returns the number of lines of a node's log that contain this text.
	pub async fn logged(&self, name: &str, text: &str) -> anyhow::Result<usize> {
		let logs = self.node(name)?.logs().await?;
		Ok(logs.lines().filter(|line| line.contains(text)).count())
	}

	/// Returns the id of the authority set of a node's GRANDPA voter.
	pub async fn set_id(&self, name: &str) -> anyhow::Result<u64> {
		let state = self.call(name, "grandpa_roundState", rpc_params![]).await?;
		state["setId"].as_u64().context("the round state has no set id")
	}

	/// Returns the runtime version of a node's best block.
	pub async fn spec_version(&self, name: &str) -> anyhow::Result<u64> {
		let version = self.call(name, "state_getRuntimeVersion", rpc_params![]).await?;
		version["specVersion"].as_u64().context("the runtime has no version")
	}

	/// Returns `true` if a node has this block of the best chain.
	pub async fn has_block(&self, name: &str, number: u32) -> anyhow::Result<bool> {
		Ok(!self.call(name, "chain_getBlockHash", rpc_params![number]).await?.is_null())
	}

	/// Returns the chain's mode as a node reports it over RPC, and by its metric.
	pub async fn mode(&self, name: &str) -> anyhow::Result<(String, f64)> {
		let status = self.call(name, "recovery_status", rpc_params![]).await?;
		let mode = status["mode"].as_str().context("the status has no mode")?;
		Ok((mode.to_string(), self.node(name)?.reports("understudy_mode").await?))
	}

	async fn call(&self, name: &str, method: &str, params: RpcParams) -> anyhow::Result<serde_json::Value> {
		let client = RpcClient::from_insecure_url(self.node(name)?.ws_uri()).await?;
		client.request(method, params).await.with_context(|| format!("{method} failed on {name}"))
	}

	/// Returns the port of a node's RPC server.
	pub fn port(&self, name: &str) -> anyhow::Result<u16> {
		port_of(self.node(name)?.ws_uri())
	}

	/// Cuts all connections between the two sides.
	pub fn cut(&self, sides: [&[&str]; 2]) -> anyhow::Result<()> {
		let mut ports = BTreeMap::new();
		for name in sides.concat() {
			let address = self.node(name)?.multiaddr().to_string();
			let mut parts = address.split('/').skip_while(|part| *part != "tcp");
			let port = parts.nth(1).and_then(|port| port.parse().ok());
			let port = port.with_context(|| format!("{address} has no port"))?;
			ports.insert(name.to_string(), vec![port, self.port(name)?]);
		}
		partition::cut(sides, &ports)
	}

	/// Removes the partition.
	pub fn heal(&self) -> anyhow::Result<()> {
		partition::heal()
	}

	/// Stops a node's process with SIGSTOP: it stays present and does nothing.
	pub async fn freeze(&self, name: &str) -> anyhow::Result<()> {
		self.node(name)?.pause().await
	}

	/// Continues a node's process with SIGCONT.
	pub async fn thaw(&self, name: &str) -> anyhow::Result<()> {
		self.node(name)?.resume().await
	}

	/// Kills a node's process with SIGKILL.
	pub fn kill(&mut self, name: &str) -> anyhow::Result<()> {
		let node = serde_json::to_value(self.node(name)?)?;
		let pid = node["inner"]["process_handle"].as_i64().filter(|pid| *pid > 0);
		let pid = pid.with_context(|| format!("{name} has no process"))?;
		kill(Pid::from_raw(pid.try_into()?), Signal::SIGKILL)?;
		self.dead.insert(name.to_string());
		Ok(())
	}

	/// Restarts a killed node with its database, and waits until it answers.
	pub async fn revive(&mut self, name: &str) -> anyhow::Result<()> {
		if !self.dead.remove(name) {
			bail!("{name} has not been killed");
		}
		self.node(name)?.restart(None).await?;
		self.chain(name).await.map(drop)
	}

	/// Takes back a killed node's recovery vote, as its operator would: first queries its proposal.
	pub async fn take_back_vote(&self, name: &str) -> anyhow::Result<()> {
		let (spec, data) = (self.spec(), self.dir.join(name).join("data"));
		let command = |more: &[&str]| {
			let mut command = tokio::process::Command::new(&self.program);
			command.args(["take-back-vote", "--chain"]).arg(&spec).arg("--base-path").arg(&data).args(more);
			command.kill_on_drop(true).output()
		};
		let mut asked = command(&[]).await?;
		// A killed process releases the lock of its database after a moment.
		for _ in 0..40 {
			if asked.status.success() {
				break;
			}
			tokio::time::sleep(Duration::from_millis(500)).await;
			asked = command(&[]).await?;
		}
		let said = String::from_utf8_lossy(&asked.stdout).into_owned();
		let hash = said.split_whitespace().map(|word| word.trim_end_matches(['.', ';']));
		let hash = hash.rev().find(|word| word.starts_with("0x"));
		let hash = hash.with_context(|| {
			format!("{name} has no vote to take back: {said}{}", String::from_utf8_lossy(&asked.stderr))
		})?;
		let taken = command(&["--proposal", hash]).await?;
		let said = String::from_utf8_lossy(&taken.stdout);
		if !said.starts_with("Taken back") {
			bail!("{name}: {said}{}", String::from_utf8_lossy(&taken.stderr));
		}
		println!("  {name}: {}", said.trim());
		Ok(())
	}

	/// Returns the block of the recovery proposal and its number of votes, as a node reports over
	/// RPC.
	pub async fn proposal(&self, name: &str) -> anyhow::Result<Option<(u64, u64)>> {
		let status = self.call(name, "recovery_status", rpc_params![]).await?;
		let votes = status["votes"].as_u64().context("the status has no votes")?;
		Ok(status["proposal"]["number"].as_u64().map(|number| (number, votes)))
	}

	/// Ends every process. Removes the logs only if `clean`.
	pub async fn destroy(self, clean: bool) -> anyhow::Result<()> {
		self.network.destroy().await?;
		if clean {
			std::fs::remove_dir_all(&self.dir).ok();
		} else {
			eprintln!("the nodes' logs are in {}", self.dir.display());
		}
		Ok(())
	}
}

fn port_of(url: &str) -> anyhow::Result<u16> {
	let port = url.trim_end_matches('/').rsplit(':').next().and_then(|port| port.parse().ok());
	port.with_context(|| format!("{url} has no port"))
}
