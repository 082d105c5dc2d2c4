//! Checks that code and pages use the terms of `docs/glossary.md`.

use std::{
	fs,
	path::{Path, PathBuf},
};

/// Files that quote other wording: the glossary itself, and the history of changes.
const EXEMPT: [&str; 3] = ["docs/glossary.md", "runtime/tests/glossary.rs", "CHANGELOG.md"];
/// Question words, with which no doc comment begins: its first line says what the item is or does.
const QUESTIONS: [&str; 5] = ["Who", "What", "How", "Whether", "Where"];

fn root() -> PathBuf {
	Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the repository is there")
}

/// Collects the sources and pages below a folder, as paths relative to the root and contents.
fn collect(folder: &Path, root: &Path, found: &mut Vec<(String, String)>) {
	let entries = fs::read_dir(folder).expect("the folder can be read");
	for path in entries.map(|entry| entry.expect("the entry can be read").path()) {
		let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
		let is_source = ["rs", "md"].iter().any(|kind| path.extension().is_some_and(|it| it == *kind));
		if path.is_dir() {
			if !name.starts_with('.') && !["target", "node_modules"].contains(&name.as_str()) {
				collect(&path, root, found);
			}
		} else if is_source {
			let relative = path.strip_prefix(root).expect("it is below the root").display().to_string();
			if !EXEMPT.contains(&relative.as_str()) {
				found.push((relative, fs::read_to_string(&path).expect("the file is text")));
			}
		}
	}
}

/// Returns the sources and pages of the repository, as relative paths and contents.
fn sources() -> Vec<(String, String)> {
	let (root, mut found) = (root(), Vec::new());
	collect(&root, &root, &mut found);
	assert!(found.len() > 150, "the sources were not found");
	found
}

/// Returns the phrases in quotes of the last column of the glossary's tables.
fn forbidden() -> Vec<String> {
	let glossary = fs::read_to_string(root().join("docs/glossary.md")).expect("there is a glossary");
	let rows = glossary.lines().filter(|line| line.starts_with('|'));
	let last = rows.filter_map(|row| row.trim_end_matches('|').rsplit('|').next());
	let quoted = |column: &str| -> Vec<String> {
		column.split('"').skip(1).step_by(2).map(|phrase| phrase.to_lowercase()).collect()
	};
	last.flat_map(quoted).collect()
}

/// Returns `true` if the line has the phrase as whole words.
fn has(line: &str, phrase: &str) -> bool {
	let ends = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_');
	line.match_indices(phrase)
		.any(|(at, _)| ends(line[..at].chars().next_back()) && ends(line[at + phrase.len()..].chars().next()))
}

#[test]
fn the_words_of_the_glossary_are_kept() {
	let phrases = forbidden();
	assert!(phrases.len() > 10, "the glossary's last column was not understood: {phrases:?}");
	let mut wrong = Vec::new();
	for (path, content) in &sources() {
		// Phrases may be wrapped: lines are joined with the next one.
		let lines: Vec<String> = content
			.lines()
			.map(|line| line.trim_start().trim_start_matches(['/', '!', '>', '#']).trim().to_lowercase())
			.collect();
		for (number, line) in lines.iter().enumerate() {
			let next = lines.get(number + 1).map_or("", String::as_str);
			let joined = format!("{line} {next}");
			for phrase in &phrases {
				if has(line, phrase) || (has(&joined, phrase) && !has(next, phrase)) {
					wrong.push(format!("{path}:{}: \"{phrase}\"", number + 1));
				}
			}
		}
	}
	assert!(wrong.is_empty(), "docs/glossary.md has other terms for these:\n{}", wrong.join("\n"));
}

#[test]
fn no_doc_comment_begins_with_a_question_word() {
	let mut wrong = Vec::new();
	for (path, content) in sources().iter().filter(|(path, _)| path.ends_with(".rs")) {
		for (number, line) in content.lines().enumerate() {
			let line = line.trim_start();
			let doc = line.strip_prefix("/// ").or_else(|| line.strip_prefix("//! "));
			let first = doc.and_then(|doc| doc.split(' ').next());
			if first.is_some_and(|first| QUESTIONS.contains(&first)) {
				wrong.push(format!("{path}:{}: {line}", number + 1));
			}
		}
	}
	assert!(wrong.is_empty(), "their first word is to be a noun or a verb:\n{}", wrong.join("\n"));
}
