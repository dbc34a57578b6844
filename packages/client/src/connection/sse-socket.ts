import { fromBase64 } from "../codec/base64.js";
import { buildBytes } from "../codec/writer.js";
import type { ClientRuntime } from "../config.js";
import { describe } from "../errors.js";
import { errorOf } from "../protocol/error-response.js";
import type { Format, Packet } from "../protocol/format.js";
import { contentType, STREAM_TYPE } from "../transport.js";
import type { WebSocketLike } from "../websocket.js";

/** Where an event stream comes from. */
export interface SseSource {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Where messages go: `scheme://host[:port][/base]`. */
  readonly server: string;
  /** Where the connection was, if it comes back to that. */
  readonly claim: string | undefined;
}

type Close = Parameters<NonNullable<WebSocketLike["onclose"]>>[0];

const DATA = "data: ";
/** Characters or bytes of messages that share a request. The server leaves room for that. */
const MAX_BATCH = 64 * 1024;
/** A stream that says nothing for this long is lost: it should have had three heartbeats. */
const SILENCE_MS = 45_000;

/** Characters that an event may have: far more than a server sends, and not so many that they fill the memory. */
const MAX_EVENT = 64 * 1024 * 1024;

/** What a WebSocket reports when it breaks. */
const BROKEN: Close = { code: 1006, reason: "" };

/**
 * A connection over an event stream, with the interface of a WebSocket: messages come down one response that
 * does not end, and go up in requests. A request is made when the one before has been accepted, so messages
 * arrive in order; what is sent meanwhile shares the next one. There is no resumption: the next socket is a new
 * connection.
 *
 * Reads what our server writes: events end with an empty line, lines with LF, and the second line has all the data.
 */
export class SseSocket implements WebSocketLike {
  binaryType = "arraybuffer";
  onmessage: WebSocketLike["onmessage"] = null;
  onclose: WebSocketLike["onclose"] = null;
  onopen: WebSocketLike["onopen"] = null;
  onerror: WebSocketLike["onerror"] = null;
  readonly #runtime: ClientRuntime;
  readonly #format: Format;
  readonly #source: SseSource;
  readonly #abort = new AbortController();
  /** The way up, known after Init. */
  #upward: { readonly url: string; readonly headers: Record<string, string> } | undefined;
  /** Messages that no request has taken yet. */
  readonly #waiting: Packet[] = [];
  /** Settled when all messages so far are accepted. */
  #sent: Promise<void> = Promise.resolve();
  #ended = false;
  #alarm: unknown;

