// Governance with @polkadot/api, by the well-known accounts of a sample network.
//
//   node govern.cjs referendum WS-URL GROUP NAME JSON   sets a parameter by a referendum
//   node govern.cjs upgrade WS-URL WASM                 upgrades the runtime by a referendum
//   node govern.cjs approve WS-URL [INCIDENT]           the guardians approve a case
//   node govern.cjs veto WS-URL [INCIDENT]              the guardians veto a case
//
// Each waits until the decision is in effect. Without INCIDENT it is the oldest open case.
"use strict";

const assert = require("node:assert/strict");
const { readFileSync } = require("node:fs");
const { Keyring } = require("@polkadot/api");
const { u8aToHex } = require("@polkadot/util");
const { blake2AsHex } = require("@polkadot/util-crypto");
const { within, connect, send, run } = require("./client.cjs");

const [action, url, ...rest] = process.argv.slice(2);
const wanted = { referendum: [3], upgrade: [1], approve: [0, 1], veto: [0, 1] };
if (!wanted[action]?.includes(rest.length) || !url) {
  console.error(
    "usage: node govern.cjs referendum WS-URL GROUP NAME JSON | upgrade WS-URL WASM | approve WS-URL [INCIDENT] | veto WS-URL [INCIDENT]",
  );
  process.exit(2);
}

/** Calls `done` after each block until it returns something other than null. Returns that. */
async function until(api, what, done) {
  let unsubscribe;
  const found = await within(
    new Promise((resolve, reject) => {
      api.rpc.chain
        .subscribeNewHeads((header) => {
          done(header.number.toNumber()).then((value) => value !== null && resolve(value), reject);
        })
        .then((stop) => (unsubscribe = stop), reject);
    }),
    what,
  );
  unsubscribe?.();
  return found;
}

/**
 * Enacts a call by a referendum of all token holders. `enacted` is called after each block and returns
 * the result, or null before the enactment. Returns the result.
 */
async function decideAll(api, people, call, enacted) {
  const [alice] = people;
  const length = call.method.encodedLength;
  await send(api.tx.preimage.notePreimage(call.method.toHex()), alice, "the preimage");
  const proposal = { Lookup: { hash: call.method.hash, len: length } };
  const origin = { system: "Root" };
  const events = await send(api.tx.referenda.submit(origin, proposal, { After: 1 }), alice, "the submission");
  const submitted = events.find(({ event }) => api.events.referenda.Submitted.is(event));
  const index = submitted.event.data.index.toNumber();
  await send(api.tx.referenda.placeDecisionDeposit(index), alice, "the decision deposit");
  const balance = 8_000_000n * 10n ** 12n;
  const vote = { Standard: { vote: { aye: true, conviction: "Locked1x" }, balance } };
  await Promise.all(people.map((who) => send(api.tx.convictionVoting.vote(index, vote), who, "a vote")));
  console.log(`referendum ${index}: ${people.length} accounts vote aye`);

  await until(api, "the referendum's end", async () => {
    const info = (await api.query.referenda.referendumInfoFor(index)).unwrap();
    if (info.isOngoing) return null;
    assert.ok(info.isApproved, `the referendum is ${info.type}`);
    return info;
  });
  return until(api, "the enactment", enacted);
}

async function referendum(api, people, [group, name, json]) {
  const call = api.tx.settings.set([{ [group]: { [name]: [null, JSON.parse(json)] } }]);
  const key = { [group]: { [name]: null } };
  const before = await api.query.parameters.parameters(key);
  console.log(`submitting a referendum: settings.set(${group}.${name})`);
  const now = await decideAll(api, people, call, async (number) => {
    const now = await api.query.parameters.parameters(key);
    return now.isSome && now.toHex() !== before.toHex() ? { number, now } : null;
  });
  console.log(`enacted in #${now.number}: ${now.now.toString()}`);
}

/** Upgrades the runtime: the referendum authorizes its hash, then any account may submit the code. */
async function upgrade(api, people, [path]) {
  const code = u8aToHex(readFileSync(path));
  const before = api.runtimeVersion.specVersion.toNumber();
  const call = api.tx.system.authorizeUpgrade(blake2AsHex(code));
  console.log(`submitting a referendum: system.authorizeUpgrade(${blake2AsHex(code)})`);
  await decideAll(api, people, call, async (number) => {
    const authorized = await api.query.system.authorizedUpgrade();
    return authorized.isSome ? number : null;
  });
  await send(api.tx.system.applyAuthorizedUpgrade(code), people[0], "the new runtime");
  const now = await until(api, "the new runtime", async (number) => {
    const now = (await api.rpc.state.getRuntimeVersion()).specVersion.toNumber();
    return now > before ? { number, now } : null;
  });
  console.log(`runtime ${before} became ${now.now} in #${now.number}`);
}

/** Decides a case by a motion of the guardians: two of three suffice. */
async function decide(api, [alice, bob], wanted) {
  const cases = (await api.query.validatorRotation.cases()).filter((open) => open.vetoed.isFalse);
  const found = cases.find((open) => wanted === undefined || open.incident.toString() === wanted);
  assert.ok(found, wanted === undefined ? "there is no open case" : `there is no open case of incident ${wanted}`);
  console.log(`case of incident ${found.incident}: ${found.who} ${found.verdict.toString()}`);

  const call = api.tx.validatorRotation[action](found.incident);
  const length = call.method.encodedLength;
  const events = await send(api.tx.guardians.propose(2, call, length), alice, "the motion");
  const proposed = events.find(({ event }) => api.events.guardians.Proposed.is(event));
  const { proposalIndex, proposalHash } = proposed.event.data;
  await Promise.all(
    [alice, bob].map((who) => send(api.tx.guardians.vote(proposalHash, proposalIndex, true), who, "a vote")),
  );
  const weight = (await api.call.transactionPaymentCallApi.queryCallInfo(call.method, length)).weight;
  const closing = api.tx.guardians.close(proposalHash, proposalIndex, weight, length);
  const closed = await send(closing, alice, "closing the motion");
  const executed = closed.find(({ event }) => api.events.guardians.Executed.is(event));
  assert.ok(executed, "the motion was not executed");
  assert.ok(executed.event.data.result.isOk, `the guardians' ${action} failed: ${executed.event.data.result}`);
  console.log(`the guardians: ${action} of incident ${found.incident}, executed`);
}

async function main() {
  const api = await connect(url);
  try {
    const keyring = new Keyring({ type: "sr25519" });
    const people = ["Alice", "Bob", "Charlie", "Dave", "Eve", "Ferdie"].map((name) => keyring.addFromUri(`//${name}`));
    const all = { referendum, upgrade };
    await (all[action] ? all[action](api, people, rest) : decide(api, people, rest[0]));
  } finally {
    await api.disconnect();
  }
}

run(main);
