// Results that stream: items on the client, and a promise of them.
import { actor, setup } from "rivetkit";
import { createClient } from "rivetkit/client";
import { same } from "./equal.js";

const model = actor({
  state: { seen: 0 },
  actions: {
    async *generate(c, prompt: string) {
      c.state.seen += 1;
      yield { token: prompt };
    },
    async later(_c): Promise<AsyncIterable<number>> {
      return (async function* () {
        yield 1;
      })();
    },
    locked: {
      concurrency: "exclusive",
      run: async function* (_c, text: string) {
        yield text;
      },
    },
    plain: () => 1,
    anything: (): unknown => 1,
    never: (): never => {
      throw new Error("never");
    },
  },
});
const registry = setup({ use: { model } });
const handle = createClient<typeof registry>().model.getOrCreate();
const connection = handle.connect();

for await (const item of handle.generate("a")) same<{ token: string }, typeof item>();
for await (const item of connection.later()) same<number, typeof item>();
for await (const item of connection.locked("a")) same<string, typeof item>();
for await (const item of handle.action({ name: "generate", args: ["a"] }))
  same<{ token: string }, typeof item>();
const begun = await handle.generate("a");
same<AsyncIterable<{ token: string }>, typeof begun>();
same<Promise<number>, ReturnType<typeof handle.plain>>();
same<Promise<unknown>, ReturnType<typeof handle.anything>>();
same<Promise<never>, ReturnType<typeof handle.never>>();
// @ts-expect-error no such argument
handle.generate(1);
// @ts-expect-error not a stream
for await (const _item of handle.plain()) {
}
