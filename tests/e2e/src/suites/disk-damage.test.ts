/**
 * Data directories that were damaged in every way, several at once, by seed: the real server either recovers a beginning
 * of the history, or refuses with a message that says what to do. Never a wrong state, a panic or a hang.
 *
 * `DAMAGE_SEED` replays a run, `DAMAGE_ROUNDS` sets how many directories are damaged (24).
 */

import assert from "node:assert/strict";
import { cp, mkdtemp, rename, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, before, test } from "node:test";
import { ActorError } from "@greenroom/client";
import { damage, filesBelow } from "../disk/damage.js";
import { createClient } from "../harness/client.js";
import { DIST } from "../harness/paths.js";
import { Program } from "../harness/program.js";
import { ServerProcess } from "../harness/server.js";
import { Random } from "../kill/random.js";
import type { DiskRegistry } from "../server/disk-main.js";

const SEED = Number(process.env.DAMAGE_SEED ?? Math.floor(Math.random() * 2 ** 32));
const ROUNDS = Number(process.env.DAMAGE_ROUNDS ?? 24);
const SCRIPT = join(DIST, "server/disk-main.js");
const NOTEBOOKS = ["a", "b", "c", "d"] as const;

let root: string;
let original: string;
/** What was said to whom, in order, all of it acknowledged. */
const history: { readonly notebook: string; readonly line: string }[] = [];

before(async () => {
  root = await mkdtemp(join(tmpdir(), "greenroom-damage-"));
  original = join(root, "original");
  const server = await ServerProcess.start({ script: SCRIPT, dataDir: original });
  const client = createClient<DiskRegistry>(server.url);
  const random = new Random(SEED);
  for (let n = 0; n < 90; n++) {
    if (n % 30 === 29) {
      await server.kill();
      await server.restart();
    }
    const notebook = NOTEBOOKS[random.between(0, n < 45 ? 2 : 4)] ?? "a";
    const line = `line ${n}`;
    await client.notebook.getOrCreate(notebook).add(line, random.oneIn(3) ? 20_000 : 0);
    history.push({ notebook, line });
  }
  await client.dispose();
  await server.kill();
});
after(() => rm(root, { recursive: true, force: true }));

let copies = 0;
async function copy(): Promise<string> {
  const path = join(root, `copy-${copies++}`);
  await cp(original, path, { recursive: true });
  return path;
}

/** How a start on a directory went. */
type Found = { readonly refused: string } | { readonly lines: number; readonly unreadable: number };

/**
 * Starts a server and looks.
 *
 * @throws AssertionError if it neither serves a beginning of the history nor says why not.
 */
async function open(dataDir: string): Promise<Found> {
  const env = { GREENROOM_DATA_DIR: dataDir, GREENROOM_PORT: "0" };
  const program = new Program(SCRIPT, { env });
  const said = await program.says(/"url":"([^"]+)"/).catch(() => undefined);
  if (said === undefined) {
    const { code, stderr } = await program.ended;
    assert.equal(code, 1, `it ends by itself: ${stderr}`);
    assert.match(stderr, /is damaged and was left untouched|cannot be used|format version/);
    assert.match(stderr, /restore it from a backup|GREENROOM_DATA_DIR|matching version/);
    assert.doesNotMatch(stderr, /panicked|\.rs:\d/);
    return { refused: stderr };
  }
  const client = createClient<DiskRegistry>(said[1]);
  try {
    const read = async (name: string) =>
      [name, await client.notebook.getOrCreate(name).read().catch(failed)] as const;
    const found = new Map(await Promise.all(NOTEBOOKS.map(read)));
    const readable = history.filter(({ notebook }) => found.get(notebook) !== undefined);
    const present = [...found.values()].reduce((sum, lines) => sum + (lines?.length ?? 0), 0);
    const beginning = readable.slice(0, present);
    for (const [name, lines] of found) {
      const expected = beginning.filter(({ notebook }) => notebook === name).map(({ line }) => line);
      if (lines !== undefined) assert.deepEqual(lines, expected, `${name} is no part of one beginning`);
    }
    const unreadable = [...found.values()].filter((lines) => lines === undefined).length;
    // What is left works, or says that it does not.
    await client.notebook.getOrCreate("new").add("after the damage").catch(failed);
    return { lines: present, unreadable };
  } finally {
    await client.dispose();
    const { code, stderr } = await program.stop("SIGTERM");
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stderr, /panicked/);
  }
}

/** A stored row that is damaged is an error of its actor. */
function failed(error: unknown): undefined {
  assert.ok(error instanceof ActorError, String(error));
  assert.match(
    `${error.group}.${error.code}`,
    /^(rivetkit\.internal_error|actor\.store_(failed|unavailable))$/,
  );
}

test(`${ROUNDS} damaged directories are recovered to a beginning or refused (DAMAGE_SEED=${SEED})`, async (t) => {
  const random = new Random(SEED + 1);
  const counts = { damages: 0, refused: 0, whole: 0, part: 0, unreadable: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    const dataDir = await copy();
    const damages: string[] = [];
    for (let n = random.between(1, 4); n > 0; n--) damages.push(await damage(join(dataDir, "db"), random));
    const context = `round ${round}: ${damages.join(", ")}`;
    const found = await open(dataDir).catch((error: Error) => {
      error.message = `${context}: ${error.message}`;
      throw error;
    });
    counts.damages += damages.length;
    if ("refused" in found) counts.refused += 1;
    else if (found.unreadable > 0) counts.unreadable += 1;
    else if (found.lines === history.length) counts.whole += 1;
    else counts.part += 1;
    if (!("refused" in found) && found.unreadable === 0) {
      // A second start finds no less.
      const again = await open(dataDir);
      assert.ok(
        !("refused" in again) && again.lines === found.lines,
        `${context}, a second start: ${JSON.stringify(again)}`,
      );
    }
    await rm(dataDir, { recursive: true });
  }
  t.diagnostic(`seed ${SEED}: ${JSON.stringify(counts)}`);
  assert.ok(counts.refused > 0, "much of the damage is refused");
});

test("a directory that was copied only in part is refused, or is a beginning", async () => {
  const files = await filesBelow(original);
  const random = new Random(SEED + 2);
  for (let round = 0; round < 4; round++) {
    const dataDir = await copy();
    const missing = files.slice(random.between(0, files.length - 1));
    for (const file of missing) await rm(join(dataDir, relative(original, file)));
    await open(dataDir);
  }
});

test("a directory behind symbolic links is as good as any", async () => {
  const dataDir = await copy();
  await rename(join(dataDir, "db"), join(root, "db-elsewhere"));
  await symlink(join(root, "db-elsewhere"), join(dataDir, "db"));
  await rm(join(dataDir, "LOCK"));
  const link = join(root, "link");
  await symlink(dataDir, link);
  assert.deepEqual(await open(link), { lines: history.length, unreadable: 0 });
});

test("a symbolic link to nowhere is refused", async () => {
  const link = join(root, "nowhere");
  await symlink(join(root, "gone", "further"), link);
  assert.ok("refused" in (await open(link)));
  const dataDir = await copy();
  await rm(join(dataDir, "db"), { recursive: true });
  await symlink(join(root, "gone"), join(dataDir, "db"));
  assert.ok("refused" in (await open(dataDir)));
});
