/** What the documents show compiles, and what the README shows runs. */

import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { before, test } from "node:test";
import { promisify } from "node:util";
import { documents, linksOf, snippetsOf, writeSnippets } from "./snippets.js";

const TSC = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");

let folders: Map<string, string>;

before(async () => {
  const written = await writeSnippets();
  folders = written.folders;
  const compile = promisify(execFile)(process.execPath, [TSC, "-p", written.project]);
  await compile.catch((error: { stdout?: string }) =>
    assert.fail(`snippets do not compile:\n${error.stdout}`),
  );
});

test("every document was read, and the README and the guide have snippets", async () => {
  const all = await documents();
  assert.ok(
    all.includes("README.md") &&
      all.includes("docs/guide/README.md") &&
      all.includes("docs/guide/clients.md"),
  );
  assert.ok((await snippetsOf("README.md")).length >= 2);
  assert.ok((await snippetsOf("docs/guide/README.md")).length >= 3);
  const pages = all.filter((file) => file.startsWith("docs/guide/") && !file.endsWith("README.md"));
  const index = await linksOf("docs/guide/README.md");
  for (const page of pages) {
    assert.ok(
      index.some((target) => target.endsWith(page)),
      `the guide does not lead to ${page}`,
    );
  }
});

test("links between the documents lead somewhere", async () => {
  for (const document of await documents()) {
    for (const target of await linksOf(document)) {
      assert.ok(existsSync(target), `${document} links to ${target}, which does not exist`);
    }
  }
});

test("the README's actor and client run as they stand, but for the port", async (t) => {
  const folder = folders.get("README.md");
  assert.ok(folder !== undefined);
  const dataDir = await mkdtemp(join(tmpdir(), "greenroom-readme-"));
  const server = spawn(process.execPath, [join(folder, "counter.js")], {
    env: { ...process.env, GREENROOM_DATA_DIR: dataDir, GREENROOM_PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(async () => {
    server.kill("SIGKILL");
    await rm(dataDir, { recursive: true, force: true });
  });
  const url = /http:\S+/.exec(await firstLine(server))?.[0];
  assert.ok(url !== undefined, "the banner names the URL");
  const program = join(folder, "client.js");
  await writeFile(program, (await readFile(program, "utf8")).replace("http://127.0.0.1:6420", url));
  const client = spawn(process.execPath, [program], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => client.kill("SIGKILL"));
  // The client stays connected, as the README's program does: its first line is the event.
  assert.equal(await firstLine(client), "1");
});

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error("stdout is a pipe");
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  return line;
}
