import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import {
  type ActorError,
  type ClientConfig,
  createClient,
  type Encoding,
  isActorErrorCode,
} from "@greenroom/client";
import { ByteWriter, encodeValue } from "@greenroom/client/codec";
import { FakeClock, settle } from "./support/fake-clock.js";
import { type Answer, FakeServer } from "./support/fake-server.js";

interface Tally {
  readonly "~types"?: {
    actions: {
      increment: (c: never, by: number) => number;
      read: (c: never) => Promise<number>;
      destroy: (c: never) => void;
      nested: { deep: { act: (c: never, ...args: unknown[]) => unknown } };
    };
    events: undefined;
    queues: { jobs: { message: { x: number }; reply: string } };
    params: unknown;
    input: unknown;
    state: unknown;
    connState: unknown;
  };
}
interface Registry {
  readonly "~actors"?: { tally: Tally };
}

let server: FakeServer;
before(async () => {
  server = await FakeServer.start(() => ({}));
});
after(() => server.stop());
beforeEach(() => {
  server.seen.length = 0;
});

function clientFor(config: ClientConfig = {}) {
  return createClient<Registry>({ endpoint: server.url, disableMetadataLookup: true, ...config });
}

/** Answers every call with these, the last one repeatedly. */
function answers(...list: Answer[]): void {
  let next = 0;
  server.answer = () => list[Math.min(next++, list.length - 1)] ?? {};
}

function bytes(text: string): Buffer {
  return Buffer.from(text.replace(/ /g, ""), "hex");
}

function jsonError(group: string, code: string, status = 500): Answer {
  return {
    status,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ group, code, message: `${code} happened` }),
  };
}

/** A clock that passes as soon as anything waits for it. */
function hurry(): { readonly pauses: number[]; readonly runtime: ClientConfig["runtime"] } {
  const pauses: number[] = [];
  return {
    pauses,
    runtime: {
      setTimeout: (callback, milliseconds) => {
        // Attempt timeouts of seconds never pass; pauses between attempts do at once.
        if (milliseconds === 5_000) return undefined;
        pauses.push(milliseconds);
        return setImmediate(callback);
      },
      clearTimeout: () => {},
    },
  };
}

describe("encodings on the wire", () => {
  const cases: readonly [Encoding, string, Answer["body"]][] = [
    ["bare", "0400 02 8103", bytes("0400 01 03")],
    ["cbor", "a1 64 61726773 81 03", bytes("a1 66 6f7574707574 03")],
    ["json", Buffer.from('{"args":[3]}').toString("hex"), '{"output":3}'],
  ];
  for (const [encoding, request, body] of cases) {
    test(`increment(3) in ${encoding}`, async () => {
      answers({ body });
      const result: number = await clientFor({ encoding }).tally.getOrCreate("a").increment(3);
      assert.equal(result, 3);
      const [call] = server.calls;
      assert.equal(call?.body.toString("hex"), request.replace(/ /g, ""));
      assert.equal(call?.headers["x-rivet-encoding"], encoding);
      assert.equal(call?.headers["content-length"], String(call?.body.length));
      assert.equal(
        call?.headers["content-type"],
        encoding === "json" ? "application/json" : "application/octet-stream",
      );
    });
  }

  test("rich values go and come in bare and cbor", async () => {
    const value = {
      big: 5n,
      none: undefined,
      bytes: Uint8Array.of(1),
      at: new Date(5),
      set: new Set([["$x", 1]]),
    };
    for (const encoding of ["bare", "cbor"] as const) {
      const writer = new ByteWriter();
      encodeValue(writer, encoding === "cbor" ? { output: value } : value, "compat");
      const framed = Buffer.concat([Buffer.from([4, 0, writer.length]), writer.view()]);
      answers({ body: encoding === "cbor" ? writer.finish() : framed });
      assert.deepStrictEqual(await clientFor({ encoding }).tally.get().nested.deep.act(value), value);
    }
  });

  test("an unreadable reply is an error of the client", async () => {
    for (const encoding of ["bare", "cbor", "json"] as const) {
      answers({ body: "\u0001\u0001" });
      await assert.rejects(clientFor({ encoding }).tally.get().increment(1), { code: "malformed_response" });
    }
  });
});

