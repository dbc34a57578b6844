/** Actors with something of their own to do. What they say on standard error can be read without calling them. */

import { existsSync, writeFileSync } from "node:fs";
import { type ActorContextOf, actor, event, queue, setup, UserError } from "greenroom";

const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));
const say = (line: string) => process.stderr.write(`${line}\n`);
const never = new Promise<void>(() => {});

/** Resolves when the actor stops. */
function stopped(c: { readonly abortSignal: AbortSignal }): Promise<void> {
  return new Promise((done) => {
    if (c.abortSignal.aborted) done();
    else c.abortSignal.addEventListener("abort", () => done());
  });
}

/** Its `run` is always at work. */
export const worker = actor({
  state: { runs: 0, steps: 0, log: [] as string[] },
  onWake: (c) => {
    c.state.log.push("wake");
  },
  // Longer than `run` needs for its end.
  onSleep: async (c) => {
    c.state.log.push(`sleep aborted=${c.aborted}`);
    await pause(60);
  },
  run: {
    name: "steps",
    icon: "footprints",
    async run(c) {
      c.state.runs += 1;
      c.state.log.push(`run ${c.state.runs}`);
      c.abortSignal.addEventListener("abort", () => c.state.log.push("abort"));
      say(`worker ${c.key.join()} run ${c.state.runs}`);
      while (!c.aborted) {
        c.state.steps += 1;
        await Promise.race([pause(10), stopped(c)]);
      }
      await pause(20);
      c.state.log.push("ran");
    },
  },
  options: { sleepTimeout: 100 },
  actions: {
    steps: (c) => c.state.steps,
    log: (c) => c.state.log,
    nap: (c) => c.sleep(),
  },
});

/** Its `run` ends as its key says. */
export const brief = actor({
  state: { runs: 0, ended: 0, wakes: 0, sleeps: 0 },
  onWake: (c) => {
    c.state.wakes += 1;
  },
  onSleep: (c) => {
    c.state.sleeps += 1;
    say(`brief ${c.key.join()} sleeps`);
  },
  onDestroy: (c) => {
    say(`brief ${c.key.join()} destroyed`);
  },
  run: async (c) => {
    c.state.runs += 1;
    const [how] = c.key;
    if (how === "throw at once") throw new Error("run has failed at once");
    await pause(1);
    if (how === "throw") throw new Error("run has failed");
    if (how === "sleep") c.sleep();
    if (how === "destroy") c.destroy();
    c.state.ended += 1;
  },
  options: { sleepTimeout: 150 },
  actions: { counts: (c) => ({ ...c.state }) },
});

/** Its `run` does not care that it ought to end. */
export const stubborn = actor({
  state: { wakes: 0 },
  onWake: (c) => {
    c.state.wakes += 1;
  },
  onDestroy: () => {
    say("stubborn destroyed");
  },
  events: { hanging: event<[]>() },
  run: () => never,
  options: { sleepGracePeriod: 200 },
  actions: {
    wakes: (c) => c.state.wakes,
    hang: async (c) => {
      c.broadcast("hanging");
      await never;
    },
    nap: (c) => c.sleep(),
    end: (c) => c.destroy(),
  },
});

