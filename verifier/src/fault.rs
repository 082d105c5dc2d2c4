//! What can be wrong with a proof, by name.

use core::fmt;

/// A link of the chain of custody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Link {
	/// The bundle itself.
	Format,
	/// From what is trusted to the bundle.
	Trust,
	/// From one authority set to the next; counted from 0.
	HandOff(usize),
	/// From the last authority set to the head.
	Head,
	/// From the head's state root to what is proven of the state.
	State,
	/// From the log's root to the records.
	Log,
	/// A record, by its place in the bundle.
	Record(usize),
	/// The evidence of a record, by the record's place in the bundle.
	Evidence(usize),
	/// From the incident to its records.
	Incident,
	/// From the log of a checkpoint to this one.
	Ancestry,
	/// How new the head is, and whether all that was asked for is shown.
	Age,
}

impl fmt::Display for Link {
	fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
		match self {
			Link::Format => f.write_str("the bundle's format"),
			Link::Trust => f.write_str("what is trusted"),
			Link::HandOff(nth) => write!(f, "hand-off {nth}"),
			Link::Head => f.write_str("the head's finality"),
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
		/// What is wrong with a link.
		#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
		pub enum Fault {
			$($(#[doc = $doc])+ $name,)*
		}

		impl Fault {
			/// Every one of them.
			pub const ALL: &'static [Fault] = &[$(Fault::$name,)*];

			/// Its name.
			pub fn name(self) -> &'static str {
				match self {
					$(Fault::$name => stringify!($name),)*
				}
			}

			/// What it means.
			pub fn explanation(self) -> &'static str {
				match self {
					$(Fault::$name => concat!($($doc),+),)*
				}
			}
		}
	};
}

faults! {
	/// It cannot be decoded: cut off, longer than it should be, or not what it says.
	Malformed,
	/// It is larger than what is looked at.
	TooLarge,
	/// It is of a version that this verifier does not know.
	UnknownVersion,
	/// It is of another chain than the trusted one.
	WrongChain,
	/// It begins with another authority set than the trusted one.
	WrongSet,
	/// The authority set has nobody in it, or somebody twice, or a weight of zero or beyond all bounds.
	BadSet,
	/// It is not after the block before it.
	OutOfOrder,
	/// The justification is of another block.
	WrongBlock,
	/// Somebody voted who is not in the authority set.
	UnknownVoter,
	/// Somebody's vote is there twice, or somebody has more votes than the two that make an equivocation.
	DuplicateVoter,
	/// A vote is not signed by the voter, or for another round or set.
	BadSignature,
	/// A vote is for a block that is not the justified one and does not descend from it.
	VoteElsewhere,
	/// A header in the justification is of no use.
	UnusedHeader,
	/// Two thirds of the authority set or fewer voted.
	TooFewVotes,
	/// The header announces no next authority set.
	NoChange,
	/// The header announces more than one next authority set.
	ManyChanges,
	/// The next authority set comes later than with the next block, which this format does not follow.
	DelayedChange,
	/// The next authority set is forced, which a header alone does not prove.
	ForcedChange,
	/// Nothing before shows that the block is final whose state says who the members are.
	UnknownAnchor,
	/// The state has nothing where the members, or those that they seat, should be.
	MissingValue,
	/// A key is not that of the member that it is said to be of.
	WrongKey,
	/// Somebody voted for a recovery who is no member, or a standby that was not ready.
	NotAMember,
	/// No more than half of the members voted for the recovery, or no more of the active ones than may fail.
	NoQuorum,
	/// The proposal's state does not say that finality had stalled, or says what cannot be.
	NoStall,
	/// The new authorities' own chain does not say that the change to them was forced for this proposal.
	NotEnacted,
	/// The proof leads to nothing at this state root: a node of the trie is missing or wrong.
	Unproven,
	/// The proof has nodes that nothing needs.
	UnusedNode,
	/// The state has another value.
	WrongValue,
	/// There are no records.
	NoRecords,
	/// The records are not in the order of the log.
	RecordsOutOfOrder,
	/// The record is not in the log as of the head.
	NoSuchRecord,
	/// Two records that follow one another are not chained.
	BrokenChain,
	/// The path does not lead to the log's root.
	WrongRoot,
	/// The last record is not the one that the head names.
	WrongLast,
	/// The pieces of evidence are not in their order.
	PiecesOutOfOrder,
	/// The evidence is not what the record commits to.
	WrongEvidence,
	/// Records that the incident lists lack, or others are among them.
	IncompleteIncident,
	/// It is older than it must be: an old head, shown as the newest.
	Stale,
	/// The trusted set is older than it may be, or nobody has said how old: its members may have given their keys away since.
	OldTrust,
	/// The log of the checkpoint is not a beginning of this one.
	WrongCheckpoint,
	/// It does not lead from the log of that time to this one.
	WrongAncestry,
	/// It does not show how the log of the checkpoint became this one; fetch it with that checkpoint.
	NoAncestry,
}

impl fmt::Display for Fault {
	fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
		write!(f, "{}:{}", self.name(), self.explanation())
	}
}

/// Which link does not hold, and why.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Error {
	/// The link.
	pub link: Link,
	/// What is wrong with it.
	pub fault: Fault,
}

impl fmt::Display for Error {
	fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
		write!(f, "{}: {}", self.link, self.fault)
	}
}

impl core::error::Error for Error {}
