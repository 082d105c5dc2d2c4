//! Proofs of what a drill did: fetched from a node, and checked when there is no network any more.

use std::{
	path::{Path, PathBuf},
	process::Output,
};

use anyhow::{bail, ensure, Context};
use serde_json::Value;
use tokio::process::Command;

use crate::network::Net;

/// Where the verifier is, and where the proofs go.
#[derive(Clone)]
pub struct Verifier {
	program: PathBuf,
	dir: PathBuf,
}

/// A proof that a node gave, and the trusted set of its chain's genesis.
pub struct Proof {
	verifier: Verifier,
	/// The bundle, as JSON.
	pub bundle: PathBuf,
	trust: PathBuf,
	checkpoint: Option<String>,
}

/// What a proof must lead across.
#[derive(Clone, Copy, Debug)]
pub struct Crosses {
	/// At least so many hand-offs between authority sets.
	pub hand_offs: u64,
	/// So many of them are forced.
	pub forced: u64,
}

/// What a proof is to be of.
#[derive(Clone, Default)]
pub struct Ask<'a> {
	/// The incident.
	pub incident: u64,
	/// The hash of the block whose state is proven; by default the last one that is final.
	pub at: Option<&'a str>,
	/// A checkpoint, COUNT:ROOT, that the log must be the continuation of.
	pub checkpoint: Option<String>,
}

impl Verifier {
	/// The verifier at `program`. Its proofs outlive the network.
	pub fn new(program: &Path) -> anyhow::Result<Self> {
		let dir = std::env::temp_dir().join(format!("understudy-proof-{}", std::process::id()));
		std::fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
		Ok(Self { program: program.to_path_buf(), dir })
	}

	async fn run(&self, args: &[&str]) -> anyhow::Result<Output> {
		let output = Command::new(&self.program).args(args).kill_on_drop(true).output().await;
		output.with_context(|| {
			format!("cannot run {}; build it, and give its path with --verifier", self.program.display())
		})
	}

	/// Fetches a proof from a node. `Err` has what the verifier said.
	pub async fn fetch(&self, network: &Net, node: &str, ask: Ask<'_>) -> anyhow::Result<Proof> {
		let Ask { incident, at, checkpoint } = ask;
		let trust = self.dir.join("trust.json");
		let trusted =
			self.run(&["trust", text(&network.spec())?, "--as-of", "now", "--out", text(&trust)?]).await?;
		ensure!(trusted.status.success(), "{}", String::from_utf8_lossy(&trusted.stderr));

		let bundle = self.dir.join(format!("incident-{incident}-{node}.json"));
		let id = incident.to_string();
		let mut args = vec!["--incident", &id, "--trust", text(&trust)?];
		args.extend(at.into_iter().flat_map(|at| ["--at", at]));
		args.extend(checkpoint.iter().flat_map(|pinned| ["--checkpoint", pinned]));
		self.fetch_to(&bundle, &network.url(node)?, &args).await?;
		Ok(Proof { verifier: self.clone(), bundle, trust, checkpoint })
	}

	/// Fetches what a node can start with: a proof of the log's first record, which leads from
	/// genesis to the last final block. Returns the file, and the hash of that block.
	pub async fn checkpoint(&self, network: &Net, node: &str) -> anyhow::Result<(PathBuf, String)> {
		let path = self.dir.join(format!("checkpoint-{node}.scale"));
		let said = self.fetch_to(&path, &network.url(node)?, &["--records", "0"]).await?;
		let hash = said.split_whitespace().last().context("fetch did not name the block")?;
		Ok((path, hash.into()))
	}

	/// Fetches a proof. Returns the program's output.
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
	/// Checks the proof, trusting nothing but the genesis set, and prints the report.
	pub async fn check(&self, crosses: Crosses) -> anyhow::Result<()> {
		let args = self.args()?;
		println!("\nno network is left; understudy-verify {}\n", args.join(" "));
		let report = self.verifier.run(&args).await?;
		print!("{}", String::from_utf8_lossy(&report.stdout));
		ensure!(report.status.success(), "the proof does not hold: {}", report.status);
		self.holds(crosses).await
	}

	/// Whether it holds, and crosses so many hand-offs.
	pub async fn holds(&self, crosses: Crosses) -> anyhow::Result<()> {
		let args = [self.args()?, vec!["--json"]].concat();
		let result: Value = serde_json::from_slice(&self.verifier.run(&args).await?.stdout)?;
		ensure!(result["holds"] == true, "the proof {} does not hold: {result:#}", self.bundle.display());
		let crossed = result["handOffs"].as_u64().unwrap_or_default();
		let forced = result["forced"].as_array().map_or(0, Vec::len) as u64;
		ensure!(
			crossed >= crosses.hand_offs && forced == crosses.forced,
			"the proof crosses {crossed} hand-offs, {forced} of them forced, and not {crosses:?}"
		);
		Ok(())
	}

	fn args(&self) -> anyhow::Result<Vec<&str>> {
		let mut args = vec!["check", text(&self.bundle)?, "--trust", text(&self.trust)?];
		args.extend(self.checkpoint.iter().flat_map(|pinned| ["--checkpoint", pinned]));
		Ok(args)
	}

	/// What the proof says, without the votes: nodes keep different ones of the same block.
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
