import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteWriter, encodeValue } from "@greenroom/client/codec";
import { headerOf } from "../../dist/host/call-chain.js";
import type { CallRecord } from "../../dist/host/calls.js";
import { ConnContext } from "../../dist/host/context.js";
import { Instance } from "../../dist/host/instance.js";
import { NONE } from "../../dist/host/records.js";
import { actor } from "../../dist/index.js";
import { Stage } from "./support/stage.js";

function record(call: number, name: string, waiting: readonly string[]): CallRecord {
  const args = new ByteWriter();
  encodeValue(args, [], "compat");
  const client = {
    params: undefined,
    auth: undefined,
    request: undefined,
    chain: new TextEncoder().encode(headerOf(waiting)),
  };
  return { call, conn: NONE, name, flags: 1, client, args: args.view() };
}

/** A stage, and its instance. */
async function staged(definition: ConstructorParameters<typeof Stage>[0]): Promise<[Stage, Instance]> {
  let found: Instance | undefined;
  const start = Instance.prototype.run;
  Instance.prototype.run = function (label, work) {
    found = this;
    return start.call(this, label, work);
  };
  try {
    const stage = await new Stage(definition).started({ key: ["k"] });
    assert.ok(found !== undefined);
    return [stage, found];
  } finally {
    Instance.prototype.run = start;
  }
}

test("calls that go in a circle through an exclusive action are refused with the whole circle", async () => {
  let chain: readonly string[] = [];
  let end = (): void => {};
  const [stage, instance] = await staged(
    actor({
      onWake: () => {},
      actions: {
        begin: {
          concurrency: "exclusive",
          run: (c) => {
            chain = ConnContext.chainOf(c as unknown as ConnContext);
            return new Promise<void>((resolve) => (end = resolve));
          },
        },
        again: { concurrency: "exclusive", run: () => "again" },
        look: () => "look",
      },
    }),
  );
  stage.core.call(1, 1, "begin", []);
  stage.host.wake();
  assert.equal(chain.length, 1);
  const onward = [...chain, "other.7.8 game/1.move"];
  instance.calls.begin(record(2, "again", onward));
  instance.calls.begin(record(3, "look", onward));
  // Of another chain: it waits like anybody.
  instance.calls.begin(record(4, "again", ["other.7.9 game/2.move"]));
  const refused = await stage.until((output) => output.kind === "replyError");
  assert.ok(refused.kind === "replyError" && refused.call === 2);
  assert.equal(`${refused.error.group}.${refused.error.code}`, "actor.call_cycle");
  assert.match(
    refused.error.message,
    /`thing\/k\.begin` calls `game\/1\.move` calls `thing\/k\.again`; make it interleaved/,
  );
  await stage.until((output) => output.kind === "reply" && output.call === 3);
  end();
  await stage.until((output) => output.kind === "reply" && output.call === 4);
});
