import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { resolveConfig } from "../dist/config.js";
import { parseEndpoint } from "../dist/endpoint.js";

describe("endpoint", () => {
  const good: readonly [string, object][] = [
    ["http://localhost:6420", { url: "http://localhost:6420" }],
    ["https://a.test/", { url: "https://a.test" }],
    ["https://a.test//base///x/", { url: "https://a.test/base/x" }],
    ["http://ns@a.test", { url: "http://a.test", namespace: "ns" }],
    ["http://n%40s:t%3Ak@a.test:1/b", { url: "http://a.test:1/b", namespace: "n@s", token: "t:k" }],
    ["http://[::1]:80", { url: "http://[::1]" }],
  ];
  for (const [text, expected] of good) {
    test(`${text} is read`, () => assert.deepEqual(parseEndpoint(text), expected));
  }

  const bad: readonly [string, RegExp][] = [
    ["", /the endpoint `` is not an HTTP URL/],
    ["127.0.0.1:7002", /`127\.0\.0\.1:7002` is not an HTTP URL: try `http:\/\/127\.0\.0\.1:7002`/],
    ["localhost:6420", /`localhost:6420` is not an HTTP URL: try `http:\/\/localhost:6420`/],
    ["ws://a.test", /`ws:\/\/a\.test` is not an HTTP URL: try `http:\/\/a\.test`/],
    ["ns:secret@a.test:1?token=secret", /`a\.test:1` is not an HTTP URL: try `http:\/\/a\.test:1`/],
    ["http://a.test?x=1", /query string/],
    ["http://a.test/?", /query string/],
    ["http://a.test#x", /fragment/],
    ["http://:secret@a.test", /token but no namespace/],
    ["http://%ff@a.test", /namespace in the endpoint is not percent-encoded/],
  ];
  for (const [text, message] of bad) {
    test(`${text || "nothing"} is refused`, () => {
      assert.throws(
        () => parseEndpoint(text),
        (error: Error) => message.test(error.message) && !error.message.includes("secret"),
      );
    });
  }
});

describe("config", () => {
  const names = ["ENDPOINT", "NAMESPACE", "TOKEN", "POOL", "ENGINE"].flatMap((name) => [
    `GREENROOM_${name}`,
    `RIVET_${name}`,
  ]);
  const clear = (): void => {
    for (const name of names) delete process.env[name];
  };
  afterEach(clear);

  test("defaults", () => {
    clear();
    const config = resolveConfig(undefined);
    assert.equal(config.location.url, "http://localhost:6420");
    assert.deepEqual(
      [
        config.location.namespace,
        config.location.token,
        config.poolName,
        config.encoding,
        config.maxInputSize,
      ],
      ["default", undefined, "default", "bare", 4096],
    );
  });

  test("our environment variables come before those of RivetKit, options before both", () => {
    process.env.RIVET_ENDPOINT = "http://r.test";
    process.env.RIVET_TOKEN = "rt";
    process.env.RIVET_NAMESPACE = "rn";
    process.env.RIVET_POOL = "rp";
    const rivet = resolveConfig(undefined);
    assert.deepEqual(
      [rivet.location.url, rivet.location.token, rivet.location.namespace, rivet.poolName],
      ["http://r.test", "rt", "rn", "rp"],
    );
    process.env.GREENROOM_ENDPOINT = "http://en:et@g.test";
    process.env.GREENROOM_TOKEN = "gt";
    const ours = resolveConfig({});
    assert.deepEqual(
      [ours.location.url, ours.location.token, ours.location.namespace],
      ["http://g.test", "et", "en"],
    );
    const given = resolveConfig({ endpoint: "http://o.test", token: "ot" });
    assert.deepEqual(
      [given.location.url, given.location.token, given.location.namespace],
      ["http://o.test", "ot", "rn"],
    );
  });

  test("numbers that are none are refused, before any call is made", () => {
    for (const wrong of [Number.NaN, -1, Number.NEGATIVE_INFINITY]) {
      assert.throws(() => resolveConfig({ retryTimeout: wrong }), {
        name: "TypeError",
        message: `option \`retryTimeout\` is ${wrong}, not 0 or more`,
      });
      assert.throws(() => resolveConfig({ maxInputSize: wrong }), /`maxInputSize` is .*, not 0 or more/);
    }
    const ever = Number.POSITIVE_INFINITY;
    assert.equal(resolveConfig({ retryTimeout: ever }).retryTimeout, ever);
  });

  test("contradictions are refused", () => {
    assert.throws(() => resolveConfig({ endpoint: "http://a@h", namespace: "b" }), /namespace is given both/);
    assert.throws(() => resolveConfig({ endpoint: "http://a:t@h", token: "t" }), /token is given both/);
    assert.throws(() => resolveConfig({ encoding: "xml" as "json" }), /encoding is "xml"/);
  });
});
