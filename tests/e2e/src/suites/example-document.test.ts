/** The document example over sockets: what is merged, what is refused, what survives. */

import assert from "node:assert/strict";
import { after, before, type TestContext, test } from "node:test";
import { type ActorConn, isActorErrorCode } from "@greenroom/client";
import { UserError } from "greenroom";
import * as Y from "yjs";
import type { document } from "../../../../examples/document/dist/document.js";
import type { registry } from "../../../../examples/document/dist/registry.js";
import { SharedText } from "../../../../examples/document/dist/text.js";
import { createClient } from "../harness/client.js";
import { eventually } from "../harness/eventually.js";
import { exampleScript } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import { Random } from "../kill/random.js";

let server: ServerProcess;

before(async () => {
  server = await ServerProcess.start({ script: exampleScript("document") });
});
after(() => server?.dispose());

/** One window: its own Yjs document and its connection. */
interface Window {
  readonly doc: Y.Doc;
  readonly text: Y.Text;
  readonly conn: ActorConn<typeof document>;
  /** The updates that came as events. */
  readonly heard: unknown[];
}

let number = 0;
const anyName = () => `document-${++number}`;

async function open(t: TestContext, name: string, who = "Ann", retryTimeout = 30_000): Promise<Window> {
  const client = createClient<typeof registry>({ endpoint: server.url, retryTimeout });
  t.after(() => client.dispose());
  const doc = new Y.Doc();
  const params = { clientId: doc.clientID, name: who };
  const conn = client.document.getOrCreate([name], { params }).connect();
  const heard: unknown[] = [];
  conn.on("update", (update) => {
    heard.push(update);
    Y.applyUpdate(doc, update);
  });
  const { missing } = await conn.synchronize(Y.encodeStateVector(doc));
  Y.applyUpdate(doc, missing);
  return { doc, text: doc.getText("text"), conn, heard };
}

/** What an edit of the text comes to as an update. */
function edit({ doc, text }: { doc: Y.Doc; text: Y.Text }, change: (text: Y.Text) => void): Uint8Array {
  const before = Y.encodeStateVector(doc);
  change(text);
  return Y.encodeStateAsUpdate(doc, before);
}

/** The text as somebody sees it who has just come in. */
async function textOf(t: TestContext, name: string): Promise<string> {
  return (await open(t, name, "Reader")).text.toString();
}

const refused = (code: string) => (error: unknown) => isActorErrorCode(error, "user", code);

test("updates travel as bytes, and everybody comes to the same text", async (t) => {
  const name = anyName();
  const ann = await open(t, name);
  const bob = await open(t, name, "Bob");
  // Both write before they hear of each other.
  const [first, second] = [edit(ann, (x) => x.insert(0, "Hello ")), edit(bob, (x) => x.insert(0, "world"))];
  await Promise.all([ann.conn.update(first), bob.conn.update(second)]);
  await eventually(() => assert.equal(ann.text.length, 11));
  await eventually(() => assert.equal(bob.text.toString(), ann.text.toString()));
  assert.ok([...ann.heard, ...bob.heard].every((update) => update instanceof Uint8Array));
  assert.equal(ann.heard.length, 1, "nobody hears their own updates");
  assert.equal(await textOf(t, name), ann.text.toString());
});

test("what was written without a connection is merged afterwards", async (t) => {
  const name = anyName();
  const ann = await open(t, name);
  await ann.conn.update(edit(ann, (x) => x.insert(0, "one three")));
  const bob = await open(t, name, "Bob");
  await bob.conn.dispose();
  bob.text.insert(4, "two ");
  await ann.conn.update(edit(ann, (x) => x.insert(9, " four")));
  const back = createClient<typeof registry>(server.url);
  t.after(() => back.dispose());
  const params = { clientId: bob.doc.clientID, name: "Bob" };
  const conn = back.document.getOrCreate([name], { params }).connect();
  const { missing, stateVector } = await conn.synchronize(Y.encodeStateVector(bob.doc));
  Y.applyUpdate(bob.doc, missing);
  await conn.update(Y.encodeStateAsUpdate(bob.doc, stateVector));
  assert.equal(bob.text.toString(), "one two three four");
  await eventually(() => assert.equal(ann.text.toString(), "one two three four"));
});

/** An update of somebody who uses more of Yjs than there is here. */
function foreign(change: (doc: Y.Doc) => void): Uint8Array {
  const doc = new Y.Doc();
  change(doc);
  return Y.encodeStateAsUpdate(doc);
}

/** The second of two updates: what it builds on has never been sent. */
function orphan(): Uint8Array {
  const doc = new Y.Doc();
  const text = doc.getText("text");
  text.insert(0, "never sent");
  return edit({ doc, text }, (x) => x.insert(5, "!"));
}