describe("addresses", () => {
  test("by key, by id, nested names, parameters and token", async () => {
    answers({ body: bytes("0400 01 03") });
    const client = clientFor({
      endpoint: `http://team:s%2Fe@127.0.0.1:${server.port}/base/`,
      headers: { "x-trace": "1" },
    });
    const params = { who: "é😀", at: 1 };
    const options = { params, createWithInput: { n: 1 }, createInRegion: "eu", poolName: "p" };
    await client.tally.getOrCreate(["a,b", "", "c/d\\e"], options).nested.deep.act();
    await client.tally.get().read();
    await client.tally.getForId("id-1").read();
    assert.deepEqual(
      server.calls.map(({ url }) => url),
      [
        "/base/gateway/tally/action/nested.deep.act?rvt-namespace=team&rvt-method=getOrCreate&rvt-runner=p&rvt-key-storage=a%2Cb%2F%5C0%2Fc%5C%2Fd%5C%5Ce&rvt-input=oWFuAQ&rvt-region=eu&rvt-crash-policy=sleep&rvt-token=s%2Fe",
        "/base/gateway/tally/action/read?rvt-namespace=team&rvt-method=get&rvt-key-storage=%2F&rvt-token=s%2Fe",
        "/base/gateway/id-1@s%2Fe/action/read",
      ],
    );
    const [first] = server.calls;
    assert.equal(first?.headers["x-rivet-token"], "s/e");
    assert.equal(first?.headers["x-trace"], "1");
    assert.deepEqual(JSON.parse(String(first?.headers["x-rivet-conn-params"])), params);
    assert.equal(
      await client.tally.get("a").getGatewayUrl(),
      `${server.url}/base/gateway/tally?rvt-namespace=team&rvt-method=get&rvt-key-storage=a&rvt-token=s%2Fe`,
    );
  });

  test("different keys have different addresses", async () => {
    const client = clientFor();
    const keys = [
      undefined,
      [""],
      ["", ""],
      "a,b",
      ["a", "b"],
      ["a/b"],
      ["a\\", "b"],
      ["a\\/b"],
      ["\\0"],
      "/",
    ];
    const urls = await Promise.all(keys.map((key) => client.tally.get(key).getGatewayUrl()));
    assert.equal(new Set(urls).size, keys.length);
    assert.equal(await client.tally.get([]).getGatewayUrl(), urls[0]);
    assert.equal(
      await client.tally.get("a,b").getGatewayUrl(),
      await client.tally.get(["a,b"]).getGatewayUrl(),
    );
  });

  test("input that is too large for a URL is refused by name", async () => {
    const handle = clientFor({ maxInputSize: 10 }).tally.getOrCreate("a", {
      createWithInput: "x".repeat(20),
    });
    await assert.rejects(handle.read(), {
      group: "client",
      code: "input_too_large",
      message: /21 bytes, limit is 10/,
    });
    assert.equal(server.calls.length, 0);
  });
});

