/**
 * `cargo xtask soak`: a mixed load on a server for a long time. Fails when an answer or a state is wrong, and when memory,
 * handles or latency have grown. Writes what it saw to `target/soak`.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { DIST, ROOT, runtimeCommand } from "../harness/paths.js";
import { FEWEST_SAMPLES, judge } from "./judgement.js";
import { page, type Soak } from "./report.js";
import { soak } from "./run.js";
import type { Sample } from "./sample.js";

const HELP = `Runs a mixed load against a server of its own, at a bounded rate, and looks at what the server takes. Fails when an
answer or a final state is wrong, and when memory, handles or latency grow from the second to the last fifth of the time.

Usage: cargo xtask soak [options]

  --minutes <n>       how long, at least 2 (default 30)
  --runtime <name>    node or bun (default node)
  -h, --help          show this text

Writes target/soak/<name>-<time>.md, and .json with all samples. Linux only.
`;

/** The shortest soak: the fifths of a shorter one have too few samples. */
const SHORTEST = 2;

interface Options {
  readonly minutes: number;
  readonly runtime: string;
}

/** The options; `undefined` for help. @throws Error that says what is wrong with them. */
function readOptions(): Options | undefined {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "30" },
      runtime: { type: "string", default: "node" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return undefined;
  const minutes = Number(values.minutes);
  if (!(minutes >= SHORTEST && minutes <= 24 * 60)) {
    throw new Error(`--minutes is ${values.minutes}, expected ${SHORTEST} to 1440`);
  }
  if (values.runtime !== "node" && values.runtime !== "bun") {
    throw new Error(`--runtime is ${values.runtime}, expected node or bun`);
  }
  return { minutes, runtime: values.runtime };
}

/** Starts the server and waits until it serves. */
async function start(runtime: string, dataDir: string): Promise<{ child: ChildProcess; url: string }> {
  const [program, ...first] = runtimeCommand(runtime);
  const child = spawn(program, [...first, join(DIST, "server/soak-main.js")], {
    env: {
      ...process.env,
      // So that the heap is looked at after a collection.
      NODE_OPTIONS: "--expose-gc",
      GREENROOM_DATA_DIR: dataDir,
      GREENROOM_PORT: "0",
      GREENROOM_HOST: "127.0.0.1",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /"url":"([^"]+)"/.exec(line)?.[1];
    if (url === undefined) continue;
    child.stdout.resume();
    return { child, url };
  }
  throw new Error("the server ended before it served");
}

function tell({
  at,
  resident,
  tables,
  cache,
  native,
  heap,
  storeFiles,
  sockets,
  operations,
  latency,
}: Sample): void {
  const megabytes = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
  process.stderr.write(
    `${at.toFixed(0).padStart(6)} s  memory ${megabytes(resident)} MB, tables ${megabytes(tables)}, cache ${megabytes(cache)}, ` +
      `native ${megabytes(native ?? 0)}, heap ${megabytes(heap)}, ${storeFiles} files of the store, ${sockets} sockets, ` +
      `${operations} operations, live p50 ${latency.live?.p50.toFixed(1) ?? "–"} ms\n`,
  );
}

async function run({ minutes, runtime }: Options): Promise<boolean> {
  const dataDir = await mkdtemp(join(tmpdir(), "greenroom-soak-"));
  const began = new Date();
  const seconds = minutes * 60;
  const { child, url } = await start(runtime, dataDir);
  const gone = once(child, "exit");
  try {
    if (child.pid === undefined) throw new Error("the server has no process");
    const { samples, operations } = await soak({
      url,
      pid: child.pid,
      dataDir,
      seconds,
      every: Math.min(5, seconds / (2 * FEWEST_SAMPLES)),
      gone,
      onSample: tell,
    });
    const [cpu] = cpus();
    const report: Soak = {
      began: began.toISOString(),
      runtime,
      machine: `${cpus().length} × ${cpu?.model.trim() ?? "a processor"}`,
      seconds,
      operations,
      findings: judge(samples),
      samples,
    };
    await write(report, Math.floor(began.getTime() / 1_000));
    return report.findings.every(({ verdict }) => verdict !== "grown");
  } finally {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGTERM");
      await gone;
    }
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function write(report: Soak, time: number): Promise<void> {
  const folder = join(ROOT, "target/soak");
  await mkdir(folder, { recursive: true });
  const text = page(report);
  const name = `${report.runtime}-${time}`;
  await writeFile(join(folder, `${name}.json`), `${JSON.stringify(report, null, 1)}\n`);
  await writeFile(join(folder, `${name}.md`), text);
  process.stdout.write(`${text}\nin target/soak/${name}.md and .json\n`);
}

try {
  const options = readOptions();
  if (options === undefined) process.stdout.write(HELP);
  else if (!(await run(options))) process.exitCode = 1;
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
