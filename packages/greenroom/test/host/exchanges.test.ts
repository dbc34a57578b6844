import assert from "node:assert/strict";
import { test } from "node:test";
import { actor } from "../../dist/index.js";
import type { Output, WireRequest } from "./support/core.js";
import { Stage } from "./support/stage.js";

const WINDOW = 256 * 1024;
const PIECE = 64 * 1024;

function request(path: string, method = "GET"): WireRequest {
  return [method, `http://a.test${path}`, [["x-one", "1"]]];
}

const isKind = (kind: Output["kind"]) => (output: Output) => output.kind === kind;

test("a small response leaves with what the handler changed", async () => {
  const stage = await new Stage(
    actor({
      state: { n: 0 },
      onRequest: (c, { headers }) => {
        c.state.n++;
        return new Response(null, { status: 201, headers: { "x-two": `${headers.get("x-one")}2` } });
      },
    }),
  ).started();
  stage.core.fetch(1, 7, request("/"));
  const turns = await stage.run();
  assert.equal(turns.length, 1);
  assert.equal(turns[0]?.changes.length, 1);
  assert.deepEqual(turns[0]?.outputs, [
    { kind: "responseHead", call: 7, status: 201, headers: [["x-two", "12"]], hasBody: false },
  ]);
});

test("an actor without a handler answers 404", async () => {
  const stage = await new Stage(actor({ actions: {} })).started();
  stage.core.fetch(1, 7, request("/"));
  await stage.run();
  assert.deepEqual(stage.outputs, [
    { kind: "responseHead", call: 7, status: 404, headers: [], hasBody: false },
  ]);
});

test("a response goes no further than its credit", async () => {
  const stage = await new Stage(
    actor({ onRequest: () => new Response(new Uint8Array(WINDOW + PIECE + 1).fill(65)) }),
  ).started();
  stage.core.fetch(1, 7, request("/"));
  const sent = (): number =>
    stage.outputs.reduce((sum, each) => sum + (each.kind === "responseData" ? each.data.length : 0), 0);
  stage.host.wake();
  while (sent() < WINDOW) await stage.core.next();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(sent(), WINDOW);
  stage.core.bodyCredit(1, 7, WINDOW / 2);
  await stage.until(isKind("responseEnd"));
  assert.equal(sent(), WINDOW + PIECE + 1);
});

test("a client that leaves ends the response and the request", async () => {
  const log: string[] = [];
  const stage = await new Stage(
    actor({
      onRequest: (c, { signal }) => {
        c.abortSignal.addEventListener("abort", () => log.push("context"));
        signal.addEventListener("abort", () => log.push("request"));
        return new Response(new ReadableStream({ cancel: () => void log.push("stream") }));
      },
    }),
  ).started();
  stage.core.fetch(1, 7, request("/"));
  await stage.until(isKind("responseHead"));
  stage.core.cancel(1, 7);
  await stage.until(isKind("responseAbort"));
  assert.deepEqual(log.sort(), ["context", "request", "stream"]);
});

test("a request's body is read piece by piece, with credit for what was read", async () => {
  const stage = await new Stage(
    actor({
      onRequest: async (_c, incoming) =>
        new Response(null, { headers: { size: `${(await incoming.text()).length}` } }),
    }),
  ).started();
  stage.core.fetch(1, 7, request("/", "POST"), true);
  for (let n = 0; n < 4; n++) stage.core.body(1, 7, new Uint8Array(PIECE).fill(65));
  const credit = await stage.until(isKind("requestCredit"));
  assert.deepEqual(credit, { kind: "requestCredit", call: 7, bytes: WINDOW / 2 });
  stage.core.body(1, 7);
  const head = await stage.until(isKind("responseHead"));
  assert.ok(head.kind === "responseHead");
  assert.deepEqual(head.headers, [["size", `${WINDOW}`]]);
});

test("a request's body that breaks off fails the reader", async () => {
  const stage = await new Stage(
    actor({ onRequest: async (_c, incoming) => new Response(await incoming.text()) }),
  ).started();
  stage.core.fetch(1, 7, request("/", "POST"), true).body(1, 7, new Uint8Array(3)).bodyAbort(1, 7);
  const output = await stage.until(isKind("replyError"));
  assert.ok(output.kind === "replyError");
  assert.equal(output.error.code, "aborted");
});

test("a late handler is answered for, and what it makes is thrown away", async () => {
  let answer: (response: Response) => void = () => {};
  let cancelled = 0;
  const stage = await new Stage(
    actor({
      onRequest: () =>
        new Promise<Response>((resolve) => {
          answer = resolve;
        }),
      options: { actionTimeout: 10 },
    }),
  ).started();
  stage.core.fetch(1, 7, request("/"));
  const output = await stage.until(isKind("replyError"));
  assert.ok(output.kind === "replyError");
  assert.equal(output.error.code, "action_timed_out");
  stage.forget();
  answer(new Response(new ReadableStream({ cancel: () => void cancelled++ })));
  await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual([cancelled, stage.outputs.length], [1, 0]);
});

test("a stop fires the signals of requests, and waits for their responses", async () => {
  const stage = await new Stage(
    actor({
      onRequest: (c) =>
        new Response(
          new ReadableStream({
            start: (controller) => {
              c.abortSignal.addEventListener("abort", () => {
                controller.enqueue(new TextEncoder().encode("bye"));
                controller.close();
              });
            },
          }),
        ),
    }),
  ).started();
  stage.core.fetch(1, 7, request("/"));
  await stage.until(isKind("responseHead"));
  stage.forget();
  stage.core.stop(1, "sleep");
  await stage.until(isKind("stopped"));
  const kinds = stage.outputs.map(({ kind }) => kind).filter((kind) => kind !== "awake");
  assert.deepEqual(kinds, ["responseData", "responseEnd", "stopped"]);
});

test("what is not quite a response is an error of its handler, and no more", async () => {
  const like = (more: object): Response =>
    ({ status: 200, headers: new Headers(), body: null, ...more }) as never;
  const answers: { readonly [path: string]: () => Response } = {
    "/status": () => like({ status: 700 }),
    "/fraction": () => like({ status: 200.5 }),
    "/headers": () => like({ headers: { forEach() {} } }),
    "/body": () => like({ body: { getReader: 1 } }),
    "/reader": () =>
      like({
        body: {
          getReader() {
            throw new Error("no");
          },
        },
      }),
    "/proxy": () => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return proxy as Response;
    },
  };
  const handlers = [(path: string) => answers[path]?.(), async (path: string) => [answers[path]?.()][0]];
  for (const [which, handle] of handlers.entries()) {
    const stage = await new Stage(
      actor({ onRequest: (_c, { url }) => handle(new URL(url).pathname) as Response }),
    ).started();
    for (const [call, path] of Object.keys(answers).entries()) {
      // A promise cannot even be resolved with something that does not say whether it is one.
      if (which === 1 && path === "/proxy") continue;
      stage.core.fetch(1, call, request(path));
      const isIt = (output: Output): boolean => "call" in output && output.call === call;
      const output = await stage.until(isIt);
      assert.equal(output.kind, "replyError", path);
    }
    stage.core.stop(1, "sleep");
    await stage.until(isKind("stopped"));
  }
});
