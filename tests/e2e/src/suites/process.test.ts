/** The process around a registry: settings, start errors, signals, shutdown. */

import assert from "node:assert/strict";
import { once } from "node:events";
import {
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { createServer } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, before, describe, test } from "node:test";
import { ActorError } from "@greenroom/client";
import { createClient } from "../harness/client.js";
import { DIST } from "../harness/paths.js";
import { complaints, type Ending, Program } from "../harness/program.js";
import { freePort } from "../harness/server.js";

const SOLO = join(DIST, "server/solo.js");
const BANNER = /listens on (http:\/\/\S+)/;

let root: string;
before(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), "greenroom-process-")));
});
after(() => rm(root, { recursive: true, force: true }));

let folders = 0;
/** A path of its own, at which nothing is yet. */
const fresh = () => join(root, `data-${folders++}`);

interface SoloOptions {
  readonly dataDir?: string;
  readonly port?: number;
  readonly host?: string;
  readonly noWelcome?: boolean;
  readonly logging?: { readonly level: string };
}

/** Starts `solo.ts` with options; environment variables come after. */
function solo(options: SoloOptions, env: Record<string, string> = {}, cwd?: string): Program {
  return new Program(SOLO, { env: { SOLO_OPTIONS: JSON.stringify(options), ...env }, cwd: cwd ?? root });
}

/** Makes a data directory with something in it. */
async function filled(): Promise<string> {
  const dataDir = fresh();
  const program = solo({ dataDir, port: 0 });
  const [, url] = await program.says(BANNER);
  assert.equal(await increment(url), 1);
  assert.equal((await program.stop("SIGTERM")).code, 0);
  return dataDir;
}

async function increment(url: string | undefined): Promise<unknown> {
  assert.ok(url);
  const client = createClient({ endpoint: url });
  const count = await client.getOrCreate("counter", "solo").action({ name: "increment", args: [] });
  await client.dispose();
  return count;
}

