/**
 * A client, not a server: uses a running one (argument) over HTTP and WebSocket in every encoding, and ends by
 * itself. Prints what it saw as JSON.
 */
import { ActorError, createClient } from "@greenroom/client";
import type { registry } from "./registry.js";

const endpoint = process.argv[2] ?? "";
const runtime = "Bun" in globalThis ? "bun" : "node";
const seen: Record<string, unknown> = {};

for (const encoding of ["json", "cbor", "bare"] as const) {
  const client = createClient<typeof registry>({ endpoint, encoding });
  const counter = client.counter.getOrCreate(["talk", runtime, encoding]);
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
