/** Listing actors over HTTP: by type and key prefix, page by page, for those who have the token. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createClient } from "../harness/client.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import type { registry } from "../server/registry.js";

const TOKEN = "list-t0ken";
const BEARER = { authorization: `Bearer ${TOKEN}` };

interface Page {
  readonly actors: readonly { readonly actor_id: string; readonly name: string; readonly key: string }[];
  readonly pagination: { readonly cursor: string | null };
}

let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start({
    env: {
      GREENROOM_TOKEN: TOKEN,
      GREENROOM_LOG_LEVEL: "trace",
      GREENROOM_ALLOWED_ORIGINS: "http://page.test",
    },
  });
  const client = createClient<typeof registry>(server.url);
  const keys = [["game"], ["game", "1"], ["game", "2"], ["games"], ["ga", "me"], ["game/1"], [""], []];
  for (const key of keys) await client.counter.getOrCreate(key).increment(1);
  for (const key of ["game", "other"]) {
    await client.room.getOrCreate([key, "r"], { params: { user: "ann" } }).who();
  }
  await client.dispose();
});
after(() => server.dispose());

/** All actors of a query, and the sizes of the pages that they came in. */
async function list(query: Readonly<Record<string, string>>): Promise<{ all: string[]; sizes: number[] }> {
  const all: string[] = [];
  const sizes: number[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const parameters = new URLSearchParams(cursor === "" ? query : { ...query, cursor });
    const answer = await fetch(`${server.url}/actors?${parameters}`, { headers: BEARER });
    assert.equal(answer.status, 200, await answer.clone().text());
    const page = (await answer.json()) as Page;
    all.push(...page.actors.map(({ name, key }) => `${name}:${key}`));
    sizes.push(page.actors.length);
    cursor = page.pagination.cursor;
  }
  return { all, sizes };
}

test("actors are listed by type and by whole parts of their keys", async () => {
  assert.deepEqual((await list({ name: "counter" })).all, [
    "counter:/",
    "counter:\\0",
    "counter:ga/me",
    "counter:game",
    "counter:game/1",
    "counter:game/2",
    "counter:game\\/1",
    "counter:games",
  ]);
  const games = ["counter:game", "counter:game/1", "counter:game/2"];
  assert.deepEqual((await list({ name: "counter", key_prefix: "game" })).all, games);
  assert.deepEqual((await list({ name: "counter", key_prefix: "game\\/1" })).all, ["counter:game\\/1"]);
  assert.deepEqual((await list({ key_prefix: "game" })).all, [...games, "room:game/r"]);
  assert.deepEqual((await list({ name: "nobody" })).all, []);
});

test("pages neither overlap nor leave anybody out, also from one type to the next", async () => {
  const whole = await list({});
  assert.equal(whole.all.length, 10);
  for (const limit of [1, 2, 3, 9, 10]) {
    const { all, sizes } = await list({ limit: String(limit) });
    assert.deepEqual(all, whole.all);
    assert.ok(
      sizes.every((size) => size <= limit),
      `${limit}: ${sizes}`,
    );
  }
});

test("nobody lists, destroys or puts to sleep without the token, which the log never shows", async () => {
  const found = await fetch(`${server.url}/actors?name=counter&key=game`);
  const id = ((await found.json()) as Page).actors[0]?.actor_id;
  assert.ok(id !== undefined);
  const managed = [
    ["GET", "/actors"],
    ["GET", "/actors?name=counter"],
    ["GET", "/actors/names"],
    ["POST", `/actors/${id}/sleep`],
    ["DELETE", `/actors/${id}`],
  ] as const;
  for (const [method, path] of managed) {
    for (const authorization of [undefined, "Bearer", "Bearer wr0ng", `Basic ${TOKEN}`, `Bearer ${TOKEN}x`]) {
      const headers = new Headers({ origin: "http://page.test" });
      if (authorization !== undefined) headers.set("authorization", authorization);
      const refused = await fetch(server.url + path, { method, headers });
      assert.equal(refused.status, 401, `${method} ${path} ${authorization}`);
      // A page of another origin can read why.
      assert.equal(refused.headers.get("access-control-allow-origin"), "http://page.test");
      const { group, code } = (await refused.json()) as { group: string; code: string };
      assert.equal(`${group}.${code}`, "auth.unauthorized");
    }
  }
  const gone = await fetch(`${server.url}/actors/${id}`, { method: "DELETE", headers: BEARER });
  assert.equal(gone.status, 200);
  assert.ok(!(await list({ name: "counter" })).all.includes("counter:game"));
  assert.ok(server.stderr.length > 0);
  assert.ok(!server.stderr.includes(TOKEN), "the token is in the log");
});

test("queries that make no sense are refused", async () => {
  const cases = [
    ["limit=many", "validation.invalid_input"],
    ["cursor=%%%", "validation.invalid_input"],
    ["cursor=AAAA", ""],
    ["key=game", "validation.invalid_input"],
    [`name=counter&key_prefix=${"x".repeat(2000)}`, "actor.key_too_large"],
    [`name=${"x".repeat(65)}`, "actor.invalid_name"],
    ["name=a%2Fb", "actor.invalid_name"],
    ["namespace=other", "namespace.not_found"],
  ] as const;
  for (const [query, expected] of cases) {
    const answer = await fetch(`${server.url}/actors?${query}`, { headers: BEARER });
    const { group, code } = (await answer.json()) as { group?: string; code?: string };
    assert.equal(group === undefined ? "" : `${group}.${code}`, expected, query);
    assert.equal(answer.status, expected === "" ? 200 : 400, query);
  }
});

test("in development no token is needed on this machine, but pages of other sites need one", async () => {
  const open = await ServerProcess.start();
  try {
    const from = async (origin?: string) => {
      const answer = await fetch(`${open.url}/actors`, origin === undefined ? {} : { headers: { origin } });
      await answer.body?.cancel();
      return answer.status;
    };
    assert.deepEqual([await from(), await from("http://localhost:5173")], [200, 200]);
    assert.deepEqual([await from("https://page.test"), await from("null")], [403, 403]);
  } finally {
    await open.dispose();
  }
});

test("without a token, a server that others can reach manages nothing, and says so when it starts", async () => {
  const script = join(DIST, "server/on-all-addresses.js");
  const open = await ServerProcess.start({ script, env: { GREENROOM_HOST: "0.0.0.0" } });
  try {
    assert.match(open.stderr, /there is no token: actors cannot be listed, destroyed or put to sleep/);
    const refused = await fetch(`${open.url}/actors?name=counter`);
    assert.equal(refused.status, 403);
    assert.match(((await refused.json()) as { message: string }).message, /GREENROOM_TOKEN/);
    const client = createClient<typeof registry>(open.url);
    assert.equal(await client.counter.getOrCreate("k").increment(1), 1);
    assert.ok(await client.counter.getOrCreate("k").resolve());
    await client.dispose();
  } finally {
    await open.dispose();
  }
});
