import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { test } from "node:test";
import { setup } from "../../dist/index.js";
import { type BaseLogger, createLogger, makeLogger } from "../../dist/log.js";
import { belowBasePath } from "../../dist/registry/base-path.js";
import { resolveRegistry } from "../../dist/registry/config.js";
import { listenSettings } from "../../dist/registry/listen.js";
import { StartPromise } from "../../dist/registry/start-promise.js";

const none = new Map();

test("options win over the environment, and both over the defaults", () => {
  const defaults = resolveRegistry({ use: {} }, none, {});
  assert.deepEqual(
    [defaults.port, defaults.host, defaults.dataDir, defaults.log.level],
    [6420, "127.0.0.1", resolve(".greenroom"), "warn"],
  );
  const env = {
    GREENROOM_PORT: "7000",
    GREENROOM_HOST: "0.0.0.0",
    GREENROOM_DATA_DIR: "/data",
    RIVET_LOG_LEVEL: "DEBUG",
    RIVET_EXPOSE_ERRORS: "1",
  };
  const fromEnv = resolveRegistry({ use: {} }, none, env);
  assert.deepEqual(
    [fromEnv.port, fromEnv.host, fromEnv.dataDir, fromEnv.log.level, fromEnv.exposeErrors],
    [7000, "0.0.0.0", "/data", "debug", true],
  );
  const options = { use: {}, port: 0, host: "::1", dataDir: "x", logging: { level: "error" as const } };
  const fromOptions = resolveRegistry(options, none, env);
  assert.deepEqual(
    [fromOptions.port, fromOptions.host, fromOptions.dataDir, fromOptions.log.level],
    [0, "::1", resolve("x"), "error"],
  );
});

test("a server is in the region that it is told", () => {
  const resolved = (region: string | undefined, env = {}) =>
    resolveRegistry(region === undefined ? { use: {} } : { use: {}, region }, none, env).region;
  assert.equal(resolved(undefined), "default");
  assert.equal(resolved(undefined, { GREENROOM_REGION: "" }), "default");
  assert.equal(resolved(undefined, { GREENROOM_REGION: "eu-1" }), "eu-1");
  assert.equal(resolved("us_2.a", { GREENROOM_REGION: "eu-1" }), "us_2.a");
  for (const wrong of ["", " ", "a b", "ä", "x".repeat(65)]) {
    assert.throws(() => resolved(wrong), /setup option 'region' has to be/);
  }
  assert.throws(() => resolved(undefined, { GREENROOM_REGION: "a/b" }), /GREENROOM_REGION has to be/);
});

test("hosts and origins are taken as browsers write them, from options or the environment", () => {
  const hosts = (allowedHosts: readonly string[]) =>
    resolveRegistry({ use: {}, allowedHosts }, none, {}).allowedHosts;
  const origins = (allowedOrigins: readonly string[]) =>
    resolveRegistry({ use: {}, allowedOrigins }, none, {}).allowedOrigins;
  const unset = resolveRegistry({ use: {} }, none, {});
  assert.deepEqual([unset.allowedHosts, unset.allowedOrigins], [[], undefined]);
  assert.deepEqual(hosts(["Example.COM", ".example.com", "*", "bücher.de", "[::1]"]), [
    "example.com",
    ".example.com",
    "*",
    "xn--bcher-kva.de",
    "[::1]",
  ]);
  const given = [
    "https://Example.com:443/",
    "http://a.b:8080",
    "https://*.example.com",
    "null",
    "*",
    "tauri://x",
  ];
  assert.deepEqual(origins(given), [
    "https://example.com",
    "http://a.b:8080",
    "https://*.example.com",
    "null",
    "*",
    "tauri://x",
  ]);
  const env = { GREENROOM_ALLOWED_HOSTS: "a.b, .c", GREENROOM_ALLOWED_ORIGINS: "https://x.y" };
  const fromEnv = resolveRegistry({ use: {} }, none, env);
  assert.deepEqual([fromEnv.allowedHosts, fromEnv.allowedOrigins], [["a.b", ".c"], ["https://x.y"]]);
  for (const wrong of ["", " ", "a.b:80", "http://a.b", "a/b", "*.a.b", "a b", "user@a.b", "."]) {
    assert.throws(() => hosts([wrong]), /setup option 'allowedHosts' has `/, `host ${wrong}`);
  }
  for (const wrong of [
    "",
    "a.b",
    "https://a.b/c",
    "https://a.b?c",
    "https://u@a.b",
    "https://a*.b",
    "https://*",
    "data:x",
  ]) {
    assert.throws(() => origins([wrong]), /setup option 'allowedOrigins' has `/, `origin ${wrong}`);
  }
  const text = "a.b" as unknown as string[];
  assert.throws(() => hosts(text), /'allowedHosts' has to be a list/);
  assert.throws(
    () => resolveRegistry({ use: {} }, none, { GREENROOM_ALLOWED_HOSTS: "a,," }),
    /GREENROOM_ALLOWED_HOSTS/,
  );
});

