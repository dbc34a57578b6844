/** Several registries in one process, each with a port and a data directory (arguments) of its own. */
import { actor, setup } from "greenroom";
import { createClient } from "greenroom/client";

const started = await Promise.all(
  process.argv.slice(2).map(async (dataDir, n) => {
    const counter = actor({
      state: { count: n * 100 },
      actions: {
        increment: (c) => {
          c.state.count += 1;
          return c.state.count;
        },
      },
    });
    const registry = setup({ use: { counter }, port: 0, dataDir, noWelcome: true });
    const { url } = await registry.start();
    const client = createClient<typeof registry>(url);
    return { registry, client, url };
  }),
);
const counts: number[] = [];
for (const { client } of started) counts.push(await client.counter.getOrCreate("same key").increment());
// They stop one by one, and the others go on.
for (const { registry, client } of started) {
  counts.push(await client.counter.getOrCreate("same key").increment());
  await client.dispose();
  await registry.shutdown();
}
const ports = new Set(started.map(({ url }) => new URL(url).port));
process.stdout.write(`${JSON.stringify({ counts, ports: ports.size })}\n`);
