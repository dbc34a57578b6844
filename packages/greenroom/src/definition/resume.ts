/** How many events an actor keeps for clients that reconnect: what exceeds one of these is forgotten. */
export interface ResumeOptions {
  /** So many events, up to 100,000. Default 1,000. */
  readonly maxEvents?: number;
  /** So many bytes: names, arguments, and 64 for each event; up to 8,388,608. Default 1,048,576 (1 MiB). */
  readonly maxBytes?: number;
  /** Events up to this age, in milliseconds. Default 300,000 (5 minutes); `Infinity` for any. */
  readonly maxAgeMs?: number;
}

/** What a client can be told in one go, with room for all that is not an event. */
const MOST = { maxEvents: 100_000, maxBytes: 8 * 1024 * 1024 };
/** For any age: the largest number of milliseconds that is exact everywhere. */
const ANY_AGE = Number.MAX_SAFE_INTEGER;

const DEFAULTS: Required<ResumeOptions> = { maxEvents: 1_000, maxBytes: 1024 * 1024, maxAgeMs: 300_000 };

/** @throws Error naming what is unknown or has a wrong value. */
export function resolveResume(value: boolean | ResumeOptions): Required<ResumeOptions> | undefined {
  if (typeof value === "boolean") return value ? DEFAULTS : undefined;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error("actor option 'resume' has to be a boolean, or an object with its limits");
  }
  for (const name of Object.keys(value)) {
    if (!Object.hasOwn(DEFAULTS, name)) throw new Error(`unknown actor option 'resume.${name}'`);
  }
  return {
    maxEvents: limit("maxEvents", value.maxEvents, MOST.maxEvents),
    maxBytes: limit("maxBytes", value.maxBytes, MOST.maxBytes),
    maxAgeMs:
      value.maxAgeMs === Number.POSITIVE_INFINITY ? ANY_AGE : limit("maxAgeMs", value.maxAgeMs, ANY_AGE),
  };
}

function limit(name: keyof ResumeOptions, value: unknown, most: number): number {
  if (value === undefined) return DEFAULTS[name];
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new Error(`actor option 'resume.${name}' has to be a whole number from 1 to ${most}`);
}
