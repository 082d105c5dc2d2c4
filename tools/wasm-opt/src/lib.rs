//! Runs the system's `wasm-opt` with the interface of the crate `wasm-opt`, as far as
//! `substrate-wasm-builder` uses it.
//!
//! The crate of that name compiles all of Binaryen from its C++ sources, which takes longer than
//! any other dependency of the node. Distributions ship Binaryen as a package; `scripts/setup`
//! installs it. The workspace's `[patch.crates-io]` puts this crate in the other one's place, for
//! this workspace alone.

use std::{fmt, path::Path, process::Command};

/// Passes of Binaryen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pass {
	/// Removes DWARF debug information.
	StripDwarf,
	/// Replaces sign extension instructions by those of the first WebAssembly version. The
	/// runtime's target `wasm32v1-none` has none, and Debian 12's Binaryen does not know the pass:
	/// the program refuses a blob with such instructions instead.
	SignextLowering,
}

impl Pass {
	fn flag(self) -> &'static str {
		match self {
			Pass::StripDwarf => "--strip-dwarf",
			Pass::SignextLowering => "--disable-sign-ext",
		}
	}
}

/// Reason for which the program was not run, or failed.
#[derive(Debug)]
pub struct OptimizationError(String);

impl fmt::Display for OptimizationError {
	fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
		formatter.write_str(&self.0)
	}
}

impl std::error::Error for OptimizationError {}

/// Options of one run.
#[derive(Clone, Default, Debug)]
pub struct OptimizationOptions {
	flags: Vec<&'static str>,
}

impl OptimizationOptions {
	/// No passes but those that are added.
	pub fn new_opt_level_0() -> Self {
		Self::default()
	}

	/// Permits the features of the first WebAssembly version only.
	pub fn mvp_features_only(&mut self) -> &mut Self {
		self.flags.push("--mvp-features");
		self
	}

	/// Keeps the names of functions.
	pub fn debug_info(&mut self, keeps: bool) -> &mut Self {
		self.flags.extend(keeps.then_some("--debuginfo"));
		self
	}

	/// Adds a pass.
	pub fn add_pass(&mut self, pass: Pass) -> &mut Self {
		self.flags.push(pass.flag());
		self
	}

	/// Runs the program on a file. `infile` and `outfile` may be the same.
	///
	/// ## Errors
	///
	/// Fails if the program is not installed, or refuses the file.
	pub fn run(&self, infile: impl AsRef<Path>, outfile: impl AsRef<Path>) -> Result<(), OptimizationError> {
		let mut command = Command::new("wasm-opt");
		command.args(&self.flags).arg(infile.as_ref()).arg("--output").arg(outfile.as_ref());
		let output = command.output().map_err(|why| {
			OptimizationError(format!(
				"wasm-opt does not start ({why}): install Binaryen, as scripts/setup does"
			))
		})?;
		if output.status.success() {
			return Ok(());
		}
		let message = String::from_utf8_lossy(&output.stderr);
		Err(OptimizationError(format!("wasm-opt failed: {}", message.trim())))
	}
}
