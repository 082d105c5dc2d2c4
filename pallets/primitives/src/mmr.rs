//! Commitments of the failover log: Merkle Mountain Ranges (MMR) over the records, and over the
//! evidence of each record.
//!
//! The shape, the positions and the bagging of peaks are those of the crate that the SDK's own MMR
//! pallet uses. Every preimage begins with a domain byte, so that a leaf can never pass for an
//! inner node, nor a record for a piece of evidence.

use alloc::vec::Vec;
use codec::{Decode, Encode};
use mmr_lib::{
	ancestry_proof::{bagging_peaks_hashes, expected_ancestry_proof_size},
	helper::{get_peaks, leaf_index_to_mmr_size, leaf_index_to_pos},
	MMRStoreReadOps, MMRStoreWriteOps, Merge, MerkleProof, NodeMerkleProof, MMR,
};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_core::H256;
use sp_io::hashing::blake2_256;

use crate::Evidence;

/// Domain of a hash: the first byte of its preimage. The meaning of a byte never changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Domain {
	/// A record.
	Record = 0,
	/// Two nodes.
	Node = 1,
	/// A piece of evidence.
	Evidence = 2,
	/// A salt, which hides a piece of evidence.
	Salt = 3,
	/// A peak, and the bagged peaks to its right. If these were hashed as two nodes are, a leaf
	/// could be shown at the place of another one.
	Peaks = 4,
}

/// Returns blake2-256 of the domain byte and the SCALE encoding.
pub fn hash(domain: Domain, what: &impl Encode) -> H256 {
	let mut preimage = Vec::with_capacity(what.size_hint().saturating_add(1));
	preimage.push(domain as u8);
	what.encode_to(&mut preimage);
	H256(blake2_256(&preimage))
}

/// Hash rule that joins two nodes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Join;

impl Join {
	/// Returns the parent of two nodes.
	pub fn of(left: &H256, right: &H256) -> H256 {
		hash(Domain::Node, &(left, right))
	}
}

impl Merge for Join {
	type Item = H256;

	fn merge(left: &H256, right: &H256) -> mmr_lib::Result<H256> {
		Ok(Self::of(left, right))
	}

	/// Bags two peaks. The crate bags from the right to the left, and passes the right one first.
	fn merge_peaks(right: &H256, left: &H256) -> mmr_lib::Result<H256> {
		Ok(hash(Domain::Peaks, &(right, left)))
	}
}

/// Returns the size, in nodes, of the MMR with this many leaves. `None` if there are too many.
pub fn size(leaves: u64) -> Option<u64> {
	// The crate computes with twice the number of leaves.
	(leaves <= u64::MAX >> 2).then(|| leaves.checked_sub(1).map_or(0, leaf_index_to_mmr_size))
}

/// Peaks of an MMR, from the left to the right: all that appending needs.
pub struct Peaks<'a> {
	peaks: Vec<H256>,
	leaves: u64,
	keep: &'a mut dyn FnMut(H256, H256, H256),
}

impl<'a> Peaks<'a> {
	/// Creates the peaks of an MMR with this many leaves. `keep` is called for every new inner
	/// node, with the node, its left child and its right child.
	pub fn new(leaves: u64, peaks: Vec<H256>, keep: &'a mut dyn FnMut(H256, H256, H256)) -> Self {
		Self { peaks, leaves, keep }
	}

	/// Appends a leaf, and returns the new peaks and their bagged root. `None` if the peaks do not
	/// match the number of leaves, or there cannot be more leaves.
	pub fn push(mut self, leaf: H256) -> Option<(Vec<H256>, H256)> {
		let size = size(self.leaves).filter(|_| self.peaks.len() as u32 == self.leaves.count_ones())?;
		let mut mmr = MMR::<_, Join, _>::new(size, &mut self);
		mmr.push(leaf).ok()?;
		let root = mmr.get_root().ok()?;
		mmr.commit().ok()?;
		drop(mmr);
		Some((self.peaks, root))
	}
}

