/** Actors that say which thread they are on, and some that are bad for it, for the suite about workers. */

import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, rmSync } from "node:fs";
import { threadId } from "node:worker_threads";
import { actor, event, queue, setup, Unauthorized } from "greenroom";

const log = process.env.WORKERS_LOG;

/** Notes something for the test, whichever thread it is on. */
function note(text: string): void {
  if (log !== undefined) appendFileSync(log, `${text}\n`);
}

// Loaded again after it was lost, it may be told to fail.
const fails = process.env.WORKERS_FAIL;
if (threadId > 0 && fails !== undefined && existsSync(fails))
  throw new Error("the module does not load here");
// Or to take its time, for as long as there is such a file.
const hangs = process.env.WORKERS_HANG;
if (threadId > 0 && hangs !== undefined && existsSync(hangs)) {
  note(`hangs on ${threadId}`);
  while (existsSync(hangs));
}
note(`loaded on ${threadId}`);

/** Whether code of the program's own, which is no actor's, is to fail. */
let isToThrow = false;
setInterval(() => {
  if (!isToThrow) return;
  isToThrow = false;
  throw new Error("this is nobody's");
}, 5).unref();

export const placed = actor({
  state: { count: 0, hasDied: false },
  createVars: () => ({ calls: 0 }),
  events: { counted: event<number>() },
  queues: { jobs: queue<number>() },
  options: { sleepTimeout: 60_000, sleepGracePeriod: Number(process.env.WORKERS_GRACE ?? 15_000) },
  onSleep: (c) => note(`${c.key[0]} sleeps`),
  onRequest: () => Response.json({ thread: threadId }),
  run: async (c) => {
    for await (const message of c.queue.iter()) {
      c.state.count += message.body;
      c.broadcast("counted", c.state.count);
    }
  },
  actions: {
    where: () => threadId,
    life: (c) => ++c.vars.calls,
    add(c) {
      c.broadcast("counted", ++c.state.count);
      return c.state.count;
    },
    count: (c) => c.state.count,
    /** Blocks its thread until there is such a file. */
    block(_c, file: string) {
      while (!existsSync(file));
      return threadId;
    },
    /** Blocks its thread in a call of the system, from which it cannot be called back, for as long as there is the process. */
    blockOutside() {
      execFileSync("sh", ["-c", "while kill -0 $PPID 2> /dev/null; do sleep 0.1; done"]);
    },
    whereIs: (c, key: string): Promise<number> => c.client<typeof registry>().placed.getOrCreate(key).where(),
    rejectLater(c) {
      setTimeout(() => void Promise.reject(new Error("nobody handles this")), 1);
      return c.state.count;
    },
    /** Ends its thread, but only in its first life: callers may ask again. */
    async die(c, how: "exit" | "memory" | "error") {
      if (c.state.hasDied) return "alive";
      c.state.hasDied = true;
      await c.saveState({ immediate: true });
      if (how === "exit") process.exit(7);
      if (how === "error") {
        isToThrow = true;
        return new Promise<never>(() => {});
      }
      for (const all: object[] = []; ; ) all.push(new Array(100_000).fill(all.length));
    },
    /** Ends its thread if there is such a file, and takes it away before. */
    exitOnce(_c, file: string) {
      if (!existsSync(file)) return "alive";
      rmSync(file);
      return process.exit(7);
    },
    shutdown: () => void registry.shutdown(),
  },
});

export const registry = setup({
  use: { placed },
  noWelcome: true,
  onAuth({ token }) {
    if (token === "wrong") throw new Unauthorized("not with this token");
    note(`asked on ${threadId}`);
    return { uid: "somebody" };
  },
});
