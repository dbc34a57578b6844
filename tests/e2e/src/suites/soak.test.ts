/** The soak, for some seconds: its load, its checks, and its judgement on curves that are made up. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { DIST } from "../harness/paths.js";
import { run, ServerProcess } from "../harness/server.js";
import { FEWEST_SAMPLES, judge, type Verdict } from "../soak/judgement.js";
import { Load } from "../soak/load.js";
import type { Part } from "../soak/part.js";
import { page } from "../soak/report.js";
import { soak } from "../soak/run.js";
import type { Sample } from "../soak/sample.js";

const skip = process.platform === "linux" ? false : "looks into /proc";
const isOnBun = process.env.GREENROOM_E2E_RUNTIME === "bun";
const MB = 2 ** 20;
const SAMPLES = 100;

/** The samples of a server that takes this at a moment from 0 to 1. */
function curve(at: (moment: number) => Partial<Sample>): Sample[] {
  return Array.from({ length: SAMPLES }, (_, index) => ({
    at: index,
    resident: 150 * MB,
    tables: 40 * MB,
    cache: 10 * MB,
    native: 80 * MB,
    heap: 20 * MB,
    external: 5 * MB,
    timers: 5,
    awake: 50,
    connections: 20,
    calls: 3,
    files: 20,
    storeFiles: 30,
    removedFiles: 0,
    sockets: 40,
    threads: 12,
    data: 10 * MB,
    cpu: index * 100,
    operations: index * 1_000,
    latency: { live: { count: 10, p50: 2, p99: 9 }, http: { count: 10, p50: 3, p99: 9 } },
    others: 0.1,
    sync: 1,
    ...at(index / SAMPLES),
  }));
}

/** The figures of which the soak says this. */
const found = (verdict: Verdict, samples: readonly Sample[]) =>
  judge(samples)
    .filter((finding) => finding.verdict === verdict)
    .map(({ what }) => what);
const grown = (samples: readonly Sample[]) => found("grown", samples);
const slow = (p50: number) => ({ count: 1, p50, p99: p50 });

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
    gone: server.ended,
  });
  const done = ["brief", "http", "live", "queue", "schedule", "sleep", "stream", "visit", "write"];
  assert.deepEqual(Object.keys(operations).sort(), done);
  assert.ok(samples.length >= 1 && samples.length <= 4, `${samples.length} samples`);
  for (const sample of samples) {
    const {
      resident,
      tables,
      heap,
      awake,
      connections,
      files,
      storeFiles,
      sockets,
      threads,
      data,
      cpu,
      sync,
    } = sample;
    for (const figure of [
      resident,
      tables,
      heap,
      awake,
      connections,
      files,
      storeFiles,
      sockets,
      threads,
      data,
      cpu,
      sync,
    ])
      assert.ok(figure > 0, `${figure}`);
    assert.ok(tables < resident && sample.others >= 0 && sample.others <= 1, JSON.stringify(sample));
    // Bun does not tell of timers. Everything else has to be there.
    assert.ok(isOnBun || sample.timers !== undefined, JSON.stringify(sample));
  }
  // What glibc says includes what the store holds.
  const [first] = samples;
  if (first?.native !== undefined)
    assert.ok(first.native > 0 && first.native < first.resident, `${first.native}`);
});

test("a server that ends is the end of its soak", { skip }, async (t) => {
  const server = await ServerProcess.start({ script: join(DIST, "server/soak-main.js") });
  t.after(() => server.dispose());
  assert.ok(server.pid);
  const soaked = soak({
    url: server.url,
    pid: server.pid,
    dataDir: server.dataDir,
    seconds: 600,
    every: 1,
    gone: server.ended,
    onSample: () => server.signal("SIGKILL"),
  });
  await assert.rejects(soaked, /the server has ended/);
});

test("what stays, swings or only warms up is flat", () => {
  assert.deepEqual(grown(curve(() => ({}))), []);
  assert.deepEqual(grown(curve((moment) => ({ resident: (moment < 0.2 ? 80 : 200) * MB }))), []);
  assert.deepEqual(grown(curve((moment) => ({ resident: (150 + 40 * Math.sin(moment * 300)) * MB }))), []);
});

