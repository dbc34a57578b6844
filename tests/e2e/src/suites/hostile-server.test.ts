/** Our client with a server that means no good: every call settles, nothing is unhandled, and the next socket works. */

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ActorError, type Client, type ClientConfig } from "@greenroom/client";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { FakeServer } from "../hostile/fake-server.js";
import { ANSWERS, EVENT_STREAM_CASES, SOCKET_CASES, type StreamCase } from "../hostile/server-cases.js";

interface Registry {
  readonly "~actors"?: {
    echo: {
      readonly "~types"?: {
        actions: { ping: (c: never) => string };
        events: { n: { payload: unknown } };
        queues: undefined;
        params: unknown;
        input: unknown;
        state: unknown;
        connState: unknown;
      };
    };
  };
}

let server: FakeServer;
const unhandled: unknown[] = [];
const note = (error: unknown) => unhandled.push(error);
before(async () => {
  process.on("unhandledRejection", note);
  process.on("uncaughtException", note);
  server = await FakeServer.start();
});
after(() => {
  server.close();
  process.off("unhandledRejection", note);
  process.off("uncaughtException", note);
});

/** Comes back at once, so that the next socket is soon there. */
const clientFor = (config: ClientConfig): Client<Registry> =>
  createClient<Registry>({ endpoint: server.url, disableMetadataLookup: true, ...config });

describe("sockets", { concurrency: 16 }, () => {
  SOCKET_CASES.forEach(({ what, encoding, bytes }: StreamCase, index) => {
    test(`${encoding}: ${what}`, async (t) => {
      const key = `socket-${index}`;
      server.onSocket.set(key, bytes);
      const client = clientFor({ encoding, transport: "websocket" });
      t.after(() => client.dispose());
      const connection = client.echo.getOrCreate(key).connect();
      const errors: unknown[] = [];
      connection.onError((error) => errors.push(error));
      await eventually(async () => assert.equal(await connection.ping(), "pong"));
      assert.ok(server.met.has(key));
      for (const error of errors) assert.ok(error instanceof ActorError, String(error));
    });
  });
});

describe("event streams", { concurrency: 16 }, () => {
  EVENT_STREAM_CASES.forEach(({ what, bytes }, index) => {
    test(what, async (t) => {
      const key = `stream-${index}`;
      server.onStream.set(key, bytes);
      const client = clientFor({ encoding: "bare", transport: "sse" });
      t.after(() => client.dispose());
      const connection = client.echo.getOrCreate(key).connect();
      const errors: unknown[] = [];
      connection.onError((error) => errors.push(error));
      await eventually(async () => assert.equal(await connection.ping(), "pong"));
      assert.ok(server.met.has(key));
      for (const error of errors) assert.ok(error instanceof ActorError, String(error));
    });
  });
});

describe("answers", () => {
  ANSWERS.forEach(([what, answer], index) => {
    test(what, async (t) => {
      const key = `answer-${index}`;
      server.answers.set(key, answer);
      const client = clientFor({ encoding: "bare" });
      t.after(() => client.dispose());
      await assert.rejects(
        client.echo.getOrCreate(key).ping(),
        (error) => error instanceof ActorError && error.group === "client",
      );
      assert.ok(server.met.has(key));
    });
  });
});

test("nothing went unhandled, and nobody's objects changed", () => {
  assert.deepEqual(unhandled, []);
  assert.equal(({} as { tag?: unknown }).tag, undefined);
});
