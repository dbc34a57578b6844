// What `c.kv` gives depends on what is asked for, and nothing about it is `any`.
import { actor } from "rivetkit";
import { same } from "./equal.js";

actor({
  createState: async (c) => {
    same<string | null, Awaited<ReturnType<typeof c.kv.get<"text">>>>();
    return { first: await c.kv.get("first") };
  },
  actions: {
    async read(c) {
      same<typeof c.state.first, string | null>();
      const text = await c.kv.get("a");
      same<typeof text, string | null>();
      const bytes = await c.kv.get("a", { type: "binary" });
      same<typeof bytes, Uint8Array | null>();
      const buffer = await c.kv.get(Uint8Array.of(1), { type: "arrayBuffer" });
      same<typeof buffer, ArrayBuffer | null>();
      const batch = await c.kv.batchGet(["a", Uint8Array.of(1)]);
      same<typeof batch, (Uint8Array | null)[]>();
      const texts = await c.kv.batchGet(["a"], { type: "text" });
      same<typeof texts, (string | null)[]>();
      const pairs = await c.kv.list();
      same<typeof pairs, [key: string, value: string][]>();
      const raw = await c.kv.listRange("a", "b", { type: "arrayBuffer", keyType: "binary", limit: 1 });
      same<typeof raw, [key: Uint8Array, value: ArrayBuffer][]>();
      const prefixed = await c.kv.listPrefix("a", { keyType: "binary", reverse: true });
      same<typeof prefixed, [key: Uint8Array, value: string][]>();
      // @ts-expect-error there may be no such pair
      text.length;
      // @ts-expect-error no such type
      await c.kv.get("a", { type: "json" });
      // @ts-expect-error keys are never given as buffers
      await c.kv.list("a", { keyType: "arrayBuffer" });
      // @ts-expect-error no such option
      await c.kv.get("a", { typ: "text" });
      // @ts-expect-error options of a list only
      await c.kv.get("a", { limit: 1 });
      // @ts-expect-error no such method
      c.kv.set;
    },
    async write(c, bytes: Uint8Array) {
      await c.kv.put("a", "text");
      await c.kv.put(bytes, bytes);
      await c.kv.put("a", new ArrayBuffer(1), { type: "arrayBuffer" });
      await c.kv.batchPut([
        ["a", bytes],
        [bytes, "text"],
      ]);
      const done = await c.kv.deleteRange("a", bytes);
      same<typeof done, void>();
      // @ts-expect-error numbers are not stored
      await c.kv.put("a", 1);
      // @ts-expect-error not what the type says
      await c.kv.put("a", "text", { type: "binary" });
      // @ts-expect-error a pair has a value
      await c.kv.batchPut([["a"]]);
      return done;
    },
  },
});
