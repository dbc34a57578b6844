/** Actors without state, and with state of every kind, for the suite about state. */

import { actor, setup } from "greenroom";
import * as v from "valibot";
import { serve } from "./serve.js";

/** Has nothing but actions. */
export const bare = actor({
  actions: {
    add: (_c, a: number, b: number) => a + b,
    /** Reads or writes what its definition does not have. */
    touch: (c, what: "state" | "vars" | "db", write: boolean): unknown => {
      const loose = c as unknown as Record<string, unknown>;
      if (write) loose[what] = 1;
      return loose[what];
    },
    connState: (c): unknown => c.conn.state,
  },
});

interface Shape {
  list: number[];
  map: Map<string, { n: number }>;
  set: Set<number>;
  when: Date;
  bytes: Uint8Array;
  big: bigint;
}

/** Is changed in place, in every way. */
export const shapes = actor({
  createState: (): Shape => ({
    list: [3, 1, 2],
    map: new Map([["a", { n: 1 }]]),
    set: new Set([1]),
    when: new Date(0),
    bytes: new Uint8Array(4),
    big: 1n,
  }),
  actions: {
    change(c) {
      const { list, map, set, when, bytes } = c.state;
      list.sort();
      list.push(list.length + 1);
      const entry = map.get("a");
      if (entry !== undefined) entry.n += 1;
      map.set(`b${map.size}`, { n: 0 });
      set.add(set.size + 1);
      when.setTime(when.getTime() + 1_000);
      bytes[1] = (bytes[1] ?? 0) + 1;
      c.state.big *= 2n;
    },
    replace(c) {
      c.state = { ...c.state, list: [] };
    },
    read: (c) => c.state,
    nap: (c) => c.sleep(),
  },
});

const Settings = v.object({
  volume: v.optional(v.pipe(v.unknown(), v.transform(Number), v.number()), 5),
  name: v.optional(v.string(), "nobody"),
});

/** Brings its state into shape at every wake, whatever an action has made of it. */
export const settings = actor({
  createState: (): v.InferOutput<typeof Settings> => v.parse(Settings, {}),
  onWake: (c) => {
    c.state = v.parse(Settings, c.state);
  },
  actions: {
    spoil: (c, state: unknown) => {
      c.state = state as typeof c.state;
    },
    read: (c) => c.state,
    nap: (c) => c.sleep(),
  },
});

export const registry = setup({ use: { bare, shapes, settings } });
await serve(registry);
