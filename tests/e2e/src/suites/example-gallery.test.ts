/** What the gallery does with its examples: finds them, keeps them running, says what is wrong. Also on Bun. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { registry } from "../../../../examples/gallery/dist/registry.js";
import { Backoff } from "../../../../examples/gallery/dist/stage/backoff.js";
import { readCatalog } from "../../../../examples/gallery/dist/stage/catalog.js";
import { type Showing, Stage } from "../../../../examples/gallery/dist/stage/stage.js";
import { createClient } from "../harness/client.js";
import { exampleScript } from "../harness/paths.js";
import { freePort, ServerProcess } from "../harness/server.js";

/** A program that serves, as a line on standard output says. */
const SERVES = `
  import { createServer } from "node:http";
  const { GREENROOM_HOST: host, GREENROOM_PORT: port } = process.env;
  const server = createServer((_, answer) => answer.end("here"));
  server.listen(port, host, () => console.log("on http://" + host + ":" + server.address().port));
`;

/** A folder of examples: the texts of their programs by name. */
async function folder(t: TestContext, programs: Readonly<Record<string, string>>): Promise<string> {
  const examples = await mkdtemp(join(tmpdir(), "greenroom-gallery-"));
  t.after(() => rm(examples, { recursive: true, force: true }));
  for (const [name, program] of Object.entries(programs)) {
    await mkdir(join(examples, name));
    const manifest = { type: "module", scripts: { start: "node main.js" } };
    await writeFile(join(examples, name, "package.json"), JSON.stringify(manifest));
    await writeFile(join(examples, name, "main.js"), program);
  }
  return examples;
}

async function open(t: TestContext, examples: string, firstPort = 0): Promise<Stage> {
  const stage = new Stage();
  t.after(() => stage.close());
  const house = { host: "127.0.0.1", firstPort, dataDir: join(examples, "data") };
  await stage.open(await readCatalog(examples, "gallery"), house);
  return stage;
}

/** Waits until an example is as `is` says. */
async function until(stage: Stage, name: string, is: (showing: Showing) => boolean): Promise<Showing> {
  const wanted = () => stage.showings().find((showing) => showing.name === name && is(showing));
  const found = wanted();
  if (found) return found;
  const enough = new AbortController();
  for await (const _ of stage.changes(enough.signal)) {
    const now = wanted();
    if (now) return now;
  }
  throw new Error("changes end with their signal only");
}

const portOf = ({ state }: Showing) => (state.is === "up" ? state.port : assert.fail(`it is ${state.is}`));

test("an example that crashes is shown with its reason, waits longer each time, and comes up when it can", async (t) => {
  const examples = await folder(t, { shaky: 'throw new Error("the curtain is stuck");', well: SERVES });
  const stage = await open(t, examples);
  const first = await until(stage, "shaky", ({ state }) => state.is === "failed");
  assert.ok(first.state.is === "failed");
  assert.match(first.state.problem, /ended with status 1: Error: the curtain is stuck/);
  const waits: number[] = [];
  for (const restarts of [1, 2]) {
    const failed = await until(
      stage,
      "shaky",
      (now) => now.state.is === "failed" && now.restarts === restarts,
    );
    if (failed.state.is === "failed") waits.push(failed.state.againAt - Date.now());
  }
  assert.ok(Number(waits[0]) < Number(waits[1]), `${waits}`);
  await until(stage, "well", ({ state }) => state.is === "up");
  await writeFile(join(examples, "shaky/main.js"), SERVES);
  const up = await until(stage, "shaky", ({ state }) => state.is === "up");
  assert.equal(await (await fetch(`http://127.0.0.1:${portOf(up)}`)).text(), "here");
});

test("a port that is taken is passed over", async (t) => {
  const taken = createServer();
  t.after(() => taken.close());
  const port = await freePort();
  taken.listen(port, "127.0.0.1");
  await once(taken, "listening");
  const stage = await open(t, await folder(t, { one: SERVES }), port);
  const up = await until(stage, "one", ({ state }) => state.is === "up");
  assert.notEqual(portOf(up), port);
});

test("a killed example comes back at its port; one that was closed does not", async (t) => {
  const stage = await open(t, await folder(t, { one: SERVES }));
  const before = await until(stage, "one", ({ state }) => state.is === "up");
  assert.equal(stage.kill("one"), true);
  const after = await until(stage, "one", ({ state, restarts }) => state.is === "up" && restarts === 1);
  assert.equal(portOf(after), portOf(before));
  assert.equal(stage.kill("two"), undefined);
  await stage.close();
  assert.equal(stage.kill("one"), false);
  assert.deepEqual(stage.showings()[0]?.state, { is: "ended" });
  await assert.rejects(fetch(`http://127.0.0.1:${portOf(after)}`));
});

test("the catalog: what has no start is no example, what cannot be read is named", async (t) => {
  const examples = await folder(t, { "b-side": SERVES, gallery: SERVES });
  await mkdir(join(examples, "notes"));
  await mkdir(join(examples, "look"));
  await writeFile(join(examples, "look/package.json"), "{}");
  const gallery = { order: 1, title: "First", try: ["Look."], read: "src/main.ts" };
  const manifest = {
    description: "It is first.",
    scripts: { start: "node dist/server.js --quiet" },
    gallery,
  };
  await mkdir(join(examples, "z"));
  await writeFile(join(examples, "z/package.json"), JSON.stringify(manifest));
  const found = await readCatalog(examples, "gallery");
  assert.deepEqual(
    found.map(({ title, sentence, tries, source, script }) => ({ title, sentence, tries, source, script })),
    [
      {
        title: "First",
        sentence: "It is first.",
        tries: ["Look."],
        source: "examples/z/src/main.ts",
        script: ["dist/server.js", "--quiet"],
      },
      {
        title: "B side",
        sentence: "",
        tries: [],
        source: "examples/b-side/src/registry.ts",
        script: ["main.js"],
      },
    ],
  );
  await writeFile(join(examples, "look/package.json"), "{");
  await assert.rejects(readCatalog(examples, "gallery"), /look\/package\.json is no JSON/);
});

test("waits grow to a limit, and begin anew after a while in good health", () => {
  const backoff = new Backoff();
  assert.deepEqual(
    [0, 0, 0, 0, 0, 9_000].map((upFor) => backoff.next(upFor)),
    [250, 1_000, 4_000, 15_000, 15_000, 15_000],
  );
  assert.equal(backoff.next(10_000), 250);
});

test("clients hear of every change", async (t) => {
  const server = await ServerProcess.start({
    script: exampleScript("gallery"),
    env: { GREENROOM_EXAMPLES_PORT: "0", GREENROOM_GALLERY_TOKEN: "t" },
  });
  t.after(() => server.dispose());
  const gallery = createClient<typeof registry>(server.url)
    .gallery.getOrCreate("main", { params: { token: "t" } })
    .connect();
  let isDone: (showings: readonly Showing[]) => boolean = () => false;
  let done: () => void = () => {};
  const look = (showings: readonly Showing[]) => isDone(showings) && done();
  gallery.on("changed", look);
  await gallery.ready;
  const reached = (is: typeof isDone) =>
    new Promise<void>((resolve, reject) => {
      [isDone, done] = [is, resolve];
      gallery.list().then(look, reject);
    });
  await reached((all) => all.length > 0 && all.every(({ state }) => state.is === "up"));
  await gallery.kill("reminder");
  await reached((all) =>
    all.some(({ name, state, restarts }) => name === "reminder" && state.is === "up" && restarts === 1),
  );
});
