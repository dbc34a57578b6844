import assert from "node:assert/strict";
import { resolve } from "node:path";
import { test } from "node:test";
import { createLogger } from "../../dist/log.js";
import { resolveRegistry } from "../../dist/registry/config.js";
import { StartPromise } from "../../dist/registry/start-promise.js";

const none = new Map();

test("options win over the environment, and both over the defaults", () => {
  const defaults = resolveRegistry({ use: {} }, none, {});
  assert.deepEqual(
    [defaults.port, defaults.host, defaults.dataDir, defaults.logLevel],
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
    [fromEnv.port, fromEnv.host, fromEnv.dataDir, fromEnv.logLevel, fromEnv.exposeErrors],
    [7000, "0.0.0.0", "/data", "debug", true],
  );
  const options = { use: {}, port: 0, host: "::1", dataDir: "x", logging: { level: "error" as const } };
  const fromOptions = resolveRegistry(options, none, env);
  assert.deepEqual(
    [fromOptions.port, fromOptions.host, fromOptions.dataDir, fromOptions.logLevel],
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
