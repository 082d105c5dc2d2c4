// Checks a running chain with @polkadot/api: it finalizes, blocks and the failover timeline decode,
// and a transfer is finalized. With --records the log must contain a replacement, and some of the
// last blocks must contain heartbeats.
//
//   node check.cjs ws://127.0.0.1:9944 [--records]
"use strict";

const assert = require("node:assert/strict");
const { Keyring } = require("@polkadot/api");
const { within, connect, send, run } = require("./client.cjs");

const [url, ...flags] = process.argv.slice(2);
if (!url || url.startsWith("-")) {
  console.error("usage: node check.cjs WS-URL [--records]");
  process.exit(2);
}
const records = flags.includes("--records");
async function finalizes(api) {
  let unsubscribe;
  const number = await within(
    new Promise((resolve, reject) => {
      api.rpc.chain
        .subscribeFinalizedHeads((header) => header.number.toNumber() > 0 && resolve(header.number.toNumber()))
        .then((stop) => (unsubscribe = stop), reject);
    }),
    "a finalized block",
  );
  unsubscribe?.();
  console.log(`finalized: #${number}`);
}

/** Decodes the last 40 blocks and returns their heartbeats. */
async function heartbeats(api) {
  let hash = await api.rpc.chain.getBlockHash();
  const found = [];
  for (let blocks = 0; blocks < 40; blocks++) {
    const { block } = await api.rpc.chain.getBlock(hash);
    for (const extrinsic of block.extrinsics) {
      const { section, method, args } = extrinsic.method;
      assert.ok(section && method, `#${block.header.number} contains an extrinsic that does not decode`);
      if (section === "heartbeat") {
        assert.ok(
          ["heartbeat", "report", "renew", "register", "update", "deregister"].includes(method),
          `#${block.header.number} contains an unknown call, heartbeat.${method}`,
        );
        if (method === "heartbeat") found.push({ block: block.header.number.toNumber(), ...args[0].toJSON() });
      }
    }
    if (block.header.number.toNumber() <= 1) break;
    hash = block.header.parentHash;
  }
  return found;
}

async function transfer(api) {
  const keyring = new Keyring({ type: "sr25519" });
  const alice = keyring.addFromUri("//Alice");
  const target = keyring.addFromUri(`//Understudy//${Date.now()}`).address;
  const amount = 1_234_567_890_123n;
  await send(api.tx.balances.transferKeepAlive(target, amount), alice, "the transfer", { final: true });
  const { data } = await api.query.system.account(target);
  assert.equal(data.free.toBigInt(), amount);
  console.log(`transferred ${amount} to ${target}, finalized`);
}

async function main() {
  const api = await connect(url);
  try {
    console.log(`connected: ${await api.rpc.system.chain()}, ${api.runtimeVersion.specName}`);
    await finalizes(api);

    const found = await heartbeats(api);
    console.log(`heartbeats in the last blocks: ${found.length}`, found[0] ?? "");
    assert.ok(!records || found.length > 0, "no block contains a heartbeat");

    const head = await api.call.failoverApi.logHead();
    const timeline = await api.call.failoverApi.timeline(0, 100);
    assert.equal(timeline.length, Math.min(head.count.toNumber(), 100));
    for (const { record } of timeline) {
      console.log(`record ${record.seq} in #${record.block}: ${record.kind} ${record.from} -> ${record.to}`);
    }
    const kinds = timeline.map(({ record }) => record.kind.type);
    assert.equal(kinds[0], "Elected");
    assert.ok(!records || (kinds.includes("Replaced") && kinds.includes("Seated")), "the log contains no replacement");
    const entry = await api.query.failover.entries(0);
    assert.equal(entry.unwrap().record.toHex(), timeline[0].record.toHex());

    const status = await api.call.heartbeatApi.rosterStatus();
    for (const [who, { seat, verdict }] of status.members) console.log(`${who} ${seat}: ${verdict.health}`);
    assert.ok(status.members.length > 0);

    await transfer(api);
    console.log("all checks passed");
  } finally {
    await api.disconnect();
  }
}

run(main);
