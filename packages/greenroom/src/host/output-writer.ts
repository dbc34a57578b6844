import { type ByteWriter, encodeValue, writeArrayHead } from "@greenroom/client/codec";
import type { RequestHead } from "../in-process/requests.js";
import { unwrap } from "../state/index.js";
import { giveWriter, takeWriter } from "../writers.js";
import type { Failure } from "./failure.js";
import { KvQuery, NONE, OutputKind, StreamPart } from "./records.js";
import type { ResponseHead } from "./response-body.js";

/** What a request begins with. */
const TRUSTED = 1;
const BODY_FOLLOWS = 2;

/** Collects the outputs of one instance until its turn is closed, in their wire form. */
export class OutputWriter {
  /** There while something waits. */
  #written: ByteWriter | undefined;

  get isEmpty(): boolean {
    return this.#written === undefined || this.#written.length === 0;
  }

  get #bytes(): ByteWriter {
    this.#written ??= takeWriter();
    return this.#written;
  }

  started(): void {
    this.#bytes.u8(OutputKind.started);
  }

  startFailed(failure: Failure): void {
    this.#bytes.u8(OutputKind.startFailed);
    this.#failure(failure);
  }

  startRefused(failure: Failure): void {
    this.#bytes.u8(OutputKind.startRefused);
    this.#failure(failure);
  }

  /** @throws TypeError if the value cannot be sent; nothing is written then. */
  reply(call: number, value: unknown): void {
    const bytes = this.#bytes;
    const start = bytes.length;
    bytes.u8(OutputKind.reply);
    bytes.u32le(call);
    this.#value(bytes, start, value, "result");
  }

  /** A call that runs once is not over with this turn. */
  goesOn(call: number): void {
    this.#about(OutputKind.goesOn, call);
  }

  /** The result of a call streams. */
  streamStart(call: number): void {
    this.#streamPart(call, StreamPart.start);
  }

  /**
   * @returns how many bytes the item has.
   * @throws TypeError if the value cannot be sent; nothing is written then.
   */
  streamItem(call: number, value: unknown): number {
    const bytes = this.#bytes;
    const start = bytes.length;
    this.#streamPart(call, StreamPart.item);
    return this.#value(bytes, start, value, "item");
  }

  streamEnd(call: number): void {
    this.#streamPart(call, StreamPart.end);
  }

  replyError(call: number, failure: Failure): void {
    this.#bytes.u8(OutputKind.replyError);
    this.#bytes.u32le(call);
    this.#failure(failure);
  }

  /**
   * @param conn The connection to send to; absent for all that subscribed.
   * @param about What it is about, if it gives way to the next one that is about the same.
   * @param mayDrop Whether it may be left out.
   * @throws TypeError if an argument cannot be sent; nothing is written then.
   */
  event(
    conn: number | undefined,
    name: string,
    args: readonly unknown[],
    about: string | undefined = undefined,
    mayDrop = false,
  ): void {
    const bytes = this.#bytes;
    const start = bytes.length;
    const plain = mayDrop ? OutputKind.optionalEvent : OutputKind.event;
    bytes.u8(about === undefined ? plain : OutputKind.coalescedEvent);
    bytes.u32le(conn ?? NONE);
    this.#text(name);
    if (about !== undefined) this.#text(about);
    // As one value: two arguments can look like an escape just as any other array.
    this.#value(bytes, start, args, "args");
  }

  accept(conn: number): void {
    this.#bytes.u8(OutputKind.accept);
    this.#bytes.u32le(conn);
  }

  reject(conn: number, failure: Failure): void {
    this.#bytes.u8(OutputKind.reject);
    this.#bytes.u32le(conn);
    this.#failure(failure);
  }

  /** Lets a connection hear a guarded event. */
  subscribe(conn: number, ticket: number): void {
    this.#bytes.u8(OutputKind.subscribe);
    this.#bytes.u32le(conn);
    this.#bytes.u32le(ticket);
  }

  /** Does not let a connection hear a guarded event. */
  refuseSubscription(conn: number, ticket: number, failure: Failure): void {
    this.#bytes.u8(OutputKind.refuseSubscription);
    this.#bytes.u32le(conn);
    this.#bytes.u32le(ticket);
    this.#failure(failure);
  }

  /** @param state The owned value of a state tracker. */
  connState(conn: number, state: unknown): void {
    const bytes = this.#bytes;
    bytes.u8(OutputKind.connState);
    bytes.u32le(conn);
    const size = bytes.reserve(4);
    encodeValue(bytes, state, "state");
    bytes.patchU32le(size, bytes.length - size - 4);
  }

  disconnect(conn: number, reason: string): void {
    this.#bytes.u8(OutputKind.disconnect);
    this.#bytes.u32le(conn);
    this.#text(reason);
  }

  /** @param hasBody Whether data follows; otherwise this is all. */
  responseHead(call: number, head: ResponseHead, hasBody: boolean): void {
    const bytes = this.#bytes;
    bytes.u8(OutputKind.responseHead);
    bytes.u32le(call);
    bytes.u8(hasBody ? 1 : 0);
    bytes.u16le(head.status);
    this.#text(head.reason);
    bytes.u32le(head.headers.length);
    for (const [name, value] of head.headers) {
      this.#text(name);
      bytes.u32le(value.length);
      for (let at = 0; at < value.length; at++) bytes.u8(value.charCodeAt(at));
    }
  }

  responseData(call: number, data: Uint8Array): void {
    this.#bytes.u8(OutputKind.responseData);
    this.#bytes.u32le(call);
    this.#bytes.u32le(data.length);
    this.#bytes.bytes(data);
  }

  responseEnd(call: number): void {
    this.#bytes.u8(OutputKind.responseEnd);
    this.#bytes.u32le(call);
  }

  responseAbort(call: number): void {
    this.#bytes.u8(OutputKind.responseAbort);
    this.#bytes.u32le(call);
  }

  acceptSocket(conn: number, hibernates: boolean): void {
    this.#bytes.u8(OutputKind.acceptSocket);
    this.#bytes.u32le(conn);
    this.#bytes.u8(hibernates ? 1 : 0);
  }

  socketSend(conn: number, data: string | Uint8Array): void {
    this.#bytes.u8(OutputKind.socketSend);
    this.#bytes.u32le(conn);
    this.#bytes.u8(typeof data === "string" ? 1 : 0);
    if (typeof data === "string") {
      this.#text(data);
    } else {
      this.#bytes.u32le(data.length);
      this.#bytes.bytes(data);
    }
  }

  socketClose(conn: number, code: number, reason: string): void {
    this.#bytes.u8(OutputKind.socketClose);
    this.#bytes.u32le(conn);
    this.#bytes.u16le(code);
    this.#text(reason);
  }

  /** @param count So many of its oldest messages. */
  socketHandled(conn: number, count: number): void {
    this.#bytes.u8(OutputKind.socketHandled);
    this.#bytes.u32le(conn);
    this.#bytes.u32le(count);
  }

  requestCredit(call: number, bytes: number): void {
    this.#bytes.u8(OutputKind.requestCredit);
    this.#bytes.u32le(call);
    this.#bytes.u32le(bytes);
  }

  save(token: number): void {
    this.#bytes.u8(OutputKind.save);
    this.#bytes.u32le(token);
  }

  saveWithin(milliseconds: number): void {
    this.#bytes.u8(OutputKind.saveWithin);
    this.#bytes.u32le(milliseconds);
  }

  sleep(): void {
    this.#bytes.u8(OutputKind.sleep);
  }

  destroy(): void {
    this.#bytes.u8(OutputKind.destroy);
  }

  stopped(): void {
    this.#bytes.u8(OutputKind.stopped);
  }

  /** @param flags The sum of `AwakeFlag`s that hold from now on. */
  awake(flags: number): void {
    this.#bytes.u8(OutputKind.awake);
    this.#bytes.u8(flags);
  }

  /** Sets an alarm, in the commit of this turn. @param due In milliseconds since the Unix epoch. */
  setAlarm(id: string, due: number, attempt: number, body: Uint8Array): void {
    this.#bytes.u8(OutputKind.setAlarm);
    this.#text(id);
    this.#bytes.f64le(due);
    this.#bytes.u32le(attempt);
    this.#sized(body);
  }

  /** Removes an alarm, in the commit of this turn. */
  removeAlarm(id: string): void {
    this.#bytes.u8(OutputKind.removeAlarm);
    this.#text(id);
  }

  /** Puts key-value pairs, in the commit of this turn. @param token To be answered by, or `NONE`. */
  kvPut(token: number, pairs: readonly (readonly [key: Uint8Array, value: Uint8Array])[]): void {
    this.#bytes.u8(OutputKind.kvPut);
    this.#bytes.u32le(token);
    this.#bytes.u32le(pairs.length);
    for (const [key, value] of pairs) {
      this.#sized(key);
      this.#sized(value);
    }
  }

  /** Deletes key-value pairs, in the commit of this turn. */
  kvDelete(keys: readonly Uint8Array[]): void {
    this.#bytes.u8(OutputKind.kvDelete);
    this.#keys(keys);
  }

  /** Deletes a range of key-value pairs, in the commit of this turn. */
  kvDeleteRange(start: Uint8Array, end: Uint8Array): void {
    this.#bytes.u8(OutputKind.kvDeleteRange);
    this.#sized(start);
    this.#sized(end);
  }

  /** Reads the values of keys. */
  kvGet(token: number, keys: readonly Uint8Array[]): void {
    this.#bytes.u8(OutputKind.kvRead);
    this.#bytes.u32le(token);
    this.#bytes.u8(KvQuery.get);
    this.#keys(keys);
  }

  /** Reads a range of pairs. @param end Absent for a range without an end. */
  kvList(
    token: number,
    start: Uint8Array,
    end: Uint8Array | undefined,
    reverse: boolean,
    limit: number,
  ): void {
    const bytes = this.#bytes;
    bytes.u8(OutputKind.kvRead);
    bytes.u32le(token);
    bytes.u8(KvQuery.list);
    this.#sized(start);
    if (end === undefined) bytes.u32le(NONE);
    else this.#sized(end);
    bytes.u8(reverse ? 1 : 0);
    bytes.u32le(limit);
  }

  /** Gives the state, as this turn leaves it, a version. */
  stateVersion(version: number): void {
    this.#bytes.u8(OutputKind.stateVersion);
    this.#bytes.u32le(version);
  }

  /**
   * Lets a request from outside in.
   *
   * @param auth What is known of whoever sent it; undefined for nothing.
   * @throws TypeError if that cannot be sent; nothing is written then.
   */
  authorized(request: number, auth: unknown): void {
    const bytes = this.#bytes;
    const start = bytes.length;
    this.#about(OutputKind.authorized, request);
    if (auth === undefined) {
      bytes.u32le(NONE);
      return;
    }
    this.#value(bytes, start, auth, "auth");
  }

  /** Turns a request from outside away. */
  refused(request: number, failure: Failure): void {
    this.#about(OutputKind.refused, request);
    this.#failure(failure);
  }

  /** Begins a request to the server in this process. */
  beginRequest(request: number, head: RequestHead): void {
    const { method, target, headers, body, isTrusted } = head;
    const bytes = this.#bytes;
    const isStream = body instanceof ReadableStream;
    bytes.u8(OutputKind.beginRequest);
    bytes.u32le(request);
    bytes.u8((isTrusted ? TRUSTED : 0) | (isStream ? BODY_FOLLOWS : 0));
    this.#text(method);
    this.#text(target);
    bytes.u16le(headers.length);
    for (const [name, value] of headers) {
      this.#text(name);
      this.#text(value);
    }
    if (body === null || isStream) {
      bytes.u32le(NONE);
    } else if (typeof body === "string") {
      this.#text(body);
    } else {
      this.#sized(body);
    }
    this.#optional(head.address);
  }

  /** A connection begins: its bytes are those of a request's body and of an answer. */
  beginConnection(request: number, address: string | undefined): void {
    this.#about(OutputKind.beginConnection, request);
    this.#optional(address);
  }

  /** More of a request's body. */
  requestPart(request: number, part: Uint8Array): void {
    this.#about(OutputKind.requestPart, request);
    this.#sized(part);
  }

  /** The body of a request is complete. */
  endRequest(request: number): void {
    this.#about(OutputKind.endRequest, request);
  }

  /** Nobody waits for the answer. */
  giveUpRequest(request: number): void {
    this.#about(OutputKind.giveUpRequest, request);
  }

  /** As many bytes more of an answer may come. */
  answerTaken(request: number, bytes: number): void {
    this.#about(OutputKind.answerTaken, request);
    this.#bytes.u32le(bytes);
  }

  /** Puts a message into a queue, in the commit of this turn. */
  putMessage(id: number, body: Uint8Array): void {
    this.#bytes.u8(OutputKind.putMessage);
    this.#bytes.f64le(id);
    this.#bytes.u32le(body.length);
    this.#bytes.bytes(body);
  }

  /** Removes a message, in the commit of this turn. */
  removeMessage(id: number): void {
    this.#bytes.u8(OutputKind.removeMessage);
    this.#bytes.f64le(id);
  }

  /** Tells the sender of a message that it is stored, or finished. @param response A value in compat form. */
  published(call: number, response: Uint8Array | undefined): void {
    const bytes = this.#bytes;
    bytes.u8(OutputKind.reply);
    bytes.u32le(call);
    bytes.u32le(1 + (response?.length ?? 0));
    // An array of what there is.
    writeArrayHead(bytes, response === undefined ? 0 : 1);
    if (response !== undefined) bytes.bytes(response);
  }

  /** Moves everything to the end of `batch`, after its length. */
  moveTo(batch: ByteWriter): void {
    const written = this.#written;
    if (written === undefined) {
      batch.u32le(0);
      return;
    }
    batch.u32le(written.length);
    batch.bytes(written.view());
    this.#written = undefined;
    giveWriter(written);
  }

  /** Forgets everything. Whoever is in the middle of writing goes on in vain, so the buffer is nobody else's. */
  clear(): void {
    this.#written = undefined;
  }

  /**
   * Appends the length of a value, and the value. Code of the program that runs meanwhile (`toJSON`, getters) can put
   * something out itself: that comes behind this record, and not into it.
   *
   * @param start Where the record begins, of which this is the end.
   * @returns how many bytes the value has.
   * @param instead What is to be there from `start` on if the value cannot be sent.
   * @throws TypeError if the value cannot be sent and there is nothing instead; nothing is left of the record then.
   */
  #value(bytes: ByteWriter, start: number, value: unknown, at: string, instead?: number): number {
    const size = bytes.reserve(4);
    this.#take();
    try {
      encodeValue(bytes, unwrap(value), "compat", at);
      const length = bytes.length - size - 4;
      bytes.patchU32le(size, length);
      return length;
    } catch (error) {
      bytes.truncate(start);
      if (instead === undefined) throw error;
      bytes.u32le(instead);
      return 0;
    } finally {
      const meanwhile = this.#take();
      this.#written = bytes;
      if (meanwhile !== undefined) {
        bytes.bytes(meanwhile.view());
        giveWriter(meanwhile);
      }
    }
  }

  /** Whoever writes next begins anew. */
  #take(): ByteWriter | undefined {
    const written = this.#written;
    this.#written = undefined;
    return written;
  }

  #keys(keys: readonly Uint8Array[]): void {
    this.#bytes.u32le(keys.length);
    for (const key of keys) this.#sized(key);
  }

  #sized(bytes: Uint8Array): void {
    this.#bytes.u32le(bytes.length);
    this.#bytes.bytes(bytes);
  }

  /** A text that may be absent. */
  #optional(text: string | undefined): void {
    if (text === undefined) this.#bytes.u32le(NONE);
    else this.#text(text);
  }

  #about(kind: number, request: number): void {
    this.#bytes.u8(kind);
    this.#bytes.u32le(request);
  }

  #streamPart(call: number, part: number): void {
    this.#about(OutputKind.stream, call);
    this.#bytes.u8(part);
  }

  #text(text: string): void {
    const size = this.#bytes.reserve(4);
    this.#bytes.patchU32le(size, this.#bytes.utf8(text));
  }

  #failure(failure: Failure): void {
    this.#text(failure.group);
    this.#text(failure.code);
    this.#text(failure.message);
    if (failure.metadata === undefined) {
      this.#bytes.u32le(NONE);
      return;
    }
    const bytes = this.#bytes;
    // An error that cannot say all it has is better than none.
    this.#value(bytes, bytes.length, failure.metadata, "metadata", NONE);
  }
}
