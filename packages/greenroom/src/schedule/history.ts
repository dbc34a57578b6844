import type { CronRun } from "../context/schedule.js";

/** A run that has come to its end, or was skipped. */
export type PastRun = CronRun & { readonly result: "ok" | "error" | "skipped" };

/** So many characters of an error's message are kept. */
const MAX_ERROR = 256;

export const skipped = (scheduledAt: number): PastRun => ({ result: "skipped", scheduledAt });

export const succeeded = (scheduledAt: number, firedAt: number, finishedAt: number): PastRun => ({
  result: "ok",
  scheduledAt,
  firedAt,
  finishedAt,
});

export const failed = (
  scheduledAt: number,
  firedAt: number,
  finishedAt: number,
  message: string,
): PastRun => ({
  result: "error",
  scheduledAt,
  firedAt,
  finishedAt,
  error: message.length > MAX_ERROR ? `${message.slice(0, MAX_ERROR)}…` : message,
});

/** The last `limit` of `runs` and `more`, which are in order. */
export function append(
  runs: readonly PastRun[],
  more: readonly PastRun[],
  limit: number,
): readonly PastRun[] {
  const all = [...runs, ...more];
  return all.slice(Math.max(0, all.length - limit));
}

/** Short rows for storage: a job's body is written anew with every run. */
export function toRows(runs: readonly PastRun[]): unknown[] {
  return runs.map((run) => {
    if (run.result === "skipped") return [run.scheduledAt];
    const row: unknown[] = [run.scheduledAt, run.firedAt, run.finishedAt];
    if (run.result === "error") row.push(run.error ?? "");
    return row;
  });
}

/** @throws Error if they are no rows. */
export function fromRows(rows: unknown): readonly PastRun[] {
  if (!Array.isArray(rows)) throw new Error("the history is no list");
  return rows.map((row: unknown) => {
    if (!Array.isArray(row)) throw new Error("a run is no list");
    const [scheduledAt, firedAt, finishedAt, error] = row as [number, number, number, string];
    if (row.length === 1) return skipped(scheduledAt);
    return row.length === 3
      ? succeeded(scheduledAt, firedAt, finishedAt)
      : failed(scheduledAt, firedAt, finishedAt, error);
  });
}
