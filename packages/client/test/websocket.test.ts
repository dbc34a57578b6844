import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createClient, type Encoding } from "@greenroom/client";
import { ByteWriter, decodeValue, encodeValue, writeMapHead, writeText } from "@greenroom/client/codec";
import { type WebSocket as ServerSocket, WebSocketServer } from "ws";
import { loadCompleteCodec } from "../dist/codec/usual.js";
import { BareReader } from "../dist/protocol/bare.js";
import { FakeServer } from "./support/fake-server.js";

// The server of the test reads values that are not usual.
await loadCompleteCodec();

interface Registry {
  readonly "~actors"?: {
    echo: {
      readonly "~types"?: {
        actions: { say: (c: never, value: unknown) => unknown };
        events: undefined;
        queues: undefined;
        params: unknown;
        input: unknown;
        state: unknown;
        connState: unknown;
      };
    };
  };
}

/** A real server whose one actor sends every argument back, first as an event `said`, then as the reply. */
async function echoServer(): Promise<{ server: FakeServer; sockets: ServerSocket[]; protocols: string[][] }> {
  const server = await FakeServer.start(() => ({ body: "{}" }));
  const sockets: ServerSocket[] = [];
  const protocols: string[][] = [];
  const upgrades = new WebSocketServer({ server: server.server, handleProtocols: () => "rivet" });
  upgrades.on("connection", (socket, request) => {
    const offered = String(request.headers["sec-websocket-protocol"]).split(/, ?/);
    protocols.push(offered);
    sockets.push(socket);
    const encoding = (offered[1] ?? "").replace("rivet_encoding.", "") as Encoding;
    socket.send(serverFrame(encoding, "Init", { actorId: "a", connectionId: `c${sockets.length}` }));
    socket.on("message", (data: Buffer) => {
      const call = readCall(encoding, data);
      if (call === undefined) return;
      socket.send(serverFrame(encoding, "Event", { name: "said", args: call.args }));
      socket.send(serverFrame(encoding, "ActionResponse", { id: BigInt(call.id), output: call.args[0] }));
    });
  });
  return { server, sockets, protocols };
}

function readCall(encoding: Encoding, data: Buffer): { id: number; args: unknown[] } | undefined {
  if (encoding === "bare") {
    const reader = new BareReader(data);
    if (reader.uint() !== 0) return undefined;
    const id = reader.uint();
    reader.str();
    return { id, args: reader.value() as unknown[] };
  }
  const { body } = (encoding === "json" ? JSON.parse(data.toString()) : decodeValue(data, "native")) as {
    body: { tag: string; val: { id: bigint | [string, string]; args: unknown[] } };
  };
  if (body.tag !== "ActionRequest") return undefined;
  const { id, args } = body.val;
  return { id: Number(Array.isArray(id) ? id[1] : id), args };
}

function serverFrame(encoding: Encoding, tag: string, val: Record<string, unknown>): string | Uint8Array {
  const writer = new ByteWriter();
  switch (encoding) {
    case "json":
      return JSON.stringify({ body: { tag, val } }, (_key, value: unknown) =>
        typeof value === "bigint" ? ["$BigInt", String(value)] : value,
      );
    case "cbor":
      writeCbor(writer, tag, val);
      return writer.finish();
    case "bare":
      writeBare(writer, tag, val);
      return writer.finish();
  }
}

/** Ids are 64-bit integers; what users see is in compat form. */
function writeCbor(writer: ByteWriter, tag: string, val: Record<string, unknown>): void {
  writeMapHead(writer, 1);
  writeText(writer, "body");
  writeMapHead(writer, 2);
  writeText(writer, "tag");
  writeText(writer, tag);
  writeText(writer, "val");
  writeMapHead(writer, Object.keys(val).length);
  for (const [key, value] of Object.entries(val)) {
    writeText(writer, key);
    encodeValue(writer, value, key === "id" ? "native" : "compat");
  }
}

function writeBare(writer: ByteWriter, tag: string, val: Record<string, unknown>): void {
  const sized = (bytes: Uint8Array): void => {
    writer.uvarint(bytes.length);
    writer.bytes(bytes);
  };
  const value = (each: unknown): void => {
    const inner = new ByteWriter();
    encodeValue(inner, each, "compat");
    sized(inner.view());
  };
  writer.u16le(4);
  writer.u8(["Init", "Error", "ActionResponse", "Event"].indexOf(tag));
  if (tag === "Init") {
    sized(Buffer.from(String(val.actorId)));
    sized(Buffer.from(String(val.connectionId)));
  } else if (tag === "Event") {
    sized(Buffer.from(String(val.name)));
    value(val.args);
  } else {
    writer.uvarint(Number(val.id));
    value(val.output);
  }
}