describe("looking actors up", () => {
  test("create posts, and its handle means that actor", async () => {
    answers({ body: '{"actor":{"actor_id":"id-7"}}' }, { body: bytes("0400 01 03") });
    const handle = await clientFor().tally.create(["k"], { input: 1, region: "eu" });
    assert.equal(await handle.resolve(), "id-7");
    await handle.read();
    const [create, call] = server.calls;
    assert.equal(`${create?.method} ${create?.url}`, "POST /actors?namespace=default");
    assert.deepEqual(JSON.parse(String(create?.body)), {
      name: "tally",
      key: "k",
      runner_name_selector: "default",
      crash_policy: "sleep",
      datacenter: "eu",
      input: "AQ==",
    });
    assert.equal(call?.url, "/gateway/id-7/action/read");
  });

  test("resolve asks without creating for get, and creates for getOrCreate", async () => {
    answers(
      { body: '{"actors":[]}' },
      { body: '{"actors":[{"actor_id":"i"}]}' },
      { body: '{"actor":{"actor_id":"j"}}' },
    );
    const client = clientFor({ token: "t" });
    await assert.rejects(client.tally.get("a").resolve(), { group: "actor", code: "not_found" });
    assert.equal(await client.tally.get(["a/b"]).resolve(), "i");
    assert.equal(await client.tally.getOrCreate("a").resolve(), "j");
    assert.deepEqual(
      server.calls.map(({ method, url }) => `${method} ${url}`),
      [
        "GET /actors?name=tally&key=a&namespace=default",
        "GET /actors?name=tally&key=a%5C%2Fb&namespace=default",
        "PUT /actors?namespace=default",
      ],
    );
    assert.equal(server.calls[2]?.headers.authorization, "Bearer t");
  });

  test("a duplicate key is refused", async () => {
    answers(jsonError("actor", "duplicate_key", 400));
    await assert.rejects(clientFor().tally.create("a"), (error) =>
      isActorErrorCode(error, "actor", "duplicate_key"),
    );
  });
});

