import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../../dist/host/clock.js";
import type { Lifecycle } from "../../dist/host/lifecycle.js";
import { type ActorTimer, actor } from "../../dist/index.js";
import { Stage } from "./support/stage.js";

/** Something to wait for, and what makes it happen. */
function signal(): [happens: Promise<void>, happen: () => void] {
  let happen!: () => void;
  return [new Promise((resolve) => (happen = resolve)), () => happen()];
}

/** A clock that stands still until it is told to go on. */
class StoppedClock implements Clock {
  #now = 1_000;
  readonly #timers = new Map<number, { readonly due: number; readonly callback: () => void }>();
  #last = 0;

  now(): number {
    return this.#now;
  }

  setTimeout(callback: () => void, milliseconds: number): number {
    this.#timers.set(++this.#last, { due: this.#now + milliseconds, callback });
    return this.#last;
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as number);
  }

  get waiting(): number {
    return this.#timers.size;
  }

  advance(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (;;) {
      const next = [...this.#timers]
        .filter(([, { due }]) => due <= end)
        .sort(([, a], [, b]) => a.due - b.due)[0];
      if (next === undefined) break;
      const [id, { due, callback }] = next;
      this.#timers.delete(id);
      this.#now = Math.max(this.#now, due);
      callback();
    }
    this.#now = end;
  }

  /** Moves on without calling anybody, as a process does that is busy. */
  skip(milliseconds: number): void {
    this.#now += milliseconds;
  }
}

test("run begins after the turn of the start, and says when it is at work", async () => {
  let end = (): void => {};
  const stage = new Stage(
    actor({
      state: { n: 0 },
      onWake: (c) => {
        c.state.n = 1;
      },
      run: (c) => {
        c.state.n = 2;
        return new Promise<void>((resolve) => {
          end = resolve;
        });
      },
      actions: {},
    }),
  );
  stage.core.start(1, "thing", { state: { n: 0 } });
  await stage.run();
  const [start, first] = stage.core.turns;
  assert.deepEqual(start?.outputs, [{ kind: "started" }]);
  assert.deepEqual(start.changes, [[0, [], "n", 1]]);
  assert.deepEqual(first?.changes, [[0, [], "n", 2]]);
  assert.deepEqual(first.outputs, [{ kind: "awake", held: true, resumes: true }]);
  end();
  await stage.core.next();
  assert.deepEqual(stage.awake, [true, false]);
});

test("a run that only waits neither keeps the actor awake nor asks for it to be woken", async () => {
  const stage = new Stage(actor({ run: () => new Promise<void>(() => {}), actions: {} }));
  let life: Lifecycle | undefined;
  const touch = stage.host.touch.bind(stage.host);
  stage.host.touch = (instance) => {
    life = instance.life;
    touch(instance);
  };
  stage.core.start(1, "thing", {});
  await stage.run();
  assert.ok(life !== undefined);
  life.pauseRun();
  life.pauseRun();
  await stage.core.next();
  assert.deepEqual(stage.awake, [true, false]);
  life.resumeRun();
  await sleep(1);
  assert.deepEqual(stage.awake, [true, false]);
  life.resumeRun();
  await stage.core.next();
  assert.deepEqual(stage.awake, [true, false, true]);
  // What comes and goes within one turn is not worth a word.
  life.pauseRun();
  life.resumeRun();
  await sleep(1);
  assert.deepEqual(stage.awake, [true, false, true]);
});

test("an action without anything of that kind says nothing of it", async () => {
  const stage = await new Stage(actor({ state: { n: 0 }, actions: { add: (c) => ++c.state.n } })).started();
  await stage.call("add");
  assert.deepEqual(stage.awake, []);
});

