import assert from "node:assert/strict";
import { test } from "node:test";
import { compiledActor } from "../../dist/definition/actor.js";
import { resolveOptions } from "../../dist/definition/options.js";
import { actor, event, queue, type StandardSchema, setup } from "../../dist/index.js";

const anything: StandardSchema = {
  "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) },
};

/** Definitions that the types refuse, too. */
const loose = actor as unknown as (config: unknown) => object;
const looseSetup = setup as unknown as (config: unknown) => object;

test("definitions that cannot be meant are refused, by name", () => {
  for (const [config, message] of [
    [{ state: {}, createState: () => ({}) }, /: Cannot define both 'state' and 'createState'$/],
    [{ vars: 1, createVars: () => 1 }, /: Cannot define both 'vars' and 'createVars'$/],
    [{ connState: 0, createConnState: () => 1 }, /: Cannot define both 'connState' and 'createConnState'$/],
    [{ state: () => ({}) }, /'state' is a function: use 'createState'/],
    [{ vars: () => 1 }, /'vars' is a function: use 'createVars'/],
    [{ onStart: () => {} }, /unknown actor key 'onStart'/],
    [{ run: 5 }, /'run' has to be a function, or an object with a function 'run'/],
    [{ run: null }, /'run' has to be a function/],
    [{ run: {} }, /'run.run' has to be a function/],
    [{ run: { run: () => {}, name: 1 } }, /'run.name' has to be a string/],
    [{ run: { run: () => {}, icno: "x" } }, /unknown key 'icno' in 'run'/],
    [{ onMigrate: {} }, /'onMigrate' has to be a function/],
    [{ types: 1 }, /'types' has to be an object/],
    [{ queues: { job: null } }, /queue 'job' has to be declared with queue\(\)/],
    [{ queues: { "": queue() } }, /a queue has an empty name/],
    [{ db: {} }, /'db' is not supported in this version/],
    [{ onWake: 1 }, /'onWake' has to be a function/],
    [{ actions: { connect: { now: () => 1 } } }, /action 'connect' has a reserved name/],
    [{ actions: { a: 1 } }, /action 'a' has to be a function/],
    [{ actions: { a: { b: { c: "x" } } } }, /action 'a\.b\.c' has to be a function/],
    [{ actions: { "a.b": () => 1, a: { b: () => 2 } } }, /two actions are called 'a\.b'/],
    [{ actions: { a: { durability: "never", run: () => 1 } } }, /the durability of action 'a'/],
    [{ actions: { a: { durability: "strict" } } }, /action 'a' has settings, but no function 'run'/],
    [{ actions: { a: { concurrency: "exclusive" } } }, /action 'a' has settings, but no function 'run'/],
    [{ actions: { a: { concurrency: "both", run: () => 1 } } }, /the concurrency of action 'a' has to be/],
    [{ options: { concurrency: "both" } }, /'concurrency' has to be "interleaved" or "exclusive"/],
    [{ connParamsSchema: {} }, /'connParamsSchema' has to be a Standard Schema/],
    [{ inputSchema: () => true }, /'inputSchema' has to be a Standard Schema/],
    [{ actionInputSchemas: { a: anything } }, /has a schema for 'a', which is no action/],
    [{ actions: { a: { b: () => 1 } }, actionInputSchemas: { a: anything } }, /schema for 'a', which is no/],
    [{ actions: { a: () => 1 }, actionInputSchemas: { a: 1 } }, /'a' has to be a Standard Schema/],
    [
      { actions: { a: { b: () => 1 } }, actionInputSchemas: { a: { b: anything }, "a.b": anything } },
      /two schemas for 'a\.b'/,
    ],
    [{ onBeforeActionResponse: true }, /'onBeforeActionResponse' has to be a function/],
    [{ actions: { a: { durability: "strict", run: () => 1, x: 1 } } }, /unknown key 'x' in action 'a'/],
    [{ state: 1, stateVersion: 0 }, /'stateVersion' has to be a whole number, 1 or more/],
    [{ state: 1, stateVersion: 1.5 }, /'stateVersion' has to be a whole number, 1 or more/],
    [{ state: 1, stateVersion: "2" }, /'stateVersion' has to be a whole number, 1 or more/],
    [{ stateVersion: 2 }, /'stateVersion' needs 'state' or 'createState'/],
    [{ state: 1, migrateState: {} }, /'migrateState' needs 'stateVersion'/],
    [{ state: 1, stateVersion: 2, migrateState: 2 }, /'migrateState' has to be an object of functions/],
    [
      { state: 1, stateVersion: 2, migrateState: { 2: 1 } },
      /the step '2' of 'migrateState' has to be a function/,
    ],
    [
      { state: 1, stateVersion: 2, migrateState: { 3: () => 1 } },
      /has a step '3': .* are 2 to 2 \('stateVersion'\)/,
    ],
    [{ state: 1, stateVersion: 2, migrateState: { 1: () => 1 } }, /has a step '1'/],
    [{ state: 1, stateVersion: 2, migrateState: { two: () => 1 } }, /has a step 'two'/],
    [{ state: 1, stateVersion: 3, migrateState: { 2: () => 1 } }, /'migrateState' has no step '3'/],
    [{ options: { maxConnectionBacklog: 1.5 } }, /'maxConnectionBacklog' has to be a whole number, from 0/],
    [{ options: { resume: "yes" } }, /'resume' has to be a boolean, or an object with its limits/],
    [{ options: { resume: null } }, /'resume' has to be a boolean/],
    [{ options: { resume: { maxEvent: 1 } } }, /unknown actor option 'resume.maxEvent'/],
    [
      { options: { resume: { maxEvents: 0 } } },
      /'resume.maxEvents' has to be a whole number from 1 to 100000/,
    ],
    [{ options: { resume: { maxBytes: 2 ** 24 } } }, /'resume.maxBytes' has to be a whole number from 1/],
    [{ options: { resume: { maxAgeMs: 0.5 } } }, /'resume.maxAgeMs' has to be a whole number from 1/],
    [{ options: { maxKvSize: -1 } }, /'maxKvSize' has to be a whole number, from 0 to 1073741824/],
    [{ options: { maxKvSize: 2 ** 31 } }, /'maxKvSize' has to be a whole number/],
    [{ options: { maxCallRecords: 1.5 } }, /'maxCallRecords' has to be a whole number, from 0 to 1000000/],
    [{ options: { maxCallRecordsSize: 2 ** 30 } }, /'maxCallRecordsSize' has to be a whole number, from 0/],
    [{ options: { callRecordTimeout: -1 } }, /'callRecordTimeout' has to be a number of milliseconds/],
    [{ options: { sleepTimout: 1 } }, /unknown actor option 'sleepTimout'/],
    [{ options: { sleepTimeout: -1 } }, /'sleepTimeout' has to be a number/],
    [{ options: { sleepGracePeriod: Number.POSITIVE_INFINITY } }, /'sleepGracePeriod' has to be a number/],
    [{ options: { crashPolicy: "panic" } }, /'crashPolicy' has to be "sleep", "restart" or "destroy"/],
    [{ options: { name: 1 } }, /'name' has to be a string/],
    [{ options: { enableActorRuntimeSocket: true } }, /'enableActorRuntimeSocket' can only be false/],
    [{ options: { onDestroyTimeout: -1 } }, /'onDestroyTimeout' has to be a number/],
    [{ options: { onMigrateTimeout: "1s" } }, /'onMigrateTimeout' has to be a number/],
    [{ options: { maxQueueSize: -1 } }, /'maxQueueSize' has to be a whole number, 0 or more/],
    [{ options: { maxQueueMessageSize: 0.5 } }, /'maxQueueMessageSize' has to be a whole number/],
    [{ options: { durability: "never" } }, /'durability' has to be/],
    [{ events: { e: "x" } }, /event 'e' has to be declared with event\(\)/],
    [{ state: { f: () => 1 } }, /state\.f/],
    [{ connState: { at: new (class Point {})() } }, /connState\.at/],
  ] as const) {
    assert.throws(() => loose(config), message);
  }
  assert.throws(() => event({ canSubscribe: true } as object), /'canSubscribe' has to be a function/);
  for (const whenSlow of ["forget", 1, null, {}, { coalesceBy: "user" }, { coalesceBy() {}, more: 1 }]) {
    assert.throws(
      () => event({ whenSlow } as object),
      /'whenSlow' has to be "disconnect", "drop", "coalesce" or/,
    );
  }
  assert.throws(() => actor({ onAuth: () => {} } as object), /'onAuth' is an option of the registry/);
  assert.throws(() => queue({ canPublish: true } as object), /'canPublish' has to be a function/);
  assert.throws(() => queue({ message: {} } as object), /'message' has to be a Standard Schema/);
  assert.throws(() => queue({ schema: anything } as object), /unknown queue option 'schema'/);
});

