//! The node of Understudy's sample chain.

mod anchor_rule;
mod chain_spec;
mod checkpoint;
mod cli;
mod command;
mod durable;
mod equivocation_observer;
mod failover_rpc;
mod finality_observer;
mod hand_overs;
mod monitor;
mod recovery_rpc;
mod rpc;
mod service;
mod take_back;

fn main() -> sc_cli::Result<()> {
	command::run()
}
