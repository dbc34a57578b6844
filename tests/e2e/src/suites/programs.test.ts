/** Programs as RivetKit's users write them do here what they say. */

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { createClient } from "@greenroom/client";
import { eventually } from "../harness/eventually.js";
import { compilePrograms, importProgram, type Ran, runProgram, type Setting } from "../programs/program.js";

const SETTINGS = new Map<string, Setting>([
  ["s01", {}],
  ["s02", {}],
  ["s03", {}],
  ["s04", { exports: ["conn"] }],
  [
    "s05",
    {
      replace: [["}> = {};", '}> = { t1: { id: "1", role: "admin" }, t2: { id: "2", role: "guest" } };']],
      exports: ["live"],
    },
  ],
  ["s06", { actor: "traced" }],
  ["s07", {}],
  ["s08", { replace: [["await fetch(url,", "await slowFetch(url,"]] }],
  ["s09", {}],
  ["s10", { actor: "reporter" }],
  ["s11", {}],
  ["s12", { exports: ["r1", "r2", "publicUrl"] }],
  ["s13", { exports: ["ws"] }],
  ["s17", {}],
  ["s17-again", { program: "s17" }],
  ["s18", {}],
  ["s19", {}],
  ["s20", { actor: "guarded" }],
  ["s21", {}],
  ["s22", { actor: "payments" }],
  ["s25", {}],
]);

before(() => compilePrograms(SETTINGS));

/** Defines what a program only declares. */
const declare = (names: { readonly [name: string]: unknown }) => Object.assign(globalThis, names);

/** A handle to an actor of a program, as a caller that knows no types has it. */
const handle = ({ url }: Ran, actor: string, key?: string | string[], options = {}) => {
  const client = createClient({ endpoint: url });
  const it = client.getOrCreate(actor, key, options);
  return {
    call: (name: string, ...args: unknown[]) => it.action({ name, args }),
    it,
    client,
  };
};

test("a first actor: state, typed calls", () =>
  runProgram("s01", async (ran) => {
    // The program's second call is the one that the compiler refuses: 5 + "5".
    assert.equal(await handle(ran, "tally", "main").call("read"), "55");
  }));

test("state that is created from input, and variables", () =>
  runProgram("s02", async (ran) => {
    const doc = handle(ran, "doc", ["acme", "spec-7"]);
    const info = (await doc.call("info")) as { key: string[]; title: string };
    assert.deepEqual([info.key, info.title], [["acme", "spec-7"], "Final"]);
    assert.deepEqual([await doc.call("tag", "a"), await doc.call("tag", "a")], [1, 1]);
  }));

test("events that nobody declared", () =>
  runProgram("s03", async (ran) => {
    assert.deepEqual(ran.lines.slice(-2).sort(), ["first one only", "now 1200"]);
    const lot = handle(ran, "auction", "lot-9");
    assert.deepEqual([await lot.call("bid", "bob", 1200), await lot.call("bid", "bob", 1201)], [false, true]);
  }));

test("declared events, connection state, sending to others, throwing out", () =>
  runProgram("s04", async (ran) => {
    const conn = ran.names.conn as { ready: Promise<void>; dispose(): Promise<void> };
    await conn.ready;
    const lobby = handle(ran, "room", "lobby");
    await lobby.call("say", "ann", "hello");
    await lobby.call("move", 1, 2);
    await eventually(() => assert.deepEqual(ran.lines.slice(-2), ["ann hello", "3"]));
    const other = lobby.it.connect();
    const pokes: unknown[] = [];
    other.on("poke", (text) => pokes.push(text));
    await other.ready;
    await lobby.call("pokeOthers");
    await eventually(() => assert.equal(pokes.length, 1));
    await Promise.all([conn.dispose(), lobby.client.dispose()]);
  }));

test("who connects is asked who they are", async () => {
  declare({ fetchToken: async () => "t2" });
  await runProgram("s05", async (ran) => {
    const live = ran.names.live as {
      ready: Promise<void>;
      peek(): Promise<unknown>;
      dispose(): Promise<void>;
    };
    await live.ready;
    await assert.rejects(live.peek(), { group: "user", code: "forbidden" });
    const stranger = handle(ran, "vault", "v", { params: { token: "none" } });
    await assert.rejects(stranger.call("peek"), { group: "user", code: "bad_token" });
    await live.dispose();
  });
});

