/**
 * `order`, a list of indices, as runs `[start, length, start, length, ...]` of consecutive indices. A negative
 * length means a descending run.
 */
export function runsOf(order: readonly number[]): number[] {
  const runs: number[] = [];
  let at = 0;
  while (at < order.length) {
    const start = order[at] as number;
    const step = order[at + 1] === start - 1 ? -1 : 1;
    let length = 1;
    while (order[at + length] === start + length * step) length++;
    runs.push(start, length * step);
    at += length;
  }
  return runs;
}
