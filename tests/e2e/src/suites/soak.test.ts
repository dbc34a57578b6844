/** The soak, for some seconds: its load, its checks, and its judgement on curves that are made up. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { DIST } from "../harness/paths.js";
import { run, ServerProcess } from "../harness/server.js";
import { FEWEST_SAMPLES, judge } from "../soak/judgement.js";
import { Load } from "../soak/load.js";
import type { Part } from "../soak/part.js";
import { page } from "../soak/report.js";
import { soak } from "../soak/run.js";
import type { Sample } from "../soak/sample.js";

const skip = process.platform === "linux" ? false : "looks into /proc";
const MB = 2 ** 20;
const SAMPLES = 100;

/** The samples of a server that takes this at a moment from 0 to 1. */
function curve(at: (moment: number) => Partial<Sample>): Sample[] {
  return Array.from({ length: SAMPLES }, (_, index) => ({
    at: index,
    resident: 100 * MB,
    heap: 20 * MB,
    files: 20,
    sockets: 40,
    threads: 12,
    data: 10 * MB,
    cpu: index * 100,
    operations: index * 1_000,
    latency: { live: { count: 10, p50: 2, p99: 9 }, http: { count: 10, p50: 3, p99: 9 } },
    ...at(index / SAMPLES),
  }));
}

const grown = (samples: readonly Sample[]) =>
  judge(samples)
    .filter(({ isWithin }) => !isWithin)
    .map(({ what }) => what);

test("a short soak does everything, and all answers and final states are right", { skip }, async (t) => {
  const server = await ServerProcess.start({
    script: join(DIST, "server/soak-main.js"),
    env: { NODE_OPTIONS: "--expose-gc" },
  });
  t.after(() => server.dispose());
  assert.ok(server.pid);
  const { samples, operations } = await soak({
    url: server.url,
    pid: server.pid,
    dataDir: server.dataDir,
    seconds: 8,
    every: 2,
  });
  const done = ["brief", "http", "live", "queue", "schedule", "sleep", "stream", "visit", "write"];
  assert.deepEqual(Object.keys(operations).sort(), done);
  assert.equal(samples.length, 4);
  for (const { resident, heap, files, sockets, threads, data, cpu } of samples) {
    for (const figure of [resident, heap, files, sockets, threads, data, cpu])
      assert.ok(figure > 0, `${figure}`);
  }
});

test("what stays, swings or only warms up is flat", () => {
  assert.deepEqual(grown(curve(() => ({}))), []);
  assert.deepEqual(grown(curve((moment) => ({ resident: (moment < 0.2 ? 50 : 200) * MB }))), []);
  assert.deepEqual(grown(curve((moment) => ({ resident: (100 + 40 * Math.sin(moment * 300)) * MB }))), []);
});

test("what leaks is found, whatever it is", () => {
  const slow = (p50: number) => ({ count: 1, p50, p99: p50 });
  const leaks: Readonly<Record<string, (moment: number) => Partial<Sample>>> = {
    memory: (moment) => ({ resident: (100 + 100 * moment) * MB }),
    "JavaScript heap": (moment) => ({ heap: (20 + 30 * moment) * MB }),
    "open files": (moment) => ({ files: Math.floor(20 + 100 * moment) }),
    "open sockets": (moment) => ({ sockets: Math.floor(40 + 100 * moment) }),
    threads: (moment) => ({ threads: Math.floor(12 + 50 * moment) }),
    "data directory": (moment) => ({ data: (10 + 500 * moment) * MB }),
    "live p50": (moment) => ({ latency: { live: slow(2 + 10 * moment), http: slow(3) } }),
    "http p50": (moment) => ({ latency: { live: slow(2), http: slow(3 + 10 * moment) } }),
  };
  for (const [what, leak] of Object.entries(leaks)) assert.deepEqual(grown(curve(leak)), [what]);
});

test("what was never measured, or too little, does not pass", () => {
  assert.deepEqual(grown(curve(() => ({ latency: {} }))), ["live p50", "http p50"]);
  assert.throws(() => judge(curve(() => ({})).slice(0, FEWEST_SAMPLES - 1)), /samples say nothing/);
});

test("the page names what has grown", () => {
  const samples = curve((moment) => ({ files: Math.floor(20 + 100 * moment) }));
  const findings = judge(samples);
  const about = { began: "now", runtime: "node", machine: "1 × x", seconds: 100, operations: { live: 7 } };
  const text = page({ ...about, findings, samples });
  assert.match(text, /Something grew/);
  assert.match(text, /\| open files \| .* \| \*\*GROWN\*\* \|/);
  assert.equal(text.match(/^\| [01] \|/gm)?.length, 2, text);
});

test("a wrong answer ends the load and says where", async () => {
  const part = (name: string, once: Part["once"]): Part => ({
    name,
    lanes: 2,
    perSecond: 100,
    once,
    check: async () => {},
  });
  let calls = 0;
  const good = part("good", async () => {});
  const bad = part("bad", async (lane) => {
    if (lane === 1 && ++calls === 3) throw new Error("7 is not 8");
  });
  const load = new Load([good, bad]);
  await assert.rejects(load.ended, /bad, lane 1: Error: 7 is not 8/);
  assert.ok(load.signal.aborted);
});

test("options that make no sense are refused with words", async () => {
  const program = join(DIST, "soak/main.js");
  for (const [args, words] of [
    [["--minutes", "1"], /--minutes is 1, expected 2 to 1440/],
    [["--minutes", "long"], /--minutes is long/],
    [["--runtime", "perl"], /--runtime is perl, expected node or bun/],
    [["--speed", "9"], /--speed/],
  ] as const) {
    const { code, stderr } = await run(program, {}, args);
    assert.equal(code, 1);
    assert.match(stderr, words);
  }
  const { code, stdout } = await run(program, {}, ["--help"]);
  assert.equal(code, 0);
  assert.match(stdout, /--minutes/);
});
