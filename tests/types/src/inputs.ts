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
// @ts-expect-error an actor whose definition asks for input is not created without
void client.doc.create("k");
// @ts-expect-error nor with other options alone
void client.doc.create("k", { region: "eu" });
// One that exists needs none.
client.doc.getOrCreate("k");
// @ts-expect-error the name that `create` has for it
client.doc.getOrCreate("k", { input: { title: "t" } });
// @ts-expect-error the name that `getOrCreate` has for it
void client.doc.create("k", { createWithInput: { title: "t" } });
// @ts-expect-error the name that `create` has for it
client.doc.getOrCreate("k", { region: "eu" });
// @ts-expect-error the name that `getOrCreate` has for it
void client.doc.create("k", { input: { title: "t" }, createInRegion: "eu" });
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
