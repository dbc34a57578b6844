/** The reference says what the code does, and all of it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ActorError } from "@greenroom/client";
import { coreLimits, environmentVariables, errorCodes, membersOf, numbersOf } from "./code-facts.js";
import { namesIn, type Row, rowsOf, sectionOf } from "./tables.js";

const REFERENCE = "docs/reference.md";
const DEFINITION = "packages/greenroom/src/definition";
const CONTEXT = "packages/greenroom/src/context";
const REGISTRY = "packages/greenroom/src/registry";
const CLIENT = "packages/client/src";

/** Which interfaces a section's tables list, in their first column: all members, and no others. */
const SECTIONS: readonly (readonly [
  heading: string,
  ...interfaces: (readonly [file: string, name: string])[],
])[] = [
  [
    "Actor definition",
    [`${DEFINITION}/config.ts`, "BaseActorConfig"],
    [`${DEFINITION}/config.ts`, "CheckedActorConfig"],
  ],
  ["Events", [`${DEFINITION}/event.ts`, "EventOptions"]],
  ["Queues", [`${DEFINITION}/queue.ts`, "QueueOptions"]],
  ["Options", [`${DEFINITION}/options.ts`, "ActorOptions"]],
  ["Every context", [`${CONTEXT}/contexts.ts`, "BaseContext"]],
  ["The connecting context", [`${CONTEXT}/contexts.ts`, "ConnInitContext"]],
  ["The actor's context", [`${CONTEXT}/contexts.ts`, "ActorContext"]],
  ["The context of a call", [`${CONTEXT}/contexts.ts`, "ConnContext"]],
  ["A connection", [`${CONTEXT}/conn.ts`, "Conn"]],
  ["Schedules", [`${CONTEXT}/schedule.ts`, "Schedule"]],
  ["Jobs", [`${CONTEXT}/schedule.ts`, "Cron"]],
  ["Key-value pairs", [`${CONTEXT}/kv.ts`, "Kv"]],
  ["Queues of the context", [`${CONTEXT}/queue.ts`, "ActorQueue"]],
  ["Setup options", [`${REGISTRY}/config.ts`, "RegistryConfig"]],
  ["Members", [`${REGISTRY}/surface.ts`, "Registry"]],
  ["Testing", ["packages/greenroom/src/test/setup-test.ts", "TestSetup"]],
  ["Client options", [`${CLIENT}/config.ts`, "ClientConfig"]],
  [
    "Client members",
    [`${CLIENT}/surface.ts`, "ClientMethods"],
    [`${CLIENT}/types.ts`, "ParamsOptions"],
    [`${CLIENT}/types.ts`, "GetOptions"],
    [`${CLIENT}/types.ts`, "GetOrCreateOptions"],
    [`${CLIENT}/types.ts`, "CreateOptions"],
    [`${CLIENT}/types.ts`, "ConnectOptions"],
  ],
  ["Handles", [`${CLIENT}/surface.ts`, "HandleMethods"]],
  ["Connections", [`${CLIENT}/surface.ts`, "ConnMethods"]],
  [
    "React hooks",
    [`${CLIENT}/observer/options.ts`, "ObserveOptions"],
    [`${CLIENT}/observer/snapshot.ts`, "UnconnectedActor"],
    ["packages/react/src/surface.ts", "ActorHook"],
  ],
];

for (const [heading, ...interfaces] of SECTIONS) {
  test(`"${heading}" lists what there is, and nothing else`, async () => {
    const members = await Promise.all(interfaces.map(([file, name]) => membersOf(file, name)));
    const listed = rowsOf(await sectionOf(REFERENCE, heading)).flatMap(([name]) => namesIn(name));
    assert.deepEqual(sorted(listed), sorted(members.flat()));
  });
}

test("options of rivetkit that are taken or refused are named", async () => {
  const section = await sectionOf(REFERENCE, "Setup options");
  for (const name of await membersOf(`${REGISTRY}/foreign-options.ts`, "ForeignOptions"))
    assert.ok(section.includes(`\`${name}\``), name);
});

test("defaults are those of the code", async () => {
  const options = rowsOf(await sectionOf(REFERENCE, "Options"));
  const times = await numbersOf(`${DEFINITION}/options.ts`, "DEFAULT_TIMES");
  const counts = await numbersOf(`${DEFINITION}/options.ts`, "DEFAULT_COUNTS");
  for (const [name, value] of [...times, ...counts]) {
    const row = options.find(([names]) => namesIn(names).includes(name));
    assert.equal(row?.[1], inWords(value), name);
  }
});

test("every limit of the core is there", async () => {
  const numbers = `${await sectionOf(REFERENCE, "Limits")} ${await sectionOf(REFERENCE, "Options")}`;
  for (const [name, value] of await coreLimits()) {
    assert.match(
      numbers,
      new RegExp(`(?<![\\d,])${inWords(value)}(?!\\d|,\\d)`),
      `${name} is ${inWords(value)}`,
    );
  }
});

test("every environment variable is there, and no others", async () => {
  const rows = rowsOf(await sectionOf(REFERENCE, "Environment"));
  const listed = rows.flatMap(([name, or]) =>
    [name, or].flatMap(namesIn).filter((text) => /^[A-Z_]+$/.test(text)),
  );
  assert.deepEqual(sorted(listed), sorted(await environmentVariables()));
});

test("every error is there, and no others", async () => {
  const listed = (await errorRows()).flatMap(([names]) => namesIn(names));
  assert.deepEqual(sorted(listed), sorted(await errorCodes()));
  assert.equal(new Set(listed).size, listed.length, "each once");
});

test("what the reference says about trying again is what errors say", async () => {
  for (const [names, , retry] of await errorRows()) {
    for (const name of namesIn(names)) {
      const [group = "", code = ""] = name.split(".");
      assert.equal(new ActorError(group, code, "").retryable ? "yes" : "no", retry, name);
    }
  }
});

async function errorRows(): Promise<Row[]> {
  const rows = rowsOf(await sectionOf(REFERENCE, "Errors"));
  assert.ok(rows.length > 50, "the table was read");
  return rows;
}

/** As numbers are written in the documents. */
function inWords(value: number): string {
  return value.toLocaleString("en-US");
}

function sorted(names: Iterable<string>): string[] {
  return [...new Set(names)].sort();
}
