import { randomBytes } from "node:crypto";

/** So many ids fit into one millisecond; after that they run ahead of the clock. */
const PER_MILLISECOND = 0x1000;

let lastTime = 0;
let count = 0;

/**
 * An id for a scheduled call (a UUID of version 7). Ids sort in the order in which they were made, so that calls for
 * the same time are made in the order in which they were asked for.
 *
 * @param now Milliseconds since the Unix epoch.
 */
export function newCallId(now: number): string {
  if (now > lastTime) {
    lastTime = now;
    count = 0;
  } else if (++count === PER_MILLISECOND) {
    lastTime++;
    count = 0;
  }
  const time = lastTime.toString(16).padStart(12, "0");
  const random = randomBytes(8);
  random[0] = 0x80 | ((random[0] ?? 0) & 0x3f);
  const rest = random.toString("hex");
  const order = count.toString(16).padStart(3, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${order}-${rest.slice(0, 4)}-${rest.slice(4)}`;
}
