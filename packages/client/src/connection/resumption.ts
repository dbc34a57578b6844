/**
 * Coming back to the events of an actor that keeps them: pages load this file with the first connection to one.
 *
 * What was heard is a prefix of what the server tells this connection, so one number says all of it; but only of
 * subscriptions whose begin the server has confirmed, or else nobody knows on which side of that number they began.
 */
import { buildMessage } from "../codec/wire-writer.js";
import { writeStr, writeVersion } from "../protocol/bare.js";
import type { Packet } from "../protocol/format.js";
import type { MarkFrame } from "../protocol/frames.js";
import type { Transport } from "../transport.js";
import type { Resync, ResyncReason } from "../types.js";

/** Events that one message names. */
const AT_ONCE = 64;

/** The number of the message in BARE. */
const RESUME = 34;

/** Where a connection is in the events of its actor. */
export class Resumption {
  readonly #transport: Transport;
  readonly #send: (packet: Packet) => void;
  readonly #resync: (resync: Resync) => void;
  /** Who this client is to the actor; empty while there is nothing to come back to. */
  #proof = "";
  /** The last event that the server has told, or passed over. */
  #number = 0;
  /** By event, how many subscriptions the server has not confirmed. */
  #unconfirmed = new Map<string, number>();

  /** @param resync called when the server says that events were missed. */
  constructor(transport: Transport, send: (packet: Packet) => void, resync: (resync: Resync) => void) {
    this.#transport = transport;
    this.#send = send;
    this.#resync = resync;
  }

  /** What the next socket says; `undefined` if it cannot come back to anything. */
  get claim(): string | undefined {
    return this.#proof && `${this.#proof}.${this.#number}`;
  }

  /**
   * A socket is open.
   *
   * @param extensions of the server.
   * @param wanted the events that have handlers.
   * @returns what is missing for good of what there was since the last socket, as far as that is known already.
   */
  opened(extensions: string, wanted: readonly string[]): Resync | undefined {
    const [, proof = "", number] = /resume\.(\w+)\.(\d+)/.exec(extensions) ?? [];
    const isSame = proof !== "" && proof === this.#proof;
    const goingOn = isSame ? wanted.filter((event) => this.#unconfirmed.get(event) === 0) : [];
    const from = this.#number;
    if (!isSame) this.#number = Number(number ?? 0);
    const isOff = this.#proof === "" || proof === "";
    const resync: Resync = isOff ? { reason: "off" } : { reason: "unknown", from, to: this.#number };
    this.#proof = proof;
    this.#unconfirmed = new Map(goingOn.map((event) => [event, 0]));
    // Always, as the server holds everything back until then. A full message says that another one follows.
    for (let at = 0; isSame && at <= goingOn.length; at += AT_ONCE) {
      const events = goingOn.slice(at, at + AT_ONCE);
      this.#send(this.#transport.format?.encodeResume?.(events) ?? encodeResume(events));
    }
    for (const eventName of wanted) {
      if (this.#unconfirmed.has(eventName)) continue;
      this.#unconfirmed.set(eventName, 1);
      const frame = { tag: "SubscriptionRequest", eventName, subscribe: true } as const;
      const packet = this.#transport.format?.encodeFrame(frame);
      if (packet !== undefined) this.#send(packet);
    }
    return isSame ? undefined : resync;
  }

  /** An event has its first handler, or none any more. */
  changed(event: string, isWanted: boolean): void {
    if (isWanted) this.#unconfirmed.set(event, (this.#unconfirmed.get(event) ?? 0) + 1);
  }

  /** An event has come. One without a number is none that is kept. */
  heard(number = this.#number): void {
    this.#number = number;
  }

  /** The server has said where this client is. */
  mark({ number, text, from }: MarkFrame): void {
    this.#number = number;
    if (from !== undefined) {
      this.#resync({ reason: text as ResyncReason, from, to: number });
      return;
    }
    const unconfirmed = this.#unconfirmed.get(text);
    if (unconfirmed) this.#unconfirmed.set(text, unconfirmed - 1);
  }
}

function encodeResume(events: readonly string[]): Packet {
  return buildMessage((writer) => {
    writeVersion(writer);
    writer.u8(RESUME);
    writer.uvarint(events.length);
    for (const event of events) writeStr(writer, event);
  });
}
