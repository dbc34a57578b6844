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

/** What a connection has to do for it. */
export interface ResumptionOwner {
  send(packet: Packet): void;
  subscribe(event: string): void;
  /** Events were missed. */
  resync(resync: Resync): void;
}

/** The number of the message in BARE. */
const RESUME = 34;

/** Where a connection is in the events of its actor. */
export class Resumption {
  readonly #transport: Transport;
  readonly #owner: ResumptionOwner;
  /** Who this client is to the actor; empty while there is nothing to come back to. */
  #proof = "";
  /** The last event that the server has told, or passed over. */
  #number = 0;
  /** By event, how many subscriptions the server has not confirmed. */
  #unconfirmed = new Map<string, number>();

  constructor(transport: Transport, owner: ResumptionOwner) {
    this.#transport = transport;
    this.#owner = owner;
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
    // Always, as the server holds everything back until then.
    if (isSame) this.#owner.send(this.#transport.format?.encodeResume?.(goingOn) ?? encodeResume(goingOn));
    for (const event of wanted) {
      if (this.#unconfirmed.has(event)) continue;
      this.#unconfirmed.set(event, 1);
      this.#owner.subscribe(event);
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
      this.#owner.resync({ reason: text as ResyncReason, from, to: number });
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
