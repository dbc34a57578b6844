/**
 * The cases of the Autobahn test suite, by their numbers, against a raw WebSocket that echoes and against connections to
 * actors. `AUTOBAHN=1` plays section 9 as well, whose messages are large. With `WSTEST`, the path of Autobahn's own
 * program, that runs, too.
 */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { residentBytes } from "../bad-input/resident.js";
import { connect } from "../bad-input/urls.js";
import { frame, WireSocket } from "../bad-input/wire.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";
import { close as closeFrame, NORMAL, text } from "../hostile/autobahn/case.js";
import { CLOSING_CASES } from "../hostile/autobahn/closing.js";
import { FRAMING_CASES } from "../hostile/autobahn/framing.js";
import { LARGE_CASES } from "../hostile/autobahn/large.js";
import { OFFERS } from "../hostile/autobahn/offers.js";
import { amongActors, type Place, play } from "../hostile/autobahn/run.js";
import { UTF8_CASES } from "../hostile/autobahn/utf8.js";
import { wstest } from "../hostile/autobahn/wstest.js";

const CASES = [...FRAMING_CASES, ...UTF8_CASES, ...CLOSING_CASES];
const ECHO = connect({ actor: "echo", path: "/websocket" });
const MIB = 1024 * 1024;
/** For one case, on a machine that is busy with other things. */
const TIMEOUT = 120_000;
/** Bun's own server may end a connection without a word where RFC 6455 allows that. */
const IS_BUNS =
  process.env.GREENROOM_E2E_MOUNTED !== undefined && process.env.GREENROOM_E2E_RUNTIME === "bun";

let server: ServerProcess;
before(async () => {
  const script = join(DIST, "server/hostile-main.js");
  server = await ServerProcess.start({ script, env: { LARGE_MESSAGES: "1" } });
});
after(() => server.dispose());

const echo = (): Place => ({ port: server.port, path: ECHO, protocols: "", greeting: 0, isForeign: IS_BUNS });
const actors = (protocols: string): Place => ({ ...echo(), path: connect(), protocols, greeting: 1 });

test("all cases are there", () => {
  const ids = new Set([...CASES, ...LARGE_CASES.map((make) => make())].map(({ id }) => id));
  assert.equal(ids.size, 301);
});

describe("a raw WebSocket", () => {
  for (const each of CASES) {
    test(`case ${each.id}`, { timeout: TIMEOUT }, () => play(each, echo()));
  }
});

describe("a connection to an actor", () => {
  for (const protocols of ["rivet, rivet_encoding.json", "rivet, rivet_encoding.json, greenroom.1"]) {
    for (const each of CASES) {
      test(`case ${each.id} with ${protocols}`, { timeout: TIMEOUT }, () =>
        play(amongActors(each, IS_BUNS), actors(protocols)),
      );
    }
  }
});

describe("large messages", { skip: process.env.AUTOBAHN === undefined }, () => {
  for (const make of LARGE_CASES) {
    const { id } = make();
    test(`case ${id}`, { timeout: TIMEOUT }, () => play(make(), echo()));
  }
});

test("no offer of compression is accepted, and what comes compressed is refused", async () => {
  for (const offer of OFFERS) {
    const wire = await WireSocket.open(server.port, ECHO, "", { "sec-websocket-extensions": offer });
    assert.equal(wire.headers["sec-websocket-extensions"], undefined, offer);
    wire.write(text("plain"));
    assert.equal(String((await wire.next())?.payload), "plain");
    // "compressed" with deflate, and marked as that.
    wire.write(frame({ opcode: 1, payload: Buffer.from("4aceCF2d284a2d2e4e4d0100", "hex"), reserved: 4 }));
    const closing = await wire.closing();
    assert.ok(closing?.code === 1002 || (IS_BUNS && closing === undefined), offer);
    wire.socket.destroy();
  }
});

test("Autobahn's own program finds no failure", { skip: process.env.WSTEST === undefined }, async () => {
  const failed = await wstest(process.env.WSTEST ?? "", `ws://127.0.0.1:${server.port}${ECHO}`);
  assert.deepEqual(failed, []);
});

test("all of it over and over does not fill the memory", { skip: process.platform !== "linux" }, async () => {
  const { pid } = server;
  assert.ok(pid !== undefined);
  const round = async () => {
    for (let at = 0; at < CASES.length; at += 32) {
      await Promise.all(CASES.slice(at, at + 32).map((each) => play(each, echo())));
    }
  };
  await round();
  const before = await residentBytes(pid);
  for (let n = 0; n < 4; n++) await round();
  const grown = (await residentBytes(pid)) - before;
  assert.ok(grown < 64 * MIB, `the server grew by ${grown} bytes`);
  const wire = await WireSocket.open(server.port, ECHO, "");
  wire.write(text("still here"));
  assert.equal(String((await wire.next())?.payload), "still here");
  wire.write(closeFrame(NORMAL));
  assert.equal((await wire.closing())?.code, NORMAL);
  assert.doesNotMatch(server.stderr, /panicked|RangeError|TypeError/);
});