/** Promises that keep it awake, or only its end waiting. */
export const keeper = actor({
  state: { log: [] as string[] },
  createVars: () => {
    let end = () => {};
    const ended = new Promise<void>((done) => {
      end = done;
    });
    return { end, ended };
  },
  onWake: (c) => {
    c.state.log.push("wake");
  },
  onSleep: (c) => {
    c.state.log.push("sleep");
    say(`keeper ${c.key.join()} sleeps`);
    c.waitUntil(
      pause(30).then(() => {
        c.state.log.push("after sleep");
        c.waitUntil(
          pause(30).then(() => {
            c.state.log.push("nested");
            c.vars.end();
          }),
        );
      }),
    );
    if (c.key[0] === "bad sleeper") throw new Error("onSleep has failed");
  },
  options: { sleepTimeout: 100 },
  actions: {
    log: (c) => c.state.log,
    keep: (c, ms: number) => {
      const value = c.keepAwake(
        pause(ms).then(() => {
          c.state.log.push("kept");
          return 42;
        }),
      );
      void value.then((number) => c.state.log.push(`value ${number}`));
    },
    keepNested: (c) => {
      void c
        .keepAwake(pause(150).then(() => c.keepAwake(pause(150))))
        .then(() => c.state.log.push("kept twice"));
    },
    keepAndAnswer: (c) => c.keepAwake(pause(10).then(() => "the value")),
    /** Lasts until the end has come, and longer than everything else then. */
    wait: (c) => {
      c.waitUntil(c.vars.ended.then(() => pause(60)).then(() => c.state.log.push("waited")));
    },
    inBackground: (c, ms: number) => {
      c.runInBackground(pause(ms).then(() => c.state.log.push("ran in background")));
    },
    rejected(c) {
      c.waitUntil(pause(1).then(() => Promise.reject(new Error("waitUntil was rejected"))));
      void c.keepAwake(pause(1).then(() => Promise.reject(new Error("keepAwake was rejected"))));
    },
    nap: (c) => {
      c.sleep();
      c.sleep();
    },
    waitAndNap(c, ms: number) {
      c.waitUntil(pause(ms).then(() => c.state.log.push("waited")));
      c.sleep();
    },
    mistakes(c) {
      // What JavaScript would let through.
      const any = c as unknown as { readonly [method: string]: (...args: unknown[]) => unknown };
      const attempt = (method: string, ...args: unknown[]): string => {
        try {
          any[method]?.(...args);
          return "accepted";
        } catch (error) {
          return String(error);
        }
      };
      return [
        attempt("keepAwake", () => pause(1)),
        attempt("keepAwake"),
        attempt("waitUntil", 5),
        attempt("waitUntil", null),
        attempt("setTimeout", "code", 1),
        attempt("setTimeout", () => {}, -1),
        attempt("setTimeout", () => {}, Number.NaN),
        attempt("setInterval", () => {}, 2 ** 31),
        attempt("setInterval", () => {}, "10"),
        attempt("clearTimeout", 7),
        attempt("clearInterval", undefined),
        attempt("setPreventSleep", true),
        String(c.preventSleep),
      ];
    },
  },
});

/** Says and plans things at the very end. */
export const ending = actor({
  state: { log: [] as string[] },
  events: { bye: event<string>() },
  queues: { notes: queue<string>() },
  onWake: (c) => {
    c.state.log.push("wake");
  },
  onSleep: async (c) => {
    c.broadcast("bye", "sleeping");
    await c.queue.send("notes", "to myself");
    // Due while this hook still runs.
    await c.schedule.after(20, "due");
    await pause(100);
    c.state.log.push("slept");
  },
  options: { sleepTimeout: 60_000 },
  actions: {
    due: (c) => {
      c.state.log.push("due");
    },
    log: (c) => c.state.log,
    notes: async (c) => (await c.queue.tryNextBatch({ count: 9 })).map(({ body }) => body),
    nap: (c) => c.sleep(),
    add: (c, text: string) => c.state.log.push(text),
  },
});

/** Takes its time. */
export const slow = actor({
  state: { log: [] as string[] },
  onSleep: (c) => {
    c.state.log.push("sleep");
  },
  onDisconnect: async (c) => {
    c.state.log.push("leaves");
    await pause(300);
    c.state.log.push("left");
    say(`slow ${c.key.join()} is left`);
  },
  options: { sleepTimeout: 100 },
  actions: {
    async work(c, ms: number) {
      c.state.log.push("works");
      await pause(ms);
      c.state.log.push("worked");
    },
    log: (c) => c.state.log,
  },
});

