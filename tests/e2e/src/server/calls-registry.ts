/** Actors for the suites about calls: validation, exclusive calls, cancellation, streams. */

import { actor, event, setup, UserError } from "greenroom";
import * as v from "valibot";
import { z } from "zod";

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

const Move = z.object({ x: z.number().int(), y: z.number().int().default(0) });

/** Writes down who came in, to show that nobody came who should not. */
export const board = actor({
  connParamsSchema: z
    .object({
      player: z
        .string()
        .min(1)
        .transform((name) => name.toUpperCase()),
    })
    .optional(),
  inputSchema: v.optional(v.object({ size: v.pipe(v.number(), v.maxValue(100)) })),
  createState: (_c, input) => ({ size: input?.size ?? 8, at: { x: 0, y: 0 }, log: [] as string[] }),
  onBeforeConnect: (c, params) => void c.state.log.push(`before ${params?.player ?? "nobody"}`),
  createConnState: (_c, params) => ({ player: params?.player ?? "nobody" }),
  actionInputSchemas: {
    move: z.tuple([Move]),
    admin: {
      resize: v.tupleAsync([
        v.pipeAsync(
          v.number(),
          v.checkAsync(async (n) => n > 0, "too small"),
        ),
      ]),
    },
    "admin.label": z.tuple([z.string().max(5), z.number().optional()]),
  },
  events: { moved: event({ schema: Move }) },
  actions: {
    move(c, to) {
      c.state.log.push("move");
      c.state.at = to;
      c.broadcast("moved", to);
      return to;
    },
    admin: {
      resize(c, size: number) {
        c.state.size = size;
        return size;
      },
      label: (_c, text: string, times?: number) => text.repeat(times ?? 1),
    },
    player: (c) => c.conn.state.player,
    report: (c) => ({ size: c.state.size, log: c.state.log }),
  },
});

/** Changes what its actions answer. */
export const guarded = actor({
  state: { asked: 0 },
  onBeforeActionResponse: async (c, name, args, output) => {
    c.state.asked += 1;
    if (output === "secret") throw new UserError("not for you", { code: "secret" });
    await null;
    return name === "asked" ? output : { name, args, output };
  },
  actions: {
    echo: (_c, ...all: unknown[]) => all.length,
    secret: () => "secret",
    asked: (c) => c.state.asked,
  },
});

/** Reads, waits, writes: loses updates unless its calls are exclusive. */
export const account = actor({
  state: { cents: 0, log: [] as string[] },
  options: { actionTimeout: 2_000 },
  actions: {
    add: {
      concurrency: "exclusive",
      async run(c, cents: number) {
        const { cents: before } = c.state;
        await pause(5);
        c.state.cents = before + cents;
        return c.state.cents;
      },
    },
    async addUnsafely(c, cents: number) {
      const { cents: before } = c.state;
      await pause(20);
      c.state.cents = before + cents;
      return c.state.cents;
    },
    /** Holds the lock until it is told, or given up. */
    hold: {
      concurrency: "exclusive",
      async run(c, name: string) {
        c.state.log.push(`+${name}`);
        await new Promise<void>((resolve) => {
          c.abortSignal.addEventListener("abort", () => resolve());
        });
        c.state.log.push(`-${name}`);
        return name;
      },
    },
    note: {
      concurrency: "exclusive",
      run: (c, name: string) => void c.state.log.push(name),
    },
    log: (c) => c.state.log,
  },
});

/** Waits for its caller to give up. */
export const patient = actor({
  state: { log: [] as string[] },
  onConnect: () => {},
  actions: {
    async wait(c, name: string) {
      c.state.log.push(`+${name}`);
      await new Promise<void>((resolve) => c.abortSignal.addEventListener("abort", () => resolve()));
      c.state.log.push(`-${name} ${c.aborted}`);
      return name;
    },
    echo: (_c, value: unknown) => value,
    log: (c) => c.state.log,
  },
});

/** By key, those whose wakes may go on, and how they do. */
const opened = new Set<string>();
const gates = new Map<string, () => void>();