impl MMRStoreReadOps<H256> for &mut Peaks<'_> {
	fn get_elem(&self, pos: u64) -> mmr_lib::Result<Option<H256>> {
		let place = get_peaks(size(self.leaves).unwrap_or_default()).iter().position(|peak| *peak == pos);
		Ok(place.and_then(|place| self.peaks.get(place).copied()))
	}
}

impl MMRStoreWriteOps<H256> for &mut Peaks<'_> {
	/// Takes a leaf, and the nodes above it that it completes.
	fn append(&mut self, _: u64, nodes: Vec<H256>) -> mmr_lib::Result<()> {
		let mut nodes = nodes.into_iter();
		let mut right = nodes.next().ok_or(mmr_lib::Error::InconsistentStore)?;
		for node in nodes {
			let left = self.peaks.pop().ok_or(mmr_lib::Error::InconsistentStore)?;
			(self.keep)(node, left, right);
			right = node;
		}
		self.peaks.push(right);
		self.leaves = self.leaves.saturating_add(1);
		Ok(())
	}
}

/// Nodes of an MMR, looked up by their hash from the peaks down.
pub struct Nodes<'a> {
	peaks: &'a [H256],
	leaves: u64,
	children: &'a dyn Fn(&H256) -> Option<(H256, H256)>,
}

impl<'a> Nodes<'a> {
	/// Creates the MMR with these peaks. `children` returns the left and the right child of a node.
	pub fn new(leaves: u64, peaks: &'a [H256], children: &'a dyn Fn(&H256) -> Option<(H256, H256)>) -> Self {
		Self { peaks, leaves, children }
	}

	/// Returns the leaf with this index.
	pub fn leaf(&self, index: u64) -> Option<H256> {
		if index >= self.leaves {
			return None;
		}
		self.node(leaf_index_to_pos(index))
	}

	/// Returns the node at this position, by the path down from the peak above it.
	///
	/// A perfect tree with its peak at `top` and `span` nodes has the root of its left subtree at
	/// `top - 1 - half` and that of its right subtree at `top - 1`, with `half` nodes in each.
	fn node(&self, pos: u64) -> Option<H256> {
		let tops = get_peaks(size(self.leaves)?);
		let place = tops.iter().position(|top| pos <= *top)?;
		let (mut top, mut node) = (*tops.get(place)?, *self.peaks.get(place)?);
		let before = place.checked_sub(1).and_then(|before| tops.get(before)).map_or(0, |top| top + 1);
		let mut span = top + 1 - before;
		while top != pos {
			let half = (span - 1) / 2;
			let (left, right) = (self.children)(&node)?;
			(top, node) = if pos < top - half { (top - 1 - half, left) } else { (top - 1, right) };
			span = half;
		}
		Some(node)
	}

	/// Returns the proof that the leaves with these indices are in the MMR.
	pub fn prove(&self, indices: &[u64]) -> Option<Vec<H256>> {
		if indices.iter().any(|index| *index >= self.leaves) {
			return None;
		}
		let positions = indices.iter().map(|index| leaf_index_to_pos(*index)).collect();
		let mmr = MMR::<_, Join, _>::new(size(self.leaves)?, self);
		Some(mmr.gen_proof(positions).ok()?.proof_items().to_vec())
	}

	/// Returns the proof that the MMR over the first `count` leaves is a prefix of this one. `None`
	/// if `count` is 0, or not below the present number of leaves.
	pub fn ancestry(&self, count: u64) -> Option<Ancestry> {
		if count == 0 || count >= self.leaves {
			return None;
		}
		let mmr = MMR::<_, Join, _>::new(size(self.leaves)?, self);
		let proof = mmr.gen_ancestry_proof(size(count)?).ok()?;
		Some(Ancestry { count, peaks: proof.prev_peaks, path: proof.prev_peaks_proof.proof_items().to_vec() })
	}
}

