import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/**
 * What a page downloads for `createClient`, minified and compressed, in bytes. It is 17,398 with the zlib of Node 20;
 * other versions of zlib differ by some dozens.
 */
const LIMIT = 17_500;

test(`a page downloads at most ${LIMIT} bytes of this package`, async (t) => {
  const { outputFiles, metafile } = await build({
    stdin: {
      contents: 'export { createClient } from "@greenroom/client";',
      resolveDir: fileURLToPath(new URL("..", import.meta.url)),
    },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    write: false,
    metafile: true,
  });
  const bundle = outputFiles[0];
  assert.ok(bundle && bundle.contents.length > 20_000, "the bundle holds the client");
  const size = gzipSync(bundle.contents, { level: 9 }).length;
  const output = Object.values(metafile.outputs)[0];
  const largest = Object.entries(output?.inputs ?? {})
    .map(([path, { bytesInOutput }]) => `${bytesInOutput} ${path}`)
    .sort((a, b) => Number.parseInt(b, 10) - Number.parseInt(a, 10));
  t.diagnostic(`${size} bytes compressed, ${bundle.contents.length} minified`);
  assert.ok(size <= LIMIT, `${size} bytes, limit is ${LIMIT}; minified, by file:\n${largest.join("\n")}`);
  // Nothing that only Node has, and nothing of other packages.
  assert.deepEqual(output?.imports, []);
  assert.ok(largest.every((line) => !line.includes("node_modules/ws")));
});
