/**
 * What user code gets as `c.kv`, at run time.
 *
 * The pairs are in the core. Every request is an output of the open turn, and the core runs them in that order, so a
 * read sees the writes before it. Reads are answered by an event. Writes are not: as long as there is certainly room
 * for what they put, they are done when they are written down. Only a put that might be too much asks.
 */
import type {
  Kv,
  KvKeys,
  KvKeyType,
  KvListOptions,
  KvValueOptions,
  KvValues,
  KvValueType,
} from "../context/kv.js";
import type { Instance } from "./instance.js";
import {
  endOfPrefix,
  keyBytes,
  keyList,
  kvClosed,
  kvFull,
  listOptions,
  notText,
  type Pair,
  pairList,
  sizeOf,
  valueBytes,
  valueType,
} from "./kv-arguments.js";
import type { OutputWriter } from "./output-writer.js";
import { NONE } from "./records.js";

/** An answer of the core. The byte fields are views into the batch. */
export type KvAnswer =
  | { readonly kind: "values"; readonly values: readonly (Uint8Array | undefined)[] }
  | { readonly kind: "pairs"; readonly pairs: readonly Pair[] }
  | { readonly kind: "put" | "full"; readonly size: number };

interface Waiter {
  /** Settles the promise by what the core says. Must copy what it keeps. */
  readonly settle: (answer: KvAnswer) => void;
  readonly reject: (error: Error) => void;
}

/** Fatal, because what is not text would come back damaged; and a BOM is part of the text. */
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** See the top of the file. */
export class RuntimeKv implements Kv {
  readonly #instance: Instance;
  readonly #waiting = new Map<number, Waiter>();
  #lastToken = 0;
  /** Bytes that certainly fit. */
  #room: number;
  /** Puts that the core has not decided about. Until it has, nothing is certain. */
  #undecided = 0;

  /** @param size The bytes of all pairs. */
  constructor(instance: Instance, size: number) {
    this.#instance = instance;
    this.#room = instance.definition.options.maxKvSize - size;
  }

