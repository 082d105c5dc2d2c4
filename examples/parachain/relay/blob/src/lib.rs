//! The runtime of Rococo with epochs of two minutes, as one Wasm blob. The nodes of the relay chain
//! are built without blobs, which take longer than all of a node.

#![cfg_attr(not(feature = "std"), no_std)]

pub use rococo_runtime::*;
