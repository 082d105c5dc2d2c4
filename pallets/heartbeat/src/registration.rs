//! Registrations of nodes: endpoint for health requests, region, operator, and block of the last
//! renewal.
//!
//! An account with session keys registers its node, against a deposit. The registration expires
//! unless the account's node renews it: an account whose node no longer runs, or runs outdated
//! software, is not seated.

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

/// Address of a node's JSON-RPC server, at which its health can be queried. It is numeric and not a
/// name, because a name could resolve to an address in the network of the node that probes it.
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
	/// Converts the endpoint to the type of Rust's core library.
	pub fn socket(&self) -> SocketAddr {
		match *self {
			Endpoint::V4(octets, port) => SocketAddr::new(IpAddr::V4(Ipv4Addr::from(octets)), port),
			Endpoint::V6(octets, port) => SocketAddr::new(IpAddr::V6(Ipv6Addr::from(octets)), port),
		}
	}

	/// Returns `true` if a server could listen at the endpoint at all.
	pub fn is_valid(&self) -> bool {
		let socket = self.socket();
		let ip = socket.ip().to_canonical();
		let broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
		socket.port() != 0 && !ip.is_unspecified() && !ip.is_multicast() && !broadcast
	}

	/// Returns `true` if the address is globally reachable: not loopback, private, link-local,
	/// shared (RFC 6598), reserved, for documentation or for benchmarks, and not one of these
	/// embedded in an IPv6 address (mapped, 6to4, Teredo, NAT64).
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

/// Data that an account registers about its node.
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
	/// Endpoint at which the node's health can be queried; `None` if there is none, and then no
	/// member probes the node.
	pub endpoint: Option<Endpoint>,
	/// Region of the node.
	pub region: Tag,
	/// Operator of the node.
	pub operator: Tag,
}

/// Registration of an account's node.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Registration<BlockNumber, Ticket> {
	/// Profile of the node.
	pub profile: Profile,
	/// Block of the last renewal, or of the registration if there was none.
	pub renewed: BlockNumber,
	/// `spec_version` of the runtime that the node executed at the last renewal; 0 before the first
	/// one.
	pub runtime: u32,
	/// Release of the node at the last renewal.
	pub node: NodeVersion,
	/// Deposit; `None` if the account was registered at genesis.
	pub ticket: Option<Ticket>,
}

impl<BlockNumber: Saturating + Ord + Copy + From<u32> + core::ops::Div<Output = BlockNumber>, Ticket>
	Registration<BlockNumber, Ticket>
{
	/// Returns `true` if the registration was renewed within its lifetime.
	pub fn is_current(&self, now: BlockNumber, lifetime: BlockNumber) -> bool {
		now <= self.renewed.saturating_add(lifetime)
	}

	/// Returns `true` if the node may renew the registration, and does: it was never renewed, half
	/// of its lifetime has passed, or an eighth has passed and the node's release has changed.
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
			// The current block, not the one that the renewal names: a node could otherwise renew
			// once for each of the past blocks that it may name.
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
