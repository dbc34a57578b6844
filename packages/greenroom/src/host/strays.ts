/**
 * Errors that nobody handles: of promises that nobody awaits, of timers and listeners of the program's own. Those that
 * come from an actor are written to its log, and the process, with everybody else in it, goes on. So is the name of an
 * actor that ends the process.
 *
 * Whose they are is told by the asynchronous context in which they began. The platforms lose it now and then: Node.js
 * for what `queueMicrotask` runs, Bun for that as well, for rejections, and for some listeners. Then it is one of those
 * whose code this thread was running, if it was; a rejection on Bun is taken for an actor's for as long as actors are
 * awake. Everything else is an error of other code, and ends the process as it does without us.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { isMainThread } from "node:worker_threads";
import type { Logger } from "../log.js";
import { asError } from "./failure.js";

/** Whose code runs. What it starts may keep this for long, so it must not hold on to much. */
export interface Owner {
  /** For people: `name/key`. */
  readonly place: string;
  /** A log whose entries say whose they are. */
  log(): Logger;
}

/** A registry that runs. */
export interface StraySource {
  readonly log: Logger;
  /** How many actors are awake. */
  readonly size: number;
  /** Whose code may be running, or what follows from it; empty if it is other code. */
  suspects(): readonly Owner[];
}

const owners = new AsyncLocalStorage<Owner | undefined>();
/** The registries that run. */
const running = new Set<StraySource>();
const isBun = process.versions.bun !== undefined;

const EXCEPTION = "an exception that nobody has caught";
const REJECTION = "a promise was rejected and nobody has handled it";

/** Runs `work`, and what follows from it, as code of `owner`; of nobody if that is undefined. */
export function runAs<Args extends unknown[]>(
  owner: Owner | undefined,
  work: (...args: Args) => void,
  ...args: Args
): void {
  if (running.size === 0) work(...args);
  else owners.run(owner, work, ...args);
}

/** Looks after errors that nobody handles from now on, until {@link letGoOfStrays} follows. */
export function lookAfterStrays(source: StraySource): void {
  running.add(source);
  if (running.size > 1) return;
  process.on("uncaughtException", onException);
  process.on("exit", onExit);
  // Whoever says how rejections are treated gets that.
  const isSettled = [...process.execArgv, process.env.NODE_OPTIONS].some((option) =>
    option?.includes("--unhandled-rejections"),
  );
  if (!isSettled) process.on("unhandledRejection", onRejection);
}

/** Takes that back. */
export function letGoOfStrays(source: StraySource): void {
  if (running.delete(source) && running.size === 0) stopListening();
}

function stopListening(): void {
  process.off("uncaughtException", onException);
  process.off("unhandledRejection", onRejection);
  process.off("exit", onExit);
}

function onException(error: unknown, origin: NodeJS.UncaughtExceptionOrigin): void {
  if (hasOthers("uncaughtException")) return;
  // One that was a rejection is only here if the program has said that it is to end the process.
  if (origin === "unhandledRejection") raise(error);
  else if (!report(error, EXCEPTION, isOfLostContext(error) ? suspects() : [])) raise(error);
}

function onRejection(reason: unknown): void {
  if (hasOthers("unhandledRejection")) return;
  // Without a listener of its own for rejections, a program gets them as exceptions.
  if (hasOthers("uncaughtException")) raise(asError(reason));
  else if (!report(reason, REJECTION, isBun ? suspects() : [])) onStrangeRejection(asError(reason));
}

function onStrangeRejection(error: Error): void {
  const [source] = [...running].filter(({ size }) => size > 0);
  if (!isBun || source === undefined) raise(error);
  else source.log.error({ error }, `${REJECTION}; Bun does not say whether it is an actor's`);
}

/** Writes an error to the log of its actor, or of one of `possible`. @returns whether there is one */
function report(error: unknown, what: string, possible: readonly Owner[]): boolean {
  const owner = owners.getStore() ?? (possible.length === 1 ? possible[0] : undefined);
  if (owner !== undefined) owner.log().error({ error: asError(error) }, what);
  else if (possible.length > 0) {
    const names = possible.map(({ place }) => place).join(", ");
    possible[0]?.log().error({ error: asError(error), suspects: names }, `${what}, by one of several actors`);
  }
  return owner !== undefined || possible.length > 0;
}

/** Whether the platform may have lost the context of an exception. */
function isOfLostContext(error: unknown): boolean {
  return isBun || (error instanceof Error && /\brunMicrotask\b/.test(error.stack ?? ""));
}

function suspects(): readonly Owner[] {
  return [...running].flatMap((source) => source.suspects());
}

/** Names an actor that ends the process. */
function onExit(code: number): void {
  owners
    .getStore()
    ?.log()
    .error(
      { code },
      `the actor has ended ${isMainThread ? "the process" : "its thread"} by \`process.exit\``,
    );
}

/** Whether the program itself listens: then it decides, as it does without us. */
function hasOthers(event: "uncaughtException" | "unhandledRejection"): boolean {
  const isTaken = event === "uncaughtException" && process.hasUncaughtExceptionCaptureCallback?.();
  return isTaken === true || process.listenerCount(event as "uncaughtException") > 1;
}

/** Does with an error what happens to it without us: the program's listeners get it, or it ends the process. */
function raise(error: unknown): void {
  if (!hasOthers("uncaughtException")) stopListening();
  process.nextTick(() => {
    throw error;
  });
}