test("a stop fires the signal first, waits for everything in one budget, and names what it leaves behind", async () => {
  const order: string[] = [];
  const stage = await new Stage(
    actor({
      onSleep: async () => {
        order.push("onSleep");
        await sleep(5);
      },
      run: (c) => {
        c.abortSignal.addEventListener("abort", () => order.push("abort"));
        return new Promise<void>(() => {});
      },
      options: { sleepGracePeriod: 30 },
      actions: {
        hang: () => new Promise<void>(() => {}),
        background(c) {
          c.waitUntil(new Promise<void>(() => {}));
          void c.keepAwake(new Promise<void>(() => {}));
        },
      },
    }),
  ).started();
  await stage.call("background");
  stage.core.call(1, 1, "hang", []).stop(1, "sleep");
  const began = performance.now();
  await stage.until((output) => output.kind === "stopped");
  const took = performance.now() - began;
  assert.ok(took >= 25 && took < 5_000, `${took} ms`);
  assert.deepEqual(order, ["abort", "onSleep"]);
  assert.match(stage.logs.join("\n"), /unfinished="?run, 1 call, 2 promises/);
  assert.equal(stage.host.size, 0);
});

test("once an actor is gone, nothing of it happens any more, and its code is told so", async () => {
  const clock = new StoppedClock();
  const seen: unknown[] = [];
  const [gone, isGone] = signal();
  const [ended, hasEnded] = signal();
  const stage = await new Stage(
    actor({
      state: { n: 0 },
      options: { sleepGracePeriod: 1 },
      run: async (c) => {
        c.setInterval(() => seen.push("interval"), 10);
        await gone;
        c.setTimeout(() => seen.push("timeout"), 0).clear();
        c.setTimeout(() => seen.push("timeout"), 0);
        c.waitUntil(Promise.reject(new Error("late")));
        seen.push(await c.keepAwake(Promise.resolve("value")));
        try {
          c.state.n = 1;
        } catch (error) {
          seen.push((error as { code?: string }).code);
        }
        hasEnded();
      },
      actions: {},
    }),
    { clock },
  ).started();
  assert.equal(clock.waiting, 1);
  stage.core.stop(1, "sleep");
  stage.host.wake();
  await sleep(1);
  // The grace period is over.
  clock.advance(1);
  await stage.until((output) => output.kind === "stopped");
  assert.equal(clock.waiting, 0);
  isGone();
  await ended;
  clock.advance(1_000);
  assert.deepEqual(seen, ["value", "restarting"]);
  assert.equal(clock.waiting, 0);
  assert.match(stage.logs.join("\n"), /late/);
});

test("an interval keeps its rhythm, and leaves out what there was no time for", async () => {
  const clock = new StoppedClock();
  const times: number[] = [];
  const stage = await new Stage(
    actor({
      actions: {
        begin(c) {
          const timer: ActorTimer = c.setInterval(() => {
            times.push(clock.now() - 1_000);
            if (times.length === 6) timer.clear();
          }, 100);
        },
      },
    }),
    { clock },
  ).started();
  await stage.call("begin");
  clock.advance(250);
  assert.deepEqual(times, [100, 200]);
  clock.skip(520);
  clock.advance(0);
  assert.deepEqual(times, [100, 200, 770, 770]);
  clock.advance(1_000);
  assert.deepEqual(times.slice(4), [870, 970]);
  assert.equal(clock.waiting, 0);
});

test("a timer is a turn of its own, with the changes that it makes", async () => {
  const clock = new StoppedClock();
  const stage = await new Stage(
    actor({
      state: { n: 0 },
      actions: {
        later: (c) => {
          c.setTimeout(
            (by) => {
              c.state.n += by;
            },
            10,
            5,
          );
        },
      },
    }),
    { clock },
  ).started({ state: { n: 1 } });
  await stage.call("later");
  stage.forget();
  clock.advance(10);
  await stage.core.next();
  assert.deepEqual(stage.changes, [[0, [], "n", 6]]);
  assert.deepEqual(stage.awake, []);
});

test("a destruction ends connections with their hook, before the actor is gone", async () => {
  const order: string[] = [];
  const stage = await new Stage(
    actor({
      state: { n: 0 },
      onDestroy: (c) => void order.push(`onDestroy ${c.conns.size}`),
      onDisconnect: async (c, conn) => {
        await sleep(1);
        order.push(`onDisconnect ${conn.id} ${c.conns.size}`);
      },
      actions: {},
    }),
  ).started();
  stage.core.connect(1, 7);
  await stage.run();
  stage.core.stop(1, "destroy");
  await stage.until((output) => output.kind === "stopped");
  assert.deepEqual(order, ["onDestroy 1", "onDisconnect conn-7 0"]);
});
