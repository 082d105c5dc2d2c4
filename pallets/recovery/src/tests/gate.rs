//! Transactions that are admitted during a stall.

use super::*;

/// Returns the gate's result for a call: in the pool, and in a block.
fn gate(call: impl Into<RuntimeCall>, class: DispatchClass) -> [Result<(), TransactionValidityError>; 2] {
	let call = call.into();
	let info = DispatchInfo { class, ..Default::default() };
	let gate = IntakeGate::<Runtime>::new;
	let origin = RuntimeOrigin::signed(1);
	let pool = gate().validate_only(origin.clone(), &call, &info, 0, TransactionSource::External, 4);
	let block = gate().validate_and_prepare(origin, &call, &info, 0, 4);
	[pool.map(drop), block.map(drop)]
}

fn remark() -> frame_system::Call<Runtime> {
	frame_system::Call::remark { remark: vec![] }
}

/// Takes this many tenths of the weight of ordinary transactions in a block.
fn take(tenths: u64) {
	let limits: frame_system::limits::BlockWeights = <Runtime as frame_system::Config>::BlockWeights::get();
	let most = limits.get(DispatchClass::Normal).max_total.expect("there is a limit");
	System::register_extra_weight_unchecked(most / 10 * tenths, DispatchClass::Normal);
}

#[test]
fn the_gate_lets_in_a_share_while_finality_stands_still() {
	build_and_execute(|| {
		let (normal, operational) = (DispatchClass::Normal, DispatchClass::Operational);
		healthy(20);
		take(9);
		Recovery::on_finalize(System::block_number());
		assert_eq!(gate(remark(), normal), [Ok(()); 2]);
		degrade();
		frame_system::BlockWeight::<Runtime>::kill();
		assert_eq!(gate(remark(), normal), [Ok(()); 2]);
		take(1);
		assert_eq!(gate(remark(), normal), [Ok(()); 2]);
		take(1);
		let no_room = Err(InvalidTransaction::ExhaustsResources.into());
		assert_eq!(gate(remark(), normal), [Ok(()), no_room]);
		// At its end, the block finds that it is congested.
		Recovery::on_finalize(System::block_number());
		let congested = Err(UnknownTransaction::Custom(CONGESTED).into());
		assert_eq!(gate(remark(), normal), [congested, no_room]);
		assert_eq!(gate(remark(), operational), [Ok(()); 2]);
		let urgent = frame_system::Call::remark_with_event { remark: vec![] };
		assert_eq!(gate(urgent, normal), [Ok(()); 2]);
		// There is room again.
		frame_system::BlockWeight::<Runtime>::kill();
		Recovery::on_finalize(System::block_number());
		assert_eq!(gate(remark(), normal), [Ok(()); 2]);
	});
}

#[test]
fn what_holds_still_passes_neither_the_gate_nor_a_batch() {
	build_and_execute(|| {
		let frozen = || frame_system::Call::<Runtime>::kill_storage { keys: vec![] };
		healthy(20);
		assert_eq!(gate(frozen(), DispatchClass::Operational), [Ok(()); 2]);
		degrade();
		let refused = Err(UnknownTransaction::Custom(FROZEN).into());
		assert_eq!(gate(frozen(), DispatchClass::Operational), [refused; 2]);
		// A batch dispatches its calls likewise. Root is not filtered.
		let dispatched = RuntimeCall::from(frozen()).dispatch(RuntimeOrigin::signed(1));
		assert_eq!(
			dispatched.map_err(|why| why.error),
			Err(frame_system::Error::<Runtime>::CallFiltered.into())
		);
		assert_ok!(RuntimeCall::from(frozen()).dispatch(RuntimeOrigin::root()));
		assert_ok!(RuntimeCall::from(remark()).dispatch(RuntimeOrigin::signed(1)));
	});
}
