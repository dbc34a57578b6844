/** What user code gets as `c.kv`: ordered pairs of bytes or text. */

/** What values are given as, by the name to ask for it. */
export interface KvValues {
  readonly text: string;
  readonly binary: Uint8Array;
  readonly arrayBuffer: ArrayBuffer;
}

/** What keys are given as, by the name to ask for it. */
export interface KvKeys {
  readonly text: string;
  readonly binary: Uint8Array;
}

export type KvValueType = keyof KvValues;
export type KvKeyType = keyof KvKeys;

/** A key: text stands for its UTF-8 bytes. Keys are ordered by their bytes. At most 2,048 of them. */
export type KvKey = KvKeys[KvKeyType];
/** A value: text stands for its UTF-8 bytes. At most 131,072 of them. */
export type KvValue = KvValues[KvValueType];

/** How a value is read. */
export interface KvValueOptions<Type extends KvValueType> {
  /** What to give: `"text"`, `"binary"` (`Uint8Array`) or `"arrayBuffer"`. */
  readonly type?: Type;
}

/** How pairs are listed. */
export interface KvListOptions<Type extends KvValueType, KeyType extends KvKeyType>
  extends KvValueOptions<Type> {
  /** What to give of the keys: `"text"` (default) or `"binary"`. */
  readonly keyType?: KeyType;
  /** From the last key down instead of from the first up. Default false. */
  readonly reverse?: boolean;
  /** So many pairs at most, 1 to 16,384. Default 16,384. */
  readonly limit?: number;
}

/**
 * Ordered pairs that belong to the actor, for data that is read by key or range rather than as a whole.
 *
 * Writes are part of the turn that they are made in, just as changes of the state: both are stored, or neither, and
 * nothing that may show them leaves the actor before that. Reads see every write that was made before them, stored
 * or not. All pairs of an awake actor are in memory, so their sum is limited: option `maxKvSize`.
 *
 * What is wrong with the arguments is thrown at once, as an ActorError of group `kv`: `invalid_key`, `key_too_large`,
 * `invalid_value`, `value_too_large`, `too_many_keys`, `batch_too_large`, `invalid_options`. What becomes of a call
 * comes with its promise: `kv.closed` once the actor has stopped.
 */
export interface Kv {
  /**
   * The value of a key, or null if there is none. Text unless asked for otherwise.
   *
   * @throws ActorError (as a rejection) `kv.not_text`, `kv.closed`.
   */
  get<Type extends KvValueType = "text">(
    key: KvKey,
    options?: KvValueOptions<Type>,
  ): Promise<KvValues[Type] | null>;
  /**
   * Puts a pair in place of the one with this key. Resolves when it is part of the turn, so nobody has to wait for it
   * unless the pairs may outgrow `maxKvSize`: then it is not put.
   *
   * @param options.type Says what `value` has to be; checked.
   * @throws ActorError (as a rejection) `actor.kv_storage_quota_exceeded`, `kv.closed`.
   */
  put<Type extends KvValueType = KvValueType>(
    key: KvKey,
    value: KvValues[Type],
    options?: KvValueOptions<Type>,
  ): Promise<void>;
  /** Deletes a pair. Nothing happens if there is none with this key. */
  delete(key: KvKey): Promise<void>;
  /** The values of up to 128 keys in their order, null where there is none. Binary unless asked for otherwise. */
  batchGet<Type extends KvValueType = "binary">(
    keys: readonly KvKey[],
    options?: KvValueOptions<Type>,
  ): Promise<(KvValues[Type] | null)[]>;
  /** Puts up to 128 pairs, together 999,424 bytes, all or none. Of pairs with the same key the last counts. */
  batchPut(entries: readonly (readonly [key: KvKey, value: KvValue])[]): Promise<void>;
  /** Deletes the pairs of up to 128 keys. */
  batchDelete(keys: readonly KvKey[]): Promise<void>;
  /** Deletes all pairs from `start` up to, but without, `end`. */
  deleteRange(start: KvKey, end: KvKey): Promise<void>;
  /** The pairs whose keys begin with `prefix`; without one, all. */
  list<Type extends KvValueType = "text", KeyType extends KvKeyType = "text">(
    prefix?: KvKey,
    options?: KvListOptions<Type, KeyType>,
  ): Promise<[key: KvKeys[KeyType], value: KvValues[Type]][]>;
  /** The same as {@link list}. */
  listPrefix<Type extends KvValueType = "text", KeyType extends KvKeyType = "text">(
    prefix: KvKey,
    options?: KvListOptions<Type, KeyType>,
  ): Promise<[key: KvKeys[KeyType], value: KvValues[Type]][]>;
  /** The pairs from `start` up to, but without, `end`. */
  listRange<Type extends KvValueType = "text", KeyType extends KvKeyType = "text">(
    start: KvKey,
    end: KvKey,
    options?: KvListOptions<Type, KeyType>,
  ): Promise<[key: KvKeys[KeyType], value: KvValues[Type]][]>;
}
