/** The program of the migration page: both versions compile, the new one runs, and the page shows what differs. */

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { promisify } from "node:util";
import { ROOT } from "./tables.js";

const PROGRAM = join(ROOT, "tests/docs/migration");
const BUILT = join(ROOT, "tests/docs/dist/migration");
const TSC = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");
const FILES = ["chat.ts", "server.ts", "talk.ts"];

const execute = promisify(execFile);
const compile = (version: string) =>
  execute(process.execPath, [TSC, "-p", join(PROGRAM, version)]).catch((error: { stdout?: string }) =>
    assert.fail(`${version} does not compile:\n${error.stdout}`),
  );

test("the program compiles with RivetKit", async () => {
  await compile("before");
});

test("the page shows all that differs", async () => {
  const changes: string[] = [];
  for (const file of FILES) {
    const [before, after] = await Promise.all(
      ["before", "after"].map(async (version) =>
        (await readFile(join(PROGRAM, version, file), "utf8")).split("\n"),
      ),
    );
    assert.equal(before?.length, after?.length, file);
    const changed = before?.flatMap((line, index) => (line === after?.[index] ? [] : [index])) ?? [];
    if (changed.length === 0) continue;
    changes.push(file, ...changed.map((at) => `-${before?.[at]}`), ...changed.map((at) => `+${after?.[at]}`));
  }
  const page = await readFile(join(ROOT, "docs/migrating-from-rivetkit.md"), "utf8");
  assert.equal(/^```diff\n(.*?)^```$/ms.exec(page)?.[1], `${changes.join("\n")}\n`);
});

test("the migrated program runs", async (t) => {
  await compile("after");
  const dataDir = await mkdtemp(join(tmpdir(), "greenroom-migration-"));
  const env = { ...process.env, GREENROOM_DATA_DIR: dataDir, GREENROOM_PORT: "0" };
  const server = spawn(process.execPath, [join(BUILT, "server.js")], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(async () => {
    server.kill("SIGKILL");
    await rm(dataDir, { recursive: true, force: true });
  });
  const [banner] = (await once(createInterface({ input: server.stdout }), "line")) as [string];
  const url = /http:\S+/.exec(banner)?.[0] ?? assert.fail(banner);
  const client = spawn(process.execPath, [join(BUILT, "talk.js"), url], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => client.kill("SIGKILL"));
  const lines: string[] = [];
  for await (const line of createInterface({ input: client.stdout })) {
    lines.push(line);
    if (lines.length === 4) break;
  }
  assert.equal(lines[0], "{ from: 'ann', text: 'hello' }");
  const later = ["completed { ok: true }", "nameless: true", "{ from: 'clock', text: 'time flies' }"];
  assert.deepEqual(lines.slice(1).sort(), later);
});
