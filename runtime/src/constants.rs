//! Time and money.

use crate::{configs::staking::BONDING_DURATION, Balance, BlockNumber};

/// The SS58 prefix of addresses: the one for chains without one of their own.
pub const SS58_PREFIX: u16 = 42;
/// A block's time, and a slot's, in milliseconds.
pub const SLOT_DURATION: u64 = 3_000;
/// Blocks in a minute.
pub const MINUTES: BlockNumber = 60_000 / (SLOT_DURATION as BlockNumber);
/// Blocks in an hour.
pub const HOURS: BlockNumber = 60 * MINUTES;
/// Blocks in a day.
pub const DAYS: BlockNumber = 24 * HOURS;
/// A session that nothing ends early, in blocks.
pub const SESSION_LENGTH: BlockNumber = 5 * MINUTES;
/// Sessions in an era, of those that nothing ends early.
pub const SESSIONS_PER_ERA: u32 = 6;
/// The least number of blocks of an era, however many sessions end early in it.
pub const ERA_LENGTH: BlockNumber = SESSIONS_PER_ERA * SESSION_LENGTH;
/// Time in seconds for which verifiers trust an authority set after they have learned of it: half of
/// the least time for which its stake stays bonded.
pub const TRUSTING_PERIOD: u64 = (BONDING_DURATION * ERA_LENGTH) as u64 * SLOT_DURATION / 1_000 / 2;

/// One token; 12 decimals.
pub const UNIT: Balance = 1_000_000_000_000;
/// A thousandth of a token.
pub const MILLI_UNIT: Balance = UNIT / 1_000;
/// A millionth of a token.
pub const MICRO_UNIT: Balance = UNIT / 1_000_000;
/// The least that an account holds.
pub const EXISTENTIAL_DEPOSIT: Balance = MILLI_UNIT;

/// What storing `items` of together `bytes` bytes takes as a deposit.
pub const fn deposit(items: u32, bytes: u32) -> Balance {
	items as Balance * 100 * MILLI_UNIT + bytes as Balance * MILLI_UNIT
}