const random = Uint8Array.from({ length: 300 }, (_, index) => (index * 167 + 31) % 256);
const whole = foreign((doc) => doc.getText("text").insert(0, "cut off in the middle"));
/** Two letters of two people, each to the right of the other. It can be read, and fits nowhere. */
const circle = Uint8Array.from([2, 1, 6, 0, 0x84, 5, 0, 1, 98, 1, 5, 0, 0x84, 6, 0, 1, 97, 0]);
/** A letter to the left of the one that the same person writes next. */
const future = Uint8Array.from([1, 2, 5, 0, 0x44, 5, 1, 1, 97, 0x84, 5, 0, 1, 98, 0]);

const BAD: readonly (readonly [what: string, update: unknown, code: string])[] = [
  ["no bytes at all", "text", "malformed_update"],
  ["a number", 7, "malformed_update"],
  ["nothing", undefined, "malformed_update"],
  ["empty bytes", new Uint8Array(), "malformed_update"],
  ["random bytes", random, "malformed_update"],
  ["an update that ends early", whole.subarray(0, whole.length - 9), "malformed_update"],
  [
    "a number of structs that never come",
    Uint8Array.from([1, 0xff, 0xff, 0xff, 0x7f, 1, 0]),
    "malformed_update",
  ],
  ["a circle", circle, "missing_updates"],
  ["a letter beside one that comes later", future, "malformed_update"],
  ["a map", foreign((doc) => doc.getMap("text").set("a", 1)), "unsupported_content"],
  ["a text of another name", foreign((doc) => doc.getText("other").insert(0, "x")), "unsupported_content"],
  [
    "bold letters",
    foreign((doc) => doc.getText("text").insert(0, "x", { bold: true })),
    "unsupported_content",
  ],
  ["a picture", foreign((doc) => doc.getText("text").insertEmbed(0, { src: "x" })), "unsupported_content"],
  ["a list in the text", foreign((doc) => doc.getArray("text").insert(0, [1])), "unsupported_content"],
  ["ends of lines of old", foreign((doc) => doc.getText("text").insert(0, "a\r\nb")), "unsupported_content"],
  ["an update without what it builds on", orphan(), "missing_updates"],
  [
    "more than there is room for",
    foreign((d) => d.getText("text").insert(0, "x".repeat(600_000))),
    "document_full",
  ],
];

for (const [what, update, code] of BAD) {
  test(`${what}: refused with ${code}, and nothing has changed`, async (t) => {
    const name = anyName();
    const ann = await open(t, name);
    await ann.conn.update(edit(ann, (x) => x.insert(0, "steady")));
    const before = await ann.conn.synchronize(Y.encodeStateVector(new Y.Doc()));
    const hostile = await open(t, name, "Mallory");
    await assert.rejects(
      hostile.conn.action({ name: "update", args: [update as Uint8Array] }),
      refused(code),
    );
    const now = await ann.conn.synchronize(Y.encodeStateVector(new Y.Doc()));
    assert.deepEqual(now.missing, before.missing);
    assert.deepEqual(now.stateVector, before.stateVector);
    assert.deepEqual(ann.heard, []);
    // And everybody goes on, the one who sent it too.
    await hostile.conn.update(edit(hostile, (x) => x.insert(6, " on")));
    await eventually(() => assert.equal(ann.text.toString(), "steady on"));
  });
}

function newWriter(): { doc: Y.Doc; text: Y.Text } {
  const doc = new Y.Doc();
  return { doc, text: doc.getText("text") };
}

/** Bytes with some of them changed, left out or doubled. */
function damaged(bytes: Uint8Array, random: Random): Uint8Array {
  const list = [...bytes];
  for (let times = random.between(1, 4); times > 0; times--) {
    const at = random.between(0, list.length);
    const kind = random.between(0, 5);
    if (kind === 0) list.splice(at, random.between(1, 4));
    else if (kind === 1) list.splice(at, 0, ...list.slice(at, at + random.between(1, 6)));
    else if (kind === 2) list[at] = random.between(0, 256);
    else list[at] = (list[at] ?? 0) ^ (1 << random.between(0, 8));
  }
  return Uint8Array.from(list);
}

