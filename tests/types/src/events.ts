// Events: names and payloads, on the server and on the client.
import { type ActionContextOf, actor, event, setup } from "rivetkit";
import { createClient } from "rivetkit/client";
import { z } from "zod";
import { same } from "./equal.js";

interface Line {
  from: string;
  text: string;
}

declare function choose(): Line | { gone: string };

const room = actor({
  events: {
    line: event<Line>(),
    moved: event<[x: number, y: number]>(),
    list: event<string[]>(),
    nothing: event<[]>(),
    either: event<Line | { gone: string }>(),
    isOn: event<boolean>(),
  },
  onConnect: (_c, conn) => {
    conn.send("moved", 1, 2);
    // @ts-expect-error an event that is not declared
    conn.send("move", 1, 2);
  },
  actions: {
    all(c) {
      c.broadcast("line", { from: "a", text: "b" });
      c.broadcast("moved", 1, 2);
      c.broadcast("list", ["a", "b"]);
      c.broadcast("nothing");
      // What may be any member of a union is sent as it is.
      const either: Line | { gone: string } = choose();
      c.broadcast("either", either);
      c.broadcast("isOn", Math.random() < 0.5);
      // @ts-expect-error payload missing
      c.broadcast("line");
      // @ts-expect-error a member is missing
      c.broadcast("line", { from: "a" });
      // @ts-expect-error too many
      c.broadcast("moved", 1, 2, 3);
      // @ts-expect-error not a list
      c.broadcast("list", "a", "b");
      // @ts-expect-error not declared
      c.broadcast("toString");
    },
  },
});
const free = actor({
  actions: {
    any(c) {
      c.broadcast("whatever", 1, "two", { three: 3 });
      // @ts-expect-error the name is a string
      c.broadcast(1);
    },
  },
});
const registry = setup({ use: { room, free } });
const client = createClient<typeof registry>();
const conn = client.room.getOrCreate().connect();
conn.on("line", (line) => same<typeof line, Line>());
conn.on("moved", (x, y) => same<[typeof x, typeof y], [number, number]>());
conn.on("list", (list) => same<typeof list, string[]>());
conn.on("either", (either) => same<typeof either, Line | { gone: string }>());
// @ts-expect-error not declared
conn.on("lines", () => {});
client.free
  .getOrCreate()
  .connect()
  .on("whatever", (_n: number, _text: string) => {});

// A schema gives the payload its type.
const point = {
  "~standard": {
    version: 1 as const,
    vendor: "test",
    validate: (value: unknown) => ({ value: value as { x: number } }),
    types: undefined as { input: unknown; output: { x: number } } | undefined,
  },
};
actor({
  events: { point: event({ schema: point }) },
  actions: {
    send(c) {
      c.broadcast("point", { x: 1 });
      // @ts-expect-error not what the schema gives
      c.broadcast("point", { y: 1 });
    },
  },
});

// What a schema makes of a payload is heard; what it takes is sent.
const clock = actor({
  events: {
    struck: event({ schema: z.object({ at: z.string().transform((text) => new Date(text)) }) }),
    counted: event({ schema: z.coerce.number() }),
    moved: event({ schema: z.tuple([z.number(), z.string().default("")]) }),
    named: event<number>({ schema: z.coerce.number(), canSubscribe: () => true }),
    // What is kept of an event for slow clients is said by what clients get.
    passed: event<{ hour: number; by: string }>({ whenSlow: { coalesceBy: ({ by }) => by } }),
    turned: event<[hand: "long" | "short", by: number]>({ whenSlow: { coalesceBy: (_hand, by) => by } }),
    zoned: event({
      schema: z.object({ zone: z.string().transform((zone) => ({ name: zone })) }),
      whenSlow: { coalesceBy: ({ zone }) => zone.name },
    }),
    wound: event<number>({ whenSlow: "coalesce" }),
    // @ts-expect-error there is no such policy
    stopped: event<number>({ whenSlow: "forget" }),
    // @ts-expect-error neither a string nor a number
    started: event<{ by: object }>({ whenSlow: { coalesceBy: ({ by }) => by } }),
  },
  onConnect: (_c, conn) => conn.send("struck", { at: "now" }),
  actions: {
    strike(c) {
      c.broadcast("struck", { at: "2026-01-01" });
      // @ts-expect-error the schema takes text
      c.broadcast("struck", { at: new Date() });
      // @ts-expect-error a schema that takes anything is sent what it gives
      c.broadcast("counted", "1");
      c.broadcast("counted", 1);
      c.broadcast("moved", 1, undefined);
      c.broadcast("named", 1);
      strikeOnce(c);
    },
  },
});
function strikeOnce(c: ActionContextOf<typeof clock>): void {
  c.broadcast("struck", { at: "2026-01-01" });
  // @ts-expect-error the schema takes text
  c.broadcast("struck", { at: new Date() });
}
const clocks = setup({ use: { clock } });
const hands = createClient<typeof clocks>().clock.getOrCreate().connect();
hands.on("struck", (struck) => same<typeof struck, { at: Date }>());
hands.on("counted", (count) => same<typeof count, number>());
hands.on("moved", (by, name) => same<[typeof by, typeof name], [number, string]>());
hands.on("named", (count) => same<typeof count, number>());
