//! Partitions a network into two sides and heals it.
//!
//! Each node's process has a group id of its own; nftables drops the packets between the groups of
//! the two sides. The drill has a network namespace of its own (see `scripts/drill`), so the rules
//! affect nothing else on the machine and end with the drill. The drill's own process belongs to no
//! side.

use std::{
	collections::BTreeMap,
	fmt::Write,
	io::Write as _,
	os::unix::fs::PermissionsExt,
	path::{Path, PathBuf},
	process::{Command, Stdio},
};

use anyhow::{ensure, Context};

const TABLE: &str = "inet understudy";
/// First group id. The groups need not exist.
const FIRST_GROUP: u32 = 70_001;
/// Names of the nodes that can be partitioned.
pub const NAMES: [&str; 6] = ["alice", "bob", "charlie", "dave", "eve", "ferdie"];

fn group_of(name: &str) -> Option<u32> {
	let nth = NAMES.iter().position(|known| *known == name)?;
	Some(FIRST_GROUP + nth as u32)
}

/// Writes a program to `dir` that runs `node` with the group id of its `--name`. Returns its path.
pub fn wrapper(node: &Path, dir: &Path) -> anyhow::Result<PathBuf> {
	let mut script = String::from("#!/bin/sh\nfor arg; do\n\tcase $last$arg in\n");
	for name in NAMES {
		let group = group_of(name).unwrap_or_default();
		writeln!(script, "\t--name{name}) group=--regid={group} ;;")?;
	}
	let node = node.display();
	write!(
		script,
		"\tesac\n\tlast=$arg\ndone\nexec setpriv $group ${{group:+--clear-groups}} {node} \"$@\"\n"
	)?;
	let path = dir.join("understudy-node");
	std::fs::write(&path, script).with_context(|| format!("cannot write {}", path.display()))?;
	std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
	Ok(path)
}

/// Cuts all connections between the two sides. `ports` are the ports on which each node listens.
pub fn cut(sides: [&[&str]; 2], ports: &BTreeMap<String, Vec<u16>>) -> anyhow::Result<()> {
	let groups = |side: &[&str]| -> Vec<String> {
		side.iter().filter_map(|name| group_of(name)).map(|group| group.to_string()).collect()
	};
	let listening = |side: &[&str]| -> Vec<String> {
		side.iter().filter_map(|name| ports.get(*name)).flatten().map(|port| port.to_string()).collect()
	};
	let (mut sent, mut received) = (String::new(), String::new());
	for (here, there) in [(sides[0], sides[1]), (sides[1], sides[0])] {
		let (groups, ports) = (groups(here).join(", "), listening(there).join(", "));
		writeln!(sent, "meta skgid {{ {groups} }} tcp dport {{ {ports} }} drop")?;
		writeln!(received, "meta skgid {{ {groups} }} tcp sport {{ {ports} }} drop")?;
	}
	nft(&format!(
		"table {TABLE} {{\nchain sent {{\ntype filter hook output priority 0;\n{sent}}}\n\
		 chain received {{\ntype filter hook input priority 0;\n{received}}}\n}}\n"
	))
}

/// Removes the partition.
pub fn heal() -> anyhow::Result<()> {
	nft(&format!("delete table {TABLE}\n"))
}

fn nft(rules: &str) -> anyhow::Result<()> {
	let mut nft = Command::new("nft")
		.args(["-f", "-"])
		.stdin(Stdio::piped())
		.spawn()
		.context("cannot run nft: run scripts/setup first, and the drill with scripts/drill")?;
	nft.stdin.take().context("nft has no standard input")?.write_all(rules.as_bytes())?;
	let status = nft.wait()?;
	ensure!(status.success(), "nft refused the rules ({status}): run the drill as root, with scripts/drill");
	Ok(())
}
