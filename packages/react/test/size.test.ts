import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, type Plugin } from "esbuild";

/** What a page downloads for hooks and client together, besides React, minified and compressed, in bytes. */
const LIMIT = 15_000;
/** What of this are the hooks and the observers below them. */
const HOOKS_LIMIT = 3_000;

const folder = fileURLToPath(new URL("..", import.meta.url));

/** Bundlers make files of their own of what is imported dynamically. */
const split: Plugin = {
  name: "split",
  setup(hooks) {
    hooks.onResolve({ filter: /^\./ }, ({ kind, path }) =>
      kind === "dynamic-import" ? { path, external: true } : undefined,
    );
  },
};

/** The compressed size of what a page loads at once, and the modules in it. */
async function bundle(contents: string): Promise<{ size: number; inputs: string[] }> {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: folder },
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    define: { "process.env.NODE_ENV": '"production"' },
    external: ["react"],
    plugins: [split],
    absWorkingDir: folder,
    write: false,
    metafile: true,
  });
  const [file] = outputFiles;
  assert.ok(file);
  return { size: gzipSync(file.contents, { level: 9 }).length, inputs: Object.keys(metafile.inputs) };
}

const PAGE = 'export { createGreenroom } from "@greenroom/react";';

test(`a page downloads at most ${LIMIT} bytes for hooks and client, besides React`, async (t) => {
  const page = await bundle(PAGE);
  t.diagnostic(`${page.size} bytes compressed`);
  assert.ok(
    page.inputs.some((path) => path.endsWith("connection/connection.js")),
    "the client is in it",
  );
  assert.ok(page.size <= LIMIT, `${page.size} bytes, limit is ${LIMIT}`);
});

test(`of which at most ${HOOKS_LIMIT} are not the client's`, async (t) => {
  const [page, client] = await Promise.all([
    bundle(PAGE),
    bundle('export { createClient } from "@greenroom/client";'),
  ]);
  t.diagnostic(`${page.size - client.size} bytes compressed`);
  assert.ok(page.size - client.size <= HOOKS_LIMIT, `${page.size - client.size}, limit is ${HOOKS_LIMIT}`);
  assert.deepEqual(
    page.inputs.filter((path) => path.includes("node_modules/") && !path.includes("@greenroom/")),
    [],
    "no other packages",
  );
});
