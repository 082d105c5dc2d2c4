// Shared by the programs: connection, transactions and timeouts.
"use strict";

const { ApiPromise, WsProvider } = require("@polkadot/api");

const PATIENCE = 240_000;

/** Rejects if a promise takes longer than PATIENCE milliseconds. */
function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: timeout after ${PATIENCE / 1000} s`)), PATIENCE);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function connect(url) {
  // These add nothing to a signed transaction. Without them here the client warns about each.
  const signedExtensions = {
    AuthorizeCall: { extrinsic: {}, payload: {} },
    IntakeGate: { extrinsic: {}, payload: {} },
    WeightReclaim: { extrinsic: {}, payload: {} },
  };
  const provider = new WsProvider(url);
  return within(ApiPromise.create({ provider, signedExtensions, noInitWarn: true }), `an answer from ${url}`);
}

/** Sends a transaction and waits until it is in a block, or final. Returns its events. */
function send(transaction, signer, what, { final = false } = {}) {
  return within(
    new Promise((resolve, reject) => {
      transaction
        .signAndSend(signer, { nonce: -1 }, ({ status, dispatchError, events }) => {
          if (dispatchError) {
            const why = dispatchError.isModule
              ? dispatchError.registry.findMetaError(dispatchError.asModule)
              : { section: "", name: dispatchError.toString() };
            reject(new Error(`${what} failed: ${why.section} ${why.name}`));
          }
          if (status.isInvalid || status.isDropped) reject(new Error(`${what} is ${status.type}`));
          if (final ? status.isFinalized : status.isInBlock) resolve(events);
        })
        .catch(reject);
    }),
    what,
  );
}

/** Runs a program's main function, and exits with 0, or with 1 and its error. */
function run(main) {
  main().then(
    () => process.exit(0),
    (why) => {
      console.error(`FAILED: ${why.message}`);
      process.exit(1);
    },
  );
}

module.exports = { within, connect, send, run };
