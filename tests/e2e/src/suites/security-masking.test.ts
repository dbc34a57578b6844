/** What clients see of errors that are not meant for them: an id, and nothing else. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { jsonAction, TestSocket } from "../bad-input/ws-client.js";
import { RawEventStream } from "../harness/event-stream.js";
import { DIST } from "../harness/paths.js";
import { ServerProcess } from "../harness/server.js";

const SCRIPT = join(DIST, "server/security-main.js");
const QUERY = "rvt-namespace=default&rvt-method=getOrCreate&rvt-runner=default&rvt-key=k";

let server: ServerProcess;
before(async () => {
  server = await ServerProcess.start({ script: SCRIPT });
});
after(() => server.dispose());

const of = (path: string): string => `/gateway/target${path}?${QUERY}`;

async function post(path: string, headers: Readonly<Record<string, string>> = {}): Promise<string> {
  const answer = await fetch(server.url + path, { method: "POST", body: '{"args":[],"body":1}', headers });
  return answer.text();
}

/** All messages of a socket until one of them is an error. */
async function overSocket(action: string, protocols: readonly string[] = []): Promise<string> {
  const socket = await TestSocket.open(server.port, of("/connect"), [
    "rivet",
    "rivet_encoding.json",
    ...protocols,
  ]);
  socket.send(jsonAction(1, action, []));
  for (;;) {
    const message = (await socket.next()).toString();
    if (!message.includes('"Error"')) continue;
    socket.close();
    return message;
  }
}

async function overStream(params: object): Promise<string> {
  const json = encodeURIComponent(JSON.stringify(params));
  const stream = await RawEventStream.open(`${server.url}${of("/sse")}&rvt-conn-params=${json}`);
  const { data } = await stream.event();
  stream.close();
  return JSON.stringify(data);
}

/** Whatever would tell a stranger how the program is made. */
const TELLING = [
  /s3cret/,
  /Oops/,
  /TypeError/,
  /\.[jt]s\b/,
  /file:/,
  /\bat /,
  /no file/,
  /leak/,
  /before connecting/,
  /node_modules/,
  /panicked/,
];

test("exceptions, rejections and their stacks never reach clients, over any way in", async () => {
  const explode = JSON.stringify({ explode: true });
  const seen = {
    "a call": await post(of("/action/fail")),
    "a call that throws a text": await post(of("/action/failAsString")),
    "a rejection that looks like one of our errors": await post(of("/action/rejectLater")),
    "a hook": await post(of("/action/hit"), { "x-rivet-conn-params": explode }),
    "a raw request": await post(of("/request/boom")),
    "a queue": await post(of("/queue/jobs"), { "x-rivet-conn-params": explode }),
    "a socket": await overSocket("fail"),
    "a socket's hook": await overSocket("hit", [`rivet_conn_params.${encodeURIComponent(explode)}`]),
    "an event stream": await overStream({ explode: true }),
  };
  for (const [way, text] of Object.entries(seen)) {
    assert.match(text, /internal_error/, way);
    assert.match(text, /An internal error occurred/, way);
    assert.match(text, /errorId/, way);
    for (const telling of TELLING) assert.doesNotMatch(text, telling, way);
  }
  const [id = ""] = /[0-9a-f-]{36}/.exec(seen["a call"]) ?? [];
  assert.ok(server.stderr.includes(id), "the log has the id");
  assert.match(server.stderr, /Oops/, "and what it was");
});

test("errors that are meant for the caller pass with their metadata", async () => {
  const { group, code, message, metadata } = JSON.parse(await post(of("/action/refuse"))) as Record<
    string,
    unknown
  >;
  assert.deepEqual(
    { group, code, message, metadata },
    { group: "user", code: "too_little", message: "not enough", metadata: { needed: 3 } },
  );
});

test("with GREENROOM_EXPOSE_ERRORS messages are shown, stacks are not", async () => {
  const open = await ServerProcess.start({ script: SCRIPT, env: { GREENROOM_EXPOSE_ERRORS: "1" } });
  const answer = await fetch(open.url + of("/action/fail"), { method: "POST", body: '{"args":[]}' });
  const text = await answer.text();
  assert.match(text, /no file/);
  assert.doesNotMatch(text, /\bat |s3cret/);
  await open.dispose();
});
