//! Entries of the offchain storage that are on disk when a write returns.
//!
//! The database queues what it is given and writes it in the background. A vote for a recovery, what
//! it binds the node to, and the last prevote must outlive any end of the process from the moment on
//! that something follows from them. Each of these entries is a file of its own, beside the database
//! and the keystore: `purge-chain` leaves them alone, for the vote stays out.
//!
//! A file is written under another name, synced, renamed, and its folder is synced: it holds the old
//! value or the new one, never a part. Where that fails, the old value stays, and whoever reads it
//! back acts on that.

use std::{
	fs::{self, File},
	io::{self, Write},
	path::{Path, PathBuf},
	sync::Arc,
};

use parking_lot::Mutex;
use sc_service::Configuration;
use sp_core::{
	offchain::{OffchainStorage, STORAGE_PREFIX},
	H256,
};
use sp_io::hashing::blake2_256;
use understudy_primitives::offchain::must_be_durable;

const LOG_TARGET: &str = "understudy::durable";

/// An offchain storage, of which some entries are files.
#[derive(Clone)]
pub struct Durable<Storage> {
	/// The storage of all other entries.
	inner: Storage,
	/// The folder of the files.
	folder: PathBuf,
	/// Held while an entry with a file changes.
	changing: Arc<Mutex<()>>,
}

impl<Storage: OffchainStorage> Durable<Storage> {
	/// Makes the entries of this storage that [must be durable](must_be_durable) files in the folder
	/// of the node's chain.
	///
	/// ## Errors
	///
	/// Fails if the folder cannot be made.
	pub fn open(inner: Storage, config: &Configuration) -> io::Result<Self> {
		Self::in_folder(inner, config.base_path.config_dir(config.chain_spec.id()).join("understudy"))
	}

	fn in_folder(inner: Storage, folder: PathBuf) -> io::Result<Self> {
		fs::create_dir_all(&folder)?;
		Ok(Self { inner, folder, changing: Default::default() })
	}

	/// The file of an entry, if it has one.
	fn file(&self, prefix: &[u8], key: &[u8]) -> Option<PathBuf> {
		let is_file = prefix == STORAGE_PREFIX && must_be_durable(key);
		is_file.then(|| self.folder.join(format!("{:?}", H256(blake2_256(key)))))
	}

	/// Changes an entry's file, and then, for an earlier release that may come back, the storage.
	fn write(&mut self, file: &Path, prefix: &[u8], key: &[u8], value: Option<&[u8]>) {
		if let Err(why) = replace(&self.folder, file, value) {
			log::error!(
				target: LOG_TARGET,
				"cannot write to {}: {why}. The node votes neither for a recovery nor for blocks until it can",
				self.folder.display()
			);
			return;
		}
		match value {
			Some(value) => self.inner.set(prefix, key, value),
			None => self.inner.remove(prefix, key),
		}
	}
}

/// Replaces a file as a whole, or removes it, durably.
fn replace(folder: &Path, file: &Path, value: Option<&[u8]>) -> io::Result<()> {
	match value {
		Some(value) => {
			let draft = file.with_extension("new");
			let mut new = File::create(&draft)?;
			new.write_all(value)?;
			new.sync_all()?;
			fs::rename(&draft, file)?;
		},
		None if !file.exists() => return Ok(()),
		None => fs::remove_file(file)?,
	}
	File::open(folder)?.sync_all()
}

impl<Storage: OffchainStorage> OffchainStorage for Durable<Storage> {
	fn set(&mut self, prefix: &[u8], key: &[u8], value: &[u8]) {
		let Some(file) = self.file(prefix, key) else { return self.inner.set(prefix, key, value) };
		let changing = self.changing.clone();
		let _changing = changing.lock();
		if self.get(prefix, key).as_deref() != Some(value) {
			self.write(&file, prefix, key, Some(value));
		}
	}

	fn remove(&mut self, prefix: &[u8], key: &[u8]) {
		let Some(file) = self.file(prefix, key) else { return self.inner.remove(prefix, key) };
		let changing = self.changing.clone();
		let _changing = changing.lock();
		self.write(&file, prefix, key, None);
	}

	fn get(&self, prefix: &[u8], key: &[u8]) -> Option<Vec<u8>> {
		match self.file(prefix, key).map(fs::read) {
			Some(Ok(value)) => Some(value),
			// What cannot be read binds: it decodes to nothing.
			Some(Err(why)) if why.kind() != io::ErrorKind::NotFound => Some(Vec::new()),
			// What was written before there were files is in the storage.
			_ => self.inner.get(prefix, key),
		}
	}

