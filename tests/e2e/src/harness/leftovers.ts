/** What a failed test leaves open ends with its suite, which would otherwise go on until its time limit. */
import { after } from "node:test";

const leftovers = new Set<() => Promise<unknown>>();

after(() => Promise.allSettled([...leftovers].map((end) => end())));

/** Calls `end` when the suite is over, whether that was done before or not. */
export function endWithSuite(end: () => Promise<unknown>): void {
  leftovers.add(end);
}
