//! Types of a node that runs the suite.

use sc_client_api::{Backend, BlockchainEvents, ProofProvider, StorageProvider};
use sp_api::ProvideRuntimeApi;
use sp_blockchain::HeaderBackend;
use sp_consensus_grandpa::GrandpaApi;
use sp_runtime::{traits::Block as BlockT, AccountId32};
use sp_session::SessionKeys;
use understudy_primitives::api::{FailoverApi, RecoveryApi};

use crate::durable::Durable;

/// Hash of a block.
pub type Hash = sp_core::H256;
/// Number of a block.
pub type BlockNumber = u32;
/// Account.
pub type AccountId = AccountId32;
/// Header of a block.
pub type Header = understudy_verifier::Header;

/// Types of a node that runs the suite, of which the library's parts are generic.
///
/// The [format of proofs](understudy_verifier) fixes hash, number, header and account.
pub trait Node: Clone + Send + Sync + 'static {
	/// Block, with extrinsics of any kind.
	type Block: BlockT<Hash = Hash, Header = Header>;

	/// Database.
	type Backend: Backend<Self::Block, OffchainStorage: Sync> + Send + Sync + 'static;

	/// Client, whose runtime has the API of `pallet-failover`.
	type Client: ProvideRuntimeApi<
			Self::Block,
			Api: FailoverApi<Self::Block, AccountId, BlockNumber>
			         + GrandpaApi<Self::Block>
			         + SessionKeys<Self::Block>,
		> + HeaderBackend<Self::Block>
		+ BlockchainEvents<Self::Block>
		+ ProofProvider<Self::Block>
		+ StorageProvider<Self::Block, Self::Backend>
		+ Send
		+ Sync
		+ 'static;
}

/// A [`Node`] whose runtime has `pallet-recovery`.
pub trait RecoveryNode:
	Node<Client: ProvideRuntimeApi<<Self as Node>::Block, Api: RecoveryApi<<Self as Node>::Block, AccountId>>>
{
}

impl<N> RecoveryNode for N
where
	N: Node,
	<N::Client as ProvideRuntimeApi<N::Block>>::Api: RecoveryApi<N::Block, AccountId>,
{
}

/// Offchain storage of a node, with durable files for what binds it.
pub type OffchainStore<N> = Durable<<<N as Node>::Backend as Backend<<N as Node>::Block>>::OffchainStorage>;

#[cfg(feature = "aura")]
mod aura {
	use pallet_equivocation::api::AuthorEquivocationApi;
	use sp_consensus_aura::{sr25519::AuthorityId, AuraApi};

	use super::*;

	/// A [`Node`] of a chain with Aura.
	pub trait AuraNode:
		Node<
		Client: ProvideRuntimeApi<<Self as Node>::Block, Api: AuraApi<<Self as Node>::Block, AuthorityId>>,
	>
	{
	}

	impl<N> AuraNode for N
	where
		N: Node,
		<N::Client as ProvideRuntimeApi<N::Block>>::Api: AuraApi<N::Block, AuthorityId>,
	{
	}

	/// A [`Node`] of a chain with Aura, whose runtime has [`pallet_equivocation`].
	pub trait EquivocationNode:
		Node<
		Client: ProvideRuntimeApi<
			<Self as Node>::Block,
			Api: AuraApi<<Self as Node>::Block, AuthorityId>
			         + AuthorEquivocationApi<<Self as Node>::Block, AuthorityId>,
		>,
	>
	{
	}

	impl<N> EquivocationNode for N
	where
		N: Node,
		<N::Client as ProvideRuntimeApi<N::Block>>::Api:
			AuraApi<N::Block, AuthorityId> + AuthorEquivocationApi<N::Block, AuthorityId>,
	{
	}
}

#[cfg(feature = "aura")]
pub use aura::{AuraNode, EquivocationNode};
