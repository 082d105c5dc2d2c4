//! # Light-client pallet
//!
//! Follows other chains by their GRANDPA finality, also across forced changes of authorities.
//!
//! ## Overview
//!
//! A client trusts one authority set of a remote chain, and follows the hand-offs from set to set:
//! scheduled ones, and those by which `pallet-recovery` of the remote chain seated a set when
//! finality had stalled. Each accepted head is final by the current set. Its state shows that it is
//! of that chain, because GRANDPA's votes name no chain, and the time at which it was authored.
//!
//! Heads and hand-offs may come from anybody: nothing is believed that the votes do not show. A head
//! that is no newer than the best one is refused before any signature is checked.
//!
//! A client is *frozen* as soon as anybody shows two final blocks of one height, and *expired* when
//! its best head is older than the trusting period: its authorities may have given their keys away
//! since. Both end by [`Pallet::recover_client`] only, which governance calls with a set from a
//! source of its own.
//!
//! ## Low level
//!
//! The checks are those of `understudy-verifier`, the library behind `understudy-verify`. The
//! pallet adds the order of heads, the bounds, and the age of trust. The last
//! [`Config::KeepHeads`] heads of each client stay in state, so that a proof which was made for one
//! of them does not become useless with the next one.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod client;
#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;
pub mod weights;

pub use client::{Client, Status, Trusted};
pub use pallet::*;
pub use weights::WeightInfo;

use alloc::vec::Vec;
use codec::DecodeAll;
use frame_support::{dispatch::PostDispatchInfo, ensure, traits::Get, BoundedVec};
use sp_runtime::DispatchError;
use understudy_primitives::{HeadSource, RemoteHead, RemoteId};
use understudy_verifier::{Custody, Fault, HandOff, Justified};

/// Maximum size of the name of a remote chain's recovery pallet, in bytes.
pub const MAX_NAME: u32 = 32;

/// Milliseconds by which a head may be ahead of this chain's time: clocks of validators differ.
pub const DRIFT: u64 = 30_000;

/// Final block of a remote chain, and nodes of the trie of its state, in SCALE.
pub type HeadProof = (Justified, Vec<Vec<u8>>);

/// Client with the bounds of the runtime.
pub type ClientOf<T> = Client<<T as Config>::MaxAuthorities>;
/// Trusted set with the bounds of the runtime.
pub type TrustedOf<T> = Trusted<<T as Config>::MaxAuthorities>;

