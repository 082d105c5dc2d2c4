//! Detector V: reports members that take no part in consensus. The node has seen no finality vote
//! of them for too long, or no block of their slots on any branch.

use alloc::vec::Vec;
use frame_support::{traits::Get, BoundedVec};
use understudy_primitives::{crypto::AuthorityId, offchain::FinalityView, MemberIndex, Seat, VoteKeys};

use super::{claim, Context};
use crate::{
	chunks::{self, CounterTable},
	statement::{Report, ReportKind},
	Call, Config, Members, Pallet,
};

impl<T: Config> Pallet<T> {
	pub(super) fn report_votes(
		context: &Context<T>,
		key: &AuthorityId,
		reporter: MemberIndex,
		finality: &FinalityView,
	) {
		let kind = ReportKind::Votes;
		if chunks::is_marked::<T>(kind.mark(), reporter) {
			return;
		}
		let threshold = T::VoteSilence::get();
		let silent: Vec<T::AccountId> = finality
			.silent
			.iter()
			.filter(|(_, seconds)| *seconds >= threshold)
			.filter_map(|(voter, _)| T::VoteKeys::voter(voter))
			.collect();
		let roster = &context.roster;
		let idle = Self::idle(roster.active, finality);
		if silent.is_empty() && idle.is_empty() {
			return;
		}
		let quorums = Self::quorums(roster);
		let mut table = CounterTable::<T>::lazy(roster);
		let targets: Vec<MemberIndex> = (0..roster.total)
			.filter(|index| *index != reporter && roster.seat(*index) == Seat::Active)
			.filter(|index| {
				idle.contains(index) || Members::<T>::get(index).is_some_and(|who| silent.contains(&who))
			})
			.filter(|index| {
				let member = table.load(*index);
				member.is_some_and(|member| member.grace == 0 && !member.votes.has(quorums.votes))
			})
			.collect();
		Self::send_report(context, key, reporter, kind, targets);
	}

	/// Returns the active members of whose slots the node has seen no block. It takes one slot in a
	/// row more than detector S does.
	fn idle(active: u32, finality: &FinalityView) -> Vec<MemberIndex> {
		// The node may not have noticed the last change of the set yet.
		if finality.authors != active {
			return Vec::new();
		}
		let threshold = u32::from(T::Thresholds::get().slots).saturating_add(1);
		let idle = finality.idle.iter().filter(|(_, slots)| *slots >= threshold);
		idle.map(|(index, _)| *index).collect()
	}

	/// Sends a report, unless it would name no member.
	pub(super) fn send_report(
		context: &Context<T>,
		key: &AuthorityId,
		reporter: MemberIndex,
		kind: ReportKind,
		targets: Vec<MemberIndex>,
	) {
		let (roster, window) = (context.roster.id, context.window.index);
		let name = match kind {
			ReportKind::Peers => "report/peers",
			ReportKind::Votes => "report/votes",
		};
		if targets.is_empty() || !claim(name, key, (roster, window), context.now) {
			return;
		}
		let report = Report { roster, window, reporter, kind, targets: BoundedVec::truncate_from(targets) };
		Self::submit("report", key, report, |report, signature| Call::report { report, signature });
	}
}
