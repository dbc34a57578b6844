import assert from "node:assert/strict";
import { ByteWriter, decodeValue, encodeValue, ValueReader } from "@greenroom/client/codec";
import { BatchReader } from "../../../dist/host/batch-reader.js";
import type { Exchange } from "../../../dist/host/host.js";
import { EventKind, KvQuery, KvResult, NONE, OutputKind } from "../../../dist/host/records.js";

/** An output as a test wants to see it. */
export type Output =
  | { readonly kind: "started" | "sleep" | "destroy" | "stopped" }
  | { readonly kind: "startFailed" | "startRefused"; readonly error: WireError }
  | { readonly kind: "reply"; readonly call: number; readonly value: unknown }
  | { readonly kind: "replyError"; readonly call: number; readonly error: WireError }
  | { readonly kind: "stream"; readonly call: number; readonly part: "start" | "end" }
  | { readonly kind: "stream"; readonly call: number; readonly part: "item"; readonly item: unknown }
  | {
      readonly kind: "event";
      readonly conn: number | "all";
      readonly name: string;
      readonly args: unknown;
      /** Absent where it waits until there is no room. */
      readonly whenSlow?: "drop" | { readonly about: string };
    }
  | { readonly kind: "accept"; readonly conn: number }
  | { readonly kind: "subscribe"; readonly conn: number; readonly ticket: number }
  | { readonly kind: "reject"; readonly conn: number; readonly error: WireError }
  | { readonly kind: "connState"; readonly conn: number; readonly state: unknown }
  | { readonly kind: "disconnect"; readonly conn: number; readonly reason: string }
  | {
      readonly kind: "responseHead";
      readonly call: number;
      readonly status: number;
      readonly headers: readonly (readonly [string, string])[];
      readonly hasBody: boolean;
    }
  | { readonly kind: "responseData"; readonly call: number; readonly data: string }
  | { readonly kind: "responseEnd" | "responseAbort"; readonly call: number }
  | { readonly kind: "requestCredit"; readonly call: number; readonly bytes: number }
  | { readonly kind: "acceptSocket"; readonly conn: number; readonly hibernates: boolean }
  | { readonly kind: "socketSend"; readonly conn: number; readonly data: string | Uint8Array }
  | { readonly kind: "socketClose"; readonly conn: number; readonly code: number; readonly reason: string }
  | { readonly kind: "socketHandled"; readonly conn: number; readonly count: number }
  | { readonly kind: "save"; readonly token: number }
  | { readonly kind: "saveWithin"; readonly ms: number }
  | { readonly kind: "awake"; readonly held: boolean; readonly resumes: boolean }
  | ({ readonly kind: "setAlarm" } & CoreAlarm)
  | { readonly kind: "removeAlarm"; readonly id: string }
  | {
      readonly kind: "kvPut";
      readonly token?: number;
      readonly pairs: readonly (readonly [string, string])[];
    }
  | { readonly kind: "kvDelete"; readonly keys: readonly string[] }
  | { readonly kind: "kvDeleteRange"; readonly start: string; readonly end: string }
  | { readonly kind: "kvGet"; readonly token: number; readonly keys: readonly string[] }
  | {
      readonly kind: "kvList";
      readonly token: number;
      readonly start: string;
      /** Latin-1, because it need not be text. */
      readonly end: string | undefined;
      readonly reverse: boolean;
      readonly limit: number;
    }
  | { readonly kind: "stateVersion"; readonly version: number }
  | { readonly kind: "putMessage"; readonly id: number; readonly body: Uint8Array }
  | { readonly kind: "removeMessage"; readonly id: number };

/** Method, URL and header lines. */
export type WireRequest = readonly [string, string, readonly (readonly [string, string])[]];

/** An alarm as the core keeps it. */
export interface CoreAlarm {
  readonly id: string;
  readonly due: number;
  readonly attempt: number;
  readonly body: Uint8Array;
}

export interface WireError {
  readonly group: string;
  readonly code: string;
  readonly message: string;
  readonly metadata?: unknown;
}

export interface Turn {
  readonly instance: number;
  readonly durability: "strict" | "relaxed" | "ephemeral";
  /** The operations, decoded. */
  readonly changes: readonly unknown[];
  readonly outputs: readonly Output[];
}

