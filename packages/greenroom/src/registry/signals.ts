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

/** Stops `stoppable` when the process gets a signal. */
export function stopOnSignal(stoppable: Stoppable): void {
  running.add(stoppable);
  if (running.size > 1) return;
  for (const signal of Object.keys(SIGNALS)) process.on(signal, onSignal);
}

/** Takes that back. Once nothing is left, signals have their usual effect again. */
export function forgetSignals(stoppable: Stoppable): void {
  running.delete(stoppable);
  if (running.size > 0 || isStopping) return;
  for (const signal of Object.keys(SIGNALS)) process.off(signal, onSignal);
}

function onSignal(signal: string): void {
  // The second one means it.
  if (isStopping) process.exit(128 + SIGNALS[signal as Signal]);
  isStopping = true;
  void stopAll([...running]);
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
