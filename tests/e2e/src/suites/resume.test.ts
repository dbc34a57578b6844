/** Clients that come back to an actor that keeps its events, and to one that does not. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { ClientConfig, Resync } from "@greenroom/client";
import { createClient } from "../harness/client.js";
import { CuttingProxy } from "../harness/cutting-proxy.js";
import { eventually } from "../harness/eventually.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/resume-registry.js";

let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start({ script: join(DIST, "server/resume-main.js") });
});
after(() => server.dispose());

const direct = () => createClient<typeof registry>(server.url);

/** A client behind a proxy that can cut it off. */
async function distant(config: ClientConfig = {}) {
  const proxy = await CuttingProxy.start(server.port);
  const client = createClient<typeof registry>({
    disableMetadataLookup: true,
    ...config,
    endpoint: proxy.url,
  });
  return { proxy, client };
}

/** What can be heard of a connection. */
interface Heard {
  readonly log: string[];
  readonly resyncs: Resync[];
}

interface Audible {
  on(event: "tick" | "tock" | "whisper" | "secret", handler: (text: string) => void): () => void;
  onResync(listener: (resync: Resync) => void): () => void;
}

function listen(conn: Audible, events: readonly ("tick" | "tock" | "whisper" | "secret")[]): Heard {
  const heard: Heard = { log: [], resyncs: [] };
  for (const event of events) conn.on(event, (text) => heard.log.push(`${event} ${text}`));
  conn.onResync((resync) => heard.resyncs.push(resync));
  return heard;
}

const ways: readonly ClientConfig[] = [
  {},
  { encoding: "json" },
  { encoding: "cbor" },
  { transport: "sse" },
  { transport: "sse", encoding: "json" },
];

for (const way of ways) {
  const { encoding = "bare", transport = "websocket" } = way;
  test(`a client gets what it missed, and nothing twice (${transport}, ${encoding})`, async () => {
    const key = `missed-${transport}-${encoding}`;
    const { proxy, client } = await distant(way);
    const speaker = direct().feed.getOrCreate(key);
    const conn = client.feed.getOrCreate(key, { params: { name: "ann" } }).connect();
    await conn.ready;
    await speaker.say("tick", "before");
    const { log, resyncs } = listen(conn, ["tick", "whisper", "secret"]);
    await conn.sync();
    await speaker.say("tick", "1", "2");
    await conn.whisper("psst");
    await eventually(() => assert.equal(log.length, 3));
    proxy.cutAll();
    await speaker.say("tick", "3");
    await speaker.say("tock", "nobody listens");
    await speaker.say("secret", "4");
    await speaker.say("tick", "5");
    await eventually(() => assert.equal(log.length, 6));
    await speaker.say("tick", "6");
    await eventually(() => assert.equal(log.length, 7));
    assert.deepEqual(log, ["tick 1", "tick 2", "whisper psst", "tick 3", "secret 4", "tick 5", "tick 6"]);
    assert.deepEqual(resyncs, []);
  });

  test(`what an actor has forgotten is one resync, before what follows (${transport}, ${encoding})`, async () => {
    const key = `forgotten-${transport}-${encoding}`;
    const { proxy, client } = await distant(way);
    const speaker = direct().short.getOrCreate(key);
    const conn = client.short.getOrCreate(key).connect();
    const { log, resyncs } = listen(conn, ["tick"]);
    conn.onResync(() => log.push("resync"));
    await conn.sync();
    await speaker.say("tick", "1");
    await eventually(() => assert.deepEqual(log, ["tick 1"]));
    proxy.cutAll();
    for (const text of ["2", "3", "4", "5", "6"]) await speaker.say("tick", text);
    await eventually(() => assert.deepEqual(log, ["tick 1", "resync"]));
    await speaker.say("tick", "7");
    await eventually(() => assert.deepEqual(log, ["tick 1", "resync", "tick 7"]));
    assert.deepEqual(resyncs, [{ reason: "expired", from: 1, to: 6 }]);
  });
}