impl MMRStoreReadOps<H256> for &Nodes<'_> {
	fn get_elem(&self, pos: u64) -> mmr_lib::Result<Option<H256>> {
		Ok(self.node(pos))
	}
}

/// Proof that an earlier state of a log is a prefix of the present one.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ancestry {
	/// Number of leaves that the log had.
	pub count: u64,
	/// Peaks that the log had, from the left to the right.
	pub peaks: Vec<H256>,
	/// Nodes, by ascending position, that lead from these peaks to the present root of the log.
	pub path: Vec<(u64, H256)>,
}

impl Ancestry {
	/// Returns the root that the log had, and the root that it has with `leaves` leaves. `None` if
	/// these peaks and nodes lead to no root.
	pub fn roots(self, leaves: u64) -> Option<(H256, H256)> {
		let Ancestry { count, peaks, path } = self;
		if count == 0 || count >= leaves {
			return None;
		}
		let (old, new) = (size(count)?, size(leaves)?);
		let places = get_peaks(old);
		// The encoding of a proof is unique: one order, and exactly the necessary nodes.
		if !path.is_sorted_by(|(one, _), (next, _)| one < next) {
			return None;
		}
		if places.len() != peaks.len() || path.len() != expected_ancestry_proof_size(old, new) {
			return None;
		}
		let root = bagging_peaks_hashes::<_, Join>(peaks.clone()).ok()?;
		let nodes = places.into_iter().zip(peaks).collect();
		Some((root, NodeMerkleProof::<_, Join>::new(new, path).calculate_root(nodes).ok()?))
	}
}

/// Returns the root of an MMR with this many leaves, from the leaves that are shown, by ascending
/// index, and their proof. `None` if the proof does not belong to these leaves.
pub fn root_of(leaves: u64, shown: Vec<(u64, H256)>, proof: Vec<H256>) -> Option<H256> {
	let size = size(leaves).filter(|_| leaves > 0 && !shown.is_empty())?;
	// The crate does not check the proof of a single leaf.
	if leaves == 1 && !proof.is_empty() {
		return None;
	}
	let mut last = None;
	for (index, _) in &shown {
		if *index >= leaves || last.is_some_and(|last| *index <= last) {
			return None;
		}
		last = Some(*index);
	}
	let shown = shown.into_iter().map(|(index, leaf)| (leaf_index_to_pos(index), leaf)).collect();
	MerkleProof::<_, Join>::new(size, proof).calculate_root(shown).ok()
}

/// Salt that hides evidence. Knowledge of the salt of a record opens all of its pieces.
pub type Salt = H256;

/// Returns the salt of one piece of evidence, from that of the record.
pub fn salt_of(salt: &Salt, piece: u8) -> Salt {
	hash(Domain::Salt, &(salt, piece))
}

/// Returns the leaf of a piece of evidence. It commits to the index of the piece and the number of
/// pieces, so that no piece can be exchanged or left out unnoticed.
pub fn evidence_leaf(piece: u8, of: u8, salt: &Salt, evidence: &Evidence) -> H256 {
	hash(Domain::Evidence, &(piece, of, salt, evidence))
}

/// Returns the leaves of a record's evidence.
fn evidence_leaves(salt: &Salt, evidence: &[Evidence]) -> Vec<H256> {
	let of = evidence.len() as u8;
	let leaf = |(piece, evidence): (u8, &Evidence)| evidence_leaf(piece, of, &salt_of(salt, piece), evidence);
	(0..).zip(evidence).map(leaf).collect()
}

/// Returns the peaks of these leaves, from the left to the right, and their root, which is zero if
/// there are none. `keep` is called for every inner node.
fn range_of(leaves: Vec<H256>, keep: &mut dyn FnMut(H256, H256, H256)) -> Option<(Vec<H256>, H256)> {
	let start = (Vec::new(), H256::zero());
	(0..).zip(leaves).try_fold(start, |(peaks, _), (before, leaf)| Peaks::new(before, peaks, keep).push(leaf))
}