#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use frame_support::{dispatch::DispatchResultWithPostInfo, pallet_prelude::*};
	use frame_system::pallet_prelude::*;

	/// Version of the storage layout.
	const STORAGE_VERSION: StorageVersion = StorageVersion::new(0);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
		/// Origin that registers and recovers clients.
		type ClientOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// Time of the current block, in milliseconds since the Unix epoch.
		type Now: Get<u64>;

		/// Maximum number of clients.
		#[pallet::constant]
		type MaxClients: Get<u32>;

		/// Maximum number of authorities in a set of a remote chain.
		#[pallet::constant]
		type MaxAuthorities: Get<u32>;

		/// Maximum size, in bytes, of a submitted head or hand-off.
		#[pallet::constant]
		type MaxProof: Get<u32>;

		/// Number of heads of each client that stay in state, the last ones. At least 1.
		#[pallet::constant]
		type KeepHeads: Get<u32>;

		/// Number of remote blocks by which a head must be newer than the best one so that its
		/// submission is free of charge.
		#[pallet::constant]
		type FreeInterval: Get<u32>;

		/// Weights of the pallet's calls.
		type WeightInfo: WeightInfo;
	}

	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A remote chain is followed from this authority set on, instead of the one before if it
		/// was followed already.
		ClientSet {
			/// Remote chain.
			remote: RemoteId,
			/// Id of the trusted authority set.
			set_id: u64,
		},
		/// A newer final block of a remote chain was accepted.
		HeadAccepted {
			/// Remote chain.
			remote: RemoteId,
			/// The block.
			head: RemoteHead,
		},
		/// A remote chain's authority set handed off to the next one.
		HandedOff {
			/// Remote chain.
			remote: RemoteId,
			/// Id of the new authority set.
			set_id: u64,
			/// `true` if the members of the remote chain forced the change in a stall.
			forced: bool,
		},
		/// Two final blocks of one height were shown: the client is frozen.
		ClientFrozen {
			/// Remote chain.
			remote: RemoteId,
			/// Height of the two blocks.
			number: u32,
		},
		/// A client was removed.
		ClientRemoved {
			/// Remote chain.
			remote: RemoteId,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// There is no client of this remote chain.
		NoClient,
		/// A client of this remote chain exists already; `recover_client` replaces its trust.
		AlreadyFollowed,
		/// The maximum number of clients is reached.
		TooManyClients,
		/// The client works: only a frozen or expired one can be recovered.
		NotBroken,
		/// The trusted set is no valid authority set, has no trusting period, is dated in the
		/// future, or is older than its trusting period.
		BadTrust,
		/// Two final blocks of one height were shown before: nothing of this chain is accepted.
		Frozen,
		/// The best head is older than the trusting period: governance has to recover the client.
		Expired,
		/// The proof cannot be decoded.
		Malformed,
		/// The head is no newer than the best one.
		Stale,
		/// The head is older than the best one by its time, or lies in the future.
		BadTime,
		/// The block comes before the current authority set.
		OutOfOrder,
		/// The proof is of another chain.
		WrongChain,
		/// The votes do not make the block final by the current authority set.
		NotFinal,
		/// The state proof does not lead to the values that it has to show.
		BadState,
		/// The block does not hand off to a next authority set.
		NoHandOff,
		/// The votes, the stall or the enactment do not show that the change was forced.
		BadForcedChange,
		/// The next authority set is not valid, or has too many members.
		BadSet,
		/// The two blocks do not contradict each other.
		NoMisbehaviour,
	}

	/// Remote chains that are followed.
	#[pallet::storage]
	pub type Clients<T: Config> = StorageMap<_, Twox64Concat, RemoteId, ClientOf<T>, OptionQuery>;

	/// Number of clients.
	#[pallet::storage]
	pub type ClientCount<T> = StorageValue<_, u32, ValueQuery>;

	/// Last [`Config::KeepHeads`] heads of each client: a ring, by the count of heads so far.
	#[pallet::storage]
	pub type Heads<T> =
		StorageDoubleMap<_, Twox64Concat, RemoteId, Twox64Concat, u32, RemoteHead, OptionQuery>;

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Begins to follow a remote chain.
		///
		/// ## Errors
		///
		/// - [`Error::AlreadyFollowed`], [`Error::TooManyClients`], [`Error::BadTrust`].
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::set_client(T::MaxAuthorities::get()))]
		pub fn register_client(
			origin: OriginFor<T>,
			remote: RemoteId,
			trusted: TrustedOf<T>,
		) -> DispatchResult {
			T::ClientOrigin::ensure_origin(origin)?;
			ensure!(!Clients::<T>::contains_key(remote), Error::<T>::AlreadyFollowed);
			let count = ClientCount::<T>::get();
			ensure!(count < T::MaxClients::get(), Error::<T>::TooManyClients);
			Self::set_client(remote, trusted, None)?;
			ClientCount::<T>::put(count.saturating_add(1));
			Ok(())
		}

		/// Replaces the trust of a frozen or expired client by a set from another source.
		///
		/// The heads that were accepted before stay, and no head below them is accepted.
		///
		/// ## Errors
		///
		/// - [`Error::NoClient`], [`Error::NotBroken`], [`Error::BadTrust`], and
		///   [`Error::WrongChain`] if the set is of another chain than before.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::set_client(T::MaxAuthorities::get()))]
		pub fn recover_client(
			origin: OriginFor<T>,
			remote: RemoteId,
			trusted: TrustedOf<T>,
		) -> DispatchResult {
			T::ClientOrigin::ensure_origin(origin)?;
			let client = Clients::<T>::get(remote).ok_or(Error::<T>::NoClient)?;
			let works = client.status == Status::Active && !client.is_expired(T::Now::get());
			ensure!(!works, Error::<T>::NotBroken);
			ensure!(client.genesis == trusted.genesis, Error::<T>::WrongChain);
			Self::set_client(remote, trusted, Some(client))
		}

		/// Stops following a remote chain.
		///
		/// ## Errors
		///
		/// - [`Error::NoClient`].
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::remove_client(T::KeepHeads::get()))]
		pub fn remove_client(origin: OriginFor<T>, remote: RemoteId) -> DispatchResult {
			T::ClientOrigin::ensure_origin(origin)?;
			ensure!(Clients::<T>::take(remote).is_some(), Error::<T>::NoClient);
			(0..Self::keep()).for_each(|place| Heads::<T>::remove(remote, place));
			ClientCount::<T>::mutate(|count| *count = count.saturating_sub(1));
			Self::deposit_event(Event::ClientRemoved { remote });
			Ok(())
		}

		/// Submits a final block of a remote chain: a [`HeadProof`] in SCALE.
		///
		/// Free of charge if the block is newer than the best one by
		/// [`Config::FreeInterval`] blocks.
		///
		/// ## Errors
		///
		/// - [`Error::NoClient`], [`Error::Frozen`], [`Error::Expired`], [`Error::Malformed`],
		///   [`Error::Stale`], [`Error::OutOfOrder`], [`Error::NotFinal`], [`Error::BadState`],
		///   [`Error::WrongChain`], [`Error::BadTime`].
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::submit_head(proof.len() as u32))]
		pub fn submit_head(
			origin: OriginFor<T>,
			remote: RemoteId,
			proof: BoundedVec<u8, T::MaxProof>,
		) -> DispatchResultWithPostInfo {
			ensure_signed(origin)?;
			let (mut client, custody) = Self::open(remote)?;
			let (block, state) = HeadProof::decode_all(&mut &proof[..]).map_err(|_| Error::<T>::Malformed)?;
			let number = client::number_of(&block).ok_or(Error::<T>::Malformed)?;
			let best = client.best.number;
			// Before any signature is checked.
			ensure!(number > best, Error::<T>::Stale);
			let chain = client.chain();
			let head = custody.head(&block, &state, chain).map_err(Self::head_error)?;
			let soon = T::Now::get().saturating_add(DRIFT);
			ensure!(head.time >= client.best.time && head.time <= soon, Error::<T>::BadTime);
			client.best = head;
			Heads::<T>::insert(remote, client.heads % Self::keep(), head);
			client.heads = client.heads.wrapping_add(1);
			Clients::<T>::insert(remote, client);
			Self::deposit_event(Event::HeadAccepted { remote, head });
			Ok(free_if(number >= best.saturating_add(T::FreeInterval::get())))
		}

		/// Submits a hand-off of a remote chain to its next authority set: a
		/// [`HandOff`] in SCALE. Free of charge.
		///
		/// ## Errors
		///
		/// - [`Error::NoClient`], [`Error::Frozen`], [`Error::Expired`], [`Error::Malformed`],
		///   [`Error::OutOfOrder`], [`Error::NotFinal`], [`Error::NoHandOff`], [`Error::BadState`],
		///   [`Error::WrongChain`], [`Error::BadForcedChange`], [`Error::BadSet`].
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::submit_hand_off(proof.len() as u32))]
		pub fn submit_hand_off(
			origin: OriginFor<T>,
			remote: RemoteId,
			proof: BoundedVec<u8, T::MaxProof>,
		) -> DispatchResultWithPostInfo {
			ensure_signed(origin)?;
			let (mut client, custody) = Self::open(remote)?;
			let hand_off = HandOff::decode_all(&mut &proof[..]).map_err(|_| Error::<T>::Malformed)?;
			let (after, stall) = custody.follow(&hand_off, client.chain()).map_err(Self::hand_off_error)?;
			client.take_over(&after).ok_or(Error::<T>::BadSet)?;
			let set_id = client.set_id;
			Clients::<T>::insert(remote, client);
			Self::deposit_event(Event::HandedOff { remote, set_id, forced: stall.is_some() });
			Ok(free_if(true))
		}

		/// Reports two blocks of one height that the current authority set has both made final. The
		/// client is frozen. Free of charge.
		///
		/// ## Errors
		///
		/// - [`Error::NoClient`], [`Error::Frozen`], [`Error::Malformed`], [`Error::OutOfOrder`],
		///   [`Error::NotFinal`], [`Error::NoMisbehaviour`].
		#[pallet::call_index(5)]
		#[pallet::weight(T::WeightInfo::report_misbehaviour(proof.len() as u32))]
		pub fn report_misbehaviour(
			origin: OriginFor<T>,
			remote: RemoteId,
			proof: BoundedVec<u8, T::MaxProof>,
		) -> DispatchResultWithPostInfo {
			ensure_signed(origin)?;
			let mut client = Clients::<T>::get(remote).ok_or(Error::<T>::NoClient)?;
			ensure!(client.status == Status::Active, Error::<T>::Frozen);
			let custody = client.custody().ok_or(Error::<T>::BadSet)?;
			let (one, other) =
				<(Justified, Justified)>::decode_all(&mut &proof[..]).map_err(|_| Error::<T>::Malformed)?;
			let height = client::number_of(&one).ok_or(Error::<T>::Malformed)?;
			let contradict = client::number_of(&other) == Some(height) && one.header != other.header;
			ensure!(contradict, Error::<T>::NoMisbehaviour);
			for block in [&one, &other] {
				custody.justified(block).map_err(Self::head_error)?;
			}
			client.status = Status::Frozen;
			Clients::<T>::insert(remote, client);
			Self::deposit_event(Event::ClientFrozen { remote, number: height });
			Ok(free_if(true))
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn integrity_test() {
			assert!(T::KeepHeads::get() > 0, "KeepHeads must be at least 1");
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}
}

