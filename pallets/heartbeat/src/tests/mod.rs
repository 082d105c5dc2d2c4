mod authorize;
mod detection;
mod offchain;
mod probes;
mod registration;
mod reports;
mod roster;
mod verdict;
