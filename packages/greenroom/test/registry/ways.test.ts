/** The ways to serve, and what does not go together. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { actor, type Registry, type RegistryConfig, setup, UserError } from "../../dist/index.js";

const tally = actor({
  state: { n: 0 },
  actions: {
    add: (c, by: number) => (c.state.n += by),
    fail: () => {
      throw new UserError("no", { code: "refused" });
    },
    slow: async (c) => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return ++c.state.n;
    },
  },
});
/** Says what became of the bodies that it was sent. */
const box = actor({
  state: { log: [] as string[] },
  onRequest: async (c, request) => {
    c.state.log.push("begun");
    try {
      c.state.log.push(`all of it: ${await request.text()}`);
    } catch {
      c.state.log.push("broken off");
    }
    return new Response("thanks");
  },
  actions: { log: (c) => [...c.state.log] },
});
const use = { tally, box };
type Tally = Registry<typeof use>;

/** Runs `work` with a registry on a directory of its own, and shuts it down. */
async function withRegistry(
  work: (registry: Tally, dataDir: string) => Promise<void>,
  options: Partial<RegistryConfig<typeof use>> = {},
): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), "greenroom-ways-"));
  const registry = setup({
    use,
    dataDir,
    port: 0,
    noWelcome: true,
    logging: { level: "silent" },
    shutdown: { disableSignalHandlers: true },
    ...options,
  });
  try {
    await work(registry, dataDir);
  } finally {
    await registry.shutdown();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

const QUERY = "rvt-namespace=default&rvt-method=getOrCreate&rvt-runner=default&rvt-key=k";

function action(
  name: string,
  args: readonly unknown[] = [],
  init: RequestInit = {},
  type = "tally",
): Request {
  return new Request(`http://any/api/rivet/gateway/${type}/action/${name}?${QUERY}`, {
    method: "POST",
    headers: { "x-rivet-encoding": "json" },
    body: JSON.stringify({ args }),
    ...init,
  });
}

async function codeOf(response: Response): Promise<string> {
  const { group, code } = (await response.json()) as { group: string; code: string };
  return `${group}.${code}`;
}

test("the handler answers without anything being started, and beside a port of its own", async () => {
  await withRegistry(async (registry) => {
    const response = await registry.handler(action("add", [2]));
    assert.deepEqual(await response.json(), { output: 2 });
    assert.equal(await codeOf(await registry.handler(action("fail"))), "user.refused");
  });
  await withRegistry(async (registry) => {
    const { url } = await registry.start();
    const [first, second] = [await registry.handler(action("add", [1])), await fetch(`${url}/health`)];
    assert.deepEqual([await first.json(), second.status], [{ output: 1 }, 200]);
  });
});

test("requests at the same moment start one registry", async () => {
  await withRegistry(async (registry) => {
    const all = await Promise.all(Array.from({ length: 20 }, () => registry.handler(action("add", [1]))));
    assert.ok(all.every(({ status }) => status === 200));
    assert.equal(await registry.client().tally.getOrCreate("k").add(0), 20);
  });
});

test("what is no request is answered with an error", async () => {
  await withRegistry(async (registry) => {
    for (const wrong of [undefined, null, "http://x/", 5, {}, { url: "nowhere" }]) {
      const response = await registry.handler(wrong as never);
      assert.equal(response.status, 400);
      assert.equal(await codeOf(response), "request.invalid");
    }
    const streamed = action("add", [1], { body: "{" });
    assert.match(await codeOf(await registry.handler(streamed)), /^(request|encoding)\.invalid$/);
  });
});

test("answers without a body, and questions of browsers, come through", async () => {
  await withRegistry(async (registry) => {
    const head = await registry.handler(new Request("http://any/health", { method: "HEAD" }));
    assert.deepEqual([head.status, await head.text()], [200, ""]);
    const headers = { origin: "http://page", "access-control-request-method": "POST" };
    const preflight = await registry.handler(
      new Request("http://any/gateway/tally/action/add", { method: "OPTIONS", headers }),
    );
    assert.equal(preflight.status, 204);
    assert.equal(preflight.body, null);
    assert.ok(preflight.headers.get("access-control-allow-methods")?.includes("POST"));
    const wrong = await registry.handler(new Request("http://any/health", { method: "DELETE" }));
    assert.equal(wrong.status, 405);
  });
});

test("a request whose body breaks off is answered, and the handler goes on", async () => {
  await withRegistry(async (registry) => {
    const body = new ReadableStream({
      start: (controller) => {
        controller.enqueue(new TextEncoder().encode('{"args":'));
        controller.error(new Error("gone"));
      },
    });
    const init: RequestInit & { duplex: "half" } = { body, duplex: "half" };
    const response = await registry.handler(action("add", [], init));
    assert.ok(response.status >= 400);
    assert.deepEqual(await (await registry.handler(action("add", [1]))).json(), { output: 1 });
  });
});

test("an upload that breaks off is not taken for a complete one", async () => {
  await withRegistry(async (registry) => {
    const log = async (): Promise<readonly string[]> => {
      const response = await registry.handler(action("log", [], {}, "box"));
      return ((await response.json()) as { output: string[] }).output;
    };
    const lines = async (count: number): Promise<readonly string[]> => {
      for (;;) {
        const found = await log();
        if (found.length >= count) return found;
      }
    };
    for (let round = 0; round < 10; round++) {
      let fail: (error: Error) => void = () => {};
      const body = new ReadableStream({
        start: (controller) => {
          controller.enqueue(new TextEncoder().encode("half of"));
          fail = (error) => controller.error(error);
        },
      });
      const init: RequestInit & { duplex: "half" } = { method: "POST", body, duplex: "half" };
      const request = new Request(`http://any/gateway/box/request/?${QUERY}`, init);
      const answered = registry.handler(request);
      await lines(2 * round + 1);
      fail(new Error("gone"));
      assert.ok((await answered).status >= 400);
      assert.deepEqual((await lines(2 * round + 2)).slice(2 * round), ["begun", "broken off"]);
    }
  });
});

test("an aborted request is answered, whether before it was made or after", async () => {
  await withRegistry(async (registry) => {
    const aborted = await registry.handler(action("add", [1], { signal: AbortSignal.abort() }));
    assert.deepEqual([aborted.status, await codeOf(aborted)], [499, "actor.aborted"]);
    const controller = new AbortController();
    const slow = registry.handler(action("slow", [], { signal: controller.signal }));
    await registry.handler(action("add", [1]));
    controller.abort();
    assert.equal((await slow).status, 499);
  });
});

test("during and after a shutdown requests get an answer that says so", async () => {
  await withRegistry(async (registry) => {
    await registry.handler(action("add", [1]));
    const slow = registry.handler(action("slow"));
    // Answered after the slow one has begun.
    await registry.handler(action("add", [1]));
    const late = registry.handler(action("add", [1]));
    const stopped = registry.shutdown();
    const during = await registry.handler(action("add", [1]));
    assert.ok([200, 503].includes(during.status));
    assert.equal((await slow).status, 200);
    assert.ok([200, 503].includes((await late).status));
    await stopped;
    const after = await registry.handler(action("add", [1]));
    assert.deepEqual([after.status, await codeOf(after)], [503, "actor.restarting"]);
    await assert.rejects(registry.client().tally.getOrCreate("k").add(1), { code: "restarting" });
  });
  await withRegistry(async (registry) => {
    await registry.shutdown();
    const response = await registry.handler(action("add", [1]));
    assert.deepEqual([response.status, await codeOf(response)], [503, "guard.service_unavailable"]);
  });
});

test("a registry that cannot start says so to each request, and starts once it can", async () => {
  await withRegistry(async (registry, dataDir) => {
    const blocked = setup({
      use,
      dataDir: join(dataDir, "file"),
      noWelcome: true,
      shutdown: { disableSignalHandlers: true },
    });
    writeFileSync(join(dataDir, "file"), "not a directory");
    const response = await blocked.handler(action("add", [1]));
    assert.deepEqual([response.status, await codeOf(response)], [503, "guard.service_unavailable"]);
    rmSync(join(dataDir, "file"));
    assert.equal((await blocked.handler(action("add", [1]))).status, 200);
    await blocked.shutdown();
    await registry.shutdown();
  });
});

test("a registry runs in one way; asking for it again is fine, asking for another is an error", async () => {
  await withRegistry(async (registry) => {
    const first = registry.listen({ port: 0 });
    assert.equal(registry.listen({ port: 0 }), first);
    await assert.rejects(registry.listen({ port: 1 }), /runs already, by listen\(\{"port":0\}\)/);
    await assert.rejects(registry.start(), /start\(\) comes too late: the registry runs already/);
    assert.match((await first).url, /^http:\/\/127\.0\.0\.1:\d+$/);
  });
  await withRegistry(async (registry) => {
    await registry.handler(action("add", [1]));
    await assert.rejects(
      registry.start(),
      /without a port, since its handler or client was used; call start\(\) before/,
    );
  });
  await withRegistry(async (registry) => {
    assert.equal(registry.startAndWait(), registry.start());
    assert.equal(registry.startEnvoy(), registry.start());
    await registry.start();
  });
});

test("wrong listen options leave the registry as it was", async () => {
  await withRegistry(async (registry) => {
    await assert.rejects(registry.listen({ port: -1 }), /listen option 'port'/);
    await assert.rejects(registry.listen({ application: {} } as never), /mount `registry.handler` in it/);
    await registry.listen({ port: 0 });
  });
});

test("the trusted client does without onAuth, the handler does not", async () => {
  let asked = 0;
  await withRegistry(
    async (registry) => {
      assert.equal(await registry.client().tally.getOrCreate("k").add(1), 1);
      assert.equal(asked, 0);
      const response = await registry.handler(action("add", [1]));
      assert.equal(await codeOf(response), "user.who");
      assert.equal(asked, 1);
    },
    {
      onAuth: () => {
        asked++;
        throw new UserError("not you", { code: "who" });
      },
    },
  );
});
