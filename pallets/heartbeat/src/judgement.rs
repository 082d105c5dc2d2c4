//! Updates the liveness counters in each block and at the end of a window, and judges the roster.

use alloc::vec::Vec;
use codec::Encode;
use frame_support::{
	traits::{Get, Randomness},
	weights::Weight,
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_io::hashing::blake2_128;
use sp_runtime::{
	traits::{Saturating, Zero},
	SaturatedConversion,
};
use understudy_primitives::{
	api::RosterStatus, ElectorateHandler, Evidence, Health, Judged, Judgement, JudgementHandler, MemberIndex,
	Moment, Slots, Verdicts, VoteKeys, WindowIndex,
};

use crate::{
	assignment::Assignment,
	chunks::{self, CounterTable, Mark},
	counters::{self, MemberCounters, Quorums},
	statement::{Report, ReportKind},
	verdict,
	weights::WeightInfo as _,
	Config, Event, LastSlot, Members, Pallet, RosterInfo, Systemic, Thresholds, Unready, Window, WindowInfo,
	WindowOf,
};

/// Result of charging the slots that were missed before a block.
#[derive(Clone, Copy, Default)]
pub(crate) struct NotedSlots {
	/// Number of members whose counters were touched.
	pub touched: u32,
	/// `true` if a charged member is down now, so that the judgement need not wait for the end of
	/// the window.
	pub down: bool,
}

/// Returns `Some` if the silence in a window of `length` blocks is settled `age` blocks after its
/// end.
///
/// `Some(false)` a quarter of a window after the end, so that a heartbeat is valid for at least
/// 1.25 times its period. `Some(true)` half a window after the end, also for members that relied on
/// a slot of their own. These are at least one block, and two blocks, after the end.
pub fn settling(age: u32, length: u32) -> Option<bool> {
	let allowance = length.div_ceil(4).max(1);
	(age == allowance || age == allowance.saturating_mul(2)).then_some(age > allowance)
}

impl<T: Config> Pallet<T> {
	/// Counts the slots that were missed before block `now`, ends the window if it is over, judges
	/// the roster if that is due, and notes the author's sign of life. Returns the weight.
	pub(crate) fn begin_block(now: BlockNumberFor<T>) -> Weight {
		let mut window = Window::<T>::get();
		let roster = window.roster;
		let noted = Self::note_slot(&roster, window.troubled);
		let mut weight = T::WeightInfo::quiet_block();
		if noted.touched > 0 {
			weight.saturating_accrue(T::WeightInfo::note_slots(noted.touched));
			weight.saturating_accrue(Self::counters(noted.touched, roster.total));
		}

		let length = T::WindowLength::get().max(1u32.into());
		let over = now >= window.started.saturating_add(length);
		let age: u32 = now.saturating_sub(window.started).saturated_into();
		let settling = settling(age, length.saturated_into());
		let settling = settling.filter(|_| window.troubled && !over);
		if over || settling.is_some() || noted.down || window.alarm {
			let mut table = CounterTable::<T>::read(&roster);
			if over {
				Self::close_window(now, &roster, &window, &mut table);
				// The author of this block is not overdue.
				if let Some(author) = Self::current_author(&roster) {
					table.update(author, MemberCounters::show_life);
				}
				weight.saturating_accrue(T::WeightInfo::close_window(roster.total));
			} else {
				window.alarm = false;
				window.troubled = true;
				Window::<T>::put(window);
			}
			if let Some(authors_too) = settling {
				Self::count_overdue(&roster, authors_too, &mut table);
			}
			let (changed, acting) = Self::conclude(&roster, table);
			let judged = if over { changed } else { roster.total };
			weight.saturating_accrue(T::WeightInfo::judge(judged));
			weight.saturating_accrue(Self::counters(roster.total, roster.total));
			weight.saturating_accrue(acting);
		} else if noted.touched > 0 && !window.troubled {
			window.troubled = true;
			Window::<T>::put(window);
		}
		// The block is a sign of life of its author in the window that it belongs to, which may
		// have just begun, so this comes last.
		if let Some(author) = Self::current_author(&roster) {
			chunks::mark::<T>(Mark::Seen, author);
		}
		weight
	}

	/// Returns the author of the block that is being built, as an index in the active set.
	pub(crate) fn current_author(roster: &RosterInfo) -> Option<MemberIndex> {
		T::Slots::author_of(T::Slots::current()?, roster.active).filter(|index| *index < roster.active)
	}

	/// Returns the probe assignment of a window: the running one, or the one before.
	pub(crate) fn assignment(running: &WindowOf<T>, window: WindowIndex) -> Assignment {
		let seed = if window < running.index { running.seed_before } else { running.seed };
		Assignment::new(seed.as_ref(), running.roster.total, T::Probes::get())
	}

	/// Returns `true` if a member's report would count twice: the member made one of this kind in
	/// the running window, or, if the report is `late`, for the window before.
	pub(crate) fn has_reported(kind: ReportKind, reporter: MemberIndex, late: bool) -> bool {
		chunks::is_marked::<T>(kind.mark(), reporter)
			|| (late && chunks::is_marked::<T>(kind.mark_before(), reporter))
	}

	/// Returns the quorums in this roster.
	pub(crate) fn quorums(roster: &RosterInfo) -> Quorums {
		let probers = T::Probes::get().min(roster.total.saturating_sub(1));
		let window = T::WindowLength::get().saturated_into();
		let thresholds = T::Thresholds::get();
		if T::VoteKeys::ARE_SEEN {
			thresholds.quorums(roster.active, roster.total, probers, window)
		} else {
			thresholds.quorums_without_votes(roster.active, roster.total, probers, window)
		}
	}

	/// Returns `true` if it is the member's turn to show a sign of life in this window.
	pub(crate) fn is_turn(roster: &RosterInfo, window: &WindowOf<T>, index: MemberIndex) -> bool {
		counters::is_turn(index, window.index, roster.total, window.quota)
	}

	/// Detector S: charges the slots since the last block to their authors, at most one round, and
	/// clears the count of this block's author. There is nothing to count if no member is
	/// `troubled` and no slot was missed.
	pub(crate) fn note_slot(roster: &RosterInfo, troubled: bool) -> NotedSlots {
		let Some(slot) = T::Slots::current() else { return NotedSlots::default() };
		let Some(last) = LastSlot::<T>::mutate(|last| last.replace(slot)) else {
			return NotedSlots::default();
		};
		let missed = T::Slots::authors_between(last, slot, roster.active);
		if missed.is_empty() && !troubled {
			return NotedSlots::default();
		}

		let mut table = CounterTable::<T>::lazy(roster);
		for index in &missed {
			table.update(*index, MemberCounters::miss_slot);
		}
		// Their earlier signs of life are in the counters now; they may have failed since.
		chunks::outdate::<T>(&missed);
		if let Some(author) = Self::current_author(roster) {
			table.update(author, MemberCounters::author);
		}
		let down = !missed.is_empty() && Self::any_down(roster, &mut table, &missed);
		table.write();
		NotedSlots { touched: (missed.len() as u32).saturating_add(1), down }
	}

	/// Detectors P and V: counts a report against its targets.
	pub(crate) fn note_report(roster: &RosterInfo, report: &Report) {
		let quorums = Self::quorums(roster);
		let mut marks = chunks::MarkTable::<T>::default();
		let mut table = CounterTable::<T>::lazy(roster);
		for target in &report.targets {
			let seen = marks.has(Mark::Seen, *target);
			table.update(*target, |member| match report.kind {
				ReportKind::Peers => member.report_unreachable(seen, &quorums),
				ReportKind::Votes => member.report_voteless(&quorums),
			});
		}
		let down = Self::any_down(roster, &mut table, &report.targets);
		table.write();
		Window::<T>::mutate(|window| {
			window.alarm |= down;
			window.troubled = true;
		});
	}

	fn any_down(roster: &RosterInfo, table: &mut CounterTable<T>, of: &[MemberIndex]) -> bool {
		let rules = Self::rules(roster);
		of.iter().any(|index| {
			let member = table.load(*index);
			member.is_some_and(|member| Self::judge(roster, &rules, *index, member).is_down())
		})
	}

	/// Detector H: ends the window, counts the members that were silent in it, and starts the next
	/// one with block `started`.
	pub(crate) fn close_window(
		started: BlockNumberFor<T>,
		roster: &RosterInfo,
		window: &WindowOf<T>,
		table: &mut CounterTable<T>,
	) {
		let quorums = Self::quorums(roster);
		let mut marks = chunks::MarkTable::<T>::default();
		for index in 0..roster.total {
			let seen = marks.has(Mark::Seen, index);
			let due = Self::is_turn(roster, window, index);
			table.update(index, |member| member.end_window(seen, due, &quorums));
		}
		chunks::turn_marks::<T>(roster);
		Self::start_window(*roster, window.index.saturating_add(1), started);
		let troubled = table.iter().any(|(_, member)| member.is_troubled());
		Window::<T>::mutate(|window| window.troubled = troubled);
	}

	/// Counts the silence of the window before as missed, now that a late sign of life has had time
	/// to come.
	pub(crate) fn count_overdue(roster: &RosterInfo, authors_too: bool, table: &mut CounterTable<T>) {
		for index in 0..roster.total {
			table.update(index, |member| member.overdue_ends(authors_too));
		}
	}

	/// Starts a window, and draws its probe assignment.
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

	/// Judges every member, deposits an event for each change of health, and passes the judgement
	/// to the handler. Returns the number of changed verdicts, and the weight that the handler
	/// took.
	pub(crate) fn conclude(roster: &RosterInfo, mut table: CounterTable<T>) -> (u32, Weight) {
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

	/// Returns the thresholds and the quorums by which the members of this roster are judged.
	fn rules(roster: &RosterInfo) -> (Thresholds, Quorums) {
		(T::Thresholds::get(), Self::quorums(roster))
	}

	fn judge(
		roster: &RosterInfo,
		(thresholds, quorums): &(Thresholds, Quorums),
		index: MemberIndex,
		member: &MemberCounters,
	) -> Judged {
		let seat = roster.seat(index);
		let verdict = verdict::verdict(member, seat, thresholds, quorums);
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
		let members: Vec<(T::AccountId, Judged)> = CounterTable::<T>::read(&roster)
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
		let unhealthy = CounterTable::<T>::read(&roster)
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

	fn request_judgement() {
		Window::<T>::mutate(|window| window.alarm = true);
	}
}
