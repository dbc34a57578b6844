/** Ways to serve and to test: checked options, and clients that know their registry. */
import { actor, type FetchHandler, setup } from "greenroom";
import { setupTest } from "greenroom/test";
import { same } from "./equal.js";

const counter = actor({ state: { n: 0 }, actions: { add: (c, by: number) => (c.state.n += by) } });
const registry = setup({ use: { counter }, basePath: "/actors", envoy: { version: 3 } });

export async function serves(request: Request): Promise<void> {
  const response = await registry.handler(request);
  same<typeof response, Response>();
  const handlers: FetchHandler = registry.serve();
  same<ReturnType<typeof handlers.fetch>, Promise<Response>>();
  const { url } = await registry.listen({ port: 3000, publicDir: "public" });
  same<typeof url, string>();
  // @ts-expect-error a typing mistake
  await registry.listen({ prot: 3000 });
  // @ts-expect-error a port is a number
  await registry.listen({ port: "3000" });
  const sum = await registry.client().counter.getOrCreate("a").add(1);
  same<typeof sum, number>();
  // @ts-expect-error no such actor
  registry.client().conuter.getOrCreate("a");
  // @ts-expect-error the argument is a number
  await registry.client().counter.getOrCreate("a").add("1");
}

export function refuses(): void {
  setup({ use: { counter }, allowedHosts: [".example.com"], allowedOrigins: ["https://example.com"] });
  setup({ use: { counter }, rateLimit: { creationsPerMinute: 10, connections: 5 } });
  // @ts-expect-error a list of hosts
  setup({ use: { counter }, allowedHosts: "example.com" });
  // @ts-expect-error a typing mistake
  setup({ use: { counter }, allowedOrigin: ["https://example.com"] });
  // @ts-expect-error a typing mistake
  setup({ use: { counter }, rateLimit: { connectoins: 5 } });
  // @ts-expect-error there is no other core
  setup({ use: { counter }, runtime: "wasm" });
  // @ts-expect-error a typing mistake
  setup({ use: { counter }, basePth: "/x" });
}

export async function tests(t: { after(work: () => Promise<void>): void }): Promise<void> {
  const { client, clock, crash, restart } = await setupTest(t, registry, { now: new Date(0) });
  const handle = client.counter.getOrCreate("a");
  const sum = await handle.add(1);
  same<typeof sum, number>();
  // @ts-expect-error no such action
  await handle.ad(1);
  const { createClient, registry: own } = await setupTest(t, registry);
  for (const each of [createClient({ token: "t", encoding: "json" }), createClient(), own.client()]) {
    const n = await each.counter.getOrCreate("a").add(1);
    same<typeof n, number>();
    // @ts-expect-error no such actor
    each.count;
  }
  // @ts-expect-error it goes to the registry of the test
  createClient({ endpoint: "http://localhost" });
  const now: number = clock.now();
  await clock.advance(now);
  await crash();
  await crash(handle);
  await restart();
  // @ts-expect-error no context of a test
  await setupTest({}, registry);
  // @ts-expect-error no registry
  await setupTest(t, counter);
}
