// Schemas: what clients pass is what they take, what actions and hooks get is what they give.
import { actor, type BeforeActionResponseContextOf, setup } from "rivetkit";
import { createClient } from "rivetkit/client";
import * as v from "valibot";
import { z } from "zod";
import { same } from "./equal.js";

const Move = z.object({ x: z.number().int(), y: z.number().default(0) });

const board = actor({
  connParamsSchema: z.object({ player: z.string(), since: z.string().transform((text) => new Date(text)) }),
  inputSchema: v.object({ size: v.optional(v.number(), 8) }),
  createState: (_c, input) => {
    same<{ size: number }, typeof input>();
    return { size: input.size };
  },
  createConnState: (_c, params) => {
    same<{ player: string; since: Date }, typeof params>();
    return { since: params.since };
  },
  onBeforeConnect: (_c, params) => {
    same<{ player: string; since: Date }, typeof params>();
  },
  onBeforeActionResponse: (c, name, args, output) => {
    same<string, typeof name>();
    same<readonly unknown[], typeof args>();
    same<unknown, typeof output>();
    return c.conn.state.since.getTime() > 0 ? output : undefined;
  },
  actionInputSchemas: {
    move: z.tuple([Move]),
    quick: z.tuple([z.string(), z.number()]),
    admin: { reset: v.tuple([v.pipe(v.string(), v.transform(Number))]) },
    "admin.deep.set": z.tuple([z.coerce.date()]),
    sum: z.array(z.number()),
  },
  actions: {
    move: (c, to) => {
      same<{ x: number; y: number }, typeof to>();
      return c.state.size + to.x;
    },
    quick: {
      concurrency: "exclusive",
      run: (_c, text, count) => {
        same<string, typeof text>();
        same<number, typeof count>();
        return text;
      },
    },
    admin: {
      reset: async (_c, to) => {
        same<number, typeof to>();
        return to;
      },
      plain: (_c, any: boolean) => any,
    },
    sum: (_c, ...all) => {
      same<number[], typeof all>();
      return all.length;
    },
    free: (_c, text: string) => text,
  },
});
const registry = setup({ use: { board } });
const client = createClient<typeof registry>();
const handle = client.board.getOrCreate("k", { params: { player: "p", since: "2020" }, createWithInput: {} });

same<[{ x: number; y?: number | undefined }], Parameters<typeof handle.move>>();
same<Promise<number>, ReturnType<typeof handle.move>>();
same<[string, number], Parameters<typeof handle.quick>>();
same<[string], Parameters<typeof handle.admin.reset>>();
same<Promise<number>, ReturnType<typeof handle.admin.reset>>();
same<[any: boolean], Parameters<typeof handle.admin.plain>>();
same<number[], Parameters<typeof handle.sum>>();
same<[text: string], Parameters<typeof handle.free>>();
void handle.move({ x: 1 });
void handle.action({ name: "move", args: [{ x: 1 }] });
// @ts-expect-error wrong argument
void handle.move({ x: "1" });
// @ts-expect-error wrong parameters
client.board.get("k", { params: { player: 1, since: "2020" } });
// @ts-expect-error what the schema gives is not what it takes
client.board.get("k", { params: { player: "p", since: new Date() } });
// @ts-expect-error wrong input
client.board.getOrCreate("k", { createWithInput: { size: "8" } });
// @ts-expect-error an action that takes something else than its schema gives
actor({ actionInputSchemas: { move: z.tuple([Move]) }, actions: { move: (_c, _to: string) => {} } });
// @ts-expect-error a hook that takes something else than the schema gives
actor({ connParamsSchema: Move, onBeforeConnect: (_c, _params: string) => {} });
// @ts-expect-error not a schema
actor({ actionInputSchemas: { move: 1 }, actions: { move: () => {} } });
// @ts-expect-error no such concurrency
actor({ actions: { wrong: { concurrency: "sometimes", run: () => 1 } } });
// @ts-expect-error no such concurrency
actor({ options: { concurrency: "none" } });

/** A helper that its own definition calls. */
export function log(c: BeforeActionResponseContextOf<typeof board>): string {
  // @ts-expect-error typo
  c.stat;
  return c.conn.params.player;
}

const direct = actor({
  createState: (_c, input: { n: number }) => ({ n: input.n }),
  actionInputSchemas: { add: z.tuple([z.number()]) },
  actions: {
    add: (c, by) => {
      c.state.n += by;
      return c.state.n;
    },
    later: (c) => c.schedule.after(1, "add", 1),
  },
});
const only = createClient<ReturnType<typeof setup<{ direct: typeof direct }>>>().direct.getOrCreate();
same<[number], Parameters<typeof only.add>>();
same<Promise<number>, ReturnType<typeof only.add>>();
