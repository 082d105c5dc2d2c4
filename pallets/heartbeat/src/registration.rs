//! Which node stands ready: where its health can be asked for, whose it is and where, and since when it says so.
//!
//! A registration is made by an account with session keys, against a deposit, and expires unless the account's node renews
//! it: an identity whose node is gone, or runs something old, is not seated.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use frame_support::traits::{Consideration, Footprint, Get};
use frame_system::pallet_prelude::BlockNumberFor;
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_runtime::{traits::Saturating, DispatchError, DispatchResult};
pub use understudy_primitives::Tag;
use understudy_primitives::{offchain::NodeVersion, HeartbeatKeys, Tags};

use crate::{Config, Error, Event, Pallet, RegistrationOf, Registrations, RenewalOf};

/// Where a node's health can be asked for: the address of its JSON-RPC server. An address and not a name, for a name could
/// point into the network of whoever asks.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
pub enum Endpoint {
	/// An IPv4 address and a TCP port.
	V4([u8; 4], u16),
	/// An IPv6 address and a TCP port.
	V6([u8; 16], u16),
}

impl Endpoint {
	/// As Rust's library has it.
	pub fn socket(&self) -> SocketAddr {
		match *self {
			Endpoint::V4(octets, port) => SocketAddr::new(IpAddr::V4(Ipv4Addr::from(octets)), port),
			Endpoint::V6(octets, port) => SocketAddr::new(IpAddr::V6(Ipv6Addr::from(octets)), port),
		}
	}

	/// Whether something could listen there at all.
	pub fn is_valid(&self) -> bool {
		let socket = self.socket();
		let ip = socket.ip().to_canonical();
		let broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
		socket.port() != 0 && !ip.is_unspecified() && !ip.is_multicast() && !broadcast
	}

	/// Whether the address is one that is reachable from everywhere: not loopback, private, link-local, shared (RFC 6598),
	/// reserved, for documentation or benchmarks, or one of these in the clothes of IPv6 (mapped, 6to4, Teredo, NAT64).
	pub fn is_public(&self) -> bool {
		self.is_valid()
			&& match self.socket().ip().to_canonical() {
				IpAddr::V4(ip) => is_public_v4(ip),
				// Of the rest, only 2000::/3 is allocated for global unicast.
				IpAddr::V6(ip) => match ip.segments() {
					// IETF protocol assignments with Teredo among them, documentation, 6to4.
					[0x2001, second, ..] if second < 0x0200 || second == 0x0db8 => false,
					[0x2002, ..] | [0x3fff, ..] => false,
					[first, ..] => first & 0xe000 == 0x2000,
				},
			}
	}
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
	let [a, b, c, _] = ip.octets();
	let special = ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_documentation();
	let shared = a == 100 && b & 0xc0 == 64;
	let protocol = a == 192 && b == 0 && c == 0;
	let relay = a == 192 && b == 88 && c == 99;
	let benchmark = a == 198 && b & 0xfe == 18;
	!(special || shared || protocol || relay || benchmark || a == 0 || a >= 240)
}

/// What an account says of its node.
#[derive(
	Clone,
	PartialEq,
	Eq,
	Default,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
)]
pub struct Profile {
	/// Where its health can be asked for; `None` where it cannot: then nobody probes it.
	pub endpoint: Option<Endpoint>,
	/// Where it stands.
	pub region: Tag,
	/// Who runs it.
	pub operator: Tag,
}

/// A registration.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Registration<BlockNumber, Ticket> {
	/// What the account says of its node.
	pub profile: Profile,
	/// The block of the last renewal, or in which it was registered.
	pub renewed: BlockNumber,
	/// The runtime that the node executed then; 0 before the first renewal.
	pub runtime: u32,
	/// The node's release then.
	pub node: NodeVersion,
	/// The deposit; none where it was registered at genesis.
	pub ticket: Option<Ticket>,
}

impl<BlockNumber: Saturating + Ord + Copy + From<u32> + core::ops::Div<Output = BlockNumber>, Ticket>
	Registration<BlockNumber, Ticket>
{
	/// Whether it was renewed within its lifetime.
	pub fn is_current(&self, now: BlockNumber, lifetime: BlockNumber) -> bool {
		now <= self.renewed.saturating_add(lifetime)
	}

	/// Whether the node may, and does, renew it: it was never renewed, half of its lifetime is over, or an eighth is and the
	/// node is of another release now.
	pub fn is_due(&self, now: BlockNumber, lifetime: BlockNumber, node: NodeVersion) -> bool {
		let part = if self.node == node { 2u32 } else { 8u32 };
		self.runtime == 0 || now >= self.renewed.saturating_add(lifetime / part.into())
	}
}

impl<T: Config> Pallet<T> {
	pub(crate) fn check_profile(profile: &Profile) -> DispatchResult {
		if !profile.endpoint.as_ref().is_none_or(Endpoint::is_valid) {
			return Err(Error::<T>::BadEndpoint.into());
		}
		let printable = |tag: &Tag| tag.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
		if !printable(&profile.region) || !printable(&profile.operator) {
			return Err(Error::<T>::BadTag.into());
		}
		Ok(())
	}

