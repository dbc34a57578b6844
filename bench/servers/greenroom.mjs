// The system under test: one actor type with a durable counter and a durable list, strict durability, a data
// directory of its own. Says `listening <port>` and ends when its standard input does.
import { actor, setup } from "greenroom";
import "./heap.mjs";

const LINE = "x".repeat(100);

const counter = actor({
  // Longer than any measurement: those that measure sleep ask for it.
  options: { sleepTimeout: 600_000 },
  state: { count: 0, lines: [] },
  actions: {
    increment(c, by) {
      c.state.count += by;
      return c.state.count;
    },
    getCount: (c) => c.state.count,
    append: (c, text) => c.state.lines.push(text),
    fill(c, bytes) {
      const missing = Math.ceil(bytes / LINE.length) - c.state.lines.length;
      for (let i = 0; i < missing; i += 1) c.state.lines.push(LINE);
      return c.state.lines.length;
    },
    publish(c, text, times) {
      for (let i = 0; i < times; i += 1) c.broadcast("said", text);
      return times;
    },
    // FNV-1a: each step needs the one before, so that none can be left out.
    compute(_, rounds) {
      let hash = 0x811c9dc5;
      for (let number = 0; number < rounds; number += 1) hash = Math.imul(hash ^ (number & 0xff), 0x01000193);
      return hash >>> 0;
    },
    nap(c) {
      c.sleep();
      return null;
    },
  },
});

const registry = setup({
  use: { counter },
  host: "127.0.0.1",
  port: 0,
  dataDir: process.env.BENCH_DATA_DIR,
  noWelcome: true,
});
const { port } = await registry.start();
console.log(`listening ${port}`);

process.stdin.on("end", () => registry.shutdown()).resume();