test("damaged updates are taken or refused, and whichever it was, the text is what its changes come to", () => {
  const random = new Random(20_261_122);
  const log: Uint8Array[] = [];
  const shared = new SharedText([]);
  let writer = newWriter();
  const outcomes = { taken: 0, refused: 0 };
  for (let round = 0; round < 600; round++) {
    // What everybody has, so that the next change builds on something.
    Y.applyUpdate(writer.doc, shared.missing(Y.encodeStateVector(writer.doc)));
    const update = edit(writer, (x) => {
      if (x.length > 5 && random.oneIn(3)) x.delete(random.between(0, x.length - 4), 3);
      else x.insert(random.between(0, x.length + 1), `letters ${round} `);
    });
    const before = [shared.toString(), shared.stateVector()];
    try {
      const news = shared.apply(random.oneIn(10) ? update : damaged(update, random));
      if (news) log.push(news);
      outcomes.taken += 1;
    } catch (error) {
      assert.ok(error instanceof UserError, `not a refusal: ${error}`);
      assert.deepEqual([shared.toString(), shared.stateVector()], before);
      outcomes.refused += 1;
      // The change never happened, so its writer begins anew.
      writer = newWriter();
    }
    if (random.oneIn(20)) log.splice(0, log.length, shared.fold());
  }
  assert.ok(outcomes.taken > 50 && outcomes.refused > 50, JSON.stringify(outcomes));
  assert.equal(new SharedText(log).toString(), shared.toString());
  assert.doesNotMatch(shared.toString(), /\r/);
});

test("honest windows are never refused, however long they were apart, and come to one text", () => {
  const random = new Random(4_711);
  for (let round = 0; round < 25; round++) {
    const shared = new SharedText([]);
    const windows = Array.from({ length: 4 }, newWriter).map((one) => ({
      ...one,
      undo: new Y.UndoManager(one.text, { captureTimeout: 0 }),
    }));
    const exchange = ({ doc }: { doc: Y.Doc }) => {
      const seen = shared.stateVector();
      Y.applyUpdate(doc, shared.missing(Y.encodeStateVector(doc)), "server");
      shared.apply(Y.encodeStateAsUpdate(doc, seen));
    };
    for (let step = 0; step < 120; step++) {
      const one = windows[random.between(0, windows.length)];
      if (!one) continue;
      const { text, undo } = one;
      const kind = random.between(0, 10);
      if (kind < 5) text.insert(random.between(0, text.length + 1), "letters".slice(random.between(0, 7)));
      else if (kind < 7 && text.length > 3) text.delete(random.between(0, text.length - 2), 2);
      else if (kind === 7) undo.undo();
      else if (kind === 8) undo.redo();
      else exchange(one);
      if (random.oneIn(30)) shared.fold();
    }
    for (const one of [...windows, ...windows]) exchange(one);
    for (const { text } of windows) assert.equal(text.toString(), shared.toString());
  }
});

test("letters cannot be put between others that are no neighbours", async (t) => {
  const name = anyName();
  const ann = await open(t, name);
  await ann.conn.update(edit(ann, (x) => x.insert(0, "abcdef")));
  const client = [...Y.encodeStateVector(ann.doc)].slice(1, -1);
  for (const [left, right] of [
    [0, 5],
    [4, 1],
    [2, 2],
  ]) {
    const update = Uint8Array.from([
      1,
      1,
      9,
      0,
      0xc4,
      ...client,
      left ?? 0,
      ...client,
      right ?? 0,
      1,
      120,
      0,
    ]);
    await assert.rejects(ann.conn.update(update), refused("malformed_update"));
  }
  // Side by side they take one.
  await ann.conn.update(Uint8Array.from([1, 1, 9, 0, 0xc4, ...client, 2, ...client, 3, 1, 120, 0]));
  assert.equal(await textOf(t, name), "abcxdef");
});

test("a state vector that cannot be read is refused", async (t) => {
  const { conn } = await open(t, anyName());
  await assert.rejects(conn.synchronize(Uint8Array.from([5, 1])), refused("malformed_update"));
});

test("a message that is too long is refused before it is read", async (t) => {
  const { conn } = await open(t, anyName());
  await assert.rejects(conn.update(new Uint8Array(3_000_000)), (error) =>
    ["message.incoming_too_long", "client.connection_lost"].some((code) => {
      const [group = "", name = ""] = code.split(".");
      return isActorErrorCode(error, group, name);
    }),
  );
});

test("a change writes itself and not the document, and changes are folded from time to time", async (t) => {
  const ann = await open(t, anyName());
  const large = await ann.conn.update(edit(ann, (x) => x.insert(0, "lorem ipsum ".repeat(25_000))));
  assert.ok(large.bytes > 300_000);
  const after = await ann.conn.update(edit(ann, (x) => x.insert(5, "!")));
  assert.ok(after.bytes - large.bytes < 100, `a letter takes ${after.bytes - large.bytes} bytes`);

  const bob = await open(t, anyName(), "Bob");
  let stored = await bob.conn.stored();
  for (let index = 0; index < 400; index++) {
    stored = await bob.conn.update(edit(bob, (x) => x.insert(x.length, "z")));
  }
  assert.ok(stored.changes < 400, `${stored.changes} of 400 changes are kept apart`);
  assert.ok(stored.bytes < 400 * 15, `400 letters take ${stored.bytes} bytes`);
});