/** A start that failed as it should: one paragraph that says all of `parts`, and status 1. */
function assertExplained({ code, stdout, stderr }: Ending, ...parts: readonly (string | RegExp)[]): void {
  assert.equal(code, 1, stderr);
  assert.equal(stdout, "");
  const lines = complaints(stderr).trimEnd().split("\n");
  assert.equal(lines.length, 1, `one paragraph: ${stderr}`);
  for (const part of parts) assert.match(stderr, typeof part === "string" ? new RegExp(escaped(part)) : part);
  assert.doesNotMatch(stderr, /panicked|RUST_BACKTRACE|\bat .*:\d+:\d+|\.rs:\d|UnhandledPromise|^Error:/m);
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

describe("a start that cannot be", () => {
  test("on a data directory that another process has open", async () => {
    const dataDir = fresh();
    const first = solo({ dataDir, port: 0 });
    const [, url] = await first.says(BANNER);
    const second = await solo({ dataDir, port: 0 }).ended;
    assertExplained(second, dataDir, "in use by another process", "GREENROOM_DATA_DIR");
    assert.equal(await increment(url), 1);
    await first.stop("SIGKILL");
    // The lock goes with the process, however it ended.
    const third = solo({ dataDir, port: 0 });
    assert.equal(await increment((await third.says(BANNER))[1]), 2);
    await third.stop("SIGTERM");
  });

  const isRoot = process.getuid?.() === 0;
  test("in a folder that may not be written", { skip: isRoot && "root may write anywhere" }, async () => {
    const parent = fresh();
    await mkdir(parent, { mode: 0o500 });
    const ending = await solo({ dataDir: join(parent, "data"), port: 0 }).ended;
    assertExplained(ending, join(parent, "data"), "cannot be used", /permission denied/i);
    await chmod(parent, 0o700);
  });

  test("where the system does not let anybody write", { skip: process.platform !== "linux" }, async () => {
    assertExplained(
      await solo({ dataDir: "/proc/greenroom", port: 0 }).ended,
      "/proc/greenroom",
      "cannot be used",
      "GREENROOM_DATA_DIR",
    );
  });

  test("where a file is in the way", async () => {
    const file = fresh();
    await writeFile(file, "not a folder");
    assertExplained(
      await solo({ dataDir: file, port: 0 }).ended,
      file,
      "cannot be used",
      "GREENROOM_DATA_DIR",
    );
    assertExplained(
      await solo({ dataDir: join(file, "below"), port: 0 }).ended,
      file,
      "cannot be used",
      "GREENROOM_DATA_DIR",
    );
    assert.equal(await readFile(file, "utf8"), "not a folder");
  });

  for (const [what, format, expected] of [
    ["garbage instead of a format", "\u0000\u0001\u0002 not ours", /format version|damaged/],
    ["an empty format", "", /format version|damaged/],
    ["a format of the future", "greenroom store 99\n", /99.*this build reads 1.*use a matching version/],
  ] as const) {
    test(`on a data directory with ${what}`, async () => {
      const dataDir = await filled();
      await writeFile(join(dataDir, "FORMAT"), format);
      assertExplained(await solo({ dataDir, port: 0 }).ended, dataDir, expected);
      await writeFile(join(dataDir, "FORMAT"), "greenroom store 1\n");
      const repaired = solo({ dataDir, port: 0 });
      assert.equal(await increment((await repaired.says(BANNER))[1]), 2);
      await repaired.stop("SIGTERM");
    });
  }

  test("on a data directory whose database was damaged", async () => {
    const dataDir = await filled();
    const files = await filesBelow(join(dataDir, "db"));
    assert.ok(files.length > 0);
    for (const file of files) await flipEveryByte(file);
    assertExplained(await solo({ dataDir, port: 0 }).ended, dataDir, /damaged|cannot be used/);
    // It was left as it was found.
    for (const file of files) await flipEveryByte(file);
    const repaired = solo({ dataDir, port: 0 });
    assert.equal(await increment((await repaired.says(BANNER))[1]), 2);
    await repaired.stop("SIGTERM");
  });

  test("or one that hides it: a changed byte anywhere is said in words or does no harm", async () => {
    const original = await filled();
    const paths = await filesBelow(original);
    // Of files that are the same, as those of empty tables are, one is enough.
    const distinct = new Map(
      await Promise.all(paths.map(async (path) => [await readFile(path, "hex"), path] as const)),
    );
    for (const path of distinct.values()) {
      const dataDir = fresh();
      await cp(original, dataDir, { recursive: true });
      const file = join(dataDir, relative(original, path));
      await flipMiddleBit(file);
      const program = solo({ dataDir, port: 0 });
      const banner = await program.says(BANNER).catch(() => undefined);
      if (banner === undefined) {
        assertExplained(await program.ended, dataDir, /damaged|cannot be used|format version/);
        continue;
      }
      const count = await increment(banner[1]).catch((error: unknown) => error);
      // What was written last may look as if a crash had cut it short.
      const allowed = file.endsWith(".jnl") ? [1, 2] : [2];
      assert.ok(count instanceof ActorError || allowed.includes(Number(count)), `${file}: ${count}`);
      const { code, stderr } = await program.stop("SIGTERM");
      assert.equal(code, 0, `${file}: ${stderr}`);
      assert.doesNotMatch(stderr, /panicked/);
    }
  });

  test("on a data directory that lost its database's files", async () => {
    const dataDir = await filled();
    for (const file of await filesBelow(join(dataDir, "db"))) await rm(file);
    assertExplained(await solo({ dataDir, port: 0 }).ended, dataDir, /damaged|cannot be used/);
  });

  test("on a port that is taken, by anyone or by another Greenroom", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const address = other.address();
    assert.ok(typeof address === "object" && address !== null);
    const dataDir = fresh();
    const taken = await solo({ dataDir, port: address.port }).ended;
    assertExplained(taken, `port ${address.port}`, "127.0.0.1", "is taken", "GREENROOM_PORT");
    other.close();
    await once(other, "close");
    const first = solo({ dataDir, port: address.port });
    await first.says(BANNER);
    assertExplained(
      await solo({ dataDir: fresh(), port: address.port }).ended,
      `port ${address.port}`,
      "is taken",
    );
    assert.equal((await first.stop("SIGTERM")).code, 0);
  });

  for (const [what, options, env, expected] of [
    [
      "a port that is no number",
      {},
      { GREENROOM_PORT: "http" },
      /GREENROOM_PORT.*whole number from 0 to 65535.*`http`/,
    ],
    ["half a port", {}, { GREENROOM_PORT: "80.5" }, /GREENROOM_PORT.*whole number.*`80.5`/],
    ["a port over all ports", {}, { GREENROOM_PORT: "65536" }, /GREENROOM_PORT.*whole number/],
    ["a negative port as an option", { port: -1 }, {}, /'port'.*whole number from 0 to 65535.*`-1`/],
    ["a host that nobody has", { port: 0 }, { GREENROOM_HOST: "192.0.2.1" }, /192\.0\.2\.1.*GREENROOM_HOST/],
    ["a host that is none", { port: 0 }, { GREENROOM_HOST: "no such host" }, /no such host.*GREENROOM_HOST/],
    [
      "an unknown log level",
      { port: 0 },
      { GREENROOM_LOG_LEVEL: "loud" },
      /GREENROOM_LOG_LEVEL has to be one of .*warn.*`loud`/,
    ],
  ] as const) {
    test(`with ${what}`, async () => {
      assertExplained(await solo({ dataDir: fresh(), ...options }, env).ended, expected);
    });
  }
});