describe("errors", () => {
  const fields = "04 75736572 07 6d795f636f6465 09 6974206661696c6564 01 08 a261610161626178";
  const bodies: readonly [string, Encoding, Answer][] = [
    ["bare", "bare", { status: 400, body: bytes(`0400 ${fields} 01 02 6964 01 01 01 6b`) }],
    ["bare of version 3", "bare", { status: 400, body: bytes(`0300 ${fields}`) }],
    [
      "cbor",
      "cbor",
      {
        status: 400,
        body: bytes(
          "a4 6567726f7570 6475736572 64636f6465 676d795f636f6465 676d657373616765 696974206661696c6564 686d65746164617461 a261610161626178",
        ),
      },
    ],
    [
      "json whatever the encoding",
      "bare",
      {
        status: 400,
        headers: { "content-type": "application/json; charset=utf-8" },
        body: '{"group":"user","code":"my_code","message":"it failed","metadata":{"a":1,"b":"x"}}',
      },
    ],
  ];
  for (const [name, encoding, answer] of bodies) {
    test(`are read from ${name}`, async () => {
      answers(answer);
      const error = (await clientFor({ encoding })
        .tally.get()
        .read()
        .catch((thrown: unknown) => thrown)) as ActorError;
      assert.deepEqual([error.group, error.code, error.message], ["user", "my_code", "it failed"]);
      assert.deepStrictEqual(error.metadata, { a: 1, b: "x" });
      assert.equal(error.statusCode, 400);
      assert.equal(error.retryable, false);
      if (name === "bare") assert.deepEqual(error.actor, { actorId: "id", generation: 1, key: "k" });
    });
  }

  test("of a proxy keep status and text", async () => {
    answers({ status: 502, headers: { "content-type": "text/html" }, body: "<h1>Bad Gateway</h1>" });
    await assert.rejects(clientFor().tally.get().read(), {
      code: "malformed_response",
      message: /502.*Bad Gateway/,
      retryable: true,
    });
  });

  test("a server that is not there is named", async () => {
    const gone = await FakeServer.start(() => ({}));
    const { port } = gone;
    await gone.stop();
    const { pauses, runtime } = hurry();
    const client = clientFor({ endpoint: `http://127.0.0.1:${port}`, token: "secret", runtime });
    await assert.rejects(client.tally.get().read(), (error: ActorError) => {
      assert.deepEqual([error.group, error.code, error.retryable], ["client", "endpoint_unreachable", true]);
      assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${port}.*ECONNREFUSED`));
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
    assert.deepEqual(pauses, [250, 500, 1000, 2000]);
  });

  test("a connection cut off before the reply says that the outcome is open", async () => {
    server.answer = () => {
      server.server.closeAllConnections();
      return {};
    };
    await assert.rejects(clientFor().tally.get().read(), {
      group: "client",
      code: "connection_lost",
      retryable: true,
    });
    assert.equal(server.calls.length, 1);
  });

  test("aborting rejects at once, before and during the request", async () => {
    const controller = new AbortController();
    server.answer = () => {
      controller.abort();
      return new Promise(() => {});
    };
    const handle = clientFor().tally.get();
    await assert.rejects(handle.action({ name: "read", signal: controller.signal }), {
      group: "actor",
      code: "aborted",
    });
    await assert.rejects(handle.action({ name: "read", signal: controller.signal }), {
      group: "actor",
      code: "aborted",
    });
    await assert.rejects(clientFor().tally.get("a", { signal: controller.signal }).read(), {
      code: "aborted",
    });
    assert.equal(server.calls.length, 1);
  });

  test("aborting rejects at once while the server or parameters are waited for", async () => {
    server.answer = () => new Promise(() => {});
    for (const options of [{}, { getParams: () => new Promise<unknown>(() => {}) }]) {
      const controller = new AbortController();
      const client = clientFor({ disableMetadataLookup: "getParams" in options });
      const call = client.tally.get("a", { ...options, signal: controller.signal }).read();
      setImmediate(() => controller.abort());
      await assert.rejects(call, { group: "actor", code: "aborted" });
    }
    server.server.closeAllConnections();
  });

  test("an unreadable lookup is an error of the client", async () => {
    for (const body of ["{", "null", "{}", '{"actor":{}}']) {
      answers({ body });
      await assert.rejects(clientFor().tally.getOrCreate("a").resolve(), { code: "malformed_response" });
    }
  });

  test("getParams that throws is client.get_params_failed", async () => {
    const handle = clientFor().tally.get("a", {
      getParams: () => {
        throw new Error("no token");
      },
    });
    await assert.rejects(handle.read(), { group: "client", code: "get_params_failed", message: /no token/ });
  });
});

describe("retries", () => {
  const ok = { body: bytes("0400 01 03") };

  test("what certainly did not run is repeated", async () => {
    for (const code of ["starting", "stopping", "destroying", "destroyed_during_creation"]) {
      const { pauses, runtime } = hurry();
      answers(jsonError("actor", code), jsonError("actor", code), ok);
      assert.equal(await clientFor({ runtime }).tally.get().read(), 3);
      assert.deepEqual(pauses, [100, 100]);
    }
  });

  test("an unreachable actor is tried five times, more and more slowly", async () => {
    const { pauses, runtime } = hurry();
    answers(jsonError("guard", "service_unavailable", 503));
    await assert.rejects(clientFor({ runtime }).tally.getForId("i").read(), {
      code: "service_unavailable",
      retryable: true,
    });
    assert.deepEqual(pauses, [25, 50, 100, 200]);
  });

  test("lifecycle errors are repeated 60 times for getOrCreate, 24 for get, not at all by id", async () => {
    const { runtime } = hurry();
    answers(jsonError("actor", "starting"));
    const { tally } = clientFor({ runtime });
    for (const [handle, attempts] of [
      [tally.getOrCreate(), 60],
      [tally.get(), 24],
      [tally.getForId("i"), 1],
    ] as const) {
      server.seen.length = 0;
      await assert.rejects(handle.read(), { code: "starting" });
      assert.equal(server.calls.length, attempts);
    }
  });

  test("a server that restarts is waited for", async () => {
    const first = await FakeServer.start(() => ok);
    const { url, port } = first;
    let second: FakeServer | undefined;
    const client = createClient<Registry>({
      endpoint: url,
      disableMetadataLookup: true,
      runtime: {
        setTimeout: (callback) => {
          void FakeServer.start(() => ok, port).then((server) => {
            second = server;
            callback();
          });
          return undefined;
        },
      },
    });
    assert.equal(await client.tally.get().read(), 3);
    await first.stop();
    assert.equal(await client.tally.get().read(), 3);
    assert.equal(second?.calls.length, 1);
    await second?.stop();
  });

  test("what may have run is not repeated, nor is a missing actor, nor destroy", async () => {
    const { pauses, runtime } = hurry();
    const { tally } = clientFor({ runtime });
    for (const [group, code, retryable] of [
      ["actor", "restarting", true],
      ["actor", "dropped_reply", true],
      ["guard", "tunnel_response_closed", true],
      ["actor", "overloaded", true],
      ["actor", "not_found", false],
      ["user", "user_error", false],
    ] as const) {
      answers(jsonError(group, code));
      await assert.rejects(tally.get().read(), { group, code, retryable });
    }
    answers(jsonError("actor", "destroying"));
    await assert.rejects(tally.getOrCreate().destroy(), { code: "destroying" });
    assert.equal(server.calls.length, 7);
    assert.deepEqual(pauses, []);
  });
});

describe("queues", () => {
  test("send has the bytes of the protocol", async () => {
    answers({ body: bytes("0400 09 636f6d706c65746564 00") });
    const { tally } = clientFor();
    assert.equal(await tally.get().send("jobs", { x: 1 }), undefined);
    answers({ body: bytes("0400 09 636f6d706c65746564 01 03 626f6b") });
    const reply = await tally.get().send("jobs", { x: 1 }, { wait: true, timeout: 5000 });
    assert.deepEqual(reply, { status: "completed", response: "ok" });
    assert.deepEqual(
      server.calls.map(({ url, body }) => [url.split("?")[0], body.toString("hex")]),
      [
        ["/gateway/tally/queue/jobs", "040004a1617801" + "01046a6f6273" + "0100" + "00"],
        ["/gateway/tally/queue/jobs", "040004a1617801" + "01046a6f6273" + "0101" + "018813000000000000"],
      ],
    );
  });

  test("send in json and cbor", async () => {
    answers({ body: '{"status":"timedOut"}' });
    const wait = { wait: true, timeout: 5 } as const;
    assert.deepEqual(await clientFor({ encoding: "json" }).tally.get().send("jobs", { x: 1 }, wait), {
      status: "timedOut",
    });
    assert.deepEqual(JSON.parse(String(server.calls[0]?.body)), {
      body: { x: 1 },
      name: "jobs",
      wait: true,
      timeout: 5,
    });
    const writer = new ByteWriter();
    encodeValue(writer, { status: "completed", response: 1n }, "compat");
    answers({ body: writer.finish() });
    const reply = await clientFor({ encoding: "cbor" }).tally.get().send("jobs", { x: 1 }, wait);
    assert.deepEqual(reply, { status: "completed", response: 1n });
  });
});

describe("metadata", () => {
  test("is asked for once and can send the client elsewhere", async () => {
    const elsewhere = await FakeServer.start(() => ({ body: bytes("0400 01 03") }));
    try {
      const { port } = elsewhere;
      const metadata = {
        clientEndpoint: `http://127.0.0.1:${port}/x`,
        clientNamespace: "n2",
        clientToken: "t2",
      };
      answers({ body: JSON.stringify(metadata) });
      const client = clientFor({ disableMetadataLookup: false, token: "t1", namespace: "n1" });
      await Promise.all([client.tally.get().read(), client.tally.get().read()]);
      await client.tally.get().read();
      assert.deepEqual(
        server.seen.map(({ url, headers }) => [url, headers.authorization]),
        [["/metadata?namespace=n1", "Bearer t1"]],
      );
      assert.equal(elsewhere.seen.length, 3);
      assert.match(
        elsewhere.seen[0]?.url ?? "",
        /^\/x\/gateway\/tally\/action\/read\?rvt-namespace=n2&.*rvt-token=t2$/,
      );
    } finally {
      await elsewhere.stop();
    }
  });

  test("the token stays with the origin that it was given for", async () => {
    const elsewhere = await FakeServer.start(() => ({ body: bytes("0400 01 03") }));
    try {
      const { port } = elsewhere;
      for (const [clientEndpoint, at] of [
        [`http://127.0.0.1:${port}`, elsewhere],
        [`http://other@127.0.0.1:${port}`, elsewhere],
        [`${server.url}/below`, server],
      ] as const) {
        const before = at.seen.length;
        answers({ body: JSON.stringify({ clientEndpoint }) }, { body: bytes("0400 01 03") });
        const client = clientFor({ disableMetadataLookup: false, token: "t1" });
        assert.equal(await client.tally.get().read(), 3);
        const call = at.seen.slice(before).find(({ url }) => url.includes("/gateway/"));
        const got = [call?.url, JSON.stringify(call?.headers)].join();
        assert.equal(got.includes("t1"), at === server, `${clientEndpoint}: ${got}`);
      }
    } finally {
      await elsewhere.stop();
    }
  });

  test("a server that starts up is waited for", async () => {
    const { pauses, runtime } = hurry();
    answers({ status: 503 }, { status: 200, body: "not yet" }, { body: "{}" }, { body: bytes("0400 01 03") });
    assert.equal(await clientFor({ disableMetadataLookup: false, runtime }).tally.get().read(), 3);
    assert.deepEqual(pauses, [500, 1000]);
  });

  test("a call to a server that does not answer fails within seconds, and the next call asks anew", async () => {
    const { pauses, runtime } = hurry();
    answers({ status: 500 });
    const client = clientFor({ disableMetadataLookup: false, runtime });
    await assert.rejects(client.tally.get().read(), {
      group: "client",
      code: "endpoint_unreachable",
      retryable: true,
      message: `no answer from ${server.url}/metadata?namespace=default: HTTP status 500`,
    });
    assert.deepEqual(pauses, [500, 1000, 2000, 4000]);
    answers({ body: "{}" }, { body: bytes("0400 01 03") });
    assert.equal(await client.tally.get().read(), 3);
  });

  test("a definite no is not repeated", async () => {
    answers({ status: 404 });
    await assert.rejects(clientFor({ disableMetadataLookup: false }).tally.get().read(), {
      code: "endpoint_unreachable",
      retryable: false,
    });
    assert.equal(server.seen.length, 1);
  });

  test("a server that never answers is given up, lookup by lookup", async () => {
    const clock = new FakeClock();
    const { setTimeout, clearTimeout } = clock;
    server.answer = () => new Promise(() => {});
    const client = clientFor({ disableMetadataLookup: false, runtime: { setTimeout, clearTimeout } });
    let outcome: unknown;
    client.tally
      .get()
      .read()
      .catch((error: unknown) => {
        outcome = error;
      });
    await clock.advance(5 * 5_000 + 7_500 - 1);
    assert.equal(outcome, undefined);
    await clock.advance(1);
    assert.ok(isActorErrorCode(outcome, "client", "endpoint_unreachable"), String(outcome));
  });
});

