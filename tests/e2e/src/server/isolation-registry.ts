/** Actors that are a burden to others, for the suite about isolation. */

import { actor, queue, setup } from "greenroom";

/** Keeps the thread for so many milliseconds. */
export function spin(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

/** Blocks the event loop in every way that there is. */
export const blocker = actor({
  state: { n: 0 },
  createConnState: (_c, params: { spin?: number } | undefined) => {
    spin(params?.spin ?? 0);
    return {};
  },
  onWake(c): void {
    if (c.key[0] === "slow to wake") spin(700);
  },
  onStateChange(c): void {
    if (c.key[0] === "slow to change") spin(700);
  },
  run: async (c) => {
    if (c.key[0] === "slow to run") spin(700);
  },
  onRequest: () => {
    spin(700);
    return new Response("done");
  },
  options: { sleepTimeout: 60_000, actionTimeout: 2_000 },
  actions: {
    add: (c) => ++c.state.n,
    spin: (_c, milliseconds: number) => spin(milliseconds),
    spinForever: (): void => {
      for (;;);
    },
    async spinAfterAwait(c, milliseconds: number): Promise<void> {
      await c.kv.get("nothing");
      await Promise.resolve();
      spin(milliseconds);
    },
    async spinInTimer(c, milliseconds: number): Promise<void> {
      await new Promise<void>((resolve) => {
        c.setTimeout(() => {
          spin(milliseconds);
          resolve();
        }, 10);
      });
    },
    async spinInForeignTimer(_c, milliseconds: number): Promise<void> {
      await new Promise((resolve) => setTimeout(resolve, 300));
      spin(milliseconds);
    },
    async floodMicrotasks(_c, milliseconds: number): Promise<void> {
      const end = performance.now() + milliseconds;
      while (performance.now() < end) await Promise.resolve();
    },
    group: {
      spin: (_c, milliseconds: number) => spin(milliseconds),
    },
  },
});

/** Whom the others disturb. */
export const calm = actor({
  state: { n: 0 },
  options: { sleepTimeout: 60_000, actionTimeout: 2_000 },
  actions: { add: (c) => ++c.state.n },
});

/** Grows in every way that can be seen. */
export const hoarder = actor({
  state: { texts: [] as string[] },
  queues: { job: queue<string>() },
  options: { sleepTimeout: 60_000, maxQueueSize: 10_000 },
  actions: {
    keep: (c, size: number) => c.state.texts.push("x".repeat(size)),
    forget: (c) => {
      c.state.texts = [];
    },
    async keepPairs(c, count: number, size: number): Promise<void> {
      for (let n = 0; n < count; n++) await c.kv.put(`${n}`, "x".repeat(size));
    },
    async queueUp(c, count: number, size: number): Promise<void> {
      for (let n = 0; n < count; n++) await c.queue.send("job", "x".repeat(size));
    },
    sleepNow: (c) => c.sleep(),
  },
});

/** What an actor may weigh before the log says so. */
export const ACTOR_SIZE = 1_000_000;

export const registry = setup({ use: { blocker, calm, hoarder }, watch: { actorSize: ACTOR_SIZE } });