/** Takes and gives as much as is asked for. Once it has slept, it does not wake before `porter` lets it. */
export const bulk = actor({
  state: { wakes: 0 },
  options: { sleepTimeout: 60_000 },
  events: { lump: event<string>() },
  async onWake(c) {
    c.state.wakes += 1;
    const key = c.key.join();
    if (c.state.wakes > 1 && !opened.has(key)) await new Promise<void>((open) => gates.set(key, open));
  },
  actions: {
    size: (_c, text: string) => text.length,
    text: (_c, length: number) => "x".repeat(length),
    tell(c, length: number, times: number) {
      for (let n = 0; n < times; n++) c.broadcast("lump", "x".repeat(length));
    },
    hang: (c) => new Promise<void>((resolve) => c.abortSignal.addEventListener("abort", () => resolve())),
    wakes: (c) => c.state.wakes,
    nap: (c) => c.sleep(),
  },
});

/** Lets a `bulk` wake. */
export const porter = actor({
  actions: {
    open(_c, key: string) {
      opened.add(key);
      gates.get(key)?.();
    },
  },
});

/** Streams, and writes down how far it came. */
export const source = actor({
  state: { made: 0, log: [] as string[] },
  options: { actionTimeout: 3_000, sleepTimeout: 100 },
  onSleep: (c) => void c.state.log.push("sleep"),
  actions: {
    async *count(c, to: number) {
      for (let n = 1; n <= to; n++) {
        c.state.made = n;
        yield n;
      }
    },
    async *values() {
      yield new Date(0);
      yield new Map([["a", 1n]]);
      yield new Uint8Array([1, 2]);
      yield undefined;
      yield "größer\n";
    },
    async *nothing() {},
    async *forever(c, size: number) {
      try {
        for (;;) {
          c.state.made += 1;
          yield "x".repeat(size);
        }
      } finally {
        c.state.log.push("finally");
      }
    },
    async *pausing(c, pauses: readonly number[]) {
      c.state.log.push("begins");
      try {
        for (const ms of pauses) {
          await new Promise<void>((resolve, reject) => {
            const timer = setTimeout(resolve, ms);
            c.abortSignal.addEventListener("abort", () => {
              clearTimeout(timer);
              reject(new Error("aborted"));
            });
          });
          yield ms;
        }
      } finally {
        c.state.log.push("finally");
      }
    },
    async *failing(_c, after: number) {
      for (let n = 1; n <= after; n++) yield n;
      throw new UserError("no more", { code: "no_more", metadata: { after } });
    },
    async *large(_c, size: number) {
      yield "small";
      yield "x".repeat(size);
      yield "never";
    },
    made: (c) => c.state.made,
    log: (c) => c.state.log,
    plain: (_c, value: number) => value,
  },
});

type Registry = typeof registry;

/** Calls its peer, which calls back; and passes on what its source streams. */
export const peer = actor({
  state: { log: [] as string[] },
  actions: {
    /** Holds its turn while it waits for what its peer says. */
    ask: {
      concurrency: "exclusive",
      async run(c, other: string, back: "locked" | "free"): Promise<string> {
        const answer: string = await c
          .client<Registry>()
          .peer.getOrCreate(other)
          .callBack(c.key[0] ?? "", back);
        return `asked: ${answer}`;
      },
    },
    callBack: async (c, asker: string, back: "locked" | "free"): Promise<string> => {
      const handle = c.client<Registry>().peer.getOrCreate(asker);
      return back === "locked" ? await handle.locked() : await handle.free();
    },
    /** Calls an actor that waits, and gives that up. */
    async leave(c, key: string, name: string): Promise<void> {
      const controller = new AbortController();
      const handle = c.client<Registry>().patient.getOrCreate(key);
      const call = handle.action({ name: "wait", args: [name], signal: controller.signal });
      while (!(await handle.log()).includes(`+${name}`)) await pause(5);
      controller.abort();
      await call.catch(() => {});
    },
    locked: { concurrency: "exclusive", run: () => "locked" },
    free: () => "free",
    async *relay(c, to: number) {
      try {
        for await (const n of c.client<Registry>().source.getOrCreate(c.key).count(to)) yield n * 10;
      } finally {
        c.state.log.push("finally");
      }
    },
    async *relayForever(c) {
      yield* c.client<Registry>().source.getOrCreate(c.key).forever(10);
    },
    log: (c) => c.state.log,
  },
});

export const registry = setup({
  use: { board, guarded, account, patient, bulk, porter, source, peer },
  maxOutgoingMessageSize: 256 * 1024,
});
