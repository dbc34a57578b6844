/** Actors with key-value pairs, for the suite about them. */

import { ActorError, actor, setup } from "greenroom";

type Bytes = Uint8Array | string;
const textOf = (value: Bytes | ArrayBuffer | null) =>
  typeof value === "string" || value === null ? value : Buffer.from(new Uint8Array(value)).toString("latin1");

/** Everything that `c.kv` can do, by remote control. */
export const shelf = actor({
  state: { puts: 0 },
  options: { sleepTimeout: 5_000 },
  actions: {
    put: (c, key: Bytes, value: Bytes | ArrayBuffer) => c.kv.put(key, value),
    async putAs(c, key: Bytes, value: Bytes | ArrayBuffer, type: "text" | "binary" | "arrayBuffer") {
      await c.kv.put(key, value, { type });
    },
    get: (c, key: Bytes) => c.kv.get(key),
    getAs: (c, key: Bytes, type: "text" | "binary" | "arrayBuffer") => c.kv.get(key, { type }),
    delete: (c, key: Bytes) => c.kv.delete(key),
    batchPut: (c, entries: [Bytes, Bytes | ArrayBuffer][]) => c.kv.batchPut(entries),
    batchGet: async (c, keys: Bytes[]) => (await c.kv.batchGet(keys)).map(textOf),
    batchGetTexts: (c, keys: Bytes[]) => c.kv.batchGet(keys, { type: "text" }),
    batchDelete: (c, keys: Bytes[]) => c.kv.batchDelete(keys),
    deleteRange: (c, start: Bytes, end: Bytes) => c.kv.deleteRange(start, end),
    list: (c, prefix?: Bytes, options?: { reverse?: boolean; limit?: number }) => c.kv.list(prefix, options),
    listPrefix: (c, prefix: Bytes) => c.kv.listPrefix(prefix),
    listRange: (c, start: Bytes, end: Bytes, options?: { reverse?: boolean; limit?: number }) =>
      c.kv.listRange(start, end, options),
    listBytes: async (c, prefix: Bytes) => {
      const pairs = await c.kv.list(prefix, { type: "binary", keyType: "binary" });
      return pairs.map(([key, value]) => [textOf(key), textOf(value)]);
    },
    fill: async (c, count: number, prefix: string) => {
      for (let i = 0; i < count; i++) void c.kv.put(`${prefix}${String(i).padStart(5, "0")}`, String(i));
    },
    fillLarge(c, count: number) {
      const value = new Uint8Array(131_072).fill(7);
      for (let i = 0; i < count; i++) void c.kv.put(String(i), value);
      return count;
    },
    countBytes: async (c) => {
      const pairs = await c.kv.list("", { type: "arrayBuffer" });
      return pairs.reduce((sum, [, value]) => sum + value.byteLength, 0);
    },
    count: async (c, prefix: string) => (await c.kv.list(prefix)).length,
    /** In the same turn: neither is there without the other. */
    async both(c, text: string) {
      c.state.puts += 1;
      await c.kv.put("both", text);
      return c.state.puts;
    },
    read: async (c) => {
      const { puts } = c.state;
      return { puts, both: await c.kv.get("both") };
    },
    async failAfter(c, key: string) {
      void c.kv.put(key, "kept");
      throw new Error("it fails");
    },
    /** Whatever it is, to `c.kv` as it came. */
    wrong: (
      c,
      method: "get" | "put" | "batchPut" | "batchGet" | "list" | "deleteRange",
      ...args: unknown[]
    ) => {
      const call = c.kv[method] as (...args: unknown[]) => unknown;
      return call.apply(c.kv, args);
    },
    async ordered(c) {
      const before = c.kv.get("x");
      void c.kv.put("x", "1");
      const between = c.kv.get("x");
      void c.kv.delete("x");
      void c.kv.put("y", "2");
      return [await before, await between, ...(await c.kv.list())];
    },
    nap: (c) => c.sleep(),
    end: (c) => c.destroy(),
  },
});

/** Has room for little. */
export const box = actor({
  options: { maxKvSize: 100_000 },
  actions: {
    async fillUp(c, key: string) {
      try {
        await c.kv.put(key, new Uint8Array(60_000));
        return "put";
      } catch (error) {
        if (!(error instanceof ActorError)) throw error;
        return `${error.group}.${error.code}: ${error.message}`;
      }
    },
    has: async (c, key: string) => (await c.kv.get(key, { type: "binary" })) !== null,
    delete: (c, key: string) => c.kv.delete(key),
    nap: (c) => c.sleep(),
  },
});

/** Uses pairs in every hook, and tells of it in the next life. */
export const diary = actor({
  createState: async (c, input: string | undefined) => {
    await c.kv.put("0 createState", input ?? "no input");
    return { first: await c.kv.get("0 createState") };
  },
  createVars: async (c) => ({ pairs: (await c.kv.list()).length }),
  onCreate: async (c) => {
    await c.kv.put("1 onCreate", String((await c.kv.list()).length));
  },
  onWake: async (c) => {
    await c.kv.put("2 onWake", String(c.vars.pairs));
  },
  onSleep: async (c) => {
    await c.kv.put("5 onSleep", (await c.kv.get("2 onWake")) ?? "nothing");
  },
  onDestroy: async (c) => {
    await c.kv.put("6 onDestroy", "");
    console.error(`destroyed with ${(await c.kv.list()).length} pairs`);
  },
  onBeforeConnect: async (c) => {
    await c.kv.put("3 onBeforeConnect", (await c.kv.get("2 onWake")) ?? "nothing");
  },
  onDisconnect: (c) => {
    void c.kv.put("4 onDisconnect", "");
  },
  options: { sleepTimeout: 5_000 },
  actions: {
    read: async (c) => ({ first: c.state.first, pairs: await c.kv.list() }),
    nap: (c) => c.sleep(),
    end: (c) => c.destroy(),
    /** Goes on when the actor has long stopped, and reports on the console. */
    outlive(c) {
      const go = async (): Promise<void> => {
        try {
          await c.kv.get("x");
          setTimeout(go, 5);
        } catch (error) {
          console.error(`outlived: ${(error as ActorError).group}.${(error as ActorError).code}`);
        }
      };
      void go();
    },
  },
});

/** Stores nothing before it has to. */
export const relaxed = actor({
  state: { puts: 0 },
  options: { durability: "ephemeral", stateSaveInterval: 50 },
  actions: {
    put: (c, key: string) => c.kv.put(key, "there"),
    get: (c, key: string) => c.kv.get(key),
  },
});

export const registry = setup({ use: { shelf, box, diary, relaxed }, maxIncomingMessageSize: 4_000_000 });