describe("a client's life", () => {
  test("a call that waits to be made again when the client is disposed fails with what it failed with", async () => {
    const clock = new FakeClock();
    const client = clientFor({ runtime: clock });
    answers(jsonError("actor", "starting"));
    const call = client.tally.getOrCreate("a").read();
    const failed = assert.rejects(call, { code: "starting" });
    while (clock.pending === 0) await settle();
    await client.dispose();
    await failed;
    assert.equal(clock.pending, 0, "no timer is left");
    assert.equal(server.seen.length, 1);
  });

  test("any number of calls may wait at once, with a signal or without, and nobody is warned of a leak", async () => {
    const warnings: Error[] = [];
    const warned = (warning: Error): unknown => warnings.push(warning);
    process.on("warning", warned);
    const clock = new FakeClock();
    const client = clientFor({ runtime: clock });
    server.answer = () => jsonError("actor", "starting");
    const giveUp = new AbortController();
    const handles = [client.tally.getOrCreate("a"), client.tally.getOrCreate("a", { signal: giveUp.signal })];
    const calls = handles.flatMap((handle) => Array.from({ length: 20 }, () => handle.read()));
    const settled = Promise.allSettled(calls);
    while (clock.pending < calls.length) await settle();
    giveUp.abort();
    await client.dispose();
    const codes = (await settled).map((result) => result.status === "rejected" && result.reason.code);
    assert.deepEqual(codes, [...Array(20).fill("starting"), ...Array(20).fill("aborted")]);
    assert.equal(clock.pending, 0, "no timer is left");
    // Warnings are told in a later turn.
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", warned);
    assert.deepEqual(warnings, []);
  });

  test("nothing is sent before use, and nothing after dispose", async () => {
    const client = clientFor({ disableMetadataLookup: false });
    const handle = client.tally.getOrCreate("a");
    await client.dispose();
    await assert.rejects(handle.read(), { code: "disposed" });
    await assert.rejects(handle.fetch("/"), { code: "disposed" });
    await assert.rejects(handle.webSocket(), { code: "disposed" });
    await assert.rejects(client.tally.create("a"), { code: "disposed" });
    assert.throws(() => handle.connect(), { code: "disposed" });
    assert.equal(server.seen.length, 0);
  });

  test("handles are not thenable and have stable members", async () => {
    const client = clientFor();
    const handle = client.tally.get();
    assert.equal(await handle, handle);
    assert.equal((handle as { then?: unknown }).then, undefined);
    assert.equal(JSON.stringify({ handle: await handle }), '{"handle":{}}');
    assert.equal(handle.nested.deep.act, handle.nested.deep.act);
    assert.equal(client.tally, client.tally);
    answers({ body: bytes("0400 01 03") });
    const bound = handle.increment.bind(undefined, 1);
    assert.equal(await bound(), 3);
    assert.equal(await client.get("other", "k").action({ name: "anything", args: [1] }), 3);
    assert.match(server.calls[1]?.url ?? "", /^\/gateway\/other\/action\/anything\?/);
  });
});