test("what is watched has defaults, can be turned off, and is checked", () => {
  const resolved = (watch: Record<string, unknown> | undefined) =>
    resolveRegistry(watch === undefined ? { use: {} } : { use: {}, watch }, none, {}).watch;
  const defaults = { blockedAfter: 200, actorSize: 64 * 1024 * 1024 };
  assert.deepEqual(resolved(undefined), defaults);
  assert.deepEqual(resolved({}), defaults);
  assert.deepEqual(resolved({ blockedAfter: 50 }), { ...defaults, blockedAfter: 50 });
  const off = { blockedAfter: undefined, actorSize: undefined };
  assert.deepEqual(resolved({ blockedAfter: false, actorSize: false }), off);
  for (const wrong of [0, 19, -1, 1.5, Number.NaN, "200", true, null])
    assert.throws(() => resolved({ blockedAfter: wrong }), /setup option 'watch.blockedAfter' has to be/);
  for (const wrong of [0, -1, 1.5, "1"])
    assert.throws(() => resolved({ actorSize: wrong }), /setup option 'watch.actorSize' has to be/);
  assert.throws(() => resolved({ blocked: 1 }), /setup option 'watch.blocked' is unknown/);
});

test("wrong settings are named", () => {
  assert.throws(() => resolveRegistry({ use: {} }, none, { GREENROOM_PORT: "x" }), /GREENROOM_PORT/);
  assert.throws(() => resolveRegistry({ use: {}, port: 70_000 }, none, {}), /setup option 'port'/);
  assert.throws(
    () => resolveRegistry({ use: {} }, none, { GREENROOM_LOG_LEVEL: "loud" }),
    /GREENROOM_LOG_LEVEL/,
  );
  assert.throws(
    () => resolveRegistry({ use: {}, maxIncomingMessageSize: 0 }, none, {}),
    /maxIncomingMessageSize/,
  );
});

test("a token that no header could carry is refused, and not shown", () => {
  const given = (token: string) => resolveRegistry({ use: {}, token }, none, {}).token;
  assert.equal(given("t0k-en_=/+."), "t0k-en_=/+.");
  for (const wrong of ["", " s3cret", "s3cret\n", "s3crét"]) {
    assert.throws(
      () => given(wrong),
      (error) => error instanceof Error && /'token'/.test(error.message) && !error.message.includes("s3cr"),
    );
  }
  const fromEnv = (env: Record<string, string>) => resolveRegistry({ use: {} }, none, env).token;
  assert.equal(fromEnv({ GREENROOM_TOKEN: "g", RIVET_TOKEN: "r" }), "g");
  assert.equal(fromEnv({ GREENROOM_TOKEN: "", RIVET_TOKEN: "r" }), "r");
  assert.equal(fromEnv({}), undefined);
  assert.throws(() => fromEnv({ RIVET_TOKEN: "a b" }), /RIVET_TOKEN/);
});

