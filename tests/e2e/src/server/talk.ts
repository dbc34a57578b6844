/**
 * A client, not a server: uses a running one (first argument) over HTTP and a connection in every encoding, and
 * ends by itself. Connections travel as the second argument says, over WebSockets unless it is there. Prints what
 * it saw as JSON.
 */
import { ActorError, createClient } from "@greenroom/client";
import type { registry } from "./registry.js";

const endpoint = process.argv[2] ?? "";
const transport = process.argv[3] === "sse" ? "sse" : "websocket";
const runtime = "Bun" in globalThis ? "bun" : "Deno" in globalThis ? "deno" : process.version;
const seen: Record<string, unknown> = {};

for (const encoding of ["json", "cbor", "bare"] as const) {
  const client = createClient<typeof registry>({ endpoint, encoding, transport });
  const counter = client.counter.getOrCreate(["talk", runtime, encoding, transport]);
  const overHttp = await counter.increment(1);
  const connection = counter.connect();
  const heard = new Promise<number>((resolve) => connection.once("newCount", resolve));
  const overWebSocket = await connection.increment(2);
  const bytes = await connection.echo(new Uint8Array([1, 2, 255]));
  const refusals: unknown[] = [];
  for (const surface of [counter, connection]) {
    await surface.fail().catch((error: unknown) => {
      if (error instanceof ActorError) refusals.push([error.group, error.code, error.metadata]);
    });
  }
  seen[encoding] = {
    overHttp,
    overWebSocket,
    event: await heard,
    bytes: bytes instanceof Uint8Array ? [...bytes] : bytes,
    big: String(await counter.echo(2n ** 70n)),
    refusals,
  };
  await client.dispose();
}
process.stdout.write(`${JSON.stringify({ runtime, seen })}\n`);
