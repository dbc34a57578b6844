/**
 * Errors that nobody handles: of promises that nobody awaits, of timers and listeners of the program's own. Those that
 * come from an actor are written to its log, and the process, with everybody else in it, goes on.
 *
 * Whose they are is told by the asynchronous context in which they began. Bun does not keep it for promises, so there
 * a rejection that nobody handles ends the process as it does without us; so does every error of other code.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { Logger } from "../log.js";
import { asError } from "./failure.js";

/** Whose code runs. What it starts may keep this for long, so it must not hold on to much. */
export interface Owner {
  /** A log whose entries say whose they are. */
  log(): Logger;
}

const owners = new AsyncLocalStorage<Owner | undefined>();
/** How many registries run. */
let running = 0;

/** Runs `work`, and what follows from it, as code of `owner`; of nobody if that is undefined. */
export function runAs<Args extends unknown[]>(
  owner: Owner | undefined,
  work: (...args: Args) => void,
  ...args: Args
): void {
  if (running === 0) work(...args);
  else owners.run(owner, work, ...args);
}

/** Begins to look after errors that nobody handles, until as many calls of {@link letGoOfStrays} follow. */
export function lookAfterStrays(): void {
  if (running++ > 0) return;
  process.on("uncaughtException", onException);
  // Whoever says how rejections are treated gets that.
  const isSettled = [...process.execArgv, process.env.NODE_OPTIONS].some((option) =>
    option?.includes("--unhandled-rejections"),
  );
  if (!isSettled) process.on("unhandledRejection", onRejection);
}

/** Takes that back. */
export function letGoOfStrays(): void {
  if (--running === 0) stopListening();
}

function stopListening(): void {
  process.off("uncaughtException", onException);
  process.off("unhandledRejection", onRejection);
}

function onException(error: unknown, origin: NodeJS.UncaughtExceptionOrigin): void {
  if (hasOthers("uncaughtException")) return;
  // One that was a rejection is only here if the program has said that it is to end the process.
  const owner = origin === "unhandledRejection" ? undefined : owners.getStore();
  if (owner === undefined) raise(error);
  else owner.log().error({ error: asError(error) }, "an exception that nobody has caught");
}

function onRejection(reason: unknown): void {
  if (hasOthers("unhandledRejection")) return;
  const owner = owners.getStore();
  // Without a listener of its own for rejections, a program gets them as exceptions.
  if (hasOthers("uncaughtException") || owner === undefined) raise(asError(reason));
  else owner.log().error({ error: asError(reason) }, "a promise was rejected and nobody has handled it");
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