test("limits have their defaults once they are asked for, and what makes no sense is named", () => {
  const resolved = (options: object) => resolveRegistry({ use: {}, ...options }, none, {});
  const { rateLimit, trustedProxies, onAuth, onAuthTimeout } = resolved({});
  assert.deepEqual([rateLimit, trustedProxies, onAuth, onAuthTimeout], [undefined, 0, undefined, 5_000]);
  assert.deepEqual(resolved({ rateLimit: {} }).rateLimit, {
    requestsPerMinute: 1_200,
    inFlight: 32,
    creationsPerMinute: 600,
    connections: 1_000,
  });
  assert.deepEqual(resolved({ rateLimit: { inFlight: 2 } }).rateLimit, {
    requestsPerMinute: 1_200,
    inFlight: 2,
    creationsPerMinute: 600,
    connections: 1_000,
  });
  const proxies = [false, true, 3].map((trustProxy) => resolved({ trustProxy }).trustedProxies);
  assert.deepEqual(proxies, [0, 1, 3]);
  for (const [options, name] of [
    [{ rateLimit: { requestsPerMinute: 0 } }, "rateLimit.requestsPerMinute"],
    [{ rateLimit: { requestsPerMinute: "many" } }, "rateLimit.requestsPerMinute"],
    [{ rateLimit: { inFlight: 1.5 } }, "rateLimit.inFlight"],
    [{ rateLimit: { creationsPerMinute: 0 } }, "rateLimit.creationsPerMinute"],
    [{ rateLimit: { connections: "all" } }, "rateLimit.connections"],
    [{ rateLimit: { perMinute: 5 } }, "rateLimit.perMinute"],
    [{ rateLimit: 5 }, "rateLimit"],
    [{ rateLimit: null }, "rateLimit"],
    [{ trustProxy: -1 }, "trustProxy"],
    [{ trustProxy: "10.0.0.1" }, "trustProxy"],
    [{ onAuthTimeout: 0 }, "onAuthTimeout"],
  ] as const) {
    assert.throws(() => resolved(options), new RegExp(`setup option '${name}'`));
  }
  assert.throws(() => setup({ use: {}, onAuth: {} as never }), /setup option 'onAuth' has to be a function/);
});

test("a start that fails is reported once nobody asks for it, and only then", async () => {
  const failure = new Error("no");
  const ignored = await new Promise((report) => new StartPromise(Promise.reject(failure), report));
  assert.equal(ignored, failure);
  const mustNotReport = (): never => assert.fail("somebody asked");
  await assert.rejects(async () => {
    await new StartPromise(Promise.reject(failure), mustNotReport);
  }, failure);
  const caught = await new StartPromise(Promise.reject(failure), mustNotReport).catch(
    (error: unknown) => error,
  );
  assert.equal(caught, failure);
  await assert.rejects(new StartPromise(Promise.reject(failure), mustNotReport).finally(), failure);
  assert.equal(await new StartPromise(Promise.resolve(1), mustNotReport), 1);
  await new Promise((resolve) => setImmediate(resolve));
});

test("log entries have level, text, fields and causes", () => {
  const lines: string[] = [];
  const log = createLogger("info", { actor: "room" }, (line) => lines.push(line));
  log.debug("not this");
  log.info({ msg: "paid", cents: 5, who: "ann b" });
  log.warn("text", { list: [1n] });
  log.error({ error: new Error("outer", { cause: new TypeError("inner") }) }, "failed");
  log.error(new Error("bare"));
  assert.equal(lines.length, 4);
  assert.match(lines[0] ?? "", /^\S+Z INFO {2}paid actor=room cents=5 who="ann b"$/);
  assert.match(lines[1] ?? "", /WARN {2}text actor=room list=\["1"\]/);
  assert.match(
    lines[2] ?? "",
    /ERROR failed actor=room error="Error: outer"\n {4}Error: outer[\s\S]*caused by TypeError: inner/,
  );
  assert.match(lines[3] ?? "", /error="Error: bare"/);
});