test("a tree of actions in a circle is refused", () => {
  const tree: Record<string, unknown> = {};
  tree.again = { tree };
  assert.throws(() => loose({ actions: tree }), /has to be a function, or an object of actions/);
});

test("settings have their documented defaults", () => {
  const compiled = compiledActor(actor({ actions: { a: () => 1 } }));
  assert.deepEqual(compiled?.options, {
    sleepTimeout: 30_000,
    sleepGracePeriod: 15_000,
    stateSaveInterval: 1_000,
    actionTimeout: 60_000,
    onMigrateTimeout: 30_000,
    createVarsTimeout: 5_000,
    createConnStateTimeout: 5_000,
    onBeforeConnectTimeout: 5_000,
    onConnectTimeout: 5_000,
    maxSchedules: 1_000,
    maxQueueSize: 1_000,
    maxQueueMessageSize: 65_536,
    maxKvSize: 67_108_864,
    maxConnectionBacklog: 16_777_216,
    resume: undefined,
    maxCallRecords: 1_000,
    maxCallRecordsSize: 1_048_576,
    callRecordTimeout: 600_000,
    durability: 0,
    isExclusive: false,
    canHibernateWebSocket: false,
    crashPolicy: "sleep",
    display: { name: undefined, icon: undefined },
  });
  const awake = compiledActor(actor({ options: { noSleep: true, actionTimeout: Number.POSITIVE_INFINITY } }));
  assert.equal(awake?.options.sleepTimeout, undefined);
  assert.equal(awake?.options.actionTimeout, undefined);
});