export interface Restored {
  readonly conn: number;
  readonly id: string;
  readonly params?: unknown;
  readonly state?: unknown;
  /** There for a raw WebSocket. */
  readonly request?: WireRequest;
}

export interface StartOptions {
  readonly key?: readonly string[];
  readonly input?: unknown;
  /** The state image as a value. */
  readonly state?: unknown;
  readonly created?: boolean;
  readonly ending?: boolean;
  readonly conns?: readonly Restored[];
  readonly alarms?: readonly CoreAlarm[];
  readonly kvSize?: number;
  readonly stateVersion?: number;
  readonly messages?: readonly CoreMessage[];
  readonly lastMessage?: number;
}

/** A message as the core keeps it. */
export interface CoreMessage {
  readonly id: number;
  readonly body: Uint8Array;
}

/** Stands in for the addon: events are scripted, turns are recorded. */
export class FakeCore implements Exchange {
  readonly turns: Turn[] = [];
  #events = new ByteWriter();
  #waiting: (() => void)[] = [];
  #reaction: (() => void) | undefined;

  exchange(outgoing: Uint8Array | null): Uint8Array | null {
    if (outgoing !== null) this.#record(outgoing.slice());
    if (this.#events.length === 0) return null;
    const batch = this.#events.finish();
    this.#events.reset();
    return batch;
  }

  /** Scripts events that the next turns cause at once: they come with the exchange that brings those. */
  react(reaction: () => void): void {
    this.#reaction = reaction;
  }

  /** Resolves after the next exchange that brings turns. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  start(instance: number, name: string, options: StartOptions): this {
    this.#head(EventKind.start, instance);
    this.#text(`id-${instance}`);
    this.#text(name);
    const key = options.key ?? [];
    this.#events.u16le(key.length);
    for (const part of key) this.#text(part);
    this.#optional(options.input, "compat");
    this.#optional(options.state, "state");
    const created = options.created ?? options.state === undefined;
    this.#events.u8((created ? 1 : 0) | (options.ending === true ? 2 : 0));
    this.#events.f64le(1);
    const conns = options.conns ?? [];
    this.#events.u32le(conns.length);
    for (const { conn, id, params, state, request } of conns) {
      this.#events.u32le(conn);
      this.#text(id);
      this.#events.u8(request === undefined ? 0 : 1);
      this.#client(params, request);
      this.#optional(state, "state");
    }
    const alarms = options.alarms ?? [];
    this.#events.u32le(alarms.length);
    for (const alarm of alarms) this.#alarm(alarm);
    this.#events.f64le(options.kvSize ?? 0);
    this.#events.u32le(options.stateVersion ?? 0);
    const messages = options.messages ?? [];
    this.#events.f64le(options.lastMessage ?? messages.at(-1)?.id ?? 0);
    this.#events.u32le(messages.length);
    for (const { id, body } of messages) {
      this.#events.f64le(id);
      this.#bytes(body);
    }
    return this;
  }

  call(
    instance: number,
    call: number,
    name: string,
    args: unknown,
    options: {
      readonly conn?: number;
      readonly params?: unknown;
      readonly native?: boolean;
      readonly streams?: boolean;
    } = {},
  ): this {
    this.#head(EventKind.call, instance);
    this.#events.u32le(call);
    this.#events.u32le(options.conn ?? NONE);
    this.#text(name);
    this.#events.u8((options.native === true ? 0 : 1) | (options.streams === true ? 2 : 0));
    this.#client(options.params);
    if (args instanceof Uint8Array) this.#bytes(args);
    else this.#optional(args, options.native === true ? "native" : "compat");
    return this;
  }

  cancel(instance: number, call: number): this {
    this.#head(EventKind.cancel, instance);
    this.#events.u32le(call);
    return this;
  }

  credit(instance: number, call: number, items: number): this {
    this.#head(EventKind.credit, instance);
    this.#events.u32le(call);
    this.#events.u32le(items);
    return this;
  }

  connect(instance: number, conn: number, params?: unknown): this {
    this.#head(EventKind.connect, instance);
    this.#events.u32le(conn);
    this.#text(`conn-${conn}`);
    this.#client(params);
    return this;
  }

  subscribe(instance: number, ticket: number, conn: number, event: string): this {
    this.#head(EventKind.subscribe, instance);
    this.#events.u32le(ticket);
    this.#events.u32le(conn);
    this.#text(event);
    return this;
  }

  fetch(instance: number, call: number, request: WireRequest, hasBody = false): this {
    this.#head(EventKind.fetch, instance);
    this.#events.u32le(call);
    this.#events.u8(hasBody ? 1 : 0);
    this.#client(undefined, request);
    return this;
  }

  /** A piece of a request's body; without one its end. */
  body(instance: number, call: number, piece?: Uint8Array): this {
    this.#head(piece === undefined ? EventKind.bodyEnd : EventKind.bodyData, instance);
    this.#events.u32le(call);
    if (piece !== undefined) this.#bytes(piece);
    return this;
  }

  bodyAbort(instance: number, call: number): this {
    this.#head(EventKind.bodyAbort, instance);
    this.#events.u32le(call);
    return this;
  }

  bodyCredit(instance: number, call: number, bytes: number): this {
    this.#head(EventKind.bodyCredit, instance);
    this.#events.u32le(call);
    this.#events.u32le(bytes);
    return this;
  }

  socketConnect(instance: number, conn: number, request: WireRequest): this {
    this.#head(EventKind.socketConnect, instance);
    this.#events.u32le(conn);
    this.#text(`conn-${conn}`);
    this.#client(undefined, request);
    return this;
  }

  socketMessage(instance: number, conn: number, data: string | Uint8Array): this {
    this.#head(EventKind.socketMessage, instance);
    this.#events.u32le(conn);
    this.#events.u8(typeof data === "string" ? 1 : 0);
    if (typeof data === "string") this.#text(data);
    else this.#bytes(data);
    return this;
  }

  socketClosed(instance: number, conn: number, code: number, reason: string): this {
    this.#head(EventKind.socketClosed, instance);
    this.#events.u32le(conn);
    this.#events.u16le(code);
    this.#text(reason);
    return this;
  }

  disconnect(instance: number, conn: number): this {
    this.#head(EventKind.disconnect, instance);
    this.#events.u32le(conn);
    return this;
  }

  saved(instance: number, token: number): this {
    this.#head(EventKind.saved, instance);
    this.#events.u32le(token);
    return this;
  }

  stop(instance: number, reason: "sleep" | "destroy"): this {
    this.#head(EventKind.stop, instance);
    this.#events.u8(reason === "sleep" ? 0 : 1);
    return this;
  }

  /** @param now When the alarm is told. */
  alarm(instance: number, call: number, alarm: CoreAlarm, now: number): this {
    this.#head(EventKind.alarm, instance);
    this.#events.u32le(call);
    this.#alarm(alarm);
    this.#events.f64le(now);
    return this;
  }

  kvValues(instance: number, token: number, values: readonly (string | Uint8Array | null)[]): this {
    this.#kv(instance, token, KvResult.values, values.length);
    for (const value of values) {
      if (value === null) this.#events.u32le(NONE);
      else this.#bytes(bytesOf(value));
    }
    return this;
  }

  kvPairs(instance: number, token: number, pairs: readonly (readonly (string | Uint8Array)[])[]): this {
    this.#kv(instance, token, KvResult.pairs, pairs.length);
    for (const part of pairs.flat()) this.#bytes(bytesOf(part));
    return this;
  }

  /** The answer to a put. @param size Of all pairs after it. */
  kvPut(instance: number, token: number, result: "put" | "full", size: number): this {
    this.#kv(instance, token, KvResult[result]);
    this.#events.f64le(size);
    return this;
  }

  #kv(instance: number, token: number, result: number, count?: number): void {
    this.#head(EventKind.kv, instance);
    this.#events.u32le(token);
    this.#events.u8(result);
    if (count !== undefined) this.#events.u32le(count);
  }

