/** An actor with something in it that never comes to its end: what that is, is the first part of its key. */

import { actor, queue, setup } from "greenroom";

const never = new Promise<never>(() => {});

/** Waits for ever in actors of this kind. */
function stuckIn(c: { readonly key: readonly string[] }, kind: string): Promise<void> | undefined {
  return c.key[0] === kind ? never : undefined;
}

export const stuck = actor({
  state: { n: 0 },
  queues: { job: queue<string>() },
  options: {
    sleepTimeout: 60_000,
    actionTimeout: 300,
    sleepGracePeriod: 500,
    onBeforeConnectTimeout: 300,
    onConnectTimeout: 300,
  },
  connState: {},
  vars: {},
  onWake: (c) => stuckIn(c, "onWake"),
  onSleep: (c) => stuckIn(c, "onSleep"),
  onDestroy: (c) => stuckIn(c, "onDestroy"),
  onStateChange: (c) => void stuckIn(c, "onStateChange"),
  onBeforeConnect: (c) => stuckIn(c, "onBeforeConnect"),
  onConnect: (c) => stuckIn(c, "onConnect"),
  onDisconnect: (c) => stuckIn(c, "onDisconnect"),
  onRequest: async (c) => {
    await stuckIn(c, "onRequest");
    return new Response("done");
  },
  onWebSocket: async (c, socket) => {
    await stuckIn(c, "onWebSocket");
    socket.addEventListener("message", () => stuckIn(c, "message of a socket"));
  },
  run: async (c) => {
    await stuckIn(c, "run");
    for await (const _message of c.queue.iter()) await stuckIn(c, "handler of a queue");
  },
  actions: {
    add: (c) => ++c.state.n,
    wait: (c) => stuckIn(c, "action"),
    async *items(c) {
      yield 1;
      await stuckIn(c, "stream");
    },
    plan: (c) => void c.schedule.after(1, "wait"),
    inBackground: (c) => c.waitUntil(never),
    keepAwake: (c) => void c.keepAwake(never),
    enqueue: async (c) => void (await c.queue.send("job", "x")),
  },
});

export const registry = setup({ use: { stuck } });