test("names of rivetkit are read where they mean the same, and ours come first", () => {
  const env = {
    RIVET_PORT: "9000",
    RIVETKIT_STORAGE_PATH: "/stored",
    RIVETKIT_PUBLIC_DIR: "/public",
    RIVET_NAMESPACE: "theirs",
    RIVET_LOG_TIMESTAMP: "0",
  };
  const theirs = resolveRegistry({ use: {} }, none, env);
  assert.deepEqual(
    [theirs.port, theirs.dataDir, theirs.staticDir, theirs.namespace, theirs.log.hasTimestamp],
    [6420, "/stored", "/public", "theirs", false],
  );
  assert.equal(listenSettings(theirs, { use: {} }, {}, env).port, 9000);
  const both = { ...env, GREENROOM_PORT: "1", GREENROOM_NAMESPACE: "ours", GREENROOM_LOG_TIMESTAMP: "true" };
  const ours = resolveRegistry({ use: {} }, none, both);
  assert.deepEqual([ours.port, ours.namespace, ours.log.hasTimestamp], [1, "ours", true]);
  assert.equal(listenSettings(ours, { use: {} }, {}, both).port, 1);
});

test("listening has the port of a web server, and options of its own", () => {
  const settings = resolveRegistry({ use: {} }, none, {});
  const listen = (options: object, config = {}, env = {}) =>
    listenSettings(settings, { use: {}, ...config }, options, env);
  assert.equal(listen({}).port, 3000);
  assert.equal(listen({}, { port: 5 }).port, 5);
  assert.equal(listen({}, { httpPort: 6 }).port, 6);
  const given = listen({ port: 7, host: "::", publicDir: "public" }, { port: 5 }, { RIVET_PORT: "8" });
  assert.deepEqual([given.port, given.host, given.staticDir], [7, "::", resolve("public")]);
  const wrong = [
    { port: 70_000 },
    { port: "1" },
    { host: "" },
    { publicDir: 3 },
    { prot: 1 },
    { application: {} },
  ];
  for (const options of wrong) assert.throws(() => listen(options), /listen option '/);
  assert.throws(() => listen({}, {}, { RIVET_PORT: "web" }), /RIVET_PORT/);
});

test("flags of the environment are 1 or 0", () => {
  const given = (text: string) =>
    resolveRegistry({ use: {} }, none, { RIVET_EXPOSE_ERRORS: text }).exposeErrors;
  assert.deepEqual(
    [given("1"), given("TRUE"), given("0"), given("false"), given("")],
    [true, true, false, false, false],
  );
  assert.throws(() => given("yes"), /RIVET_EXPOSE_ERRORS has to be 1 or 0, and is `yes`/);
});

test("options of rivetkit that mean nothing here are named, those that would do harm are refused", () => {
  const ignored = (options: object) => resolveRegistry({ use: {}, ...options }, none, {}).ignored;
  assert.deepEqual(
    ignored({ envoy: { version: 3 }, startEngine: false, runtime: "auto", serverless: { publicToken: "x" } }),
    ["envoy", "startEngine", "runtime", "serverless.publicToken"],
  );
  assert.deepEqual(ignored({ serverless: { basePath: "/x" }, engineHost: undefined }), []);
  for (const options of [
    { endpoint: "https://x" },
    { sqlite: "remote" },
    { wasm: {} },
    { runtime: "wasm" },
  ]) {
    assert.throws(() => setup({ use: {}, ...(options as object) }), /is not supported: /);
  }
  assert.throws(() => setup({ use: {}, ...({ prot: 1 } as object) }), /'prot' is unknown/);
});

test("a base path is a path", () => {
  const given = (options: object) => resolveRegistry({ use: {}, ...options }, none, {}).basePath;
  assert.deepEqual(
    [given({}), given({ basePath: "/a/b/" }), given({ basePath: "a" }), given({ basePath: "/" })],
    [undefined, "/a/b", "/a", ""],
  );
  assert.equal(given({ serverless: { basePath: "/api/rivet" } }), "/api/rivet");
  for (const basePath of ["/a?b", "/a b", 3]) assert.throws(() => given({ basePath }), /'basePath'/);
  assert.equal(belowBasePath("http://x/api/rivet/gateway/a?b=c", undefined), "/gateway/a?b=c");
  assert.equal(belowBasePath("http://x/api/rivets/a", undefined), "/api/rivets/a");
  assert.equal(belowBasePath("http://x/api/rivet", "/api/rivet"), "/");
  assert.equal(belowBasePath("http://x/api/rivets/a", "/api/rivet"), undefined);
  assert.equal(belowBasePath("http://x/a", ""), "/a");
});

test("a logger of the program's own takes all entries, with or without children", () => {
  const entries: unknown[] = [];
  const plain = (bound: object) =>
    Object.fromEntries(
      ["trace", "debug", "info", "warn", "error", "fatal"].map((level) => [
        level,
        (fields: object, message?: string) => entries.push([level, { ...bound, ...fields }, message]),
      ]),
    ) as unknown as BaseLogger;
  const pino = { ...plain({}), child: (bindings: object) => plain(bindings) } as BaseLogger;
  for (const base of [plain({}), pino]) {
    const { log } = resolveRegistry({ use: {}, logging: { baseLogger: base } }, none, {});
    assert.equal(log.level, "trace");
    const logger = makeLogger(log, { actor: "a" });
    logger.fatal("text", { n: 1 });
    logger.trace({ n: 2 });
    logger.error(new Error("x") as object, "failed");
    const [first, second, [level, fields, message]] = entries.splice(0) as [unknown, unknown, unknown[]];
    assert.deepEqual(
      [first, second],
      [
        ["fatal", { actor: "a", n: 1 }, "text"],
        ["trace", { actor: "a", n: 2 }, undefined],
      ],
    );
    assert.deepEqual([level, message, (fields as { err: Error }).err.message], ["error", "failed", "x"]);
  }
  const quiet = resolveRegistry({ use: {}, logging: { baseLogger: pino, level: "error" } }, none, {});
  makeLogger(quiet.log, {}).warn("unheard");
  assert.deepEqual(entries, []);
  const half = { info: () => {} } as unknown as BaseLogger;
  assert.throws(
    () => resolveRegistry({ use: {}, logging: { baseLogger: half } }, none, {}),
    /'logging.baseLogger' has to have a method 'trace'/,
  );
});

test("workers are a whole number of threads, one per core, or both with a module", () => {
  const workers = (option: unknown, env = {}) =>
    resolveRegistry({ use: {}, workers: option as number }, none, env).workers;
  const fromEnv = (text: string) => resolveRegistry({ use: {} }, none, { GREENROOM_WORKERS: text }).workers;
  const cores = Math.min(availableParallelism(), 256);
  assert.equal(resolveRegistry({ use: {} }, none, {}).workers, 1);
  assert.deepEqual([workers(3), workers("auto"), workers({ count: 256 })], [3, cores, 256]);
  assert.deepEqual([fromEnv("2"), fromEnv("auto"), fromEnv("")], [2, cores, 1]);
  assert.equal(workers(4, { GREENROOM_WORKERS: "2" }), 4);
  assert.equal(workers({ module: import.meta.url }, { GREENROOM_WORKERS: "2" }), 2);
  const refused = (run: () => unknown, message: RegExp) =>
    assert.throws(run, { code: "invalid_config", message });
  for (const wrong of [0, -1, 1.5, 257, 1e9, Number.NaN, "2", "x", null, true])
    refused(() => workers(wrong), /'workers' has to be a whole number from 1 to 256, and is .*`auto`/);
  for (const wrong of ["0", "-1", "1.5", "x", "257"])
    refused(() => fromEnv(wrong), /GREENROOM_WORKERS has to be a whole number from 1 to 256/);
  refused(() => workers({ count: 2, threads: 3 }), /'workers.threads' is unknown/);
  refused(() => workers({ count: 2, module: 5 }), /'workers.module' has to be a file URL/);
});