  get<Type extends KvValueType = "text">(
    key: unknown,
    options?: KvValueOptions<Type>,
  ): Promise<KvValues[Type] | null> {
    const type = valueType(options, "text");
    const bytes = keyBytes(key);
    return this.#ask(
      (outputs, token) => outputs.kvGet(token, [bytes]),
      ([value]) => (value === undefined ? null : (decodeValue(value, type) as KvValues[Type])),
      valuesOf,
    );
  }

  put<Type extends KvValueType>(key: unknown, value: unknown, options?: KvValueOptions<Type>): Promise<void> {
    return this.#put([[keyBytes(key), valueBytes(value, valueType(options, undefined))]]);
  }

  delete(key: unknown): Promise<void> {
    const bytes = keyBytes(key);
    return this.#tell((outputs) => outputs.kvDelete([bytes]));
  }

  batchGet<Type extends KvValueType = "binary">(
    keys: unknown,
    options?: KvValueOptions<Type>,
  ): Promise<(KvValues[Type] | null)[]> {
    const type = valueType(options, "binary");
    const list = keyList(keys);
    const read = (value: Uint8Array | undefined): KvValues[Type] | null =>
      value === undefined ? null : (decodeValue(value, type) as KvValues[Type]);
    return this.#ask(
      (outputs, token) => outputs.kvGet(token, list),
      (values) => values.map(read),
      valuesOf,
    );
  }

  batchPut(entries: unknown): Promise<void> {
    return this.#put(pairList(entries));
  }

  batchDelete(keys: unknown): Promise<void> {
    const list = keyList(keys);
    return this.#tell((outputs) => outputs.kvDelete(list));
  }

  deleteRange(start: unknown, end: unknown): Promise<void> {
    const [from, until] = [keyBytes(start, "the start"), keyBytes(end, "the end")];
    return this.#tell((outputs) => outputs.kvDeleteRange(from, until));
  }

  list<Type extends KvValueType = "text", KeyType extends KvKeyType = "text">(
    prefix: unknown = "",
    options?: KvListOptions<Type, KeyType>,
  ): Promise<[KvKeys[KeyType], KvValues[Type]][]> {
    const bytes = keyBytes(prefix, "the prefix");
    return this.#list(bytes, endOfPrefix(bytes), options);
  }

  listPrefix<Type extends KvValueType = "text", KeyType extends KvKeyType = "text">(
    prefix: unknown,
    options?: KvListOptions<Type, KeyType>,
  ): Promise<[KvKeys[KeyType], KvValues[Type]][]> {
    const bytes = keyBytes(prefix, "the prefix");
    return this.#list(bytes, endOfPrefix(bytes), options);
  }

  listRange<Type extends KvValueType = "text", KeyType extends KvKeyType = "text">(
    start: unknown,
    end: unknown,
    options?: KvListOptions<Type, KeyType>,
  ): Promise<[KvKeys[KeyType], KvValues[Type]][]> {
    return this.#list(keyBytes(start, "the start"), keyBytes(end, "the end"), options);
  }

  /** The core has answered. */
  static answered(kv: RuntimeKv, token: number, answer: KvAnswer): void {
    const waiter = kv.#waiting.get(token);
    kv.#waiting.delete(token);
    waiter?.settle(answer);
  }

  /** The instance is gone, and will not be answered any more. */
  static drop(kv: RuntimeKv): void {
    for (const { reject } of kv.#waiting.values()) reject(kvClosed());
    kv.#waiting.clear();
  }

  #list<Type extends KvValueType, KeyType extends KvKeyType>(
    start: Uint8Array,
    end: Uint8Array | undefined,
    options: unknown,
  ): Promise<[KvKeys[KeyType], KvValues[Type]][]> {
    const { type, keyType, reverse, limit } = listOptions(options);
    const read = ([key, value]: Pair): [KvKeys[KeyType], KvValues[Type]] => [
      decodeKey(key, keyType) as KvKeys[KeyType],
      decodeValue(value, type) as KvValues[Type],
    ];
    return this.#ask(
      (outputs, token) => outputs.kvList(token, start, end, reverse, limit),
      (pairs) => pairs.map(read),
      pairsOf,
    );
  }

  #put(pairs: readonly Pair[]): Promise<void> {
    const wanted = sizeOf(pairs);
    if (this.#undecided === 0 && wanted <= this.#room) {
      return this.#tell((outputs) => {
        outputs.kvPut(NONE, pairs);
        this.#room -= wanted;
      });
    }
    const { log, definition } = this.#instance;
    const limit = definition.options.maxKvSize;
    return this.#request<void>(
      (outputs, token) => {
        outputs.kvPut(token, pairs);
        this.#undecided += 1;
      },
      (answer) => {
        if (answer.kind !== "put" && answer.kind !== "full") throw unexpected(answer);
        this.#undecided -= 1;
        if (this.#undecided === 0) this.#room = limit - answer.size;
        if (answer.kind === "put") return;
        const error = kvFull(wanted, answer.size, limit);
        // Nobody has to wait for a put, but one that was refused should not go unnoticed.
        log.warn({ error }, "a put of key-value pairs was refused");
        throw error;
      },
    );
  }

  /** A request without an answer. */
  #tell(write: (outputs: OutputWriter) => void): Promise<void> {
    if (this.#isClosed) return handled(Promise.reject(kvClosed()));
    write(this.#instance.outputs());
    return Promise.resolve();
  }

  /** A read. */
  #ask<Part, Result>(
    write: (outputs: OutputWriter, token: number) => void,
    read: (part: Part) => Result,
    part: (answer: KvAnswer) => Part,
  ): Promise<Result> {
    return this.#request(write, (answer) => read(part(answer)));
  }

  /** A request with an answer. What `read` throws of it is what the promise is rejected with. */
  #request<Result>(
    write: (outputs: OutputWriter, token: number) => void,
    read: (answer: KvAnswer) => Result,
  ): Promise<Result> {
    if (this.#isClosed) return handled(Promise.reject(kvClosed()));
    this.#lastToken = (this.#lastToken + 1) % NONE;
    const token = this.#lastToken;
    write(this.#instance.outputs(), token);
    this.#instance.flushSoon();
    const answered = new Promise<Result>((resolve, reject) => {
      const settle = (answer: KvAnswer): void => {
        try {
          resolve(read(answer));
        } catch (error) {
          reject(error);
        }
      };
      this.#waiting.set(token, { settle, reject });
    });
    return handled(answered);
  }

  get #isClosed(): boolean {
    return this.#instance.isDropped || this.#instance.life.phase === "over";
  }
}

/** Often nobody waits; then losing the actor is no reason to end the process. */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

function valuesOf(answer: KvAnswer): readonly (Uint8Array | undefined)[] {
  if (answer.kind !== "values") throw unexpected(answer);
  return answer.values;
}

function pairsOf(answer: KvAnswer): readonly Pair[] {
  if (answer.kind !== "pairs") throw unexpected(answer);
  return answer.pairs;
}

function unexpected({ kind }: KvAnswer): Error {
  return new Error(
    `the native core gave an answer of the wrong kind (${kind}); do the package versions match?`,
  );
}

function decodeKey(bytes: Uint8Array, type: KvKeyType): KvKeys[KvKeyType] {
  return type === "text" ? decodeText(bytes, "a key") : bytes.slice();
}

function decodeValue(bytes: Uint8Array, type: KvValueType): KvValues[KvValueType] {
  if (type === "text") return decodeText(bytes, "a value");
  const copy = bytes.slice();
  return type === "binary" ? copy : copy.buffer;
}

function decodeText(bytes: Uint8Array, what: string): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw notText(what);
  }
}
