/**
 * Loaded ahead of an example's program, which knows nothing of galleries: ends it when the gallery is gone. Standard
 * input is a pipe from there that nobody writes to; it closes however that process ends, `kill -9` included.
 */

/** How long the example may take to shut down. */
const END_MS = 5_000;

process.stdin.on("end", () => {
  process.kill(process.pid, "SIGTERM");
  setTimeout(() => process.exit(1), END_MS).unref();
});
process.stdin.resume();
// Watching is no reason to go on when the example is done.
if ("unref" in process.stdin && typeof process.stdin.unref === "function") process.stdin.unref();