  constructor(runtime: ClientRuntime, format: Format, source: SseSource) {
    this.#runtime = runtime;
    this.#format = format;
    this.#source = source;
    this.#receive().then(
      (close) => this.#end(close),
      (error: unknown) => this.#break(error),
    );
  }

  send(packet: Packet): void {
    this.#waiting.push(packet);
    this.#sent = this.#sent.then(() => this.#post());
  }

  /** Closes once everything that was sent is accepted. */
  close(code = 1000, reason = ""): void {
    void this.#sent.then(() => this.#end({ code, reason }));
  }

  terminate(): void {
    this.#end(BROKEN);
  }

  async #receive(): Promise<Close> {
    const { url, headers, claim } = this.#source;
    const accept = `text/event-stream, ${STREAM_TYPE}`;
    const resume: HeadersInit = claim ? { "last-event-id": claim } : {};
    const response = await this.#fetch(url, { headers: { ...headers, ...resume, accept } });
    if (!response.ok || response.body === null) return this.#refusedWhole(response);
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    const events = new EventSplitter();
    for (;;) {
      this.#heard();
      const { done, value } = await reader.read();
      if (done) return BROKEN;
      for (const event of events.push(decoder.decode(value, { stream: true }))) {
        const [first, second] = event.split("\n");
        // Anything else is a heartbeat.
        if (!second?.startsWith(DATA)) continue;
        const data = second.slice(DATA.length);
        if (first === "event: close") return parseClose(data);
        this.#deliver(data);
      }
    }
  }

  /** Begins to listen for the next sign of life. */
  #heard(): void {
    if (this.#ended) return;
    this.#runtime.clearTimeout(this.#alarm);
    const silent = (): void => this.#break(`nothing came for ${SILENCE_MS} ms`);
    this.#alarm = this.#runtime.setTimeout(silent, SILENCE_MS);
  }

  #deliver(text: string): void {
    const data = this.#format.encoding === "json" ? text : fromBase64(text).buffer;
    this.onmessage?.({ data });
    // Messages that the listener sent at once leave after this.
    if (this.#upward === undefined) this.#initialize(data);
  }

  #initialize(data: string | ArrayBuffer): void {
    const frame = this.#format.decodeFrame(data);
    if (frame.tag !== "Init") return;
    this.#upward = {
      url: `${this.#source.server}/connections/${frame.connectionId}/message`,
      headers: {
        ...this.#source.headers,
        "content-type": contentType(this.#format.encoding),
        "x-rivet-conn-token": frame.connectionToken ?? "",
      },
    };
  }

  /** Sends what waits, as far as it fits into one request. */
  async #post(): Promise<void> {
    // An earlier request may have taken everything.
    if (this.#ended || this.#upward === undefined || this.#waiting.length === 0) return;
    const { url, headers } = this.#upward;
    const body = requestBody(takeBatch(this.#waiting));
    try {
      const response = await this.#fetch(url, { method: "POST", headers, body });
      if (response.ok) await response.text();
      else this.#end(this.#refused(response));
    } catch (error) {
      this.#break(error);
    }
  }

  #fetch(url: string, init: RequestInit): Promise<Response> {
    return this.#runtime.fetch(url, { ...init, signal: this.#abort.signal });
  }

  /** The same with all that the answer says. */
  async #refusedWhole(response: Response): Promise<Close> {
    const close = this.#refused(response);
    if (close === BROKEN) return close;
    const body = new Uint8Array(await response.arrayBuffer());
    const error = await errorOf(response, body, this.#format.encoding);
    // The body may be a proxy's.
    return `${error.group}.${error.code}` === close.reason ? { ...close, error } : close;
  }

  /** How an answer closes the socket: with the server's error, if it has one about more than this socket. */
  #refused(response: Response): Close {
    const error = response.headers.get("x-rivet-error");
    if (error !== null && !error.startsWith("connection.")) return { code: 1011, reason: error };
    this.onerror?.({ message: `HTTP status ${response.status}` });
    return BROKEN;
  }

  #break(error: unknown): void {
    if (this.#ended) return;
    this.onerror?.({ message: describe(error) });
    this.#end(BROKEN);
  }

  #end(close: Close): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#runtime.clearTimeout(this.#alarm);
    this.#abort.abort();
    this.onclose?.(close);
  }
}

/** Takes events, which end with an empty line, out of what comes. A long one is looked at once, when its end is there. */
class EventSplitter {
  #text = "";
  #endsLine = false;

  /** The events that are complete. @throws RangeError if one is too long */
  push(text: string): readonly string[] {
    const isEnd = text.includes("\n\n") || (this.#endsLine && text.startsWith("\n"));
    this.#endsLine = text.endsWith("\n");
    this.#text += text;
    const events = isEnd ? this.#text.split("\n\n") : [this.#text];
    this.#text = events.pop() ?? "";
    if (this.#text.length > MAX_EVENT) throw new RangeError(`an event of more than ${MAX_EVENT} characters`);
    return events;
  }
}

/** How the server ended the stream. @throws what it says is no close */
function parseClose(data: string): Close {
  const { code, reason } = Object(JSON.parse(data)) as Readonly<Record<keyof Close, unknown>>;
  if (typeof code !== "number" || typeof reason !== "string")
    throw new RangeError("a close without a reason");
  return { code, reason };
}

/** Takes the first of `packets` away, and those after it that fit into the same request. */
function takeBatch(packets: Packet[]): readonly Packet[] {
  let size = 0;
  const end = packets.findIndex((packet, index) => {
    size += packet.length;
    return index > 0 && size > MAX_BATCH;
  });
  return packets.splice(0, end < 0 ? packets.length : end);
}

/** Texts one per line, bytes each behind their length. */
function requestBody(packets: readonly Packet[]): Packet {
  if (typeof packets[0] === "string") return packets.join("\n");
  return buildBytes((writer) => {
    for (const packet of packets as readonly Uint8Array[]) {
      writer.u32be(packet.length);
      writer.bytes(packet);
    }
  });
}
