import type { WebSocketConstructor, WebSocketLike } from "@greenroom/client";
import { ByteWriter, encodeValue } from "@greenroom/client/codec";

/** A socket whose other end is the test. Speaks bare unless frames are sent raw. */
export class FakeSocket implements WebSocketLike {
  binaryType = "blob";
  onmessage: WebSocketLike["onmessage"] = null;
  onclose: WebSocketLike["onclose"] = null;
  onerror: WebSocketLike["onerror"] = null;
  onopen: WebSocketLike["onopen"] = null;
  readonly url: string;
  readonly protocols: string[];
  /** What the client sent, in order; bytes as hex. */
  readonly sent: string[] = [];
  /** How the client closed it. */
  closed: { code: number | undefined; reason: string | undefined } | undefined;

  constructor(url: string, protocols: string[]) {
    this.url = url;
    this.protocols = protocols;
  }

  /** Called when the client has sent something. */
  onsend: () => void = () => {};

  send(data: string | Uint8Array): void {
    this.sent.push(typeof data === "string" ? data : Buffer.from(data).toString("hex"));
    this.onsend();
  }

  close(code?: number, reason?: string): void {
    this.closed = { code, reason };
  }

  init(actorId = "a1", connectionId = "c1"): void {
    this.receive((w) => {
      w.u8(0);
      str(w, actorId);
      str(w, connectionId);
    });
  }

  /** As {@link init}, of a server that knows our extensions of the protocol. */
  extendedInit(actorId = "a1", connectionId = "c1", extensions = "1"): void {
    this.receive((w) => {
      w.u8(0);
      for (const text of [actorId, connectionId, "", extensions]) str(w, text);
    });
  }

  /** An event of an actor that keeps them. */
  numbered(number: number, name: string, ...args: unknown[]): void {
    this.receive((w) => {
      w.u8(3);
      str(w, name);
      data(w, args);
      w.uvarint(number);
    });
  }

  /** A subscription has begun behind event `number`. */
  subscribed(name: string, number: number): void {
    this.receive((w) => {
      w.u8(35);
      w.uvarint(number);
      str(w, name);
    });
  }

  /** Events after `from` are missing for good. */
  resync(number: number, reason: string, from: number): void {
    this.receive((w) => {
      w.u8(36);
      w.uvarint(number);
      str(w, reason);
      w.uvarint(from);
    });
  }

  /** A part of a stream; an item if there is a value. */
  stream(id: number, part: "start" | "item" | "end", item?: unknown): void {
    this.receive((w) => {
      w.u8({ start: 32, item: 33, end: 34 }[part]);
      w.uvarint(id);
      if (part === "item") data(w, item);
    });
  }

  event(name: string, ...args: unknown[]): void {
    this.receive((w) => {
      w.u8(3);
      str(w, name);
      data(w, args);
    });
  }

  response(id: number, output: unknown): void {
    this.receive((w) => {
      w.u8(2);
      w.uvarint(id);
      data(w, output);
    });
  }

  error(group: string, code: string, message: string, actionId?: number): void {
    this.receive((w) => {
      w.u8(1);
      str(w, group);
      str(w, code);
      str(w, message);
      w.u8(0);
      w.u8(actionId === undefined ? 0 : 1);
      if (actionId !== undefined) w.uvarint(actionId);
      w.u8(0);
    });
  }

  receive(write: (writer: ByteWriter) => void): void {
    const writer = new ByteWriter();
    writer.u16le(4);
    write(writer);
    this.onmessage?.({ data: writer.finish().buffer });
  }

  /** The server closes, or the network breaks. */
  drop(code = 1006, reason = ""): void {
    this.onerror?.({});
    this.onclose?.({ code, reason });
  }
}

/** A WebSocket class that keeps every socket made. */
export function fakeWebSockets(): {
  readonly sockets: FakeSocket[];
  readonly WebSocket: WebSocketConstructor;
} {
  const sockets: FakeSocket[] = [];
  class Recording extends FakeSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols);
      sockets.push(this);
    }
  }
  return { sockets, WebSocket: Recording };
}

function str(writer: ByteWriter, text: string): void {
  const bytes = Buffer.from(text);
  writer.uvarint(bytes.length);
  writer.bytes(bytes);
}

function data(writer: ByteWriter, value: unknown): void {
  const inner = new ByteWriter();
  encodeValue(inner, value, "compat");
  writer.uvarint(inner.length);
  writer.bytes(inner.view());
}
