//! Reports of colluding members.

use pallet_heartbeat::{assignment::Assignment, ReportKind};

use super::{Chain, Content, Transaction};

impl Chain {
	/// Sends every report of a colluder against the victim that the chain accepts: for this window,
	/// or late for the previous one.
	pub(super) fn slander(&mut self, member: u32, assignment: &Assignment, at: f64) {
		let victim = self.size() - 1;
		self.send_report(member, ReportKind::Votes, vec![victim], at);
		let before = self.window.checked_sub(1).map(|window| (window, self.assignment(window)));
		if assignment.is_assigned(member, victim) {
			self.send_report(member, ReportKind::Peers, vec![victim], at);
		} else if let Some((window, _)) = before.filter(|(_, before)| before.is_assigned(member, victim)) {
			let content = Content::Report { kind: ReportKind::Peers, window, targets: vec![victim] };
			self.pool.push(Transaction { sent: at, by: member, content });
		}
	}
}