  publish(
    instance: number,
    call: number,
    queue: string,
    body: unknown,
    options: { readonly wait?: boolean; readonly timeout?: number; readonly params?: unknown } = {},
  ): this {
    this.#head(EventKind.publish, instance);
    this.#events.u32le(call);
    this.#text(queue);
    this.#events.u8(1);
    this.#client(options.params);
    this.#events.u8(options.wait === true ? 1 : 0);
    this.#events.f64le(options.timeout ?? -1);
    const writer = new ByteWriter();
    encodeValue(writer, body, "compat");
    this.#bytes(writer.view());
    return this;
  }

  drop(instance: number): this {
    this.#head(EventKind.drop, instance);
    return this;
  }

  #head(kind: number, instance: number): void {
    this.#events.u8(kind);
    this.#events.u32le(instance);
  }

  #alarm(alarm: CoreAlarm): void {
    this.#text(alarm.id);
    this.#events.f64le(alarm.due);
    this.#events.u32le(alarm.attempt);
    this.#bytes(alarm.body);
  }

  #text(text: string): void {
    this.#bytes(new TextEncoder().encode(text));
  }

  #bytes(bytes: Uint8Array): void {
    this.#events.u32le(bytes.length);
    this.#events.bytes(bytes);
  }

  #client(params: unknown, request?: WireRequest): void {
    this.#events.u8((params === undefined ? 0 : 1) | (request === undefined ? 0 : 4));
    if (params !== undefined) this.#optional(params, "compat");
    if (request !== undefined) this.#optional(request, "native");
  }

  #optional(value: unknown, form: "compat" | "native" | "state"): void {
    if (value === undefined) {
      this.#events.u32le(NONE);
      return;
    }
    const writer = new ByteWriter();
    encodeValue(writer, value, form);
    this.#bytes(writer.view());
  }

  #record(batch: Uint8Array): void {
    const reader = new BatchReader(batch);
    while (!reader.atEnd) this.turns.push(readTurn(reader));
    const reaction = this.#reaction;
    this.#reaction = undefined;
    reaction?.();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