describe("over real sockets", () => {
  for (const encoding of ["json", "cbor", "bare"] as const) {
    test(`calls, events, reconnect and dispose in ${encoding}`, async () => {
      const { server, sockets, protocols } = await echoServer();
      const client = createClient<Registry>({ endpoint: server.url, encoding, runtime: { random: () => 0 } });
      const conn = client.echo.getOrCreate("k", { params: { who: "a (b) ü" } }).connect();
      try {
        const seen: unknown[] = [];
        conn.on("said", (value: unknown) => seen.push(value));
        const value = { text: "é".repeat(300), list: [1, 1.5, null, true, ["$x", { deep: [] }]] };
        const reply = await conn.say(value);
        assert.deepStrictEqual([reply, ...seen], [value, value]);
        assert.deepEqual(protocols[0]?.slice(0, 2), ["rivet", `rivet_encoding.${encoding}`]);
        const params = protocols[0]?.[2]?.replace("rivet_conn_params.", "") ?? "";
        assert.deepEqual(JSON.parse(decodeURIComponent(params)), { who: "a (b) ü" });

        const reopened = new Promise<void>((resolve) => {
          conn.onOpen(resolve);
        });
        sockets[0]?.terminate();
        await reopened;
        assert.equal(conn.connectionId, "c2");
        assert.equal(await conn.say("again"), "again");
        const gone = new Promise<number>((resolve) => {
          sockets[1]?.once("close", resolve);
        });
        await client.dispose();
        assert.equal(await gone, 1000);
        assert.equal(conn.connStatus, "idle");
      } finally {
        await client.dispose();
        await server.stop();
      }
    });
  }

  test("a raw socket resolves when open and misses no message", async () => {
    const server = await FakeServer.start(() => ({}));
    const { url: endpoint } = server;
    const paths: (string | undefined)[] = [];
    const upgrades = new WebSocketServer({ server: server.server, handleProtocols: () => "rivet" });
    upgrades.on("connection", (socket, request) => {
      paths.push(request.url);
      socket.send("first");
      socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
    try {
      const client = createClient<Registry>({ endpoint, disableMetadataLookup: true });
      const socket = await client.echo.getForId("i").webSocket("/room/1?v=2");
      const seen: unknown[] = [];
      const done = new Promise<void>((resolve) => {
        socket.addEventListener("message", ({ data }) => {
          seen.push(data);
          if (seen.length === 2) resolve();
        });
      });
      socket.send("second");
      await done;
      assert.deepEqual(seen, ["first", "second"]);
      assert.deepEqual(paths, ["/gateway/i/websocket/room/1?v=2"]);
      socket.close();
    } finally {
      await server.stop();
    }
    const client = createClient<Registry>({ endpoint, disableMetadataLookup: true });
    await assert.rejects(client.echo.getForId("i").webSocket(), {
      group: "client",
      code: "connection_open_failed",
      message: /ECONNREFUSED/,
    });
  });

  test("a server that is down when the connection is made is found when it comes up", async () => {
    const down = await FakeServer.start(() => ({}));
    const { port } = down;
    await down.stop();
    const client = createClient<Registry>({
      endpoint: `http://127.0.0.1:${port}`,
      disableMetadataLookup: true,
    });
    const conn = client.echo.getOrCreate("k").connect();
    try {
      const reply = conn.say("early");
      await new Promise<void>((resolve) => {
        conn.onError((error) => {
          assert.equal(error.code, "connection_open_failed");
          resolve();
        });
      });
      const upgrades = new WebSocketServer({ port, host: "127.0.0.1", handleProtocols: () => "rivet" });
      upgrades.on("connection", (socket) => {
        socket.send(serverFrame("bare", "Init", { actorId: "a", connectionId: "c" }));
        socket.on("message", (data: Buffer) => {
          const call = readCall("bare", data);
          if (call !== undefined)
            socket.send(serverFrame("bare", "ActionResponse", { id: call.id, output: call.args[0] }));
        });
      });
      assert.equal(await reply, "early");
      await client.dispose();
      await new Promise((resolve) => upgrades.close(resolve));
    } finally {
      await client.dispose();
    }
  });
});
