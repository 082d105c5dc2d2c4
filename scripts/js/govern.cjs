// Governance with @polkadot/api, as the well-known accounts of a sample network.
//
//   node govern.cjs referendum WS-URL GROUP NAME JSON   sets a parameter by a referendum, and waits until it is enacted
//   node govern.cjs approve WS-URL [INCIDENT]           the guardians approve a case, the oldest one if none is named
//   node govern.cjs veto WS-URL [INCIDENT]              the guardians veto it
"use strict";

const assert = require("node:assert/strict");
const { Keyring } = require("@polkadot/api");
const { within, connect, send, run } = require("./client.cjs");

const [action, url, ...rest] = process.argv.slice(2);
if (!["referendum", "approve", "veto"].includes(action) || !url || (action === "referendum" && rest.length !== 3)) {
  console.error("usage: node govern.cjs referendum WS-URL GROUP NAME JSON | approve WS-URL [INCIDENT] | veto WS-URL [INCIDENT]");
  process.exit(2);
}

/** Waits until `done` says something else than null, asked after each block. */
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

async function referendum(api, people, [group, name, json]) {
  const [alice] = people;
  const value = JSON.parse(json);
  const call = api.tx.settings.set([{ [group]: { [name]: [null, value] } }]);
  const length = call.method.encodedLength;
  const key = { [group]: { [name]: null } };
  const before = await api.query.parameters.parameters(key);

  console.log(`submitting a referendum: settings.set(${group}.${name})`);
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
  const now = await until(api, "the enactment", async (number) => {
    const now = await api.query.parameters.parameters(key);
    return now.isSome && now.toHex() !== before.toHex() ? { number, now } : null;
  });
  console.log(`enacted in #${now.number}: ${now.now.toString()}`);
}

/** Two of three guardians suffice. */
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
  console.log(`the guardians' body: ${action} of incident ${found.incident}, executed`);
}

async function main() {
  const api = await connect(url);
  try {
    const keyring = new Keyring({ type: "sr25519" });
    const people = ["Alice", "Bob", "Charlie", "Dave", "Eve", "Ferdie"].map((name) => keyring.addFromUri(`//${name}`));
    await (action === "referendum" ? referendum(api, people, rest) : decide(api, people, rest[0]));
  } finally {
    await api.disconnect();
  }
}

run(main);
