/** The gallery: all examples, each the program that its own `npm start` would start, and one page for them. */
import { fileURLToPath } from "node:url";
import { killToken } from "./kill-token.js";
import { registry, stage } from "./registry.js";
import { dataDir, firstPort } from "./settings.js";
import { readCatalog } from "./stage/catalog.js";

let isEnding = false;

/** Ends the examples, then the gallery. A second signal does not wait: the examples notice that it is gone. */
async function end(): Promise<void> {
  if (isEnding) process.exit(1);
  isEnding = true;
  await stage.close();
  await registry.shutdown();
  process.exit(0);
}

async function start(): Promise<void> {
  const examples = await readCatalog(fileURLToPath(new URL("../..", import.meta.url)), "gallery");
  const { url, host, port } = await registry.start();
  process.on("SIGINT", () => void end());
  process.on("SIGTERM", () => void end());
  await stage.open(examples, { host, firstPort: firstPort(port), dataDir });
  console.log(
    `The gallery of ${examples.length} examples: ${url}/#${killToken} (process ${process.pid})\n  data: ${dataDir}`,
  );
}

start().catch((error: Error) => {
  console.error(error.message);
  process.exit(1);
});
