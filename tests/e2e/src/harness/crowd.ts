/**
 * Many WebSockets in one process: plain sockets that know just enough of the protocol to be let in, to subscribe and to
 * read events, and that cost little while they are idle. They answer pings.
 */

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as path, type QueryChanges } from "../bad-input/urls.js";

const TEXT = 0x81;
const CLOSE = 0x88;
const PING = 0x89;
const PONG = 0x8a;

/** One of many. */
export class Member {
  readonly #socket: Socket;
  #rest: Buffer = Buffer.alloc(0);
  #isOpen = false;
  #heard: (message: string) => void = () => {};
  /** The code with which the server closed it. */
  closeCode: number | undefined;

  private constructor(port: number) {
    this.#socket = connect(port, "127.0.0.1");
    this.#socket.on("error", () => {});
    this.#socket.on("data", (data) => this.#take(data));
  }

  /** Opens a connection to an actor by key, and waits until it is let in. */
  static async open(port: number, actor: string, key: string): Promise<Member> {
    const member = new Member(port);
    const ready = new Promise<void>((resolve, reject) => {
      member.#heard = (message) => (message.includes('"Init"') ? resolve() : reject(new Error(message)));
      member.#socket.once("close", () =>
        reject(new Error(`closed before it was let in: ${member.closeCode}`)),
      );
    });
    member.#socket.write(handshake(actor, { "rvt-key": key }));
    await ready;
    member.#heard = () => {};
    return member;
  }

  /** Subscribes to an event. */
  subscribe(eventName: string): void {
    this.#send({ tag: "SubscriptionRequest", val: { eventName, subscribe: true } });
  }

  /** Calls an action, and waits for its answer. No event may come meanwhile. */
  async call(name: string, args: readonly unknown[]): Promise<string> {
    const answer = new Promise<string>((resolve) => {
      this.#heard = resolve;
    });
    this.#send({ tag: "ActionRequest", val: { id: 1, name, args } });
    return await answer;
  }

  /** Passes on every message from now on. */
  listen(heard: (message: string) => void): void {
    this.#heard = heard;
  }

  /** Stops reading. */
  stall(): void {
    this.#socket.pause();
  }

  /** Reads on. */
  resume(): void {
    this.#socket.resume();
  }

  /** Settles when the socket has ended. */
  get ended(): Promise<unknown> {
    return this.#socket.destroyed ? Promise.resolve() : once(this.#socket, "close");
  }

  /** Leaves as programs do that end: without a word, and without a connection that lingers. */
  async reset(): Promise<void> {
    const { ended } = this;
    this.#socket.resetAndDestroy();
    await ended;
  }

  /** Leaves with a close frame. */
  async leave(): Promise<void> {
    const { ended } = this;
    this.#socket.write(frame(CLOSE, Buffer.from([3, 232])));
    await ended;
  }

  #send(body: object): void {
    this.#socket.write(frame(TEXT, Buffer.from(JSON.stringify({ body }))));
  }

  #take(data: Buffer): void {
    let bytes = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data]);
    if (!this.#isOpen) {
      const end = bytes.indexOf("\r\n\r\n");
      if (end >= 0) {
        this.#isOpen = true;
        bytes = bytes.subarray(end + 4);
      }
    }
    if (this.#isOpen) bytes = this.#frames(bytes);
    // A part of a buffer would keep the whole.
    this.#rest = Buffer.from(bytes);
  }

  /** Takes the whole frames, and gives what is left. */
  #frames(bytes: Buffer): Buffer {
    let at = 0;
    for (;;) {
      const next = frameAt(bytes, at);
      if (next === undefined) return bytes.subarray(at);
      const payload = bytes.subarray(next.start, next.end);
      if (next.opcode === (TEXT & 15)) this.#heard(payload.toString());
      if (next.opcode === (PING & 15)) this.#socket.write(frame(PONG, payload));
      if (next.opcode === (CLOSE & 15)) this.closeCode = payload.length < 2 ? 1005 : payload.readUInt16BE();
      at = next.end;
    }
  }
}

/** Opens `count` connections, some at a time. */
export async function crowd(port: number, actor: string, key: string, count: number): Promise<Member[]> {
  const members: Member[] = [];
  while (members.length < count) {
    const some = Math.min(200, count - members.length);
    members.push(...(await Promise.all(Array.from({ length: some }, () => Member.open(port, actor, key)))));
  }
  return members;
}

/** The request that opens a WebSocket to an actor. */
export function handshake(actor: string, changes: QueryChanges): string {
  return [
    `GET ${path({ actor, changes })} HTTP/1.1`,
    "Host: 127.0.0.1",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Protocol: rivet, rivet_encoding.json",
    "\r\n",
  ].join("\r\n");
}

/** A frame of a client, masked with zeros. */
function frame(first: number, payload: Buffer): Buffer {
  if (payload.length >= 65_536) throw new Error("the crowd says little");
  const long = payload.length >= 126;
  const head = long
    ? [first, 0xfe, payload.length >> 8, payload.length & 255]
    : [first, 0x80 | payload.length];
  return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), payload]);
}

/** Where a frame of the server has its payload, if all of it is there. */
function frameAt(bytes: Buffer, at: number): { opcode: number; start: number; end: number } | undefined {
  if (bytes.length < at + 2) return undefined;
  const opcode = bytes.readUInt8(at) & 15;
  const short = bytes.readUInt8(at + 1) & 127;
  const [start, length] =
    short < 126
      ? [at + 2, short]
      : short === 126
        ? [at + 4, bytes.length < at + 4 ? Number.POSITIVE_INFINITY : bytes.readUInt16BE(at + 2)]
        : [
            at + 10,
            bytes.length < at + 10 ? Number.POSITIVE_INFINITY : Number(bytes.readBigUInt64BE(at + 2)),
          ];
  return start + length <= bytes.length ? { opcode, start, end: start + length } : undefined;
}