/** Destroys itself at the moment that its key names. */
export const mortal = actor({
  state: { seen: [] as string[] },
  onCreate: async (c) => {
    if (c.key[0] === "on create") c.destroy();
    await pause(20);
  },
  onWake: async (c) => {
    if (c.key[0] === "on wake") c.destroy();
    await pause(20);
  },
  onDestroy: (c) => {
    say(`mortal ${c.key.join()} destroyed aborted=${c.aborted}`);
  },
  onDisconnect: (c, conn) => {
    say(`mortal ${c.key.join()} disconnected ${c.conns.size} ${conn.id === c.conn.id}`);
  },
  options: { sleepTimeout: 60_000 },
  actions: {
    async end(c) {
      c.destroy();
      const atOnce = c.aborted;
      await Promise.race([stopped(c), pause(10_000)]);
      return [atOnce, c.aborted];
    },
    touch: (c) => c.state.seen.push("touched"),
  },
});

/**
 * Takes its process down at its end, once: the file that its key names says whether it has. It waits until somebody says
 * in another file that the end is acknowledged, and so is stored.
 */
export const deadly = actor({
  state: {},
  onWake: (c) => say(`deadly ${c.key.join()} wakes`),
  run: (c) => say(`deadly ${c.key.join()} runs`),
  onDestroy: async (c) => {
    const [file = ""] = c.key;
    if (!existsSync(file)) {
      while (!existsSync(`${file}.acknowledged`)) await new Promise((next) => setTimeout(next, 10));
      writeFileSync(file, "");
      process.kill(process.pid, "SIGKILL");
    }
    say(`deadly ${c.key.join()} destroyed`);
  },
  actions: { end: (c) => c.destroy() },
});

/** Timers of its own. */
const clockworkDefinition = (sleepTimeout: number) =>
  actor({
    state: { log: [] as string[], ticks: 0 },
    vars: { ticks: 0 },
    onSleep: (c) => {
      c.state.log.push("sleep");
      say(`clockwork ${c.key.join()} sleeps`);
    },
    options: { sleepTimeout },
    actions: {
      log: (c) => c.state.log,
      later(c, ms: number) {
        c.setTimeout((text, n) => c.state.log.push(`${text} ${n + 1}`), ms, "once", 1);
        const cleared = c.setTimeout(() => c.state.log.push("never"), ms);
        c.clearTimeout(cleared);
        c.clearTimeout(cleared);
        c.setTimeout(() => c.state.log.push("never"), ms).clear();
      },
      tick(c, ms: number, times: number) {
        const timer = c.setInterval(() => {
          c.state.ticks += 1;
          if (c.state.ticks === times) timer.clear();
        }, ms);
      },
      tickForEver(c) {
        c.setInterval(() => {
          c.vars.ticks += 1;
          say(`clockwork ${c.key.join()} ticks`);
        }, 20);
      },
      ticks: (c) => c.state.ticks,
      fail(c) {
        c.setTimeout(() => {
          throw new Error("a timer has failed");
        }, 1);
        c.setTimeout(async () => {
          await pause(1);
          throw new Error("a timer has failed later");
        }, 1);
        c.setTimeout(() => c.state.log.push("went on"), 50);
      },
      nap: (c) => c.sleep(),
    },
  });

/** Has timers, and sleeps as soon as it can. */
export const clockwork = clockworkDefinition(200);
/** Has timers, and is awake for as long as a test takes. */
export const patient = clockworkDefinition(60_000);

type Observer = ActorContextOf<typeof observer>;

/** Notes what the runtime tells it of its own changes. */
export const observer = actor({
  state: { n: 0, list: [] as number[] },
  vars: { changes: [] as number[], refused: "" },
  onStateChange: (c, state) => {
    (c.vars as Observer["vars"]).changes.push(state.n);
    if (state.n !== 13) return;
    try {
      state.n = 14;
    } catch (error) {
      c.vars.refused = (error as { code?: string }).code ?? String(error);
    }
  },
  actions: {
    changeTwice(c) {
      c.state.n += 1;
      c.state.list.push(c.state.n);
      c.state.n += 1;
    },
    async changeAcrossAwait(c) {
      c.state.n += 1;
      await pause(5);
      c.state.n += 1;
    },
    set: (c, n: number) => {
      c.state.n = n;
    },
    read: (c) => [c.state.n, c.state.list.length],
    setVars: (c) => c.vars.changes.push(),
    changes: (c) => c.vars.changes,
    refused: (c) => c.vars.refused,
  },
});

