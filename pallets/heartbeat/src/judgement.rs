//! What a block and a window's end do to the evidence, and the judgement of it.

use alloc::vec::Vec;
use codec::Encode;
use frame_support::{
	traits::{Get, Randomness},
	weights::Weight,
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_io::hashing::blake2_128;
use sp_runtime::{traits::Zero, SaturatedConversion};
use understudy_primitives::{
	api::RosterStatus, ElectorateHandler, Evidence, Health, Judged, Judgement, JudgementHandler, MemberIndex,
	Moment, Slots, Verdicts, WindowIndex,
};

use crate::{
	assignment::Assignment,
	evidence::{self, Bars, EvidenceTable, Mark, MemberEvidence},
	statement::{Report, ReportKind},
	verdict, Config, Event, LastSlot, Members, Pallet, RosterInfo, Systemic, Thresholds, Unready, Window,
	WindowInfo, WindowOf,
};

/// What a block's slot showed.
#[derive(Clone, Copy, Default)]
pub(crate) struct NotedSlots {
	/// How many members' counters were touched.
	pub touched: u32,
	/// Whether a charged member is down by now, so that there is no need to wait for the window's end.
	pub down: bool,
}

/// Whether, `age` blocks after a window of `length` blocks has ended, the silence in it is settled: a quarter of a window
/// later, so that a heartbeat is good for 1.25 times its period or more; and after half a window for those who counted on a
/// slot of their own (then the answer is `true`). At least a block, and two.
pub fn settling(age: u32, length: u32) -> Option<bool> {
	let allowance = length.div_ceil(4).max(1);
	(age == allowance || age == allowance.saturating_mul(2)).then_some(age > allowance)
}

impl<T: Config> Pallet<T> {
	/// The author of the block that is being built, as an index in the active set.
	pub(crate) fn current_author(roster: &RosterInfo) -> Option<MemberIndex> {
		T::Slots::author_of(T::Slots::current()?, roster.active).filter(|index| *index < roster.active)
	}

	/// Who probes whom in a window: the running one, or the one before.
	pub(crate) fn assignment(running: &WindowOf<T>, window: WindowIndex) -> Assignment {
		let seed = if window < running.index { running.seed_before } else { running.seed };
		Assignment::new(seed.as_ref(), running.roster.total, T::Probes::get())
	}

	/// Whether a member's report would count twice: it made one in the running window, or, if it is `late`, in the window
	/// before.
	pub(crate) fn has_reported(kind: ReportKind, reporter: MemberIndex, late: bool) -> bool {
		evidence::is_marked::<T>(kind.mark(), reporter)
			|| (late && evidence::is_marked::<T>(kind.mark_before(), reporter))
	}

	/// What evidence must reach in this roster.
	pub(crate) fn bars(roster: &RosterInfo) -> Bars {
		let probers = T::Probes::get().min(roster.total.saturating_sub(1));
		let window = T::WindowLength::get().saturated_into();
		T::Thresholds::get().bars(roster.active, roster.total, probers, window)
	}

	/// Whether it is a member's turn to show a sign of life in this window.
	pub(crate) fn is_turn(roster: &RosterInfo, window: &WindowOf<T>, index: MemberIndex) -> bool {
		evidence::is_turn(index, window.index, roster.total, window.quota)
	}

	/// Detector S: charges the slots since the last block to their authors, at most one round, and clears this block's author.
	/// Where nobody is `troubled` and no slot was missed, there is nothing to count.
	pub(crate) fn note_slot(roster: &RosterInfo, troubled: bool) -> NotedSlots {
		let Some(slot) = T::Slots::current() else { return NotedSlots::default() };
		let Some(last) = LastSlot::<T>::mutate(|last| last.replace(slot)) else {
			return NotedSlots::default();
		};
		let missed = T::Slots::authors_between(last, slot, roster.active);
		if missed.is_empty() && !troubled {
			return NotedSlots::default();
		}

		let mut table = EvidenceTable::<T>::lazy(roster);
		for index in &missed {
			table.update(*index, MemberEvidence::miss_slot);
		}
		// What they were seen for is in the counters now; from here on they may be gone.
		evidence::outdate::<T>(&missed);
		if let Some(author) = Self::current_author(roster) {
			table.update(author, MemberEvidence::author);
		}
		let down = !missed.is_empty() && Self::any_down(roster, &mut table, &missed);
		table.write();
		NotedSlots { touched: (missed.len() as u32).saturating_add(1), down }
	}

	/// Detectors P and V: counts a report against its targets.
	pub(crate) fn note_report(roster: &RosterInfo, report: &Report) {
		let bars = Self::bars(roster);
		let mut marks = evidence::MarkTable::<T>::default();
		let mut table = EvidenceTable::<T>::lazy(roster);
		for target in &report.targets {
			let seen = marks.has(Mark::Seen, *target);
			table.update(*target, |member| match report.kind {
				ReportKind::Peers => member.report_unreachable(seen, &bars),
				ReportKind::Votes => member.report_voteless(&bars),
			});
		}
		let down = Self::any_down(roster, &mut table, &report.targets);
		table.write();
		Window::<T>::mutate(|window| {
			window.alarm |= down;
			window.troubled = true;
		});
	}

	fn any_down(roster: &RosterInfo, table: &mut EvidenceTable<T>, of: &[MemberIndex]) -> bool {
		let rules = Self::rules(roster);
		of.iter().any(|index| {
			let member = table.load(*index);
			member.is_some_and(|member| Self::judge(roster, &rules, *index, member).is_down())
		})
	}

	/// Detector H: ends the window, counts who was silent in it, and starts the next one with block `started`.
	pub(crate) fn close_window(
		started: BlockNumberFor<T>,
		roster: &RosterInfo,
		window: &WindowOf<T>,
		table: &mut EvidenceTable<T>,
	) {
		let bars = Self::bars(roster);
		let mut marks = evidence::MarkTable::<T>::default();
		for index in 0..roster.total {
			let seen = marks.has(Mark::Seen, index);
			let due = Self::is_turn(roster, window, index);
			table.update(index, |member| member.end_window(seen, due, &bars));
		}
		evidence::turn_marks::<T>(roster);
		Self::start_window(*roster, window.index.saturating_add(1), started);
		let troubled = table.iter().any(|(_, member)| member.is_troubled());
		Window::<T>::mutate(|window| window.troubled = troubled);
	}

	/// Counts the silence of the window before that cannot be merely late any more.
	pub(crate) fn settle(roster: &RosterInfo, authors_too: bool, table: &mut EvidenceTable<T>) {
		for index in 0..roster.total {
			table.update(index, |member| member.settle(authors_too));
		}
	}

	/// Starts a window, and draws who probes whom in it.
	pub(crate) fn start_window(roster: RosterInfo, index: WindowIndex, started: BlockNumberFor<T>) {
		let (seed, _) = T::Randomness::random(b"understudy/probes");
		let seed_before = Window::<T>::get().seed;
		let quota = T::HeartbeatQuota::get();
		let now = frame_system::Pallet::<T>::block_number();
		let genesis = if now.is_zero() { T::Hash::default() } else { Self::genesis() };
		Window::<T>::put(WindowInfo {
			index,
			roster,
			started,
			seed,
			seed_before,
			quota,
			alarm: false,
			troubled: true,
			genesis,
		});
	}

	/// Judges everybody, tells of what changed, and hands the judgement to whoever acts on it. Returns how many verdicts
	/// changed, and the weight that acting took.
	pub(crate) fn conclude(roster: &RosterInfo, mut table: EvidenceTable<T>) -> (u32, Weight) {
		let window = Window::<T>::get().index;
		let now: u32 = frame_system::Pallet::<T>::block_number().saturated_into();
		let rules = Self::rules(roster);
		let (mut unhealthy, mut changed) = (Vec::new(), 0u32);
		let mut unready = Vec::<MemberIndex>::new();
		for index in 0..roster.total {
			let Some(member) = table.get(index) else { continue };
			if index >= roster.active && !member.is_ready(rules.1.silence) {
				unready.push(index);
			}
			let mut judged = Self::judge(roster, &rules, index, member);
			let health = judged.verdict.health;
			if health != member.health {
				changed = changed.saturating_add(1);
				judged.since = now;
				table.update(index, |member| {
					member.health = health;
					member.since = now;
					true
				});
				if let Some(who) = Members::<T>::get(index) {
					Self::deposit_event(Event::VerdictChanged { who, judged });
				}
			}
			if health != Health::Healthy {
				unhealthy.push(judged);
			}
		}
		table.write();
		let unready = unready.using_encoded(blake2_128);
		if Unready::<T>::get() != unready {
			Unready::<T>::put(unready);
			T::OnElectorate::on_readiness();
		}

		let judgement = Self::judgement_of(window, roster, unhealthy);
		if Systemic::<T>::get() != judgement.systemic {
			Systemic::<T>::put(judgement.systemic);
			Self::deposit_event(if judgement.systemic {
				Event::SystemicOutageBegan { window, suspects: verdict::suspects(&judgement.unhealthy) }
			} else {
				Event::SystemicOutageEnded { window }
			});
		}
		(changed, T::OnJudgement::on_judgement(&judgement))
	}

	/// By what a member of this roster is judged.
	fn rules(roster: &RosterInfo) -> (Thresholds, Bars) {
		(T::Thresholds::get(), Self::bars(roster))
	}

	fn judge(
		roster: &RosterInfo,
		(thresholds, bars): &(Thresholds, Bars),
		index: MemberIndex,
		member: &MemberEvidence,
	) -> Judged {
		let seat = roster.seat(index);
		let verdict = verdict::verdict(member, seat, thresholds, bars);
		Judged { index, seat, verdict, grace: member.grace, since: member.since }
	}

	fn judgement_of(window: WindowIndex, roster: &RosterInfo, unhealthy: Vec<Judged>) -> Judgement {
		let suspects = verdict::suspects(&unhealthy);
		let systemic = verdict::systemic(suspects, roster.active, T::SystemicThreshold::get());
		Judgement { window, unhealthy, systemic }
	}

	pub(crate) fn status() -> RosterStatus<T::AccountId> {
		let WindowInfo { index, roster, .. } = Window::<T>::get();
		let rules = Self::rules(&roster);
		let members: Vec<(T::AccountId, Judged)> = EvidenceTable::<T>::read(&roster)
			.iter()
			.filter_map(|(index, member)| {
				Some((Members::<T>::get(index)?, Self::judge(&roster, &rules, index, member)))
			})
			.collect();
		let unhealthy = members.iter().map(|(_, judged)| *judged).collect();
		let Judgement { window, systemic, .. } = Self::judgement_of(index, &roster, unhealthy);
		RosterStatus { roster: roster.id, window, systemic, members }
	}
}

impl<T: Config> Verdicts for Pallet<T> {
	fn judgement() -> Judgement {
		let WindowInfo { index, roster, .. } = Window::<T>::get();
		let rules = Self::rules(&roster);
		let unhealthy = EvidenceTable::<T>::read(&roster)
			.iter()
			.map(|(index, member)| Self::judge(&roster, &rules, index, member))
			.filter(|judged| judged.verdict.health != Health::Healthy)
			.collect();
		Self::judgement_of(index, &roster, unhealthy)
	}

	fn window() -> WindowIndex {
		Window::<T>::get().index
	}

	fn silent_for(judged: &Judged) -> Moment {
		Self::silent_for(judged)
	}

	fn evidence(judged: &Judged) -> Vec<Evidence> {
		Self::pieces(judged)
	}

	fn hasten() {
		Window::<T>::mutate(|window| window.alarm = true);
	}
}