	fn compare_and_set(&mut self, prefix: &[u8], key: &[u8], old: Option<&[u8]>, new: &[u8]) -> bool {
		let Some(file) = self.file(prefix, key) else {
			return self.inner.compare_and_set(prefix, key, old, new);
		};
		let changing = self.changing.clone();
		let _changing = changing.lock();
		let is_same = self.get(prefix, key).as_deref() == old;
		if is_same {
			self.write(&file, prefix, key, Some(new));
		}
		is_same
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use sp_core::offchain::storage::InMemOffchainStorage;
	use std::{
		io::{BufRead, BufReader},
		process::{Command, Stdio},
	};
	use understudy_primitives::offchain::{vote_key, LOCK, PREVOTED};

	const FOLDER: &str = "UNDERSTUDY_DURABLE_FOLDER";

	fn storage(folder: &Path) -> Durable<InMemOffchainStorage> {
		Durable::in_folder(InMemOffchainStorage::default(), folder.into()).expect("the folder is ours")
	}

	#[test]
	fn what_binds_outlives_the_database_and_the_rest_does_not() -> io::Result<()> {
		let folder = tempfile::tempdir()?;
		let mut before = storage(folder.path());
		let vote = vote_key(&7u64);
		for key in [LOCK, PREVOTED, &vote, b"understudy/other"] {
			before.set(STORAGE_PREFIX, key, b"first");
			before.set(STORAGE_PREFIX, key, b"second");
		}
		before.remove(STORAGE_PREFIX, PREVOTED);
		let mut after = storage(folder.path());
		let found = [LOCK, PREVOTED, &vote, b"understudy/other"].map(|key| after.get(STORAGE_PREFIX, key));
		assert_eq!(found, [Some(b"second".to_vec()), None, Some(b"second".to_vec()), None]);
		assert!(!after.compare_and_set(STORAGE_PREFIX, LOCK, Some(b"first"), b"third"));
		assert!(after.compare_and_set(STORAGE_PREFIX, LOCK, Some(b"second"), b"third"));
		assert_eq!(storage(folder.path()).get(STORAGE_PREFIX, LOCK), Some(b"third".to_vec()));
		Ok(())
	}

	#[test]
	fn what_the_database_kept_before_there_were_files_still_binds() -> io::Result<()> {
		let folder = tempfile::tempdir()?;
		let mut inner = InMemOffchainStorage::default();
		inner.set(STORAGE_PREFIX, LOCK, b"old");
		let mut storage = Durable::in_folder(inner, folder.path().into())?;
		assert_eq!(storage.get(STORAGE_PREFIX, LOCK), Some(b"old".to_vec()));
		storage.remove(STORAGE_PREFIX, LOCK);
		assert_eq!(storage.get(STORAGE_PREFIX, LOCK), None);
		Ok(())
	}

	#[test]
	fn what_cannot_be_written_is_not_taken_for_written() -> io::Result<()> {
		let folder = tempfile::tempdir()?;
		let mut storage = storage(folder.path());
		storage.set(STORAGE_PREFIX, LOCK, b"first");
		fs::remove_dir_all(folder.path())?;
		storage.set(STORAGE_PREFIX, PREVOTED, b"second");
		assert_eq!(storage.get(STORAGE_PREFIX, PREVOTED), None);
		Ok(())
	}

	/// The process that the next test kills: writes one number after the other, and says so when a
	/// write has returned.
	#[test]
	fn writer() {
		let Ok(folder) = std::env::var(FOLDER) else { return };
		let mut storage = storage(Path::new(&folder));
		for number in 0u64.. {
			storage.set(STORAGE_PREFIX, LOCK, &number.to_le_bytes());
			println!("written {number}");
		}
	}

	/// Kills a process at any time in a hundred writes: what it had said to be written is there, and
	/// no write is half done.
	#[test]
	fn what_was_written_survives_a_kill_at_any_time() -> io::Result<()> {
		let folder = tempfile::tempdir()?;
		for writes in [1, 7, 100] {
			let mut writer = Command::new(std::env::current_exe()?)
				.args(["--exact", "durable::tests::writer", "--nocapture"])
				.env(FOLDER, folder.path())
				.stdout(Stdio::piped())
				.spawn()?;
			let lines = BufReader::new(writer.stdout.take().expect("it is piped")).lines();
			let written = lines.map_while(Result::ok).filter_map(|line| {
				let (_, number) = line.split_once("written ")?;
				number.parse::<u64>().ok()
			});
			let last = written.take(writes).last().expect("it writes");
			writer.kill()?;
			writer.wait()?;
			let kept = storage(folder.path()).get(STORAGE_PREFIX, LOCK).expect("it has written");
			let kept = u64::from_le_bytes(kept.try_into().expect("a write was half done"));
			assert!(kept >= last, "{kept} was kept, and {last} had been written");
		}
		Ok(())
	}
}