describe("settings", () => {
  test("everything durable is in ./.greenroom by default, and the banner says where", async () => {
    const cwd = fresh();
    await mkdir(cwd);
    const program = solo({ port: 0 }, {}, cwd);
    const [, url] = await program.says(BANNER);
    assert.equal(await increment(url), 1);
    assert.match(program.stdout, new RegExp(escaped(join(cwd, ".greenroom"))));
    assert.match(program.stdout, /counter/);
    assert.deepEqual(await readdir(cwd), [".greenroom"]);
    assert.equal(complaints((await program.stop("SIGTERM")).stderr), "");
  });

  test("the environment says where it lives and where it listens", async () => {
    const [dataDir, port] = [fresh(), await freePort()];
    const env = { GREENROOM_DATA_DIR: dataDir, GREENROOM_PORT: String(port), GREENROOM_HOST: "localhost" };
    const program = solo({}, env);
    await program.says(BANNER);
    assert.equal(await increment(`http://localhost:${port}`), 1);
    assert.ok((await stat(join(dataDir, "FORMAT"))).isFile());
    await program.stop("SIGTERM");
  });

  test("a relative data directory counts from where the process runs", async () => {
    const cwd = fresh();
    await mkdir(cwd);
    const program = solo({ port: 0 }, { GREENROOM_DATA_DIR: "some/where" }, cwd);
    await program.says(BANNER);
    assert.ok((await stat(join(cwd, "some/where/FORMAT"))).isFile());
    await program.stop("SIGTERM");
  });

  test("options win over the environment, and empty variables count as none", async () => {
    const [dataDir, other, port] = [fresh(), fresh(), await freePort()];
    const env = { GREENROOM_DATA_DIR: other, GREENROOM_PORT: "1", GREENROOM_HOST: "192.0.2.1" };
    const program = solo({ dataDir, port, host: "127.0.0.1" }, env);
    const [, url] = await program.says(BANNER);
    assert.equal(url, `http://127.0.0.1:${port}`);
    await assert.rejects(stat(other));
    await program.stop("SIGTERM");
    const empty = solo(
      { dataDir, port },
      { GREENROOM_HOST: "", GREENROOM_PORT: "", GREENROOM_LOG_LEVEL: "" },
    );
    assert.equal((await empty.says(BANNER))[1], `http://127.0.0.1:${port}`);
    await empty.stop("SIGTERM");
  });

  test("it listens on this machine only, unless told otherwise", async (t) => {
    const outside = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .find(({ family, internal }) => family === "IPv4" && !internal)?.address;
    if (outside === undefined) return t.skip("this machine has no other address");
    const port = await freePort();
    const closed = solo({ dataDir: fresh(), port });
    await closed.says(BANNER);
    await assert.rejects(fetch(`http://${outside}:${port}/health`));
    await closed.stop("SIGTERM");
    const open = solo({ dataDir: fresh(), port, host: "0.0.0.0" });
    await open.says(BANNER);
    assert.equal((await fetch(`http://${outside}:${port}/health`)).status, 200);
    await open.stop("SIGTERM");
  });

  test("noWelcome says nothing, and a signal counts from the first answer on", async () => {
    const port = await freePort();
    const program = solo({ dataDir: fresh(), port, noWelcome: true });
    await reachable(port, program);
    const { code, stdout, stderr } = await program.stop("SIGTERM");
    assert.deepEqual({ code, stdout, stderr: complaints(stderr) }, { code: 0, stdout: "", stderr: "" });
  });
});

