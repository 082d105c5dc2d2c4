mod authorize;
mod detection;
mod offchain;
mod roster;
mod verdict;
