/** The log of a registry and of its actors: one line per entry on standard error. */
import { writeSync } from "node:fs";

/** How much is logged: this level and everything after it. */
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "silent";

/** Logs a text, or fields with an optional text: `log.info({ msg: "paid", cents })`, `log.info("paid", { cents })`. */
export interface LogMethod {
  (message: string, fields?: object): void;
  (fields: object, message?: string): void;
}

/** A log at five levels. */
export interface Logger {
  readonly trace: LogMethod;
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
}

const LEVELS: readonly LogLevel[] = ["trace", "debug", "info", "warn", "error", "fatal", "silent"];

/** @throws Error if `value` is not a level, naming `what` it was given for. */
export function parseLogLevel(value: unknown, what: string): LogLevel {
  const level = LEVELS.find((known) => known === value);
  if (level === undefined) {
    throw new Error(`${what} has to be one of ${LEVELS.join(", ")}, and is \`${String(value)}\``);
  }
  return level;
}

/** Takes finished lines. */
export type LogSink = (line: string) => void;

/** Writes to standard error, at once: lines survive an exit that follows. */
export const standardError: LogSink = (line) => {
  try {
    writeSync(2, `${line}\n`);
  } catch {
    // A closed or full pipe must not take the program down with it.
  }
};

/**
 * A logger that puts `bound` into every entry.
 *
 * @param bound Fields, read when an entry is written.
 */
export function createLogger(level: LogLevel, bound: object, sink: LogSink = standardError): Logger {
  const threshold = LEVELS.indexOf(level);
  const method = (name: keyof Logger): LogMethod => {
    if (LEVELS.indexOf(name) < threshold) return () => {};
    return (first: string | object, second?: string | object) => {
      const message = typeof first === "string" ? first : second;
      const fields = typeof first === "string" ? second : first;
      sink(formatEntry(name, message, bound, fields));
    };
  };
  return {
    trace: method("trace"),
    debug: method("debug"),
    info: method("info"),
    warn: method("warn"),
    error: method("error"),
  };
}

function formatEntry(level: keyof Logger, message: unknown, bound: object, fields: unknown): string {
  const entry: Record<string, unknown> = { ...bound };
  if (fields instanceof Error) entry.error = fields;
  else if (typeof fields === "object" && fields !== null) Object.assign(entry, fields);
  const { msg, ...rest } = entry;
  const text = typeof message === "string" ? message : typeof msg === "string" ? msg : "";
  let line = `${new Date().toISOString()} ${level.toUpperCase().padEnd(5)} ${text}`;
  const traces: string[] = [];
  for (const [name, value] of Object.entries(rest)) {
    line += ` ${name}=${formatValue(value)}`;
    if (value instanceof Error) traces.push(describeError(value));
  }
  return traces.length === 0 ? line : `${line}\n${traces.join("\n")}`;
}

function formatValue(value: unknown): string {
  if (typeof value === "string") return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
  if (value instanceof Error) return JSON.stringify(`${value.name}: ${value.message}`);
  if (typeof value !== "object" || value === null) return String(value);
  try {
    return JSON.stringify(value, (_key, part) => (typeof part === "bigint" ? String(part) : part));
  } catch {
    return "[unprintable]";
  }
}

/** Stack and causes, indented. */
function describeError(error: Error): string {
  const lines: string[] = [];
  let current: unknown = error;
  for (let depth = 0; current instanceof Error && depth < 5; depth++) {
    const stack = current.stack ?? `${current.name}: ${current.message}`;
    lines.push(...(depth === 0 ? stack : `caused by ${stack}`).split("\n"));
    current = current.cause;
  }
  return lines.map((line) => `    ${line}`).join("\n");
}
