//! The how-to pages show the code of runtimes that compile: each page is made of its source in `docs/how-to/src` and of items of
//! these, and must be up to date. `UNDERSTUDY_WRITE_PAGES=1 cargo test -p pallet-validator-rotation --test how_to` writes them.

/// What the pages are made of. The macro that makes them does not tell the compiler what it reads: this does, so that they are made anew
/// when any of it changes.
const _: [&str; 9] = [
	include_str!("../../../docs/how-to/src/poa.md"),
	include_str!("../../../docs/how-to/src/parachain.md"),
	include_str!("../../../docs/how-to/src/staking.md"),
	include_str!("../../../runtime/src/configs/consensus.rs"),
	include_str!("../../../runtime/src/configs/staking.rs"),
	include_str!("../../../runtime/src/configs/understudy.rs"),
	include_str!("../../../runtime/tests/upgrade.rs"),
	include_str!("poa.rs"),
	include_str!("collators.rs"),
];

fn page(name: &str, made: &str) {
	// From the package's folder, in which cargo runs tests. The folder at build time may be that of another checkout.
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

#[test]
fn the_page_on_authority_chains_is_up_to_date() {
	page("poa", docify::compile_markdown!("../../docs/how-to/src/poa.md"));
}

#[test]
fn the_page_on_parachains_is_up_to_date() {
	page("parachain", docify::compile_markdown!("../../docs/how-to/src/parachain.md"));
}

#[test]
fn the_page_on_staking_is_up_to_date() {
	page("staking", docify::compile_markdown!("../../docs/how-to/src/staking.md"));
}