test("every hook", () =>
  runProgram("s06", async (ran) => {
    const traced = handle(ran, "traced", "t", { createWithInput: { n: 4 }, params: { who: "ann" } });
    const connection = traced.it.connect();
    const heard: unknown[] = [];
    connection.on("welcome", (who) => heard.push(who));
    connection.on("n", (n) => heard.push(n));
    await connection.ready;
    assert.equal(await connection.action({ name: "bump" }), 5);
    await eventually(() => assert.deepEqual(heard, ["ann", 5]));
    assert.deepEqual(await traced.call("log"), ["create", "wake"]);
    await traced.client.dispose();
  }));

test("errors for the caller, and others", () =>
  runProgram("s07", async (ran) => {
    const account = handle(ran, "account", "a1");
    await assert.rejects(account.call("withdraw", 10), {
      code: "insufficient_funds",
      metadata: { have: 0, want: 10 },
    });
    await assert.rejects(account.call("boom"), { group: "rivetkit", code: "internal_error" });
  }));

test("cancelled and nested actions", async () => {
  let begun = 0;
  let aborted = 0;
  const slowFetch = (url: string, { signal }: { signal: AbortSignal }) =>
    new Promise((resolve, reject) => {
      if (url.endsWith(".test")) return resolve({ status: 204 });
      begun += 1;
      signal.addEventListener("abort", () => {
        aborted += 1;
        reject(signal.reason);
      });
    });
  declare({ slowFetch });
  await runProgram("s08", async (ran) => {
    // The program gives up after 100 ms, which may be before its call has come to the actor.
    await eventually(() => assert.equal(aborted, begun));
    const worker = handle(ran, "worker", "w");
    const leave = new AbortController();
    const before = begun;
    const call = worker.it.action({ name: "crawl", args: ["https://example.org"], signal: leave.signal });
    const refused = assert.rejects(call, { group: "actor", code: "aborted" });
    await eventually(() => assert.equal(begun, before + 1));
    leave.abort();
    await refused;
    await eventually(() => assert.equal(aborted, begun));
    assert.equal(await worker.call("crawl", "https://c.test"), 204);
    assert.deepEqual(await worker.call("admin.stats.get"), { key: "w" });
  });
});

test("reminders", () =>
  runProgram("s09", async (ran) => {
    const reminder = handle(ran, "reminder", "me");
    const connection = reminder.it.connect();
    const heard: unknown[] = [];
    connection.on("reminder", (text) => heard.push(text));
    await connection.ready;
    const { id } = (await reminder.call("remindIn", "never", 60_000)) as { id: string };
    assert.equal(((await reminder.call("pending")) as unknown[]).length, 2);
    assert.deepEqual([await reminder.call("cancel", id), await reminder.call("cancel", id)], [true, false]);
    await reminder.call("remindAt", "at once", 0);
    await eventually(() => assert.deepEqual(heard, ["at once", "stretch"]));
    await reminder.client.dispose();
  }));

test("jobs", () =>
  runProgram("s10", async (ran) => {
    const { one, ...rest } = (await handle(ran, "reporter", "r").call("manage")) as { one: object };
    assert.deepEqual(rest, { jobs: 2, last: 0, gone: true });
    assert.equal((one as { timezone: string }).timezone, "Europe/Berlin");
  }));

test("a queue and its consumer", () =>
  runProgram("s11", async (ran) => {
    assert.equal(ran.lines.at(-1), "3");
    const printer = handle(ran, "printer", "hp");
    await printer.it.send("ping", null);
    assert.equal(await printer.call("backlog"), 1);
    assert.equal(await printer.call("backlog"), 0);
  }));

