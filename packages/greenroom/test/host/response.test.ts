import assert from "node:assert/strict";
import { test } from "node:test";
import { actor, UserError } from "../../dist/index.js";
import { Stage } from "./support/stage.js";

test("onBeforeActionResponse has the last word on what callers get, whether anything takes time or not", async () => {
  const stage = await new Stage(
    actor({
      state: { asked: 0 },
      onBeforeActionResponse: (c, name, args, output) => {
        c.state.asked += 1;
        if (output === "secret") throw new UserError("not for you", { code: "secret" });
        const changed = { name, args, output };
        return name.endsWith("Later") ? Promise.resolve(changed) : changed;
      },
      actions: {
        now: (_c, x: number) => x,
        async slow(_c, x: number) {
          return x;
        },
        nowLater: (_c, x: number) => x,
        secret: () => "secret",
        fails: () => {
          throw new UserError("no", { code: "no" });
        },
        asked: { durability: "strict", run: (c) => c.state.asked },
      },
    }),
  ).started();
  for (const name of ["now", "slow", "nowLater"]) {
    const reply = await stage.call(name, 1);
    assert.ok(reply.kind === "reply");
    assert.deepEqual(reply.value, { name, args: [1], output: 1 });
  }
  const secret = await stage.call("secret");
  assert.ok(secret.kind === "replyError" && secret.error.code === "secret");
  // An error is no output.
  const failed = await stage.call("fails");
  assert.ok(failed.kind === "replyError" && failed.error.code === "no");
  const asked = await stage.call("asked");
  assert.ok(asked.kind === "reply");
  assert.deepEqual(asked.value, { name: "asked", args: [], output: 4 });
});

test("an answer that takes too long to rewrite is a call that takes too long", async () => {
  const stage = await new Stage(
    actor({
      options: { actionTimeout: 30 },
      onBeforeActionResponse: () => new Promise(() => {}),
      actions: { a: () => 1 },
    }),
  ).started();
  const output = await stage.call("a");
  assert.ok(output.kind === "replyError" && output.error.code === "action_timed_out");
});
