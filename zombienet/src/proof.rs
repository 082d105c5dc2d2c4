//! Proofs of the incidents of a drill: fetched from a node, and checked after the network has
//! ended.

use std::{
	path::{Path, PathBuf},
	process::Output,
};

use anyhow::{bail, ensure, Context};
use serde_json::Value;
use tokio::process::Command;

use crate::network::Net;

/// The verifier program and the folder of its proofs.
#[derive(Clone)]
pub struct Verifier {
	program: PathBuf,
	dir: PathBuf,
}

/// A proof from a node, with the trusted set of its chain's genesis.
pub struct Proof {
	verifier: Verifier,
	/// Path of the bundle, as JSON.
	pub bundle: PathBuf,
	trust: PathBuf,
	checkpoint: Option<String>,
}

/// Authority-set hand-offs that a proof must contain.
#[derive(Clone, Copy, Debug)]
pub struct Crosses {
	/// Minimum number of hand-offs.
	pub hand_offs: u64,
	/// Exact number of forced ones among them.
	pub forced: u64,
}

/// Subject of a requested proof.
#[derive(Clone, Default)]
pub struct Ask<'a> {
	/// Id of the incident.
	pub incident: u64,
	/// Hash of the block whose state is proven; the last finalized block by default.
	pub at: Option<&'a str>,
	/// A checkpoint, COUNT:ROOT, that the log must extend.
	pub checkpoint: Option<String>,
}

impl Verifier {
	/// Creates a verifier that runs `program`. Its proofs outlive the network.
	pub fn new(program: &Path) -> anyhow::Result<Self> {
		let dir = std::env::temp_dir().join(format!("understudy-proof-{}", std::process::id()));
		std::fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
		Ok(Self { program: program.to_path_buf(), dir })
	}

	async fn run(&self, args: &[&str]) -> anyhow::Result<Output> {
		let output = Command::new(&self.program).args(args).kill_on_drop(true).output().await;
		output.with_context(|| {
			format!("cannot run {}: build it, and pass its path with --verifier", self.program.display())
		})
	}

	/// Fetches a proof from a node. An error contains the verifier's message.
	pub async fn fetch(&self, network: &Net, node: &str, ask: Ask<'_>) -> anyhow::Result<Proof> {
		let Ask { incident, at, checkpoint } = ask;
		let trust = self.dir.join("trust.json");
		let spec = network.spec();
		let mut args = vec!["trust", text(&spec)?, "--as-of", "now", "--out", text(&trust)?];
		let included = network.included()?;
		if let Some((spec, _)) = &included {
			args.extend(["--parachain", text(spec)?]);
		}
		let trusted = self.run(&args).await?;
		ensure!(trusted.status.success(), "{}", String::from_utf8_lossy(&trusted.stderr));

		let bundle = self.dir.join(format!("incident-{incident}-{node}.json"));
		let id = incident.to_string();
		let mut args = vec!["--incident", &id, "--trust", text(&trust)?];
		args.extend(at.into_iter().flat_map(|at| ["--at", at]));
		args.extend(checkpoint.iter().flat_map(|pinned| ["--checkpoint", pinned]));
		if let Some((_, relay)) = &included {
			args.extend(["--relay-rpc", relay]);
		}
		self.fetch_to(&bundle, &network.url(node)?, &args).await?;
		Ok(Proof { verifier: self.clone(), bundle, trust, checkpoint })
	}

	/// Fetches a checkpoint from which a node can start: a proof of the log's first record, which
	/// leads from genesis to the last finalized block. Returns the path, and the hash of that
	/// block.
	pub async fn checkpoint(&self, network: &Net, node: &str) -> anyhow::Result<(PathBuf, String)> {
		let path = self.dir.join(format!("checkpoint-{node}.scale"));
		let said = self.fetch_to(&path, &network.url(node)?, &["--records", "0"]).await?;
		let hash = said.split_whitespace().last().context("fetch did not print the block")?;
		Ok((path, hash.into()))
	}

	/// Fetches a proof to `out`. Returns the program's output.
	async fn fetch_to(&self, out: &Path, url: &str, args: &[&str]) -> anyhow::Result<String> {
		let args = [&["fetch", "--rpc", url, "--out", text(out)?], args].concat();
		let fetched = self.run(&args).await?;
		if !fetched.status.success() {
			bail!("{}", String::from_utf8_lossy(&fetched.stderr).trim());
		}
		Ok(String::from_utf8(fetched.stdout)?)
	}
}

fn text(path: &Path) -> anyhow::Result<&str> {
	path.to_str().context("the path is not UTF-8")
}

impl Proof {
	/// Checks the proof with the genesis set as its only trust, and prints the verifier's report.
	pub async fn check(&self, crosses: Crosses) -> anyhow::Result<()> {
		let args = self.args()?;
		println!("\nthe network has ended; understudy-verify {}\n", args.join(" "));
		let report = self.verifier.run(&args).await?;
		print!("{}", String::from_utf8_lossy(&report.stdout));
		ensure!(report.status.success(), "the proof is not valid: {}", report.status);
		self.holds(crosses).await
	}

	/// Checks that the proof is valid and contains these hand-offs.
	pub async fn holds(&self, crosses: Crosses) -> anyhow::Result<()> {
		let args = [self.args()?, vec!["--json"]].concat();
		let result: Value = serde_json::from_slice(&self.verifier.run(&args).await?.stdout)?;
		ensure!(result["holds"] == true, "the proof {} is not valid: {result:#}", self.bundle.display());
		let crossed = result["handOffs"].as_u64().unwrap_or_default();
		let forced = result["forced"].as_array().map_or(0, Vec::len) as u64;
		ensure!(
			crossed >= crosses.hand_offs && forced == crosses.forced,
			"the proof contains {crossed} hand-offs, {forced} of them forced; expected {crosses:?}"
		);
		Ok(())
	}

	fn args(&self) -> anyhow::Result<Vec<&str>> {
		let mut args = vec!["check", text(&self.bundle)?, "--trust", text(&self.trust)?];
		args.extend(self.checkpoint.iter().flat_map(|pinned| ["--checkpoint", pinned]));
		Ok(args)
	}

	/// Returns the proof's content without the justifications: nodes store different ones for the
	/// same block.
	pub fn content(&self) -> anyhow::Result<Value> {
		let mut bundle: Value = serde_json::from_slice(&std::fs::read(&self.bundle)?)?;
		let without = |part: &mut Value| {
			part.as_object_mut().and_then(|part| part.remove("justification")).context("no justification")
		};
		without(&mut bundle["head"])?;
		for hand_off in bundle["hand_offs"].as_array_mut().context("no hand-offs")? {
			without(&mut hand_off["Scheduled"])?;
		}
		Ok(bundle)
	}
}
