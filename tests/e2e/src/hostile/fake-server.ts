/** A server that says what it is told to, as bytes, for clients that have to bear it. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { decodeValue } from "@greenroom/client/codec";
import { BareReader, data, text, uint } from "../bad-input/bare.js";
import { frame } from "../bad-input/wire.js";

export type Encoding = "json" | "cbor" | "bare";

/** An answer to a call over HTTP. */
export interface FakeAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Uint8Array;
}

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const ACTOR = "a".repeat(32);

/** See the top of the file. What it says depends on the key of the actor that is asked for. */
export class FakeServer {
  readonly url: string;
  /** Calls over HTTP, by the keys of their actors. */
  readonly answers = new Map<string, FakeAnswer>();
  /** What first sockets get right behind `Init`, as bytes of the stream. */
  readonly onSocket = new Map<string, Buffer>();
  /** What first event streams get right behind `Init`. */
  readonly onStream = new Map<string, Buffer>();
  readonly #server: Server;
  /** The keys of actors for which something of that was said. */
  readonly met = new Set<string>();
  /** Event streams in BARE, by the ids of their connections. */
  readonly #streams = new Map<string, ServerResponse>();
  readonly #open = new Set<Duplex>();

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("request", (request, response) => this.#request(request, response));
    server.on("upgrade", (request, socket) => this.#upgrade(request, socket));
    server.on("connection", (socket) => {
      this.#open.add(socket);
      socket.on("close", () => this.#open.delete(socket));
    });
  }

  static async start(): Promise<FakeServer> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new FakeServer(server);
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#open) socket.destroy();
  }

  #request(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, key } = parse(request);
    if (pathname.startsWith("/connections/")) {
      void this.#receive(request, response, pathname.split("/")[2] ?? "");
      return;
    }
    request.resume();
    if (pathname.endsWith("/sse")) {
      this.#stream(response, key);
      return;
    }
    this.met.add(key);
    const { status = 200, headers = {}, body = "{}" } = this.answers.get(key) ?? {};
    response.writeHead(status, headers as Record<string, string>).end(body);
  }

