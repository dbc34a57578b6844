/** SIGINT and SIGTERM: shut down what runs in this process, then exit. */
import { standardError } from "../log.js";

/** Something that runs until it is told to stop. */
export interface Stoppable {
  /** The longest time that stopping may take, in milliseconds. */
  readonly gracePeriodMs: number;
  shutdown(): Promise<void>;
}

const SIGNALS = { SIGINT: 2, SIGTERM: 15 } as const;
type Signal = keyof typeof SIGNALS;

const running = new Set<Stoppable>();
let isStopping = false;
let isListening = false;

/** Stops `stoppable` when the process gets a signal. */
export function stopOnSignal(stoppable: Stoppable): void {
  running.add(stoppable);
  if (isListening) return;
  isListening = true;
  for (const signal of Object.keys(SIGNALS)) process.on(signal, onSignal);
}

/**
 * Takes that back. Once nothing is left, signals have their usual effect again.
 *
 * The listeners stay: a signal that has come but was not yet heard of would be lost with them, and the process would
 * go on although it was told to end.
 */
export function forgetSignals(stoppable: Stoppable): void {
  running.delete(stoppable);
}

function onSignal(name: string): void {
  const signal = name as Signal;
  // The second one means it.
  if (isStopping) process.exit(128 + SIGNALS[signal]);
  if (running.size === 0) {
    haveUsualEffect(signal);
    return;
  }
  isStopping = true;
  void stopAll([...running]);
}

/** What would happen if nobody here listened: others who listen decide, or the process ends. */
function haveUsualEffect(signal: Signal): void {
  if (process.listenerCount(signal) > 1) return;
  process.off(signal, onSignal);
  process.kill(process.pid, signal);
}

async function stopAll(all: readonly Stoppable[]): Promise<void> {
  const gracePeriod = Math.max(...all.map((each) => each.gracePeriodMs));
  const timer = setTimeout(() => {
    standardError(
      `the shutdown took longer than ${gracePeriod} ms (\`shutdown.gracePeriodMs\`), exiting all the same`,
    );
    process.exit(1);
  }, gracePeriod);
  const results = await Promise.allSettled(all.map((each) => each.shutdown()));
  clearTimeout(timer);
  const failed = results.filter((result) => result.status === "rejected");
  for (const { reason } of failed) standardError(reason instanceof Error ? reason.message : String(reason));
  process.exit(failed.length === 0 ? 0 : 1);
}
