/** A program in one file: registry, start, and what follows it. */

import { threadId } from "node:worker_threads";
import { actor, setup } from "greenroom";

const placed = actor({ actions: { where: () => threadId } });
const registry = setup({ use: { placed }, port: 0, noWelcome: true, workers: 3 });
process.stdout.write(`loaded on ${threadId}\n`);
const { url } = await registry.start();
process.stdout.write(`started on ${threadId} ${url}\n`);
const seen = new Set<number>();
for (let n = 0; seen.size < 3; n++) seen.add(await registry.client().placed.getOrCreate(`${n}`).where());
process.stdout.write(`threads ${seen.size}\n`);
await registry.shutdown();
process.stdout.write(`ended on ${threadId}\n`);