  #stream(response: ServerResponse, key: string): void {
    const id = `connection-${this.#streams.size}`;
    this.#streams.set(id, response);
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(`id: 1\ndata: ${base64(init("bare", id))}\n\n`);
    const first = !this.met.has(key);
    this.met.add(key);
    if (first) response.write(this.onStream.get(key) ?? "");
  }

  async #receive(request: IncomingMessage, response: ServerResponse, connection: string): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const body = Buffer.concat(pieces);
    response.writeHead(202).end();
    for (let at = 0; at < body.length; at += 4 + body.readUInt32BE(at)) {
      const id = idOf("bare", body.subarray(at + 4, at + 4 + body.readUInt32BE(at)));
      const said = id === undefined ? "" : `id: 2\ndata: ${base64(pong("bare", id))}\n\n`;
      this.#streams.get(connection)?.write(said);
    }
  }

  #upgrade(request: IncomingMessage, socket: Duplex): void {
    const { key } = parse(request);
    socket.on("error", () => {});
    const protocols = String(request.headers["sec-websocket-protocol"]);
    const encoding = (/rivet_encoding\.(\w+)/.exec(protocols)?.[1] ?? "json") as Encoding;
    const accept = createHash("sha1")
      .update(`${request.headers["sec-websocket-key"]}${GUID}`)
      .digest("base64");
    socket.write(
      "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n" +
        `sec-websocket-protocol: rivet\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
    );
    socket.write(message(init(encoding)));
    if (!this.met.has(key)) socket.write(this.onSocket.get(key) ?? Buffer.alloc(0));
    this.met.add(key);
    const requests = new Requests(() => socket.end());
    socket.on("data", (bytes: Buffer) => {
      for (const each of requests.push(bytes)) {
        const id = idOf(encoding, each);
        if (id !== undefined) socket.write(message(pong(encoding, id)));
      }
    });
  }
}

function parse(request: IncomingMessage) {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://server");
  return {
    pathname,
    key: searchParams.get("rvt-key-storage") ?? "",
  };
}

const base64 = (payload: string | Uint8Array): string => Buffer.from(payload).toString("base64");

/** A message of a server's in one frame. */
export function message(payload: string | Uint8Array): Buffer {
  const opcode = typeof payload === "string" ? 1 : 2;
  return frame({ opcode, payload: Buffer.from(payload), masked: false });
}

/** `Init` in an encoding. */
export function init(encoding: Encoding, connectionId = "connection"): string | Uint8Array {
  const val = { actorId: ACTOR, connectionId, connectionToken: "token" };
  if (encoding === "json") return JSON.stringify({ body: { tag: "Init", val } });
  if (encoding === "bare")
    return Uint8Array.from([4, 0, 0, ...text(ACTOR), ...text(connectionId), ...text("token")]);
  const fields = Object.entries(val).flatMap(([name, value]) => [...cborText(name), ...cborText(value)]);
  return Uint8Array.from([
    ...[0xa1, ...cborText("body"), 0xa2, ...cborText("tag"), ...cborText("Init"), ...cborText("val"), 0xa3],
    ...fields,
  ]);
}

/** The answer `"pong"`. */
function pong(encoding: Encoding, id: number): string | Uint8Array {
  const val = { id: ["$BigInt", String(id)], output: "pong" };
  if (encoding === "json") return JSON.stringify({ body: { tag: "ActionResponse", val } });
  if (encoding === "bare") return Uint8Array.from([4, 0, 2, ...uint(id), ...data(cborText("pong"))]);
  return Uint8Array.from([
    ...[
      0xa1,
      ...cborText("body"),
      0xa2,
      ...cborText("tag"),
      ...cborText("ActionResponse"),
      ...cborText("val"),
      0xa2,
    ],
    ...[...cborText("id"), ...cborUint(id), ...cborText("output"), ...cborText("pong")],
  ]);
}

/** A text in CBOR. */
export function cborText(value: string): number[] {
  const bytes = Buffer.from(value);
  const head = bytes.length < 24 ? [0x60 | bytes.length] : [0x78, bytes.length];
  return [...head, ...bytes];
}

function cborUint(value: number): number[] {
  return value < 24 ? [value] : [0x19, value >> 8, value & 0xff];
}

/** The id of a call, if it is one. */
function idOf(encoding: Encoding, payload: Buffer): number | undefined {
  if (encoding === "bare") {
    const reader = new BareReader(payload.subarray(2));
    return reader.uint() === 0 ? reader.uint() : undefined;
  }
  const decoded = encoding === "json" ? JSON.parse(payload.toString()) : decodeValue(payload, "native");
  const { tag, val } = (decoded as { body: { tag: string; val: { id: unknown } } }).body;
  if (tag !== "ActionRequest") return undefined;
  return Number(Array.isArray(val.id) ? val.id[1] : val.id);
}

/** Takes the payloads of a client's data frames, which are short and whole, out of its bytes. */
class Requests {
  #bytes = Buffer.alloc(0);
  readonly #onClose: () => void;

  /** @param onClose Called for an answer to a close that names an error: the others are left to wait. */
  constructor(onClose: () => void) {
    this.#onClose = onClose;
  }

  push(bytes: Buffer): Buffer[] {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    const all: Buffer[] = [];
    for (;;) {
      const [head = 0, short = 0] = this.#bytes;
      const start = 6 + ((short & 0x7f) === 126 ? 2 : 0);
      if (this.#bytes.length < start) return all;
      const length = (short & 0x7f) === 126 ? this.#bytes.readUInt16BE(2) : short & 0x7f;
      if (this.#bytes.length < start + length) return all;
      const mask = this.#bytes.subarray(start - 4, start);
      const payload = Buffer.from(this.#bytes.subarray(start, start + length));
      for (let at = 0; at < length; at++) payload[at] = (payload[at] ?? 0) ^ (mask[at % 4] ?? 0);
      this.#bytes = this.#bytes.subarray(start + length);
      if ((head & 0x0f) === 8 && payload.length >= 2 && payload.readUInt16BE(0) === 1011) this.#onClose();
      if ((head & 0x0f) === 1 || (head & 0x0f) === 2) all.push(payload);
    }
  }
}