describe("ends", () => {
  test("after shutdown the process ends by itself", async () => {
    const env = { GREENROOM_DATA_DIR: fresh(), GREENROOM_PORT: "0" };
    const ending = await new Program(join(DIST, "server/shut-down.js"), { env }).ended;
    assert.equal(ending.code, 0, ending.stderr);
    assert.match(ending.stdout, /^counted 2$/m);
    assert.equal(complaints(ending.stderr), "");
  });

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    test(`${signal} ends it with status 0, with connections open and after it was used`, async () => {
      const dataDir = fresh();
      const program = solo({ dataDir, port: 0 });
      const [, url] = await program.says(BANNER);
      assert.ok(url);
      const client = createClient({ endpoint: url });
      const connection = client.getOrCreate("counter", "solo").connect();
      await connection.action({ name: "increment", args: [] });
      const { code, stderr } = await program.stop(signal);
      assert.deepEqual({ code, stderr: complaints(stderr) }, { code: 0, stderr: "" });
      await client.dispose();
      const next = solo({ dataDir, port: 0 });
      assert.equal(await increment((await next.says(BANNER))[1]), 2);
      await next.stop(signal);
    });
  }

  test("several registries live in one process, apart from each other", async () => {
    const args = [fresh(), fresh(), fresh()];
    const ending = await new Program(join(DIST, "server/several.js"), { args }).ended;
    assert.equal(ending.code, 0, ending.stderr);
    assert.deepEqual(JSON.parse(ending.stdout), { counts: [1, 101, 201, 2, 102, 202], ports: 3 });
  });

  test("two registries of one process cannot share a data directory", async () => {
    const dataDir = fresh();
    const ending = await new Program(join(DIST, "server/several.js"), { args: [dataDir, dataDir] }).ended;
    assert.notEqual(ending.code, 0);
    assert.match(ending.stderr, /in use/);
  });
});

/** The files below a folder that have something in them. */
async function filesBelow(folder: string): Promise<string[]> {
  const paths = (await readdir(folder, { recursive: true })).map((path) => join(folder, path));
  const stats = await Promise.all(paths.map((path) => stat(path)));
  return paths.filter((_, i) => stats[i]?.isFile() && stats[i].size > 0);
}

async function flipEveryByte(file: string): Promise<void> {
  const bytes = await readFile(file);
  await writeFile(
    file,
    bytes.map((byte) => byte ^ 0xff),
  );
}

async function flipMiddleBit(file: string): Promise<void> {
  const bytes = await readFile(file);
  const middle = bytes.length >> 1;
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 0x10, middle);
  await writeFile(file, bytes);
}

/** Waits until a server that says nothing answers. */
async function reachable(port: number, program: Program): Promise<void> {
  let hasEnded = false;
  void program.ended.then(() => {
    hasEnded = true;
  });
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
    if (answer?.ok) return;
    assert.ok(!hasEnded, `it ended before it served: ${program.stderr}`);
    await new Promise((next) => setTimeout(next, 20));
  }
}
