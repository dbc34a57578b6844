import { once } from "node:events";
import { createServer } from "node:net";

/** What the engine listens on, counted from its first port: clients, its own interface, metrics. */
const OFFSETS = [0, 1, 10];
const TRIES = 50;

/** A port that the engine can be given, with those that it takes beside it. */
export async function freePort() {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const first = await listenBriefly(0);
    const others = await Promise.all(OFFSETS.slice(1).map((offset) => listenBriefly(first + offset)));
    if (first !== undefined && others.every((port) => port !== undefined)) return first;
  }
  throw new Error(`no free ports for the engine after ${TRIES} tries`);
}

/** The port, or any one for 0, if it is free. */
async function listenBriefly(port) {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  } catch {
    return undefined;
  }
  const { port: found } = server.address();
  server.close();
  await once(server, "close");
  return found;
}