/** Shares nothing with other instances. */
export const separate = actor({
  state: { list: [] as string[] },
  vars: { list: [] as string[], nested: { count: 0 } },
  options: { sleepTimeout: 60_000 },
  actions: {
    put(c, text: string) {
      c.vars.list.push(text);
      c.vars.nested.count += 1;
      c.state.list.push(text);
    },
    vars: (c) => c.vars,
    state: (c) => c.state,
    nap: (c) => c.sleep(),
    end: (c) => c.destroy(),
  },
});

/** What `createVars` gets to see. */
export const informed = actor({
  createState: () => ({ n: 7 }),
  createVars: (c) => ({ from: [c.name, c.key, c.actorId.length > 0, c.state.n] as const }),
  actions: { from: (c) => c.vars.from },
});

/** Every hook of a start. */
export const migrating = actor({
  createState: (c) => ({ log: [...takeEarly(c.actorId), "createState"] }),
  createVars: (c) => {
    c.state.log.push(...takeEarly(c.actorId), "createVars");
    return { made: true };
  },
  onMigrate: async (c, isNew) => {
    const [how] = c.key;
    if (how === "too slow") await never;
    if (how === "failing") throw new UserError("cannot migrate", { code: "no_migration" });
    await pause(1);
    early.set(c.actorId, [`onMigrate ${isNew}`]);
  },
  onCreate: (c) => {
    c.state.log.push("onCreate");
  },
  onWake: (c) => {
    c.state.log.push("onWake");
  },
  run: (c) => {
    c.state.log.push("run");
  },
  options: { onMigrateTimeout: 100, sleepTimeout: 60_000 },
  actions: {
    log: (c) => c.state.log,
    nap: (c) => c.sleep(),
  },
});

/** What was noted when there was no state yet. */
const early = new Map<string, string[]>();
function takeEarly(id: string): string[] {
  const lines = early.get(id) ?? [];
  early.delete(id);
  return lines;
}

/** Comes back by itself. */
export const phoenix = actor({
  state: { wakes: 0, writes: 0 },
  onWake: (c) => {
    c.state.wakes += 1;
    say(`phoenix ${c.key.join()} wake ${c.state.wakes}`);
  },
  onSleep: (c) => {
    say(`phoenix ${c.key.join()} sleeps`);
  },
  options: { crashPolicy: "restart", sleepTimeout: 60_000 },
  actions: {
    wakes: (c) => c.state.wakes,
    nap: (c) => c.sleep(),
    // For its commit, which those of before precede.
    write: (c) => {
      c.state.writes += 1;
    },
  },
});

/** Does not come back. */
export const mayfly = actor({
  state: { wakes: 0 },
  onWake: (c) => {
    c.state.wakes += 1;
  },
  onSleep: (c) => {
    say(`mayfly ${c.key.join()} sleeps`);
  },
  options: { crashPolicy: "destroy", sleepTimeout: 60_000 },
  actions: { wakes: (c) => c.state.wakes, nap: (c) => c.sleep() },
});

/** Stays, unless it is told to sleep. */
export const sleepless = actor({
  state: { sleeps: 0 },
  onSleep: (c) => {
    c.state.sleeps += 1;
  },
  options: {
    sleepTimeout: 50,
    noSleep: true,
    name: "Sleepless",
    icon: "moon",
    onDestroyTimeout: 1_000,
    waitUntilTimeout: 1_000,
    connectionLivenessInterval: 5_000,
    connectionLivenessTimeout: 2_500,
    enableActorRuntimeSocket: false,
  },
  actions: { sleeps: (c) => c.state.sleeps, nap: (c) => c.sleep() },
});

export const registry = setup({
  use: {
    worker,
    brief,
    stubborn,
    keeper,
    ending,
    slow,
    mortal,
    deadly,
    clockwork,
    patient,
    observer,
    separate,
    informed,
    migrating,
    phoenix,
    mayfly,
    sleepless,
  },
});
