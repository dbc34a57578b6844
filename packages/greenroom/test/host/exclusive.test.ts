import assert from "node:assert/strict";
import { test } from "node:test";
import { actor } from "../../dist/index.js";
import { Stage } from "./support/stage.js";

/** Something to wait for, by name, and who began and ended. */
class Script {
  readonly log: string[] = [];
  readonly #gates = new Map<string, () => void>();

  async pass(name: string): Promise<string> {
    this.log.push(`+${name}`);
    await new Promise<void>((resolve) => this.#gates.set(name, resolve));
    this.log.push(`-${name}`);
    return name;
  }

  open(name: string): void {
    const open = this.#gates.get(name);
    assert.ok(open !== undefined, `${name} has not begun`);
    open();
  }
}

const locked = (script: Script) =>
  actor({
    state: { n: 0 },
    options: { actionTimeout: 60_000 },
    actions: {
      pass: { concurrency: "exclusive", run: (_c, name: string) => script.pass(name) },
      bump: { concurrency: "exclusive", run: (c) => ++c.state.n },
      free: (_c, name: string) => script.pass(name),
    },
  });

test("exclusive calls run one after the other, in the order in which they arrived", async () => {
  const script = new Script();
  const stage = await new Stage(locked(script)).started();
  stage.core.call(1, 1, "pass", ["a"]).call(1, 2, "pass", ["b"]).call(1, 3, "bump", []);
  stage.core.call(1, 4, "pass", ["c"]).call(1, 5, "free", ["x"]);
  stage.host.wake();
  assert.deepEqual(script.log, ["+a", "+x"]);
  script.open("a");
  await stage.until((output) => output.kind === "reply" && output.call === 1);
  assert.deepEqual(script.log, ["+a", "+x", "-a", "+b"]);
  script.open("b");
  await stage.until((output) => output.kind === "reply" && output.call === 2);
  script.open("c");
  script.open("x");
  await stage.until((output) => output.kind === "reply" && output.call === 5);
  const replies = stage.outputs.filter((output) => output.kind === "reply");
  assert.deepEqual(
    replies.map((reply) => reply.call),
    [1, 2, 3, 4, 5],
  );
});

test("thousands of waiting calls that are over at once do not pile up", async () => {
  const script = new Script();
  const stage = await new Stage(locked(script)).started();
  stage.core.call(1, 1, "pass", ["a"]);
  for (let call = 2; call <= 8000; call++) stage.core.call(1, call, "bump", []);
  stage.host.wake();
  script.open("a");
  const last = await stage.until((output) => output.kind === "reply" && output.call === 8000);
  assert.deepEqual(last, { kind: "reply", call: 8000, value: 7999 });
});

test("a waiting call that its caller gives up never runs, and the next takes its place", async () => {
  const script = new Script();
  const stage = await new Stage(locked(script)).started();
  stage.core.call(1, 1, "pass", ["a"]).call(1, 2, "pass", ["b"]).call(1, 3, "pass", ["c"]);
  stage.core.cancel(1, 2);
  const aborted = await stage.until((output) => output.kind === "replyError");
  assert.ok(aborted.kind === "replyError" && aborted.call === 2);
  assert.equal(`${aborted.error.group}.${aborted.error.code}`, "actor.aborted");
  script.open("a");
  await stage.until((output) => output.kind === "reply" && output.call === 1);
  assert.deepEqual(script.log, ["+a", "-a", "+c"]);
  script.open("c");
  await stage.until((output) => output.kind === "reply" && output.call === 3);
});

test("a call that takes too long loses its turn; those that wait have their time before them", async () => {
  const script = new Script();
  const slow = actor({
    options: { concurrency: "exclusive", actionTimeout: 50 },
    actions: { pass: (_c, name: string) => script.pass(name), quick: () => "quick" },
  });
  const stage = await new Stage(slow).started();
  stage.core.call(1, 1, "pass", ["a"]).call(1, 2, "quick", []);
  stage.host.wake();
  assert.deepEqual(await stage.until((output) => output.kind === "reply"), {
    kind: "reply",
    call: 2,
    value: "quick",
  });
  const [first] = stage.outputs;
  assert.ok(first?.kind === "replyError" && first.call === 1);
  assert.equal(first.error.code, "action_timed_out");
  // Its end, long after, lets nobody in twice.
  script.open("a");
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(await stage.call("quick"), { kind: "reply", call: 1001, value: "quick" });
});

test("a single action may be interleaved in an exclusive actor", async () => {
  const script = new Script();
  const mixed = actor({
    options: { concurrency: "exclusive" },
    actions: {
      pass: (_c, name: string) => script.pass(name),
      look: { concurrency: "interleaved", run: () => script.log.length },
    },
  });
  const stage = await new Stage(mixed).started();
  stage.core.call(1, 1, "pass", ["a"]);
  stage.host.wake();
  assert.deepEqual(await stage.call("look"), { kind: "reply", call: 1001, value: 1 });
  script.open("a");
  await stage.until((output) => output.kind === "reply" && output.call === 1);
});

test("the end of the actor waits for exclusive calls that wait", async () => {
  const script = new Script();
  const stage = await new Stage(locked(script)).started();
  stage.core.call(1, 1, "pass", ["a"]).call(1, 2, "bump", []).stop(1, "sleep");
  stage.host.wake();
  script.open("a");
  await stage.until((output) => output.kind === "stopped");
  assert.deepEqual(
    stage.outputs.map((output) => output.kind),
    ["reply", "reply", "stopped"],
  );
});

test("a scheduled call waits for its turn like any other, and its reply is nobody's to change", async () => {
  const script = new Script();
  const rewritten: string[] = [];
  const stage = await new Stage(
    actor({
      options: { concurrency: "exclusive" },
      onBeforeActionResponse: (_c, name, _args, output) => {
        rewritten.push(name);
        return output;
      },
      actions: {
        plan: (c) => c.schedule.after(0, "pass", "s"),
        pass: (_c, name: string) => script.pass(name),
      },
    }),
  ).started();
  await stage.call("plan");
  const set = stage.outputs.find((output) => output.kind === "setAlarm");
  assert.ok(set?.kind === "setAlarm");
  stage.core.call(1, 1, "pass", ["a"]).alarm(1, 2, set, set.due);
  stage.host.wake();
  assert.deepEqual(script.log, ["+a"]);
  script.open("a");
  await stage.until((output) => output.kind === "reply" && output.call === 1);
  assert.deepEqual(script.log, ["+a", "-a", "+s"]);
  script.open("s");
  await stage.until((output) => output.kind === "removeAlarm");
  assert.deepEqual(rewritten, ["plan", "pass"]);
});

test("an instance that is dropped runs none of the calls that wait", async () => {
  const script = new Script();
  const stage = await new Stage(locked(script)).started();
  stage.core.call(1, 1, "pass", ["a"]).call(1, 2, "pass", ["b"]).drop(1);
  stage.host.wake();
  script.open("a");
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(script.log, ["+a", "-a"]);
  assert.deepEqual(stage.outputs, []);
});