	pub(crate) fn do_register(who: T::AccountId, profile: Profile) -> DispatchResult {
		Self::check_profile(&profile)?;
		if Registrations::<T>::contains_key(&who) {
			return Err(Error::<T>::AlreadyRegistered.into());
		}
		if T::Keys::key_of(&who).is_none() {
			return Err(Error::<T>::NoKeys.into());
		}
		let footprint = Footprint::from_mel::<RegistrationOf<T>>();
		let ticket = Some(T::Consideration::new(&who, footprint)?);
		Self::insert_registration(&who, profile, ticket);
		Self::deposit_event(Event::Registered { who });
		Ok(())
	}

	pub(crate) fn insert_registration(
		who: &T::AccountId,
		profile: Profile,
		ticket: Option<T::Consideration>,
	) {
		let renewed = frame_system::Pallet::<T>::block_number();
		let registration =
			RegistrationOf::<T> { profile, renewed, runtime: 0, node: NodeVersion::default(), ticket };
		Registrations::<T>::insert(who, registration);
	}

	pub(crate) fn do_update(who: T::AccountId, profile: Profile) -> DispatchResult {
		Self::check_profile(&profile)?;
		Registrations::<T>::try_mutate(&who, |registration| -> DispatchResult {
			registration.as_mut().ok_or(Error::<T>::NotRegistered)?.profile = profile;
			Ok(())
		})?;
		Self::deposit_event(Event::Updated { who });
		Ok(())
	}

	pub(crate) fn do_deregister(who: T::AccountId) -> DispatchResult {
		let registration = Registrations::<T>::take(&who).ok_or(Error::<T>::NotRegistered)?;
		if let Some(ticket) = registration.ticket {
			ticket.drop(&who)?;
		}
		Self::deposit_event(Event::Deregistered { who });
		Ok(())
	}

	pub(crate) fn do_renew(renewal: RenewalOf<T>) -> Result<(), DispatchError> {
		let now = frame_system::Pallet::<T>::block_number();
		let RenewalOf::<T> { who, runtime, node, .. } = renewal;
		Registrations::<T>::try_mutate(&who, |registration| -> DispatchResult {
			let registration = registration.as_mut().ok_or(Error::<T>::NotRegistered)?;
			let news = !registration.is_current(now, T::RegistrationLifetime::get())
				|| (registration.runtime, registration.node) != (runtime, node);
			// Not the block that the node named: else it could renew as often as that may be old.
			registration.renewed = now;
			registration.runtime = runtime;
			registration.node = node;
			if news {
				Self::deposit_event(Event::Renewed { who: who.clone(), runtime, node });
			}
			Ok(())
		})
	}
}

impl<T: Config> understudy_primitives::Registrations<T::AccountId> for Pallet<T> {
	fn current(who: &T::AccountId) -> Option<Tags> {
		let now: BlockNumberFor<T> = frame_system::Pallet::<T>::block_number();
		let registration = Registrations::<T>::get(who)?;
		let Profile { region, operator, .. } = registration.profile.clone();
		registration.is_current(now, T::RegistrationLifetime::get()).then_some(Tags { region, operator })
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn v6(text: &str) -> Endpoint {
		Endpoint::V6(text.parse::<Ipv6Addr>().expect("an address").octets(), 9944)
	}

	fn v4(text: &str) -> Endpoint {
		Endpoint::V4(text.parse::<Ipv4Addr>().expect("an address").octets(), 9944)
	}

	#[test]
	fn where_nothing_can_listen_is_no_endpoint() {
		for text in ["0.0.0.0", "255.255.255.255", "224.0.0.1"] {
			assert!(!v4(text).is_valid(), "{text}");
		}
		for text in ["::", "ff02::1", "::ffff:0.0.0.0", "::ffff:255.255.255.255"] {
			assert!(!v6(text).is_valid(), "{text}");
		}
		assert!(!Endpoint::V4([1, 1, 1, 1], 0).is_valid());
		assert!(v4("127.0.0.1").is_valid() && v6("::1").is_valid());
	}

	#[test]
	fn only_addresses_reachable_from_everywhere_are_public() {
		for text in [
			"127.0.0.1",
			"10.1.2.3",
			"172.16.0.1",
			"192.168.1.1",
			"169.254.169.254",
			"100.64.0.1",
			"192.0.0.8",
			"192.0.2.1",
			"198.18.0.1",
			"198.51.100.7",
			"203.0.113.9",
			"240.0.0.1",
			"0.1.2.3",
			"192.88.99.1",
		] {
			assert!(!v4(text).is_public(), "{text}");
		}
		for text in [
			"::1",
			"fe80::1",
			"fc00::1",
			"fd12::1",
			"fec0::1",
			"::ffff:127.0.0.1",
			"::ffff:10.0.0.1",
			"::7f00:1",
			"64:ff9b::7f00:1",
			"64:ff9b:1::1",
			"100::1",
			"2001:db8::1",
			"2001::1",
			"2002:7f00:1::",
			"3fff::1",
			"5f00::1",
			"4000::1",
		] {
			assert!(!v6(text).is_public(), "{text}");
		}
		for text in ["1.1.1.1", "100.63.0.1", "100.128.0.1", "172.32.0.1", "198.20.0.1", "223.255.255.255"] {
			assert!(v4(text).is_public(), "{text}");
		}
		for text in ["2606:4700::1111", "2a00:1450::1", "::ffff:1.1.1.1"] {
			assert!(v6(text).is_public(), "{text}");
		}
	}
}
