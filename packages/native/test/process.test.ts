import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { call, inDirectory, run } from "./setup.js";

/** The program of npm's `bun` package is called the same on every platform. */
const bun = fileURLToPath(new URL("../../../node_modules/bun/bin/bun.exe", import.meta.url));
const program = fileURLToPath(new URL("./program.js", import.meta.url));

/** Long enough for a busy machine; a process that does not end by itself is stopped after it. */
const PATIENCE_MS = 30_000;

interface Ended {
  /** What was printed, one value for each line. */
  printed: unknown[];
  /** The exit code, or null if the process had to be stopped. */
  code: number | null;
}

function start(runtime: string, what: string, dataDir: string, port: string): ChildProcess {
  return spawn(runtime, [program, what, dataDir, port], { stdio: ["ignore", "pipe", "inherit"] });
}

async function lines(child: ChildProcess): Promise<unknown[]> {
  assert.ok(child.stdout);
  const printed: unknown[] = [];
  for await (const line of createInterface(child.stdout)) {
    printed.push(JSON.parse(line));
  }
  return printed;
}

async function toItsEnd(runtime: string, what: string, dataDir: string, port = ""): Promise<Ended> {
  const child = start(runtime, what, dataDir, port);
  const stop = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
  const exited = once(child, "exit");
  const printed = await lines(child);
  const [code] = (await exited) as [number | null];
  clearTimeout(stop);
  return { printed, code };
}

async function firstLine(child: ChildProcess): Promise<string> {
  assert.ok(child.stdout);
  const [line] = (await once(createInterface(child.stdout), "line")) as [string];
  return JSON.parse(line) as string;
}

for (const [name, runtime] of [
  ["node", process.execPath],
  ["bun", bun],
] as const) {
  test(`${name}: the process ends by itself after shutdown`, async () => {
    await inDirectory(async (dataDir) => {
      const ended = await toItsEnd(runtime, "shutDown", dataDir);
      assert.deepEqual(ended, { printed: [{ output: 1 }, "shut down"], code: 0 });
    });
  });

  test(`${name}: shutdown in the middle of work ends as well`, async () => {
    await inDirectory(async (dataDir) => {
      const ended = await toItsEnd(runtime, "shutDownAtOnce", dataDir);
      assert.deepEqual(ended, { printed: ["shut down"], code: 0 });
    });
  });

  test(`${name}: a registry that did not start keeps nothing alive`, async () => {
    await inDirectory(async (dataDir) => {
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      const address = server.address();
      assert.ok(address !== null && typeof address === "object");
      const ended = await toItsEnd(runtime, "fail", dataDir, String(address.port));
      assert.deepEqual(ended, { printed: ["address_in_use"], code: 0 });
      server.close();
      assert.deepEqual(await toItsEnd(runtime, "neverStart", dataDir), { printed: ["made"], code: 0 });
    });
  });

  test(`${name}: a process that exits without shutdown loses nothing that was answered`, async () => {
    await inDirectory(async (dataDir) => {
      assert.deepEqual(await toItsEnd(runtime, "exit", dataDir), { printed: [{ output: 1 }], code: 7 });
      const next = await run(dataDir);
      assert.deepEqual(await call(next.info.url, "a", "add"), { output: 2 });
      await next.registry.shutdown();
    });
  });

  test(`${name}: a process that serves stays, owns its data directory, and may be killed`, async () => {
    await inDirectory(async (dataDir) => {
      const child = start(runtime, "serve", dataDir, "");
      const exited = once(child, "exit");
      const url = await firstLine(child);
      assert.deepEqual(await call(url, "a", "add"), { output: 1 });
      await assert.rejects(run(dataDir), { code: "store_locked" });
      assert.deepEqual(await call(url, "a", "add"), { output: 2 });
      child.kill("SIGKILL");
      assert.deepEqual(await exited, [null, "SIGKILL"]);
      const next = await run(dataDir);
      assert.deepEqual(await call(next.info.url, "a", "add"), { output: 3 });
      await next.registry.shutdown();
    });
  });
}
