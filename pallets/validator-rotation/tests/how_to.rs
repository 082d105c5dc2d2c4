//! Checks that the how-to pages are up to date. They show code of runtimes that compile: each page
//! is generated from its source in `docs/how-to/src` and from items of these runtimes.
//! `UNDERSTUDY_WRITE_PAGES=1 cargo test -p pallet-validator-rotation --test how_to` writes them.

/// Sources of the pages. The macro that generates the pages does not report the files that it reads
/// to the compiler. These includes do, so that a change of any of them generates the pages again.
const _: &[&str] = &[
	include_str!("../../../docs/how-to/src/poa.md"),
	include_str!("../../../docs/how-to/src/parachain.md"),
	include_str!("../../../docs/how-to/src/staking.md"),
	include_str!("../../../runtime/src/configs/consensus.rs"),
	include_str!("../../../runtime/src/configs/staking.rs"),
	include_str!("../../../runtime/src/configs/understudy.rs"),
	include_str!("../../../runtime/tests/upgrade.rs"),
	include_str!("../../../examples/parachain/runtime/src/suite.rs"),
];

fn page(name: &str, made: &str) {
	// Relative to the package's folder, in which cargo runs tests. The folder at build time may be
	// that of another checkout.
	let path = format!("../../docs/how-to/{name}.md");
	let note = format!(
		"<!-- Made of src/{name}.md by pallets/validator-rotation/tests/how_to.rs: change that. -->\n"
	);
	let made = note + made;
	if std::env::var_os("UNDERSTUDY_WRITE_PAGES").is_some() {
		std::fs::write(&path, &made).expect("the page can be written");
	}
	let there = std::fs::read_to_string(&path).unwrap_or_default();
	assert!(
		there == made,
		"docs/how-to/{name}.md is not up to date: run this test with UNDERSTUDY_WRITE_PAGES=1"
	);
}

/// Source of the example node's service.
const SERVICE: &str = include_str!("../../../examples/poa/node/src/service.rs");
/// Source of the example runtime.
const RUNTIME: &str = include_str!("../../../examples/poa/runtime/src/lib.rs");
/// Pallets of the suite in it.
const PALLETS: [&str; 4] = ["Heartbeat", "ValidatorRotation", "Failover", "ValidatorList"];
/// Source of its configuration of the suite.
const SUITE: &str = include_str!("../../../examples/poa/runtime/src/suite.rs");

/// Returns the marked lines of a source as a diff with some context, and their number.
fn diff(source: &str) -> (String, usize) {
	let (mut lines, mut inside) = (Vec::new(), false);
	for line in source.lines() {
		let (trimmed, indent) = (line.trim_start(), line.len() - line.trim_start().len());
		match trimmed {
			"// +{" => inside = true,
			"// +}" => inside = false,
			_ if trimmed.starts_with("// - ") => {
				lines.push(('-', format!("{}{}", &line[..indent], &trimmed["// - ".len()..])));
			},
			_ if line.ends_with(" // +") => {
				lines.push(('+', line.trim_end_matches(" // +").trim_end().to_string()));
			},
			_ => lines.push((if inside { '+' } else { ' ' }, line.to_string())),
		}
	}
	let changed: Vec<usize> =
		lines.iter().enumerate().filter(|(_, (mark, _))| *mark != ' ').map(|(place, _)| place).collect();
	let (mut text, mut last) = (String::from("```diff\n"), None);
	for (place, (mark, line)) in lines.iter().enumerate() {
		if changed.iter().any(|changed| changed.abs_diff(place) <= 2) {
			if last.is_some_and(|last| last + 1 < place) {
				text += "@@\n";
			}
			text += format!("{mark}{line}").trim_end();
			text += "\n";
			last = Some(place);
		}
	}
	(text + "```\n", changed.len())
}

/// Returns the declarations of the suite's pallets in the example runtime.
fn pallets() -> String {
	let suite = |line: &&str| PALLETS.iter().any(|name| line.contains(&format!("pub type {name} =")));
	let lines: Vec<&str> = RUNTIME.lines().collect();
	let pairs = lines.windows(2).filter(|pair| suite(&pair[1]));
	let shown: Vec<String> = pairs.map(|pair| format!("{}\n{}\n", pair[0].trim(), pair[1].trim())).collect();
	format!("```rust\n{}```\n", shown.concat())
}

#[test]
fn the_page_on_nodes_is_up_to_date() {
	let (diff, changed) = diff(SERVICE);
	assert!(changed <= 60, "the node's diff has {changed} lines");
	let source = include_str!("../../../docs/how-to/src/node.md");
	page("node", &source.replace("<!-- diff: examples/poa/node/src/service.rs -->\n", &diff));
}

#[test]
fn the_page_on_authority_chains_is_up_to_date() {
	let code = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
	// Two lines for each pallet, and the session key.
	let added = SUITE.lines().filter(code).count() + PALLETS.len() * 2 + 1;
	assert!(added <= 120, "the runtime's part of the suite has {added} lines");
	let made: &str = docify::compile_markdown!("../../docs/how-to/src/poa.md");
	page("poa", &made.replace("<!-- pallets: examples/poa/runtime/src/lib.rs -->\n", &pallets()));
}

#[test]
fn the_page_on_parachains_is_up_to_date() {
	let mut made: String = docify::compile_markdown!("../../docs/how-to/src/parachain.md").into();
	for (file, source) in [
		("lib.rs", include_str!("../../../examples/parachain/runtime/src/lib.rs")),
		("chain.rs", include_str!("../../../examples/parachain/runtime/src/chain.rs")),
	] {
		let (diff, changed) = diff(source);
		assert!(changed <= 80, "the diff of {file} has {changed} lines");
		made = made.replace(&format!("<!-- diff: examples/parachain/runtime/src/{file} -->\n"), &diff);
	}
	page("parachain", &made);
}

#[test]
fn the_page_on_staking_is_up_to_date() {
	page("staking", docify::compile_markdown!("../../docs/how-to/src/staking.md"));
}
