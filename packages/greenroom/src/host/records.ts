/**
 * The records that cross between the addon and this host, little endian and without padding. `crates/node`
 * documents the same layout; both sides change together.
 */

/** Kinds of events, addon to host: `u8` kind, `u32` instance, then what the kind needs. */
export const EventKind = {
  start: 1,
  call: 2,
  cancel: 3,
  connect: 4,
  disconnect: 5,
  saved: 6,
  stop: 7,
  drop: 8,
  alarm: 9,
  publish: 10,
  subscribe: 11,
  kv: 12,
  fetch: 13,
  bodyData: 14,
  bodyEnd: 15,
  bodyAbort: 16,
  bodyCredit: 17,
  socketConnect: 18,
  socketMessage: 19,
  socketClosed: 20,
  authorize: 23,
  answerHead: 24,
  answerPart: 25,
  answerEnd: 26,
  answerFailed: 27,
  requestTaken: 28,
  credit: 21,
} as const;

/** Kinds of outputs, host to addon: `u8` kind, then what the kind needs. */
export const OutputKind = {
  started: 1,
  startFailed: 2,
  reply: 3,
  replyError: 4,
  event: 5,
  coalescedEvent: 56,
  optionalEvent: 57,
  accept: 6,
  reject: 7,
  connState: 8,
  disconnect: 9,
  save: 10,
  saveWithin: 11,
  sleep: 12,
  destroy: 13,
  stopped: 14,
  setAlarm: 15,
  removeAlarm: 16,
  awake: 17,
  putMessage: 18,
  removeMessage: 19,
  subscribe: 24,
  refuseSubscription: 25,
  kvPut: 20,
  kvDelete: 21,
  kvDeleteRange: 22,
  kvRead: 23,
  responseHead: 26,
  responseData: 27,
  responseEnd: 28,
  responseAbort: 29,
  requestCredit: 30,
  stream: 34,
  startRefused: 35,
  stateVersion: 44,
  authorized: 36,
  refused: 37,
  socketSend: 31,
  socketClose: 32,
  acceptSocket: 33,
  socketHandled: 45,
  goesOn: 48,
  beginRequest: 38,
  requestPart: 39,
  endRequest: 40,
  giveUpRequest: 41,
  answerTaken: 42,
  beginConnection: 46,
} as const;

/** What an `awake` output says, added up. */
export const AwakeFlag = {
  /** Something is in progress that the actor must not be put to sleep over. */
  held: 1,
  /** The actor is to be woken if its instance is lost. */
  resumes: 2,
} as const;

/** What a read of key-value pairs asks for. */
export const KvQuery = { get: 0, list: 1 } as const;

/** What came of a request of key-value pairs. */
export const KvResult = { values: 0, pairs: 1, put: 2, full: 3 } as const;
/** Bits of a call. */
export const CallFlag = { compat: 1, streams: 2, once: 4 } as const;

/** Parts of a result that streams. */
export const StreamPart = { start: 0, item: 1, end: 2 } as const;

/** Bytes of a streamed body that may be under way before its reader grants credit for more. */
export const STREAM_WINDOW = 262_144;
/** Largest piece of a streamed body, in bytes. */
export const STREAM_PIECE = 65_536;

/** Why an instance has to stop. */
export const StopReason = { sleep: 0, destroy: 1 } as const;
export type StopReason = (typeof StopReason)[keyof typeof StopReason];

/** Stands for the registry as a whole where an instance would be. */
export const REGISTRY = 0;

/** Instead of a connection or a length: there is none. For the target of an event: all subscribers. */
export const NONE = 0xffff_ffff;
