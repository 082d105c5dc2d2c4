//! Part of the evidence that a bundle shows.

use serde::{Deserialize, Serialize};
use understudy_primitives::Entry;

use crate::{AccountId, Shown};

/// Evidence to disclose.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "program", derive(clap::ValueEnum))]
#[serde(rename_all = "lowercase")]
pub enum Disclosure {
	/// Evidence that is not private.
	#[default]
	Public,
	/// All evidence, including endpoints and operators.
	All,
	/// No evidence, only the records.
	None,
}

impl Disclosure {
	/// Returns a record with the disclosed part of its evidence.
	pub fn show(self, entry: Entry<AccountId, u32>) -> Shown {
		Shown::new(entry, |piece| match self {
			Disclosure::Public => !piece.is_private(),
			Disclosure::All => true,
			Disclosure::None => false,
		})
	}
}