test("raw HTTP", () =>
  runProgram("s12", async ({ names }) => {
    const { r1, r2, publicUrl } = names as { r1: Response; r2: Response; publicUrl: string };
    assert.deepEqual(await r1.json(), { hits: 1 });
    assert.deepEqual([...new Uint8Array(await r2.arrayBuffer())], [1, 2, 3]);
    const [path, query] = publicUrl.split("?");
    assert.equal(await (await fetch(`${path}/request/elsewhere?${query}`)).text(), "nope");
  }));

test("raw WebSockets", () =>
  runProgram("s13", async ({ names, lines }) => {
    await eventually(() => assert.equal(lines.at(-1), "hello"));
    const closed = new Promise((resolve) => (names.ws as WebSocket).addEventListener("close", resolve));
    (names.ws as WebSocket).close();
    await closed;
  }));

test("actors that call and watch others", () =>
  runProgram("s17", async (ran) => {
    const checkout = handle(ran, "checkout", "c");
    const connection = checkout.it.connect();
    const heard: unknown[][] = [];
    connection.on("stock", (...args) => heard.push([...args]));
    await connection.ready;
    await checkout.call("watch", "pen");
    await eventually(async () => {
      await checkout.call("buy", "pen", 1);
      assert.ok(heard.length > 0);
    });
    assert.equal(await checkout.call("buy", "pen", 100), false);
    assert.equal(heard[0]?.[0], "pen");
    await checkout.client.dispose();
  }));

test("clients: handles, keys, ids, errors, and the life of a connection", () => {
  const seen: unknown[] = [];
  declare({ render: (n: number) => seen.push(n), badge: (text: string) => seen.push(text) });
  return runProgram("s17-again", async (ran) => {
    await importProgram("s18");
    const fresh = handle(ran, "stock", ["sku", "y"]);
    assert.deepEqual([await fresh.call("take", 8), await fresh.call("take", 1)], [true, false]);
    await importProgram("s19");
    assert.equal(ran.lines.at(-1), "connected true");
    assert.deepEqual(seen, ["connecting", "connected", "open", 9, "closed"]);
  });
});

test("guards of events and queues", async () => {
  declare({ verify: async (jwt: string) => ({ uid: jwt, scopes: jwt.split("+") }) });
  await runProgram("s20", async (ran) => {
    const as = (jwt: string) => handle(ran, "guarded", "g", { params: { jwt } });
    const [reader, writer] = [as("read"), as("write")];
    const connection = reader.it.connect();
    const heard: unknown[] = [];
    connection.on("note", (text) => heard.push(text));
    await connection.ready;
    await eventually(async () => {
      await writer.call("add", "a note");
      assert.ok(heard.includes("a note"));
    });
    await assert.rejects(reader.call("add", "mine"), { code: "read_only" });
    await writer.it.send("import", { url: "x" });
    await assert.rejects(reader.it.send("import", { url: "x" }), { group: "auth", code: "forbidden" });
    await reader.client.dispose();
  });
});

test("sleep and destruction", async () => {
  const archived: unknown[] = [];
  declare({ archive: async (_id: string, state: object) => archived.push({ ...state }) });
  await runProgram("s21", async () => {
    await eventually(() => assert.equal(archived.length, 1));
  });
});

test("saves, and work that an actor waits for", async () => {
  const uploaded: number[] = [];
  declare({ upload: async (done: unknown[]) => void uploaded.push(done.length), ping: async () => {} });
  await runProgram("s22", async (ran) => {
    const payments = handle(ran, "payments", "p");
    assert.equal(await payments.call("record", "1"), "stored");
    await payments.call("lazily", "2");
    await payments.call("export");
    assert.deepEqual(uploaded, [2]);
  });
});

test("schemas, and helpers with the types of the definition", () =>
  runProgram("s25", async (ran) => {
    const board = handle(ran, "board2", "b", { params: { player: "ann" } });
    assert.deepEqual(await board.call("move", { x: 1, y: 2 }), { x: 1, y: 2 });
    assert.deepEqual(await board.call("admin.reset"), { x: 0, y: 0 });
    await assert.rejects(board.call("move", { x: 0.5, y: 2 }), { code: "validation_error" });
    const nobody = handle(ran, "board2", "b", { params: { player: "" } });
    await assert.rejects(nobody.call("admin.reset"), { code: "validation_error" });
  }));