test("what was confirmed survives kill -9, snapshot and changes alike", async (t) => {
  const name = anyName();
  const ann = await open(t, name, "Ann", 0);
  await ann.conn.update(edit(ann, (x) => x.insert(0, "begin ".repeat(30_000))));
  let confirmed = ann.text.toString();
  const writing = (async () => {
    for (;;) {
      const update = edit(ann, (x) => x.insert(x.length, "more "));
      const text = ann.text.toString();
      await ann.conn.update(update);
      confirmed = text;
    }
  })();
  writing.catch(() => {});
  await eventually(() => assert.ok(confirmed.length > 180_000 + 200 * 5));
  await server.kill();
  await assert.rejects(writing);
  await server.restart();
  const now = await textOf(t, name);
  assert.ok(now.startsWith(confirmed), `${confirmed.length - now.length} characters are missing`);
});

test("people see who is there, where their cursors are, and who left", async (t) => {
  const name = anyName();
  const ann = await open(t, name);
  await ann.conn.update(edit(ann, (x) => x.insert(0, "hello")));
  const seen: unknown[] = [];
  const left: number[] = [];
  ann.conn.on("person", (person) => seen.push(person));
  ann.conn.on("left", (clientId) => left.push(clientId));
  await ann.conn.stored();
  const bob = await open(t, name, "Bob");
  await eventually(() => assert.deepEqual(seen, [{ clientId: bob.doc.clientID, name: "Bob", cursor: null }]));
  const anchor = Y.encodeRelativePosition(Y.createRelativePositionFromTypeIndex(bob.text, 3));
  await bob.conn.point("Robert", { anchor, head: anchor });
  const robert = { clientId: bob.doc.clientID, name: "Robert", cursor: { anchor, head: anchor } };
  await eventually(() => assert.deepEqual(seen.at(-1), robert));
  const { people } = await (await open(t, name, "Cleo")).conn.synchronize(Uint8Array.from([0]));
  assert.deepEqual(
    people.find((person) => person.name === "Robert"),
    robert,
  );
  await bob.conn.dispose();
  await eventually(() => assert.deepEqual(left, [bob.doc.clientID]));
});

test("a hostile person is refused: no name, no client id, cursors that are none", async (t) => {
  const client = createClient<typeof registry>(server.url);
  t.after(() => client.dispose());
  const name = anyName();
  const nobody = client.document.getOrCreate([name], { params: { clientId: 1, name: "  " } });
  await assert.rejects(nobody.stored(), refused("name_missing"));
  for (const clientId of [-1, 1.5, 2 ** 33, Number.NaN]) {
    const odd = client.document.getOrCreate([name], { params: { clientId, name: "Odd" } });
    await assert.rejects(odd.stored(), refused("client_id_invalid"));
  }
  const { conn } = await open(t, name);
  const bytes = new Uint8Array(65);
  for (const cursor of [
    7,
    "x",
    {},
    { anchor: bytes, head: bytes },
    { anchor: random.subarray(0, 9), head: 1 },
  ]) {
    await assert.rejects(
      conn.action({ name: "point", args: ["Ann", cursor as never] }),
      refused("malformed_cursor"),
    );
  }
  await assert.rejects(conn.point("", null), refused("name_missing"));
});

test("the shelf knows the titles from the documents, and from nobody else", async (t) => {
  const client = createClient<typeof registry>(server.url);
  t.after(() => client.dispose());
  const shelf = client.shelf.getOrCreate().connect();
  const heard: string[] = [];
  shelf.on("entries", (entries) => heard.push(entries[0]?.title ?? ""));
  const name = anyName();
  const ann = await open(t, name);
  await shelf.entries();
  await ann.conn.update(edit(ann, (x) => x.insert(0, "\n##  Night and day \nand so on")));
  await eventually(() => assert.equal(heard.at(-1), "Night and day "));
  assert.deepEqual((await shelf.entries())[0], { name, title: "Night and day " });
  await assert.rejects(shelf.note(name, "Mine"), refused("inside_only"));
  await assert.rejects(client.shelf.getOrCreate().note(name, "Mine"), refused("inside_only"));
  await ann.conn.update(edit(ann, (x) => x.delete(0, x.length)));
  await eventually(async () =>
    assert.ok(
      (await shelf.entries()).every((entry) => entry.name !== name),
      "an empty document goes",
    ),
  );
});
