/** The log of a registry and of its actors: one line per entry on standard error. */
import { writeSync } from "node:fs";

/** How much is logged: this level and everything after it. */
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "silent";

/** Logs a text, or fields with an optional text: `log.info({ msg: "paid", cents })`, `log.info("paid", { cents })`. */
export interface LogMethod {
  (message: string, fields?: object): void;
  (fields: object, message?: string): void;
}

/** A log at six levels. */
export interface Logger {
  readonly trace: LogMethod;
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
  readonly fatal: LogMethod;
}

/** A logger of the program's own, in the manner of pino. */
export interface BaseLogger {
  trace(fields: object, message?: string): void;
  debug(fields: object, message?: string): void;
  info(fields: object, message?: string): void;
  warn(fields: object, message?: string): void;
  error(fields: object, message?: string): void;
  fatal(fields: object, message?: string): void;
  /** A logger that puts `bindings` into every entry. Without it they are put in here. */
  child?(bindings: object): BaseLogger;
}

/** Where entries go, and which. */
export interface LogSettings {
  readonly level: LogLevel;
  /** Whether lines on standard error begin with the time. */
  readonly hasTimestamp: boolean;
  /** Takes the entries instead of standard error. */
  readonly base: BaseLogger | undefined;
}

const METHODS = ["trace", "debug", "info", "warn", "error", "fatal"] as const;
const LEVELS: readonly LogLevel[] = [...METHODS, "silent"];

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

/** @throws Error if `logger` lacks a method */
export function checkBaseLogger(logger: BaseLogger): BaseLogger {
  for (const name of METHODS) {
    if (typeof logger[name] !== "function")
      throw new Error(`setup option 'logging.baseLogger' has to have a method '${name}'`);
  }
  return logger;
}

/** A logger that puts `bound` into every entry. */
export function makeLogger(settings: LogSettings, bound: object): Logger {
  const { level, base, hasTimestamp } = settings;
  if (base === undefined) return createLogger(level, bound, standardError, hasTimestamp);
  const bindsItself = typeof base.child === "function";
  const target = bindsItself ? (base.child?.(bound) ?? base) : base;
  return loggerOf(level, (name, message, fields) => {
    const error = fields instanceof Error ? { err: fields } : fields;
    const entry = bindsItself ? { ...Object(error) } : { ...bound, ...Object(error) };
    if (typeof message === "string") target[name](entry, message);
    else target[name](entry);
  });
}

/**
 * A logger that writes lines of text.
 *
 * @param bound Fields of every entry, read when it is written.
 */
export function createLogger(
  level: LogLevel,
  bound: object,
  sink: LogSink = standardError,
  hasTimestamp = true,
): Logger {
  return loggerOf(level, (name, message, fields) =>
    sink((hasTimestamp ? `${new Date().toISOString()} ` : "") + formatEntry(name, message, bound, fields)),
  );
}

function loggerOf(
  level: LogLevel,
  write: (name: keyof Logger, message: unknown, fields: unknown) => void,
): Logger {
  const threshold = LEVELS.indexOf(level);
  const method = (name: keyof Logger): LogMethod => {
    if (LEVELS.indexOf(name) < threshold) return () => {};
    return (first: string | object, second?: string | object) => {
      if (typeof first === "string") write(name, first, second);
      else write(name, second, first);
    };
  };
  return {
    trace: method("trace"),
    debug: method("debug"),
    info: method("info"),
    warn: method("warn"),
    error: method("error"),
    fatal: method("fatal"),
  };
}

function formatEntry(level: keyof Logger, message: unknown, bound: object, fields: unknown): string {
  const own = fields instanceof Error ? { error: fields } : fields;
  const entry: Record<string, unknown> = { ...bound, ...Object(typeof own === "object" ? own : undefined) };
  const { msg, ...rest } = entry;
  const text = typeof message === "string" ? message : typeof msg === "string" ? msg : "";
  let line = `${level.toUpperCase().padEnd(5)} ${text}`;
  const traces: string[] = [];
  for (const [name, value] of Object.entries(rest)) {
    line += ` ${name}=${formatValue(value)}`;
    if (value instanceof Error) traces.push(...describeError(value));
  }
  return [line, ...traces].map(printable).join("\n");
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

/** What ends a line, moves a terminal's cursor, or turns the direction of what follows. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** Escapes what callers could make the log look with as if it said something else. Tabs are left. */
function printable(line: string): string {
  return line.replace(UNPRINTABLE, (char) => {
    if (char === "\t") return char;
    if (char === "\n") return "\\n";
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/** Stack and causes, indented. */
function describeError(error: Error): string[] {
  const lines: string[] = [];
  let current: unknown = error;
  for (let depth = 0; current instanceof Error && depth < 5; depth++) {
    const stack = current.stack ?? `${current.name}: ${current.message}`;
    lines.push(...(depth === 0 ? stack : `caused by ${stack}`).split("\n"));
    current = current.cause;
  }
  return lines.map((line) => `    ${line}`);
}
