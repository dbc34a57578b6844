// Creation input and connection parameters reach the client.
import { actor, setup } from "rivetkit";
import { createClient } from "rivetkit/client";

const doc = actor({
  createState: (_c, input: { title: string }) => ({ title: input.title }),
  onBeforeConnect: (_c, _params: { token: string }) => {},
  actions: {},
});
const plain = actor({ state: { n: 0 }, actions: {} });
const late = actor({ state: {}, onCreate: (_c, _input: number) => {}, actions: {} });
const registry = setup({ use: { doc, plain, late } });
const client = createClient<typeof registry>();

client.doc.getOrCreate("k", { createWithInput: { title: "t" }, params: { token: "x" } });
client.doc.getOrCreate("k", { getParams: async () => ({ token: "x" }) });
client.doc.get("k", { params: { token: "x" } });
void client.doc.create("k", { input: { title: "t" } });
client.late.getOrCreate("k", { createWithInput: 1 });
client.plain.getOrCreate("k", { params: { anything: true } });
// @ts-expect-error wrong input
client.doc.getOrCreate("k", { createWithInput: { titel: "t" } });
// @ts-expect-error wrong input
void client.doc.create("k", { input: 1 });
// @ts-expect-error wrong input
client.late.getOrCreate("k", { createWithInput: "1" });
// @ts-expect-error wrong parameters
client.doc.get("k", { params: { tokn: "x" } });
// @ts-expect-error wrong parameters
client.doc.getOrCreate("k", { getParams: () => 1 });
// @ts-expect-error no such actor
client.docs.getOrCreate("k");
