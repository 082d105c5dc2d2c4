//! Constants of time and currency.

use crate::{configs::staking::BONDING_DURATION, Balance, BlockNumber};

/// SS58 prefix of addresses: the generic one, for chains without a prefix of their own.
pub const SS58_PREFIX: u16 = 42;
/// Duration of a slot and of a block, in milliseconds.
pub const SLOT_DURATION: u64 = 3_000;
/// Number of blocks in a minute.
pub const MINUTES: BlockNumber = 60_000 / (SLOT_DURATION as BlockNumber);
/// Number of blocks in an hour.
pub const HOURS: BlockNumber = 60 * MINUTES;
/// Number of blocks in a day.
pub const DAYS: BlockNumber = 24 * HOURS;
/// Length of a session that does not end early, in blocks.
pub const SESSION_LENGTH: BlockNumber = 5 * MINUTES;
/// Number of sessions in an era, if none of them ends early.
pub const SESSIONS_PER_ERA: u32 = 6;
/// Minimum length of an era in blocks, however many of its sessions end early.
pub const ERA_LENGTH: BlockNumber = SESSIONS_PER_ERA * SESSION_LENGTH;
/// Time in seconds for which verifiers trust an authority set after they have learned of it: half
/// of the minimum time for which its stake stays bonded.
pub const TRUSTING_PERIOD: u64 = (BONDING_DURATION * ERA_LENGTH) as u64 * SLOT_DURATION / 1_000 / 2;

/// One token, with 12 decimals.
pub const UNIT: Balance = 1_000_000_000_000;
/// A thousandth of a token.
pub const MILLI_UNIT: Balance = UNIT / 1_000;
/// A millionth of a token.
pub const MICRO_UNIT: Balance = UNIT / 1_000_000;
/// Minimum balance of an account.
pub const EXISTENTIAL_DEPOSIT: Balance = MILLI_UNIT;

/// Returns the deposit for storing `items` items of `bytes` bytes in total.
pub const fn deposit(items: u32, bytes: u32) -> Balance {
	items as Balance * 100 * MILLI_UNIT + bytes as Balance * MILLI_UNIT
}