/// Returns the commitment to a record's evidence: the root over its pieces, zero if there are none.
pub fn evidence_root(salt: &Salt, evidence: &[Evidence]) -> H256 {
	range_of(evidence_leaves(salt, evidence), &mut |_, _, _| ()).map(|(_, root)| root).unwrap_or_default()
}

/// Returns the proof that some pieces of a record's evidence are those that it commits to. The
/// proof reveals nothing of the others.
pub fn prove_evidence(salt: &Salt, evidence: &[Evidence], pieces: &[u64]) -> Option<Vec<H256>> {
	let mut children = alloc::collections::BTreeMap::new();
	let mut keep = |node, left, right| {
		children.insert(node, (left, right));
	};
	let (peaks, _) = range_of(evidence_leaves(salt, evidence), &mut keep)?;
	let children = |node: &H256| children.get(node).copied();
	Nodes::new(evidence.len() as u64, &peaks, &children).prove(pieces)
}

#[cfg(test)]
mod tests {
	use super::*;
	use alloc::collections::BTreeMap;

	struct Log {
		leaves: Vec<H256>,
		peaks: Vec<H256>,
		root: H256,
		children: BTreeMap<H256, (H256, H256)>,
	}

	fn leaf(index: u64) -> H256 {
		hash(Domain::Record, &index)
	}

	fn log(count: u64) -> Log {
		let mut log =
			Log { leaves: Vec::new(), peaks: Vec::new(), root: H256::zero(), children: BTreeMap::new() };
		for index in 0..count {
			let mut keep = |node, left, right| {
				log.children.insert(node, (left, right));
			};
			let peaks = Peaks::new(index, core::mem::take(&mut log.peaks), &mut keep);
			(log.peaks, log.root) = peaks.push(leaf(index)).expect("the MMR has room");
			log.leaves.push(leaf(index));
		}
		log
	}

	#[test]
	fn there_is_a_peak_for_each_bit_of_the_count() {
		for count in 0..70 {
			assert_eq!(log(count).peaks.len(), count.count_ones() as usize);
		}
	}

	#[test]
	fn every_leaf_is_found_and_proven_in_logs_of_all_sizes() {
		for count in 1..40 {
			let log = log(count);
			let children = |node: &H256| log.children.get(node).copied();
			let nodes = Nodes::new(count, &log.peaks, &children);
			for index in 0..count {
				assert_eq!(nodes.leaf(index), Some(leaf(index)));
				let proof = nodes.prove(&[index]).expect("the leaf exists");
				let root = |at, leaf, proof| root_of(count, alloc::vec![(at, leaf)], proof);
				assert_eq!(root(index, leaf(index), proof.clone()), Some(log.root));
				assert_ne!(root(index, leaf(99), proof.clone()), Some(log.root));
				for other in (0..count).filter(|other| *other != index) {
					assert_ne!(root(other, leaf(index), proof.clone()), Some(log.root));
				}
				let mut longer = proof.clone();
				longer.push(H256::zero());
				assert_ne!(root(index, leaf(index), longer), Some(log.root));
			}
			assert_eq!(nodes.leaf(count), None);
			assert_eq!(nodes.prove(&[count]), None);
			let all: Vec<u64> = (0..count).collect();
			let shown = all.iter().map(|index| (*index, leaf(*index))).collect();
			assert_eq!(root_of(count, shown, nodes.prove(&all).expect("they exist")), Some(log.root));
		}
	}

