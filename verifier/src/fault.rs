//! Links of a proof, and the named faults for which the verifier refuses one.

use core::fmt;

/// Link of the chain of custody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Link {
	/// The bundle itself.
	Format,
	/// From the trusted set to the bundle.
	Trust,
	/// From one authority set to the next; counted from 0.
	HandOff(usize),
	/// From the last authority set to the head.
	Head,
	/// From the relay chain's head to the parachain's.
	Inclusion,
	/// From the head's state root to the proven values.
	State,
	/// From the log's root to the records.
	Log,
	/// A record, by its index in the bundle.
	Record(usize),
	/// The evidence of a record, by the record's index in the bundle.
	Evidence(usize),
	/// From the incident to its records.
	Incident,
	/// From the log of a checkpoint to this one.
	Ancestry,
	/// The age of the head and of the trusted set, and the requested checkpoint.
	Age,
}

impl fmt::Display for Link {
	fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
		match self {
			Link::Format => f.write_str("the bundle's format"),
			Link::Trust => f.write_str("what is trusted"),
			Link::HandOff(nth) => write!(f, "hand-off {nth}"),
			Link::Head => f.write_str("the head's finality"),
			Link::Inclusion => f.write_str("the inclusion by the relay chain"),
			Link::State => f.write_str("the state proof"),
			Link::Log => f.write_str("the path to the log's root"),
			Link::Record(nth) => write!(f, "record {nth} of the bundle"),
			Link::Evidence(nth) => write!(f, "the evidence of record {nth} of the bundle"),
			Link::Incident => f.write_str("the incident"),
			Link::Ancestry => f.write_str("the way from the checkpoint's log to this one"),
			Link::Age => f.write_str("the age"),
		}
	}
}

macro_rules! faults {
	($($(#[doc = $doc:literal])+ $name:ident,)*) => {
		/// Reason for which a link does not hold.
		#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
		pub enum Fault {
			$($(#[doc = $doc])+ $name,)*
		}

		impl Fault {
			/// All faults.
			pub const ALL: &'static [Fault] = &[$(Fault::$name,)*];

			/// Returns the name of the fault.
			pub fn name(self) -> &'static str {
				match self {
					$(Fault::$name => stringify!($name),)*
				}
			}

			/// Returns the meaning of the fault, in a sentence. Begins with a space.
			pub fn explanation(self) -> &'static str {
				match self {
					$(Fault::$name => concat!($($doc),+),)*
				}
			}
		}
	};
}

faults! {
	/// The bytes cannot be decoded: they are cut off, too long, or of another type.
	Malformed,
	/// The bundle is larger than this verifier accepts.
	TooLarge,
	/// The bundle is of a version that this verifier does not know.
	UnknownVersion,
	/// The proof is of another chain than the trusted one.
	WrongChain,
	/// The proof begins with another authority set than the trusted one.
	WrongSet,
	/// The authority set is empty or has a member twice, or its weights or its id are out of
	/// bounds.
	BadSet,
	/// The block does not come after the block of the link before it.
	OutOfOrder,
	/// The justification is for another block.
	WrongBlock,
	/// A voter is not in the authority set.
	UnknownVoter,
	/// A vote is present twice, or a voter has more votes than the two that make an equivocation.
	DuplicateVoter,
	/// A vote is not signed by the voter, or is signed for another round or set.
	BadSignature,
	/// A vote is for a block that is neither the justified one nor a descendant of it.
	VoteElsewhere,
	/// A header in the justification is not needed.
	UnusedHeader,
	/// Two thirds of the authority set or fewer voted.
	TooFewVotes,
	/// The header announces no next authority set.
	NoChange,
	/// The header announces more than one next authority set.
	ManyChanges,
	/// The next authority set takes effect after a delay, which this format does not support.
	DelayedChange,
	/// The next authority set is forced, which a header alone does not prove.
	ForcedChange,
	/// No earlier link shows that the anchor is final, the block whose state has the members.
	UnknownAnchor,
	/// The state lacks the members of the roster, or the set that they seat.
	MissingValue,
	/// A key does not belong to the member that it is listed for.
	WrongKey,
	/// A vote for the recovery is by a non-member, or by a standby that was not ready.
	NotAMember,
	/// No more than half of the members voted for the recovery, or no more active members than may
	/// fail.
	NoQuorum,
	/// The proposal's state does not show a stall of finality, or shows one that is impossible.
	NoStall,
	/// The chain of the new authorities does not show that the change to them was forced for this
	/// proposal.
	NotEnacted,
	/// The relay chain's state has no head of the parachain, or the proof lacks the inclusion.
	NotIncluded,
	/// The inclusion is of another parachain, or the trusted set is that of the log's chain itself.
	WrongPara,
	/// The proof leads from this state root to no value: a trie node is missing or wrong.
	Unproven,
	/// The proof has trie nodes that are not needed.
	UnusedNode,
	/// The state has another value.
	WrongValue,
	/// The bundle has no records.
	NoRecords,
	/// The records are not in the order of the log.
	RecordsOutOfOrder,
	/// The record is not in the log as of the head.
	NoSuchRecord,
	/// Two consecutive records are not chained.
	BrokenChain,
	/// The path does not lead to the log's root.
	WrongRoot,
	/// The last record is not the one that the head of the log names.
	WrongLast,
	/// The pieces of evidence are not in order.
	PiecesOutOfOrder,
	/// The evidence is not what the record commits to.
	WrongEvidence,
	/// Records that the incident lists are missing, or other records are among them.
	IncompleteIncident,
	/// The proof is older than required: an old head may be shown as the newest.
	Stale,
	/// The trusted set is older than permitted, or undated: its members may have given their keys
	/// away since.
	OldTrust,
	/// The log of the checkpoint is not a prefix of this one.
	WrongCheckpoint,
	/// The ancestry does not lead from the earlier log to this one.
	WrongAncestry,
	/// The bundle does not show that this log continues that of the checkpoint; fetch it with that
	/// checkpoint.
	NoAncestry,
}

impl fmt::Display for Fault {
	fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
		write!(f, "{}:{}", self.name(), self.explanation())
	}
}

/// Refusal of a proof: the link that does not hold, and the fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Error {
	/// Link that does not hold.
	pub link: Link,
	/// Fault of the link.
	pub fault: Fault,
}

impl fmt::Display for Error {
	fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
		write!(f, "{}: {}", self.link, self.fault)
	}
}

impl core::error::Error for Error {}