describe("raw HTTP", () => {
  test("passes path, query, method, headers and body; adds parameters and routing", async () => {
    answers({ status: 418, headers: { "x-own": "1" }, body: "teapot" });
    const handle = clientFor({ token: "t" }).tally.get("a", { params: { p: 1 } });
    const response = await handle.fetch("//echo/../e%20x?q=1&q=2", {
      method: "PUT",
      headers: { "x-mine": "2" },
      body: "hi",
    });
    assert.deepEqual(
      [response.status, response.headers.get("x-own"), await response.text()],
      [418, "1", "teapot"],
    );
    await handle.fetch(new URL("https://shop.test/orders?id=1"));
    await handle.fetch(
      new Request("https://shop.test", { method: "POST", body: "b", headers: { "x-mine": "3" } }),
    );
    await handle.fetch("../../../action/read");
    assert.deepEqual(
      server.calls.map(({ method, url }) => `${method} ${url.replace(/rvt-namespace.*/, "rvt")}`),
      [
        "PUT /gateway/tally/request/e%20x?q=1&q=2&rvt",
        "GET /gateway/tally/request/orders?id=1&rvt",
        "POST /gateway/tally/request/?rvt",
        "GET /gateway/tally/request/action/read?rvt",
      ],
    );
    const [first, second, third] = server.calls;
    assert.equal(first?.headers["x-mine"], "2");
    assert.equal(first?.headers["x-rivet-token"], "t");
    assert.equal(first?.headers["x-rivet-conn-params"], '{"p":1}');
    assert.equal(String(first?.body), "hi");
    assert.equal(second?.headers["x-rivet-internal-original-request-url"], "https://shop.test/orders?id=1");
    assert.equal(third?.headers["x-mine"], "3");
    assert.equal(String(third?.body), "b");
  });

  test("a Request keeps its own signal", async () => {
    const controller = new AbortController();
    server.answer = () => {
      controller.abort();
      return new Promise(() => {});
    };
    const request = new Request("https://shop.test/", { signal: controller.signal });
    await assert.rejects(clientFor().tally.get().fetch(request), { group: "actor", code: "aborted" });
  });

  test("errors of the gateway are repeated like those of calls, answers of the actor never", async () => {
    const { pauses, runtime } = hurry();
    const starting = {
      ...jsonError("actor", "starting", 503),
      headers: { "x-rivet-error": "actor.starting" },
    };
    answers(starting, starting, jsonError("actor", "starting", 503));
    const response = await clientFor({ runtime }).tally.get().fetch("/x");
    assert.equal(response.status, 503);
    assert.deepEqual(pauses, [100, 100]);
  });
});
