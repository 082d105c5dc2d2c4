//! Offchain storage whose binding entries are on disk when a write returns.
//!
//! The database queues writes and carries them out in the background. A vote for a recovery, the
//! lock that binds the node to it, and the last prevote must outlive the process from the moment at
//! which anything follows from them. Each of these entries is a file of its own, beside the
//! database and the keystore: `purge-chain` keeps them, because the vote stays sent.
//!
//! A file is written under another name, synced and renamed, and its folder is synced: it holds the
//! old value or the new one, never a part. If a step fails, the content on disk is unknown: the
//! entry is unreadable, which binds the node, until a later read or write succeeds.
//!
//! The folder belongs to one chain, by its genesis hash. A chain that begins anew from the same
//! specification has the same hash: remove the folders when a network is reset.

use std::{
	collections::BTreeMap,
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

/// Offchain storage, some of whose entries are files.
#[derive(Clone)]
pub struct Durable<Storage> {
	/// Storage of all other entries.
	inner: Storage,
	/// Folder of the files.
	folder: PathBuf,
	/// Values that are not on disk yet, by file; `None` if the entry is to be removed. Locked while
	/// an entry with a file is read or written.
	due: Arc<Mutex<Due>>,
}

type Due = BTreeMap<PathBuf, Option<Vec<u8>>>;

impl<Storage: OffchainStorage> Durable<Storage> {
	/// Opens the folder of the node's chain, which begins with this block, for the entries of this
	/// storage that [must be durable](must_be_durable).
	///
	/// ## Errors
	///
	/// Fails if the folder cannot be made or synced.
	pub fn open(inner: Storage, config: &Configuration, genesis: H256) -> io::Result<Self> {
		let chain = config.base_path.config_dir(config.chain_spec.id());
		Self::in_folder(inner, chain.join("understudy").join(format!("{genesis:?}")))
	}

	fn in_folder(inner: Storage, folder: PathBuf) -> io::Result<Self> {
		fs::create_dir_all(&folder)?;
		// A file that an earlier process renamed and did not sync may be in memory only. A file
		// that cannot be opened shows when it is read.
		for file in fs::read_dir(&folder)?.filter_map(Result::ok) {
			if let Ok(file) = File::open(file.path()) {
				file.sync_all()?;
			}
		}
		// The entry of a new folder is in the folder above it.
		for folder in folder.ancestors().take(3).filter(|folder| folder.is_dir()) {
			File::open(folder)?.sync_all()?;
		}
		Ok(Self { inner, folder, due: Default::default() })
	}

	/// Returns the folder of the files.
	pub fn folder(&self) -> &Path {
		&self.folder
	}

	/// Returns the file of an entry, if it has one.
	fn file(&self, prefix: &[u8], key: &[u8]) -> Option<PathBuf> {
		let is_file = prefix == STORAGE_PREFIX && must_be_durable(key);
		is_file.then(|| self.folder.join(format!("{:?}", H256(blake2_256(key)))))
	}

	/// Writes a value to a file, or keeps it as due if that fails.
	fn put(&self, due: &mut Due, file: &Path, value: Option<&[u8]>) -> io::Result<()> {
		let result = replace(&self.folder, file, value);
		match &result {
			Ok(()) => {
				due.remove(file);
			},
			Err(why) => {
				due.insert(file.into(), value.map(Into::into));
				log::error!(
					target: LOG_TARGET,
					"cannot write to {}: {why}. The node votes neither for a recovery nor for blocks until it can",
					self.folder.display()
				);
			},
		}
		result
	}

	/// Reads an entry with a file, after a value that is due is written.
	fn read(&self, due: &mut Due, file: &Path, prefix: &[u8], key: &[u8]) -> Option<Vec<u8>> {
		// An unreadable lock binds: no bytes decode to it.
		let unreadable = Some(Vec::new());
		if let Some(value) = due.get(file).cloned() {
			if self.put(due, file, value.as_deref()).is_err() {
				return unreadable;
			}
		}
		match fs::read(file) {
			Ok(value) => Some(value),
			// Releases without files wrote to the storage.
			Err(why) if why.kind() == io::ErrorKind::NotFound => self.inner.get(prefix, key),
			Err(why) => {
				log::error!(
					target: LOG_TARGET,
					"{} cannot be read: {why}. Until it can, or understudy-node take-back-vote replaces it, the node votes \
					 neither for a recovery nor for blocks",
					file.display()
				);
				unreadable
			},
		}
	}

	/// Writes the file of an entry, and then the storage, for an earlier release that may come
	/// back.
	fn write(&mut self, due: &mut Due, file: &Path, prefix: &[u8], key: &[u8], value: Option<&[u8]>) {
		// Without a file the storage answers, so the entry leaves the storage first.
		if value.is_none() {
			self.inner.remove(prefix, key);
		}
		if self.put(due, file, value).is_err() {
			return;
		}
		match value {
			Some(value) => self.inner.set(prefix, key, value),
			None => self.inner.remove(prefix, key),
		}
	}
}

/// Replaces or removes a file as a whole, durably.
fn replace(folder: &Path, file: &Path, value: Option<&[u8]>) -> io::Result<()> {
	match value {
		Some(value) => {
			let draft = file.with_extension("new");
			let mut new = File::create(&draft)?;
			new.write_all(value)?;
			new.sync_all()?;
			fs::rename(&draft, file)?;
		},
		None => match fs::remove_file(file) {
			Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
			_ => (),
		},
	}
	File::open(folder)?.sync_all()
}

impl<Storage: OffchainStorage> OffchainStorage for Durable<Storage> {
	fn set(&mut self, prefix: &[u8], key: &[u8], value: &[u8]) {
		let Some(file) = self.file(prefix, key) else { return self.inner.set(prefix, key, value) };
		let due = self.due.clone();
		let mut due = due.lock();
		if self.read(&mut due, &file, prefix, key).as_deref() != Some(value) {
			self.write(&mut due, &file, prefix, key, Some(value));
		}
	}

	fn remove(&mut self, prefix: &[u8], key: &[u8]) {
		let Some(file) = self.file(prefix, key) else { return self.inner.remove(prefix, key) };
		let due = self.due.clone();
		self.write(&mut due.lock(), &file, prefix, key, None);
	}

	fn get(&self, prefix: &[u8], key: &[u8]) -> Option<Vec<u8>> {
		let Some(file) = self.file(prefix, key) else { return self.inner.get(prefix, key) };
		self.read(&mut self.due.lock(), &file, prefix, key)
	}

	fn compare_and_set(&mut self, prefix: &[u8], key: &[u8], old: Option<&[u8]>, new: &[u8]) -> bool {
		let Some(file) = self.file(prefix, key) else {
			return self.inner.compare_and_set(prefix, key, old, new);
		};
		let due = self.due.clone();
		let mut due = due.lock();
		let is_same = self.read(&mut due, &file, prefix, key).as_deref() == old;
		if is_same {
			self.write(&mut due, &file, prefix, key, Some(new));
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
	fn what_cannot_be_written_is_not_taken_for_written_and_binds_until_it_is() -> io::Result<()> {
		let folder = tempfile::tempdir()?;
		let mut storage = storage(folder.path());
		storage.set(STORAGE_PREFIX, LOCK, b"first");
		fs::remove_dir_all(folder.path())?;
		storage.set(STORAGE_PREFIX, PREVOTED, b"second");
		let unreadable = Some(Vec::new());
		assert_eq!(storage.get(STORAGE_PREFIX, PREVOTED), unreadable);
		assert_eq!(storage.clone().get(STORAGE_PREFIX, PREVOTED), unreadable, "for all users of it");
		// Writing it again is no success either.
		storage.set(STORAGE_PREFIX, PREVOTED, b"second");
		assert_eq!(storage.get(STORAGE_PREFIX, PREVOTED), unreadable);
		// The disk is back.
		fs::create_dir_all(folder.path())?;
		assert_eq!(storage.get(STORAGE_PREFIX, PREVOTED), Some(b"second".to_vec()));
		assert_eq!(self::storage(folder.path()).get(STORAGE_PREFIX, PREVOTED), Some(b"second".to_vec()));
		Ok(())
	}

	#[test]
	fn what_cannot_be_read_binds() -> io::Result<()> {
		let folder = tempfile::tempdir()?;
		let mut inner = InMemOffchainStorage::default();
		inner.set(STORAGE_PREFIX, LOCK, b"of the database");
		let storage = Durable::in_folder(inner, folder.path().into())?;
		let file = storage.file(STORAGE_PREFIX, LOCK).expect("it has one");
		// No file at all, which no permission keeps a superuser from reading.
		fs::create_dir(file)?;
		assert_eq!(storage.get(STORAGE_PREFIX, LOCK), Some(Vec::new()));
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

	/// Kills a process at any time in a hundred writes: what it had said to be written is there,
	/// and no write is half done.
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