test("what leaks is found, whatever it is", () => {
  const leaks: Readonly<Record<string, (moment: number) => Partial<Sample>>> = {
    "memory beside the store's, lowest": (moment) => ({ resident: (150 + 100 * moment) * MB }),
    "native memory beside the store's, lowest": (moment) => ({ native: (80 + 30 * moment) * MB }),
    "memory of the store": (moment) => ({
      cache: (50 + 300 * moment) * MB,
      resident: (150 + 300 * moment) * MB,
      native: (80 + 300 * moment) * MB,
    }),
    "JavaScript heap": (moment) => ({ heap: (20 + 5 * moment) * MB }),
    "JavaScript buffers": (moment) => ({ external: (5 + 10 * moment) * MB }),
    timers: (moment) => ({ timers: Math.floor(5 + 50 * moment) }),
    "actors awake": (moment) => ({ awake: Math.floor(50 + 300 * moment) }),
    connections: (moment) => ({ connections: Math.floor(20 + 30 * moment) }),
    calls: (moment) => ({ calls: Math.floor(3 + 100 * moment) }),
    "open files": (moment) => ({ files: Math.floor(20 + 20 * moment) }),
    "open files of the store": (moment) => ({ storeFiles: Math.floor(30 + 300 * moment) }),
    "removed files that are open": (moment) => ({ removedFiles: Math.floor(30 * moment) }),
    "open sockets": (moment) => ({ sockets: Math.floor(40 + 100 * moment) }),
    threads: (moment) => ({ threads: Math.floor(12 + 50 * moment) }),
    "data directory": (moment) => ({ data: (10 + 500 * moment) * MB }),
    "processor time for an operation": (moment) => ({ cpu: 50_000 * moment ** 2 }),
    "live p50": (moment) => ({ latency: { live: slow(2 + 10 * moment), http: slow(3) } }),
    "http p50": (moment) => ({ latency: { live: slow(2), http: slow(3 + 10 * moment) } }),
  };
  for (const [what, leak] of Object.entries(leaks)) assert.deepEqual(grown(curve(leak)), [what]);
});

test("what the store's own memory grows by, within its bound, is no leak", () => {
  const fills = curve((moment) => ({
    cache: 100 * moment * MB,
    resident: (100 + 100 * moment) * MB,
    native: (80 + 100 * moment) * MB,
  }));
  assert.deepEqual(grown(fills), []);
});

test("time beside other programs is disturbed, and everything else is judged all the same", () => {
  const slower = (moment: number) => ({ live: slow(2 + 10 * moment), http: slow(3) });
  const disturbances: readonly ((moment: number) => Partial<Sample>)[] = [
    (moment) => ({ others: moment }),
    (moment) => ({ others: 1 - moment }),
    (moment) => ({ sync: 1 + 5 * moment }),
  ];
  for (const disturbance of disturbances) {
    const samples = curve((moment) => ({
      ...disturbance(moment),
      latency: slower(moment),
      cpu: 50_000 * moment ** 2,
      calls: Math.floor(100 * moment),
    }));
    assert.deepEqual(found("disturbed", samples), ["processor time for an operation", "live p50"]);
    assert.deepEqual(grown(samples), ["calls"]);
  }
  const none = curve((moment) => ({ others: moment, sync: 1 + 5 * moment }));
  assert.deepEqual(found("disturbed", none), [], "slow is only what is beyond its bound");
});

test("what a runtime or a system does not tell is not judged", () => {
  const silent = curve(() => ({})).map(({ native: _, timers: __, ...sample }): Sample => sample);
  const what = judge(silent).map((finding) => finding.what);
  assert.ok(
    !what.includes("timers") && !what.includes("native memory beside the store's, lowest"),
    what.join(),
  );
  assert.deepEqual(grown(silent), []);
});

test("what was never measured, or too little, does not pass", () => {
  assert.deepEqual(grown(curve(() => ({ latency: {} }))), ["live p50", "http p50"]);
  assert.throws(() => judge(curve(() => ({})).slice(0, FEWEST_SAMPLES - 1)), /samples say nothing/);
});

test("the page names what has grown", () => {
  const samples = curve((moment) => ({
    files: Math.floor(20 + 100 * moment),
    latency: { live: slow(2 + 10 * moment), http: slow(3) },
    others: 0.9,
  }));
  const findings = judge(samples);
  const about = { began: "now", runtime: "node", machine: "1 × x", seconds: 100, operations: { live: 7 } };
  const text = page({ ...about, findings, samples });
  assert.match(text, /Something grew/);
  assert.match(text, /\| open files \| .* \| \*\*GROWN\*\* \|/);
  assert.match(text, /\| live p50 \| .* \| disturbed \|/);
  assert.match(text, /\| processors taken by others \| 90.0 % \| 90.0 % \| – \|/);
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
