/** What npm would publish works in a project that has nothing else. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { after, before, test } from "node:test";
import { compile, type Installation, install, PACKAGES, ROOT, tool } from "./installation.js";

let project: Installation;

before(async () => {
  project = await install();
});
after(() => project.remove());

/** The files that the README shows, by the name in their first line. */
async function readmeFiles(): Promise<ReadonlyMap<string, string>> {
  const readme = await readFile(join(ROOT, "README.md"), "utf8");
  const files = new Map<string, string>();
  for (const [, name, code] of readme.matchAll(/^```ts\n\/\/ (\S+\.ts)\n(.*?)^```/gms)) {
    files.set(name ?? "", code ?? "");
  }
  return files;
}

async function firstLine(output: Readable): Promise<string> {
  for await (const line of createInterface({ input: output })) return line;
  throw new Error("the program ended without a word");
}

test("the README's program compiles with every declaration checked, and its actors serve", async (t) => {
  const files = await readmeFiles();
  assert.deepEqual([...files.keys()], ["counter.ts", "client.ts"]);
  for (const [name, code] of files) await writeFile(join(project.folder, name), code);
  await compile(project.folder, [...files.keys()]);
  const server = spawn(process.execPath, ["counter.js"], {
    cwd: project.folder,
    env: { ...process.env, GREENROOM_PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => server.kill("SIGKILL"));
  const banner = await firstLine(server.stdout);
  const url = /http:\S+/.exec(banner)?.[0];
  assert.ok(url !== undefined, banner);
  const program = `
    import { createClient } from "greenroom/client";
    import { ActorError } from "greenroom/errors";
    const client = createClient(${JSON.stringify(url)});
    const error = await client.get("counter", "none").increment(1).catch((thrown) => thrown);
    console.log(await client.getOrCreate("counter", "a").increment(2), error instanceof ActorError, error.code);
  `;
  await writeFile(join(project.folder, "call.js"), program);
  const caller = spawn(process.execPath, ["call.js"], {
    cwd: project.folder,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exit = once(caller, "exit");
  assert.equal(await firstLine(caller.stdout), "2 true not_found");
  assert.deepEqual(await exit, [0, null]);
});

test("every entry point compiles with every declaration checked", async () => {
  const program = `
    import { createClient, type Client } from "@greenroom/client";
    import { decodeValue } from "@greenroom/client/codec";
    import { ActorError } from "@greenroom/client/errors";
    import type { RegistryLike } from "@greenroom/client/types";
    import * as greenroom from "greenroom";
    import { createClient as sameClient } from "greenroom/client";
    import { ActorError as SameError } from "greenroom/errors";
    const client: Client<RegistryLike> = createClient();
    export const same: typeof createClient = sameClient;
    export const error: ActorError = new SameError("a", "b", "c");
    export { client, decodeValue, greenroom };
  `;
  await writeFile(join(project.folder, "entries.ts"), program);
  await compile(project.folder, ["entries.ts"]);
});

for (const name of PACKAGES) {
  test(`${name}: publint and attw find nothing`, async () => {
    const tarball = project.tarballs.get(name) ?? "";
    await tool("publint", "--strict", tarball);
    // Modules only: what `require` of old versions would find is nobody's business.
    await tool("attw", "--profile", "esm-only", "--format", "ascii", tarball);
  });
}
