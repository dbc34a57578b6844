/** The calls of a connection that are made again and run once. */
import { buildMessage } from "../codec/wire-writer.js";
import type { ResolvedConfig } from "../config.js";
import { reconnectPolicy } from "../connection/reconnect-policy.js";
import type { Request } from "../connection/request-table.js";
import type { ActorError } from "../errors.js";
import { writeData, writeStr, writeVersion } from "../protocol/bare.js";
import type { Format, Packet } from "../protocol/format.js";
import type { ClientFrame } from "../protocol/frames.js";
import { checkedKey, checkedTimeout, isLost, newCallerId } from "./caller.js";

/** After so many calls the server is told which answers it may forget. */
const ANSWERED_EVERY = 64;
/** The longest delay of a timer. Beyond that, a call is made again for ever. */
const LONGEST_MS = 0x7fff_ffff;

/** A call that was sent and has no outcome. */
interface Open {
  readonly packet: Packet;
  /** When it was sent for the first time. */
  readonly sent: number;
  /** When it failed for the first time. */
  failed: number | undefined;
  /** Ends the wait for another chance. */
  timer: unknown;
  readonly delay: () => number;
}

/** What this needs of its connection. */
export interface RepeatsOwner {
  /** Sends a packet, if there is a socket. */
  send(packet: Packet): unknown;
  /** Sends a call that waits, if there is an open socket. */
  transmit(id: number): unknown;
  /** Rejects a call. */
  reject(id: number, error: ActorError): void;
}

/** See the top of the file. */
export class ConnRepeats {
  readonly #config: ResolvedConfig;
  readonly #format: Format;
  readonly #owner: RepeatsOwner;
  readonly #caller = newCallerId();
  /** In the order of their ids. */
  readonly #open = new Map<number, Open>();
  /** Calls with lower ids were sent before. */
  #next = 0;
  /** The id with which the server is told next. */
  #tellAt = ANSWERED_EVERY;

  constructor(config: ResolvedConfig, format: Format, owner: RepeatsOwner) {
    this.#config = config;
    this.#format = format;
    this.#owner = owner;
  }

  /** A socket is open: says whose calls come over it, and which of them may come again. */
  opened(): void {
    const now = performance.now();
    let waited = 0;
    for (const { sent } of this.#open.values()) waited = Math.max(waited, now - sent);
    const frame: ClientFrame = {
      tag: "CallerRequest",
      caller: this.#caller,
      next: this.#next,
      waited: Math.ceil(waited) + 1,
    };
    this.#owner.send(encode(this.#format, frame));
  }

  /** A call is about to be sent. @throws TypeError if `timeout` is none. */
  sent(id: number, packet: Packet, timeout: number | undefined): void {
    if (timeout !== undefined) checkedTimeout(timeout);
    const before = this.#open.get(id);
    if (before !== undefined) {
      this.#config.runtime.clearTimeout(before.timer);
      return;
    }
    const { nextDelay } = reconnectPolicy(this.#config.runtime.random);
    this.#open.set(id, {
      packet,
      sent: performance.now(),
      failed: undefined,
      timer: undefined,
      delay: nextDelay,
    });
    this.#next = Math.max(this.#next, id + 1);
    if (id < this.#tellAt) return;
    this.#tellAt = id + ANSWERED_EVERY;
    const [first = id] = this.#open.keys();
    this.#owner.send(encode(this.#format, { tag: "AnsweredRequest", first }));
  }

  /** The connection was lost with a call in flight. Says whether the call waits for the next one. */
  keeps(id: number, request: Request, error: () => ActorError): boolean {
    const open = this.#open.get(id);
    const left = open && this.#left(open, request);
    if (open === undefined || left === undefined) return false;
    request.packet = open.packet;
    if (left <= LONGEST_MS) {
      open.timer = this.#config.runtime.setTimeout(() => this.#owner.reject(id, error()), left);
    }
    return true;
  }

  /** A call has failed. Says whether it is made again. */
  retries(id: number, request: Request, error: ActorError): boolean {
    const open = this.#open.get(id);
    const { runtime } = this.#config;
    if (open === undefined || !isLost(error, runtime) || this.#left(open, request) === undefined)
      return false;
    request.packet = open.packet;
    open.timer = runtime.setTimeout(() => {
      // What is sent again from here on may have run.
      this.opened();
      this.#owner.transmit(id);
    }, open.delay());
    return true;
  }

  /** A call has its outcome. */
  forget(id: number): void {
    this.#config.runtime.clearTimeout(this.#open.get(id)?.timer);
    this.#open.delete(id);
  }

  /** How long a call may still wait, in milliseconds; `undefined` if it may not. */
  #left(open: Open, { stream, retryTimeout = this.#config.retryTimeout }: Request): number | undefined {
    const now = performance.now();
    open.failed ??= now;
    const left = retryTimeout - (now - open.failed);
    return stream === undefined && left > 0 ? left : undefined;
  }
}

/** A frame of the extensions. Bare messages of the usual kinds are encoded where every page has it. */
export function encode(format: Format, frame: ClientFrame): Packet {
  if (frame.tag === "ActionRequest") checkedKey(frame.idempotencyKey);
  if (format.encoding !== "bare") return format.encodeFrame(frame);
  return buildMessage((writer) => {
    writeVersion(writer);
    if (frame.tag === "CallerRequest") {
      writer.u8(40);
      writeStr(writer, frame.caller);
      writer.uvarint(frame.next);
      writer.uvarint(frame.waited);
    } else if (frame.tag === "AnsweredRequest") {
      writer.u8(42);
      writer.uvarint(frame.first);
    } else if (frame.tag === "ActionRequest") {
      writer.u8(41);
      writer.uvarint(frame.id);
      writeStr(writer, frame.idempotencyKey ?? "");
      writeStr(writer, frame.name);
      writeData(writer, frame.args, "args");
    }
  });
}