	#[test]
	fn every_log_is_shown_to_be_a_beginning_of_every_longer_one() {
		for count in 1..40 {
			let longer = log(count);
			let children = |node: &H256| longer.children.get(node).copied();
			let nodes = Nodes::new(count, &longer.peaks, &children);
			for before in 1..count {
				let ancestry = nodes.ancestry(before).expect("it was shorter before");
				assert_eq!(ancestry.clone().roots(count), Some((log(before).root, longer.root)));
				let changed = |change: &dyn Fn(&mut Ancestry)| {
					let mut changed = ancestry.clone();
					change(&mut changed);
					let roots = changed.roots(count);
					assert_ne!(roots, Some((log(before).root, longer.root)), "{before} of {count}");
				};
				for nth in 0..ancestry.peaks.len() {
					changed(&|changed| changed.peaks[nth] = H256::zero());
				}
				for nth in 0..ancestry.path.len() {
					changed(&|changed| changed.path[nth].1 = H256::zero());
					changed(&|changed| changed.path[nth].0 ^= 1);
					changed(&|changed| changed.path.truncate(nth));
				}
				changed(&|changed| changed.path.push((0, H256::zero())));
				if ancestry.path.len() > 1 {
					changed(&|changed| changed.path.reverse());
				}
				changed(&|changed| changed.peaks.push(H256::zero()));
				changed(&|changed| changed.count += 1);
				assert_eq!(ancestry.roots(before), None);
			}
			assert_eq!(nodes.ancestry(count), None);
			assert_eq!(nodes.ancestry(0), None);
		}
		let nonsense = Ancestry { count: u64::MAX - 1, peaks: Vec::new(), path: Vec::new() };
		assert_eq!(nonsense.roots(u64::MAX), None);
	}

	#[test]
	fn nonsense_makes_no_root() {
		let shown = |index| alloc::vec![(index, leaf(0))];
		assert_eq!(root_of(0, shown(0), Vec::new()), None);
		assert_eq!(root_of(4, Vec::new(), Vec::new()), None);
		assert_eq!(root_of(4, shown(4), Vec::new()), None);
		assert_eq!(root_of(u64::MAX, shown(0), Vec::new()), None);
		assert_eq!(root_of(u64::MAX >> 2, shown(u64::MAX), Vec::new()), None);
		assert_eq!(root_of(4, alloc::vec![(1, leaf(1)), (0, leaf(0))], Vec::new()), None);
		assert_eq!(root_of(4, alloc::vec![(1, leaf(1)), (1, leaf(1))], Vec::new()), None);
	}

	#[test]
	fn peaks_of_another_count_are_refused() {
		let mut keep = |_, _, _| ();
		assert!(Peaks::new(3, log(4).peaks, &mut keep).push(leaf(3)).is_none());
		assert!(Peaks::new(u64::MAX, Vec::new(), &mut keep).push(leaf(3)).is_none());
	}

	#[test]
	fn domains_keep_what_is_hashed_apart() {
		let hashes: alloc::collections::BTreeSet<H256> =
			[Domain::Record, Domain::Node, Domain::Evidence, Domain::Salt, Domain::Peaks]
				.map(|domain| hash(domain, &(H256::zero(), H256::zero())))
				.into();
		assert_eq!(hashes.len(), 5);
	}

	#[test]
	fn a_piece_of_evidence_is_shown_without_the_others() {
		let salt = H256::repeat_byte(7);
		let evidence: Vec<Evidence> = (0..5).map(|byte| Evidence::Set(H256::repeat_byte(byte))).collect();
		let root = evidence_root(&salt, &evidence);
		for piece in 0..5u8 {
			let proof = prove_evidence(&salt, &evidence, &[piece.into()]).expect("the piece exists");
			let leaf = |of| evidence_leaf(piece, of, &salt_of(&salt, piece), &evidence[piece as usize]);
			let shown = |leaf| alloc::vec![(piece.into(), leaf)];
			assert_eq!(root_of(5, shown(leaf(5)), proof.clone()), Some(root));
			assert_ne!(root_of(5, shown(leaf(6)), proof.clone()), Some(root));
			assert_ne!(root_of(6, shown(leaf(6)), proof), Some(root));
		}
		assert_eq!(evidence_root(&salt, &[]), H256::zero());
		assert_ne!(evidence_root(&H256::zero(), &evidence), root);
	}
}
