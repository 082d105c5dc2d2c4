//! Offline verification of proofs of a chain's failover log.
//!
//! The verifier trusts one GRANDPA authority set ([`TrustedSet`]), that of genesis or a later one,
//! and nothing else: no node, no RPC server, no database. A [`Bundle`] leads from that set to the
//! records, link by link:
//!
//! ```text
//! trusted set ─▶ hand-offs ─▶ justification ─▶ header ─▶ state root ─▶ log head ─▶ MMR path ─▶ record ─▶ evidence
//! ```
//!
//! For the log of a parachain the sets are the relay chain's, and the header of its block leads to
//! the parachain's header first.
//!
//! [`check`] follows these links. It returns the facts that are [`Verified`], or the [`Link`] that
//! does not hold and its [`Fault`]. `docs/proof-format.md` specifies the format.
//!
//! Without the feature `program` the crate is `no_std`, so that another chain can embed it. It then
//! calls the host for hashes and signatures, as any pallet does.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod bundle;
mod check;
mod custody;
mod disclosure;
mod fault;
mod finality;
mod forced;
mod inclusion;
mod state;
mod trust;

pub use bundle::{
	AccountId, Bundle, Cast, ForcedChange, HandOff, Header, Inclusion, Justified, Proven, ProvenIncident,
	Shown, ShownPiece, MAX_BYTES, VERSION,
};
pub use check::{check, Forced, Verified};
pub use custody::{head_keys, Chain, Custody};
pub use disclosure::Disclosure;
pub use fault::{Error, Fault, Link};
pub use finality::{next_set, verify as verify_justification, AuthoritySet};
pub use inclusion::{inclusion_keys, para_head_key, RelayBlock};
pub use state::{item, keys, owner_key, recovery_keys, twox_64_concat, values, RecoveryKeys, StateKeys};
pub use trust::{Parachain, Policy, TrustedSet, MAX_TRUSTING_PERIOD, SS58_PREFIX, TRUSTING_PERIOD};