/// Returns the result of a call that is free of charge if `free`.
fn free_if(free: bool) -> PostDispatchInfo {
	let pays_fee = if free { frame_support::dispatch::Pays::No } else { Default::default() };
	PostDispatchInfo { actual_weight: None, pays_fee }
}

impl<T: Config> Pallet<T> {
	/// Returns the size of the ring of heads.
	fn keep() -> u32 {
		T::KeepHeads::get().max(1)
	}

	/// Returns a client that works, and its custody.
	fn open(remote: RemoteId) -> Result<(ClientOf<T>, Custody), DispatchError> {
		let client = Clients::<T>::get(remote).ok_or(Error::<T>::NoClient)?;
		ensure!(client.status == Status::Active, Error::<T>::Frozen);
		ensure!(!client.is_expired(T::Now::get()), Error::<T>::Expired);
		let custody = client.custody().ok_or(Error::<T>::BadSet)?;
		Ok((client, custody))
	}

	/// Trusts a set. The heads of the client `before` it, if there is one, remain.
	fn set_client(
		remote: RemoteId,
		trusted: TrustedOf<T>,
		before: Option<ClientOf<T>>,
	) -> Result<(), DispatchError> {
		let now = T::Now::get();
		let mut client = Client::new(trusted).ok_or(Error::<T>::BadTrust)?;
		let dated = client.as_of <= now.saturating_add(DRIFT) && !client.is_expired(now);
		ensure!(dated, Error::<T>::BadTrust);
		if let Some(before) = before {
			(client.best, client.heads) = (before.best, before.heads);
		}
		let set_id = client.set_id;
		Clients::<T>::insert(remote, client);
		Self::deposit_event(Event::ClientSet { remote, set_id });
		Ok(())
	}

