import assert from "node:assert/strict";
import { test } from "node:test";
import { ActorError } from "@greenroom/client/errors";
import { AnswerHead } from "../../dist/mount/answer-head.js";
import { errorText, linesOf, requestText } from "../../dist/mount/http-text.js";

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

test("a request is passed on as it came", () => {
  const head = requestText("GET", "/a?b", linesOf(["Host", "x", "X-One", "1", "x-one", "é"]));
  assert.equal(text(head), "GET /a?b HTTP/1.1\r\nHost: x\r\nX-One: 1\r\nx-one: é\r\n\r\n");
});

test("what would be more than one head is refused", () => {
  const cases: [string, string, string[]][] = [
    ["GET\r\nx: y", "/", []],
    ["GET", "/ HTTP/1.1\n", []],
    ["GET", "/", ["x\r\ny", "1"]],
    ["GET", "/", ["x", "1\n\nGET / HTTP/1.1"]],
    ["GET", "/", ["x", "a\0b"]],
    ["GET", "/", ["x", "€"]],
  ];
  for (const [method, target, raw] of cases) {
    assert.throws(() => requestText(method, target, linesOf(raw)), { group: "request", code: "invalid" });
  }
});

test("an error is a whole answer, after which the connection ends", () => {
  const error = new ActorError("guard", "no_route", "nothing is here ✓", { statusCode: 404 });
  const [head, body] = Buffer.from(errorText(error)).toString("utf8").split("\r\n\r\n");
  assert.match(head ?? "", /^HTTP\/1\.1 404 Not Found\r\n/);
  assert.match(head ?? "", /\r\nconnection: close$/);
  assert.match(head ?? "", new RegExp(`content-length: ${Buffer.byteLength(body ?? "")}\r\n`));
  assert.equal(JSON.parse(body ?? "").message, "nothing is here ✓");
});

test("the answer to a handshake is told from what follows, however it is cut", async () => {
  const bytes = Buffer.from(
    "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Protocol: rivet\r\n\r\nframes",
  );
  for (let step = 1; step <= bytes.length; step++) {
    const head = new AnswerHead();
    let rest = "";
    for (let at = 0; at < bytes.length; at += step) rest += text(head.push(bytes.subarray(at, at + step)));
    assert.equal(rest, "frames");
    const answer = await head.given;
    assert.deepEqual([answer?.status, answer?.headers], [101, [["sec-websocket-protocol", "rivet"]]]);
  }
});

test("a refusal has the rest of the connection for its body, and none at all is told", async () => {
  const refused = new AnswerHead();
  assert.equal(refused.push(Buffer.from("HTTP/1.1 404 Not Found\r\na: b\r\n\r\nno")).length, 0);
  assert.equal(refused.push(Buffer.from("thing")).length, 0);
  refused.end();
  const answer = await refused.given;
  assert.deepEqual([answer?.status, text(answer?.body ?? new Uint8Array())], [404, "nothing"]);
  const silent = new AnswerHead();
  silent.push(Buffer.from("HTTP/1.1 101 Swi"));
  silent.end();
  assert.equal(await silent.given, undefined);
});