function readTurn(reader: BatchReader): Turn {
  const instance = reader.u32();
  const durability = (["strict", "relaxed", "ephemeral"] as const)[reader.u8()];
  assert.ok(durability !== undefined);
  const changes: unknown[] = [];
  for (const operations = new ValueReader(reader.bytes(), "state"); !operations.atEnd; ) {
    changes.push(operations.read());
  }
  const outputs: Output[] = [];
  for (const section = new BatchReader(reader.bytes()); !section.atEnd; ) outputs.push(readOutput(section));
  return { instance, durability, changes, outputs };
}

function readOutput(reader: BatchReader): Output {
  const kind = reader.u8();
  switch (kind) {
    case OutputKind.started:
      return { kind: "started" };
    case OutputKind.startFailed:
      return { kind: "startFailed", error: readError(reader) };
    case OutputKind.stream: {
      const call = reader.u32();
      const part = (["start", "item", "end"] as const)[reader.u8()];
      if (part !== "item") return { kind: "stream", call, part: part ?? assert.fail("no such part") };
      return { kind: "stream", call, part, item: decodeValue(reader.bytes(), "compat") };
    }
    case OutputKind.startRefused:
      return { kind: "startRefused", error: readError(reader) };
    case OutputKind.reply:
      return { kind: "reply", call: reader.u32(), value: decodeValue(reader.bytes(), "compat") };
    case OutputKind.replyError:
      return { kind: "replyError", call: reader.u32(), error: readError(reader) };
    case OutputKind.coalescedEvent: {
      const conn = reader.u32();
      const name = reader.str();
      const about = reader.str();
      const args = decodeValue(reader.bytes(), "compat");
      return { kind: "event", conn: conn === NONE ? "all" : conn, name, args, whenSlow: { about } };
    }
    case OutputKind.optionalEvent: {
      const conn = reader.u32();
      const name = reader.str();
      const args = decodeValue(reader.bytes(), "compat");
      return { kind: "event", conn: conn === NONE ? "all" : conn, name, args, whenSlow: "drop" };
    }
    case OutputKind.event: {
      const conn = reader.u32();
      const name = reader.str();
      return {
        kind: "event",
        conn: conn === NONE ? "all" : conn,
        name,
        args: decodeValue(reader.bytes(), "compat"),
      };
    }
    case OutputKind.accept:
      return { kind: "accept", conn: reader.u32() };
    case OutputKind.subscribe:
      return { kind: "subscribe", conn: reader.u32(), ticket: reader.u32() };
    case OutputKind.reject:
      return { kind: "reject", conn: reader.u32(), error: readError(reader) };
    case OutputKind.connState:
      return { kind: "connState", conn: reader.u32(), state: decodeValue(reader.bytes(), "state") };
    case OutputKind.responseHead: {
      const call = reader.u32();
      const hasBody = reader.u8() === 1;
      const status = reader.u16();
      reader.str();
      const headers: [string, string][] = [];
      for (let count = reader.u32(); count > 0; count--)
        headers.push([reader.str(), decoded(reader.bytes())]);
      return { kind: "responseHead", call, status, headers, hasBody };
    }
    case OutputKind.responseData:
      return { kind: "responseData", call: reader.u32(), data: decoded(reader.bytes()) };
    case OutputKind.responseEnd:
      return { kind: "responseEnd", call: reader.u32() };
    case OutputKind.responseAbort:
      return { kind: "responseAbort", call: reader.u32() };
    case OutputKind.requestCredit:
      return { kind: "requestCredit", call: reader.u32(), bytes: reader.u32() };
    case OutputKind.acceptSocket:
      return { kind: "acceptSocket", conn: reader.u32(), hibernates: reader.u8() === 1 };
    case OutputKind.socketSend: {
      const conn = reader.u32();
      const isText = reader.u8() === 1;
      const data = reader.bytes();
      return { kind: "socketSend", conn, data: isText ? decoded(data) : data.slice() };
    }
    case OutputKind.socketClose:
      return { kind: "socketClose", conn: reader.u32(), code: reader.u16(), reason: reader.str() };
    case OutputKind.socketHandled:
      return { kind: "socketHandled", conn: reader.u32(), count: reader.u32() };
    case OutputKind.disconnect:
      return { kind: "disconnect", conn: reader.u32(), reason: reader.str() };
    case OutputKind.save:
      return { kind: "save", token: reader.u32() };
    case OutputKind.saveWithin:
      return { kind: "saveWithin", ms: reader.u32() };
    case OutputKind.sleep:
      return { kind: "sleep" };
    case OutputKind.destroy:
      return { kind: "destroy" };
    case OutputKind.stopped:
      return { kind: "stopped" };
    case OutputKind.awake: {
      const flags = reader.u8();
      return { kind: "awake", held: (flags & 1) !== 0, resumes: (flags & 2) !== 0 };
    }
    case OutputKind.setAlarm: {
      const [id, due, attempt] = [reader.str(), reader.f64(), reader.u32()];
      return { kind: "setAlarm", id, due, attempt, body: reader.bytes().slice() };
    }
    case OutputKind.removeAlarm:
      return { kind: "removeAlarm", id: reader.str() };
    case OutputKind.kvPut: {
      const token = reader.u32();
      const pairs = listOf(reader, () => [text(reader), text(reader)] as const);
      return token === NONE ? { kind: "kvPut", pairs } : { kind: "kvPut", token, pairs };
    }
    case OutputKind.kvDelete:
      return { kind: "kvDelete", keys: listOf(reader, () => text(reader)) };
    case OutputKind.kvDeleteRange:
      return { kind: "kvDeleteRange", start: text(reader), end: text(reader) };
    case OutputKind.kvRead: {
      const token = reader.u32();
      if (reader.u8() === KvQuery.get)
        return { kind: "kvGet", token, keys: listOf(reader, () => text(reader)) };
      const [start, end] = [text(reader), reader.opt()];
      return {
        kind: "kvList",
        token,
        start,
        end: end && Buffer.from(end).toString("latin1"),
        reverse: reader.u8() === 1,
        limit: reader.u32(),
      };
    }
    case OutputKind.stateVersion:
      return { kind: "stateVersion", version: reader.u32() };
    case OutputKind.putMessage:
      return { kind: "putMessage", id: reader.f64(), body: reader.bytes().slice() };
    case OutputKind.removeMessage:
      return { kind: "removeMessage", id: reader.f64() };
    default:
      return assert.fail(`an output of the unknown kind ${kind}`);
  }
}

function listOf<T>(reader: BatchReader, item: () => T): T[] {
  return Array.from({ length: reader.u32() }, item);
}

/** Keys and values as Latin-1, so that every byte can be told. */
function text(reader: BatchReader): string {
  return Buffer.from(reader.bytes()).toString("latin1");
}

function bytesOf(part: string | Uint8Array): Uint8Array {
  return typeof part === "string" ? new TextEncoder().encode(part) : part;
}

function readError(reader: BatchReader): WireError {
  const error = { group: reader.str(), code: reader.str(), message: reader.str() };
  const metadata = reader.opt();
  return metadata === undefined ? error : { ...error, metadata: decodeValue(metadata, "compat") };
}

function decoded(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
