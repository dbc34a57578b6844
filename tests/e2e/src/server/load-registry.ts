/** Actors for the suite about load: whatever there is much of. */

import { actor, event, setup } from "greenroom";

/** What is awake in this process, of the types below that count it. */
let awake = 0;
/** How often each call ran, by its name, in this process. */
const runs = new Map<string, number>();

/** What calls of {@link desk} wait for. */
let openDesk = () => {};
const deskIsOpen = new Promise<void>((resolve) => {
  openDesk = resolve;
});

/** A room that many are in. */
export const room = actor({
  state: { count: 0 },
  events: {
    news: event<{ number: number; text: string }>(),
    noise: event<{ number: number; text: string }>(),
    level: event<{ number: number; text: string }>({ whenSlow: "coalesce" }),
  },
  options: { maxConnectionBacklog: 4 * 1024 * 1024 },
  actions: {
    add: (c) => ++c.state.count,
    count: (c) => c.state.count,
    here: (c) => c.conns.size,
    tell(c, first: number, count: number, size: number) {
      for (let number = first; number < first + count; number++) {
        c.broadcast("news", { number, text: "x".repeat(size) });
      }
    },
    /** Speaks as fast as the actor's own task keeps up, whether anybody reads or not. */
    async shout(c, name: "noise" | "level", count: number, size: number) {
      for (let number = 0; number < count; number++) {
        c.broadcast(name, { number, text: "x".repeat(size) });
        if (number % 256 === 0) await c.saveState({ immediate: true });
      }
    },
  },
});

/** Sleeps soon. */
export const sleeper = actor({
  state: { count: 0 },
  onWake: () => void awake++,
  onSleep: () => void awake--,
  options: { sleepTimeout: 1_000 },
  actions: { add: (c) => ++c.state.count },
});

/** Holds all calls until they are let go. */
export const desk = actor({
  state: { done: [] as string[] },
  actions: {
    async serve(c, name: string) {
      runs.set(name, (runs.get(name) ?? 0) + 1);
      await deskIsOpen;
      c.state.done.push(name);
      return name;
    },
    done: (c) => c.state.done,
  },
});

/** Answers that are long, and bodies that are slow. */
export const files = actor({
  state: { taken: 0 },
  async onRequest(c, request) {
    if (request.method === "POST") {
      const { byteLength } = await request.arrayBuffer();
      c.state.taken += 1;
      return new Response(String(byteLength));
    }
    const pieces = Number(new URL(request.url).searchParams.get("pieces"));
    let piece = 0;
    return new Response(
      new ReadableStream<Uint8Array>({
        pull(controller) {
          if (piece++ < pieces) controller.enqueue(new Uint8Array(64 * 1024));
          else controller.close();
        },
      }),
    );
  },
  actions: { taken: (c) => c.state.taken },
});

/** What the process says of itself. */
export const gauge = actor({
  actions: {
    look() {
      collectGarbage();
      return { awake, timers: process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length };
    },
    openDesk: () => openDesk(),
    runs: (_c, names: string[]) => names.map((name) => runs.get(name) ?? 0),
  },
});

interface WithGc {
  readonly gc?: () => void;
  readonly Bun?: { gc(now: boolean): void };
}

function collectGarbage(): void {
  const { gc, Bun } = globalThis as WithGc;
  gc?.();
  Bun?.gc(true);
}

export const registry = setup({ use: { room, sleeper, desk, files, gauge } });