	fn head_error(fault: Fault) -> Error<T> {
		match fault {
			Fault::Malformed => Error::Malformed,
			Fault::OutOfOrder => Error::OutOfOrder,
			Fault::WrongChain => Error::WrongChain,
			Fault::Unproven | Fault::UnusedNode | Fault::MissingValue => Error::BadState,
			_ => Error::NotFinal,
		}
	}

	fn hand_off_error(fault: Fault) -> Error<T> {
		match fault {
			Fault::NoChange | Fault::ManyChanges | Fault::DelayedChange | Fault::ForcedChange => {
				Error::NoHandOff
			},
			Fault::BadSet => Error::BadSet,
			Fault::UnknownAnchor
			| Fault::WrongKey
			| Fault::NotAMember
			| Fault::NoQuorum
			| Fault::NoStall
			| Fault::NotEnacted => Error::BadForcedChange,
			other => Self::head_error(other),
		}
	}

	/// Checks that the clients are counted, that their sets are valid, and that their best heads are
	/// in the ring.
	pub fn do_try_state() -> Result<(), sp_runtime::TryRuntimeError> {
		let mut count = 0u32;
		for (remote, client) in Clients::<T>::iter() {
			count = count.saturating_add(1);
			ensure!(client.custody().is_some(), "a client has an authority set that is not valid");
			let keep = Self::keep();
			let last = client.heads.checked_sub(1).map(|last| Heads::<T>::get(remote, last % keep));
			ensure!(
				last.is_none_or(|last| last == Some(client.best)),
				"the best head is not the last one in the ring"
			);
			ensure!(
				Heads::<T>::iter_prefix(remote).count() as u32 == client.heads.min(keep),
				"the ring has too many heads, or too few"
			);
		}
		ensure!(count == ClientCount::<T>::get(), "the clients are not counted");
		ensure!(count <= T::MaxClients::get(), "there are too many clients");
		Ok(())
	}
}

impl<T: Config> HeadSource for Pallet<T> {
	fn best(remote: RemoteId) -> Option<RemoteHead> {
		let client = Clients::<T>::get(remote)?;
		(client.status == Status::Active).then_some(client.best)
	}

	fn head(remote: RemoteId, number: u32) -> Option<RemoteHead> {
		(0..Self::keep())
			.filter_map(|place| Heads::<T>::get(remote, place))
			.find(|head| head.number == number)
	}
}