test("a registry takes actors, and options that exist", () => {
  assert.throws(() => looseSetup({ use: { a: {} } }), /'a' in setup option 'use' was not made by actor/);
  assert.throws(() => looseSetup({ use: {}, prot: 1 }), /setup option 'prot'/);
  assert.throws(() => looseSetup({}), /'use' has to be an object/);
  assert.throws(() => looseSetup({ use: { ["x".repeat(65)]: actor({}) } }), /1 to 64 characters/);
});

test("an error in a definition points to the definition", () => {
  for (const config of [{ state: { a: { b: () => 1 } } }, { onStart: 1 }, { vars: { f: () => 1 } }]) {
    let stack = "";
    try {
      loose(config);
    } catch (error) {
      stack = (error as Error).stack ?? "";
    }
    const [first] = stack.split("\n").filter((line) => /^\s+at /.test(line));
    assert.match(first ?? "", /definition\.test\.js/);
  }
});

test("names that clients reserve are refused at the top level only; `destroy` is an action's", async () => {
  const { createClient } = await import("@greenroom/client");
  const handle = createClient("http://127.0.0.1:1").get("a");
  const connection = handle.connect();
  connection.onError(() => {});
  const own = new Set([...Object.keys(handle), ...Object.keys(connection), "then", "toJSON"]);
  await connection.dispose();
  assert.ok(own.has("connect") && own.has("dispose"));
  for (const name of own) {
    assert.throws(
      () => loose({ actions: { [name]: () => 1 } }),
      new RegExp(`action '${name}' has a reserved`),
    );
    loose({ actions: { nested: { [name]: () => 1 } } });
  }
  loose({ actions: { destroy: () => 1 } });
});

test("events are kept within limits that have defaults", () => {
  const all = { maxEvents: 1_000, maxBytes: 1_048_576, maxAgeMs: 300_000 };
  assert.deepEqual(resolveOptions({ resume: true }).resume, all);
  assert.deepEqual(resolveOptions({ resume: {} }).resume, all);
  assert.deepEqual(resolveOptions({ resume: { maxEvents: 5 } }).resume, { ...all, maxEvents: 5 });
  assert.equal(
    resolveOptions({ resume: { maxAgeMs: Number.POSITIVE_INFINITY } }).resume?.maxAgeMs,
    2 ** 53 - 1,
  );
  assert.equal(resolveOptions({ resume: false }).resume, undefined);
});
