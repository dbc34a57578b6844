// For measuring memory: collects garbage when standard input says `gc`, and answers `heap <bytes>`.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

process.stdin.setEncoding("utf8").on("data", (text) => {
  for (const line of text.split("\n")) {
    if (line === "gc") {
      collect();
      console.log(`heap ${process.memoryUsage().heapUsed}`);
    }
  }
});

function collect() {
  if (globalThis.Bun) return globalThis.Bun.gc(true);
  // Not at the start, so that the flag changes nothing about what else is measured.
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
}
